/*-------------------------------------------------------------------------
 *
 * element.h
 *		The rows that an item falls into: itself, its treatments, their
 *		attributes, or the members of an object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ELEMENT_H
#define APPCONFIG_ELEMENT_H

#include "json.h"
#include "keyset.h"
#include "tables.h"

/* What one row is made of; borrowed from the cursor until the next one */
typedef struct AppConfigItem
{
	JsonValue *source[SOURCE_COUNT]; /* NULL: not asked for, or not there */
	const KeyFacts *keys;
	const char	   *entry_name; /* of SOURCE_ENTRY */
	bool			is_control; /* of SOURCE_TREATMENT */
	int				ordinal;
} AppConfigItem;

/* Where we are within an item */
typedef struct ElementWalk
{
	const AppConfigTable *table;
	AppConfigItem		 *item; /* the row's own parts are set in it */
	bool				  started;
	int					  treatment; /* the next one */
	bool				  in_members;
	JsonMembers			  members;
} ElementWalk;

extern void appconfig_element_start(ElementWalk			 *walk,
									const AppConfigTable *table,
									AppConfigItem		 *item);
extern bool appconfig_element_next(ElementWalk *walk);

#endif /* APPCONFIG_ELEMENT_H */
