/*-------------------------------------------------------------------------
 *
 * scan_plan.h
 *		What the planner hands over to the executor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SCAN_PLAN_H
#define APPCONFIG_SCAN_PLAN_H

#include "nodes/pg_list.h"

#include "keyset.h"
#include "output_columns.h"
#include "tables.h"

/* How a scan reads its things, for "Consistency" in memo.c */
#define READS_MUTABLE	0x01	/* what of them can change */
#define READS_DOCUMENTS 0x02	/* their documents, perhaps */
#define READS_VARYING	0x04	/* from rescan to rescan, by other calls */
#define READS_ALL		0x08	/* all columns, whatever the query needs */

/* A clause of the plan's qual that what lists show can be checked by */
typedef struct ListFilterClause
{
	int			place;			/* in the qual */
	int			level;			/* of security, -1 if it leaks nothing */
	bool		fallible;		/* can it raise an error? */
} ListFilterClause;

/*
 * What the planner hands over to the executor, beside the value expressions of
 * the keys, which travel in fdw_exprs.
 */
typedef struct AppConfigScanPlan
{
	const AppConfigTable *table;
	KeyExpr    *keys;			/* NULL if no clause binds one */
	List	   *columns;		/* attribute numbers that the query reads */
	List	   *filters;		/* ListFilterClause, in the order of the qual */
	int			rows_wanted;	/* a LIMIT that is likely to stop the scan, or
								 * 0 */
	int			reads;			/* READS_ bits */
	double		gets;			/* calls that are expected, as if run once */
	double		lists;
	double		repeats;		/* what part of them is left, on average,
								 * where it is run for each row of other
								 * tables */
} AppConfigScanPlan;

extern int	appconfig_scan_plan_reads(List *packed);
extern List *appconfig_scan_plan_pack(const AppConfigScanPlan *plan);
extern AppConfigScanPlan *appconfig_scan_plan_unpack(List *packed);

extern const AppConfigColumn **appconfig_scan_plan_columns(const AppConfigScanPlan *plan,
														   const OutputColumns *columns);

#endif							/* APPCONFIG_SCAN_PLAN_H */
