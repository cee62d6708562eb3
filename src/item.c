/*-------------------------------------------------------------------------
 *
 * item.c
 *		What rows are made of: items, the columns that each settles, and the
 *		rows that it falls into.
 *
 * Answers arrive one after another on the way to a row.  Here it is decided
 * whether those at hand have a column's value, and whether the value can be
 * relied on before the rest has come.
 *
 * Once they have come, an item is a row itself, or falls into its treatments,
 * their attributes, or the members of an object, by the shape that the table's
 * declaration names.
 *
 * What may not live here: how answers are got (cursor.c), values (row.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "item.h"
#include "route.h"

/* ------------------------------------------------------------------------
 * Columns
 * ------------------------------------------------------------------------
 */

/*
 * The JSON value that a source of the table's columns has, or NULL.  Where the
 * document is at hand, the list's item has nothing to say, see "Consistency"
 * in memo.c.
 */
JsonValue *
appconfig_item_source(const AppConfigTable *table, const AppConfigItem *item,
					  AppConfigSource source)
{
	const AppConfigCollection *leaf = appconfig_route_leaf(table);

	if (source == leaf->list.yields && source != leaf->get.yields &&
		item->source[leaf->get.yields] != NULL)
		return NULL;
	return item->source[source];
}

/* Does a source that is no JSON, or the member that it names, have a value? */
static bool
has_value(const AppConfigTable *table, const AppConfigItem *item,
		  const AppConfigColumn *column, AppConfigColumnSource from)
{
	JsonValue  *value;

	if (from.source == SOURCE_SERVER)
		return true;
	if (from.source == SOURCE_KEY)
		return item->keys->text[column->key] != NULL;
	value = appconfig_item_source(table, item, from.source);
	return value != NULL && appconfig_json_lookup(value, from.path) != NULL;
}

/* Is there a value for the column in what is at hand? */
bool
appconfig_item_has(const AppConfigTable *table, const AppConfigItem *item,
				   const AppConfigColumn *column)
{
	int			i;

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
	AppConfigSource listed = appconfig_route_leaf(table)->list.yields;

	return (appconfig_route_column_has(column, listed) &&
			item->source[listed] != NULL) ||
		appconfig_item_has(table, item, column);
}

/* ------------------------------------------------------------------------
 * Rows
 * ------------------------------------------------------------------------
 */

/* The next row is of a treatment, unless that is absent */
static bool
take_treatment(ItemRows *rows, JsonValue *treatment)
{
	rows->item->source[SOURCE_TREATMENT] = treatment;
	return treatment != NULL;
}

/* Moves on to the next treatment: the control, then those of the list */
static bool
next_treatment(ItemRows *rows)
{
	AppConfigItem *item = rows->item;

	if (!rows->in_list)
	{
		rows->in_list = true;
		appconfig_json_elements_start(&rows->treatments,
									  appconfig_json_lookup(rows->holder,
															appconfig_members.treatments));
		item->is_control = true;
		item->ordinal = 0;
		if (take_treatment(rows, appconfig_json_lookup(rows->holder,
													   appconfig_members.control)))
			return true;
	}
	item->is_control = false;
	while (appconfig_json_elements_next(&rows->treatments))
	{
		CHECK_FOR_INTERRUPTS();
		item->ordinal++;
		if (take_treatment(rows, rows->treatments.value))
			return true;
	}
	return false;
}

static bool
next_entry(ItemRows *rows)
{
	/* a null member is an absent one */
	while (appconfig_json_members_next(&rows->members))
	{
		CHECK_FOR_INTERRUPTS();
		if (rows->members.value == NULL)
			continue;
		rows->item->entry_name = rows->members.name;
		rows->item->source[SOURCE_ENTRY] = rows->members.value;
		return true;
	}
	return false;
}

static bool
next_attribute(ItemRows *rows)
{
	for (;;)
	{
		if (rows->in_members && next_entry(rows))
			return true;
		rows->in_members = next_treatment(rows);
		if (!rows->in_members)
			return false;
		appconfig_json_members_start(&rows->members,

									 appconfig_json_lookup(rows->item->source[SOURCE_TREATMENT],
														   appconfig_members.attribute_values));
	}
}

/* Begins with a new item, whose documents are there */
void
appconfig_item_start_rows(ItemRows *rows, const AppConfigTable *table,
						  AppConfigItem *item)
{
	memset(rows, 0, sizeof(ItemRows));
	rows->table = table;
	rows->item = item;
	rows->holder = appconfig_json_lookup(item->source[table->rows.source],
										 table->rows.path);
}

/* Moves on to the item's next row; false behind the last */
bool
appconfig_item_next_row(ItemRows *rows)
{
	bool		first = !rows->started;

	rows->started = true;
	switch (rows->table->shape)
	{
		case ROW_PER_ITEM:
			return first;
		case ROW_PER_TREATMENT:
			return next_treatment(rows);
		case ROW_PER_ATTRIBUTE:
			return next_attribute(rows);
		case ROW_PER_ENTRY:
			if (first)
				appconfig_json_members_start(&rows->members, rows->holder);
			return next_entry(rows);
	}
	return false;
}
