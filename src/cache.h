/*-------------------------------------------------------------------------
 *
 * cache.h
 *		Documents and lists that a session keeps from statement to statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CACHE_H
#define APPCONFIG_CACHE_H

#include "json.h"
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
	const AppConfigFreezing *freezing;	/* of its kind; NULL for none */
} CacheTerms;

extern DocumentCache *appconfig_cache_create(MemoryContext parent);
extern void appconfig_cache_clear(DocumentCache *cache);
extern bool appconfig_cache_is_frozen(const AppConfigFreezing *freezing,
									  JsonValue *object);
extern bool appconfig_cache_confirm(DocumentCache *cache, const char *target,
									const AppConfigFreezing *freezing,
									JsonValue *seen_as);
extern JsonValue *appconfig_cache_get(DocumentCache *cache, const char *target,
									  const CacheTerms *terms, bool confirmed,
									  int64 now);
extern void appconfig_cache_put(DocumentCache *cache, const char *target,
								JsonValue *document, const CacheTerms *terms,
								int64 asked_at);

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
