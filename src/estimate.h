/*-------------------------------------------------------------------------
 *
 * estimate.h
 *		How many calls and rows clauses let us expect.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ESTIMATE_H
#define APPCONFIG_ESTIMATE_H

#include "planner_rel_info.h"

/* What some clauses let us expect */
typedef struct Estimate
{
	double		gets;			/* calls that bring a document */
	double		lists;			/* calls that bring a page of a list */
	double		waits;			/* of calls for the answers of others */
	double		rows;
} Estimate;

extern Estimate appconfig_estimate(PlannerInfo *root,
								   const PlannerRelInfo *table, List *clauses);
extern Estimate appconfig_estimate_all_calls(PlannerInfo *root,
											 const PlannerRelInfo *table,
											 List *clauses);
extern double appconfig_estimate_calls(const Estimate *expected);
extern Cost appconfig_estimate_cost(const Estimate *expected);
extern double appconfig_estimate_repeats(PlannerInfo *root,
										 const PlannerRelInfo *table,
										 List *clauses, Relids outer);
extern double appconfig_estimate_region(PlannerInfo *root,
										const PlannerRelInfo *table,
										List *clauses, Relids outer);

#endif							/* APPCONFIG_ESTIMATE_H */
