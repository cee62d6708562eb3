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
	double		list_price;		/* of a call of a List, in calls of a Get */

	/* from here on by appconfig_route_make() alone */
	const KeyExpr *keys;		/* which narrow the calls; NULL if none do */
	List	   *filters;		/* ListFilterClause that lists are checked by */
	int			rows_wanted;	/* a LIMIT that is likely to stop it, or 0 */
	bool		shared_lists;	/* these three: see "Consistency" in memo.c */
	bool		names_by_list;	/* are things not asked for by their names? */
	bool		documents_decide;
} Route;

/* What a route can call for some keys */
typedef struct RouteCalls
{
	const Route *route;
	List	   *operations;		/* names, in the order in which they come */
	bool		applications_listed;
	bool		listed[MAX_LEVELS]; /* may lists show things of the level? */
	bool		direct[MAX_LEVELS]; /* may some be asked for by their keys? */
	bool		looked_up[SIDE_COUNT];
} RouteCalls;

/* A list of a level's things */
typedef struct RouteList
{
	const char *application;	/* whose they are; NULL if of all that the
								 * level is about */
	bool		optional;		/* can they be asked for by their keys? */
	double		pages;			/* then: so many are worth it */
	double		things;			/* there can be no more of those wanted */
	double		worth;			/* each of them, in Gets */
} RouteList;

/* How to come by things of a level that belong to one of the level above */
typedef struct RouteStep
{
	const Route *route;
	int			level;
	const KnownKeys *keys;		/* of what they belong to */
	List	   *lists;			/* RouteList */
	const KeyTexts *listed;		/* applications that have lists of their own;
								 * NULL if none */
	KeySet	   *direct;			/* to be asked for by keys, but for these
								 * applications */
	bool		by_name;		/* is any of that known by its name? */
} RouteStep;

extern double appconfig_route_list_price(double max_get_rate,
										 double max_list_rate);
extern const Route *appconfig_route_make(const AppConfigScanPlan *plan,
										 const OutputColumns *columns,
										 const StatementReads *reads,
										 double list_price, bool pushdown);
extern void appconfig_route_for_columns(Route *route,
										const AppConfigTable *table,
										const AppConfigColumn **columns,
										double list_price);
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
extern RouteStep *appconfig_route_step(const Route *route, int level,
									   const KnownKeys *keys,
									   const KeySet *set, bool may_list);
extern double appconfig_route_count_gets(const Route *route,
										 const KeySet *set);
extern double appconfig_route_most_lists(const Route *route, double gets);
extern double appconfig_route_worth_of_thing(const Route *route, int level,
											 const KeyBox *box);
extern const KeySet *appconfig_route_name_applications(const KeySet *keys);
extern RouteCalls *appconfig_route_calls(const Route *route,
										 const KeySet *keys);
extern bool appconfig_route_calls_answer(const RouteCalls *calls,
										 const AppConfigColumn *column);

#endif							/* APPCONFIG_ROUTE_H */
