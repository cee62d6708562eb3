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

#include "settings.h"
#include "tables.h"

/* What there is to an option, besides its value; one bit each */
typedef enum OptionTrait
{
	OPTION_OF_SUPERUSERS = 0x10,	/* only a superuser may set it */
	OPTION_GUARDED = 0x20,		/* where one of these is set, this one as
								 * well: it decides where signed requests go,
								 * or who signs */
	OPTION_OF_IDENTITY = 0x40	/* it decides which role is assumed */
} OptionTrait;

extern void appconfig_options_get_settings(Oid serverid,
										   AppConfigSettings *settings);
extern void appconfig_options_wipe_settings(AppConfigSettings *settings);
extern char *appconfig_options_get_region(Oid serverid);
extern void appconfig_options_get_rates(Oid serverid, double *get_rate,
										double *list_rate);
extern void appconfig_options_get_credentials(Oid serverid, Oid userid,
											  CredentialOptions *options,
											  Oid *umid);
extern const AppConfigTable *appconfig_options_get_table(Oid foreigntableid);
extern char *appconfig_options_get_column_name(Oid foreigntableid,
											   AttrNumber attnum);
extern void appconfig_options_check_import(List *options);
extern char *appconfig_options_list_tables(void);

extern const char *appconfig_options_changed(List *before, List *after,
											 OptionTrait trait);
extern const char *appconfig_options_in_force(List *of_server);
extern bool appconfig_options_are_ambient(List *of_server);
extern bool appconfig_options_have_keys(List *of_mapping);
extern bool appconfig_options_are_checked_by(Oid validator);

#endif							/* APPCONFIG_FDW_OPTIONS_H */
