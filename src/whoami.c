/*-------------------------------------------------------------------------
 *
 * whoami.c
 *		appconfig_fdw_whoami(): as whom the current role signs.
 *
 * What may not live here: how credentials are got (credential_provider.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "connection.h"
#include "credential_answer.h"
#include "fdw_options.h"

PG_FUNCTION_INFO_V1(appconfig_fdw_whoami);

#define COLUMNS 5

/* Seconds from 1970 to PostgreSQL's epoch */
#define EPOCH_SECONDS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* May the role read any foreign table of the server? */
static bool
can_read_table(Oid serverid, Oid userid)
{
	Relation	relation = table_open(ForeignTableRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0,
										  NULL);
	bool		found = false;
	HeapTuple	tuple;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_foreign_table table = (Form_pg_foreign_table) GETSTRUCT(tuple);

		found = table->ftserver == serverid &&
			pg_class_aclcheck(table->ftrelid, userid, ACL_SELECT) == ACLCHECK_OK;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

/*
 * Refuses a role that has nothing to do with the server: it must not call AWS
 * with credentials that were lent to others
 */
static void
check_permitted(const ForeignServer *server, Oid userid)
{
	if (!appconfig_server_can_be_used(server->serverid, userid) &&
		!SearchSysCacheExists2(USERMAPPINGUSERSERVER, ObjectIdGetDatum(userid),
							   ObjectIdGetDatum(server->serverid)) &&
		!can_read_table(server->serverid, userid))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FOREIGN_SERVER,
					   server->servername);
}

/* The server of that name, if it is one of ours */
static ForeignServer *
find_server(const char *name)
{
	ForeignServer *server = GetForeignServerByName(name, false);
	Oid			validator = GetForeignDataWrapper(server->fdwid)->fdwvalidator;

	if (!appconfig_options_are_checked_by(validator))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not one of appconfig_fdw", name)));
	return server;
}

/* Asks STS; the strings of *caller are palloc'd */
static void
ask_sts(CredentialProvider *provider, CallerIdentity *caller)
{
	ApiRequest	request = {
		.operation = "GetCallerIdentity", .method = HTTP_POST, .path = "/",
		.query = "", .body = "Action=GetCallerIdentity&Version=" STS_VERSION,
		.content_type = STS_FORM_TYPE, .is_text = true
	};
	ApiCounters counters = {0};
	ApiOwner	owner;
	ApiCall    *call;
	AnswerBody	body = {.malformed = NULL};
	const char *volatile reason = NULL;
	size_t		length;

	appconfig_provider_fill_sts_owner(provider, CurrentMemoryContext, &owner);
	call = appconfig_api_start(&owner, &request, &counters);
	appconfig_api_poll(owner.client);
	while (!appconfig_api_is_done(call))
	{
		appconfig_api_wait(list_make1(owner.client));
		appconfig_api_poll(owner.client);
	}
	if (appconfig_api_error(call) != NULL)
		appconfig_api_raise(call);
	body.text = appconfig_api_text(call, &length);
	body.document = appconfig_json_parse(body.text, length, &body.malformed);
	PG_TRY();
	{
		reason = appconfig_credential_answer_read_caller(&body, caller);
	}
	PG_FINALLY();
	{
		appconfig_json_release(body.document);
	}
	PG_END_TRY();
	if (reason != NULL)
	{
		appconfig_api_spoil(call, reason);
		appconfig_api_raise(call);
	}
}

/* A text, or NULL */
static Datum
text_datum(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text != NULL ? CStringGetTextDatum(text) : (Datum) 0;
}

static HeapTuple
make_row(TupleDesc descriptor, const CredentialDescription *description,
		 const CallerIdentity *caller)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	values[0] = text_datum(description->source, &nulls[0]);
	values[1] = text_datum(description->detail, &nulls[1]);
	nulls[2] = description->expires_at == 0;
	values[2] = TimestampTzGetDatum((description->expires_at - EPOCH_SECONDS) *
									USECS_PER_SEC);
	values[3] = text_datum(caller->account, &nulls[3]);
	values[4] = text_datum(caller->arn, &nulls[4]);
	return heap_form_tuple(descriptor, values, nulls);
}

/* appconfig_fdw_whoami(server name), contract section 4 */
Datum
appconfig_fdw_whoami(PG_FUNCTION_ARGS)
{
	ForeignServer *server = find_server(NameStr(*PG_GETARG_NAME(0)));
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "appconfig_fdw whoami",
												  ALLOCSET_SMALL_SIZES);
	ConnectionIdentity identity = {
		.statement = context, .serverid = server->serverid,
		.userid = GetUserId()
	};
	const AppConfigConnection *connection;
	CredentialDescription description;
	CallerIdentity caller;
	TupleDesc	descriptor;
	HeapTuple	row;
	MemoryContext old;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	check_permitted(server, identity.userid);
	old = MemoryContextSwitchTo(context);
	connection = appconfig_connection_join(&identity, false);
	appconfig_provider_wait(connection->provider);
	ask_sts(connection->provider, &caller);
	appconfig_provider_describe(connection->provider, &description);
	MemoryContextSwitchTo(old);
	row = make_row(BlessTupleDesc(descriptor), &description, &caller);
	MemoryContextDelete(context);
	PG_RETURN_DATUM(HeapTupleGetDatum(row));
}
