/*-------------------------------------------------------------------------
 *
 * cursor.h
 *		Walks the calls that a scan needs and yields what its rows are made of.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CURSOR_H
#define APPCONFIG_CURSOR_H

#include "item.h"
#include "keyset.h"
#include "memo.h"
#include "permissions.h"
#include "route.h"

typedef struct AppConfigCursor AppConfigCursor;

/* What to read; all of it must outlive the cursor */
typedef struct AppConfigCursorOptions
{
	const Route *route;
	const KeySet *keys;			/* in UTF-8 */
	int			max_concurrency;	/* calls in flight */
	AppConfigItemFilter filter; /* or NULL */
	void	   *filter_arg;
	ApiCounters *counters;
	CallBudget *budget;
	bool		whole;			/* is the budget limited, and is it certain
								 * that the cursor is read to its end? */
	Permissions *permissions;	/* which lists may be read */
	bool	   *denied;			/* by collection: which turn out to be denied;
								 * set, never cleared */
} AppConfigCursorOptions;

/* What appconfig_cursor_poll() finds */
typedef enum CursorResult
{
	CURSOR_ITEM,
	CURSOR_END,
	CURSOR_PENDING				/* calls are under way: poll again after a
								 * wait */
} CursorResult;

extern AppConfigCursor *appconfig_cursor_open(Memo *memo,
											  const AppConfigCursorOptions *options);
extern CursorResult appconfig_cursor_poll(AppConfigCursor *cursor,
										  const AppConfigItem **item);
extern void appconfig_cursor_close(AppConfigCursor *cursor);

#endif							/* APPCONFIG_CURSOR_H */
