/*-------------------------------------------------------------------------
 *
 * budget.h
 *		How many calls a statement may make of one server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_BUDGET_H
#define APPCONFIG_BUDGET_H

#include "compat.h"

/* What one statement has made of one server, and may make */
typedef struct CallBudget CallBudget;

/* More operations than the service has that we call */
#define MAX_COUNTED_OPERATIONS 16

/* Calls by operation, in the order in which these came first */
typedef struct CallCounts
{
	int			operations;
	const char *operation[MAX_COUNTED_OPERATIONS];	/* AWS names, constants */
	int64		calls[MAX_COUNTED_OPERATIONS];
	int64		total;
} CallCounts;

extern int	appconfig_max_calls;	/* appconfig_fdw.max_calls */

extern int	appconfig_budget_smaller_limit(int a, int b);
extern void appconfig_budget_count(CallCounts *counts, const char *operation);

extern CallBudget *appconfig_budget_join(MemoryContext statement,
										 Oid serverid);
extern void appconfig_budget_limit(CallBudget *budget, int max_calls);
extern bool appconfig_budget_is_limited(const CallBudget *budget);
extern void appconfig_budget_expect(CallBudget *budget, double calls);

extern void appconfig_budget_open(CallBudget *budget);
extern void appconfig_budget_close(CallBudget *budget);
extern int64 appconfig_budget_left(const CallBudget *budget);
extern bool appconfig_budget_is_spent(const CallBudget *budget);
extern bool appconfig_budget_can_spare(const CallBudget *budget);
extern void appconfig_budget_spend(CallBudget *budget, const char *operation);

extern void appconfig_budget_check(const CallBudget *budget,
								   const CallCounts *certain);
pg_noreturn extern void appconfig_budget_raise(const CallBudget *budget,
											   const char *failure,
											   const char *request);

#endif							/* APPCONFIG_BUDGET_H */
