/*-------------------------------------------------------------------------
 *
 * iso8601.h
 *		Moments as AWS writes them
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ISO8601_H
#define APPCONFIG_ISO8601_H

extern bool appconfig_iso8601_parse(const char *text, size_t length,
									int64 *seconds);

#endif							/* APPCONFIG_ISO8601_H */
