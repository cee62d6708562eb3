/*-------------------------------------------------------------------------
 *
 * statement.h
 *		What the scans of one statement have in common.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_STATEMENT_H
#define APPCONFIG_STATEMENT_H

#include "nodes/execnodes.h"
#include "nodes/plannodes.h"

/*
 * How the scans of a statement read one server.  What follows from that is
 * told under "Consistency" in memo.c.
 */
typedef struct StatementReads
{
	bool		rereads;		/* may a document be wanted more than once? */
	bool		shared_lists;	/* may several scans read what can change? */
	bool		documents_decide;	/* and some of them documents? */
	bool		one_state;		/* may later statements of the transaction
								 * read the same again? */
} StatementReads;

extern List *appconfig_statement_plan_children(const Plan *plan);
extern void appconfig_statement_examine(StatementReads *reads,
										const PlannedStmt *statement,
										Oid serverid);
extern MemoryContext appconfig_statement_memory(const EState *estate);
extern Oid	appconfig_statement_role(const EState *estate);

#endif							/* APPCONFIG_STATEMENT_H */
