/*-------------------------------------------------------------------------
 *
 * element.c
 *		The rows that an item falls into: itself, its treatments, their
 *		attributes, or the members of an object.
 *
 * By the shape that the table's declaration names.
 *
 * What may not live here: where an item comes from (cursor.c), columns
 * (row.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "element.h"

/* Moves on to the next treatment: the control, then those of the list */
static bool
next_treatment(ElementWalk *walk, JsonValue *holder)
{
	JsonValue *list = appconfig_json_lookup(holder, "Treatments");
	JsonValue *treatment = NULL;

	while (treatment == NULL)
	{
		int ordinal = walk->treatment++;

		if (ordinal > appconfig_json_array_length(list))
			return false;
		treatment = ordinal == 0
						? appconfig_json_lookup(holder, "Control")
						: appconfig_json_array_element(list, ordinal - 1);
		walk->item->is_control = ordinal == 0;
		walk->item->ordinal = ordinal;
	}
	walk->item->source[SOURCE_TREATMENT] = treatment;
	return true;
}

static bool
next_entry(ElementWalk *walk)
{
	/* a null member is an absent one */
	while (appconfig_json_members_next(&walk->members))
	{
		if (walk->members.value == NULL)
			continue;
		walk->item->entry_name = walk->members.name;
		walk->item->source[SOURCE_ENTRY] = walk->members.value;
		return true;
	}
	return false;
}

static bool
next_attribute(ElementWalk *walk, JsonValue *holder)
{
	for (;;)
	{
		if (walk->in_members && next_entry(walk))
			return true;
		walk->in_members = next_treatment(walk, holder);
		if (!walk->in_members)
			return false;
		appconfig_json_members_start(
			&walk->members,
			appconfig_json_lookup(walk->item->source[SOURCE_TREATMENT],
								  "FlagValue.AttributeValues"));
	}
}

/* Begins with a new item, whose documents are there */
void
appconfig_element_start(ElementWalk *walk, const AppConfigTable *table,
						AppConfigItem *item)
{
	memset(walk, 0, sizeof(ElementWalk));
	walk->table = table;
	walk->item = item;
}

/* Moves on to the item's next row; false behind the last */
bool
appconfig_element_next(ElementWalk *walk)
{
	const AppConfigTable *table = walk->table;
	JsonValue			 *holder = appconfig_json_lookup(
				   walk->item->source[table->rows.source], table->rows.path);
	bool first = !walk->started;

	walk->started = true;
	switch (table->shape)
	{
		case ROW_PER_ITEM:
			return first;
		case ROW_PER_TREATMENT:
			return next_treatment(walk, holder);
		case ROW_PER_ATTRIBUTE:
			return next_attribute(walk, holder);
		case ROW_PER_ENTRY:
			if (first)
				appconfig_json_members_start(&walk->members, holder);
			return next_entry(walk);
	}
	return false;
}
