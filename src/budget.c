/*-------------------------------------------------------------------------
 *
 * budget.c
 *		How many calls a statement may make of one server.
 *
 * The limit is that of the server's option or of the session's setting, the
 * smaller of the two that is not 0, so that who sets the one cannot be
 * outvoted by the other.  Counted is what goes out to AWS AppConfig: every
 * attempt of a call, as each is a request to the service.  Calls for
 * credentials are nobody's, as they serve the statements that follow, too.
 *
 * A statement of an executor of its own, as a query in a function, has a
 * budget of its own.  What it has is shared by all its scans of the server,
 * whichever role they read it as, and by the executor in which PostgreSQL
 * checks rows once more.
 *
 * Scans ask ahead of what is read, and what they have asked for in vain must
 * not be what others lack in the end.  So nobody asks ahead unless as much as
 * is then open, asked for and not read, is left twice over: of what is left,
 * half is for what somebody waits for.
 *
 * What may not live here: calls, and when they go out (api.c); who asks ahead
 * (cursor.c); what a scan is certain to take (certain_calls.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "foreign/foreign.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "budget.h"

struct CallBudget
{
	dlist_node	node;			/* in budgets */
	MemoryContext statement;	/* holds this struct */
	MemoryContextCallback callback;
	Oid			serverid;
	int			limit;			/* attempts; 0 for none */
	bool		by_setting;		/* is the limit the session's? */
	CallCounts	made;			/* attempts */
	int64		open;			/* calls whose answer nobody has read */
	double		expected;		/* calls, by the planner */
};

int			appconfig_max_calls = 0;

/* Those of the statements that are being run, at any depth of functions */
static dlist_head budgets = DLIST_STATIC_INIT(budgets);

/* The smaller of two limits that is not 0; 0 stands for none */
int
appconfig_budget_smaller_limit(int a, int b)
{
	if (a == 0 || b == 0)
		return Max(a, b);
	return Min(a, b);
}

/* ------------------------------------------------------------------------
 * Budgets
 * ------------------------------------------------------------------------
 */
static void
end_budget(void *arg)
{
	dlist_delete(&((CallBudget *) arg)->node);
}

/*
 * What a statement, known by the memory of its outermost executor, may make of
 * a server.  The first to come settles the session's part of the limit, so
 * that a later SET changes nothing for a cursor that is open.  Lives as long
 * as that memory.
 */
CallBudget *
appconfig_budget_join(MemoryContext statement, Oid serverid)
{
	dlist_iter	iter;
	CallBudget *budget;

	dlist_foreach(iter, &budgets)
	{
		budget = dlist_container(CallBudget, node, iter.cur);
		if (budget->statement == statement && budget->serverid == serverid)
			return budget;
	}
	budget = MemoryContextAllocZero(statement, sizeof(CallBudget));
	budget->statement = statement;
	budget->serverid = serverid;
	budget->limit = appconfig_max_calls;
	budget->by_setting = true;
	budget->callback.func = end_budget;
	budget->callback.arg = budget;
	MemoryContextRegisterResetCallback(statement, &budget->callback);
	dlist_push_head(&budgets, &budget->node);
	return budget;
}

/* The server's option is known: it counts where it is the smaller one */
void
appconfig_budget_limit(CallBudget *budget, int max_calls)
{
	int			limit = appconfig_budget_smaller_limit(budget->limit, max_calls);

	if (limit == budget->limit)
		return;
	budget->limit = limit;
	budget->by_setting = false;
}

bool
appconfig_budget_is_limited(const CallBudget *budget)
{
	return budget->limit > 0;
}

/* What the planner expects of the whole statement, for messages */
void
appconfig_budget_expect(CallBudget *budget, double calls)
{
	budget->expected = calls;
}

/* ------------------------------------------------------------------------
 * Calls
 *
 * A call that is nobody's has NULL for its budget.
 * ------------------------------------------------------------------------
 */

/* One more call of the operation */
void
appconfig_budget_count(CallCounts *counts, const char *operation)
{
	int			i = 0;

	while (i < counts->operations &&
		   strcmp(counts->operation[i], operation) != 0)
		i++;
	Assert(i < MAX_COUNTED_OPERATIONS);
	counts->operation[i] = operation;
	counts->calls[i]++;
	counts->operations = Max(counts->operations, i + 1);
	counts->total++;
}

/* Somebody has begun a call, whether or not it has gone out */
void
appconfig_budget_open(CallBudget *budget)
{
	if (budget != NULL)
		budget->open++;
}

/* Its answer has been read, or it has ended before it went out */
void
appconfig_budget_close(CallBudget *budget)
{
	if (budget != NULL)
		budget->open--;
}

/* Attempts that are left; without a limit more than anybody makes */
int64
appconfig_budget_left(const CallBudget *budget)
{
	if (budget->limit == 0)
		return PG_INT64_MAX;
	return Max(budget->limit - budget->made.total, 0);
}

/* Is there nothing left for another attempt? */
bool
appconfig_budget_is_spent(const CallBudget *budget)
{
	return budget != NULL && budget->limit > 0 &&
		budget->made.total >= budget->limit;
}

/* Is there enough for a call that nobody waits for? */
bool
appconfig_budget_can_spare(const CallBudget *budget)
{
	return budget->limit == 0 ||
		2 * (budget->open + 1) <= budget->limit - budget->made.total;
}

/* An attempt goes out */
void
appconfig_budget_spend(CallBudget *budget, const char *operation)
{
	if (budget == NULL)
		return;
	Assert(!appconfig_budget_is_spent(budget));
	appconfig_budget_count(&budget->made, operation);
}

/* ------------------------------------------------------------------------
 * Errors
 * ------------------------------------------------------------------------
 */

/* "3 calls (1 ListExperimentRuns, 2 GetExperimentRun)", palloc'd */
static char *
describe_counts(const CallCounts *counts)
{
	StringInfoData text;
	int			i;

	initStringInfo(&text);
	appendStringInfo(&text, INT64_FORMAT " %s", counts->total,
					 counts->total == 1 ? "call" : "calls");
	for (i = 0; i < counts->operations; i++)
		appendStringInfo(&text, "%s" INT64_FORMAT " %s",
						 i == 0 ? " (" : ", ", counts->calls[i],
						 counts->operation[i]);
	if (counts->operations > 0)
		appendStringInfoChar(&text, ')');
	return text.data;
}

static const char *
server_name(const CallBudget *budget)
{
	return GetForeignServer(budget->serverid)->servername;
}

/* Reports that the limit does not do; the detail and the request, or NULL */
pg_noreturn static void
refuse(const CallBudget *budget, const char *detail, const char *request)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("statement needs more calls of AWS AppConfig than max_calls allows"),
			 errdetail_internal("%s", detail),
			 budget->by_setting
			 ? errhint("Let the query name more keys, see EXPLAIN, or raise the setting appconfig_fdw.max_calls.")
			 : errhint("Let the query name more keys, see EXPLAIN, or have the server's option max_calls raised."),
			 request != NULL ? errcontext("%s", request) : 0));
}

/*
 * A scan begins that is certain to take so many calls: raises an error if they
 * do not fit in.
 */
void
appconfig_budget_check(const CallBudget *budget, const CallCounts *certain)
{
	if (budget->limit == 0 ||
		budget->made.total + certain->total <= budget->limit)
		return;
	refuse(budget,
		   psprintf("Of server \"%s\", the keys of a scan alone take %s, the statement has made %s, and max_calls is %d.",
					server_name(budget), describe_counts(certain),
					describe_counts(&budget->made), budget->limit),
		   NULL);
}

/*
 * Somebody waits for a call that there is nothing left for.  failure is what
 * its last attempt has come to, NULL if there was none.
 */
void
appconfig_budget_raise(const CallBudget *budget, const char *failure,
					   const char *request)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfo(&detail, "Of server \"%s\", the statement has made %s, and max_calls is %d.  The planner expected %.0f.",
					 server_name(budget), describe_counts(&budget->made),
					 budget->limit, ceil(budget->expected));
	if (failure != NULL)
		appendStringInfo(&detail, "  The last one would have to be tried again: %s.",
						 failure);
	refuse(budget, detail.data, request);
}
