/*-------------------------------------------------------------------------
 *
 * watch.h
 *		The one descriptor that is waited on: sockets and a timer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_WATCH_H
#define APPCONFIG_WATCH_H

#define WATCH_MOST_EVENTS 64	/* told of at a time */

struct WaitEventSet;

/*
 * What a backend waits for, as pg_stat_activity has it.  Several of these can
 * hold at once; then it is the greatest, which is what the others wait for in
 * their turn, or would not be waited for without.
 */
typedef enum WaitKind
{
	WAIT_FOR_RETRY,				/* to try a failed call again */
	WAIT_FOR_CALL,				/* an answer */
	WAIT_FOR_RATE_LIMIT,		/* to be let make more calls, by our limits or
								 * the service's */
	WAIT_FOR_CREDENTIALS		/* keys to sign calls with */
} WaitKind;

/* Its members are watch.c's */
typedef struct Watch
{
	int			descriptors;	/* told to PostgreSQL */
	int			epoll_fd;		/* holds the sockets and timer_fd; ready when
								 * one of them is */
	int			timer_fd;
	struct WaitEventSet *wait_set;	/* latch, postmaster death, epoll_fd */
} Watch;

/* What has happened on a socket */
typedef struct WatchEvent
{
	int			sock;
	bool		readable;
	bool		writable;
	bool		failed;
} WatchEvent;

extern void appconfig_watch_open(Watch *watch, int others);
extern void appconfig_watch_close(Watch *watch);
extern void appconfig_watch_find_free(const Watch *watch, int *next,
									  int count);

extern bool appconfig_watch_add(Watch *watch, int sock, bool to_read,
								bool to_write);
extern void appconfig_watch_remove(Watch *watch, int sock);
extern void appconfig_watch_set_timer(Watch *watch, int64 at);
extern int	appconfig_watch_look(Watch *watch, WatchEvent *events);
extern void appconfig_watch_wait(Watch *watch, WaitKind kind);

#endif							/* APPCONFIG_WATCH_H */
