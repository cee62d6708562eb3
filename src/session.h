/*-------------------------------------------------------------------------
 *
 * session.h
 *		What a backend keeps of a foreign server from statement to statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SESSION_H
#define APPCONFIG_SESSION_H

#include "api.h"

extern ApiSession *appconfig_session_acquire(Oid serverid, Oid userid, Oid umid,
											 const AppConfigSettings *settings,
											 MemoryContext context);

#endif							/* APPCONFIG_SESSION_H */
