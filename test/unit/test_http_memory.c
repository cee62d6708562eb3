/*-------------------------------------------------------------------------
 *
 * test_http_memory.c
 *	  unit tests of src/http_memory.c
 *
 * The Makefile lets the linker turn malloc() and its kin in that file into
 * the functions here, which fail where they are told to, and search each piece
 * of memory that is given back.
 *
 * IDENTIFICATION
 *	  test/unit/test_http_memory.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <curl/curl.h>
#include <malloc.h>

#include "http_memory.h"

#include "unit.h"

extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t count, size_t size);
extern void *__real_realloc(void *piece, size_t size);
extern void __real_free(void *piece);
extern void *__wrap_malloc(size_t size);
extern void *__wrap_calloc(size_t count, size_t size);
extern void *__wrap_realloc(void *piece, size_t size);
extern void __wrap_free(void *piece);

/* The allocations from that one on fail, so many of them */
static long allocations = 0;
static long first_failure = -1;
static long failures = 0;

static bool
fails(void)
{
	long		number = allocations++;

	return first_failure >= 0 && number >= first_failure &&
		number < first_failure + failures;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

/* Moves what it is given without overwriting it */
static long moves = 0;

void *
__wrap_realloc(void *piece, size_t size)
{
	moves++;
	return fails() ? NULL : __real_realloc(piece, size);
}

/* Pieces given back, and those of them that have something in them */
static long given_back = 0;
static long left_full = 0;

void
__wrap_free(void *piece)
{
	const char *bytes = piece;
	size_t		size = piece != NULL ? malloc_usable_size(piece) : 0;
	size_t		i = 0;

	while (i < size && bytes[i] == 0)
		i++;
	given_back++;
	left_full += i < size;
	__real_free(piece);
}

/* The socket that libcurl waits for */
static curl_socket_t watched = CURL_SOCKET_BAD;

static int
watch_socket(CURL *easy pg_attribute_unused(), curl_socket_t sock, int what,
			 void *userp pg_attribute_unused(),
			 void *socketp pg_attribute_unused())
{
	watched = what == CURL_POLL_REMOVE ? CURL_SOCKET_BAD : sock;
	return 0;
}

static int
set_timer(CURLM *multi pg_attribute_unused(),
		  long milliseconds pg_attribute_unused(),
		  void *userp pg_attribute_unused())
{
	return 0;
}

/* A transfer to a port that nobody listens on; its result */
static CURLcode
transfer(void)
{
	CURLM	   *multi = curl_multi_init();
	CURL	   *easy = curl_easy_init();
	CURLMsg    *message = NULL;
	CURLcode	result = CURLE_OUT_OF_MEMORY;
	int			running = 1;
	int			left;

	if (multi != NULL && easy != NULL)
	{
		curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
		if (curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1:1/path") ==
			CURLE_OK &&
			curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
			curl_multi_add_handle(multi, easy) == CURLM_OK)
		{
			while (running > 0)
				curl_multi_socket_action(multi, watched,
										 watched == CURL_SOCKET_BAD ? 0 : CURL_CSELECT_OUT,
										 &running);
			message = curl_multi_info_read(multi, &left);
		}
		if (message != NULL)
			result = message->data.result;
		curl_multi_remove_handle(multi, easy);
	}
	if (easy != NULL)
		curl_easy_cleanup(easy);
	if (multi != NULL)
		curl_multi_cleanup(multi);
	return result;
}

/* Transfers with one failed allocation, with some, and with all after it */
static void
test_failures(long count)
{
	long		needed;
	long		wrong = 0;
	long		silent = 0;
	long		kept = 0;

	first_failure = -1;
	allocations = 0;
	transfer();
	needed = allocations;
	for (first_failure = 0; first_failure < needed; first_failure++)
	{
		allocations = 0;
		failures = count;
		wrong += transfer() != CURLE_COULDNT_CONNECT;
		silent += !appconfig_http_memory_ran_out();
		kept += appconfig_http_memory_is_reduced();
	}
	ok(needed > 10, "a transfer takes %ld allocations", needed);
	is_int(wrong, 0, "transfers that notice %ld failures", count);
	is_int(silent, 0, "... of which nobody is told");
	is_int(kept, 0, "... that leave something in the reserve");
	first_failure = -1;
	is_int(transfer(), CURLE_COULDNT_CONNECT, "and then without failures");
	ok(!appconfig_http_memory_ran_out(), "... of which nobody is told");
}

/* A list of texts, and one text that grows from nothing to 100 kB */
static void
test_texts(void)
{
	CURLU	   *url = curl_url();
	char	   *whole = NULL;
	struct curl_slist *list = NULL;
	char		path[100001];
	size_t		length;

	list = curl_slist_append(list, "X-Amz-Security-Token: secret");
	ok(list != NULL, "a list");
	curl_slist_free_all(list);
	for (length = 1; length < sizeof(path); length *= 10)
	{
		memset(path, 'a', length);
		path[0] = '/';
		path[length] = '\0';
		curl_url_set(url, CURLUPART_URL, "http://127.0.0.1", 0);
		curl_url_set(url, CURLUPART_PATH, path, CURLU_URLENCODE);
		ok(curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK &&
		   strstr(whole, path) != NULL,
		   "a text of %d bytes", (int) length);
		curl_free(whole);
	}
	curl_url_cleanup(url);
}

int
main(void)
{
	ok(!appconfig_http_memory_is_ours(), "nothing has been asked for");
	ok(appconfig_http_memory_init(), "libcurl is initialised");
	is_int(transfer(), CURLE_COULDNT_CONNECT, "a transfer");
	ok(appconfig_http_memory_is_ours(), "libcurl's memory comes from here");
	ok(!appconfig_http_memory_ran_out(), "the reserve is not touched");
	ok(given_back > 10, "libcurl has given back %ld pieces", given_back);
	test_failures(1);
	test_failures(20);
	test_failures(PG_INT32_MAX);
	curl_global_cleanup();
	test_texts();
	is_int(left_full, 0, "nothing is left in what was given back");
	is_int(moves, 0, "nothing was moved behind our back");
	free(strdup("text"));
	is_int(left_full, 1, "what is left is found");
	return done_testing();
}
