/*-------------------------------------------------------------------------
 *
 * shared_memory.c
 *		Memory that all backends of the server share.
 *
 * From PostgreSQL 17 on there is a registry of segments by name, for which
 * nothing has to be preloaded.  Each of our files that shares something has a
 * segment of its own.  Before 17 there is none, and who asks gets NULL: then
 * each session is alone.
 *
 * A backend can end anywhere, but not in the midst of something: whoever holds
 * a lock raises no error before everything is whole again.  If one is killed
 * by the system, PostgreSQL starts again with new memory.
 *
 * What may not live here: what is shared, which each file has to itself.  No
 * secret may be in a segment, nor what a secret could be guessed from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "shared_memory.h"

#define LOCK_NAME "AppConfigShared"

/* What the segments have in common */
typedef struct SharedBase
{
	int			tranche;		/* of all locks */
	uint8		salt[SHARED_IDENTITY_BYTES];	/* of identities, for the
												 * server's life */
	bool		is_salted;
} SharedBase;

/*
 * The segment of that name, made and initialized by whoever asks first; NULL
 * before PostgreSQL 17.  It stays where it is until the backend ends.  A
 * segment of another size is another segment, as that of a library of another
 * version is, which other backends may still have.  Raises an error if there
 * is no memory.  init raises none.
 */
void *
appconfig_shared_memory_get(const char *name, Size size,
							void (*init) (void *segment))
{
	char		full_name[NAMEDATALEN];

	snprintf(full_name, sizeof(full_name), "appconfig_fdw %s %zu", name, size);
	return appconfig_named_segment(full_name, size, init);
}

static void
init_base(void *segment)
{
	SharedBase *base = segment;

	base->tranche = appconfig_new_lwlock_tranche(LOCK_NAME);
	base->is_salted = pg_strong_random(base->salt, sizeof(base->salt));
}

static const SharedBase *
find_base(void)
{
	static const SharedBase *base = NULL;

	if (base == NULL)
	{
		base = appconfig_shared_memory_get("base", sizeof(SharedBase),
										   init_base);
		if (base != NULL)
			appconfig_register_lwlock_tranche(base->tranche, LOCK_NAME);
	}
	return base;
}

/*
 * What locks of ours go by, those in a DSA area included.  Each backend has to
 * ask for it before it takes one, so that waits for it have a name.
 */
int
appconfig_shared_memory_tranche(void)
{
	const SharedBase *base = find_base();

	Assert(base != NULL);
	return base->tranche;
}

/*
 * To be called as a segment is initialized.  Raises no error if
 * appconfig_shared_memory_tranche() has been called before.
 */
void
appconfig_shared_memory_init_lock(LWLock *lock)
{
	LWLockInitialize(lock, appconfig_shared_memory_tranche());
}

/*
 * Makes a digest of the texts, of which any may be NULL or a secret: nothing
 * can be told from it but whether they are the same.  Returns false, with the
 * identity empty, where there is no shared memory, or no way to do so.
 */
bool
appconfig_shared_memory_identify(SharedIdentity *identity,
								 const char *const *parts, int count)
{
	const SharedBase *base = find_base();

	memset(identity, 0, sizeof(*identity));
	if (base == NULL || !base->is_salted ||
		!appconfig_hmac_texts(base->salt, sizeof(base->salt), parts, count,
							  identity->digest, sizeof(identity->digest)))
	{
		memset(identity, 0, sizeof(*identity));
		return false;
	}
	return true;
}

/* Has it been made? */
bool
appconfig_shared_memory_is_identified(const SharedIdentity *identity)
{
	static const SharedIdentity nobody;

	return memcmp(identity, &nobody, sizeof(nobody)) != 0;
}
