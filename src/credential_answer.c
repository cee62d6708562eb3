/*-------------------------------------------------------------------------
 *
 * credential_answer.c
 *		What those say who give out credentials.
 *
 * STS answers in JSON where it is asked to, which AWS documents nowhere, so
 * its XML is understood as well (appconfig-read-api.md, sections 5.2 and 8).
 * The endpoint of a container and the metadata service of an instance have
 * JSON of their own.
 *
 * What comes in goes into header lines of later requests: it has to be visible
 * ASCII.  Nothing of an answer is ever quoted, but for an error's name.  The
 * file also builds with -DFRONTEND, for its unit tests.
 *
 * What may not live here: how it is asked for (credential_provider.c).
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "credential_answer.h"
#include "iso8601.h"
#include "xml.h"

/* Longest key, secret or token; AWS names no limit, and ours is far beyond */
#define MAX_KEY_LENGTH 16384

#define MAX_NAME_LENGTH	 2048	/* of accounts and identities */
#define MAX_ERROR_LENGTH 64

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Seconds since 1970 of the year 9999 */
#define LATEST 253402300799.0

/* Names of members, and of elements */
typedef struct KeyNames
{
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token;
	const char *expiration;
} KeyNames;

static const KeyNames sts_names = {
	"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"
};

static const KeyNames endpoint_names = {
	"AccessKeyId", "SecretAccessKey", "Token", "Expiration"
};

/* ------------------------------------------------------------------------
 * Texts
 * ------------------------------------------------------------------------
 */

/* A palloc'd copy of what can be a key or a name, or NULL if it is none */
static char *
copy_visible(const char *text, size_t length, size_t most)
{
	char	   *copy;

	/* a NUL in it would be its end */
	if (text == NULL || length == 0 || length > most ||
		memchr(text, '\0', length) != NULL)
		return NULL;
	copy = pnstrdup(text, length);
	if (appconfig_credentials_text_is_valid(copy))
		return copy;
	explicit_bzero(copy, length);
	pfree(copy);
	return NULL;
}

/* The same of a member of an object */
static char *
copy_member(JsonValue *object, const char *name, size_t most)
{
	JsonValue  *value = appconfig_json_lookup(object, name);
	const char *text;
	size_t		length;

	if (appconfig_json_kind(value) != JSON_STRING)
		return NULL;
	text = appconfig_json_text(value, &length);
	return copy_visible(text, length, most);
}

/* The same of an element */
static char *
copy_element(const char *body, const char *name, size_t most)
{
	Excerpt		element = appconfig_xml_element(body, name);

	return copy_visible(element.text, element.length, most);
}

/*
 * A moment as ISO 8601 has it; false if it is none.  One in 1970 or before is
 * none that credentials end at, and 0 would say that they never do.
 */
static bool
read_iso_moment(const char *text, size_t length, int64 *seconds)
{
	return appconfig_iso8601_parse(text, length, seconds) && *seconds > 0;
}

/* The same, or seconds since 1970 */
static bool
read_moment(JsonValue *value, int64 *seconds)
{
	const char *text;
	size_t		length;
	double		number;

	if (appconfig_json_kind(value) != JSON_STRING &&
		appconfig_json_kind(value) != JSON_NUMBER)
		return false;
	text = appconfig_json_text(value, &length);
	if (appconfig_json_kind(value) == JSON_STRING)
		return read_iso_moment(text, length, seconds);
	number = strtod(text, NULL);
	/* a comparison with NaN is false as well */
	if (!(number >= 1 && number <= LATEST))
		return false;
	*seconds = (int64) number;
	return true;
}

/* ------------------------------------------------------------------------
 * Credentials
 * ------------------------------------------------------------------------
 */

/* What is wrong with what was read, or NULL; then nothing of it is left */
static const char *
check_keys(CredentialAnswer *answer, bool has_moment)
{
	const char *reason = NULL;

	if (answer->keys.access_key_id == NULL)
		reason = "there is no AccessKeyId in it";
	else if (answer->keys.secret_access_key == NULL)
		reason = "there is no SecretAccessKey in it";
	else if (answer->keys.session_token == NULL)
		reason = "there is no session token in it";
	else if (!has_moment)
		reason = "there is no time of expiry in it";
	if (reason != NULL)
		appconfig_credentials_wipe(&answer->keys);
	return reason;
}

static const char *
read_object(JsonValue *object, const KeyNames *names, CredentialAnswer *answer)
{
	bool		has_moment;

	answer->keys.access_key_id =
		copy_member(object, names->access_key_id, MAX_KEY_LENGTH);
	answer->keys.secret_access_key =
		copy_member(object, names->secret_access_key, MAX_KEY_LENGTH);
	answer->keys.session_token =
		copy_member(object, names->session_token, MAX_KEY_LENGTH);
	has_moment = read_moment(appconfig_json_lookup(object, names->expiration),
							 &answer->expires_at);
	return check_keys(answer, has_moment);
}

static const char *
read_elements(const char *body, CredentialAnswer *answer)
{
	Excerpt		moment = appconfig_xml_element(body, sts_names.expiration);

	answer->keys.access_key_id =
		copy_element(body, sts_names.access_key_id, MAX_KEY_LENGTH);
	answer->keys.secret_access_key =
		copy_element(body, sts_names.secret_access_key, MAX_KEY_LENGTH);
	answer->keys.session_token =
		copy_element(body, sts_names.session_token, MAX_KEY_LENGTH);
	return check_keys(answer, moment.text != NULL &&
					  read_iso_moment(moment.text, moment.length,
									  &answer->expires_at));
}

/* Is it XML that answers the action? */
static bool
is_xml_answer(const char *body, const char *action)
{
	Excerpt		root = appconfig_xml_root(body);
	char	   *name = psprintf("%sResponse", action);
	bool		is_answer = root.text != NULL && root.length == strlen(name) &&
	memcmp(root.text, name, root.length) == 0;

	pfree(name);
	return is_answer;
}

/* The object that an answer of STS in JSON has for the action, or NULL */
static JsonValue *
find_result(JsonValue *document, const char *action, const char *member)
{
	char	   *path = psprintf("%sResponse.%sResult%s", action, action, member);
	JsonValue  *result = appconfig_json_lookup(document, path);

	pfree(path);
	return appconfig_json_kind(result) == JSON_OBJECT ? result : NULL;
}

/*
 * Reads what STS has answered to AssumeRole or AssumeRoleWithWebIdentity.
 * Returns NULL, or what is wrong with it, in static memory, with nothing in
 * *answer.
 */
const char *
appconfig_credential_answer_read_sts(const AnswerBody *body,
									 const char *action,
									 CredentialAnswer *answer)
{
	JsonValue  *result;

	memset(answer, 0, sizeof(*answer));
	if (is_xml_answer(body->text, action))
		return read_elements(body->text, answer);
	if (body->document == NULL)
		return body->malformed;
	result = find_result(body->document, action, ".Credentials");
	return result != NULL ? read_object(result, &sts_names, answer)
		: "there are no credentials in it";
}

/*
 * The metadata service answers some errors with a success that has an error's
 * name in it
 */
static const char *
find_error(JsonValue *document)
{
	char	   *name = copy_member(document, "Code", MAX_ERROR_LENGTH);
	const char *error = "it is an error without a name";

	if (appconfig_json_lookup(document, "Code") == NULL ||
		(name != NULL && strcmp(name, "Success") == 0))
		error = NULL;
	else if (name != NULL && strspn(name, LETTERS) == strlen(name))
		error = psprintf("it is the error %s", name);
	if (name != NULL)
		pfree(name);
	return error;
}

/* ECS names the role, EKS the account; an instance neither */
static char *
read_identity(JsonValue *document)
{
	char	   *role = copy_member(document, "RoleArn", MAX_NAME_LENGTH);

	return role != NULL ? role
		: copy_member(document, "AccountId", MAX_NAME_LENGTH);
}

/*
 * Reads what the endpoint of a container, or of an instance, has answered.
 * Returns NULL, or what is wrong with it, palloc'd or in static memory, with
 * nothing in *answer.
 */
const char *
appconfig_credential_answer_read_endpoint(const AnswerBody *body,
										  CredentialAnswer *answer)
{
	const char *error;

	memset(answer, 0, sizeof(*answer));
	if (body->document == NULL)
		return body->malformed;
	if (appconfig_json_kind(body->document) != JSON_OBJECT)
		return "not a JSON object";
	error = find_error(body->document);
	if (error == NULL)
		error = read_object(body->document, &endpoint_names, answer);
	if (error == NULL)
		answer->identity = read_identity(body->document);
	return error;
}

/*
 * Reads what STS has answered to GetCallerIdentity; the strings are palloc'd.
 * Returns NULL, or what is wrong with it, in static memory.
 */
const char *
appconfig_credential_answer_read_caller(const AnswerBody *body,
										CallerIdentity *caller)
{
	static const char action[] = "GetCallerIdentity";

	memset(caller, 0, sizeof(*caller));
	if (is_xml_answer(body->text, action))
	{
		caller->account = copy_element(body->text, "Account", MAX_NAME_LENGTH);
		caller->arn = copy_element(body->text, "Arn", MAX_NAME_LENGTH);
	}
	else if (body->document != NULL)
	{
		JsonValue  *result = find_result(body->document, action, "");

		caller->account = copy_member(result, "Account", MAX_NAME_LENGTH);
		caller->arn = copy_member(result, "Arn", MAX_NAME_LENGTH);
	}
	else
		return body->malformed;
	return caller->account == NULL || caller->arn == NULL
		? "there is no identity in it" : NULL;
}
