/*-------------------------------------------------------------------------
 *
 * call_log.c
 *		One line of the server's log for each attempt of a call.
 *
 * Switched on by appconfig_fdw.log_calls, to see what is asked of AWS, when,
 * and how long it takes.  The lines are for the log alone, whatever the client
 * wants to see: a view may hide from its readers which rows it asks for.
 *
 * What may not live here: a line about anything but an attempt, and any text
 * from outside that has not been through aws_error.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "call_log.h"
#include "clock.h"

bool		appconfig_log_calls = false;

/* What is said of an attempt that no HTTP status came of */
static const char *const outcome_words[] = {
	[HTTP_IN_FLIGHT] = "under way",
	[HTTP_ANSWERED] = "answered",
	[HTTP_NOT_CONNECTED] = "not connected",
	[HTTP_NOT_PROXIED] = "refused by the proxy",
	[HTTP_NOT_TRUSTED] = "not trusted",
	[HTTP_TIMED_OUT] = "timed out",
	[HTTP_LOST] = "connection lost",
	[HTTP_TOO_LARGE] = "answer too large",
	[HTTP_MALFORMED] = "answer malformed",
	[HTTP_OUT_OF_MEMORY] = "out of memory",
	[HTTP_OUT_OF_DESCRIPTORS] = "out of file descriptors",
};

/* By WaitKind, what an attempt has waited for before it went out */
static const char *const wait_words[] = {
	[WAIT_FOR_RETRY] = " for a retry",
	[WAIT_FOR_CALL] = "",
	[WAIT_FOR_RATE_LIMIT] = " for the rate limits",
	[WAIT_FOR_CREDENTIALS] = " for credentials",
};

/*
 * The line for an attempt, palloc'd; NULL while no lines are wanted.  Apart
 * from the writing, since what it is made of goes when the attempt is over.
 */
char *
appconfig_call_log_describe(const CallAttempt *attempt)
{
	const AwsCallName *name = attempt->name;
	const HttpResult *result = attempt->result;
	const AwsError *error = attempt->error;
	int64		waited = attempt->waited / CLOCK_MILLISECOND;
	const char *request_id;
	StringInfoData line;

	if (!appconfig_log_calls)
		return NULL;
	request_id = appconfig_error_request_id(result, name->credentials);
	initStringInfo(&line);
	appendStringInfo(&line, "AppConfig call: %s %s, ", name->operation,
					 appconfig_error_request_line(name));
	if (result->outcome == HTTP_ANSWERED)
		appendStringInfo(&line, "status %d", result->status);
	else
		appendStringInfoString(&line, outcome_words[result->outcome]);
	if (error != NULL && error->code != NULL)
		appendStringInfo(&line, " (%s)", error->code);
	else if (error != NULL && result->status == 200)
		appendStringInfoString(&line, " (not an answer of the service)");
	appendStringInfo(&line,
					 ", attempt %d, waited " INT64_FORMAT
					 " ms%s, took " INT64_FORMAT " ms, " UINT64_FORMAT " bytes",
					 name->attempts, waited,
					 waited > 0 ? wait_words[attempt->waited_for] : "",
					 attempt->took / CLOCK_MILLISECOND, result->bytes_received);
	if (request_id != NULL)
		appendStringInfo(&line, ", request ID %s", request_id);
	return line.data;
}

/*
 * Writes such a line, unless it is NULL.  Interrupts happen in here, so that
 * nothing may be half done.
 */
void
appconfig_call_log_write(const char *line)
{
	if (line != NULL)
		ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", line),
								  errhidestmt(true), errhidecontext(true)));
}
