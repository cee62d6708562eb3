/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *		Answers that are seen as one state, and read again as they were.
 *
 * The first answer to a request that a scan has read counts for all who read
 * by the same snapshot: the scans of one statement, or those of all statements
 * of a transaction that sees one state.  That something does not exist is such
 * an answer, too; an error is none.  Answers are in memory, up to work_mem, and
 * what goes beyond is in a temporary file.
 *
 * And a list of the session's that somebody has begun to read stays as it is
 * (cache.c), so that whoever goes on with it gets the pages that belong
 * together.
 *
 * What may not live here: calls, and answers that nobody has read (memo.c);
 * whose snapshot it is, and when it ends (memo.c, transaction.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "clock.h"
#include "snapshot.h"
#include "spill.h"
#include "target_table.h"

/* Bytes that an answer takes without its document, about */
#define WEIGHT_OF_ANSWER 512

/* An answer in memory */
typedef struct KeptAnswer
{
	dlist_node	node;			/* in snapshot->answers */
	char	   *target;
	JsonValue  *document;		/* NULL: the service knows no such thing */
} KeptAnswer;

/* A list that must stay, and whose it is */
typedef struct HeldList
{
	DocumentCache *cache;
	CacheEntry *list;
} HeldList;

struct ReadSnapshot
{
	MemoryContext context;		/* holds this struct */
	MemoryContextCallback callback;
	bool		keeps;			/* answers that are put into it? */
	HTAB	   *table;			/* TargetSlot by target: KeptAnswer */
	dlist_head	answers;
	Size		bytes;			/* of answers in memory, about */
	ResourceOwner owner;		/* of the file; NULL for the current one */
	SpillFile  *spill;			/* answers beyond work_mem; NULL before the
								 * first */
	HTAB	   *lists;			/* TargetSlot by target: CacheEntry of the
								 * lists that a session serves; NULL before
								 * the first */
	List	   *held;			/* HeldList of these, to be let go */
	int64		listed_from;	/* first and last look at a list's items; see
								 * CopyAge */
	int64		listed_to;
	dlist_head	readers;
};

/*
 * Documents are not palloc'd.  The temporary file is the resource owner's, and
 * has been closed by now.
 */
static void
end_snapshot(void *arg)
{
	ReadSnapshot *snapshot = arg;
	dlist_mutable_iter iter;
	ListCell   *cell;

	dlist_foreach_modify(iter, &snapshot->readers)
		appconfig_snapshot_leave(dlist_container(SnapshotReader, node, iter.cur));
	dlist_foreach_modify(iter, &snapshot->answers)
		appconfig_json_release(dlist_container(KeptAnswer, node, iter.cur)->document);
	foreach(cell, snapshot->held)
	{
		HeldList   *held = lfirst(cell);

		appconfig_cache_let_go(held->cache, held->list);
	}
}

/*
 * An empty snapshot, which ends with the parent's memory.  Its file is the
 * resource owner's, or where that is NULL, that of whoever writes first.  The
 * sessions whose lists it serves must outlive it.
 */
ReadSnapshot *
appconfig_snapshot_create(MemoryContext parent, ResourceOwner owner)
{
	MemoryContext context = AllocSetContextCreate(parent,
												  "appconfig_fdw snapshot",
												  ALLOCSET_SMALL_SIZES);
	ReadSnapshot *snapshot =
	MemoryContextAllocZero(context, sizeof(ReadSnapshot));

	snapshot->context = context;
	snapshot->owner = owner;
	snapshot->listed_from = CLOCK_NEVER;
	dlist_init(&snapshot->answers);
	dlist_init(&snapshot->readers);
	snapshot->callback.func = end_snapshot;
	snapshot->callback.arg = snapshot;
	MemoryContextRegisterResetCallback(context, &snapshot->callback);
	return snapshot;
}

/* ------------------------------------------------------------------------
 * Lists that have been believed
 * ------------------------------------------------------------------------
 */

/* A list is shown to its readers: it counts for all that they read */
void
appconfig_snapshot_note_listed(ReadSnapshot *snapshot, int64 now)
{
	snapshot->listed_from = Min(snapshot->listed_from, now);
	snapshot->listed_to = now;
}

/* Sets when that was */
void
appconfig_snapshot_listed(const ReadSnapshot *snapshot, CopyAge *age)
{
	age->listed_from = snapshot->listed_from;
	age->listed_to = snapshot->listed_to;
}

/* ------------------------------------------------------------------------
 * Readers
 * ------------------------------------------------------------------------
 */

/* The reader goes by the snapshot until one of the two ends */
void
appconfig_snapshot_join(ReadSnapshot *snapshot, SnapshotReader *reader)
{
	reader->snapshot = snapshot;
	dlist_push_tail(&snapshot->readers, &reader->node);
}

/* Raises no error */
void
appconfig_snapshot_leave(SnapshotReader *reader)
{
	if (reader->snapshot == NULL)
		return;
	dlist_delete(&reader->node);
	reader->snapshot = NULL;
}

/* Those who have joined and not left: SnapshotReader by their nodes */
dlist_head *
appconfig_snapshot_readers(ReadSnapshot *snapshot)
{
	return &snapshot->readers;
}

/* ------------------------------------------------------------------------
 * Answers
 * ------------------------------------------------------------------------
 */

/* Answers may be asked for again: what is put into it is kept from now on */
void
appconfig_snapshot_keep(ReadSnapshot *snapshot)
{
	if (snapshot->table == NULL)
		snapshot->table = appconfig_target_table_create("appconfig_fdw snapshot",
														snapshot->context);
	snapshot->keeps = true;
}

/* Nobody can ask again: nothing more is kept, and the file is closed */
void
appconfig_snapshot_stop(ReadSnapshot *snapshot)
{
	snapshot->keeps = false;
	if (snapshot->spill != NULL)
		appconfig_spill_close(snapshot->spill);
	snapshot->spill = NULL;
}

static KeptAnswer *
find_answer(const ReadSnapshot *snapshot, const char *target)
{
	TargetSlot *slot = snapshot->table != NULL
	? hash_search(snapshot->table, &target, HASH_FIND, NULL)
	: NULL;

	return slot != NULL ? slot->entry : NULL;
}

/* Is there an answer to the request, or perhaps to another one? */
bool
appconfig_snapshot_has(const ReadSnapshot *snapshot, const char *target)
{
	return find_answer(snapshot, target) != NULL ||
		(snapshot->spill != NULL &&
		 appconfig_spill_has(snapshot->spill, target));
}

/*
 * The answer to a request; false if there is none.  The document, NULL where
 * the service knew no such thing, has a reference that the caller takes over,
 * and nothing has been palloc'd after it was made.
 */
bool
appconfig_snapshot_find(ReadSnapshot *snapshot, const char *target,
						JsonValue **document)
{
	KeptAnswer *answer = find_answer(snapshot, target);

	if (answer == NULL)
		return snapshot->spill != NULL &&
			appconfig_spill_get(snapshot->spill, target, document);
	*document = appconfig_json_retain(answer->document);
	return true;
}

static void
put_into_memory(ReadSnapshot *snapshot, const char *target,
				JsonValue *document)
{
	KeptAnswer *answer =
	MemoryContextAllocZero(snapshot->context, sizeof(KeptAnswer));
	TargetSlot *slot;

	answer->target = MemoryContextStrdup(snapshot->context, target);
	slot = hash_search(snapshot->table, &answer->target, HASH_ENTER, NULL);
	slot->entry = answer;
	answer->document = appconfig_json_retain(document);
	dlist_push_tail(&snapshot->answers, &answer->node);
}

static void
put_into_file(ReadSnapshot *snapshot, const char *target, JsonValue *document)
{
	if (snapshot->spill == NULL)
		snapshot->spill = appconfig_spill_create(snapshot->context,
												 snapshot->owner);
	appconfig_spill_put(snapshot->spill, target, document);
}

/*
 * Keeps an answer that has not been there, if any are kept: it takes a
 * reference of its own.  After an error it is not there.
 */
void
appconfig_snapshot_put(ReadSnapshot *snapshot, const char *target,
					   JsonValue *document)
{
	Size		bytes = WEIGHT_OF_ANSWER + appconfig_json_size(document);

	if (!snapshot->keeps)
		return;
	if (snapshot->bytes + bytes > (Size) work_mem * 1024)
	{
		put_into_file(snapshot, target, document);
		return;
	}
	put_into_memory(snapshot, target, document);
	snapshot->bytes += bytes;
}

/* ------------------------------------------------------------------------
 * Lists
 * ------------------------------------------------------------------------
 */

/* Lets the list stay, and be found when somebody goes on with it */
static void
hold_list(ReadSnapshot *snapshot, DocumentCache *cache, const char *target,
		  CacheEntry *list)
{
	MemoryContext old = MemoryContextSwitchTo(snapshot->context);
	HeldList   *held = palloc(sizeof(HeldList));
	TargetSlot *slot;

	held->cache = cache;
	held->list = list;
	if (snapshot->lists == NULL)
		snapshot->lists = appconfig_target_table_create("appconfig_fdw lists",
														snapshot->context);
	target = pstrdup(target);
	/* the last of what can fail comes before what must be undone */
	snapshot->held = lappend(snapshot->held, held);
	appconfig_cache_hold(cache, list);
	slot = hash_search(snapshot->lists, &target, HASH_ENTER, NULL);
	slot->entry = list;
	MemoryContextSwitchTo(old);
}

/*
 * The session's list that is being read, or begins to be read with this page.
 * NULL if the list is to be asked for: with tokens of its own.
 */
CacheEntry *
appconfig_snapshot_list(ReadSnapshot *snapshot, DocumentCache *cache,
						const ListPage *page, const CacheTerms *terms)
{
	TargetSlot *slot = snapshot->lists != NULL
	? hash_search(snapshot->lists, &page->list, HASH_FIND, NULL)
	: NULL;
	CacheEntry *list;

	if (slot != NULL)
		return slot->entry;
	list = page->token == NULL
		? appconfig_cache_find_list(cache, page->list, terms,
									appconfig_clock_now())
		: NULL;
	if (list != NULL)
		hold_list(snapshot, cache, page->list, list);
	return list;
}
