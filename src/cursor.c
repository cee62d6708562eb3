/*-------------------------------------------------------------------------
 *
 * cursor.c
 *		Walks the calls that a scan needs and yields what its rows are made of.
 *
 * The walk is a queue of nodes in the order of the rows: lists that have not
 * been read, documents that are on their way, items that are ready.  Where an
 * answer arrives, its node is replaced, in its place, by what it leads to.  So
 * calls anywhere in the chain are in flight together while the rows keep their
 * order, whatever order the network answers in.  The head of the queue is the
 * next row; calls are started only while it is not ready, and only so many
 * that few answers wait to be read.  That is decided here, and nothing here
 * waits.
 *
 * What may not live here: what nodes are and what they ask for (walk.c), what
 * answers lead to (expand.c, side_lookup.c), SQL types and expressions
 * (fdw_scan.c, row.c), how a call is made (api.c), anything about one table
 * that its declaration does not say (tables.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "applications.h"
#include "certain_calls.h"
#include "cursor.h"
#include "expand.h"
#include "item.h"
#include "side_lookup.h"
#include "walk.h"

/*
 * Nodes in the queue, beside those that the query itself names, beyond which
 * only its head is expanded
 */
#define MAX_NODES 2000

/*
 * Documents, as a multiple of the calls that may be in flight, before which
 * the page that names the next ones is asked for
 */
#define LOOK_AHEAD 3

struct AppConfigCursor
{
	CursorWalk	walk;			/* its context holds this struct */
	MemoryContextCallback callback;
	int			max_concurrency;	/* calls in flight */
	int64		yielded;		/* items */
	CursorNode *current;		/* whose rows are being yielded */
	AppConfigItem item;
	ItemRows	rows;			/* within current */
};

/* ------------------------------------------------------------------------
 * Begin and end
 * ------------------------------------------------------------------------
 */

/* Nothing of a cursor that is not palloc'd outlives its memory */
static void
end_cursor(void *arg)
{
	AppConfigCursor *cursor = arg;
	dlist_iter	iter;

	dlist_foreach(iter, &cursor->walk.queue)
		appconfig_walk_release_sources(dlist_container(CursorNode, node, iter.cur));
	if (cursor->current != NULL)
		appconfig_walk_release_sources(cursor->current);
	appconfig_applications_release(&cursor->walk.applications);
}

/*
 * A cursor on what the options say, in memory of its own in the current
 * context.  Nothing is asked for before the first appconfig_cursor_poll(), but
 * what is certain to exceed the budget is an error at once.
 */
AppConfigCursor *
appconfig_cursor_open(Memo *memo, const AppConfigCursorOptions *options)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "appconfig_fdw cursor",
												  ALLOCSET_DEFAULT_SIZES);
	AppConfigCursor *cursor =
	MemoryContextAllocZero(context, sizeof(AppConfigCursor));
	CursorWalk *walk = &cursor->walk;

	walk->context = context;
	walk->scratch = AllocSetContextCreate(context,
										  "appconfig_fdw cursor scratch",
										  ALLOCSET_SMALL_SIZES);
	walk->memo = memo;
	walk->route = options->route;
	walk->keys = options->keys;
	walk->filter = options->filter;
	walk->filter_arg = options->filter_arg;
	walk->counters = options->counters;
	walk->budget = options->budget;
	walk->whole = options->whole;
	walk->permissions = options->permissions;
	walk->denied = options->denied;
	dlist_init(&walk->queue);
	cursor->max_concurrency = options->max_concurrency;
	cursor->callback.func = end_cursor;
	cursor->callback.arg = cursor;
	MemoryContextRegisterResetCallback(context, &cursor->callback);
	appconfig_expand_query(walk);
	if (walk->whole)
		appconfig_certain_calls_check(walk);
	AssertCheckCursorWalk(walk);
	return cursor;
}

/* Ends the cursor, and the calls that only it has asked for */
void
appconfig_cursor_close(AppConfigCursor *cursor)
{
	dlist_mutable_iter iter;

	AssertCheckCursorWalk(&cursor->walk);
	dlist_foreach_modify(iter, &cursor->walk.queue)
		appconfig_walk_remove(&cursor->walk,
							  dlist_container(CursorNode, node, iter.cur));
	if (cursor->current != NULL)
		appconfig_walk_free(&cursor->walk, cursor->current);
	cursor->current = NULL;
	appconfig_side_lookup_release(&cursor->walk);
	MemoryContextDelete(cursor->walk.context);
}

/* ------------------------------------------------------------------------
 * Which nodes get on
 * ------------------------------------------------------------------------
 */

/* Can the node be expanded or, if it is an item, yielded? */
static bool
node_is_ready(const CursorNode *node)
{
	if (node->kind == NODE_ITEM)
		return node->sides_started && appconfig_side_lookup_is_ready(node);
	if (node->kind == NODE_KNOWN)
		return true;
	return node->entry != NULL && appconfig_memo_is_ready(node->entry);
}

/* How many items may be on their way or waiting to be read? */
static int64
window(const AppConfigCursor *cursor)
{
	int64		window = 4 * (int64) cursor->max_concurrency;

	/* past the LIMIT, local filters must be dropping rows: so double */
	if (cursor->walk.route->rows_wanted > 0)
		window =
			Min(window, cursor->yielded < cursor->walk.route->rows_wanted
				? cursor->walk.route->rows_wanted - cursor->yielded
				: cursor->yielded);
	return window;
}

/*
 * Calls that the cursor waits for, wherever in the queue, and those that its
 * like has left behind
 */
static int
calls_in_flight(const AppConfigCursor *cursor)
{
	int			in_flight = appconfig_memo_abandoned(cursor->walk.memo);
	int			left = cursor->walk.asked;
	dlist_iter	iter;

	in_flight += appconfig_side_lookup_in_flight(&cursor->walk);
	/* dlist_foreach wants a list that is not constant */
	dlist_foreach(iter, unconstify(dlist_head *, &cursor->walk.queue))
	{
		const CursorNode *node = dlist_container(CursorNode, node, iter.cur);

		/* behind the last that has asked there can be thousands */
		if (left == 0)
			break;
		if (node->entry == NULL)
			continue;
		left--;
		if (!appconfig_memo_is_ready(node->entry))
			in_flight++;
	}
	return in_flight;
}

static CursorNode *
first_node(AppConfigCursor *cursor)
{
	return dlist_is_empty(&cursor->walk.queue)
		? NULL
		: dlist_head_element(CursorNode, node, &cursor->walk.queue);
}

static CursorNode *
node_after(AppConfigCursor *cursor, CursorNode *node)
{
	if (node == NULL)
		return first_node(cursor);
	return dlist_has_next(&cursor->walk.queue, &node->node)
		? dlist_container(CursorNode, node,
						  dlist_next_node(&cursor->walk.queue, &node->node))
		: NULL;
}

/*
 * May the node ask for what it needs?  Not if too much is in flight.  And
 * where nobody waits for the node and perhaps nobody ever will, the calls must
 * not be missed elsewhere.
 */
static bool
may_ask(AppConfigCursor *cursor, const CursorNode *node, int in_flight)
{
	return in_flight < cursor->max_concurrency &&
		(cursor->walk.whole || node == first_node(cursor) ||
		 appconfig_budget_can_spare(cursor->walk.budget));
}

/*
 * Replaces a node by what it leads to.  Where a list has just been denied there
 * is a Get for each of its things, which may be more than the budget allows.
 */
static void
expand_node(AppConfigCursor *cursor, CursorNode *node)
{
	bool		denied = node->entry != NULL &&
	appconfig_expand_is_denied(&cursor->walk, node);

	appconfig_expand_node(&cursor->walk, node);
	if (denied && cursor->walk.whole)
		appconfig_certain_calls_check(&cursor->walk);
}

/* What has become of a node that was let get on */
typedef enum PumpResult
{
	PUMP_STOP,					/* the nodes behind it must wait */
	PUMP_NEXT,					/* on with the node behind it */
	PUMP_REPLACED				/* on with what now stands in its place */
} PumpResult;

/*
 * Lets one node get on: asks for what it needs, if it may, and expands it if
 * that has arrived.
 */
static PumpResult
pump_node(AppConfigCursor *cursor, CursorNode *node, int *in_flight,
		  int64 *room)
{
	bool		denied;

	if (node->kind == NODE_ITEM)
	{
		if (!node->sides_started)
		{
			if (!may_ask(cursor, node, *in_flight))
				return PUMP_STOP;
			appconfig_side_lookup_start(&cursor->walk, node, in_flight);
		}
		if (appconfig_side_lookup_prove_otherwise(&cursor->walk, node))
			return PUMP_REPLACED;
		(*room)--;
		return PUMP_NEXT;
	}
	denied = appconfig_expand_is_denied(&cursor->walk, node);
	if (node->entry == NULL && node->kind != NODE_KNOWN && !denied)
	{
		if (!may_ask(cursor, node, *in_flight))
			return PUMP_STOP;
		appconfig_walk_ask(&cursor->walk, node);
		if (!appconfig_memo_is_ready(node->entry))
			(*in_flight)++;
	}
	if (!node_is_ready(node) && !denied)
	{
		/* under a LIMIT nobody knows how much of a list will be wanted */
		if (node->kind == NODE_GET || cursor->walk.route->rows_wanted > 0)
			(*room)--;
		return PUMP_NEXT;
	}
	/* the error of a call is raised when its turn comes */
	if ((node->entry != NULL && appconfig_memo_has_failed(node->entry) &&
		 !denied) ||
		(node->kind != NODE_GET &&
		 cursor->walk.nodes >= cursor->walk.named_nodes + MAX_NODES &&
		 node != first_node(cursor)))
		return PUMP_STOP;
	expand_node(cursor, node);
	return PUMP_REPLACED;
}

/*
 * Asks for the first page in the queue that has not been asked for, if little
 * is left to be asked for before it: else all documents of a page would be
 * read before anybody knows of those of the next.  Not under a LIMIT, which
 * may be met before.
 */
static void
ask_ahead(AppConfigCursor *cursor, int *in_flight)
{
	int			left = LOOK_AHEAD * cursor->max_concurrency;
	dlist_iter	iter;

	if (cursor->walk.route->rows_wanted > 0)
		return;
	dlist_foreach(iter, &cursor->walk.queue)
	{
		CursorNode *node = dlist_container(CursorNode, node, iter.cur);

		if (node->kind == NODE_LIST)
		{
			if (node->entry != NULL || !may_ask(cursor, node, *in_flight) ||
				appconfig_expand_is_denied(&cursor->walk, node))
				return;
			elog(DEBUG2, "appconfig_fdw: the next list is asked for ahead");
			appconfig_walk_ask(&cursor->walk, node);
			/* the answer may be at hand: of that no call comes in */
			if (!appconfig_memo_is_ready(node->entry))
				(*in_flight)++;
			return;
		}
		if (node->kind == NODE_GET && node->entry == NULL && left-- == 0)
			return;
	}
}

/*
 * Starts calls from the head of the queue on, as many as may be in flight, and
 * expands what has arrived.
 */
static void
pump(AppConfigCursor *cursor)
{
	int			in_flight = calls_in_flight(cursor);
	int64		room = window(cursor);
	CursorNode *previous = NULL;
	CursorNode *node;

	ask_ahead(cursor, &in_flight);
	while (room > 0 && (node = node_after(cursor, previous)) != NULL)
	{
		PumpResult	result = pump_node(cursor, node, &in_flight, &room);

		CHECK_FOR_INTERRUPTS();
		if (result == PUMP_STOP)
			break;
		if (result == PUMP_NEXT)
			previous = node;
	}
}

/* ------------------------------------------------------------------------
 * What the rows are made of
 * ------------------------------------------------------------------------
 */

/*
 * Lets the walk get on until the head of the queue is an item that can be
 * yielded, or has to wait for an answer.
 */
static CursorResult
poll_queue(AppConfigCursor *cursor)
{
	CursorNode *head;

	while ((head = first_node(cursor)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (!node_is_ready(head))
		{
			pump(cursor);
			head = first_node(cursor);
			if (head != NULL && !node_is_ready(head))
				return CURSOR_PENDING;
		}
		else if (head->kind != NODE_ITEM)
			expand_node(cursor, head);
		else if (appconfig_side_lookup_prove_otherwise(&cursor->walk, head))
			continue;
		else if (!appconfig_side_lookup_take(&cursor->walk, head))
			appconfig_walk_remove(&cursor->walk, head);
		else
			return CURSOR_ITEM;
	}
	return CURSOR_END;
}

/* The head of the queue is what the next rows are made of */
static void
take_head(AppConfigCursor *cursor)
{
	CursorNode *head = first_node(cursor);

	appconfig_walk_take_out(&cursor->walk, head);
	cursor->yielded++;
	cursor->current = head;
	cursor->item = (AppConfigItem) {.keys = &head->keys};
	memcpy(cursor->item.source, head->source, sizeof(cursor->item.source));
	appconfig_item_start_rows(&cursor->rows, cursor->walk.route->table,
							  &cursor->item);
}

/*
 * What the next row is made of, valid until the next call.  Starts the calls
 * that there is room for, but never waits for one: where the row is still on
 * its way the result is CURSOR_PENDING, and the caller polls again after a
 * wait, which it can share among cursors.  Lets interrupts happen, and raises
 * the errors of calls.
 */
CursorResult
appconfig_cursor_poll(AppConfigCursor *cursor, const AppConfigItem **item)
{
	for (;;)
	{
		CursorResult result;

		if (cursor->current != NULL)
		{
			if (appconfig_item_next_row(&cursor->rows))
			{
				*item = &cursor->item;
				return CURSOR_ITEM;
			}
			appconfig_walk_free(&cursor->walk, cursor->current);
			cursor->current = NULL;
		}
		result = poll_queue(cursor);
		if (result != CURSOR_ITEM)
			return result;
		take_head(cursor);
	}
}
