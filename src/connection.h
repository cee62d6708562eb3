/*-------------------------------------------------------------------------
 *
 * connection.h
 *		What a statement has of one foreign server, as one role.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CONNECTION_H
#define APPCONFIG_CONNECTION_H

#include "credential_provider.h"
#include "memo.h"
#include "permissions.h"
#include "settings.h"

/* By what a connection is known */
typedef struct ConnectionIdentity
{
	MemoryContext statement;	/* memory of its executor */
	Oid			serverid;
	Oid			userid;			/* the role whose user mapping counts */
} ConnectionIdentity;

/* What those get who join: of one moment, and the same for all of them */
typedef struct AppConfigConnection
{
	MemoryContext statement;	/* whose connections wait together */
	const AppConfigSettings *settings;
	Memo	   *documents;
	Permissions *permissions;	/* the session's */
	CredentialProvider *provider;
} AppConfigConnection;

extern const AppConfigConnection *appconfig_connection_join(const ConnectionIdentity *identity,
															bool rereads);
extern void appconfig_connection_wait(const AppConfigConnection *connection);
extern void appconfig_connection_leave(const AppConfigConnection *connection);
extern char *appconfig_connection_region(const ConnectionIdentity *identity);

#endif							/* APPCONFIG_CONNECTION_H */
