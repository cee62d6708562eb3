/*-------------------------------------------------------------------------
 *
 * shared_stats.h
 *		What the calls of all sessions have cost, in shared memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SHARED_STATS_H
#define APPCONFIG_SHARED_STATS_H

#include "stats.h"

#define SHARED_STATS_OPERATION_LEN 40	/* with the NUL */

/* What is counted apart */
typedef struct SharedStatsKey
{
	Oid			database;
	Oid			serverid;
	char		operation[SHARED_STATS_OPERATION_LEN];	/* padded with NULs */
} SharedStatsKey;

typedef struct SharedStatsRow
{
	SharedStatsKey key;
	ApiCounters counters;
} SharedStatsRow;

extern bool appconfig_shared_stats_open(void);
extern void appconfig_shared_stats_set_key(SharedStatsKey *key, Oid serverid,
										   const char *operation);
extern void appconfig_shared_stats_add(const SharedStatsKey *key, int *place,
									   const ApiCounters *before,
									   const ApiCounters *now);
extern SharedStatsRow *appconfig_shared_stats_copy(int *count);

#endif							/* APPCONFIG_SHARED_STATS_H */
