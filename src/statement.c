/*-------------------------------------------------------------------------
 *
 * statement.c
 *		What the scans of one statement have in common.
 *
 * Which answers about a run a scan may believe depends on what the other scans
 * of the statement read, see "Consistency" in memo.c.  So the whole plan is
 * searched for them.  Where it has a node of a kind that is not known here,
 * everything counts as read again and by everybody; and so it does in a
 * transaction whose later statements are to see the same, as nobody knows the
 * plans of these.
 *
 * And a statement has one role: that of the moment when it began.
 *
 * What may not live here: how a scan keeps to it (cursor.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/memutils.h"

#include "compat.h"
#include "scan_plan.h"
#include "statement.h"
#include "transaction.h"

/* A statement that is being run, in its own memory */
typedef struct BegunStatement
{
	dlist_node	node;			/* in begun_statements */
	MemoryContext memory;		/* of its executor, by which it is known */
	Oid			role;			/* the current one when it began */
	MemoryContextCallback callback;
} BegunStatement;

static dlist_head begun_statements = DLIST_STATIC_INIT(begun_statements);

/* What a search through a statement's plan is for, and has found */
typedef struct PlanSearch
{
	Oid			serverid;
	const PlannedStmt *statement;
	Bitmapset  *once;			/* subplans that are run at most once, by
								 * plan_id */
	int			scans;			/* of that server */
	bool		repeated;		/* may one of them be run again? */
	int			mutable_scans;	/* that read what can change */
	bool		documents;		/* may one of these read documents? */
	bool		unknown;		/* may there be scans that the search does not
								 * see? */
} PlanSearch;

static void search_plan(PlanSearch *search, Plan *plan, bool repeats);

static void
note_scan(PlanSearch *search, const ForeignScan *scan, bool repeats)
{
	int			reads = appconfig_scan_plan_reads(scan->fdw_private);

	search->scans++;
	search->repeated |= repeats;
	if (!(reads & READS_MUTABLE))
		return;
	search->mutable_scans++;
	search->documents |= (reads & READS_DOCUMENTS) != 0;
	/* one scan can read a run here in one way, there in another */
	if (repeats && (reads & READS_VARYING))
		search->mutable_scans++;
}

static void
search_plans(PlanSearch *search, List *plans, bool repeats)
{
	ListCell   *cell;

	foreach(cell, plans)
		search_plan(search, lfirst(cell), repeats);
}

/*
 * What is evaluated before the plan node that has it, a WITH query for one: a
 * single time, unless the node is run again with other parameters.
 */
static void
search_initplans(PlanSearch *search, List *initplans, bool repeats)
{
	ListCell   *cell;

	foreach(cell, initplans)
	{
		int			id = lfirst_node(SubPlan, cell)->plan_id;
		Plan	   *plan = list_nth(search->statement->subplans, id - 1);

		search->once = bms_add_member(search->once, id);
		search_plan(search, plan, repeats && !bms_is_empty(plan->extParam));
	}
}

/* The children that a node has beside its left and right tree */
List *
appconfig_statement_plan_children(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return ((const Append *) plan)->appendplans;
		case T_MergeAppend:
			return ((const MergeAppend *) plan)->mergeplans;
		case T_ModifyTable:
			return appconfig_modifytable_plans(plan);
		case T_BitmapAnd:
			return ((const BitmapAnd *) plan)->bitmapplans;
		case T_BitmapOr:
			return ((const BitmapOr *) plan)->bitmapplans;
		case T_SubqueryScan:
			return list_make1(((const SubqueryScan *) plan)->subplan);
		case T_CustomScan:
			return ((const CustomScan *) plan)->custom_plans;
		default:
			return NIL;
	}
}

/* How often a node runs its children, for each time that it is run itself */
typedef enum ChildRuns
{
	RUNS_ALL_ONCE,				/* or it has none */
	RUNS_RIGHT_AGAIN,			/* the right one for each row of the left one,
								 * or so */
	RUNS_ALL_AGAIN,				/* perhaps */
	RUNS_UNKNOWN				/* it may even have children that we don't see */
} ChildRuns;

static ChildRuns
child_runs(NodeTag tag)
{
	switch (tag)
	{
		case T_Result:
		case T_ProjectSet:
		case T_ModifyTable:
		case T_Append:
		case T_MergeAppend:
		case T_BitmapAnd:
		case T_BitmapOr:
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapIndexScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_SubqueryScan:
		case T_FunctionScan:
		case T_ValuesScan:
		case T_TableFuncScan:
		case T_CteScan:
		case T_NamedTuplestoreScan:
		case T_WorkTableScan:
		case T_ForeignScan:
		case T_MergeJoin:		/* goes back in what Material has */
		case T_HashJoin:
		case T_Material:
		case T_Sort:
		case T_IncrementalSort:
		case T_Group:
		case T_Agg:
		case T_WindowAgg:
		case T_Unique:
		case T_Gather:			/* no scan of ours is run by a worker */
		case T_GatherMerge:
		case T_Hash:
		case T_SetOp:
		case T_LockRows:
		case T_Limit:
			return RUNS_ALL_ONCE;
		case T_NestLoop:
		case T_RecursiveUnion:
			return RUNS_RIGHT_AGAIN;
		case T_CustomScan:
			return RUNS_ALL_AGAIN;
		default:
			return appconfig_is_newer_plain_plan(tag) ? RUNS_ALL_ONCE
				: RUNS_UNKNOWN;
	}
}

static void
search_plan(PlanSearch *search, Plan *plan, bool repeats)
{
	ChildRuns	runs;

	if (plan == NULL)
		return;
	check_stack_depth();
	search_initplans(search, plan->initPlan, repeats);
	if (IsA(plan, ForeignScan) &&
		((ForeignScan *) plan)->fs_server == search->serverid)
		note_scan(search, (ForeignScan *) plan, repeats);
	runs = child_runs(nodeTag(plan));
	search->unknown |= runs == RUNS_UNKNOWN;
	repeats |= runs >= RUNS_ALL_AGAIN;
	search_plans(search, appconfig_statement_plan_children(plan), repeats);
	search_plan(search, plan->lefttree, repeats);
	search_plan(search, plan->righttree, repeats || runs == RUNS_RIGHT_AGAIN);
}

/* Finds out how the statement's scans, this one among them, read a server */
void
appconfig_statement_examine(StatementReads *reads,
							const PlannedStmt *statement, Oid serverid)
{
	PlanSearch	search = {.serverid = serverid, .statement = statement};
	int			id;

	reads->one_state = appconfig_transaction_sees_one_state();
	search.unknown = reads->one_state;

	search_plan(&search, statement->planTree, false);
	/* a subplan comes before the one that it is part of */
	for (id = list_length(statement->subplans); id > 0; id--)
	{
		if (!bms_is_member(id, search.once))
			search_plan(&search, list_nth(statement->subplans, id - 1), true);
	}
	reads->rereads = search.unknown || search.scans > 1 || search.repeated;
	reads->shared_lists = search.unknown || search.mutable_scans > 1;
	reads->documents_decide =
		search.unknown || (search.mutable_scans > 1 && search.documents);
}

/* ------------------------------------------------------------------------
 * Role
 * ------------------------------------------------------------------------
 */
static void
end_statement(void *arg)
{
	dlist_delete(&((BegunStatement *) arg)->node);
}

static BegunStatement *
begin_statement(MemoryContext memory)
{
	BegunStatement *statement =
	MemoryContextAllocZero(memory, sizeof(BegunStatement));

	statement->memory = memory;
	statement->role = GetUserId();
	statement->callback.func = end_statement;
	statement->callback.arg = statement;
	MemoryContextRegisterResetCallback(memory, &statement->callback);
	dlist_push_head(&begun_statements, &statement->node);
	return statement;
}

/*
 * The memory of a statement's executor, by which it is known.  Where
 * PostgreSQL checks a row once more that another transaction has changed
 * meanwhile, it begins some of the scans again, in an executor of their own:
 * the statement is still the same.
 */
MemoryContext
appconfig_statement_memory(const EState *estate)
{
	while (estate->es_epq_active != NULL)
		estate = estate->es_epq_active->parentestate;
	return estate->es_query_cxt;
}

/*
 * The role that a statement began as, to be asked by each scan as it begins.
 *
 * A cursor can be fetched from by another role than the one that opened it.
 * Most scans begin with their statement, but not all.
 */
Oid
appconfig_statement_role(const EState *estate)
{
	MemoryContext memory = appconfig_statement_memory(estate);
	dlist_iter	iter;

	dlist_foreach(iter, &begun_statements)
	{
		BegunStatement *statement =
		dlist_container(BegunStatement, node, iter.cur);

		if (statement->memory == memory)
			return statement->role;
	}
	return begin_statement(memory)->role;
}
