/*-------------------------------------------------------------------------
 *
 * secret.h
 *		Whether a text shows one of the secrets that requests are signed with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SECRET_H
#define APPCONFIG_SECRET_H

#include "aws_credentials.h"

extern bool appconfig_secret_shows(const AwsCredentials *credentials,
								   const char *text, size_t length);

#endif							/* APPCONFIG_SECRET_H */
