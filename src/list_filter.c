/*-------------------------------------------------------------------------
 *
 * list_filter.c
 *		Clauses that are checked by what lists show, before a document is
 *		fetched.
 *
 * A clause whose columns stand in a list need not wait for a document: what
 * fails it is not asked for.  The executor checks it again all the same.  All
 * of the rule is here: which clauses the planner marks, which of them EXPLAIN
 * shows as checked before a fetch, and the check itself.
 *
 * What may not live here: keys (predicate.c), what is asked for (cursor.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"

#include "fallible.h"
#include "list_filter.h"
#include "predicate.h"

/* One of them, ready to be evaluated */
typedef struct RunningClause
{
	ExprState  *state;
	List	   *columns;		/* attribute numbers that it reads */
	int			level;			/* as in ListFilterClause */
	bool		fallible;
} RunningClause;

struct ListFilter
{
	const AppConfigTable *table;
	const OutputColumns *columns;
	List	   *clauses;		/* RunningClause, in the qual's order */
	ExprContext *econtext;
	TupleTableSlot *slot;
	MemoryContext context;		/* the values of one item */
};

/* ------------------------------------------------------------------------
 * Planner
 * ------------------------------------------------------------------------
 */

/* Can lists answer everything that the clause reads? */
static bool
lists_answer_clause(const PlannerRelInfo *table, Node *clause)
{
	List	   *attnums =
	appconfig_predicate_attributes(table->predicates.relid, clause);
	ListCell   *cell;

	foreach(cell, attnums)
	{
		int			attnum = lfirst_int(cell);
		const AppConfigColumn *column =
		attnum > 0 ? table->predicates.columns->list[attnum - 1].column
		: NULL;

		if (column == NULL ||
			!appconfig_route_lists_answer(table->table, column))
			return false;
	}
	return attnums != NIL;
}

/*
 * Can the clause be checked against items of lists, and once more later?  One
 * that can fail only where each item of the leaf is a row.
 */
bool
appconfig_list_filter_takes(const PlannerRelInfo *table, Node *clause)
{
	return lists_answer_clause(table, clause) &&
		!contain_volatile_functions(clause) && !contain_subplans(clause) &&
		(table->table->shape == ROW_PER_ITEM ||
		 !appconfig_fallible(clause, table->predicates.relid));
}

/* The clause's place in the qual; -1 if it is not there */
static int
find_clause_place(List *qual, const Expr *clause)
{
	ListCell   *cell;

	foreach(cell, qual)
	{
		if (lfirst(cell) == clause)
			return foreach_current_index(cell);
	}
	return -1;
}

/*
 * Those clauses, as ListFilterClause, that can be checked before a document is
 * fetched.  A clause must not see a row before those that protect it have:
 * where a clause of a lower security level has to wait for the document, only
 * leakproof ones may go ahead.  And one that can fail must not overtake any
 * that the executor would check before it.
 */
List *
appconfig_list_filter_find(const PlannerRelInfo *table, List *scan_clauses,
						   List *qual)
{
	Index		waiting = PG_UINT32_MAX;
	bool		overtakes = false;
	List	   *filters = NIL;
	ListCell   *cell;

	foreach(cell, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (!appconfig_list_filter_takes(table, (Node *) rinfo->clause))
			waiting = Min(waiting, rinfo->security_level);
	}
	foreach(cell, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		ListFilterClause *clause = palloc(sizeof(ListFilterClause));

		clause->place = find_clause_place(qual, rinfo->clause);
		clause->level = rinfo->leakproof ? -1 : (int) rinfo->security_level;
		clause->fallible = appconfig_fallible((Node *) rinfo->clause,
											  table->predicates.relid);
		if (!appconfig_list_filter_takes(table, (Node *) rinfo->clause) ||
			(rinfo->security_level > waiting && !rinfo->leakproof) ||
			(clause->fallible && overtakes))
			overtakes = true;
		else if (clause->place >= 0)
			filters = lappend(filters, clause);
	}
	return filters;
}

/* ------------------------------------------------------------------------
 * EXPLAIN
 * ------------------------------------------------------------------------
 */

/* Do the lists that are called tell all columns that the clause reads? */
static bool
lists_tell(const RouteCalls *calls, const PredicateTable *table, Node *clause)
{
	ListCell   *cell;

	foreach(cell, appconfig_predicate_attributes(table->relid, clause))
	{
		if (!appconfig_route_calls_answer(calls,
										  table->columns->list[lfirst_int(cell) - 1].column))
			return false;
	}
	return true;
}

/* Will the clause at that place be checked before a document is fetched? */
bool
appconfig_list_filter_has(const RouteCalls *calls, const PredicateTable *table,
						  List *qual, int place)
{
	const Route *route = calls->route;
	Node	   *clause = list_nth(qual, place);
	ListCell   *cell;

	foreach(cell, route->filters)
	{
		const ListFilterClause *filter = lfirst(cell);

		if (filter->place == place)
			return lists_tell(calls, table, clause) &&
				(calls->listed[route->levels_count - 1] ||
				 !filter->fallible);
	}
	return false;
}

/* ------------------------------------------------------------------------
 * Executor
 * ------------------------------------------------------------------------
 */

/*
 * The route's clauses, ready for a scan that puts out these columns; NULL if
 * there are none.
 */
ListFilter *
appconfig_list_filter_begin(ForeignScanState *node, const Route *route,
							const OutputColumns *columns)
{
	ListFilter *filter = palloc0(sizeof(ListFilter));
	Index		relid = castNode(ForeignScan, node->ss.ps.plan)->scan.scanrelid;
	ListCell   *cell;

	if (route->filters == NIL)
		return NULL;
	filter->table = route->table;
	filter->columns = columns;
	filter->econtext = node->ss.ps.ps_ExprContext;
	filter->slot = node->ss.ss_ScanTupleSlot;
	filter->context = AllocSetContextCreate(node->ss.ps.state->es_query_cxt,
											"appconfig_fdw list filter",
											ALLOCSET_SMALL_SIZES);
	foreach(cell, route->filters)
	{
		const ListFilterClause *planned = lfirst(cell);
		RunningClause *clause = palloc0(sizeof(RunningClause));
		List	   *qual =
		list_make1(list_nth(node->ss.ps.plan->qual, planned->place));

		clause->state = ExecInitQual(qual, (PlanState *) node);
		clause->columns = appconfig_predicate_attributes(relid, (Node *) qual);
		clause->level = planned->level;
		clause->fallible = planned->fallible;
		filter->clauses = lappend(filter->clauses, clause);
	}
	return filter;
}

/*
 * Does what a list has shown settle all columns that a clause reads?  A value
 * that the database cannot hold is an error only in a row that is read.
 */
static bool
is_answered(const ListFilter *filter, const RunningClause *clause,
			const RowMaker *maker, const AppConfigItem *item)
{
	ListCell   *cell;

	foreach(cell, clause->columns)
	{
		if (!appconfig_item_settles(filter->table, item,
									filter->columns->list[lfirst_int(cell) - 1].column))
			return false;
	}
	return appconfig_row_fits(maker, clause->columns, item);
}

static bool
clause_passes(ListFilter *filter, const RunningClause *clause, RowMaker *maker,
			  const AppConfigItem *item)
{
	MemoryContext old = MemoryContextSwitchTo(filter->context);
	bool		passes;

	appconfig_row_fill(maker, clause->columns, item, filter->slot);
	MemoryContextSwitchTo(old);
	filter->econtext->ecxt_scantuple = filter->slot;
	passes = ExecQual(clause->state, filter->econtext);
	ExecClearTuple(filter->slot);
	ResetExprContext(filter->econtext);
	MemoryContextReset(filter->context);
	return passes;
}

/*
 * Does what a list has shown meet the clauses that it answers?  One that may
 * leak what it sees has to wait for those that protect the row, and one that
 * can fail for an item that is one, and for those before it.
 */
bool
appconfig_list_filter_passes(ListFilter *filter, RowMaker *maker,
							 const AppConfigItem *item, bool is_row)
{
	ListCell   *cell;
	int			waiting = PG_INT32_MAX;
	bool		overtakes = false;

	foreach(cell, filter->clauses)
	{
		const RunningClause *clause = lfirst(cell);

		if (clause->level > waiting ||
			(clause->fallible && (overtakes || !is_row)))
			overtakes = true;
		else if (!is_answered(filter, clause, maker, item))
		{
			overtakes = true;
			waiting = Min(waiting, Max(clause->level, 0));
		}
		else if (!clause_passes(filter, clause, maker, item))
			return false;
	}
	return true;
}
