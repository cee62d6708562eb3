/*-------------------------------------------------------------------------
 *
 * row.c
 *		From what a row is made of to the values of its columns.
 *
 * Each column takes its value from the first of its sources that has one, as
 * text, and hands it to the input function of the column's type, so that a
 * domain is checked and a wrong value is reported as PostgreSQL would, with
 * the column and the JSON path as context.  What is absent is NULL.
 *
 * What may not live here: where a column comes from (tables.c), how JSON is
 * taken apart (json.c), and any column by name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "encoding.h"
#include "json.h"
#include "row.h"

#define MAX_EPOCH_SECONDS 1e11	/* some three thousand years */

/*
 * Parts of an array or object that becomes a value of SQL: many times what the
 * service's limits allow, and still a matter of a tenth of a second to the
 * input functions of jsonb and arrays, which let no interrupt happen
 */
#define MAX_PARTS 100000

typedef struct RowColumn
{
	const AppConfigColumn *column;	/* NULL: none */
	bool		is_array;		/* what the declared type asks for */
	bool		is_json;
	bool		is_integer;
	bool		is_timestamp;
	bool		is_plain;		/* takes any text that fits, or a number */
	FmgrInfo	input;
	Oid			typioparam;
	int32		typmod;
} RowColumn;

struct RowMaker
{
	const AppConfigTable *table;
	const OutputColumns *output;
	const char *region;
	RowColumn  *columns;		/* by attribute number - 1 */
};

/* What a conversion that fails is about */
typedef struct RowPosition
{
	const RowMaker *maker;
	int			attnum;
	const char *path;			/* NULL where the value is not JSON */
} RowPosition;

static bool
is_type(const AppConfigColumn *column, const char *type)
{
	return column != NULL && strcmp(column->type, type) == 0;
}

/*
 * What turns items of a table into rows of these columns, which must outlive
 * the result, and so must the region.
 */
RowMaker *
appconfig_row_maker(const AppConfigTable *table, const OutputColumns *columns,
					const char *region)
{
	RowMaker   *maker = palloc0(sizeof(RowMaker));
	int			i;

	maker->table = table;
	maker->output = columns;
	maker->region = region;
	maker->columns = palloc0(sizeof(RowColumn) * columns->count);
	for (i = 0; i < columns->count; i++)
	{
		const OutputColumn *output = &columns->list[i];
		RowColumn  *column = &maker->columns[i];
		Oid			function;

		column->column = output->column;
		if (column->column == NULL)
			continue;
		column->is_array = is_type(column->column, "text[]") ||
			is_type(column->column, "double precision[]");
		column->is_json = is_type(column->column, "jsonb");
		column->is_integer = is_type(column->column, "integer");
		column->is_timestamp = is_type(column->column, "timestamptz");
		column->typmod = output->typmod;
		getTypeInputInfo(output->type, &function, &column->typioparam);
		fmgr_info(function, &column->input);
	}
	return maker;
}

static void
describe_position(void *arg)
{
	const RowPosition *position = arg;
	const OutputColumns *output = position->maker->output;
	const char *column = output->list[position->attnum - 1].name;

	if (position->path != NULL)
		errcontext("column \"%s\" of foreign table \"%s\", JSON path %s",
				   column, output->table_name, position->path);
	else
		errcontext("column \"%s\" of foreign table \"%s\"", column,
				   output->table_name);
}

/* ------------------------------------------------------------------------
 * Values as text
 * ------------------------------------------------------------------------
 */

/*
 * Text from the service in the database's encoding; an error if it is not
 * UTF-8
 */
static char *
server_text(const char *text, size_t length)
{
	if (strlen(text) != length)
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("a text of AWS AppConfig contains the character U+0000"),
				 errdetail("PostgreSQL cannot store it.")));
	return pg_any_to_server(text, (int) length, PG_UTF8);
}

/* A value as JSON */
static char *
serialized_text(JsonValue *value)
{
	StringInfoData text;

	initStringInfo(&text);
	appconfig_json_append(&text, value);
	return server_text(text.data, text.len);
}

/* What a value says: a string without its quotes, anything else as JSON */
static char *
json_text(JsonValue *value)
{
	size_t		length;
	const char *text = appconfig_json_text(value, &length);

	return text != NULL ? server_text(text, length) : serialized_text(value);
}

/*
 * An integer's digits, also where it is written as 1.0 or 1e3.  Anything else
 * is left to the input function of the column's type, which refuses it.
 */
static char *
integer_text(JsonValue *value)
{
	bool		exact;
	int64		integer = appconfig_json_integer(value, &exact);

	return exact ? psprintf(INT64_FORMAT, integer) : json_text(value);
}

/*
 * A JSON array as an array literal: of its elements or, with a path such as
 * "Validators[].Type", of that member of each of them
 */
static char *
array_text(JsonValue *value, const char *path)
{
	StringInfoData text;
	const char *brackets = strstr(path, "[].");
	const char *element_path =
	brackets != NULL ? brackets + strlen("[].") : NULL;
	JsonElements elements;

	if (appconfig_json_kind(value) != JSON_ARRAY)
		return json_text(value);	/* the input function will say what is
									 * wrong */
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	appconfig_json_elements_start(&elements, value);
	while (appconfig_json_elements_next(&elements))
	{
		JsonValue  *element =
		appconfig_json_lookup(elements.value, element_path);
		const char *c;

		CHECK_FOR_INTERRUPTS();
		if (text.len > 1)
			appendStringInfoChar(&text, ',');
		if (element == NULL)
		{
			appendStringInfoString(&text, "NULL");
			continue;
		}
		appendStringInfoChar(&text, '"');
		for (c = json_text(element); *c != '\0'; c++)
		{
			if (*c == '"' || *c == '\\')
				appendStringInfoChar(&text, '\\');
			appendStringInfoChar(&text, *c);
		}
		appendStringInfoChar(&text, '"');
	}
	appendStringInfoChar(&text, '}');
	return text.data;
}

static TimestampTz
epoch_timestamp(double seconds)
{
	return (TimestampTz) rint(seconds * USECS_PER_SEC) -
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
}

/*
 * A timestamp as PostgreSQL reads it.  The service sends ISO 8601 text, and
 * may send seconds since 1970 (appconfig-read-api.md, 1.1); anything else,
 * "now" for one, would have a meaning to PostgreSQL that was not meant.
 */
static char *
timestamp_text(JsonValue *value)
{
	char	   *text = json_text(value);

	if (appconfig_json_kind(value) == JSON_NUMBER)
	{
		double		seconds = strtod(text, NULL);

		if (fabs(seconds) < MAX_EPOCH_SECONDS)
			return pstrdup(timestamptz_to_str(epoch_timestamp(seconds)));
	}
	else if (strlen(text) >= strlen("2026-01-01") &&
			 strspn(text, "0123456789-:.TZ+") == strlen(text))
		return text;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_DATETIME_FORMAT),
			 errmsg("invalid timestamp of AWS AppConfig: \"%s\"", text)));
	return NULL;
}

/* "?" of a union: what kind of value it holds */
static char *
value_type_text(JsonValue *value)
{
	const char *member = appconfig_json_union_member(value);
	const AppConfigValueType *type;

	if (member == NULL)
		return NULL;
	for (type = appconfig_value_types; type->member != NULL; type++)
	{
		if (strcmp(type->member, member) == 0)
			return pstrdup(type->name);
	}
	return server_text(member, strlen(member));
}

static char *
value_text(const RowColumn *column, JsonValue *value, const char *path)
{
	int			parts = appconfig_json_parts(value);

	if (parts > MAX_PARTS)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("AWS AppConfig sent an answer that cannot be read"),
				 errdetail("A value has %d parts, more than any of the service's.",
						   parts)));
	if (column->is_json)
		return serialized_text(value);
	if (column->is_integer)
		return integer_text(value);
	if (column->is_array)
		return array_text(value, path);
	if (column->is_timestamp)
		return timestamp_text(value);
	return json_text(value);
}

/* A key that the query asked for and the answers have confirmed */
static char *
key_text(AppConfigKey key, const KnownKeys *keys)
{
	return keys->text[key] != NULL
		? server_text(keys->text[key], strlen(keys->text[key]))
		: NULL;
}

/*
 * What a source has for a column, as text in the database's encoding, or NULL
 */
static char *
source_text(const RowMaker *maker, const RowColumn *column,
			AppConfigColumnSource from, const AppConfigItem *item)
{
	JsonValue  *value;

	switch (from.source)
	{
		case SOURCE_NONE:
			return NULL;
		case SOURCE_SERVER:
			return pstrdup(maker->region);
		case SOURCE_KEY:
			return key_text(column->column->key, item->keys);
		case SOURCE_IS_CONTROL:
			return pstrdup(item->is_control ? "true" : "false");
		case SOURCE_ORDINAL:
			return psprintf("%d", item->ordinal);
		case SOURCE_ENTRY_NAME:
			return server_text(item->entry_name, strlen(item->entry_name));
		default:
			break;
	}
	value = appconfig_item_source(maker->table, item, from.source);
	if (from.path != NULL && strcmp(from.path, "?") == 0)
		return value_type_text(value);
	value = appconfig_json_lookup(value, from.path);
	return value != NULL ? value_text(column, value, from.path) : NULL;
}

/* ------------------------------------------------------------------------
 * Rows
 * ------------------------------------------------------------------------
 */

/*
 * The service's text that a source has for a column, in UTF-8, borrowed from
 * the item.  NULL if it has none, or what every encoding can express.
 */
static const char *
foreign_text(const RowMaker *maker, AppConfigColumnSource from,
			 const AppConfigColumn *column, const AppConfigItem *item,
			 size_t *length)
{
	const char *text = NULL;
	JsonValue  *value;

	switch (from.source)
	{
		case SOURCE_NONE:
		case SOURCE_SERVER:
		case SOURCE_IS_CONTROL:
		case SOURCE_ORDINAL:
			return NULL;
		case SOURCE_KEY:
			text = item->keys->text[column->key];
			break;
		case SOURCE_ENTRY_NAME:
			text = item->entry_name;
			break;
		default:
			value = appconfig_item_source(maker->table, item, from.source);
			if (from.path != NULL && strcmp(from.path, "?") == 0)
			{
				text = appconfig_json_union_member(value);
				break;
			}
			value = appconfig_json_lookup(value, from.path);
			return appconfig_json_kind(value) == JSON_STRING
				? appconfig_json_text(value, length)
				: NULL;
	}
	*length = text != NULL ? strlen(text) : 0;
	return text;
}

/*
 * Can the database hold what stands in an item for the columns named by
 * attnums?
 */
bool
appconfig_row_fits(const RowMaker *maker, const List *attnums,
				   const AppConfigItem *item)
{
	ListCell   *cell;
	int			i;

	foreach(cell, attnums)
	{
		const AppConfigColumn *column =
		maker->columns[lfirst_int(cell) - 1].column;

		const char *text = NULL;
		size_t		length;

		/* the first source that has a value gives it */
		for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES && text == NULL; i++)
			text = foreign_text(maker, column->from[i], column, item, &length);
		if (text != NULL && !appconfig_encoding_fits(text, length))
			return false;
	}
	return true;
}

/*
 * Fills the columns named by attnums from the item and stores the row in the
 * slot; all others are NULL.  Values are palloc'd in the current context,
 * which must live as long as the slot's contents.  Raises the errors of the
 * types' input functions.
 */
void
appconfig_row_fill(RowMaker *maker, const List *attnums,
				   const AppConfigItem *item, TupleTableSlot *slot)
{
	RowPosition position = {.maker = maker};
	ErrorContextCallback callback = {
		.callback = describe_position, .arg = &position,
		.previous = error_context_stack
	};
	ListCell   *cell;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, sizeof(bool) * maker->output->count);
	error_context_stack = &callback;
	foreach(cell, attnums)
	{
		RowColumn  *column = &maker->columns[lfirst_int(cell) - 1];
		char	   *text = NULL;
		int			i;

		position.attnum = lfirst_int(cell);
		for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES && text == NULL; i++)
		{
			position.path = column->column->from[i].path;
			text = source_text(maker, column, column->column->from[i], item);
		}
		/* a domain may have something to say about NULL */
		slot->tts_values[position.attnum - 1] =
			InputFunctionCall(&column->input, text, column->typioparam,
							  column->typmod);
		slot->tts_isnull[position.attnum - 1] = text == NULL;
	}
	error_context_stack = callback.previous;
	ExecStoreVirtualTuple(slot);
}
