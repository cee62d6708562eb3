/*-------------------------------------------------------------------------
 *
 * fdw_options.h
 *		The options of servers, user mappings, foreign tables and columns.
 *
 * Everything that is returned is palloc'd in the current memory context.
 * Every function raises an error for options that are wrong, which can still
 * be met after they were checked: by an update of the library, or by hand in
 * the catalogs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_FDW_OPTIONS_H
#define APPCONFIG_FDW_OPTIONS_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

#include "aws_credentials.h"
#include "settings.h"
#include "tables.h"

extern void appconfig_options_init(void);
extern void appconfig_options_get_settings(Oid serverid,
										   AppConfigSettings *settings);
extern void appconfig_options_wipe_settings(AppConfigSettings *settings);
extern char *appconfig_options_get_region(Oid serverid);
extern void appconfig_options_get_credentials(Oid serverid, Oid userid,
											  AwsCredentials *credentials,
											  Oid *umid);
extern const AppConfigTable *appconfig_options_get_table(Oid foreigntableid);
extern char *appconfig_options_get_column_name(Oid foreigntableid,
											   AttrNumber attnum);
extern void appconfig_options_check_import(List *options);
extern char *appconfig_options_list_tables(void);

#endif							/* APPCONFIG_FDW_OPTIONS_H */
