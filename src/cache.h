/*-------------------------------------------------------------------------
 *
 * cache.h
 *		Documents that a session keeps from statement to statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CACHE_H
#define APPCONFIG_CACHE_H

#include "json.h"

typedef struct DocumentCache DocumentCache;

/* On what terms a document may be kept and served */
typedef struct CacheTerms
{
	int	 ttl;	  /* milliseconds that it may be old; 0 for none */
	int	 size;	  /* bytes that the cache may hold */
	bool freezes; /* is it of a kind that the service freezes? */
} CacheTerms;

extern DocumentCache *appconfig_cache_create(MemoryContext parent);
extern bool			  appconfig_cache_is_frozen(JsonValue *object);
extern bool appconfig_cache_confirm(DocumentCache *cache, const char *target,
									JsonValue *seen_as);
extern JsonValue *appconfig_cache_get(DocumentCache *cache, const char *target,
									  const CacheTerms *terms, bool confirmed,
									  int64 now);
extern void		  appconfig_cache_put(DocumentCache *cache, const char *target,
									  JsonValue *document, const CacheTerms *terms,
									  int64 asked_at);

#endif /* APPCONFIG_CACHE_H */
