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
	bool again;		  /* may a document be wanted more than once? */
	bool every_state; /* may some read in lists what can change?  Then lists
					   * are to be the same: not filtered by status, nor
					   * asked for by names */
	bool agree; /* and others in documents?  Then nobody takes it from a list
				 * that may be of another moment */
} StatementReads;

extern void appconfig_statement_examine(StatementReads	  *reads,
										const PlannedStmt *statement,
										Oid				   serverid);
extern Oid	appconfig_statement_role(const EState *estate);

#endif /* APPCONFIG_STATEMENT_H */
