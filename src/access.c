/*-------------------------------------------------------------------------
 *
 * access.c
 *		How a table can be read: from which collections, by which keys, with
 *		or without documents and look-ups.
 *
 * All of it follows from a table's declaration, the columns that are read and
 * the keys that are bound; cursor.c walks accordingly, and EXPLAIN shows which
 * operations that may call.
 *
 * What may not live here: calls and their answers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access.h"
#include "facts.h"
#include "request.h"
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

/* The collection that the rows of a table are of */
const AppConfigCollection *
appconfig_access_own(const AppConfigTable *table)
{
	return &appconfig_collections[table->collection];
}

/* Can the column's value come from the source? */
bool
appconfig_access_column_has(const AppConfigColumn *column,
							AppConfigSource		   source)
{
	int i;

	for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
	{
		if (column->from[i].source == source)
			return true;
	}
	return false;
}

/* Can a column be had without the document of the table's own collection? */
static bool
column_avoids_document(const AppConfigTable	 *table,
					   const AppConfigColumn *column)
{
	AppConfigSource document = appconfig_access_own(table)->get.yields;
	int				i;

	for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
	{
		AppConfigSource source = column->from[i].source;

		if (source != SOURCE_NONE &&
			(source != document ||
			 appconfig_access_own(table)->list.yields == document))
			return true;
	}
	return false;
}

/*
 * Can a list on the way to the table's rows tell the column's value?  Then a
 * clause on the column can be checked before what is below is asked for.
 */
bool
appconfig_access_lists_answer(const AppConfigTable	*table,
							  const AppConfigColumn *column)
{
	AppConfigCollectionId id;

	for (id = table->collection; id != COLLECTION_NONE;
		 id = appconfig_collections[id].parent)
	{
		if (appconfig_access_column_has(column,
										appconfig_collections[id].list.yields))
			return true;
	}
	return appconfig_access_column_has(column, SOURCE_APPLICATION) ||
		   appconfig_access_column_has(column, SOURCE_SERVER) ||
		   appconfig_access_column_has(column, SOURCE_KEY);
}

/* Can the member change that the path begins with? */
static bool
member_changes(const AppConfigCollection *own, const char *path)
{
	size_t length = strcspn(path, ".");
	int	   i;

	for (i = 0; own->fixed[i] != NULL; i++)
	{
		if (strlen(own->fixed[i]) == length &&
			strncmp(own->fixed[i], path, length) == 0)
			return false;
	}
	return true;
}

/* Does a row take something of its thing that can change? */
static bool
reads_what_changes(const AccessPlan *plan)
{
	const AppConfigCollection *own = appconfig_access_own(plan->table);
	const AppConfigColumn	 **column;
	int						   i;

	if (own->fixed == NULL)
		return false;
	if (plan->table->rows.path != NULL &&
		member_changes(own, plan->table->rows.path))
		return true;
	for (column = plan->columns; *column != NULL; column++)
	{
		for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
		{
			AppConfigColumnSource from = (*column)->from[i];

			if ((from.source == own->get.yields ||
				 from.source == own->list.yields) &&
				(from.path == NULL || member_changes(own, from.path)))
				return true;
		}
	}
	return false;
}

static void
find_needs(AccessPlan *plan)
{
	const AppConfigTable   *table = plan->table;
	const AppConfigColumn **column;
	int						i;

	plan->need_document = table->shape != ROW_PER_ITEM;
	for (column = plan->columns; *column != NULL; column++)
	{
		if (!column_avoids_document(table, *column))
			plan->need_document = true;
		for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
			plan->read[(*column)->from[i].source] = true;
	}
	if (appconfig_access_own(table)->get.path == NULL)
		plan->need_document = false;
}

static void
find_levels(AccessPlan *plan)
{
	AppConfigCollectionId id = plan->table->collection;
	int					  i;

	for (; id != COLLECTION_NONE; id = appconfig_collections[id].parent)
		plan->levels_count++;
	Assert(plan->levels_count <= MAX_LEVELS);
	id = plan->table->collection;
	for (i = plan->levels_count - 1; i >= 0; i--)
	{
		plan->levels[i] = id;
		id = appconfig_collections[id].parent;
	}
}

/*
 * Does the walk begin with a list of all applications?  It does if names have
 * to be resolved, or are read while it is not known of which applications.
 */
bool
appconfig_access_needs_applications(const AccessPlan *plan, const KeySet *keys)
{
	int i;

	if (plan->levels[0] == COLLECTION_APPLICATIONS)
		return false;
	for (i = 0; i < keys->count; i++)
	{
		const KeyBox *box = &keys->boxes[i];

		if (box->texts[KEY_APPLICATION_ID] == NULL &&
			(box->texts[KEY_APPLICATION_NAME] != NULL ||
			 plan->read[SOURCE_APPLICATION]))
			return true;
	}
	return false;
}

/* The collection at a level of the walk, 0 the topmost */
const AppConfigCollection *
appconfig_access_collection(const AccessPlan *plan, int level)
{
	return &appconfig_collections[plan->levels[level]];
}

/* Is the level that of the table's own collection? */
bool
appconfig_access_is_own(const AccessPlan *plan, int level)
{
	return level == plan->levels_count - 1;
}

/* How to read the table where these columns, ended by NULL, are wanted */
void
appconfig_access_plan(AccessPlan *plan, const AppConfigTable *table,
					  const AppConfigColumn **columns)
{
	memset(plan, 0, sizeof(AccessPlan));
	plan->table = table;
	plan->columns = columns;
	find_needs(plan);
	find_levels(plan);
	plan->changing = reads_what_changes(plan);
}

/* ------------------------------------------------------------------------
 * What the keys say
 * ------------------------------------------------------------------------
 */

/* Is the key a text that the operation needs, and not known, not by name
 * either? */
bool
appconfig_access_is_open(const AppConfigOperation *operation,
						 const KeyFacts *keys, AppConfigKey key)
{
	return key != KEY_RUN && keys->text[key] == NULL &&
		   keys->text[appconfig_table_name_key(key)] == NULL &&
		   appconfig_request_needs(operation, key);
}

/* Does the service mean the same by each of the names, whatever it prefers? */
static bool
names_are_direct(const KeyTexts *names)
{
	int i;

	if (names == NULL)
		return false;
	for (i = 0; i < names->count; i++)
	{
		if (appconfig_facts_could_be_id(names->value[i]) ||
			!appconfig_uri_segment_is_safe(names->value[i]))
			return false;
	}
	return true;
}

/* What stands in a path for something known by a box */
typedef enum BoxAccess
{
	BY_LIST, /* not everything is known */
	BY_ID,
	BY_NAME
} BoxAccess;

/* Do the keys and the box tell everything that the operation needs? */
static BoxAccess
box_access(const AccessPlan *plan, const AppConfigOperation *get,
		   const KeyFacts *keys, const KeyBox *box)
{
	BoxAccess access = BY_ID;
	int		  key;

	if (get->path == NULL)
		return BY_LIST;
	for (key = 0; key < KEY_COUNT; key++)
	{
		if (!appconfig_access_is_open(get, keys, key) ||
			box->texts[key] != NULL)
			continue;
		if (plan->by_ids ||
			!names_are_direct(box->texts[appconfig_table_name_key(key)]))
			return BY_LIST;
		access = BY_NAME;
	}
	if (!keys->run_known && appconfig_request_needs(get, KEY_RUN) &&
		box->run_count < 0)
		return BY_LIST;
	return access;
}

/*
 * How many combinations of values does the set have for the keys that the
 * operation needs, as far as they are bound?
 */
static double
count_combinations(const AppConfigOperation *get, const KeyFacts *keys,
				   const KeySet *set)
{
	double total = 0;
	int	   i;

	for (i = 0; i < set->count; i++)
	{
		const KeyBox *box = &set->boxes[i];
		double		  count = 1;
		int			  key;

		for (key = 0; key < KEY_COUNT; key++)
		{
			const KeyTexts *texts =
				box->texts[key] != NULL
					? box->texts[key]
					: box->texts[appconfig_table_name_key(key)];

			if (texts != NULL && appconfig_access_is_open(get, keys, key))
				count *= texts->count;
		}
		if (!keys->run_known && box->run_count >= 0 &&
			appconfig_request_needs(get, KEY_RUN))
			count *= box->run_count;
		total += count;
	}
	return total;
}

/*
 * Is the set too large to be asked for one by one, here or, if it is not small
 * here, at the levels below?  Then lists show what there is at all.
 */
static bool
is_too_large(const AccessPlan *plan, int level, const KeyFacts *keys,
			 const KeySet *set)
{
	double here = count_combinations(
		&appconfig_access_collection(plan, level)->get, keys, set);
	double below = count_combinations(
		&appconfig_collections[COLLECTION_RUNS].get, keys, set);

	return here > MAX_DIRECT || (here > FEW_DIRECT && below > MAX_DIRECT);
}

/*
 * Splits a set into what is fully known and what only a list can find, each of
 * which has room for all of it.  One thing must not be found by its id and by
 * its name: where there are both, the list finds those with names.
 */
void
appconfig_access_split(const AccessPlan *plan, int level, const KeyFacts *keys,
					   const KeySet *set, KeySet *direct, KeySet *listed)
{
	const AppConfigOperation *get =
		&appconfig_access_collection(plan, level)->get;
	bool has_ids = false;
	int	 i;

	for (i = 0; i < set->count; i++)
		has_ids |= box_access(plan, get, keys, &set->boxes[i]) == BY_ID;
	direct->count = listed->count = 0;
	for (i = 0; i < set->count; i++)
	{
		BoxAccess access = box_access(plan, get, keys, &set->boxes[i]);
		KeySet	 *part = access == BY_ID || (access == BY_NAME && !has_ids)
							 ? direct
							 : listed;

		part->boxes[part->count++] = set->boxes[i];
	}
	if (is_too_large(plan, level, keys, direct))
	{
		memcpy(listed->boxes, set->boxes, sizeof(KeyBox) * set->count);
		listed->count = set->count;
		direct->count = 0;
	}
	appconfig_keyset_index(direct);
	appconfig_keyset_index(listed);
}

/* ------------------------------------------------------------------------
 * What would be called
 * ------------------------------------------------------------------------
 */

/* Does the walk come by the source? */
static bool
walk_has_source(const AccessWalk *walk, AppConfigSource source)
{
	const AccessPlan *plan = walk->plan;
	int				  level;

	for (level = 0; level < plan->levels_count; level++)
	{
		const AppConfigCollection *collection =
			appconfig_access_collection(plan, level);

		if (walk->listed[level] && collection->list.yields == source)
			return true;
		if (appconfig_access_is_own(plan, level) &&
			collection->get.yields == source &&
			(plan->need_document || !walk->listed[level]))
			return true;
	}
	return false;
}

/* Could a column that is read need the side look-up? */
static bool
walk_needs_side(const AccessWalk *walk, SideLookup side)
{
	const AccessPlan	   *plan = walk->plan;
	const AppConfigColumn **column;
	int						i;

	if (appconfig_side_lookups[side].collection == plan->table->collection ||
		(side == SIDE_APPLICATION && walk->applications_listed))
		return false;
	for (column = plan->columns; *column != NULL; column++)
	{
		bool elsewhere = false;

		if (!appconfig_access_column_has(*column,
										 appconfig_side_lookups[side].source))
			continue;
		for (i = 0; i < APPCONFIG_MAX_COLUMN_SOURCES; i++)
			elsewhere |= (*column)->from[i].source != SOURCE_NONE &&
						 walk_has_source(walk, (*column)->from[i].source);
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
add_operation(AccessWalk *walk, const AppConfigOperation *operation)
{
	walk->operations =
		lappend(walk->operations, unconstify(char *, operation->name));
}

/* Which ways lead to things at a level, for the boxes of a key set? */
static void
find_ways(const AccessPlan *plan, const AppConfigOperation *get,
		  const KeyFacts *facts, const KeySet *keys, bool *listed,
		  bool *direct)
{
	int i;

	*listed = *direct = false;
	for (i = 0; i < keys->count; i++)
	{
		if (box_access(plan, get, facts, &keys->boxes[i]) == BY_LIST)
			*listed = true;
		else
			*direct = true;
	}
}

/* Once a level has been walked, all that its things are addressed by is known
 */
static void
assume_known(const AppConfigOperation *get, KeyFacts *facts)
{
	int key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (appconfig_access_is_open(get, facts, key))
			facts->text[key] = "";
	}
	facts->run_known |= appconfig_request_needs(get, KEY_RUN);
}

/*
 * What a walk for these keys, which may have any values, can call; palloc'd.
 * For EXPLAIN: nothing is called.
 */
AccessWalk *
appconfig_access_walk(const AccessPlan *plan, const KeySet *keys)
{
	AccessWalk *walk = palloc0(sizeof(AccessWalk));
	KeyFacts	facts = {.run_known = false};
	int			level;
	int			side;

	walk->plan = plan;
	if (keys->count == 0)
		return walk;
	walk->applications_listed =
		appconfig_access_needs_applications(plan, keys);
	if (walk->applications_listed)
	{
		add_operation(walk,
					  &appconfig_collections[COLLECTION_APPLICATIONS].list);
		keys =
			appconfig_keyset_bind(keys, KEY_APPLICATION_ID, leave_names, NULL);
	}
	for (level = 0; level < plan->levels_count; level++)
	{
		const AppConfigCollection *collection =
			appconfig_access_collection(plan, level);
		bool direct;

		find_ways(plan, &collection->get, &facts, keys, &walk->listed[level],
				  &direct);
		if (walk->listed[level])
			add_operation(walk, &collection->list);
		if (appconfig_access_is_own(plan, level) &&
			(direct || plan->need_document))
			add_operation(walk, &collection->get);
		assume_known(&collection->get, &facts);
	}
	for (side = 0; side < SIDE_COUNT; side++)
	{
		if (walk_needs_side(walk, side))
			add_operation(
				walk,
				&appconfig_collections[appconfig_side_lookups[side].collection]
					 .get);
	}
	return walk;
}

/*
 * Does a list that the walk calls tell the column's value, so that a clause on
 * it is checked before anything below is asked for?  What the server's options
 * tell is checked before anything at all.
 */
bool
appconfig_access_walk_answers(const AccessWalk		*walk,
							  const AppConfigColumn *column)
{
	const AccessPlan *plan = walk->plan;
	bool			  any_list = walk->applications_listed;
	int				  level;

	if (appconfig_access_column_has(column, SOURCE_SERVER) ||
		(walk->applications_listed &&
		 appconfig_access_column_has(column, SOURCE_APPLICATION)))
		return true;
	for (level = 0; level < plan->levels_count; level++)
	{
		const AppConfigCollection *collection =
			appconfig_access_collection(plan, level);

		if (!walk->listed[level])
			continue;
		any_list = true;
		if (appconfig_access_column_has(column, collection->list.yields))
			return true;
	}
	/* the way to a run knows its number only below the list of runs */
	return any_list && column->key != KEY_RUN &&
		   appconfig_access_column_has(column, SOURCE_KEY);
}
