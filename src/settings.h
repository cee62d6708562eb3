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

#include "aws_credentials.h"
#include "service_endpoint.h"
#include "uri.h"

typedef struct AppConfigSettings
{
	char	   *region;			/* AWS region, signed into every request */
	ServiceEndpoint endpoint;	/* AppConfig's */
	ServiceEndpoint sts;
	UriProxy   *proxy;			/* that requests go through, or NULL */
	char	   *ca_bundle;		/* PEM file, or NULL for the system's */
	int			connect_timeout;	/* milliseconds */
	int			request_timeout;	/* milliseconds, of one attempt */
	int			max_attempts;	/* tries for one call, first included,
								 * throttled ones not */
	int			throttle_timeout;	/* milliseconds */
	int			max_calls;		/* of a statement, 0 for no limit */
	int			max_concurrency;	/* calls in flight per scan */
	double		max_get_rate;	/* calls per second, 0 for no limit */
	double		max_list_rate;
	int			cache_ttl;		/* milliseconds */
	int			cache_size;		/* bytes */
	int			max_response_size;	/* bytes */
} AppConfigSettings;

/* Who signs, as far as options say it */
typedef struct CredentialOptions
{
	AwsCredentials keys;		/* of the user mapping, or none */
	int			ambient;		/* AMBIENT_... of credential_plan.h that may
								 * be used; 0 where there are keys */
	char	   *profile;		/* name of a profile, or NULL */
	char	   *role_arn;		/* to be assumed, or NULL */
	char	   *external_id;
	char	   *role_session_name;
	bool		sts_is_given;	/* the server has an sts_endpoint */
	bool		use_fips;		/* variants of endpoints that are not given */
	bool		use_dualstack;
} CredentialOptions;

#endif							/* APPCONFIG_SETTINGS_H */
