/*-------------------------------------------------------------------------
 *
 * request.h
 *		The plan of a scan, and the requests that it leads to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_REQUEST_H
#define APPCONFIG_REQUEST_H

#include "nodes/pg_list.h"

#include "keyset.h"
#include "tables.h"

/* Items asked for in a page: the service's most */
#define PAGE_SIZE 50

/* How a scan reads its things */
#define READS_CHANGING	0x01 /* what of them can change */
#define READS_DOCUMENTS 0x02 /* their documents, perhaps */
#define READS_VARYING	0x04 /* from rescan to rescan, by other calls */
#define READS_ALL		0x08 /* all columns, whatever the query needs */

/* A clause of the plan's qual that what lists show can be checked by */
typedef struct ListFilterClause
{
	int	 place;	   /* in the qual */
	int	 level;	   /* of security, -1 if it leaks nothing */
	bool fallible; /* can it raise an error? */
} ListFilterClause;

/*
 * What the planner hands over to the executor, beside the value expressions of
 * the keys, which travel in fdw_exprs.
 */
typedef struct AppConfigScanPlan
{
	const AppConfigTable *table;
	KeyExpr				 *keys;	   /* NULL if no clause binds one */
	List				 *columns; /* attribute numbers that the query reads */
	List *filters;	   /* ListFilterClause, in the order of the qual */
	int	  rows_wanted; /* a LIMIT that is likely to stop the scan, or 0 */
	int	  reads;	   /* READS_ bits */
} AppConfigScanPlan;

extern int	 appconfig_request_reads(List *packed);
extern List *appconfig_request_pack(const AppConfigScanPlan *plan);
extern AppConfigScanPlan *appconfig_request_unpack(List *packed);

extern const AppConfigColumn **appconfig_request_columns(
	const AppConfigScanPlan *plan, const AppConfigColumn **columns, int natts);

extern bool		   appconfig_request_needs(const AppConfigOperation *operation,
										   AppConfigKey				 key);
extern char		  *appconfig_request_path(const AppConfigOperation *operation,
										  const KeyFacts		   *facts);
extern const char *appconfig_request_filter_value(
	const AppConfigFilter *filter, const KeyFacts *facts, const KeySet *keys);

/* Which of an operation's filters to use, beside those that always hold */
#define FILTER_BY_STATUS  0x01 /* the status column is about these items */
#define FILTER_BY_MORTALS 0x02 /* those whose object can be gone */

extern bool appconfig_request_names_something(
	const AppConfigOperation *operation, const KeyFacts *facts,
	const KeySet *keys, int filters);
extern char *appconfig_request_query(const AppConfigOperation *operation,
									 const KeyFacts *facts, const KeySet *keys,
									 int filters, const char *token);

#endif /* APPCONFIG_REQUEST_H */
