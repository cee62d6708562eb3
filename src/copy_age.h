/*-------------------------------------------------------------------------
 *
 * copy_age.h
 *		Whether a copy is young enough for a statement, within cache_ttl.
 *
 * The one place for it, for the copies of a session and those that sessions
 * share.  What may not live here: copies, and what makes one exact.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_COPY_AGE_H
#define APPCONFIG_COPY_AGE_H

#include "clock.h"

/*
 * What a statement may be served.  While it reads lists, it believes a list
 * that shows a run as DONE, and copies that disagree go.  One that is kept
 * only after that, but was asked for earlier, as another cursor or session may
 * do, has not been held against the list and may be from before the end.
 */
typedef struct CopyAge
{
	int64		asked_after;	/* all on appconfig_clock_now() */
	int64		listed_from;	/* first and last look at a list's items; */
	int64		listed_to;		/* CLOCK_NEVER and 0 if there was none */
} CopyAge;

/* May a copy serve that was asked for, and kept, at these times? */
static inline bool
appconfig_copy_age_is_allowed(const CopyAge *age, int64 asked_at,
							  int64 kept_at)
{
	return asked_at > age->asked_after &&
		!(kept_at >= age->listed_from && asked_at <= age->listed_to);
}

#endif							/* APPCONFIG_COPY_AGE_H */
