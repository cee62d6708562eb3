/*
 * A function in SQL that makes any call of api.c, so that a test can make those that no table makes:
 *
 *     call_service(server, method, path, body) returns text: the document
 *     race(server, server) returns text: the servers in the order in which they answered, waited for together
 *     resolve_credentials(server, environment text[]) returns text: as JSON, what requests would be signed
 *         with if the backend's environment had these variables, "NAME=value" each
 *
 * Linked with the extension's own objects, beside the extension; a session that uses it must not use
 * the extension as well.
 */
#include "postgres.h"

#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "api.h"
#include "connection.h"
#include "fdw_options.h"

PG_FUNCTION_INFO_V1(call_service);
PG_FUNCTION_INFO_V1(race);
PG_FUNCTION_INFO_V1(resolve_credentials);

extern Datum call_service(PG_FUNCTION_ARGS);
extern Datum race(PG_FUNCTION_ARGS);
extern Datum resolve_credentials(PG_FUNCTION_ARGS);

typedef struct Caller
{
	const AppConfigConnection *connection;
	AppConfigSettings settings;
	ApiCounters		  counters;
	ApiOwner		  owner;
} Caller;

/* Who calls a server, in the current context, with a client of its own */
static Caller *
make_caller(const char *server)
{
	Caller			  *caller = palloc0(sizeof(Caller));
	ConnectionIdentity identity = {.statement = CurrentMemoryContext, .userid = GetUserId()};

	identity.serverid = GetForeignServerByName(server, false)->serverid;
	caller->connection = appconfig_connection_join(&identity, false);
	caller->settings = *caller->connection->settings;
	caller->owner.serverid = identity.serverid;
	caller->owner.settings = &caller->settings;
	caller->owner.endpoint = &caller->settings.endpoint;
	caller->owner.supply = appconfig_provider_supply(caller->connection->provider);
	caller->owner.context = CurrentMemoryContext;
	caller->owner.client = appconfig_api_client_create(&caller->settings);
	return caller;
}

static HttpMethod
method_of(const char *name)
{
	HttpMethod method = HTTP_GET;

	while (strcmp(name, appconfig_http_method_name(method)) != 0)
		method++;
	return method;
}

Datum
call_service(PG_FUNCTION_ARGS)
{
	Caller	   *caller = make_caller(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	ApiRequest	request = {.operation = "Test", .query = "", .content_type = "application/x-www-form-urlencoded"};
	ApiCall	   *call;
	JsonValue  *document;
	const char *source;
	size_t		length;

	request.method = method_of(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	request.path = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (!PG_ARGISNULL(3))
		request.body = text_to_cstring(PG_GETARG_TEXT_PP(3));
	call = appconfig_api_start(&caller->owner, &request, &caller->counters);
	while (!appconfig_api_is_done(call))
	{
		appconfig_api_wait(list_make1(caller->owner.client));
		appconfig_api_poll(caller->owner.client);
	}
	document = appconfig_api_document(call);
	source = appconfig_json_source(document, &length);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(source, length));
}

Datum
race(PG_FUNCTION_ARGS)
{
	ApiRequest	request = {.operation = "Test", .path = "/applications", .query = ""};
	ApiClient  *clients[2];
	ApiCall	   *calls[2];
	int			waits = 0;
	int			winner;
	int			i;

	for (i = 0; i < 2; i++)
	{
		Caller *caller = make_caller(text_to_cstring(PG_GETARG_TEXT_PP(i)));

		clients[i] = caller->owner.client;
		calls[i] = appconfig_api_start(&caller->owner, &request, &caller->counters);
	}
	while (!appconfig_api_is_done(calls[0]) && !appconfig_api_is_done(calls[1]))
	{
		appconfig_api_wait(list_make2(clients[0], clients[1]));
		waits++;
		for (i = 0; i < 2; i++)
			appconfig_api_poll(clients[i]);
	}
	winner = appconfig_api_is_done(calls[0]) ? 0 : 1;
	if (appconfig_api_is_done(calls[1 - winner]))
		elog(ERROR, "both have answered after %d waits", waits);
	while (!appconfig_api_is_done(calls[1 - winner]))
	{
		appconfig_api_wait(list_make1(clients[1 - winner]));
		appconfig_api_poll(clients[1 - winner]);
		waits++;
	}
	if (waits > 100)
		elog(ERROR, "%d waits ended without need", waits);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s %s", text_to_cstring(PG_GETARG_TEXT_PP(winner)),
											  text_to_cstring(PG_GETARG_TEXT_PP(1 - winner)))));
}

static void
append_member(StringInfo json, const char *name, const char *value)
{
	appendStringInfo(json, "%s\"%s\": ", json->len > 1 ? ", " : "", name);
	if (value != NULL)
		escape_json(json, value);
	else
		appendStringInfoString(json, "null");
}

Datum
resolve_credentials(PG_FUNCTION_ARGS)
{
	Caller				 *caller;
	CredentialSupply	 *supply;
	const AwsCredentials *keys;
	CredentialDescription description;
	StringInfoData		  json;
	Datum				 *variables;
	int					  count;
	int					  i;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &variables, NULL, &count);
	for (i = 0; i < count; i++)
		putenv(MemoryContextStrdup(TopMemoryContext, TextDatumGetCString(variables[i])));
	caller = make_caller(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	supply = caller->owner.supply;
	appconfig_provider_wait(caller->connection->provider);
	keys = &supply->obtain(supply)->keys;
	appconfig_provider_describe(caller->connection->provider, &description);

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_member(&json, "source", description.source);
	append_member(&json, "detail", description.detail);
	append_member(&json, "access_key_id", keys->access_key_id);
	append_member(&json, "secret_access_key", keys->secret_access_key);
	append_member(&json, "session_token", keys->session_token);
	if (description.expires_at != 0)
		appendStringInfo(&json, ", \"expires_at\": " INT64_FORMAT "}", description.expires_at);
	else
		appendStringInfoString(&json, ", \"expires_at\": null}");
	PG_RETURN_TEXT_P(cstring_to_text(json.data));
}
