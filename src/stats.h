/*-------------------------------------------------------------------------
 *
 * stats.h
 *		What calls have cost, by server and operation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_STATS_H
#define APPCONFIG_STATS_H

/* What calls have cost; what adds up also stands in shared_stats.c */
typedef struct ApiCounters
{
	int64		calls;			/* that have gone out */
	int64		retries;
	int64		throttles;
	int64		bytes;			/* received */
	int64		hits;			/* answers that were at hand */
	int64		errors;			/* calls that have failed for good */
	int64		rate_wait;		/* microseconds that the query has stood still
								 * while the rate limits held back a call */
	int64		rate_wait_until;	/* counted so far, on
									 * appconfig_clock_now() */
} ApiCounters;

extern ApiCounters *appconfig_stats_counters(Oid serverid,
											 const char *operation);
extern void appconfig_stats_share(ApiCounters *counters);

#endif							/* APPCONFIG_STATS_H */
