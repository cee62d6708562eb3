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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "answer_keys.h"
#include "request.h"
#include "route.h"
#include "uri.h"

/* Things that are asked for one by one; of more than that there is a list */
#define MAX_DIRECT 10000
#define FEW_DIRECT 100

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

/* How to read the table where these columns, ended by NULL, are wanted */
void
appconfig_route_for_columns(Route *route, const AppConfigTable *table,
							const AppConfigColumn **columns)
{
	memset(route, 0, sizeof(Route));
	route->table = table;
	route->columns = columns;
	find_needs(route);
	find_levels(route);
	route->reads_mutable = reads_mutable(route);
}

/*
 * The route of a scan that puts out these columns, palloc'd.  pushdown is the
 * setting as the statement begins: a plan can be older than that.
 */
const Route *
appconfig_route_make(const AppConfigScanPlan *plan,
					 const OutputColumns *columns, const StatementReads *reads,
					 bool pushdown)
{
	Route	   *route = palloc(sizeof(Route));
	bool		mutable = (plan->reads & READS_MUTABLE) != 0;

	appconfig_route_for_columns(route, plan->table,
								appconfig_scan_plan_columns(plan, columns));
	route->shared_lists =
		reads->one_state || (mutable && reads->shared_lists);
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
		if (route->shared_lists ||
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

/* The documents of the lowest level of the route that has any */
static const AppConfigOperation *
lowest_get(const Route *route)
{
	int			level = route->levels_count - 1;

	while (level > 0 &&
		   appconfig_route_collection(route, level)->get.path == NULL)
		level--;
	return &appconfig_route_collection(route, level)->get;
}

/*
 * Is the set too large to be asked for one by one, here or, if it is not small
 * here, at the levels below?  Then lists show what there is at all.
 */
static bool
is_too_large(const Route *route, int level, const KnownKeys *keys,
			 const KeySet *set)
{
	double		here =
	count_combinations(&appconfig_route_collection(route, level)->get,
					   keys, set);
	double		below = count_combinations(lowest_get(route), keys, set);

	return here > MAX_DIRECT || (here > FEW_DIRECT && below > MAX_DIRECT);
}

/*
 * Splits a set into what is fully known and what only a list can find, each of
 * which has room for all of it.  One thing must not be found by its id and by
 * its name: where there are both, the list finds those with names.
 */
void
appconfig_route_split(const Route *route, int level, const KnownKeys *keys,
					  const KeySet *set, KeySet *direct, KeySet *listed)
{
	const AppConfigOperation *get =
	&appconfig_route_collection(route, level)->get;
	bool		has_ids = false;
	int			i;

	for (i = 0; i < set->count; i++)
		has_ids |= box_access(route, get, keys, &set->boxes[i]) == BY_ID;
	direct->count = listed->count = 0;
	for (i = 0; i < set->count; i++)
	{
		BoxAccess	access = box_access(route, get, keys, &set->boxes[i]);
		KeySet	   *part = access == BY_ID || (access == BY_NAME && !has_ids)
		? direct
		: listed;

		part->boxes[part->count++] = set->boxes[i];
	}
	if (is_too_large(route, level, keys, direct))
	{
		memcpy(listed->boxes, set->boxes, sizeof(KeyBox) * set->count);
		listed->count = set->count;
		direct->count = 0;
	}
	appconfig_keyset_index(direct);
	appconfig_keyset_index(listed);
	elog(DEBUG2,
		 "appconfig_fdw: of %d combinations of keys, %d are to be had by %s "
		 "and %d by lists",
		 set->count, direct->count,
		 get->name != NULL ? get->name : "no operation", listed->count);
}

/* ------------------------------------------------------------------------
 * What would be called
 * ------------------------------------------------------------------------
 */

/* Does the walk come by the source? */
static bool
walk_has_source(const RouteCalls *calls, AppConfigSource source)
{
	const Route *route = calls->route;
	int			level;

	for (level = 0; level < route->levels_count; level++)
	{
		const AppConfigCollection *collection =
		appconfig_route_collection(route, level);

		if (calls->listed[level] && collection->list.yields == source)
			return true;
		if (appconfig_route_is_leaf(route, level) &&
			collection->get.yields == source &&
			(route->need_document || !calls->listed[level]))
			return true;
	}
	return false;
}

/* Could a column that is read need the side look-up? */
static bool
walk_needs_side(const RouteCalls *calls, SideLookup side)
{
	const Route *route = calls->route;
	const AppConfigColumn **column;
	int			i;

	if (appconfig_side_lookups[side].collection == route->table->collection ||
		(side == SIDE_APPLICATION && calls->applications_listed))
		return false;
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

static void
add_operation(RouteCalls *calls, const AppConfigOperation *operation)
{
	calls->operations =
		lappend(calls->operations, unconstify(char *, operation->name));
}

/* Which ways lead to things at a level, for the boxes of a key set? */
static void
find_ways(const Route *route, const AppConfigOperation *get,
		  const KnownKeys *known, const KeySet *keys, bool *listed,
		  bool *direct)
{
	int			i;

	*listed = *direct = false;
	for (i = 0; i < keys->count; i++)
	{
		if (box_access(route, get, known, &keys->boxes[i]) == BY_LIST)
			*listed = true;
		else
			*direct = true;
	}
}

/*
 * Once a level has been walked, all that its things are addressed by is known
 */
static void
assume_known(const AppConfigOperation *get, KnownKeys *known)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (appconfig_route_is_open(get, known, key))
			known->text[key] = "";
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
	KnownKeys	known = {{NULL}};
	int			level;
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
		keys =
			appconfig_keyset_bind(keys, KEY_APPLICATION_ID, leave_names, NULL);
	}
	for (level = 0; level < route->levels_count; level++)
	{
		const AppConfigCollection *collection =
		appconfig_route_collection(route, level);
		bool		direct;

		find_ways(route, &collection->get, &known, keys, &calls->listed[level],
				  &direct);
		if (calls->listed[level])
			add_operation(calls, &collection->list);
		if (appconfig_route_is_leaf(route, level) &&
			(direct || route->need_document || route->documents_decide))
			add_operation(calls, &collection->get);
		assume_known(&collection->get, &known);
	}
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
