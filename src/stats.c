/*-------------------------------------------------------------------------
 *
 * stats.c
 *		What calls have cost, by server and operation: of this session, and of
 *		all sessions.
 *
 * Counted in memory, never written anywhere, so that reading is all that a
 * query needs to be allowed; shown by appconfig_fdw_stats().  What all
 * sessions have counted is in shared memory, where there is some: each session
 * adds to it at the end of each call, and what no call brings along (answers
 * that were at hand, the last wait) at the end of its transaction.  So a
 * session that is killed takes next to nothing with it.
 *
 * What may not live here: the counting itself (api.c, memo.c), what a single
 * scan has cost (fdw_explain.c), and the shared table (shared_stats.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "compat.h"
#include "shared_stats.h"
#include "stats.h"

#define STATS_COLUMNS 9

PG_FUNCTION_INFO_V1(appconfig_fdw_stats);

typedef struct StatsKey
{
	Oid			serverid;
	const char *operation;		/* a constant, so its address will do */
} StatsKey;

typedef struct StatsEntry
{
	StatsKey	key;
	ApiCounters counters;
	ApiCounters shared;			/* of these, what all sessions know of */
	SharedStatsKey shared_key;
	int			shared_place;	/* -1: not known */
} StatsEntry;

/* What a row of the function is made of */
typedef struct StatsRow
{
	const char *server;			/* its name */
	const char *operation;
	ApiCounters counters;
} StatsRow;

/* Those rows */
typedef struct StatsRows
{
	StatsRow   *rows;
	int			count;
	bool		all_sessions;
} StatsRows;

/*
 * StatsEntry by StatsKey, for the life of the backend; NULL before the first
 */
static HTAB *stats = NULL;

/* Is there a table of all sessions to add to? */
static bool is_shared = false;

/* ------------------------------------------------------------------------
 * Counting
 * ------------------------------------------------------------------------
 */

/* Lets all sessions know what this one has counted.  Raises no error. */
static void
share_entry(StatsEntry *entry)
{
	if (memcmp(&entry->counters, &entry->shared, sizeof(ApiCounters)) == 0)
		return;
	appconfig_shared_stats_add(&entry->shared_key, &entry->shared_place,
							   &entry->shared, &entry->counters);
	entry->shared = entry->counters;
}

/* A transaction has ended, or is about to */
static void
share_all(XactEvent event pg_attribute_unused(),
		  void *arg pg_attribute_unused())
{
	HASH_SEQ_STATUS status;
	StatsEntry *entry;

	if (!is_shared)
		return;
	hash_seq_init(&status, stats);
	while ((entry = hash_seq_search(&status)) != NULL)
		share_entry(entry);
}

static void
create_stats(void)
{
	HASHCTL		info = {
		.keysize = sizeof(StatsKey), .entrysize = sizeof(StatsEntry)
	};
	HTAB	   *table = hash_create("appconfig_fdw stats", 32, &info,
									HASH_ELEM | HASH_BLOBS);

	RegisterXactCallback(share_all, NULL);
	stats = table;
}

/*
 * The counters of an operation of a server, zero at first.  They stay where
 * they are until the backend ends.
 */
ApiCounters *
appconfig_stats_counters(Oid serverid, const char *operation)
{
	StatsKey	key;
	StatsEntry *entry;
	bool		found;

	if (stats == NULL)
		create_stats();
	/* there may be memory by now; at the end of a transaction it is too late */
	if (!is_shared)
		is_shared = appconfig_shared_stats_open();
	memset(&key, 0, sizeof(key));	/* padding counts */
	key.serverid = serverid;
	key.operation = operation;
	entry = hash_search(stats, &key, HASH_ENTER, &found);
	if (!found)
	{
		memset(&entry->counters, 0, sizeof(entry->counters));
		memset(&entry->shared, 0, sizeof(entry->shared));
		appconfig_shared_stats_set_key(&entry->shared_key, serverid, operation);
		entry->shared_place = -1;
	}
	return &entry->counters;
}

/*
 * A call has ended that was counted by these, which are
 * appconfig_stats_counters()'.  Raises no error.
 */
void
appconfig_stats_share(ApiCounters *counters)
{
	if (is_shared)
		share_entry((StatsEntry *) ((char *) counters -
									offsetof(StatsEntry, counters)));
}

/* ------------------------------------------------------------------------
 * SQL
 * ------------------------------------------------------------------------
 */

/*
 * May the role see what everybody's calls of a server have cost?  Those may
 * who can have tables of it, and those who see all other statistics.
 */
static bool
may_see_all(Oid serverid, Oid userid)
{
	return appconfig_server_can_be_used(serverid, userid) ||
		appconfig_may_read_all_stats(userid);
}

/*
 * Adds a row, if it is one: something has been counted, for what was asked for
 * may not have gone out in the end, and the server is still there.
 */
static void
add_row(StatsRows *to, Oid serverid, const char *operation,
		const ApiCounters *counters)
{
	ForeignServer *server;
	StatsRow   *row;

	if (counters->calls == 0 && counters->hits == 0)
		return;
	server = GetForeignServerExtended(serverid, FSV_MISSING_OK);
	if (server == NULL ||
		(to->all_sessions && !may_see_all(serverid, GetUserId())))
		return;
	row = &to->rows[to->count++];
	row->server = server->servername;
	row->operation = operation;
	row->counters = *counters;
}

static void
add_session(StatsRows *to)
{
	StatsEntry *entry;
	HASH_SEQ_STATUS status;
	StatsEntry *copy;
	int			count = 0;
	int			i;

	if (stats == NULL)
		return;
	/* a look at the catalog must not come between */
	copy = palloc(sizeof(StatsEntry) * Max(hash_get_num_entries(stats), 1));
	hash_seq_init(&status, stats);
	while ((entry = hash_seq_search(&status)) != NULL)
		copy[count++] = *entry;
	to->rows = palloc(sizeof(StatsRow) * Max(count, 1));
	for (i = 0; i < count; i++)
		add_row(to, copy[i].key.serverid, copy[i].key.operation,
				&copy[i].counters);
}

static void
add_all_sessions(StatsRows *to)
{
	SharedStatsRow *shared;
	int			count;
	int			i;

	if (!appconfig_has_shared_memory())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("statistics of all sessions need PostgreSQL 17 or later"),
				 errhint("Call appconfig_fdw_stats() for those of this session.")));
	if (!appconfig_shared_stats_open())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("there is no shared memory for statistics of all sessions"),
				 errhint("Call appconfig_fdw_stats() for those of this session.")));
	shared = appconfig_shared_stats_copy(&count);
	to->rows = palloc(sizeof(StatsRow) * Max(count, 1));
	for (i = 0; i < count; i++)
		add_row(to, shared[i].key.serverid, shared[i].key.operation,
				&shared[i].counters);
}

static HeapTuple
form_tuple(TupleDesc tupdesc, const StatsRow *row)
{
	const ApiCounters *counters = &row->counters;
	Datum		values[STATS_COLUMNS];
	bool		nulls[STATS_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(row->server);
	values[1] = CStringGetTextDatum(row->operation);
	values[2] = Int64GetDatum(counters->calls);
	values[3] = Int64GetDatum(counters->retries);
	values[4] = Int64GetDatum(counters->throttles);
	values[5] = Int64GetDatum(counters->bytes);
	values[6] = Int64GetDatum(counters->hits);
	values[7] = Int64GetDatum(counters->errors);
	values[8] = Float8GetDatum(counters->rate_wait / 1000.0);
	return heap_form_tuple(tupdesc, values, nulls);
}

/*
 * SQL: what the calls of this session, or of all sessions, have cost, a row
 * for each server, by its name, and operation.  Servers that are gone are left
 * out, and so are, of all sessions, those that the role may not use.
 */
Datum
appconfig_fdw_stats(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	StatsRows  *rows;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) !=
			TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		BlessTupleDesc(call->tuple_desc);
		rows = palloc0(sizeof(StatsRows));
		rows->all_sessions = PG_GETARG_BOOL(0);
		if (rows->all_sessions)
			add_all_sessions(rows);
		else
			add_session(rows);
		call->user_fctx = rows;
		call->max_calls = rows->count;
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	rows = call->user_fctx;
	if (call->call_cntr < call->max_calls)
	{
		/* the macro counts before it looks at what it returns */
		HeapTuple	row = form_tuple(call->tuple_desc,
									 &rows->rows[call->call_cntr]);

		SRF_RETURN_NEXT(call, HeapTupleGetDatum(row));
	}
	SRF_RETURN_DONE(call);
}
