/*-------------------------------------------------------------------------
 *
 * http_memory.h
 *		Memory for libcurl that does not run out at the wrong moment.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_HTTP_MEMORY_H
#define APPCONFIG_HTTP_MEMORY_H

extern bool appconfig_http_memory_init(void);
extern bool appconfig_http_memory_is_ours(void);
extern bool appconfig_http_memory_ran_out(void);
extern bool appconfig_http_memory_is_reduced(void);

#endif							/* APPCONFIG_HTTP_MEMORY_H */
