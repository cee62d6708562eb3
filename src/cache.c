/*-------------------------------------------------------------------------
 *
 * cache.c
 *		Documents that a session keeps from statement to statement.
 *
 * Two reasons to serve a document without asking for it again.  The service
 * freezes a run once it is DONE, so where a list of the same statement shows
 * it so, and unchanged, the copy is exact.  And cache_ttl allows any document
 * to be some time old.  Beyond cache_size the least recently used ones go.
 *
 * Documents are kept as text, which is compact and whose size is known.
 *
 * What may not live here: whose documents they are (session.c: a session
 * belongs to one server, role and identity, and its cache goes with it), and
 * calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"

#include "cache.h"
#include "target_table.h"

/* What the first of these members is in a frozen document; all of them tell
 * its state */
#define FROZEN_STATUS "DONE"

static const char *const state_members[] = {"Status", "UpdatedAt", "EndedAt"};

struct DocumentCache
{
	MemoryContext context;
	HTAB		 *table;   /* TargetSlot by target */
	dlist_head	  entries; /* the least recently used one first */
	Size		  bytes;   /* of all entries */
};

typedef struct CacheEntry
{
	dlist_node node;
	Size	   bytes;	 /* of this struct and its strings */
	int64	   asked_at; /* microseconds on appconfig_http_clock() */
	char	  *target;
	char	  *state; /* of a frozen document, see frozen_state(); or NULL */
	size_t	   length;
	char	  *text;
} CacheEntry;

/* An empty cache, in memory of its own below parent */
DocumentCache *
appconfig_cache_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(
		parent, "appconfig_fdw cache", ALLOCSET_DEFAULT_SIZES);
	DocumentCache *cache =
		MemoryContextAllocZero(context, sizeof(DocumentCache));

	cache->context = context;
	cache->table =
		appconfig_target_table_create("appconfig_fdw cache", context);
	dlist_init(&cache->entries);
	return cache;
}

static void
remove_entry(DocumentCache *cache, CacheEntry *entry)
{
	hash_search(cache->table, &entry->target, HASH_REMOVE, NULL);
	dlist_delete(&entry->node);
	cache->bytes -= entry->bytes;
	pfree(entry->target);
	if (entry->state != NULL)
		pfree(entry->state);
	pfree(entry->text);
	pfree(entry);
}

static CacheEntry *
find_entry(DocumentCache *cache, const char *target)
{
	TargetSlot *slot = hash_search(cache->table, &target, HASH_FIND, NULL);

	return slot != NULL ? slot->entry : NULL;
}

/*
 * Which state of a thing an object shows, as a text to compare, palloc'd; NULL
 * unless it is frozen.  A list's item and a document show it alike.
 */
static char *
frozen_state(JsonValue *object)
{
	StringInfoData state;
	int			   i;

	initStringInfo(&state);
	for (i = 0; i < (int) lengthof(state_members); i++)
	{
		JsonValue  *member = appconfig_json_lookup(object, state_members[i]);
		size_t		length;
		const char *text =
			member != NULL ? appconfig_json_text(member, &length) : "";

		if (i == 0 && strcmp(text, FROZEN_STATUS) != 0)
		{
			pfree(state.data);
			return NULL;
		}
		appendStringInfo(&state, "%s\n", text);
	}
	return repalloc(state.data, state.len + 1);
}

/* Has the service frozen the thing that a list's item or a document shows? */
bool
appconfig_cache_is_frozen(JsonValue *object)
{
	char *state = frozen_state(object);

	if (state != NULL)
		pfree(state);
	return state != NULL;
}

/*
 * A list of this statement shows the thing that a request would get.  Is what
 * the cache has of it frozen, and in that state?  Then the copy is exact; if
 * the list tells otherwise, it goes.
 */
bool
appconfig_cache_confirm(DocumentCache *cache, const char *target,
						JsonValue *seen_as)
{
	CacheEntry *entry = find_entry(cache, target);
	char	   *state;
	bool		same;

	if (entry == NULL || entry->state == NULL)
		return false;
	state = frozen_state(seen_as);
	same = state != NULL && strcmp(state, entry->state) == 0;
	if (state != NULL)
		pfree(state);
	if (!same)
		remove_entry(cache, entry);
	return same;
}

/*
 * The document that a request would get, if the terms allow the copy, or if a
 * list of the statement has confirmed it; with a reference that the caller
 * releases.  NULL if it has to be asked for.
 */
JsonValue *
appconfig_cache_get(DocumentCache *cache, const char *target,
					const CacheTerms *terms, bool confirmed, int64 now)
{
	CacheEntry *entry = find_entry(cache, target);
	const char *error;
	JsonValue  *document;

	if (entry == NULL || (now - entry->asked_at >= (int64) terms->ttl * 1000 &&
						  !(confirmed && entry->state != NULL)))
		return NULL;
	document = appconfig_json_parse(entry->text, entry->length, &error);
	if (document == NULL)
	{
		remove_entry(cache, entry);
		return NULL;
	}
	dlist_delete(&entry->node);
	dlist_push_tail(&cache->entries, &entry->node);
	return document;
}

/*
 * Keeps a copy of a document, if the terms allow it.  It was asked for at that
 * time, and perhaps read only after one that was asked for later.
 */
void
appconfig_cache_put(DocumentCache *cache, const char *target,
					JsonValue *document, const CacheTerms *terms,
					int64 asked_at)
{
	CacheEntry	 *entry = find_entry(cache, target);
	MemoryContext old;
	char		 *state;
	const char	 *text = NULL;
	size_t		  length = 0;
	Size		  bytes;
	TargetSlot	 *slot;

	if (entry != NULL && entry->asked_at > asked_at)
		return;
	old = MemoryContextSwitchTo(cache->context);
	state = terms->freezes ? frozen_state(document) : NULL;
	if (entry != NULL)
		remove_entry(cache, entry);
	if (state != NULL || terms->ttl > 0)
		text = appconfig_json_serialize(document, &length);
	bytes = sizeof(CacheEntry) + sizeof(TargetSlot) + strlen(target) +
			(state != NULL ? strlen(state) : 0) + length;
	if (text == NULL || bytes > (Size) terms->size)
	{
		if (state != NULL)
			pfree(state);
		MemoryContextSwitchTo(old);
		return;
	}
	while (cache->bytes + bytes > (Size) terms->size)
		remove_entry(cache,
					 dlist_head_element(CacheEntry, node, &cache->entries));
	entry = palloc0(sizeof(CacheEntry));
	entry->bytes = bytes;
	entry->asked_at = asked_at;
	entry->target = pstrdup(target);
	entry->state = state;
	entry->length = length;
	entry->text = pnstrdup(text, length);
	slot = hash_search(cache->table, &entry->target, HASH_ENTER, NULL);
	slot->entry = entry;
	dlist_push_tail(&cache->entries, &entry->node);
	cache->bytes += bytes;
	MemoryContextSwitchTo(old);
}
