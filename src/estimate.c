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

/*
 * What part of the rows meets those clauses that bind no key and that lists
 * answer, or those that they do not answer
 */
static double
selectivity_besides_keys(PlannerInfo *root, const PlannerRelInfo *table,
						 List *clauses, bool by_lists)
{
	List	   *some = NIL;
	List	   *operands;
	ListCell   *cell;

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

/* ------------------------------------------------------------------------
 * Things of the levels
 *
 * At each level of a route some things are known by their keys, and lists show
 * the others.
 * ------------------------------------------------------------------------
 */

/* How many values a box has for a key or its name; 0 for any */
static double
count_values(const KeyBox *box, AppConfigKey key, AppConfigKey name)
{
	int			count = appconfig_keyset_count(box, key);

	return Max(count >= 0 ? count : appconfig_keyset_count(box, name), 0);
}

static double
count_level_values(const Route *route, int level, const KeyBox *box)
{
	AppConfigKey key = route->level_keys[level];

	/* an application is known by its name only once it has been listed */
	if (key == KEY_APPLICATION_ID)
		return count_values(box, key, KEY_APPLICATION_NAME);
	return count_values(box, key, appconfig_keys[key].name_key);
}

/*
 * Applications that the topmost things in a box belong to; 0 for any, and 1 if
 * they are applications themselves
 */
static double
count_scopes(const Route *route, const KeyBox *box)
{
	return route->level_keys[0] == KEY_APPLICATION_ID
		? 1
		: count_values(box, KEY_APPLICATION_ID, KEY_APPLICATION_NAME);
}

/* Things of a level that are in a box, by themselves */
static double
count_things(const Route *route, int level, const KeyBox *box)
{
	double		values = count_level_values(route, level, box);
	double		expected = appconfig_route_collection(route, level)->expected;
	double		scopes;

	if (level > 0)
		return count_things(route, level - 1, box) *
			(values > 0 ? values : expected);
	scopes = count_scopes(route, box);
	if (values > 0)
		return Max(scopes, 1) * values;
	return (scopes > 0 ? scopes : EXPECTED(COLLECTION_APPLICATIONS)) *
		expected;
}

/*
 * Boxes as far as the keys of a level and of those above tell them apart; of
 * applications alone for -1
 */
static KeySet *
project_level(const Route *route, int level, const KeySet *keys)
{
	AppConfigKey some[2 * (MAX_LEVELS + 1)] = {
		KEY_APPLICATION_ID, KEY_APPLICATION_NAME
	};
	int			count = 2;
	int			i;

	for (i = 0; i <= level; i++)
	{
		AppConfigKey key = route->level_keys[i];

		some[count++] = key;
		some[count++] = appconfig_keys[key].name_key;
	}
	return appconfig_keyset_project(keys, some, count);
}

/* Things to look at: known ones, and those that lists show */
typedef struct Things
{
	const RouteStep *top;		/* how to come by the topmost */
	double		known;
	double		listed;
	double		share;			/* of what is in the boxes that the topmost
								 * lists are for */
} Things;

/* Has the account a list of the topmost things, or each application one? */
static bool
lists_account(const RouteStep *top)
{
	return top->lists != NIL &&
		((RouteList *) linitial(top->lists))->application == NULL;
}

/* Do lists show the topmost things in a box? */
static bool
is_listed(const RouteStep *top, const KeyBox *box)
{
	const KeyTexts *applications = box->texts[KEY_APPLICATION_ID];

	if (top->listed == NULL)
		return lists_account(top);
	return applications != NULL &&
		appconfig_keyset_has_text(top->listed, applications->value[0]);
}

/* The boxes whose topmost things are listed, of applications alone */
static KeySet *
project_listed(const Route *route, const RouteStep *top, const KeySet *keys)
{
	KeySet	   *some = appconfig_keyset_make(keys->count);
	int			i;

	for (i = 0; i < keys->count; i++)
	{
		if (is_listed(top, &keys->boxes[i]))
			some->boxes[some->count++] = keys->boxes[i];
	}
	return project_level(route, -1, some);
}

/* Applications that boxes name; 0 if one leaves them open */
static double
count_listed_scopes(const Route *route, const KeySet *listed)
{
	KeySet	   *distinct = project_level(route, -1, listed);
	double		scopes = 0;
	int			i;

	for (i = 0; i < distinct->count; i++)
	{
		if (count_scopes(route, &distinct->boxes[i]) == 0)
			return 0;
		scopes += count_scopes(route, &distinct->boxes[i]);
	}
	return scopes;
}

static Things
expect_top(Estimate *result, const Route *route, const KeySet *keys)
{
	static const KnownKeys nothing;
	RouteStep  *top = appconfig_route_step(route, 0, &nothing, keys, true);
	KeySet	   *distinct = project_level(route, 0, keys);
	double		scopes = lists_account(top)
	? 0
	: count_listed_scopes(route, project_listed(route, top, distinct));
	double		items = (scopes > 0 ? scopes : EXPECTED(COLLECTION_APPLICATIONS)) *
	appconfig_route_collection(route, 0)->expected;
	Things		things = {.top = top, .share = 1};
	int			i;

	if (route->level_keys[0] == KEY_APPLICATION_ID)
		items = EXPECTED(COLLECTION_APPLICATIONS);
	for (i = 0; i < distinct->count; i++)
	{
		if (is_listed(top, &distinct->boxes[i]))
			things.listed += count_things(route, 0, &distinct->boxes[i]);
		else
			things.known += count_things(route, 0, &distinct->boxes[i]);
	}
	if (top->lists == NIL)
		return things;
	/* however many are asked for, the lists have no more */
	things.share = Min(items / things.listed, 1);
	things.listed *= things.share;
	result->lists += count_pages(Max(scopes, 1), items);
	result->waits++;
	return things;
}

/* Things of a level in a box, as far as there are any */
static double
share_of_things(const Route *route, int level, const KeyBox *box,
				const Things *things)
{
	return count_things(route, level, box) *
		(is_listed(things->top, box) ? things->share : 1);
}

static double
share_of_all(const Route *route, int level, const KeySet *keys,
			 const Things *things)
{
	double		total = 0;
	int			i;

	for (i = 0; i < keys->count; i++)
		total += share_of_things(route, level, &keys->boxes[i], things);
	return total;
}

/*
 * Boxes whose things of a level lists show: which leave these open, or which
 * have so many of one parent that lists are the cheaper way.  Those of the
 * others are put into named.
 */
static KeySet *
select_listed(const Route *route, int level, const KeySet *keys,
			  const Things *things, KeySet *named)
{
	KeySet	   *open = appconfig_keyset_make(keys->count);
	double		parents =
	share_of_all(route, level - 1, project_level(route, level - 1, keys), things);
	double		of_parent =
	share_of_all(route, level, keys, things) / Max(parents, 1);
	int			i;

	for (i = 0; i < keys->count; i++)
	{
		const KeyBox *box = &keys->boxes[i];
		double		values = count_level_values(route, level, box);
		double		worth = appconfig_route_worth_of_thing(route, level, box);

		if (values == 0 ||
			Max(values, of_parent) * worth >= route->list_price)
			open->boxes[open->count++] = *box;
		else
			named->boxes[named->count++] = *box;
	}
	return open;
}

/* On from the things of the level above to those of a level with a key */
static void
expect_level(Estimate *result, const Route *route, int level,
			 const KeySet *keys, Things *things)
{
	KeySet	   *named = appconfig_keyset_make(keys->count);
	KeySet	   *listed = select_listed(route, level, keys, things, named);
	double		expected = appconfig_route_collection(route, level)->expected;
	double		lists =
	share_of_all(route, level - 1, project_level(route, level - 1, listed), things);

	things->known = share_of_all(route, level, named, things);
	/* however many are asked for, the lists have no more */
	things->listed = Min(share_of_all(route, level, listed, things),
						 lists * expected);
	result->lists += lists;
	if (listed->count > 0)
		result->waits++;
}

/* Calls and rows of a walk */
static Estimate
estimate_calls(PlannerInfo *root, const PlannerRelInfo *table, List *clauses,
			   const KeySet *keys)
{
	const Route *route = &table->route;
	Estimate	result = {.gets = 0};
	Things		things;
	int			level = 1;
	double		passing;
	double		calls;

	if (appconfig_route_needs_applications(route, keys))
		keys = appconfig_route_name_applications(keys);
	things = expect_top(&result, route, keys);
	while (level < route->levels_count && route->level_keys[level] != KEY_NONE)
		expect_level(&result, route, level++, keys, &things);
	passing = things.listed > 0
		? things.listed * selectivity_besides_keys(root, table, clauses, true)
		: 0;
	result.rows = things.known + passing;
	/* what is known is asked for, of what is not there are lists */
	calls = things.known;
	if (route->need_document || level < route->levels_count)
		calls += table->pushdown ? passing : things.listed;
	if (calls > 0)
		result.waits++;
	if (level < route->levels_count)
		result.lists += calls;
	else
		result.gets += calls;
	/* below come lists whose items have no key */
	for (; level < route->levels_count; level++)
		result.rows *= appconfig_route_collection(route, level)->expected;
	result.rows *= rows_of_shape[table->table->shape];
	result.rows *= selectivity_besides_keys(root, table, clauses, false);
	return result;
}

/* Does every box wait for a region that is not known yet? */
static bool
region_is_unknown(const KeySet *keys)
{
	int			i;

	for (i = 0; i < keys->count; i++)
	{
		const KeyTexts *region = keys->boxes[i].texts[KEY_REGION];

		if (region == NULL || !region->unknown)
			return false;
	}
	return true;
}

/* The keys that the clauses bind, as far as their values are known */
static KeySet *
expect_keys(PlannerInfo *root, const PlannerRelInfo *table, List *clauses)
{
	List	   *operands = NIL;
	KeyExpr    *expr = NULL;

	if (table->pushdown)
		expr =
			appconfig_predicate_bind(&table->predicates, clauses, &operands);
	return appconfig_operands_expect(root, expr, operands, table->region);
}

/*
 * Calls and rows if the clauses are those that bind keys: none if no row can
 * meet them, those of each combination of values else.
 */
Estimate
appconfig_estimate(PlannerInfo *root, const PlannerRelInfo *table,
				   List *clauses)
{
	KeySet	   *keys = expect_keys(root, table, clauses);
	Estimate	result = {.gets = 0};

	if (keys->count == 0)
		return result;
	result = estimate_calls(root, table, clauses, keys);
	if (region_is_unknown(keys))
	{
		result.gets *= REGION_MATCHES;
		result.lists *= REGION_MATCHES;
		result.waits *= REGION_MATCHES;
	}
	return result;
}

/* Documents that rows need beside their own, each once */
static double
estimate_side_gets(const Route *route, const KeySet *keys, SideLookup side)
{
	Estimate	unused = {.gets = 0};
	Things		things;

	if (side == SIDE_APPLICATION)
		return Max(count_listed_scopes(route, keys), 1);
	if (route->levels[0] != appconfig_side_lookups[side].collection)
		return 1;
	things = expect_top(&unused, route, keys);
	return things.known + things.listed;
}

/*
 * The calls that the clauses lead to, all of them: with those that tell what
 * rows need of their applications and definitions.  These are about the same
 * whatever the path, so that they are no part of the cost.
 */
Estimate
appconfig_estimate_all_calls(PlannerInfo *root, const PlannerRelInfo *table,
							 List *clauses)
{
	const Route *route = &table->route;
	KeySet	   *keys = expect_keys(root, table, clauses);
	double		share = region_is_unknown(keys) ? REGION_MATCHES : 1;
	Estimate	result = appconfig_estimate(root, table, clauses);
	RouteCalls *calls = appconfig_route_calls(route, keys);
	int			side;

	if (calls->applications_listed)
		result.lists +=
			share * count_pages(1, EXPECTED(COLLECTION_APPLICATIONS));
	for (side = 0; side < SIDE_COUNT; side++)
	{
		if (calls->looked_up[side])
			result.gets += share * estimate_side_gets(route, keys, side);
	}
	return result;
}

/* Calls of either kind */
double
appconfig_estimate_calls(const Estimate *expected)
{
	return expected->gets + expected->lists;
}

/* What it costs, beside the processing of rows, to expect that */
Cost
appconfig_estimate_cost(const Estimate *expected)
{
	double		calls = appconfig_estimate_calls(expected);

	if (calls > MANY_CALLS)
		calls = MANY_CALLS * (1 + log(calls / MANY_CALLS));
	return calls * COST_OF_CALL +
		(expected->waits + calls / CALLS_AT_A_TIME) * COST_OF_WAIT;
}

/* Is that another table of this extension? */
static bool
is_our_relation(PlannerInfo *root, const PlannerRelInfo *table,
				const RelOptInfo *rel)
{
	FdwRoutine *ours =
	root->simple_rel_array[table->predicates.relid]->fdwroutine;

	return rel->fdwroutine != NULL &&
		rel->fdwroutine->GetForeignRelSize == ours->GetForeignRelSize;
}

/* Rows that other tables hand over together; 0 if one of them is ours */
static double
count_outer_rows(PlannerInfo *root, const PlannerRelInfo *table, Relids outer)
{
	double		rows = 1;
	int			relid = -1;

	while ((relid = bms_next_member(outer, relid)) >= 0)
	{
		RelOptInfo *rel = relid < root->simple_rel_array_size
		? root->simple_rel_array[relid]
		: NULL;

		if (rel == NULL)
			continue;			/* an outer join */
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
	int			i;

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
count_outer_groups(PlannerInfo *root, const PlannerRelInfo *table,
				   List *clauses, Relids outer, double rows, bool region)
{
	List	   *operands;
	KeyExpr    *expr =
	appconfig_predicate_bind(&table->predicates, clauses, &operands);
	List	   *from_outer = NIL;
	Bitmapset  *numbers;
	int			number = -1;

	if (expr == NULL)
		return 0;
	numbers = operands_of(expr, region, NULL);
	while ((number = bms_next_member(numbers, number)) >= 0)
	{
		Node	   *operand = list_nth(operands, number);

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
appconfig_estimate_region(PlannerInfo *root, const PlannerRelInfo *table,
						  List *clauses, Relids outer)
{
	double		rows = count_outer_rows(root, table, outer);
	double		regions =
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
appconfig_estimate_repeats(PlannerInfo *root, const PlannerRelInfo *table,
						   List *clauses, Relids outer)
{
	double		rows = count_outer_rows(root, table, outer);
	double		regions;
	double		groups;

	if (rows <= 1)
		return 1;
	regions = count_outer_groups(root, table, clauses, outer, rows, true);
	groups = count_outer_groups(root, table, clauses, outer, rows, false);
	if (regions == 0 && groups == 0)
		return 1;
	return Min(1, Max(groups, 1) / rows + COST_OF_REPEAT / Max(regions, 1));
}
