/*-------------------------------------------------------------------------
 *
 * aws_profile.c
 *		The grammar of AWS's config and credentials files
 *
 * What lives here is text in, sections and properties out, as AWS's published
 * cases for the parsers of its SDKs have it (profile-parser-tests.json):
 * strict where a line is none of the grammar's, silent about a name that the
 * grammar does not know.
 *
 * A text is copied once and taken apart in the copy, so that there is one
 * piece of memory to overwrite: most of these files exist for a secret.  The
 * work is proportional to the text; sections of one name are put together
 * when they are asked, not before.
 *
 * What may not live here: where the files are (aws_settings.c), what a key
 * means (credential_plan.c), and any part of a text in a message.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "aws_profile.h"

#define BLANKS " \t"

typedef struct Parser
{
	AwsConfig  *config;
	AwsFile		file;
	AwsConfigError *error;
	char	   *next;			/* what is still to be read */
	AwsSection *section;		/* NULL before the first one */
	bool		in_property;	/* has the section got one? */
	bool		is_known;		/* is its name one that is kept? */
	bool		has_sub_properties;
	char	   *value_end;		/* of a property that is kept */
} Parser;

/* ------------------------------------------------------------------------
 * Lines
 * ------------------------------------------------------------------------
 */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
fail(Parser *parser, const char *message)
{
	parser->error->message = message;
	return false;
}

/* Cuts off the blanks at the end, in place. */
static void
trim_end(char *line)
{
	size_t		length = strlen(line);

	while (length > 0 && is_blank(line[length - 1]))
		length--;
	line[length] = '\0';
}

static char *
trim(char *line)
{
	trim_end(line);
	return line + strspn(line, BLANKS);
}

/* The length of a line before its comment, which may have to follow a blank */
static size_t
length_before_comment(const char *line, bool after_blank)
{
	size_t		i;

	for (i = 0; line[i] != '\0'; i++)
	{
		if ((line[i] == '#' || line[i] == ';') &&
			(!after_blank || (i > 0 && is_blank(line[i - 1]))))
			break;
	}
	return i;
}

/* Cuts off the comment, in place. */
static void
cut_comment(char *line, bool after_blank)
{
	line[length_before_comment(line, after_blank)] = '\0';
	trim_end(line);
}

/* Cuts off the next line, in place.  False where there is none. */
static bool
take_line(Parser *parser, char **line)
{
	size_t		length = strcspn(parser->next, "\n");
	char	   *end = parser->next + length;

	if (*parser->next == '\0')
		return false;
	*line = parser->next;
	parser->next = *end == '\n' ? end + 1 : end;
	if (length > 0 && end[-1] == '\r')
		end--;
	*end = '\0';
	parser->error->line++;
	return true;
}

static bool
is_ignored(const char *line)
{
	return line[strspn(line, BLANKS)] == '\0' || *line == '#' || *line == ';';
}

/* Letters, digits and what names of profiles and properties may have more */
static bool
is_name(const char *text)
{
	return *text != '\0' &&
		text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-/.%@:+")] == '\0';
}

/* ------------------------------------------------------------------------
 * Sections
 * ------------------------------------------------------------------------
 */

/* Grows an array that is full.  It has no secrets, only pointers to them. */
static void *
enlarge(void *array, int count, int *size, size_t width)
{
	if (count < *size)
		return array;
	if (*size == 0)
	{
		*size = 32;
		return palloc(*size * width);
	}
	*size *= 2;
	return repalloc(array, *size * width);
}

/* The kind that a word before a name stands for */
static AwsSectionKind
kind_of(const char *word)
{
	if (strcmp(word, "profile") == 0)
		return AWS_SECTION_PROFILE;
	if (strcmp(word, "sso-session") == 0)
		return AWS_SECTION_SSO_SESSION;
	if (strcmp(word, "services") == 0)
		return AWS_SECTION_SERVICES;
	return AWS_SECTION_IGNORED;
}

/*
 * Reads what stands in the brackets.  In the credentials file a name stands
 * alone; in the config file a word stands before it, but for "default".
 */
static void
read_header(Parser *parser, char *header, AwsSection *section)
{
	char	   *name = header + strcspn(header, BLANKS);
	bool		has_word = *name != '\0';

	if (has_word)
	{
		*name++ = '\0';
		name += strspn(name, BLANKS);
	}
	else
		name = header;

	section->name = name;
	if (!is_name(name))
		return;
	if (parser->file == AWS_FILE_CREDENTIALS)
	{
		if (!has_word)
			section->kind = AWS_SECTION_PROFILE;
		return;
	}
	if (has_word)
		section->kind = kind_of(header);
	else if (strcmp(name, "default") == 0)
	{
		section->kind = AWS_SECTION_PROFILE;
		section->is_plain_default = true;
	}
	if (has_word && section->kind == AWS_SECTION_PROFILE &&
		strcmp(name, "default") == 0)
		parser->config->has_prefixed_default = true;
}

static bool
read_section(Parser *parser, char *line)
{
	AwsConfig  *config = parser->config;
	size_t		length;

	cut_comment(line, false);
	length = strlen(line);
	if (line[length - 1] != ']')
		return fail(parser, "profile definition must end with ']'");
	line[length - 1] = '\0';

	config->sections = enlarge(config->sections, config->section_count,
							   &config->section_size, sizeof(AwsSection));
	parser->section = &config->sections[config->section_count++];
	memset(parser->section, 0, sizeof(AwsSection));
	parser->section->first = config->property_count;
	parser->in_property = false;
	read_header(parser, trim(line + 1), parser->section);
	return true;
}

/* ------------------------------------------------------------------------
 * Properties
 * ------------------------------------------------------------------------
 */

/*
 * Takes "key = value" apart, in place.  Returns NULL, or what is wrong: the
 * first text where there is no equals sign, else the second.
 */
static const char *
split_property(char *line, char **key, char **value, const char *no_equals,
			   const char *no_name)
{
	char	   *equals;

	cut_comment(line, true);
	equals = strchr(line, '=');
	if (equals == NULL)
		return no_equals;
	*equals = '\0';
	*key = trim(line);
	*value = trim(equals + 1);
	return **key == '\0' ? no_name : NULL;
}

static void
add_property(Parser *parser, char *key, char *value)
{
	AwsConfig  *config = parser->config;
	AwsProperty *property;
	char	   *c;

	for (c = key; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	config->properties = enlarge(config->properties, config->property_count,
								 &config->property_size, sizeof(AwsProperty));
	property = &config->properties[config->property_count++];
	property->key = key;
	property->value = value;
	parser->section->count++;
	parser->value_end = value + strlen(value);
}

static bool
read_property(Parser *parser, char *line)
{
	char	   *key;
	char	   *value;
	const char *message;

	if (parser->section == NULL)
		return fail(parser, "expected a profile definition");
	message = split_property(line, &key, &value,
							 "expected an '=' sign defining a property",
							 "property did not have a name");
	if (message != NULL)
		return fail(parser, message);

	parser->in_property = true;
	parser->has_sub_properties = *value == '\0';
	parser->is_known =
		parser->section->kind != AWS_SECTION_IGNORED && is_name(key);
	if (parser->is_known)
		add_property(parser, key, value);
	return true;
}

/*
 * What is wrong with a sub-property, or NULL.  The line is left as it is: it
 * is part of the value, the comment in it included.
 */
static const char *
check_sub_property(const char *line)
{
	size_t		length = length_before_comment(line, true);

	if (memchr(line, '=', length) == NULL)
		return "expected an '=' sign defining a sub-property";
	return *line == '=' ? "sub-property did not have a name" : NULL;
}

/*
 * Joins a line to the value before.  There is room for it: a line feed, or the
 * end of one that was cut off, lay between, and a blank.
 */
static void
append_line(Parser *parser, const char *line)
{
	size_t		length = strlen(line);

	*parser->value_end++ = '\n';
	memmove(parser->value_end, line, length + 1);
	parser->value_end += length;
}

static bool
read_continuation(Parser *parser, char *line)
{
	const char *message = NULL;

	if (parser->section == NULL)
		return fail(parser, "expected a profile definition");
	if (!parser->in_property)
		return fail(parser,
					"expected a property definition, found continuation");
	line = trim(line);
	/* where no case says so, a comment is one, as it is for botocore */
	if (parser->has_sub_properties && (*line == '#' || *line == ';'))
		return true;
	if (parser->has_sub_properties)
		message = check_sub_property(line);
	if (message != NULL)
		return fail(parser, message);
	if (parser->is_known)
		append_line(parser, line);
	return true;
}

static bool
read_line(Parser *parser, char *line)
{
	if (is_ignored(line))
		return true;
	if (*line == '[')
		return read_section(parser, line);
	if (is_blank(*line))
		return read_continuation(parser, line);
	return read_property(parser, line);
}

/* Finds the line of a zero byte, which no text has.  True if there is none. */
static bool
check_bytes(const char *text, size_t length, AwsConfigError *error)
{
	const char *zero = memchr(text, '\0', length);
	const char *c;

	error->line = 0;
	if (length == 0 || zero == NULL)
		return true;
	error->message = "found a zero byte";
	error->line = 1;
	for (c = text; c < zero; c++)
		error->line += *c == '\n' ? 1 : 0;
	return false;
}

/*
 * Adds a file to a config, which is all zeroes before the first one: the config
 * file, then the credentials file, each at most once.  The text is copied; it
 * needs no terminator.
 *
 * Returns false, with *error filled, where it is no such file.  The config is
 * to be given to appconfig_aws_config_wipe() in any case.
 */
bool
appconfig_aws_config_parse(AwsConfig *config, AwsFile file, const char *text,
						   size_t length, AwsConfigError *error)
{
	Parser		parser = {.config = config, .file = file, .error = error};
	char	   *line;

	if (!check_bytes(text, length, error))
		return false;
	parser.next = palloc(length + 1);
	memcpy(parser.next, text, length);
	parser.next[length] = '\0';
	config->texts[file] = parser.next;
	config->lengths[file] = length;

	while (take_line(&parser, &line))
	{
		if (!read_line(&parser, line))
			return false;
	}
	return true;
}

/* Overwrites and frees a config, which may be part of one, and empties it. */
void
appconfig_aws_config_wipe(AwsConfig *config)
{
	int			i;

	for (i = 0; i < AWS_FILES; i++)
	{
		if (config->texts[i] == NULL)
			continue;
		explicit_bzero(config->texts[i], config->lengths[i]);
		pfree(config->texts[i]);
	}
	if (config->sections != NULL)
		pfree(config->sections);
	if (config->properties != NULL)
		pfree(config->properties);
	memset(config, 0, sizeof(*config));
}

/* ------------------------------------------------------------------------
 * What the files say
 * ------------------------------------------------------------------------
 */

static bool
is_of(const AwsConfig *config, const AwsSection *section, AwsSectionKind kind,
	  const char *name)
{
	return section->kind == kind && strcmp(section->name, name) == 0 &&
		!(section->is_plain_default && config->has_prefixed_default);
}

/* Whether there is such a section, be it empty */
bool
appconfig_aws_config_has(const AwsConfig *config, AwsSectionKind kind,
						 const char *name)
{
	int			i;

	for (i = 0; i < config->section_count; i++)
	{
		if (is_of(config, &config->sections[i], kind, name))
			return true;
	}
	return false;
}

/* The last value of a key in a section, or NULL */
static const char *
value_in(const AwsConfig *config, const AwsSection *section, const char *key)
{
	int			i;

	for (i = section->first + section->count - 1; i >= section->first; i--)
	{
		if (strcmp(config->properties[i].key, key) == 0)
			return config->properties[i].value;
	}
	return NULL;
}

/*
 * The value of a key, in lower case, in all sections of that kind and name;
 * NULL if there is none.  What stands later counts, and so the credentials
 * file before the config file.  It belongs to the config and may be a secret.
 */
const char *
appconfig_aws_config_get(const AwsConfig *config, AwsSectionKind kind,
						 const char *name, const char *key)
{
	const char *value = NULL;
	int			i;

	for (i = config->section_count - 1; value == NULL && i >= 0; i--)
	{
		if (is_of(config, &config->sections[i], kind, name))
			value = value_in(config, &config->sections[i], key);
	}
	return value;
}

/*
 * The value of a sub-property, whose key is in lower case, in a property's
 * value, palloc'd; NULL if there is none.  The last one counts.
 */
char *
appconfig_aws_config_sub_property(const char *value, const char *key)
{
	char	   *found = NULL;
	const char *next;

	for (next = strchr(value, '\n'); next != NULL; next = strchr(next, '\n'))
	{
		char	   *line;
		char	   *name;
		char	   *text;

		next++;
		line = pnstrdup(next, strcspn(next, "\n"));
		if (split_property(line, &name, &text, "", "") == NULL &&
			pg_strcasecmp(name, key) == 0)
		{
			if (found != NULL)
				pfree(found);
			found = pstrdup(text);
		}
		pfree(line);
	}
	return found;
}
