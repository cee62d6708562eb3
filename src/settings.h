/*-------------------------------------------------------------------------
 *
 * settings.h
 *		What the options of a foreign server and of a user mapping amount to.
 *
 * fdw_options.c fills these structs, the layers below it read them; so nothing
 * below fdw_options.c looks at a catalog or at a DefElem.  No function lives
 * here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SETTINGS_H
#define APPCONFIG_SETTINGS_H

#include "address.h"
#include "uri.h"

typedef struct AppConfigSettings
{
	char	   *region;			/* AWS region, signed into every request */
	const char *service;		/* its name in signatures, signed as well */
	char	   *base_url;		/* scheme, host, port and path prefix, without
								 * a slash at the end */
	char	   *host;			/* value of the Host header */
	char	   *path_prefix;	/* path part of base_url, may be empty */
	AddressPolicy policy;		/* what the requests may reach */
	UriProxy   *proxy;			/* that requests go through, or NULL */
	char	   *ca_bundle;		/* PEM file, or NULL for the system's */
	int			connect_timeout;	/* milliseconds */
	int			request_timeout;	/* milliseconds, of one attempt */
	int			max_attempts;	/* tries for one call, first included */
	int			max_concurrency;	/* calls in flight per scan */
	double		max_get_rate;	/* calls per second, 0 for no limit */
	double		max_list_rate;
	int			cache_ttl;		/* milliseconds */
	int			cache_size;		/* bytes */
	int			max_response_size;	/* bytes */
} AppConfigSettings;

#endif							/* APPCONFIG_SETTINGS_H */
