/*-------------------------------------------------------------------------
 *
 * stats.h
 *		What a backend's calls have cost, by server and operation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_STATS_H
#define APPCONFIG_STATS_H

/* What calls have cost */
typedef struct ApiCounters
{
	int64		calls;			/* that have gone out */
	int64		retries;
	int64		throttles;
	int64		bytes;			/* received */
	int64		hits;			/* answers that were at hand */
} ApiCounters;

extern ApiCounters *appconfig_stats_counters(Oid serverid,
											 const char *operation);

#endif							/* APPCONFIG_STATS_H */
