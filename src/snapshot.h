/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *		Answers that are seen as one state, and read again as they were.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SNAPSHOT_H
#define APPCONFIG_SNAPSHOT_H

#include "lib/ilist.h"
#include "utils/resowner.h"

#include "cache.h"

/* What a statement, or a transaction that sees one state, has read */
typedef struct ReadSnapshot ReadSnapshot;

/* Who reads by it: part of whatever that is, to be found from its node */
typedef struct SnapshotReader
{
	dlist_node	node;			/* in the snapshot's readers */
	ReadSnapshot *snapshot;		/* NULL once it has ended */
} SnapshotReader;

extern ReadSnapshot *appconfig_snapshot_create(MemoryContext parent,
											   ResourceOwner owner);
extern void appconfig_snapshot_join(ReadSnapshot *snapshot,
									SnapshotReader *reader);
extern void appconfig_snapshot_leave(SnapshotReader *reader);
extern dlist_head *appconfig_snapshot_readers(ReadSnapshot *snapshot);

extern void appconfig_snapshot_note_listed(ReadSnapshot *snapshot, int64 now);
extern void appconfig_snapshot_listed(const ReadSnapshot *snapshot,
									  CopyAge *age);

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
