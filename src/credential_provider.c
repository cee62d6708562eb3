/*-------------------------------------------------------------------------
 *
 * credential_provider.c
 *		Gets credentials, keeps them, and renews them in time.
 *
 * A user's own keys come first; without them it is the database server's own
 * sources, as far as a superuser has allowed these; and a role can be assumed
 * on top of either (contract, section 5).  What is got so is kept for as long
 * as the session lives, and got again before it expires, or when the service
 * says that it has, or when a file that it comes from has changed.
 *
 * The times are botocore's: from 15 minutes before the end on somebody renews
 * them, and whoever fails goes on with the old ones, as long as they live.
 * All calls of the session wait for the one refresh.  It is made while they
 * wait, and is given up when nobody is left who does.
 *
 * What may not live here: the calls (credential_refresh.c), sources
 * (credential_plan.c), options (fdw_options.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <time.h>

#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "aws_endpoint.h"
#include "credential_plan.h"
#include "credential_provider.h"
#include "credential_refresh.h"
#include "http.h"
#include "shared_memory.h"
#include "uri.h"

/* Seconds before the end from which on they are renewed */
#define ADVISORY_WINDOW	 (15 * 60)
#define MANDATORY_WINDOW (10 * 60)

/* Seconds until the next try after one that has failed, in these windows */
#define ADVISORY_PAUSE	60
#define MANDATORY_PAUSE 10

/*
 * What has just been given out serves for so many seconds whatever it says of
 * its end: our clock may be wrong, and only the service can tell.
 */
#define LEAST_LIFE 60

/*
 * An instance whose metadata service can't renew credentials goes on giving
 * out the old ones, and the services go on taking them for a while.  So they
 * serve for 15 minutes, and up to 10 more so that not all machines ask at once.
 */
#define INSTANCE_LIFE		 (15 * 60)
#define INSTANCE_LEAST_DELAY (2 * 60)
#define INSTANCE_MOST_DELAY	 (10 * 60)

#define MAX_SESSION_NAME 64		/* characters, in STS's model */
#define NO_TIME			 PG_INT64_MAX

struct CredentialProvider
{
	CredentialSupply supply;
	MemoryContext context;		/* holds this struct and all it points to, but
								 * for what is of one refresh */
	MemoryContext plan_context; /* holds that */
	CredentialUser user;
	char	   *server_name;	/* for messages; the server may be gone */
	CredentialOptions options;
	AppConfigSettings settings;
	RefreshSetting setting;
	ApiClient  *signed_client;	/* of others' calls to STS: a refresh gets on
								 * in the midst of these */

	SharedCredentials *current; /* NULL for none */
	bool		expired;		/* has the service said so of them? */
	int64		expires_at;		/* seconds since 1970, AWS's; 0 for never */
	int64		lives_until;	/* the same, as far as we use them */
	int64		renew_at;		/* when a refresh is due; or NO_TIME */
	bool		has_failed;		/* the last refresh */
	const char *source;
	char	   *detail;			/* or NULL */
	char	   *identity;		/* whose the current ones are, as far as can
								 * be told; NULL before there are any */

	CredentialPlan plan;		/* of the last refresh; count 0 before */
	ServiceEndpoint sts;		/* that it uses */
	StringInfoData tried;		/* what was looked at for it */
	CredentialRefresh *refresh; /* NULL if none is under way */
	bool		is_advancing;	/* true for good if an error has ended that */
};

/* ------------------------------------------------------------------------
 * Times
 * ------------------------------------------------------------------------
 */

/* Seconds since 1970 on AWS's clock, as far as it is known */
static int64
aws_now(const CredentialProvider *provider)
{
	long		offset = appconfig_api_clock_offset(provider->setting.sts_client);

	/* whoever has asked STS has learned it */
	if (offset == 0)
		offset = appconfig_api_clock_offset(provider->signed_client);
	return (int64) time(NULL) + offset;
}

static bool
is_alive(const CredentialProvider *provider)
{
	return provider->current != NULL && !provider->expired &&
		aws_now(provider) < provider->lives_until;
}

static bool
is_refresh_due(const CredentialProvider *provider)
{
	return !is_alive(provider) || aws_now(provider) >= provider->renew_at;
}

/* Between so many seconds, at random */
static int64
random_between(int64 least, int64 most)
{
	uint32		bits = 0;

	(void) pg_strong_random(&bits, sizeof(bits));
	return least + bits % (most - least + 1);
}

/*
 * New credentials have come: how long do they live, and when are they renewed?
 */
static void
set_times(CredentialProvider *provider, int64 expires_at, bool of_instance)
{
	int64		now = aws_now(provider);

	provider->expires_at = expires_at;
	if (expires_at == 0)
	{
		provider->lives_until = provider->renew_at = NO_TIME;
		return;
	}
	provider->lives_until = Max(expires_at, now + LEAST_LIFE);
	if (of_instance && expires_at < now + INSTANCE_LIFE)
		provider->lives_until = now + INSTANCE_LIFE +
			random_between(INSTANCE_LEAST_DELAY, INSTANCE_MOST_DELAY);
	/* those that are near their end already are renewed by a later statement */
	provider->renew_at = Max(provider->lives_until - ADVISORY_WINDOW,
							 now + LEAST_LIFE);
}

/* A refresh has come to nothing, but the old ones are good */
static void
renew_later(CredentialProvider *provider)
{
	int64		now = aws_now(provider);

	provider->renew_at = now +
		(provider->lives_until - now > MANDATORY_WINDOW ? ADVISORY_PAUSE
		 : MANDATORY_PAUSE);
	provider->has_failed = true;
}

/* One has failed, and that is all that is said of it */
static void
put_off(CredentialProvider *provider, const char *reason)
{
	int64		left = provider->lives_until - aws_now(provider);

	renew_later(provider);
	ereport(LOG,
			(errmsg("could not renew AWS credentials of foreign server \"%s\"",
					provider->server_name),
			 errdetail("%s", reason),
			 errhint("The old ones are used for another " INT64_FORMAT " seconds at most.",
					 left),
			 errhidestmt(true), errhidecontext(true)));
}

/* ------------------------------------------------------------------------
 * Plans
 * ------------------------------------------------------------------------
 */

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

/* The base is the user mapping's own */
static void
plan_own_keys(CredentialProvider *provider)
{
	CredentialPlan *plan = &provider->plan;
	CredentialStep *step = &plan->steps[0];

	plan->source = "user mapping";
	step->kind = CREDENTIAL_KEYS;
	step->keys = appconfig_credentials_copy(&provider->options.keys);
	plan->count = 1;
}

pg_noreturn static void
raise_broken(const CredentialPlan *plan, StringInfo tried)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("could not get AWS credentials: %s", plan->message),
			 tried->len > 0 ? errdetail_internal("%s", tried->data) : 0,
			 plan->hint != NULL ? errhint("%s", plan->hint) : 0));
}

/* The reason is that of the metadata service of an instance, or NULL */
pg_noreturn static void
raise_none(const CredentialProvider *provider, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("no AWS credentials for user \"%s\" on server \"%s\"",
					GetUserNameFromId(provider->user.userid, true),
					provider->server_name),
			 errdetail_internal("%s%s%s", provider->tried.data,
								reason != NULL && provider->tried.len > 0 ? "; " : "",
								reason != NULL ? psprintf("instance: %s", reason) : ""),
			 errhint("Configure one of the sources that ambient_credentials allows, or give the user keys with CREATE USER MAPPING.")));
}

/* The base is one of the database server's own sources */
static void
plan_ambient(CredentialProvider *provider)
{
	CredentialPlanRequest request = {
		.sources = provider->options.ambient,
		.profile_name = provider->options.profile
	};

	switch (appconfig_credential_plan_make(&request, &provider->plan,
										   &provider->tried))
	{
		case CREDENTIAL_PLAN_MADE:
			break;
		case CREDENTIAL_PLAN_NONE:
			raise_none(provider, NULL);
			break;
		case CREDENTIAL_PLAN_BROKEN:
			raise_broken(&provider->plan, &provider->tried);
			break;
	}
}

/* The role of the options is assumed on top of everything else */
static void
plan_role(CredentialProvider *provider)
{
	CredentialPlan *plan = &provider->plan;
	CredentialStep *step;

	if (provider->options.role_arn == NULL)
		return;
	if (plan->count == CREDENTIAL_MAX_STEPS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("could not get AWS credentials: the chain of roles is too long")));
	step = &plan->steps[plan->count++];
	step->kind = CREDENTIAL_ROLE;
	step->role_arn = pstrdup(provider->options.role_arn);
	step->external_id = copy_text(provider->options.external_id);
	step->role_session_name = copy_text(provider->options.role_session_name);
	step->duration = CREDENTIAL_ROLE_DURATION;
}

/* Is STS needed for the plan? */
static bool
asks_sts(const CredentialPlan *plan)
{
	int			i;

	for (i = 0; i < plan->count; i++)
	{
		if (plan->steps[i].role_arn != NULL)
			return true;
	}
	return false;
}

/*
 * Where STS answers.  What the environment or a profile says of it counts for
 * those who assume a role by the database server's own sources, but is nothing
 * to reach this host by, unless the server's endpoint is here as well.
 */
static void
find_sts(CredentialProvider *provider)
{
	const CredentialPlan *plan = &provider->plan;
	const CredentialOptions *options = &provider->options;
	const AppConfigSettings *settings = &provider->settings;
	const char *url = plan->sts_endpoint;
	const char *reason;

	provider->sts = settings->sts;
	if (options->sts_is_given || options->ambient == 0 || !asks_sts(plan))
		return;
	if (url == NULL)
		url = appconfig_endpoint_base_url("sts", settings->region,
										  options->use_fips || plan->use_fips,
										  options->use_dualstack || plan->use_dualstack);
	if (!appconfig_service_endpoint_set(&provider->sts, AWS_STS,
										settings->region, url, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("could not get AWS credentials: the endpoint of STS that the database server's AWS configuration names cannot be used"),
				 errdetail("%s", reason)));
	if (provider->sts.policy == ADDRESS_LOOPBACK &&
		settings->endpoint.policy != ADDRESS_LOOPBACK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("could not get AWS credentials: the endpoint of STS that the database server's AWS configuration names is on this host"),
				 errhint("Set sts_endpoint of the foreign server if that is meant.")));
}

static void
forget_plan(CredentialProvider *provider)
{
	appconfig_credential_plan_wipe(&provider->plan);
	memset(&provider->plan, 0, sizeof(provider->plan));
	MemoryContextReset(provider->plan_context);
	initStringInfo(&provider->tried);
}

static void
make_plan(CredentialProvider *provider)
{
	forget_plan(provider);
	if (provider->options.keys.access_key_id != NULL)
		plan_own_keys(provider);
	else
		plan_ambient(provider);
	plan_role(provider);
	find_sts(provider);
}

/* ------------------------------------------------------------------------
 * Refreshes
 * ------------------------------------------------------------------------
 */

/* "profile reports, role arn:…", palloc'd, or NULL */
static char *
describe_plan(const CredentialProvider *provider)
{
	const CredentialPlan *plan = &provider->plan;
	const char *instance_role = appconfig_refresh_role(provider->refresh);
	StringInfoData detail;
	int			i;

	initStringInfo(&detail);
	if (strcmp(plan->source, "profile") == 0)
		appendStringInfo(&detail, "profile %s", plan->profile);
	if (instance_role != NULL)
		appendStringInfo(&detail, "%srole %s", detail.len > 0 ? ", " : "",
						 instance_role);
	for (i = 0; i < plan->count; i++)
	{
		if (plan->steps[i].role_arn != NULL)
			appendStringInfo(&detail, "%srole %s", detail.len > 0 ? ", " : "",
							 plan->steps[i].role_arn);
	}
	return detail.len > 0 ? detail.data : NULL;
}

/*
 * Whose the credentials are, palloc'd.  Where that can't be told it is rather
 * another one once too often: temporary keys of a role change, but not who has
 * them.
 */
static char *
identify(const CredentialProvider *provider, const char *detail)
{
	const char *told = appconfig_refresh_identity(provider->refresh);
	const char *key = provider->plan.steps[0].keys.access_key_id;

	return psprintf("%s, %s, %s, %s", provider->plan.source,
					detail != NULL ? detail : "", key != NULL ? key : "",
					told != NULL ? told : "");
}

/* Copies a text in place of another; both may be NULL */
static void
set_text(char **text, const char *new)
{
	char	   *old = *text;

	*text = copy_text(new);
	if (old != NULL)
		pfree(old);
}

/* What was read as another identity is not to be served to this one */
static void
set_identity(CredentialProvider *provider, const char *identity)
{
	if (provider->identity != NULL &&
		strcmp(provider->identity, identity) != 0)
		provider->user.forget(provider->user.arg);
	set_text(&provider->identity, identity);
}

/*
 * The same for shared memory.  Whoever has a key's id and not its secret is
 * somebody else; and the same keys are nobody that another endpoint knows.
 */
static SharedIdentity
identify_shared(const CredentialProvider *provider, const char *identity)
{
	const AwsCredentials *base = &provider->plan.steps[0].keys;
	const char *parts[] = {
		provider->settings.endpoint.base_url, provider->settings.region,
		identity, base->secret_access_key, base->session_token
	};
	SharedIdentity shared;

	(void) appconfig_shared_memory_identify(&shared, parts, lengthof(parts));
	return shared;
}

/*
 * Can the last step's credentials be told by what is known beforehand?  A
 * container may not say whose its are.  An instance's role is one of the
 * account that the machine is in; but what answers in place of the metadata
 * service may be asked for one account today and for another tomorrow.
 */
static bool
is_certain(const CredentialProvider *provider)
{
	const CredentialPlan *plan = &provider->plan;
	const CredentialStep *last = &plan->steps[plan->count - 1];

	switch (last->kind)
	{
		case CREDENTIAL_CONTAINER:
			return appconfig_refresh_identity(provider->refresh) != NULL;
		case CREDENTIAL_INSTANCE:
			return appconfig_credential_source_is_own_instance(last);
		default:
			return true;
	}
}

/* The name by which a role's session is known to policies, or NULL */
static const char *
session_name(const CredentialProvider *provider, const CredentialStep *step)
{
	if (step->role_arn == NULL)
		return NULL;
	return step->role_session_name != NULL ? step->role_session_name
		: provider->setting.role_session_name;
}

/* Makes the identity that of what is behind it, by a step */
static void
identify_step(const CredentialProvider *provider, const CredentialStep *step,
			  SharedIdentity *identity)
{
	char		before[SHARED_IDENTITY_TEXT];
	char		kind[12];
	const char *parts[] = {
		before, kind, step->keys.access_key_id, step->keys.secret_access_key,
		step->keys.session_token, step->role_arn, step->external_id,
		session_name(provider, step), step->url
	};

	/* nobody stays nobody */
	if (!appconfig_shared_memory_is_identified(identity))
		return;
	appconfig_shared_memory_write_identity(identity, before);
	snprintf(kind, sizeof(kind), "%d", (int) step->kind);
	(void) appconfig_shared_memory_identify(identity, parts, lengthof(parts));
}

/*
 * Whose documents are read, for what sessions share of these.  All that may
 * make a difference to the service's answers or to who vouches for them is in
 * it, so that they are rather shared by too few.  Temporary keys are not, as
 * long as it is certain whose they are.
 */
static void
identify_documents(const CredentialProvider *provider,
				   const SharedIdentity *signer, SharedIdentity *identity)
{
	const AppConfigSettings *settings = &provider->settings;
	char		signer_text[SHARED_IDENTITY_TEXT];
	const char *parts[] = {
		signer_text, settings->ca_bundle,
		settings->proxy != NULL ? settings->proxy->url : NULL,
		settings->proxy != NULL ? settings->proxy->user : NULL,
		asks_sts(&provider->plan) ? provider->sts.base_url : NULL,
		is_certain(provider) ? NULL : provider->current->keys.access_key_id
	};
	int			i;

	*identity = *signer;
	if (!appconfig_shared_memory_is_identified(signer))
		return;
	appconfig_shared_memory_write_identity(signer, signer_text);
	(void) appconfig_shared_memory_identify(identity, parts, lengthof(parts));
	for (i = 0; i < provider->plan.count; i++)
		identify_step(provider, &provider->plan.steps[i], identity);
}

/* The refresh is done: its credentials are the current ones */
static void
adopt(CredentialProvider *provider)
{
	const char *detail = describe_plan(provider);
	const char *identity = identify(provider, detail);
	SharedIdentity shared = identify_shared(provider, identity);
	const CredentialPlan *plan = &provider->plan;
	SharedIdentity documents;
	MemoryContext old = MemoryContextSwitchTo(provider->context);
	int64		expires_at;
	SharedCredentials *keys = appconfig_refresh_take(provider->refresh,
													 &expires_at);

	appconfig_credentials_let_go(provider->current);
	provider->current = keys;
	keys->identity = shared;
	provider->expired = false;
	provider->has_failed = false;
	provider->source = plan->source;
	set_text(&provider->detail, detail);
	set_identity(provider, identity);
	identify_documents(provider, &shared, &documents);
	provider->user.identify(provider->user.arg, &documents);
	set_times(provider, expires_at,
			  plan->steps[plan->count - 1].kind == CREDENTIAL_INSTANCE);
	appconfig_refresh_end(provider->refresh);
	provider->refresh = NULL;
	MemoryContextSwitchTo(old);
}

/*
 * Is it the instance, asked because there was nothing else, that has failed?
 * A shortage of ours is no word of it.
 */
static bool
has_last_resort_failed(const CredentialProvider *provider)
{
	return strcmp(provider->plan.source, "instance") == 0 &&
		appconfig_refresh_step_kind(provider->refresh) == CREDENTIAL_INSTANCE &&
		!appconfig_refresh_ran_short(provider->refresh);
}

/* It has failed: that is an error unless the old credentials are good */
static void
give_up(CredentialProvider *provider)
{
	CredentialRefresh *refresh = provider->refresh;
	char	   *reason = appconfig_refresh_describe_failure(refresh);

	if (is_alive(provider))
	{
		appconfig_refresh_end(refresh);
		provider->refresh = NULL;
		put_off(provider, reason);
	}
	else if (has_last_resort_failed(provider))
		raise_none(provider, reason);
	else
		appconfig_refresh_raise(refresh);
}

/*
 * Gets on with the refresh, which is begun if there is none.  After an error
 * is_advancing is left set, and the next one begins anew.
 */
static void
advance(CredentialProvider *provider)
{
	MemoryContext old = MemoryContextSwitchTo(provider->plan_context);
	RefreshState state;

	if (provider->is_advancing)
		appconfig_provider_abandon(provider);
	provider->is_advancing = true;
	if (provider->refresh == NULL)
	{
		make_plan(provider);
		provider->refresh = appconfig_refresh_begin(&provider->setting,
													&provider->plan,
													&provider->sts);
	}
	state = appconfig_refresh_advance(provider->refresh);
	if (state == REFRESH_DONE)
		adopt(provider);
	else if (state == REFRESH_FAILED)
		give_up(provider);
	provider->is_advancing = false;
	MemoryContextSwitchTo(old);
}

static CredentialProvider *
provider_of(CredentialSupply *supply)
{
	return (CredentialProvider *) supply;
}

static SharedCredentials *
obtain(CredentialSupply *supply)
{
	CredentialProvider *provider = provider_of(supply);

	if (provider->refresh != NULL || is_refresh_due(provider))
		advance(provider);
	return provider->refresh == NULL ? provider->current : NULL;
}

static void
ask_for_times(CredentialSupply *supply)
{
	CredentialProvider *provider = provider_of(supply);

	if (provider->refresh != NULL && !provider->is_advancing)
		appconfig_refresh_ask_for_times(provider->refresh);
	else
		appconfig_http_wake(0);
}

static bool
replace(CredentialSupply *supply, const SharedCredentials *expired)
{
	CredentialProvider *provider = provider_of(supply);

	/* there is nothing else to be had */
	if (supply->is_mapping)
		return false;
	if (expired == provider->current)
		provider->expired = true;
	return true;
}

/* ------------------------------------------------------------------------
 * Providers
 * ------------------------------------------------------------------------
 */

/*
 * What CloudTrail shows of whoever assumes a role, where nothing else is
 * said: the PostgreSQL role, as far as STS takes its characters
 */
static char *
make_session_name(Oid userid)
{
	const char *role = GetUserNameFromId(userid, true);
	char	   *name = psprintf("appconfig_fdw-%.*s",
								MAX_SESSION_NAME - (int) strlen("appconfig_fdw-"),
								role != NULL ? role : "");
	char	   *c;

	for (c = name; *c != '\0'; c++)
	{
		if (!isalnum((unsigned char) *c) && strchr("_+=,.@-", *c) == NULL)
			*c = '_';
	}
	return name;
}

static void
copy_endpoint(ServiceEndpoint *endpoint, const char *region)
{
	endpoint->region = region;
	endpoint->base_url = pstrdup(endpoint->base_url);
	endpoint->host = pstrdup(endpoint->host);
	endpoint->path_prefix = pstrdup(endpoint->path_prefix);
}

static void
copy_settings(CredentialProvider *provider, const AppConfigSettings *settings)
{
	AppConfigSettings *copy = &provider->settings;

	*copy = *settings;
	copy->region = pstrdup(settings->region);
	copy->ca_bundle = copy_text(settings->ca_bundle);
	copy->proxy = appconfig_uri_copy_proxy(settings->proxy);
	copy_endpoint(&copy->endpoint, copy->region);
	copy_endpoint(&copy->sts, copy->region);
	/* what paces calls to AppConfig is not STS's */
	copy->max_get_rate = 0;
	copy->max_list_rate = 0;
}

static void
copy_options(CredentialProvider *provider, const CredentialOptions *options)
{
	CredentialOptions *copy = &provider->options;

	*copy = *options;
	memset(&copy->keys, 0, sizeof(copy->keys));
	copy->profile = copy_text(options->profile);
	copy->role_arn = copy_text(options->role_arn);
	copy->external_id = copy_text(options->external_id);
	copy->role_session_name = copy_text(options->role_session_name);
	copy->keys = appconfig_credentials_copy(&options->keys);
}

/*
 * A provider in the current context, which has copies of everything.  Nothing
 * is asked for before somebody needs it.
 */
CredentialProvider *
appconfig_provider_create(const CredentialUser *user,
						  const CredentialOptions *options,
						  const AppConfigSettings *settings)
{
	CredentialProvider *provider = palloc0(sizeof(CredentialProvider));

	provider->context = CurrentMemoryContext;
	provider->user = *user;
	provider->server_name = pstrdup(GetForeignServer(user->serverid)->servername);
	provider->supply.obtain = obtain;
	provider->supply.ask_for_times = ask_for_times;
	provider->supply.replace = replace;
	provider->supply.is_mapping = options->keys.access_key_id != NULL &&
		options->role_arn == NULL;
	provider->plan_context = AllocSetContextCreate(provider->context,
												   "appconfig_fdw credential plan",
												   ALLOCSET_SMALL_SIZES);
	copy_settings(provider, settings);
	provider->setting.serverid = user->serverid;
	provider->setting.settings = &provider->settings;
	provider->setting.sts_client = appconfig_api_client_create(&provider->settings);
	provider->setting.endpoint_client = appconfig_api_client_create(&provider->settings);
	provider->setting.role_session_name = make_session_name(user->userid);
	provider->signed_client = appconfig_api_client_create(&provider->settings);
	/* last, as nobody would overwrite them after an error */
	copy_options(provider, options);
	return provider;
}

/* Nobody may use it any more.  Raises no error. */
void
appconfig_provider_destroy(CredentialProvider *provider)
{
	appconfig_provider_abandon(provider);
	appconfig_credentials_let_go(provider->current);
	appconfig_credentials_wipe(&provider->options.keys);
	if (provider->settings.proxy != NULL)
		appconfig_uri_free_proxy(provider->settings.proxy);
	appconfig_credential_plan_wipe(&provider->plan);
	appconfig_api_client_destroy(provider->setting.sts_client);
	appconfig_api_client_destroy(provider->setting.endpoint_client);
	appconfig_api_client_destroy(provider->signed_client);
	pfree(provider);
}

/* What signs the calls */
CredentialSupply *
appconfig_provider_supply(CredentialProvider *provider)
{
	return &provider->supply;
}

/*
 * A statement begins: files that have changed count from now on, and
 * credentials that are near their end are renewed.
 */
void
appconfig_provider_join(CredentialProvider *provider)
{
	static const SharedIdentity nobody;

	if (provider->plan.count > 0 &&
		!appconfig_credential_plan_is_current(&provider->plan))
	{
		appconfig_provider_abandon(provider);
		provider->expired = true;
		/* nobody knows yet whose they will be, and copies may be served first */
		provider->user.forget(provider->user.arg);
		provider->user.identify(provider->user.arg, &nobody);
	}
	else if (provider->expires_at != 0 && !provider->has_failed)
		provider->renew_at = Min(provider->renew_at,
								 provider->lives_until - ADVISORY_WINDOW);
}

/*
 * Nobody waits any longer: a refresh is ended.  Statements that are cancelled
 * while it hangs must not all be, as long as the old credentials are good.
 * Raises no error.
 */
void
appconfig_provider_abandon(CredentialProvider *provider)
{
	CredentialRefresh *refresh = provider->refresh;

	provider->refresh = NULL;
	provider->is_advancing = false;
	if (refresh != NULL && is_alive(provider))
		renew_later(provider);
	appconfig_refresh_end(refresh);
}

/*
 * Waits until there are credentials, or raises the error why there are none.
 * Interrupts happen in here.
 */
void
appconfig_provider_wait(CredentialProvider *provider)
{
	while (obtain(&provider->supply) == NULL)
	{
		appconfig_http_open();
		ask_for_times(&provider->supply);
		appconfig_http_wait(WAIT_FOR_CREDENTIALS);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Whose the credentials are that it has had last, as far as can be told: a
 * text to compare.  The provider's; NULL before there were any.
 */
const char *
appconfig_provider_identity(const CredentialProvider *provider)
{
	return provider->identity;
}

/*
 * Who calls STS with the credentials, once there are some.  The calls end with
 * the context.
 */
void
appconfig_provider_fill_sts_owner(CredentialProvider *provider,
								  MemoryContext context, ApiOwner *owner)
{
	owner->serverid = provider->user.serverid;
	owner->client = provider->signed_client;
	owner->settings = &provider->settings;
	owner->endpoint = &provider->sts;
	owner->supply = &provider->supply;
	owner->context = context;
}

/* What can be told of the credentials that it has */
void
appconfig_provider_describe(const CredentialProvider *provider,
							CredentialDescription *description)
{
	description->source = provider->source;
	description->detail = provider->detail;
	description->expires_at = provider->expires_at;
}
