/*-------------------------------------------------------------------------
 *
 * permissions.h
 *		Lists that an identity has turned out not to be allowed to read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_PERMISSIONS_H
#define APPCONFIG_PERMISSIONS_H

#include "keyset.h"
#include "tables.h"

typedef struct Permissions Permissions;

extern Permissions *appconfig_permissions_create(MemoryContext parent);
extern void appconfig_permissions_forget(Permissions *permissions);
extern void appconfig_permissions_deny(Permissions *permissions,
									   const AppConfigOperation *operation,
									   const KnownKeys *keys, int64 now);
extern bool appconfig_permissions_denied(const Permissions *permissions,
										 const AppConfigOperation *operation,
										 const KnownKeys *keys, int64 now);

#endif							/* APPCONFIG_PERMISSIONS_H */
