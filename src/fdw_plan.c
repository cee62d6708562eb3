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

#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"

#include "access.h"
#include "compat.h"
#include "fdw.h"
#include "fdw_options.h"
#include "predicate.h"
#include "request.h"

/*
 * A call takes some milliseconds, as several are in flight; reading a page
 * from disk takes some tens of microseconds, and that is seq_page_cost.  What
 * a call costs has to keep a plan with fewer of them below one with more, and
 * ordinary queries below jit_above_cost.
 */
#define COST_OF_CALL 40.0

/* What an account holds, where nothing is known of it */
#define APPLICATIONS_OF_ACCOUNT	   10.0
#define DEFINITIONS_OF_APPLICATION 10.0
#define RUNS_OF_DEFINITION		   10.0
#define CHILDREN_OF_APPLICATION	   5.0 /* environments, profiles */
#define EVENTS_OF_RUN			   4.0

/* Items that a page of a list has */
#define PAGE_ITEMS 50.0

/* Most combinations of outer tables for which a path is made */
#define MAX_OUTER_COMBINATIONS 64

/* By AppConfigRowShape */
static const double rows_of_shape[] = {
	[ROW_PER_ITEM] = 1,
	[ROW_PER_TREATMENT] = 3,
	[ROW_PER_ATTRIBUTE] = 12,
	[ROW_PER_ENTRY] = 5,
};

/* What is known of a foreign table while its query is planned */
typedef struct PlanTable
{
	const AppConfigTable *table;
	PredicateTable		  predicates;
	Bitmapset			 *read;	  /* attribute numbers, offset as by
								   * pull_varattnos() */
	AccessPlan			  access; /* for the columns that the query reads */
	Oid					  serverid;
} PlanTable;

/* What some clauses let us expect */
typedef struct Estimate
{
	double calls;
	double rows;
} Estimate;

/* ------------------------------------------------------------------------
 * Size
 * ------------------------------------------------------------------------
 */

/*
 * How many values a key is bound to; 0 if to none.  A disjunction binds a key
 * if all of its arms do.
 */
static double
count_values(PlannerInfo *root, const KeyExpr *expr, List *operands,
			 AppConfigKey key)
{
	double count = 0;
	int	   i;

	if (expr == NULL)
		return 0;
	if (expr->kind == KEY_EXPR_IN && expr->key == key)
	{
		Node *operand = list_nth(operands, expr->operand);

		return type_is_array(getBaseType(exprType(operand)))
				   ? Max(1, appconfig_array_length(root, operand))
				   : 1;
	}
	if (expr->kind != KEY_EXPR_AND && expr->kind != KEY_EXPR_OR)
		return 0;
	for (i = 0; i < expr->nargs; i++)
	{
		double own = count_values(root, expr->args[i], operands, key);

		if (expr->kind == KEY_EXPR_OR)
		{
			if (own == 0)
				return 0;
			count += own;
		}
		else if (own > 0 && (count == 0 || own < count))
			count = own;
	}
	return count;
}

/* A thing can be known by its id or by its name */
static double
count_ids(PlannerInfo *root, const KeyExpr *expr, List *operands,
		  AppConfigKey id, AppConfigKey name)
{
	double ids = count_values(root, expr, operands, id);

	return ids > 0 ? ids : count_values(root, expr, operands, name);
}

/* Can lists answer everything that the clause reads? */
static bool
lists_answer_clause(const PlanTable *table, Node *clause)
{
	Bitmapset *read = NULL;
	int		   member = -1;

	pull_varattnos(clause, table->predicates.relid, &read);
	if (bms_is_empty(read))
		return false;
	while ((member = bms_next_member(read, member)) >= 0)
	{
		int attnum = member + FirstLowInvalidHeapAttributeNumber;
		const AppConfigColumn *column =
			attnum > 0 ? table->predicates.columns[attnum - 1] : NULL;

		if (column == NULL ||
			!appconfig_access_lists_answer(table->table, column))
			return false;
	}
	return true;
}

/* Can the clause be checked against items of lists, and once more later? */
static bool
can_go_early(const PlanTable *table, Node *clause)
{
	return lists_answer_clause(table, clause) &&
		   !contain_volatile_functions(clause) && !contain_subplans(clause);
}

/*
 * What part of the rows meets those clauses that bind no key and that lists
 * answer, or those that they do not answer
 */
static double
selectivity_besides_keys(PlannerInfo *root, const PlanTable *table,
						 List *clauses, bool early)
{
	List	 *some = NIL;
	List	 *operands;
	ListCell *cell;

	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (can_go_early(table, (Node *) rinfo->clause) == early &&
			appconfig_predicate_bind(&table->predicates, list_make1(rinfo),
									 &operands) == NULL)
			some = lappend(some, rinfo);
	}
	return clauselist_selectivity(root, some, table->predicates.relid,
								  JOIN_INNER, NULL);
}

/* One list for all, or one for each parent; as long as its items take */
static double
pages(double lists, double items)
{
	return Max(lists, ceil(items / PAGE_ITEMS));
}

/* Calls and rows of a table whose things stand in applications themselves */
static Estimate
estimate_children(const PlanTable *table, double applications, double ids)
{
	Estimate result = {.calls = 1, .rows = APPLICATIONS_OF_ACCOUNT};

	if (table->table->collection == COLLECTION_APPLICATIONS)
		return result;
	if (applications == 0)
		applications = APPLICATIONS_OF_ACCOUNT;
	else
		result.calls = 0;
	result.calls += applications * Max(ids, 1);
	result.rows = applications * (ids > 0 ? ids : CHILDREN_OF_APPLICATION);
	return result;
}

/*
 * Calls and rows if the clauses are those that bind keys.  A definition and a
 * run that are known are asked for, of what is not there are lists.
 */
static Estimate
estimate(PlannerInfo *root, const PlanTable *table, List *clauses)
{
	AppConfigCollectionId collection = table->table->collection;
	List				 *operands = NIL;
	KeyExpr				 *keys =
		 appconfig_enable_pushdown
						 ? appconfig_predicate_bind(&table->predicates, clauses, &operands)
						 : NULL;
	double	 applications = count_ids(root, keys, operands, KEY_APPLICATION_ID,
									  KEY_APPLICATION_NAME);
	double	 definitions = count_ids(root, keys, operands, KEY_DEFINITION_ID,
									 KEY_DEFINITION_NAME);
	double	 runs = count_values(root, keys, operands, KEY_RUN);
	Estimate result = {.calls = 0};
	bool	 listed;

	if (collection != COLLECTION_DEFINITIONS &&
		collection != COLLECTION_RUNS && collection != COLLECTION_EVENTS)
		return estimate_children(
			table, applications,
			collection == COLLECTION_ENVIRONMENTS
				? count_ids(root, keys, operands, KEY_ENVIRONMENT_ID,
							KEY_ENVIRONMENT_NAME)
				: count_ids(root, keys, operands, KEY_PROFILE_ID,
							KEY_PROFILE_NAME));

	listed = applications == 0 || definitions == 0;
	if (listed)
	{
		double items =
			(applications > 0 ? applications : APPLICATIONS_OF_ACCOUNT) *
			DEFINITIONS_OF_APPLICATION;

		result.calls += pages(Max(applications, 1), items);
		if (definitions == 0)
			definitions = items;
	}
	else
		definitions *= applications;
	result.rows = definitions;
	if (collection != COLLECTION_DEFINITIONS)
	{
		listed = runs == 0;
		if (listed)
			result.calls += definitions;
		result.rows *= runs > 0 ? runs : RUNS_OF_DEFINITION;
	}
	if (listed)
		result.rows *= selectivity_besides_keys(root, table, clauses, true);
	if (!listed || table->access.need_document ||
		collection == COLLECTION_EVENTS)
		result.calls += result.rows;
	if (collection == COLLECTION_EVENTS)
		result.rows *= EVENTS_OF_RUN;
	result.rows *= rows_of_shape[table->table->shape];
	result.rows *= selectivity_besides_keys(root, table, clauses, false);
	return result;
}

/* Everything that the query reads of the table, in rows and in clauses */
static Bitmapset *
find_columns_read(RelOptInfo *baserel)
{
	Bitmapset *read = NULL;
	ListCell  *cell;

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
 * Attribute numbers of the columns that the query reads.  A whole-row
 * reference reads all of them; so does a query without pushdown, whose every
 * answer is then put together from everything there is.
 */
static List *
list_columns_read(const PlanTable *table, int natts, bool all)
{
	List *attnums = NIL;
	int	  attnum;

	all = all ||
		  bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, table->read);
	for (attnum = 1; attnum <= natts; attnum++)
	{
		if (table->predicates.columns[attnum - 1] != NULL &&
			(all || bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber,
								  table->read)))
			attnums = lappend_int(attnums, attnum);
	}
	return attnums;
}

/* How the columns that the query reads can be got */
static void
plan_access(PlanTable *table, int natts)
{
	List *attnums =
		list_columns_read(table, natts, !appconfig_enable_pushdown);
	const AppConfigColumn **columns =
		palloc0(sizeof(AppConfigColumn *) * (list_length(attnums) + 1));
	ListCell *cell;
	int		  i = 0;

	foreach(cell, attnums)
		columns[i++] = table->predicates.columns[lfirst_int(cell) - 1];
	appconfig_access_plan(&table->access, table->table, columns);
}

void
appconfigGetForeignRelSize(PlannerInfo *root, RelOptInfo *baserel,
						   Oid foreigntableid)
{
	PlanTable *table = palloc0(sizeof(PlanTable));
	Relation   relation = table_open(foreigntableid, NoLock);

	table->table = appconfig_options_get_table(foreigntableid);
	table->predicates.root = root;
	table->predicates.relid = baserel->relid;
	table->predicates.columns =
		appconfig_options_get_columns(relation, table->table);
	table_close(relation, NoLock);
	table->read = find_columns_read(baserel);
	table->serverid = baserel->serverid;
	plan_access(table, baserel->max_attr);
	baserel->fdw_private = table;
	baserel->tuples = estimate(root, table, NIL).rows;
	baserel->rows =
		clamp_row_est(estimate(root, table, baserel->baserestrictinfo).rows);
}

/* ------------------------------------------------------------------------
 * Paths
 * ------------------------------------------------------------------------
 */
static void
add_foreign_path(PlannerInfo *root, RelOptInfo *baserel, List *clauses,
				 double rows, Relids outer)
{
	Estimate expected = estimate(root, baserel->fdw_private, clauses);
	Cost	 startup = COST_OF_CALL;
	Cost	 total = expected.calls * COST_OF_CALL + rows * cpu_tuple_cost;

	add_path(baserel,
			 (Path *) appconfig_create_foreignscan_path(
				 root, baserel, rows, startup, Max(startup, total), outer));
}

/* For generate_implied_equalities_for_column(): is it the column in question?
 */
static bool
is_wanted_column(PlannerInfo *root	  pg_attribute_unused(),
				 RelOptInfo *rel	  pg_attribute_unused(),
				 EquivalenceClass *ec pg_attribute_unused(),
				 EquivalenceMember *em, void *arg)
{
	Expr	  *expr = em->em_expr;
	const Var *wanted = arg;

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
	const PlanTable *table = baserel->fdw_private;
	List			*clauses = NIL;
	ListCell		*cell;
	AttrNumber		 attnum;

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
		const AppConfigColumn *column = table->predicates.columns[attnum - 1];
		Var wanted = {.varno = baserel->relid, .varattno = attnum};

		if (column != NULL && column->key != KEY_NONE)
			clauses = list_concat(clauses,
								  generate_implied_equalities_for_column(
									  root, baserel, is_wanted_column, &wanted,
									  baserel->lateral_referencers));
	}
	return clauses;
}

/* The clause's other tables, if with their rows at hand it binds a key */
static Relids
outer_of_clause(RelOptInfo *baserel, RestrictInfo *rinfo)
{
	const PlanTable *table = baserel->fdw_private;
	List			*operands;
	Relids			 outer;

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
	ListCell *cell;

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
	List	 *combinations = NIL;
	ListCell *cell;

	foreach(cell, find_join_clauses(root, baserel))
	{
		Relids	  outer = outer_of_clause(baserel, lfirst(cell));
		List	 *known = list_copy(combinations);
		ListCell *other;

		combinations = add_combination(combinations, outer);
		foreach(other, known)
		{
			if (!bms_is_empty(outer) &&
				list_length(combinations) < MAX_OUTER_COMBINATIONS)
				combinations = add_combination(
					combinations, bms_union(lfirst(other), outer));
		}
	}
	return combinations;
}

void
appconfigGetForeignPaths(PlannerInfo *root, RelOptInfo *baserel,
						 Oid foreigntableid pg_attribute_unused())
{
	ListCell *cell;

	add_foreign_path(root, baserel, baserel->baserestrictinfo, baserel->rows,
					 baserel->lateral_relids);
	if (!appconfig_enable_pushdown)
		return;
	foreach(cell, find_outer_combinations(root, baserel))
	{
		ParamPathInfo *param_info =
			get_baserel_parampathinfo(root, baserel, lfirst(cell));
		List *clauses = list_concat_copy(baserel->baserestrictinfo,
										 param_info->ppi_clauses);

		param_info->ppi_rows = Min(
			clamp_row_est(estimate(root, baserel->fdw_private, clauses).rows),
			baserel->rows);
		add_foreign_path(root, baserel, clauses, param_info->ppi_rows,
						 lfirst(cell));
	}
}

/* ------------------------------------------------------------------------
 * Plan
 * ------------------------------------------------------------------------
 */

/*
 * The places in the plan's qual of those clauses that can be checked before a
 * document is fetched.  A clause must not see a row before those that protect
 * it have: where a clause of a lower security level has to wait for the
 * document, only leakproof ones may go ahead.
 */
static void
find_early_quals(const PlanTable *table, List *scan_clauses, List *qual,
				 AppConfigScanPlan *plan)
{
	Index	  waiting = PG_UINT32_MAX;
	ListCell *cell;

	foreach(cell, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (!can_go_early(table, (Node *) rinfo->clause))
			waiting = Min(waiting, rinfo->security_level);
	}
	foreach(cell, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		ListCell	 *other;

		if (!can_go_early(table, (Node *) rinfo->clause) ||
			(rinfo->security_level > waiting && !rinfo->leakproof))
			continue;
		foreach(other, qual)
		{
			if (lfirst(other) != rinfo->clause)
				continue;
			plan->early_quals =
				lappend_int(plan->early_quals, foreach_current_index(other));
			plan->early_levels = lappend_int(
				plan->early_levels,
				rinfo->leakproof ? -1 : (int) rinfo->security_level);
		}
	}
}

/*
 * Tables of the query that are joined with this one, of the same server, and
 * that read what can change of the same things: one state of a thing is to be
 * seen by all.  A document is fetched once in a statement, so whoever reads
 * what changes of it reads it there; and where all do with lists, those are
 * the same lists.
 */
static void
agree_with_others(PlannerInfo *root, RelOptInfo *baserel,
				  AppConfigScanPlan *plan)
{
	const PlanTable *table = baserel->fdw_private;
	bool			 others = false;
	int				 i;

	if (!table->access.changing)
		return;
	for (i = 1; i < root->simple_rel_array_size; i++)
	{
		RelOptInfo		*rel = root->simple_rel_array[i];
		const PlanTable *other;

		if (rel == NULL || rel == baserel || !IS_SIMPLE_REL(rel) ||
			rel->fdwroutine == NULL ||
			rel->fdwroutine->GetForeignRelSize != appconfigGetForeignRelSize)
			continue;
		other = rel->fdw_private;
		if (other == NULL || other->serverid != table->serverid ||
			other->table->collection != table->table->collection ||
			!other->access.changing)
			continue;
		others = true;
		plan->documents |= other->access.need_document;
	}
	plan->every_state = others && !plan->documents;
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

ForeignScan *
appconfigGetForeignPlan(PlannerInfo *root, RelOptInfo *baserel,
						Oid foreigntableid	   pg_attribute_unused(),
						ForeignPath *best_path pg_attribute_unused(),
						List *tlist, List *scan_clauses, Plan *outer_plan)
{
	PlanTable		 *table = baserel->fdw_private;
	AppConfigScanPlan plan = {.table = table->table};
	List			 *qual = extract_actual_clauses(scan_clauses, false);
	List			 *operands = NIL;

	plan.columns = list_columns_read(table, baserel->max_attr,
									 !appconfig_enable_pushdown);
	agree_with_others(root, baserel, &plan);
	if (appconfig_enable_pushdown)
	{
		plan.keys = appconfig_predicate_bind(&table->predicates, scan_clauses,
											 &operands);
		find_early_quals(table, scan_clauses, qual, &plan);
		plan.rows_wanted = find_rows_wanted(root);
	}
	return make_foreignscan(tlist, qual, baserel->relid, operands,
							appconfig_request_pack(&plan), NIL, NIL,
							outer_plan);
}
