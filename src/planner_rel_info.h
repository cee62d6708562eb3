/*-------------------------------------------------------------------------
 *
 * planner_rel_info.h
 *		What is known of a foreign table while its query is planned.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_PLANNER_REL_INFO_H
#define APPCONFIG_PLANNER_REL_INFO_H

#include "route.h"
#include "predicate.h"
#include "tables.h"

/* Filled by GetForeignRelSize; the fdw_private of a base relation */
typedef struct PlannerRelInfo
{
	const AppConfigTable *table;
	PredicateTable predicates;
	Bitmapset  *read;			/* attribute numbers, offset as by
								 * pull_varattnos() */
	const char *region;			/* the server's */
	Route		route;			/* for the columns that the query reads */
	bool		pushdown;		/* may clauses narrow the calls? */
} PlannerRelInfo;

#endif							/* APPCONFIG_PLANNER_REL_INFO_H */
