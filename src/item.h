/*-------------------------------------------------------------------------
 *
 * item.h
 *		What rows are made of: items, the columns that each settles, and the
 *		rows that it falls into.
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
	JsonValue  *source[SOURCE_COUNT];	/* NULL: not asked for, or not there */
	const KnownKeys *keys;
	const char *entry_name;		/* of SOURCE_ENTRY */
	bool		is_control;		/* of SOURCE_TREATMENT */
	int			ordinal;
} AppConfigItem;

/*
 * Does what a list has shown, a row or something on the way to one, meet the
 * clauses that can be answered from it?  Called before anything below the
 * list's item is asked for.
 */
typedef bool (*AppConfigItemFilter) (void *arg, const AppConfigItem *item,
									 bool is_row);

/* Which of an item's rows is next */
typedef struct ItemRows
{
	const AppConfigTable *table;
	AppConfigItem *item;		/* the row's own parts are set in it */
	bool		started;
	JsonValue  *holder;			/* what has the rows' parts */
	bool		in_list;		/* past the control? */
	JsonElements treatments;	/* the list of the others */
	bool		in_members;
	JsonMembers members;
} ItemRows;

extern JsonValue *appconfig_item_source(const AppConfigTable *table,
										const AppConfigItem *item,
										AppConfigSource source);
extern bool appconfig_item_has(const AppConfigTable *table,
							   const AppConfigItem *item,
							   const AppConfigColumn *column);
extern bool appconfig_item_settles(const AppConfigTable *table,
								   const AppConfigItem *item,
								   const AppConfigColumn *column);

extern void appconfig_item_start_rows(ItemRows *rows,
									  const AppConfigTable *table,
									  AppConfigItem *item);
extern bool appconfig_item_next_row(ItemRows *rows);

#endif							/* APPCONFIG_ITEM_H */
