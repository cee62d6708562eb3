/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *		Answers that are seen as one state, and read again as they were.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SNAPSHOT_H
#define APPCONFIG_SNAPSHOT_H

#include "utils/resowner.h"

#include "cache.h"

/* What a statement has read */
typedef struct ReadSnapshot ReadSnapshot;

extern ReadSnapshot *appconfig_snapshot_create(MemoryContext parent,
											   ResourceOwner owner);
extern void appconfig_snapshot_keep(ReadSnapshot *snapshot);
extern void appconfig_snapshot_stop(ReadSnapshot *snapshot);
extern bool appconfig_snapshot_has(const ReadSnapshot *snapshot,
								   const char *target);
extern bool appconfig_snapshot_find(ReadSnapshot *snapshot,
									const char *target, JsonValue **document);
extern void appconfig_snapshot_put(ReadSnapshot *snapshot, const char *target,
								   JsonValue *document);
extern CacheEntry *appconfig_snapshot_list(ReadSnapshot *snapshot,
										   DocumentCache *cache,
										   const ListPage *page,
										   const CacheTerms *terms);

#endif							/* APPCONFIG_SNAPSHOT_H */
