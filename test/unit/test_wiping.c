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

#include "aws_sigv4.h"
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

	check_answers();
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
	return done_testing();
}
