/*-------------------------------------------------------------------------
 *
 * request.h
 *		The path and the query of an operation, from the keys that are known.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_REQUEST_H
#define APPCONFIG_REQUEST_H

#include "keyset.h"
#include "tables.h"

/* Items asked for in a page: the service's most */
#define PAGE_SIZE 50

extern bool appconfig_request_needs(const AppConfigOperation *operation,
									AppConfigKey key);
extern char *appconfig_request_path(const AppConfigOperation *operation,
									const KnownKeys *known);
extern const char *appconfig_request_filter_value(const AppConfigFilter *filter,
												  const KnownKeys *known,
												  const KeySet *keys);

/* Which of an operation's filters to use, beside those that always hold */
#define FILTER_BY_STATE		0x01	/* those on the state: it is of these
									 * items */
#define FILTER_BY_DELETABLE 0x02	/* those on what can have been deleted */

extern bool appconfig_request_names_something(const AppConfigOperation *operation,
											  const KnownKeys *known,
											  const KeySet *keys, int filters);
extern char *appconfig_request_query(const AppConfigOperation *operation,
									 const KnownKeys *known,
									 const KeySet *keys, int filters,
									 const char *token);

#endif							/* APPCONFIG_REQUEST_H */
