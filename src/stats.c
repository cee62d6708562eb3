/*-------------------------------------------------------------------------
 *
 * stats.c
 *		What a backend's calls have cost, by server and operation.
 *
 * Counted in memory, never written anywhere, so that reading is all that a
 * query needs to be allowed; shown by appconfig_fdw_stats().
 *
 * What may not live here: the counting itself (api.c, memo.c), and what a
 * single scan has cost (fdw_explain.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "stats.h"

#define STATS_COLUMNS 7

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
} StatsEntry;

/*
 * StatsEntry by StatsKey, for the life of the backend; NULL before the first
 */
static HTAB *stats = NULL;

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
	{
		HASHCTL		info = {
			.keysize = sizeof(StatsKey), .entrysize = sizeof(StatsEntry)
		};

		stats = hash_create("appconfig_fdw stats", 32, &info,
							HASH_ELEM | HASH_BLOBS);
	}
	memset(&key, 0, sizeof(key));	/* padding counts */
	key.serverid = serverid;
	key.operation = operation;
	entry = hash_search(stats, &key, HASH_ENTER, &found);
	if (!found)
		memset(&entry->counters, 0, sizeof(entry->counters));
	return &entry->counters;
}

/* All entries that count anything, as they are now, palloc'd; sets *count */
static StatsEntry *
copy_stats(int *count)
{
	StatsEntry *copy;
	StatsEntry *entry;
	HASH_SEQ_STATUS status;

	*count = 0;
	if (stats == NULL)
		return NULL;
	copy = palloc(sizeof(StatsEntry) * Max(hash_get_num_entries(stats), 1));
	hash_seq_init(&status, stats);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		/* what was asked for may not have gone out in the end */
		if (entry->counters.calls > 0 || entry->counters.hits > 0)
			copy[(*count)++] = *entry;
	}
	return copy;
}

static HeapTuple
form_tuple(TupleDesc tupdesc, const char *server, const StatsEntry *entry)
{
	Datum		values[STATS_COLUMNS];
	bool		nulls[STATS_COLUMNS] = {false};

	values[0] = CStringGetTextDatum(server);
	values[1] = CStringGetTextDatum(entry->key.operation);
	values[2] = Int64GetDatum(entry->counters.calls);
	values[3] = Int64GetDatum(entry->counters.retries);
	values[4] = Int64GetDatum(entry->counters.throttles);
	values[5] = Int64GetDatum(entry->counters.bytes);
	values[6] = Int64GetDatum(entry->counters.hits);
	return heap_form_tuple(tupdesc, values, nulls);
}

/*
 * SQL: what this session's calls have cost, a row for each server, by its
 * name, and operation.  Servers that are gone are left out.
 */
Datum
appconfig_fdw_stats(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	StatsEntry *entries;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		int			count;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) !=
			TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		BlessTupleDesc(call->tuple_desc);
		call->user_fctx = copy_stats(&count);
		call->max_calls = count;
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	entries = call->user_fctx;
	while (call->call_cntr < call->max_calls)
	{
		const StatsEntry *entry = &entries[call->call_cntr];
		ForeignServer *server =
		GetForeignServerExtended(entry->key.serverid, FSV_MISSING_OK);

		if (server == NULL)
		{
			call->call_cntr++;
			continue;
		}
		SRF_RETURN_NEXT(call,
						HeapTupleGetDatum(form_tuple(call->tuple_desc, server->servername, entry)));
	}
	SRF_RETURN_DONE(call);
}
