/*-------------------------------------------------------------------------
 *
 * session.c
 *		What a backend keeps of a foreign server from statement to statement.
 *
 * One session for each server, role and user mapping: its pace, its budget of
 * retries, its credentials, the documents that may be served again.  ALTER
 * SERVER and ALTER USER MAPPING, rolled back ones included, make a session
 * stale: running statements end with it, the next one gets a new session, and
 * the stale one goes when its last user has gone.  Of the sessions that nobody
 * uses the least recently used go when there are many, since each has a cache.
 *
 * What may not live here: options (fdw_options.c), calls (api.c), documents.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "session.h"

#define MAX_IDLE_SESSIONS 64	/* without a user, over all servers and roles */

typedef struct SessionEntry
{
	dlist_node	node;			/* in sessions */
	MemoryContext context;		/* holds this struct */
	Oid			serverid;
	Oid			userid;
	Oid			umid;
	uint32		server_hash;	/* by which an invalidation names them */
	uint32		umid_hash;
	bool		stale;			/* not for new users */
	int			users;
	int			holds;			/* of those who need what it keeps, and make
								 * no calls */
	AppConfigSession shared;
} SessionEntry;

/* One user's hold on a session; in the memory of the user */
typedef struct SessionUse
{
	SessionEntry *session;
	MemoryContextCallback callback;
} SessionUse;

/* The most recently used first */
static dlist_head sessions = DLIST_STATIC_INIT(sessions);

/* Invalidations so far */
static uint64 changes = 0;

/* A server or user mapping has changed; a hash of 0 stands for all of them */
static void
invalidate_sessions(Datum arg pg_attribute_unused(),
					AppConfigSysCacheId cacheid, uint32 hash)
{
	dlist_iter	iter;

	changes++;
	dlist_foreach(iter, &sessions)
	{
		SessionEntry *session = dlist_container(SessionEntry, node, iter.cur);
		uint32		hash_kept = cacheid == FOREIGNSERVEROID ? session->server_hash
		: session->umid_hash;

		if (hash == 0 || hash == hash_kept)
			session->stale = true;
	}
}

/*
 * Servers and user mappings have changed so many times, as far as is known. To
 * be asked before options are read: reading them takes locks, with which the
 * news of other backends comes in, and what was read before may be out of
 * date.
 */
uint64
appconfig_session_changes(void)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(FOREIGNSERVEROID, invalidate_sessions,
									  (Datum) 0);
		CacheRegisterSyscacheCallback(USERMAPPINGOID, invalidate_sessions,
									  (Datum) 0);
		registered = true;
	}
	return changes;
}

static void
destroy_session(SessionEntry *session)
{
	dlist_delete(&session->node);
	appconfig_api_client_destroy(session->shared.client);
	appconfig_provider_destroy(session->shared.provider);
	MemoryContextDelete(session->context);
}

/* Ends those that nobody uses and that are stale, or more than are kept */
static void
destroy_idle_sessions(void)
{
	int			idle = 0;
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &sessions)
	{
		SessionEntry *session = dlist_container(SessionEntry, node, iter.cur);

		if (session->users == 0 && session->holds == 0 &&
			(session->stale || ++idle > MAX_IDLE_SESSIONS))
			destroy_session(session);
	}
}

static void
end_hold(void *arg)
{
	((SessionUse *) arg)->session->holds--;
	destroy_idle_sessions();
}

static void
release_session(void *arg)
{
	SessionUse *use = arg;

	if (--use->session->users == 0)
	{
		appconfig_provider_abandon(use->session->shared.provider);
		appconfig_api_client_rest(use->session->shared.client);
	}
	dlist_move_head(&sessions, &use->session->node);
	destroy_idle_sessions();
}

/*
 * A session that may be used; those that nobody can use are ended on the way
 */
static SessionEntry *
find_session(const SessionRequest *request)
{
	dlist_iter	iter;

	destroy_idle_sessions();
	dlist_foreach(iter, &sessions)
	{
		SessionEntry *session = dlist_container(SessionEntry, node, iter.cur);

		if (!session->stale && session->serverid == request->serverid &&
			session->userid == request->userid && session->umid == request->umid)
			return session;
	}
	return NULL;
}

/* Which version of its row a catalog has, palloc'd */
static char *
row_version(AppConfigSysCacheId cacheid, Oid id)
{
	HeapTuple	tuple = SearchSysCache1(cacheid, ObjectIdGetDatum(id));
	char	   *version;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("none");
	version = psprintf("%u %u %u", HeapTupleHeaderGetRawXmin(tuple->t_data),
					   ItemPointerGetBlockNumberNoCheck(&tuple->t_self),
					   ItemPointerGetOffsetNumberNoCheck(&tuple->t_self));
	ReleaseSysCache(tuple);
	return version;
}

/*
 * Who may have each other's answers, palloc'd: the same role in the same
 * database, until server or user mapping are altered, as it is in a session
 */
static char *
name_reader(const SessionRequest *request)
{
	return psprintf("%u, %u: %u: %s: %s", MyDatabaseId, request->userid,
					request->serverid,
					row_version(FOREIGNSERVEROID, request->serverid),
					row_version(USERMAPPINGOID, request->umid));
}

static void
forget_documents(void *arg)
{
	AppConfigSession *session = arg;

	session->identity_changes++;
	appconfig_permissions_forget(session->permissions);
	appconfig_cache_clear(session->cache);
}

static void
identify_documents(void *arg, const SharedIdentity *identity)
{
	AppConfigSession *session = arg;

	appconfig_cache_identify(session->cache, identity);
}

static CredentialProvider *
create_provider(const SessionRequest *request, AppConfigSession *session)
{
	CredentialUser user = {
		.serverid = request->serverid, .userid = request->userid,
		.forget = forget_documents, .identify = identify_documents,
		.arg = session
	};

	return appconfig_provider_create(&user, request->credentials,
									 request->settings);
}

static SessionEntry *
create_session(const SessionRequest *request)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "appconfig_fdw session",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SessionEntry *session = palloc0(sizeof(SessionEntry));

	session->context = context;
	session->serverid = request->serverid;
	session->userid = request->userid;
	session->umid = request->umid;
	session->server_hash =
		GetSysCacheHashValue1(FOREIGNSERVEROID, ObjectIdGetDatum(request->serverid));
	session->umid_hash =
		GetSysCacheHashValue1(USERMAPPINGOID, ObjectIdGetDatum(request->umid));
	session->shared.cache = appconfig_cache_create(context, name_reader(request));
	session->shared.permissions = appconfig_permissions_create(context);
	session->shared.client = appconfig_api_client_create(request->settings);
	session->shared.provider = create_provider(request, &session->shared);
	/* who has read the options may go by them, but nobody else */
	session->stale = request->read_at != changes;
	MemoryContextSwitchTo(old);
	/* nothing fails from here on */
	MemoryContextSetParent(context, TopMemoryContext);
	dlist_push_head(&sessions, &session->node);
	return session;
}

/* Until the context is reset.  Raises no error. */
static void
begin_use(SessionUse *use, SessionEntry *session, MemoryContext context,
		  MemoryContextCallbackFunction end)
{
	use->session = session;
	use->callback.func = end;
	use->callback.arg = use;
	MemoryContextRegisterResetCallback(context, &use->callback);
}

/*
 * The session of that server, role and user mapping, made if there is none. It
 * is held until context is reset.
 */
const AppConfigSession *
appconfig_session_acquire(const SessionRequest *request, MemoryContext context)
{
	SessionUse *use = MemoryContextAllocZero(context, sizeof(SessionUse));
	SessionEntry *session = find_session(request);

	if (session == NULL)
		session = create_session(request);
	session->users++;
	begin_use(use, session, context, release_session);
	appconfig_provider_join(session->shared.provider);
	return &session->shared;
}

/*
 * Lets a session stay, with what it has kept, until context is reset; the
 * caller is a user of it
 */
void
appconfig_session_hold(const AppConfigSession *shared, MemoryContext context)
{
	SessionUse *use = MemoryContextAllocZero(context, sizeof(SessionUse));
	SessionEntry *session = (SessionEntry *)
	((char *) unconstify(AppConfigSession *, shared) -
	 offsetof(SessionEntry, shared));

	session->holds++;
	begin_use(use, session, context, end_hold);
}
