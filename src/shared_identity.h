/*-------------------------------------------------------------------------
 *
 * shared_identity.h
 *		Who signs for what, in a form that may stand in shared memory.
 *
 * Made by shared_memory.c of what the provider of credentials knows.  No
 * function lives here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SHARED_IDENTITY_H
#define APPCONFIG_SHARED_IDENTITY_H

#define SHARED_IDENTITY_BYTES 32
#define SHARED_IDENTITY_TEXT  (2 * SHARED_IDENTITY_BYTES + 1)

/*
 * All zero: nobody that others could be told to be the same as, or that there
 * is nothing to share
 */
typedef struct SharedIdentity
{
	uint8		digest[SHARED_IDENTITY_BYTES];
} SharedIdentity;

#endif							/* APPCONFIG_SHARED_IDENTITY_H */
