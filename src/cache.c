/*-------------------------------------------------------------------------
 *
 * cache.c
 *		Documents and lists that a session keeps from statement to statement.
 *
 * There are two reasons to serve a copy without asking again: a list has
 * confirmed that it is exact, see "Consistency" in memo.c, or it is not older
 * than cache_ttl allows.  Beyond cache_size the least recently used ones go.
 * What the session does not have itself, another one may have kept for all
 * (shared_copies.c), and that serves for the same reasons.
 *
 * Answers may be read in another order than they were asked for.  So an older
 * one never takes the place of a later one, not even of one that has gone
 * since.
 *
 * A list is kept and served as a whole: nobody knows for how long the service
 * takes the token of a page, so no statement is to go on with one that another
 * statement was given.  What a statement has begun to read stays, as it was,
 * until the statement ends; what then finds no room is not kept.
 *
 * Documents are kept as the text that was received, which is compact and whose
 * size is known.
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
#include "clock.h"
#include "shared_cache.h"
#include "shared_copies.h"
#include "shared_memory.h"
#include "tables.h"
#include "target_table.h"

/* A document, or a page of a list */
typedef struct CachedPage
{
	dlist_node	node;			/* in entry->pages */
	char	   *token;			/* that it was asked for by; NULL for none */
	size_t		length;
	char		text[FLEXIBLE_ARRAY_MEMBER];
} CachedPage;

struct CacheEntry
{
	dlist_node	node;			/* in cache->entries, unless it is held */
	Size		bytes;			/* of this struct and all that it points to */
	int64		asked_at;		/* microseconds on appconfig_clock_now() */
	int64		kept_at;
	char	   *target;			/* of a list: its first page's */
	char	   *state;			/* of a frozen document, see frozen_state();
								 * or NULL */
	dlist_head	pages;			/* CachedPage, a single one if it is no list */
	char	   *next_token;		/* by which a list goes on that is not
								 * complete */
	int			holds;			/* statements that are reading the list */
	bool		removed;		/* goes with the last of them */
};

struct DocumentCache
{
	MemoryContext context;
	HTAB	   *table;			/* TargetSlot by target */
	dlist_head	entries;		/* the least recently used one first */
	Size		bytes;			/* of all entries */
	Size		held_bytes;		/* of those that are held */
	int64		cleared_at;		/* what was asked for until then is not kept */
	int64		dropped_at;		/* nor what was, if it is by its age */
	char	   *reader;			/* whose it is */
	SharedReader shared;		/* the same, for what sessions share */
};

/*
 * An empty cache, in memory of its own below parent.  The reader is a text,
 * the same for those who may have each other's answers within cache_ttl if
 * they sign as the same.  Nothing is shared before it is known who signs.
 */
DocumentCache *
appconfig_cache_create(MemoryContext parent, const char *reader)
{
	MemoryContext context = AllocSetContextCreate(parent,
												  "appconfig_fdw cache",
												  ALLOCSET_SMALL_SIZES);
	DocumentCache *cache =
	MemoryContextAllocZero(context, sizeof(DocumentCache));

	cache->context = context;
	cache->reader = MemoryContextStrdup(context, reader);
	cache->table =
		appconfig_target_table_create("appconfig_fdw cache", context);
	dlist_init(&cache->entries);
	return cache;
}

/* ------------------------------------------------------------------------
 * Entries
 * ------------------------------------------------------------------------
 */

/* What a string or struct takes in memory, which may be NULL */
static Size
space_of(void *chunk)
{
	return chunk != NULL ? GetMemoryChunkSpace(chunk) : 0;
}

static void
free_if_any(void *chunk)
{
	if (chunk != NULL)
		pfree(chunk);
}

static void
free_cache_entry(CacheEntry *entry)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &entry->pages)
	{
		CachedPage *page = dlist_container(CachedPage, node, iter.cur);

		free_if_any(page->token);
		pfree(page);
	}
	free_if_any(entry->target);
	free_if_any(entry->state);
	free_if_any(entry->next_token);
	pfree(entry);
}

static CacheEntry *
find_cache_entry(DocumentCache *cache, const char *target)
{
	TargetSlot *slot = hash_search(cache->table, &target, HASH_FIND, NULL);

	return slot != NULL ? slot->entry : NULL;
}

#ifdef USE_ASSERT_CHECKING

/* What the entry and all that it points to take in memory */
static Size
weigh_entry(CacheEntry *entry)
{
	Size		bytes = sizeof(TargetSlot) + space_of(entry) +
	space_of(entry->target) + space_of(entry->state) +
	space_of(entry->next_token);
	dlist_iter	iter;

	dlist_foreach(iter, &entry->pages)
	{
		CachedPage *page = dlist_container(CachedPage, node, iter.cur);

		/* of a list the first page alone has been asked for without a token */
		Assert((page->token == NULL) ==
			   !dlist_has_prev(&entry->pages, iter.cur));
		bytes += space_of(page) + space_of(page->token);
	}
	return bytes;
}

/*
 * An entry that is linked has all of its bytes counted, and is found by its
 * target unless it waits for the last of those who read it.
 */
static void
AssertCheckCacheEntry(DocumentCache *cache, CacheEntry *entry)
{
	Assert((find_cache_entry(cache, entry->target) == entry) ==
		   !entry->removed);
	Assert(!dlist_is_empty(&entry->pages));
	Assert(entry->bytes == weigh_entry(entry));
	Assert(entry->bytes <= cache->bytes && cache->held_bytes <= cache->bytes);
	/* what can be frozen is a single document; what is read is complete */
	Assert(entry->state == NULL || entry->next_token == NULL);
	Assert(entry->holds == 0 || entry->next_token == NULL);
	Assert(entry->holds > 0 || !entry->removed);
	Assert(entry->holds == 0 || entry->bytes <= cache->held_bytes);
}

#else
#define AssertCheckCacheEntry(cache, entry) ((void) 0)
#endif

static void
unlink_entry(DocumentCache *cache, CacheEntry *entry)
{
	hash_search(cache->table, &entry->target, HASH_REMOVE, NULL);
	dlist_delete(&entry->node);
	cache->bytes -= entry->bytes;
}

/* Nobody finds the entry any longer, and unless it is held, it is no more */
static void
remove_entry(DocumentCache *cache, CacheEntry *entry)
{
	if (entry->holds > 0)
	{
		hash_search(cache->table, &entry->target, HASH_REMOVE, NULL);
		entry->removed = true;
		AssertCheckCacheEntry(cache, entry);
		return;
	}
	unlink_entry(cache, entry);
	free_cache_entry(entry);
}

/*
 * Forgets everything, what is still on its way included: it was another
 * identity that has seen it.  Statements that are reading a list go on with
 * it.
 */
void
appconfig_cache_clear(DocumentCache *cache)
{
	HASH_SEQ_STATUS scan;
	TargetSlot *slot;

	cache->cleared_at = appconfig_clock_now();
	hash_seq_init(&scan, cache->table);
	while ((slot = hash_seq_search(&scan)) != NULL)
		remove_entry(cache, slot->entry);
}

/*
 * Somebody signs from now on, whose answers may be shared; or nobody knows who
 */
void
appconfig_cache_identify(DocumentCache *cache, const SharedIdentity *identity)
{
	appconfig_shared_copies_set_reader(&cache->shared, identity,
									   cache->reader);
}

/* Would others' answers serve, were it known who signs? */
bool
appconfig_cache_waits_for_identity(const DocumentCache *cache)
{
	return !appconfig_shared_memory_is_identified(&cache->shared.identity) &&
		appconfig_shared_cache_is_on();
}

static bool
is_young(const CacheEntry *entry, const CopyAge *age)
{
	return appconfig_copy_age_is_allowed(age, entry->asked_at,
										 entry->kept_at);
}

/* The same answer, as those who share it know it */
static SharedTarget
shared_target(const char *target, const char *state, const CacheTerms *terms)
{
	SharedTarget shared = {
		.target = target, .state = state, .freezes = terms->freezing != NULL,
		.by_age = terms->ttl > 0
	};

	return shared;
}

/* The value of a page once more, with a reference that the caller releases */
static JsonValue *
parse_page(const CachedPage *page)
{
	const char *error;
	JsonValue  *value = appconfig_json_parse(page->text, page->length, &error);

	if (value == NULL)
		elog(ERROR, "an answer of AWS AppConfig was kept that is none");
	return value;
}

/*
 * Memory of the cache's own; NULL if there is none.  A copy is worth no error,
 * which would leave in the session's memory what nobody finds any longer.
 */
static void *
try_allocate(DocumentCache *cache, Size size)
{
	return MemoryContextAllocExtended(cache->context, size, MCXT_ALLOC_NO_OOM);
}

/* Sets *copy to a copy of a text, which may be NULL; false without memory */
static bool
copy_text(DocumentCache *cache, const char *text, char **copy)
{
	*copy = text != NULL ? try_allocate(cache, strlen(text) + 1) : NULL;
	if (*copy != NULL)
		strcpy(*copy, text);
	return (*copy != NULL) == (text != NULL);
}

/* An entry without a page, for keep_with_page(); NULL without memory */
static CacheEntry *
new_entry(DocumentCache *cache, const char *target, const char *state,
		  int64 asked_at)
{
	CacheEntry *entry = try_allocate(cache, sizeof(CacheEntry));

	if (entry == NULL)
		return NULL;
	memset(entry, 0, sizeof(CacheEntry));
	entry->asked_at = asked_at;
	entry->kept_at = appconfig_clock_now();
	dlist_init(&entry->pages);
	if (!copy_text(cache, target, &entry->target) ||
		!copy_text(cache, state, &entry->state))
	{
		free_cache_entry(entry);
		return NULL;
	}
	entry->bytes = sizeof(TargetSlot) + space_of(entry) +
		space_of(entry->target) + space_of(entry->state);
	return entry;
}

/* Returns false, with the entry as it was, if there is no memory */
static bool
add_page(DocumentCache *cache, CacheEntry *entry, const char *text,
		 size_t length, const char *next_token)
{
	CachedPage *page =
	try_allocate(cache, offsetof(CachedPage, text) + length);
	char	   *next;

	if (page == NULL)
		return false;
	if (!copy_text(cache, next_token, &next))
	{
		pfree(page);
		return false;
	}
	memcpy(page->text, text, length);
	page->length = length;
	page->token = entry->next_token;
	entry->next_token = next;
	dlist_push_tail(&entry->pages, &page->node);
	entry->bytes += space_of(page) + space_of(next);
	return true;
}

/* The entry goes, and what is older than it does not come after it */
static void
drop_entry(DocumentCache *cache, CacheEntry *entry)
{
	cache->dropped_at = Max(cache->dropped_at, entry->asked_at);
	remove_entry(cache, entry);
}

/*
 * Lets the least recently used entries go until there is room for so many
 * bytes more; false if there cannot be
 */
static bool
make_cache_room(DocumentCache *cache, Size bytes, int size)
{
	if (cache->held_bytes + bytes > (Size) size)
		return false;
	while (cache->bytes + bytes > (Size) size)
		drop_entry(cache,
				   dlist_head_element(CacheEntry, node, &cache->entries));
	return true;
}

/* Lets the entry be found; if there is no memory for that, it goes */
static void
link_entry(DocumentCache *cache, CacheEntry *entry)
{
	TargetSlot *slot;

	PG_TRY();
	{
		slot = hash_search(cache->table, &entry->target, HASH_ENTER, NULL);
		slot->entry = entry;
	}
	PG_CATCH();
	{
		free_cache_entry(entry);
		PG_RE_THROW();
	}
	PG_END_TRY();
	dlist_push_tail(&cache->entries, &entry->node);
	cache->bytes += entry->bytes;
	AssertCheckCacheEntry(cache, entry);
}

/* Links the entry if there is room for all of it; else it is freed */
static bool
keep_entry(DocumentCache *cache, CacheEntry *entry, int size)
{
	if (!make_cache_room(cache, entry->bytes, size))
	{
		free_cache_entry(entry);
		return false;
	}
	link_entry(cache, entry);
	return true;
}

/*
 * Appends a page to an entry that is not linked, and links it.  The page of a
 * document is its only one and has no next_token.  Without room for all of it,
 * the entry is freed.
 */
static bool
keep_with_page(DocumentCache *cache, CacheEntry *entry, JsonValue *page,
			   const char *next_token, int size)
{
	size_t		length;
	const char *text = appconfig_json_source(page, &length);

	if (length <= (Size) size &&
		add_page(cache, entry, text, length, next_token))
		return keep_entry(cache, entry, size);
	free_cache_entry(entry);
	return false;
}

/*
 * Makes way for an answer, unless what is at hand was asked for later: answers
 * may be read in another order than they were asked for.
 */
static bool
supersede_entry(DocumentCache *cache, const char *target, int64 asked_at)
{
	CacheEntry *entry = find_cache_entry(cache, target);

	if (asked_at <= cache->cleared_at)
		return false;
	if (entry == NULL)
		return true;
	if (entry->asked_at > asked_at)
		return false;
	remove_entry(cache, entry);
	return true;
}

/* ------------------------------------------------------------------------
 * Documents
 * ------------------------------------------------------------------------
 */

/* A member as text; empty where it is absent, or no text */
static const char *
member_text(JsonValue *object, const char *member)
{
	size_t		length;
	const char *text =
	appconfig_json_text(appconfig_json_lookup(object, member), &length);

	return text != NULL ? text : "";
}

/* Has the service frozen the thing that a list's item or a document shows? */
bool
appconfig_cache_is_frozen(const AppConfigFreezing *freezing, JsonValue *object)
{
	return strcmp(member_text(object, freezing->member), freezing->value) == 0;
}

/*
 * Which state of a thing an object shows, as a text to compare, palloc'd; NULL
 * unless it is frozen.  A list's item and a document show it alike.
 */
static char *
frozen_state(const AppConfigFreezing *freezing, JsonValue *object)
{
	StringInfoData state;
	const char *const *member;

	if (!appconfig_cache_is_frozen(freezing, object))
		return NULL;
	initStringInfo(&state);
	for (member = freezing->state; *member != NULL; member++)
		appendStringInfo(&state, "%s\n", member_text(object, *member));
	return repalloc(state.data, state.len + 1);
}

/* The same for the session's own copy, which goes if it shows another state */
static bool
confirm_entry(DocumentCache *cache, CacheEntry *entry, const char *state)
{
	bool		same = state != NULL && entry->state != NULL &&
	strcmp(state, entry->state) == 0;

	if (!same && (state != NULL || entry->state != NULL))
		drop_entry(cache, entry);
	return same;
}

/*
 * A list of this statement shows the thing that a request would get.  If it is
 * frozen, and a copy shows it in the same state, that is confirmed: returns the
 * state, palloc'd, by which appconfig_cache_get() finds it; else NULL.  Copies
 * in different states are removed.
 */
char *
appconfig_cache_confirm(DocumentCache *cache, const char *target,
						const CacheTerms *terms, JsonValue *seen_as)
{
	CacheEntry *entry = find_cache_entry(cache, target);
	char	   *state;
	SharedTarget shared;

	if (entry == NULL && !appconfig_shared_copies_are_there(&cache->shared))
		return NULL;
	state = frozen_state(terms->freezing, seen_as);
	shared = shared_target(target, state, terms);
	if ((entry != NULL && confirm_entry(cache, entry, state)) ||
		(state != NULL &&
		 appconfig_shared_copies_confirm(&cache->shared, &shared)))
		return state;
	free_if_any(state);
	return NULL;
}

static bool
has_state(const CacheEntry *entry, const char *state)
{
	return state != NULL && entry->state != NULL &&
		strcmp(entry->state, state) == 0;
}

/*
 * How young an answer of others has to be: not older than one that this
 * session has had and has no longer
 */
static CopyAge
shared_age(const DocumentCache *cache, const CopyAge *age)
{
	CopyAge		shared = *age;

	shared.asked_after = Max(shared.asked_after, cache->dropped_at - 1);
	return shared;
}

/*
 * What others share, with a reference; NULL if there is none.  It is parsed
 * like what comes from the network, as it has come from there.
 */
static JsonValue *
get_shared_document(DocumentCache *cache, const CacheWish *wish,
					const CacheTerms *terms)
{
	SharedTarget target = shared_target(wish->target, wish->state, terms);
	CopyAge		age = shared_age(cache, &wish->age);
	SharedAnswer answer;
	const char *error;
	JsonValue  *document;

	if (!appconfig_shared_copies_get(&cache->shared, &target, &age, &answer))
		return NULL;
	document = answer.length <= (size_t) terms->max_length
		? appconfig_json_parse(answer.text, answer.length, &error) : NULL;
	pfree(unconstify(char *, answer.text));
	return document;
}

/*
 * The document that a request would get, if the terms allow the copy, or if a
 * list of the statement has confirmed it; with a reference that the caller
 * releases.  NULL if it has to be asked for.
 */
JsonValue *
appconfig_cache_get(DocumentCache *cache, const CacheWish *wish,
					const CacheTerms *terms)
{
	CacheEntry *entry = find_cache_entry(cache, wish->target);

	if (entry == NULL ||
		!(has_state(entry, wish->state) || is_young(entry, &wish->age)))
		return get_shared_document(cache, wish, terms);
	dlist_delete(&entry->node);
	dlist_push_tail(&cache->entries, &entry->node);
	return parse_page(dlist_head_element(CachedPage, node, &entry->pages));
}

/* Lets others have it, too */
static void
share_document(DocumentCache *cache, JsonValue *document,
			   const SharedTarget *target, int64 asked_at)
{
	SharedAnswer answer = {.asked_at = asked_at};

	answer.text = appconfig_json_source(document, &answer.length);
	appconfig_shared_copies_put(&cache->shared, target, &answer);
}

/* Keeps a copy of a document that was asked for then, if the terms allow it */
void
appconfig_cache_put(DocumentCache *cache, const char *target,
					JsonValue *document, const CacheTerms *terms,
					int64 asked_at)
{
	char	   *state;
	CacheEntry *entry = NULL;
	SharedTarget shared;

	if (!supersede_entry(cache, target, asked_at))
		return;
	state = terms->freezing != NULL ? frozen_state(terms->freezing, document)
		: NULL;
	if (state == NULL && asked_at < cache->dropped_at)
		return;
	shared = shared_target(target, state, terms);
	share_document(cache, document, &shared, asked_at);
	if (state != NULL || terms->ttl > 0)
		entry = new_entry(cache, target, state, asked_at);
	if (entry != NULL)
		(void) keep_with_page(cache, entry, document, NULL, terms->size);
	free_if_any(state);
}

/* The service knows no such thing, as it was asked then: copies go */
void
appconfig_cache_drop(DocumentCache *cache, const char *target,
					 const CacheTerms *terms, int64 asked_at)
{
	SharedTarget shared = shared_target(target, NULL, terms);

	if (supersede_entry(cache, target, asked_at))
		appconfig_shared_copies_remove(&cache->shared, &shared, asked_at);
}

/* ------------------------------------------------------------------------
 * Lists
 * ------------------------------------------------------------------------
 */

/* A text behind its length; NULL is a length of its own */
static void
pack_text(StringInfo packed, const char *text, size_t length)
{
	uint32		count = text != NULL ? (uint32) length : PG_UINT32_MAX;

	appendBinaryStringInfo(packed, (const char *) &count, sizeof(count));
	if (text != NULL)
		appendBinaryStringInfo(packed, text, (int) length);
}

/* Lets others have a list that is complete */
static void
share_list(DocumentCache *cache, CacheEntry *list, const CacheTerms *terms)
{
	SharedTarget target = shared_target(list->target, NULL, terms);
	SharedAnswer answer = {.asked_at = list->asked_at};
	StringInfoData packed;
	dlist_iter	iter;

	if (!appconfig_shared_copies_are_there(&cache->shared))
		return;
	initStringInfo(&packed);
	dlist_foreach(iter, &list->pages)
	{
		CachedPage *page = dlist_container(CachedPage, node, iter.cur);

		pack_text(&packed, page->token,
				  page->token != NULL ? strlen(page->token) + 1 : 0);
		pack_text(&packed, page->text, page->length);
	}
	answer.text = packed.data;
	answer.length = packed.len;
	appconfig_shared_copies_put(&cache->shared, &target, &answer);
	pfree(packed.data);
}

/* What is left to unpack */
typedef struct PackedPages
{
	const char *next;
	size_t		left;
} PackedPages;

/* Points into what is packed; false if there is nothing more like that */
static bool
unpack_text(PackedPages *packed, const char **text, size_t *length)
{
	uint32		count;

	if (packed->left < sizeof(count))
		return false;
	memcpy(&count, packed->next, sizeof(count));
	packed->next += sizeof(count);
	packed->left -= sizeof(count);
	*text = count != PG_UINT32_MAX ? packed->next : NULL;
	*length = count != PG_UINT32_MAX ? count : 0;
	if (*length > packed->left)
		return false;
	packed->next += *length;
	packed->left -= *length;
	return true;
}

/* The next page, at the end of the list; false if there is no memory */
static bool
unpack_page(DocumentCache *cache, CacheEntry *list, PackedPages *packed)
{
	const char *token;
	const char *text;
	size_t		token_length;
	size_t		length;

	if (!unpack_text(packed, &token, &token_length) ||
		!unpack_text(packed, &text, &length))
		return false;
	/* that the page before has ended with it */
	if (token != NULL && !copy_text(cache, token, &list->next_token))
		return false;
	list->bytes += space_of(list->next_token);
	return add_page(cache, list, text, length, NULL);
}

/*
 * The session's own copy of a list that others share, if there is one that may
 * be served and room for it; else NULL
 */
static CacheEntry *
find_shared_list(DocumentCache *cache, const char *target,
				 const CacheTerms *terms, const CopyAge *age)
{
	SharedTarget shared = shared_target(target, NULL, terms);
	CopyAge		allowed = shared_age(cache, age);
	SharedAnswer answer;
	PackedPages packed;
	CacheEntry *list = NULL;

	if (!appconfig_shared_copies_get(&cache->shared, &shared, &allowed, &answer))
		return NULL;
	packed.next = answer.text;
	packed.left = answer.length;
	if (answer.length <= (Size) terms->size &&
		supersede_entry(cache, target, answer.asked_at))
		list = new_entry(cache, target, NULL, answer.asked_at);
	while (list != NULL && packed.left > 0)
	{
		if (!unpack_page(cache, list, &packed))
		{
			free_cache_entry(list);
			list = NULL;
		}
	}
	pfree(unconstify(char *, answer.text));
	return list != NULL && keep_entry(cache, list, terms->size) ? list : NULL;
}

/*
 * Keeps a copy of a page of a list, if the terms allow it: of the first page,
 * or of the one right after those that are at hand.  It is that if it was
 * asked for by the token at the end of these, whichever statement did so.
 */
void
appconfig_cache_put_page(DocumentCache *cache, const ListPage *place,
						 JsonValue *page, const CacheTerms *terms,
						 int64 asked_at)
{
	CacheEntry *list;
	JsonValue  *next =
	appconfig_json_lookup(page, appconfig_members.next_token);
	const char *token =
	next != NULL ? member_text(page, appconfig_members.next_token) : NULL;

	if (place->token == NULL)
	{
		if (!supersede_entry(cache, place->list, asked_at) ||
			terms->ttl == 0 || asked_at < cache->dropped_at)
			return;
		list = new_entry(cache, place->list, NULL, asked_at);
		if (list == NULL)
			return;
	}
	else
	{
		list = find_cache_entry(cache, place->list);
		if (list == NULL || list->next_token == NULL ||
			strcmp(list->next_token, place->token) != 0 ||
			list->asked_at > asked_at)
			return;
		unlink_entry(cache, list);
	}
	if (keep_with_page(cache, list, page, token, terms->size) && token == NULL)
		share_list(cache, list, terms);
}

/* A list of which all pages are at hand and may be served; else NULL */
CacheEntry *
appconfig_cache_find_list(DocumentCache *cache, const char *target,
						  const CacheTerms *terms, int64 now)
{
	CacheEntry *list = find_cache_entry(cache, target);
	CopyAge		age = {
		.asked_after = now - terms->ttl * CLOCK_MILLISECOND,
		.listed_from = CLOCK_NEVER, .listed_to = 0
	};

	return list != NULL && list->next_token == NULL && is_young(list, &age)
		? list
		: find_shared_list(cache, target, terms, &age);
}

/* A statement begins to read a list, which must stay.  Raises no error. */
void
appconfig_cache_hold(DocumentCache *cache, CacheEntry *list)
{
	Assert(list->next_token == NULL);
	if (list->holds++ > 0)
		return;
	dlist_delete(&list->node);
	cache->held_bytes += list->bytes;
	AssertCheckCacheEntry(cache, list);
}

/* The statement has ended.  Raises no error. */
void
appconfig_cache_let_go(DocumentCache *cache, CacheEntry *list)
{
	Assert(list->holds > 0);
	AssertCheckCacheEntry(cache, list);
	if (--list->holds > 0)
		return;
	cache->held_bytes -= list->bytes;
	if (list->removed)
	{
		cache->bytes -= list->bytes;
		free_cache_entry(list);
	}
	else
		dlist_push_tail(&cache->entries, &list->node);
}

/*
 * The page of a list that is asked for by a token, NULL for the first; with a
 * reference that the caller releases.  NULL if the list has no such page.
 */
JsonValue *
appconfig_cache_page(CacheEntry *list, const char *token)
{
	dlist_iter	iter;

	dlist_foreach(iter, &list->pages)
	{
		CachedPage *page = dlist_container(CachedPage, node, iter.cur);

		if (token == NULL
			? page->token == NULL
			: page->token != NULL && strcmp(page->token, token) == 0)
			return parse_page(page);
	}
	return NULL;
}
