/*-------------------------------------------------------------------------
 *
 * aws_settings.h
 *		Settings of AWS's clients: the environment, then the profile
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_AWS_SETTINGS_H
#define APPCONFIG_AWS_SETTINGS_H

#include "aws_profile.h"
#include "host_file.h"

/* A file that settings were read from, by an AwsFile */
typedef struct AwsSettingsFile
{
	char	   *path;			/* palloc'd; NULL if none is looked at */
	HostFileStamp stamp;		/* from before it was read */
} AwsSettingsFile;

typedef struct AwsSettings
{
	AwsSettingsFile files[AWS_FILES];
	AwsConfig	config;			/* empty where no file is looked at */
	const char *profile;		/* the caller's or the environment's; NULL
								 * where no file is looked at */
} AwsSettings;

extern bool appconfig_aws_settings_load(AwsSettings *settings,
										const char *profile, char **message);
extern void appconfig_aws_settings_wipe(AwsSettings *settings);

extern const char *appconfig_aws_settings_variable(const char *variable);
extern const char *appconfig_aws_settings_property(const AwsSettings *settings,
												   const char *profile,
												   const char *key);
extern const char *appconfig_aws_settings_text(const AwsSettings *settings,
											   const char *variable,
											   const char *key);
extern bool appconfig_aws_settings_boolean(const AwsSettings *settings,
										   const char *variable,
										   const char *key, bool *value,
										   char **message);
extern bool appconfig_aws_settings_endpoint(const AwsSettings *settings,
											const char *service, char **url,
											char **message);

#endif							/* APPCONFIG_AWS_SETTINGS_H */
