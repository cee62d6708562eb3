/*-------------------------------------------------------------------------
 *
 * early.h
 *		Which clauses can be checked against what lists show.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_EARLY_H
#define APPCONFIG_EARLY_H

#include "plan_table.h"
#include "scan_plan.h"

extern bool appconfig_early_can_go(const PlanTable *table, Node *clause);
extern void appconfig_early_find(const PlanTable *table, List *scan_clauses,
								 List *qual, AppConfigScanPlan *plan);

#endif /* APPCONFIG_EARLY_H */
