/*
 * A function in SQL that makes any call of api.c, so that a test can make those that no table makes:
 *
 *     call_service(server, method, path, body) returns text: the document
 *     race(server, server) returns text: which of them has answered first, both waited for together
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

/* Who calls a server, in the current context */
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
		(void) appconfig_api_expect(caller->owner.client);
		appconfig_api_wait();
		appconfig_api_poll(caller->owner.client);
	}
	document = appconfig_api_document(call);
	source = appconfig_json_source(document, &length);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(source, length));
}

Datum
race(PG_FUNCTION_ARGS)
{
	ApiRequest request = {.operation = "Test", .path = "/applications", .query = ""};
	Caller	  *callers[2];
	ApiCall	  *calls[2];
	int		   i;

	for (i = 0; i < 2; i++)
	{
		callers[i] = make_caller(text_to_cstring(PG_GETARG_TEXT_PP(i)));
		calls[i] = appconfig_api_start(&callers[i]->owner, &request, &callers[i]->counters);
	}
	while (!appconfig_api_is_done(calls[0]) && !appconfig_api_is_done(calls[1]))
	{
		for (i = 0; i < 2; i++)
			(void) appconfig_api_expect(callers[i]->owner.client);
		appconfig_api_wait();
		for (i = 0; i < 2; i++)
			appconfig_api_poll(callers[i]->owner.client);
	}
	if (appconfig_api_is_done(calls[0]) && appconfig_api_is_done(calls[1]))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(appconfig_api_is_done(calls[0]) ? 0 : 1));
}
