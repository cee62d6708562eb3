/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  the few functions that make a C program a TAP test
 *
 * Each test is one line of output that says what was checked; what went wrong
 * goes to standard error.  A program includes this once, after
 * "postgres_fe.h", and ends with "return done_testing();".
 *
 * IDENTIFICATION
 *	  test/unit/unit.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdarg.h>

/* not pg_attribute_printf, whose gnu_printf clang does not know */
#define UNIT_PRINTF(which, first) __attribute__((format(printf, which, first)))

static inline bool unit_report(bool passed, const char *format,
							   va_list arguments) UNIT_PRINTF(2, 0);
static inline bool ok(bool passed, const char *format,...) UNIT_PRINTF(2, 3);
static inline bool is_str(const char *got, const char *expected,
						  const char *format,...) UNIT_PRINTF(3, 4);
static inline bool is_int(long long got, long long expected,
						  const char *format,...) UNIT_PRINTF(3, 4);

static int	unit_tests = 0;
static int	unit_failures = 0;

/* Counts and reports one check.  Returns its outcome. */
static inline bool
unit_report(bool passed, const char *format, va_list arguments)
{
	unit_tests++;
	if (!passed)
		unit_failures++;
	printf("%sok %d - ", passed ? "" : "not ", unit_tests);
	vprintf(format, arguments);
	printf("\n");
	fflush(stdout);
	return passed;
}

/* The condition holds. */
static inline bool
ok(bool passed, const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	unit_report(passed, format, arguments);
	va_end(arguments);
	return passed;
}

/* The strings are equal; both may be NULL. */
static inline bool
is_str(const char *got, const char *expected, const char *format,...)
{
	va_list		arguments;
	bool		passed;

	passed = got == NULL || expected == NULL ? got == expected
		: strcmp(got, expected) == 0;
	va_start(arguments, format);
	unit_report(passed, format, arguments);
	va_end(arguments);
	if (!passed)
		fprintf(stderr, "#      got: %s\n# expected: %s\n",
				got != NULL ? got : "(null)",
				expected != NULL ? expected : "(null)");
	return passed;
}

/* The numbers are equal. */
static inline bool
is_int(long long got, long long expected, const char *format,...)
{
	va_list		arguments;
	bool		passed = got == expected;

	va_start(arguments, format);
	unit_report(passed, format, arguments);
	va_end(arguments);
	if (!passed)
		fprintf(stderr, "#      got: %lld\n# expected: %lld\n", got, expected);
	return passed;
}

/* Counts a check that cannot be made here, with the reason. */
static inline void
skip(const char *what, const char *reason)
{
	unit_tests++;
	printf("ok %d - %s # SKIP %s\n", unit_tests, what, reason);
}

/* Prints the plan.  Returns the exit status of the program. */
static inline int
done_testing(void)
{
	printf("1..%d\n", unit_tests);
	return unit_failures == 0 ? 0 : 1;
}

#endif							/* UNIT_H */
