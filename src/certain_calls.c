/*-------------------------------------------------------------------------
 *
 * certain_calls.c
 *		The calls that a scan is certain to make, by its keys alone.
 *
 * What a query names is there before anything is asked: a node for each
 * document and each list that the walk begins with.  A scan that is read to
 * its end asks for each of them that is not at hand, and perhaps for more
 * that these lead to.  Where so many are more than the statement has left, it
 * is better to say so at once than after as many calls as there may be.
 *
 * What may not live here: whether a scan is read to its end (plan_reading.c),
 * what is left (budget.c), what is at hand (memo.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "budget.h"
#include "certain_calls.h"
#include "expand.h"

/* Nodes beyond which no more are made only to be counted */
#define MAX_COUNTED_NODES 10000

/* What stands first in the queue, or after a node; NULL if nothing does */
static CursorNode *
next_node(CursorWalk *walk, dlist_node *place)
{
	return dlist_has_next(&walk->queue, place)
		? dlist_container(CursorNode, node, dlist_next_node(&walk->queue, place))
		: NULL;
}

/*
 * Counts what the nodes of a walk are certain to ask for.
 * Those that are known by their keys lead on to others without any call, and
 * are replaced by these, as the walk itself would do it; of a great many of
 * them not all are.
 */
static void
count_certain_calls(CursorWalk *walk, CallCounts *counts)
{
	dlist_node *place = &walk->queue.head;
	CursorNode *node;

	while ((node = next_node(walk, place)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (node->kind == NODE_KNOWN && walk->nodes <= MAX_COUNTED_NODES)
		{
			appconfig_expand_node(walk, node);
			continue;
		}
		if (node->kind != NODE_KNOWN && node->kind != NODE_ITEM &&
			!appconfig_expand_is_denied(walk, node) &&
			appconfig_walk_takes_call(walk, node))
			appconfig_budget_count(counts,
								   appconfig_walk_operation(walk, node)->name);
		place = &node->node;
	}
	/* what has come of them the query names as well */
	walk->named_nodes = walk->nodes;
}

/*
 * To be called of a scan that is read to its end, before the walk's first call
 * or where it has turned out to take another way: raises an error if the
 * statement has not enough left for what is certain.
 */
void
appconfig_certain_calls_check(CursorWalk *walk)
{
	CallCounts	counts = {.total = 0};

	count_certain_calls(walk, &counts);
	appconfig_budget_check(walk->budget, &counts);
}
