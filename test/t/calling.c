/*
 * A function in SQL that makes any call of api.c, so that a test can make those that no table makes:
 *
 *     call_service(server, method, path, body) returns text: the document
 *     race(server, server) returns text: the servers in the order in which they answered, waited for together
 *
 * Linked with the extension's own objects, beside the extension; a session that uses it must not use
 * the extension as well.
 */
#include "postgres.h"

#include "fmgr.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "api.h"
#include "fdw_options.h"

PG_FUNCTION_INFO_V1(call_service);
PG_FUNCTION_INFO_V1(race);

extern Datum call_service(PG_FUNCTION_ARGS);
extern Datum race(PG_FUNCTION_ARGS);

typedef struct Caller
{
	AppConfigSettings settings;
	AwsCredentials	  credentials;
	ApiCounters		  counters;
	ApiOwner		  owner;
} Caller;

/* Who calls a server, in the current context, with a client of its own */
static Caller *
make_caller(const char *server)
{
	Caller *caller = palloc0(sizeof(Caller));
	Oid		umid;

	caller->owner.serverid = GetForeignServerByName(server, false)->serverid;
	appconfig_options_get_settings(caller->owner.serverid, &caller->settings);
	appconfig_options_get_credentials(caller->owner.serverid, GetUserId(), &caller->credentials, &umid);
	caller->owner.settings = &caller->settings;
	caller->owner.credentials = &caller->credentials;
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
