/*-------------------------------------------------------------------------
 *
 * iso8601.c
 *		Moments as AWS writes them
 *
 * What lives here is the profile of ISO 8601 that RFC 3339 defines, in upper
 * case, read without a locale, a time zone or a server: the expiry of
 * credentials, in files, in the environment and in answers.
 *
 * What may not live here: values of columns, which PostgreSQL's own input
 * functions read (row.c).
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "iso8601.h"

/* What is left of a text */
typedef struct Cursor
{
	const char *next;
	const char *end;
} Cursor;

typedef struct Moment
{
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second;
	int			offset;			/* of the zone, in minutes east of UTC */
} Moment;

static bool
take_character(Cursor *cursor, char c)
{
	if (cursor->next == cursor->end || *cursor->next != c)
		return false;
	cursor->next++;
	return true;
}

/* Takes exactly so many digits, whose value must lie between two bounds. */
static bool
take_number(Cursor *cursor, int digits, int least, int most, int *number)
{
	*number = 0;
	while (digits-- > 0)
	{
		if (cursor->next == cursor->end || *cursor->next < '0' ||
			*cursor->next > '9')
			return false;
		*number = *number * 10 + (*cursor->next++ - '0');
	}
	return *number >= least && *number <= most;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool
take_date(Cursor *cursor, Moment *moment)
{
	return take_number(cursor, 4, 1, 9999, &moment->year) &&
		take_character(cursor, '-') &&
		take_number(cursor, 2, 1, 12, &moment->month) &&
		take_character(cursor, '-') &&
		take_number(cursor, 2, 1, days_of_month(moment->year, moment->month),
					&moment->day);
}

/* The second 60 is a leap second. */
static bool
take_time(Cursor *cursor, Moment *moment)
{
	return take_number(cursor, 2, 0, 23, &moment->hour) &&
		take_character(cursor, ':') &&
		take_number(cursor, 2, 0, 59, &moment->minute) &&
		take_character(cursor, ':') &&
		take_number(cursor, 2, 0, 60, &moment->second);
}

/* Digits, of which there must be one, and which count for nothing. */
static bool
take_fraction(Cursor *cursor)
{
	int			digit;

	if (!take_character(cursor, '.'))
		return true;
	if (!take_number(cursor, 1, 0, 9, &digit))
		return false;
	while (cursor->next < cursor->end && *cursor->next >= '0' &&
		   *cursor->next <= '9')
		cursor->next++;
	return true;
}

static bool
take_zone(Cursor *cursor, Moment *moment)
{
	int			hours;
	int			minutes;
	bool		west;

	if (take_character(cursor, 'Z'))
		return true;
	west = take_character(cursor, '-');
	if (!west && !take_character(cursor, '+'))
		return false;
	if (!take_number(cursor, 2, 0, 23, &hours) ||
		!take_character(cursor, ':') ||
		!take_number(cursor, 2, 0, 59, &minutes))
		return false;
	moment->offset = (hours * 60 + minutes) * (west ? -1 : 1);
	return true;
}

/* Days between 1970 and a day of the Gregorian calendar */
static int64
days_since_1970(const Moment *moment)
{
	int64		before = moment->year - 1;
	int64		days = before * 365 + before / 4 - before / 100 + before / 400;
	int			month;

	for (month = 1; month < moment->month; month++)
		days += days_of_month(moment->year, month);
	return days + moment->day - 1 - INT64CONST(719162);
}

/*
 * Reads a moment such as "2026-11-25T10:14:22Z", with an optional fraction,
 * and "Z" or an offset such as "+01:00" (RFC 3339, section 5.6).  The text
 * needs no terminator, and must be the moment and nothing else.
 *
 * Fills *seconds with the seconds since 1970, the fraction cut off, and
 * returns true; returns false, with *seconds undefined, for any other text.
 */
bool
appconfig_iso8601_parse(const char *text, size_t length, int64 *seconds)
{
	Cursor		cursor = {text, text + length};
	Moment		moment = {0};

	if (!take_date(&cursor, &moment) || !take_character(&cursor, 'T') ||
		!take_time(&cursor, &moment) || !take_fraction(&cursor) ||
		!take_zone(&cursor, &moment) || cursor.next != cursor.end)
		return false;

	*seconds = ((days_since_1970(&moment) * 24 + moment.hour) * 60 +
				moment.minute - moment.offset) * 60 + moment.second;
	return true;
}
