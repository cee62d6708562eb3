/*-------------------------------------------------------------------------
 *
 * fdw_columns.h
 *		Columns of a foreign table -> columns of our tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_FDW_COLUMNS_H
#define APPCONFIG_FDW_COLUMNS_H

#include "utils/relcache.h"

#include "output_columns.h"
#include "tables.h"

extern const OutputColumns *appconfig_columns_map(Relation relation,
												  const AppConfigTable *table);

#endif							/* APPCONFIG_FDW_COLUMNS_H */
