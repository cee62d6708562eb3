/*-------------------------------------------------------------------------
 *
 * http.c
 *		Concurrent HTTP transfers, driven by the backend's latch.
 *
 * The only file that knows libcurl.  A pool is one curl multi handle with its
 * kept connections; curl tells us which sockets and which timer it waits for,
 * the sockets go into an epoll set, and that set, the process latch and the
 * postmaster's death are waited for together.  So nothing here blocks without
 * listening for interrupts, whatever the network does.
 *
 * What may not live here: retries, signing, JSON, anything of AWS but the
 * names of a few header fields.
 *
 * Nothing here raises an error between a libcurl call and the book-keeping
 * that belongs to it, and no callback allocates from a memory context, raises
 * an error or checks for interrupts: a longjmp through curl's frames would
 * leave its structures broken.  For the same reason all memory here is
 * malloc'ed; who starts a transfer must see to it that
 * appconfig_http_release() is called, by a memory context's reset callback.
 *
 * libcurl resolves names in a thread of its own.  All signals are blocked
 * while curl runs, so that such a thread is born with all of them blocked and
 * no signal handler of PostgreSQL ever runs outside the main thread.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"

#include "compat.h"
#include "http.h"

#define MAX_IDLE		 64	  /* easy handles kept for later transfers */
#define MAX_FIELD_LENGTH 1024 /* bytes kept of a header field */
#define MAX_HEADER_SIZE	 (256 * 1024) /* bytes of all of them */

struct HttpPool
{
	CURLM		 *multi;
	int			  epoll_fd;	 /* holds the sockets that curl waits for */
	WaitEventSet *wait_set;	 /* latch, postmaster death, epoll_fd */
	bool		  timer_set; /* does curl want to be called at timer_at? */
	int64		  timer_at;	 /* on appconfig_http_clock() */
	bool		  broken;	 /* a socket could not be watched */
	int64		  waited;	 /* microseconds, in appconfig_http_wait() */
	dlist_head	  transfers; /* of this pool, in flight or answered */
	CURL		 *idle[MAX_IDLE]; /* handles without a transfer; they keep TLS
								   * sessions */
	int			  idle_count;
};

struct HttpTransfer
{
	dlist_node		   node; /* in pool->transfers */
	HttpPool		  *pool;
	CURL			  *easy;
	bool			   added; /* does the multi handle have it? */
	struct curl_slist *headers;
	bool			   plain;	/* http: and so for loopback addresses only */
	bool			   refused; /* the address is one we don't connect to */
	bool			   too_large;
	int				   connect_timeout; /* milliseconds of waiting */
	int				   request_timeout;
	int64	   waited_before; /* the pool's waiting before the transfer */
	size_t	   max_response_size;
	char	  *body;
	size_t	   body_allocated;
	size_t	   header_size;
	char	  *field[HTTP_FIELD_COUNT];
	char	   error[CURL_ERROR_SIZE];
	HttpResult result;
};

/* By HttpField */
static const char *const field_names[HTTP_FIELD_COUNT] = {
	"x-amzn-RequestId", "x-amzn-ErrorType",	 "Date",
	"Retry-After",		"x-amz-retry-after",
};

/* What a failure of libcurl means; all others mean that the answer is not HTTP
 */
static const struct
{
	CURLcode	code;
	HttpOutcome outcome;
} curl_outcomes[] = {
	{CURLE_COULDNT_RESOLVE_HOST, HTTP_NOT_CONNECTED},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_NOT_CONNECTED},
	{CURLE_COULDNT_CONNECT, HTTP_NOT_CONNECTED},
	{CURLE_SSL_CONNECT_ERROR, HTTP_NOT_CONNECTED},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_NOT_TRUSTED},
	{CURLE_SSL_CACERT_BADFILE, HTTP_NOT_TRUSTED},
	{CURLE_SSL_CERTPROBLEM, HTTP_NOT_TRUSTED},
	{CURLE_SSL_CIPHER, HTTP_NOT_TRUSTED},
	{CURLE_SSL_ISSUER_ERROR, HTTP_NOT_TRUSTED},
	{CURLE_SSL_INVALIDCERTSTATUS, HTTP_NOT_TRUSTED},
	{CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT},
	{CURLE_RECV_ERROR, HTTP_LOST},
	{CURLE_SEND_ERROR, HTTP_LOST},
	{CURLE_GOT_NOTHING, HTTP_LOST},
	{CURLE_PARTIAL_FILE, HTTP_LOST},
	{CURLE_OUT_OF_MEMORY, HTTP_OUT_OF_MEMORY},
};

/*
 * libcurl's own set-up, once a process.  Called from _PG_init(), before any
 * thread exists.  curl is not given palloc: its connection cache outlives
 * every memory context of a statement.
 */
void
appconfig_http_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
						errmsg("could not initialize libcurl")));
}

/* Microseconds on a clock that nobody sets */
int64
appconfig_http_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Every call that may start a thread stands between these two */
static void
enter_curl(sigset_t *saved)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, saved);
}

static void
leave_curl(const sigset_t *saved)
{
	sigprocmask(SIG_SETMASK, saved, NULL);
}

/* ------------------------------------------------------------------------
 * Callbacks of the multi handle
 * ------------------------------------------------------------------------
 */

/* curl wants to know when something happens on this socket, or no longer */
static int
watch_socket(CURL *easy pg_attribute_unused(), curl_socket_t sock, int what,
			 void *userp, void *socketp pg_attribute_unused())
{
	HttpPool		  *pool = userp;
	struct epoll_event event = {0};

	if (what == CURL_POLL_REMOVE)
	{
		/* a closed socket has left the set by itself */
		(void) epoll_ctl(pool->epoll_fd, EPOLL_CTL_DEL, sock, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	event.data.fd = sock;
	if (epoll_ctl(pool->epoll_fd, EPOLL_CTL_MOD, sock, &event) != 0 &&
		epoll_ctl(pool->epoll_fd, EPOLL_CTL_ADD, sock, &event) != 0)
		pool->broken = true;
	return 0;
}

/* curl wants to be called after that many milliseconds; -1: no longer */
static int
set_timer(CURLM *multi pg_attribute_unused(), long milliseconds, void *userp)
{
	HttpPool *pool = userp;

	pool->timer_set = milliseconds >= 0;
	if (pool->timer_set)
		pool->timer_at = appconfig_http_clock() + (int64) milliseconds * 1000;
	return 0;
}

/* ------------------------------------------------------------------------
 * Callbacks of a transfer
 * ------------------------------------------------------------------------
 */

/*
 * May a request go to this IPv4 address, in host byte order?  Link-local
 * addresses are where clouds keep the credentials of their machines.
 */
static bool
ipv4_allowed(uint32 address, bool plain)
{
	if (plain)
		return (address >> 24) == 127;
	return (address >> 16) != ((169 << 8) | 254) && (address >> 24) != 0 &&
		   (address >> 28) < 14;
}

static bool
ipv6_allowed(const struct in6_addr *address, bool plain)
{
	/* the metadata service's own addresses, fd00:ec2::/32 */
	static const uint8 metadata[4] = {0xfd, 0x00, 0x0e, 0xc2};

	if (IN6_IS_ADDR_V4MAPPED(address))
	{
		uint32 ipv4;

		memcpy(&ipv4, &address->s6_addr[12], sizeof(ipv4));
		return ipv4_allowed(ntohl(ipv4), plain);
	}
	if (plain)
		return IN6_IS_ADDR_LOOPBACK(address);
	return !IN6_IS_ADDR_LINKLOCAL(address) &&
		   !IN6_IS_ADDR_UNSPECIFIED(address) &&
		   !IN6_IS_ADDR_MULTICAST(address) &&
		   memcmp(address->s6_addr, metadata, sizeof(metadata)) != 0;
}

/*
 * curl wants a socket for an address.  Here the name has been resolved, so a
 * check here cannot be deceived by a name server that changes its answer.
 */
static curl_socket_t
open_socket(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpTransfer *transfer = userp;
	bool		  allowed = false;
	curl_socket_t sock;

	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (address->family == AF_INET)
		allowed = ipv4_allowed(
			ntohl(((struct sockaddr_in *) &address->addr)->sin_addr.s_addr),
			transfer->plain);
	else if (address->family == AF_INET6)
		allowed =
			ipv6_allowed(&((struct sockaddr_in6 *) &address->addr)->sin6_addr,
						 transfer->plain);
	if (!allowed)
	{
		transfer->refused = true;
		return CURL_SOCKET_BAD;
	}
	if (!AcquireExternalFD())
		return CURL_SOCKET_BAD;
	sock = socket(address->family, address->socktype | SOCK_CLOEXEC,
				  address->protocol);
	if (sock < 0)
	{
		ReleaseExternalFD();
		return CURL_SOCKET_BAD;
	}
	return sock;
}

static int
close_socket(void *userp pg_attribute_unused(), curl_socket_t sock)
{
	int result = close(sock);

	ReleaseExternalFD();
	return result;
}

/* Keeps a header field that is asked for; a repeated one counts once, the last
 */
static void
keep_field(HttpTransfer *transfer, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);
	int			i;

	if (colon == NULL)
		return;
	for (i = 0; i < HTTP_FIELD_COUNT; i++)
	{
		size_t		name_length = strlen(field_names[i]);
		const char *value = colon + 1;
		const char *end = line + length;
		char	   *copy;
		char	   *c;

		if ((size_t) (colon - line) != name_length ||
			pg_strncasecmp(line, field_names[i], name_length) != 0)
			continue;
		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
		while (end > value && (unsigned char) end[-1] <= ' ')
			end--;
		copy = strndup(value, Min((size_t) (end - value), MAX_FIELD_LENGTH));
		if (copy == NULL)
			return;
		/* these end up in messages */
		for (c = copy; *c != '\0'; c++)
		{
			if ((unsigned char) *c < ' ' || (unsigned char) *c > '~')
				*c = '?';
		}
		free(transfer->field[i]);
		transfer->field[i] = copy;
		return;
	}
}

static void
forget_fields(HttpTransfer *transfer)
{
	int i;

	for (i = 0; i < HTTP_FIELD_COUNT; i++)
	{
		free(transfer->field[i]);
		transfer->field[i] = NULL;
	}
}

static size_t
receive_header(char *line, size_t size, size_t count, void *userp)
{
	HttpTransfer *transfer = userp;
	size_t		  length = size * count;

	transfer->result.bytes_received += length;
	transfer->header_size += length;
	if (transfer->header_size > MAX_HEADER_SIZE)
	{
		transfer->too_large = true;
		return 0;
	}
	/* an interim answer, a 100 say, is followed by the real one */
	if (length > 5 && memcmp(line, "HTTP/", 5) == 0)
		forget_fields(transfer);
	else
		keep_field(transfer, line, length);
	return length;
}

static size_t
receive_body(char *data, size_t size, size_t count, void *userp)
{
	HttpTransfer *transfer = userp;
	size_t		  length = size * count;
	size_t		  needed = transfer->result.body_length + length + 1;

	transfer->result.bytes_received += length;
	if (transfer->result.body_length + length > transfer->max_response_size)
	{
		transfer->too_large = true;
		return 0;
	}
	if (needed > transfer->body_allocated)
	{
		size_t allocate = Max(needed, transfer->body_allocated * 2);
		char  *body = realloc(transfer->body, allocate);

		if (body == NULL)
			return 0;
		transfer->body = body;
		transfer->body_allocated = allocate;
	}
	memcpy(transfer->body + transfer->result.body_length, data, length);
	transfer->result.body_length += length;
	transfer->body[transfer->result.body_length] = '\0';
	return length;
}

/* ------------------------------------------------------------------------
 * Pools
 * ------------------------------------------------------------------------
 */

/*
 * A pool that keeps up to max_connections connections open between transfers.
 * Raises an error if the process is out of memory or file descriptors.  The
 * pool lives until appconfig_http_pool_destroy().
 */
HttpPool *
appconfig_http_pool_create(int max_connections)
{
	HttpPool *pool = calloc(1, sizeof(HttpPool));
	CURLM	 *multi = curl_multi_init();

	if (pool == NULL || multi == NULL)
	{
		free(pool);
		if (multi != NULL)
			curl_multi_cleanup(multi);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	dlist_init(&pool->transfers);
	pool->multi = multi;
	pool->epoll_fd = -1;

	PG_TRY();
	{
		if (!AcquireExternalFD())
			ereport(
				ERROR,
				(errcode_for_socket_access(),
				 errmsg(
					 "could not watch the connections to AWS AppConfig: %m")));
		pool->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		if (pool->epoll_fd < 0)
		{
			int save_errno = errno;

			ReleaseExternalFD();
			errno = save_errno;
			ereport(
				ERROR,
				(errcode_for_socket_access(),
				 errmsg(
					 "could not watch the connections to AWS AppConfig: %m")));
		}
		pool->wait_set = appconfig_create_wait_event_set(3);
		AddWaitEventToSet(pool->wait_set, WL_LATCH_SET, PGINVALID_SOCKET,
						  MyLatch, NULL);
		if (IsUnderPostmaster)
			AddWaitEventToSet(pool->wait_set, WL_EXIT_ON_PM_DEATH,
							  PGINVALID_SOCKET, NULL, NULL);
		AddWaitEventToSet(pool->wait_set, WL_SOCKET_READABLE, pool->epoll_fd,
						  NULL, NULL);
	}
	PG_CATCH();
	{
		appconfig_http_pool_destroy(pool);
		PG_RE_THROW();
	}
	PG_END_TRY();

	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, pool);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, pool);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) max_connections);
	return pool;
}

/* Ends all transfers and connections.  Raises no error. */
void
appconfig_http_pool_destroy(HttpPool *pool)
{
	sigset_t saved;

	while (!dlist_is_empty(&pool->transfers))
		appconfig_http_release(
			dlist_head_element(HttpTransfer, node, &pool->transfers));
	enter_curl(&saved);
	while (pool->idle_count > 0)
		curl_easy_cleanup(pool->idle[--pool->idle_count]);
	curl_multi_cleanup(pool->multi);
	leave_curl(&saved);
	if (pool->wait_set != NULL)
		FreeWaitEventSet(pool->wait_set);
	if (pool->epoll_fd >= 0)
	{
		close(pool->epoll_fd);
		ReleaseExternalFD();
	}
	free(pool);
}

/* ------------------------------------------------------------------------
 * Transfers
 * ------------------------------------------------------------------------
 */

/*
 * Everything that a transfer is told.  Returns false if libcurl takes an
 * option for wrong, which happens when memory is out.
 */
static bool
set_options(HttpTransfer *transfer, const HttpRequest *request)
{
	CURL	*easy = transfer->easy;
	CURLcode bad = CURLE_OK;

#define SET(option, value)                               \
	do                                                   \
	{                                                    \
		if (bad == CURLE_OK)                             \
			bad = curl_easy_setopt(easy, option, value); \
	} while (0)

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_WRITEFUNCTION, receive_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, receive_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	/* see check_deadlines(); 0 would be the default of five minutes */
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) PG_INT32_MAX);
	SET(CURLOPT_TIMEOUT_MS, 0L);

	/* SIGALRM is PostgreSQL's */
	SET(CURLOPT_NOSIGNAL, 1L);
	/* a name server that does not answer must not hold up a cancelled query */
#if LIBCURL_VERSION_NUM >= 0x075700
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
	/* the signature is over one host and one path, as they stand */
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	/* nothing from the postmaster's environment or home directory */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, transfer->plain ? "http" : "https");
#else
	SET(CURLOPT_PROTOCOLS,
		(long) (transfer->plain ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
#endif
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	if (request->ca_bundle != NULL)
	{
		SET(CURLOPT_CAINFO, request->ca_bundle);
		SET(CURLOPT_CAPATH, NULL);
	}
#undef SET

	return bad == CURLE_OK;
}

static bool
set_headers(HttpTransfer *transfer, const char *const *headers)
{
	for (; *headers != NULL; headers++)
	{
		struct curl_slist *longer =
			curl_slist_append(transfer->headers, *headers);

		if (longer == NULL)
			return false;
		transfer->headers = longer;
	}
	return true;
}

/*
 * Sends a request and returns without waiting.  The answer comes while
 * appconfig_http_drive() and appconfig_http_wait() are called for the pool;
 * the caller releases the transfer.  Raises no error: returns NULL if there is
 * no memory, and every other failure is the outcome of the transfer.
 */
HttpTransfer *
appconfig_http_start(HttpPool *pool, const HttpRequest *request)
{
	HttpTransfer *transfer = calloc(1, sizeof(HttpTransfer));
	sigset_t	  saved;

	if (transfer == NULL)
		return NULL;
	transfer->pool = pool;
	transfer->plain = strncmp(request->url, "http://", strlen("http://")) == 0;
	transfer->connect_timeout = request->connect_timeout;
	transfer->request_timeout = request->request_timeout;
	transfer->waited_before = pool->waited;
	transfer->max_response_size = request->max_response_size;
	dlist_push_tail(&pool->transfers, &transfer->node);
	transfer->easy = pool->idle_count > 0 ? pool->idle[--pool->idle_count]
										  : curl_easy_init();
	if (transfer->easy == NULL || !set_headers(transfer, request->headers) ||
		!set_options(transfer, request))
	{
		appconfig_http_release(transfer);
		return NULL;
	}
	enter_curl(&saved);
	transfer->added =
		curl_multi_add_handle(pool->multi, transfer->easy) == CURLM_OK;
	leave_curl(&saved);
	if (!transfer->added)
	{
		appconfig_http_release(transfer);
		return NULL;
	}
	return transfer;
}

/* How the transfer ended; NULL while it is in flight */
const HttpResult *
appconfig_http_result(HttpTransfer *transfer)
{
	return transfer->result.outcome == HTTP_IN_FLIGHT ? NULL
													  : &transfer->result;
}

/*
 * Ends a transfer, wherever it is, and frees its answer.  A connection
 * survives only if the answer was complete.  Raises no error, so that a reset
 * callback can call it in the middle of an abort.
 */
void
appconfig_http_release(HttpTransfer *transfer)
{
	HttpPool *pool = transfer->pool;
	sigset_t  saved;

	dlist_delete(&transfer->node);
	enter_curl(&saved);
	if (transfer->added)
		curl_multi_remove_handle(pool->multi, transfer->easy);
	if (transfer->easy != NULL && pool->idle_count < MAX_IDLE)
	{
		curl_easy_reset(transfer->easy);
		pool->idle[pool->idle_count++] = transfer->easy;
	}
	else if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	leave_curl(&saved);
	curl_slist_free_all(transfer->headers);
	forget_fields(transfer);
	free(transfer->body);
	free(transfer);
}

/* Has the request been sent, or could it be? */
static bool
is_connected(const HttpTransfer *transfer)
{
	curl_off_t ready = 0;

	return curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T,
							 &ready) == CURLE_OK &&
		   ready > 0;
}

static HttpOutcome
outcome_of(const HttpTransfer *transfer, CURLcode code)
{
	int i;

	if (code == CURLE_OK)
		return HTTP_ANSWERED;
	if (transfer->refused)
		return HTTP_NOT_TRUSTED;
	if (transfer->too_large)
		return HTTP_TOO_LARGE;
	if (code == CURLE_WRITE_ERROR)
		return HTTP_OUT_OF_MEMORY;
	/* time can run out before there is a connection, or after */
	if (code == CURLE_OPERATION_TIMEDOUT && !is_connected(transfer))
		return HTTP_NOT_CONNECTED;
	for (i = 0; i < (int) lengthof(curl_outcomes); i++)
	{
		if (curl_outcomes[i].code == code)
			return curl_outcomes[i].outcome;
	}
	return HTTP_MALFORMED;
}

static void
finish_transfer(HttpTransfer *transfer, CURLcode code)
{
	HttpResult *result = &transfer->result;
	long		status = 0;
	int			i;

	curl_multi_remove_handle(transfer->pool->multi, transfer->easy);
	transfer->added = false;
	result->outcome = outcome_of(transfer, code);
	if (result->outcome == HTTP_ANSWERED &&
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) ==
			CURLE_OK)
		result->status = (int) status;
	result->body = transfer->body != NULL ? transfer->body : "";
	result->error = transfer->error[0] != '\0' ? transfer->error
											   : curl_easy_strerror(code);
	for (i = 0; i < HTTP_FIELD_COUNT; i++)
		result->field[i] = transfer->field[i];
}

static void
finish_transfers(HttpPool *pool)
{
	CURLMsg *message;
	int		 left;

	while ((message = curl_multi_info_read(pool->multi, &left)) != NULL)
	{
		char *private = NULL;

		if (message->msg == CURLMSG_DONE &&
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
							  &private) == CURLE_OK)
			finish_transfer((HttpTransfer *) private, message->data.result);
	}
}

/*
 * Milliseconds that a transfer may still be waited for.  Only waiting counts:
 * while the query does something else nobody reads what arrives, and an answer
 * that lies there already is not late.  That is why curl's own timeouts, which
 * go by the clock, are not used.
 */
static long
deadline_left(const HttpTransfer *transfer)
{
	int limit = is_connected(transfer) ? transfer->request_timeout
									   : Min(transfer->connect_timeout,
											 transfer->request_timeout);

	return limit -
		   (long) ((transfer->pool->waited - transfer->waited_before) / 1000);
}

/* Ends the transfers that have been waited for long enough */
static void
check_deadlines(HttpPool *pool)
{
	dlist_iter iter;

	dlist_foreach(iter, &pool->transfers)
	{
		HttpTransfer *transfer = dlist_container(HttpTransfer, node, iter.cur);

		if (transfer->added && deadline_left(transfer) <= 0)
			finish_transfer(transfer, CURLE_OPERATION_TIMEDOUT);
	}
}

/* Milliseconds until the first of the transfers has; -1 for never */
static long
deadlines_left(HttpPool *pool)
{
	long	   left = -1;
	dlist_iter iter;

	dlist_foreach(iter, &pool->transfers)
	{
		HttpTransfer *transfer = dlist_container(HttpTransfer, node, iter.cur);

		if (transfer->added && (left < 0 || deadline_left(transfer) < left))
			left = Max(0, deadline_left(transfer));
	}
	return left;
}

/* Milliseconds until curl wants to be called, rounded up; -1 for never */
static long
timer_left(const HttpPool *pool)
{
	int64 left = pool->timer_at - appconfig_http_clock();

	if (!pool->timer_set)
		return -1;
	return left <= 0 ? 0 : (long) ((left + 999) / 1000);
}

/*
 * Lets all transfers of the pool get on as far as they can without waiting.
 * Raises an error only where the process is out of resources.
 */
void
appconfig_http_drive(HttpPool *pool)
{
	struct epoll_event events[64];
	sigset_t		   saved;
	int				   running;
	int				   n;
	int				   i;

	enter_curl(&saved);
	if (timer_left(pool) == 0)
	{
		pool->timer_set = false;
		curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0,
								 &running);
	}
	n = epoll_wait(pool->epoll_fd, events, lengthof(events), 0);
	for (i = 0; i < n; i++)
	{
		int what = 0;

		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(pool->multi, events[i].data.fd, what,
								 &running);
	}
	finish_transfers(pool);
	check_deadlines(pool);
	leave_curl(&saved);

	if (pool->broken)
	{
		pool->broken = false;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not watch a connection to AWS AppConfig")));
	}
}

/*
 * Waits until a transfer can get on, the latch is set or the time is over:
 * timeout milliseconds, -1 for no limit.  Then lets interrupts happen, so the
 * caller must hold nothing that an error would leak.
 */
void
appconfig_http_wait(HttpPool *pool, long timeout)
{
	WaitEvent event;
	long	  limits[] = {timer_left(pool), deadlines_left(pool)};
	int64	  before = appconfig_http_clock();
	int		  i;

	for (i = 0; i < (int) lengthof(limits); i++)
	{
		if (limits[i] >= 0 && (timeout < 0 || limits[i] < timeout))
			timeout = limits[i];
	}
	if (WaitEventSetWait(pool->wait_set, timeout, &event, 1,
						 appconfig_wait_event()) == 1 &&
		(event.events & WL_LATCH_SET))
		ResetLatch(MyLatch);
	pool->waited += appconfig_http_clock() - before;
	CHECK_FOR_INTERRUPTS();
}
