/*-------------------------------------------------------------------------
 *
 * item.c
 *		What one row is made of, and which columns that is enough for.
 *
 * Answers arrive one after another on the way to a row.  Here it is decided
 * whether those at hand have a column's value, and whether the value can be
 * relied on before the rest has come.
 *
 * What may not live here: how answers are got (cursor.c), values (row.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "route.h"
#include "item.h"

/*
 * The JSON value that a source of the table's columns has, or NULL.  A list
 * may show another state of a thing than its document, and a row must not mix
 * the two: where the document is at hand, the list's item has nothing to say.
 */
JsonValue *
appconfig_item_source(const AppConfigTable *table, const AppConfigItem *item,
					  AppConfigSource source)
{
	const AppConfigCollection *own = appconfig_route_own(table);

	if (source == own->list.yields && source != own->get.yields &&
		item->source[own->get.yields] != NULL)
		return NULL;
	return item->source[source];
}

static bool
has_key(const KeyFacts *keys, AppConfigKey key)
{
	return key == KEY_RUN ? keys->run_known : keys->text[key] != NULL;
}

/* Does a source that is no JSON, or the member that it names, have a value? */
static bool
has_value(const AppConfigTable *table, const AppConfigItem *item,
		  const AppConfigColumn *column, AppConfigColumnSource from)
{
	JsonValue *value;

	if (from.source == SOURCE_SERVER)
		return true;
	if (from.source == SOURCE_KEY)
		return has_key(item->keys, column->key);
	value = appconfig_item_source(table, item, from.source);
	return value != NULL && appconfig_json_lookup(value, from.path) != NULL;
}

/* Is there a value for the column in what is at hand? */
bool
appconfig_item_has(const AppConfigTable *table, const AppConfigItem *item,
				   const AppConfigColumn *column)
{
	int i;

	for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
	{
		if (has_value(table, item, column, column->from[i]))
			return true;
	}
	return false;
}

/*
 * Is the column's value, NULL perhaps, what it will be in all rows that come
 * of the item?  What stands in the list of the table's own collection is taken
 * for the document's, and what is absent there for absent; an item of a list
 * above has what it has.
 */
bool
appconfig_item_settles(const AppConfigTable *table, const AppConfigItem *item,
					   const AppConfigColumn *column)
{
	AppConfigSource listed = appconfig_route_own(table)->list.yields;

	return (appconfig_route_column_has(column, listed) &&
			item->source[listed] != NULL) ||
		   appconfig_item_has(table, item, column);
}
