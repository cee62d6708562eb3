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
 * has been read is in a snapshot, as long as the statement lasts.
 *
 * In a transaction that sees one state the statements have a snapshot in
 * common, and each has its memo: calls are a statement's own, and end with it.
 * Two statements can be under way at the same time, a cursor and another one,
 * or a query and what its functions ask.  Then the second follows the first,
 * and waits for its call; and if the first one ends before the answer has been
 * read, or its call fails, the second asks for itself.
 *
 * What may not live here: what is in a document, whose documents they are
 * (connection.c, transaction.c), and anything that outlives the statement.
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
 * id.  That a thing does not exist is a copy like others.  What is left to
 * settle is whether an item or a document is believed:
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
 * A transaction that sees one state, under REPEATABLE READ or SERIALIZABLE, is
 * in all this like one statement, whose plan nobody knows.  What a statement
 * has read, the next one reads again, and what a scan has believed or emitted
 * is to hold for scans that come later.  So from its first statement on there
 * are several mutable scans that may read documents: they decide, also for a
 * single scan of a list, and lists are not filtered by status, those of other
 * tables neither.  An item is final only if none of the transaction's
 * statements has asked for the document.  An answer counts from when it has
 * been read first, by whichever statement, not from when it was asked for; it
 * goes into the snapshot before anybody sees it, and stays there whatever
 * becomes of the subtransaction.  What has not been read by then ends with its
 * statement, and errors are not kept.
 *
 * What outlives the statement.  A frozen document is kept, by the session
 * (cache.c) and for others (shared_copies.c), but proves nothing by itself: the
 * run may be gone.  It serves once a list of the same statement shows the run
 * frozen and in the same state, by Status, UpdatedAt and EndedAt
 * (AppConfigFreezing in tables.h).  Then it is what Get would answer, for all
 * scans (appconfig_memo_confirm()); if the list shows another state, it goes.
 * Apart from that, cache_ttl lets answers be some time old, but not older than
 * what the statement's lists have shown: see copy_age.h.
 *
 * What is not promised.  All this is about one run, as one statement, or one
 * transaction that sees one state, sees it by one role's mapping and one
 * identity.  Two runs, or a run and its events, may be of different moments,
 * and so may a definition in two lists that are filtered otherwise, or in a
 * list and in its document.  Nor do lists tell those who ask by keys what there
 * is: a run that was begun after its list was read is not in there, and is
 * there.  What a transaction reads for the first time is of that moment, also
 * the pages of a list that come after those it has read; the service can refuse
 * the token that leads to them, if it is old.  And in READ COMMITTED a query in
 * a function is a statement of its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "clock.h"
#include "compat.h"
#include "http.h"
#include "memo.h"
#include "target_table.h"

struct Memo
{
	MemoryContext context;		/* holds this struct; part of the owner's */
	MemoryContextCallback callback;
	int			users;			/* scans that have not ended */
	bool		retain;			/* can what no scan holds be asked for again? */
	ReadSnapshot *own;			/* the statement's; NULL in a transaction that
								 * sees one state */
	SnapshotReader reader;		/* of that one, or of the transaction's */
	DocumentCache *cache;		/* the session's */
	const ApiOwner *owner;		/* of the calls */
	HTAB	   *table;			/* TargetSlot by target */
	HTAB	   *confirmed;		/* TargetSlot by target: the state, as text,
								 * in which a list has shown that a copy is
								 * exact; NULL before the first */
	dlist_head	entries;
	dlist_head	abandoned;		/* of the entries */
	int			abandoned_count;
	int			following;		/* entries that wait for another's call */
	bool		has_lost;		/* is there an entry that nobody asks for? */
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
	MemoEntry  *leader;			/* another statement's, whose call it waits
								 * for; else NULL */
	dlist_node	follower_node;	/* then in leader->followers */
	dlist_head	followers;
	ApiRequest *request;		/* owned, and of whoever follows; else NULL */
	ApiCounters *counters;		/* the same */
	bool		ready;			/* is document the answer, or call an error? */
	const struct AppConfigFreezing *freezing;	/* of the document, or NULL */
	ListPage	page;			/* which of which list, owned; list is NULL if
								 * of none */
	JsonValue  *document;		/* NULL if there is none */
};

/* Waits for nobody else's call any longer.  Raises no error. */
static void
unfollow(MemoEntry *entry)
{
	if (entry->leader == NULL)
		return;
	dlist_delete(&entry->follower_node);
	entry->leader = NULL;
	entry->memo->following--;
}

/*
 * Those who wait for the entry's call have to ask for themselves.  Raises no
 * error.
 */
static void
lose_followers(MemoEntry *entry)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &entry->followers)
	{
		MemoEntry  *follower =
		dlist_container(MemoEntry, follower_node, iter.cur);

		unfollow(follower);
		follower->memo->has_lost = true;
	}
}

/* Documents are not palloc'd, and other statements' memos can be linked */
static void
end_memo(void *arg)
{
	Memo	   *memo = arg;
	dlist_iter	iter;

	appconfig_snapshot_leave(&memo->reader);
	dlist_foreach(iter, &memo->entries)
	{
		MemoEntry  *entry = dlist_container(MemoEntry, node, iter.cur);

		unfollow(entry);
		lose_followers(entry);
		appconfig_json_release(entry->document);
	}
}

/*
 * A memo without documents.  The owner of its calls and the session's cache
 * must outlive it; it ends with the owner's memory.  The snapshot is that of a
 * transaction that sees one state, or NULL: then the memo has its own.
 */
Memo *
appconfig_memo_create(const ApiOwner *owner, DocumentCache *cache,
					  ReadSnapshot *snapshot)
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
	if (snapshot == NULL)
		snapshot = memo->own = appconfig_snapshot_create(context, NULL);
	memo->callback.func = end_memo;
	memo->callback.arg = memo;
	MemoryContextRegisterResetCallback(context, &memo->callback);
	appconfig_snapshot_join(snapshot, &memo->reader);
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
	if (rereads && memo->own != NULL)
		appconfig_snapshot_keep(memo->own);
}

/*
 * A scan has ended.  With the last one goes what the statement has kept, but
 * for what the transaction may ask for again.
 */
void
appconfig_memo_leave(Memo *memo)
{
	if (--memo->users > 0 || memo->own == NULL)
		return;
	memo->retain = false;
	appconfig_snapshot_stop(memo->own);
}

/* What has been read already */
static ReadSnapshot *
snapshot_of(const Memo *memo)
{
	/* better an error than another state */
	if (memo->reader.snapshot == NULL)
		elog(ERROR, "a statement has outlived its transaction");
	return memo->reader.snapshot;
}

/* An answer was at hand */
static void
count_hit(const Memo *memo, const ApiRequest *request, ApiCounters *counters)
{
	counters->hits++;
	appconfig_stats_counters(memo->owner->serverid, request->operation)
		->hits++;
}

/* On what terms a copy of such a document may be kept, or served */
static CacheTerms
cache_terms(const Memo *memo, const AppConfigFreezing *freezing)
{
	const AppConfigSettings *settings = memo->owner->settings;
	CacheTerms	terms = {
		.ttl = settings->cache_ttl,
		.size = settings->cache_size,
		.max_length = settings->max_response_size,
		.freezing = freezing
	};

	return terms;
}

/* How old what is served may be */
static CopyAge
copy_age(const Memo *memo)
{
	CopyAge		age = {
		.asked_after = appconfig_clock_now() -
		memo->owner->settings->cache_ttl * CLOCK_MILLISECOND
	};

	appconfig_snapshot_listed(snapshot_of(memo), &age);
	return age;
}

/* The copy of a target serves in that state, palloc'd, from now on */
static void
enter_confirmed(Memo *memo, const char *target, char *state)
{
	TargetSlot *slot;

	if (memo->confirmed == NULL)
		memo->confirmed = appconfig_target_table_create("appconfig_fdw confirmed",
														memo->context);
	slot = hash_search(memo->confirmed, &target, HASH_FIND, NULL);
	if (slot != NULL)
		pfree(slot->entry);
	else
	{
		target = pstrdup(target);
		slot = hash_search(memo->confirmed, &target, HASH_ENTER, NULL);
	}
	slot->entry = state;
}

/*
 * A list of this statement shows, by its item, the thing that a request of
 * this target would get.  If that confirms a copy, the copy serves all scans
 * from now on; if it contradicts the copy, that is dropped.
 */
void
appconfig_memo_confirm(Memo *memo, const char *target,
					   const AppConfigFreezing *freezing, JsonValue *item)
{
	MemoryContext old = MemoryContextSwitchTo(memo->context);
	CacheTerms	terms = cache_terms(memo, freezing);
	char	   *state;

	appconfig_snapshot_note_listed(snapshot_of(memo), appconfig_clock_now());
	state = appconfig_cache_confirm(memo->cache, target, &terms, item);
	if (state != NULL)
		enter_confirmed(memo, target, state);
	MemoryContextSwitchTo(old);
}

/* The entry of a target that a memo has, or NULL */
static MemoEntry *
own_entry(const Memo *memo, const char *target)
{
	TargetSlot *slot = hash_search(memo->table, &target, HASH_FIND, NULL);

	return slot != NULL ? slot->entry : NULL;
}

/* Has somebody who reads by the same snapshot asked for the target? */
static bool
is_asked_for(const Memo *memo, const char *target)
{
	dlist_iter	iter;

	dlist_foreach(iter, appconfig_snapshot_readers(snapshot_of(memo)))
	{
		if (own_entry(dlist_container(Memo, reader.node, iter.cur), target) !=
			NULL)
			return true;
	}
	return appconfig_snapshot_has(snapshot_of(memo), target);
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
		!is_asked_for(memo, target);
}

/* The state in which the copy of a target serves, or NULL */
static const char *
confirmed_state(const Memo *memo, const char *target)
{
	TargetSlot *slot = memo->confirmed != NULL
	? hash_search(memo->confirmed, &target, HASH_FIND, NULL) : NULL;

	return slot != NULL ? slot->entry : NULL;
}

/* A scan that is the only one asks but once: what it has asked for goes */
static void
forget_confirmed(Memo *memo, const char *target)
{
	TargetSlot *slot = memo->confirmed != NULL
	? hash_search(memo->confirmed, &target, HASH_FIND, NULL) : NULL;
	char	   *key;

	if (slot == NULL)
		return;
	key = unconstify(char *, slot->target);
	pfree(slot->entry);
	(void) hash_search(memo->confirmed, &target, HASH_REMOVE, NULL);
	pfree(key);
}

/*
 * What cache_ttl allows is some identity's, and before the first call nobody
 * may know yet who signs.  Interrupts happen in here.
 */
static void
learn_identity(Memo *memo)
{
	const ApiOwner *owner = memo->owner;

	if (owner->settings->cache_ttl == 0 ||
		!appconfig_cache_waits_for_identity(memo->cache))
		return;
	while (owner->supply->obtain(owner->supply) == NULL)
	{
		appconfig_http_open();
		owner->supply->ask_for_times(owner->supply);
		appconfig_http_wait(WAIT_FOR_CREDENTIALS);
		CHECK_FOR_INTERRUPTS();
	}
}

/* What has been kept and may be served; NULL if it is to be asked for */
static JsonValue *
kept_document(MemoEntry *entry)
{
	Memo	   *memo = entry->memo;
	CacheTerms	terms = cache_terms(memo, entry->freezing);
	CacheEntry *list;
	JsonValue  *document;

	learn_identity(memo);
	if (entry->page.list == NULL)
	{
		CacheWish	wish = {
			.target = entry->target,
			.state = confirmed_state(memo, entry->target),
			.age = copy_age(memo)
		};

		document = appconfig_cache_get(memo->cache, &wish, &terms);
		if (!memo->retain)
			forget_confirmed(memo, entry->target);
		return document;
	}
	list = appconfig_snapshot_list(snapshot_of(memo), memo->cache, &entry->page,
								   &terms);
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

static char *
copy_text(const char *text)
{
	return text != NULL ? pstrdup(text) : NULL;
}

static void
free_text(const char *text)
{
	if (text != NULL)
		pfree(unconstify(char *, text));
}

/* So that the entry can ask later on; in the current context */
static void
set_request(MemoEntry *entry, const ApiRequest *request,
			ApiCounters *counters)
{
	ApiRequest *copy = palloc(sizeof(ApiRequest));

	*copy = *request;
	copy->path = pstrdup(request->path);
	copy->query = pstrdup(request->query);
	copy->first = copy_text(request->first);
	copy->token = copy_text(request->token);
	entry->request = copy;
	entry->counters = counters;
}

static void
free_request(MemoEntry *entry)
{
	if (entry->request == NULL)
		return;
	free_text(entry->request->path);
	free_text(entry->request->query);
	free_text(entry->request->first);
	free_text(entry->request->token);
	pfree(entry->request);
}

/* An entry that has no answer yet, in the current context */
static MemoEntry *
make_entry(Memo *memo)
{
	MemoEntry  *entry = palloc0(sizeof(MemoEntry));

	entry->memo = memo;
	dlist_init(&entry->followers);
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
 * An entry that scans can get hold of is found by its targets, and has its
 * answer, or a call that is to bring it, its own or another statement's.
 */
static void
AssertCheckMemoEntry(const MemoEntry *entry)
{
	Assert(is_entered(entry, &entry->target));
	Assert(entry->alias == NULL || is_entered(entry, &entry->alias));
	Assert(entry->references >= 0);
	/* what was not found leaves its call, for the words of the error */
	Assert(!entry->ready || entry->call == NULL || entry->document == NULL);
	Assert(entry->ready || entry->call != NULL || entry->leader != NULL ||
		   entry->memo->has_lost);
	Assert(entry->leader == NULL || (!entry->ready && entry->call == NULL));
	Assert(entry->leader == NULL ||
		   (entry->leader->memo != entry->memo && !entry->leader->ready &&
			entry->leader->call != NULL));
	/* who follows can be left alone */
	Assert(entry->ready || entry->call != NULL || entry->request != NULL);
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

	entry->target = target;
	entry->freezing = request->freezing;
	set_page(entry, request);
	entry->document = kept_document(entry);
	if (entry->document != NULL)
	{
		appconfig_snapshot_put(snapshot_of(memo), target, entry->document);
		entry->ready = true;
		count_hit(memo, request, counters);
		elog(DEBUG2, "appconfig_fdw: a copy is served for %s",
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

/* An entry for what has been read already; NULL if it has not */
static MemoEntry *
recall_entry(Memo *memo, const char *target)
{
	ReadSnapshot *snapshot = snapshot_of(memo);
	MemoEntry  *entry;

	if (!appconfig_snapshot_has(snapshot, target))
		return NULL;
	entry = make_entry(memo);
	entry->target = pstrdup(target);
	if (!appconfig_snapshot_find(snapshot, target, &entry->document))
	{
		dlist_delete(&entry->node);
		pfree(entry->target);
		pfree(entry);
		return NULL;
	}
	entry->ready = true;
	enter_target(entry, entry->target);
	return entry;
}

/* The entry of a target, or NULL */
static MemoEntry *
find_memo_entry(Memo *memo, const char *target)
{
	MemoEntry  *entry = own_entry(memo, target);

	return entry != NULL ? entry : recall_entry(memo, target);
}

/* Has the entry a call of its own that others can wait for? */
static bool
can_lead(const MemoEntry *entry)
{
	return !entry->ready && entry->call != NULL &&
		!appconfig_api_has_failed(entry->call);
}

/*
 * The entry of another statement of the transaction that has asked for the
 * target, by calls that get on when this one's are polled; NULL if none has
 */
static MemoEntry *
find_leader(const Memo *memo, const char *target)
{
	dlist_iter	iter;

	dlist_foreach(iter, appconfig_snapshot_readers(snapshot_of(memo)))
	{
		const Memo *other = dlist_container(Memo, reader.node, iter.cur);
		MemoEntry  *entry;

		if (other == memo || other->owner->client != memo->owner->client)
			continue;
		entry = own_entry(other, target);
		if (entry != NULL && can_lead(entry))
			return entry;
	}
	return NULL;
}

static void
follow(MemoEntry *entry, MemoEntry *leader)
{
	entry->leader = leader;
	dlist_push_tail(&leader->followers, &entry->follower_node);
	entry->memo->following++;
}

/*
 * A new entry for what another statement of the transaction has asked for and
 * not read, a cursor or the query that calls a function; NULL if none has
 */
static MemoEntry *
follow_other(Memo *memo, const ApiRequest *request, char *target,
			 ApiCounters *counters)
{
	MemoEntry  *leader = find_leader(memo, target);
	MemoEntry  *entry;

	if (leader == NULL)
		return NULL;
	entry = make_entry(memo);
	entry->target = target;
	entry->freezing = request->freezing;
	set_page(entry, request);
	set_request(entry, request, counters);
	enter_target(entry, entry->target);
	follow(entry, leader);
	return entry;
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
	memo->owner->settings->cache_ttl > 0 ||
	confirmed_state(memo, target) != NULL || is_asked_for(memo, target);

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
		take_up(entry);
	}
	else
		entry = follow_other(memo, request, target, counters);
	if (entry != NULL)
		count_hit(memo, request, counters);
	else
		entry = create_entry(memo, request, target, counters);
	entry->references++;
	AssertCheckMemoEntry(entry);
	MemoryContextSwitchTo(old);
	return entry;
}

/* What was another statement's call is to be the entry's own */
static void
ask_again(MemoEntry *entry)
{
	Memo	   *memo = entry->memo;
	MemoEntry  *leader;

	if (appconfig_snapshot_find(snapshot_of(memo), entry->target,
								&entry->document))
	{
		entry->ready = true;
		return;
	}
	leader = find_leader(memo, entry->target);
	if (leader != NULL)
		follow(entry, leader);
	else
		entry->call = appconfig_api_start(memo->owner, entry->request,
										  entry->counters);
}

/* Is nobody asking for the entry's answer any longer? */
static bool
is_lost(const MemoEntry *entry)
{
	return !entry->ready && entry->call == NULL && entry->leader == NULL;
}

/*
 * Before a wait: asks for what another statement had asked for, and then ended
 * before the answer came, or failed
 */
void
appconfig_memo_resume(Memo *memo)
{
	MemoryContext old = MemoryContextSwitchTo(memo->context);
	dlist_iter	iter;

	if (memo->has_lost || memo->following > 0)
	{
		dlist_foreach(iter, &memo->entries)
		{
			MemoEntry  *entry = dlist_container(MemoEntry, node, iter.cur);

			if (entry->leader != NULL &&
				appconfig_api_has_failed(entry->leader->call))
				unfollow(entry);
			if (is_lost(entry))
				ask_again(entry);
		}
	}
	memo->has_lost = false;
	MemoryContextSwitchTo(old);
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
		appconfig_snapshot_put(snapshot_of(memo), target, entry->document);
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

static void
free_memo_entry(MemoEntry *entry)
{
	Memo	   *memo = entry->memo;

	hash_search(memo->table, &entry->target, HASH_REMOVE, NULL);
	if (entry->alias != NULL)
		hash_search(memo->table, &entry->alias, HASH_REMOVE, NULL);
	take_up(entry);
	unfollow(entry);
	lose_followers(entry);
	dlist_delete(&entry->node);
	if (entry->call != NULL)
		appconfig_api_release(entry->call);
	appconfig_json_release(entry->document);
	free_text(entry->page.list);
	free_text(entry->page.token);
	free_request(entry);
	free_text(entry->alias);
	pfree(entry->target);
	pfree(entry);
}

/* The call that brings the entry's answer; NULL if there is none */
static ApiCall *
call_of(const MemoEntry *entry)
{
	return entry->leader != NULL ? entry->leader->call : entry->call;
}

/*
 * Has the answer come, or an error?  Another statement's error is none of this
 * one's, which then asks for itself, see appconfig_memo_resume().
 */
bool
appconfig_memo_is_ready(const MemoEntry *entry)
{
	const ApiCall *call = call_of(entry);

	return entry->ready ||
		(call != NULL && appconfig_api_is_done(call) &&
		 (entry->leader == NULL || !appconfig_api_has_failed(call)));
}

/* Will appconfig_memo_document() raise an error? */
bool
appconfig_memo_has_failed(const MemoEntry *entry)
{
	return entry->call != NULL && appconfig_api_has_failed(entry->call);
}

/* Has it failed because the identity may not make the call? */
bool
appconfig_memo_is_denied(const MemoEntry *entry)
{
	return appconfig_memo_has_failed(entry) &&
		appconfig_api_error(entry->call)->sqlstate ==
		ERRCODE_INSUFFICIENT_PRIVILEGE;
}

/*
 * Lets the session have a copy of what a call has brought; if that is that the
 * service knows no such thing, copies go
 */
static void
give_to_session(const MemoEntry *entry)
{
	CacheTerms	terms = cache_terms(entry->memo, entry->freezing);
	int64		sent_at = appconfig_api_sent_at(entry->call);

	if (entry->document == NULL)
		appconfig_cache_drop(entry->memo->cache,
							 entry->page.list != NULL ? entry->page.list
							 : entry->target,
							 &terms, sent_at);
	else if (entry->page.list != NULL)
		appconfig_cache_put_page(entry->memo->cache, &entry->page,
								 entry->document, &terms, sent_at);
	else
		appconfig_cache_put(entry->memo->cache, entry->target, entry->document,
							&terms, sent_at);
}

/*
 * The first answer that has been read is the one that counts: it is kept, or
 * else taken in the place of this one.  Another statement may have read it, by
 * another name.
 */
static void
settle_answer(MemoEntry *entry)
{
	ReadSnapshot *snapshot = snapshot_of(entry->memo);
	JsonValue  *first;

	if (!appconfig_snapshot_find(snapshot, entry->target, &first))
	{
		appconfig_snapshot_put(snapshot, entry->target, entry->document);
		return;
	}
	appconfig_json_release(entry->document);
	entry->document = first;
}

/* Those who wait for the answer, too, have it.  Raises no error. */
static void
tell_followers(MemoEntry *entry)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &entry->followers)
	{
		MemoEntry  *follower =
		dlist_container(MemoEntry, follower_node, iter.cur);

		unfollow(follower);
		follower->document = appconfig_json_retain(entry->document);
		follower->ready = true;
	}
}

/*
 * The call is done: takes its document, if there is one.  Nobody sees it
 * before it is settled, and after an error all this can be done once more: the
 * entry holds the document before anything can fail.
 */
static void
take_document(MemoEntry *entry)
{
	if (entry->document == NULL)
		entry->document = appconfig_api_document(entry->call);
	give_to_session(entry);
	settle_answer(entry);
	entry->ready = true;
	tell_followers(entry);
	if (entry->document == NULL && appconfig_api_error(entry->call) != NULL)
		return;					/* appconfig_memo_raise() still needs the call */
	appconfig_api_release(entry->call);
	entry->call = NULL;
}

/*
 * Another statement of the transaction reads the answer first; if nobody waits
 * for the entry any longer in its own, that is all it was good for
 */
static void
take_leaders_document(MemoEntry *leader)
{
	take_document(leader);
	if (leader->abandoned)
		free_memo_entry(leader);
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
		appconfig_api_note_read(call_of(entry));
	if (entry->leader != NULL)
		take_leaders_document(entry->leader);
	else if (!entry->ready)
		take_document(entry);
	AssertCheckMemoEntry(entry);
	return entry->document;
}

/* Raises the error of an entry that has no document, a 404 included */
void
appconfig_memo_raise(const MemoEntry *entry)
{
	if (entry->call != NULL)
		appconfig_api_raise(entry->call);
	/* that it was not found is kept, how the service put it is not */
	ereport(ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("AWS AppConfig no longer finds what it was listing"),
			 errhint(entry->memo->own != NULL
					 ? "Run the query again: something was deleted while it was being read."
					 : "Run the transaction again: something was deleted while it was being read."),
			 errcontext("GET %s", entry->target)));
}

/* Has the answer come, though nobody has read it yet? */
static bool
has_come(const MemoEntry *entry)
{
	return !entry->ready && entry->call != NULL &&
		appconfig_api_is_done(entry->call) &&
		!appconfig_api_has_failed(entry->call);
}

/*
 * No scan holds the entry, and it goes.  What has been read is in the
 * snapshot, and so is what has come, if it may be asked for again.
 */
static void
let_go(MemoEntry *entry)
{
	AssertCheckMemoEntry(entry);
	if (entry->memo->retain && has_come(entry))
		take_document(entry);
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
