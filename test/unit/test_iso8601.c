/*-------------------------------------------------------------------------
 *
 * test_iso8601.c
 *	  unit tests of src/iso8601.c
 *
 * IDENTIFICATION
 *	  test/unit/test_iso8601.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <time.h>

#include "iso8601.h"

#include "unit.h"

typedef struct ExpectedMoment
{
	const char *text;
	int64		seconds;
} ExpectedMoment;

static const ExpectedMoment moments[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"1969-12-31T23:59:59Z", -1},
	{"2014-01-09T10:11:15Z", 1389262275},
	{"2026-11-25T10:14:22Z", 1795601662},
	{"2026-11-25T10:14:22.5Z", 1795601662},
	{"2026-11-25T10:14:22.999999999999999Z", 1795601662},
	{"2022-05-02T18:36:00+00:00", 1651516560},
	{"2022-05-02T18:36:00-00:00", 1651516560},
	{"2022-05-02T20:36:00+02:00", 1651516560},
	{"2022-05-02T14:06:00-04:30", 1651516560},
	{"2024-02-29T00:00:00Z", 1709164800},
	{"2000-02-29T23:59:60Z", 951868800},
	{"0001-01-01T00:00:00Z", INT64CONST(-62135596800)},
	{"9999-12-31T23:59:59Z", INT64CONST(253402300799)},
};

static const char *const refused[] = {
	"",
	"now",
	"infinity",
	"2026-11-25",
	"2026-11-25T10:14:22",
	"2026-11-25 10:14:22Z",
	"2026-11-25t10:14:22Z",
	"2026-11-25T10:14:22z",
	"2026-11-25T10:14Z",
	"2026-11-25T10:14:22.Z",
	"2026-11-25T10:14:22,5Z",
	"2026-11-25T10:14:22Z ",
	" 2026-11-25T10:14:22Z",
	"2026-11-25T10:14:22ZZ",
	"2026-11-25T10:14:22+0100",
	"2026-11-25T10:14:22+01",
	"2026-11-25T10:14:22+24:00",
	"2026-11-25T10:14:22+01:60",
	"2026-11-25T10:14:22\xe2\x88\x92" "01:00",
	"2026-11-25T24:00:00Z",
	"2026-11-25T10:60:00Z",
	"2026-11-25T10:14:61Z",
	"2026-00-25T10:14:22Z",
	"2026-13-25T10:14:22Z",
	"2026-11-00T10:14:22Z",
	"2026-11-31T10:14:22Z",
	"2026-02-29T10:14:22Z",
	"1900-02-29T10:14:22Z",
	"0000-01-01T00:00:00Z",
	"20261125T101422Z",
	"2026-1-25T10:14:22Z",
	"12026-11-25T10:14:22Z",
	"-026-11-25T10:14:22Z",
	"+026-11-25T10:14:22Z",
	"1795601662",
};

/* Each day of some centuries, as the C library counts them */
static void
test_days(void)
{
	int64		day;
	int			different = 0;

	for (day = -40000; day < 100000; day++)
	{
		time_t		moment = (time_t) (day * 86400);
		struct tm	utc;
		char		text[32];
		int64		seconds;

		gmtime_r(&moment, &utc);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
		if (!appconfig_iso8601_parse(text, strlen(text), &seconds) ||
			seconds != day * 86400)
			different++;
	}
	is_int(different, 0, "140 000 days as the C library counts them");
}

int
main(void)
{
	static const char with_zero[] = "2026-11-25T10:14:22Z";
	int64		seconds;
	size_t		i;

	for (i = 0; i < lengthof(moments); i++)
	{
		const char *text = moments[i].text;

		if (ok(appconfig_iso8601_parse(text, strlen(text), &seconds),
			   "%s is a moment", text))
			is_int(seconds, moments[i].seconds, "seconds of %s", text);
	}
	for (i = 0; i < lengthof(refused); i++)
		ok(!appconfig_iso8601_parse(refused[i], strlen(refused[i]), &seconds),
		   "refused: %s", refused[i]);

	/* each text that is cut off, and one with a zero byte behind */
	for (i = 0; i < strlen(with_zero); i++)
		ok(!appconfig_iso8601_parse(with_zero, i, &seconds),
		   "refused: the first %d bytes", (int) i);
	ok(!appconfig_iso8601_parse(with_zero, sizeof(with_zero), &seconds),
	   "refused: a zero byte behind it");
	test_days();
	return done_testing();
}
