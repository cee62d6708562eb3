/*-------------------------------------------------------------------------
 *
 * call_log.h
 *		One line of the server's log for each attempt of a call.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CALL_LOG_H
#define APPCONFIG_CALL_LOG_H

#include "aws_error.h"
#include "http.h"

/* An attempt that has ended */
typedef struct CallAttempt
{
	const AwsCallName *name;	/* with the number of the attempt */
	const HttpResult *result;
	const AwsError *error;		/* NULL if it was a success */
	int64		waited;			/* microseconds from the call, or from the
								 * attempt before, until this one went out */
	WaitKind	waited_for;		/* for the most part */
	int64		took;			/* microseconds from then to the answer */
} CallAttempt;

extern bool appconfig_log_calls;	/* appconfig_fdw.log_calls */

extern char *appconfig_call_log_describe(const CallAttempt *attempt);
extern void appconfig_call_log_write(const char *line);

#endif							/* APPCONFIG_CALL_LOG_H */
