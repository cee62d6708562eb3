/*-------------------------------------------------------------------------
 *
 * unknown_plan_node.c
 *		A module to LOAD: hangs a plan node of an unknown kind into plans.
 *
 * Below each ValuesScan in an Append, where the executor does not look, but
 * whoever searches the plan does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "nodes/plannodes.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

static Plan unknown; /* zeros, so it is a T_Invalid */

static void
start_executor(QueryDesc *query, int eflags)
{
	Plan	 *top = query->plannedstmt->planTree;
	ListCell *cell;

	if (top != NULL && IsA(top, Append))
	{
		foreach(cell, ((Append *) top)->appendplans)
		{
			if (IsA(lfirst(cell), ValuesScan))
				((Plan *) lfirst(cell))->lefttree = &unknown;
		}
	}
	standard_ExecutorStart(query, eflags);
}

void
_PG_init(void)
{
	ExecutorStart_hook = start_executor;
}
