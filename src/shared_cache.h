/*-------------------------------------------------------------------------
 *
 * shared_cache.h
 *		Texts by a key, in memory that all backends share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SHARED_CACHE_H
#define APPCONFIG_SHARED_CACHE_H

#include "shared_identity.h"

/* kB, appconfig_fdw.shared_cache_size */
#define SHARED_CACHE_SIZE	  (64 * 1024)
#define MAX_SHARED_CACHE_SIZE (1024 * 1024 * 1024)

extern int	appconfig_shared_cache_size;

/* What is known of a text that is kept; identities may be empty */
typedef struct SharedTag
{
	SharedIdentity key;
	SharedIdentity state;		/* that the text shows */
	SharedIdentity owner;		/* who has kept it */
	int64		asked_at;		/* on appconfig_clock_now(), which all
								 * backends go by */
	int64		kept_at;
} SharedTag;

extern bool appconfig_shared_cache_is_on(void);
extern bool appconfig_shared_cache_find(const SharedIdentity *key,
										SharedTag *tag);
extern char *appconfig_shared_cache_get(const SharedIdentity *key,
										SharedTag *tag, size_t *length);
extern void appconfig_shared_cache_put(const SharedTag *tag, const char *text,
									   size_t length);
extern void appconfig_shared_cache_remove(const SharedIdentity *key,
										  int64 asked_before);

#endif							/* APPCONFIG_SHARED_CACHE_H */
