/*-------------------------------------------------------------------------
 *
 * fdw_guard.h
 *		Who may change the options that decide who signs, and for whom.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_FDW_GUARD_H
#define APPCONFIG_FDW_GUARD_H

extern void appconfig_guard_init(void);

#endif							/* APPCONFIG_FDW_GUARD_H */
