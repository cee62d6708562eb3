/*-------------------------------------------------------------------------
 *
 * pacer.c
 *		How many calls may be started in a second.
 *
 * A token bucket that holds one second's worth of calls.  A throttle of the
 * service lowers the rate, time without one raises it again up to the
 * configured rate (contract, section 5, max_get_rate and max_list_rate).
 *
 * What may not live here: a clock, waiting, calls.  The caller tells the time
 * and keeps to the answer.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "pacer.h"

#define SECOND	 1000000.0		/* microseconds */
#define LOWERING 0.7			/* what a throttle leaves of the rate */
#define LOWEST	 0.05			/* of max_rate, the rate never falls below */
#define RAISING	 0.1			/* of max_rate, gained back in a second */

/* max_rate is in calls per second, 0 for no limit */
void
appconfig_pacer_init(Pacer *pacer, double max_rate, int64 now)
{
	pacer->max_rate = max_rate;
	pacer->rate = max_rate;
	pacer->tokens = Max(max_rate, 1.0);
	pacer->updated_at = now;
}

static void
advance_pacer(Pacer *pacer, int64 now)
{
	double		elapsed = Max(0, now - pacer->updated_at) / SECOND;

	pacer->tokens =
		Min(pacer->tokens + elapsed * pacer->rate, Max(pacer->rate, 1.0));
	pacer->rate = Min(pacer->rate + elapsed * RAISING * pacer->max_rate,
					  pacer->max_rate);
	pacer->updated_at = now;
}

/* Takes the place of one call; returns when it may start */
int64
appconfig_pacer_take(Pacer *pacer, int64 now)
{
	if (pacer->max_rate <= 0)
		return now;
	advance_pacer(pacer, now);
	pacer->tokens -= 1;
	if (pacer->tokens >= 0)
		return now;
	return now + (int64) (-pacer->tokens / pacer->rate * SECOND);
}

/* A call that had a place will not be made */
void
appconfig_pacer_give_back(Pacer *pacer)
{
	if (pacer->max_rate > 0)
		pacer->tokens += 1;
}

/* The service has said that it gets too many calls */
void
appconfig_pacer_throttled(Pacer *pacer, int64 now)
{
	if (pacer->max_rate <= 0)
		return;
	advance_pacer(pacer, now);
	pacer->rate = Max(pacer->rate * LOWERING, pacer->max_rate * LOWEST);
	pacer->tokens = Min(pacer->tokens, 0);
}
