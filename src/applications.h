/*-------------------------------------------------------------------------
 *
 * applications.h
 *		All applications of the account, where names have to be resolved.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_APPLICATIONS_H
#define APPCONFIG_APPLICATIONS_H

#include "nodes/pg_list.h"
#include "utils/hsearch.h"

#include "json.h"
#include "keyset.h"

/* An application that meets the query's clauses */
typedef struct NamedApplication
{
	const char *name;
	char	   *id;
} NamedApplication;

/* What ListApplications has shown; nothing at first */
typedef struct Applications
{
	List	   *items;			/* JsonValue, a reference each */
	HTAB	   *by_id;			/* TargetSlot: of these; NULL before the first */
	KeyTexts   *passing;		/* ids of those that meet the query's clauses */
	NamedApplication *named;	/* these, if they have a name, by name */
	int			named_count;
} Applications;

/* Does an application meet the clauses on what is known of it? */
typedef bool (*ApplicationFilter) (void *arg, JsonValue *application,
								   const KnownKeys *keys);

extern void appconfig_applications_add(Applications *applications,
									   MemoryContext context, JsonValue *item);
extern void appconfig_applications_release(Applications *applications);
extern JsonValue *appconfig_applications_find(const Applications *applications,
											  const char *id);
extern const KeySet *appconfig_applications_resolve(Applications *applications,
													const KeySet *keys,
													ApplicationFilter passes,
													void *arg);

#endif							/* APPCONFIG_APPLICATIONS_H */
