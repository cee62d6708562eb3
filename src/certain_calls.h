/*-------------------------------------------------------------------------
 *
 * certain_calls.h
 *		The calls that a scan is certain to make, by its keys alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CERTAIN_CALLS_H
#define APPCONFIG_CERTAIN_CALLS_H

#include "walk.h"

extern void appconfig_certain_calls_check(CursorWalk *walk);

#endif							/* APPCONFIG_CERTAIN_CALLS_H */
