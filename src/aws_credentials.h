/*-------------------------------------------------------------------------
 *
 * aws_credentials.h
 *		The keys that sign a request
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_AWS_CREDENTIALS_H
#define APPCONFIG_AWS_CREDENTIALS_H

#include "shared_identity.h"

/*
 * One set of AWS keys.  Whoever makes one fills it completely; the strings
 * are palloc'd and belong to the struct.
 */
typedef struct AwsCredentials
{
	char	   *access_key_id;	/* public half; appears in the signed request */
	char	   *secret_access_key;	/* never leaves the process */
	char	   *session_token;	/* NULL for keys that do not expire */
} AwsCredentials;

/*
 * The same for several who sign with them, each of whom has a reference.  In
 * memory that outlives all of them.
 */
typedef struct SharedCredentials
{
	int			references;
	AwsCredentials keys;
	SharedIdentity identity;	/* empty unless the provider has set it */
} SharedCredentials;

extern void appconfig_credentials_wipe(AwsCredentials *credentials);
extern AwsCredentials appconfig_credentials_copy(const AwsCredentials *credentials);
extern SharedCredentials *appconfig_credentials_share(AwsCredentials *keys);
extern SharedCredentials *appconfig_credentials_hold(SharedCredentials *shared);
extern void appconfig_credentials_let_go(SharedCredentials *shared);
extern bool appconfig_credentials_text_is_valid(const char *text);
extern bool appconfig_credentials_header_is_valid(const char *text);

#endif							/* APPCONFIG_AWS_CREDENTIALS_H */
