/*-------------------------------------------------------------------------
 *
 * uri.h
 *		Percent-encoding, and the parsers of an endpoint and of a proxy
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_URI_H
#define APPCONFIG_URI_H

#include "lib/stringinfo.h"

/*
 * A custom endpoint taken apart, filled by appconfig_uri_parse_endpoint.  The
 * strings are palloc'd, never NULL.  The base of a request's URL is scheme,
 * "://", host_header and path_prefix.
 */
typedef struct UriEndpoint
{
	char	   *scheme;			/* "https" or "http" */
	char	   *host;			/* lower case; an IPv6 literal keeps its
								 * brackets */
	int			port;			/* 0 for the default of the scheme */
	char	   *path_prefix;	/* "" or "/a/b", never with a slash at the end */
	char	   *host_header;	/* host, and the port when it is not the
								 * default */
	bool		loopback_only;	/* is it this host, and so nothing beyond it
								 * to be reached?  Whatever the scheme. */
} UriEndpoint;

/*
 * A proxy taken apart, filled by appconfig_uri_parse_proxy.  The strings are
 * palloc'd.
 */
typedef struct UriProxy
{
	char	   *url;			/* scheme, host and port, which is always
								 * there */
	char	   *user;			/* decoded; NULL if there is none */
	char	   *password;		/* the same, and a secret */
} UriProxy;

extern void appconfig_uri_append_encoded(StringInfo buf, const char *bytes,
										 size_t len, const char *keep);
extern void appconfig_uri_append_segment(StringInfo buf, const char *segment);
extern void appconfig_uri_append_query_value(StringInfo buf,
											 const char *value);
extern bool appconfig_uri_segment_is_safe(const char *segment);

extern bool appconfig_uri_parse_endpoint(const char *url,
										 UriEndpoint *endpoint,
										 const char **reason);
extern bool appconfig_uri_parse_http(const char *url, UriEndpoint *endpoint,
									 const char **reason);
extern const char *appconfig_uri_check_path(const char *path);
extern void appconfig_uri_free_endpoint(UriEndpoint *endpoint);

extern bool appconfig_uri_parse_proxy(const char *url, UriProxy *proxy,
									  const char **reason);
extern UriProxy *appconfig_uri_copy_proxy(const UriProxy *proxy);
extern void appconfig_uri_free_proxy(UriProxy *proxy);

#endif							/* APPCONFIG_URI_H */
