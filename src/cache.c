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
#include "utils/memutils.h"

#include "cache.h"
#include "target_table.h"

/* Members that tell that a document is frozen, and which state of it */
#define STATUS_MEMBER "Status"
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
	Size	   bytes;	   /* of this struct and its strings */
	int64	   fetched_at; /* microseconds on appconfig_http_clock() */
	bool	   frozen;
	char	  *target;
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
	pfree(entry->text);
	pfree(entry);
}

static CacheEntry *
find_entry(DocumentCache *cache, const char *target)
{
	TargetSlot *slot = hash_search(cache->table, &target, HASH_FIND, NULL);

	return slot != NULL ? slot->entry : NULL;
}

/* Are a member of two objects the same text, or both absent? */
static bool
same_member(JsonValue *a, JsonValue *b, const char *name)
{
	JsonValue *left = appconfig_json_lookup(a, name);
	JsonValue *right = appconfig_json_lookup(b, name);
	size_t	   length;

	if (left == NULL || right == NULL)
		return left == right;
	return strcmp(appconfig_json_text(left, &length),
				  appconfig_json_text(right, &length)) == 0;
}

static bool
is_frozen(JsonValue *document)
{
	JsonValue *status = appconfig_json_lookup(document, STATUS_MEMBER);
	size_t	   length;

	return status != NULL &&
		   strcmp(appconfig_json_text(status, &length), FROZEN_STATUS) == 0;
}

/* Is the document what the list of this statement says that it is now? */
static bool
is_unchanged(JsonValue *document, JsonValue *seen_as)
{
	int i;

	if (!is_frozen(seen_as))
		return false;
	for (i = 0; i < (int) lengthof(state_members); i++)
	{
		if (!same_member(document, seen_as, state_members[i]))
			return false;
	}
	return true;
}

/*
 * The document that a request would get, if the terms allow the copy; with a
 * reference that the caller releases.  NULL if it has to be asked for.
 */
JsonValue *
appconfig_cache_get(DocumentCache *cache, const char *target,
					const CacheTerms *terms, int64 now)
{
	CacheEntry *entry = find_entry(cache, target);
	const char *error;
	JsonValue  *document;
	bool		fresh;

	if (entry == NULL)
		return NULL;
	fresh = now - entry->fetched_at < (int64) terms->ttl * 1000;
	if (!fresh && !(entry->frozen && terms->freezes && terms->seen_as != NULL))
		return NULL;
	document = appconfig_json_parse(entry->text, entry->length, &error);
	if (document == NULL ||
		(!fresh && !is_unchanged(document, terms->seen_as)))
	{
		appconfig_json_release(document);
		remove_entry(cache, entry);
		return NULL;
	}
	dlist_delete(&entry->node);
	dlist_push_tail(&cache->entries, &entry->node);
	return document;
}

/* Keeps a copy of a document that has just come, if the terms allow it */
void
appconfig_cache_put(DocumentCache *cache, const char *target,
					JsonValue *document, const CacheTerms *terms, int64 now)
{
	bool		  frozen = terms->freezes && is_frozen(document);
	CacheEntry	 *entry = find_entry(cache, target);
	MemoryContext old;
	TargetSlot	 *slot;
	const char	 *text;

	if (entry != NULL)
		remove_entry(cache, entry);
	if (!frozen && terms->ttl == 0)
		return;
	old = MemoryContextSwitchTo(cache->context);
	entry = palloc0(sizeof(CacheEntry));
	text = appconfig_json_serialize(document, &entry->length);
	entry->bytes = sizeof(CacheEntry) + sizeof(TargetSlot) + strlen(target) +
				   entry->length;
	if (text == NULL || entry->bytes > (Size) terms->size)
	{
		pfree(entry);
		MemoryContextSwitchTo(old);
		return;
	}
	while (cache->bytes + entry->bytes > (Size) terms->size)
		remove_entry(cache,
					 dlist_head_element(CacheEntry, node, &cache->entries));
	entry->fetched_at = now;
	entry->frozen = frozen;
	entry->target = pstrdup(target);
	entry->text = palloc(entry->length + 1);
	memcpy(entry->text, text, entry->length + 1);
	slot = hash_search(cache->table, &entry->target, HASH_ENTER, NULL);
	slot->entry = entry;
	dlist_push_tail(&cache->entries, &entry->node);
	cache->bytes += entry->bytes;
	MemoryContextSwitchTo(old);
}
