/*-------------------------------------------------------------------------
 *
 * json.c
 *		JSON values: parse, look up, read out, release.
 *
 * The only file that knows json-c, and so the only one that must stay away
 * from utils/builtins.h, whose json_object() clashes with json-c's type.  What
 * comes in is hostile until it is parsed: strict syntax, bounded depth,
 * nothing after the value.
 *
 * What may not live here: members of AppConfig's answers, columns, SQL types.
 * Nothing here raises an error or uses a memory context; json-c's memory is
 * malloc'ed and counted by references, and who holds one ties it to a context.
 * The file also builds with -DFRONTEND, for its unit tests.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <json-c/json.h>

#include "mb/pg_wchar.h"

#include "json.h"

/* json-c keeps integers of up to 18 digits as they are on every platform */
#define MAX_INTEGER_DIGITS 18

/* Moves behind digits; false if there are none */
static bool
skip_digits(const char **p, const char *end)
{
	const char *start = *p;

	while (*p < end && **p >= '0' && **p <= '9')
		(*p)++;
	return *p > start;
}

/*
 * Moves behind a number as RFC 8259 has it; false if it is none.  Sets *marked
 * if json-c would change it: it cuts integers off at 64 bits and loses the
 * sign of -0, while it keeps the text of a number with an exponent.
 */
static bool
skip_number(const char **p, const char *end, bool *marked)
{
	bool		negative = **p == '-';
	bool		integer = true;
	const char *digits;
	size_t		count;

	if (negative)
		(*p)++;
	digits = *p;
	if (!skip_digits(p, end))
		return false;
	count = *p - digits;
	if (*digits == '0' && count > 1)
		return false;
	if (*p < end && **p == '.')
	{
		integer = false;
		(*p)++;
		if (!skip_digits(p, end))
			return false;
	}
	if (*p < end && (**p == 'e' || **p == 'E'))
	{
		integer = false;
		(*p)++;
		if (*p < end && (**p == '+' || **p == '-'))
			(*p)++;
		if (!skip_digits(p, end))
			return false;
	}
	*marked = integer && (count > MAX_INTEGER_DIGITS ||
						  (negative && count == 1 && *digits == '0'));
	return true;
}

/*
 * Moves behind a string whose quote stands at *p, to the end if it has no
 * other; false if there is a control character in it.
 */
static bool
skip_string(const char **p, const char *end)
{
	for ((*p)++; *p < end && **p != '"'; (*p)++)
	{
		if ((unsigned char) **p < ' ')
			return false;
		if (**p == '\\')
			(*p)++;
	}
	*p = Min(*p + 1, end);
	return true;
}

/* Moves behind one of the three words of JSON; false if it is none of them */
static bool
skip_literal(const char **p, const char *end)
{
	static const char *const literals[] = {"true", "false", "null"};
	int						 i;

	for (i = 0; i < (int) lengthof(literals); i++)
	{
		size_t length = strlen(literals[i]);

		if ((size_t) (end - *p) >= length &&
			memcmp(*p, literals[i], length) == 0)
		{
			*p += length;
			return true;
		}
	}
	return false;
}

/*
 * Copies text, writing "e0" behind every integer that json-c would change, and
 * refusing what json-c takes though it is no JSON: NaN, Infinity, comments,
 * single quotes, other words, commas before a bracket, control characters and
 * numbers that are none.  Its own strict mode lets some of that pass, and in
 * version 0.18 refuses all text beyond ASCII.  Returns the malloc'ed copy and
 * updates *length; or NULL with *error set.
 */
static char *
prepare_text(const char *text, size_t *length, const char **error)
{
	const char *end = text + *length;
	const char *p = text;
	/* every mark of two bytes stands behind at least two others */
	char	   *copy = malloc(*length * 2 + 1);
	char	   *out = copy;
	char		last = '\0'; /* that is not white space */

	if (copy == NULL)
	{
		*error = "out of memory";
		return NULL;
	}
	while (p < end)
	{
		const char *start = p;
		bool		marked = false;

		if (*p == '"')
		{
			if (!skip_string(&p, end))
				*error = "control character in a string";
		}
		else if (*p == '-' || (*p >= '0' && *p <= '9'))
		{
			if (!skip_number(&p, end, &marked))
				*error = "not a number";
		}
		else if (*p >= 'a' && *p <= 'z')
		{
			if (!skip_literal(&p, end))
				*error = "unexpected character";
		}
		else if (*p == '\0' || strchr("{}[]:, \t\r\n", *p) == NULL ||
				 (last == ',' && (*p == ']' || *p == '}')))
			*error = "unexpected character";
		else
			p++;
		if (*error != NULL)
		{
			free(copy);
			return NULL;
		}
		if (strchr(" \t\r\n", *start) == NULL)
			last = *start;
		memcpy(out, start, p - start);
		out += p - start;
		if (marked)
		{
			*out++ = 'e';
			*out++ = '0';
		}
	}
	*length = out - copy;
	return copy;
}

/* Is all of the text UTF-8? */
static bool
is_utf8(const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *) text;
	const unsigned char *end = p + length;

	while (p < end)
	{
		int bytes = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;

		if (bytes > end - p || !pg_utf8_islegal(p, bytes))
			return false;
		p += bytes;
	}
	return true;
}

/*
 * Is there a U+0000 in a member's name?  json-c cuts names off there, and two
 * different ones might come out the same.
 */
static bool
has_nul_in_name(const char *text, size_t length)
{
	const char *end = text + length;
	const char *p;
	bool		in_string = false;
	bool		nul = false;

	for (p = text; p < end; p++)
	{
		if (in_string && *p == '\\')
		{
			p++;
			nul |= end - p > 5 && memcmp(p, "u0000", 5) == 0;
		}
		else if (*p == '"')
		{
			in_string = !in_string;
			if (in_string)
				nul = false;
			else if (nul)
			{
				while (p + 1 < end && strchr(" \t\r\n", p[1]) != NULL &&
					   p[1] != '\0')
					p++;
				if (p + 1 < end && p[1] == ':')
					return true;
			}
		}
	}
	return false;
}

/*
 * Parses one JSON text of length bytes.  Returns the value, with one reference
 * that the caller releases.  If it is none, returns NULL with *error set to a
 * static text; a JSON null is NULL as well, without an error.
 */
JsonValue *
appconfig_json_parse(const char *text, size_t length, const char **error)
{
	struct json_tokener *tokener;
	JsonValue			*value;
	char				*copy;

	*error = NULL;
	if (length > PG_INT32_MAX / 2)
	{
		*error = "too large";
		return NULL;
	}
	if (!is_utf8(text, length))
	{
		*error = "invalid utf-8 string";
		return NULL;
	}
	if (has_nul_in_name(text, length))
	{
		*error = "a member's name contains the character U+0000";
		return NULL;
	}
	copy = prepare_text(text, &length, error);
	if (copy == NULL)
		return NULL;
	tokener = json_tokener_new_ex(JSON_MAX_DEPTH);
	if (tokener == NULL)
	{
		*error = "out of memory";
		free(copy);
		return NULL;
	}
	/* a NUL behind the text lets a number at its very end come to an end */
	copy[length] = '\0';
	value = json_tokener_parse_ex(tokener, copy, (int) length + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		*error = json_tokener_error_desc(json_tokener_get_error(tokener));
	else if (json_tokener_get_parse_end(tokener) < length)
		*error = "unexpected characters after the value";
	if (*error != NULL)
	{
		json_object_put(value);
		value = NULL;
	}
	json_tokener_free(tokener);
	free(copy);
	return value;
}

/* One more reference */
JsonValue *
appconfig_json_retain(JsonValue *value)
{
	return json_object_get(value);
}

/* One reference less; NULL is nothing to release */
void
appconfig_json_release(JsonValue *value)
{
	json_object_put(value);
}

JsonKind
appconfig_json_kind(JsonValue *value)
{
	switch (json_object_get_type(value))
	{
		case json_type_null:
			return JSON_NULL;
		case json_type_boolean:
			return JSON_BOOLEAN;
		case json_type_int:
		case json_type_double:
			return JSON_NUMBER;
		case json_type_string:
			return JSON_STRING;
		case json_type_array:
			return JSON_ARRAY;
		case json_type_object:
			return JSON_OBJECT;
	}
	return JSON_NULL;
}

/* A member of an object by name; NULL if absent, null or not an object's */
static JsonValue *
lookup_member(JsonValue *value, const char *name, size_t length)
{
	char	   key[64];
	JsonValue *member = NULL;

	if (length >= sizeof(key) || !json_object_is_type(value, json_type_object))
		return NULL;
	memcpy(key, name, length);
	key[length] = '\0';
	json_object_object_get_ex(value, key, &member);
	return member;
}

/*
 * The name of a union's member, borrowed from the value: the first that is not
 * null, since null means absent.  NULL if there is none.
 */
const char *
appconfig_json_union_member(JsonValue *value)
{
	JsonMembers members;

	appconfig_json_members_start(&members, value);
	while (appconfig_json_members_next(&members))
	{
		if (members.value != NULL)
			return members.name;
	}
	return NULL;
}

/* The value of a union's member, whichever it has */
static JsonValue *
lookup_union_member(JsonValue *value)
{
	JsonMembers members;

	appconfig_json_members_start(&members, value);
	while (appconfig_json_members_next(&members))
	{
		if (members.value != NULL)
			return members.value;
	}
	return NULL;
}

/*
 * What stands at a path: names of members with dots between, "*" for a union's
 * only member, NULL for the value itself.  A name that ends in "[]" is that of
 * an array, and what follows is about its elements: the array is the answer.
 * Borrowed from the value; NULL if the path leads nowhere or to a null.
 */
JsonValue *
appconfig_json_lookup(JsonValue *value, const char *path)
{
	while (path != NULL && value != NULL)
	{
		size_t length = strcspn(path, ".[");

		if (length == 1 && *path == '*')
			value = lookup_union_member(value);
		else
			value = lookup_member(value, path, length);
		path = path[length] == '.' ? path + length + 1 : NULL;
	}
	return value;
}

/*
 * A value as JSON text, its numbers as they were sent.  Borrowed from the
 * value, valid until the next call for it.  NULL without memory.
 */
const char *
appconfig_json_serialize(JsonValue *value, size_t *length)
{
	return json_object_to_json_string_length(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		length);
}

/*
 * A string's bytes, any other value as JSON text.  A string may contain NUL
 * bytes, hence the length.  Borrowed as with appconfig_json_serialize().
 */
const char *
appconfig_json_text(JsonValue *value, size_t *length)
{
	if (!json_object_is_type(value, json_type_string))
		return appconfig_json_serialize(value, length);
	*length = json_object_get_string_len(value);
	return json_object_get_string(value);
}

/* A boolean's value; false for anything else */
bool
appconfig_json_boolean(JsonValue *value)
{
	return json_object_is_type(value, json_type_boolean) &&
		   json_object_get_boolean(value);
}

/* A number's value; *exact tells whether it is an integer of up to 18 digits
 */
int64
appconfig_json_integer(JsonValue *value, bool *exact)
{
	*exact = json_object_is_type(value, json_type_int);
	return *exact ? json_object_get_int64(value) : 0;
}

int
appconfig_json_array_length(JsonValue *value)
{
	return json_object_is_type(value, json_type_array)
			   ? (int) json_object_array_length(value)
			   : 0;
}

/* Borrowed from the array; NULL for a null */
JsonValue *
appconfig_json_array_element(JsonValue *value, int i)
{
	return json_object_array_get_idx(value, i);
}

/* Anything but an object has no members */
void
appconfig_json_members_start(JsonMembers *members, JsonValue *value)
{
	members->entry = json_object_is_type(value, json_type_object)
						 ? json_object_get_object(value)->head
						 : NULL;
	members->name = NULL;
	members->value = NULL;
}

/* Moves on to the next member; false behind the last */
bool
appconfig_json_members_next(JsonMembers *members)
{
	struct lh_entry *entry = members->entry;

	if (entry == NULL)
		return false;
	members->name = lh_entry_k(entry);
	members->value = (JsonValue *) lh_entry_v(entry);
	members->entry = entry->next;
	return true;
}
