/*-------------------------------------------------------------------------
 *
 * memo.c
 *		The documents of one statement, each fetched once.
 *
 * Every scan of a statement asks here and not the service, so that all of them
 * read the same copy of a document and none is fetched twice, not even while
 * it is on its way (contract, section 1).  A document is known by its request:
 * the path and query as they go out.  Where a statement reads everything once
 * and in one scan, nothing is kept that no scan holds; where it does not, what
 * goes beyond work_mem is kept in a temporary file.
 *
 * What may not live here: what is in a document, whose documents they are
 * (connection.c), and anything that outlives the statement.
 *
 *
 * Consistency
 *
 * A query is to have the rows that it would have over a local copy of the
 * tables, and there each run is in one state.  The service has no snapshots:
 * it answers one request after another while runs go on.  And it shows a run
 * twice, in a list as an item with status, times and description, and by Get
 * as a document with everything.  These two are of two moments, as are two
 * lists with different filters.  Were every scan to read what is cheapest for
 * it, a run that ends meanwhile could be counted both as RUNNING and as DONE,
 * or as neither, and a join could put its old status beside its result.  No
 * query may see a run half before and half after.  It is kept from that so:
 *
 * What can change.  A run keeps what it was started with, and all of it is
 * frozen once it is DONE.  tables.c declares both, as fixed and freezing; only
 * runs have these today.  Scans that read fixed members alone believe any
 * answer.  What follows is for the others, the mutable ones.
 *
 * One copy.  A statement makes no request twice.  This memo has one copy of
 * each document and each page of a list, for all scans, known by the request;
 * a document that was asked for by a name is joined with the one of the same
 * id.  What is left to settle is whether an item or a document is believed:
 *
 * - In a row it is the document, as soon as there is one (item.c).
 * - A mutable scan that is the only one believes lists.  An item can be the
 *   row, or show that there is none; or else the document decides, and the
 *   executor checks all clauses on it.  Each run is judged at one moment.
 * - Several share their lists (shared_lists): they neither filter them by
 *   status nor ask for them by names, so that all read the same pages.
 * - If some of them may read documents (documents_decide), then for all of
 *   them the documents decide.  What an item says that can change counts for
 *   nothing, and the document is fetched even where the item would do.
 * - But an item is final if it shows the run frozen and no scan has asked for
 *   the document yet (appconfig_memo_is_final()): whoever asks from now on
 *   gets that state.  A document that was asked for earlier may show the run
 *   before its end, and then that is how the statement sees it.
 *
 * Which case it is depends on the whole plan, and statement.c finds it out
 * before the first call.  A scan that is run again with other keys counts
 * twice where these can lead to a run by other calls.
 *
 * What a session keeps.  A frozen document outlives the statement (cache.c),
 * but proves nothing by itself: the run may be gone.  It serves once a list of
 * the same statement shows the run frozen and in the same state, by Status,
 * UpdatedAt and EndedAt (AppConfigFreezing in tables.h).  Then it is what Get
 * would answer, for all scans (appconfig_memo_confirm()); if the list shows
 * another state, it goes.  Apart from that, cache_ttl lets answers be some time
 * old.
 *
 * What is not promised.  All this is about one run, as one statement sees it
 * by one role's mapping.  Two runs, or a run and its events, may be of
 * different moments, and a query in a function is a statement of its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "clock.h"
#include "compat.h"
#include "memo.h"
#include "spill.h"
#include "target_table.h"

/* Bytes that an entry takes without its document, about */
#define WEIGHT_OF_ENTRY 1024

struct Memo
{
	MemoryContext context;		/* holds this struct; part of the owner's */
	MemoryContextCallback callback;
	int			users;			/* scans that have not ended */
	bool		retain;			/* keep what no scan holds? */
	Size		bytes;			/* of answers in memory, about */
	SpillFile  *spill;			/* answers beyond work_mem; NULL before the
								 * first */
	DocumentCache *cache;		/* the session's */
	const ApiOwner *owner;		/* of the calls */
	HTAB	   *table;			/* TargetSlot by target */
	HTAB	   *lists;			/* TargetSlot by target: CacheEntry of the
								 * lists that the session serves to this
								 * statement; NULL before the first */
	List	   *held;			/* these CacheEntry, to be let go */
	HTAB	   *confirmed;		/* targets of which a list has shown that the
								 * session's copy is exact; NULL before the
								 * first */
	dlist_head	entries;
	dlist_head	abandoned;		/* of the entries */
	int			abandoned_count;
};

struct MemoEntry
{
	dlist_node	node;			/* in memo->entries */
	Memo	   *memo;
	char	   *target;			/* path and query, the key */
	char	   *alias;			/* another target with the same answer, or
								 * NULL */
	int			references;
	bool		abandoned;		/* by all scans while its call is under way */
	dlist_node	abandoned_node; /* then in memo->abandoned */
	ApiCall    *call;			/* on its way, or failed; else NULL */
	bool		ready;			/* is document the answer, or call an error? */
	const struct AppConfigFreezing *freezing;	/* of the document, or NULL */
	ListPage	page;			/* which of which list, owned; list is NULL if
								 * of none */
	JsonValue  *document;		/* NULL if there is none */
	Size		bytes;			/* of the entry once it is ready, about */
};

/*
 * Documents are not palloc'd.  The temporary file is the resource owner's, and
 * an abort has closed it by now.
 */
static void
end_memo(void *arg)
{
	Memo	   *memo = arg;
	ListCell   *cell;
	dlist_iter	iter;

	foreach(cell, memo->held)
		appconfig_cache_let_go(memo->cache, lfirst(cell));
	dlist_foreach(iter, &memo->entries)
		appconfig_json_release(dlist_container(MemoEntry, node, iter.cur)->document);
}

/*
 * A memo without documents.  The owner of its calls and the session's cache
 * must outlive it; it ends with the owner's memory.
 */
Memo *
appconfig_memo_create(const ApiOwner *owner, DocumentCache *cache)
{
	MemoryContext context = AllocSetContextCreate(owner->context,
												  "appconfig_fdw memo",
												  ALLOCSET_DEFAULT_SIZES);
	Memo	   *memo = MemoryContextAllocZero(context, sizeof(Memo));

	memo->context = context;
	memo->owner = owner;
	memo->cache = cache;
	memo->table = appconfig_target_table_create("appconfig_fdw memo", context);
	dlist_init(&memo->entries);
	dlist_init(&memo->abandoned);
	memo->callback.func = end_memo;
	memo->callback.arg = memo;
	MemoryContextRegisterResetCallback(context, &memo->callback);
	return memo;
}

/*
 * A scan begins to use the memo.  If the statement may ask for something
 * again, documents are kept from now on.
 */
void
appconfig_memo_join(Memo *memo, bool rereads)
{
	memo->users++;
	memo->retain |= rereads;
}

/* A scan has ended; with the last one goes the file */
void
appconfig_memo_leave(Memo *memo)
{
	if (--memo->users > 0)
		return;
	/* nobody can ask again, so nothing more is to be kept */
	memo->retain = false;
	if (memo->spill != NULL)
		appconfig_spill_close(memo->spill);
	memo->spill = NULL;
}

/* An answer was at hand */
static void
count_hit(const Memo *memo, const ApiRequest *request, ApiCounters *counters)
{
	counters->hits++;
	appconfig_stats_counters(memo->owner->serverid, request->operation)
		->hits++;
}

/* On what terms the session may keep the entry's document, or serve it */
static CacheTerms
cache_terms(const MemoEntry *entry)
{
	CacheTerms	terms = {
		.ttl = entry->memo->owner->settings->cache_ttl,
		.size = entry->memo->owner->settings->cache_size,
		.freezing = entry->freezing
	};

	return terms;
}

/*
 * A list of this statement shows, by its item, the thing that a request of
 * this target would get.  If that confirms the session's copy, the copy serves
 * all scans from now on; if it contradicts the copy, that is dropped.
 */
void
appconfig_memo_confirm(Memo *memo, const char *target,
					   const AppConfigFreezing *freezing, JsonValue *item)
{
	MemoryContext old;

	if (!appconfig_cache_confirm(memo->cache, target, freezing, item))
		return;
	old = MemoryContextSwitchTo(memo->context);
	if (memo->confirmed == NULL)
		memo->confirmed = appconfig_target_table_create("appconfig_fdw confirmed",
														memo->context);
	if (hash_search(memo->confirmed, &target, HASH_FIND, NULL) == NULL)
	{
		target = pstrdup(target);
		(void) hash_search(memo->confirmed, &target, HASH_ENTER, NULL);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Is a list's item the last word on the thing that a request of this target
 * would get?  See "Consistency" above.
 */
bool
appconfig_memo_is_final(const Memo *memo, const char *target,
						const AppConfigFreezing *freezing, JsonValue *item)
{
	return appconfig_cache_is_frozen(freezing, item) &&
		hash_search(memo->table, &target, HASH_FIND, NULL) == NULL &&
		!(memo->spill != NULL && appconfig_spill_has(memo->spill, target));
}

static bool
is_confirmed(const Memo *memo, const char *target)
{
	return memo->confirmed != NULL &&
		hash_search(memo->confirmed, &target, HASH_FIND, NULL) != NULL;
}

/* The answer is there; NULL if the service knows no such thing */
static void
set_document(MemoEntry *entry, JsonValue *document)
{
	entry->document = document;
	entry->bytes = WEIGHT_OF_ENTRY + appconfig_json_size(document);
	entry->memo->bytes += entry->bytes;
	entry->ready = true;
}

/*
 * The session's list that this statement is reading, or begins to read with
 * this page.  NULL if the list is to be asked for: with tokens of its own.
 */
static CacheEntry *
kept_list(Memo *memo, const ListPage *page, const CacheTerms *terms)
{
	TargetSlot *slot =
	memo->lists != NULL
	? hash_search(memo->lists, &page->list, HASH_FIND, NULL)
	: NULL;
	CacheEntry *list;
	char	   *target;

	if (slot != NULL)
		return slot->entry;
	list = page->token == NULL
		? appconfig_cache_find_list(memo->cache, page->list, terms,
									appconfig_clock_now())
		: NULL;
	if (list == NULL)
		return NULL;
	if (memo->lists == NULL)
		memo->lists = appconfig_target_table_create("appconfig_fdw lists",
													memo->context);
	target = pstrdup(page->list);
	slot = hash_search(memo->lists, &target, HASH_ENTER, NULL);
	slot->entry = list;
	/* the last of what can fail comes before what must be undone */
	memo->held = lappend(memo->held, list);
	appconfig_cache_hold(memo->cache, list);
	return list;
}

/* What the session has kept and may serve; NULL if it is to be asked for */
static JsonValue *
kept_document(MemoEntry *entry)
{
	Memo	   *memo = entry->memo;
	CacheTerms	terms = cache_terms(entry);
	CacheEntry *list;

	if (entry->page.list == NULL)
		return appconfig_cache_get(memo->cache, entry->target, &terms,
								   is_confirmed(memo, entry->target),
								   appconfig_clock_now());
	list = kept_list(memo, &entry->page, &terms);
	return list != NULL ? appconfig_cache_page(list, entry->page.token) : NULL;
}

/* The target of a request, in the current context */
static char *
make_target(const char *path, const char *query)
{
	return query[0] == '\0' ? pstrdup(path) : psprintf("%s?%s", path, query);
}

static void
set_page(MemoEntry *entry, const ApiRequest *request)
{
	if (!request->is_list)
		return;
	entry->page.list = request->token != NULL
		? make_target(request->path, request->first)
		: pstrdup(entry->target);
	entry->page.token =
		request->token != NULL ? pstrdup(request->token) : NULL;
}

static void
free_page(MemoEntry *entry)
{
	if (entry->page.list != NULL)
		pfree(unconstify(char *, entry->page.list));
	if (entry->page.token != NULL)
		pfree(unconstify(char *, entry->page.token));
}

/* An entry that has no answer yet, in the current context */
static MemoEntry *
make_entry(Memo *memo)
{
	MemoEntry  *entry = palloc0(sizeof(MemoEntry));

	entry->memo = memo;
	dlist_push_tail(&memo->entries, &entry->node);
	return entry;
}

/* Lets the entry be found by one of its targets */
static void
enter_target(MemoEntry *entry, char *target)
{
	TargetSlot *slot =
	hash_search(entry->memo->table, &target, HASH_ENTER, NULL);

	slot->entry = entry;
}

#ifdef USE_ASSERT_CHECKING

static bool
is_entered(const MemoEntry *entry, char *const *target)
{
	TargetSlot *slot =
	hash_search(entry->memo->table, target, HASH_FIND, NULL);

	return slot != NULL && slot->entry == entry;
}

/*
 * An entry that scans can get hold of is found by its targets, and either has
 * its answer or a call that is to bring it.
 */
static void
AssertCheckMemoEntry(const MemoEntry *entry)
{
	Assert(is_entered(entry, &entry->target));
	Assert(entry->alias == NULL || is_entered(entry, &entry->alias));
	Assert(entry->references >= 0);
	/* what was not found leaves its call, for the words of the error */
	Assert(entry->ready ? entry->call == NULL || entry->document == NULL
		   : entry->call != NULL && entry->document == NULL);
	Assert((entry->bytes > 0) == entry->ready);
	Assert(entry->bytes <= entry->memo->bytes);
	Assert(entry->page.list != NULL || entry->page.token == NULL);
	Assert(!entry->abandoned || (entry->references == 0 && !entry->ready));
}

#else
#define AssertCheckMemoEntry(entry) ((void) 0)
#endif

/* A new entry: from what the session has kept, or by a call */
static MemoEntry *
create_entry(Memo *memo, const ApiRequest *request, char *target,
			 ApiCounters *counters)
{
	MemoEntry  *entry = make_entry(memo);
	JsonValue  *document;

	entry->target = target;
	entry->freezing = request->freezing;
	set_page(entry, request);
	document = kept_document(entry);
	if (document != NULL)
	{
		set_document(entry, document);
		count_hit(memo, request, counters);
		elog(DEBUG2, "appconfig_fdw: a copy of the session is served for %s",
			 request->operation);
	}
	else
		entry->call = appconfig_api_start(memo->owner, request, counters);
	enter_target(entry, entry->target);
	return entry;
}

/* A scan waits for the entry again, or nobody has to any longer */
static void
take_up(MemoEntry *entry)
{
	if (!entry->abandoned)
		return;
	dlist_delete(&entry->abandoned_node);
	entry->memo->abandoned_count--;
	entry->abandoned = false;
}

/* Reads back into memory what was spilled for the target; NULL if nothing */
static MemoEntry *
read_back(Memo *memo, const char *target)
{
	MemoEntry  *entry = make_entry(memo);
	SpilledAnswer answer;

	if (!appconfig_spill_get(memo->spill, target, &answer))
	{
		dlist_delete(&entry->node);
		pfree(entry);
		return NULL;
	}
	set_document(entry, answer.document);
	entry->target = unconstify(char *, answer.target);
	entry->alias = unconstify(char *, answer.alias);
	enter_target(entry, entry->target);
	if (entry->alias != NULL)
		enter_target(entry, entry->alias);
	return entry;
}

/* The entry of a target, or NULL */
static MemoEntry *
find_memo_entry(Memo *memo, const char *target)
{
	TargetSlot *slot = hash_search(memo->table, &target, HASH_FIND, NULL);

	if (slot != NULL)
		return slot->entry;
	if (memo->spill == NULL || !appconfig_spill_has(memo->spill, target))
		return NULL;
	return read_back(memo, target);
}

/*
 * Is it certain that the answer to a request is not at hand?  It may be where
 * the session, or a list that has been read, could let a copy serve.
 */
bool
appconfig_memo_needs_call(const Memo *memo, const ApiRequest *request)
{
	char	   *target = make_target(request->path, request->query);
	bool		has_copy =
	memo->owner->settings->cache_ttl > 0 || is_confirmed(memo, target) ||
	hash_search(memo->table, &target, HASH_FIND, NULL) != NULL ||
	(memo->spill != NULL && appconfig_spill_has(memo->spill, target));

	pfree(target);
	return !has_copy;
}

/*
 * The answer to a request, or the promise of it: starts a call if nobody has.
 * The caller holds a reference until appconfig_memo_release(), or to the end
 * of the statement.
 */
MemoEntry *
appconfig_memo_fetch(Memo *memo, const ApiRequest *request,
					 ApiCounters *counters)
{
	MemoryContext old = MemoryContextSwitchTo(memo->context);
	char	   *target = make_target(request->path, request->query);
	MemoEntry  *entry = find_memo_entry(memo, target);

	if (entry != NULL)
	{
		pfree(target);
		count_hit(memo, request, counters);
		take_up(entry);
	}
	else
		entry = create_entry(memo, request, target, counters);
	entry->references++;
	AssertCheckMemoEntry(entry);
	MemoryContextSwitchTo(old);
	return entry;
}

/*
 * The answer of an entry turns out to be that of another target as well: a
 * name in a path stood for an id.  Returns the entry that all scans are to
 * read, with a reference: the one that was asked for by the other target
 * before, ready or not, or else this one, which from now on has both.
 */
MemoEntry *
appconfig_memo_same(MemoEntry *entry, const char *target)
{
	Memo	   *memo = entry->memo;
	MemoryContext old = MemoryContextSwitchTo(memo->context);
	MemoEntry  *known = find_memo_entry(memo, target);

	if (known == NULL)
	{
		Assert(entry->alias == NULL);
		entry->alias = pstrdup(target);
		enter_target(entry, entry->alias);
		known = entry;
	}
	take_up(known);
	known->references++;
	AssertCheckMemoEntry(known);
	MemoryContextSwitchTo(old);
	return known;
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
 * The call is done: takes its document, if there is one, and lets the session
 * have a copy.  The entry holds the document before anything can fail.
 */
static void
take_document(MemoEntry *entry)
{
	CacheTerms	terms = cache_terms(entry);
	JsonValue  *document = appconfig_api_document(entry->call);
	int64		sent_at = appconfig_api_sent_at(entry->call);

	set_document(entry, document);
	if (document == NULL)
		return;					/* appconfig_memo_raise() still needs the call */
	appconfig_api_release(entry->call);
	entry->call = NULL;
	if (entry->page.list != NULL)
		appconfig_cache_put_page(entry->memo->cache, &entry->page, document,
								 &terms, sent_at);
	else
		appconfig_cache_put(entry->memo->cache, entry->target, document,
							&terms, sent_at);
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
		appconfig_api_note_read(entry->call);
		take_document(entry);
	}
	AssertCheckMemoEntry(entry);
	return entry->document;
}

/* Raises the error of an entry that has no document, a 404 included */
void
appconfig_memo_raise(const MemoEntry *entry)
{
	if (entry->call != NULL)
		appconfig_api_raise(entry->call);
	/* that it was not found is in the file, how the service put it is not */
	ereport(ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("AWS AppConfig no longer finds what it was listing"),
			 errhint("Run the query again: something was deleted while it was being read."),
			 errcontext("GET %s", entry->target)));
}

static void
free_memo_entry(MemoEntry *entry)
{
	Memo	   *memo = entry->memo;

	memo->bytes -= entry->bytes;
	hash_search(memo->table, &entry->target, HASH_REMOVE, NULL);
	if (entry->alias != NULL)
	{
		hash_search(memo->table, &entry->alias, HASH_REMOVE, NULL);
		pfree(entry->alias);
	}
	take_up(entry);
	dlist_delete(&entry->node);
	if (entry->call != NULL)
		appconfig_api_release(entry->call);
	appconfig_json_release(entry->document);
	free_page(entry);
	pfree(entry->target);
	pfree(entry);
}

/* Writes the answer to the file, but only once */
static void
spill_answer(const MemoEntry *entry)
{
	Memo	   *memo = entry->memo;
	SpilledAnswer answer = {
		.target = entry->target, .alias = entry->alias,
		.document = entry->document
	};

	if (memo->spill == NULL)
		memo->spill = appconfig_spill_create(memo->context);
	else if (appconfig_spill_has(memo->spill, entry->target) &&
			 (entry->alias == NULL ||
			  appconfig_spill_has(memo->spill, entry->alias)))
		return;
	appconfig_spill_put(memo->spill, &answer);
}

/* Has the answer come, though nobody has read it yet? */
static bool
has_come(const MemoEntry *entry)
{
	return entry->call != NULL && appconfig_api_is_done(entry->call) &&
		!appconfig_api_has_failed(entry->call);
}

/*
 * No scan holds the entry.  It goes, unless the statement may ask for it
 * again: then it stays in memory, or beyond work_mem in the file.
 */
static void
let_go(MemoEntry *entry)
{
	Memo	   *memo = entry->memo;

	AssertCheckMemoEntry(entry);
	if (memo->retain && !entry->ready && has_come(entry))
		take_document(entry);
	if (memo->retain && entry->ready)
	{
		if (memo->bytes <= (Size) work_mem * 1024)
			return;
		spill_answer(entry);
	}
	free_memo_entry(entry);
}

/*
 * Gives a reference back.  A call that has gone out is left to come in if the
 * statement may ask for it again, as it is not to be made twice.
 */
void
appconfig_memo_release(MemoEntry *entry)
{
	Memo	   *memo = entry->memo;

	Assert(entry->references > 0);
	if (--entry->references > 0)
		return;
	if (memo->retain && entry->call != NULL &&
		appconfig_api_is_under_way(entry->call))
	{
		dlist_push_tail(&memo->abandoned, &entry->abandoned_node);
		memo->abandoned_count++;
		entry->abandoned = true;
		AssertCheckMemoEntry(entry);
		return;
	}
	let_go(entry);
}

/* Calls under way that no scan waits for any longer */
int
appconfig_memo_abandoned(const Memo *memo)
{
	return memo->abandoned_count;
}

/* What nobody has waited for is dealt with once it has come in */
static void
receive_abandoned(Memo *memo)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &memo->abandoned)
	{
		MemoEntry  *entry =
		dlist_container(MemoEntry, abandoned_node, iter.cur);

		if (appconfig_api_is_under_way(entry->call))
			continue;
		take_up(entry);
		let_go(entry);
	}
}

/* Lets calls get on after a wait */
void
appconfig_memo_receive(Memo *memo)
{
	appconfig_api_poll(memo->owner->client);
	receive_abandoned(memo);
}
