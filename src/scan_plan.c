/*-------------------------------------------------------------------------
 *
 * scan_plan.c
 *		What the planner hands over to the executor.
 *
 * Packed into a list that PostgreSQL can copy, write out and read again, and
 * unpacked from it.
 *
 * What may not live here: how any of it is found (fdw_plan.c,
 * list_filter.c, predicate.c), what is made of it (route.c), expressions:
 * these are PostgreSQL's and travel in fdw_exprs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/value.h"

#include "scan_plan.h"

/* What stands where in a packed plan */
enum PackedPlan
{
	PACKED_TABLE,				/* String: name of the table */
	PACKED_KEYS,				/* see pack_keys(), or NULL */
	PACKED_COLUMNS,				/* integer list */
	PACKED_FILTERS,				/* a list of three integers for each */
	PACKED_ROWS_WANTED,			/* Integer */
	PACKED_READS,				/* Integer, READS_ bits */
	PACKED_GETS,				/* Floats */
	PACKED_LISTS,
	PACKED_REPEATS
};

/* A list that begins with an integer list of the scalars; then the args */
static List *
pack_keys(const KeyExpr *expr)
{
	List	   *packed;
	int			i;

	if (expr == NULL)
		return NIL;
	packed =
		list_make1(list_make4_int(expr->kind, expr->key, expr->operand, expr->width));
	for (i = 0; i < expr->nargs; i++)
		packed = lappend(packed, pack_keys(expr->args[i]));
	return packed;
}

static KeyExpr *
unpack_keys(List *packed)
{
	KeyExpr    *expr;
	List	   *head;
	int			i;

	if (packed == NIL)
		return NULL;
	expr = palloc0(sizeof(KeyExpr));
	head = linitial(packed);
	expr->kind = linitial_int(head);
	expr->key = lsecond_int(head);
	expr->operand = lthird_int(head);
	expr->width = lfourth_int(head);
	expr->nargs = list_length(packed) - 1;
	expr->args = palloc(sizeof(KeyExpr *) * Max(expr->nargs, 1));
	for (i = 0; i < expr->nargs; i++)
		expr->args[i] = unpack_keys(list_nth(packed, i + 1));
	return expr;
}

static List *
pack_filters(List *filters)
{
	List	   *packed = NIL;
	ListCell   *cell;

	foreach(cell, filters)
	{
		const ListFilterClause *clause = lfirst(cell);

		packed = lappend(packed, list_make3_int(clause->place, clause->level,
												clause->fallible));
	}
	return packed;
}

static List *
unpack_filters(List *packed)
{
	List	   *filters = NIL;
	ListCell   *cell;

	foreach(cell, packed)
	{
		ListFilterClause *clause = palloc(sizeof(ListFilterClause));

		clause->place = linitial_int(lfirst(cell));
		clause->level = lsecond_int(lfirst(cell));
		clause->fallible = lthird_int(lfirst(cell)) != 0;
		filters = lappend(filters, clause);
	}
	return filters;
}

/* With as many digits as an estimate has any use for */
static Node *
pack_estimate(double number)
{
	return (Node *) makeFloat(psprintf("%.6f", number));
}

/* The plan as a list for fdw_private */
List *
appconfig_scan_plan_pack(const AppConfigScanPlan *plan)
{
	List	   *packed = list_make1(makeString(pstrdup(plan->table->name)));

	packed = lappend(packed, pack_keys(plan->keys));
	packed = lappend(packed, plan->columns);
	packed = lappend(packed, pack_filters(plan->filters));
	packed = lappend(packed, makeInteger(plan->rows_wanted));
	packed = lappend(packed, makeInteger(plan->reads));
	packed = lappend(packed, pack_estimate(plan->gets));
	packed = lappend(packed, pack_estimate(plan->lists));
	return lappend(packed, pack_estimate(plan->repeats));
}

/* How a packed plan reads its things: READS_ bits */
int
appconfig_scan_plan_reads(List *packed)
{
	return intVal(list_nth(packed, PACKED_READS));
}

/* The plan again, palloc'd in the current context */
AppConfigScanPlan *
appconfig_scan_plan_unpack(List *packed)
{
	AppConfigScanPlan *plan = palloc0(sizeof(AppConfigScanPlan));

	plan->table = appconfig_table_find(strVal(list_nth(packed, PACKED_TABLE)));
	if (plan->table == NULL)
		elog(ERROR, "a plan for an unknown AppConfig table");
	plan->keys = unpack_keys(list_nth(packed, PACKED_KEYS));
	plan->columns = list_nth(packed, PACKED_COLUMNS);
	plan->filters = unpack_filters(list_nth(packed, PACKED_FILTERS));
	plan->rows_wanted = intVal(list_nth(packed, PACKED_ROWS_WANTED));
	plan->reads = appconfig_scan_plan_reads(packed);
	plan->gets = floatVal(list_nth(packed, PACKED_GETS));
	plan->lists = floatVal(list_nth(packed, PACKED_LISTS));
	plan->repeats = floatVal(list_nth(packed, PACKED_REPEATS));
	return plan;
}

/*
 * Those of the columns that the plan's calls are to bring, ended by NULL,
 * palloc'd.
 */
const AppConfigColumn **
appconfig_scan_plan_columns(const AppConfigScanPlan *plan,
							const OutputColumns *columns)
{
	const AppConfigColumn **wanted =
	palloc0(sizeof(AppConfigColumn *) * (columns->count + 1));
	int			count = 0;
	int			i;

	for (i = 0; i < columns->count; i++)
	{
		const AppConfigColumn *column = columns->list[i].column;

		if (column != NULL && ((plan->reads & READS_ALL) ||
							   list_member_int(plan->columns, i + 1)))
			wanted[count++] = column;
	}
	return wanted;
}
