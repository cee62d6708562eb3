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
	int64		place = 0;
	int			i;

	for (i = 0; i < count; i++)
		place = appconfig_pacer_take(pacer, now);
	return appconfig_pacer_starts_at(pacer, place, now) - now;
}

/* A pacer that has had time to fill up */
static void
init_full(Pacer *pacer, double max_rate)
{
	appconfig_pacer_init(pacer, max_rate, START - 100 * SECOND);
	take(pacer, 0, START);
}

/* Nearly the same: the last microseconds are lost to rounding. */
static void
is_near(int64 got, int64 expected, const char *what)
{
	if (!ok(got >= expected - 20 && got <= expected + 20, "%s", what))
		fprintf(stderr, "#      got: %lld\n# expected: %lld\n", (long long) got,
				(long long) expected);
}

static void
test_burst(void)
{
	Pacer		pacer;

	init_full(&pacer, 10);
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
test_newcomer(void)
{
	Pacer		pacer;

	appconfig_pacer_init(&pacer, 100, START);
	is_int(take(&pacer, 10, START), 0, "a newcomer starts a tenth of a second's worth at once");
	is_near(take(&pacer, 1, START), SECOND / 300, "others twice as fast again as its rate");
	is_near(take(&pacer, 89, START), 90 * SECOND / 300, "for less than half a second");
	is_near(take(&pacer, 0, START + SECOND / 2), 0, "until it has had a second's worth besides");
	is_near(take(&pacer, 100, START + SECOND), 0, "so that it has had two in the first second");
	is_near(take(&pacer, 1, START + SECOND), SECOND / 100, "and then the rate alone");
	appconfig_pacer_init(&pacer, 1, START);
	is_int(take(&pacer, 1, START), 0, "but one call at least");

	appconfig_pacer_init(&pacer, 100, START);
	take(&pacer, 10, START);
	appconfig_pacer_throttled(&pacer, START, START, 0);
	is_near(take(&pacer, 7, START), SECOND / 10, "a throttle leaves nothing of that");
}

static void
test_queue(void)
{
	Pacer		pacer;
	int64		first;
	int64		second;

	init_full(&pacer, 10);
	take(&pacer, 10, START);
	first = appconfig_pacer_take(&pacer, START);
	second = appconfig_pacer_take(&pacer, START);
	is_near(appconfig_pacer_starts_at(&pacer, first, START + SECOND / 20) - START,
			SECOND / 10, "a place keeps its time");
	is_near(appconfig_pacer_starts_at(&pacer, second, START + SECOND / 20) - START,
			SECOND / 5, "so does the one behind it");
	is_int(appconfig_pacer_starts_at(&pacer, first, START + SECOND / 10 + 20) - START,
		   SECOND / 10 + 20, "until it has come");
	appconfig_pacer_give_back(&pacer, first);
	is_near(appconfig_pacer_starts_at(&pacer, second, START + SECOND / 10) - START,
			SECOND / 10, "who gives a place back lets others come forward");
	appconfig_pacer_give_back(&pacer, second);
	is_near(take(&pacer, 1, START + SECOND / 10), 0, "the last place of all can be taken again");
}

static void
test_rates(void)
{
	Pacer		pacer;

	init_full(&pacer, 1);
	is_int(take(&pacer, 1, START), 0, "one a second: the first at once");
	is_near(take(&pacer, 1, START), SECOND, "the second after a second");

	init_full(&pacer, 0.25);
	is_int(take(&pacer, 1, START), 0, "one in four seconds: the first at once");
	is_near(take(&pacer, 1, START), 4 * SECOND, "the second after four seconds");
	is_near(take(&pacer, 1, START + 4 * SECOND), 4 * SECOND, "and so on");
	is_int(take(&pacer, 1, START + 1000 * SECOND), 0, "again one at once after a rest");
	is_near(take(&pacer, 1, START + 1000 * SECOND), 4 * SECOND, "but only one");

	init_full(&pacer, 2.5);
	is_int(take(&pacer, 2, START), 0, "2.5 a second: two at once");
	is_near(take(&pacer, 1, START), SECOND / 5, "the third when it is due");

	init_full(&pacer, 1e6);
	is_int(take(&pacer, 1000000, START), 0, "a million a second");
	ok(take(&pacer, 1000, START) <= SECOND / 1000 + 20, "and a thousand more in a millisecond");

	init_full(&pacer, 100);
	appconfig_pacer_set_max_rate(&pacer, 10, START);
	is_int(take(&pacer, 10, START), 0, "a lower limit: its burst");
	is_near(take(&pacer, 1, START), SECOND / 10, "and its rate");
	appconfig_pacer_set_max_rate(&pacer, 100, START + SECOND);
	take(&pacer, 100, START + 3 * SECOND);
	is_near(take(&pacer, 1, START + 3 * SECOND), SECOND / 100, "a higher one again");
}

static void
test_throttle(void)
{
	Pacer		pacer;
	int			i;

	init_full(&pacer, 100);
	take(&pacer, 10, START);
	appconfig_pacer_throttled(&pacer, START, START, 0);
	is_near((int64) (pacer.rate * 1000), 70000, "a throttle lowers the rate");
	is_near(take(&pacer, 1, START), SECOND / 70, "and nothing starts at once");
	is_near(take(&pacer, 1, START), 2 * SECOND / 70, "calls are further apart");

	/* one lesson a time */
	appconfig_pacer_throttled(&pacer, START - 1, START + 1000, 0);
	ok(pacer.rate > 69, "a call that went out before says nothing new");
	appconfig_pacer_throttled(&pacer, START + 1, START + 1000, 0);
	ok(pacer.rate < 50, "one that went out after it does");

	/* a pause, for longer each time that it has not helped */
	init_full(&pacer, 100);
	appconfig_pacer_throttled(&pacer, START, START, 0.5);
	is_near(take(&pacer, 1, START), SECOND / 20 + SECOND / 70, "a pause");
	appconfig_pacer_throttled(&pacer, START + 1, START + 1, 0.5);
	is_near(pacer.paused_until - START - 1, SECOND / 10, "a longer one after one more");
	for (i = 2; i < 1000; i++)
		appconfig_pacer_throttled(&pacer, START + i, START + i, 0.999999);
	is_near(pacer.paused_until - START - 999, (int64) (1.999998 * SECOND), "but not for ever");
	appconfig_pacer_passed(&pacer, START);
	ok(pacer.misses > 0, "an old success is none");
	appconfig_pacer_passed(&pacer, START + SECOND);
	is_int(pacer.misses, 0, "a new one ends that");
	ok(pacer.rate >= 1, "the rate stays above zero after many throttles");

	/* the promises of before a throttle are kept in mind */
	init_full(&pacer, 10);
	take(&pacer, 30, START);
	appconfig_pacer_throttled(&pacer, START, START, 0);
	ok(take(&pacer, 1, START) >= 2 * SECOND, "a throttle forgives no debt");

	init_full(&pacer, 0.5);
	appconfig_pacer_throttled(&pacer, START, START, 0);
	ok(take(&pacer, 1, START) >= 2 * SECOND, "a low rate is lowered, too");
	ok(pacer.rate > 0 && pacer.rate < 0.5, "but stays above zero");
}

/* The rate so many tenths of a second after START */
static double
rate_at(Pacer *pacer, int tenths)
{
	take(pacer, 0, START + tenths * SECOND / 10);
	return pacer->rate;
}

static void
test_recovery(void)
{
	Pacer		pacer;
	double		slow;

	init_full(&pacer, 100);
	appconfig_pacer_throttled(&pacer, START, START, 0);
	ok(rate_at(&pacer, 10) > 80, "the rate comes back soon");
	slow = rate_at(&pacer, 35);
	ok(slow > 98 && slow < 100, "but slowly near the one that was too much");
	ok(rate_at(&pacer, 43) == 100, "and is what it was after four seconds");
	ok(rate_at(&pacer, 200) == 100, "and no more");

	/* a small share of the limit */
	init_full(&pacer, 100);
	pacer.rate = 4;
	appconfig_pacer_throttled(&pacer, START, START, 0);
	ok(rate_at(&pacer, 15) >= 4 && rate_at(&pacer, 15) < 4.1, "the same of a low rate");
	ok(rate_at(&pacer, 40) > 8, "which doubles some seconds later");
	ok(rate_at(&pacer, 85) == 100, "and finds the limit again, where nobody else is there");
}

/*
 * A service with a bucket of one second's worth, and a client that has more
 * calls than that: how many of them come through in so many seconds?
 */
static void
test_service(double limit)
{
	Pacer		pacer;
	double		tokens = limit;
	int64		place = 0;
	int			passed = 0;
	int			throttled = 0;
	int			late = 0;
	int			i;

	appconfig_pacer_init(&pacer, 100, START);
	for (i = 0; i < 60000; i++)
	{
		int64		now = START + i * SECOND / 1000;

		tokens = Min(tokens + limit / 1000, limit);
		if (place == 0)
			place = appconfig_pacer_take(&pacer, now);
		if (appconfig_pacer_starts_at(&pacer, place, now) > now)
			continue;
		place = 0;
		if (tokens >= 1)
		{
			tokens -= 1;
			passed++;
			appconfig_pacer_passed(&pacer, now);
			continue;
		}
		throttled++;
		late += i > 10000;
		/* the answer takes a millisecond */
		appconfig_pacer_throttled(&pacer, now, now + SECOND / 1000, 0.5);
	}
	ok(passed >= 0.9 * 60 * limit, "%.0f a second: 90 %% of the limit is used (%d passed, %d throttled)",
	   limit, passed, throttled);
	ok(late <= 50 * 2, "and a throttle is rare once it has been found (%d in 50 s)", late);
}

static void
test_clock(void)
{
	Pacer		pacer;

	appconfig_pacer_init(&pacer, 10, 0);
	is_int(take(&pacer, 1, 0), 0, "a clock may begin at zero");
	is_int(take(&pacer, 10, INT64CONST(1) << 60), 0, "and be far ahead");
	pacer.credit = 0;
	is_near(take(&pacer, 1, START), SECOND / 10, "one that goes back gives nothing");
}

int
main(void)
{
	test_burst();
	test_newcomer();
	test_queue();
	test_rates();
	test_throttle();
	test_recovery();
	test_service(100);
	test_service(60);
	test_service(10);
	test_service(3);
	test_clock();
	return done_testing();
}
