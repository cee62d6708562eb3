/*-------------------------------------------------------------------------
 *
 * pacer.h
 *		How many calls may be started in a second.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_PACER_H
#define APPCONFIG_PACER_H

/* Times are microseconds on a clock that the caller reads */
typedef struct Pacer
{
	double		max_rate;		/* calls per second; 0: as many as you like */
	double		rate;			/* the rate now, at most max_rate */
	double		tokens;			/* calls that may start at once; below zero,
								 * calls that have been promised a later time */
	int64		updated_at;
} Pacer;

extern void appconfig_pacer_init(Pacer *pacer, double max_rate, int64 now);
extern int64 appconfig_pacer_take(Pacer *pacer, int64 now);
extern void appconfig_pacer_give_back(Pacer *pacer);
extern void appconfig_pacer_throttled(Pacer *pacer, int64 now);

#endif							/* APPCONFIG_PACER_H */
