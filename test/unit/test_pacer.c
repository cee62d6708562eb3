/*-------------------------------------------------------------------------
 *
 * test_pacer.c
 *	  unit tests of src/pacer.c
 *
 * IDENTIFICATION
 *	  test/unit/test_pacer.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "pacer.h"

#include "unit.h"

#define SECOND INT64CONST(1000000)

/* any moment will do as the first */
#define START (INT64CONST(123456789) * SECOND)

/*
 * Takes count places at one moment; returns when the last of them may start,
 * in microseconds from that moment.
 */
static int64
take(Pacer *pacer, int count, int64 now)
{
	int64		at = now;
	int			i;

	for (i = 0; i < count; i++)
		at = appconfig_pacer_take(pacer, now);
	return at - now;
}

/* Nearly the same: the last microsecond is lost to rounding. */
static void
is_near(int64 got, int64 expected, const char *what)
{
	if (!ok(got >= expected - 2 && got <= expected + 2, "%s", what))
		fprintf(stderr, "#      got: %lld\n# expected: %lld\n", (long long) got,
				(long long) expected);
}

static void
test_burst(void)
{
	Pacer		pacer;

	appconfig_pacer_init(&pacer, 10, START);
	is_int(take(&pacer, 10, START), 0, "a second's worth starts at once");
	is_near(take(&pacer, 1, START), SECOND / 10, "the next call waits its turn");
	is_near(take(&pacer, 1, START), SECOND / 5, "and the one behind it longer");
	is_near(take(&pacer, 8, START), SECOND, "ten more are done in a second");

	/* what has been promised is not given again */
	is_near(take(&pacer, 1, START + SECOND / 2), SECOND / 2 + SECOND / 10,
			"later calls come behind the earlier ones");
	is_near(take(&pacer, 1, START + SECOND), SECOND / 5, "wherever the clock stands");
	is_int(take(&pacer, 8, START + 2 * SECOND), 0, "time gives places back");
	is_near(take(&pacer, 1, START + 2 * SECOND), SECOND / 10, "but no more than that");
	is_int(take(&pacer, 10, START + 3600 * SECOND), 0,
		   "after a long rest there is a second's worth");
	is_near(take(&pacer, 1, START + 3600 * SECOND), SECOND / 10, "not an hour's");
}

static void
test_rates(void)
{
	Pacer		pacer;

	appconfig_pacer_init(&pacer, 0, START);
	is_int(take(&pacer, 100000, START), 0, "a rate of 0 is no limit");
	appconfig_pacer_throttled(&pacer, START);
	is_int(take(&pacer, 100000, START), 0, "not even after a throttle");

	appconfig_pacer_init(&pacer, 1, START);
	is_int(take(&pacer, 1, START), 0, "one a second: the first at once");
	is_near(take(&pacer, 1, START), SECOND, "the second after a second");

	appconfig_pacer_init(&pacer, 0.25, START);
	is_int(take(&pacer, 1, START), 0, "one in four seconds: the first at once");
	is_near(take(&pacer, 1, START), 4 * SECOND, "the second after four seconds");
	is_near(take(&pacer, 1, START + 4 * SECOND), 4 * SECOND, "and so on");
	is_int(take(&pacer, 1, START + 1000 * SECOND), 0, "again one at once after a rest");
	is_near(take(&pacer, 1, START + 1000 * SECOND), 4 * SECOND, "but only one");

	appconfig_pacer_init(&pacer, 2.5, START);
	is_int(take(&pacer, 2, START), 0, "2.5 a second: two at once");
	is_near(take(&pacer, 1, START), SECOND / 5, "the third when it is due");

	appconfig_pacer_init(&pacer, 1e6, START);
	is_int(take(&pacer, 1000000, START), 0, "a million a second");
	ok(take(&pacer, 1000, START) <= SECOND / 1000 + 2, "and a thousand more in a millisecond");
}

static void
test_throttle(void)
{
	Pacer		pacer;
	int64		first;
	int64		now;
	int			i;

	appconfig_pacer_init(&pacer, 100, START);
	take(&pacer, 10, START);
	appconfig_pacer_throttled(&pacer, START);
	first = take(&pacer, 1, START);
	ok(first > SECOND / 100, "after a throttle nothing starts at once");
	ok(pacer.rate < 100, "and the rate is lower");
	ok(take(&pacer, 1, START) - first > SECOND / 100, "so that calls are further apart");

	/* it gets no lower than some calls a second */
	for (i = 0; i < 1000; i++)
		appconfig_pacer_throttled(&pacer, START);
	ok(pacer.rate > 0, "the rate stays above zero after many throttles");
	ok(take(&pacer, 1, START) < 3600 * SECOND, "and a call starts within the hour");

	/* and comes back */
	now = START + 10 * SECOND;
	take(&pacer, 1, now);
	ok(pacer.rate > 5, "time raises the rate");
	ok(pacer.rate <= 100, "up to the one configured");
	now = START + 3600 * SECOND;
	is_int(take(&pacer, 100, now), 0, "an hour later it is all there again");
	is_near(take(&pacer, 1, now), SECOND / 100, "and no more");

	/* the promises of before a throttle are kept in mind */
	appconfig_pacer_init(&pacer, 10, START);
	take(&pacer, 30, START);
	appconfig_pacer_throttled(&pacer, START);
	ok(take(&pacer, 1, START) >= 2 * SECOND, "a throttle forgives no debt");

	appconfig_pacer_init(&pacer, 0.5, START);
	appconfig_pacer_throttled(&pacer, START);
	ok(take(&pacer, 1, START) >= 2 * SECOND, "a low rate is lowered, too");
	ok(pacer.rate > 0 && pacer.rate < 0.5, "but stays above zero");
}

static void
test_clock(void)
{
	Pacer		pacer;

	appconfig_pacer_init(&pacer, 10, 0);
	is_int(take(&pacer, 10, 0), 0, "a clock may begin at zero");
	is_int(take(&pacer, 10, INT64CONST(1) << 60), 0, "and be far ahead");
}

int
main(void)
{
	test_burst();
	test_rates();
	test_throttle();
	test_clock();
	return done_testing();
}
