/*-------------------------------------------------------------------------
 *
 * credential_refresh.c
 *		The calls by which credentials are got.
 *
 * A plan is a base, keys or whoever gives some out, and the roles that are
 * assumed on top of it, one after the other.  Each step is a call, or three
 * where the metadata service of an instance is asked; they are made as calls
 * to AppConfig are, and are waited for with these.  Wire facts:
 * appconfig-read-api.md, sections 5.2 and 8.
 *
 * A failure is kept until somebody asks for it: it need not be an error while
 * older credentials are good.
 *
 * What may not live here: where the plan comes from (credential_plan.c), what
 * an answer says (credential_answer.c), when it is time (credential_provider.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "credential_answer.h"
#include "credential_refresh.h"
#include "host_file.h"
#include "uri.h"

#define TOKEN_PATH		 "/latest/api/token"
#define CREDENTIALS_PATH "/latest/meta-data/iam/security-credentials/"
#define TOKEN_TTL_HEADER "X-aws-ec2-metadata-token-ttl-seconds: 21600"
#define TOKEN_HEADER	 "X-aws-ec2-metadata-token: "

#define AUTHORIZATION_HEADER "Authorization: "

/* Limits of the model of STS, and of what is read of the others */
#define MIN_IDENTITY_LENGTH 4
#define MAX_IDENTITY_LENGTH 20000
#define MAX_TOKEN_LENGTH	4096
#define MAX_ROLE_LENGTH		128
#define MAX_ANSWER_SIZE		(256 * 1024)

#define TOKEN_FIELD_LENGTH 64	/* characters of its name, and more */

/* A shorter path of a container's endpoint names no task */
#define MIN_SECRET_PATH 16

/* As the SDKs have them for a container, milliseconds and tries */
#define CONTAINER_TIMEOUT  2000
#define CONTAINER_ATTEMPTS 3

/*
 * Tries of one question to an instance that is answered with a 5xx.  What is
 * not answered at all is asked once, for most machines have no such service.
 */
#define INSTANCE_TRIES 3

/* What an instance is asked next */
typedef enum InstancePhase
{
	PHASE_TOKEN,
	PHASE_ROLE,
	PHASE_CREDENTIALS
} InstancePhase;

struct CredentialRefresh
{
	CredentialSupply base;		/* signs the calls that assume a role */
	MemoryContext context;		/* holds this struct and all it points to */
	MemoryContextCallback callback;
	const RefreshSetting *setting;
	const CredentialPlan *plan;
	int			step;			/* the one that is at work */
	ServiceEndpoint sts;
	ServiceEndpoint endpoint;	/* of a container, or an instance */
	AppConfigSettings settings; /* for calls to these */
	ApiOwner	owner;			/* of the call */
	ApiCall    *call;			/* NULL between two */
	JsonValue  *document;		/* its answer */
	ApiCounters counters;		/* of no scan */

	SharedCredentials *keys;	/* so far */
	int64		expires_at;

	InstancePhase phase;
	int			tries;			/* of its question */
	char	   *token;			/* of the metadata service */
	char	   *role;			/* of the instance */
	bool		role_is_new;	/* has it just told its name? */

	char	   *identity;		/* what a container has said of it, or NULL */
	const char *failure;		/* of what is not a call; NULL so far */
	const char *failure_hint;	/* or NULL */
};

/* ------------------------------------------------------------------------
 * Calls
 * ------------------------------------------------------------------------
 */

static const CredentialStep *
current_step(const CredentialRefresh *refresh)
{
	return &refresh->plan->steps[refresh->step];
}

static void
fail(CredentialRefresh *refresh, const char *failure, const char *hint)
{
	refresh->failure = failure;
	refresh->failure_hint = hint;
}

/* Calls STS; what is not signed with keys is not signed at all */
static void
call_sts(CredentialRefresh *refresh, const char *operation,
		 StringInfo form, const char *secret)
{
	ApiRequest	request = {
		.operation = operation, .method = HTTP_POST, .path = "/", .query = "",
		.body = form->data, .content_type = STS_FORM_TYPE, .secret = secret,
		.is_text = true
	};

	refresh->owner.client = refresh->setting->sts_client;
	refresh->owner.settings = refresh->setting->settings;
	refresh->owner.endpoint = &refresh->sts;
	refresh->owner.supply = secret == NULL ? &refresh->base : NULL;
	refresh->call = appconfig_api_start(&refresh->owner, &request,
										&refresh->counters);
	/* the call has a copy, and overwrites it */
	explicit_bzero(form->data, form->len);
}

/* Asks a container's endpoint, or an instance's */
static void
call_endpoint(CredentialRefresh *refresh, const ApiRequest *request)
{
	refresh->owner.client = refresh->setting->endpoint_client;
	refresh->owner.settings = &refresh->settings;
	refresh->owner.endpoint = &refresh->endpoint;
	refresh->owner.supply = NULL;
	refresh->call = appconfig_api_start(&refresh->owner, request,
										&refresh->counters);
}

/*
 * The same with a header that is a secret.  psprintf() could leave a part of it
 * behind.
 */
static void
call_with_secret(CredentialRefresh *refresh, ApiRequest *request,
				 const char *header, const char *secret)
{
	size_t		size = strlen(header) + strlen(secret) + 1;
	char	   *line = palloc(size);

	snprintf(line, size, "%s%s", header, secret);
	request->header = line;
	request->secret = secret;
	call_endpoint(refresh, request);
	explicit_bzero(line, size);
}

/* A base URL without a path, for whoever is asked without TLS mostly */
static void
set_endpoint(CredentialRefresh *refresh, AwsService service, const char *url)
{
	const char *host = strstr(url, "://") + strlen("://");
	size_t		host_length = strcspn(host, "/?");
	ServiceEndpoint *endpoint = &refresh->endpoint;

	endpoint->service = service;
	endpoint->region = NULL;
	endpoint->base_url = pnstrdup(url, host - url + host_length);
	endpoint->host = pnstrdup(host, host_length);
	endpoint->path_prefix = "";
	endpoint->policy = strncmp(url, "https:", strlen("https:")) == 0
		? ADDRESS_ANY : ADDRESS_METADATA;
}

static void
set_limits(CredentialRefresh *refresh, int timeout, int attempts)
{
	refresh->settings = *refresh->setting->settings;
	/* it is on this machine, or next to it */
	refresh->settings.proxy = NULL;
	refresh->settings.connect_timeout = timeout;
	refresh->settings.request_timeout = timeout;
	refresh->settings.max_attempts = attempts;
	refresh->settings.max_response_size = MAX_ANSWER_SIZE;
}

/* Can it be a token or a name of so many characters? */
static bool
is_text(const char *text, size_t least, size_t most)
{
	size_t		length = strlen(text);

	return length >= least && length <= most &&
		appconfig_credentials_text_is_valid(text);
}

/* Ends the text at the last character that is no blank */
static void
cut_blanks(char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
		text[--length] = '\0';
}

/* The text of a file, which is a secret, or NULL: then the step has failed */
static char *
read_secret(CredentialRefresh *refresh, const char *path)
{
	const char *reason;
	size_t		length;
	char	   *text = appconfig_host_file_read(path, MAX_IDENTITY_LENGTH + 2,
												&length, &reason);

	if (text == NULL)
		fail(refresh, psprintf("The token file \"%s\" cannot be read: %s.", path, reason),
			 "Check the file, and that the database server's operating system user may read it.");
	else if (strlen(text) != length)
	{
		explicit_bzero(text, length);
		text = NULL;
		fail(refresh, psprintf("The token file \"%s\" has no token in it.", path),
			 "A token is a line of visible characters, as an identity provider issues it.");
	}
	else
		cut_blanks(text);
	return text;
}

/* ------------------------------------------------------------------------
 * Steps: each is begun by one function, and taken further by its answer
 * ------------------------------------------------------------------------
 */

static void
append_field(StringInfo form, const char *name, const char *value)
{
	appendStringInfo(form, "&%s=", name);
	appconfig_uri_append_query_value(form, value);
}

/* What the two operations that assume a role have in common */
static void
begin_form(CredentialRefresh *refresh, const char *operation, StringInfo form)
{
	const CredentialStep *step = current_step(refresh);

	initStringInfo(form);
	appendStringInfo(form, "Action=%s&Version=" STS_VERSION, operation);
	append_field(form, "RoleArn", step->role_arn);
	append_field(form, "RoleSessionName",
				 step->role_session_name != NULL ? step->role_session_name
				 : refresh->setting->role_session_name);
	appendStringInfo(form, "&DurationSeconds=%d", step->duration);
}

static void
assume_role(CredentialRefresh *refresh)
{
	const CredentialStep *step = current_step(refresh);
	StringInfoData form;

	begin_form(refresh, "AssumeRole", &form);
	if (step->external_id != NULL)
		append_field(&form, "ExternalId", step->external_id);
	call_sts(refresh, "AssumeRole", &form, NULL);
}

/*
 * The token is read each time: who issues it replaces it long before its end
 */
static void
assume_role_with_web_identity(CredentialRefresh *refresh)
{
	char	   *token = read_secret(refresh, current_step(refresh)->token_file);
	StringInfoData form;

	if (token == NULL)
		return;
	if (!is_text(token, MIN_IDENTITY_LENGTH, MAX_IDENTITY_LENGTH))
		fail(refresh, psprintf("The token file \"%s\" has no token in it.",
							   current_step(refresh)->token_file),
			 "A token is a line of visible characters, as an identity provider issues it.");
	else
	{
		begin_form(refresh, "AssumeRoleWithWebIdentity", &form);
		/* percent-encoded at most; as it grows it would leave copies */
		enlargeStringInfo(&form, 3 * (int) strlen(token) + TOKEN_FIELD_LENGTH);
		append_field(&form, "WebIdentityToken", token);
		call_sts(refresh, "AssumeRoleWithWebIdentity", &form, token);
	}
	explicit_bzero(token, strlen(token));
}

/*
 * The path tells which task it is, and so is as good as a secret for messages;
 * what is in the environment of the process need not be overwritten.
 */
static void
ask_container(CredentialRefresh *refresh)
{
	const CredentialStep *step = current_step(refresh);
	const char *host = strstr(step->url, "://") + strlen("://");
	const char *path = host + strcspn(host, "/?");
	size_t		path_length = strcspn(path, "?");
	char	   *authorization = step->authorization;
	ApiRequest	request = {
		.operation = "ContainerCredentials", .method = HTTP_GET,
		.path = path_length > 0 ? pnstrdup(path, path_length) : "/",
		.query = path[path_length] == '?' ? path + path_length + 1 : "",
		.shown = "/...", .is_text = true,
		.secret_target = strlen(path) < MIN_SECRET_PATH ? NULL : path
	};

	if (step->token_file != NULL)
		authorization = read_secret(refresh, step->token_file);
	if (refresh->failure != NULL)
		return;
	set_endpoint(refresh, AWS_CONTAINER, step->url);
	set_limits(refresh, CONTAINER_TIMEOUT, CONTAINER_ATTEMPTS);
	if (authorization == NULL)
		call_endpoint(refresh, &request);
	else if (appconfig_credentials_header_is_valid(authorization))
		call_with_secret(refresh, &request, AUTHORIZATION_HEADER, authorization);
	else
		fail(refresh, "The container's authorization token is not a line of ASCII.",
			 "Check AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE in the environment of the database server.");
	if (step->token_file != NULL)
		explicit_bzero(authorization, strlen(authorization));
}

/* Only the second version of the service is asked: it wants a token first */
static void
ask_instance(CredentialRefresh *refresh)
{
	const CredentialStep *step = current_step(refresh);
	ApiRequest	request = {.query = "", .method = HTTP_GET, .is_text = true};

	set_endpoint(refresh, AWS_INSTANCE, step->url);
	refresh->endpoint.path_prefix = pstrdup(step->url + strlen(refresh->endpoint.base_url));
	refresh->endpoint.base_url = step->url;
	set_limits(refresh, step->timeout, step->attempts);
	switch (refresh->phase)
	{
		case PHASE_TOKEN:
			request.operation = "MetadataToken";
			request.method = HTTP_PUT;
			request.path = TOKEN_PATH;
			request.header = TOKEN_TTL_HEADER;
			break;
		case PHASE_ROLE:
			request.operation = "MetadataRole";
			request.path = CREDENTIALS_PATH;
			break;
		case PHASE_CREDENTIALS:
			request.operation = "MetadataCredentials";
			request.path = psprintf(CREDENTIALS_PATH "%s", refresh->role);
			break;
	}
	if (refresh->phase == PHASE_TOKEN)
		call_endpoint(refresh, &request);
	else
		call_with_secret(refresh, &request, TOKEN_HEADER, refresh->token);
}

/* A copy, since the plan's keys can be asked for again */
static void
use_keys(CredentialRefresh *refresh)
{
	const CredentialStep *step = current_step(refresh);
	AwsCredentials keys = appconfig_credentials_copy(&step->keys);

	refresh->keys = appconfig_credentials_share(&keys);
	refresh->expires_at = step->expires_at;
	refresh->step++;
}

static void
begin_step(CredentialRefresh *refresh)
{
	switch (current_step(refresh)->kind)
	{
		case CREDENTIAL_KEYS:
			use_keys(refresh);
			break;
		case CREDENTIAL_WEB_IDENTITY:
			assume_role_with_web_identity(refresh);
			break;
		case CREDENTIAL_CONTAINER:
			ask_container(refresh);
			break;
		case CREDENTIAL_INSTANCE:
			ask_instance(refresh);
			break;
		case CREDENTIAL_ROLE:
			assume_role(refresh);
			break;
	}
}

/* ------------------------------------------------------------------------
 * Answers
 * ------------------------------------------------------------------------
 */

static void
end_call(CredentialRefresh *refresh)
{
	appconfig_api_release(refresh->call);
	refresh->call = NULL;
	appconfig_json_release(refresh->document);
	refresh->document = NULL;
}

/* The answer has keys: the next step goes on with them */
static void
take_keys(CredentialRefresh *refresh)
{
	static const char *const operations[] = {
		[CREDENTIAL_WEB_IDENTITY] = "AssumeRoleWithWebIdentity",
		[CREDENTIAL_ROLE] = "AssumeRole",
	};
	CredentialStepKind kind = current_step(refresh)->kind;
	AnswerBody	body = {.malformed = NULL};
	CredentialAnswer answer;
	const char *reason;
	size_t		length;

	body.text = appconfig_api_text(refresh->call, &length);
	refresh->document = appconfig_json_parse_secret(body.text, length, &body.malformed);
	body.document = refresh->document;
	if (kind == CREDENTIAL_CONTAINER || kind == CREDENTIAL_INSTANCE)
		reason = appconfig_credential_answer_read_endpoint(&body, &answer);
	else
		reason = appconfig_credential_answer_read_sts(&body, operations[kind],
													  &answer);
	if (reason != NULL)
	{
		appconfig_api_spoil(refresh->call, reason);
		return;
	}
	appconfig_credentials_let_go(refresh->keys);
	refresh->keys = appconfig_credentials_share(&answer.keys);
	refresh->expires_at = answer.expires_at;
	if (answer.identity != NULL)
		refresh->identity = answer.identity;
	refresh->step++;
	end_call(refresh);
}

/* The first line of the answer, which is a name or a token */
static char *
take_line(CredentialRefresh *refresh)
{
	size_t		length;
	const char *text = appconfig_api_text(refresh->call, &length);
	char	   *line = pnstrdup(text, strcspn(text, "\r\n"));

	cut_blanks(line);
	return line;
}

static void
take_instance_answer(CredentialRefresh *refresh)
{
	switch (refresh->phase)
	{
		case PHASE_TOKEN:
			refresh->token = take_line(refresh);
			if (!is_text(refresh->token, 1, MAX_TOKEN_LENGTH))
			{
				appconfig_api_spoil(refresh->call, "it is no token");
				return;
			}
			if (current_step(refresh)->role_name != NULL)
				refresh->role = pstrdup(current_step(refresh)->role_name);
			refresh->phase = refresh->role != NULL ? PHASE_CREDENTIALS : PHASE_ROLE;
			end_call(refresh);
			break;
		case PHASE_ROLE:
			refresh->role = take_line(refresh);
			if (!is_text(refresh->role, 1, MAX_ROLE_LENGTH) ||
				strpbrk(refresh->role, "/?#%\\<>\"") != NULL ||
				!appconfig_uri_segment_is_safe(refresh->role))
			{
				appconfig_api_spoil(refresh->call, "it is not the name of a role");
				return;
			}
			refresh->phase = PHASE_CREDENTIALS;
			end_call(refresh);
			break;
		case PHASE_CREDENTIALS:
			take_keys(refresh);
			break;
	}
	refresh->tries = 0;
}

/* An instance is asked again where that can help */
static bool
can_ask_again(CredentialRefresh *refresh)
{
	int			status = appconfig_api_error(refresh->call)->status;

	if (current_step(refresh)->kind != CREDENTIAL_INSTANCE)
		return false;
	if (status >= 500 && ++refresh->tries < INSTANCE_TRIES)
		return true;
	/* the role may have got another name since it told it */
	if (refresh->phase == PHASE_CREDENTIALS && status == 404 &&
		!refresh->role_is_new && current_step(refresh)->role_name == NULL)
	{
		refresh->role_is_new = true;
		refresh->phase = PHASE_ROLE;
		return true;
	}
	return false;
}

static void
take_answer(CredentialRefresh *refresh)
{
	if (appconfig_api_error(refresh->call) == NULL)
	{
		if (current_step(refresh)->kind == CREDENTIAL_INSTANCE)
			take_instance_answer(refresh);
		else
			take_keys(refresh);
	}
	else if (can_ask_again(refresh))
		end_call(refresh);
}

static bool
has_failed(const CredentialRefresh *refresh)
{
	return refresh->failure != NULL ||
		(refresh->call != NULL && appconfig_api_error(refresh->call) != NULL);
}

/*
 * Gets on as far as it can without waiting.  May raise an error, and is good
 * for nothing but its end then.
 */
RefreshState
appconfig_refresh_advance(CredentialRefresh *refresh)
{
	MemoryContext old = MemoryContextSwitchTo(refresh->context);
	RefreshState state = REFRESH_UNDER_WAY;

	while (state == REFRESH_UNDER_WAY)
	{
		if (refresh->call != NULL)
		{
			appconfig_api_poll(refresh->owner.client);
			if (!appconfig_api_is_done(refresh->call))
				break;
			take_answer(refresh);
		}
		else if (refresh->step < refresh->plan->count)
			begin_step(refresh);
		else
			state = REFRESH_DONE;
		if (has_failed(refresh))
			state = REFRESH_FAILED;
	}
	MemoryContextSwitchTo(old);
	return state;
}

/* Lets who waits wake when it can get on */
void
appconfig_refresh_ask_for_times(CredentialRefresh *refresh)
{
	if (refresh->call != NULL)
		appconfig_api_ask_for_times(refresh->owner.client);
}

/* ------------------------------------------------------------------------
 * Begin and end
 * ------------------------------------------------------------------------
 */

/* The keys of the steps before sign the call of a step */
static SharedCredentials *
obtain_base(CredentialSupply *supply)
{
	return ((CredentialRefresh *) supply)->keys;
}

static void
ask_base_for_times(CredentialSupply *supply pg_attribute_unused())
{
	appconfig_http_wake(0);
}

static bool
replace_base(CredentialSupply *supply pg_attribute_unused(),
			 const SharedCredentials *expired pg_attribute_unused())
{
	return false;
}

/* Overwrites what is secret */
static void
wipe_refresh(void *arg)
{
	CredentialRefresh *refresh = arg;

	appconfig_json_release(refresh->document);
	appconfig_credentials_let_go(refresh->keys);
	if (refresh->token != NULL)
		explicit_bzero(refresh->token, strlen(refresh->token));
}

/*
 * A refresh in a context of its own in the current one.  Setting, plan and
 * endpoint of STS must outlive it.
 */
CredentialRefresh *
appconfig_refresh_begin(const RefreshSetting *setting,
						const CredentialPlan *plan, const ServiceEndpoint *sts)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "appconfig_fdw credentials",
												  ALLOCSET_SMALL_SIZES);
	CredentialRefresh *refresh = MemoryContextAllocZero(context, sizeof(CredentialRefresh));

	refresh->context = context;
	refresh->base.obtain = obtain_base;
	refresh->base.ask_for_times = ask_base_for_times;
	refresh->base.replace = replace_base;
	refresh->setting = setting;
	refresh->plan = plan;
	refresh->sts = *sts;
	refresh->owner.serverid = setting->serverid;
	refresh->owner.context = context;
	refresh->callback.func = wipe_refresh;
	refresh->callback.arg = refresh;
	MemoryContextRegisterResetCallback(context, &refresh->callback);
	return refresh;
}

/*
 * What a refresh that is done has got: a reference that becomes the caller's,
 * in the current context.
 */
SharedCredentials *
appconfig_refresh_take(CredentialRefresh *refresh, int64 *expires_at)
{
	AwsCredentials keys = appconfig_credentials_copy(&refresh->keys->keys);

	*expires_at = refresh->expires_at;
	return appconfig_credentials_share(&keys);
}

/* What a container has said of whose its credentials are, or NULL */
const char *
appconfig_refresh_identity(const CredentialRefresh *refresh)
{
	return refresh->identity;
}

/* Which step is at work, of a refresh that is not done */
CredentialStepKind
appconfig_refresh_step_kind(const CredentialRefresh *refresh)
{
	return current_step(refresh)->kind;
}

/* The name of the instance's role, the refresh's; NULL if it was not asked */
const char *
appconfig_refresh_role(const CredentialRefresh *refresh)
{
	return refresh->role;
}

/* Has it failed for want of memory or descriptors? */
bool
appconfig_refresh_ran_short(const CredentialRefresh *refresh)
{
	int			sqlstate;

	if (refresh->call == NULL || appconfig_api_error(refresh->call) == NULL)
		return false;
	sqlstate = appconfig_api_error(refresh->call)->sqlstate;
	return sqlstate == ERRCODE_OUT_OF_MEMORY ||
		sqlstate == ERRCODE_INSUFFICIENT_RESOURCES;
}

/* Why it has failed, in a sentence, palloc'd */
char *
appconfig_refresh_describe_failure(const CredentialRefresh *refresh)
{
	return refresh->failure != NULL ? pstrdup(refresh->failure)
		: appconfig_api_describe_failure(refresh->call);
}

/* Raises the error of a refresh that has failed */
void
appconfig_refresh_raise(const CredentialRefresh *refresh)
{
	if (refresh->failure == NULL)
		appconfig_api_raise(refresh->call);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("could not get AWS credentials"),
			 errdetail_internal("%s", refresh->failure),
			 refresh->failure_hint != NULL
			 ? errhint("%s", refresh->failure_hint) : 0));
}

/* Ends it, wherever it is.  Raises no error.  NULL is none. */
void
appconfig_refresh_end(CredentialRefresh *refresh)
{
	if (refresh != NULL)
		MemoryContextDelete(refresh->context);
}
