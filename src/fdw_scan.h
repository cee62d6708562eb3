/*-------------------------------------------------------------------------
 *
 * fdw_scan.h
 *		What a running scan knows, for EXPLAIN.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_FDW_SCAN_H
#define APPCONFIG_FDW_SCAN_H

#include "nodes/execnodes.h"

#include "api.h"
#include "output_columns.h"
#include "route.h"

extern const Route *appconfig_scan_route(ForeignScanState *node);
extern const OutputColumns *appconfig_scan_columns(ForeignScanState *node);
extern const ApiCounters *appconfig_scan_counters(ForeignScanState *node);
extern const bool *appconfig_scan_denied(ForeignScanState *node);

#endif							/* APPCONFIG_FDW_SCAN_H */
