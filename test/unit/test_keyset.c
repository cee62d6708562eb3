/*-------------------------------------------------------------------------
 *
 * test_keyset.c
 *	  unit tests of src/keyset.c
 *
 * Predicates are written as trees of the calls below; what a set holds is
 * asked for item by item, as the cursor does.
 *
 * IDENTIFICATION
 *	  test/unit/test_keyset.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "keyset.h"

#include "unit.h"

/*
 * keyset.c frees nothing, since a backend's memory contexts do: no leak is meant
 * to be found.
 */
extern const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* The values of the predicate at hand. */
static KeyOperand operands[100000];
static int	operands_count = 0;

/* ------------------------------------------------------------------------
 * Predicates
 * ------------------------------------------------------------------------
 */
static KeyExpr *
leaf(KeyExprKind kind, AppConfigKey key)
{
	KeyExpr    *expr = palloc0(sizeof(KeyExpr));

	expr->kind = kind;
	expr->key = key;
	expr->operand = operands_count++;
	memset(&operands[expr->operand], 0, sizeof(KeyOperand));
	return expr;
}

/* key = one of count texts */
static KeyExpr *
text_in(AppConfigKey key, int count,...)
{
	KeyExpr    *expr = leaf(KEY_EXPR_IN, key);
	KeyOperand *operand = &operands[expr->operand];
	va_list		texts;
	int			i;

	operand->texts = palloc(sizeof(char *) * (count + 1));
	va_start(texts, count);
	for (i = 0; i < count; i++)
		operand->texts[operand->nvalues++] = va_arg(texts, char *);
	va_end(texts);
	return expr;
}

/* run compared with one of count numbers */
static KeyExpr *
run_is(KeyExprKind kind, int count,...)
{
	KeyExpr    *expr = leaf(kind, KEY_RUN);
	KeyOperand *operand = &operands[expr->operand];
	va_list		numbers;
	int			i;

	operand->numbers = palloc(sizeof(int64) * (count + 1));
	va_start(numbers, count);
	for (i = 0; i < count; i++)
		operand->numbers[operand->nvalues++] = va_arg(numbers, int64);
	va_end(numbers);
	return expr;
}

#define RUN_IN(...) \
	run_is(KEY_EXPR_IN, lengthof(((int64[]) {__VA_ARGS__})), __VA_ARGS__)
#define N(number) INT64CONST(number)

static KeyExpr *
unbounded(AppConfigKey key)
{
	KeyExpr    *expr = leaf(KEY_EXPR_IN, key);

	operands[expr->operand].unbounded = true;
	return expr;
}

static KeyExpr *
join(KeyExprKind kind, int count,...)
{
	KeyExpr    *expr = palloc0(sizeof(KeyExpr));
	va_list		args;
	int			i;

	expr->kind = kind;
	expr->args = palloc(sizeof(KeyExpr *) * (count + 1));
	va_start(args, count);
	for (i = 0; i < count; i++)
		expr->args[expr->nargs++] = va_arg(args, KeyExpr *);
	va_end(args);
	return expr;
}

#define AND2(a, b) join(KEY_EXPR_AND, 2, (a), (b))
#define AND3(a, b, c) join(KEY_EXPR_AND, 3, (a), (b), (c))
#define OR2(a, b) join(KEY_EXPR_OR, 2, (a), (b))
#define NEVER() join(KEY_EXPR_NEVER, 0)
#define APPLICATION(text) text_in(KEY_APPLICATION_ID, 1, (text))
#define DEFINITION(text) text_in(KEY_DEFINITION_ID, 1, (text))

static KeySet *
evaluate(KeyExpr *expr)
{
	KeySet	   *set = appconfig_keyset_evaluate(expr, operands);

	operands_count = 0;
	return set;
}

/* ------------------------------------------------------------------------
 * Items
 * ------------------------------------------------------------------------
 */

/* NULL and a run of -1 for what is not known */
static KnownKeys
item_keys(const char *application, const char *definition, int64 run)
{
	KnownKeys	keys = {{NULL}};

	if (run != -1)
		keys.text[KEY_RUN] = psprintf("%lld", (long long) run);
	keys.text[KEY_APPLICATION_ID] = application;
	keys.text[KEY_DEFINITION_ID] = definition;
	return keys;
}

static bool
has(const KeySet *set, const char *application, const char *definition, int64 run)
{
	KnownKeys	item = item_keys(application, definition, run);

	return appconfig_keyset_contains(set, &item);
}

/* The values joined by commas, "any" if there is no bound. */
static const char *
texts_of(const KeySet *set, AppConfigKey key)
{
	static char buffer[1000];
	KeyTexts   *texts = appconfig_keyset_texts(set, key);
	int			i;

	if (texts == NULL)
		return "any";
	buffer[0] = '\0';
	for (i = 0; i < texts->count; i++)
		snprintf(buffer + strlen(buffer), sizeof(buffer) - strlen(buffer), "%s%s",
				 i > 0 ? "," : "", texts->value[i]);
	return buffer;
}

static const char *
runs_of(const KeySet *set)
{
	return texts_of(set, KEY_RUN);
}

/* ------------------------------------------------------------------------
 * Tests
 * ------------------------------------------------------------------------
 */
static void
test_everything(void)
{
	KeySet	   *set = evaluate(NULL);

	is_int(set->count, 1, "no predicate is one box");
	ok(has(set, "a", "d", 1) && has(set, "a", "d", PG_INT32_MAX), "which holds everything");
	ok(!has(set, "a", "d", 0) && !has(set, "a", "d", PG_INT32_MAX + INT64CONST(1)),
	   "but runs that there cannot be");
	is_str(texts_of(set, KEY_APPLICATION_ID), "any", "any application");
	is_str(runs_of(set), "any", "any run");
	is_int(evaluate(NEVER())->count, 0, "NEVER is no box");
	is_str(texts_of(evaluate(NEVER()), KEY_APPLICATION_ID), "", "without a value");
	is_int(evaluate(unbounded(KEY_APPLICATION_ID))->count, 1, "what says nothing is everything");
	is_int(evaluate(join(KEY_EXPR_AND, 0))->count, 1, "so is an AND of nothing");
	is_int(evaluate(join(KEY_EXPR_OR, 0))->count, 0, "and an OR of nothing is nothing");
}

static void
test_texts(void)
{
	KeySet	   *set = evaluate(APPLICATION("a"));

	ok(has(set, "a", "d", 1) && !has(set, "b", "d", 1), "an application");
	ok(has(set, NULL, "d", 1), "an item whose application is not known may be it");
	ok(!has(set, "A", "d", 1) && !has(set, "", "d", 1) && !has(set, "ab", "d", 1),
	   "texts are compared byte by byte");
	is_str(texts_of(set, KEY_DEFINITION_ID), "any", "its definitions are open");

	set = evaluate(text_in(KEY_APPLICATION_ID, 5, "c", "a", "b", "a", "c"));
	is_str(texts_of(set, KEY_APPLICATION_ID), "a,b,c", "several: in order, each once");
	is_int(evaluate(text_in(KEY_APPLICATION_ID, 0))->count, 0, "of an empty list");
	is_int(evaluate(APPLICATION(""))->count, 0, "no id is empty");
	is_int(evaluate(APPLICATION("."))->count, 0, "or a dot");
	is_int(evaluate(DEFINITION(".."))->count, 0, "or two");
	is_str(texts_of(evaluate(text_in(KEY_APPLICATION_ID, 4, "", ".", "...", "..")),
					KEY_APPLICATION_ID),
		   "...", "but three may be, for all we know");
	is_str(texts_of(evaluate(text_in(KEY_APPLICATION_NAME, 3, "", ".", "..")),
					KEY_APPLICATION_NAME),
		   ".,..", "names may be dots, but not empty");
	is_int(evaluate(text_in(KEY_STATUS, 1, ""))->count, 1, "a status may be empty");
}

static void
test_runs(void)
{
	KeySet	   *set = evaluate(RUN_IN(N(3), N(1), N(2), N(3)));

	is_str(runs_of(set), "1,2,3", "runs in order, each once");
	ok(has(set, "a", "d", 2) && !has(set, "a", "d", 4) && has(set, "a", "d", -1),
	   "and no others, if the run is known");
	is_str(runs_of(evaluate(RUN_IN(N(0), N(-1), N(1), N(2147483647), N(2147483648),
								   PG_INT64_MIN, PG_INT64_MAX))),
		   "1,2147483647", "those that there can be");
	is_int(evaluate(RUN_IN(N(0)))->count, 0, "zero is no run");
	is_int(evaluate(run_is(KEY_EXPR_IN, 0))->count, 0, "nor is anything of an empty list");

	set = evaluate(run_is(KEY_EXPR_GREATER, 1, N(5)));
	ok(!has(set, "a", "d", 5) && has(set, "a", "d", 6), "run > 5");
	is_str(runs_of(set), "any", "is a range");
	set = evaluate(run_is(KEY_EXPR_GREATER_EQUAL, 1, N(5)));
	ok(!has(set, "a", "d", 4) && has(set, "a", "d", 5), "run >= 5");
	set = evaluate(run_is(KEY_EXPR_LESS, 1, N(5)));
	ok(has(set, "a", "d", 4) && !has(set, "a", "d", 5), "run < 5");
	set = evaluate(run_is(KEY_EXPR_LESS_EQUAL, 1, N(5)));
	ok(has(set, "a", "d", 5) && !has(set, "a", "d", 6), "run <= 5");

	is_int(evaluate(run_is(KEY_EXPR_LESS, 1, N(1)))->count, 0, "run < 1 is nothing");
	is_int(evaluate(run_is(KEY_EXPR_LESS_EQUAL, 1, N(0)))->count, 0, "run <= 0 is nothing");
	is_int(evaluate(run_is(KEY_EXPR_GREATER, 1, N(2147483647)))->count, 0, "nor is what is above integers");
	is_int(evaluate(run_is(KEY_EXPR_LESS, 1, PG_INT64_MIN))->count, 0, "nor below the least");
	is_int(evaluate(run_is(KEY_EXPR_GREATER, 1, PG_INT64_MAX))->count, 0, "or above the greatest number");
	is_int(evaluate(run_is(KEY_EXPR_LESS, 1, PG_INT64_MAX))->count, 1, "below the greatest is everything");
	is_int(evaluate(run_is(KEY_EXPR_GREATER_EQUAL, 1, PG_INT64_MIN))->count, 1, "and above the least");
	is_int(evaluate(run_is(KEY_EXPR_LESS, 0))->count, 0, "run < NULL is nothing");
	is_int(evaluate(run_is(KEY_EXPR_GREATER_EQUAL, 0))->count, 0, "run >= NULL is nothing");
	is_str(runs_of(evaluate(run_is(KEY_EXPR_LESS, 1, N(2)))), "1", "run < 2 is one run");
	is_str(runs_of(evaluate(run_is(KEY_EXPR_GREATER_EQUAL, 1, N(2147483647)))), "2147483647",
		   "and so is the last");
}

static void
test_and(void)
{
	KeySet	   *set;

	set = evaluate(AND3(APPLICATION("a"), DEFINITION("d"), RUN_IN(N(1), N(2))));
	is_int(set->count, 1, "a conjunction is one box");
	ok(has(set, "a", "d", 1) && !has(set, "a", "d", 3) && !has(set, "a", "e", 1) &&
	   !has(set, "b", "d", 1), "that holds what all its parts do");
	set = evaluate(AND2(text_in(KEY_APPLICATION_ID, 3, "a", "b", "c"),
						text_in(KEY_APPLICATION_ID, 3, "b", "c", "d")));
	is_str(texts_of(set, KEY_APPLICATION_ID), "b,c", "lists intersect");
	is_int(evaluate(AND2(APPLICATION("a"), APPLICATION("b")))->count, 0, "contradictory ids");
	is_int(evaluate(AND2(RUN_IN(N(1)), RUN_IN(N(2))))->count, 0, "contradictory runs");
	is_int(evaluate(AND2(run_is(KEY_EXPR_GREATER, 1, N(5)), run_is(KEY_EXPR_LESS, 1, N(5))))->count, 0,
		   "an empty range");
	is_str(runs_of(evaluate(AND2(run_is(KEY_EXPR_GREATER_EQUAL, 1, N(5)), run_is(KEY_EXPR_LESS_EQUAL, 1, N(5))))),
		   "5", "BETWEEN 5 AND 5");
	is_str(runs_of(evaluate(AND2(run_is(KEY_EXPR_GREATER, 1, N(1)), RUN_IN(N(1), N(2), N(3))))), "2,3",
		   "a list within a range");
	is_str(runs_of(evaluate(AND3(RUN_IN(N(1), N(2), N(3), N(4)), RUN_IN(N(2), N(3), N(9)), run_is(KEY_EXPR_LESS, 1, N(3))))),
		   "2", "and within another list");
	is_str(runs_of(evaluate(AND3(run_is(KEY_EXPR_LESS, 1, N(9)), RUN_IN(N(8), N(9)), run_is(KEY_EXPR_GREATER, 1, N(7))))),
		   "8", "in whatever order they come");
	is_int(evaluate(AND2(APPLICATION("a"), NEVER()))->count, 0, "with NEVER");
	set = evaluate(AND3(unbounded(KEY_APPLICATION_ID), DEFINITION("d"), unbounded(KEY_RUN)));
	ok(has(set, "x", "d", 7) && !has(set, "x", "e", 7), "what says nothing takes nothing away");
	/* the same values again leave the first set as it was */
	set = evaluate(AND2(RUN_IN(N(1), N(2)), RUN_IN(N(1), N(2))));
	is_str(runs_of(set), "1,2", "the same twice");
}

static void
test_or(void)
{
	KeySet	   *set;
	KnownKeys	known;

	set = evaluate(OR2(AND2(APPLICATION("a"), RUN_IN(N(1))), AND2(APPLICATION("b"), RUN_IN(N(2)))));
	ok(has(set, "a", "d", 1) && has(set, "b", "d", 2) && !has(set, "a", "d", 2) && !has(set, "b", "d", 1),
	   "a disjunction keeps its pairs apart");
	is_str(texts_of(set, KEY_APPLICATION_ID), "a,b", "though its values are known together");
	is_str(runs_of(set), "1,2", "the runs, too");
	known = item_keys("b", NULL, -1);
	is_str(runs_of(appconfig_keyset_restrict(set, &known)), "2", "restricted to one");
	known = item_keys("c", NULL, -1);
	is_int(appconfig_keyset_restrict(set, &known)->count, 0, "or to none");
	known = item_keys(NULL, NULL, 1);
	is_str(texts_of(appconfig_keyset_restrict(set, &known), KEY_APPLICATION_ID), "a", "or by the run");
	is_int(set->count, 2, "and still as it was");

	set = evaluate(OR2(APPLICATION("a"), RUN_IN(N(1))));
	is_str(texts_of(set, KEY_APPLICATION_ID), "any", "a key that one side leaves open");
	ok(has(set, "a", "d", 9) && has(set, "z", "d", 1) && !has(set, "z", "d", 9), "but not each item");
	is_str(runs_of(set), "any", "nor any run");
	set = evaluate(OR2(APPLICATION("a"), unbounded(KEY_APPLICATION_ID)));
	ok(has(set, "z", "d", 1), "with a side that says nothing: everything");
	set = evaluate(OR2(NEVER(), APPLICATION("a")));
	ok(has(set, "a", "d", 1) && !has(set, "z", "d", 1), "with one that is never true: the other");
	is_int(evaluate(OR2(RUN_IN(N(0)), AND2(APPLICATION("a"), APPLICATION("b"))))->count, 0,
		   "of impossible sides: nothing");
	set = evaluate(AND2(OR2(APPLICATION("a"), APPLICATION("b")), OR2(RUN_IN(N(1)), RUN_IN(N(2)))));
	ok(has(set, "a", "d", 2) && has(set, "b", "d", 1) && !has(set, "c", "d", 1) && !has(set, "a", "d", 3),
	   "an AND of ORs");
	set = evaluate(OR2(AND2(OR2(APPLICATION("a"), APPLICATION("b")), APPLICATION("b")), NEVER()));
	is_str(texts_of(set, KEY_APPLICATION_ID), "b", "an OR of ANDs of ORs");
	set = evaluate(OR2(run_is(KEY_EXPR_LESS, 1, N(3)), run_is(KEY_EXPR_GREATER, 1, N(8))));
	ok(has(set, "a", "d", 2) && !has(set, "a", "d", 3) && !has(set, "a", "d", 8) && has(set, "a", "d", 9),
	   "two ranges");
}

/* count disjuncts of the kind (a_i AND b_i) */
static KeyExpr *
many_pairs(int count, int first)
{
	KeyExpr    *expr = join(KEY_EXPR_OR, 0);
	int			i;

	expr->args = palloc(sizeof(KeyExpr *) * (count + 1));
	for (i = 0; i < count; i++)
	{
		char	   *text = psprintf("a%d", first + i);

		expr->args[expr->nargs++] = AND2(APPLICATION(text), RUN_IN((int64) first + i));
	}
	return expr;
}

static void
test_caps(void)
{
	KeySet	   *set = evaluate(many_pairs(5000, 1));

	ok(has(set, "a5000", "d", 5000) && !has(set, "a5000", "d", 4999) && !has(set, "a6000", "d", 6000),
	   "a long disjunction is exact");
	set = evaluate(many_pairs(20000, 1));
	ok(has(set, "a20000", "d", 20000) && has(set, "a1", "d", 1), "one too long loses nothing");
	set = evaluate(AND2(many_pairs(20000, 1), DEFINITION("d")));
	ok(has(set, "a20000", "d", 20000) && !has(set, "a1", "e", 1), "and other clauses stay");
	set = evaluate(AND2(many_pairs(300, 1), many_pairs(300, 1)));
	ok(has(set, "a300", "d", 300) && has(set, "a1", "d", 1), "a large product loses nothing");
	is_int(evaluate(AND2(many_pairs(20000, 1), NEVER()))->count, 0, "nothing is nothing, however long the rest");
	set = evaluate(AND2(AND2(many_pairs(300, 1), many_pairs(300, 1)), RUN_IN(N(7))));
	ok(has(set, "a7", "d", 7) && !has(set, "a8", "d", 8), "what follows still narrows it");
}

/*
 * Every set is a superset of what its predicate asks for, however it is put.
 */
static void
test_superset(void)
{
	static const char *const names[] = {"a", "b", "c"};
	unsigned	seed = 12345;
	int			missed = 0;
	int			exact = 0;
	int			trials = 0;
	int			round;

	for (round = 0; round < 2000; round++)
	{
		/* (app in x OR run < y) AND (run in z OR def in w) */
		int			bits[6];
		int			i;
		int			run;
		KeyExpr    *app;
		KeyExpr    *def;
		KeySet	   *set;

		for (i = 0; i < 6; i++)
		{
			seed = seed * 1103515245 + 12345;
			bits[i] = (seed >> 16) % 4;
		}
		app = text_in(KEY_APPLICATION_ID, 2, names[bits[0] % 3], names[bits[1] % 3]);
		def = text_in(KEY_DEFINITION_ID, 1, names[bits[2] % 3]);
		set = evaluate(AND2(OR2(app, run_is(KEY_EXPR_LESS, 1, (int64) bits[3])),
							OR2(RUN_IN((int64) bits[4], (int64) bits[5]), def)));
		for (i = 0; i < 9; i++)
		{
			for (run = 1; run <= 4; run++)
			{
				int			a = i / 3;
				int			d = i % 3;
				bool		wanted = (a == bits[0] % 3 || a == bits[1] % 3 || run < bits[3]) &&
				(run == bits[4] || run == bits[5] || d == bits[2] % 3);
				bool		held = has(set, names[a], names[d], run);

				trials++;
				missed += wanted && !held ? 1 : 0;
				exact += wanted == held ? 1 : 0;
			}
		}
	}
	is_int(missed, 0, "no item that is wanted is missing");
	is_int(exact, trials, "and none is held that is not");
}

/*
 * What is not known before a query is executed: only how many values there will be
 */
static KeyExpr *
unknown_in(AppConfigKey key, int count)
{
	KeyExpr    *expr = leaf(KEY_EXPR_IN, key);
	KeyOperand *operand = &operands[expr->operand];
	int			i;

	operand->unknown = true;
	operand->nvalues = count;
	operand->texts = palloc(sizeof(char *) * count);
	operand->numbers = palloc(sizeof(int64) * count);
	for (i = 0; i < count; i++)
	{
		operand->texts[i] = (char *) "?";
		operand->numbers[i] = 1;
	}
	return expr;
}

static int
values_of(KeySet *set, AppConfigKey key)
{
	return set->count == 1 && set->boxes[0].texts[key] != NULL ? set->boxes[0].texts[key]->count : -1;
}

static void
test_unknown(void)
{
	KeySet	   *set;
	const AppConfigKey both[] = {KEY_APPLICATION_ID, KEY_DEFINITION_ID};

	set = evaluate(AND2(unknown_in(KEY_APPLICATION_ID, 10), unknown_in(KEY_RUN, 4)));
	is_int(values_of(set, KEY_APPLICATION_ID), 10, "values that are not known are counted");
	is_int(appconfig_keyset_count(&set->boxes[0], KEY_RUN), 4, "runs, too");
	ok(has(set, "a", "d", 7), "and could be anything");
	set = evaluate(AND2(unknown_in(KEY_APPLICATION_ID, 10), text_in(KEY_APPLICATION_ID, 3, "a", "b", "c")));
	is_str(texts_of(set, KEY_APPLICATION_ID), "a,b,c", "with fewer that are known, these");
	set = evaluate(AND2(text_in(KEY_APPLICATION_ID, 3, "a", "b", "c"), unknown_in(KEY_APPLICATION_ID, 1)));
	is_int(values_of(set, KEY_APPLICATION_ID), 1, "with more, no more than the fewer");
	is_int(evaluate(AND2(RUN_IN(N(1), N(2)), unknown_in(KEY_RUN, 2)))->boxes[0].numbers[KEY_RUN]->value[1], 2, "of as many, the known");
	set = evaluate(AND2(unknown_in(KEY_RUN, 1), run_is(KEY_EXPR_GREATER, 1, N(5))));
	is_int(appconfig_keyset_count(&set->boxes[0], KEY_RUN), 1,
		   "a run that is not known may be in any range");
	set = evaluate(AND2(unknown_in(KEY_RUN, 1), RUN_IN(N(0))));
	is_int(set->count, 0, "but in nothing is nothing");

	set = evaluate(OR2(OR2(AND3(APPLICATION("a"), DEFINITION("d"), RUN_IN(N(1))), AND3(APPLICATION("a"), DEFINITION("d"), RUN_IN(N(2)))),
					   OR2(AND2(APPLICATION("a"), DEFINITION("e")), APPLICATION("a"))));
	is_int(appconfig_keyset_project(set, both, 2)->count, 3, "boxes that differ in nothing else are one");
	is_int(appconfig_keyset_project(set, both, 1)->count, 1, "by one key");
	is_int(appconfig_keyset_project(evaluate(NEVER()), both, 2)->count, 0, "and none is none");
	is_int(evaluate(AND2(text_in(KEY_REGION, 1, ""), text_in(KEY_REGION, 1, "x")))->count, 0, "regions contradict each other");
	is_int(evaluate(text_in(KEY_REGION, 1, "no region at all, however long, and longer still than any identifier of the service"))->count, 1,
		   "a region may be any text");
}

/*
 * Boxes are found by an index in a large set, and it finds the same ones in the same order.
 */
static void
test_index(void)
{
	KeyExpr    *expr = join(KEY_EXPR_OR, 0);
	KeySet	   *plain;
	KeySet	   *indexed;
	KnownKeys	known;
	unsigned	seed = 1;
	int			differences = 0;
	int			found = 0;
	int			i;

	expr->args = palloc(sizeof(KeyExpr *) * 400);
	for (i = 0; i < 400; i++)
	{
		KeyExpr    *application = text_in(KEY_APPLICATION_ID, 2, psprintf("a%d", i % 20), psprintf("a%d", i % 7));
		KeyExpr    *definition = DEFINITION(psprintf("d%d", i % 30));
		KeyExpr    *run = RUN_IN((int64) i % 5 + 1);

		/* some boxes leave a key open */
		expr->args[expr->nargs++] = i % 11 == 0 ? AND2(application, run)
			: i % 13 == 0 ? AND2(definition, run) : AND3(application, definition, run);
	}
	plain = evaluate(expr);
	indexed = appconfig_keyset_make(0);
	*indexed = *plain;
	appconfig_keyset_index(indexed);
	ok(plain->index == NULL && indexed->index != NULL, "a large set has an index if it is wanted");
	for (i = 0; i < 3000; i++)
	{
		KeySet	   *some;
		KeySet	   *same;

		seed = seed * 1103515245 + 12345;
		known = item_keys((seed >> 16) % 4 == 0 ? NULL : psprintf("a%d", (seed >> 18) % 22),
						  (seed >> 17) % 3 == 0 ? NULL : psprintf("d%d", (seed >> 20) % 33),
						  (seed >> 16) % 2 == 0 ? -1 : (int64) ((seed >> 19) % 6));
		some = appconfig_keyset_restrict(plain, &known);
		same = appconfig_keyset_restrict(indexed, &known);
		differences += some->count != same->count ||
			memcmp(some->boxes, same->boxes, sizeof(KeyBox) * some->count) != 0 ||
			appconfig_keyset_contains(indexed, &known) != (some->count > 0);
		found += some->count;
	}
	ok(found > 3000, "boxes were looked for that are there");
	is_int(differences, 0, "and an index finds those that a walk finds");
	known = item_keys(NULL, NULL, -1);
	is_int(appconfig_keyset_restrict(indexed, &known)->count, 400, "all, where nothing is known");
}

static const KeyTexts *
translate(void *arg, const KeyBox *box)
{
	const KeyTexts *texts = box->texts[KEY_APPLICATION_NAME];
	KeyTexts   *ids = palloc0(sizeof(KeyTexts));
	int			i;

	(void) arg;
	if (texts == NULL)
		return NULL;
	ids->value = palloc(sizeof(char *) * (texts->count + 1));
	for (i = 0; i < texts->count; i++)
	{
		if (strcmp(texts->value[i], "nobody") != 0)
			ids->value[ids->count++] = psprintf("id-%s", texts->value[i]);
	}
	return ids;
}

static void
test_translation(void)
{
	KeySet	   *set = evaluate(OR2(text_in(KEY_APPLICATION_NAME, 2, "x", "nobody"),
								   OR2(AND2(text_in(KEY_APPLICATION_NAME, 1, "y"), APPLICATION("a")),
									   text_in(KEY_APPLICATION_NAME, 1, "nobody"))));

	set = appconfig_keyset_bind(set, KEY_APPLICATION_ID, translate, NULL);
	is_str(texts_of(set, KEY_APPLICATION_ID), "a,id-x", "names become ids where there is none yet");
	is_int(set->count, 2, "and what nobody is called is gone");
	set = evaluate(APPLICATION("a"));
	set = appconfig_keyset_bind(set, KEY_APPLICATION_ID, translate, NULL);
	is_str(texts_of(set, KEY_APPLICATION_ID), "a", "without a name nothing changes");
	set = appconfig_keyset_bind(appconfig_keyset_everything(), KEY_APPLICATION_ID, translate, NULL);
	ok(set->count == 1 && set->boxes[0].texts[KEY_APPLICATION_ID] == NULL, "and what is open may stay so");
}

int
main(void)
{
	test_everything();
	test_texts();
	test_runs();
	test_and();
	test_or();
	test_caps();
	test_superset();
	test_unknown();
	test_index();
	test_translation();
	return done_testing();
}
