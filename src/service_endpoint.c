/*-------------------------------------------------------------------------
 *
 * service_endpoint.c
 *		Whom calls are made to, and where these answer.
 *
 * What may not live here: the names that AWS's services have
 * (aws_endpoint.c), and what is wrong with a URL (uri.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "service_endpoint.h"
#include "uri.h"

/*
 * Fills *endpoint with a service that answers at a base URL, its strings in
 * the current context; the region is not copied.  Returns false, with what is
 * wrong with the URL.
 */
bool
appconfig_service_endpoint_set(ServiceEndpoint *endpoint, AwsService service,
							   const char *region, const char *url,
							   const char **reason)
{
	UriEndpoint parsed;

	if (!appconfig_uri_parse_endpoint(url, &parsed, reason))
		return false;
	endpoint->service = service;
	endpoint->region = region;
	endpoint->base_url = psprintf("%s://%s%s", parsed.scheme,
								  parsed.host_header, parsed.path_prefix);
	endpoint->host = parsed.host_header;
	endpoint->path_prefix = parsed.path_prefix;
	endpoint->policy = parsed.loopback_only ? ADDRESS_LOOPBACK
		: ADDRESS_SERVICE;
	return true;
}
