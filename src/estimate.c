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
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"

#include "compat.h"
#include "estimate.h"
#include "list_filter.h"
#include "operand.h"

/*
 * A call takes some milliseconds, as several are in flight; reading a page
 * from disk takes some tens of microseconds, and that is seq_page_cost.  What
 * a call costs has to keep a plan with fewer of them below one with more, and
 * ordinary queries below jit_above_cost.  Where there are as many, it is
 * better not to make one after another: a wait is shared by the calls that are
 * in flight together.
 */
#define COST_OF_CALL 20.0
#define COST_OF_WAIT 3.0

/*
 * Calls of one scan beyond which more of them cost more only by the logarithm.
 * A query that names thousands of combinations has a clause with as many arms,
 * which LLVM would need minutes to compile, deaf to every interrupt, only for
 * the work to wait for the network all the same.  So no number of calls that
 * one scan makes comes near jit_above_cost; several of such scans in a
 * statement can.
 */
#define MANY_CALLS 700.0

/* What is left of them where the statement has the answer already */
#define COST_OF_REPEAT 0.02

/* Calls of a scan that are in flight together; max_concurrency's default */
#define CALLS_AT_A_TIME 16.0

/* What an account holds, where nothing is known of it */
#define EXPECTED(collection) (appconfig_collections[collection].expected)

/* Items that a page of a list has */
#define PAGE_ITEMS 50.0

/* How likely a region that is not known yet is the server's */
#define REGION_MATCHES 0.5

/* By AppConfigRowShape */
static const double rows_of_shape[] = {
	[ROW_PER_ITEM] = 1,
	[ROW_PER_TREATMENT] = 3,
	[ROW_PER_ATTRIBUTE] = 12,
	[ROW_PER_ENTRY] = 5,
};

/* How many values a box has for something known by its id or its name; 0 for
 * any */
static double
count_key_values(const KeyBox *box, AppConfigKey id, AppConfigKey name)
{
	const KeyTexts *texts =
		box->texts[id] != NULL ? box->texts[id] : box->texts[name];

	return texts != NULL ? texts->count : 0;
}

static double
count_applications(const KeyBox *box)
{
	return count_key_values(box, KEY_APPLICATION_ID, KEY_APPLICATION_NAME);
}

/*
 * What part of the rows meets those clauses that bind no key and that lists
 * answer, or those that they do not answer
 */
static double
selectivity_besides_keys(PlannerInfo *root, const PlanTable *table,
						 List *clauses, bool by_lists)
{
	List	 *some = NIL;
	List	 *operands;
	ListCell *cell;

	foreach(cell, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (appconfig_list_filter_takes(table, (Node *) rinfo->clause) ==
				by_lists &&
			appconfig_predicate_bind(&table->predicates, list_make1(rinfo),
									 &operands) == NULL)
			some = lappend(some, rinfo);
	}
	return clauselist_selectivity(root, some, table->predicates.relid,
								  JOIN_INNER, NULL);
}

/* One list for all, or one for each parent; as long as its items take */
static double
count_pages(double lists, double items)
{
	return Max(lists, ceil(items / PAGE_ITEMS));
}

/* Calls and rows of a table whose things stand in applications themselves */
static Estimate
estimate_children(const PlanTable *table, const KeySet *keys)
{
	bool	 profiles = table->table->collection == COLLECTION_PROFILES;
	Estimate result = {
		.calls = 1, .waits = 1, .rows = EXPECTED(COLLECTION_APPLICATIONS)};
	bool listed = false;
	int	 i;

	if (table->table->collection == COLLECTION_APPLICATIONS)
		return result;
	result.calls = result.rows = 0;
	for (i = 0; i < keys->count; i++)
	{
		const KeyBox *box = &keys->boxes[i];
		double		  applications = count_applications(box);
		double		  ids =
			   profiles ? count_key_values(box, KEY_PROFILE_ID, KEY_PROFILE_NAME)
							: count_key_values(box, KEY_ENVIRONMENT_ID,
											   KEY_ENVIRONMENT_NAME);

		listed |= applications == 0;
		if (applications == 0)
			applications = EXPECTED(COLLECTION_APPLICATIONS);
		result.calls += applications * Max(ids, 1);
		result.rows += applications *
					   (ids > 0 ? ids : EXPECTED(table->table->collection));
	}
	if (listed)
	{
		result.calls++;
		result.waits++;
	}
	return result;
}

/* Are the box's definitions all known? */
static bool
knows_definitions(const KeyBox *box)
{
	return count_applications(box) > 0 &&
		   count_key_values(box, KEY_DEFINITION_ID, KEY_DEFINITION_NAME) > 0;
}

/* Definitions that are in a box, by themselves */
static double
count_definitions(const KeyBox *box)
{
	double applications = count_applications(box);
	double definitions =
		count_key_values(box, KEY_DEFINITION_ID, KEY_DEFINITION_NAME);

	if (definitions > 0)
		return Max(applications, 1) * definitions;
	return (applications > 0 ? applications
							 : EXPECTED(COLLECTION_APPLICATIONS)) *
		   EXPECTED(COLLECTION_DEFINITIONS);
}

/* Definitions to look at, of those in boxes: known, and that lists show */
typedef struct Definitions
{
	double known;
	double listed;
	double share; /* of what is in the boxes that lists are for */
} Definitions;

static const AppConfigKey application_keys[] = {KEY_APPLICATION_ID,
												KEY_APPLICATION_NAME};
static const AppConfigKey definition_keys[] = {
	KEY_APPLICATION_ID, KEY_APPLICATION_NAME, KEY_DEFINITION_ID,
	KEY_DEFINITION_NAME};

/* The boxes in which definitions are known, or those in which they are not */
static KeySet *
select_boxes(const KeySet *keys, bool known)
{
	KeySet *some = appconfig_keyset_make(keys->count);
	int		i;

	for (i = 0; i < keys->count; i++)
	{
		if (knows_definitions(&keys->boxes[i]) == known)
			some->boxes[some->count++] = keys->boxes[i];
	}
	return some;
}

/* Applications that lists of definitions are made for; 0 for the account's
 * list */
static double
count_listed_applications(const KeySet *listed)
{
	KeySet *distinct = appconfig_keyset_project(listed, application_keys,
												lengthof(application_keys));
	double	applications = 0;
	int		i;

	for (i = 0; i < distinct->count; i++)
	{
		if (count_applications(&distinct->boxes[i]) == 0)
			return 0;
		applications += count_applications(&distinct->boxes[i]);
	}
	return applications;
}

/* Definitions to look at: those that are known, or what lists show of them */
static Definitions
expect_definitions(Estimate *result, const KeySet *keys)
{
	KeySet *distinct = appconfig_keyset_project(keys, definition_keys,
												lengthof(definition_keys));
	KeySet *listed = select_boxes(distinct, false);
	double	applications = count_listed_applications(listed);
	double	items =
		(applications > 0 ? applications : EXPECTED(COLLECTION_APPLICATIONS)) *
		EXPECTED(COLLECTION_DEFINITIONS);
	Definitions definitions = {.share = 1};
	int			i;

	for (i = 0; i < distinct->count; i++)
	{
		if (knows_definitions(&distinct->boxes[i]))
			definitions.known += count_definitions(&distinct->boxes[i]);
		else
			definitions.listed += count_definitions(&distinct->boxes[i]);
	}
	if (listed->count == 0)
		return definitions;
	/* however many are asked for, the lists have no more */
	definitions.share = Min(items / definitions.listed, 1);
	definitions.listed *= definitions.share;
	result->calls += count_pages(Max(applications, 1), items);
	result->waits++;
	return definitions;
}

/* Definitions of a box, as far as there are any */
static double
share_of_definitions(const Definitions *definitions, const KeyBox *box)
{
	return count_definitions(box) *
		   (knows_definitions(box) ? 1 : definitions->share);
}

/* Their runs to look at, likewise */
static void
expect_runs(Estimate *result, const KeySet *keys,
			const Definitions *definitions, double *known, double *listed)
{
	KeySet *open = appconfig_keyset_make(keys->count);
	int		i;

	*known = *listed = 0;
	for (i = 0; i < keys->count; i++)
	{
		const KeyBox *box = &keys->boxes[i];
		int			  runs = appconfig_keyset_count(box, KEY_RUN);

		if (runs < 0)
			open->boxes[open->count++] = *box;
		else
			*known += share_of_definitions(definitions, box) * runs;
	}
	open = appconfig_keyset_project(open, definition_keys,
									lengthof(definition_keys));
	for (i = 0; i < open->count; i++)
	{
		double lists = share_of_definitions(definitions, &open->boxes[i]);

		result->calls += lists;
		*listed += lists * EXPECTED(COLLECTION_RUNS);
	}
	if (open->count > 0)
		result->waits++;
}

/* Calls and rows of a table of definitions, or of what belongs to their runs
 */
static Estimate
estimate_experiments(PlannerInfo *root, const PlanTable *table, List *clauses,
					 const KeySet *keys)
{
	AppConfigCollectionId collection = table->table->collection;
	Estimate			  result = {.calls = 0};
	Definitions			  definitions = expect_definitions(&result, keys);
	double				  known = definitions.known;
	double				  listed = definitions.listed;
	double				  documents;

	if (collection != COLLECTION_DEFINITIONS)
		expect_runs(&result, keys, &definitions, &known, &listed);
	if (listed > 0)
		listed *= selectivity_besides_keys(root, table, clauses, true);
	/* what is known is asked for, of what is not there are lists */
	documents = known;
	if (table->route.need_document || collection == COLLECTION_EVENTS)
		documents += listed;
	if (documents > 0)
		result.waits++;
	result.calls += documents;
	result.rows = known + listed;
	if (collection == COLLECTION_EVENTS)
		result.rows *= EXPECTED(collection);
	result.rows *= rows_of_shape[table->table->shape];
	result.rows *= selectivity_besides_keys(root, table, clauses, false);
	return result;
}

/* Does every box wait for a region that is not known yet? */
static bool
region_is_unknown(const KeySet *keys)
{
	int i;

	for (i = 0; i < keys->count; i++)
	{
		const KeyTexts *region = keys->boxes[i].texts[KEY_REGION];

		if (region == NULL || !region->unknown)
			return false;
	}
	return true;
}

/*
 * Calls and rows if the clauses are those that bind keys: none if no row can
 * meet them, those of each combination of values else.
 */
Estimate
appconfig_estimate(PlannerInfo *root, const PlanTable *table, List *clauses)
{
	AppConfigCollectionId collection = table->table->collection;
	List				 *operands = NIL;
	KeyExpr				 *expr = NULL;
	KeySet				 *keys;
	Estimate			  result = {.calls = 0};

	if (table->pushdown)
		expr =
			appconfig_predicate_bind(&table->predicates, clauses, &operands);
	keys = appconfig_operands_expect(root, expr, operands, table->region);
	if (keys->count == 0)
		return result;
	if (collection == COLLECTION_APPLICATIONS ||
		collection == COLLECTION_ENVIRONMENTS ||
		collection == COLLECTION_PROFILES)
		result = estimate_children(table, keys);
	else
		result = estimate_experiments(root, table, clauses, keys);
	if (region_is_unknown(keys))
	{
		result.calls *= REGION_MATCHES;
		result.waits *= REGION_MATCHES;
	}
	return result;
}

/* What it costs, beside the processing of rows, to expect that */
Cost
appconfig_estimate_cost(const Estimate *expected)
{
	double calls = expected->calls;

	if (calls > MANY_CALLS)
		calls = MANY_CALLS * (1 + log(calls / MANY_CALLS));
	return calls * COST_OF_CALL +
		   (expected->waits + calls / CALLS_AT_A_TIME) * COST_OF_WAIT;
}

/* Is that another table of this extension? */
static bool
is_our_relation(PlannerInfo *root, const PlanTable *table,
				const RelOptInfo *rel)
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
		if (is_our_relation(root, table, rel))
			return 0;
		rows *= Max(rel->rows, 1);
	}
	return rows;
}

/* Adds the numbers of the operands that bind the region, or the other keys */
static Bitmapset *
operands_of(const KeyExpr *expr, bool region, Bitmapset *numbers)
{
	int i;

	for (i = 0; i < expr->nargs; i++)
		numbers = operands_of(expr->args[i], region, numbers);
	if (expr->key != KEY_NONE && (expr->key == KEY_REGION) == region)
		numbers = bms_add_member(numbers, expr->operand);
	return numbers;
}

/*
 * How many different combinations of values other tables hand over to keys, in
 * so many rows: to the region, or to the others.  0 if to none.
 */
static double
count_outer_groups(PlannerInfo *root, const PlanTable *table, List *clauses,
				   Relids outer, double rows, bool region)
{
	List	*operands;
	KeyExpr *expr =
		appconfig_predicate_bind(&table->predicates, clauses, &operands);
	List	  *from_outer = NIL;
	Bitmapset *numbers;
	int		   number = -1;

	if (expr == NULL)
		return 0;
	numbers = operands_of(expr, region, NULL);
	while ((number = bms_next_member(numbers, number)) >= 0)
	{
		Node *operand = list_nth(operands, number);

		if (bms_overlap(appconfig_pull_varnos(root, operand), outer))
			from_outer = lappend(from_outer, operand);
	}
	return from_outer == NIL
			   ? 0
			   : appconfig_estimate_num_groups(root, from_outer, rows);
}

/*
 * What part of other tables' rows is about the server's region, if they hand
 * regions over: one of those that there are.
 */
double
appconfig_estimate_region(PlannerInfo *root, const PlanTable *table,
						  List *clauses, Relids outer)
{
	double rows = count_outer_rows(root, table, outer);
	double regions =
		count_outer_groups(root, table, clauses, outer, Max(rows, 1), true);

	return 1 / Max(regions, 1);
}

/*
 * What part of the cost of a scan is left, on average, if it is run again for
 * each row of other tables: keys that have been there before cost no call, as
 * the statement has the answer, and those of other regions none at all.  An
 * exposure table names a few runs in many rows.  Rows of tables of ours are
 * taken to be about different things, since nothing is known of their
 * distribution.
 */
double
appconfig_estimate_repeats(PlannerInfo *root, const PlanTable *table,
						   List *clauses, Relids outer)
{
	double rows = count_outer_rows(root, table, outer);
	double regions;
	double groups;

	if (rows <= 1)
		return 1;
	regions = count_outer_groups(root, table, clauses, outer, rows, true);
	groups = count_outer_groups(root, table, clauses, outer, rows, false);
	if (regions == 0 && groups == 0)
		return 1;
	return Min(1, Max(groups, 1) / rows + COST_OF_REPEAT / Max(regions, 1));
}
