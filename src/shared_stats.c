/*-------------------------------------------------------------------------
 *
 * shared_stats.c
 *		What the calls of all sessions have cost, in shared memory.
 *
 * A table of so many places, each with the totals of one operation of one
 * server since PostgreSQL was started, or has recovered from a crash.  Backends
 * add to them what they have counted since the last time (stats.c), which is
 * an atomic addition each under a lock that all of them can have at once.  The
 * lock is exclusive only where a place is taken.  When none is free, the place
 * is given up that has been added to least recently; so what servers leave
 * behind that were dropped makes room in the end.
 *
 * What may not live here: catalogs, privileges, SQL (stats.c), and anything
 * that is one session's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"

#include "clock.h"
#include "compat.h"
#include "shared_memory.h"
#include "shared_stats.h"

#define PLACES 1024				/* operations of servers, of all databases */

/* The members of ApiCounters that add up */
static const size_t members[] = {
	offsetof(ApiCounters, calls),
	offsetof(ApiCounters, retries),
	offsetof(ApiCounters, throttles),
	offsetof(ApiCounters, bytes),
	offsetof(ApiCounters, hits),
	offsetof(ApiCounters, errors),
	offsetof(ApiCounters, rate_wait),
};

typedef struct Place
{
	SharedStatsKey key;			/* no database: free.  Changes under the
								 * exclusive lock alone */
	pg_atomic_uint64 added_at;	/* on appconfig_clock_now() */
	pg_atomic_uint64 totals[lengthof(members)];
} Place;

typedef struct SharedStats
{
	LWLock		lock;
	Place		places[PLACES];
} SharedStats;

/* NULL before the first use, and where there is none */
static SharedStats *shared_stats = NULL;

static void
init_stats(void *segment)
{
	SharedStats *new = segment;
	int			i;
	size_t		member;

	appconfig_shared_memory_init_lock(&new->lock);
	for (i = 0; i < PLACES; i++)
	{
		memset(&new->places[i].key, 0, sizeof(SharedStatsKey));
		pg_atomic_init_u64(&new->places[i].added_at, 0);
		for (member = 0; member < lengthof(members); member++)
			pg_atomic_init_u64(&new->places[i].totals[member], 0);
	}
}

/*
 * Finds the table; to be called before all else.  Returns false where there is
 * none, before PostgreSQL 17 or for want of memory.
 */
bool
appconfig_shared_stats_open(void)
{
	if (shared_stats == NULL && appconfig_has_shared_memory())
		shared_stats = appconfig_shared_memory_get("stats", sizeof(SharedStats),
												   init_stats);
	return shared_stats != NULL;
}

/* The key of an operation of a server of this database */
void
appconfig_shared_stats_set_key(SharedStatsKey *key, Oid serverid,
							   const char *operation)
{
	memset(key, 0, sizeof(SharedStatsKey));
	key->database = MyDatabaseId;
	key->serverid = serverid;
	strlcpy(key->operation, operation, sizeof(key->operation));
}

static bool
has_key(const Place *place, const SharedStatsKey *key)
{
	return memcmp(&place->key, key, sizeof(SharedStatsKey)) == 0;
}

/* Which place has the key, or -1; *hint is where it has been before, or -1 */
static int
find_place(const SharedStatsKey *key, int hint)
{
	int			i;

	if (hint >= 0 && has_key(&shared_stats->places[hint], key))
		return hint;
	for (i = 0; i < PLACES; i++)
	{
		if (has_key(&shared_stats->places[i], key))
			return i;
	}
	return -1;
}

/* A place that is free, or else the least recently used */
static int
choose_place(void)
{
	int			chosen = 0;
	int			i;

	/* those that are free have never been used */
	for (i = 1; i < PLACES; i++)
	{
		if (pg_atomic_read_u64(&shared_stats->places[i].added_at) <
			pg_atomic_read_u64(&shared_stats->places[chosen].added_at))
			chosen = i;
	}
	return chosen;
}

/* Under the exclusive lock */
static int
take_place(const SharedStatsKey *key)
{
	int			chosen = choose_place();
	Place	   *place = &shared_stats->places[chosen];
	size_t		member;

	place->key = *key;
	for (member = 0; member < lengthof(members); member++)
		pg_atomic_write_u64(&place->totals[member], 0);
	return chosen;
}

static int64
member_of(const ApiCounters *counters, size_t member)
{
	return *(const int64 *) ((const char *) counters + members[member]);
}

/*
 * Adds what has been counted between two states of a session's counters. *place
 * is the caller's to keep, -1 at first.  Raises no error, so that it can be
 * called at the end of a transaction, whichever that is; the table must be
 * open.
 */
void
appconfig_shared_stats_add(const SharedStatsKey *key, int *place,
						   const ApiCounters *before, const ApiCounters *now)
{
	Place	   *found;
	size_t		member;

	LWLockAcquire(&shared_stats->lock, LW_SHARED);
	*place = find_place(key, *place);
	if (*place < 0)
	{
		/* another session may take it while nobody has the lock */
		LWLockRelease(&shared_stats->lock);
		LWLockAcquire(&shared_stats->lock, LW_EXCLUSIVE);
		*place = find_place(key, -1);
		if (*place < 0)
			*place = take_place(key);
	}
	found = &shared_stats->places[*place];
	pg_atomic_write_u64(&found->added_at, appconfig_clock_now());
	for (member = 0; member < lengthof(members); member++)
	{
		int64		counted = member_of(now, member) - member_of(before, member);

		if (counted != 0)
			pg_atomic_fetch_add_u64(&found->totals[member], counted);
	}
	LWLockRelease(&shared_stats->lock);
}

/* The totals of this database, palloc'd, in no order; sets *count */
SharedStatsRow *
appconfig_shared_stats_copy(int *count)
{
	SharedStatsRow *rows = palloc0(sizeof(SharedStatsRow) * PLACES);
	int			i;
	size_t		member;

	*count = 0;
	LWLockAcquire(&shared_stats->lock, LW_SHARED);
	for (i = 0; i < PLACES; i++)
	{
		Place	   *place = &shared_stats->places[i];
		SharedStatsRow *row = &rows[*count];

		if (place->key.database != MyDatabaseId)
			continue;
		row->key = place->key;
		for (member = 0; member < lengthof(members); member++)
			*(int64 *) ((char *) &row->counters + members[member]) =
				pg_atomic_read_u64(&place->totals[member]);
		(*count)++;
	}
	LWLockRelease(&shared_stats->lock);
	return rows;
}
