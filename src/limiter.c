/*-------------------------------------------------------------------------
 *
 * limiter.c
 *		A session's calls of one kind, as part of those of the account.
 *
 * AWS counts the calls of an account, so sessions that sign as the same
 * identity have one pacer (pacer.c) and what throttles have taught in common.
 * From PostgreSQL 17 on it is in shared memory; before, each session has its
 * own, and these find their shares by being throttled.
 *
 * A session has one place in the queue at most, which it takes when it has a
 * call to start, and the next one after that has started.  So each session
 * gets its turn, however many calls another has waiting, and one that ends,
 * whatever way, leaves no more than one place unused.
 *
 * Who signs is known once there are credentials.  Until then, and where it
 * can't be told, the session's own pacer counts.
 *
 * What may not live here: arithmetic of rates (pacer.c), waiting, calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/lwlock.h"

#include "clock.h"
#include "limiter.h"
#include "shared_memory.h"

/* Identities that have pacers at a time; beyond it the idlest one goes */
#define MAX_IDENTITIES 128

/*
 * What is used of a limit.  Of one that is used to the last call, those who
 * are not in our queue would get nothing: sessions with a pacer of their own,
 * or a pipeline that deploys.
 */
#define SHARE_OF_LIMIT 0.95

/*
 * Servers may sign as the same identity and have different rates.  The lowest
 * one that somebody has gone by so recently counts.
 */
#define RATE_COUNTS (60 * CLOCK_SECOND)

/* A pacer of several sessions */
typedef struct SharedPacer
{
	int64		used_at;		/* 0: never */
	int64		rate_set_at;	/* when somebody went by its max_rate */
	Pacer		pacer;
} SharedPacer;

/* What the sessions of one identity have in common */
typedef struct SharedLimits
{
	SharedIdentity identity;
	int64		used_at;		/* 0: the slot is free */
	SharedPacer pacers[CALL_KINDS];
} SharedLimits;

typedef struct LimiterSegment
{
	LWLock		lock;			/* of all that follows; held for as long as
								 * some arithmetic takes */
	SharedLimits limits[MAX_IDENTITIES];
} LimiterSegment;

/* NULL before the first session has joined, or before PostgreSQL 17 */
static LimiterSegment *segment = NULL;

/* A session on its own.  max_rate is in calls per second, 0 for no limit. */
void
appconfig_limiter_init(Limiter *limiter, CallKind kind, double max_rate)
{
	memset(limiter, 0, sizeof(*limiter));
	limiter->kind = kind;
	limiter->max_rate = max_rate * SHARE_OF_LIMIT;
	if (max_rate > 0)
		appconfig_pacer_init(&limiter->own, limiter->max_rate,
							 appconfig_clock_now());
}

/* ------------------------------------------------------------------------
 * The pacer that counts
 * ------------------------------------------------------------------------
 */

static bool
has_joined(const Limiter *limiter)
{
	return appconfig_shared_memory_is_identified(&limiter->identity);
}

static bool
is_of(const SharedLimits *limits, const SharedIdentity *identity)
{
	return limits->used_at > 0 &&
		memcmp(&limits->identity, identity, sizeof(*identity)) == 0;
}

/* The slot of an identity, or else the one to be given to it */
static int
find_slot(const SharedIdentity *identity)
{
	int			idlest = 0;
	int			i;

	for (i = 0; i < MAX_IDENTITIES; i++)
	{
		if (is_of(&segment->limits[i], identity))
			return i;
		if (segment->limits[i].used_at < segment->limits[idlest].used_at)
			idlest = i;
	}
	return idlest;
}

/* Goes by the session's rate, too, if that is lower than others' */
static void
apply_rate(SharedPacer *shared, double max_rate, int64 now)
{
	if (shared->used_at == 0)
		appconfig_pacer_init(&shared->pacer, max_rate, now);
	else if (max_rate < shared->pacer.max_rate ||
			 (max_rate > shared->pacer.max_rate &&
			  now - shared->rate_set_at > RATE_COUNTS))
		appconfig_pacer_set_max_rate(&shared->pacer, max_rate, now);
	if (max_rate == shared->pacer.max_rate)
		shared->rate_set_at = now;
	shared->used_at = now;
}

/*
 * The pacer of all who sign as the same.  Another identity may have been given
 * the slot meanwhile; then the place in its queue is gone.
 */
static Pacer *
find_shared_pacer(Limiter *limiter, int64 now)
{
	SharedLimits *limits = &segment->limits[limiter->slot];
	Pacer	   *pacer;

	if (!is_of(limits, &limiter->identity))
	{
		limiter->slot = find_slot(&limiter->identity);
		limiter->has_place = false;
		limits = &segment->limits[limiter->slot];
		if (!is_of(limits, &limiter->identity))
		{
			memset(limits, 0, sizeof(*limits));
			limits->identity = limiter->identity;
		}
	}
	limits->used_at = now;
	apply_rate(&limits->pacers[limiter->kind], limiter->max_rate, now);
	pacer = &limits->pacers[limiter->kind].pacer;
	/* the same slot, but another queue: it was given away and back */
	if (limiter->has_place && limiter->place > pacer->taken)
		limiter->has_place = false;
	return pacer;
}

/* The pacer that counts, until unlock_pacer().  Nothing in between fails. */
static Pacer *
lock_pacer(Limiter *limiter, int64 now)
{
	if (!has_joined(limiter))
		return &limiter->own;
	LWLockAcquire(&segment->lock, LW_EXCLUSIVE);
	return find_shared_pacer(limiter, now);
}

static void
unlock_pacer(const Limiter *limiter)
{
	if (has_joined(limiter))
		LWLockRelease(&segment->lock);
}

/* ------------------------------------------------------------------------
 * Sharing
 * ------------------------------------------------------------------------
 */
static void
init_segment(void *memory)
{
	LimiterSegment *new = memory;

	memset(new, 0, sizeof(*new));
	appconfig_shared_memory_init_lock(&new->lock);
}

/*
 * Calls are signed as this identity from now on, which may be empty.  Where
 * there is no shared memory the session stays on its own.
 */
void
appconfig_limiter_join(Limiter *limiter, const SharedIdentity *identity)
{
	if (limiter->max_rate <= 0 ||
		memcmp(&limiter->identity, identity, sizeof(*identity)) == 0)
		return;
	appconfig_limiter_rest(limiter);
	memset(&limiter->identity, 0, sizeof(limiter->identity));
	if (segment == NULL && appconfig_shared_memory_is_identified(identity))
		segment = appconfig_shared_memory_get("limiter", sizeof(LimiterSegment),
											  init_segment);
	if (segment != NULL)
		limiter->identity = *identity;
}

/* ------------------------------------------------------------------------
 * Calls
 * ------------------------------------------------------------------------
 */

/*
 * When the session's next call may start, for which it queues from now on: now
 * or a time to ask again at the latest.
 */
int64
appconfig_limiter_starts_at(Limiter *limiter, int64 now)
{
	Pacer	   *pacer;
	int64		at;

	if (limiter->max_rate <= 0)
		return now;
	pacer = lock_pacer(limiter, now);
	if (!limiter->has_place)
		limiter->place = appconfig_pacer_take(pacer, now);
	limiter->has_place = true;
	at = appconfig_pacer_starts_at(pacer, limiter->place, now);
	unlock_pacer(limiter);
	return at;
}

/* A call has used the place, which may start now */
void
appconfig_limiter_start(Limiter *limiter)
{
	limiter->has_place = false;
}

/* No call of the session waits for its turn.  Raises no error. */
void
appconfig_limiter_rest(Limiter *limiter)
{
	Pacer	   *pacer;

	if (!limiter->has_place)
		return;
	pacer = lock_pacer(limiter, appconfig_clock_now());
	if (limiter->has_place)
		appconfig_pacer_give_back(pacer, limiter->place);
	limiter->has_place = false;
	unlock_pacer(limiter);
}

/* A call of the session has been throttled.  random is in [0, 1). */
void
appconfig_limiter_throttled(Limiter *limiter, int64 sent_at, int64 now,
							double random)
{
	if (limiter->max_rate <= 0)
		return;
	appconfig_pacer_throttled(lock_pacer(limiter, now), sent_at, now, random);
	unlock_pacer(limiter);
}

/* A call of the session has been let pass */
void
appconfig_limiter_passed(Limiter *limiter, int64 sent_at)
{
	if (limiter->max_rate <= 0)
		return;
	appconfig_pacer_passed(lock_pacer(limiter, appconfig_clock_now()), sent_at);
	unlock_pacer(limiter);
}
