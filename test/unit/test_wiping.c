/*-------------------------------------------------------------------------
 *
 * test_wiping.c
 *	  that no freed memory has a secret in it
 *
 * The linker puts the functions here before free() and realloc(), see the
 * Makefile: each piece of memory is searched before it is given back.
 *
 * IDENTIFICATION
 *	  test/unit/test_wiping.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <malloc.h>
#include <unistd.h>

#include "aws_sigv4.h"
#include "credential_plan.h"
#include "json.h"
#include "secret.h"
#include "uri.h"
#include "unit.h"

#define KEY	 "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define PART 16					/* bytes of a secret that are too many to
								 * leave */

/* In the form of real ones, and of their length */
#define TOKEN_LENGTH 1400

static char token[TOKEN_LENGTH + 1];
static int	left;				/* pieces of memory given back with a secret
								 * in them */

extern void __real_free(void *pointer);
extern void *__real_realloc(void *pointer, size_t size);
extern void __wrap_free(void *pointer);
extern void *__wrap_realloc(void *pointer, size_t size);

static void
search(void *pointer, const char *secret)
{
	size_t		length = strlen(secret);
	size_t		size = pointer != NULL ? malloc_usable_size(pointer) : 0;
	size_t		i;

	for (i = 0; size > 0 && i + PART <= length; i++)
	{
		if (memmem(pointer, size, secret + i, PART) != NULL)
		{
			left++;
			return;
		}
	}
}

void
__wrap_free(void *pointer)
{
	search(pointer, KEY);
	search(pointer, token);
	__real_free(pointer);
}

void *
__wrap_realloc(void *pointer, size_t size)
{
	search(pointer, KEY);
	search(pointer, token);
	return __real_realloc(pointer, size);
}

/* A request so long that buffers would grow at any time */
static void
check_signing(int path_length)
{
	AwsCredentials credentials = {"AKIDEXAMPLE", KEY, token};
	AwsSigv4Header host = {"Host", "appconfig.us-east-1.amazonaws.com"};
	AwsSigv4Scope scope = {1790812800, "us-east-1", "appconfig"};
	AwsSigv4Request request = {
	.method = "GET", .headers = &host, .nheaders = 1};
	AwsSigv4Result result;
	char	   *path = palloc(path_length + 1);

	memset(path, '%', path_length);
	path[0] = '/';
	path[path_length] = '\0';
	request.path = path;
	request.query = "max_results=50";
	left = 0;
	ok(appconfig_sigv4_sign(&request, &scope, &credentials, &result),
	   "signed, with a path of %d bytes", path_length);
	is_int(left, 0, "... and nothing left in memory");
	pfree(result.authorization);
	pfree(path);
}

typedef JsonValue *(*ParseFunction) (const char *text, size_t length,
									 const char **error);

/* How many secrets of an answer are left in memory */
static int
left_of_answer(ParseFunction parse, const char *format)
{
	char	   *text = psprintf(format, KEY, token);
	size_t		length = strlen(text);
	const char *error;
	JsonValue  *answer = parse(text, length, &error);
	JsonValue  *part =
	appconfig_json_retain(appconfig_json_lookup(answer, "Credentials.Token"));

	left = 0;
	appconfig_json_release(answer);
	if (left > 0)
		ok(false, "a document with a reference is still there");
	appconfig_json_release(part);
	explicit_bzero(text, length);
	pfree(text);
	return left;
}

static void
check_answers(void)
{
	static const char answer[] =
	"{\"Credentials\": {\"Key\": \"%s\", \"Token\": \"%s\"}}";

	ok(left_of_answer(appconfig_json_parse, answer) > 0,
	   "an answer like any other is left in memory");
	is_int(left_of_answer(appconfig_json_parse_secret, answer), 0,
		   "... and one with secrets is not");
	is_int(left_of_answer(appconfig_json_parse_secret, "[\"%s\", \"%s"), 0,
		   "... nor one that is none");
}

/* Writes a credentials file, without a buffer that would be freed. */
static void
write_credentials(const char *path, const char *profile)
{
	static char text[2 * TOKEN_LENGTH];
	FILE	   *file = fopen(path, "w");

	snprintf(text, sizeof(text),
			 "%s\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = %s\n"
			 "aws_session_token = %s\n", profile, KEY, token);
	if (file == NULL || setvbuf(file, NULL, _IONBF, 0) != 0 ||
		fputs(text, file) == EOF || fclose(file) != 0)
		perror(path);
}

/* A plan of that source, made and wiped, which comes out so */
static void
check_plan(int sources, CredentialPlanOutcome expected, const char *what)
{
	CredentialPlanRequest request = {sources, NULL};
	CredentialPlan plan;
	StringInfoData tried;

	initStringInfo(&tried);
	left = 0;
	is_int(appconfig_credential_plan_make(&request, &plan, &tried), expected,
		   "a plan: %s", what);
	appconfig_credential_plan_wipe(&plan);
	appconfig_credential_plan_wipe(&plan);
	is_int(left, 0, "... leaves nothing in memory");
	pfree(tried.data);
}

static void
check_plans(void)
{
	const char *temporary = getenv("TMPDIR");
	char		path[MAXPGPATH];
	int			file;

	snprintf(path, sizeof(path), "%s/credentials.XXXXXX",
			 temporary != NULL ? temporary : "/tmp");
	file = mkstemp(path);
	if (file < 0)
		perror(path);
	close(file);
	setenv("AWS_CONFIG_FILE", "/dev/null", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_DEFAULT_PROFILE");

	write_credentials(path, "[default]");
	check_plan(AMBIENT_PROFILE, CREDENTIAL_PLAN_MADE, "keys of a profile");
	write_credentials(path, "[other]");
	check_plan(AMBIENT_PROFILE, CREDENTIAL_PLAN_NONE, "another profile's");
	write_credentials(path, "[default]\ncredential_process = x");
	check_plan(AMBIENT_PROFILE, CREDENTIAL_PLAN_BROKEN, "a refused profile");
	write_credentials(path, "[default]\nrole_arn = x\nsource_profile = y\n[y]");
	check_plan(AMBIENT_PROFILE, CREDENTIAL_PLAN_MADE, "a role of a profile");
	write_credentials(path, "[default");
	check_plan(AMBIENT_PROFILE, CREDENTIAL_PLAN_BROKEN, "a broken file");
	unlink(path);

	setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", KEY, 1);
	setenv("AWS_SESSION_TOKEN", token, 1);
	check_plan(AMBIENT_ENVIRONMENT, CREDENTIAL_PLAN_MADE, "keys of the environment");
	setenv("AWS_ENDPOINT_URL_STS", "ftp://x", 1);
	check_plan(AMBIENT_ENVIRONMENT, CREDENTIAL_PLAN_BROKEN, "a broken endpoint");
	setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", token, 1);
	unsetenv("AWS_ENDPOINT_URL_STS");
	check_plan(AMBIENT_CONTAINER, CREDENTIAL_PLAN_MADE, "a container's token");
}

/* A proxy whose password is the key, percent-encoded and not */
static void
check_proxy(const char *format, bool is_good)
{
	char	   *url = psprintf(format, "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
							   "wJalrXUtnFEMI%2fK7MDENG%2bPxRfiCYEXAMPLEKEY");
	UriProxy	proxy;
	const char *reason;

	left = 0;
	ok(appconfig_uri_parse_proxy(url, &proxy, &reason) == is_good,
	   "a proxy that is %s", is_good ? "good" : "not good");
	appconfig_uri_free_proxy(&proxy);
	is_int(left, 0, "... leaves nothing in memory");
	explicit_bzero(url, strlen(url));
	pfree(url);
}

int
main(void)
{
	AwsCredentials credentials;
	char	   *copy;
	int			i;

	for (i = 0; i < TOKEN_LENGTH; i++)
		token[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ+/"[(i * i + i / 7) % 28];

	copy = strdup(token);
	free(copy);
	is_int(left, 1, "a token that is left is found");

	for (i = 1; i < 3000; i += 300)
		check_signing(i);

	check_plans();
	check_proxy("http://%1$s:%2$s@proxy", true);
	check_proxy("http://%1$s:%2$s%%00@proxy", false);
	check_proxy("http://%1$s:%2$s@proxy/path", false);
	check_proxy("http://%1$s:%2$s@proxy:x", false);

	left = 0;
	credentials = (AwsCredentials) {"AKIDEXAMPLE", KEY, token};
	ok(appconfig_secret_shows(&credentials, token, 100),
	   "a text that shows a token");
	ok(!appconfig_secret_shows(&credentials, token, 12),
	   "a text that does not");
	is_int(left, 0, "... and nothing left in memory");

	credentials =
		(AwsCredentials)
	{
		pstrdup("AKIDEXAMPLE"), pstrdup(KEY), pstrdup(token)
	};
	appconfig_credentials_wipe(&credentials);
	is_int(left, 0, "credentials leave nothing in memory");

	/* last, as it leaves something on purpose */
	check_answers();
	return done_testing();
}
