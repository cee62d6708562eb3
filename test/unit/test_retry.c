/*-------------------------------------------------------------------------
 *
 * test_retry.c
 *	  unit tests of src/retry.c
 *
 * IDENTIFICATION
 *	  test/unit/test_retry.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <limits.h>

#include "retry.h"

#include "unit.h"

typedef struct ExpectedDelay
{
	RetryCause	cause;
	int			retry;
	double		random;
	int			delay_ms;
} ExpectedDelay;

/* 0.999999 stands for the largest random number, so the bound less 1 ms */
static const ExpectedDelay delays[] = {
	{RETRY_TRANSIENT, 0, 0.0, 0},
	{RETRY_TRANSIENT, 0, 0.5, 25},
	{RETRY_TRANSIENT, 0, 0.999999, 49},
	{RETRY_TRANSIENT, 1, 0.5, 50},
	{RETRY_TRANSIENT, 2, 0.5, 100},
	{RETRY_TRANSIENT, 8, 0.999999, 12799},
	{RETRY_TRANSIENT, 9, 0.999999, 19999},
	{RETRY_TRANSIENT, 9, 0.5, 10000},
	{RETRY_TRANSIENT, 64, 0.5, 10000},
	{RETRY_TRANSIENT, INT_MAX, 0.5, 10000},
	{RETRY_THROTTLED, 0, 0.5, 500},
	{RETRY_THROTTLED, 1, 0.25, 500},
	{RETRY_THROTTLED, 4, 0.5, 8000},
	{RETRY_THROTTLED, 5, 0.5, 10000},
	{RETRY_THROTTLED, INT_MAX, 0.999999, 19999},
};

typedef struct ExpectedHint
{
	const char *value;
	int			hint_ms;
} ExpectedHint;

static const ExpectedHint amz_hints[] = {
	{"0", 0},
	{"1500", 1500},
	{" 1500\t", 1500},
	{"0000000000000000000000000000015", 15},
	{"2147483647", INT_MAX},
	{"2147483648", INT_MAX},
	{"99999999999999999999999999999999", INT_MAX},
	{"", RETRY_NO_HINT},
	{" ", RETRY_NO_HINT},
	{"-1", RETRY_NO_HINT},
	{"+1", RETRY_NO_HINT},
	{"1.5", RETRY_NO_HINT},
	{"1e3", RETRY_NO_HINT},
	{"0x10", RETRY_NO_HINT},
	{"1 2", RETRY_NO_HINT},
	{"soon", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 08:49:37 GMT", RETRY_NO_HINT},
};

/*
 * against NOW, 1994-11-06 08:49:07, thirty seconds before RFC 9110's example
 */
#define NOW 784111747

static const ExpectedHint http_hints[] = {
	{"0", 0},
	{"120", 120000},
	{" 7 ", 7000},
	{"2147483", 2147483000},
	{"2147484", INT_MAX},
	{"99999999999999999999999999999999", INT_MAX},
	{"-5", RETRY_NO_HINT},
	{"1.5", RETRY_NO_HINT},
	{"", RETRY_NO_HINT},
	{"later", RETRY_NO_HINT},

	/* the three forms */
	{"Sun, 06 Nov 1994 08:49:37 GMT", 30000},
	{"Sunday, 06-Nov-94 08:49:37 GMT", 30000},
	{"Sun Nov  6 08:49:37 1994", 30000},
	{" Sun, 06 Nov 1994 08:49:37 GMT ", 30000},

	/* past, present, far future */
	{"Sun, 06 Nov 1994 08:49:06 GMT", 0},
	{"Sun, 06 Nov 1994 08:49:07 GMT", 0},
	{"Sun, 06 Nov 1994 08:49:08 GMT", 1000},
	{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	{"Fri, 31 Dec 9999 23:59:59 GMT", INT_MAX},
	{"Monday, 06-Nov-44 08:49:37 GMT", INT_MAX},	/* 2044 */
	{"Monday, 06-Nov-45 08:49:37 GMT", 0},	/* 1945 */

	/* not dates */
	{"Sun, 06 Nov 1994 08:49:37", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 08:49:37 CET", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 08:49:37 GMT+1", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 24:00:00 GMT", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 08:60:00 GMT", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 08:49:61 GMT", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 08:-1:37 GMT", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 08:49:-1 GMT", RETRY_NO_HINT},
	{"Sun, 06 Nov 1994 -8:49:37 GMT", RETRY_NO_HINT},
	{"Sun, 32 Nov 1994 08:49:37 GMT", RETRY_NO_HINT},
	{"Sun, 00 Nov 1994 08:49:37 GMT", RETRY_NO_HINT},
	{"Sun, 06 Foo 1994 08:49:37 GMT", RETRY_NO_HINT},
	{"Sun, 06 Nov 0000 08:49:37 GMT", RETRY_NO_HINT},
	{"06 Nov 1994 08:49:37 GMT", RETRY_NO_HINT},
	{"1994-11-06T08:49:37Z", RETRY_NO_HINT},
};

/* base, hint, result */
static const int clamps[][3] = {
	{100, RETRY_NO_HINT, 100}, {100, 0, 100}, {100, 99, 100},
	{100, 101, 101}, {100, 5100, 5100}, {100, 5101, 5100},
	{100, INT_MAX, 5100}, {0, 3000, 3000}, {20000, INT_MAX, 25000},
};

/* What is believed of a clock, at one moment and that many seconds before */
#define CLOCK_NOW 1792843200	/* 2026-10-24 12:00:00 */

static const struct
{
	const char *date;
	long		before;			/* our clock is behind CLOCK_NOW */
	long		believed;
	long		offset;
}			offsets[] = {
	{"Sat, 24 Oct 2026 12:00:00 GMT", 0, 0, 0},
	{"Sat, 24 Oct 2026 12:04:59 GMT", 0, 0, 0},
	{"Sat, 24 Oct 2026 12:05:00 GMT", 0, 0, 300},
	{"Sat, 24 Oct 2026 11:55:01 GMT", 0, 0, 0},
	{"Sat, 24 Oct 2026 11:55:00 GMT", 0, 0, -300},
	{"Sat, 24 Oct 2026 13:00:00 GMT", 0, 0, 3600},
	/* what does not matter changes nothing, and what does brings it back */
	{"Sat, 24 Oct 2026 13:04:59 GMT", 0, 3600, 3600},
	{"Sat, 24 Oct 2026 12:00:00 GMT", 0, 3600, 0},
	{"Sat, 24 Oct 2026 12:00:00 GMT", 0, 31622400, 0},

	/* not before there was a service, not far ahead */
	{"Mon, 01 Jan 1601 00:00:00 GMT", 0, 0, 0},
	{"Thu, 01 Jan 1970 00:00:00 GMT", 0, 42, 42},
	{"Sun, 28 Jun 2026 23:59:59 GMT", 0, 42, 42},
	{"Mon, 29 Jun 2026 00:00:00 GMT", 0, 42, 1782691200 - CLOCK_NOW},
	{"Mon, 25 Oct 2027 12:00:00 GMT", 0, 42, 366 * 86400},
	{"Mon, 25 Oct 2027 12:00:01 GMT", 0, 42, 42},
	{"Fri, 31 Dec 9999 23:59:59 GMT", 0, 42, 42},
	{"", 0, 42, 42},
	{"today", 0, 42, 42},

	/* a machine that has just been started without a battery */
	{"Sat, 24 Oct 2026 12:00:00 GMT", CLOCK_NOW, 0, CLOCK_NOW},
	{"Sat, 24 Oct 2026 12:00:00 GMT", CLOCK_NOW - 946684800, 0,
	CLOCK_NOW - 946684800},
	{"Wed, 24 Oct 2040 12:00:00 GMT", CLOCK_NOW, 0, 2234692800},
	{"Fri, 31 Dec 9999 23:59:59 GMT", CLOCK_NOW, 0, 0},
	{"Mon, 01 Jan 1601 00:00:00 GMT", CLOCK_NOW, 0, 0},
};

/*
 * The date of each day over some centuries must be a day after the last one's;
 * checked through the C library, which counts on its own.
 */
static void
test_calendar(void)
{
	const time_t day = 86400;
	time_t		t;
	int			wrong = 0;

	for (t = 0; t < (time_t) 150000 * day; t += day)
	{
		char		text[64];
		struct tm	utc;
		time_t		then = t + 5025;	/* 01:23:45 */

		if (gmtime_r(&then, &utc) == NULL)
			break;
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &utc);
		if (appconfig_retry_parse_http_hint(text, then - 77) != 77000)
			wrong++;
	}
	is_int(t / day, 150000, "days from 1970 to 2380 looked at");
	is_int(wrong, 0, "days misread");
}

/* An outage drains the bucket; success refills it slowly. */
static void
test_bucket(void)
{
	RetryBucket bucket;
	int			n;

	appconfig_retry_fill(&bucket);
	is_int(bucket.tokens, 500, "a new bucket is full");

	appconfig_retry_give_back(&bucket, 0);
	is_int(bucket.tokens, 500, "a full bucket gets no fuller");
	appconfig_retry_give_back(&bucket, 14);
	is_int(bucket.tokens, 500, "nor by a retry given back");

	is_int(appconfig_retry_take(&bucket), 14, "a retry's cost");
	is_int(bucket.tokens, 486, "is taken");
	is_int(appconfig_retry_take(&bucket), 14, "and once more");
	appconfig_retry_give_back(&bucket, 14);
	is_int(bucket.tokens, 486, "the last retry is given back");
	appconfig_retry_give_back(&bucket, 0);
	is_int(bucket.tokens, 487, "a request without retries gives one token");

	appconfig_retry_fill(&bucket);
	for (n = 0; appconfig_retry_take(&bucket) > 0; n++)
		continue;
	is_int(n, 35, "retries of a full bucket");
	is_int(bucket.tokens, 10, "what is left");
	is_int(appconfig_retry_take(&bucket), 0, "no retry more");
	is_int(bucket.tokens, 10, "a refusal costs nothing");
}

int
main(void)
{
	size_t		i;

	for (i = 0; i < lengthof(delays); i++)
		is_int(appconfig_retry_delay(delays[i].cause, delays[i].retry,
									 delays[i].random),
			   delays[i].delay_ms, "delay of retry %d, random %f, cause %d",
			   delays[i].retry, delays[i].random, (int) delays[i].cause);

	for (i = 0; i < lengthof(clamps); i++)
		is_int(appconfig_retry_apply_hint(clamps[i][0], clamps[i][1]),
			   clamps[i][2], "delay %d with hint %d", clamps[i][0],
			   clamps[i][1]);

	for (i = 0; i < lengthof(amz_hints); i++)
		is_int(appconfig_retry_parse_amz_hint(amz_hints[i].value),
			   amz_hints[i].hint_ms, "x-amz-retry-after: %s",
			   amz_hints[i].value);

	for (i = 0; i < lengthof(http_hints); i++)
		is_int(appconfig_retry_parse_http_hint(http_hints[i].value, NOW),
			   http_hints[i].hint_ms, "Retry-After: %s", http_hints[i].value);

	for (i = 0; i < lengthof(offsets); i++)
		is_int(appconfig_retry_clock_offset(offsets[i].date,
											CLOCK_NOW - offsets[i].before,
											offsets[i].believed),
			   offsets[i].offset, "clock after Date: %s, %ld s before",
			   offsets[i].date, offsets[i].before);

	test_calendar();
	test_bucket();
	return done_testing();
}
