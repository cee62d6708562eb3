/*-------------------------------------------------------------------------
 *
 * shared_memory.h
 *		Memory that all backends of the server share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SHARED_MEMORY_H
#define APPCONFIG_SHARED_MEMORY_H

#include "storage/lwlock.h"

#include "shared_identity.h"

extern bool appconfig_shared_memory_attempt(void (*work) (void *arg),
											void *arg);
extern void *appconfig_shared_memory_get(const char *name, Size size,
										 void (*init) (void *segment));
extern void appconfig_shared_memory_init_lock(LWLock *lock);
extern bool appconfig_shared_memory_identify(SharedIdentity *identity,
											 const char *const *parts,
											 int count);
extern void appconfig_shared_memory_write_identity(const SharedIdentity *identity,
												   char *text);
extern bool appconfig_shared_memory_is_identified(const SharedIdentity *identity);

#endif							/* APPCONFIG_SHARED_MEMORY_H */
