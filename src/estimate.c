/*-------------------------------------------------------------------------
 *
 * estimate.c
 *		How many calls and rows clauses let us expect.
 *
 * Nothing is known of an account while a query is planned, so numbers of
 * things are guesses; what counts is that a plan with fewer calls, and then
 * with fewer of them one after another, is the cheaper one.
 *
 * What may not live here: paths (fdw_plan.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "foreign/fdwapi.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "compat.h"
#include "early.h"
#include "estimate.h"

/*
 * A call takes some milliseconds, as several are in flight; reading a page
 * from disk takes some tens of microseconds, and that is seq_page_cost.  What
 * a call costs has to keep a plan with fewer of them below one with more, and
 * ordinary queries below jit_above_cost.  Where there are as many, it is
 * better not to make one after another: a wait is shared by the calls that are
 * in flight together.
 */
#define COST_OF_CALL 35.0
#define COST_OF_WAIT 5.0

/* What is left of them where the statement has the answer already */
#define COST_OF_REPEAT 0.02

/* Calls of a scan that are in flight together; max_concurrency's default */
#define CALLS_AT_A_TIME 16.0

/* What an account holds, where nothing is known of it */
#define APPLICATIONS_OF_ACCOUNT	   10.0
#define DEFINITIONS_OF_APPLICATION 10.0
#define RUNS_OF_DEFINITION		   10.0
#define CHILDREN_OF_APPLICATION	   5.0 /* environments, profiles */
#define EVENTS_OF_RUN			   4.0

/* Items that a page of a list has */
#define PAGE_ITEMS 50.0

/* By AppConfigRowShape */
static const double rows_of_shape[] = {
	[ROW_PER_ITEM] = 1,
	[ROW_PER_TREATMENT] = 3,
	[ROW_PER_ATTRIBUTE] = 12,
	[ROW_PER_ENTRY] = 5,
};

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

		if (appconfig_early_can_go(table, (Node *) rinfo->clause) == early &&
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
	Estimate result = {
		.calls = 1, .waits = 1, .rows = APPLICATIONS_OF_ACCOUNT};

	if (table->table->collection == COLLECTION_APPLICATIONS)
		return result;
	if (applications == 0)
	{
		applications = APPLICATIONS_OF_ACCOUNT;
		result.waits++;
	}
	else
		result.calls = 0;
	result.calls += applications * Max(ids, 1);
	result.rows = applications * (ids > 0 ? ids : CHILDREN_OF_APPLICATION);
	return result;
}

/* Definitions to look at: those that are known, or what lists show of them */
static double
expect_definitions(Estimate *result, double applications, double definitions)
{
	double items =
		(applications > 0 ? applications : APPLICATIONS_OF_ACCOUNT) *
		DEFINITIONS_OF_APPLICATION;

	if (applications > 0 && definitions > 0)
		return applications * definitions;
	result->calls += pages(Max(applications, 1), items);
	result->waits++;
	return definitions > 0 ? definitions : items;
}

/* Their runs to look at, likewise */
static double
expect_runs(Estimate *result, double definitions, double runs)
{
	if (runs > 0)
		return definitions * runs;
	result->calls += definitions;
	result->waits++;
	return definitions * RUNS_OF_DEFINITION;
}

/*
 * Calls and rows if the clauses are those that bind keys.  A definition and a
 * run that are known are asked for, of what is not there are lists.
 */
Estimate
appconfig_estimate(PlannerInfo *root, const PlanTable *table, List *clauses)
{
	AppConfigCollectionId collection = table->table->collection;
	List				 *operands = NIL;
	KeyExpr				 *keys = NULL;
	double				  applications;
	double				  definitions;
	double				  runs;
	Estimate			  result = {.calls = 0};
	bool				  listed;

	if (table->pushdown)
		keys =
			appconfig_predicate_bind(&table->predicates, clauses, &operands);
	applications = count_ids(root, keys, operands, KEY_APPLICATION_ID,
							 KEY_APPLICATION_NAME);
	if (collection == COLLECTION_APPLICATIONS ||
		collection == COLLECTION_ENVIRONMENTS)
		return estimate_children(table, applications,
								 count_ids(root, keys, operands,
										   KEY_ENVIRONMENT_ID,
										   KEY_ENVIRONMENT_NAME));
	if (collection == COLLECTION_PROFILES)
		return estimate_children(
			table, applications,
			count_ids(root, keys, operands, KEY_PROFILE_ID, KEY_PROFILE_NAME));

	definitions = count_ids(root, keys, operands, KEY_DEFINITION_ID,
							KEY_DEFINITION_NAME);
	runs = count_values(root, keys, operands, KEY_RUN);
	listed = applications == 0 || definitions == 0;
	result.rows = expect_definitions(&result, applications, definitions);
	if (collection != COLLECTION_DEFINITIONS)
	{
		listed = runs == 0;
		result.rows = expect_runs(&result, result.rows, runs);
	}
	if (listed)
		result.rows *= selectivity_besides_keys(root, table, clauses, true);
	if (!listed || table->access.need_document ||
		collection == COLLECTION_EVENTS)
	{
		result.calls += result.rows;
		result.waits++;
	}
	if (collection == COLLECTION_EVENTS)
		result.rows *= EVENTS_OF_RUN;
	result.rows *= rows_of_shape[table->table->shape];
	result.rows *= selectivity_besides_keys(root, table, clauses, false);
	return result;
}

/* What it costs, beside the processing of rows, to expect that */
Cost
appconfig_estimate_cost(const Estimate *expected)
{
	return expected->calls * COST_OF_CALL +
		   (expected->waits + expected->calls / CALLS_AT_A_TIME) *
			   COST_OF_WAIT;
}

/* Is that another table of this extension? */
static bool
is_ours(PlannerInfo *root, const PlanTable *table, const RelOptInfo *rel)
{
	FdwRoutine *ours =
		root->simple_rel_array[table->predicates.relid]->fdwroutine;

	return rel->fdwroutine != NULL &&
		   rel->fdwroutine->GetForeignRelSize == ours->GetForeignRelSize;
}

/* Rows that other tables hand over together; 0 if one of them is ours */
static double
count_outer_rows(PlannerInfo *root, const PlanTable *table, Relids outer)
{
	double rows = 1;
	int	   relid = -1;

	while ((relid = bms_next_member(outer, relid)) >= 0)
	{
		RelOptInfo *rel = relid < root->simple_rel_array_size
							  ? root->simple_rel_array[relid]
							  : NULL;

		if (rel == NULL)
			continue; /* an outer join */
		if (is_ours(root, table, rel))
			return 0;
		rows *= Max(rel->rows, 1);
	}
	return rows;
}

/*
 * What part of the cost of a scan is left, on average, if it is run again for
 * each row of other tables: keys that have been there before cost no call, as
 * the statement has the answer.  An exposure table names a few runs in many
 * rows.  Rows of tables of ours are taken to be about different things, since
 * nothing is known of their distribution.
 */
double
appconfig_estimate_repeats(PlannerInfo *root, const PlanTable *table,
						   List *clauses, Relids outer)
{
	double	  rows = count_outer_rows(root, table, outer);
	List	 *from_outer = NIL;
	List	 *operands;
	ListCell *cell;

	if (rows <= 1 || appconfig_predicate_bind(&table->predicates, clauses,
											  &operands) == NULL)
		return 1;
	foreach(cell, operands)
	{
		if (bms_overlap(appconfig_pull_varnos(root, lfirst(cell)), outer))
			from_outer = lappend(from_outer, lfirst(cell));
	}
	if (from_outer == NIL)
		return 1;
	return Min(1,
			   appconfig_estimate_num_groups(root, from_outer, rows) / rows +
				   COST_OF_REPEAT);
}
