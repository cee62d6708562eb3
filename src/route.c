/*-------------------------------------------------------------------------
 *
 * route.c
 *		The way of a scan: which calls it makes, for which keys, and what it
 *		takes from which answer.
 *
 * Decided once, from the table's declaration, the plan, the other scans of the
 * statement and the settings: cursor.c walks the route and EXPLAIN prints it,
 * so that the one cannot do what the other does not say.  What is not known
 * before a scan is run, the values of keys, both hand to the same functions.
 *
 * What may not live here: calls and their answers (cursor.c), clauses
 * (predicate.c, list_filter.c).
 *
 *
 * Lists or Gets
 *
 * What is not fully known by its keys only a list can find.  What is fully
 * known can be asked for, one by one; or a list tells first which of it there
 * is.  Both ways have the same rows.  They differ in what they cost: a document
 * for each combination of keys, whether it exists or not, against the pages of
 * a list and a document for each that exists, or none where the item says all.
 * Nobody knows beforehand how many exist, nor how long the list is, so the
 * choice has to be good whatever turns out:
 *
 * - The price of a List, in Gets, is what the rates of the server make it: by
 *   default there are ten times as many Gets in a second.  A rate of 0 is no
 *   limit of ours, but the service has its own.  And a list comes before what
 *   it tells, which is one wait more, so that its price is never taken for
 *   less than LEAST_LIST_PRICE.
 * - A list is asked for if its first page costs no more than the Gets that it
 *   might save, which are all of them, and goes on while its pages together
 *   cost no more than these.  So it never takes more of the List rate's time
 *   than they would have taken of the Get rate's, and as what is found is
 *   fetched meanwhile, the two run side by side: the list costs hardly any
 *   time even where everything exists.  Its pages are a tenth of the calls at
 *   most, and a fiftieth where nothing else is on them.  Where few exist
 *   nearly all Gets are saved.
 * - Pages of the table's own things go on for half as long (MOST_LEAF_LISTING):
 *   of the numbers that somebody names most exist, while of a product of
 *   applications and definitions nearly nothing does.
 * - When the pages are used up, or what has not been seen yet is worth less
 *   than the next page, the rest is asked for by its keys.  The order of a list
 *   is not documented, so what it has not shown yet can be on any later page.
 *   When all that was wanted has been seen the list ends.
 * - Where the calls saved are lists, those of things below, the list takes its
 *   time from the same rate: it has to save LISTS_PER_LIST of them.
 *
 * So a single run is one Get, and a handful of runs of one definition are Gets;
 * 1500 numbers of a definition with three runs are one page and three Gets; and
 * a product of many applications, definitions and runs is lists of definitions,
 * lists of the runs of those that exist, and Gets of those runs that exist.
 * Each level decides for each parent: one application may have its definitions
 * listed while the only one that is named of another is not.  Of many
 * applications, or of a few combinations in each, the account has one list,
 * though nobody knows how much else is on that.
 *
 * A list that was chosen so can be done without.  If the identity may not list,
 * the same things are asked for by their keys (expand.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/float.h"

#include "answer_keys.h"
#include "request.h"
#include "route.h"
#include "uri.h"

/* Things that are asked for one by one; of more than that there is a list */
#define MAX_DIRECT 10000

/*
 * Lists of a level, one for each application; for more applications than that
 * the list of the whole account is shorter
 */
#define MAX_APPLICATION_LISTS 20

/* Calls in a second that the service allows, where an option sets no limit */
#define PUBLISHED_GET_RATE 100.0
#define PUBLISHED_LIST_RATE 10.0

/* What follows: see "Lists or Gets" above */
#define LEAST_LIST_PRICE 5.0
#define LISTS_PER_LIST 5.0
#define MOST_LEAF_LISTING 0.5

/* Places that EXPLAIN looks at: keys can lead to many, which are all alike */
#define MAX_EXPLORED 1000

const SideLookupSource appconfig_side_lookups[SIDE_COUNT] = {
	[SIDE_APPLICATION] = {SOURCE_APPLICATION, COLLECTION_APPLICATIONS},
	[SIDE_DEFINITION] = {SOURCE_DEFINITION, COLLECTION_DEFINITIONS},
};

/* ------------------------------------------------------------------------
 * What the declaration and the columns say
 * ------------------------------------------------------------------------
 */

/* The leaf: the collection that the rows of a table are of */
const AppConfigCollection *
appconfig_route_leaf(const AppConfigTable *table)
{
	return &appconfig_collections[table->collection];
}

/* Can the column's value come from the source? */
bool
appconfig_route_column_has(const AppConfigColumn *column,
						   AppConfigSource source)
{
	int			i;

	for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
	{
		if (column->from[i].source == source)
			return true;
	}
	return false;
}

/* Can a column be had without the document of the table's own collection? */
static bool
column_avoids_document(const AppConfigTable *table,
					   const AppConfigColumn *column)
{
	AppConfigSource document = appconfig_route_leaf(table)->get.yields;
	int			i;

	for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
	{
		AppConfigSource source = column->from[i].source;

		if (source != SOURCE_NONE &&
			(source != document ||
			 appconfig_route_leaf(table)->list.yields == document))
			return true;
	}
	return false;
}

/*
 * Can a list on the way to the table's rows tell the column's value?  Then a
 * clause on the column can be checked before what is below is asked for.
 */
bool
appconfig_route_lists_answer(const AppConfigTable *table,
							 const AppConfigColumn *column)
{
	AppConfigCollectionId id;

	for (id = table->collection; id != COLLECTION_NONE;
		 id = appconfig_collections[id].parent)
	{
		if (appconfig_route_column_has(column,
									   appconfig_collections[id].list.yields))
			return true;
	}
	return appconfig_route_column_has(column, SOURCE_APPLICATION) ||
		appconfig_route_column_has(column, SOURCE_SERVER) ||
		appconfig_route_column_has(column, SOURCE_KEY);
}

/* Can the member change that the path begins with? */
static bool
member_changes(const AppConfigCollection *leaf, const char *path)
{
	size_t		length = strcspn(path, ".");
	int			i;

	for (i = 0; leaf->fixed[i] != NULL; i++)
	{
		if (strlen(leaf->fixed[i]) == length &&
			strncmp(leaf->fixed[i], path, length) == 0)
			return false;
	}
	return true;
}

/* Does a row take something of its thing that can change? */
static bool
reads_mutable(const Route *route)
{
	const AppConfigCollection *leaf = appconfig_route_leaf(route->table);
	const AppConfigColumn **column;
	int			i;

	if (leaf->fixed == NULL)
		return false;
	if (route->table->rows.path != NULL &&
		member_changes(leaf, route->table->rows.path))
		return true;
	for (column = route->columns; *column != NULL; column++)
	{
		for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
		{
			AppConfigColumnSource from = (*column)->from[i];

			if ((from.source == leaf->get.yields ||
				 from.source == leaf->list.yields) &&
				(from.path == NULL || member_changes(leaf, from.path)))
				return true;
		}
	}
	return false;
}

static void
find_needs(Route *route)
{
	const AppConfigTable *table = route->table;
	const AppConfigColumn **column;
	int			i;

	route->need_document = table->shape != ROW_PER_ITEM;
	for (column = route->columns; *column != NULL; column++)
	{
		if (!column_avoids_document(table, *column))
			route->need_document = true;
		for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
			route->read[(*column)->from[i].source] = true;
	}
	if (appconfig_route_leaf(table)->get.path == NULL)
		route->need_document = false;
}

/* The last key of the path that is not in the path of the level above */
static AppConfigKey
find_level_key(const Route *route, int level)
{
	int			key = KEY_COUNT - 1;

	while (key > KEY_NONE &&
		   (!appconfig_request_needs(&appconfig_collections[route->levels[level]].get, key) ||
			(level > 0 &&
			 appconfig_request_needs(&appconfig_collections[route->levels[level - 1]].get, key))))
		key--;
	return key;
}

static void
find_levels(Route *route)
{
	AppConfigCollectionId id = route->table->collection;
	int			i;

	for (; id != COLLECTION_NONE; id = appconfig_collections[id].parent)
		route->levels_count++;
	Assert(route->levels_count <= MAX_LEVELS);
	id = route->table->collection;
	for (i = route->levels_count - 1; i >= 0; i--)
	{
		route->levels[i] = id;
		id = appconfig_collections[id].parent;
	}
	for (i = 0; i < route->levels_count; i++)
		route->level_keys[i] = find_level_key(route, i);
}

/*
 * Does the walk begin with a list of all applications?  It does if names have
 * to be resolved, or are read while it is not known of which applications.
 */
bool
appconfig_route_needs_applications(const Route *route, const KeySet *keys)
{
	int			i;

	if (route->levels[0] == COLLECTION_APPLICATIONS)
		return false;
	for (i = 0; i < keys->count; i++)
	{
		const KeyBox *box = &keys->boxes[i];

		if (box->texts[KEY_APPLICATION_ID] == NULL &&
			(box->texts[KEY_APPLICATION_NAME] != NULL ||
			 route->read[SOURCE_APPLICATION]))
			return true;
	}
	return false;
}

/* The collection at a level of the calls, 0 the topmost */
const AppConfigCollection *
appconfig_route_collection(const Route *route, int level)
{
	return &appconfig_collections[route->levels[level]];
}

/*
 * Is it by this key that documents which the service freezes are told apart,
 * on the way to the table's rows or as their own?
 */
bool
appconfig_route_is_key_of_frozen(const Route *route, AppConfigKey key)
{
	int			level;

	for (level = 0; level < route->levels_count; level++)
	{
		if (route->level_keys[level] == key &&
			appconfig_route_collection(route, level)->get.freezing != NULL)
			return true;
	}
	return false;
}

/* Is the level the lowest, that of the table's own collection? */
bool
appconfig_route_is_leaf(const Route *route, int level)
{
	return level == route->levels_count - 1;
}

/*
 * What a call of a List costs, in calls of a Get, by the rates that a server's
 * options set
 */
double
appconfig_route_list_price(double max_get_rate, double max_list_rate)
{
	double		get_rate = max_get_rate > 0 ? max_get_rate : PUBLISHED_GET_RATE;
	double		list_rate =
	max_list_rate > 0 ? max_list_rate : PUBLISHED_LIST_RATE;

	return Max(get_rate / list_rate, LEAST_LIST_PRICE);
}

/*
 * How to read the table where these columns, ended by NULL, are wanted, if a
 * List has that price
 */
void
appconfig_route_for_columns(Route *route, const AppConfigTable *table,
							const AppConfigColumn **columns, double list_price)
{
	memset(route, 0, sizeof(Route));
	route->table = table;
	route->columns = columns;
	route->list_price = list_price;
	find_needs(route);
	find_levels(route);
	route->reads_mutable = reads_mutable(route);
}

/*
 * Does the way to the table's rows come by things that the service freezes?
 * Whether a list shows one in its last state is told by who has asked for its
 * document by ids: see appconfig_memo_is_final().
 */
static bool
leads_to_frozen(const Route *route)
{
	int			level;

	for (level = 0; level < route->levels_count; level++)
	{
		if (appconfig_route_collection(route, level)->get.freezing != NULL)
			return true;
	}
	return false;
}

/*
 * The route of a scan that puts out these columns, palloc'd.  list_price and
 * pushdown are as the statement begins: a plan can be older than that.
 */
const Route *
appconfig_route_make(const AppConfigScanPlan *plan,
					 const OutputColumns *columns, const StatementReads *reads,
					 double list_price, bool pushdown)
{
	Route	   *route = palloc(sizeof(Route));
	bool		mutable = (plan->reads & READS_MUTABLE) != 0;

	appconfig_route_for_columns(route, plan->table,
								appconfig_scan_plan_columns(plan, columns),
								list_price);
	route->shared_lists =
		reads->one_state || (mutable && reads->shared_lists);
	route->names_by_list =
		route->shared_lists && (mutable || leads_to_frozen(route));
	route->documents_decide = mutable && reads->documents_decide;
	if (pushdown)
	{
		route->keys = plan->keys;
		route->filters = plan->filters;
		route->rows_wanted = plan->rows_wanted;
	}
	return route;
}

/* ------------------------------------------------------------------------
 * What the keys say
 * ------------------------------------------------------------------------
 */

/*
 * Is the key one that the operation needs, and not known, not by name either?
 */
bool
appconfig_route_is_open(const AppConfigOperation *operation,
						const KnownKeys *keys, AppConfigKey key)
{
	return keys->text[key] == NULL &&
		keys->text[appconfig_keys[key].name_key] == NULL &&
		appconfig_request_needs(operation, key);
}

/* Does the service mean the same by each of the names, whatever it prefers? */
static bool
names_are_direct(const KeyTexts *names)
{
	int			i;

	if (names == NULL)
		return false;
	for (i = 0; i < names->count; i++)
	{
		if (appconfig_answer_keys_could_be_id(names->value[i]) ||
			!appconfig_uri_segment_is_safe(names->value[i]))
			return false;
	}
	return true;
}

/* What stands in a path for something known by a box */
typedef enum BoxAccess
{
	BY_LIST,					/* not everything is known */
	BY_ID,
	BY_NAME
} BoxAccess;

/* Do the keys and the box tell everything that the operation needs? */
static BoxAccess
box_access(const Route *route, const AppConfigOperation *get,
		   const KnownKeys *keys, const KeyBox *box)
{
	BoxAccess	access = BY_ID;
	int			key;

	if (get->path == NULL)
		return BY_LIST;
	for (key = 0; key < KEY_COUNT; key++)
	{
		if (!appconfig_route_is_open(get, keys, key) ||
			appconfig_keyset_count(box, key) >= 0)
			continue;
		if (route->names_by_list ||
			!names_are_direct(box->texts[appconfig_keys[key].name_key]))
			return BY_LIST;
		access = BY_NAME;
	}
	return access;
}

/*
 * How many combinations of values does the set have for the keys that the
 * operation needs, as far as they are bound?
 */
static double
count_combinations(const AppConfigOperation *get, const KnownKeys *keys,
				   const KeySet *set)
{
	double		total = 0;
	int			i;

	for (i = 0; i < set->count; i++)
	{
		const KeyBox *box = &set->boxes[i];
		double		count = 1;
		int			key;

		for (key = 0; key < KEY_COUNT; key++)
		{
			int			values = appconfig_keyset_count(box, key);

			if (values < 0)
				values =
					appconfig_keyset_count(box, appconfig_keys[key].name_key);
			if (values >= 0 && appconfig_route_is_open(get, keys, key))
				count *= values;
		}
		total += count;
	}
	return total;
}

/*
 * Splits a set into what is fully known and what only a list can find, each of
 * which has room for all of it.  One thing must not be found by its id and by
 * its name: where there are both, the list finds those with names.
 */
static void
split_by_access(RouteStep *step, KeySet *listed, const KeySet *set)
{
	const AppConfigOperation *get =
	&appconfig_route_collection(step->route, step->level)->get;
	bool		has_ids = false;
	int			i;

	for (i = 0; i < set->count; i++)
		has_ids |= box_access(step->route, get, step->keys, &set->boxes[i]) == BY_ID;
	for (i = 0; i < set->count; i++)
	{
		BoxAccess	access = box_access(step->route, get, step->keys,
										&set->boxes[i]);
		KeySet	   *part = access == BY_ID || (access == BY_NAME && !has_ids)
		? step->direct
		: listed;

		step->by_name |= part == step->direct && access == BY_NAME;
		part->boxes[part->count++] = set->boxes[i];
	}
	if (count_combinations(get, step->keys, step->direct) > MAX_DIRECT)
	{
		memcpy(listed->boxes, set->boxes, sizeof(KeyBox) * set->count);
		listed->count = set->count;
		step->direct->count = 0;
	}
	appconfig_keyset_index(step->direct);
	appconfig_keyset_index(listed);
}

/*
 * The applications for each of which the level has a list; NULL if its list
 * takes none, or if they are not known
 */
static KeyTexts *
listable_applications(const RouteStep *step, const KeySet *set)
{
	if (step->keys->text[KEY_APPLICATION_ID] != NULL ||
		appconfig_route_collection(step->route, step->level)->list.filters == NULL)
		return NULL;
	return appconfig_keyset_texts(set, KEY_APPLICATION_ID);
}

/* A list of an application's things, or with NULL of all */
static RouteList *
add_step_list(RouteStep *step, const char *application)
{
	RouteList  *list = palloc0(sizeof(RouteList));

	list->application = application;
	step->lists = lappend(step->lists, list);
	if (application == NULL)
		step->direct->count = 0;
	return list;
}

/* What things are worth that are known by their keys */
typedef struct Worth
{
	double		things;			/* no more than so many exist */
	double		gets;			/* if each is asked for by its keys */
} Worth;

/* Pages that may be read to save so many Gets */
static double
count_pages_worth(const RouteStep *step, double gets)
{
	if (appconfig_route_is_leaf(step->route, step->level))
		gets *= MOST_LEAF_LISTING;
	return Max(floor(gets / step->route->list_price), 1);
}

/* The same of things that are known */
static void
add_optional_list(RouteStep *step, const char *application, Worth worth)
{
	RouteList  *list = add_step_list(step, application);

	list->optional = true;
	list->pages = count_pages_worth(step, worth.gets);
	/* nobody says that there is only one of each name */
	list->things = step->by_name ? get_float8_infinity() : worth.things;
	list->worth = worth.gets / worth.things;
}

/*
 * The lists that find what the set leaves open: one of each application that
 * it names, where the list can be filtered so, and else one of all
 */
static void
add_needed_lists(RouteStep *step, const KeySet *listed)
{
	KeyTexts   *applications;
	int			i;

	if (listed->count == 0)
		return;
	applications = listable_applications(step, listed);
	if (applications == NULL || applications->count > MAX_APPLICATION_LISTS)
	{
		(void) add_step_list(step, NULL);
		return;
	}
	for (i = 0; i < applications->count; i++)
		(void) add_step_list(step, applications->value[i]);
	step->listed = applications;
}

/* How many values has a box for a level's own key? -1 if any */
static int
count_level_values(const Route *route, int level, const KeyBox *box)
{
	AppConfigKey key = route->level_keys[level];
	int			count = appconfig_keyset_count(box, key);

	return count >= 0 ? count
		: appconfig_keyset_count(box, appconfig_keys[key].name_key);
}

/*
 * What the calls for one thing of a level in a box are worth, in Gets, if each
 * is asked for by its keys
 */
double
appconfig_route_worth_of_thing(const Route *route, int level,
							   const KeyBox *box)
{
	int			values;

	if (appconfig_route_is_leaf(route, level))
		return 1;
	values = count_level_values(route, level + 1, box);
	if (values < 0)
		return route->list_price / LISTS_PER_LIST;
	return values * appconfig_route_worth_of_thing(route, level + 1, box);
}

/*
 * What the set says of the things that the operation needs the keys of, each
 * once
 */
static KeySet *
project_things(const AppConfigOperation *get, const KeySet *set)
{
	AppConfigKey some[KEY_COUNT];
	int			count = 0;
	int			key;

	for (key = KEY_NONE + 1; key < KEY_COUNT; key++)
	{
		if (!appconfig_request_needs(get, key))
			continue;
		some[count++] = key;
		if (appconfig_keys[key].name_key != KEY_NONE)
			some[count++] = appconfig_keys[key].name_key;
	}
	return appconfig_keyset_project(set, some, count);
}

/* How many things of a level there can be in the set; hardly any twice */
static double
count_things(const RouteStep *step, const KnownKeys *keys, const KeySet *set)
{
	const AppConfigOperation *get =
	&appconfig_route_collection(step->route, step->level)->get;
	AppConfigKey own = step->route->level_keys[step->level];
	KeyTexts   *texts;

	/* boxes can have values in common: below a parent that is easily seen */
	if (step->level > 0 && set->count > 1 &&
		(texts = appconfig_keyset_texts(set, own)) != NULL)
		return texts->count;
	return count_combinations(get, keys, project_things(get, set));
}

/*
 * Gets that bring everything in the set, each asked for by its keys; infinite
 * if some of it only lists can find
 */
double
appconfig_route_count_gets(const Route *route, const KeySet *set)
{
	static const KnownKeys nothing;
	const AppConfigOperation *get = &appconfig_route_leaf(route->table)->get;
	double		gets;
	int			i;

	for (i = 0; i < set->count; i++)
	{
		if (box_access(route, get, &nothing, &set->boxes[i]) == BY_LIST)
			return get_float8_infinity();
	}
	gets = count_combinations(get, &nothing, project_things(get, set));
	return gets <= MAX_DIRECT ? gets : get_float8_infinity();
}

/*
 * Lists that may be asked for to save so many Gets: at each level no more than
 * these are worth
 */
double
appconfig_route_most_lists(const Route *route, double gets)
{
	return route->levels_count * floor(gets / route->list_price);
}

/* Can only lists show what belongs to the things of a level in the set? */
static bool
is_open_below(const Route *route, int level, const KeySet *set)
{
	int			i;

	if (appconfig_route_leaf(route->table)->get.path == NULL)
		return true;
	for (i = 0; i < set->count; i++)
	{
		if (count_level_values(route, level + 1, &set->boxes[i]) < 0)
			return true;
	}
	return false;
}

/*
 * What the calls for the things of a level in the set are worth, if each is
 * asked for by its keys.  For what belongs to a thing, there are Gets or, if
 * these are worth more, one list.
 */
static Worth
worth_of_things(const RouteStep *step, const KnownKeys *keys,
				const KeySet *set)
{
	const Route *route = step->route;
	const AppConfigOperation *get =
	&appconfig_route_collection(route, step->level)->get;
	Worth		worth = {.things = count_things(step, keys, set)};
	int			i;

	for (i = 0; i < set->count; i++)
	{
		KeySet		box = {.count = 1, .boxes = &set->boxes[i]};

		worth.gets += count_combinations(get, keys, &box) *
			appconfig_route_worth_of_thing(route, step->level, &set->boxes[i]);
	}
	if (appconfig_route_is_leaf(route, step->level))
		worth.gets = worth.things;
	else if (is_open_below(route, step->level, set) ||
			 worth.gets >= worth.things * route->list_price)
		worth.gets = Min(worth.gets,
						 worth.things * route->list_price / LISTS_PER_LIST);
	return worth;
}

/* What is to be had by keys of one of the applications */
static Worth
worth_of_application(const RouteStep *step, const char *application)
{
	KnownKeys	keys = *step->keys;

	keys.text[KEY_APPLICATION_ID] = application;
	return worth_of_things(step, &keys,
						   appconfig_keyset_restrict(step->direct, &keys));
}

/*
 * What a list of the account has to be worth to be asked for instead of things
 * in so many applications: nobody knows how much else is on it
 */
static double
price_of_account(const RouteStep *step, int applications)
{
	double		expected =
	applications *
	appconfig_route_collection(step->route, step->level)->expected;

	return step->route->list_price * Max(2, ceil(expected / PAGE_SIZE));
}

/*
 * Which of the applications have their things listed, and not asked for by
 * keys?  Or does the account?
 */
static void
weigh_applications(RouteStep *step, const KeyTexts *all)
{
	KeyTexts   *listed = palloc0(sizeof(KeyTexts));
	Worth	   *worth = palloc(sizeof(Worth) * Max(all->count, 1));
	Worth		here = {.things = 0};
	Worth		total = {.things = 0};
	double		rest = 0;
	int			i;

	listed->value = palloc(sizeof(char *) * Max(all->count, 1));
	listed->unknown = all->unknown;
	for (i = 0; i < all->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		/* those that are not known are all alike */
		if (i == 0 || !all->unknown)
			here = worth_of_application(step, all->value[i]);
		total.things += here.things;
		total.gets += here.gets;
		if (here.gets < step->route->list_price)
		{
			rest += here.gets;
			continue;
		}
		worth[listed->count] = here;
		listed->value[listed->count++] = all->value[i];
	}
	if (listed->count > MAX_APPLICATION_LISTS ||
		rest >= price_of_account(step, all->count - listed->count))
	{
		add_optional_list(step, NULL, total);
		return;
	}
	for (i = 0; i < listed->count; i++)
		add_optional_list(step, listed->value[i], worth[i]);
	step->listed = listed->count > 0 ? listed : NULL;
}

/* Is something that is known better found by lists? */
static void
weigh_lists(RouteStep *step)
{
	KeyTexts   *applications;
	Worth		worth;

	if (step->direct->count == 0)
		return;
	applications = listable_applications(step, step->direct);
	if (applications != NULL)
	{
		weigh_applications(step, applications);
		return;
	}
	worth = worth_of_things(step, step->keys, step->direct);
	if (worth.gets >= step->route->list_price)
		add_optional_list(step, NULL, worth);
}

/*
 * How to come by the things of a level that are in the set, which the keys
 * have narrowed to what they belong to; all of it palloc'd or borrowed from
 * these.  may_list tells whether lists that can be done without are to be
 * thought of.
 */
RouteStep *
appconfig_route_step(const Route *route, int level, const KnownKeys *keys,
					 const KeySet *set, bool may_list)
{
	RouteStep  *step = palloc0(sizeof(RouteStep));
	KeySet	   *listed = appconfig_keyset_make(set->count);

	step->route = route;
	step->level = level;
	step->keys = keys;
	step->direct = appconfig_keyset_make(set->count);
	split_by_access(step, listed, set);
	add_needed_lists(step, listed);
	/* what a list is needed for has others on it as well */
	if (step->lists == NIL && may_list)
		weigh_lists(step);
	elog(DEBUG2,
		 "appconfig_fdw: of %d combinations of keys at level %d, %d are to be had by keys, with %d lists",
		 set->count, level, step->direct->count, list_length(step->lists));
	return step;
}

/* ------------------------------------------------------------------------
 * What would be called
 * ------------------------------------------------------------------------
 */

/* Does the walk come by the source, whichever way it goes? */
static bool
walk_has_source(const RouteCalls *calls, AppConfigSource source)
{
	const Route *route = calls->route;
	int			level;

	for (level = 0; level < route->levels_count; level++)
	{
		const AppConfigCollection *collection =
		appconfig_route_collection(route, level);

		if (calls->listed[level] && !calls->direct[level] &&
			collection->list.yields == source)
			return true;
		if (appconfig_route_is_leaf(route, level) &&
			collection->get.yields == source &&
			(route->need_document || !calls->listed[level]))
			return true;
	}
	return false;
}

/*
 * May lists stand in for documents, so that the one of the proving collection
 * has to show of the query's ids that they are some?  As needs_proof() in
 * side_lookup.c; but not where a list above the leaf tells them.
 */
static bool
walk_needs_proof(const RouteCalls *calls)
{
	const Route *route = calls->route;
	int			leaf = route->levels_count - 1;
	int			level;

	if (!calls->listed[leaf] || !calls->direct[leaf] ||
		calls->applications_listed ||
		route->need_document || route->documents_decide)
		return false;
	for (level = 0; level < leaf; level++)
	{
		if (calls->listed[level] && !calls->direct[level])
			return false;
	}
	return true;
}

/* Could a column that is read, or a proof, need the side look-up? */
static bool
walk_needs_side(const RouteCalls *calls, SideLookup side)
{
	const Route *route = calls->route;
	const AppConfigColumn **column;
	int			i;

	if (appconfig_side_lookups[side].collection == route->table->collection ||
		(side == SIDE_APPLICATION && calls->applications_listed))
		return false;
	if (appconfig_side_lookups[side].collection ==
		appconfig_route_leaf(route->table)->proof && walk_needs_proof(calls))
		return true;
	for (column = route->columns; *column != NULL; column++)
	{
		bool		elsewhere = false;

		if (!appconfig_route_column_has(*column,
										appconfig_side_lookups[side].source))
			continue;
		for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
			elsewhere |= (*column)->from[i].source != SOURCE_NONE &&
				walk_has_source(calls, (*column)->from[i].source);
		if (!elsewhere)
			return true;
	}
	return false;
}

/* Some application has the name, whatever its id is */
static const KeyTexts *
leave_names(void *arg pg_attribute_unused(), const KeyBox *box)
{
	return box->texts[KEY_APPLICATION_NAME];
}

/* The keys once all applications are listed, whatever their ids are */
const KeySet *
appconfig_route_name_applications(const KeySet *keys)
{
	return appconfig_keyset_bind(keys, KEY_APPLICATION_ID, leave_names, NULL);
}

static void
add_operation(RouteCalls *calls, const AppConfigOperation *operation)
{
	calls->operations =
		lappend(calls->operations, unconstify(char *, operation->name));
}

/*
 * A walk in thought.  The values of keys that lists will tell are not known,
 * but that they are known at that place is.
 */
typedef struct Exploration
{
	RouteCalls *calls;
	int			left;			/* places to look at */
} Exploration;

typedef struct ExploredPlace
{
	int			level;
	KnownKeys	known;			/* "" for what a list has told */
	KnownKeys	values;			/* without these */
} ExploredPlace;

static void explore_things(Exploration *exploration, ExploredPlace place,
						   const KeySet *set, AppConfigKey from);

/* Can nothing more be found out, at the level and below? */
static bool
is_explored(const RouteCalls *calls, int level)
{
	for (; level < calls->route->levels_count; level++)
	{
		if (!calls->listed[level] || !calls->direct[level])
			return false;
	}
	return true;
}

/* Which ways lead to things at a place, and what lies below */
static void
explore_level(Exploration *exploration, const ExploredPlace *place,
			  const KeySet *set)
{
	RouteCalls *calls = exploration->calls;
	int			level = place->level;
	RouteStep  *step;
	ListCell   *cell;

	CHECK_FOR_INTERRUPTS();
	if (set->count == 0 || exploration->left-- <= 0 ||
		is_explored(calls, level))
		return;
	step = appconfig_route_step(calls->route, level, &place->known, set,
								!calls->applications_listed ||
								calls->route->levels[level] !=
								COLLECTION_APPLICATIONS);
	calls->direct[level] |= step->direct->count > 0;
	foreach(cell, step->lists)
	{
		calls->listed[level] = true;
		calls->direct[level] |= ((RouteList *) lfirst(cell))->optional;
	}
	if (!appconfig_route_is_leaf(calls->route, level))
		explore_things(exploration, *place, set, KEY_NONE + 1);
}

/* As add_combinations() in expand.c does it, but with lists done as well */
static void
explore_things(Exploration *exploration, ExploredPlace place,
			   const KeySet *set, AppConfigKey from)
{
	const Route *route = exploration->calls->route;
	const AppConfigOperation *get =
	&appconfig_route_collection(route, place.level)->get;
	AppConfigKey key = from;
	KeyTexts   *texts;
	int			i;

	while (key < KEY_COUNT && !appconfig_route_is_open(get, &place.known, key))
		key++;
	if (key == KEY_COUNT)
	{
		place.level++;
		explore_level(exploration, &place, set);
		return;
	}
	texts = appconfig_keyset_texts(set, key);
	place.known.text[key] = "";
	if (texts == NULL)
		explore_things(exploration, place, set, key + 1);
	for (i = 0; texts != NULL && i < texts->count; i++)
	{
		if (i > 0 && (texts->unknown || exploration->left <= 0))
			break;
		place.known.text[key] = place.values.text[key] = texts->value[i];
		explore_things(exploration, place,
					   appconfig_keyset_restrict(set, &place.values), key + 1);
	}
}

/* The operations of the levels, in the order in which they come */
static void
add_level_operations(RouteCalls *calls)
{
	const Route *route = calls->route;
	int			level;

	for (level = 0; level < route->levels_count; level++)
	{
		const AppConfigCollection *collection =
		appconfig_route_collection(route, level);

		if (calls->listed[level])
			add_operation(calls, &collection->list);
		if (appconfig_route_is_leaf(route, level) &&
			(calls->direct[level] || route->need_document ||
			 route->documents_decide))
			add_operation(calls, &collection->get);
	}
}

/*
 * What a walk for these keys, which may have any values, can call; palloc'd.
 * For EXPLAIN: nothing is called.
 */
RouteCalls *
appconfig_route_calls(const Route *route, const KeySet *keys)
{
	RouteCalls *calls = palloc0(sizeof(RouteCalls));
	Exploration exploration = {.calls = calls, .left = MAX_EXPLORED};
	ExploredPlace top = {.level = 0};
	int			side;

	calls->route = route;
	if (keys->count == 0)
		return calls;
	calls->applications_listed =
		appconfig_route_needs_applications(route, keys);
	if (calls->applications_listed)
	{
		add_operation(calls,
					  &appconfig_collections[COLLECTION_APPLICATIONS].list);
		keys = appconfig_route_name_applications(keys);
	}
	explore_level(&exploration, &top, keys);
	add_level_operations(calls);
	for (side = 0; side < SIDE_COUNT; side++)
	{
		calls->looked_up[side] = walk_needs_side(calls, side);
		if (calls->looked_up[side])
			add_operation(calls,
						  &appconfig_collections[appconfig_side_lookups[side].collection].get);
	}
	return calls;
}

/* Is a key known of each item of a list, from the item or the list's path? */
static bool
names_key(const AppConfigCollection *collection, AppConfigKey key)
{
	const AppConfigKeyMember *key_member;

	for (key_member = collection->key_members; key_member->key != KEY_NONE;
		 key_member++)
	{
		if (key_member->key == key)
			return true;
	}
	return appconfig_request_needs(&collection->list, key);
}

/*
 * Does a list that the walk calls tell the column's value, so that a clause on
 * it is checked before anything below is asked for?  What the server's options
 * tell is checked before anything at all.
 */
bool
appconfig_route_calls_answer(const RouteCalls *calls,
							 const AppConfigColumn *column)
{
	const Route *route = calls->route;
	bool		from_key = appconfig_route_column_has(column, SOURCE_KEY);
	int			level;

	if (appconfig_route_column_has(column, SOURCE_SERVER) ||
		(calls->applications_listed &&
		 (appconfig_route_column_has(column, SOURCE_APPLICATION) ||
		  (from_key && column->key == KEY_APPLICATION_ID))))
		return true;
	for (level = 0; level < route->levels_count; level++)
	{
		const AppConfigCollection *collection =
		appconfig_route_collection(route, level);

		if (!calls->listed[level])
			continue;
		if (appconfig_route_column_has(column, collection->list.yields) ||
			(from_key && names_key(collection, column->key)))
			return true;
	}
	return false;
}
