/*-------------------------------------------------------------------------
 *
 * pacer.c
 *		How many calls may be started in a second.
 *
 * A token bucket that holds one second's worth of calls (contract, section 5,
 * max_get_rate and max_list_rate).  A new one holds little, and gets the rest
 * bit by bit unless a throttle comes between: many sessions begin together,
 * when a dashboard is opened, and have one limit in common.
 *
 * Others use the account, too, so what is left of its limit has to be found:
 * a throttle lowers the rate at once, and then it is raised again, as TCP
 * (RFC 9438, CUBIC) and the adaptive mode of the AWS SDKs do it: soon to
 * nearly what it was, slowly around that, and faster the longer all goes well.
 *
 * What may not live here: a clock, chance, waiting, calls, locks.  The caller
 * tells the time and keeps to the answer.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <math.h>

#include "pacer.h"

#define SECOND	 1000000.0		/* microseconds */

/*
 * Of a second's worth: what a new pacer holds, and in how many seconds it gets
 * the rest, beside what its rate gives
 */
#define INITIAL_SHARE 0.1
#define INITIAL_TIME  0.5

/* What a throttle leaves of the rate, and below what part of max_rate never */
#define LOWERING 0.7
#define LOWEST	 0.01

/*
 * What a throttle leaves of the rate that is striven for again, if it has not
 * been reached since the one before.  So those who have much of the limit make
 * room for those who have little (RFC 9438, section 4.7).
 */
#define CONVERGING ((1 + LOWERING) / 2)

/*
 * How fast the rate comes back, in max_rate per cubic second.  From max_rate
 * itself it takes four seconds, from a small share of it one, to be where it
 * was, and some seconds more to double.
 */
#define RAISING 0.004

/*
 * Nothing starts for a moment after a throttle, for longer after one more: at
 * random, so that sessions that were throttled together don't return together
 */
#define FIRST_PAUSE	  (SECOND / 10)
#define LONGEST_PAUSE (2 * SECOND)

/* A second's worth of calls, but at least the next one */
static double
burst_of(double rate)
{
	return Max(rate, 1.0);
}

/* max_rate is in calls per second, above 0 */
void
appconfig_pacer_init(Pacer *pacer, double max_rate, int64 now)
{
	memset(pacer, 0, sizeof(*pacer));
	pacer->max_rate = max_rate;
	pacer->rate = max_rate;
	pacer->granted = burst_of(max_rate * INITIAL_SHARE);
	pacer->credit = burst_of(max_rate) - pacer->granted;
	pacer->updated_at = now;
}

/* The rate that time without a throttle has led to */
static double
raised_rate(const Pacer *pacer, int64 now)
{
	double		before = pacer->rate_before / pacer->max_rate;
	double		plateau = cbrt(before * (1 - LOWERING) / RAISING);
	double		since = (now - pacer->lowered_at) / SECOND - plateau;

	return Min(before + RAISING * since * since * since, 1) * pacer->max_rate;
}

/* Calls per second that a new pacer gets beside its rate */
static double
credit_rate(const Pacer *pacer)
{
	return pacer->credit > 0 ? burst_of(pacer->max_rate) / INITIAL_TIME : 0;
}

static void
grant(Pacer *pacer, double seconds)
{
	double		credit = Min(seconds * credit_rate(pacer), pacer->credit);

	pacer->credit -= credit;
	pacer->granted = Min(pacer->granted + credit + seconds * pacer->rate,
						 pacer->taken + burst_of(pacer->rate));
}

static void
advance_pacer(Pacer *pacer, int64 now)
{
	int64		from = Max(pacer->updated_at, pacer->paused_until);

	if (now > from)
		grant(pacer, (now - from) / SECOND);
	pacer->updated_at = Max(pacer->updated_at, now);
	if (pacer->rate_before > 0)
		pacer->rate = Max(pacer->rate, raised_rate(pacer, now));
	if (pacer->rate >= pacer->max_rate)
		pacer->rate_before = 0;
}

/* From now on there is another limit */
void
appconfig_pacer_set_max_rate(Pacer *pacer, double max_rate, int64 now)
{
	advance_pacer(pacer, now);
	pacer->max_rate = max_rate;
	pacer->rate = pacer->rate_before > 0 ? Min(pacer->rate, max_rate) : max_rate;
	pacer->granted = Min(pacer->granted, pacer->taken + burst_of(pacer->rate));
}

/* Takes the next place; who does not use it gives one back */
int64
appconfig_pacer_take(Pacer *pacer, int64 now)
{
	advance_pacer(pacer, now);
	return ++pacer->taken;
}

/*
 * When a place may start: now, or a time at which to ask again, since the rate
 * can change until then
 */
int64
appconfig_pacer_starts_at(Pacer *pacer, int64 place, int64 now)
{
	double		missing;

	advance_pacer(pacer, now);
	missing = place - pacer->granted;
	/* what is lost to rounding is no reason to wait */
	if (missing < 1e-6)
		return now;
	return Max(now, pacer->paused_until) +
		(int64) ceil(missing / (pacer->rate + credit_rate(pacer)) * SECOND);
}

/*
 * A place will not be used.  Somebody else gets its turn, unless nobody is
 * behind it.
 */
void
appconfig_pacer_give_back(Pacer *pacer, int64 place)
{
	if (place == pacer->taken)
		pacer->taken--;
	else
		pacer->granted += 1;
}

/*
 * The service has said of a call that it gets too many.  Calls that went out
 * before the rate was lowered tell nothing new.  random is in [0, 1).
 */
void
appconfig_pacer_throttled(Pacer *pacer, int64 sent_at, int64 now,
						  double random)
{
	double		pause;

	if (pacer->lowered_at > 0 && sent_at <= pacer->lowered_at)
		return;
	advance_pacer(pacer, now);
	pacer->rate_before = pacer->rate < pacer->rate_before
		? pacer->rate * CONVERGING
		: pacer->rate;
	pacer->rate = Max(pacer->rate * LOWERING, pacer->max_rate * LOWEST);
	pacer->lowered_at = now;
	pacer->granted = Min(pacer->granted, pacer->taken);
	pacer->credit = 0;
	/* the exponent has a bound of its own before the pause has */
	pause = FIRST_PAUSE * (1 << Min(pacer->misses, 10)) * random;
	pacer->paused_until = now + (int64) Min(pause, LONGEST_PAUSE);
	pacer->misses++;
}

/* The service has let a call pass */
void
appconfig_pacer_passed(Pacer *pacer, int64 sent_at)
{
	if (sent_at > pacer->lowered_at)
		pacer->misses = 0;
}
