/*-------------------------------------------------------------------------
 *
 * test_credential_answer.c
 *	  what is read of those who give out credentials
 *
 * IDENTIFICATION
 *	  test/unit/test_credential_answer.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "credential_answer.h"
#include "unit.h"

#define KEYS \
	"\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"secret/+=\",\"SessionToken\":\"token//\""
#define ENDPOINT_KEYS \
	"\"AccessKeyId\":\"ASIAEXAMPLE\",\"SecretAccessKey\":\"secret/+=\",\"Token\":\"token//\""
#define STS(credentials) \
	"{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{\"Credentials\":" credentials \
	",\"PackedPolicySize\":1},\"ResponseMetadata\":{\"RequestId\":\"1\"}}}"
#define XML(root, content) \
	"<" root " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n<AssumeRoleResult>" \
	"<Credentials>\n" content "</Credentials></AssumeRoleResult></" root ">\n"
#define XML_KEYS \
	"<AccessKeyId>ASIAEXAMPLE</AccessKeyId>\n<SecretAccessKey>secret/+=</SecretAccessKey>" \
	"<SessionToken>token//</SessionToken>"

#define NO_KEY	  "there is no AccessKeyId in it"
#define NO_SECRET "there is no SecretAccessKey in it"
#define NO_TOKEN  "there is no session token in it"
#define NO_EXPIRY "there is no time of expiry in it"

#define NAMED "it is the error "

/* Who has answered */
typedef enum Reader
{
	READ_STS,
	READ_ENDPOINT,
	READ_CALLER
} Reader;

/* All that has been read of an answer */
typedef struct Reading
{
	const char *reason;
	CredentialAnswer keys;
	CallerIdentity caller;
} Reading;

static Reading
read_answer(Reader reader, const char *text, size_t length)
{
	Reading		reading = {0};
	char	   *copy = pnstrdup(text, length);
	AnswerBody	body = {.text = copy};

	/* as api.c does it: what is behind a NUL does not count */
	body.document = appconfig_json_parse_secret(copy, strlen(copy), &body.malformed);
	switch (reader)
	{
		case READ_STS:
			reading.reason = appconfig_credential_answer_read_sts(&body, "AssumeRole",
																  &reading.keys);
			break;
		case READ_ENDPOINT:
			reading.reason = appconfig_credential_answer_read_endpoint(&body, &reading.keys);
			break;
		case READ_CALLER:
			reading.reason = appconfig_credential_answer_read_caller(&body, &reading.caller);
			break;
	}
	appconfig_json_release(body.document);
	pfree(copy);
	return reading;
}

static void
forget(Reading *reading)
{
	appconfig_credentials_wipe(&reading->keys.keys);
	if (reading->caller.account != NULL)
		pfree(reading->caller.account);
	if (reading->caller.arn != NULL)
		pfree(reading->caller.arn);
	/* the one reason that is not static */
	if (reading->reason != NULL &&
		strncmp(reading->reason, NAMED, strlen(NAMED)) == 0)
		pfree(unconstify(char *, reading->reason));
}

/* The answer is refused for that reason, and nothing of it is kept */
static void
check_refused(Reader reader, const char *what, const char *text,
			  const char *reason)
{
	Reading		reading = read_answer(reader, text, strlen(text));

	is_str(reading.reason, reason, "%s: refused", what);
	ok(reading.keys.keys.access_key_id == NULL &&
	   reading.keys.keys.secret_access_key == NULL &&
	   reading.keys.keys.session_token == NULL, "%s: no key is left", what);
	forget(&reading);
}

/* The answer has the keys of this test, and this expiry */
static void
check_taken(Reader reader, const char *what, const char *text, int64 expires_at)
{
	Reading		reading = read_answer(reader, text, strlen(text));
	const AwsCredentials *keys = &reading.keys.keys;

	is_str(reading.reason, NULL, "%s: taken", what);
	is_str(keys->access_key_id, "ASIAEXAMPLE", "%s: its key", what);
	is_str(keys->secret_access_key, "secret/+=", "%s: its secret", what);
	is_str(keys->session_token, "token//", "%s: its token", what);
	is_int(reading.keys.expires_at, expires_at, "%s: its expiry", what);
	forget(&reading);
}

/* ------------------------------------------------------------------------
 * Moments
 * ------------------------------------------------------------------------
 */

/* As they stand in JSON; 0: it is none */
static const struct
{
	const char *json;
	int64		seconds;
}			moments[] = {
	{"1.514869445E9", 1514869445},
	{"1.514869445e9", 1514869445},
	{"1.514869445E+9", 1514869445},
	{"1514869445", 1514869445},
	{"1514869445.0", 1514869445},
	{"1514869445.999", 1514869445},
	{"15148694450e-1", 1514869445},
	{"253402300799", INT64CONST(253402300799)},
	{"1", 1},
	{"\"2018-01-02T05:04:05Z\"", 1514869445},
	{"\"2018-01-02T05:04:05.123456789Z\"", 1514869445},
	{"\"2018-01-02T06:04:05+01:00\"", 1514869445},
	{"\"2018-01-01T21:34:05-07:30\"", 1514869445},
	{"\"1970-01-01T00:00:01Z\"", 1},
	{"\"9999-12-31T23:59:59Z\"", INT64CONST(253402300799)},
	{"0", 0}, {"-1", 0}, {"-1e300", 0}, {"0.5", 0}, {"1e300", 0}, {"1e999", 0},
	{"253402300801", 0}, {"1e-999", 0}, {"-0", 0},
	{"null", 0}, {"true", 0}, {"[1514869445]", 0}, {"{\"seconds\":1514869445}", 0},
	{"\"\"", 0}, {"\"1514869445\"", 0}, {"\"NaN\"", 0}, {"\"soon\"", 0},
	{"\"1970-01-01T00:00:00Z\"", 0}, {"\"1969-12-31T23:59:59Z\"", 0}, {"\"0001-01-01T00:00:00Z\"", 0},
	{"\"2018-02-30T05:04:05Z\"", 0}, {"\"2018-01-02 05:04:05\"", 0}, {"\"2018-01-02T05:04:05\"", 0},
	{"\"2018-01-02T05:04:05Z \"", 0}, {"\"2018-01-02T05:04:05Z\\u0000\"", 0},
};

static void
test_moments(void)
{
	int			i;

	for (i = 0; i < (int) lengthof(moments); i++)
	{
		const char *moment = moments[i].json;
		char	   *sts = psprintf(STS("{" KEYS ",\"Expiration\":%s}"), moment);
		char	   *endpoint = psprintf("{" ENDPOINT_KEYS ",\"Expiration\":%s}", moment);

		if (moments[i].seconds != 0)
		{
			check_taken(READ_STS, moment, sts, moments[i].seconds);
			check_taken(READ_ENDPOINT, moment, endpoint, moments[i].seconds);
		}
		else
		{
			check_refused(READ_STS, moment, sts, NO_EXPIRY);
			check_refused(READ_ENDPOINT, moment, endpoint, NO_EXPIRY);
		}
		pfree(sts);
		pfree(endpoint);
	}
}

/* ------------------------------------------------------------------------
 * Keys
 * ------------------------------------------------------------------------
 */

/* What no key is, as it stands in JSON */
static const char *const not_keys[] = {
	"\"\"", "\" \"", "\" a\"", "\"a b\"", "\"a\\n\"", "\"a\\r\\nX: y\"", "\"a\\u0000b\"", "\"\\u007f\"",
	"\"\xc3\xa9\"", "\"\\u00e9\"", "7", "true", "null", "[]", "[\"a\"]", "{}", "{\"0\":\"a\"}",
};

static void
test_keys(void)
{
	static const struct
	{
		const char *format;
		const char *reason;
	}			members[] = {
		{"{\"AccessKeyId\":%s,\"SecretAccessKey\":\"b\",\"Token\":\"c\",\"Expiration\":1}", NO_KEY},
		{"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":%s,\"Token\":\"c\",\"Expiration\":1}", NO_SECRET},
		{"{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":%s,\"Expiration\":1}", NO_TOKEN},
	};
	int			i;
	int			j;

	for (i = 0; i < (int) lengthof(not_keys); i++)
	{
		for (j = 0; j < (int) lengthof(members); j++)
		{
			char	   *text = psprintf(members[j].format, not_keys[i]);

			check_refused(READ_ENDPOINT, text, text, members[j].reason);
			pfree(text);
		}
	}
}

/* Of 16 384 characters, which are read, or of one more */
static void
test_lengths(void)
{
	int			more;

	for (more = 0; more < 2; more++)
	{
		int			length = 16384 + more;
		char	   *token = pg_malloc(length + 1);
		char	   *text;
		Reading		reading;

		memset(token, 'x', length);
		token[length] = '\0';
		text = psprintf("{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Token\":\"%s\",\"Expiration\":1}", token);
		reading = read_answer(READ_ENDPOINT, text, strlen(text));
		is_str(reading.reason, more == 0 ? NULL : NO_TOKEN, "a token of %d characters", length);
		forget(&reading);
		pfree(text);
		pg_free(token);
	}
}

/* ------------------------------------------------------------------------
 * Documents
 * ------------------------------------------------------------------------
 */

static void
test_documents(void)
{
	static const char no_credentials[] = "there are no credentials in it";

	check_refused(READ_STS, "empty", "", "unexpected end of data");
	check_refused(READ_STS, "an empty object", "{}", no_credentials);
	check_refused(READ_STS, "an array", "[" STS("{}") "]", no_credentials);
	check_refused(READ_STS, "a text", "\"AssumeRoleResponse\"", no_credentials);
	check_refused(READ_STS, "no credentials", "{\"AssumeRoleResponse\":{\"AssumeRoleResult\":{}}}", no_credentials);
	check_refused(READ_STS, "credentials that are null", STS("null"), no_credentials);
	check_refused(READ_STS, "credentials that are a list", STS("[{" KEYS ",\"Expiration\":1}]"), no_credentials);
	check_refused(READ_STS, "those of another action",
				  "{\"AssumeRoleWithWebIdentityResponse\":{\"AssumeRoleWithWebIdentityResult\":{\"Credentials\":{"
				  KEYS ",\"Expiration\":1}}}}", no_credentials);
	check_refused(READ_STS, "those of an endpoint", "{" ENDPOINT_KEYS ",\"Expiration\":1}", no_credentials);
	check_refused(READ_STS, "the token of an endpoint", STS("{" ENDPOINT_KEYS ",\"Expiration\":1}"), NO_TOKEN);
	check_taken(READ_STS, "members twice", STS("{\"AccessKeyId\":7," KEYS ",\"Expiration\":\"\",\"Expiration\":5}"), 5);

	check_refused(READ_ENDPOINT, "empty", "", "unexpected end of data");
	check_refused(READ_ENDPOINT, "an array", "[]", "not a JSON object");
	check_refused(READ_ENDPOINT, "a number", "7", "not a JSON object");
	check_refused(READ_ENDPOINT, "XML", XML("AssumeRoleResponse", XML_KEYS), "unexpected character");
	check_taken(READ_ENDPOINT, "the code Success", "{\"Code\":\"Success\"," ENDPOINT_KEYS ",\"Expiration\":9}", 9);
	check_refused(READ_ENDPOINT, "a code", "{\"Code\":\"AssumeRoleUnauthorizedAccess\"," ENDPOINT_KEYS ",\"Expiration\":9}",
				  "it is the error AssumeRoleUnauthorizedAccess");
	check_refused(READ_ENDPOINT, "a code in small letters", "{\"Code\":\"success\"," ENDPOINT_KEYS ",\"Expiration\":9}",
				  "it is the error success");
	check_refused(READ_ENDPOINT, "a code that is a text", "{\"Code\":\"Failed: x\"}", "it is an error without a name");
	check_refused(READ_ENDPOINT, "a code that is a number", "{\"Code\":200," ENDPOINT_KEYS ",\"Expiration\":9}",
				  "it is an error without a name");
	check_refused(READ_ENDPOINT, "a code that does not end",
				  "{\"Code\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
				  "it is an error without a name");
}

static void
test_xml(void)
{
	check_taken(READ_STS, "XML", XML("AssumeRoleResponse", XML_KEYS "<Expiration>2018-01-02T05:04:05Z</Expiration>"),
				1514869445);
	check_taken(READ_STS, "XML with a declaration", "<?xml version=\"1.0\"?>\n"
				XML("AssumeRoleResponse", XML_KEYS "<Expiration>2018-01-02T05:04:05.5Z</Expiration>"), 1514869445);
	check_refused(READ_STS, "a number in XML", XML("AssumeRoleResponse", XML_KEYS "<Expiration>1.5E9</Expiration>"), NO_EXPIRY);
	check_refused(READ_STS, "1970 in XML", XML("AssumeRoleResponse", XML_KEYS "<Expiration>1970-01-01T00:00:00Z</Expiration>"),
				  NO_EXPIRY);
	check_refused(READ_STS, "no expiry in XML", XML("AssumeRoleResponse", XML_KEYS), NO_EXPIRY);
	check_refused(READ_STS, "no keys in XML", XML("AssumeRoleResponse", ""), NO_KEY);
	check_refused(READ_STS, "an element that does not end", "<AssumeRoleResponse><AccessKeyId>A", NO_KEY);
	check_refused(READ_STS, "an element that another ends", "<AssumeRoleResponse><AccessKeyId>A</SecretAccessKey>", NO_KEY);
	check_refused(READ_STS, "blanks in a key",
				  "<AssumeRoleResponse><AccessKeyId> A </AccessKeyId></AssumeRoleResponse>", NO_KEY);
	check_refused(READ_STS, "an error in XML", "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
				  "unexpected character");
	check_refused(READ_STS, "the XML of another action",
				  XML("AssumeRoleWithWebIdentityResponse", XML_KEYS "<Expiration>2018-01-02T05:04:05Z</Expiration>"),
				  "unexpected character");
	check_refused(READ_STS, "HTML", "<html><body>AssumeRoleResponse</body></html>", "unexpected character");
}

static void
check_caller(const char *what, const char *text, const char *arn)
{
	Reading		reading = read_answer(READ_CALLER, text, strlen(text));

	is_str(reading.reason, NULL, "%s: taken", what);
	is_str(reading.caller.account, "111122223333", "%s: its account", what);
	is_str(reading.caller.arn, arn, "%s: its ARN", what);
	forget(&reading);
}

static void
test_callers(void)
{
	static const char nobody[] = "there is no identity in it";

	check_caller("a caller", "{\"GetCallerIdentityResponse\":{\"GetCallerIdentityResult\":"
				 "{\"Account\":\"111122223333\",\"Arn\":\"arn:x\",\"UserId\":\"A\"}}}", "arn:x");
	check_caller("a caller in XML", "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:y</Arn>"
				 "<Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>", "arn:y");
	check_refused(READ_CALLER, "nobody", "{}", nobody);
	check_refused(READ_CALLER, "nobody in XML", "<GetCallerIdentityResponse/>", nobody);
	check_refused(READ_CALLER, "an account that is a number", "{\"GetCallerIdentityResponse\":{\"GetCallerIdentityResult\":"
				  "{\"Account\":111122223333,\"Arn\":\"arn:x\"}}}", nobody);
	check_refused(READ_CALLER, "an ARN of two lines", "{\"GetCallerIdentityResponse\":{\"GetCallerIdentityResult\":"
				  "{\"Account\":\"1\",\"Arn\":\"arn:x\\ny\"}}}", nobody);
	check_refused(READ_CALLER, "empty", "", "unexpected end of data");
}

/* ------------------------------------------------------------------------
 * Mutations
 * ------------------------------------------------------------------------
 */

/* The same numbers each time (Numerical Recipes) */
static uint32
next_random(void)
{
	static uint32 state = 1;

	state = state * 1664525 + 1013904223;
	return state >> 8;
}

/*
 * Changes a few bytes, or moves, drops or repeats a piece; returns the length
 */
static size_t
mutate(char *text, size_t length, size_t room)
{
	size_t		at = next_random() % length;
	size_t		piece = next_random() % 16 + 1;

	piece = Min(piece, length - at);
	switch (next_random() % 5)
	{
		case 0:
			text[at] = (char) next_random();
			break;
		case 1:
			text[at] ^= 1 << (next_random() % 8);
			break;
		case 2:
			memmove(text + at, text + at + piece, length - at - piece);
			length -= piece;
			break;
		case 3:
			if (length + piece <= room)
			{
				memmove(text + at + piece, text + at, length - at);
				length += piece;
			}
			break;
		default:
			length = at;
			break;
	}
	return length;
}

/* What is wrong with what was read, or NULL */
static const char *
find_fault(const Reading *reading, Reader reader)
{
	const char *texts[] = {reading->keys.keys.access_key_id,
	reading->keys.keys.secret_access_key, reading->keys.keys.session_token};
	int			i;

	if (reader == READ_CALLER)
		return reading->reason == NULL && reading->caller.arn == NULL ? "no ARN" : NULL;
	for (i = 0; i < (int) lengthof(texts); i++)
	{
		if ((texts[i] == NULL) != (reading->reason != NULL))
			return "keys with a reason, or none without one";
		if (texts[i] != NULL && (texts[i][0] == '\0' || !appconfig_credentials_text_is_valid(texts[i])))
			return "a key that goes into no header line";
	}
	return reading->reason == NULL &&
		(reading->keys.expires_at < 1 || reading->keys.expires_at > INT64CONST(253402387199))
		? "an expiry that is none" : NULL;
}

static void
test_mutations(void)
{
	static const struct
	{
		Reader		reader;
		const char *text;
	}			seeds[] = {
		{READ_STS, STS("{" KEYS ",\"Expiration\":1.514869445E9}")},
		{READ_STS, XML("AssumeRoleResponse", XML_KEYS "<Expiration>2018-01-02T05:04:05Z</Expiration>")},
		{READ_ENDPOINT, "{\"Code\" : \"Success\"," ENDPOINT_KEYS ",\n\"Expiration\" : \"2018-01-02T05:04:05Z\"}"},
		{READ_CALLER, "<GetCallerIdentityResponse><Arn>arn:y</Arn><Account>1</Account></GetCallerIdentityResponse>"},
		{READ_CALLER, "{\"GetCallerIdentityResponse\":{\"GetCallerIdentityResult\":{\"Account\":\"1\",\"Arn\":\"arn:x\"}}}"},
	};
	int			taken = 0;
	int			refused = 0;
	const char *fault = NULL;
	int			i;

	for (i = 0; i < 100000 && fault == NULL; i++)
	{
		int			seed = i % (int) lengthof(seeds);
		size_t		length = strlen(seeds[seed].text);
		size_t		room = length + 64;
		char	   *text = pg_malloc0(room + 1);
		int			changes = next_random() % 3 + 1;
		Reading		reading;

		memcpy(text, seeds[seed].text, length);
		while (changes-- > 0 && length > 0)
			length = mutate(text, length, room);
		reading = read_answer(seeds[seed].reader, text, length);
		if (reading.reason == NULL)
			taken++;
		else
			refused++;
		fault = find_fault(&reading, seeds[seed].reader);
		if (fault != NULL)
			fprintf(stderr, "# %.*s\n", (int) length, text);
		forget(&reading);
		pg_free(text);
	}
	is_str(fault, NULL, "%d answers that are changed at random", i);
	ok(taken > 1000 && refused > 1000, "... of which %d are taken and %d refused", taken, refused);
}

int
main(void)
{
	test_moments();
	test_keys();
	test_lengths();
	test_documents();
	test_xml();
	test_callers();
	test_mutations();
	return done_testing();
}
