/*-------------------------------------------------------------------------
 *
 * route.h
 *		The way of a scan: which calls it makes, for which keys, and what it
 *		takes from which answer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ROUTE_H
#define APPCONFIG_ROUTE_H

#include "nodes/pg_list.h"

#include "keyset.h"
#include "scan_plan.h"
#include "statement.h"
#include "tables.h"

/* Collections from the top of the hierarchy to the leaf, a table's own */
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
	AppConfigSource source;
	AppConfigCollectionId collection;
} SideLookupSource;

extern const SideLookupSource appconfig_side_lookups[SIDE_COUNT];

/*
 * Made by route.c, and by nobody else changed: by
 * appconfig_route_for_columns() for the planner, from the table and the
 * columns that the query reads, and by appconfig_route_make() for the executor
 * and EXPLAIN.
 */
typedef struct Route
{
	const AppConfigTable *table;
	const AppConfigColumn **columns;	/* to be brought, ended by NULL */
	int			levels_count;
	AppConfigCollectionId levels[MAX_LEVELS];	/* from the top to the leaf */
	AppConfigKey level_keys[MAX_LEVELS];	/* by which the things of a level
											 * are told apart in what they
											 * belong to; KEY_NONE if by none */
	bool		read[SOURCE_COUNT]; /* do columns ask for it? */
	bool		need_document;	/* does a row take more than a list's item? */
	bool		reads_mutable;	/* can what is read be another thing a moment
								 * later? */

	/* from here on by appconfig_route_make() alone */
	const KeyExpr *keys;		/* which narrow the calls; NULL if none do */
	List	   *filters;		/* ListFilterClause that lists are checked by */
	int			rows_wanted;	/* a LIMIT that is likely to stop it, or 0 */
	bool		shared_lists;	/* these two: see "Consistency" in memo.c */
	bool		documents_decide;
} Route;

/* What a route can call for some keys */
typedef struct RouteCalls
{
	const Route *route;
	List	   *operations;		/* names, in the order in which they come */
	bool		applications_listed;
	bool		listed[MAX_LEVELS];
	bool		looked_up[SIDE_COUNT];
} RouteCalls;

extern const Route *appconfig_route_make(const AppConfigScanPlan *plan,
										 const OutputColumns *columns,
										 const StatementReads *reads,
										 bool pushdown);
extern void appconfig_route_for_columns(Route *route,
										const AppConfigTable *table,
										const AppConfigColumn **columns);
extern const AppConfigCollection *appconfig_route_leaf(const AppConfigTable *table);
extern bool appconfig_route_column_has(const AppConfigColumn *column,
									   AppConfigSource source);
extern bool appconfig_route_lists_answer(const AppConfigTable *table,
										 const AppConfigColumn *column);
extern const AppConfigCollection *appconfig_route_collection(const Route *route,
															 int level);
extern bool appconfig_route_is_key_of_frozen(const Route *route,
											 AppConfigKey key);
extern bool appconfig_route_is_leaf(const Route *route, int level);

extern bool appconfig_route_needs_applications(const Route *route,
											   const KeySet *keys);
extern bool appconfig_route_is_open(const AppConfigOperation *operation,
									const KnownKeys *keys, AppConfigKey key);
extern void appconfig_route_split(const Route *route, int level,
								  const KnownKeys *keys, const KeySet *set,
								  KeySet *direct, KeySet *listed);
extern RouteCalls *appconfig_route_calls(const Route *route,
										 const KeySet *keys);
extern bool appconfig_route_calls_answer(const RouteCalls *calls,
										 const AppConfigColumn *column);

#endif							/* APPCONFIG_ROUTE_H */
