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
#include "credential_provider.h"
#include "permissions.h"

/* What one server, role and user mapping share from statement to statement */
typedef struct AppConfigSession
{
	ApiClient  *client;
	CredentialProvider *provider;
	DocumentCache *cache;
	uint64		identity_changes;	/* times that its calls were, or may have
									 * been, somebody else's from then on */
	Permissions *permissions;
} AppConfigSession;

/* Which session, and what a new one goes by */
typedef struct SessionRequest
{
	Oid			serverid;
	Oid			userid;
	Oid			umid;
	const AppConfigSettings *settings;
	const CredentialOptions *credentials;
	uint64		read_at;		/* changes when these were read */
} SessionRequest;

extern uint64 appconfig_session_changes(void);
extern const AppConfigSession *appconfig_session_acquire(const SessionRequest *request,
														 MemoryContext context);
extern void appconfig_session_hold(const AppConfigSession *shared,
								   MemoryContext context);

#endif							/* APPCONFIG_SESSION_H */
