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
 * Sharing is worth no error: where there is no memory for it, as with the
 * small /dev/shm that containers have, the session is alone for a while.
 *
 * What may not live here: what is shared, which each file has to itself.  No
 * secret may be in a segment, nor what a secret could be guessed from.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/resowner.h"

#include "clock.h"
#include "compat.h"
#include "shared_memory.h"

#define LOCK_NAME "AppConfigShared"

/* Until it is tried again when there was no memory */
#define PAUSE (60 * CLOCK_SECOND)

/* What the segments have in common */
typedef struct SharedBase
{
	int			tranche;		/* of all locks */
	uint8		salt[SHARED_IDENTITY_BYTES];	/* of identities, for the
												 * server's life */
	bool		is_salted;
} SharedBase;

static int64 off_until = 0;		/* this backend has had no memory */

/* Lets go of all that the owner has, and of the owner */
static void
release_owner(ResourceOwner owner)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, true);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, true);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, true);
	ResourceOwnerDelete(owner);
}

/* An error of shared memory is the server's log's */
static void
log_error(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	ereport(LOG,
			(errmsg("sessions cannot share what they know of AWS AppConfig: %s",
					error->message),
			 errhidestmt(true), errhidecontext(true)));
	FreeErrorData(error);
}

/*
 * Calls what raises an error where shared memory is short, and returns whether
 * it has raised none; the server's log has it otherwise.  What an error leaves
 * behind are locks, of which nobody above has any, and segments that have not
 * been pinned.
 */
bool
appconfig_shared_memory_attempt(void (*work) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ResourceOwner own = ResourceOwnerCreate(NULL, "appconfig_fdw");
	volatile bool done = true;

	CurrentResourceOwner = own;
	PG_TRY();
	{
		work(arg);
	}
	PG_CATCH();
	{
		CurrentResourceOwner = owner;
		LWLockReleaseAll();
		log_error(context);
		done = false;
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	release_owner(own);
	CurrentResourceOwner = owner;
	return done;
}

typedef struct SegmentRequest
{
	const char *name;
	Size		size;
	void		(*init) (void *segment);
	void	   *segment;		/* found; NULL for none */
} SegmentRequest;

/*
 * A segment of another version is another segment: other backends may have a
 * library from before an upgrade.
 */
static void
find_segment(void *arg)
{
	SegmentRequest *request = arg;
	char		full_name[NAMEDATALEN];

	snprintf(full_name, sizeof(full_name), "appconfig_fdw %s %s %zu",
			 APPCONFIG_FDW_VERSION, request->name, request->size);
	request->segment = appconfig_named_segment(full_name, request->size,
											   request->init);
}

/* NULL where there is none; a backend that serves nobody may have none */
static void *
get_segment(const char *name, Size size, void (*init) (void *segment))
{
	SegmentRequest request = {name, size, init, NULL};

	if (!IsUnderPostmaster || appconfig_clock_now() < off_until)
		return NULL;
	if (!appconfig_shared_memory_attempt(find_segment, &request))
	{
		off_until = appconfig_clock_now() + PAUSE;
		return NULL;
	}
	return request.segment;
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
		base = get_segment("base", sizeof(SharedBase), init_base);
		if (base != NULL)
			appconfig_register_lwlock_tranche(base->tranche, LOCK_NAME);
	}
	return base;
}

/*
 * The segment of that name, made and initialized by whoever asks first; NULL
 * before PostgreSQL 17, or if there is no memory.  It stays where it is until
 * the backend ends.  init raises no error.
 */
void *
appconfig_shared_memory_get(const char *name, Size size,
							void (*init) (void *segment))
{
	return find_base() != NULL ? get_segment(name, size, init) : NULL;
}

/*
 * To be called as a segment is initialized, which is after the base has been
 * found; raises no error
 */
void
appconfig_shared_memory_init_lock(LWLock *lock)
{
	LWLockInitialize(lock, find_base()->tranche);
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

/* Writes an identity as a text of SHARED_IDENTITY_TEXT, part of another's */
void
appconfig_shared_memory_write_identity(const SharedIdentity *identity,
									   char *text)
{
	static const char digits[] = "0123456789abcdef";
	int			i;

	for (i = 0; i < SHARED_IDENTITY_BYTES; i++)
	{
		*text++ = digits[identity->digest[i] >> 4];
		*text++ = digits[identity->digest[i] & 0x0F];
	}
	*text = '\0';
}

/* Has it been made? */
bool
appconfig_shared_memory_is_identified(const SharedIdentity *identity)
{
	static const SharedIdentity nobody;

	return memcmp(identity, &nobody, sizeof(nobody)) != 0;
}
