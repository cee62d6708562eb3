/*-------------------------------------------------------------------------
 *
 * target_table.h
 *		Hash tables by the target of a request: its path and query.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_TARGET_TABLE_H
#define APPCONFIG_TARGET_TABLE_H

#include "utils/hsearch.h"

/* What is in such a table */
typedef struct TargetSlot
{
	const char *target;			/* owned by the entry */
	void	   *entry;
} TargetSlot;

extern HTAB *appconfig_target_table_create(const char *name,
										   MemoryContext context);

#endif							/* APPCONFIG_TARGET_TABLE_H */
