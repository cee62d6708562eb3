/*-------------------------------------------------------------------------
 *
 * http.h
 *		Concurrent HTTP transfers, driven by the backend's latch.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_HTTP_H
#define APPCONFIG_HTTP_H

#include "http_message.h"
#include "watch.h"

extern void appconfig_http_init(void);

extern void appconfig_http_open(void);
extern bool appconfig_http_has_room(void);
extern HttpTransfer *appconfig_http_start(const HttpRequest *request);
extern const HttpResult *appconfig_http_result(HttpTransfer *transfer);
extern void appconfig_http_release(HttpTransfer *transfer);

extern void appconfig_http_drive(void);
extern void appconfig_http_wake(int64 at);
extern void appconfig_http_wait(WaitKind kind);
extern int64 appconfig_http_waited(void);

#endif							/* APPCONFIG_HTTP_H */
