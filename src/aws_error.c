/*-------------------------------------------------------------------------
 *
 * aws_error.c
 *		What a failed call means, and the one error report for it.
 *
 * One table turns the error codes of AWS into an SQLSTATE, a message, a hint
 * and what to do next; two small ones do so for an HTTP status and for a
 * failure of the connection.  The codes are those of appconfig-read-api.md,
 * section 3, the SQLSTATEs those of the contract, section 6.
 *
 * What may not live here: retrying itself (api.c, retry.c), and reports about
 * anything but a failed call.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "aws_error.h"
#include "json.h"

#define MAX_MESSAGE_LENGTH 1000 /* bytes shown of a message from outside */

/* What a failure is to us */
typedef struct Meaning
{
	AwsErrorKind kind;
	int			 sqlstate;
	const char	*summary;
	const char	*hint;
} Meaning;

#define NOT_FOUND                                                                 \
	{                                                                             \
		AWS_ERROR_NOT_FOUND, ERRCODE_FDW_ERROR,                                   \
			"AWS AppConfig no longer finds what it was listing",                  \
			"Run the query again: something was deleted while it was being read." \
	}
#define DENIED                                                                       \
	{                                                                                \
		AWS_ERROR_FATAL, ERRCODE_INSUFFICIENT_PRIVILEGE,                             \
			"AWS AppConfig denied the request",                                      \
			"Allow the IAM action appconfig:%s to the identity of the user mapping." \
	}
#define UNKNOWN_KEY                                                                         \
	{                                                                                       \
		AWS_ERROR_FATAL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,                       \
			"AWS does not accept the credentials",                                          \
			"Check access_key_id, secret_access_key and session_token of the user mapping." \
	}
#define EXPIRED                                                       \
	{                                                                 \
		AWS_ERROR_FATAL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, \
			"the AWS credentials have expired",                       \
			"Set new keys with ALTER USER MAPPING."                   \
	}
#define BAD_CLOCK                                                                                \
	{                                                                                            \
		AWS_ERROR_CLOCK, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,                            \
			"AWS does not accept the signature of the request",                                  \
			"Check secret_access_key of the user mapping, and the clock of the database server." \
	}
#define THROTTLED                                                                                 \
	{                                                                                             \
		AWS_ERROR_THROTTLED, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,                                \
			"AWS AppConfig is throttling requests",                                               \
			"Lower max_get_rate and max_list_rate, or raise max_attempts, of the foreign server." \
	}
#define TRANSIENT                                                            \
	{                                                                        \
		AWS_ERROR_TRANSIENT, ERRCODE_FDW_ERROR,                              \
			"AWS AppConfig could not answer the request", "Try again later." \
	}
#define REFUSED                                       \
	{                                                 \
		AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,           \
			"AWS AppConfig refused the request", NULL \
	}

static const struct
{
	const char *code;
	Meaning		meaning;
} meaning_of_code[] = {
	{"ResourceNotFoundException", NOT_FOUND},
	{"AccessDeniedException", DENIED},
	{"AccessDenied", DENIED},
	{"UnrecognizedClientException", UNKNOWN_KEY},
	{"InvalidClientTokenId", UNKNOWN_KEY},
	{"IncompleteSignature", UNKNOWN_KEY},
	{"IncompleteSignatureException", UNKNOWN_KEY},
	{"MissingAuthenticationToken", UNKNOWN_KEY},
	{"MissingAuthenticationTokenException", UNKNOWN_KEY},
	{"ExpiredTokenException", EXPIRED},
	{"ExpiredToken", EXPIRED},
	{"InvalidSignatureException", BAD_CLOCK},
	{"SignatureDoesNotMatch", BAD_CLOCK},
	{"RequestTimeTooSkewed", BAD_CLOCK},
	{"RequestExpired", BAD_CLOCK},
	{"RequestInTheFuture", BAD_CLOCK},
	{"AuthFailure", BAD_CLOCK},
	{"Throttling", THROTTLED},
	{"ThrottlingException", THROTTLED},
	{"ThrottledException", THROTTLED},
	{"RequestThrottled", THROTTLED},
	{"RequestThrottledException", THROTTLED},
	{"TooManyRequestsException", THROTTLED},
	{"ProvisionedThroughputExceededException", THROTTLED},
	{"TransactionInProgressException", THROTTLED},
	{"RequestLimitExceeded", THROTTLED},
	{"BandwidthLimitExceeded", THROTTLED},
	{"LimitExceededException", THROTTLED},
	{"SlowDown", THROTTLED},
	{"PriorRequestNotComplete", THROTTLED},
	{"EC2ThrottledException", THROTTLED},
	{"RequestTimeout", TRANSIENT},
	{"RequestTimeoutException", TRANSIENT},
};

static const struct
{
	int		status;
	Meaning meaning;
} meaning_of_status[] = {
	{401, UNKNOWN_KEY}, {403, DENIED},	  {404, NOT_FOUND}, {429, THROTTLED},
	{500, TRANSIENT},	{502, TRANSIENT}, {503, TRANSIENT}, {504, TRANSIENT},
};

static const Meaning refused = REFUSED;

static const Meaning malformed = {
	AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,
	"AWS AppConfig sent an answer that cannot be read", NULL};

/* By HttpOutcome */
static const Meaning meaning_of_outcome[] = {
	[HTTP_NOT_CONNECTED] =
		{AWS_ERROR_TRANSIENT,
		 ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
		 "could not connect to AWS AppConfig",
		 "Check region and endpoint of the foreign server, and the network."},
	[HTTP_NOT_TRUSTED] =
		{AWS_ERROR_FATAL, ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
		 "could not trust the server that answers for AWS AppConfig",
		 "Check endpoint and ca_bundle of the foreign server."},
	[HTTP_TIMED_OUT] =
		{AWS_ERROR_TRANSIENT, ERRCODE_CONNECTION_FAILURE,
		 "AWS AppConfig did not answer in time",
		 "Raise request_timeout of the foreign server if this lasts."},
	[HTTP_LOST] = {AWS_ERROR_TRANSIENT, ERRCODE_CONNECTION_FAILURE,
				   "the connection to AWS AppConfig was lost",
				   "Try again later."},
	[HTTP_TOO_LARGE] =
		{AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,
		 "an answer of AWS AppConfig is larger than max_response_size",
		 "Raise max_response_size of the foreign server if the answer is genuine."},
	[HTTP_MALFORMED] = {AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,
						"AWS AppConfig sent an answer that cannot be read",
						NULL},
	[HTTP_OUT_OF_MEMORY] = {AWS_ERROR_FATAL, ERRCODE_OUT_OF_MEMORY,
							"out of memory", NULL},
};

/*
 * A palloc'd copy of text from outside that is fit for a message: in the
 * database's encoding, one line, not too long.
 */
static char *
presentable(const char *text, size_t length)
{
	/* a signature error may quote the canonical request, and it a token */
	const char *quote = strstr(text, "The Canonical String");
	char	   *copy;
	char	   *c;

	if (quote != NULL && (size_t) (quote - text) < length)
		length = quote - text;
	length = Min(length, MAX_MESSAGE_LENGTH);
	if (!pg_verify_mbstr(PG_UTF8, text, (int) length, true))
	{
		/* it may be the cut that is wrong */
		length = pg_encoding_mbcliplen(PG_UTF8, text, (int) length,
									   (int) Max(length, 1) - 1);
		if (!pg_verify_mbstr(PG_UTF8, text, (int) length, true))
			return pstrdup("(a message that is not UTF-8)");
	}
	copy = pnstrdup(text, length);
	for (c = copy; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			*c = ' ';
	}
	while (c > copy && c[-1] == ' ')
		*--c = '\0';
	if (GetDatabaseEncoding() == PG_UTF8)
		return copy;
	for (c = copy; *c != '\0'; c++)
	{
		/* a message must not fail to be shown */
		if (IS_HIGHBIT_SET(*c))
			*c = '?';
	}
	return copy;
}

/* "com.x.y#Name:http://…" → "Name"; NULL if nothing is left */
static char *
bare_code(const char *code, size_t length)
{
	const char *colon = memchr(code, ':', length);
	const char *name = code;
	const char *c;

	if (colon != NULL)
		length = colon - code;
	for (c = code; c < code + length; c++)
	{
		if (*c == '#')
			name = c + 1;
	}
	length -= name - code;
	return length == 0 ? NULL : presentable(name, length);
}

static char *
member_code(JsonValue *body, const char *member)
{
	JsonValue  *value = appconfig_json_lookup(body, member);
	size_t		length;
	const char *text;

	if (appconfig_json_kind(value) != JSON_STRING)
		return NULL;
	text = appconfig_json_text(value, &length);
	return bare_code(text, length);
}

/* The order of sources is that of the SDKs, appconfig-read-api.md section 3 */
static void
read_error_body(AwsError *error, const HttpResult *result)
{
	static const char *const code_members[] = {"code", "Code", "__type"};
	static const char *const message_members[] = {"message", "Message"};
	const char				*ignored;
	JsonValue				*body =
		appconfig_json_parse(result->body, result->body_length, &ignored);
	int i;

	/* presentable() allocates, so the body must not be lost if that fails */
	PG_TRY();
	{
		if (result->field[HTTP_FIELD_ERROR_TYPE] != NULL)
			error->code =
				bare_code(result->field[HTTP_FIELD_ERROR_TYPE],
						  strlen(result->field[HTTP_FIELD_ERROR_TYPE]));
		for (i = 0; i < (int) lengthof(code_members) && error->code == NULL;
			 i++)
			error->code = member_code(body, code_members[i]);
		for (i = 0;
			 i < (int) lengthof(message_members) && error->message == NULL;
			 i++)
		{
			JsonValue *value = appconfig_json_lookup(body, message_members[i]);
			size_t	   length;

			if (appconfig_json_kind(value) == JSON_STRING)
			{
				const char *text = appconfig_json_text(value, &length);

				error->message = presentable(text, Min(length, strlen(text)));
			}
		}
		/* what is not JSON is the message itself, but for a proxy's page */
		if (body == NULL &&
			strncasecmp(result->body, "<html", strlen("<html")) != 0 &&
			strncasecmp(result->body, "<!doctype", strlen("<!doctype")) != 0)
			error->message = presentable(result->body, strlen(result->body));
	}
	PG_FINALLY();
	{
		appconfig_json_release(body);
	}
	PG_END_TRY();
}

static void
set_meaning(AwsError *error, const Meaning *meaning)
{
	error->kind = meaning->kind;
	error->sqlstate = meaning->sqlstate;
	error->summary = meaning->summary;
	error->hint = meaning->hint;
}

static const Meaning *
meaning_of_answer(const char *code, int status)
{
	int i;

	for (i = 0; code != NULL && i < (int) lengthof(meaning_of_code); i++)
	{
		if (strcmp(meaning_of_code[i].code, code) == 0)
			return &meaning_of_code[i].meaning;
	}
	for (i = 0; i < (int) lengthof(meaning_of_status); i++)
	{
		if (meaning_of_status[i].status == status)
			return &meaning_of_status[i].meaning;
	}
	return &refused;
}

/*
 * What the end of a transfer means; NULL if it is a success.  The result is
 * palloc'd and holds nothing of the transfer.
 */
AwsError *
appconfig_error_from_result(const HttpResult *result)
{
	AwsError *error;

	if (result->outcome == HTTP_ANSWERED && result->status == 200)
		return NULL;
	error = palloc0(sizeof(AwsError));
	if (result->field[HTTP_FIELD_REQUEST_ID] != NULL)
		error->request_id = pstrdup(result->field[HTTP_FIELD_REQUEST_ID]);
	if (result->outcome != HTTP_ANSWERED)
	{
		set_meaning(error, &meaning_of_outcome[result->outcome]);
		error->message = presentable(result->error, strlen(result->error));
		return error;
	}
	error->status = result->status;
	read_error_body(error, result);
	set_meaning(error, meaning_of_answer(error->code, result->status));
	return error;
}

/* A success that cannot be read; why is a static text */
AwsError *
appconfig_error_malformed(const HttpResult *result, const char *why)
{
	AwsError *error = palloc0(sizeof(AwsError));

	set_meaning(error, &malformed);
	error->status = result->status;
	error->message = pstrdup(why);
	if (result->field[HTTP_FIELD_REQUEST_ID] != NULL)
		error->request_id = pstrdup(result->field[HTTP_FIELD_REQUEST_ID]);
	return error;
}

/*
 * Reports a call that has failed for good.  The detail names the operation,
 * the AWS code, the HTTP status and the request id, as far as there are any.
 */
void
appconfig_error_raise(const AwsError *error, const AwsCallName *call)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "%s failed", call->operation);
	if (call->attempts > 1)
		appendStringInfo(&detail, " %d times", call->attempts);
	if (error->code != NULL)
		appendStringInfo(&detail, ": %s", error->code);
	if (error->status != 0)
		appendStringInfo(&detail, "%s HTTP status %d",
						 error->code != NULL ? "," : ":", error->status);
	if (error->request_id != NULL)
		appendStringInfo(&detail, ", request ID %s", error->request_id);
	if (error->message != NULL && error->message[0] != '\0')
		appendStringInfo(&detail, ": %s", error->message);
	ereport(ERROR,
			(errcode(error->sqlstate), errmsg("%s", error->summary),
			 errdetail_internal("%s", detail.data),
			 error->hint != NULL ? errhint(error->hint, call->operation) : 0,
			 errcontext("GET %s", call->target)));
}
