/*-------------------------------------------------------------------------
 *
 * memo.h
 *		The documents of one statement, each fetched once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_MEMO_H
#define APPCONFIG_MEMO_H

#include "compat.h"
#include "api.h"
#include "cache.h"
#include "snapshot.h"

/* What a statement has asked for over one connection */
typedef struct Memo Memo;

/* One request and its answer, shared by all scans that ask for it */
typedef struct MemoEntry MemoEntry;

extern Memo *appconfig_memo_create(const ApiOwner *owner,
								   DocumentCache *cache,
								   ReadSnapshot *snapshot);
extern void appconfig_memo_join(Memo *memo, bool rereads);
extern void appconfig_memo_leave(Memo *memo);

extern void appconfig_memo_confirm(Memo *memo, const char *target,
								   const AppConfigFreezing *freezing,
								   JsonValue *item);
extern bool appconfig_memo_is_final(const Memo *memo, const char *target,
									const AppConfigFreezing *freezing,
									JsonValue *item);
extern bool appconfig_memo_needs_call(const Memo *memo,
									  const ApiRequest *request);
extern MemoEntry *appconfig_memo_fetch(Memo *memo, const ApiRequest *request,
									   ApiCounters *counters);
extern MemoEntry *appconfig_memo_same(MemoEntry *entry, const char *target);
extern bool appconfig_memo_is_ready(const MemoEntry *entry);
extern bool appconfig_memo_has_failed(const MemoEntry *entry);
extern bool appconfig_memo_is_denied(const MemoEntry *entry);
extern JsonValue *appconfig_memo_document(MemoEntry *entry);
pg_noreturn extern void appconfig_memo_raise(const MemoEntry *entry);
extern void appconfig_memo_release(MemoEntry *entry);
extern void appconfig_memo_resume(Memo *memo);
extern int	appconfig_memo_abandoned(const Memo *memo);
extern void appconfig_memo_receive(Memo *memo);

#endif							/* APPCONFIG_MEMO_H */
