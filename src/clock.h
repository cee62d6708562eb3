/*-------------------------------------------------------------------------
 *
 * clock.h
 *		The clock that waiting, pace and age go by: one that nobody sets.
 *
 * What may not live here: the time of day, which signatures and dates go by,
 * and waiting.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CLOCK_H
#define APPCONFIG_CLOCK_H

#include <time.h>

#define CLOCK_SECOND	  INT64CONST(1000000)	/* microseconds */
#define CLOCK_MILLISECOND INT64CONST(1000)
#define CLOCK_NEVER		  PG_INT64_MAX

/* Microseconds since some moment before the backend was started */
static inline int64
appconfig_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

#endif							/* APPCONFIG_CLOCK_H */
