/*-------------------------------------------------------------------------
 *
 * expand.h
 *		From an answer, or from keys, to what they lead to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_EXPAND_H
#define APPCONFIG_EXPAND_H

#include "walk.h"

extern void appconfig_expand_query(CursorWalk *walk);
extern bool appconfig_expand_is_denied(const CursorWalk *walk,
									   const CursorNode *node);
extern void appconfig_expand_node(CursorWalk *walk, CursorNode *node);

#endif							/* APPCONFIG_EXPAND_H */
