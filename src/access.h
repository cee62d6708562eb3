/*-------------------------------------------------------------------------
 *
 * access.h
 *		How a table can be read: from which collections, by which keys, with
 *		or without documents and look-ups.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ACCESS_H
#define APPCONFIG_ACCESS_H

#include "nodes/pg_list.h"

#include "keyset.h"
#include "tables.h"

/* Collections from the top of the hierarchy to a table's own */
#define MAX_LEVELS 3

/* Sources that are looked up for an item beside its own document */
typedef enum SideLookup
{
	SIDE_APPLICATION,
	SIDE_DEFINITION,
	SIDE_COUNT
} SideLookup;

typedef struct SideLookupSource
{
	AppConfigSource		  source;
	AppConfigCollectionId collection;
} SideLookupSource;

extern const SideLookupSource appconfig_side_lookups[SIDE_COUNT];

/* How to read a table for some columns */
typedef struct AccessPlan
{
	const AppConfigTable   *table;
	const AppConfigColumn **columns; /* that are read, ended by NULL */
	int						levels_count;
	AppConfigCollectionId	levels[MAX_LEVELS]; /* from the top down */
	bool need_document; /* does a row take more than a list's item? */
	bool changing;		/* can what is read be another thing a moment later? */
	bool by_ids;		/* are definitions' names to be looked up first? */
	bool read[SOURCE_COUNT]; /* columns that are read ask for it */
} AccessPlan;

/* What a walk for some keys may call; for EXPLAIN */
typedef struct AccessWalk
{
	const AccessPlan *plan;
	List			 *operations; /* names, in the order in which they come */
	bool			  applications_listed;
	bool			  listed[MAX_LEVELS];
} AccessWalk;

extern void						  appconfig_access_plan(AccessPlan			   *plan,
														const AppConfigTable   *table,
														const AppConfigColumn **columns);
extern const AppConfigCollection *appconfig_access_own(
	const AppConfigTable *table);
extern bool appconfig_access_column_has(const AppConfigColumn *column,
										AppConfigSource		   source);
extern bool appconfig_access_lists_answer(const AppConfigTable	*table,
										  const AppConfigColumn *column);
extern const AppConfigCollection *appconfig_access_collection(
	const AccessPlan *plan, int level);
extern bool appconfig_access_is_own(const AccessPlan *plan, int level);

extern bool appconfig_access_needs_applications(const AccessPlan *plan,
												const KeySet	 *keys);
extern bool appconfig_access_is_open(const AppConfigOperation *operation,
									 const KeyFacts *keys, AppConfigKey key);
extern void appconfig_access_split(const AccessPlan *plan, int level,
								   const KeyFacts *keys, const KeySet *set,
								   KeySet *direct, KeySet *listed);
extern AccessWalk *appconfig_access_walk(const AccessPlan *plan,
										 const KeySet	  *keys);
extern bool		   appconfig_access_walk_answers(const AccessWalk	   *walk,
												 const AppConfigColumn *column);

#endif /* APPCONFIG_ACCESS_H */
