/*-------------------------------------------------------------------------
 *
 * http.c
 *		Concurrent HTTP transfers, driven by the backend's latch.
 *
 * The only file that knows how libcurl transfers.  A backend has one pool: one
 * curl multi handle with the connections to all servers.  curl tells us which
 * sockets and which time it waits for.  These, the deadlines of transfers and
 * the times that callers ask for make a single descriptor ready (watch.c), and
 * that, the process latch and the postmaster's death are waited for together.
 * So nothing here blocks without listening for interrupts, whatever the
 * network does; and whoever waits for one transfer lets all get on.
 *
 * A connection is kept for whoever asks for the same host, port and trust
 * next: curl compares these.  What is signed is the request, so it does not
 * matter by whom.  Idle connections are given up, least recently used first,
 * when there are many or when descriptors run short; after that transfers wait
 * in a queue until others have ended.  A kept connection on which there is
 * something to be read is not used: it would be the answer to this request,
 * whatever it is.  All this is nobody's business above this file.
 *
 * What may not live here: retries, signing, JSON, anything of AWS; which
 * header fields count (http_field.c), and how is waited (watch.c).
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

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "address.h"
#include "clock.h"
#include "compat.h"
#include "http.h"
#include "http_field.h"
#include "http_memory.h"
#include "socket.h"
#include "watch.h"

#define MAX_IDLE_HANDLES	 64 /* easy handles kept for later transfers */
#define MAX_IDLE_CONNECTIONS 64 /* kept, if there are descriptors enough */
#define MAX_HEADER_SIZE		 (256 * 1024) /* bytes of all of them */
#define MULTI_DESCRIPTORS	 2 /* curl's own, from beginning to end */
#define NAME_DESCRIPTORS	 2 /* curl's, while it resolves a name */

#define NO_MEMORY "there is no memory for the transfer"

/* Before 7.80 nobody can be asked before a request goes out */
#define CAN_CHECK_CONNECTIONS (LIBCURL_VERSION_NUM >= 0x075000)

typedef struct HttpPool
{
	CURLM	  *multi;
	Watch	   watch;
	int64	   timer_at; /* when curl wants to be called; or CLOCK_NEVER */
	int64	   wake_at;	 /* and somebody above, who waits for something else */
	int64	   waited;	 /* microseconds of waiting and driving */
	bool	   ran_out;	 /* of memory, when curl was called last */
	dlist_head transfers;		  /* queued, in flight or ended */
	int		   in_flight;		  /* those that the multi handle has */
	int		   resolving;		  /* those of them without an address so far */
	int		   limit;			  /* connections that have descriptors */
	CURL *idle[MAX_IDLE_HANDLES]; /* handles without a transfer; they keep TLS
								   * sessions */
	int	  idle_count;
} HttpPool;

struct HttpTransfer
{
	dlist_node		   node; /* in the pool's transfers */
	CURL			  *easy;
	bool			   added; /* does the multi handle have it? */
	struct curl_slist *headers;
	AddressPolicy	   policy;			/* what it may reach */
	bool			   by_name;			/* is there a name to resolve? */
	bool			   resolving;		/* has it not been, so far? */
	int				   reserved;		/* descriptors for that */
	int				   connect_timeout; /* milliseconds */
	int				   request_timeout;
	int64			   waited_before; /* the pool's waiting before it */
	int				   count_before;  /* sockets, when there was no place */
	size_t			   max_response_size;

	/* Of this try to send it */
	HttpOutcome verdict;		 /* why it fails, if we know; else in flight */
	const char *reason;			 /* text for that, or NULL */
	int			system_error;	 /* the same, as an errno */
	bool		unwatched;		 /* its socket is not in the epoll set */
	bool		connects;		 /* over a connection of its own? */
	bool		is_stale;		 /* the kept connection is not fit for use */
	int			sock;			 /* -1 if it is not known */
	uint64		received_before; /* over the socket, before the request */

	/* The answer */
	char	  *body;
	size_t	   body_allocated;
	size_t	   header_size;
	char	  *field[HTTP_FIELD_COUNT];
	char	   error[CURL_ERROR_SIZE];
	HttpResult result;
};

/* NULL until the first transfer */
static HttpPool *pool = NULL;

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
#if LIBCURL_VERSION_NUM >= 0x080600
	{CURLE_TOO_LARGE, HTTP_TOO_LARGE},
#endif
};

/*
 * libcurl's own set-up, once a process.  Called from _PG_init(), before any
 * thread exists.  curl is not given palloc: its connection cache outlives
 * every memory context of a statement.
 *
 * Where SSLKEYLOGFILE says, libcurl would write what decrypts its connections.
 * It looks for that here and never again, so it is out of the environment
 * meanwhile.
 */
void
appconfig_http_init(void)
{
	const char *value = getenv("SSLKEYLOGFILE");
	char	   *key_log = value != NULL ? pstrdup(value) : NULL;
	bool		initialized;

	if (key_log != NULL)
		unsetenv("SSLKEYLOGFILE");
	initialized = appconfig_http_memory_init();
	if (key_log != NULL)
	{
		setenv("SSLKEYLOGFILE", key_log, 1);
		pfree(key_log);
	}
	if (!initialized)
		ereport(ERROR, (errcode(ERRCODE_FDW_UNABLE_TO_CREATE_EXECUTION),
						errmsg("could not initialize libcurl")));
}

/* As it is sent and signed */
const char *
appconfig_http_method_name(HttpMethod method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT"};

	return names[method];
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

/* The transfer of an easy handle */
static HttpTransfer *
transfer_of(CURL *easy)
{
	char *private = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	return (HttpTransfer *) private;
}

/* curl wants to know when something happens on this socket, or no longer */
static int
watch_socket(CURL *easy, curl_socket_t sock, int what,
			 void *userp   pg_attribute_unused(),
			 void *socketp pg_attribute_unused())
{
	if (what == CURL_POLL_REMOVE)
		appconfig_watch_remove(&pool->watch, sock);
	else if (!appconfig_watch_add(&pool->watch, sock,
								  (what & CURL_POLL_IN) != 0,
								  (what & CURL_POLL_OUT) != 0))
	{
		int			  save_errno = errno;
		HttpTransfer *transfer = transfer_of(easy);

		/* curl has handles of its own that close connections */
		if (transfer != NULL)
		{
			transfer->system_error = save_errno;
			transfer->unwatched = true;
		}
	}
	return 0;
}

/* curl wants to be called after that many milliseconds; -1: no longer */
static int
set_timer(CURLM *multi pg_attribute_unused(), long milliseconds,
		  void *userp pg_attribute_unused())
{
	pool->timer_at = milliseconds < 0 ? CLOCK_NEVER
									  : appconfig_clock_now() +
											milliseconds * CLOCK_MILLISECOND;
	return 0;
}

/* ------------------------------------------------------------------------
 * Callbacks of a transfer
 * ------------------------------------------------------------------------
 */

/* Decides how the transfer ends; the reason is a constant, or NULL */
static void
decide(HttpTransfer *transfer, HttpOutcome verdict, const char *reason)
{
	transfer->verdict = verdict;
	transfer->reason = reason;
}

/* The name is resolved, or there was a connection to it */
static void
set_resolved(HttpTransfer *transfer)
{
	if (transfer->resolving)
		pool->resolving--;
	transfer->resolving = false;
	for (; transfer->reserved > 0; transfer->reserved--)
		ReleaseExternalFD();
}

/*
 * curl wants a socket for an address.  Here the name has been resolved, so a
 * check here cannot be deceived by a name server that changes its answer.
 */
static curl_socket_t
open_socket(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpTransfer *transfer = userp;
	int			  sock;

	set_resolved(transfer);
	transfer->connects = true;
	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (!appconfig_address_is_allowed(&address->addr, transfer->policy))
	{
		decide(transfer, HTTP_NOT_TRUSTED,
			   "the address is one that no request may go to");
		return CURL_SOCKET_BAD;
	}
	sock = appconfig_socket_open(&address->addr, address->addrlen,
								 address->socktype, address->protocol);
	if (sock < 0)
		transfer->system_error = errno;
	if (sock < 0 && appconfig_socket_means_shortage(transfer->system_error))
		decide(transfer,
			   transfer->system_error == ENOMEM ? HTTP_OUT_OF_MEMORY
												: HTTP_OUT_OF_DESCRIPTORS,
			   NULL);
	transfer->sock = sock;
	transfer->received_before = 0;
	return sock < 0 ? CURL_SOCKET_BAD : sock;
}

static int
close_socket(void *userp pg_attribute_unused(), curl_socket_t sock)
{
	dlist_iter iter;

	dlist_foreach(iter, &pool->transfers)
	{
		HttpTransfer *transfer = dlist_container(HttpTransfer, node, iter.cur);

		if (transfer->sock == sock)
			transfer->sock = -1;
	}
	return appconfig_socket_close(sock);
}

#if CAN_CHECK_CONNECTIONS
/* Does OpenSSL hold bytes that it has read from the connection, but not curl?
 */
static bool
tls_has_input(CURL *easy)
{
	const struct curl_tlssessioninfo *tls = NULL;

	return curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK &&
		   tls != NULL && tls->backend == CURLSSLBACKEND_OPENSSL &&
		   tls->internals != NULL && SSL_has_pending(tls->internals);
}

/*
 * A request is about to be sent.  On a connection that was kept nothing may be
 * there to be read: it would be taken for the answer, though it was sent
 * before anybody asked.  Servers do so when they close what has been idle for
 * long, with a 408, say.
 */
static int
check_connection(void *userp, char *peer, char *local pg_attribute_unused(),
				 int peer_port, int local_port)
{
	HttpTransfer *transfer = userp;
	int			  sock = appconfig_socket_find(peer, peer_port, local_port);

	set_resolved(transfer);
	if (sock >= 0)
	{
		transfer->sock = sock;
		transfer->received_before = appconfig_socket_received(sock);
	}
	if (transfer->connects ||
		(sock >= 0 && !appconfig_socket_has_input(sock) &&
		 !tls_has_input(transfer->easy) &&
		 appconfig_address_is_allowed(appconfig_socket_peer(sock),
									  transfer->policy)))
		return CURL_PREREQFUNC_OK;
	transfer->is_stale = true;
	curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
	return CURL_PREREQFUNC_ABORT;
}
#endif

static size_t
receive_header(char *line, size_t size, size_t count, void *userp)
{
	HttpTransfer *transfer = userp;
	size_t		  length = size * count;

	transfer->result.bytes_received += length;
	transfer->header_size += length;
	if (transfer->header_size > MAX_HEADER_SIZE)
		decide(transfer, HTTP_TOO_LARGE, "its header is too long");
	/* an interim answer, a 100 say, is followed by the real one */
	if (length > 5 && memcmp(line, "HTTP/", 5) == 0)
		appconfig_http_field_forget(transfer->field);
	else
	{
		const char *reason = appconfig_http_field_refuse(line, length);

		if (reason != NULL)
			decide(transfer, HTTP_MALFORMED, reason);
		if (!appconfig_http_field_keep(transfer->field, line, length))
			decide(transfer, HTTP_OUT_OF_MEMORY, NO_MEMORY);
	}
	return transfer->verdict == HTTP_IN_FLIGHT ? length : 0;
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
		decide(transfer, HTTP_TOO_LARGE, NULL);
		return 0;
	}
	if (needed > transfer->body_allocated)
	{
		size_t allocate = Max(needed, transfer->body_allocated * 2);
		char  *body = realloc(transfer->body, allocate);

		if (body == NULL)
		{
			decide(transfer, HTTP_OUT_OF_MEMORY, NO_MEMORY);
			return 0;
		}
		transfer->body = body;
		transfer->body_allocated = allocate;
	}
	memcpy(transfer->body + transfer->result.body_length, data, length);
	transfer->result.body_length += length;
	transfer->body[transfer->result.body_length] = '\0';
	return length;
}

/* ------------------------------------------------------------------------
 * The pool
 * ------------------------------------------------------------------------
 */

static void
destroy_pool(HttpPool *old)
{
	sigset_t saved;

	enter_curl(&saved);
	while (old->idle_count > 0)
		curl_easy_cleanup(old->idle[--old->idle_count]);
	if (old->multi != NULL)
		curl_multi_cleanup(old->multi);
	leave_curl(&saved);
	appconfig_watch_close(&old->watch);
	free(old);
}

pg_noreturn static void
raise_no_memory(void)
{
	ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

/*
 * The multi handle.  It opens descriptors of its own, which no child process
 * has any use for; they are those that were free before.
 */
static void
create_multi(HttpPool *new)
{
	int next[MULTI_DESCRIPTORS];
	int i;

	appconfig_watch_find_free(&new->watch, next, MULTI_DESCRIPTORS);
	new->multi = curl_multi_init();
	if (new->multi == NULL)
		raise_no_memory();
	for (i = 0; i < MULTI_DESCRIPTORS; i++)
		(void) fcntl(next[i], F_SETFD, FD_CLOEXEC);
	curl_multi_setopt(new->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(new->multi, CURLMOPT_TIMERFUNCTION, set_timer);
}

static HttpPool *
create_pool(void)
{
	HttpPool *new = calloc(1, sizeof(HttpPool));

	if (new == NULL)
		raise_no_memory();
	dlist_init(&new->transfers);
	new->limit = PG_INT32_MAX;
	new->timer_at = CLOCK_NEVER;
	new->wake_at = CLOCK_NEVER;
	PG_TRY();
	{
		appconfig_watch_open(&new->watch, MULTI_DESCRIPTORS);
		create_multi(new);
	}
	PG_CATCH();
	{
		destroy_pool(new);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return new;
}

/*
 * Sees to it that there is a pool; to be called before appconfig_http_start().
 * Raises an error if the process is out of memory or file descriptors.  What
 * curl has made of reserved memory goes as soon as nobody uses it.
 */
void
appconfig_http_open(void)
{
	if (pool != NULL && dlist_is_empty(&pool->transfers) &&
		appconfig_http_memory_is_reduced())
	{
		HttpPool *old = pool;

		destroy_pool(old);
		pool = NULL;
	}
	if (pool == NULL)
		pool = create_pool();
	/* what ran out as earlier transfers ended, or now, ends no later one */
	if (dlist_is_empty(&pool->transfers))
		(void) appconfig_http_memory_ran_out();
}

/* Tells curl how many connections there may be, and may be idle */
static void
set_limits(void)
{
	/* half of what PostgreSQL lets extensions have is for others */
	int kept = Min(MAX_IDLE_CONNECTIONS, max_safe_fds / 6);

	curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS,
					  (long) Max(kept, pool->in_flight));
	curl_multi_setopt(pool->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
					  (long) pool->limit);
}

/* ------------------------------------------------------------------------
 * Transfers
 * ------------------------------------------------------------------------
 */

/* Sets an option, unless one before it could not be set */
#define SET(option, value)                               \
	do                                                   \
	{                                                    \
		if (bad == CURLE_OK)                             \
			bad = curl_easy_setopt(easy, option, value); \
	} while (0)

/* What the transfer tells us of itself, and asks for */
static CURLcode
set_callbacks(HttpTransfer *transfer)
{
	CURL	*easy = transfer->easy;
	CURLcode bad = CURLE_OK;

	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_WRITEFUNCTION, receive_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, receive_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
#if CAN_CHECK_CONNECTIONS
	SET(CURLOPT_PREREQFUNCTION, check_connection);
	SET(CURLOPT_PREREQDATA, transfer);
#else
	SET(CURLOPT_FORBID_REUSE, 1L);
#endif
	return bad;
}

/* What it sends, and where to */
static CURLcode
set_request(HttpTransfer *transfer, const HttpRequest *request)
{
	CURL	*easy = transfer->easy;
	CURLcode bad = CURLE_OK;

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	if (request->body != NULL)
	{
		/* the length first: it is how much is copied */
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_length);
		SET(CURLOPT_COPYPOSTFIELDS, request->body);
	}
	else
		SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_CUSTOMREQUEST, appconfig_http_method_name(request->method));
	if (request->ca_bundle != NULL)
	{
		SET(CURLOPT_CAINFO, request->ca_bundle);
		SET(CURLOPT_CAPATH, NULL);
	}
	return bad;
}

/* How it behaves, and what it leaves alone */
static CURLcode
set_manners(HttpTransfer *transfer)
{
	CURL	*easy = transfer->easy;
	CURLcode bad = CURLE_OK;
	bool	 with_tls = transfer->policy == ADDRESS_SERVICE;

	/* see time_left(); 0 would be the default of five minutes */
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
	/* what goes without TLS reaches nobody else */
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, with_tls ? "https" : "http");
#else
	SET(CURLOPT_PROTOCOLS,
		(long) (with_tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP));
#endif
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	return bad;
}

#undef SET

/*
 * Everything that a transfer is told.  Returns false if libcurl takes an
 * option for wrong, which happens when memory is out.
 */
static bool
set_options(HttpTransfer *transfer, const HttpRequest *request)
{
	return set_callbacks(transfer) == CURLE_OK &&
		   set_request(transfer, request) == CURLE_OK &&
		   set_manners(transfer) == CURLE_OK;
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

/* Is the host of the URL a name, rather than an address? */
static bool
has_name(const char *url)
{
	const char	  *host = strstr(url, "://") + strlen("://");
	char		   text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (*host == '[')
		return false;
	strlcpy(text, host, Min(sizeof(text), strcspn(host, ":/?") + 1));
	return inet_pton(AF_INET, text, &address) != 1;
}

/* Puts a transfer into the queue as one that has not been sent */
static void
queue(HttpTransfer *transfer)
{
	decide(transfer, HTTP_IN_FLIGHT, NULL);
	transfer->system_error = 0;
	transfer->unwatched = false;
	transfer->connects = false;
	transfer->is_stale = false;
	transfer->sock = -1;
	transfer->received_before = 0;
	transfer->error[0] = '\0';
}

static bool
is_queued(const HttpTransfer *transfer)
{
	return !transfer->added && transfer->result.outcome == HTTP_IN_FLIGHT;
}

/*
 * Takes the descriptors with which a name is resolved.  Where there are none,
 * one transfer after another does without.
 */
static bool
reserve_for_name(HttpTransfer *transfer)
{
	if (!transfer->by_name)
		return true;
	while (transfer->reserved < NAME_DESCRIPTORS && AcquireExternalFD())
		transfer->reserved++;
	if (transfer->reserved < NAME_DESCRIPTORS && pool->resolving > 0)
	{
		set_resolved(transfer);
		return false;
	}
	transfer->resolving = true;
	pool->resolving++;
	return true;
}

/* Gives a transfer to curl; the time begins that it may take */
static bool
send_transfer(HttpTransfer *transfer)
{
	transfer->waited_before = pool->waited;
	transfer->added =
		curl_multi_add_handle(pool->multi, transfer->easy) == CURLM_OK;
	if (transfer->added)
		pool->in_flight++;
	else
		set_resolved(transfer);
	return transfer->added;
}

/* Takes it back, wherever it is */
static void
withdraw(HttpTransfer *transfer)
{
	set_resolved(transfer);
	if (!transfer->added)
		return;
	curl_multi_remove_handle(pool->multi, transfer->easy);
	transfer->added = false;
	pool->in_flight--;
}

/*
 * Could another request go out at once, as far as descriptors are concerned?
 * One that is started nevertheless waits in the queue, with a signature that
 * grows old.
 */
bool
appconfig_http_has_room(void)
{
	int		   count = 0;
	dlist_iter iter;

	if (pool->limit == PG_INT32_MAX)
		return true;
	dlist_foreach(iter, &pool->transfers)
	{
		HttpTransfer *transfer = dlist_container(HttpTransfer, node, iter.cur);

		count += transfer->result.outcome == HTTP_IN_FLIGHT;
	}
	return count < pool->limit;
}

/*
 * Puts a request on its way and returns without waiting.  The answer comes
 * while appconfig_http_drive() and appconfig_http_wait() are called; the
 * caller releases the transfer.  Raises no error: returns NULL if there is no
 * memory, and every other failure is the outcome of the transfer.
 */
HttpTransfer *
appconfig_http_start(const HttpRequest *request)
{
	HttpTransfer *transfer = calloc(1, sizeof(HttpTransfer));

	if (transfer == NULL)
		return NULL;
	transfer->policy = request->policy;
	transfer->by_name = has_name(request->url);
	transfer->connect_timeout = request->connect_timeout;
	transfer->request_timeout = request->request_timeout;
	transfer->max_response_size = request->max_response_size;
	transfer->count_before = PG_INT32_MAX;
	queue(transfer);
	dlist_push_tail(&pool->transfers, &transfer->node);
	transfer->easy = pool->idle_count > 0 ? pool->idle[--pool->idle_count]
										  : curl_easy_init();
	if (transfer->easy == NULL || !set_headers(transfer, request->headers) ||
		!set_options(transfer, request))
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
	sigset_t saved;

	enter_curl(&saved);
	withdraw(transfer);
	dlist_delete(&transfer->node);
	if (transfer->easy != NULL && pool->idle_count < MAX_IDLE_HANDLES)
	{
		curl_easy_reset(transfer->easy);
		pool->idle[pool->idle_count++] = transfer->easy;
	}
	else if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	leave_curl(&saved);
	curl_slist_free_all(transfer->headers);
	appconfig_http_field_forget(transfer->field);
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
	if (transfer->verdict != HTTP_IN_FLIGHT)
		return transfer->verdict;
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

/* Adds what the system has said of a failure, unless it is there already */
static void
add_system_error(HttpTransfer *transfer, CURLcode code)
{
	long		error = transfer->system_error;
	size_t		length = strlen(transfer->error);
	const char *words;

	if (error == 0 && code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
	if (error == 0)
		return;
	words = strerror((int) error);
	if (strstr(transfer->error, words) == NULL)
		snprintf(transfer->error + length, sizeof(transfer->error) - length,
				 "%s%s", length > 0 ? ": " : "", words);
}

/* What there is to say of a failure; lives as long as the transfer */
static const char *
words_for(HttpTransfer *transfer, CURLcode code)
{
	if (transfer->reason != NULL)
		return transfer->reason;
	add_system_error(transfer, code);
	return transfer->error[0] != '\0' ? transfer->error
									  : curl_easy_strerror(code);
}

static void
finish_transfer(HttpTransfer *transfer, CURLcode code)
{
	HttpResult *result = &transfer->result;
	long		status = 0;
	int			i;

	/* so curl calls a header line that is too long for it */
	if (code == CURLE_OUT_OF_MEMORY && transfer->verdict == HTTP_IN_FLIGHT &&
		!pool->ran_out && appconfig_http_memory_is_ours())
		decide(transfer, HTTP_TOO_LARGE, "a line of its header is too long");
	result->outcome = outcome_of(transfer, code);
	if (result->outcome == HTTP_ANSWERED &&
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) ==
			CURLE_OK)
		result->status = (int) status;
	result->body = transfer->body != NULL ? transfer->body : "";
	result->error = words_for(transfer, code);
	for (i = 0; i < HTTP_FIELD_COUNT; i++)
		result->field[i] = transfer->field[i];
}

/*
 * There was no descriptor for a connection.  Can there be one, if an idle
 * connection is given up or another transfer waited for?  curl gives up the
 * one that has been idle for longest when there are as many as it may have.
 */
static bool
make_room(HttpTransfer *transfer)
{
	int count = appconfig_socket_count();

	/* nothing to be given up, or giving up has not helped */
	if (pool->in_flight == 0 &&
		(count == 0 || count >= transfer->count_before))
		return false;
	transfer->count_before = count;
	pool->limit = Max(count, 1);
	return true;
}

/*
 * curl is done with a transfer, or we are.  What could not be sent through no
 * fault of the other side goes back into the queue.
 */
static void
end_transfer(HttpTransfer *transfer, CURLcode code)
{
	withdraw(transfer);
	if (code == CURLE_ABORTED_BY_CALLBACK && transfer->is_stale)
	{
		curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 0L);
		curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
		queue(transfer);
	}
	else if (code != CURLE_OK &&
			 transfer->verdict == HTTP_OUT_OF_DESCRIPTORS &&
			 make_room(transfer))
		queue(transfer);
	else
	{
		finish_transfer(transfer, code);
		/* perhaps there are more descriptors again */
		if (code == CURLE_OK && pool->limit < PG_INT32_MAX)
			pool->limit++;
	}
}

/* Sends what has waited for its turn, as far as there are descriptors */
static void
send_queued(void)
{
	dlist_iter iter;

	dlist_foreach(iter, &pool->transfers)
	{
		HttpTransfer *transfer = dlist_container(HttpTransfer, node, iter.cur);

		if (!is_queued(transfer))
			continue;
		if (pool->in_flight >= pool->limit || !reserve_for_name(transfer))
			return;
		if (!send_transfer(transfer))
		{
			decide(transfer, HTTP_OUT_OF_MEMORY, NO_MEMORY);
			finish_transfer(transfer, CURLE_OUT_OF_MEMORY);
		}
	}
}

/* Ends the transfers that curl is done with */
static void
end_transfers(void)
{
	CURLMsg *message;
	int		 left;

	while ((message = curl_multi_info_read(pool->multi, &left)) != NULL)
	{
		if (message->msg == CURLMSG_DONE)
			end_transfer(transfer_of(message->easy_handle),
						 message->data.result);
	}
}

/*
 * Microseconds that a transfer may still take.  Only waiting counts, and what
 * we do here: while the query does something else nobody reads what arrives,
 * and an answer that lies there already is not late.  That is why curl's own
 * timeouts, which go by the clock, are not used.
 */
static int64
time_left(const HttpTransfer *transfer)
{
	int limit = is_connected(transfer) ? transfer->request_timeout
									   : Min(transfer->connect_timeout,
											 transfer->request_timeout);

	return limit * CLOCK_MILLISECOND -
		   (pool->waited - transfer->waited_before);
}

/*
 * Has more come in than an answer can have?  What curl drops without a word,
 * the frames of chunks say, counts here as well.  They can be as large as what
 * they frame, but not larger.
 */
static bool
is_flooded(const HttpTransfer *transfer)
{
	return transfer->sock >= 0 &&
		   appconfig_socket_received(transfer->sock) -
				   transfer->received_before >
			   2 * ((uint64) transfer->max_response_size + MAX_HEADER_SIZE);
}

/* Ends the transfers that curl would go on with, but we don't */
static void
check_transfers(void)
{
	dlist_iter iter;

	dlist_foreach(iter, &pool->transfers)
	{
		HttpTransfer *transfer = dlist_container(HttpTransfer, node, iter.cur);

		if (!transfer->added)
			continue;
		if (pool->ran_out)
			decide(transfer, HTTP_OUT_OF_MEMORY, NO_MEMORY);
		else if (transfer->unwatched)
			decide(transfer, HTTP_OUT_OF_DESCRIPTORS, NULL);
		else if (is_flooded(transfer))
			decide(transfer, HTTP_TOO_LARGE,
				   "more came over the wire than an answer can be");
		else if (time_left(transfer) > 0)
			continue;
		end_transfer(transfer, CURLE_OPERATION_TIMEDOUT);
	}
}

/* Tells curl of the time, and of what has happened on its sockets */
static void
call_curl(void)
{
	WatchEvent events[WATCH_MOST_EVENTS];
	int		   running;
	int		   n;
	int		   i;

	if (pool->timer_at <= appconfig_clock_now())
	{
		pool->timer_at = CLOCK_NEVER;
		curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0,
								 &running);
	}
	n = appconfig_watch_look(&pool->watch, events);
	for (i = 0; i < n; i++)
	{
		int what = 0;

		if (events[i].readable)
			what |= CURL_CSELECT_IN;
		if (events[i].writable)
			what |= CURL_CSELECT_OUT;
		if (events[i].failed)
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(pool->multi, events[i].sock, what, &running);
	}
}

/*
 * Lets all transfers get on as far as they can without waiting.  Raises no
 * error.
 */
void
appconfig_http_drive(void)
{
	int64	 before = appconfig_clock_now();
	sigset_t saved;

	pool->wake_at = CLOCK_NEVER;
	enter_curl(&saved);
	send_queued();
	set_limits();
	call_curl();
	pool->waited += appconfig_clock_now() - before;
	pool->ran_out = appconfig_http_memory_ran_out();
	end_transfers();
	check_transfers();
	leave_curl(&saved);
}

/*
 * Lets whoever waits next wake at that time at the latest, on
 * appconfig_clock_now().  All may ask; appconfig_http_drive() forgets it.
 */
void
appconfig_http_wake(int64 at)
{
	pool->wake_at = Min(pool->wake_at, at);
}

/* When there is something to do even if nothing happens on a socket */
static int64
next_time(void)
{
	int64	   now = appconfig_clock_now();
	int64	   at = Min(pool->timer_at, pool->wake_at);
	dlist_iter iter;

	dlist_foreach(iter, &pool->transfers)
	{
		HttpTransfer *transfer = dlist_container(HttpTransfer, node, iter.cur);

		if (transfer->added)
			at = Min(at, now + time_left(transfer));
	}
	return at;
}

/*
 * Waits until a transfer can get on, the latch is set, or it is a time that
 * was asked for.  Then lets interrupts happen, so the caller must hold nothing
 * that an error would leak.
 */
void
appconfig_http_wait(void)
{
	int64	 before = appconfig_clock_now();
	sigset_t saved;

	/* the transfer before them may have been released */
	enter_curl(&saved);
	send_queued();
	leave_curl(&saved);
	appconfig_watch_set_timer(&pool->watch, next_time());
	appconfig_watch_wait(&pool->watch);
	pool->waited += appconfig_clock_now() - before;
	CHECK_FOR_INTERRUPTS();
}
