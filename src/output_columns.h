/*-------------------------------------------------------------------------
 *
 * output_columns.h
 *		The columns that a scan is to put out, whatever they belong to.
 *
 * Made from a foreign table by fdw_columns.c; who reads clauses, plans a
 * route, fills rows or explains knows these and no relation.
 *
 * What may not live here: functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_OUTPUT_COLUMNS_H
#define APPCONFIG_OUTPUT_COLUMNS_H

#include "tables.h"

typedef struct OutputColumn
{
	const AppConfigColumn *column;	/* what it stands for; NULL if it has no
									 * value of its own, and then nothing else
									 * counts */
	Oid			type;			/* as declared, a domain perhaps */
	int32		typmod;
	const char *name;			/* as declared, for messages */
} OutputColumn;

typedef struct OutputColumns
{
	const char *table_name;		/* for messages */
	int			count;
	OutputColumn *list;			/* by attribute number - 1 */
} OutputColumns;

#endif							/* APPCONFIG_OUTPUT_COLUMNS_H */
