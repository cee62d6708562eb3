/*-------------------------------------------------------------------------
 *
 * plan_reading.c
 *		What a statement's plan says of how its scans are read.
 *
 * How many calls the planner expects of all of them, and whether one is read
 * to its end for certain.  A LIMIT, an EXISTS, a join that runs out of rows on
 * its other side or a client with a cursor may stop a scan early, and then
 * calls that its keys lead to are never made.  Where it is not certain that
 * nothing does, the answer is no.
 *
 * What may not live here: what scans believe of answers (statement.c), calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/execdesc.h"
#include "miscadmin.h"
#include "tcop/pquery.h"
#include "utils/portal.h"

#include "plan_reading.h"
#include "scan_plan.h"
#include "statement.h"

/* ------------------------------------------------------------------------
 * Calls that are expected
 * ------------------------------------------------------------------------
 */
static double
expect_of_scan(const ForeignScan *scan)
{
	const AppConfigScanPlan *plan =
	appconfig_scan_plan_unpack(scan->fdw_private);

	return (plan->gets + plan->lists) * plan->repeats;
}

/* Calls to a server if the node is run so often */
static double
expect_of_plan(const Plan *plan, Oid serverid, double loops)
{
	double		calls = 0;
	double		outer_rows;
	ListCell   *cell;

	if (plan == NULL)
		return 0;
	check_stack_depth();
	if (IsA(plan, ForeignScan) &&
		((const ForeignScan *) plan)->fs_server == serverid)
		calls += loops * expect_of_scan((const ForeignScan *) plan);
	foreach(cell, appconfig_statement_plan_children(plan))
		calls += expect_of_plan(lfirst(cell), serverid, loops);
	calls += expect_of_plan(plan->lefttree, serverid, loops);
	outer_rows = IsA(plan, NestLoop) ? Max(plan->lefttree->plan_rows, 1) : 1;
	calls += expect_of_plan(plan->righttree, serverid, loops * outer_rows);
	return calls;
}

/*
 * How many calls to the server the planner expects of the statement.  Nobody
 * knows how often a subplan is run, so each counts once.
 */
double
appconfig_plan_reading_expect(const PlannedStmt *statement, Oid serverid)
{
	double		calls = expect_of_plan(statement->planTree, serverid, 1);
	ListCell   *cell;

	foreach(cell, statement->subplans)
		calls += expect_of_plan(lfirst(cell), serverid, 1);
	return calls;
}

/* ------------------------------------------------------------------------
 * Scans that are read to their end
 * ------------------------------------------------------------------------
 */

/* How far a node reads one of its children, once it has begun to */
typedef enum Reading
{
	READS_PERHAPS,				/* not to the end, for what is known here */
	READS_AS_READ,				/* to the end if it is read so itself */
	READS_WHOLE
} Reading;

/* The left tree and the children that only some kinds of nodes have */
static Reading
reading_of_outer(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_Hash:
			return READS_WHOLE;
		case T_Agg:
			return ((const Agg *) plan)->aggstrategy == AGG_PLAIN ||
				((const Agg *) plan)->aggstrategy == AGG_HASHED
				? READS_WHOLE
				: READS_AS_READ;
		case T_ModifyTable:
			return ((const ModifyTable *) plan)->returningLists == NIL
				? READS_WHOLE
				: READS_AS_READ;
		case T_Result:
		case T_ProjectSet:
		case T_Append:
		case T_MergeAppend:
		case T_SubqueryScan:
		case T_Material:
		case T_IncrementalSort:
		case T_Group:
		case T_Unique:
		case T_LockRows:
		case T_NestLoop:
			return READS_AS_READ;
		default:
			return READS_PERHAPS;
	}
}

/* The right tree; one of a hash join is a Hash, which knows by itself */
static Reading
reading_of_inner(const Plan *plan)
{
	const Join *join = (const Join *) plan;

	return IsA(plan, NestLoop) && !join->inner_unique &&
		(join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT)
		? READS_AS_READ
		: READS_PERHAPS;
}

static bool is_read_whole(const Plan *plan, const Plan *scan, bool whole);

static bool
child_is_read_whole(const Plan *child, const Plan *scan, Reading reading,
					bool whole)
{
	return is_read_whole(child, scan, reading == READS_WHOLE ||
						 (reading == READS_AS_READ && whole));
}

/*
 * Is the scan below the node, or the node itself, and read to its end where
 * the node is read so, or not?
 */
static bool
is_read_whole(const Plan *plan, const Plan *scan, bool whole)
{
	Reading		outer;
	ListCell   *cell;

	if (plan == NULL || plan == scan)
		return plan != NULL && whole;
	check_stack_depth();
	outer = reading_of_outer(plan);
	foreach(cell, appconfig_statement_plan_children(plan))
	{
		if (child_is_read_whole(lfirst(cell), scan, outer, whole))
			return true;
	}
	return child_is_read_whole(plan->lefttree, scan, outer, whole) ||
		child_is_read_whole(plan->righttree, scan, reading_of_inner(plan),
							whole);
}

/*
 * Does somebody run the executor to its end who wants all that it returns?
 * That is known of the statement of a client's that is no cursor.  One of a
 * function may be run for its first row alone.
 */
static bool
executor_runs_to_end(const EState *estate)
{
	Portal		portal = ActivePortal;

	return portal != NULL && portal->queryDesc != NULL &&
		portal->queryDesc->estate == estate &&
		(!portal->visible || portal->name[0] == '\0');
}

/*
 * Is it certain that a scan whose first row is asked for is read to its end?
 * Scans in subplans are taken to be stopped early, as those of EXISTS are.
 */
bool
appconfig_plan_reading_is_whole(const ForeignScanState *node)
{
	const EState *estate = node->ss.ps.state;

	return is_read_whole(estate->es_plannedstmt->planTree, node->ss.ps.plan,
						 executor_runs_to_end(estate));
}
