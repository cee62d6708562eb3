/*-------------------------------------------------------------------------
 *
 * side_lookup.h
 *		Documents that an item needs beside its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SIDE_LOOKUP_H
#define APPCONFIG_SIDE_LOOKUP_H

#include "walk.h"

extern void appconfig_side_lookup_start(CursorWalk *walk, CursorNode *item,
										int *in_flight);
extern bool appconfig_side_lookup_is_ready(const CursorNode *item);
extern bool appconfig_side_lookup_prove_otherwise(const CursorWalk *walk,
												  CursorNode *item);
extern bool appconfig_side_lookup_take(CursorWalk *walk, CursorNode *item);
extern int	appconfig_side_lookup_in_flight(const CursorWalk *walk);
extern void appconfig_side_lookup_release(CursorWalk *walk);

#endif							/* APPCONFIG_SIDE_LOOKUP_H */
