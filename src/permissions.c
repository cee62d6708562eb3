/*-------------------------------------------------------------------------
 *
 * permissions.c
 *		Lists that an identity has turned out not to be allowed to read.
 *
 * Where a list is only the cheaper way (route.c, "Lists or Gets"), one that is
 * denied is done without.  A session remembers that for a while, so that not
 * each parent and each statement asks in vain; for a while only, because
 * policies change.  A policy can allow an operation for some applications and
 * not for others (appconfig-read-api.md, section 6), so a denial counts for the
 * application in the request's path, and for all where there is none.
 *
 * What may not live here: what follows from a denial (expand.c), errors of
 * calls (aws_error.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "clock.h"
#include "permissions.h"
#include "request.h"

/* So long a denial counts */
#define DENIAL_LASTS (300 * CLOCK_SECOND)

/* So many are remembered, the latest */
#define MAX_DENIALS 64

typedef struct Denial
{
	const AppConfigOperation *operation;	/* NULL where there is none */
	char	   *application;	/* in the path; NULL for all */
	int64		until;
} Denial;

struct Permissions
{
	MemoryContext context;		/* holds this struct */
	int			next;			/* of the denials, to be overwritten */
	Denial		denials[MAX_DENIALS];
};

/* Nothing is denied as yet.  It ends with its parent. */
Permissions *
appconfig_permissions_create(MemoryContext parent)
{
	Permissions *permissions =
	MemoryContextAllocZero(parent, sizeof(Permissions));

	permissions->context = parent;
	return permissions;
}

/* Somebody else signs from now on.  Raises no error. */
void
appconfig_permissions_forget(Permissions *permissions)
{
	int			i;

	for (i = 0; i < MAX_DENIALS; i++)
		permissions->denials[i].until = 0;
}

/* Whose an operation's resource is; NULL if no application's */
static const char *
resource_of(const AppConfigOperation *operation, const KnownKeys *keys)
{
	return appconfig_request_needs(operation, KEY_APPLICATION_ID)
		? keys->text[KEY_APPLICATION_ID]
		: NULL;
}

/* Is the denial of that operation for that application? */
static bool
is_about(const Denial *denial, const AppConfigOperation *operation,
		 const char *application)
{
	if (denial->operation != operation)
		return false;
	if (denial->application == NULL || application == NULL)
		return denial->application == application;
	return strcmp(denial->application, application) == 0;
}

/*
 * The operation has been denied for the things that the keys lead to.  now is
 * the time by the clock that waiting goes by.
 */
void
appconfig_permissions_deny(Permissions *permissions,
						   const AppConfigOperation *operation,
						   const KnownKeys *keys, int64 now)
{
	const char *application = resource_of(operation, keys);
	Denial	   *denial = &permissions->denials[permissions->next];
	char	   *copy = NULL;

	if (appconfig_permissions_denied(permissions, operation, keys, now))
		return;
	if (application != NULL)
		copy = MemoryContextStrdup(permissions->context, application);
	if (denial->application != NULL)
		pfree(denial->application);
	denial->operation = operation;
	denial->application = copy;
	denial->until = now + DENIAL_LASTS;
	permissions->next = (permissions->next + 1) % MAX_DENIALS;
}

/* Is the operation known to be denied for the things that the keys lead to? */
bool
appconfig_permissions_denied(const Permissions *permissions,
							 const AppConfigOperation *operation,
							 const KnownKeys *keys, int64 now)
{
	const char *application = resource_of(operation, keys);
	int			i;

	for (i = 0; i < MAX_DENIALS; i++)
	{
		const Denial *denial = &permissions->denials[i];

		if (denial->operation != NULL && denial->until > now &&
			is_about(denial, operation, application))
			return true;
	}
	return false;
}
