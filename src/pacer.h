/*-------------------------------------------------------------------------
 *
 * pacer.h
 *		How many calls may be started in a second.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_PACER_H
#define APPCONFIG_PACER_H

/*
 * Calls take places in a queue, which are numbered, and each may start as soon
 * as its number has been granted.  Times are microseconds on a clock that the
 * caller reads.  Has no pointers, so that it may be in shared memory.
 */
typedef struct Pacer
{
	double		max_rate;		/* calls per second, above 0 */
	double		rate;			/* the rate now, at most max_rate */
	double		granted;		/* places that may start */
	double		credit;			/* those that a new pacer is to get besides */
	int64		taken;			/* the place that was taken last */
	int64		updated_at;		/* when granted was right */

	/* What throttles have taught */
	double		rate_before;	/* when one lowered it; 0 if that is over */
	int64		lowered_at;
	int64		paused_until;	/* nothing is granted before */
	int			misses;			/* throttles without a success between them */
} Pacer;

extern void appconfig_pacer_init(Pacer *pacer, double max_rate, int64 now);
extern void appconfig_pacer_set_max_rate(Pacer *pacer, double max_rate,
										 int64 now);
extern int64 appconfig_pacer_take(Pacer *pacer, int64 now);
extern int64 appconfig_pacer_starts_at(Pacer *pacer, int64 place, int64 now);
extern void appconfig_pacer_give_back(Pacer *pacer, int64 place);
extern void appconfig_pacer_throttled(Pacer *pacer, int64 sent_at, int64 now,
									  double random);
extern void appconfig_pacer_passed(Pacer *pacer, int64 sent_at);

#endif							/* APPCONFIG_PACER_H */
