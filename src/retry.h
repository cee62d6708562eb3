/*-------------------------------------------------------------------------
 *
 * retry.h
 *		When to send a failed request again, and when to stop
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_RETRY_H
#define APPCONFIG_RETRY_H

#include <time.h>

/* what made the last attempt fail; chooses the pace of a retry */
typedef enum RetryCause
{
	RETRY_TRANSIENT,			/* a 5xx answer, a broken connection, a
								 * timeout */
	RETRY_THROTTLED				/* the server said that it gets too many
								 * requests */
} RetryCause;

/* the answer carries no usable hint */
#define RETRY_NO_HINT (-1)

/*
 * What is left for retries.  One bucket is shared by all requests of a client,
 * so that an outage costs few retries in sum, however many requests it meets.
 */
typedef struct RetryBucket
{
	int			tokens;			/* 0 .. 500 */
} RetryBucket;

extern int	appconfig_retry_delay(RetryCause cause, int retry, double random);
extern int	appconfig_retry_apply_hint(int delay_ms, int hint_ms);
extern int	appconfig_retry_parse_amz_hint(const char *value);
extern int	appconfig_retry_parse_http_hint(const char *value, time_t now);

extern long appconfig_retry_clock_offset(const char *value, time_t now,
										 long offset);

extern void appconfig_retry_fill(RetryBucket *bucket);
extern int	appconfig_retry_take(RetryBucket *bucket);
extern void appconfig_retry_give_back(RetryBucket *bucket, int taken);

#endif							/* APPCONFIG_RETRY_H */
