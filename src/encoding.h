/*-------------------------------------------------------------------------
 *
 * encoding.h
 *		Texts of the database in UTF-8, and of the service in the database.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ENCODING_H
#define APPCONFIG_ENCODING_H

extern char *appconfig_encoding_to_utf8(char *text);
extern bool appconfig_encoding_fits(const char *text, size_t length);

#endif							/* APPCONFIG_ENCODING_H */
