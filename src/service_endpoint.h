/*-------------------------------------------------------------------------
 *
 * service_endpoint.h
 *		Whom calls are made to, and where these answer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SERVICE_ENDPOINT_H
#define APPCONFIG_SERVICE_ENDPOINT_H

#include "address.h"

typedef enum AwsService
{
	AWS_APPCONFIG,
	AWS_STS,					/* the Security Token Service */
	AWS_CONTAINER,				/* the credential endpoint of a container */
	AWS_INSTANCE				/* the metadata service of an instance */
} AwsService;

#define AWS_SERVICES (AWS_INSTANCE + 1)

/* How STS is asked, whatever the operation (appconfig-read-api.md, 5.2) */
#define STS_VERSION	  "2011-06-15"
#define STS_FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"

typedef struct ServiceEndpoint
{
	AwsService	service;
	const char *region;			/* for signatures; NULL where there are none */
	char	   *base_url;		/* scheme, host, port and path prefix, without
								 * a slash at the end */
	char	   *host;			/* value of the Host header */
	char	   *path_prefix;	/* path part of base_url, may be empty */
	AddressPolicy policy;		/* what the requests may reach */
} ServiceEndpoint;

extern bool appconfig_service_endpoint_set(ServiceEndpoint *endpoint,
										   AwsService service,
										   const char *region, const char *url,
										   const char **reason);

#endif							/* APPCONFIG_SERVICE_ENDPOINT_H */
