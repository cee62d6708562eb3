/*-------------------------------------------------------------------------
 *
 * shared_copies.h
 *		Which of the answers that sessions share are a session's own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SHARED_COPIES_H
#define APPCONFIG_SHARED_COPIES_H

#include "copy_age.h"
#include "shared_identity.h"

/* Who reads.  All empty: nobody, who shares nothing. */
typedef struct SharedReader
{
	SharedIdentity identity;	/* that signs: whose frozen documents */
	SharedIdentity role;		/* of it: whose answers within cache_ttl */
} SharedReader;

/* Which answer is wanted, or at hand */
typedef struct SharedTarget
{
	const char *target;
	const char *state;			/* of a frozen document; NULL for none */
	bool		freezes;		/* is it a document that may be frozen? */
	bool		by_age;			/* does cache_ttl count? */
} SharedTarget;

typedef struct SharedAnswer
{
	const char *text;
	size_t		length;
	int64		asked_at;
} SharedAnswer;

extern bool appconfig_shared_copies_are_there(const SharedReader *reader);
extern void appconfig_shared_copies_set_reader(SharedReader *reader,
											   const SharedIdentity *identity,
											   const char *role);
extern bool appconfig_shared_copies_confirm(const SharedReader *reader,
											const SharedTarget *target);
extern bool appconfig_shared_copies_get(const SharedReader *reader,
										const SharedTarget *target,
										const CopyAge *age,
										SharedAnswer *answer);
extern void appconfig_shared_copies_put(const SharedReader *reader,
										const SharedTarget *target,
										const SharedAnswer *answer);
extern void appconfig_shared_copies_remove(const SharedReader *reader,
										   const SharedTarget *target,
										   int64 asked_before);

#endif							/* APPCONFIG_SHARED_COPIES_H */
