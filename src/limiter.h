/*-------------------------------------------------------------------------
 *
 * limiter.h
 *		A session's calls of one kind, as part of those of the account.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_LIMITER_H
#define APPCONFIG_LIMITER_H

#include "pacer.h"
#include "shared_identity.h"

/* The service counts these apart */
typedef enum CallKind
{
	CALL_GET,
	CALL_LIST
} CallKind;

#define CALL_KINDS (CALL_LIST + 1)

/* What a session's calls of one kind go by */
typedef struct Limiter
{
	CallKind	kind;
	double		max_rate;		/* calls per second; 0: as many as you like */
	Pacer		own;			/* unless it has joined others */
	SharedIdentity identity;	/* that it has joined as; empty: none */
	int			slot;			/* where these are; to be checked */
	bool		has_place;		/* is one taken for the next call? */
	int64		place;
} Limiter;

extern void appconfig_limiter_init(Limiter *limiter, CallKind kind,
								   double max_rate);
extern void appconfig_limiter_join(Limiter *limiter,
								   const SharedIdentity *identity);
extern int64 appconfig_limiter_starts_at(Limiter *limiter, int64 now);
extern void appconfig_limiter_start(Limiter *limiter);
extern void appconfig_limiter_rest(Limiter *limiter);
extern void appconfig_limiter_throttled(Limiter *limiter, int64 sent_at,
										int64 now, double random);
extern void appconfig_limiter_passed(Limiter *limiter, int64 sent_at);

#endif							/* APPCONFIG_LIMITER_H */
