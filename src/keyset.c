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

/* The service counts runs from 1; the column is an integer */
#define MIN_RUN 1
#define MAX_RUN PG_INT32_MAX

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
compare_runs(const void *a, const void *b)
{
	int64 left = *(const int64 *) a;
	int64 right = *(const int64 *) b;

	return left < right ? -1 : left > right ? 1 : 0;
}

/* Is the value among the texts? */
bool
appconfig_keyset_has_text(const KeyTexts *texts, const char *value)
{
	return texts->unknown || bsearch(&value, texts->value, texts->count,
									 sizeof(char *), compare_texts) != NULL;
}

static bool
has_run(const KeyBox *box, int64 run)
{
	return run >= box->run_min && run <= box->run_max &&
		   (box->run_count < 0 || box->runs_unknown ||
			bsearch(&run, box->runs, box->run_count, sizeof(int64),
					compare_runs) != NULL);
}

static bool
has_all_runs(const KeyBox *box)
{
	return box->run_count < 0 && box->run_min <= MIN_RUN &&
		   box->run_max >= MAX_RUN;
}

/* Puts the values in order, each once */
void
appconfig_keyset_sort(KeyTexts *texts)
{
	int kept = 0;
	int i;

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
sort_runs(int64 *runs, int *count)
{
	int kept = 0;
	int i;

	qsort(runs, *count, sizeof(int64), compare_runs);
	for (i = 0; i < *count; i++)
	{
		if (kept == 0 || runs[kept - 1] != runs[i])
			runs[kept++] = runs[i];
	}
	*count = kept;
}

/* Characters of a text in UTF-8 */
static size_t
count_characters(const char *text)
{
	size_t count = 0;

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
	KeyTexts *texts = palloc0(sizeof(KeyTexts));
	int		  i;

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
	KeyTexts	   *both;
	int				i;

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

/* ------------------------------------------------------------------------
 * Boxes and sets
 * ------------------------------------------------------------------------
 */

/* A set without boxes, and with room for so many */
KeySet *
appconfig_keyset_make(int capacity)
{
	KeySet *set = palloc0(sizeof(KeySet));

	set->boxes = palloc(sizeof(KeyBox) * Max(capacity, 1));
	return set;
}

static KeyBox
any_box(void)
{
	KeyBox box = {.run_min = MIN_RUN, .run_max = MAX_RUN, .run_count = -1};

	return box;
}

/* The set that holds every row */
KeySet *
appconfig_keyset_everything(void)
{
	KeySet *set = appconfig_keyset_make(1);

	set->boxes[set->count++] = any_box();
	return set;
}

/* Can there be a row in the box? */
static bool
box_is_possible(const KeyBox *box)
{
	int key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (box->texts[key] != NULL && box->texts[key]->count == 0)
			return false;
	}
	return box->run_min <= box->run_max && box->run_count != 0;
}

#ifdef USE_ASSERT_CHECKING

/* Values that are known are in order, each once, as searches rely on */
static void
AssertCheckKeyTexts(const KeyTexts *texts)
{
	int i;

	for (i = 1; !texts->unknown && i < texts->count; i++)
		Assert(strcmp(texts->value[i - 1], texts->value[i]) < 0);
}

/* Of a set's boxes each can have a row, and what they list is in order */
static void
AssertCheckKeyBox(const KeyBox *box)
{
	int key;
	int i;

	Assert(box_is_possible(box));
	for (key = 0; key < KEY_COUNT; key++)
	{
		if (box->texts[key] != NULL)
			AssertCheckKeyTexts(box->texts[key]);
	}
	Assert(box->run_count >= -1);
	for (i = 0; !box->runs_unknown && i < box->run_count; i++)
	{
		Assert(box->runs[i] >= box->run_min && box->runs[i] <= box->run_max);
		Assert(i == 0 || box->runs[i - 1] < box->runs[i]);
	}
}

static void
AssertCheckKeySet(const KeySet *set)
{
	int i;

	for (i = 0; i < set->count; i++)
		AssertCheckKeyBox(&set->boxes[i]);
}

#else
#define AssertCheckKeySet(set) ((void) 0)
#endif

/* Keeps those numbers of a box that lie in its range */
static void
clip_runs(KeyBox *box)
{
	int kept = 0;
	int i;

	if (box->runs_unknown)
		return;
	for (i = 0; i < box->run_count; i++)
	{
		if (box->runs[i] >= box->run_min && box->runs[i] <= box->run_max)
			box->runs[kept++] = box->runs[i];
	}
	if (box->run_count >= 0)
		box->run_count = kept;
	else if (box->run_min == box->run_max)
	{
		box->runs = palloc(sizeof(int64));
		box->runs[0] = box->run_min;
		box->run_count = 1;
	}
}

/* Sets the runs that two boxes have in common, besides their range */
static void
intersect_runs(KeyBox *both, const KeyBox *a, const KeyBox *b)
{
	const KeyBox *few =
		b->run_count < 0 || (a->run_count >= 0 && a->run_count <= b->run_count)
			? a
			: b;
	const KeyBox *many = few == a ? b : a;
	int			  i;

	if (few->runs_unknown && many->run_count == few->run_count)
		few = many;
	/* boxes of a product share what is not narrowed */
	both->runs = few->runs;
	both->run_count = few->run_count;
	both->runs_unknown = few->runs_unknown;
	if (both->runs_unknown || has_all_runs(few == a ? b : a))
		return;
	both->runs = palloc(sizeof(int64) * Max(few->run_count, 1));
	both->run_count = 0;
	for (i = 0; i < few->run_count; i++)
	{
		if (has_run(a, few->runs[i]) && has_run(b, few->runs[i]))
			both->runs[both->run_count++] = few->runs[i];
	}
}

static KeyBox
intersect_boxes(const KeyBox *a, const KeyBox *b)
{
	KeyBox both = *a;
	int	   key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (b->texts[key] == NULL)
			continue;
		both.texts[key] = a->texts[key] == NULL
							  ? b->texts[key]
							  : intersect_texts(a->texts[key], b->texts[key]);
	}
	both.run_min = Max(a->run_min, b->run_min);
	both.run_max = Min(a->run_max, b->run_max);
	if (a->run_count >= 0 || b->run_count >= 0)
		intersect_runs(&both, a, b);
	else
		clip_runs(&both);
	return both;
}

/* The box of a single predicate on run */
static KeyBox
run_box(KeyExprKind kind, const KeyOperand *operand)
{
	KeyBox box = any_box();

	if (kind == KEY_EXPR_IN)
	{
		box.runs = palloc(sizeof(int64) * Max(operand->nvalues, 1));
		memcpy(box.runs, operand->numbers, sizeof(int64) * operand->nvalues);
		box.run_count = operand->nvalues;
		box.runs_unknown = operand->unknown;
		if (box.runs_unknown)
			return box;
		sort_runs(box.runs, &box.run_count);
		clip_runs(&box);
		return box;
	}
	if (operand->nvalues == 0)
		box.run_max = MIN_RUN - 1; /* compared with NULL */
	else if (kind == KEY_EXPR_LESS)
		box.run_max = Min(MAX_RUN, operand->numbers[0] > PG_INT64_MIN
									   ? operand->numbers[0] - 1
									   : PG_INT64_MIN);
	else if (kind == KEY_EXPR_LESS_EQUAL)
		box.run_max = Min(MAX_RUN, operand->numbers[0]);
	else if (kind == KEY_EXPR_GREATER)
		box.run_min = Max(MIN_RUN, operand->numbers[0] < PG_INT64_MAX
									   ? operand->numbers[0] + 1
									   : PG_INT64_MAX);
	else
		box.run_min = Max(MIN_RUN, operand->numbers[0]);
	clip_runs(&box);
	return box;
}

/* NULL where the predicate says nothing that is of use */
static KeySet *
evaluate_leaf(const KeyExpr *expr, const KeyOperand *operands)
{
	const KeyOperand *operand = &operands[expr->operand];
	KeySet			 *set;
	KeyBox			  box = any_box();

	if (operand->unbounded || (operand->unknown && expr->kind != KEY_EXPR_IN))
		return NULL;
	if (appconfig_keys[expr->key].is_integer)
		box = run_box(expr->kind, operand);
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
	KeySet *set = appconfig_keyset_make(a->count * b->count);
	int		i;
	int		j;

	for (i = 0; i < a->count; i++)
	{
		for (j = 0; j < b->count; j++)
		{
			KeyBox box = intersect_boxes(&a->boxes[i], &b->boxes[j]);

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
	int most = 0;
	int key;
	int i;

	for (i = 0; i < set->count; i++)
	{
		const KeyBox *box = &set->boxes[i];

		most = Max(most, box->run_count);
		for (key = 0; key < KEY_COUNT; key++)
		{
			if (box->texts[key] != NULL)
				most = Max(most, box->texts[key]->count);
		}
	}
	return most;
}

/* Do boxes and values of the product stay within bounds? */
static bool
can_intersect(const KeySet *a, const KeySet *b)
{
	int64 boxes = (int64) a->count * b->count;

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
	KeySet **args = palloc(sizeof(KeySet *) * Max(expr->nargs, 1));
	KeySet	*set = NULL;
	int		 pass;
	int		 i;

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
	KeySet **args = palloc(sizeof(KeySet *) * expr->nargs);
	int		 total = 0;
	KeySet	*set;
	int		 i;

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
	KeySet *set = expr != NULL ? evaluate_expr(expr, operands) : NULL;

	if (set == NULL)
		set = appconfig_keyset_everything();
	AssertCheckKeySet(set);
	return set;
}

static bool
box_contains(const KeyBox *box, const KeyFacts *facts)
{
	int key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (facts->text[key] != NULL && box->texts[key] != NULL &&
			!appconfig_keyset_has_text(box->texts[key], facts->text[key]))
			return false;
	}
	return !facts->run_known || has_run(box, facts->run);
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
	bool		   built;
	int			   count;
	KeyIndexEntry *entries; /* in order of values, then of boxes */
	int			   open_count;
	int			  *open; /* boxes that leave the key open, in order */
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
	int					 order = strcmp(left->value, right->value);

	return order != 0 ? order : left->box - right->box;
}

/* The number of values that the boxes have for the key together; -1 if too
 * many, or none, to be worth an index */
static int
count_indexed_values(const KeySet *set, AppConfigKey key)
{
	int64 total = 0;
	int	  i;

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
	int values = count_indexed_values(set, key);
	int i;
	int j;

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

/* Makes it fast to find boxes of a large set, which must not change any more
 */
void
appconfig_keyset_index(KeySet *set)
{
	int key;

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

/* A walk through those boxes, in order, that rows with some keys can be in */
typedef struct BoxWalk
{
	const KeySet		 *set;
	const KeyFacts		 *facts;
	const KeyIndexColumn *column; /* NULL for all boxes */
	int					  next;	  /* of the boxes, or of those that are open */
	int					  entry;  /* the next with the value, and their end */
	int					  entries_end;
} BoxWalk;

/* The first entry that is not before the value, or, if past, not with it */
static int
find_index_entry(const KeyIndexColumn *column, const char *value, bool past)
{
	int low = 0;
	int high = column->count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;
		int order = strcmp(column->entries[middle].value, value);

		if (order < 0 || (past && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Begins with the key that leaves the fewest boxes */
static void
start_walk(BoxWalk *walk, const KeySet *set, const KeyFacts *facts)
{
	int fewest = set->count;
	int key;

	memset(walk, 0, sizeof(BoxWalk));
	walk->set = set;
	walk->facts = facts;
	for (key = 0; set->index != NULL && key < KEY_COUNT; key++)
	{
		const KeyIndexColumn *column = &set->index->columns[key];
		int					  first;
		int					  end;

		if (!column->built || facts->text[key] == NULL)
			continue;
		first = find_index_entry(column, facts->text[key], false);
		end = find_index_entry(column, facts->text[key], true);
		if (end - first + column->open_count >= fewest)
			continue;
		fewest = end - first + column->open_count;
		walk->column = column;
		walk->entry = first;
		walk->entries_end = end;
	}
}

/* The next box that is worth a look; NULL behind the last */
static const KeyBox *
next_candidate(BoxWalk *walk)
{
	const KeyIndexColumn *column = walk->column;
	int					  box = walk->set->count;
	bool				  is_entry;

	if (column == NULL)
		return walk->next < walk->set->count ? &walk->set->boxes[walk->next++]
											 : NULL;
	if (walk->next < column->open_count)
		box = column->open[walk->next];
	is_entry = walk->entry < walk->entries_end &&
			   column->entries[walk->entry].box < box;
	if (is_entry)
		box = column->entries[walk->entry++].box;
	else
		walk->next++;
	return box < walk->set->count ? &walk->set->boxes[box] : NULL;
}

static const KeyBox *
next_box(BoxWalk *walk)
{
	const KeyBox *box;

	while ((box = next_candidate(walk)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (box_contains(box, walk->facts))
			return box;
	}
	return NULL;
}

/* Could a row with these keys be one that the query asks for? */
bool
appconfig_keyset_contains(const KeySet *set, const KeyFacts *facts)
{
	BoxWalk walk;

	start_walk(&walk, set, facts);
	return next_box(&walk) != NULL;
}

/* The boxes that rows with these keys can be in; shared if that is all */
KeySet *
appconfig_keyset_restrict(const KeySet *set, const KeyFacts *facts)
{
	KeySet		 *some;
	BoxWalk		  walk;
	const KeyBox *box;
	int			  count = 0;

	/* of a large set often little is left, many times over */
	start_walk(&walk, set, facts);
	while (next_box(&walk) != NULL)
		count++;
	if (count == set->count)
	{
		some = appconfig_keyset_make(0);
		*some = *set;
		return some;
	}
	some = appconfig_keyset_make(count);
	start_walk(&walk, set, facts);
	while ((box = next_box(&walk)) != NULL)
		some->boxes[some->count++] = *box;
	appconfig_keyset_index(some);
	return some;
}

/* Any order will do that tells different values apart; what is not known
 * comes first, in that of its place in memory */
static int
compare_bounds(const KeyTexts *a, const KeyTexts *b)
{
	int i;

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
		int order = strcmp(a->value[i], b->value[i]);

		if (order != 0)
			return order;
	}
	return 0;
}

static int
compare_boxes(const void *a, const void *b)
{
	int key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		int order = compare_bounds(((const KeyBox *) a)->texts[key],
								   ((const KeyBox *) b)->texts[key]);

		if (order != 0)
			return order;
	}
	return 0;
}

/* What the set says about some of the text keys alone: its boxes with nothing
 * else bound, each once */
KeySet *
appconfig_keyset_project(const KeySet *set, const AppConfigKey *keys,
						 int nkeys)
{
	KeySet *projected = appconfig_keyset_make(set->count);
	int		kept = 0;
	int		i;
	int		j;

	for (i = 0; i < set->count; i++)
	{
		KeyBox box = any_box();

		for (j = 0; j < nkeys; j++)
			box.texts[keys[j]] = set->boxes[i].texts[keys[j]];
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
 * The set with a key bound, in the boxes that leave it open, to the values
 * that a function finds for the box; NULL leaves it open.  Boxes for which
 * there are none go.
 */
KeySet *
appconfig_keyset_bind(const KeySet *set, AppConfigKey key,
					  const KeyTexts *(*find)(void *arg, const KeyBox *box),
					  void *arg)
{
	KeySet *bound = appconfig_keyset_make(set->count);
	int		i;

	for (i = 0; i < set->count; i++)
	{
		KeyBox box = set->boxes[i];

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
	uintptr_t left = *(const uintptr_t *) a;
	uintptr_t right = *(const uintptr_t *) b;

	return left < right ? -1 : left > right ? 1 : 0;
}

/* Moves each of the pointers to the front once; returns how many there are */
static int
unique_pointers(const void **pointers, int count)
{
	int kept = 0;
	int i;

	qsort(pointers, count, sizeof(void *), compare_pointers);
	for (i = 0; i < count; i++)
	{
		if (kept == 0 || pointers[kept - 1] != pointers[i])
			pointers[kept++] = pointers[i];
	}
	return kept;
}

/* All values that a key has in the set; NULL if it can have any */
KeyTexts *
appconfig_keyset_texts(const KeySet *set, AppConfigKey key)
{
	const void **texts = palloc(sizeof(void *) * Max(set->count, 1));
	KeyTexts	*all = palloc0(sizeof(KeyTexts));
	int			 distinct;
	int			 total = 0;
	int			 i;

	for (i = 0; i < set->count; i++)
	{
		texts[i] = set->boxes[i].texts[key];
		if (texts[i] == NULL)
			return NULL;
	}
	/* boxes share their texts: without that the sum would have no bound */
	distinct = unique_pointers(texts, set->count);
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

/*
 * Sets all runs of the set, which must not be more than fit into memory; false
 * if there are ranges of them.
 */
bool
appconfig_keyset_runs(const KeySet *set, int64 **runs, int *count)
{
	int total = 0;
	int i;

	for (i = 0; i < set->count; i++)
	{
		if (set->boxes[i].run_count < 0)
			return false;
		total += set->boxes[i].run_count;
	}
	*runs = palloc(sizeof(int64) * Max(total, 1));
	*count = 0;
	for (i = 0; i < set->count; i++)
	{
		memcpy(*runs + *count, set->boxes[i].runs,
			   sizeof(int64) * set->boxes[i].run_count);
		*count += set->boxes[i].run_count;
	}
	sort_runs(*runs, count);
	return true;
}
