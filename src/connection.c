/*-------------------------------------------------------------------------
 *
 * connection.c
 *		What a statement has of one foreign server, as one role: settings,
 *		credentials, the backend's session, and the documents.
 *
 * The first scan that needs it looks everything up, and the others join, so
 * that all of a statement goes by options of one moment.  It ends with the
 * statement's memory, or with what fails before.  Each statement of a
 * transaction has its own, and those of one that sees one state share what
 * they have read.
 *
 * What may not live here: what an option means (fdw_options.c), what outlives
 * the statement (transaction.c, session.c), what becomes of documents (memo.c), and scans.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "connection.h"
#include "fdw_options.h"
#include "session.h"
#include "transaction.h"

/* Times that options are read, should they change whenever they are */
#define MAX_OPTION_READS 10

typedef struct OpenConnection
{
	dlist_node	node;			/* in connections, once it is complete */
	MemoryContext context;		/* holds this struct; part of statement */
	MemoryContextCallback callback;
	ConnectionIdentity identity;
	AppConfigSettings settings;
	CredentialOptions credentials;	/* until the session has them */
	ApiOwner	owner;			/* of the calls */
	AppConfigConnection shared;
} OpenConnection;

/* Those of the statements that are being run, at any depth of functions */
static dlist_head connections = DLIST_STATIC_INIT(connections);

/*
 * Other backends' changes come in with locks, and within a transaction a plan
 * that is executed again takes none that it does not have.
 */
static void
accept_changed_options(void)
{
	AcceptInvalidationMessages();
}

/*
 * Settings and credentials of one moment.  Each look-up takes locks, with
 * which other backends' changes come in, so what was read before is read
 * again; but not for ever, should they never end.  Returns the number of
 * changes that it was read at.
 */
static uint64
look_up_options(OpenConnection *connection, Oid *umid)
{
	Oid			serverid = connection->identity.serverid;
	uint64		read_at;
	int			tries = 0;

	do
	{
		appconfig_options_wipe_settings(&connection->settings);
		appconfig_credentials_wipe(&connection->credentials.keys);
		read_at = appconfig_session_changes();
		appconfig_options_get_settings(serverid, &connection->settings);
		appconfig_options_get_credentials(serverid,
										  connection->identity.userid,
										  &connection->credentials, umid);
	} while (read_at != appconfig_session_changes() &&
			 ++tries < MAX_OPTION_READS);
	return read_at;
}

/* Calls and documents have ended before, the session is let go */
static void
end_connection(void *arg)
{
	OpenConnection *connection = arg;

	if (connection->shared.documents != NULL)
		dlist_delete(&connection->node);
	appconfig_options_wipe_settings(&connection->settings);
	appconfig_credentials_wipe(&connection->credentials.keys);
}

/* A connection that knows whose it is, and nothing else */
static OpenConnection *
make_connection(const ConnectionIdentity *identity)
{
	MemoryContext context =
	AllocSetContextCreate(identity->statement, "appconfig_fdw connection",
						  ALLOCSET_DEFAULT_SIZES);
	OpenConnection *connection =
	MemoryContextAllocZero(context, sizeof(OpenConnection));

	connection->context = context;
	connection->identity = *identity;
	connection->callback.func = end_connection;
	connection->callback.arg = connection;
	MemoryContextRegisterResetCallback(context, &connection->callback);
	return connection;
}

/* Looks up everything that the connection is to have */
static void
fill_connection(OpenConnection *connection)
{
	const ConnectionIdentity *identity = &connection->identity;
	ApiOwner   *owner = &connection->owner;
	SessionRequest request = {
		.serverid = identity->serverid, .userid = identity->userid,
		.settings = &connection->settings,
		.credentials = &connection->credentials
	};
	const AppConfigSession *session;
	ReadSnapshot *snapshot = NULL;

	accept_changed_options();
	request.read_at = look_up_options(connection, &request.umid);
	appconfig_transaction_note_identities();
	session = appconfig_session_acquire(&request, connection->context);
	appconfig_credentials_wipe(&connection->credentials.keys);
	owner->serverid = identity->serverid;
	owner->client = session->client;
	owner->settings = &connection->settings;
	owner->endpoint = &connection->settings.endpoint;
	owner->supply = appconfig_provider_supply(session->provider);
	owner->context = connection->context;
	connection->shared.statement = identity->statement;
	connection->shared.settings = &connection->settings;
	connection->shared.provider = session->provider;
	if (appconfig_transaction_sees_one_state())
		snapshot = appconfig_transaction_snapshot(&request, session);
	connection->shared.permissions = session->permissions;
	connection->shared.documents =
		appconfig_memo_create(owner, session->cache, snapshot);
}

static OpenConnection *
open_connection(const ConnectionIdentity *identity)
{
	OpenConnection *connection = make_connection(identity);
	MemoryContext old = MemoryContextSwitchTo(connection->context);

	fill_connection(connection);
	MemoryContextSwitchTo(old);
	/* nobody finds it before it is complete */
	dlist_push_tail(&connections, &connection->node);
	return connection;
}

/* The connection that has been opened already, or NULL */
static OpenConnection *
find_connection(const ConnectionIdentity *identity)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connections)
	{
		OpenConnection *connection =
		dlist_container(OpenConnection, node, iter.cur);

		if (connection->identity.statement == identity->statement &&
			connection->identity.serverid == identity->serverid &&
			connection->identity.userid == identity->userid)
			return connection;
	}
	return NULL;
}

/*
 * A scan begins to read: the connection is opened by the first.  Each calls
 * appconfig_connection_leave() at its end; in an abort nobody needs to.  If
 * the statement may ask for something again, documents are kept from now on.
 */
const AppConfigConnection *
appconfig_connection_join(const ConnectionIdentity *identity, bool rereads)
{
	OpenConnection *connection = find_connection(identity);

	if (connection == NULL)
		connection = open_connection(identity);
	appconfig_memo_join(connection->shared.documents, rereads);
	return &connection->shared;
}

/* What other statements no longer ask for, this one asks for itself */
static void
ask_for_lost(MemoryContext statement)
{
	dlist_iter	iter;

	dlist_foreach(iter, &connections)
	{
		OpenConnection *connection =
		dlist_container(OpenConnection, node, iter.cur);

		if (connection->identity.statement == statement)
			appconfig_memo_resume(connection->shared.documents);
	}
}

/* The clients of the statement's connections that have calls under way */
static List *
list_clients(MemoryContext statement)
{
	List	   *clients = NIL;
	dlist_iter	iter;

	dlist_foreach(iter, &connections)
	{
		OpenConnection *connection =
		dlist_container(OpenConnection, node, iter.cur);

		if (connection->identity.statement == statement &&
			appconfig_api_has_calls(connection->owner.client))
			clients = lappend(clients, connection->owner.client);
	}
	return clients;
}

/*
 * Waits until some call of the statement can get on, of whatever server, and
 * lets all that can: every cursor of the statement shares this wait, and polls
 * after it.  Interrupts happen in here.
 */
void
appconfig_connection_wait(const AppConfigConnection *connection)
{
	List	   *clients;
	dlist_iter	iter;

	ask_for_lost(connection->statement);
	clients = list_clients(connection->statement);
	appconfig_api_wait(clients);
	list_free(clients);
	dlist_foreach(iter, &connections)
	{
		OpenConnection *other =
		dlist_container(OpenConnection, node, iter.cur);

		if (other->identity.statement == connection->statement)
			appconfig_memo_receive(other->shared.documents);
	}
}

/* A scan has ended; what is kept for others goes with the last one */
void
appconfig_connection_leave(const AppConfigConnection *connection)
{
	appconfig_memo_leave(connection->documents);
}

/*
 * The server's region, palloc'd: what the statement has begun with, or else
 * what the catalog has, for which no credentials are needed.
 */
char *
appconfig_connection_region(const ConnectionIdentity *identity)
{
	const OpenConnection *connection = find_connection(identity);

	if (connection != NULL)
		return pstrdup(connection->settings.region);
	accept_changed_options();
	return appconfig_options_get_region(identity->serverid);
}
