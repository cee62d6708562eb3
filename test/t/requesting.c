/*
 * A request of the network's layer, with any policy, as no option of a server could have it.
 *
 *	request(url text, policy int, ca_bundle text) RETURNS text
 *		how it ends: the HTTP status, or what is said of the failure
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "http.h"

PG_FUNCTION_INFO_V1(request);

extern Datum request(PG_FUNCTION_ARGS);

Datum
request(PG_FUNCTION_ARGS)
{
	const char *const headers[] = {"Accept: application/json", NULL};
	HttpRequest	 sent = {
		.method = HTTP_GET,
		.url = text_to_cstring(PG_GETARG_TEXT_PP(0)),
		.policy = (AddressPolicy) PG_GETARG_INT32(1),
		.headers = headers,
		.ca_bundle = text_to_cstring(PG_GETARG_TEXT_PP(2)),
		.connect_timeout = 60000,
		.request_timeout = 60000,
		.max_response_size = 1024 * 1024
	};
	HttpTransfer *transfer;
	const HttpResult *result;
	char	   *text;

	appconfig_http_open();
	transfer = appconfig_http_start(&sent);
	if (transfer == NULL)
		elog(ERROR, "there is no memory");
	while ((result = appconfig_http_result(transfer)) == NULL)
	{
		appconfig_http_wait();
		appconfig_http_drive();
	}
	text = result->outcome == HTTP_ANSWERED ? psprintf("%d", result->status)
		: psprintf("%d: %s", (int) result->outcome, result->error);
	appconfig_http_release(transfer);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}
