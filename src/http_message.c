/*-------------------------------------------------------------------------
 *
 * http_message.c
 *		What is sent, and what came of it.
 *
 * What may not live here: how (http.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "http_message.h"

/* As it is sent and signed */
const char *
appconfig_http_method_name(HttpMethod method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT"
	};

	return names[method];
}
