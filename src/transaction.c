/*-------------------------------------------------------------------------
 *
 * transaction.c
 *		What a transaction that sees one state has read.
 *
 * Under REPEATABLE READ and SERIALIZABLE a second statement reads what the
 * first one has read, as it was (contract, section 1).  The calls are each
 * statement's own, and end with it; what their answers were lives here until
 * the transaction ends, whatever becomes of its subtransactions: going back to
 * a savepoint undoes no reading.
 *
 * It belongs to a place, a role and an identity.  Each change of options, also
 * one that is rolled back or another session's, and now and then no change at
 * all, makes PostgreSQL forget what it knew, and so brings another session
 * (session.c) with credentials of its own.  So what counts is where calls go
 * and whose they are: whoever asks the same place by the same identity goes on
 * with what the transaction has read, and whoever does not, reads anew.
 *
 * What may not live here: answers (snapshot.c), options, calls.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "transaction.h"

/* What has been read of one place, as one role, by one identity */
typedef struct TransactionReads
{
	dlist_node	node;			/* in transaction_reads */
	MemoryContext context;		/* holds this struct; ends with the
								 * transaction */
	Oid			serverid;
	Oid			userid;
	char	   *base_url;		/* of AppConfig's endpoint */
	char	   *region;
	const AppConfigSession *session;	/* the last that it was read by; held */
	uint64		identity_changes;	/* of that session by then */
	char	   *identity;		/* NULL: not known so far */
	ResourceOwner owner;		/* of the temporary file */
	ReadSnapshot *snapshot;
} TransactionReads;

/* Those of the current transaction */
static dlist_head transaction_reads = DLIST_STATIC_INIT(transaction_reads);

/* Do the statements of the current transaction see the same state? */
bool
appconfig_transaction_sees_one_state(void)
{
	return IsolationUsesXactSnapshot();
}

/* ------------------------------------------------------------------------
 * Begin and end
 * ------------------------------------------------------------------------
 */

/*
 * The file is given up and not closed, as closing could fail: it would write
 * what nobody reads any longer.
 */
static void
release_file(ResourceOwner owner)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
	ResourceOwnerDelete(owner);
}

/*
 * The transaction ends, and with it what it has read.  In an abort there are
 * still statements that have; nothing is left of these but memory.
 */
static void
end_transaction(XactEvent event, void *arg pg_attribute_unused())
{
	dlist_mutable_iter iter;

	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PREPARE &&
		event != XACT_EVENT_ABORT)
		return;
	dlist_foreach_modify(iter, &transaction_reads)
	{
		TransactionReads *reads =
		dlist_container(TransactionReads, node, iter.cur);

		dlist_delete(&reads->node);
		release_file(reads->owner);
		MemoryContextDelete(reads->context);
	}
}

static void
watch_transactions(void)
{
	static bool watched = false;

	if (watched)
		return;
	RegisterXactCallback(end_transaction, NULL);
	watched = true;
}

/* The session by which it is read from now on, with the same identity */
static void
set_session(TransactionReads *reads, const AppConfigSession *session)
{
	appconfig_session_hold(session, reads->context);
	reads->session = session;
	reads->identity_changes = session->identity_changes;
}

static TransactionReads *
create_reads(const SessionRequest *request, const AppConfigSession *session)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext,
												  "appconfig_fdw transaction",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	TransactionReads *reads = palloc0(sizeof(TransactionReads));

	watch_transactions();
	reads->context = context;
	reads->serverid = request->serverid;
	reads->userid = request->userid;
	reads->base_url = pstrdup(request->settings->endpoint.base_url);
	reads->region = pstrdup(request->settings->region);
	set_session(reads, session);
	/* what fails from here on leaves it to the transaction's own to end it */
	reads->owner = ResourceOwnerCreate(TopTransactionResourceOwner,
									   "appconfig_fdw transaction");
	reads->snapshot = appconfig_snapshot_create(context, reads->owner);
	appconfig_snapshot_keep(reads->snapshot);
	dlist_push_tail(&transaction_reads, &reads->node);
	MemoryContextSwitchTo(old);
	return reads;
}

/* ------------------------------------------------------------------------
 * Whose it is
 * ------------------------------------------------------------------------
 */

/* Has nobody else had the session since it was read by it? */
static bool
has_one_identity(const TransactionReads *reads)
{
	return reads->identity_changes == reads->session->identity_changes;
}

/*
 * Whose it is what has been read, as far as it has not been known: to be
 * called before a session is acquired, since that can be when another one
 * comes.
 */
void
appconfig_transaction_note_identities(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &transaction_reads)
	{
		TransactionReads *reads =
		dlist_container(TransactionReads, node, iter.cur);
		const char *identity =
		appconfig_provider_identity(reads->session->provider);

		if (reads->identity == NULL && identity != NULL &&
			has_one_identity(reads))
			reads->identity = MemoryContextStrdup(reads->context, identity);
	}
}

static bool
is_same_place(const TransactionReads *reads, const SessionRequest *request)
{
	return reads->serverid == request->serverid &&
		reads->userid == request->userid &&
		strcmp(reads->base_url, request->settings->endpoint.base_url) == 0 &&
		strcmp(reads->region, request->settings->region) == 0;
}

/*
 * What was read of the place by that identity; NULL stands for any known one
 */
static TransactionReads *
find_by_identity(const SessionRequest *request, const char *identity)
{
	dlist_iter	iter;

	dlist_foreach(iter, &transaction_reads)
	{
		TransactionReads *reads =
		dlist_container(TransactionReads, node, iter.cur);

		if (is_same_place(reads, request) && reads->identity != NULL &&
			(identity == NULL || strcmp(reads->identity, identity) == 0))
			return reads;
	}
	return NULL;
}

static TransactionReads *
find_by_session(const SessionRequest *request,
				const AppConfigSession *session)
{
	dlist_iter	iter;

	dlist_foreach(iter, &transaction_reads)
	{
		TransactionReads *reads =
		dlist_container(TransactionReads, node, iter.cur);

		if (is_same_place(reads, request) && reads->session == session &&
			has_one_identity(reads))
			return reads;
	}
	return NULL;
}

/*
 * Another session than before, or another identity of it perhaps.  Which it is
 * takes credentials to tell, so these may be waited for; interrupts happen
 * then.
 */
static TransactionReads *
recognise_reads(const SessionRequest *request,
				const AppConfigSession *session)
{
	TransactionReads *reads;

	if (find_by_identity(request, NULL) == NULL)
		return NULL;
	appconfig_provider_wait(session->provider);
	reads = find_by_identity(request,
							 appconfig_provider_identity(session->provider));
	if (reads != NULL)
		set_session(reads, session);
	return reads;
}

/*
 * What the current transaction, which sees one state, has read by the session
 * that a statement has acquired; nothing so far, perhaps.  It ends with the
 * transaction.  Credentials may be waited for, and interrupts happen then.
 */
ReadSnapshot *
appconfig_transaction_snapshot(const SessionRequest *request,
							   const AppConfigSession *session)
{
	TransactionReads *reads = find_by_session(request, session);

	if (reads == NULL)
		reads = recognise_reads(request, session);
	if (reads == NULL)
	{
		/* as getting them can be when another identity comes */
		appconfig_provider_wait(session->provider);
		reads = create_reads(request, session);
	}
	return reads->snapshot;
}
