/*-------------------------------------------------------------------------
 *
 * aws_profile.h
 *		The grammar of AWS's config and credentials files
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_AWS_PROFILE_H
#define APPCONFIG_AWS_PROFILE_H

typedef enum AwsFile
{
	AWS_FILE_CONFIG,			/* ~/.aws/config */
	AWS_FILE_CREDENTIALS		/* ~/.aws/credentials */
} AwsFile;

#define AWS_FILES 2

typedef enum AwsSectionKind
{
	AWS_SECTION_IGNORED,		/* by a name that none has */
	AWS_SECTION_PROFILE,
	AWS_SECTION_SSO_SESSION,
	AWS_SECTION_SERVICES
} AwsSectionKind;

/* "key = value"; both point into a text of the config */
typedef struct AwsProperty
{
	char	   *key;			/* in lower case */
	char	   *value;			/* lines of a value are joined by line feeds;
								 * one of sub-properties begins with one */
} AwsProperty;

/* "[name]" and what follows, as it stands in a file */
typedef struct AwsSection
{
	AwsSectionKind kind;
	const char *name;			/* points into a text of the config */
	bool		is_plain_default;	/* "[default]" of the config file */
	int			first;			/* of its properties */
	int			count;
} AwsSection;

/*
 * What two files say together.  Sections of one name are one, and of one key's
 * values the last counts: see appconfig_aws_config_get().
 */
typedef struct AwsConfig
{
	AwsSection *sections;
	int			section_count;
	int			section_size;
	AwsProperty *properties;
	int			property_count;
	int			property_size;
	bool		has_prefixed_default;	/* "[profile default]", which makes
										 * "[default]" of that file count for
										 * nothing */
	char	   *texts[AWS_FILES];
	size_t		lengths[AWS_FILES];
} AwsConfig;

/* Where a file is no such file */
typedef struct AwsConfigError
{
	const char *message;		/* static, part of a sentence */
	int			line;			/* from 1 */
} AwsConfigError;

extern bool appconfig_aws_config_parse(AwsConfig *config, AwsFile file,
									   const char *text, size_t length,
									   AwsConfigError *error);
extern void appconfig_aws_config_wipe(AwsConfig *config);

extern bool appconfig_aws_config_has(const AwsConfig *config,
									 AwsSectionKind kind, const char *name);
extern const char *appconfig_aws_config_get(const AwsConfig *config,
											AwsSectionKind kind,
											const char *name, const char *key);
extern char *appconfig_aws_config_sub_property(const char *value,
											   const char *key);

#endif							/* APPCONFIG_AWS_PROFILE_H */
