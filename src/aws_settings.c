/*-------------------------------------------------------------------------
 *
 * aws_settings.c
 *		Settings of AWS's clients: the environment, then the profile
 *
 * What lives here is where the two files are, and how a setting is looked up:
 * in a variable of the environment, then in the profile.  The environment is
 * the server's, as it was when the server was started.
 *
 * What may not live here: the grammar of the files (aws_profile.c), and what
 * credentials they lead to (credential_source.c, credential_plan.c).
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <pwd.h>
#include <unistd.h>

#include "lib/stringinfo.h"

#include "aws_settings.h"
#include "shown_text.h"

/* Some ten thousand profiles */
#define MAX_FILE_SIZE (1024 * 1024)

typedef struct FilePlace
{
	const char *variable;
	const char *in_home;
} FilePlace;

/* by an AwsFile */
static const FilePlace places[AWS_FILES] = {
	{"AWS_CONFIG_FILE", ".aws/config"},
	{"AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"},
};

/* ------------------------------------------------------------------------
 * Files
 * ------------------------------------------------------------------------
 */

/* The home directory, not palloc'd; NULL if nobody knows one */
static const char *
find_home(void)
{
	const char *home = appconfig_aws_settings_variable("HOME");
	struct passwd *user;

	if (home != NULL)
		return home;
	user = getpwuid(geteuid());
	return user != NULL && user->pw_dir[0] != '\0' ? user->pw_dir : NULL;
}

/* The path of a file, palloc'd; NULL if there is none without a home */
static char *
find_file(const FilePlace *place)
{
	const char *given = appconfig_aws_settings_variable(place->variable);
	const char *home;

	if (given != NULL && strncmp(given, "~/", 2) != 0)
		return pstrdup(given);
	home = find_home();
	if (home == NULL)
		return NULL;
	return psprintf("%s/%s", home, given != NULL ? given + 2 : place->in_home);
}

/* Adds a file's text to the config. */
static bool
parse_file(AwsSettings *settings, AwsFile which, const char *text,
		   size_t length, char **message)
{
	AwsConfigError error;
	ShownText	path;

	if (appconfig_aws_config_parse(&settings->config, which, text, length,
								   &error))
		return true;
	*message = psprintf("could not parse \"%s\", line %d: %s",
						appconfig_shown_text(&path,
											 settings->files[which].path),
						error.line, error.message);
	return false;
}

/*
 * Reads a file.  One that is not there says nothing, as for AWS's clients, and
 * so does /dev/null, which is how people say that there is to be none.
 */
static bool
load_file(AwsSettings *settings, AwsFile which, char **message)
{
	AwsSettingsFile *file = &settings->files[which];
	const char *reason;
	char	   *text;
	size_t		length;
	bool		parsed;
	ShownText	path;

	file->path = find_file(&places[which]);
	if (file->path == NULL)
		return true;
	appconfig_host_file_stamp(file->path, &file->stamp);
	if (!file->stamp.exists || strcmp(file->path, "/dev/null") == 0)
		return true;

	text = appconfig_host_file_read(file->path, MAX_FILE_SIZE, &length,
									&reason);
	if (text == NULL)
	{
		*message = psprintf("could not read \"%s\": %s",
							appconfig_shown_text(&path, file->path), reason);
		return false;
	}
	parsed = parse_file(settings, which, text, length, message);
	appconfig_host_file_wipe(text, length);
	return parsed;
}

/* Chooses the profile: the caller's, the environment's, or "default". */
static void
choose_profile(AwsSettings *settings, const char *profile)
{
	if (profile == NULL)
		profile = appconfig_aws_settings_variable("AWS_PROFILE");
	if (profile == NULL)
		profile = appconfig_aws_settings_variable("AWS_DEFAULT_PROFILE");
	settings->profile = profile != NULL ? profile : "default";
}

/*
 * Fills *settings from AWS's config and credentials files, for a profile, or
 * for the one that the environment names where that is NULL.  The profile need
 * not be there.  Settings that are all zeroes, instead, are those of the
 * environment alone.
 *
 * Returns false where a file cannot be read or understood, with *message
 * palloc'd, part of a sentence.  The settings are to be given to
 * appconfig_aws_settings_wipe() in any case; the profile's name must live as
 * long as they.
 */
bool
appconfig_aws_settings_load(AwsSettings *settings, const char *profile,
							char **message)
{
	memset(settings, 0, sizeof(*settings));
	choose_profile(settings, profile);
	return load_file(settings, AWS_FILE_CONFIG, message) &&
		load_file(settings, AWS_FILE_CREDENTIALS, message);
}

/* Overwrites and frees settings, and empties them. */
void
appconfig_aws_settings_wipe(AwsSettings *settings)
{
	int			i;

	for (i = 0; i < AWS_FILES; i++)
	{
		if (settings->files[i].path != NULL)
			pfree(settings->files[i].path);
	}
	appconfig_aws_config_wipe(&settings->config);
	memset(settings, 0, sizeof(*settings));
}

/* ------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------
 */

/* A text that says something, or NULL: one of nothing but blanks does not. */
static const char *
unless_blank(const char *text)
{
	return text != NULL && text[strspn(text, " \t\r\n")] != '\0' ? text : NULL;
}

/* A variable of the environment, not to be freed; NULL if it says nothing */
const char *
appconfig_aws_settings_variable(const char *variable)
{
	return unless_blank(getenv(variable));
}

/*
 * A key of some profile, which belongs to the settings; NULL if it says nothing
 */
const char *
appconfig_aws_settings_property(const AwsSettings *settings,
								const char *profile, const char *key)
{
	return unless_blank(appconfig_aws_config_get(&settings->config,
												 AWS_SECTION_PROFILE, profile,
												 key));
}

/*
 * A setting, by its variable, then by its key in the profile; either may be
 * NULL.  Returns a text of the environment or of the settings, or NULL.
 */
const char *
appconfig_aws_settings_text(const AwsSettings *settings, const char *variable,
							const char *key)
{
	const char *text = NULL;

	if (variable != NULL)
		text = appconfig_aws_settings_variable(variable);
	if (text == NULL && key != NULL && settings->profile != NULL)
		text = appconfig_aws_settings_property(settings, settings->profile,
											   key);
	return text;
}

/*
 * Fills *value from a setting that is "true" or "false", in any case of
 * letters; false where it is not given.  Returns false where it is anything
 * else, with *message palloc'd.
 */
bool
appconfig_aws_settings_boolean(const AwsSettings *settings,
							   const char *variable, const char *key,
							   bool *value, char **message)
{
	const char *text = appconfig_aws_settings_text(settings, variable, key);
	bool		is_variable = appconfig_aws_settings_variable(variable) != NULL;

	*value = text != NULL && pg_strcasecmp(text, "true") == 0;
	if (text == NULL || *value || pg_strcasecmp(text, "false") == 0)
		return true;
	*message = psprintf("%s is neither true nor false",
						is_variable ? variable : key);
	return false;
}

/* ------------------------------------------------------------------------
 * Endpoints
 * ------------------------------------------------------------------------
 */

/* What the environment says of a service's endpoint, or of all; or NULL */
static const char *
endpoint_in_environment(const char *service)
{
	StringInfoData variable;
	const char *url;
	const char *c;

	initStringInfo(&variable);
	appendStringInfoString(&variable, "AWS_ENDPOINT_URL_");
	for (c = service; *c != '\0'; c++)
		appendStringInfoChar(&variable, *c == '-' ? '_'
							 : (char) pg_ascii_toupper((unsigned char) *c));
	url = appconfig_aws_settings_variable(variable.data);
	pfree(variable.data);
	return url != NULL ? url
		: appconfig_aws_settings_variable("AWS_ENDPOINT_URL");
}

/*
 * What the profile's services section says of an endpoint, palloc'd; or NULL
 */
static char *
endpoint_in_services(const AwsSettings *settings, const char *service)
{
	const char *name = appconfig_aws_settings_text(settings, NULL, "services");
	const char *block = NULL;

	if (name != NULL)
		block = appconfig_aws_config_get(&settings->config,
										 AWS_SECTION_SERVICES, name, service);
	return block != NULL
		? appconfig_aws_config_sub_property(block, "endpoint_url") : NULL;
}

/*
 * Fills *url with the endpoint that is configured for a service, whose name is
 * in lower case, palloc'd and as it was given; NULL where it is AWS's own.
 * The order is that of botocore's configprovider.py: for the service before
 * for all, in the environment before in the profile.
 *
 * Returns false, with *message palloc'd, where it is not clear whether these
 * settings count.
 */
bool
appconfig_aws_settings_endpoint(const AwsSettings *settings,
								const char *service, char **url,
								char **message)
{
	const char *text;
	bool		ignored;

	*url = NULL;
	if (!appconfig_aws_settings_boolean(settings,
										"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
										"ignore_configured_endpoint_urls",
										&ignored, message))
		return false;
	if (ignored)
		return true;
	text = endpoint_in_environment(service);
	if (text == NULL)
		*url = endpoint_in_services(settings, service);
	if (text == NULL && *url == NULL)
		text = appconfig_aws_settings_text(settings, NULL, "endpoint_url");
	if (text != NULL)
		*url = pstrdup(text);
	return true;
}
