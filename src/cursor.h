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
#include "tables.h"

typedef struct AppConfigCursor AppConfigCursor;

/*
 * Does what a list has shown, a row or something on the way to one, meet the
 * clauses that can be answered from it?  Called before anything below the
 * list's item is asked for.
 */
typedef bool (*AppConfigItemFilter)(void *arg, const AppConfigItem *item,
									bool is_row);

/* What to read; all of it must outlive the cursor */
typedef struct AppConfigCursorOptions
{
	const AppConfigTable   *table;
	const KeySet		   *keys;	 /* in UTF-8 */
	const AppConfigColumn **columns; /* that are read, ended by NULL */
	bool every_state; /* lists are not to be filtered by status, nor asked for
					   * by names */
	bool agree; /* what can change is not to be taken from lists, which may be
				 * of another moment than documents */
	int	 max_concurrency; /* calls in flight */
	int	 rows_wanted;	  /* a LIMIT that is likely to stop the scan, or 0 */
	AppConfigItemFilter filter; /* or NULL */
	void			   *filter_arg;
	ApiCounters		   *counters;
} AppConfigCursorOptions;

extern AppConfigCursor *appconfig_cursor_open(
	Memo *memo, const AppConfigCursorOptions *options);
extern const AppConfigItem *appconfig_cursor_next(AppConfigCursor *cursor);
extern void					appconfig_cursor_close(AppConfigCursor *cursor);

#endif /* APPCONFIG_CURSOR_H */
