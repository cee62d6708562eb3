/*-------------------------------------------------------------------------
 *
 * fdw_scan.c
 *		BeginForeignScan, IterateForeignScan, ReScanForeignScan and
 *		EndForeignScan.
 *
 * Begin settles what must not depend on when rows are fetched; what costs or
 * can fail waits for the first row.  Then a cursor walks the calls, and each
 * of its items becomes a row.
 *
 * What may not live here: options and credentials (connection.c), paging,
 * retries, order of calls (cursor.c, api.c), the conversion of values (row.c,
 * operand.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/memutils.h"

#include "compat.h"
#include "connection.h"
#include "cursor.h"
#include "fdw.h"
#include "fdw_columns.h"
#include "fdw_options.h"
#include "fdw_scan.h"
#include "list_filter.h"
#include "operand.h"
#include "plan_reading.h"
#include "predicate.h"
#include "row.h"

typedef struct AppConfigScanState
{
	AppConfigScanPlan *plan;
	const OutputColumns *columns;
	StatementReads reads;		/* what the statement's scans have in common */
	const Route *route;			/* that the calls follow */
	ConnectionIdentity identity;
	CallBudget *budget;			/* of all the statement's scans of the server */
	bool		whole;			/* see AppConfigCursorOptions */
	int			operands_count;
	ExprState **values;			/* of the keys; NULL for constants */
	KeyOperand *operands;		/* what they have come out as */
	ListFilter *filter;			/* or NULL */
	List	   *equated;		/* attribute numbers that clauses equate */
	MemoryContext keys_context; /* keys and cursor, for one (re)scan */
	MemoryContext row_context;	/* the values of one row */
	const AppConfigConnection *connection;	/* NULL before the first row */
	const char *region;			/* the server's; NULL before the first row */
	RowMaker   *maker;
	AppConfigCursor *cursor;	/* NULL before the first row of a (re)scan */
	bool		no_rows;		/* this (re)scan has none, and asks nobody */
	ApiCounters counters;
	bool		denied[COLLECTION_COUNT];	/* lists that were done without */
} AppConfigScanState;

/* The way that its calls take */
const Route *
appconfig_scan_route(ForeignScanState *node)
{
	return ((AppConfigScanState *) node->fdw_state)->route;
}

/* The columns that it puts out */
const OutputColumns *
appconfig_scan_columns(ForeignScanState *node)
{
	return ((AppConfigScanState *) node->fdw_state)->columns;
}

/* What the scan's calls have cost so far */
const ApiCounters *
appconfig_scan_counters(ForeignScanState *node)
{
	return &((AppConfigScanState *) node->fdw_state)->counters;
}

/* By collection: lists that have turned out to be denied, and done without */
const bool *
appconfig_scan_denied(ForeignScanState *node)
{
	return ((AppConfigScanState *) node->fdw_state)->denied;
}

/* ------------------------------------------------------------------------
 * Begin
 * ------------------------------------------------------------------------
 */

/*
 * Which connection the scan is to read by.  The role whose user mapping counts
 * is a view's owner, or the statement's.
 */
static ConnectionIdentity
scan_identity(ForeignScanState *node)
{
	ForeignScan *scan = castNode(ForeignScan, node->ss.ps.plan);
	EState	   *estate = node->ss.ps.state;
	Oid			role = appconfig_statement_role(estate);
	Oid			user =
	appconfig_scan_user(scan, exec_rt_fetch(scan->scan.scanrelid, estate));
	ConnectionIdentity identity = {
		.statement = estate->es_query_cxt, .serverid = scan->fs_server,
		.userid = OidIsValid(user) ? user : role
	};

	return identity;
}

/*
 * The value expressions of the keys.  There can be thousands of constants,
 * which need no machinery, and not once more for each rescan.
 */
static void
begin_operands(ForeignScanState *node, AppConfigScanState *state)
{
	List	   *values = state->route->keys != NULL
	? castNode(ForeignScan, node->ss.ps.plan)->fdw_exprs
	: NIL;
	ListCell   *cell;
	int			i = 0;

	state->operands_count = list_length(values);
	state->values =
		palloc0(sizeof(ExprState *) * Max(state->operands_count, 1));
	state->operands =
		palloc0(sizeof(KeyOperand) * Max(state->operands_count, 1));
	foreach(cell, values)
	{
		CHECK_FOR_INTERRUPTS();
		if (IsA(lfirst(cell), Const))
			appconfig_operand_set_constant(&state->operands[i], lfirst(cell));
		else
			state->values[i] = ExecInitExpr(lfirst(cell), (PlanState *) node);
		i++;
	}
}

/* The columns that all rows of the scan have to have certain texts in */
static void
begin_equated(ForeignScanState *node, AppConfigScanState *state)
{
	Index		relid = castNode(ForeignScan, node->ss.ps.plan)->scan.scanrelid;
	ListCell   *cell;

	foreach(cell, node->ss.ps.plan->qual)
	{
		AttrNumber	attnum = appconfig_predicate_equated(relid, lfirst(cell));

		if (attnum != InvalidAttrNumber)
			state->equated = list_append_unique_int(state->equated, attnum);
	}
}

/*
 * Settles which calls the scan may make and as whom, and nothing that costs or
 * can fail with the service: EXPLAIN comes here as well, and a scan that is
 * begun is often never asked for a row.  But it has to be settled here and not
 * with the first row: a cursor may be fetched from under another role, and
 * with other settings, than it was opened under.
 */
void
appconfigBeginForeignScan(ForeignScanState *node, int eflags)
{
	ForeignScan *scan = castNode(ForeignScan, node->ss.ps.plan);
	EState	   *estate = node->ss.ps.state;
	AppConfigScanState *state = palloc0(sizeof(AppConfigScanState));
	double		get_rate;
	double		list_rate;

	node->fdw_state = state;

	/* what is wanted: the plan, and the relation's columns as they are now */
	state->plan = appconfig_scan_plan_unpack(scan->fdw_private);
	state->columns =
		appconfig_columns_map(node->ss.ss_currentRelation, state->plan->table);

	/*
	 * By which calls: that depends on the statement's other scans, on what a
	 * List costs, and on whether pushdown is on now, which the plan may be
	 * too old to know.
	 */
	appconfig_statement_examine(&state->reads, estate->es_plannedstmt,
								scan->fs_server);
	appconfig_options_get_rates(scan->fs_server, &get_rate, &list_rate);
	state->route = appconfig_route_make(state->plan, state->columns,
										&state->reads,
										appconfig_route_list_price(get_rate, list_rate),
										appconfig_enable_pushdown);

	/* EXPLAIN prints the route, and needs nothing else */
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	/* as whom: the keys to sign with are looked up later, by this */
	state->identity = scan_identity(node);

	/* how many calls, as far as the session has a say in it */
	state->budget = appconfig_budget_join(appconfig_statement_memory(estate),
										  scan->fs_server);

	/* the expressions that are evaluated before calls and between them */
	begin_operands(node, state);
	state->filter =
		appconfig_list_filter_begin(node, state->route, state->columns);
	begin_equated(node, state);

	/* memory that is emptied with each rescan, and with each row */
	state->keys_context = AllocSetContextCreate(estate->es_query_cxt,
												"appconfig_fdw keys",
												ALLOCSET_SMALL_SIZES);
	state->row_context = AllocSetContextCreate(estate->es_query_cxt,
											   "appconfig_fdw row",
											   ALLOCSET_DEFAULT_SIZES);
}

/* ------------------------------------------------------------------------
 * Keys
 * ------------------------------------------------------------------------
 */

/* The keys that this (re)scan is about, in the current context */
static KeySet *
evaluate_keys(ForeignScanState *node, AppConfigScanState *state)
{
	KnownKeys	known = {{NULL}};
	KeySet	   *keys;
	int			i;

	for (i = 0; i < state->operands_count; i++)
	{
		ExprState  *value = state->values[i];
		bool		isnull;
		Datum		datum;

		if (value == NULL)
			continue;
		datum = ExecEvalExprSwitchContext(value, node->ss.ps.ps_ExprContext,
										  &isnull);
		appconfig_operand_set(&state->operands[i], datum, isnull,
							  exprType((Node *) value->expr));
	}
	if (state->route->keys != NULL)
		appconfig_operands_unbind_cut(state->route->keys, state->operands);
	keys = appconfig_keyset_evaluate(state->route->keys, state->operands);
	appconfig_keyset_index(keys);
	known.text[KEY_REGION] = state->region;
	return appconfig_keyset_restrict(keys, &known);
}

/* ------------------------------------------------------------------------
 * Iterate
 * ------------------------------------------------------------------------
 */

/* Does what a list has shown meet the clauses that it answers? */
static bool
item_passes(void *arg, const AppConfigItem *item, bool is_row)
{
	AppConfigScanState *state = arg;

	return appconfig_list_filter_passes(state->filter, state->maker, item,
										is_row);
}

/* Rows are of this region from now on */
static void
use_region(ForeignScanState *node, AppConfigScanState *state,
		   const char *region)
{
	MemoryContext old;

	if (state->region != NULL && strcmp(state->region, region) == 0)
		return;
	old = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
	state->region = pstrdup(region);
	state->maker =
		appconfig_row_maker(state->plan->table, state->columns, state->region);
	MemoryContextSwitchTo(old);
}

/*
 * Can there be a row?  Not if the keys contradict themselves or the region,
 * nor if a clause fails that reads nothing but that.
 */
static bool
rows_are_possible(AppConfigScanState *state, const KeySet *keys)
{
	KnownKeys	nothing = {{NULL}};
	AppConfigItem item = {.keys = &nothing};

	return keys->count > 0 &&
		(state->filter == NULL || item_passes(state, &item, false));
}

/* How many calls the statement may make is known, once the settings are */
static void
learn_budget(ForeignScanState *node, AppConfigScanState *state)
{
	const PlannedStmt *statement = node->ss.ps.state->es_plannedstmt;

	appconfig_budget_limit(state->budget,
						   state->connection->settings->max_calls);
	if (!appconfig_budget_is_limited(state->budget))
		return;
	appconfig_budget_expect(state->budget,
							appconfig_plan_reading_expect(statement, state->identity.serverid));
	state->whole = appconfig_plan_reading_is_whole(node);
}

/* From now on by the settings that the statement has begun with */
static void
join_connection(ForeignScanState *node, AppConfigScanState *state)
{
	if (state->connection != NULL)
		return;
	state->connection =
		appconfig_connection_join(&state->identity, state->reads.rereads);
	use_region(node, state, state->connection->settings->region);
	learn_budget(node, state);
}

/* Everything that a scan does before its first row */
static void
start_scan(ForeignScanState *node, AppConfigScanState *state)
{
	MemoryContext old = MemoryContextSwitchTo(state->keys_context);
	AppConfigCursorOptions options = {
		.route = state->route,
		.filter = state->filter != NULL ? item_passes : NULL,
		.filter_arg = state, .counters = &state->counters,
		.budget = state->budget, .denied = state->denied
	};

	if (state->region == NULL)
		use_region(node, state, appconfig_connection_region(&state->identity));
	options.keys = evaluate_keys(node, state);
	state->no_rows = !rows_are_possible(state, options.keys);
	if (!state->no_rows)
	{
		join_connection(node, state);
		options.whole = state->whole;
		options.max_concurrency = state->connection->settings->max_concurrency;
		options.permissions = state->connection->permissions;
		state->cursor =
			appconfig_cursor_open(state->connection->documents, &options);
	}
	MemoryContextSwitchTo(old);
}

/*
 * The next item, waited for; NULL at the end.  The wait is for any call of the
 * statement, so that the cursors of all its scans get on by it.
 */
static const AppConfigItem *
next_item(AppConfigScanState *state)
{
	const AppConfigItem *item;
	CursorResult result;

	while ((result = appconfig_cursor_poll(state->cursor, &item)) ==
		   CURSOR_PENDING)
		appconfig_connection_wait(state->connection);
	return result == CURSOR_ITEM ? item : NULL;
}

/*
 * The next item that can be a row of the query.  A text that the database
 * cannot hold is equal to none that it can, so that it is not to fail those
 * who ask for another one.
 */
static const AppConfigItem *
next_row_item(AppConfigScanState *state)
{
	const AppConfigItem *item = next_item(state);

	while (item != NULL &&
		   !appconfig_row_fits(state->maker, state->equated, item))
		item = next_item(state);
	return item;
}

/*
 * The first call starts the scan, see appconfigBeginForeignScan().  It blocks
 * while the row is on its way, but what comes behind the row is asked for in
 * the meantime, so that most later rows are there already.  A row's values are
 * good until the next row is asked for, which is all that PostgreSQL demands;
 * so however many rows there are, they take the memory of one.
 */
TupleTableSlot *
appconfigIterateForeignScan(ForeignScanState *node)
{
	AppConfigScanState *state = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	const AppConfigItem *item;
	MemoryContext old;

	ExecClearTuple(slot);
	MemoryContextReset(state->row_context);
	if (state->cursor == NULL && !state->no_rows)
		start_scan(node, state);
	if (state->no_rows)
		return slot;
	item = next_row_item(state);
	if (item == NULL)
		return ExecClearTuple(slot);
	old = MemoryContextSwitchTo(state->row_context);
	appconfig_row_fill(state->maker, state->plan->columns, item, slot);
	MemoryContextSwitchTo(old);
	return slot;
}

/* ------------------------------------------------------------------------
 * ReScan and End
 * ------------------------------------------------------------------------
 */
static void
close_cursor(AppConfigScanState *state)
{
	if (state->cursor != NULL)
		appconfig_cursor_close(state->cursor);
	state->cursor = NULL;
	state->no_rows = false;
	MemoryContextReset(state->keys_context);
}

/*
 * Starts anew with the next row, since the keys may have other values then, as
 * those of a nested loop have.  To forget everything costs few calls: what
 * was fetched before is in the statement's memo.
 */
void
appconfigReScanForeignScan(ForeignScanState *node)
{
	close_cursor(node->fdw_state);
}

/*
 * Gives back early what the other scans of the statement, or the backend, can
 * use: answers in the memo, calls that need not be waited for.  No more than
 * that, because it is not called when a statement fails: whatever has to go
 * then is tied to the memory of the statement.
 */
void
appconfigEndForeignScan(ForeignScanState *node)
{
	AppConfigScanState *state = node->fdw_state;

	/* without a keys context it was EXPLAIN, or Begin failed */
	if (state == NULL || state->keys_context == NULL)
		return;
	/* the last one to leave has nothing kept that only it holds */
	if (state->connection != NULL)
		appconfig_connection_leave(state->connection);
	close_cursor(state);
}
