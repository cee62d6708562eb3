/*-------------------------------------------------------------------------
 *
 * http.c
 *		Concurrent HTTP transfers, driven by the backend's latch.
 *
 * All of libcurl is here and in http_transfer.c.  A backend has one pool: one
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
 * What may not live here: retries, signing, JSON, anything of AWS; what
 * concerns a single transfer (http_transfer.c), and how is waited (watch.c).
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

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "clock.h"
#include "compat.h"
#include "http.h"
#include "http_memory.h"
#include "http_transfer.h"
#include "socket.h"
#include "watch.h"

#define MAX_IDLE_HANDLES	 64 /* easy handles kept for later transfers */
#define MAX_IDLE_CONNECTIONS 64 /* kept, if there are descriptors enough */
#define MULTI_DESCRIPTORS	 2	/* curl's own, from beginning to end */
#define NAME_DESCRIPTORS	 2	/* curl's, while it resolves a name */

/* A transfer, and what the pool keeps of it */
typedef struct PooledTransfer
{
	HttpTransfer transfer;
	dlist_node	node;			/* in the pool's transfers */
	bool		added;			/* does the multi handle have it? */
	int			connect_timeout;	/* milliseconds */
	int			request_timeout;
	int64		waited_before;	/* waiting before it */
	int			count_before;	/* sockets, when there was no place */
} PooledTransfer;

typedef struct HttpPool
{
	CURLM	   *multi;
	Watch		watch;
	int64		timer_at;		/* when curl wants to be called; or
								 * CLOCK_NEVER */
	int64		wake_at;		/* and somebody above, who waits for something
								 * else */
	bool		ran_out;		/* of memory, when curl was called last */
	dlist_head	transfers;		/* PooledTransfer: queued, in flight, ended */
	int			in_flight;		/* those that the multi handle has */
	int			limit;			/* connections that have descriptors */
	CURL	   *idle[MAX_IDLE_HANDLES]; /* handles without a transfer; they
										 * keep TLS sessions */
	int			idle_count;
} HttpPool;

/* NULL until the first transfer */
static HttpPool *pool = NULL;

/* Microseconds of waiting and driving, in the backend's life */
static int64 waited = 0;

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

/* Every call that may start a thread stands between these two */
static void
enter_curl(sigset_t *saved)
{
	sigset_t	all;

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

/* What the pool keeps of a transfer */
static PooledTransfer *
pooled_transfer(HttpTransfer *transfer)
{
	return (PooledTransfer *) ((char *) transfer -
							   offsetof(PooledTransfer, transfer));
}

/* The transfer of a node in the pool's list */
static HttpTransfer *
transfer_at(dlist_node *node)
{
	return &dlist_container(PooledTransfer, node, node)->transfer;
}

/* The transfer of an easy handle */
static HttpTransfer *
transfer_of(CURL *easy)
{
	char	   *private = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	return (HttpTransfer *) private;
}

/* curl wants to know when something happens on this socket, or no longer */
static int
watch_socket(CURL *easy, curl_socket_t sock, int what,
			 void *userp pg_attribute_unused(),
			 void *socketp pg_attribute_unused())
{
	if (what == CURL_POLL_REMOVE)
		appconfig_watch_remove(&pool->watch, sock);
	else if (!appconfig_watch_add(&pool->watch, sock,
								  (what & CURL_POLL_IN) != 0,
								  (what & CURL_POLL_OUT) != 0))
	{
		int			save_errno = errno;
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
keep_timer(CURLM *multi pg_attribute_unused(), long milliseconds,
		   void *userp pg_attribute_unused())
{
	pool->timer_at = milliseconds < 0 ? CLOCK_NEVER
		: appconfig_clock_now() +
		milliseconds * CLOCK_MILLISECOND;
	return 0;
}

/* A socket is the pool's: it may be there for longer than any transfer */
static int
close_socket(void *userp pg_attribute_unused(), curl_socket_t sock)
{
	dlist_iter	iter;

	dlist_foreach(iter, &pool->transfers)
	{
		HttpTransfer *transfer = transfer_at(iter.cur);

		if (transfer->sock == sock)
			transfer->sock = -1;
	}
	return appconfig_socket_close(sock);
}

/* ------------------------------------------------------------------------
 * The pool
 * ------------------------------------------------------------------------
 */

static void
destroy_pool(HttpPool *old)
{
	sigset_t	saved;

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
	int			next[MULTI_DESCRIPTORS];
	int			i;

	appconfig_watch_find_free(&new->watch, next, MULTI_DESCRIPTORS);
	new->multi = curl_multi_init();
	if (new->multi == NULL)
		raise_no_memory();
	for (i = 0; i < MULTI_DESCRIPTORS; i++)
		(void) fcntl(next[i], F_SETFD, FD_CLOEXEC);
	curl_multi_setopt(new->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(new->multi, CURLMOPT_TIMERFUNCTION, keep_timer);
}

static HttpPool *
create_pool(void)
{
	HttpPool   *new = calloc(1, sizeof(HttpPool));

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
		HttpPool   *old = pool;

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
	int			kept = Min(MAX_IDLE_CONNECTIONS, max_safe_fds / 6);

	curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS,
					  (long) Max(kept, pool->in_flight));
	curl_multi_setopt(pool->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
					  (long) pool->limit);
}

/* ------------------------------------------------------------------------
 * Transfers
 * ------------------------------------------------------------------------
 */

static bool
is_queued(const PooledTransfer *pooled)
{
	return !pooled->added && pooled->transfer.result.outcome == HTTP_IN_FLIGHT;
}

/* Is curl resolving a name? */
static bool
is_resolving(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &pool->transfers)
	{
		if (transfer_at(iter.cur)->resolving)
			return true;
	}
	return false;
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
	if (transfer->reserved < NAME_DESCRIPTORS && is_resolving())
	{
		appconfig_http_transfer_settle_name(transfer);
		return false;
	}
	transfer->resolving = true;
	return true;
}

/* Gives a transfer to curl; the time begins that it may take */
static bool
send_transfer(PooledTransfer *pooled)
{
	pooled->waited_before = waited;
	pooled->added =
		curl_multi_add_handle(pool->multi, pooled->transfer.easy) == CURLM_OK;
	if (pooled->added)
		pool->in_flight++;
	else
		appconfig_http_transfer_settle_name(&pooled->transfer);
	return pooled->added;
}

/* Takes it back, wherever it is */
static void
withdraw(PooledTransfer *pooled)
{
	appconfig_http_transfer_settle_name(&pooled->transfer);
	if (!pooled->added)
		return;
	curl_multi_remove_handle(pool->multi, pooled->transfer.easy);
	pooled->added = false;
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
	int			count = 0;
	dlist_iter	iter;

	if (pool->limit == PG_INT32_MAX)
		return true;
	dlist_foreach(iter, &pool->transfers)
		count += transfer_at(iter.cur)->result.outcome == HTTP_IN_FLIGHT;
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
	PooledTransfer *pooled = calloc(1, sizeof(PooledTransfer));
	HttpTransfer *transfer;

	if (pooled == NULL)
		return NULL;
	transfer = &pooled->transfer;
	pooled->connect_timeout = request->connect_timeout;
	pooled->request_timeout = request->request_timeout;
	pooled->count_before = PG_INT32_MAX;
	appconfig_http_transfer_renew(transfer);
	dlist_push_tail(&pool->transfers, &pooled->node);
	transfer->easy = pool->idle_count > 0 ? pool->idle[--pool->idle_count]
		: curl_easy_init();
	if (transfer->easy == NULL ||
		!appconfig_http_transfer_prepare(transfer, request) ||
		curl_easy_setopt(transfer->easy, CURLOPT_CLOSESOCKETFUNCTION,
						 close_socket) != CURLE_OK)
	{
		appconfig_http_release(transfer);
		/* the caller reports it: it is no reason to end other transfers */
		(void) appconfig_http_memory_ran_out();
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
	PooledTransfer *pooled = pooled_transfer(transfer);
	sigset_t	saved;

	enter_curl(&saved);
	withdraw(pooled);
	dlist_delete(&pooled->node);
	/* a handle that is kept keeps buffers, too */
	if (transfer->easy != NULL && !transfer->is_secret &&
		pool->idle_count < MAX_IDLE_HANDLES)
	{
		curl_easy_reset(transfer->easy);
		pool->idle[pool->idle_count++] = transfer->easy;
	}
	else if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	leave_curl(&saved);
	appconfig_http_transfer_clear(transfer);
	free(pooled);
}

/*
 * There was no descriptor for a connection.  Can there be one, if an idle
 * connection is given up or another transfer waited for?  curl gives up the
 * one that has been idle for longest when there are as many as it may have.
 */
static bool
make_room(PooledTransfer *pooled)
{
	int			count = appconfig_socket_count();

	/* nothing to be given up, or giving up has not helped */
	if (pool->in_flight == 0 && (count == 0 || count >= pooled->count_before))
		return false;
	pooled->count_before = count;
	pool->limit = Max(count, 1);
	return true;
}

/*
 * curl is done with a transfer, or we are.  What could not be sent through no
 * fault of the other side goes back into the queue.
 */
static void
end_transfer(PooledTransfer *pooled, CURLcode code)
{
	HttpTransfer *transfer = &pooled->transfer;

	withdraw(pooled);
	if (code == CURLE_ABORTED_BY_CALLBACK && transfer->is_stale)
	{
		curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 0L);
		curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
		appconfig_http_transfer_renew(transfer);
	}
	else if (code != CURLE_OK &&
			 transfer->verdict == HTTP_OUT_OF_DESCRIPTORS && make_room(pooled))
		appconfig_http_transfer_renew(transfer);
	else
	{
		appconfig_http_transfer_finish(transfer, code, pool->ran_out);
		/* perhaps there are more descriptors again */
		if (code == CURLE_OK && pool->limit < PG_INT32_MAX)
			pool->limit++;
	}
}

/*
 * Sends what has waited for its turn, as far as there are descriptors.
 * Returns whether a transfer has ended that way.
 */
static bool
send_queued(void)
{
	bool		has_ended = false;
	dlist_iter	iter;

	dlist_foreach(iter, &pool->transfers)
	{
		PooledTransfer *pooled =
		dlist_container(PooledTransfer, node, iter.cur);
		HttpTransfer *transfer = &pooled->transfer;

		if (!is_queued(pooled))
			continue;
		if (pool->in_flight >= pool->limit || !reserve_for_name(transfer))
			break;
		if (!send_transfer(pooled))
		{
			appconfig_http_transfer_decide(transfer, HTTP_OUT_OF_MEMORY,
										   HTTP_NO_MEMORY);
			appconfig_http_transfer_finish(transfer, CURLE_OUT_OF_MEMORY,
										   pool->ran_out);
			has_ended = true;
		}
	}
	return has_ended;
}

/* Ends the transfers that curl is done with */
static void
end_transfers(void)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(pool->multi, &left)) != NULL)
	{
		if (message->msg == CURLMSG_DONE)
			end_transfer(pooled_transfer(transfer_of(message->easy_handle)),
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
time_left(const PooledTransfer *pooled)
{
	int			limit = appconfig_http_transfer_is_connected(&pooled->transfer)
	? pooled->request_timeout
	: Min(pooled->connect_timeout, pooled->request_timeout);

	return limit * CLOCK_MILLISECOND - (waited - pooled->waited_before);
}

/* Ends the transfers that curl would go on with, but we don't */
static void
check_transfers(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &pool->transfers)
	{
		PooledTransfer *pooled =
		dlist_container(PooledTransfer, node, iter.cur);
		HttpTransfer *transfer = &pooled->transfer;

		if (!pooled->added)
			continue;
		if (pool->ran_out)
			appconfig_http_transfer_decide(transfer, HTTP_OUT_OF_MEMORY,
										   HTTP_NO_MEMORY);
		else if (transfer->unwatched)
			appconfig_http_transfer_decide(transfer, HTTP_OUT_OF_DESCRIPTORS,
										   NULL);
		else if (appconfig_http_transfer_is_flooded(transfer))
			appconfig_http_transfer_decide(transfer, HTTP_TOO_LARGE,
										   "more came over the wire than an answer can be");
		else if (time_left(pooled) > 0)
			continue;
		end_transfer(pooled, CURLE_OPERATION_TIMEDOUT);
	}
}

/* Tells curl of the time, and of what has happened on its sockets */
static void
call_curl(void)
{
	WatchEvent	events[WATCH_MOST_EVENTS];
	int			running;
	int			n;
	int			i;

	if (pool->timer_at <= appconfig_clock_now())
	{
		pool->timer_at = CLOCK_NEVER;
		curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0,
								 &running);
	}
	n = appconfig_watch_look(&pool->watch, events);
	for (i = 0; i < n; i++)
	{
		int			what = 0;

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
	int64		before = appconfig_clock_now();
	sigset_t	saved;

	pool->wake_at = CLOCK_NEVER;
	enter_curl(&saved);
	(void) send_queued();
	set_limits();
	call_curl();
	waited += appconfig_clock_now() - before;
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
	int64		now = appconfig_clock_now();
	int64		at = Min(pool->timer_at, pool->wake_at);
	dlist_iter	iter;

	dlist_foreach(iter, &pool->transfers)
	{
		PooledTransfer *pooled =
		dlist_container(PooledTransfer, node, iter.cur);

		if (pooled->added)
			at = Min(at, now + time_left(pooled));
	}
	return at;
}

/*
 * Waits until a transfer can get on, the latch is set, or it is a time that
 * was asked for.  What for is for others to see.  The caller lets interrupts
 * happen afterwards.
 */
void
appconfig_http_wait(WaitKind kind)
{
	int64		before = appconfig_clock_now();
	sigset_t	saved;

	/* the transfer before them may have been released */
	enter_curl(&saved);
	if (send_queued())
		appconfig_http_wake(before);
	leave_curl(&saved);
	appconfig_watch_set_timer(&pool->watch, next_time());
	appconfig_watch_wait(&pool->watch, kind);
	waited += appconfig_clock_now() - before;
}

/*
 * Microseconds that the backend has waited for the network and what goes with
 * it, in its life.  Time that it spends on other things does not count.
 */
int64
appconfig_http_waited(void)
{
	return waited;
}
