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
#include "cache.h"

/* What one server, role and user mapping share from statement to statement */
typedef struct AppConfigSession
{
	ApiClient  *client;
	DocumentCache *cache;
} AppConfigSession;

extern uint64 appconfig_session_changes(void);
extern const AppConfigSession *appconfig_session_acquire(Oid serverid,
														 Oid userid, Oid umid,
														 const AppConfigSettings *settings,
														 uint64 read_at,
														 MemoryContext context);

#endif							/* APPCONFIG_SESSION_H */
