/*-------------------------------------------------------------------------
 *
 * item.h
 *		What one row is made of, and which columns that is enough for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ITEM_H
#define APPCONFIG_ITEM_H

#include "json.h"
#include "keyset.h"
#include "tables.h"

/* What is known of a row, or of a thing on the way to it; all borrowed */
typedef struct AppConfigItem
{
	JsonValue *source[SOURCE_COUNT]; /* NULL: not asked for, or not there */
	const KeyFacts *keys;
	const char	   *entry_name; /* of SOURCE_ENTRY */
	bool			is_control; /* of SOURCE_TREATMENT */
	int				ordinal;
} AppConfigItem;

extern JsonValue *appconfig_item_source(const AppConfigTable *table,
										const AppConfigItem	 *item,
										AppConfigSource		  source);
extern bool		  appconfig_item_has(const AppConfigTable  *table,
									 const AppConfigItem   *item,
									 const AppConfigColumn *column);
extern bool		  appconfig_item_settles(const AppConfigTable  *table,
										 const AppConfigItem   *item,
										 const AppConfigColumn *column);

#endif /* APPCONFIG_ITEM_H */
