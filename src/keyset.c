/*-------------------------------------------------------------------------
 *
 * keyset.c
 *		Which keys can a row have that a query asks for?
 *
 * The clauses that bind keys, with the values that they have at run time, are
 * turned into a disjunction of conjunctions: AND intersects, OR collects, and
 * what contradicts itself is no box at all.  Every set is a superset of what
 * the query asks for; where an exact one would grow too large, the clause that
 * is to blame is left to the executor, which checks all of them anyway.
 *
 * What may not live here: SQL types and expressions (predicate.c, fdw_scan.c),
 * operations and URLs (request.c).  Everything is palloc'd in the current
 * context and nothing is freed by itself.  The file also builds with
 * -DFRONTEND.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#define CHECK_FOR_INTERRUPTS() ((void) 0)
#else
#include "postgres.h"

#include "miscadmin.h"
#endif

#include "keyset.h"

/* Boxes of a set; beyond, clauses are left to the executor */
#define MAX_BOXES 10000

/* Values that boxes of a product may have for themselves, likewise */
#define MAX_VALUES 1000000

/* Boxes that are faster looked through than indexed */
#define FEW_BOXES 32

/* Values that an index may have of a key, as a multiple of the boxes */
#define MAX_INDEXED_VALUES 4

/* An integer key's column is of that type */
#define MAX_NUMBER PG_INT32_MAX

/* ------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------
 */
static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static int
compare_numbers(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right ? 1 : 0;
}

/* Is the value among the texts? */
bool
appconfig_keyset_has_text(const KeyTexts *texts, const char *value)
{
	return texts->unknown || bsearch(&value, texts->value, texts->count,
									 sizeof(char *), compare_texts) != NULL;
}

/* Is the number among them? */
static bool
has_number(const KeyNumbers *numbers, int64 number)
{
	return number >= numbers->min && number <= numbers->max &&
		(numbers->count < 0 || numbers->unknown ||
		 bsearch(&number, numbers->value, numbers->count, sizeof(int64),
				 compare_numbers) != NULL);
}

/* All numbers that the key can have */
static KeyNumbers
all_numbers(AppConfigKey key)
{
	KeyNumbers	numbers = {
	.min = appconfig_keys[key].least, .max = MAX_NUMBER, .count = -1};

	return numbers;
}

/* Puts the values in order, each once */
void
appconfig_keyset_sort(KeyTexts *texts)
{
	int			kept = 0;
	int			i;

	if (texts->unknown)
		return;
	qsort(texts->value, texts->count, sizeof(char *), compare_texts);
	for (i = 0; i < texts->count; i++)
	{
		if (kept == 0 || strcmp(texts->value[kept - 1], texts->value[i]) != 0)
			texts->value[kept++] = texts->value[i];
	}
	texts->count = kept;
}

static void
sort_numbers(int64 *numbers, int *count)
{
	int			kept = 0;
	int			i;

	qsort(numbers, *count, sizeof(int64), compare_numbers);
	for (i = 0; i < *count; i++)
	{
		if (kept == 0 || numbers[kept - 1] != numbers[i])
			numbers[kept++] = numbers[i];
	}
	*count = kept;
}

/* Characters of a text in UTF-8 */
static size_t
count_characters(const char *text)
{
	size_t		count = 0;

	for (; *text != '\0'; text++)
		count += (*text & 0xC0) != 0x80;
	return count;
}

/*
 * Can the key have this value?  No identifier is empty or too long, and no id
 * is a dot segment, which would not survive in a path.
 */
static bool
is_possible(const char *text, AppConfigKey key)
{
	const AppConfigKeyTraits *traits = &appconfig_keys[key];

	if (traits->longest == 0)
		return true;
	if (!traits->is_name &&
		(strcmp(text, ".") == 0 || strcmp(text, "..") == 0))
		return false;
	return text[0] != '\0' &&
		count_characters(text) <= (size_t) traits->longest;
}

/* Those of an operand's texts that an identifier of the service can be */
static KeyTexts *
texts_of_operand(const KeyOperand *operand, AppConfigKey key)
{
	KeyTexts   *texts = palloc0(sizeof(KeyTexts));
	int			i;

	texts->unknown = operand->unknown;
	texts->value = palloc(sizeof(char *) * Max(operand->nvalues, 1));
	for (i = 0; i < operand->nvalues; i++)
	{
		if (operand->unknown || is_possible(operand->texts[i], key))
			texts->value[texts->count++] = operand->texts[i];
	}
	appconfig_keyset_sort(texts);
	return texts;
}

static const KeyTexts *
intersect_texts(const KeyTexts *a, const KeyTexts *b)
{
	const KeyTexts *few = a->count <= b->count ? a : b;
	const KeyTexts *many = few == a ? b : a;
	KeyTexts   *both;
	int			i;

	/* no more than the fewer, and rather those that are known */
	if (a->unknown || b->unknown)
		return few->unknown && few->count == many->count ? many : few;
	both = palloc0(sizeof(KeyTexts));
	both->value = palloc(sizeof(char *) * Max(few->count, 1));
	for (i = 0; i < few->count; i++)
	{
		if (appconfig_keyset_has_text(many, few->value[i]))
			both->value[both->count++] = few->value[i];
	}
	return both;
}

/* Keeps those that lie in the range; a range of one is that one */
static void
clip_numbers(KeyNumbers *numbers)
{
	int			kept = 0;
	int			i;

	if (numbers->unknown)
		return;
	for (i = 0; i < numbers->count; i++)
	{
		if (numbers->value[i] >= numbers->min &&
			numbers->value[i] <= numbers->max)
			numbers->value[kept++] = numbers->value[i];
	}
	if (numbers->count >= 0)
		numbers->count = kept;
	else if (numbers->min == numbers->max)
	{
		numbers->value = palloc(sizeof(int64));
		numbers->value[0] = numbers->min;
		numbers->count = 1;
	}
}

/* Sets those that two have in common, of which one at least is no range */
static void
intersect_values(KeyNumbers *both, const KeyNumbers *a, const KeyNumbers *b)
{
	const KeyNumbers *few =
	b->count < 0 || (a->count >= 0 && a->count <= b->count) ? a : b;
	const KeyNumbers *many = few == a ? b : a;
	int			i;

	/* no more than the fewer, and rather those that are known */
	if (few->unknown && many->count == few->count)
		few = many;
	both->value = few->value;
	both->count = few->count;
	both->unknown = few->unknown;
	if (both->unknown)
		return;
	both->value = palloc(sizeof(int64) * Max(few->count, 1));
	both->count = 0;
	for (i = 0; i < few->count; i++)
	{
		if (has_number(a, few->value[i]) && has_number(b, few->value[i]))
			both->value[both->count++] = few->value[i];
	}
}

/* Those that two have in common; boxes share what is not narrowed */
static const KeyNumbers *
intersect_numbers(const KeyNumbers *a, const KeyNumbers *b)
{
	KeyNumbers *both;

	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	both = palloc0(sizeof(KeyNumbers));
	both->min = Max(a->min, b->min);
	both->max = Min(a->max, b->max);
	both->count = -1;
	if (a->count >= 0 || b->count >= 0)
		intersect_values(both, a, b);
	else
		clip_numbers(both);
	return both;
}

/* ------------------------------------------------------------------------
 * Boxes and sets
 * ------------------------------------------------------------------------
 */

/* A set without boxes, and with room for so many */
KeySet *
appconfig_keyset_make(int capacity)
{
	KeySet	   *set = palloc0(sizeof(KeySet));

	set->boxes = palloc(sizeof(KeyBox) * Max(capacity, 1));
	return set;
}

static KeyBox
any_box(void)
{
	KeyBox		box;

	memset(&box, 0, sizeof(KeyBox));
	return box;
}

/*
 * How many values a box has for a key; -1 if it can have any, or any of a
 * range
 */
int
appconfig_keyset_count(const KeyBox *box, AppConfigKey key)
{
	if (appconfig_keys[key].is_integer)
		return box->numbers[key] != NULL ? box->numbers[key]->count : -1;
	return box->texts[key] != NULL ? box->texts[key]->count : -1;
}

/* The set that holds every row */
KeySet *
appconfig_keyset_everything(void)
{
	KeySet	   *set = appconfig_keyset_make(1);

	set->boxes[set->count++] = any_box();
	return set;
}

/* Can there be a row in the box? */
static bool
box_is_possible(const KeyBox *box)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		const KeyNumbers *numbers = box->numbers[key];

		if (appconfig_keyset_count(box, key) == 0 ||
			(numbers != NULL && numbers->min > numbers->max))
			return false;
	}
	return true;
}

#ifdef USE_ASSERT_CHECKING

/* Values that are known are in order, each once, as searches rely on */
static void
AssertCheckKeyTexts(const KeyTexts *texts)
{
	int			i;

	for (i = 1; !texts->unknown && i < texts->count; i++)
		Assert(strcmp(texts->value[i - 1], texts->value[i]) < 0);
}

static void
AssertCheckKeyNumbers(const KeyNumbers *numbers)
{
	int			i;

	Assert(numbers->count >= -1);
	for (i = 0; !numbers->unknown && i < numbers->count; i++)
	{
		Assert(numbers->value[i] >= numbers->min &&
			   numbers->value[i] <= numbers->max);
		Assert(i == 0 || numbers->value[i - 1] < numbers->value[i]);
	}
}

/* Of a set's boxes each can have a row, and what they list is in order */
static void
AssertCheckKeyBox(const KeyBox *box)
{
	int			key;

	Assert(box_is_possible(box));
	for (key = 0; key < KEY_COUNT; key++)
	{
		Assert(box->texts[key] == NULL || !appconfig_keys[key].is_integer);
		Assert(box->numbers[key] == NULL || appconfig_keys[key].is_integer);
		if (box->texts[key] != NULL)
			AssertCheckKeyTexts(box->texts[key]);
		if (box->numbers[key] != NULL)
			AssertCheckKeyNumbers(box->numbers[key]);
	}
}

static void
AssertCheckKeySet(const KeySet *set)
{
	int			i;

	for (i = 0; i < set->count; i++)
		AssertCheckKeyBox(&set->boxes[i]);
}

#else
#define AssertCheckKeySet(set) ((void) 0)
#endif

static KeyBox
intersect_boxes(const KeyBox *a, const KeyBox *b)
{
	KeyBox		both = *a;
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		both.numbers[key] =
			intersect_numbers(a->numbers[key], b->numbers[key]);
		if (b->texts[key] == NULL)
			continue;
		both.texts[key] = a->texts[key] == NULL
			? b->texts[key]
			: intersect_texts(a->texts[key], b->texts[key]);
	}
	return both;
}

/* Those of one of an operand's numbers, or of none that there can be */
static void
take_values(KeyNumbers *numbers, const KeyOperand *operand)
{
	numbers->value = palloc(sizeof(int64) * Max(operand->nvalues, 1));
	memcpy(numbers->value, operand->numbers, sizeof(int64) * operand->nvalues);
	numbers->count = operand->nvalues;
	numbers->unknown = operand->unknown;
	if (!numbers->unknown)
		sort_numbers(numbers->value, &numbers->count);
}

/* The range on one side of a number */
static void
take_range(KeyNumbers *numbers, KeyExprKind kind, int64 bound)
{
	if (kind == KEY_EXPR_LESS)
		numbers->max =
			Min(numbers->max, bound > PG_INT64_MIN ? bound - 1 : bound);
	else if (kind == KEY_EXPR_LESS_EQUAL)
		numbers->max = Min(numbers->max, bound);
	else if (kind == KEY_EXPR_GREATER)
		numbers->min =
			Max(numbers->min, bound < PG_INT64_MAX ? bound + 1 : bound);
	else
		numbers->min = Max(numbers->min, bound);
}

/* What a single predicate says about an integer key */
static const KeyNumbers *
numbers_of_operand(const KeyOperand *operand, AppConfigKey key,
				   KeyExprKind kind)
{
	KeyNumbers *numbers = palloc(sizeof(KeyNumbers));

	*numbers = all_numbers(key);
	if (kind == KEY_EXPR_IN)
		take_values(numbers, operand);
	else if (operand->nvalues == 0)
		numbers->count = 0;		/* compared with NULL */
	else
		take_range(numbers, kind, operand->numbers[0]);
	clip_numbers(numbers);
	return numbers;
}

/* NULL where the predicate says nothing that is of use */
static KeySet *
evaluate_leaf(const KeyExpr *expr, const KeyOperand *operands)
{
	const KeyOperand *operand = &operands[expr->operand];
	KeySet	   *set;
	KeyBox		box = any_box();

	if (operand->unbounded || (operand->unknown && expr->kind != KEY_EXPR_IN))
		return NULL;
	if (appconfig_keys[expr->key].is_integer)
		box.numbers[expr->key] =
			numbers_of_operand(operand, expr->key, expr->kind);
	else
		box.texts[expr->key] = texts_of_operand(operand, expr->key);
	set = appconfig_keyset_make(1);
	if (box_is_possible(&box))
		set->boxes[set->count++] = box;
	return set;
}

static KeySet *
intersect_sets(const KeySet *a, const KeySet *b)
{
	KeySet	   *set = appconfig_keyset_make(a->count * b->count);
	int			i;
	int			j;

	for (i = 0; i < a->count; i++)
	{
		for (j = 0; j < b->count; j++)
		{
			KeyBox		box = intersect_boxes(&a->boxes[i], &b->boxes[j]);

			CHECK_FOR_INTERRUPTS();
			if (box_is_possible(&box))
				set->boxes[set->count++] = box;
		}
	}
	return set;
}

static KeySet *evaluate_expr(const KeyExpr *expr, const KeyOperand *operands);

/* The longest list of values in one of the set's boxes */
static int
most_values(const KeySet *set)
{
	int			most = 0;
	int			key;
	int			i;

	for (i = 0; i < set->count; i++)
	{
		for (key = 0; key < KEY_COUNT; key++)
			most = Max(most, appconfig_keyset_count(&set->boxes[i], key));
	}
	return most;
}

/* Do boxes and values of the product stay within bounds? */
static bool
can_intersect(const KeySet *a, const KeySet *b)
{
	int64		boxes = (int64) a->count * b->count;

	return boxes <= MAX_BOXES &&
		boxes * Min(most_values(a), most_values(b)) <= MAX_VALUES;
}

/*
 * What is a single box comes first: then the boxes of the others share its
 * values, instead of narrowing them each for itself.
 */
static KeySet *
evaluate_and(const KeyExpr *expr, const KeyOperand *operands)
{
	KeySet	  **args = palloc(sizeof(KeySet *) * Max(expr->nargs, 1));
	KeySet	   *set = NULL;
	int			pass;
	int			i;

	for (i = 0; i < expr->nargs; i++)
		args[i] = evaluate_expr(expr->args[i], operands);
	for (pass = 0; pass < 2; pass++)
	{
		for (i = 0; i < expr->nargs; i++)
		{
			if (args[i] == NULL || (args[i]->count <= 1) != (pass == 0))
				continue;
			if (set == NULL)
				set = args[i];
			else if (args[i]->count == 0 || can_intersect(set, args[i]))
				set = intersect_sets(set, args[i]);
		}
	}
	return set;
}

static KeySet *
evaluate_or(const KeyExpr *expr, const KeyOperand *operands)
{
	KeySet	  **args = palloc(sizeof(KeySet *) * expr->nargs);
	int			total = 0;
	KeySet	   *set;
	int			i;

	for (i = 0; i < expr->nargs; i++)
	{
		CHECK_FOR_INTERRUPTS();
		args[i] = evaluate_expr(expr->args[i], operands);
		if (args[i] == NULL)
			return NULL;
		total += args[i]->count;
		if (total > MAX_BOXES)
			return NULL;
	}
	set = appconfig_keyset_make(total);
	for (i = 0; i < expr->nargs; i++)
	{
		memcpy(&set->boxes[set->count], args[i]->boxes,
			   sizeof(KeyBox) * args[i]->count);
		set->count += args[i]->count;
	}
	return set;
}

/* NULL stands for everything */
static KeySet *
evaluate_expr(const KeyExpr *expr, const KeyOperand *operands)
{
	switch (expr->kind)
	{
		case KEY_EXPR_AND:
			return evaluate_and(expr, operands);
		case KEY_EXPR_OR:
			return evaluate_or(expr, operands);
		case KEY_EXPR_NEVER:
			return appconfig_keyset_make(0);
		default:
			return evaluate_leaf(expr, operands);
	}
}

/*
 * The keys of the rows that can meet a predicate.  operands are the values of
 * the predicate's expressions, by number; texts are borrowed from them.
 */
KeySet *
appconfig_keyset_evaluate(const KeyExpr *expr, const KeyOperand *operands)
{
	KeySet	   *set = expr != NULL ? evaluate_expr(expr, operands) : NULL;

	if (set == NULL)
		set = appconfig_keyset_everything();
	AssertCheckKeySet(set);
	return set;
}

/* ------------------------------------------------------------------------
 * Finding boxes
 *
 * A query can name thousands of combinations, and asks for each of them, and
 * for each item of a list, which boxes it can be in.
 * ------------------------------------------------------------------------
 */

/* A box that has the value, for one key */
typedef struct KeyIndexEntry
{
	const char *value;
	int			box;
} KeyIndexEntry;

/* Where the values of one key are */
typedef struct KeyIndexColumn
{
	bool		built;
	int			count;
	KeyIndexEntry *entries;		/* in order of values, then of boxes */
	int			open_count;
	int		   *open;			/* boxes that leave the key open, in order */
} KeyIndexColumn;

struct KeyIndex
{
	KeyIndexColumn columns[KEY_COUNT];
};

static int
compare_entries(const void *a, const void *b)
{
	const KeyIndexEntry *left = a;
	const KeyIndexEntry *right = b;
	int			order = strcmp(left->value, right->value);

	return order != 0 ? order : left->box - right->box;
}

/*
 * The number of values that the boxes have for the key together; -1 if too
 * many, or none, to be worth an index
 */
static int
count_indexed_values(const KeySet *set, AppConfigKey key)
{
	int64		total = 0;
	int			i;

	for (i = 0; i < set->count; i++)
	{
		const KeyTexts *texts = set->boxes[i].texts[key];

		total += texts != NULL ? texts->count : 0;
		if (texts != NULL && texts->unknown)
			return -1;
	}
	return total > 0 && total <= (int64) set->count * MAX_INDEXED_VALUES
		? (int) total
		: -1;
}

static void
build_column(KeyIndexColumn *column, const KeySet *set, AppConfigKey key)
{
	int			values = count_indexed_values(set, key);
	int			i;
	int			j;

	if (values < 0)
		return;
	column->built = true;
	column->entries = palloc(sizeof(KeyIndexEntry) * values);
	column->open = palloc(sizeof(int) * set->count);
	for (i = 0; i < set->count; i++)
	{
		const KeyTexts *texts = set->boxes[i].texts[key];

		if (texts == NULL)
			column->open[column->open_count++] = i;
		for (j = 0; texts != NULL && j < texts->count; j++)
		{
			column->entries[column->count].value = texts->value[j];
			column->entries[column->count++].box = i;
		}
	}
	qsort(column->entries, column->count, sizeof(KeyIndexEntry),
		  compare_entries);
}

/*
 * Makes it fast to find boxes of a large set, which must not change any more
 */
void
appconfig_keyset_index(KeySet *set)
{
	int			key;

	set->index = NULL;
	if (set->count <= FEW_BOXES)
		return;
	set->index = palloc0(sizeof(KeyIndex));
	for (key = 0; key < KEY_COUNT; key++)
	{
		CHECK_FOR_INTERRUPTS();
		build_column(&set->index->columns[key], set, key);
	}
}

/* A search for those boxes, in order, that rows with some keys can be in */
typedef struct BoxSearch
{
	const KeySet *set;
	const KnownKeys *known;
	int64		numbers[KEY_COUNT]; /* of those that are integers */
	const KeyIndexColumn *column;	/* NULL for all boxes */
	int			next;			/* of the boxes, or of those that are open */
	int			entry;			/* the next with the value, and their end */
	int			entries_end;
} BoxSearch;

/* The first entry that is not before the value, or, if past, not with it */
static int
find_index_entry(const KeyIndexColumn *column, const char *value, bool past)
{
	int			low = 0;
	int			high = column->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = strcmp(column->entries[middle].value, value);

		if (order < 0 || (past && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Begins with the key that leaves the fewest boxes */
static void
start_search(BoxSearch *search, const KeySet *set, const KnownKeys *known)
{
	int			fewest = set->count;
	int			key;

	memset(search, 0, sizeof(BoxSearch));
	search->set = set;
	search->known = known;
	for (key = 0; key < KEY_COUNT; key++)
	{
		if (appconfig_keys[key].is_integer && known->text[key] != NULL)
			search->numbers[key] = strtoll(known->text[key], NULL, 10);
	}
	for (key = 0; set->index != NULL && key < KEY_COUNT; key++)
	{
		const KeyIndexColumn *column = &set->index->columns[key];
		int			first;
		int			end;

		if (!column->built || known->text[key] == NULL)
			continue;
		first = find_index_entry(column, known->text[key], false);
		end = find_index_entry(column, known->text[key], true);
		if (end - first + column->open_count >= fewest)
			continue;
		fewest = end - first + column->open_count;
		search->column = column;
		search->entry = first;
		search->entries_end = end;
	}
}

/* The next box that is worth a look; NULL behind the last */
static const KeyBox *
next_candidate(BoxSearch *search)
{
	const KeyIndexColumn *column = search->column;
	int			box = search->set->count;
	bool		is_entry;

	if (column == NULL)
		return search->next < search->set->count
			? &search->set->boxes[search->next++]
			: NULL;
	if (search->next < column->open_count)
		box = column->open[search->next];
	is_entry = search->entry < search->entries_end &&
		column->entries[search->entry].box < box;
	if (is_entry)
		box = column->entries[search->entry++].box;
	else
		search->next++;
	return box < search->set->count ? &search->set->boxes[box] : NULL;
}

/* Can a row with the keys that are looked for be in the box? */
static bool
box_contains(const KeyBox *box, const BoxSearch *search)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		const char *text = search->known->text[key];

		if (text == NULL)
			continue;
		if (box->texts[key] != NULL &&
			!appconfig_keyset_has_text(box->texts[key], text))
			return false;
		if (appconfig_keys[key].is_integer)
		{
			KeyNumbers	all = all_numbers(key);
			const KeyNumbers *numbers =
			box->numbers[key] != NULL ? box->numbers[key] : &all;

			if (!has_number(numbers, search->numbers[key]))
				return false;
		}
	}
	return true;
}

static const KeyBox *
next_box(BoxSearch *search)
{
	const KeyBox *box;

	while ((box = next_candidate(search)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (box_contains(box, search))
			return box;
	}
	return NULL;
}

/* Could a row with these keys be one that the query asks for? */
bool
appconfig_keyset_contains(const KeySet *set, const KnownKeys *known)
{
	BoxSearch	search;

	start_search(&search, set, known);
	return next_box(&search) != NULL;
}

/* The boxes that rows with these keys can be in; shared if that is all */
KeySet *
appconfig_keyset_restrict(const KeySet *set, const KnownKeys *known)
{
	KeySet	   *some;
	BoxSearch	search;
	const KeyBox *box;
	int			count = 0;

	/* of a large set often little is left, many times over */
	start_search(&search, set, known);
	while (next_box(&search) != NULL)
		count++;
	if (count == set->count)
	{
		some = appconfig_keyset_make(0);
		*some = *set;
		return some;
	}
	some = appconfig_keyset_make(count);
	start_search(&search, set, known);
	while ((box = next_box(&search)) != NULL)
		some->boxes[some->count++] = *box;
	appconfig_keyset_index(some);
	return some;
}

/*
 * Any order will do that tells different values apart; what is not known
 * comes first, in that of its place in memory
 */
static int
compare_bounds(const KeyTexts *a, const KeyTexts *b)
{
	int			i;

	if (a == b)
		return 0;
	if (a == NULL || b == NULL)
		return a == NULL ? -1 : 1;
	if (a->unknown != b->unknown)
		return a->unknown ? -1 : 1;
	/* of what is not known no two are the same */
	if (a->unknown)
		return (uintptr_t) a < (uintptr_t) b ? -1 : 1;
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	for (i = 0; i < a->count; i++)
	{
		int			order = strcmp(a->value[i], b->value[i]);

		if (order != 0)
			return order;
	}
	return 0;
}

/* Likewise */
static int
compare_number_bounds(const KeyNumbers *a, const KeyNumbers *b)
{
	if (a == b)
		return 0;
	if (a == NULL || b == NULL)
		return a == NULL ? -1 : 1;
	if (a->unknown || b->unknown)
		return (uintptr_t) a < (uintptr_t) b ? -1 : 1;
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	if (a->count >= 0)
		return memcmp(a->value, b->value, sizeof(int64) * a->count);
	return a->min != b->min ? (a->min < b->min ? -1 : 1)
		: a->max != b->max ? (a->max < b->max ? -1 : 1)
		: 0;
}

static int
compare_boxes(const void *a, const void *b)
{
	const KeyBox *left = a;
	const KeyBox *right = b;
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		int			order = compare_bounds(left->texts[key], right->texts[key]);

		if (order == 0)
			order =
				compare_number_bounds(left->numbers[key], right->numbers[key]);
		if (order != 0)
			return order;
	}
	return 0;
}

/*
 * What the set says about some of the keys alone: its boxes with nothing else
 * bound, each once
 */
KeySet *
appconfig_keyset_project(const KeySet *set, const AppConfigKey *keys,
						 int nkeys)
{
	KeySet	   *projected = appconfig_keyset_make(set->count);
	int			kept = 0;
	int			i;
	int			j;

	for (i = 0; i < set->count; i++)
	{
		KeyBox		box = any_box();

		for (j = 0; j < nkeys; j++)
		{
			box.texts[keys[j]] = set->boxes[i].texts[keys[j]];
			box.numbers[keys[j]] = set->boxes[i].numbers[keys[j]];
		}
		projected->boxes[projected->count++] = box;
	}
	qsort(projected->boxes, projected->count, sizeof(KeyBox), compare_boxes);
	for (i = 0; i < projected->count; i++)
	{
		if (kept == 0 || compare_boxes(&projected->boxes[kept - 1],
									   &projected->boxes[i]) != 0)
			projected->boxes[kept++] = projected->boxes[i];
	}
	projected->count = kept;
	AssertCheckKeySet(projected);
	return projected;
}

/*
 * The set with a text key bound, in the boxes that leave it open, to the
 * values that a function finds for the box; NULL leaves it open.  Boxes for
 * which there are none go.
 */
KeySet *
appconfig_keyset_bind(const KeySet *set, AppConfigKey key,
					  const KeyTexts *(*find) (void *arg, const KeyBox *box),
					  void *arg)
{
	KeySet	   *bound = appconfig_keyset_make(set->count);
	int			i;

	for (i = 0; i < set->count; i++)
	{
		KeyBox		box = set->boxes[i];

		if (box.texts[key] == NULL)
			box.texts[key] = find(arg, &box);
		if (box_is_possible(&box))
			bound->boxes[bound->count++] = box;
	}
	AssertCheckKeySet(bound);
	appconfig_keyset_index(bound);
	return bound;
}

static int
compare_pointers(const void *a, const void *b)
{
	uintptr_t	left = *(const uintptr_t *) a;
	uintptr_t	right = *(const uintptr_t *) b;

	return left < right ? -1 : left > right ? 1 : 0;
}

/* Moves each of the pointers to the front once; returns how many there are */
static int
unique_pointers(const void **pointers, int count)
{
	int			kept = 0;
	int			i;

	qsort(pointers, count, sizeof(void *), compare_pointers);
	for (i = 0; i < count; i++)
	{
		if (kept == 0 || pointers[kept - 1] != pointers[i])
			pointers[kept++] = pointers[i];
	}
	return kept;
}

/* The texts of them all, with as many values as they have together */
static KeyTexts *
collect_texts(const void **texts, int distinct)
{
	KeyTexts   *all = palloc0(sizeof(KeyTexts));
	int			total = 0;
	int			i;

	for (i = 0; i < distinct; i++)
		total += ((const KeyTexts *) texts[i])->count;
	all->value = palloc(sizeof(char *) * Max(total, 1));
	for (i = 0; i < distinct; i++)
	{
		const KeyTexts *some = texts[i];

		memcpy(&all->value[all->count], some->value,
			   sizeof(char *) * some->count);
		all->count += some->count;
		all->unknown |= some->unknown;
	}
	appconfig_keyset_sort(all);
	return all;
}

/* The digits of them all, in the order of the numbers */
static KeyTexts *
collect_numbers(const void **numbers, int distinct)
{
	KeyTexts   *all = palloc0(sizeof(KeyTexts));
	int64	   *values;
	int			total = 0;
	int			i;

	for (i = 0; i < distinct; i++)
		total += ((const KeyNumbers *) numbers[i])->count;
	values = palloc(sizeof(int64) * Max(total, 1));
	total = 0;
	for (i = 0; i < distinct; i++)
	{
		const KeyNumbers *some = numbers[i];

		memcpy(&values[total], some->value, sizeof(int64) * some->count);
		total += some->count;
		all->unknown |= some->unknown;
	}
	sort_numbers(values, &total);
	all->value = palloc(sizeof(char *) * Max(total, 1));
	for (; all->count < total; all->count++)
		all->value[all->count] = psprintf(INT64_FORMAT, values[all->count]);
	pfree(values);
	return all;
}

/*
 * All values that a key has in the set, as paths have them, each once and in
 * the key's own order; NULL if it can have any, or any of a range
 */
KeyTexts *
appconfig_keyset_texts(const KeySet *set, AppConfigKey key)
{
	bool		is_integer = appconfig_keys[key].is_integer;
	const void **values = palloc(sizeof(void *) * Max(set->count, 1));
	int			distinct;
	int			i;

	for (i = 0; i < set->count; i++)
	{
		const KeyBox *box = &set->boxes[i];

		if (appconfig_keyset_count(box, key) < 0)
			return NULL;
		values[i] = is_integer ? (const void *) box->numbers[key]
			: (const void *) box->texts[key];
	}
	/* boxes share their values: without that the sum would have no bound */
	distinct = unique_pointers(values, set->count);
	return is_integer ? collect_numbers(values, distinct)
		: collect_texts(values, distinct);
}
