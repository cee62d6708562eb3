/*-------------------------------------------------------------------------
 *
 * json.h
 *		JSON values: parse, look up, read out, release.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_JSON_H
#define APPCONFIG_JSON_H

#include "lib/stringinfo.h"

/* A value of a document; the document's own is the one that was parsed */
typedef struct JsonValue JsonValue;

/* Deepest nesting that is parsed; the service's own answers stay below 10 */
#define JSON_MAX_DEPTH 64

typedef enum JsonKind
{
	JSON_NULL,					/* also for what is absent */
	JSON_BOOLEAN,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
} JsonKind;

/* Walks the members of an object in the order in which they were sent */
typedef struct JsonMembers
{
	JsonValue  *next;
	JsonValue  *end;
	const char *name;			/* borrowed from the object */
	JsonValue  *value;			/* borrowed; NULL for a JSON null */
} JsonMembers;

/* Walks the elements of an array */
typedef struct JsonElements
{
	JsonValue  *next;
	JsonValue  *end;
	JsonValue  *value;			/* borrowed; NULL for a JSON null */
} JsonElements;

extern JsonValue *appconfig_json_parse(const char *text, size_t length,
									   const char **error);
extern JsonValue *appconfig_json_parse_secret(const char *text, size_t length,
											  const char **error);
extern JsonValue *appconfig_json_retain(JsonValue *value);
extern void appconfig_json_release(JsonValue *value);
extern const char *appconfig_json_source(JsonValue *value, size_t *length);
extern size_t appconfig_json_size(JsonValue *value);

extern JsonKind appconfig_json_kind(JsonValue *value);
extern int	appconfig_json_parts(JsonValue *value);
extern JsonValue *appconfig_json_lookup(JsonValue *value, const char *path);
extern const char *appconfig_json_union_member(JsonValue *value);

extern const char *appconfig_json_text(JsonValue *value, size_t *length);
extern bool appconfig_json_boolean(JsonValue *value);
extern int64 appconfig_json_integer(JsonValue *value, bool *exact);
extern void appconfig_json_append(StringInfo buffer, JsonValue *value);

extern int	appconfig_json_array_length(JsonValue *value);
extern JsonValue *appconfig_json_first_element(JsonValue *value);
extern void appconfig_json_elements_start(JsonElements *elements,
										  JsonValue *value);
extern bool appconfig_json_elements_next(JsonElements *elements);

extern void appconfig_json_members_start(JsonMembers *members,
										 JsonValue *value);
extern bool appconfig_json_members_next(JsonMembers *members);

#endif							/* APPCONFIG_JSON_H */
