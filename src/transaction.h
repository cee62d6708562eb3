/*-------------------------------------------------------------------------
 *
 * transaction.h
 *		What a transaction that sees one state has read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_TRANSACTION_H
#define APPCONFIG_TRANSACTION_H

#include "session.h"
#include "snapshot.h"

extern bool appconfig_transaction_sees_one_state(void);
extern void appconfig_transaction_note_identities(void);
extern ReadSnapshot *appconfig_transaction_snapshot(const SessionRequest *request,
													const AppConfigSession *session);

#endif							/* APPCONFIG_TRANSACTION_H */
