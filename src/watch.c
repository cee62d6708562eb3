/*-------------------------------------------------------------------------
 *
 * watch.c
 *		The one descriptor that is waited on: sockets and a timer.
 *
 * The sockets are in an epoll set together with a timer, so that the set is
 * ready whenever there is something to do, be it that bytes have come or that
 * it is time.  Whoever waits for the set, the process latch and the
 * postmaster's death needs no timeout and misses nothing.
 *
 * Like all descriptors here it stays ready until somebody has taken notice:
 * the timer until it is looked at or set anew, the sockets until they are
 * read.  No child process gets any, and PostgreSQL is told of all.
 *
 * What may not live here: libcurl, what the sockets are for, and what it is
 * time for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"

#include "clock.h"
#include "compat.h"
#include "socket.h"
#include "watch.h"

#define OWN_DESCRIPTORS 3		/* the epoll set, the timer, the wait set */

/* By WaitKind, what pg_stat_activity shows from PostgreSQL 17 on */
static const char *const wait_event_names[] = {
	[WAIT_FOR_RETRY] = "AppConfigRetry",
	[WAIT_FOR_CALL] = "AppConfigCall",
	[WAIT_FOR_RATE_LIMIT] = "AppConfigRateLimit",
	[WAIT_FOR_CREDENTIALS] = "AppConfigCredentials",
};

pg_noreturn static void
raise_no_descriptors(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
			 errmsg("could not watch the connections to AWS AppConfig: %m"),
			 errhint(SOCKET_SHORTAGE_HINT)));
}

/*
 * The numbers of the next descriptors that will be opened; raises an error if
 * there are no so many to be had.
 */
void
appconfig_watch_find_free(const Watch *watch, int *next, int count)
{
	int			i;
	int			missing = 0;
	int			save_errno = 0;

	for (i = 0; i < count; i++)
	{
		next[i] = fcntl(watch->epoll_fd, F_DUPFD_CLOEXEC, 0);
		if (next[i] < 0)
		{
			save_errno = errno;
			missing++;
		}
	}
	for (i = 0; i < count; i++)
	{
		if (next[i] >= 0)
			close(next[i]);
	}
	if (missing > 0)
	{
		errno = save_errno;
		raise_no_descriptors();
	}
}

static void
open_wait_set(Watch *watch)
{
	int			next;

	/* rather our error than PostgreSQL's, which counts this one itself */
	appconfig_watch_find_free(watch, &next, 1);
	ReleaseExternalFD();
	watch->descriptors--;
	watch->wait_set = appconfig_create_wait_event_set(3);
	AddWaitEventToSet(watch->wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch,
					  NULL);
	if (IsUnderPostmaster)
		AddWaitEventToSet(watch->wait_set, WL_EXIT_ON_PM_DEATH,
						  PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(watch->wait_set, WL_SOCKET_READABLE, watch->epoll_fd,
					  NULL, NULL);
}

/*
 * Opens what is waited with, and tells PostgreSQL of so many descriptors of
 * the caller's besides.  Raises an error if there are not enough; the caller
 * then closes what there is.
 */
void
appconfig_watch_open(Watch *watch, int others)
{
	memset(watch, 0, sizeof(Watch));
	watch->epoll_fd = -1;
	watch->timer_fd = -1;
	while (watch->descriptors < OWN_DESCRIPTORS + others)
	{
		if (!AcquireExternalFD())
			raise_no_descriptors();
		watch->descriptors++;
	}
	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch->epoll_fd < 0)
		raise_no_descriptors();
	watch->timer_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (watch->timer_fd < 0 ||
		!appconfig_watch_add(watch, watch->timer_fd, true, false))
		raise_no_descriptors();
	open_wait_set(watch);
}

/* Closes all that has been opened, also if that is not all there would be */
void
appconfig_watch_close(Watch *watch)
{
	if (watch->wait_set != NULL)
		FreeWaitEventSet(watch->wait_set);
	if (watch->timer_fd >= 0)
		close(watch->timer_fd);
	if (watch->epoll_fd >= 0)
		close(watch->epoll_fd);
	for (; watch->descriptors > 0; watch->descriptors--)
		ReleaseExternalFD();
}

/*
 * Watches a socket, or goes on watching it for something else.  Returns false
 * and sets errno if the system refuses.
 */
bool
appconfig_watch_add(Watch *watch, int sock, bool to_read, bool to_write)
{
	struct epoll_event event = {0};

	event.events = (to_read ? EPOLLIN : 0) | (to_write ? EPOLLOUT : 0);
	event.data.fd = sock;
	return epoll_ctl(watch->epoll_fd, EPOLL_CTL_MOD, sock, &event) == 0 ||
		epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, sock, &event) == 0;
}

/* Watches it no longer; one that is closed has left by itself */
void
appconfig_watch_remove(Watch *watch, int sock)
{
	(void) epoll_ctl(watch->epoll_fd, EPOLL_CTL_DEL, sock, NULL);
}

static bool
set_timer(Watch *watch, int64 at)
{
	struct itimerspec when = {{0, 0}, {0, 0}};

	if (at != CLOCK_NEVER)
	{
		/* a time of 0 would be never */
		at = Max(at, 1);
		when.it_value.tv_sec = at / CLOCK_SECOND;
		when.it_value.tv_nsec = at % CLOCK_SECOND * 1000;
	}
	return timerfd_settime(watch->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) ==
		0;
}

/*
 * Sets when there is something to do even if nothing happens, on
 * appconfig_clock_now(); what was set before is forgotten.
 */
void
appconfig_watch_set_timer(Watch *watch, int64 at)
{
	if (!set_timer(watch, at))
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR),
				 errmsg("could not set the timer for the connections to AWS "
						"AppConfig: %m")));
}

/*
 * What has happened on the sockets, without waiting: so many events, at most
 * WATCH_MOST_EVENTS.  A timer that has run out is not told of, but no longer
 * ready.  Raises no error.
 */
int
appconfig_watch_look(Watch *watch, WatchEvent *events)
{
	struct epoll_event found[WATCH_MOST_EVENTS];
	int			n = epoll_wait(watch->epoll_fd, found, WATCH_MOST_EVENTS, 0);
	int			count = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (found[i].data.fd == watch->timer_fd)
		{
			(void) set_timer(watch, CLOCK_NEVER);
			continue;
		}
		events[count].sock = found[i].data.fd;
		events[count].readable = (found[i].events & EPOLLIN) != 0;
		events[count].writable = (found[i].events & EPOLLOUT) != 0;
		events[count].failed = (found[i].events & (EPOLLERR | EPOLLHUP)) != 0;
		count++;
	}
	return count;
}

static uint32
wait_event_of(WaitKind kind)
{
	static uint32 wait_events[lengthof(wait_event_names)];	/* 0: not yet known */

	if (wait_events[kind] == 0)
		wait_events[kind] = appconfig_wait_event(wait_event_names[kind]);
	return wait_events[kind];
}

/*
 * Waits until there is something to do or the latch is set, which
 * pg_stat_activity shows as that kind of wait.  Not even an interrupt is
 * looked at in here.
 */
void
appconfig_watch_wait(Watch *watch, WaitKind kind)
{
	WaitEvent	event;

	if (WaitEventSetWait(watch->wait_set, -1, &event, 1,
						 wait_event_of(kind)) == 1 &&
		(event.events & WL_LATCH_SET))
		ResetLatch(MyLatch);
}
