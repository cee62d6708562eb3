/*
 * A function in SQL that makes any call of api.c, so that a test can make those that no table makes:
 *
 *     call_service(server, method, path, body) returns text: the document
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

extern Datum call_service(PG_FUNCTION_ARGS);

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
	Oid				  serverid = GetForeignServerByName(text_to_cstring(PG_GETARG_TEXT_PP(0)), false)->serverid;
	AppConfigSettings settings;
	AwsCredentials	  credentials;
	Oid				  umid;
	ApiCounters		  counters = {0};
	ApiOwner		  owner = {.serverid = serverid, .settings = &settings, .credentials = &credentials,
							   .context = CurrentMemoryContext};
	ApiRequest		  request = {.operation = "Test", .query = "",
								 .content_type = "application/x-www-form-urlencoded"};
	ApiCall			 *call;
	JsonValue		 *document;
	const char		 *source;
	size_t			  length;

	appconfig_options_get_settings(serverid, &settings);
	appconfig_options_get_credentials(serverid, GetUserId(), &credentials, &umid);
	owner.client = appconfig_api_client_create(&settings);
	request.method = method_of(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	request.path = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (!PG_ARGISNULL(3))
		request.body = text_to_cstring(PG_GETARG_TEXT_PP(3));
	call = appconfig_api_start(&owner, &request, &counters);
	while (!appconfig_api_is_done(call))
	{
		(void) appconfig_api_expect(owner.client);
		appconfig_api_wait();
		appconfig_api_poll(owner.client);
	}
	document = appconfig_api_document(call);
	source = appconfig_json_source(document, &length);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(source, length));
}
