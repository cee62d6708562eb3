/*-------------------------------------------------------------------------
 *
 * test_sigv4.c
 *	  unit tests of src/aws_sigv4.c and src/aws_credentials.c
 *
 * Each of AWS's published vectors is checked at each stage.  They lie in
 * api/sigv4-vectors of the directory in APPCONFIG_SHARED; without it the
 * vectors are skipped, and only those below are left.
 *
 * IDENTIFICATION
 *	  test/unit/test_sigv4.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <time.h>

#include "lib/stringinfo.h"

#include "aws_credentials.h"
#include "aws_sigv4.h"

#include "unit.h"

#define DEFAULT_SHARED	  "../../../shared"
#define NUMBER_OF_VECTORS 38
#define MAX_HEADERS		  20

/* A vector read into memory.  The strings point into its two files. */
typedef struct Vector
{
	char	   *context_text;
	char	   *request_text;
	AwsCredentials credentials;
	AwsSigv4Scope scope;
	AwsSigv4Header headers[MAX_HEADERS];
	AwsSigv4Request request;
	char		payload_hash[AWS_SIGV4_SIGNATURE_LEN + 1];
} Vector;

/* ------------------------------------------------------------------------
 * Reading vectors
 * ------------------------------------------------------------------------
 */

/*
 * Returns a file's content, palloc'd, without the line feed that some of the
 * files end with; NULL if it cannot be read.
 */
static char *
read_vector_file(const char *directory, const char *name, const char *file)
{
	char	   *path = psprintf("%s/%s/%s", directory, name, file);
	FILE	   *stream = fopen(path, "rb");
	StringInfoData buf;
	int			c;

	pfree(path);
	if (stream == NULL)
		return NULL;
	initStringInfo(&buf);
	while ((c = fgetc(stream)) != EOF)
		appendStringInfoChar(&buf, (char) c);
	fclose(stream);

	if (buf.len > 0 && buf.data[buf.len - 1] == '\n')
		buf.data[--buf.len] = '\0';
	return buf.data;
}

/*
 * Returns the value of a member of context.json, which has no nesting that
 * matters, no escapes and no name twice; NULL if there is none.  palloc'd.
 */
static char *
context_value(const char *context, const char *name)
{
	char	   *quoted = psprintf("\"%s\":", name);
	const char *value = strstr(context, quoted);

	if (value != NULL)
	{
		value += strlen(quoted);
		value += strspn(value, " \"");
	}
	pfree(quoted);
	return value != NULL ? pnstrdup(value, strcspn(value, "\",\n}")) : NULL;
}

/* True if the member of context.json is true. */
static bool
context_is_true(const char *context, const char *name)
{
	char	   *value = context_value(context, name);
	bool		result = value != NULL && strcmp(value, "true") == 0;

	if (value != NULL)
		pfree(value);
	return result;
}

/* Reads context.json. */
static void
parse_context(Vector *vector)
{
	const char *context = vector->context_text;
	char	   *timestamp = context_value(context, "timestamp");
	struct tm	utc = {0};

	vector->credentials.access_key_id =
		context_value(context, "access_key_id");
	vector->credentials.secret_access_key =
		context_value(context, "secret_access_key");

	/* then the token is only added to the request after it was signed */
	if (!context_is_true(context, "omit_session_token"))
		vector->credentials.session_token = context_value(context, "token");

	if (sscanf(timestamp, "%d-%d-%dT%d:%d:%dZ", &utc.tm_year, &utc.tm_mon,
			   &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec) != 6)
		ok(false, "timestamp %s", timestamp);
	utc.tm_year -= 1900;
	utc.tm_mon -= 1;
	vector->scope.time = timegm(&utc);
	vector->scope.region = context_value(context, "region");
	vector->scope.service = context_value(context, "service");
	vector->request.normalize_path = context_is_true(context, "normalize");
	pfree(timestamp);
}

/*
 * Cuts the request line into method, path and query.  The path may contain
 * spaces, so the end of the line is looked for from behind.
 */
static void
parse_request_line(Vector *vector, char *line)
{
	char	   *path = strchr(line, ' ');
	char	   *version = strrchr(line, ' ');
	char	   *query;

	*path++ = '\0';
	*version = '\0';
	query = strchr(path, '?');
	if (query != NULL)
		*query++ = '\0';

	vector->request.method = line;
	vector->request.path = path;
	vector->request.query = query;
}

/*
 * Cuts request.txt into lines, in place: the request line, headers (which may
 * go on in a line that begins with a space), an empty line, the payload.
 */
static void
parse_request(Vector *vector)
{
	char	   *end = strchr(vector->request_text, '\n');
	char	   *line = end + 1;
	int			n = 0;

	*end = '\0';
	parse_request_line(vector, vector->request_text);

	while (*line != '\0' && *line != '\n')
	{
		char	   *colon = strchr(line, ':');

		end = line + strcspn(line, "\n");
		while (end[0] == '\n' && end[1] == ' ')
			end += 1 + strcspn(end + 1, "\n");
		vector->headers[n].name = line;
		vector->headers[n].value = colon + 1;
		n++;
		*colon = '\0';
		line = *end != '\0' ? end + 1 : end;
		*end = '\0';
	}
	if (*line == '\n')
		line++;
	vector->request.payload = line;
	vector->request.payload_len = strlen(line);
	vector->request.headers = vector->headers;
	vector->request.nheaders = n;
}

/* Reads a vector.  Returns false if a file is missing. */
static bool
read_vector(const char *directory, const char *name, Vector *vector)
{
	memset(vector, 0, sizeof(*vector));
	vector->context_text = read_vector_file(directory, name, "context.json");
	vector->request_text = read_vector_file(directory, name, "request.txt");
	if (vector->context_text == NULL || vector->request_text == NULL)
		return false;

	parse_context(vector);
	parse_request(vector);

	/* a header that our service does not need, so the caller's to add */
	if (context_is_true(vector->context_text, "sign_body"))
	{
		AwsSigv4Header *header = &vector->headers[vector->request.nheaders++];

		appconfig_sigv4_payload_hash(vector->request.payload,
									 vector->request.payload_len,
									 vector->payload_hash);
		header->name = "X-Amz-Content-Sha256";
		header->value = vector->payload_hash;
	}
	return true;
}

static void
free_vector(Vector *vector)
{
	appconfig_credentials_wipe(&vector->credentials);
	pfree((char *) vector->scope.region);
	pfree((char *) vector->scope.service);
	pfree(vector->context_text);
	pfree(vector->request_text);
}

/* ------------------------------------------------------------------------
 * Checking vectors
 * ------------------------------------------------------------------------
 */

/* Checks a header of the signed request that the vector shows. */
static void
check_signed_header(const char *signed_request, const char *header,
					const char *value, const char *name)
{
	char	   *line = psprintf("\n%s:%s\n", header, value);

	if (!ok(strstr(signed_request, line) != NULL, "%s: %s", name, header))
		fprintf(stderr, "# expected in: %s\n# got: %s\n", signed_request,
				line + 1);
	pfree(line);
}

/* Checks the stages, each with what the stage before has made. */
static void
check_stages(const Vector *vector, const char *directory, const char *name)
{
	char	   *expected;
	char	   *signed_headers;
	char	   *canonical_request;
	char	   *string_to_sign;
	char	   *authorization;
	unsigned char signing_key[AWS_SIGV4_KEY_LEN];
	char		signature[AWS_SIGV4_SIGNATURE_LEN + 1] = "";

	canonical_request =
		appconfig_sigv4_canonical_request(&vector->request, &vector->scope,
										  vector->credentials.session_token,
										  &signed_headers);
	expected =
		read_vector_file(directory, name, "header-canonical-request.txt");
	is_str(canonical_request, expected, "%s: canonical request", name);
	pfree(expected);

	string_to_sign =
		appconfig_sigv4_string_to_sign(&vector->scope, canonical_request);
	expected = read_vector_file(directory, name, "header-string-to-sign.txt");
	is_str(string_to_sign, expected, "%s: string to sign", name);
	pfree(expected);

	ok(appconfig_sigv4_signing_key(&vector->scope,
								   vector->credentials.secret_access_key,
								   signing_key) &&
	   appconfig_sigv4_signature(signing_key, string_to_sign, signature),
	   "%s: signing key", name);
	expected = read_vector_file(directory, name, "header-signature.txt");
	is_str(signature, expected, "%s: signature", name);
	pfree(expected);

	authorization =
		appconfig_sigv4_authorization(&vector->scope,
									  vector->credentials.access_key_id,
									  signed_headers, signature);
	expected = read_vector_file(directory, name, "header-signed-request.txt");
	check_signed_header(expected, "Authorization", authorization, name);
	pfree(expected);

	pfree(canonical_request);
	pfree(signed_headers);
	pfree(string_to_sign);
	pfree(authorization);
}

/* Checks that the stages together give what they give one by one. */
static void
check_sign(const Vector *vector, const char *directory, const char *name)
{
	AwsSigv4Result result;
	char	   *expected;

	expected = read_vector_file(directory, name, "header-signed-request.txt");
	if (ok(appconfig_sigv4_sign(&vector->request, &vector->scope,
								&vector->credentials, &result),
		   "%s: signed in one step", name))
	{
		check_signed_header(expected, "Authorization", result.authorization,
							name);
		check_signed_header(expected, "X-Amz-Date", result.amz_date, name);
		pfree(result.authorization);
	}
	pfree(expected);
}

/*
 * Goes through the vectors.  None is inapplicable: what the signer does not
 * do by itself (the body's hash as a header, a token added after signing) the
 * reader above does as a caller would.
 */
static void
test_vectors(void)
{
	const char *shared = getenv("APPCONFIG_SHARED");
	char	   *directory;
	struct dirent **entries;
	int			nentries;
	int			nvectors = 0;
	int			i;

	directory = psprintf("%s/api/sigv4-vectors",
						 shared != NULL ? shared : DEFAULT_SHARED);
	nentries = scandir(directory, &entries, NULL, alphasort);
	if (nentries < 0)
		skip("published vectors", "their directory is missing, see "
			 "APPCONFIG_SHARED");
	for (i = 0; i < nentries; i++)
	{
		const char *name = entries[i]->d_name;
		Vector		vector;

		if (strncmp(name, "get-", 4) == 0 || strncmp(name, "post-", 5) == 0)
		{
			nvectors++;
			if (ok(read_vector(directory, name, &vector), "%s: read", name))
			{
				check_stages(&vector, directory, name);
				check_sign(&vector, directory, name);
				free_vector(&vector);
			}
		}
		free(entries[i]);
	}
	if (nentries >= 0)
	{
		is_int(nvectors, NUMBER_OF_VECTORS, "number of vectors");
		free(entries);
	}
	pfree(directory);
}

/* ------------------------------------------------------------------------
 * Vectors of AppConfig
 * ------------------------------------------------------------------------
 */

#define OCTOBER_2026 1790812800 /* 2026-10-01 00:00:00 UTC */

static const AwsSigv4Scope appconfig_scope = {OCTOBER_2026, "us-east-1",
"appconfig"};
static const AwsSigv4Header appconfig_headers[] = {
	{"Host", "appconfig.us-east-1.amazonaws.com"},
};
static AwsCredentials appconfig_credentials = {
"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL};

typedef struct AppConfigVector
{
	const char *path;
	const char *query;
	const char *signature;
} AppConfigVector;

/* made with botocore; the second tells a path encoded once from one twice */
static const AppConfigVector appconfig_vectors[] = {
	{"/experimentdefinitions",
		"application_identifier=My%20App&max_results=50",
	"112a24a48c3acf04d1280292b0a267ebd82b977760a95eb41dc8f36dcc7c10b4"},
	{"/applications/My%20App%2F1/experimentdefinitions/bsxyd7k/experimentruns/1",
	NULL, "d513c3d53331e10cdaeabb5e9a6fcfab864c0cd7cd4343f7eb20613e29adcf36"},
};

static AwsSigv4Request
make_appconfig_request(const char *path, const char *query)
{
	AwsSigv4Request request = {0};

	request.method = "GET";
	request.path = path;
	request.query = query;
	request.headers = appconfig_headers;
	request.nheaders = lengthof(appconfig_headers);
	return request;
}

static void
test_appconfig_vectors(void)
{
	size_t		i;

	for (i = 0; i < lengthof(appconfig_vectors) * 2; i++)
	{
		const AppConfigVector *vector = &appconfig_vectors[i / 2];
		AwsSigv4Request request;
		AwsSigv4Result result;
		char	   *expected;

		/* the switch makes no difference where nothing is to be resolved */
		request = make_appconfig_request(vector->path, vector->query);
		request.normalize_path = i % 2 == 1;
		expected = psprintf("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261001/us-east-1/" "appconfig/aws4_request, SignedHeaders=host;x-amz-date, " "Signature=%s",
							vector->signature);
		if (ok(appconfig_sigv4_sign(&request, &appconfig_scope,
									&appconfig_credentials, &result),
			   "signed %s", vector->path))
		{
			is_str(result.authorization, expected, "authorization of %s",
				   vector->path);
			is_str(result.amz_date, "20261001T000000Z", "date");
			pfree(result.authorization);
		}
		pfree(expected);
	}
}

/* ------------------------------------------------------------------------
 * What no vector shows
 * ------------------------------------------------------------------------
 */

/* Headers that may change on the way are left out, in any case of letters. */
static void
test_unsigned_headers(void)
{
	static const AwsSigv4Header headers[] = {
		{"Authorization", "x"},
		{"CONNECTION", "close"},
		{"Expect", "100-continue"},
		{"Keep-Alive", "x"},
		{"Proxy-Authenticate", "x"},
		{"Proxy-Authorization", "x"},
		{"Proxy-Connection", "x"},
		{"TE", "x"},
		{"Trailer", "x"},
		{"Transfer-Encoding", "x"},
		{"Upgrade", "x"},
		{"User-Agent", "x"},
		{"x-amzn-trace-id", "x"},
		{"host", "example.com"},
		{"Accept", "text/plain"},
	};
	AwsSigv4Request request = make_appconfig_request("/", NULL);
	char	   *signed_headers;
	char	   *canonical_request;

	request.headers = headers;
	request.nheaders = lengthof(headers);
	canonical_request = appconfig_sigv4_canonical_request(&request,
														  &appconfig_scope, "",
														  &signed_headers);
	is_str(signed_headers, "accept;host;x-amz-date",
		   "headers left unsigned, and no empty token");
	is_str(canonical_request,
		   "GET\n/\n\naccept:text/plain\nhost:example.com\n"
		   "x-amz-date:20261001T000000Z\n\naccept;host;x-amz-date\n"
		   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		   "canonical request without them");
	pfree(signed_headers);
	pfree(canonical_request);
}

typedef struct ExpectedQuery
{
	const char *query;
	const char *canonical;
} ExpectedQuery;

static const ExpectedQuery expected_queries[] = {
	{"", ""},
	{"b=2&a=1", "a=1&b=2"},
	{"a=2&a=1", "a=1&a=2"},
	{"a-b=1&a=2", "a=2&a-b=1"}, /* "-" sorts before "=" */
	{"a", "a="},
	{"a&&b&", "a=&b="},
	{"a=b=c", "a=b%3Dc"},
	{"a=%2F&a=%2B", "a=%2B&a=%2F"},
	{"a=x+y", "a=x%2By"},
};

static void
test_queries(void)
{
	size_t		i;

	for (i = 0; i < lengthof(expected_queries); i++)
	{
		AwsSigv4Request request;
		char	   *signed_headers;
		char	   *canonical_request;
		char	   *query;

		request = make_appconfig_request("/", expected_queries[i].query);
		canonical_request = appconfig_sigv4_canonical_request(&request,
															  &appconfig_scope,
															  NULL,
															  &signed_headers);
		query = pnstrdup(canonical_request + 6,
						 strcspn(canonical_request + 6, "\n"));
		is_str(query, expected_queries[i].canonical, "canonical query of %s",
			   expected_queries[i].query);
		pfree(query);
		pfree(signed_headers);
		pfree(canonical_request);
	}
}

static void
test_dates(void)
{
	char		date[AWS_SIGV4_DATE_LEN + 1];

	ok(appconfig_sigv4_amz_date(0, date), "the epoch is a date");
	is_str(date, "19700101T000000Z", "the epoch");
	ok(appconfig_sigv4_amz_date((time_t) 253402300799, date),
	   "the last second of 9999 is a date");
	is_str(date, "99991231T235959Z", "the last second of 9999");
	ok(!appconfig_sigv4_amz_date((time_t) 253402300800, date),
	   "the next one is not");
	ok(!appconfig_sigv4_amz_date((time_t) -93000000000, date),
	   "nor is a year before Christ, though it fits");
	ok(!appconfig_sigv4_amz_date((time_t) PG_INT64_MAX, date),
	   "nor is the end of time");
}

/*
 * Each stage, and all of them, with a date or an OpenSSL that does not work.
 */
static void
check_failures(const AwsSigv4Scope *scope, const char *why)
{
	AwsSigv4Request request = make_appconfig_request("/", NULL);
	AwsSigv4Result result;
	unsigned char key[AWS_SIGV4_KEY_LEN];
	char	   *signed_headers = "";

	memset(key, 0xFF, sizeof(key));
	ok(appconfig_sigv4_canonical_request(&request, scope, NULL,
										 &signed_headers) == NULL &&
	   signed_headers == NULL,
	   "%s: no canonical request", why);
	is_str(appconfig_sigv4_string_to_sign(scope, ""), NULL,
		   "%s: no string to sign", why);
	ok(!appconfig_sigv4_signing_key(scope, "secret", key),
	   "%s: no signing key", why);
	is_int((long long) ERR_peek_error(), 0, "%s: and no error left", why);
	ok(!appconfig_sigv4_sign(&request, scope, &appconfig_credentials, &result),
	   "%s: nothing signed", why);
	ok(result.authorization == NULL && result.amz_date[0] == '\0',
	   "%s: empty result", why);
	is_int((long long) ERR_peek_error(), 0, "%s: empty error queue", why);
}

static void
test_failures(void)
{
	AwsSigv4Scope scope = appconfig_scope;

	scope.time = (time_t) 253402300800;
	check_failures(&scope, "year 10000");
	is_str(appconfig_sigv4_authorization(&scope, "a", "b", "c"), NULL,
		   "year 10000: no authorization");

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	{
		unsigned char key[AWS_SIGV4_KEY_LEN] = {0};
		char		hex[AWS_SIGV4_SIGNATURE_LEN + 1];

		/* from here on no algorithm is found */
		EVP_set_default_properties(NULL, "provider=none");
		check_failures(&appconfig_scope, "no provider");
		ok(!appconfig_sigv4_signature(key, "", hex),
		   "no provider: no signature");
		ok(!appconfig_sigv4_payload_hash(NULL, 0, hex),
		   "no provider: no hash");
		EVP_set_default_properties(NULL, "");
		ok(appconfig_sigv4_payload_hash(NULL, 0, hex), "provider: a hash");
	}
#else
	skip("OpenSSL without algorithms", "OpenSSL 1.1.1 always has them");
#endif
}

static void
test_wipe(void)
{
	AwsCredentials credentials = {pstrdup("id"), pstrdup("secret"), NULL};

	appconfig_credentials_wipe(&credentials);
	ok(credentials.access_key_id == NULL &&
	   credentials.secret_access_key == NULL &&
	   credentials.session_token == NULL,
	   "wiped credentials are empty");
	appconfig_credentials_wipe(&credentials);
	ok(true, "and can be wiped again");
}

int
main(void)
{
	test_appconfig_vectors();
	test_vectors();
	test_unsigned_headers();
	test_queries();
	test_dates();
	test_failures();
	test_wipe();
	return done_testing();
}
