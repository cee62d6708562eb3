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

#include "json.h"
#include "keyset.h"

/* What ListApplications has shown; nothing at first */
typedef struct Applications
{
	List	 *items;   /* JsonValue, a reference each */
	KeyTexts *passing; /* ids of those that meet the query's clauses */
} Applications;

/* Does an application meet the clauses on what is known of it? */
typedef bool (*ApplicationFilter)(void *arg, JsonValue *application,
								  const KeyFacts *keys);

extern void		  appconfig_applications_add(Applications *applications,
											 JsonValue	  *item);
extern void		  appconfig_applications_release(Applications *applications);
extern JsonValue *appconfig_applications_find(const Applications *applications,
											  const char		 *id);
extern const KeySet *appconfig_applications_resolve(Applications *applications,
													const KeySet *keys,
													ApplicationFilter passes,
													void			 *arg);

#endif /* APPCONFIG_APPLICATIONS_H */
