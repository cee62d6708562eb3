/*-------------------------------------------------------------------------
 *
 * fdw_plan.c
 *		GetForeignRelSize, GetForeignPaths and GetForeignPlan.
 *
 * Planning asks nobody: no network and no credentials, so that EXPLAIN works
 * where the service does not.  What counts is the number of calls, so a path
 * is as cheap as its clauses bind keys; a join clause that binds one makes a
 * parameterized path, also together with others from different tables.  Every
 * clause stays in the plan and is checked again, whatever has been asked for.
 *
 * What may not live here: URLs, JSON, the recognition of clauses
 * (predicate.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "estimate.h"
#include "fdw.h"
#include "fdw_columns.h"
#include "fdw_options.h"
#include "list_filter.h"

/* Most combinations of outer tables for which a path is made */
#define MAX_OUTER_COMBINATIONS 64

/* ------------------------------------------------------------------------
 * Size
 * ------------------------------------------------------------------------
 */

/* Everything that the query reads of the table, in rows and in clauses */
static Bitmapset *
find_columns_read(RelOptInfo *baserel)
{
	Bitmapset  *read = NULL;
	ListCell   *cell;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &read);
	foreach(cell, baserel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, cell)->clause,
					   baserel->relid, &read);
	foreach(cell, baserel->joininfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, cell)->clause,
					   baserel->relid, &read);
	return read;
}

/*
 * Attribute numbers of the columns that the query reads, or of all of them.  A
 * whole-row reference reads all.
 */
static List *
list_columns_read(const PlannerRelInfo *table, int natts, bool all)
{
	List	   *attnums = NIL;
	int			attnum;

	all = all ||
		bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, table->read);
	for (attnum = 1; attnum <= natts; attnum++)
	{
		if (table->predicates.columns->list[attnum - 1].column != NULL &&
			(all || bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber,
								  table->read)))
			attnums = lappend_int(attnums, attnum);
	}
	return attnums;
}

/*
 * How the columns that the query reads can be got.  Without pushdown all
 * columns are, so that the calls do not depend on the query.
 */
static void
plan_route(PlannerRelInfo *table, int natts, double list_price)
{
	List	   *attnums =
	list_columns_read(table, natts, !appconfig_enable_pushdown);
	const AppConfigColumn **columns =
	palloc0(sizeof(AppConfigColumn *) * (list_length(attnums) + 1));
	ListCell   *cell;
	int			i = 0;

	foreach(cell, attnums)
		columns[i++] =
		table->predicates.columns->list[lfirst_int(cell) - 1].column;
	appconfig_route_for_columns(&table->route, table->table, columns,
								list_price);
}

/*
 * Rows are estimated here for the sake of joins: whether this table can be the
 * outer one is decided by how few it is expected to have.  Nobody is asked, so
 * these are guesses, but better ones than PostgreSQL's own, which knows
 * nothing of keys.  What has been found out of the table on the way is kept
 * for the next two callbacks.
 */
void
appconfigGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
						   Oid foreigntableid)
{
	PlannerRelInfo *table = palloc0(sizeof(PlannerRelInfo));
	Relation	relation = table_open(foreigntableid, NoLock);
	double		get_rate;
	double		list_rate;

	table->table = appconfig_options_get_table(foreigntableid);
	table->predicates.root = root;
	table->predicates.relid = baserel->relid;
	table->predicates.columns = appconfig_columns_map(relation, table->table);
	table_close(relation, NoLock);
	table->region = appconfig_options_get_region(baserel->serverid);
	table->read = find_columns_read(baserel);
	table->pushdown = appconfig_enable_pushdown;
	appconfig_options_get_rates(baserel->serverid, &get_rate, &list_rate);
	plan_route(table, baserel->max_attr,
			   appconfig_route_list_price(get_rate, list_rate));
	baserel->fdw_private = table;
	baserel->tuples = appconfig_estimate(root, table, NIL).rows;
	baserel->rows =
		clamp_row_est(appconfig_estimate(root, table, baserel->baserestrictinfo).rows);
}

/* ------------------------------------------------------------------------
 * Paths
 * ------------------------------------------------------------------------
 */
static void
add_foreign_path(PlannerInfo *root, RelOptInfo *baserel, Estimate expected,
				 double rows, double repeats, Relids outer)
{
	Cost		cost = appconfig_estimate_cost(&expected) * repeats;

	/* the first row is there after the first of the calls */
	add_path(baserel, (Path *) appconfig_create_foreignscan_path(root, baserel,
																 rows,
																 cost / Max(appconfig_estimate_calls(&expected), 1),
																 cost + rows * cpu_tuple_cost,
																 outer));
}

/* For generate_implied_equalities_for_column(): is it the wanted column? */
static bool
is_wanted_column(PlannerInfo *root pg_attribute_unused(),
				 RelOptInfo *rel pg_attribute_unused(),
				 EquivalenceClass *ec pg_attribute_unused(),
				 EquivalenceMember *em, void *arg)
{
	Expr	   *expr = em->em_expr;
	const Var  *wanted = arg;

	while (expr != NULL && IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	return expr != NULL && IsA(expr, Var) &&
		((Var *) expr)->varno == wanted->varno &&
		((Var *) expr)->varattno == wanted->varattno &&
		((Var *) expr)->varlevelsup == 0;
}

/* Clauses that join the table's keys to other tables */
static List *
find_join_clauses(PlannerInfo *root, RelOptInfo *baserel)
{
	const PlannerRelInfo *table = baserel->fdw_private;
	List	   *clauses = NIL;
	ListCell   *cell;
	AttrNumber	attnum;

	foreach(cell, baserel->joininfo)
	{
		RestrictInfo *rinfo = lfirst(cell);

		if (join_clause_is_movable_to(rinfo, baserel))
			clauses = lappend(clauses, rinfo);
	}
	if (!baserel->has_eclass_joins)
		return clauses;
	for (attnum = 1; attnum <= baserel->max_attr; attnum++)
	{
		const AppConfigColumn *column =
		table->predicates.columns->list[attnum - 1].column;
		Var			wanted = {.varno = baserel->relid, .varattno = attnum};
		List	   *implied;

		if (column == NULL || column->key == KEY_NONE)
			continue;
		implied = generate_implied_equalities_for_column(root, baserel,
														 is_wanted_column,
														 &wanted,
														 baserel->lateral_referencers);
		clauses = list_concat(clauses, implied);
	}
	return clauses;
}

/* The clause's other tables, if with their rows at hand it binds a key */
static Relids
outer_of_clause(RelOptInfo *baserel, RestrictInfo *rinfo)
{
	const PlannerRelInfo *table = baserel->fdw_private;
	List	   *operands;
	Relids		outer;

	if (appconfig_predicate_bind(&table->predicates, list_make1(rinfo),
								 &operands) == NULL)
		return NULL;
	outer = bms_union(rinfo->clause_relids, baserel->lateral_relids);
	outer = bms_del_member(outer, baserel->relid);
	return outer;
}

static List *
add_combination(List *combinations, Relids outer)
{
	ListCell   *cell;

	if (bms_is_empty(outer))
		return combinations;
	foreach(cell, combinations)
	{
		if (bms_equal(lfirst(cell), outer))
			return combinations;
	}
	return lappend(combinations, outer);
}

/*
 * The sets of other tables that a path can take keys from: those of each
 * clause and the unions of them, since the keys of one call may come from
 * several.
 */
static List *
find_outer_combinations(PlannerInfo *root, RelOptInfo *baserel)
{
	List	   *combinations = NIL;
	ListCell   *cell;

	foreach(cell, find_join_clauses(root, baserel))
	{
		Relids		outer = outer_of_clause(baserel, lfirst(cell));
		List	   *known = list_copy(combinations);
		ListCell   *other;

		combinations = add_combination(combinations, outer);
		foreach(other, known)
		{
			if (!bms_is_empty(outer) &&
				list_length(combinations) < MAX_OUTER_COMBINATIONS)
				combinations =
					add_combination(combinations,
									bms_union(lfirst(other), outer));
		}
	}
	return combinations;
}

/*
 * One path that uses the clauses of the query alone, and one for each set of
 * other tables whose rows can supply keys.  A key can turn a walk through the
 * whole account into a single call, so that asking once for each outer row is
 * often the cheapest way; the planner can only choose it if it is offered.  No
 * path is sorted: the service promises nothing of the order of its lists.
 */
void
appconfigGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
						 Oid foreigntableid pg_attribute_unused())
{
	const PlannerRelInfo *table = baserel->fdw_private;
	ListCell   *cell;

	add_foreign_path(root, baserel,
					 appconfig_estimate(root, table, baserel->baserestrictinfo),
					 baserel->rows, 1, baserel->lateral_relids);
	if (!table->pushdown)
		return;
	foreach(cell, find_outer_combinations(root, baserel))
	{
		ParamPathInfo *param_info =
		get_baserel_parampathinfo(root, baserel, lfirst(cell));
		List	   *clauses = list_concat_copy(baserel->baserestrictinfo,
											   param_info->ppi_clauses);
		Estimate	expected = appconfig_estimate(root, table, clauses);

		expected.rows *=
			appconfig_estimate_region(root, table, clauses, lfirst(cell));
		param_info->ppi_rows =
			Min(clamp_row_est(expected.rows), baserel->rows);
		add_foreign_path(root, baserel, expected, param_info->ppi_rows,
						 appconfig_estimate_repeats(root, table, clauses, lfirst(cell)),
						 lfirst(cell));
	}
}

/* ------------------------------------------------------------------------
 * Plan
 * ------------------------------------------------------------------------
 */

/*
 * Can the keys leave single documents of those, so that each of them is asked
 * for?  A range can come down to one, too, if it has an end.
 */
static bool
binds_documents(const Route *route, const KeyExpr *expr)
{
	int			i;

	if (expr == NULL)
		return false;
	for (i = 0; i < expr->nargs; i++)
	{
		if (binds_documents(route, expr->args[i]))
			return true;
	}
	return appconfig_route_is_key_of_frozen(route, expr->key) &&
		(expr->kind == KEY_EXPR_IN || expr->kind == KEY_EXPR_LESS ||
		 expr->kind == KEY_EXPR_LESS_EQUAL);
}

/* Are there keys whose values can be others in each rescan? */
static bool
has_parameters(const List *operands)
{
	ListCell   *cell;

	foreach(cell, operands)
	{
		if (!IsA(lfirst(cell), Const))
			return true;
	}
	return false;
}

/* Is a key compared with an array: a constant one, or one that is not? */
static bool
has_array(const KeyExpr *expr, const List *operands, bool constant)
{
	Node	   *operand;
	int			i;

	for (i = 0; i < expr->nargs; i++)
	{
		if (has_array(expr->args[i], operands, constant))
			return true;
	}
	if (expr->kind != KEY_EXPR_IN)
		return false;
	operand = list_nth(operands, expr->operand);
	return IsA(operand, Const) == constant &&
		type_is_array(getBaseType(exprType(operand)));
}

/*
 * Does a part of it make a difference, whichever values it has?  A range that
 * comes down to one run leads to its document, any other to a list; and which
 * list it is can depend on a name, a status, or the arm of an OR.
 */
static bool
part_varies(const KeyExpr *expr)
{
	int			i;

	for (i = 0; i < expr->nargs; i++)
	{
		if (part_varies(expr->args[i]))
			return true;
	}
	switch (expr->kind)
	{
		case KEY_EXPR_OR:
		case KEY_EXPR_LESS:
		case KEY_EXPR_LESS_EQUAL:
			return true;
		case KEY_EXPR_IN:
			return appconfig_keys[expr->key].is_state ||
				(appconfig_keys[expr->key].is_name &&
				 appconfig_keys[expr->key].is_identifier);
		default:
			return false;
	}
}

/* Does it have a comparison by < and the like? */
static bool
has_range(const KeyExpr *expr)
{
	int			i;

	for (i = 0; i < expr->nargs; i++)
	{
		if (has_range(expr->args[i]))
			return true;
	}
	return expr->kind >= KEY_EXPR_LESS &&
		expr->kind <= KEY_EXPR_GREATER_EQUAL;
}

/*
 * Does it depend on the values of keys, of which some are parameters, by which
 * calls a run is read?  Parts can make a difference, and so does the number of
 * values of an array: a few lead to documents, many to a list.  A range leaves
 * more or fewer of them.  For "Consistency" in memo.c, a scan like that is as
 * good as two.
 */
static bool
route_varies(const KeyExpr *expr, const List *operands)
{
	return expr != NULL &&
		(part_varies(expr) || has_array(expr, operands, false) ||
		 (has_range(expr) && has_array(expr, operands, true)));
}

/* A LIMIT that nothing but this scan's own clauses stands before, or 0 */
static int
find_rows_wanted(PlannerInfo *root)
{
	if (root->limit_tuples < 1 || root->limit_tuples > PG_INT32_MAX ||
		bms_membership(root->all_baserels) != BMS_SINGLETON ||
		root->parse->sortClause != NIL)
		return 0;
	return (int) root->limit_tuples;
}

/* What the plan's calls are expected to be, for EXPLAIN and for messages */
static void
set_expected_calls(AppConfigScanPlan *plan, PlannerInfo *root,
				   const PlannerRelInfo *table, List *clauses, Relids outer)
{
	Estimate	expected = appconfig_estimate_all_calls(root, table, clauses);

	plan->gets = expected.gets;
	plan->lists = expected.lists;
	plan->repeats = table->pushdown
		? appconfig_estimate_repeats(root, table, clauses, outer)
		: 1;
}

/*
 * What clauses say about keys is found out here and not when the scan begins,
 * since only the planner has the clauses of the path that was chosen, and a
 * plan may be run many times.  A plan is copied and cached, so what the scan
 * is to know of it is packed into lists.  The values that keys are compared
 * with go into fdw_exprs, where the planner puts parameters in the place of
 * outer columns.  All clauses stay in the qual: keys and lists narrow what is
 * asked for, but rows are right because the executor checks every one.
 */
ForeignScan *
appconfigGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
						Oid foreigntableid pg_attribute_unused(),
						ForeignPath *best_path,
						List *tlist, List *scan_clauses, Plan *outer_plan)
{
	PlannerRelInfo *table = baserel->fdw_private;
	AppConfigScanPlan plan = {.table = table->table};
	List	   *qual = extract_actual_clauses(scan_clauses, false);
	List	   *operands = NIL;

	plan.columns = list_columns_read(table, baserel->max_attr, false);
	if (!appconfig_enable_pushdown)
		plan.reads |= READS_ALL;
	else
	{
		plan.keys = appconfig_predicate_bind(&table->predicates, scan_clauses,
											 &operands);
		plan.filters = appconfig_list_filter_find(table, scan_clauses, qual);
		plan.rows_wanted = find_rows_wanted(root);
	}
	if (table->route.reads_mutable)
		plan.reads |= READS_MUTABLE;
	if (table->route.need_document ||
		binds_documents(&table->route, plan.keys))
		plan.reads |= READS_DOCUMENTS;
	if (has_parameters(operands) && route_varies(plan.keys, operands))
		plan.reads |= READS_VARYING;
	set_expected_calls(&plan, root, table, scan_clauses,
					   PATH_REQ_OUTER(&best_path->path));
	return make_foreignscan(tlist, qual, baserel->relid, operands,
							appconfig_scan_plan_pack(&plan), NIL, NIL,
							outer_plan);
}
