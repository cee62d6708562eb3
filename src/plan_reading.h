/*-------------------------------------------------------------------------
 *
 * plan_reading.h
 *		What a statement's plan says of how its scans are read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_PLAN_READING_H
#define APPCONFIG_PLAN_READING_H

#include "nodes/execnodes.h"
#include "nodes/plannodes.h"

extern double appconfig_plan_reading_expect(const PlannedStmt *statement,
											Oid serverid);
extern bool appconfig_plan_reading_is_whole(const ForeignScanState *node);

#endif							/* APPCONFIG_PLAN_READING_H */
