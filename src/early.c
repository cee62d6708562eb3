/*-------------------------------------------------------------------------
 *
 * early.c
 *		Which clauses can be checked against what lists show.
 *
 * A clause whose columns stand in a list need not wait for a document: what
 * fails it is not asked for.  The executor checks it again all the same.
 *
 * What may not live here: keys (predicate.c), the check itself (fdw_scan.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"

#include "early.h"
#include "fallible.h"

/* Can lists answer everything that the clause reads? */
static bool
lists_answer_clause(const PlanTable *table, Node *clause)
{
	List *attnums =
		appconfig_predicate_attributes(table->predicates.relid, clause);
	ListCell *cell;

	foreach(cell, attnums)
	{
		int					   attnum = lfirst_int(cell);
		const AppConfigColumn *column =
			attnum > 0 ? table->predicates.columns[attnum - 1] : NULL;

		if (column == NULL ||
			!appconfig_access_lists_answer(table->table, column))
			return false;
	}
	return attnums != NIL;
}

/*
 * Can the clause be checked against items of lists, and once more later?  One
 * that can fail only where each item of the own list is a row.
 */
bool
appconfig_early_can_go(const PlanTable *table, Node *clause)
{
	return lists_answer_clause(table, clause) &&
		   !contain_volatile_functions(clause) && !contain_subplans(clause) &&
		   (table->table->shape == ROW_PER_ITEM ||
			!appconfig_fallible(clause, table->predicates.relid));
}

/*
 * The places in the plan's qual of those clauses that can be checked before a
 * document is fetched.  A clause must not see a row before those that protect
 * it have: where a clause of a lower security level has to wait for the
 * document, only leakproof ones may go ahead.  And one that can fail must not
 * overtake any that the executor would check before it.
 */
void
appconfig_early_find(const PlanTable *table, List *scan_clauses, List *qual,
					 AppConfigScanPlan *plan)
{
	Index	  waiting = PG_UINT32_MAX;
	bool	  overtakes = false;
	ListCell *cell;

	foreach(cell, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);

		if (!appconfig_early_can_go(table, (Node *) rinfo->clause))
			waiting = Min(waiting, rinfo->security_level);
	}
	foreach(cell, scan_clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, cell);
		bool		  fallible = appconfig_fallible((Node *) rinfo->clause,
													table->predicates.relid);
		ListCell	 *other;

		if (!appconfig_early_can_go(table, (Node *) rinfo->clause) ||
			(rinfo->security_level > waiting && !rinfo->leakproof) ||
			(fallible && overtakes))
		{
			overtakes = true;
			continue;
		}
		foreach(other, qual)
		{
			if (lfirst(other) != rinfo->clause)
				continue;
			plan->early_quals =
				lappend_int(plan->early_quals, foreach_current_index(other));
			plan->early_levels = lappend_int(
				plan->early_levels,
				rinfo->leakproof ? -1 : (int) rinfo->security_level);
			plan->early_fallible = lappend_int(plan->early_fallible, fallible);
		}
	}
}
