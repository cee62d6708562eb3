/*-------------------------------------------------------------------------
 *
 * memo.c
 *		The documents of one statement, each fetched once.
 *
 * Every scan of a statement asks here and not the service, so that all of them
 * read the same copy of a document and none is fetched twice, not even while
 * it is on its way (contract, section 1).  A document is known by its request:
 * the path and query as they go out.  Where a statement reads everything once
 * and in one scan, nothing is kept that no scan holds.
 *
 * What may not live here: what is in a document, and anything that outlives the
 * statement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "memo.h"

struct Memo
{
	dlist_node	node;			/* in memos */
	MemoryContext statement;	/* whose memo it is */
	MemoryContext context;		/* holds this struct; part of statement */
	MemoryContextCallback callback;
	Oid			serverid;
	Oid			userid;
	bool		retain;			/* keep what no scan holds? */
	ApiOwner	owner;
	HTAB	   *table;			/* MemoSlot by target */
	dlist_head	entries;
};

struct MemoEntry
{
	dlist_node	node;			/* in memo->entries */
	Memo	   *memo;
	char	   *target;			/* path and query, the key */
	int			references;
	ApiCall    *call;			/* on its way, or failed; else NULL */
	bool		ready;			/* is document the answer, or call an error? */
	JsonValue  *document;		/* NULL if the service knows no such thing */
};

typedef struct MemoSlot
{
	const char *target;			/* the entry's */
	MemoEntry  *entry;
} MemoSlot;

/* The memos of the statements that are being run, at any depth of functions */
static dlist_head memos = DLIST_STATIC_INIT(memos);

static uint32
hash_target(const void *key, Size keysize pg_attribute_unused())
{
	const char *target = *(const char *const *) key;

	return hash_bytes((const unsigned char *) target, (int) strlen(target));
}

static int
compare_targets(const void *a, const void *b, Size keysize pg_attribute_unused())
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Documents are not palloc'd */
static void
end_memo(void *arg)
{
	Memo	   *memo = arg;
	dlist_iter	iter;

	dlist_delete(&memo->node);
	dlist_foreach(iter, &memo->entries)
		appconfig_json_release(dlist_container(MemoEntry, node, iter.cur)->document);
}

/* The memo of a statement, known by its memory, for a server and role; or NULL */
Memo *
appconfig_memo_find(MemoryContext statement, Oid serverid, Oid userid)
{
	dlist_iter	iter;

	dlist_foreach(iter, &memos)
	{
		Memo	   *memo = dlist_container(Memo, node, iter.cur);

		if (memo->statement == statement && memo->serverid == serverid &&
			memo->userid == userid)
			return memo;
	}
	return NULL;
}

/*
 * A new memo.  It ends with the statement's memory, in which settings and
 * credentials must live as well, and in which the session must be held.
 */
Memo *
appconfig_memo_create(MemoryContext statement, Oid serverid, Oid userid,
					  ApiSession *session, const AppConfigSettings *settings,
					  const AwsCredentials *credentials)
{
	MemoryContext context = AllocSetContextCreate(statement, "appconfig_fdw memo",
												  ALLOCSET_DEFAULT_SIZES);
	Memo	   *memo = MemoryContextAllocZero(context, sizeof(Memo));
	HASHCTL		info = {
		.keysize = sizeof(const char *),
		.entrysize = sizeof(MemoSlot),
		.hash = hash_target,
		.match = compare_targets,
		.hcxt = context
	};

	memo->statement = statement;
	memo->context = context;
	memo->serverid = serverid;
	memo->userid = userid;
	memo->owner.session = session;
	memo->owner.settings = settings;
	memo->owner.credentials = credentials;
	memo->owner.context = context;
	memo->table = hash_create("appconfig_fdw memo", 64, &info,
							  HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	dlist_init(&memo->entries);
	dlist_push_tail(&memos, &memo->node);
	memo->callback.func = end_memo;
	memo->callback.arg = memo;
	MemoryContextRegisterResetCallback(context, &memo->callback);
	return memo;
}

/* From now on documents are kept to the end of the statement */
void
appconfig_memo_retain(Memo *memo)
{
	memo->retain = true;
}

const AppConfigSettings *
appconfig_memo_settings(const Memo *memo)
{
	return memo->owner.settings;
}

/*
 * The answer to a request, or the promise of it: starts a call if nobody has.
 * The caller holds a reference until appconfig_memo_release(), or to the end of
 * the statement.
 */
MemoEntry *
appconfig_memo_fetch(Memo *memo, const ApiRequest *request, ApiCounters *counters)
{
	MemoryContext old = MemoryContextSwitchTo(memo->context);
	char	   *target = request->query[0] == '\0' ? pstrdup(request->path) :
		psprintf("%s?%s", request->path, request->query);
	MemoSlot   *slot = hash_search(memo->table, &target, HASH_FIND, NULL);
	MemoEntry  *entry;

	if (slot != NULL)
	{
		pfree(target);
		entry = slot->entry;
		counters->hits++;
	}
	else
	{
		entry = palloc0(sizeof(MemoEntry));
		entry->memo = memo;
		entry->target = target;
		entry->call = appconfig_api_start(&memo->owner, request, counters);
		dlist_push_tail(&memo->entries, &entry->node);
		slot = hash_search(memo->table, &target, HASH_ENTER, NULL);
		slot->entry = entry;
	}
	entry->references++;
	MemoryContextSwitchTo(old);
	return entry;
}

/* Has the answer come, or an error? */
bool
appconfig_memo_is_ready(const MemoEntry *entry)
{
	return entry->call == NULL || appconfig_api_is_done(entry->call);
}

/* Will appconfig_memo_document() raise an error? */
bool
appconfig_memo_has_failed(const MemoEntry *entry)
{
	return entry->call != NULL && appconfig_api_has_failed(entry->call);
}

/*
 * The answer of an entry that is ready: a JSON object, borrowed from the memo,
 * or NULL where the service knows no such thing.  Raises the error of a call
 * that has failed.
 */
JsonValue *
appconfig_memo_document(MemoEntry *entry)
{
	Assert(appconfig_memo_is_ready(entry));
	if (!entry->ready)
	{
		entry->document = appconfig_api_document(entry->call);
		entry->ready = true;
		if (entry->document != NULL)
		{
			appconfig_api_release(entry->call);
			entry->call = NULL;
		}
	}
	return entry->document;
}

/* Raises the error of an entry that has no document, a 404 included */
void
appconfig_memo_raise(const MemoEntry *entry)
{
	appconfig_api_raise(entry->call);
}

/* Gives a reference back; a call that nobody waits for any longer ends */
void
appconfig_memo_release(MemoEntry *entry)
{
	Memo	   *memo = entry->memo;

	Assert(entry->references > 0);
	if (--entry->references > 0 || (memo->retain && entry->ready))
		return;
	hash_search(memo->table, &entry->target, HASH_REMOVE, NULL);
	dlist_delete(&entry->node);
	if (entry->call != NULL)
		appconfig_api_release(entry->call);
	appconfig_json_release(entry->document);
	pfree(entry->target);
	pfree(entry);
}

/* Waits until some call can get on; see appconfig_api_wait() */
void
appconfig_memo_wait(Memo *memo)
{
	appconfig_api_wait(memo->owner.session);
}
