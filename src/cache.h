/*-------------------------------------------------------------------------
 *
 * cache.h
 *		Documents and lists that a session keeps from statement to statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CACHE_H
#define APPCONFIG_CACHE_H

#include "copy_age.h"
#include "json.h"
#include "shared_identity.h"
#include "tables.h"

typedef struct DocumentCache DocumentCache;

/* What the cache has of one document, or of all pages of one list */
typedef struct CacheEntry CacheEntry;

/* Which page of which list */
typedef struct ListPage
{
	const char *list;			/* target of its first page */
	const char *token;			/* NULL for the first page */
} ListPage;

/* On what terms a document may be kept and served */
typedef struct CacheTerms
{
	int			ttl;			/* milliseconds that it may be old; 0 for none */
	int			size;			/* bytes that the cache may hold */
	int			max_length;		/* of an answer, bytes */
	const AppConfigFreezing *freezing;	/* of its kind; NULL for none */
} CacheTerms;

/* Which document a statement asks for */
typedef struct CacheWish
{
	const char *target;
	const char *state;			/* that the statement has confirmed; or NULL */
	CopyAge		age;
} CacheWish;

extern DocumentCache *appconfig_cache_create(MemoryContext parent,
											 const char *reader);
extern void appconfig_cache_clear(DocumentCache *cache);
extern void appconfig_cache_identify(DocumentCache *cache,
									 const SharedIdentity *identity);
extern bool appconfig_cache_waits_for_identity(const DocumentCache *cache);
extern bool appconfig_cache_is_frozen(const AppConfigFreezing *freezing,
									  JsonValue *object);
extern char *appconfig_cache_confirm(DocumentCache *cache, const char *target,
									 const CacheTerms *terms,
									 JsonValue *seen_as);
extern JsonValue *appconfig_cache_get(DocumentCache *cache,
									  const CacheWish *wish,
									  const CacheTerms *terms);
extern void appconfig_cache_put(DocumentCache *cache, const char *target,
								JsonValue *document, const CacheTerms *terms,
								int64 asked_at);
extern void appconfig_cache_drop(DocumentCache *cache, const char *target,
								 const CacheTerms *terms, int64 asked_at);

extern void appconfig_cache_put_page(DocumentCache *cache,
									 const ListPage *place, JsonValue *page,
									 const CacheTerms *terms, int64 asked_at);
extern CacheEntry *appconfig_cache_find_list(DocumentCache *cache,
											 const char *target,
											 const CacheTerms *terms,
											 int64 now);
extern void appconfig_cache_hold(DocumentCache *cache, CacheEntry *list);
extern void appconfig_cache_let_go(DocumentCache *cache, CacheEntry *list);
extern JsonValue *appconfig_cache_page(CacheEntry *list, const char *token);

#endif							/* APPCONFIG_CACHE_H */
