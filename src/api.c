/*-------------------------------------------------------------------------
 *
 * api.c
 *		Calls of the service: signed, retried, parsed.
 *
 * A call is one request with as many attempts as it takes: each is signed
 * anew, and between two of them the call waits, together with everything else
 * that the backend waits for.  Calls make progress only while somebody polls
 * their client, and a failed one raises its error only when its owner asks
 * for the document, so that errors come in the order of the rows.
 *
 * What may not live here: URLs of particular operations (request.c), what a
 * failure means (aws_error.c), the arithmetic of retries (retry.c), whose turn
 * it is (limiter.c), tables and rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "api.h"
#include "aws_error.h"
#include "aws_sigv4.h"
#include "budget.h"
#include "call_log.h"
#include "clock.h"
#include "http.h"
#include "limiter.h"
#include "retry.h"

#define TOKEN_HEADER	  "X-Amz-Security-Token: "
#define INVOCATION_ID_LEN 36	/* characters of a UUID */
#define MAX_HEADERS		  10

/* Whose turn it is can change with what other sessions do meanwhile */
#define TURN_HOLDS (CLOCK_SECOND / 2)

struct ApiClient
{
	RetryBucket bucket;
	Limiter		limiters[CALL_KINDS];	/* by CallKind */
	long		clock_offset;	/* seconds that AWS is ahead of us */
	dlist_head	calls;			/* of all owners */
};

typedef enum CallState
{
	CALL_WAITING,				/* for start_at, or what else CallNeed says */
	CALL_IN_FLIGHT,
	CALL_DONE,					/* document is the answer, NULL: not found */
	CALL_FAILED					/* error tells why */
} CallState;

/* What a call that waits has lacked when it was looked at last */
typedef enum CallNeed
{
	NEEDS_NOTHING,				/* it has not been looked at since */
	NEEDS_CREDENTIALS,
	NEEDS_TURN
} CallNeed;

struct ApiCall
{
	dlist_node	node;			/* in the client's calls, unless done */
	MemoryContext context;		/* holds this struct and all it points to */
	MemoryContextCallback callback;
	const ApiOwner *owner;
	ApiCounters *counters;		/* of the scan that asked first */
	ApiCounters *totals;		/* of the server's operation */
	const char *operation;
	HttpMethod	method;
	char	   *path;			/* with the endpoint's prefix, as signed */
	char	   *query;
	char	   *body;			/* NULL for none */
	const char *content_type;
	char	   *header;			/* NULL for none */
	const char *shown;
	bool		is_text;
	bool		names_something;
	ApiMember	members[API_MAX_MEMBERS + 1];
	CallKind	kind;
	CallBudget *budget;			/* that pays for the attempts; NULL if none
								 * does */
	bool		is_open;		/* does the budget count it as such? */
	bool		held_back;		/* has failed as that has nothing left */
	CallState	state;
	CallNeed	need;
	int64		turn_at;		/* where that is NEEDS_TURN */
	int			attempts;		/* started so far */
	int			throttles;		/* of these */
	bool		is_throttled;	/* was the last one? */
	int64		throttled_from; /* on appconfig_http_waited() */
	int			bucket_cost;	/* retry tokens that the last retry took */
	SharedCredentials *credentials; /* of the last attempt, or what else no
									 * message may show; NULL for none */
	bool		credentials_replaced;
	bool		clock_corrected;
	long		clock_offset;	/* the client's when the attempt was signed */
	int64		waiting_since;	/* on appconfig_clock_now() */
	int64		start_at;		/* on the same clock */
	int64		sent_at;		/* the last attempt, too */
	char		invocation_id[INVOCATION_ID_LEN + 1];
	HttpTransfer *transfer;
	JsonValue  *document;
	char	   *text;			/* the answer, if it is one */
	size_t		text_length;	/* bytes */
	AwsError   *error;
};

/* By AwsService: its name in signatures; NULL: not one of AWS's interfaces */
static const char *const signing_names[] = {
	[AWS_APPCONFIG] = "appconfig",
	[AWS_STS] = "sts",
	[AWS_CONTAINER] = NULL,
	[AWS_INSTANCE] = NULL,
};

/* ------------------------------------------------------------------------
 * Sessions
 * ------------------------------------------------------------------------
 */

/* A client for calls under these settings, in the current context */
ApiClient *
appconfig_api_client_create(const AppConfigSettings *settings)
{
	ApiClient  *client = palloc0(sizeof(ApiClient));

	dlist_init(&client->calls);
	appconfig_retry_fill(&client->bucket);
	appconfig_limiter_init(&client->limiters[CALL_GET], CALL_GET,
						   settings->max_get_rate);
	appconfig_limiter_init(&client->limiters[CALL_LIST], CALL_LIST,
						   settings->max_list_rate);
	return client;
}

/* No call will be started for a while.  Raises no error. */
void
appconfig_api_client_rest(ApiClient *client)
{
	int			kind;

	for (kind = 0; kind < CALL_KINDS; kind++)
		appconfig_limiter_rest(&client->limiters[kind]);
}

/* There must be no owner left.  Raises no error. */
void
appconfig_api_client_destroy(ApiClient *client)
{
	Assert(dlist_is_empty(&client->calls));
	appconfig_api_client_rest(client);
	pfree(client);
}

/* ------------------------------------------------------------------------
 * Attempts
 * ------------------------------------------------------------------------
 */

/* Whose turn it is among the calls of this one's kind */
static Limiter *
limiter_of(const ApiCall *call)
{
	return &call->owner->client->limiters[call->kind];
}

/* Something between 0 and 1, not 1 itself */
static double
random_fraction(void)
{
	uint32		bits;

	if (!pg_strong_random(&bits, sizeof(bits)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate random values")));
	return bits / 4294967296.0;
}

/*
 * An id that stays the same over all attempts of a call, as the SDKs send it
 */
static void
make_invocation_id(char *id)
{
	uint8		b[16];

	if (!pg_strong_random(b, sizeof(b)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate random values")));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(id, INVOCATION_ID_LEN + 1,
			 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10],
			 b[11], b[12], b[13], b[14], b[15]);
}

/*
 * The header that has the session token, in a piece of memory that
 * wipe_headers() finds again: psprintf() would leave another one behind.
 */
static char *
token_header(const char *token)
{
	size_t		size = strlen(TOKEN_HEADER) + strlen(token) + 1;
	char	   *header = palloc(size);

	snprintf(header, size, TOKEN_HEADER "%s", token);
	return header;
}

static size_t
body_length(const ApiCall *call)
{
	return call->body != NULL ? strlen(call->body) : 0;
}

/*
 * What no message may show.  Where nothing is signed, what else is secret of
 * the request stands in the place of a token.
 */
static const AwsCredentials *
secrets_of(const ApiCall *call)
{
	static const AwsCredentials nothing;

	return call->credentials != NULL ? &call->credentials->keys : &nothing;
}

/* Adds the headers that a signature takes, and returns how many there are */
static int
sign_attempt(const ApiCall *call, const char **headers)
{
	const ApiOwner *owner = call->owner;
	const AwsCredentials *credentials = secrets_of(call);
	AwsSigv4Header signed_header = {"Host", owner->endpoint->host};
	AwsSigv4Request request = {
		.method = appconfig_http_method_name(call->method), .path = call->path,
		.query = call->query, .headers = &signed_header, .nheaders = 1,
		.payload = call->body, .payload_len = body_length(call)
	};
	AwsSigv4Scope scope = {
		.time = time(NULL) + owner->client->clock_offset,
		.region = owner->endpoint->region,
		.service = signing_names[owner->endpoint->service]
	};
	AwsSigv4Result signature;
	int			n = 0;

	if (!appconfig_sigv4_sign(&request, &scope, credentials, &signature))
		ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
						errmsg("could not sign a request to AWS"),
						errdetail("OpenSSL refuses SHA-256.")));
	headers[n++] = psprintf("X-Amz-Date: %s", signature.amz_date);
	headers[n++] = psprintf("Authorization: %s", signature.authorization);
	if (credentials->session_token != NULL)
		headers[n++] = token_header(credentials->session_token);
	return n;
}

/* The headers of one attempt, ended by NULL, in the current context */
static const char **
make_headers(const ApiCall *call)
{
	const ApiOwner *owner = call->owner;
	const char **headers = palloc0(sizeof(char *) * (MAX_HEADERS + 1));
	int			n = 0;

	headers[n++] = psprintf("Host: %s", owner->endpoint->host);
	if (owner->supply != NULL)
		n += sign_attempt(call, headers + n);
	if (call->header != NULL)
		headers[n++] = call->header;
	if (call->body != NULL)
		headers[n++] = psprintf("Content-Type: %s", call->content_type);
	headers[n++] = "Accept: application/json";
	headers[n++] = "User-Agent: appconfig_fdw/" APPCONFIG_FDW_VERSION;
	if (signing_names[owner->endpoint->service] != NULL)
	{
		headers[n++] = psprintf("amz-sdk-invocation-id: %s", call->invocation_id);
		headers[n++] = psprintf("amz-sdk-request: attempt=%d; max=%d",
								call->attempts + 1,
								Max(call->attempts + 1, owner->settings->max_attempts));
	}
	return headers;
}

/* A session token is a secret, and http.c has its own copy now */
static void
wipe_headers(const char *const *headers)
{
	for (; *headers != NULL; headers++)
	{
		if (strncmp(*headers, TOKEN_HEADER, strlen(TOKEN_HEADER)) == 0)
			explicit_bzero(unconstify(char *, *headers), strlen(*headers));
	}
}

/* Overwrites a text that may be a secret, unless it is NULL */
static void
wipe_text(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
}

static void
start_attempt(ApiCall *call)
{
	const AppConfigSettings *settings = call->owner->settings;
	const ServiceEndpoint *endpoint = call->owner->endpoint;
	MemoryContext scratch =
	AllocSetContextCreate(CurrentMemoryContext, "appconfig_fdw request",
						  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	HttpRequest request = {
		.method = call->method,
		.policy = endpoint->policy,
		.body = call->body,
		.body_length = body_length(call),
		.url =
		psprintf("%.*s%s%s%s",
				 (int) (strlen(endpoint->base_url) - strlen(endpoint->path_prefix)),
				 endpoint->base_url, call->path,
				 call->query[0] != '\0' ? "?" : "", call->query),
		.headers = make_headers(call),
		.proxy = settings->proxy,
		.ca_bundle = settings->ca_bundle,
		.secret_answer = call->is_text,
		.connect_timeout = settings->connect_timeout,
		.request_timeout = settings->request_timeout,
	.max_response_size = settings->max_response_size};

	call->clock_offset = call->owner->client->clock_offset;
	call->sent_at = appconfig_clock_now();
	call->transfer = appconfig_http_start(&request);
	wipe_headers(request.headers);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	if (call->transfer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	call->state = CALL_IN_FLIGHT;
	call->attempts++;
	appconfig_budget_spend(call->budget, call->operation);
	/* a call that ends before its turn has cost nothing */
	if (call->attempts == 1)
	{
		call->counters->calls++;
		call->totals->calls++;
	}
	else
	{
		call->counters->retries++;
		call->totals->retries++;
	}
}

/* Goes by the service's clock from now on, if the answer tells it */
static void
set_clock(ApiClient *client, const HttpResult *result)
{
	const char *date = result->field[HTTP_FIELD_DATE];

	if (result->outcome == HTTP_ANSWERED && date != NULL)
		client->clock_offset =
			appconfig_retry_clock_offset(date, time(NULL),
										 client->clock_offset);
}

/*
 * Milliseconds that the answer asks us to wait, RETRY_NO_HINT if it does not
 */
static int
server_hint(const HttpResult *result)
{
	if (result->field[HTTP_FIELD_AMZ_RETRY_AFTER] != NULL)
		return appconfig_retry_parse_amz_hint(result->field[HTTP_FIELD_AMZ_RETRY_AFTER]);
	if (result->field[HTTP_FIELD_RETRY_AFTER] != NULL)
		return appconfig_retry_parse_http_hint(result->field[HTTP_FIELD_RETRY_AFTER],
											   time(NULL));
	return RETRY_NO_HINT;
}

/*
 * Once, and whatever the number of attempts: it was not the service's fault,
 * and a long scan can outlive more than one set of keys
 */
static bool
replace_credentials(ApiCall *call, int64 now)
{
	CredentialSupply *supply = call->owner->supply;

	if (supply == NULL || call->credentials_replaced ||
		!supply->replace(supply, call->credentials))
		return false;
	call->credentials_replaced = true;
	call->start_at = now;
	return true;
}

/* What may pass by itself is tried again, as far as attempts and tokens go */
static bool
schedule_after_fault(ApiCall *call, RetryCause cause, const HttpResult *result,
					 int64 now)
{
	int			attempts = call->attempts - call->throttles;
	int			delay;

	if (attempts >= call->owner->settings->max_attempts)
		return false;
	call->bucket_cost = appconfig_retry_take(&call->owner->client->bucket);
	if (call->bucket_cost == 0)
		return false;
	delay = appconfig_retry_delay(cause, attempts - 1,
								  random_fraction());
	delay = appconfig_retry_apply_hint(delay, server_hint(result));
	call->start_at = now + delay * CLOCK_MILLISECOND;
	return true;
}

/*
 * Throttles don't use up attempts, but time: that in which the call was waited
 * for, since nobody may look after a cursor's calls for a while.
 */
static bool
is_throttled_for_good(ApiCall *call)
{
	int64		waited = appconfig_http_waited();

	if (call->throttles++ == 0)
		call->throttled_from = waited;
	return waited - call->throttled_from >=
		call->owner->settings->throttle_timeout * CLOCK_MILLISECOND;
}

/*
 * The next attempt comes when it is the session's turn, at a rate that the
 * throttle has lowered.  Where there is no rate the call waits by itself.
 */
static bool
schedule_after_throttle(ApiCall *call, const HttpResult *result, int64 now)
{
	Limiter    *limiter = limiter_of(call);
	int			delay = 0;

	call->counters->throttles++;
	call->totals->throttles++;
	/* a service of this host is asked a few times, as for any other fault */
	if (signing_names[call->owner->endpoint->service] == NULL)
		return schedule_after_fault(call, RETRY_THROTTLED, result, now);
	appconfig_limiter_throttled(limiter, call->sent_at, now, random_fraction());
	if (is_throttled_for_good(call))
		return false;
	if (limiter->max_rate <= 0)
		delay = appconfig_retry_delay(RETRY_THROTTLED, call->throttles - 1,
									  random_fraction());
	delay = appconfig_retry_apply_hint(delay, server_hint(result));
	call->bucket_cost = 0;
	call->start_at = now + delay * CLOCK_MILLISECOND;
	return true;
}

/* A clock that was wrong is put right once */
static bool
schedule_after_clock(ApiCall *call, int64 now)
{
	if (call->clock_corrected ||
		call->clock_offset == call->owner->client->clock_offset)
		return false;
	call->clock_corrected = true;
	call->start_at = now;
	return true;
}

/*
 * Decides after a failed attempt whether there is another one, and when.  The
 * rules are those of the SDKs' standard mode, appconfig-read-api.md section
 * 3.1, but that throttles wait (contract, section 5, throttle_timeout).
 */
static bool
schedule_retry(ApiCall *call, const AwsError *error, const HttpResult *result)
{
	int64		now = appconfig_clock_now();

	call->waiting_since = now;
	call->need = NEEDS_NOTHING;
	call->is_throttled = error->kind == AWS_ERROR_THROTTLED;
	switch (error->kind)
	{
		case AWS_ERROR_THROTTLED:
			return schedule_after_throttle(call, result, now);
		case AWS_ERROR_EXPIRED:
			return replace_credentials(call, now);
		case AWS_ERROR_CLOCK:
			return call->attempts - call->throttles <
				call->owner->settings->max_attempts &&
				schedule_after_clock(call, now);
		case AWS_ERROR_FATAL:
		case AWS_ERROR_NOT_FOUND:
			return false;
		default:
			return schedule_after_fault(call, RETRY_TRANSIENT, result, now);
	}
}

/*
 * What the document lacks to be an answer to the call, or NULL.  A proxy's
 * health page, say, is a success in JSON, too; taken for an answer it would
 * show an empty account.
 */
static const char *
find_lack(const ApiCall *call)
{
	static const char *const kinds[] = {[JSON_STRING] = "text",
		[JSON_NUMBER] = "number",
	[JSON_ARRAY] = "list"};
	const ApiMember *member;

	if (appconfig_json_kind(call->document) != JSON_OBJECT)
		return "not a JSON object";
	for (member = call->members; member->path != NULL; member++)
	{
		JsonValue  *value = appconfig_json_lookup(call->document, member->path);

		if (value == NULL)
			return psprintf("there is no %s in it", member->path);
		if (appconfig_json_kind(value) != member->kind)
			return psprintf("its %s is not a %s", member->path,
							kinds[member->kind]);
	}
	return NULL;
}

/*
 * Did the service's limits let the attempt pass, whatever became of it then?
 */
static bool
has_passed(const AwsError *error)
{
	return error == NULL || error->kind == AWS_ERROR_NOT_FOUND ||
		error->kind == AWS_ERROR_EXPIRED || error->kind == AWS_ERROR_CLOCK;
}

/* What error reports and the log name the call by */
static AwsCallName
call_name(const ApiCall *call)
{
	const ApiOwner *owner = call->owner;
	AwsCallName name = {
		.service = owner->endpoint->service,
		.operation = call->operation,
		.method = appconfig_http_method_name(call->method),
		.target = call->shown != NULL ? call->shown
		: psprintf("%s%s%s", call->path, call->query[0] != '\0' ? "?" : "", call->query),
		.attempts = call->attempts, .credentials = secrets_of(call),
		.with_mapping = owner->supply != NULL && owner->supply->is_mapping
	};

	return name;
}

/* What a call waits for between two attempts */
static WaitKind
pause_kind(const ApiCall *call)
{
	return call->is_throttled ? WAIT_FOR_RATE_LIMIT : WAIT_FOR_RETRY;
}

/* What a call lacks that has not gone out, though it is time */
static WaitKind
need_kind(const ApiCall *call)
{
	if (call->need == NEEDS_CREDENTIALS)
		return WAIT_FOR_CREDENTIALS;
	if (call->need == NEEDS_TURN)
		return WAIT_FOR_RATE_LIMIT;
	/* a place, for which it waits with the calls that have one */
	return WAIT_FOR_CALL;
}

/* What an attempt has waited for before it went out, for the most part */
static WaitKind
attempt_wait_kind(const ApiCall *call)
{
	int64		pause = call->start_at - call->waiting_since;

	return pause > call->sent_at - call->start_at ? pause_kind(call)
		: need_kind(call);
}

/* The line of the log for an attempt that has ended, or NULL */
static char *
log_line(const ApiCall *call, const HttpResult *result, const AwsError *error)
{
	AwsCallName name;
	CallAttempt attempt = {
		.name = &name, .result = result, .error = error,
		.waited = call->sent_at - call->waiting_since,
		.waited_for = attempt_wait_kind(call),
		.took = appconfig_clock_now() - call->sent_at
	};

	if (!appconfig_log_calls)
		return NULL;
	name = call_name(call);
	return appconfig_call_log_describe(&attempt);
}

/* Takes the answer of a call; returns what is wrong with it, or NULL */
static const char *
take_answer(ApiCall *call, const HttpResult *result)
{
	const char *malformed = NULL;

	/* what was taken before an error has kept it from being used */
	wipe_text(call->text);
	if (call->is_text)
	{
		call->text = pnstrdup(result->body, result->body_length);
		call->text_length = strlen(call->text);
		return NULL;
	}
	/* there is one already if an error has kept it from being taken */
	appconfig_json_release(call->document);
	call->document = NULL;
	call->document = appconfig_json_parse(result->body, result->body_length,
										  &malformed);
	return malformed != NULL ? malformed : find_lack(call);
}

/* A call has failed for good; that there is no such thing is an answer */
static void
count_error(ApiCall *call)
{
	if (call->error->kind == AWS_ERROR_NOT_FOUND)
		return;
	call->counters->errors++;
	call->totals->errors++;
}

/* An attempt has ended: the call is done, has failed, or waits for another */
static void
finish_attempt(ApiCall *call, const HttpResult *result)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);
	const AwsCredentials *credentials = secrets_of(call);
	AwsError   *error = appconfig_error_from_result(result, credentials);
	char	   *line;

	if (error == NULL)
	{
		const char *malformed = take_answer(call, result);

		if (malformed != NULL)
			error = appconfig_error_malformed(result, credentials, malformed);
	}
	else if (error->kind == AWS_ERROR_NOT_FOUND && !call->names_something)
		appconfig_error_refuse(error);
	line = log_line(call, result, error);
	/* what is above can raise an error, and is then done once more */
	call->counters->bytes += result->bytes_received;
	call->totals->bytes += result->bytes_received;
	if (has_passed(error))
		appconfig_limiter_passed(limiter_of(call), call->sent_at);
	if (error == NULL)
	{
		appconfig_retry_give_back(&call->owner->client->bucket,
								  call->bucket_cost);
		call->state = CALL_DONE;
	}
	else
	{
		call->error = error;
		call->state = schedule_retry(call, error, result) ? CALL_WAITING
			: CALL_FAILED;
		if (call->state == CALL_FAILED)
			count_error(call);
	}
	MemoryContextSwitchTo(old);
	appconfig_http_release(call->transfer);
	call->transfer = NULL;
	if (appconfig_api_is_done(call))
		dlist_delete(&call->node);
	appconfig_stats_share(call->totals);
	appconfig_call_log_write(line);
}

/* ------------------------------------------------------------------------
 * Calls
 * ------------------------------------------------------------------------
 */

/*
 * There is nothing left to make another attempt with: the call has failed,
 * which nobody learns of who does not ask for its answer.  Its error is that
 * of its last attempt, if there was one.
 */
static void
hold_back(ApiCall *call)
{
	static AwsError no_attempt = {
		.kind = AWS_ERROR_FATAL,
		.sqlstate = ERRCODE_CONFIGURATION_LIMIT_EXCEEDED
	};

	dlist_delete(&call->node);
	if (call->attempts == 0)
		call->error = &no_attempt;
	call->held_back = true;
	call->state = CALL_FAILED;
}

/* What a call has outside its memory ends with it, in an abort as well */
static void
end_call(void *arg)
{
	ApiCall    *call = arg;

	if (!appconfig_api_is_done(call))
		dlist_delete(&call->node);
	/* what never went out was not in vain */
	if (call->attempts == 0)
		appconfig_api_note_read(call);
	if (call->transfer != NULL)
		appconfig_http_release(call->transfer);
	appconfig_json_release(call->document);
	appconfig_credentials_let_go(call->credentials);
	/* perhaps they are secrets */
	wipe_text(call->body);
	wipe_text(call->header);
	wipe_text(call->text);
}

/* What else is secret of a request, for secrets_of(); NULL if nothing is */
static SharedCredentials *
hide_secrets(const ApiRequest *request)
{
	AwsCredentials keys = {.access_key_id = NULL};

	if (request->secret == NULL && request->secret_target == NULL)
		return NULL;
	if (request->secret != NULL)
		keys.session_token = pstrdup(request->secret);
	if (request->secret_target != NULL)
		keys.secret_access_key = pstrdup(request->secret_target);
	return appconfig_credentials_share(&keys);
}

/*
 * Starts a call, as soon as the pace allows, and returns without waiting.  The
 * strings of the request are copied, but for the constants.  The caller
 * releases the call, or its owner's memory does.  The budget that the request
 * is charged to must outlive it.
 */
ApiCall *
appconfig_api_start(const ApiOwner *owner, const ApiRequest *request,
					ApiCounters *counters)
{
	ApiClient  *client = owner->client;
	MemoryContext context = AllocSetContextCreate(owner->context,
												  "appconfig_fdw call",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ApiCall    *call = palloc0(sizeof(ApiCall));

	call->context = context;
	call->owner = owner;
	call->counters = counters;
	call->totals =
		appconfig_stats_counters(owner->serverid, request->operation);
	call->operation = request->operation;
	call->path = psprintf("%s%s", owner->endpoint->path_prefix, request->path);
	call->query = pstrdup(request->query);
	call->method = request->method;
	call->body = request->body != NULL ? pstrdup(request->body) : NULL;
	call->content_type = request->content_type;
	call->header = request->header != NULL ? pstrdup(request->header) : NULL;
	call->credentials = hide_secrets(request);
	call->shown = request->shown;
	call->is_text = request->is_text;
	call->names_something = request->names_something;
	memcpy(call->members, request->members, sizeof(call->members));
	call->budget = request->budget;
	make_invocation_id(call->invocation_id);
	MemoryContextSwitchTo(old);

	call->kind = request->is_list ? CALL_LIST : CALL_GET;
	call->waiting_since = appconfig_clock_now();
	call->start_at = call->waiting_since;
	call->state = CALL_WAITING;
	dlist_push_tail(&client->calls, &call->node);
	call->is_open = true;
	appconfig_budget_open(call->budget);
	call->callback.func = end_call;
	call->callback.arg = call;
	MemoryContextRegisterResetCallback(context, &call->callback);
	if (appconfig_budget_is_spent(call->budget))
		hold_back(call);
	return call;
}

/* Is there a document, or an error? */
bool
appconfig_api_is_done(const ApiCall *call)
{
	return call->state == CALL_DONE || call->state == CALL_FAILED;
}

/* Has the call gone out, without an answer for good so far? */
bool
appconfig_api_is_under_way(const ApiCall *call)
{
	return call->attempts > 0 && !appconfig_api_is_done(call);
}

/* Will appconfig_api_document() raise an error?  Not for a 404. */
bool
appconfig_api_has_failed(const ApiCall *call)
{
	return call->state == CALL_FAILED &&
		call->error->kind != AWS_ERROR_NOT_FOUND;
}

/*
 * Somebody has read the answer, so that the call was not made in vain; may be
 * called again
 */
void
appconfig_api_note_read(ApiCall *call)
{
	if (call->is_open)
		appconfig_budget_close(call->budget);
	call->is_open = false;
}

/*
 * The answer of a call that is done: a JSON object with a reference that the
 * caller releases, or NULL where the service knows no such thing.  Raises the
 * error of a call that has failed.
 */
JsonValue *
appconfig_api_document(ApiCall *call)
{
	JsonValue  *document = call->document;

	if (appconfig_api_has_failed(call))
		appconfig_api_raise(call);
	call->document = NULL;
	return document;
}

/*
 * The answer of a call that has not failed, where it is a text; the call's, a
 * NUL follows.
 */
const char *
appconfig_api_text(const ApiCall *call, size_t *length)
{
	Assert(call->state == CALL_DONE && call->is_text);
	*length = call->text_length;
	return call->text;
}

/* Why a call has failed; the call's.  NULL if it has not. */
const AwsError *
appconfig_api_error(const ApiCall *call)
{
	return call->state == CALL_FAILED ? call->error : NULL;
}

/* The answer, which is a text, cannot be read: the call has failed */
void
appconfig_api_spoil(ApiCall *call, const char *why)
{
	MemoryContext old = MemoryContextSwitchTo(call->context);

	Assert(call->state == CALL_DONE && call->is_text);
	call->error = appconfig_error_unreadable(why);
	call->state = CALL_FAILED;
	count_error(call);
	MemoryContextSwitchTo(old);
}

/* Why a call has failed, in a sentence, palloc'd */
char *
appconfig_api_describe_failure(const ApiCall *call)
{
	AwsCallName name = call_name(call);

	Assert(call->state == CALL_FAILED);
	return appconfig_error_describe(call->error, &name);
}

/*
 * When the answer of a call that is done was asked for, on
 * appconfig_clock_now(): what it says is no older than that
 */
int64
appconfig_api_sent_at(const ApiCall *call)
{
	return call->sent_at;
}

/* Raises the error of a call that has failed, a 404 included */
void
appconfig_api_raise(const ApiCall *call)
{
	AwsCallName name = call_name(call);

	Assert(call->state == CALL_FAILED);
	if (call->held_back)
		appconfig_budget_raise(call->budget,
							   call->attempts > 0 ? appconfig_error_describe(call->error, &name) : NULL,
							   appconfig_error_request_line(&name));
	appconfig_error_raise(call->error, &name);
}

/* Ends a call, wherever it is.  Raises no error. */
void
appconfig_api_release(ApiCall *call)
{
	MemoryContextDelete(call->context);
}

/*
 * Has the supply credentials for another attempt?  The call holds them then.
 * They tell who else is under the same limits.
 */
static bool
has_credentials(ApiCall *call)
{
	CredentialSupply *supply = call->owner->supply;
	SharedCredentials *credentials;

	if (supply == NULL)
		return true;
	credentials = supply->obtain(supply);
	if (credentials == NULL)
		return false;
	appconfig_credentials_hold(credentials);
	appconfig_credentials_let_go(call->credentials);
	call->credentials = credentials;
	appconfig_limiter_join(limiter_of(call), &credentials->identity);
	return true;
}

/*
 * Is it the session's turn for another call of that kind?  turn_at has what is
 * known of that for each kind, 0 for nothing, and saves asking again.
 */
static bool
has_turn(ApiCall *call, int64 *turn_at, int64 now)
{
	Limiter    *limiter = limiter_of(call);

	if (turn_at[call->kind] <= now)
		turn_at[call->kind] = appconfig_limiter_starts_at(limiter, now);
	call->turn_at = turn_at[call->kind];
	if (call->turn_at > now)
		return false;
	appconfig_limiter_start(limiter);
	return true;
}

/* Sends those that wait for nothing any longer, in the order of their turn */
static void
start_attempts(ApiClient *client)
{
	CredentialSupply *missing = NULL;
	int64		turn_at[CALL_KINDS] = {0};
	int64		now = appconfig_clock_now();
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &client->calls)
	{
		ApiCall    *call = dlist_container(ApiCall, node, iter.cur);
		CredentialSupply *supply = call->owner->supply;

		if (call->state != CALL_WAITING)
			continue;
		if (appconfig_budget_is_spent(call->budget))
		{
			hold_back(call);
			continue;
		}
		if (call->start_at > now || !appconfig_http_has_room())
			continue;
		/* one answer is enough for all that wait for the same */
		if ((supply != NULL && supply == missing) || !has_credentials(call))
		{
			missing = supply;
			call->need = NEEDS_CREDENTIALS;
		}
		else if (!has_turn(call, turn_at, now))
			call->need = NEEDS_TURN;
		else
			start_attempt(call);
	}
}

/*
 * Lets all calls of the client get on as far as they can without waiting.
 * The answers of other clients come in as well, but wait to be looked at
 * until somebody polls these.
 */
void
appconfig_api_poll(ApiClient *client)
{
	dlist_mutable_iter modify;

	appconfig_http_open();
	start_attempts(client);
	appconfig_http_drive();
	dlist_foreach_modify(modify, &client->calls)
	{
		ApiCall    *call = dlist_container(ApiCall, node, modify.cur);
		const HttpResult *result;

		if (call->state != CALL_IN_FLIGHT)
			continue;
		result = appconfig_http_result(call->transfer);
		if (result == NULL)
			continue;
		set_clock(client, result);
		finish_attempt(call, result);
	}
}

/*
 * Asks to be woken when a call can get on that waits for something else than
 * an answer
 */
static void
ask_for_time(const ApiCall *call, int64 now)
{
	CredentialSupply *supply = call->owner->supply;

	if (call->start_at > now)
		appconfig_http_wake(call->start_at);
	/* for a place a call waits with those that have one */
	else if (!appconfig_http_has_room())
		return;
	else if (call->need == NEEDS_CREDENTIALS)
		supply->ask_for_times(supply);
	else if (call->need == NEEDS_TURN)
		appconfig_http_wake(Min(call->turn_at, now + TURN_HOLDS));
	else
		appconfig_http_wake(now);
}

/*
 * Asks to be woken when a call can get on that does not wait for an answer.
 * To be called after appconfig_http_open().
 */
void
appconfig_api_ask_for_times(ApiClient *client)
{
	int64		now = appconfig_clock_now();
	dlist_iter	iter;

	dlist_foreach(iter, &client->calls)
	{
		const ApiCall *call = dlist_container(ApiCall, node, iter.cur);

		/*
		 * Its answer has come in while somebody waited for another client, or
		 * an error has kept it from being looked at
		 */
		if (call->state == CALL_IN_FLIGHT &&
			appconfig_http_result(call->transfer) != NULL)
			appconfig_http_wake(now);
		if (call->state == CALL_WAITING)
			ask_for_time(call, now);
	}
}

/* What a call waits for that is not done */
static WaitKind
wait_kind(const ApiCall *call, int64 now)
{
	if (call->state != CALL_WAITING)
		return WAIT_FOR_CALL;
	return call->start_at > now ? pause_kind(call) : need_kind(call);
}

/* What there is to be told that the calls of a client wait for */
static WaitKind
client_wait_kind(const ApiClient *client, int64 now)
{
	WaitKind	kind = WAIT_FOR_RETRY;
	dlist_iter	iter;

	/* dlist_foreach wants a list that is not constant */
	dlist_foreach(iter, unconstify(dlist_head *, &client->calls))
		kind = Max(kind, wait_kind(dlist_container(ApiCall, node, iter.cur), now));
	return kind;
}

/* A wait has ended that is to be counted once, for however many calls */
static void
add_rate_wait(ApiCounters *counters, int64 from, int64 until)
{
	if (counters->rate_wait_until == until)
		return;
	counters->rate_wait += until - from;
	counters->rate_wait_until = until;
}

/*
 * Counts a wait for the scans and operations of which a call could have gone
 * out before it, but for the rate limits.  That is time of the clock: calls
 * that were held back together have waited once, and other calls may have been
 * under way.
 */
static void
count_rate_wait(ApiClient *client, int64 from, int64 until)
{
	dlist_iter	iter;

	dlist_foreach(iter, &client->calls)
	{
		ApiCall    *call = dlist_container(ApiCall, node, iter.cur);

		if (wait_kind(call, from) != WAIT_FOR_RATE_LIMIT)
			continue;
		add_rate_wait(call->counters, from, until);
		add_rate_wait(call->totals, from, until);
	}
}

/* Is a call of the client under way, or its answer not looked at? */
bool
appconfig_api_has_calls(const ApiClient *client)
{
	/* dlist_is_empty wants a list that is not constant */
	return !dlist_is_empty(unconstify(dlist_head *, &client->calls));
}

/*
 * Waits until a call of any of the clients (ApiClient) can get on, which
 * appconfig_api_poll() then lets it: to be called for each of them.  There
 * must be a call that is not done.  Interrupts happen in here.
 */
void
appconfig_api_wait(List *clients)
{
	bool		has_calls = false;
	int64		from = appconfig_clock_now();
	int64		until;
	WaitKind	kind = WAIT_FOR_RETRY;
	ListCell   *cell;

	foreach(cell, clients)
		has_calls |= appconfig_api_has_calls(lfirst(cell));
	/* better an error than a wait for nothing */
	if (!has_calls)
		elog(ERROR, "no call to AWS AppConfig is under way");
	/* once, as it can forget what times were asked for */
	appconfig_http_open();
	foreach(cell, clients)
	{
		appconfig_api_ask_for_times(lfirst(cell));
		kind = Max(kind, client_wait_kind(lfirst(cell), from));
	}
	appconfig_http_wait(kind);
	/* before an interrupt, which may be because it took so long */
	until = appconfig_clock_now();
	foreach(cell, clients)
		count_rate_wait(lfirst(cell), from, until);
	CHECK_FOR_INTERRUPTS();
}

/* Seconds that the service's clock is ahead of ours, as far as is known */
long
appconfig_api_clock_offset(const ApiClient *client)
{
	return client->clock_offset;
}
