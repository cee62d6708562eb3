/*-------------------------------------------------------------------------
 *
 * predicate.h
 *		From WHERE and join clauses to keys that are bound.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_PREDICATE_H
#define APPCONFIG_PREDICATE_H

#include "nodes/pathnodes.h"

#include "keyset.h"
#include "output_columns.h"
#include "tables.h"

/* The foreign table that clauses are about */
typedef struct PredicateTable
{
	PlannerInfo *root;
	Index		relid;			/* its place in the range table */
	const OutputColumns *columns;
} PredicateTable;

extern KeyExpr *appconfig_predicate_bind(const PredicateTable *table,
										 List *clauses, List **operands);
extern List *appconfig_predicate_attributes(Index relid, Node *expr);
extern AttrNumber appconfig_predicate_equated(Index relid, Node *clause);

#endif							/* APPCONFIG_PREDICATE_H */
