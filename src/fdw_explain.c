/*-------------------------------------------------------------------------
 *
 * fdw_explain.c
 *		ExplainForeignScan: which operations a scan may call, with which keys,
 *		what it checks before a document is fetched and what stays local; with
 *		ANALYZE also what the calls have cost.
 *
 * What may not live here: anything that asks the service, evaluates a key that
 * is no constant, or knows credentials.  Keys are shown as expressions, never
 *by value.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/explain.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "access.h"
#include "compat.h"
#include "fallible.h"
#include "fdw.h"
#include "fdw_columns.h"
#include "fdw_options.h"
#include "fdw_scan.h"
#include "operand.h"
#include "predicate.h"
#include "statement.h"

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
	List	   *context;  /* for deparse_expression() */
	bool		prefix;	  /* columns with their table's name? */
	const List *operands; /* value expressions of the keys */
} Deparse;

static char *
deparse(const Deparse *how, Node *expr)
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
		Node *operand = list_nth(how->operands, expr->operand);

		appendStringInfo(out,
						 type_is_array(getBaseType(exprType(operand)))
							 ? "%s %s ANY (%s)"
							 : "%s %s %s",
						 appconfig_table_key_name(expr->key),
						 operator_names[expr->kind], deparse(how, operand));
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

/* Do the lists that a scan calls tell all columns that the clause reads? */
static bool
lists_tell(const AccessWalk *walk, const PredicateTable *table, Node *clause)
{
	ListCell *cell;

	foreach(cell, appconfig_predicate_attributes(table->relid, clause))
	{
		if (!appconfig_access_walk_answers(
				walk, table->columns[lfirst_int(cell) - 1]))
			return false;
	}
	return true;
}

/*
 * The clauses of the plan's qual that bind no key and that are, or are not,
 * checked before a document is fetched
 */
static List *
clauses_besides_keys(const AppConfigScanPlan *plan, const AccessWalk *walk,
					 List *qual, const PredicateTable *table, bool early)
{
	List	 *clauses = NIL;
	ListCell *cell;
	int		  place = 0;

	foreach(cell, qual)
	{
		Node *clause = lfirst(cell);
		bool  goes_early = list_member_int(plan->early_quals, place++) &&
						  lists_tell(walk, table, clause) &&
						  (walk->listed[walk->plan->levels_count - 1] ||
						   !appconfig_fallible(clause, table->relid));
		List *operands;

		if (goes_early == early &&
			(plan->keys == NULL ||
			 appconfig_predicate_bind(table, list_make1(clause), &operands) ==
				 NULL))
			clauses = lappend(clauses, clause);
	}
	return clauses;
}

static void
explain_clauses(const char *label, const Deparse *how, List *clauses,
				ExplainState *es)
{
	if (clauses != NIL)
		ExplainPropertyText(
			label, deparse(how, (Node *) make_ands_explicit(clauses)), es);
}

/* ------------------------------------------------------------------------
 * The callback
 * ------------------------------------------------------------------------
 */
/* What the scan can call, whatever the values will be that are not known yet
 */
static AccessWalk *
walk_of_plan(const AppConfigScanPlan *plan, const AppConfigColumn **read,
			 const KeySet *keys, const StatementReads *reads)
{
	AccessPlan *access = palloc(sizeof(AccessPlan));

	appconfig_access_plan(access, plan->table, read);
	if (plan->reads & READS_CHANGING)
	{
		access->need_document |= reads->agree;
		access->by_ids = reads->every_state;
	}
	return appconfig_access_walk(access, keys);
}

static void
explain_cost(const ApiCounters *counters, ExplainState *es)
{
	ExplainPropertyInteger("Calls", NULL, counters->calls, es);
	ExplainPropertyInteger("Retries", NULL, counters->retries, es);
	ExplainPropertyInteger("Throttles", NULL, counters->throttles, es);
	ExplainPropertyInteger("Cache Hits", NULL, counters->hits, es);
	ExplainPropertyInteger("Received", "bytes", counters->bytes, es);
}

void
appconfigExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan				*scan = castNode(ForeignScan, node->ss.ps.plan);
	const AppConfigScanPlan *plan = appconfig_scan_plan(node);
	const AppConfigColumn  **columns =
		appconfig_columns_map(node->ss.ss_currentRelation, plan->table);
	PredicateTable table = {.relid = scan->scan.scanrelid, .columns = columns};
	Deparse		   how = {.context = set_deparse_context_plan(es->deparse_cxt,
															  (Plan *) scan, NIL),
						  .prefix = list_length(es->rtable) > 1 || es->verbose,
						  .operands = scan->fdw_exprs};
	StatementReads reads;
	AccessWalk	  *walk;

	appconfig_statement_examine(&reads, es->pstmt, scan->fs_server);
	walk = walk_of_plan(
		plan,
		appconfig_scan_plan_columns(
			plan, columns,
			RelationGetNumberOfAttributes(node->ss.ss_currentRelation)),
		appconfig_operands_expect(
			NULL, plan->keys, scan->fdw_exprs,
			appconfig_options_get_region(scan->fs_server)),
		&reads);

	ExplainPropertyList("Operations", walk->operations, es);
	if (plan->keys != NULL)
	{
		StringInfoData keys;

		initStringInfo(&keys);
		append_keys(&keys, &how, plan->keys, false);
		ExplainPropertyText("Keys", keys.data, es);
	}
	explain_clauses(
		"Checked Before Fetch", &how,
		clauses_besides_keys(plan, walk, scan->scan.plan.qual, &table, true),
		es);
	explain_clauses(
		"Checked Locally", &how,
		clauses_besides_keys(plan, walk, scan->scan.plan.qual, &table, false),
		es);
	if (es->analyze)
		explain_cost(appconfig_scan_counters(node), es);
}
