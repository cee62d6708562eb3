/*-------------------------------------------------------------------------
 *
 * fdw_explain.c
 *		ExplainForeignScan: which operations a scan may call, with which keys,
 *		how many calls are expected and how long they take at least, what it
 *		checks before a document is fetched and what stays local; with ANALYZE
 *		also what the calls have cost.
 *
 * What may not live here: anything that asks the service, evaluates a key that
 * is no constant, or knows credentials.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "commands/explain.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "compat.h"
#include "budget.h"
#include "fdw.h"
#include "fdw_options.h"
#include "fdw_scan.h"
#include "list_filter.h"
#include "operand.h"
#include "predicate.h"

/* By KeyExprKind */
static const char *const operator_names[] = {
	[KEY_EXPR_IN] = "=",
	[KEY_EXPR_LESS] = "<",
	[KEY_EXPR_LESS_EQUAL] = "<=",
	[KEY_EXPR_GREATER] = ">",
	[KEY_EXPR_GREATER_EQUAL] = ">=",
};

/* What is needed to print the expressions of a scan */
typedef struct Deparse
{
	List	   *context;		/* for deparse_expression() */
	bool		prefix;			/* columns with their table's name? */
	const List *operands;		/* value expressions of the keys */
} Deparse;

static char *
deparse_expr(const Deparse *how, Node *expr)
{
	return deparse_expression(expr, how->context, how->prefix, false);
}

/* ------------------------------------------------------------------------
 * Keys
 * ------------------------------------------------------------------------
 */
static void
append_keys(StringInfo out, const Deparse *how, const KeyExpr *expr,
			bool nested)
{
	const char *joiner = expr->kind == KEY_EXPR_OR ? " OR " : " AND ";
	int			i;

	if (expr->kind == KEY_EXPR_NEVER)
	{
		appendStringInfoString(out, "false");
		return;
	}
	if (expr->kind != KEY_EXPR_AND && expr->kind != KEY_EXPR_OR)
	{
		Node	   *operand = list_nth(how->operands, expr->operand);
		bool		is_array = type_is_array(getBaseType(exprType(operand)));

		appendStringInfo(out, is_array ? "%s %s ANY (%s)" : "%s %s %s",
						 appconfig_keys[expr->key].name,
						 operator_names[expr->kind],
						 deparse_expr(how, operand));
		return;
	}
	if (nested && expr->nargs > 1)
		appendStringInfoChar(out, '(');
	for (i = 0; i < expr->nargs; i++)
	{
		if (i > 0)
			appendStringInfoString(out, joiner);
		append_keys(out, how, expr->args[i], true);
	}
	if (nested && expr->nargs > 1)
		appendStringInfoChar(out, ')');
}

/* ------------------------------------------------------------------------
 * Clauses
 * ------------------------------------------------------------------------
 */

/*
 * The clauses of the plan's qual that bind no key and that are, or are not,
 * checked before a document is fetched
 */
static List *
clauses_besides_keys(const RouteCalls *calls, List *qual,
					 const PredicateTable *table, bool before_fetch)
{
	List	   *clauses = NIL;
	ListCell   *cell;

	foreach(cell, qual)
	{
		List	   *operands;

		if (appconfig_list_filter_has(calls, table, qual,
									  foreach_current_index(cell)) ==
			before_fetch &&
			(calls->route->keys == NULL ||
			 appconfig_predicate_bind(table, list_make1(lfirst(cell)),
									  &operands) == NULL))
			clauses = lappend(clauses, lfirst(cell));
	}
	return clauses;
}

static void
explain_clauses(const char *label, const Deparse *how, List *clauses,
				ExplainState *es)
{
	if (clauses != NIL)
		ExplainPropertyText(label,
							deparse_expr(how, (Node *) make_ands_explicit(clauses)),
							es);
}

/* ------------------------------------------------------------------------
 * Calls that are expected
 * ------------------------------------------------------------------------
 */

/*
 * Seconds that so many calls take at so many a second, at least.  As many as a
 * second may have go out at once, see pacer.c.
 */
static double
least_time(double calls, double max_rate)
{
	return max_rate > 0 ? Max(calls - Max(max_rate, 1), 0) / max_rate : 0;
}

/* "41 Get, 3 List", or the two apart where programs read it */
static void
explain_expected_calls(double gets, double lists, ExplainState *es)
{
	if (es->format == EXPLAIN_FORMAT_TEXT)
		ExplainPropertyText("Expected Calls",
							psprintf("%.0f Get, %.0f List", gets, lists), es);
	else
	{
		ExplainPropertyFloat("Expected Get Calls", NULL, gets, 0, es);
		ExplainPropertyFloat("Expected List Calls", NULL, lists, 0, es);
	}
}

/*
 * What the planner expected of the scan if it is run once, and what the
 * server's options of now make of it.  Lists and documents have a rate each
 * and don't wait for one another.
 */
static void
explain_expectations(const ForeignScan *scan, ExplainState *es)
{
	AppConfigScanPlan *plan = appconfig_scan_plan_unpack(scan->fdw_private);
	AppConfigSettings settings;
	double		gets = ceil(plan->gets);
	double		lists = ceil(plan->lists);
	int			limit;

	appconfig_options_get_settings(scan->fs_server, &settings);
	/* a plan that is older than the setting was made for other calls */
	if (appconfig_enable_pushdown || (plan->reads & READS_ALL))
	{
		explain_expected_calls(gets, lists, es);
		ExplainPropertyFloat("Least Time", "s",
							 Max(least_time(gets, settings.max_get_rate),
								 least_time(lists, settings.max_list_rate)),
							 1, es);
	}
	limit = appconfig_budget_smaller_limit(settings.max_calls,
										   appconfig_max_calls);
	if (limit > 0)
		ExplainPropertyInteger("Budget", "calls", limit, es);
	appconfig_options_wipe_settings(&settings);
}

/* ------------------------------------------------------------------------
 * The callback
 * ------------------------------------------------------------------------
 */
static void
explain_cost(const ApiCounters *counters, ExplainState *es)
{
	ExplainPropertyInteger("Calls", NULL, counters->calls, es);
	ExplainPropertyInteger("Retries", NULL, counters->retries, es);
	ExplainPropertyInteger("Throttles", NULL, counters->throttles, es);
	ExplainPropertyInteger("Cache Hits", NULL, counters->hits, es);
	ExplainPropertyInteger("Received", "bytes", counters->bytes, es);
	ExplainPropertyFloat("Waited for Rate Limits", "ms",
						 counters->rate_wait / 1000.0, 3, es);
}

/* The lists that the identity may not read, and that were done without */
static void
explain_denied(const bool *denied, ExplainState *es)
{
	List	   *names = NIL;
	int			id;

	for (id = 0; id < COLLECTION_COUNT; id++)
	{
		if (denied[id])
			names = lappend(names,
							unconstify(char *, appconfig_collections[id].list.name));
	}
	if (names != NIL)
		ExplainPropertyList("Denied Lists", names, es);
}

/*
 * Calls are what a query costs, in time and against the account's limits, and
 * PostgreSQL's own lines of EXPLAIN do not show them.  What is printed is the
 * very route that the cursor walks, so that the two cannot differ; only how
 * many calls it will be is what the planner expected.  Keys are shown as the
 * expressions that they are: their values are not known before the scan is run.
 */
void
appconfigExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *scan = castNode(ForeignScan, node->ss.ps.plan);
	List	   *qual = scan->scan.plan.qual;
	const Route *route = appconfig_scan_route(node);
	PredicateTable table = {
		.relid = scan->scan.scanrelid, .columns = appconfig_scan_columns(node)
	};
	Deparse		how = {
		.context = set_deparse_context_plan(es->deparse_cxt, (Plan *) scan, NIL),
		.prefix = list_length(es->rtable) > 1 || es->verbose,
		.operands = scan->fdw_exprs
	};
	char	   *region = appconfig_options_get_region(scan->fs_server);
	KeySet	   *keys_expected = appconfig_operands_expect(NULL, route->keys,
														  scan->fdw_exprs,
														  region);
	const RouteCalls *calls = appconfig_route_calls(route, keys_expected);


	ExplainPropertyList("Operations", calls->operations, es);
	if (route->keys != NULL)
	{
		StringInfoData keys;

		initStringInfo(&keys);
		append_keys(&keys, &how, route->keys, false);
		ExplainPropertyText("Keys", keys.data, es);
	}
	explain_expectations(scan, es);
	explain_clauses("Checked Before Fetch", &how,
					clauses_besides_keys(calls, qual, &table, true), es);
	explain_clauses("Checked Locally", &how,
					clauses_besides_keys(calls, qual, &table, false), es);
	if (es->analyze)
	{
		explain_denied(appconfig_scan_denied(node), es);
		explain_cost(appconfig_scan_counters(node), es);
	}
}
