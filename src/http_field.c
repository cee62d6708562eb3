/*-------------------------------------------------------------------------
 *
 * http_field.c
 *		The header fields of an answer: which are kept, and which spoil it.
 *
 * Called from within libcurl, so nothing here raises an error or allocates
 * from a memory context.
 *
 * What may not live here: libcurl, and what the values mean (retry.c,
 * aws_error.c).
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "http_field.h"

#define MAX_FIELD_LENGTH 1024	/* bytes kept of a header field */

/* By HttpField */
static const char *const field_names[HTTP_FIELD_COUNT] = {
	"x-amzn-RequestId", "x-amzn-ErrorType", "Date",
	"Retry-After", "x-amz-retry-after",
};

/*
 * What may be said of how the body is coded.  We ask for nothing, and a coding
 * would let bytes come in that count nowhere.
 */
static const struct
{
	const char *field;
	const char *allowed;
	const char *reason;
}			codings[] = {

	{"Transfer-Encoding", "chunked",
	"a Transfer-Encoding that nobody has asked for"},
	{"Content-Encoding", "identity",
	"a Content-Encoding that nobody has asked for"},
};

/* Is it the line of that header field?  Sets the value, trimmed. */
static bool
is_field(const char *line, size_t length, const char *name, const char **value,
		 size_t *value_length)
{
	size_t		name_length = strlen(name);
	const char *end = line + length;

	if (length <= name_length || line[name_length] != ':' ||
		pg_strncasecmp(line, name, name_length) != 0)
		return false;
	*value = line + name_length + 1;
	while (*value < end && (**value == ' ' || **value == '\t'))
		(*value)++;
	while (end > *value && (unsigned char) end[-1] <= ' ')
		end--;
	*value_length = end - *value;
	return true;
}

/* A printable copy of a header field's value: it ends up in messages */
static char *
copy_value(const char *value, size_t length)
{
	char	   *copy = strndup(value, Min(length, MAX_FIELD_LENGTH));
	char	   *c;

	for (c = copy; c != NULL && *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || (unsigned char) *c > '~')
			*c = '?';
	}
	return copy;
}

/* Frees a value; what it was is nobody's business from here on */
static void
forget_value(char **value)
{
	if (*value != NULL)
		explicit_bzero(*value, strlen(*value));
	free(*value);
	*value = NULL;
}

/*
 * Keeps the header field of that line, if it is one that is asked for, by
 * HttpField; a repeated one counts once, the last.  Returns false if there is
 * no memory.
 */
bool
appconfig_http_field_keep(char **fields, const char *line, size_t length)
{
	const char *value;
	size_t		value_length;
	int			i;

	for (i = 0; i < HTTP_FIELD_COUNT; i++)
	{
		if (!is_field(line, length, field_names[i], &value, &value_length))
			continue;
		forget_value(&fields[i]);
		fields[i] = copy_value(value, value_length);
		return fields[i] != NULL;
	}
	return true;
}

/* Why an answer with that line in its header is not to be read, or NULL */
const char *
appconfig_http_field_refuse(const char *line, size_t length)
{
	const char *value;
	size_t		value_length;
	int			i;

	for (i = 0; i < (int) lengthof(codings); i++)
	{
		if (is_field(line, length, codings[i].field, &value, &value_length) &&
			(value_length != strlen(codings[i].allowed) ||
			 pg_strncasecmp(value, codings[i].allowed, value_length) != 0))
			return codings[i].reason;
	}
	return NULL;
}

/* Frees what has been kept, and overwrites it before */
void
appconfig_http_field_forget(char **fields)
{
	int			i;

	for (i = 0; i < HTTP_FIELD_COUNT; i++)
		forget_value(&fields[i]);
}
