/*-------------------------------------------------------------------------
 *
 * fdw.h
 *		The callbacks of the foreign data wrapper, by the file that has them.
 *
 * Included by the fdw_*.c files and by appconfig_fdw.c, and by nobody below
 * them.  The names are those of the manual's chapter "Writing a Foreign Data
 * Wrapper" with a prefix.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_FDW_H
#define APPCONFIG_FDW_H

#include "foreign/fdwapi.h"

/* in appconfig_fdw.c */
extern bool appconfig_enable_pushdown;	/* appconfig_fdw.enable_pushdown */

/* in fdw_plan.c */
extern void appconfigGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
									   Oid foreigntableid);
extern void appconfigGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
									 Oid foreigntableid);
extern ForeignScan *appconfigGetForeignPlan(PlannerInfo *root,
											RelOptInfo *baserel,
											Oid foreigntableid,
											ForeignPath *best_path,
											List *tlist, List *scan_clauses,
											Plan *outer_plan);

/* in fdw_scan.c */
extern void appconfigBeginForeignScan(ForeignScanState *node, int eflags);
extern TupleTableSlot *appconfigIterateForeignScan(ForeignScanState *node);
extern void appconfigReScanForeignScan(ForeignScanState *node);
extern void appconfigEndForeignScan(ForeignScanState *node);

/* in fdw_explain.c */
extern void appconfigExplainForeignScan(ForeignScanState *node,
										struct ExplainState *es);

/* in fdw_import.c */
extern List *appconfigImportForeignSchema(ImportForeignSchemaStmt *stmt,
										  Oid serverOid);

#endif							/* APPCONFIG_FDW_H */
