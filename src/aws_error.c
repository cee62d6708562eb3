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
 * What others say is shown only as far as it has the form of an error of AWS,
 * and shows no secret: see presentable().  Whoever creates a server can have
 * us ask anything that the machine reaches, and is not to read its answers.
 *
 * What may not live here: retrying itself (api.c, retry.c), reports about
 * anything but a failed call, and the log of all of them (call_log.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "aws_error.h"
#include "json.h"
#include "secret.h"
#include "socket.h"
#include "xml.h"

/*
 * Bytes shown of a message from outside.  Secrets are looked for in more, so
 * that one that is cut off there is found all the same.
 */
#define MAX_MESSAGE_LENGTH 1000
#define MAX_SEARCH_LENGTH  (4 * MAX_MESSAGE_LENGTH)

#define MAX_CODE_LENGTH		  100
#define MAX_REQUEST_ID_LENGTH 128

/* What a failure is to us */
typedef struct Meaning
{
	AwsErrorKind kind;
	int			sqlstate;
	const char *summary;		/* "%s" stands for the service */
	AwsHint		hint;
} Meaning;

#define NOT_FOUND                                          \
	{                                                      \
		AWS_ERROR_NOT_FOUND, ERRCODE_FDW_ERROR,            \
			"%s no longer finds what it was listing", HINT_AGAIN \
	}
#define DENIED                                            \
	{                                                     \
		AWS_ERROR_FATAL, ERRCODE_INSUFFICIENT_PRIVILEGE,  \
			"%s denied the request", HINT_DENIED          \
	}
#define UNKNOWN_KEY                                                   \
	{                                                                 \
		AWS_ERROR_FATAL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, \
			"AWS does not accept the credentials", HINT_KEYS           \
	}
#define EXPIRED                                                         \
	{                                                                   \
		AWS_ERROR_EXPIRED, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, \
			"the AWS credentials have expired", HINT_EXPIRED            \
	}
#define BAD_CLOCK                                                          \
	{                                                                      \
		AWS_ERROR_CLOCK, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,      \
			"AWS does not accept the signature of the request", HINT_SIGNATURE \
	}
#define BAD_IDENTITY                                                  \
	{                                                                 \
		AWS_ERROR_FATAL, ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, \
			"AWS does not accept the web identity", HINT_IDENTITY      \
	}
#define THROTTLED                                                    \
	{                                                                \
		AWS_ERROR_THROTTLED, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,   \
			"%s is throttling requests", HINT_SLOWER                 \
	}
#define TRANSIENT                                                   \
	{                                                               \
		AWS_ERROR_TRANSIENT, ERRCODE_FDW_ERROR,                     \
			"%s could not answer the request", HINT_LATER           \
	}
/* somebody answers there, but not for AppConfig, or not with all of it */
#define NOT_THERE                                               \
	{                                                           \
		AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,                     \
			"%s refused the request", HINT_ENDPOINT             \
	}
#define REFUSED                                       \
	{                                                 \
		AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,           \
			"%s refused the request", HINT_NONE       \
	}

static const struct
{
	const char *code;
	Meaning		meaning;
}			meaning_of_code[] = {
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
	{"InvalidIdentityToken", BAD_IDENTITY},
	{"IDPRejectedClaim", BAD_IDENTITY},
	{"RegionDisabledException", DENIED},
	{"IDPCommunicationError", TRANSIENT},
	{"RequestTimeout", TRANSIENT},
	{"RequestTimeoutException", TRANSIENT},
};

static const struct
{
	int			status;
	Meaning		meaning;
}			meaning_of_status[] = {
	{401, UNKNOWN_KEY}, {403, DENIED}, {404, NOT_THERE},
	{408, TRANSIENT}, {429, THROTTLED}, {500, TRANSIENT},
	{502, TRANSIENT}, {503, TRANSIENT}, {504, TRANSIENT},
};

static const Meaning refused = REFUSED;
static const Meaning not_there = NOT_THERE;

static const Meaning malformed = {
	AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,
"%s sent an answer that cannot be read", HINT_ENDPOINT};

/* By HttpOutcome */
static const Meaning meaning_of_outcome[] = {
	[HTTP_NOT_CONNECTED] =
	{AWS_ERROR_TRANSIENT, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	"could not connect to %s", HINT_CONNECT},
	[HTTP_NOT_PROXIED] =
	{AWS_ERROR_FATAL, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	"the proxy refused to connect to %s", HINT_PROXY},
	[HTTP_NOT_TRUSTED] =
	{AWS_ERROR_FATAL, ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION,
	"could not trust the server that answers for %s", HINT_TRUST},
	[HTTP_TIMED_OUT] =
	{AWS_ERROR_TRANSIENT, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
	"%s did not answer in time", HINT_TIMEOUT},
	[HTTP_LOST] = {AWS_ERROR_TRANSIENT, ERRCODE_FDW_UNABLE_TO_CREATE_REPLY,
	"the connection to %s was lost", HINT_LATER},
	[HTTP_TOO_LARGE] =
	{AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,
	"an answer of %s is larger than max_response_size", HINT_SIZE},
	[HTTP_MALFORMED] = {AWS_ERROR_FATAL, ERRCODE_FDW_ERROR,
	"%s sent an answer that cannot be read", HINT_NONE},
	[HTTP_OUT_OF_MEMORY] = {AWS_ERROR_FATAL, ERRCODE_OUT_OF_MEMORY,
	"out of memory", HINT_NONE},
	[HTTP_OUT_OF_DESCRIPTORS] =
	{AWS_ERROR_FATAL, ERRCODE_INSUFFICIENT_RESOURCES,
	"could not open a connection to %s", HINT_DESCRIPTORS},
};

/* By AwsService */
static const char *const titles[] = {
	[AWS_APPCONFIG] = "AWS AppConfig",
	[AWS_STS] = "AWS STS",
	[AWS_CONTAINER] = "the container's credential endpoint",
	[AWS_INSTANCE] = "the instance metadata service",
};

#define CHECK_ENDPOINT \
	"Check region and endpoint of the foreign server: something else may answer there."
#define CHECK_STS_ENDPOINT \
	"Check region and sts_endpoint of the foreign server: something else may answer there."
#define CHECK_CONTAINER \
	"Check the AWS_CONTAINER_ variables in the environment of the database server."
#define CHECK_INSTANCE \
	"Check that the instance has a role, and its metadata options; or leave \"instance\" out of ambient_credentials."

/*
 * What to do, by AwsHint and AwsService; "%s" stands for the operation.  Where
 * a service has none of its own there is none to give.
 */
static const char *const hints[][AWS_SERVICES] = {
	[HINT_AGAIN] = {
		[AWS_APPCONFIG] = "Run the query again: something was deleted while it was being read.",
	},
	[HINT_DENIED] = {
		[AWS_APPCONFIG] = "Allow the IAM action appconfig:%s to the identity that the query runs as.",
		[AWS_STS] = "Allow the IAM action sts:%s to the identity that asks, and let the role's trust policy name it, with the external_id if it wants one.",
		[AWS_CONTAINER] = CHECK_CONTAINER,
		[AWS_INSTANCE] = CHECK_INSTANCE,
	},
	[HINT_KEYS] = {
		[AWS_APPCONFIG] = "Check the AWS credentials of the database server; appconfig_fdw_whoami() tells which they are.",
		[AWS_STS] = "Check the AWS credentials that the role is to be assumed with.",
		[AWS_CONTAINER] = CHECK_CONTAINER,
		[AWS_INSTANCE] = CHECK_INSTANCE,
	},
	[HINT_EXPIRED] = {
		[AWS_APPCONFIG] = "Renew the AWS credentials of the database server; appconfig_fdw_whoami() tells which they are.",
		[AWS_STS] = "Renew the AWS credentials that the role is to be assumed with.",
	},
	[HINT_SIGNATURE] = {
		[AWS_APPCONFIG] = "Check the AWS credentials and the clock of the database server, and the region of the foreign server.",
		[AWS_STS] = "Check the AWS credentials and the clock of the database server, and the region of the foreign server.",
	},
	[HINT_IDENTITY] = {
		[AWS_STS] = "Check the token file, and the identity provider and trust policy of the role.",
	},
	[HINT_SLOWER] = {
		[AWS_APPCONFIG] = "Others use up the limits of the AWS account: run fewer queries at a time, or raise throttle_timeout of the foreign server.",
		[AWS_STS] = "Try again later.",
		[AWS_CONTAINER] = "Try again later.",
		[AWS_INSTANCE] = "Try again later.",
	},
	[HINT_LATER] = {"Try again later.", "Try again later.", "Try again later.", "Try again later."},
	[HINT_ENDPOINT] = {CHECK_ENDPOINT, CHECK_STS_ENDPOINT, CHECK_CONTAINER, CHECK_INSTANCE},
	[HINT_CONNECT] = {
		[AWS_APPCONFIG] = "Check region, endpoint and proxy of the foreign server, and the network.",
		[AWS_STS] = "Check region, sts_endpoint and proxy of the foreign server, and the network.",
		[AWS_CONTAINER] = CHECK_CONTAINER,
		[AWS_INSTANCE] = CHECK_INSTANCE,
	},
	[HINT_PROXY] = {
		[AWS_APPCONFIG] = "Check proxy of the foreign server, its user name and password included.",
		[AWS_STS] = "Check proxy of the foreign server, its user name and password included.",
	},
	[HINT_TRUST] = {
		[AWS_APPCONFIG] = "Check endpoint and ca_bundle of the foreign server.",
		[AWS_STS] = "Check sts_endpoint and ca_bundle of the foreign server.",
		[AWS_CONTAINER] = CHECK_CONTAINER,
		[AWS_INSTANCE] = CHECK_INSTANCE,
	},
	[HINT_TIMEOUT] = {
		[AWS_APPCONFIG] = "Raise request_timeout of the foreign server if this lasts.",
		[AWS_STS] = "Raise request_timeout of the foreign server if this lasts.",
		[AWS_CONTAINER] = CHECK_CONTAINER,
		[AWS_INSTANCE] = CHECK_INSTANCE,
	},
	[HINT_SIZE] = {
		[AWS_APPCONFIG] = "Raise max_response_size of the foreign server if the answer is genuine.",
		[AWS_STS] = CHECK_STS_ENDPOINT,
		[AWS_CONTAINER] = CHECK_CONTAINER,
		[AWS_INSTANCE] = CHECK_INSTANCE,
	},
	[HINT_DESCRIPTORS] = {
		SOCKET_SHORTAGE_HINT, SOCKET_SHORTAGE_HINT, SOCKET_SHORTAGE_HINT, SOCKET_SHORTAGE_HINT,
	},
};

/* The same where it is asked with a user mapping's own keys */
static const char *const mapping_hints[] = {
	[HINT_DENIED] = "Allow the IAM action appconfig:%s to the identity of the user mapping.",
	[HINT_KEYS] = "Check access_key_id, secret_access_key and session_token of the user mapping.",
	[HINT_EXPIRED] = "Set new keys with ALTER USER MAPPING.",
	[HINT_SIGNATURE] = "Check secret_access_key of the user mapping, region of the foreign server, and the clock of the database server.",
};

/* ------------------------------------------------------------------------
 * Texts from outside
 * ------------------------------------------------------------------------
 */

/* What an error of AWS says */
typedef struct ErrorParts
{
	Excerpt		code;
	Excerpt		message;
} ErrorParts;

/*
 * The length of what may be shown of a message.  That of a signature error may
 * quote the canonical request, and so a token, or the header Authorization.
 */
static size_t
length_without_quotes(const char *text, size_t length)
{
	static const char *const quotes[] = {"The Canonical String",
	"AWS4-HMAC-SHA256"};
	int			i;

	for (i = 0; i < (int) lengthof(quotes); i++)
	{
		const char *quote = memmem(text, length, quotes[i], strlen(quotes[i]));

		if (quote != NULL)
			length = quote - text;
	}
	return length;
}

/*
 * A palloc'd copy of text from outside that is fit for a message: without
 * secrets, in the database's encoding, one line, not too long.
 */
static char *
presentable(const char *text, size_t length, const AwsCredentials *credentials)
{
	char	   *copy;
	char	   *c;

	length = strnlen(text, length);
	if (appconfig_secret_shows(credentials, text,
							   Min(length, MAX_SEARCH_LENGTH)))
		return pstrdup("(a text that quotes a secret)");
	length = Min(length_without_quotes(text, Min(length, MAX_SEARCH_LENGTH)),
				 MAX_MESSAGE_LENGTH);
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

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9');
}

/* Is it a name: letters, digits and this punctuation, and not too many? */
static bool
is_name(const char *text, size_t length, size_t most, const char *punctuation)
{
	size_t		i;

	for (i = 0; i < length; i++)
	{
		if (text[i] == '\0' || (!is_letter_or_digit(text[i]) &&
								strchr(punctuation, text[i]) == NULL))
			return false;
	}
	return length > 0 && length <= most;
}

/*
 * A palloc'd copy of the answer's request id, or NULL if it has none to show
 */
char *
appconfig_error_request_id(const HttpResult *result,
						   const AwsCredentials *credentials)
{
	const char *id = result->field[HTTP_FIELD_REQUEST_ID];

	if (id == NULL || !is_name(id, strlen(id), MAX_REQUEST_ID_LENGTH, "-_") ||
		appconfig_secret_shows(credentials, id, strlen(id)))
		return NULL;
	return pstrdup(id);
}

/*
 * "com.x.y#Name:http://…" → "Name", if that can be one of AWS: these begin
 * with a capital, and those of other services, as "not_found", mostly don't.
 */
static bool
find_code(const char *text, size_t length, Excerpt *code)
{
	const char *colon = memchr(text, ':', length);
	const char *name = text;
	const char *c;

	if (colon != NULL)
		length = colon - text;
	for (c = text; c < text + length; c++)
	{
		if (*c == '#')
			name = c + 1;
	}
	length -= name - text;
	if (!is_name(name, length, MAX_CODE_LENGTH, ".") || *name < 'A' ||
		*name > 'Z')
		return false;
	*code = (Excerpt) {name, length};
	return true;
}

/* ------------------------------------------------------------------------
 * Bodies
 * ------------------------------------------------------------------------
 */

/* The order of members is that of the SDKs, appconfig-read-api.md section 3 */
static void
read_json_error(JsonValue *body, ErrorParts *parts)
{
	static const char *const code_members[] = {"code", "Code", "__type",
	"Error.Code"};
	static const char *const message_members[] = {"message", "Message",
	"Error.Message"};
	int			i;

	for (i = 0; i < (int) lengthof(code_members); i++)
	{
		JsonValue  *value = appconfig_json_lookup(body, code_members[i]);
		const char *text;
		size_t		length;

		if (appconfig_json_kind(value) != JSON_STRING)
			continue;
		text = appconfig_json_text(value, &length);
		if (find_code(text, length, &parts->code))
			break;
	}
	for (i = 0; i < (int) lengthof(message_members); i++)
	{
		JsonValue  *value = appconfig_json_lookup(body, message_members[i]);

		if (appconfig_json_kind(value) != JSON_STRING)
			continue;
		parts->message.text =
			appconfig_json_text(value, &parts->message.length);
		break;
	}
}

/*
 * Errors in XML: of AWS's front ends, where the document itself is named as
 * the code is, and of its older services, where it is "Error" or
 * "ErrorResponse" and has the code in it.  Any other document is somebody
 * else's.
 */
static void
read_xml_error(const char *body, ErrorParts *parts)
{
	Excerpt		root = appconfig_xml_root(body);

	if (root.text == NULL)
		return;
	if ((root.length == strlen("Error") &&
		 memcmp(root.text, "Error", root.length) == 0) ||
		(root.length == strlen("ErrorResponse") &&
		 memcmp(root.text, "ErrorResponse", root.length) == 0))
		root = appconfig_xml_element(body, "Code");
	else if (root.length < strlen("Exception") ||
			 memcmp(root.text + root.length - strlen("Exception"), "Exception",
					strlen("Exception")) != 0)
		return;
	if (root.text != NULL && find_code(root.text, root.length, &parts->code))
		parts->message = appconfig_xml_element(body, "Message");
}

/*
 * What the service says of an error.  A message goes with a code: without one,
 * the text is not AWS's.
 */
static void
read_error(AwsError *error, const HttpResult *result,
		   const AwsCredentials *credentials)
{
	const char *type = result->field[HTTP_FIELD_ERROR_TYPE];
	const char *ignored;
	ErrorParts	parts = {{NULL, 0}, {NULL, 0}};
	JsonValue  *body =
	appconfig_json_parse(result->body, result->body_length, &ignored);

	/* copying texts out of the body can fail, and must not lose it */
	PG_TRY();
	{
		if (body != NULL)
			read_json_error(body, &parts);
		else
			read_xml_error(result->body, &parts);
		/* the header has the last word on the code */
		if (type != NULL)
			(void) find_code(type, strlen(type), &parts.code);
		if (parts.code.text != NULL &&
			!appconfig_secret_shows(credentials, parts.code.text,
									parts.code.length))
			error->code = pnstrdup(parts.code.text, parts.code.length);
		if (error->code != NULL && parts.message.text != NULL)
			error->message = presentable(parts.message.text,
										 parts.message.length, credentials);
		else if (error->code == NULL && result->body_length > 0)
			error->message = pstrdup("the answer is not an error of AWS");
	}
	PG_FINALLY();
	{
		appconfig_json_release(body);
	}
	PG_END_TRY();
}

/* ------------------------------------------------------------------------
 * Errors
 * ------------------------------------------------------------------------
 */

static void
set_meaning(AwsError *error, const Meaning *meaning)
{
	error->kind = meaning->kind;
	error->sqlstate = meaning->sqlstate;
	error->summary = meaning->summary;
	error->hint = meaning->hint;
}

/*
 * Only the service's own word, with the status that its model gives it, tells
 * that something is not there (contract, section 1).
 */
static const Meaning *
meaning_of_answer(const char *code, int status)
{
	int			i;

	for (i = 0; code != NULL && i < (int) lengthof(meaning_of_code); i++)
	{
		if (strcmp(meaning_of_code[i].code, code) == 0 &&
			(meaning_of_code[i].meaning.kind != AWS_ERROR_NOT_FOUND ||
			 status == 404))
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
 * palloc'd, holds nothing of the transfer, and shows nothing of the
 * credentials' secrets.
 */
AwsError *
appconfig_error_from_result(const HttpResult *result,
							const AwsCredentials *credentials)
{
	AwsError   *error;

	if (result->outcome == HTTP_ANSWERED && result->status == 200)
		return NULL;
	error = palloc0(sizeof(AwsError));
	error->request_id = appconfig_error_request_id(result, credentials);
	if (result->outcome != HTTP_ANSWERED)
	{
		set_meaning(error, &meaning_of_outcome[result->outcome]);
		/* it may be the proxy that could not connect */
		if (result->outcome == HTTP_NOT_PROXIED &&
			meaning_of_answer(NULL, result->proxy_status)->kind ==
			AWS_ERROR_TRANSIENT)
			error->kind = AWS_ERROR_TRANSIENT;
		error->message =
			presentable(result->error, strlen(result->error), credentials);
		return error;
	}
	error->status = result->status;
	read_error(error, result, credentials);
	set_meaning(error, meaning_of_answer(error->code, result->status));
	/* AWS gives its reasons; against a proxy's no policy helps */
	if (error->kind == AWS_ERROR_FATAL && error->code == NULL)
		error->hint = HINT_ENDPOINT;
	return error;
}

/* What was asked for cannot be missing, so that it is not found means more */
void
appconfig_error_refuse(AwsError *error)
{
	set_meaning(error, &not_there);
}

/* A success that cannot be read, and why */
AwsError *
appconfig_error_malformed(const HttpResult *result,
						  const AwsCredentials *credentials, const char *why)
{
	AwsError   *error = palloc0(sizeof(AwsError));

	set_meaning(error, &malformed);
	error->status = result->status;
	error->message = pstrdup(why);
	error->request_id = appconfig_error_request_id(result, credentials);
	return error;
}

/* The same of a success whose transfer is gone */
AwsError *
appconfig_error_unreadable(const char *why)
{
	AwsError   *error = palloc0(sizeof(AwsError));

	set_meaning(error, &malformed);
	error->status = 200;
	error->message = pstrdup(why);
	return error;
}

/* "GET" with the path and query, palloc'd, as far as they can be shown */
char *
appconfig_error_request_line(const AwsCallName *call)
{
	return psprintf("%s %s", call->method,
					presentable(call->target, strlen(call->target), call->credentials));
}

/* What to do about it, with a place for the operation, or NULL */
static const char *
hint_for(const AwsError *error, const AwsCallName *call)
{
	/* STS is asked with them who they are, which needs no permission */
	if (call->with_mapping &&
		(call->service == AWS_APPCONFIG || error->hint != HINT_DENIED) &&
		error->hint < lengthof(mapping_hints) &&
		mapping_hints[error->hint] != NULL)
		return mapping_hints[error->hint];
	return hints[error->hint][call->service];
}

static bool
is_of_aws(AwsService service)
{
	return service == AWS_APPCONFIG || service == AWS_STS;
}

/* A container or an instance that refuses has no credentials for us */
static int
sqlstate_of(const AwsError *error, const AwsCallName *call)
{
	return !is_of_aws(call->service) && error->kind == AWS_ERROR_FATAL &&
		error->status >= 400 ? ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
		: error->sqlstate;
}

/* "AssumeRole failed: AccessDenied, HTTP status 403: ...", palloc'd */
static char *
failure_detail(const AwsError *error, const AwsCallName *call)
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
	/* what is not AWS's interface need not answer as it does */
	if (error->message != NULL && error->message[0] != '\0' &&
		(is_of_aws(call->service) || error->code != NULL || error->status == 200 || error->status == 0))
		appendStringInfo(&detail, ": %s", error->message);
	return detail.data;
}

/* Why the call has failed, on one line, palloc'd, for other reports */
char *
appconfig_error_describe(const AwsError *error, const AwsCallName *call)
{
	return psprintf("%s (%s)", psprintf(error->summary, titles[call->service]),
					failure_detail(error, call));
}

/*
 * Reports a call that has failed for good.  The detail names the operation,
 * the AWS code, the HTTP status and the request id, as far as there are any.
 */
void
appconfig_error_raise(const AwsError *error, const AwsCallName *call)
{
	const char *hint = hint_for(error, call);

	ereport(ERROR,
			(errcode(sqlstate_of(error, call)),
			 errmsg(error->summary, titles[call->service]),
			 errdetail_internal("%s", failure_detail(error, call)),
			 hint != NULL ? errhint(hint, call->operation) : 0,
			 errcontext("%s", appconfig_error_request_line(call))));
}
