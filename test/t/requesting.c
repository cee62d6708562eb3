/*
 * A request of the network's layer, with any policy, as no option of a server could have it.
 *
 *	request(url text, policy int, ca_bundle text) RETURNS text
 *		how it ends: the HTTP status, or what is said of the failure
 *	leftovers(url text, masked bytea, is_secret bool) RETURNS int[]
 *		how often a secret is in the memory of the process after a POST that had it, and an answer that
 *		has to have it, too: before the transfer is released, and after.  Each of its bytes is masked, so
 *		that nobody else has it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "http.h"
#include "memory.h"

PG_FUNCTION_INFO_V1(request);
PG_FUNCTION_INFO_V1(leftovers);

extern Datum request(PG_FUNCTION_ARGS);
extern Datum leftovers(PG_FUNCTION_ARGS);

#define PADDING 200				/* bytes before a secret, as free() itself overwrites the first ones */

/* Sends it and waits for the end */
static HttpTransfer *
complete(const HttpRequest *request)
{
	HttpTransfer *transfer;

	appconfig_http_open();
	transfer = appconfig_http_start(request);
	if (transfer == NULL)
		elog(ERROR, "there is no memory");
	while (appconfig_http_result(transfer) == NULL)
	{
		appconfig_http_wait(WAIT_FOR_CALL);
		CHECK_FOR_INTERRUPTS();
		appconfig_http_drive();
	}
	return transfer;
}

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

	transfer = complete(&sent);
	result = appconfig_http_result(transfer);
	text = result->outcome == HTTP_ANSWERED ? psprintf("%d", result->status)
		: psprintf("%d: %s", (int) result->outcome, result->error);
	appconfig_http_release(transfer);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

Datum
leftovers(PG_FUNCTION_ARGS)
{
	bytea	   *masked = PG_GETARG_BYTEA_PP(1);
	const unsigned char *bytes = (const unsigned char *) VARDATA_ANY(masked);
	size_t		length = VARSIZE_ANY_EXHDR(masked);
	const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
	char	   *body = palloc0(PADDING + length);
	char	   *secret = body + PADDING;
	HttpRequest	 sent = {
		.method = HTTP_POST,
		.url = text_to_cstring(PG_GETARG_TEXT_PP(0)),
		.policy = ADDRESS_LOOPBACK,
		.headers = headers,
		.body = body,
		.body_length = PADDING + length,
		.secret_answer = PG_GETARG_BOOL(2),
		.connect_timeout = 60000,
		.request_timeout = 60000,
		.max_response_size = 1024 * 1024
	};
	HttpTransfer *transfer;
	const HttpResult *result;
	Datum		counts[2];
	size_t		i;

	for (i = 0; i < length; i++)
		secret[i] = bytes[i] ^ MASK;
	transfer = complete(&sent);
	result = appconfig_http_result(transfer);
	if (memmem(result->body, result->body_length, secret, length) == NULL)
		elog(ERROR, "the answer has no secret, status %d", result->status);
	explicit_bzero(secret, length);
	counts[0] = Int32GetDatum(count_secrets(bytes, length));
	appconfig_http_release(transfer);
	counts[1] = Int32GetDatum(count_secrets(bytes, length));
	PG_RETURN_ARRAYTYPE_P(construct_array(counts, 2, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
