/*-------------------------------------------------------------------------
 *
 * http_field.h
 *		The header fields of an answer: which are kept, and which spoil it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_HTTP_FIELD_H
#define APPCONFIG_HTTP_FIELD_H

/* Header fields of an answer that somebody above asks for */
typedef enum HttpField
{
	HTTP_FIELD_REQUEST_ID,
	HTTP_FIELD_ERROR_TYPE,
	HTTP_FIELD_DATE,
	HTTP_FIELD_RETRY_AFTER,
	HTTP_FIELD_AMZ_RETRY_AFTER,
	HTTP_FIELD_COUNT
} HttpField;

extern bool appconfig_http_field_keep(char **fields, const char *line,
									  size_t length);
extern const char *appconfig_http_field_refuse(const char *line,
											   size_t length);
extern void appconfig_http_field_forget(char **fields);

#endif							/* APPCONFIG_HTTP_FIELD_H */
