/*-------------------------------------------------------------------------
 *
 * row.h
 *		From what a row is made of to the values of its columns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ROW_H
#define APPCONFIG_ROW_H

#include "executor/tuptable.h"
#include "nodes/pg_list.h"

#include "item.h"
#include "output_columns.h"
#include "tables.h"

typedef struct RowMaker RowMaker;

extern RowMaker *appconfig_row_maker(const AppConfigTable *table,
									 const OutputColumns *columns,
									 const char *region);
extern bool appconfig_row_fits(const RowMaker *maker, const List *attnums,
							   const AppConfigItem *item);
extern void appconfig_row_fill(RowMaker *maker, const List *attnums,
							   const AppConfigItem *item,
							   TupleTableSlot *slot);

#endif							/* APPCONFIG_ROW_H */
