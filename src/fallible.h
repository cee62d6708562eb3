/*-------------------------------------------------------------------------
 *
 * fallible.h
 *		Can the evaluation of a clause raise an error?
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_FALLIBLE_H
#define APPCONFIG_FALLIBLE_H

#include "nodes/nodes.h"

extern bool appconfig_fallible(Node *clause, Index relid);

#endif							/* APPCONFIG_FALLIBLE_H */
