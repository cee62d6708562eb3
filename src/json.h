/*-------------------------------------------------------------------------
 *
 * json.h
 *		JSON values: parse, look up, read out, release.
 *
 * struct json_object is declared by its tag only: json-c's typedef of that
 * name and PostgreSQL's SQL function of that name cannot meet in one file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_JSON_H
#define APPCONFIG_JSON_H

typedef struct json_object JsonValue;

/* Deepest nesting that is parsed; the service's own answers stay below 10 */
#define JSON_MAX_DEPTH 64

typedef enum JsonKind
{
	JSON_NULL, /* also for what is absent */
	JSON_BOOLEAN,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
} JsonKind;

/* Walks the members of an object in the order in which they were sent */
typedef struct JsonMembers
{
	void	   *entry; /* the next one */
	const char *name;  /* borrowed from the object */
	JsonValue  *value; /* borrowed; NULL for a JSON null */
} JsonMembers;

extern JsonValue *appconfig_json_parse(const char *text, size_t length,
									   const char **error);
extern JsonValue *appconfig_json_retain(JsonValue *value);
extern void		  appconfig_json_release(JsonValue *value);

extern JsonKind	   appconfig_json_kind(JsonValue *value);
extern JsonValue  *appconfig_json_lookup(JsonValue *value, const char *path);
extern const char *appconfig_json_union_member(JsonValue *value);

extern const char *appconfig_json_text(JsonValue *value, size_t *length);
extern const char *appconfig_json_serialize(JsonValue *value, size_t *length);
extern bool		   appconfig_json_boolean(JsonValue *value);
extern int64	   appconfig_json_integer(JsonValue *value, bool *exact);

extern int		  appconfig_json_array_length(JsonValue *value);
extern JsonValue *appconfig_json_array_element(JsonValue *value, int i);

extern void appconfig_json_members_start(JsonMembers *members,
										 JsonValue	 *value);
extern bool appconfig_json_members_next(JsonMembers *members);

#endif /* APPCONFIG_JSON_H */
