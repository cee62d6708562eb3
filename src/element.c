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

#include "miscadmin.h"

#include "element.h"

/* The walk is at a treatment, unless that is absent */
static bool
take_treatment(ElementWalk *walk, JsonValue *treatment)
{
	walk->item->source[SOURCE_TREATMENT] = treatment;
	return treatment != NULL;
}

/* Moves on to the next treatment: the control, then those of the list */
static bool
next_treatment(ElementWalk *walk)
{
	AppConfigItem *item = walk->item;

	if (!walk->in_list)
	{
		walk->in_list = true;
		appconfig_json_elements_start(
			&walk->treatments,
			appconfig_json_lookup(walk->holder, "Treatments"));
		item->is_control = true;
		item->ordinal = 0;
		if (take_treatment(walk,
						   appconfig_json_lookup(walk->holder, "Control")))
			return true;
	}
	item->is_control = false;
	while (appconfig_json_elements_next(&walk->treatments))
	{
		CHECK_FOR_INTERRUPTS();
		item->ordinal++;
		if (take_treatment(walk, walk->treatments.value))
			return true;
	}
	return false;
}

static bool
next_entry(ElementWalk *walk)
{
	/* a null member is an absent one */
	while (appconfig_json_members_next(&walk->members))
	{
		CHECK_FOR_INTERRUPTS();
		if (walk->members.value == NULL)
			continue;
		walk->item->entry_name = walk->members.name;
		walk->item->source[SOURCE_ENTRY] = walk->members.value;
		return true;
	}
	return false;
}

static bool
next_attribute(ElementWalk *walk)
{
	for (;;)
	{
		if (walk->in_members && next_entry(walk))
			return true;
		walk->in_members = next_treatment(walk);
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
	walk->holder = appconfig_json_lookup(item->source[table->rows.source],
										 table->rows.path);
}

/* Moves on to the item's next row; false behind the last */
bool
appconfig_element_next(ElementWalk *walk)
{
	bool first = !walk->started;

	walk->started = true;
	switch (walk->table->shape)
	{
		case ROW_PER_ITEM:
			return first;
		case ROW_PER_TREATMENT:
			return next_treatment(walk);
		case ROW_PER_ATTRIBUTE:
			return next_attribute(walk);
		case ROW_PER_ENTRY:
			if (first)
				appconfig_json_members_start(&walk->members, walk->holder);
			return next_entry(walk);
	}
	return false;
}
