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

/* How the scans of a statement read one server */
typedef struct StatementReads
{
	bool rereads; /* may a document be wanted more than once? */
	/* may several read what can change?  Then they read lists that are the
	 * same: not filtered by status, nor asked for by names */
	bool shared_lists;
	/* and some of them documents?  Then nobody takes it from a list, which may
	 * be of another moment */
	bool documents_decide;
} StatementReads;

extern void appconfig_statement_examine(StatementReads	  *reads,
										const PlannedStmt *statement,
										Oid				   serverid);
extern Oid	appconfig_statement_role(const EState *estate);

#endif /* APPCONFIG_STATEMENT_H */
