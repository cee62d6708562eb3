/*-------------------------------------------------------------------------
 *
 * target_table.c
 *		Hash tables by the target of a request: its path and query; or by
 *		another string.
 *
 * dynahash keeps keys of a fixed size, and targets can be long, so that the
 * key is a pointer to the entry's own string.
 *
 * What may not live here: what the entries are (memo.c, cache.c,
 * applications.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "target_table.h"

static uint32
hash_target_key(const void *key, Size keysize pg_attribute_unused())
{
	const char *target = *(const char *const *) key;

	return hash_bytes((const unsigned char *) target, (int) strlen(target));
}

static int
compare_targets(const void *a, const void *b,
				Size keysize pg_attribute_unused())
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* An empty table of TargetSlot, in memory of its own below context */
HTAB *
appconfig_target_table_create(const char *name, MemoryContext context)
{
	HASHCTL		info = {
		.keysize = sizeof(const char *), .entrysize = sizeof(TargetSlot),
		.hash = hash_target_key, .match = compare_targets, .hcxt = context
	};

	return hash_create(name, 64, &info,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
					   HASH_CONTEXT);
}
