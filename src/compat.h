/*-------------------------------------------------------------------------
 *
 * compat.h
 *		What differs between the supported versions of PostgreSQL, 13 to 19.
 *
 * The one place for it: each difference is hidden here behind the newest
 * version's name, and no other file tests PG_VERSION_NUM.  A block goes away
 * when the last version that needs it does.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_COMPAT_H
#define APPCONFIG_COMPAT_H

#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "nodes/nodes.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* 14 moves the wait events out of pgstat.h */
#if PG_VERSION_NUM >= 140000
#include "utils/wait_event.h"
#else
#include "pgstat.h"
#endif

/* 15 calls EmitWarningsOnPlaceholders by a new name */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 16 declares _PG_init, and moves VARDATA_ANY and its kin out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#else
extern void _PG_init(void);
#endif

/* 18 has the attribute in front, by a new name */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* 14 gives pull_varnos the planner's state */
#if PG_VERSION_NUM >= 140000
#define appconfig_pull_varnos(root, node) pull_varnos(root, node)
#else
#define appconfig_pull_varnos(root, node) pull_varnos(node)
#endif

/* 14 gives ModifyTable a single plan, as a left tree */
#if PG_VERSION_NUM >= 140000
#define appconfig_modifytable_plans(plan) NIL
#else
#define appconfig_modifytable_plans(plan) (((ModifyTable *) (plan))->plans)
#endif

/*
 * 14 adds nodes to plans, which run what is below them as often as they are
 * run themselves.
 */
static inline bool
appconfig_is_newer_plain_plan(NodeTag tag)
{
#if PG_VERSION_NUM >= 140000
	return tag == T_TidRangeScan || tag == T_Memoize;
#else
	(void) tag;
	return false;
#endif
}

/* 16 keeps the user of a foreign scan in the scan, where joins have it too */
#if PG_VERSION_NUM < 160000
#define appconfig_scan_user(scan, rte) ((rte)->checkAsUser)
#else
#define appconfig_scan_user(scan, rte) ((scan)->checkAsUser)
#endif

/*
 * 17 adds clauses that a join pushed down enforces, 18 the count of disabled
 * nodes
 */
#if PG_VERSION_NUM >= 180000
#define appconfig_create_foreignscan_path(root, rel, rows, startup, total, \
										  outer)                           \
	create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, NIL, \
							outer, NULL, NIL, NIL)
#elif PG_VERSION_NUM >= 170000
#define appconfig_create_foreignscan_path(root, rel, rows, startup, total, \
										  outer)                           \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, NIL,    \
							outer, NULL, NIL, NIL)
#else
#define appconfig_create_foreignscan_path(root, rel, rows, startup, total, \
										  outer)                           \
	create_foreignscan_path(root, rel, NULL, rows, startup, total, NIL,    \
							outer, NULL, NIL)
#endif

/*
 * 16 has a function that reads all or raises an error; the system's errors are
 * raised before by BufFileRead() itself
 */
#if PG_VERSION_NUM < 160000
#include "storage/buffile.h"

static inline void
BufFileReadExact(BufFile *file, void *buffer, size_t size)
{
	size_t		got = BufFileRead(file, buffer, size);

	if (got != size)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not read from temporary file: read only %zu of "
						"%zu bytes",
						got, size)));
}
#endif

/* 17 lets the planner estimate the length of more arrays */
#if PG_VERSION_NUM >= 170000
#define appconfig_array_length(root, expr) estimate_array_length(root, expr)
#else
#define appconfig_array_length(root, expr) estimate_array_length(expr)
#endif

/* 14 adds a way to tell how good an estimate of groups is */
#if PG_VERSION_NUM >= 140000
#define appconfig_estimate_num_groups(root, exprs, rows) \
	estimate_num_groups(root, exprs, rows, NULL, NULL)
#else
#define appconfig_estimate_num_groups(root, exprs, rows) \
	estimate_num_groups(root, exprs, rows, NULL)
#endif

/* 18 moves what EXPLAIN prints with */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/* 19 gives the identifiers of the system caches a type */
#if PG_VERSION_NUM >= 190000
#define AppConfigSysCacheId SysCacheIdentifier
#else
#define AppConfigSysCacheId int
#endif

/*
 * 17 lets a resource owner free a set of wait events; ours is nobody's, and
 * lives until FreeWaitEventSet, on all versions.
 */
static inline WaitEventSet *
appconfig_create_wait_event_set(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

/*
 * Converts a text, unless there is no equivalent.  14 has a way to do so that
 * raises nothing.  Before, the error has to be caught; that takes no
 * subtransaction, since a conversion that has been looked up touches nothing
 * but the two buffers.
 */
static inline bool
appconfig_try_conversion(Oid function, int from, int to, char *text,
						 int length, char *result, Size size)
{
#if PG_VERSION_NUM >= 140000
	return pg_do_encoding_conversion_buf(function, from, to,
										 (unsigned char *) text, length,
										 (unsigned char *) result,
										 (int) Min(size, (Size) PG_INT32_MAX),
										 true) == length;
#else
	MemoryContext context = CurrentMemoryContext;
	FmgrInfo	conversion;
	volatile bool converted = true;

	(void) size;
	fmgr_info(function, &conversion);
	PG_TRY();
	{
		(void) FunctionCall5(&conversion, Int32GetDatum(from),
							 Int32GetDatum(to), CStringGetDatum(text),
							 CStringGetDatum(result), Int32GetDatum(length));
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_UNTRANSLATABLE_CHARACTER &&
			error->sqlerrcode != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE)
			PG_RE_THROW();
		FlushErrorState();
		FreeErrorData(error);
		converted = false;
	}
	PG_END_TRY();
	return converted;
#endif
}

/*
 * May the role use the foreign server?  16 has one function for all objects.
 */
static inline bool
appconfig_server_can_be_used(Oid serverid, Oid userid)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, serverid, userid,
						   ACL_USAGE) == ACLCHECK_OK;
#else
	return pg_foreign_server_aclcheck(serverid, userid, ACL_USAGE) ==
		ACLCHECK_OK;
#endif
}

/*
 * 17 lets an extension name what pg_stat_activity shows while it waits; takes
 * a lock, so the answer is to be kept
 */
static inline uint32
appconfig_wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/*
 * 17 has a registry of shared memory, 19 gives its callback an argument, and
 * lock tranches their name when they are made.  Before 17 there is none: NULL.
 */
#if PG_VERSION_NUM >= 170000
#include "common/hmac.h"
#include "common/sha2.h"
#include "storage/dsm_registry.h"
#endif

#if PG_VERSION_NUM >= 190000
struct segment_init
{
	void		(*init) (void *segment);
};

static inline void
appconfig_init_segment(void *segment, void *arg)
{
	((struct segment_init *) arg)->init(segment);
}
#endif

static inline void *
appconfig_named_segment(const char *name, Size size,
						void (*init) (void *segment))
{
#if PG_VERSION_NUM >= 190000
	struct segment_init arg = {init};
	bool		found;

	return GetNamedDSMSegment(name, size, appconfig_init_segment, &found, &arg);
#elif PG_VERSION_NUM >= 170000
	bool		found;

	return GetNamedDSMSegment(name, size, init, &found);
#else
	(void) name;
	(void) size;
	(void) init;
	return NULL;
#endif
}

/* Is there such a registry? */
static inline bool
appconfig_has_shared_memory(void)
{
#if PG_VERSION_NUM >= 170000
	return true;
#else
	return false;
#endif
}

static inline int
appconfig_new_lwlock_tranche(const char *name)
{
#if PG_VERSION_NUM >= 190000
	return LWLockNewTrancheId(name);
#else
	(void) name;
	return LWLockNewTrancheId();
#endif
}

static inline void
appconfig_register_lwlock_tranche(int tranche, const char *name)
{
#if PG_VERSION_NUM >= 190000
	(void) tranche;
	(void) name;
#else
	LWLockRegisterTranche(tranche, name);
#endif
}

/*
 * HMAC-SHA-256 of texts, of which any may be NULL, each told apart from the
 * next.  14 has the means; it is needed only where memory is shared.
 */
static inline bool
appconfig_hmac_texts(const uint8 *key, size_t key_length,
					 const char *const *texts, int count,
					 uint8 *result, size_t result_length)
{
#if PG_VERSION_NUM >= 170000
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);
	bool		done;
	int			i;

	if (hmac == NULL)
		return false;
	Assert(result_length == PG_SHA256_DIGEST_LENGTH);
	done = pg_hmac_init(hmac, key, key_length) >= 0;
	for (i = 0; i < count && done; i++)
	{
		const char *text = texts[i];

		/* no text has a NUL in it, and none is not an empty one */
		done = pg_hmac_update(hmac, (const uint8 *) (text != NULL ? "=" : "-"), 1) >= 0 &&
			(text == NULL ||
			 pg_hmac_update(hmac, (const uint8 *) text, strlen(text) + 1) >= 0);
	}
	done = done && pg_hmac_final(hmac, result, result_length) >= 0;
	pg_hmac_free(hmac);
	return done;
#else
	(void) key;
	(void) key_length;
	(void) texts;
	(void) count;
	(void) result;
	(void) result_length;
	return false;
#endif
}

/* May the role see what others do, as it can in PostgreSQL's statistics? */
static inline bool
appconfig_may_read_all_stats(Oid userid)
{
#if PG_VERSION_NUM >= 140000
	return has_privs_of_role(userid, ROLE_PG_READ_ALL_STATS);
#else
	return has_privs_of_role(userid, DEFAULT_ROLE_READ_ALL_STATS);
#endif
}

/* 18 lets a library tell its name and version */
#ifndef PG_MODULE_MAGIC_EXT
#define PG_MODULE_MAGIC_EXT(...) PG_MODULE_MAGIC
#endif

/* 18 has generated columns that are not stored */
#ifndef ATTRIBUTE_GENERATED_VIRTUAL
#define ATTRIBUTE_GENERATED_VIRTUAL 'v'
#endif

#endif							/* APPCONFIG_COMPAT_H */
