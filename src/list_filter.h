/*-------------------------------------------------------------------------
 *
 * list_filter.h
 *		Clauses that are checked by what lists show, before a document is
 *		fetched.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_LIST_FILTER_H
#define APPCONFIG_LIST_FILTER_H

#include "nodes/execnodes.h"

#include "item.h"
#include "planner_rel_info.h"
#include "route.h"
#include "row.h"
#include "scan_plan.h"

/* The clauses of a scan that is being run */
typedef struct ListFilter ListFilter;

extern bool appconfig_list_filter_takes(const PlannerRelInfo *table,
										Node *clause);
extern List *appconfig_list_filter_find(const PlannerRelInfo *table,
										List *scan_clauses, List *qual);

extern bool appconfig_list_filter_has(const RouteCalls *calls,
									  const PredicateTable *table, List *qual,
									  int place);

extern ListFilter *appconfig_list_filter_begin(ForeignScanState *node,
											   const Route *route,
											   const OutputColumns *columns);
extern bool appconfig_list_filter_passes(ListFilter *filter, RowMaker *maker,
										 const AppConfigItem *item,
										 bool is_row);

#endif							/* APPCONFIG_LIST_FILTER_H */
