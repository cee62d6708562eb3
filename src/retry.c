/*-------------------------------------------------------------------------
 *
 * retry.c
 *		When to send a failed request again, and when to stop
 *
 * What lives here is the arithmetic of the AWS SDKs' standard retry mode, in
 * the rules that they call "2026": delay before a retry, the server's hint,
 * the bucket that pays for retries, and how far off our clock is.
 *
 * What may not live here: a clock, randomness, waiting and I/O, since time and
 * chance are arguments; which failures are retried (aws_error.c), and how
 * often one request is attempted (api.c).
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <limits.h>

#include "retry.h"

#define MAX_DELAY_MS 20000

/* how far a hint may push a delay beyond the computed one */
#define MAX_HINT_EXTRA_MS 5000

#define BUCKET_CAPACITY 500

/* what a request that needed no retry puts back */
#define NO_RETRY_INCREMENT 1

/* seconds that a clock may be off without a request being refused */
#define TOLERATED_SKEW 300

/* 2026-06-29, when AWS published the operations: nobody served them before */
#define FIRST_SERVED INT64CONST(1782691200)

/*
 * How far ahead of our clock a server's may be.  Ours can show a time before
 * FIRST_SERVED, as after a boot without a battery: then it may be further.
 */
#define MAX_AHEAD		  (INT64CONST(366) * 86400)
#define MAX_AHEAD_OF_BOOT (20 * MAX_AHEAD)

/*
 * What a retry takes.  One after a throttle takes nothing, unlike the SDKs':
 * throttles are waited out (contract, section 5, throttle_timeout), and would
 * leave nothing for faults.
 */
#define RETRY_COST 14

/* Upper bounds of the first delay by RetryCause, in milliseconds */
static const int base_delays[] = {
	[RETRY_TRANSIENT] = 50,
	[RETRY_THROTTLED] = 1000,
};

/* A date of HTTP as written: day and month count from 1, the year is full. */
typedef struct HttpDate
{
	int			year;
	char		month[4];
	int			day;
	int			hour;
	int			minute;
	int			second;			/* 60 in a leap second */
} HttpDate;

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr",
	"May", "Jun", "Jul", "Aug",
"Sep", "Oct", "Nov", "Dec"};

/*
 * Returns the milliseconds to wait before a retry, random * min(base *
 * 2^retry, 20 s): "full jitter", so that clients that failed together do not
 * return together.  retry is 0 for the first retry; random is in [0, 1).
 */
int
appconfig_retry_delay(RetryCause cause, int retry, double random)
{
	int			bound = base_delays[cause];

	/* stops at the cap, so no count of retries can overflow */
	for (; retry > 0 && bound < MAX_DELAY_MS; retry--)
		bound *= 2;
	return (int) (random * Min(bound, MAX_DELAY_MS));
}

/*
 * Returns the milliseconds to wait when the server gave a hint, too: at least
 * our own delay, and at most 5 s longer, since a server in trouble must not be
 * able to park its clients.  The hint may be RETRY_NO_HINT.
 */
int
appconfig_retry_apply_hint(int delay_ms, int hint_ms)
{
	return Max(delay_ms, Min(hint_ms, delay_ms + MAX_HINT_EXTRA_MS));
}

/*
 * Reads a number of the given unit (in milliseconds), with white space around
 * it and nothing else.  Returns milliseconds, INT_MAX for anything larger, or
 * RETRY_NO_HINT, which is also for a sign or a fraction.
 */
static int
parse_milliseconds(const char *value, int unit_ms)
{
	int64		number = 0;
	size_t		len;

	value += strspn(value, " \t");
	len = strspn(value, "0123456789");
	if (len == 0 || value[len + strspn(value + len, " \t")] != '\0')
		return RETRY_NO_HINT;

	for (; len > 0 && number <= INT_MAX; len--)
		number = number * 10 + (*value++ - '0');
	return (int) Min(number * unit_ms, INT_MAX);
}

/*
 * Reads the header x-amz-retry-after: a whole number of milliseconds.  Returns
 * it, or RETRY_NO_HINT for anything else, as the SDKs ignore it then.
 */
int
appconfig_retry_parse_amz_hint(const char *value)
{
	return parse_milliseconds(value, 1);
}

/*
 * Returns the days from 1970-01-01 to the first of a month (1 to 12) of the
 * Gregorian calendar.
 *
 * Computed here because timegm is not in POSIX and mktime asks for the time
 * zone.
 */
static int64
days_before_month(int year, int month)
{
	static const int days_before[] = {0, 31, 59, 90, 120, 151,
	181, 212, 243, 273, 304, 334};
	int			leap_years;		/* before this month, since year 1 */

	leap_years = month > 2 ? year : year - 1;
	leap_years = leap_years / 4 - leap_years / 100 + leap_years / 400;

	/* 719162 days lie between 0001-01-01 and 1970-01-01 */
	return (int64) (year - 1) * 365 + leap_years + days_before[month - 1] -
		719162;
}

/*
 * Sets *result to the seconds since 1970 of a date, or returns false for one
 * that does not exist.  A day 31 of a shorter month is let through as the day
 * after its last; for a hint that is near enough.
 */
static bool
date_to_time(const HttpDate *date, int64 *result)
{
	size_t		month;

	for (month = 0; month < lengthof(month_names); month++)
	{
		if (strcmp(date->month, month_names[month]) == 0)
			break;
	}
	if (month == lengthof(month_names) || date->year < 1601 ||
		date->year > 9999 || date->day < 1 || date->day > 31 ||
		date->hour < 0 || date->hour > 23 || date->minute < 0 ||
		date->minute > 59 || date->second < 0 || date->second > 60)
		return false;

	*result = days_before_month(date->year, (int) month + 1) + date->day - 1;
	*result =
		*result * 86400 + date->hour * 3600 + date->minute * 60 + date->second;
	return true;
}

/*
 * Sets *result to the time that one of the three forms of an HTTP date means
 * (RFC 9110, section 5.6.7, which asks to read the two old ones as well), or
 * returns false.  The name of the weekday is not checked.
 */
static bool
read_date(const char *value, time_t now, int64 *result)
{
	HttpDate	d = {0};
	int			end = 0;

	/* IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT */
	if (sscanf(value, " %*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT %n",
			   &d.day, d.month, &d.year, &d.hour, &d.minute, &d.second,
			   &end) == 6 &&
		end > 0 && value[end] == '\0')
		return date_to_time(&d, result);

	/* RFC 850: Sunday, 06-Nov-94 08:49:37 GMT */
	if (sscanf(value, " %*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT %n",
			   &d.day, d.month, &d.year, &d.hour, &d.minute, &d.second,
			   &end) == 6 &&
		end > 0 && value[end] == '\0')
	{
		int			this_year = 1970 + (int) (now / (365.2425 * 86400));

		/* the latest year with these digits, 50 years ahead at most */
		d.year += (this_year + 50) / 100 * 100;
		if (d.year > this_year + 50)
			d.year -= 100;
		return date_to_time(&d, result);
	}

	/* asctime: Sun Nov  6 08:49:37 1994 */
	if (sscanf(value, " %*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d %n",
			   d.month, &d.day, &d.hour, &d.minute, &d.second, &d.year,
			   &end) == 6 &&
		end > 0 && value[end] == '\0')
		return date_to_time(&d, result);

	return false;
}

/*
 * Reads the header Retry-After: seconds, or a date to be compared with now.
 * Returns milliseconds, 0 for a date in the past, or RETRY_NO_HINT if it is
 * neither.
 */
int
appconfig_retry_parse_http_hint(const char *value, time_t now)
{
	int64		then;

	if (!read_date(value, now, &then))
		return parse_milliseconds(value, 1000);
	if (then <= (int64) now)
		return 0;
	return (int) Min((then - (int64) now) * 1000, INT_MAX);
}

/*
 * Returns how many seconds the service is ahead of now, after an answer with
 * that Date header, where it was believed to be offset seconds ahead.  As in
 * the SDKs, a difference that does not matter changes nothing, and any answer
 * can set right what another one has said.  A date that is not to be believed
 * changes nothing either: whoever makes us sign for a far year could use the
 * signature then.
 */
long
appconfig_retry_clock_offset(const char *value, time_t now, long offset)
{
	int64		latest = (int64) now >= FIRST_SERVED
	? (int64) now + MAX_AHEAD
	: FIRST_SERVED + MAX_AHEAD_OF_BOOT;
	int64		then;

	if (!read_date(value, now, &then) ||
		then < FIRST_SERVED || then > latest)
		return offset;
	then -= (int64) now;
	return labs((long) then - offset) < TOLERATED_SKEW ? offset : (long) then;
}

/* Makes a bucket full, as a client starts. */
void
appconfig_retry_fill(RetryBucket *bucket)
{
	bucket->tokens = BUCKET_CAPACITY;
}

/*
 * Pays for a retry.  Returns the tokens taken, to be remembered for
 * appconfig_retry_give_back, or 0 if the bucket does not hold enough: then the
 * failure stands.
 */
int
appconfig_retry_take(RetryBucket *bucket)
{
	if (bucket->tokens < RETRY_COST)
		return 0;
	bucket->tokens -= RETRY_COST;
	return RETRY_COST;
}

/*
 * To be called when a request succeeded (status 2xx).  taken is what its last
 * retry cost, 0 if it needed none; earlier retries of the request stay paid.
 */
void
appconfig_retry_give_back(RetryBucket *bucket, int taken)
{
	bucket->tokens += taken > 0 ? taken : NO_RETRY_INCREMENT;
	bucket->tokens = Min(bucket->tokens, BUCKET_CAPACITY);
}
