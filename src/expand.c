/*-------------------------------------------------------------------------
 *
 * expand.c
 *		From an answer, or from keys, to what they lead to.
 *
 * Where an answer has arrived, its node is replaced, in its place, by what it
 * leads to: a page by its items and the next page, a definition by the list of
 * its runs, a run by its document.  Keys lead to documents where they name
 * them, and to lists where they leave them open.  What new nodes take over
 * from the one that they replace is a value of its own.
 *
 * What may not live here: when a node is asked for or expanded (cursor.c),
 * documents beside an item's own (side_lookup.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "applications.h"
#include "expand.h"
#include "answer_keys.h"
#include "clock.h"
#include "request.h"
#include "target_table.h"
#include "uri.h"

/*
 * Items in a page that are taken.  A service that does not keep to what it is
 * asked for may send some more, but none sends so many.
 */
#define MAX_PAGE_ITEMS (20 * PAGE_SIZE)

/* ------------------------------------------------------------------------
 * From keys to calls
 * ------------------------------------------------------------------------
 */

/* Where new nodes come, and which do not */
typedef struct Place
{
	CursorWalk *walk;
	dlist_node *before;
	int			level;
	const OptionalList *list;	/* what it has seen is there; or NULL */
} Place;

static const AppConfigCollection *
place_collection(const Place *place)
{
	return appconfig_route_collection(place->walk->route, place->level);
}

/* Has the list shown what has these keys? */
static bool
has_seen(const OptionalList *list, const AppConfigCollection *collection,
		 const KnownKeys *keys)
{
	char	   *path;

	if (list == NULL || list->seen == NULL)
		return false;
	path = appconfig_request_path(&collection->get, keys);
	return hash_search(list->seen, &path, HASH_FIND, NULL) != NULL;
}

/* What is fully known by its keys */
static void
add_known(const Place *place, const Inherited *inherited)
{
	CursorNodeKind kind =
	appconfig_route_is_leaf(place->walk->route, place->level) ? NODE_GET
	: NODE_KNOWN;

	if (!has_seen(place->list, place_collection(place), &inherited->keys))
		appconfig_walk_add(place->walk, place->before, kind, place->level,
						   inherited);
}

/*
 * The first key, from one on, that the operation needs and that is not known;
 * KEY_COUNT if there is none
 */
static AppConfigKey
first_open_key(const AppConfigOperation *operation, const KnownKeys *keys,
			   AppConfigKey from)
{
	int			key = from;

	while (key < KEY_COUNT && !appconfig_route_is_open(operation, keys, key))
		key++;
	return key;
}

/*
 * All combinations of the set's values for the keys that are open from one on.
 * A key without values in the set has names.
 */
static void
add_combinations(const Place *place, const Inherited *inherited,
				 const KeySet *set, AppConfigKey from)
{
	const AppConfigOperation *get = &place_collection(place)->get;
	Inherited	bound = *inherited;
	AppConfigKey key = first_open_key(get, &inherited->keys, from);
	AppConfigKey named = key;
	KeyTexts   *texts;
	bool		last;
	int			i;

	if (key == KEY_COUNT)
	{
		if (set->count > 0)
			add_known(place, inherited);
		return;
	}
	texts = appconfig_keyset_texts(set, key);
	if (texts == NULL)
	{
		named = appconfig_keys[key].name_key;
		texts = appconfig_keyset_texts(set, named);
	}
	/* an identifier is the query's from here on; a number is no name */
	bound.from_query |= !appconfig_keys[key].is_integer;
	last = first_open_key(get, &inherited->keys, key + 1) == KEY_COUNT;
	for (i = 0; i < texts->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		bound.keys.text[named] = texts->value[i];
		if (last)
			add_known(place, &bound);
		else
			add_combinations(place, &bound,
							 appconfig_keyset_restrict(set, &bound.keys),
							 key + 1);
	}
}

/* Is an application all that the operation's path needs, if anything? */
static bool
needs_application_alone(const AppConfigOperation *operation)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (key != KEY_APPLICATION_ID &&
			appconfig_request_needs(operation, key))
			return false;
	}
	return true;
}

/*
 * A list.  What it belongs to may have been shown by another list: the one
 * that it is below, or where it needs no more than the application, the one of
 * all of them.
 */
static void
add_list(const Place *place, const Inherited *inherited, const RouteList *what)
{
	CursorWalk *walk = place->walk;
	Inherited	filtered = *inherited;
	CursorNode *list;

	if (what->application != NULL)
		filtered.keys.text[KEY_APPLICATION_ID] = what->application;
	list = appconfig_walk_add(walk, place->before, NODE_LIST, place->level,
							  &filtered);
	list->shown =
		inherited->shown ||
		(needs_application_alone(appconfig_walk_operation(walk, list)) &&
		 appconfig_applications_find(&walk->applications,
									 list->keys.text[KEY_APPLICATION_ID]) !=
		 NULL);
	if (what->optional)
		appconfig_walk_make_optional(walk, list, what);
}

/* As add_combinations(), but only of applications of which there is no list */
static void
add_unlisted(const Place *place, const Inherited *inherited, const KeySet *set,
			 const KeyTexts *listed)
{
	KeyTexts   *all = appconfig_keyset_texts(set, KEY_APPLICATION_ID);
	Inherited	unlisted = *inherited;
	int			i;

	unlisted.from_query = true;
	for (i = 0; i < all->count; i++)
	{
		if (appconfig_keyset_has_text(listed, all->value[i]))
			continue;
		unlisted.keys.text[KEY_APPLICATION_ID] = all->value[i];
		add_combinations(place, &unlisted,
						 appconfig_keyset_restrict(set, &unlisted.keys),
						 KEY_NONE + 1);
	}
}

/* How to come by the things of a place that belong to what has the keys */
static RouteStep *
find_step(const Place *place, const KnownKeys *keys, bool may_list)
{
	return appconfig_route_step(place->walk->route, place->level, keys,
								appconfig_keyset_restrict(place->walk->keys, keys),
								may_list);
}

/* The same, without lists that can be done without if they are denied */
static RouteStep *
choose_step(const Place *place, const KnownKeys *keys)
{
	CursorWalk *walk = place->walk;
	const AppConfigOperation *list = &place_collection(place)->list;

	/* what has been listed exists */
	bool		is_settled =
	list == &appconfig_collections[COLLECTION_APPLICATIONS].list &&
	walk->applications.items != NIL;
	RouteStep  *step = find_step(place, keys, !is_settled && !walk->spare_lists);

	if (step->lists == NIL || !((RouteList *) linitial(step->lists))->optional ||
		!appconfig_permissions_denied(walk->permissions, list, keys,
									  appconfig_clock_now()))
		return step;
	walk->denied[walk->route->levels[place->level]] = true;
	return find_step(place, keys, false);
}

/*
 * Everything at a level that belongs to what is inherited and that the query
 * can ask for, by the ways that the route chooses.  What a list will show is
 * not asked for directly as well.
 */
static void
add_level(CursorWalk *walk, dlist_node *before, int level,
		  const Inherited *inherited)
{
	MemoryContext old = MemoryContextSwitchTo(walk->scratch);
	Place		place = {.walk = walk, .before = before, .level = level};
	RouteStep  *step = choose_step(&place, &inherited->keys);
	ListCell   *cell;

	foreach(cell, step->lists)
		add_list(&place, inherited, lfirst(cell));
	if (step->direct->count > 0 && step->listed == NULL)
		add_combinations(&place, inherited, step->direct, KEY_NONE + 1);
	else if (step->direct->count > 0)
		add_unlisted(&place, inherited, step->direct, step->listed);
	MemoryContextSwitchTo(old);
}

/*
 * The topmost level, as soon as all is known that the query says.  Lists are to
 * save calls: where Gets are certain to fit in the budget, but not together
 * with the lists that might turn out to save nothing, there are none that can
 * be done without.
 */
static void
add_top_level(CursorWalk *walk, dlist_node *before)
{
	Inherited	by_query = {.from_query = true};
	double		left = appconfig_budget_left(walk->budget);
	MemoryContext old = MemoryContextSwitchTo(walk->scratch);
	double		gets = appconfig_route_count_gets(walk->route, walk->keys);

	MemoryContextSwitchTo(old);
	walk->spare_lists = gets <= left &&
		gets + appconfig_route_most_lists(walk->route, gets) > left;
	add_level(walk, before, 0, &by_query);
}

/* ------------------------------------------------------------------------
 * Lists that can be done without
 *
 * See "Lists or Gets" in route.c.
 * ------------------------------------------------------------------------
 */

/*
 * Is it a list that can be done without, and that the identity may not read,
 * as far as is known?
 */
bool
appconfig_expand_is_denied(const CursorWalk *walk, const CursorNode *node)
{
	if (node->kind != NODE_LIST || node->optional == NULL)
		return false;
	if (node->entry != NULL)
		return appconfig_memo_is_denied(node->entry);
	return appconfig_permissions_denied(walk->permissions,
										appconfig_walk_operation(walk, node),
										&node->keys, appconfig_clock_now());
}

/*
 * What the list stands for, asked for by its keys, but for what it has shown
 * so far.  The list goes.
 */
static void
do_without_list(CursorWalk *walk, CursorNode *list)
{
	Place		place = {
		.walk = walk, .before = &list->node, .level = list->level,
		.list = list->optional
	};
	Inherited	inherited = appconfig_walk_inherit(list);

	add_combinations(&place, &inherited,
					 appconfig_keyset_restrict(walk->keys, &list->keys),
					 KEY_NONE + 1);
	appconfig_walk_remove(walk, list);
}

/* The same because the list is denied, which is remembered */
static void
replace_denied_list(CursorWalk *walk, CursorNode *list)
{
	const AppConfigOperation *operation = appconfig_walk_operation(walk, list);

	elog(DEBUG1, "appconfig_fdw: %s is denied and done without",
		 operation->name);
	walk->denied[walk->route->levels[list->level]] = true;
	appconfig_permissions_deny(walk->permissions, operation, &list->keys,
							   appconfig_clock_now());
	do_without_list(walk, list);
}

/*
 * The path of the document of an item, as the keys of the query lead to it:
 * with its id, or with its name.  NULL if they cannot.
 */
static char *
item_path(const CursorNode *list, const AppConfigOperation *get,
		  const KnownKeys *of_item, bool by_name)
{
	KnownKeys	keys = list->keys;
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		AppConfigKey named = key;

		if (!appconfig_route_is_open(get, &list->keys, key))
			continue;
		if (by_name && appconfig_keys[key].name_key != KEY_NONE)
			named = appconfig_keys[key].name_key;
		if (of_item->text[named] == NULL ||
			!appconfig_uri_segment_is_safe(of_item->text[named]))
			return NULL;
		keys.text[named] = of_item->text[named];
	}
	return appconfig_request_path(get, &keys);
}

/* Keeps in mind that the list has shown a thing.  True if it is a new one. */
static bool
enter_seen(OptionalList *list, char *path)
{
	MemoryContext old;
	TargetSlot *slot;
	bool		found;

	if (path == NULL)
		return false;
	old = MemoryContextSwitchTo(list->context);
	if (list->seen == NULL)
		list->seen = appconfig_target_table_create("appconfig_fdw seen",
												   list->context);
	slot = hash_search(list->seen, &path, HASH_FIND, NULL);
	found = slot != NULL;
	if (!found)
	{
		path = pstrdup(path);
		slot = hash_search(list->seen, &path, HASH_ENTER, NULL);
		slot->entry = NULL;
	}
	MemoryContextSwitchTo(old);
	return !found;
}

/* An item whose keys are wanted has been shown */
static void
note_seen(const CursorWalk *walk, CursorNode *list, const KnownKeys *of_item)
{
	const AppConfigOperation *get =
	&appconfig_route_collection(walk->route, list->level)->get;

	if (list->optional == NULL || !list->optional->has_more)
		return;
	if (enter_seen(list->optional, item_path(list, get, of_item, false)))
		list->optional->seen_count++;
	(void) enter_seen(list->optional, item_path(list, get, of_item, true));
}

/* Is the next page of the list worth its price? */
static bool
is_worth_paging(const CursorWalk *walk, const CursorNode *list)
{
	const RouteList *choice;
	double		unseen;

	if (list->optional == NULL)
		return true;
	choice = &list->optional->choice;
	unseen = choice->things - list->optional->seen_count;
	return unseen > 0 && list->pages + 1 < choice->pages &&
		unseen * choice->worth >= walk->route->list_price;
}

/* ------------------------------------------------------------------------
 * From a list to what it leads to
 * ------------------------------------------------------------------------
 */

/*
 * An answer is about something else than it was asked for.  If the identifiers
 * were the query's, they were names and no ids, and there is no such row; but
 * if the service has given them itself, rows are missing.
 */
static void
check_mistaken(const CursorNode *node, const AppConfigOperation *operation)
{
	if (node->from_query)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("AWS AppConfig takes an id for the name of something else"),
			 errdetail("%s has answered for another application or definition than it was asked for.",
					   operation->name),
			 errhint("Rename the application whose name is the id of another.")));
}

/* Does an item meet the clauses that can be answered from it? */
static bool
passes_filter(const CursorWalk *walk, const AppConfigItem *item, bool leaf)
{
	return walk->filter == NULL ||
		walk->filter(walk->filter_arg, item,
					 leaf && walk->route->table->shape == ROW_PER_ITEM);
}

/*
 * A list shows a thing whose document the service may have frozen: if it has,
 * what the session keeps of it is confirmed, or goes.
 */
static void
confirm_frozen(CursorWalk *walk, const AppConfigCollection *collection,
			   const KnownKeys *keys, JsonValue *item)
{
	if (collection->get.freezing != NULL)
		appconfig_memo_confirm(walk->memo,
							   appconfig_request_path(&collection->get, keys),
							   collection->get.freezing, item);
}

/*
 * Does what a list's item says count, as far as it can change?  See
 * "Consistency" in memo.c.
 */
static bool
is_believed(const CursorWalk *walk, const CursorNode *list,
			const KnownKeys *keys, JsonValue *item)
{
	const AppConfigOperation *get =
	&appconfig_route_collection(walk->route, list->level)->get;

	return get->freezing == NULL || !walk->route->documents_decide ||
		!appconfig_route_is_leaf(walk->route, list->level) ||
		appconfig_memo_is_final(walk->memo,
								appconfig_request_path(get, keys),
								get->freezing, item);
}

/* Keeps what a thing is addressed by, and drops how it is just now */
static void
forget_state(KnownKeys *keys)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (appconfig_keys[key].is_state)
			keys->text[key] = NULL;
	}
}

/* Can keys be those of a row that the query asks for, if the state is? */
static bool
keys_are_wanted(const CursorWalk *walk, const KnownKeys *keys)
{
	KnownKeys	lasting = *keys;

	forget_state(&lasting);
	return appconfig_keyset_contains(walk->keys, &lasting);
}

/* Is known how the thing is just now? */
static bool
knows_state(const KnownKeys *keys)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (appconfig_keys[key].is_state && keys->text[key] != NULL)
			return true;
	}
	return false;
}

/*
 * Can an item whose keys are wanted lead to rows that the query asks for, by
 * its state and by the clauses that are checked against lists?
 */
static bool
is_wanted(const CursorWalk *walk, const Inherited *known, bool leaf)
{
	AppConfigItem item;

	if (knows_state(&known->keys) &&
		!appconfig_keyset_contains(walk->keys, &known->keys))
		return false;
	if (walk->filter == NULL)
		return true;
	item = appconfig_walk_item(walk, known->source, &known->keys);
	return passes_filter(walk, &item, leaf);
}

/* What an item of a list leads to: a row, its document, or a level below */
static void
add_wanted(CursorWalk *walk, CursorNode *list, Inherited *known,
		   JsonValue *item, bool believed)
{
	const AppConfigCollection *collection =
	appconfig_route_collection(walk->route, list->level);

	known->source[collection->list.yields] = item;
	known->unproved |= list->optional != NULL;
	if (appconfig_route_is_leaf(walk->route, list->level))
	{
		bool		need_document = walk->route->need_document || !believed;

		appconfig_walk_add(walk, &list->node,
						   need_document ? NODE_GET : NODE_ITEM, list->level,
						   known);
		return;
	}
	known->shown = true;
	known->from_query &=
		!appconfig_answer_keys_names_application(collection, item);
	add_level(walk, &list->node, list->level + 1, known);
}

/* One item of any list */
static void
add_item(CursorWalk *walk, CursorNode *list, JsonValue *item)
{
	const AppConfigCollection *collection =
	appconfig_route_collection(walk->route, list->level);
	bool		leaf = appconfig_route_is_leaf(walk->route, list->level);
	Inherited	known = appconfig_walk_inherit(list);
	bool		believed;

	if (!appconfig_answer_keys_learn(&known.keys, collection, leaf, item))
	{
		check_mistaken(list, &collection->list);
		return;
	}
	appconfig_answer_keys_check_addressable(collection, &known.keys);
	if (!keys_are_wanted(walk, &known.keys))
		return;
	note_seen(walk, list, &known.keys);
	confirm_frozen(walk, collection, &known.keys, item);
	believed = is_believed(walk, list, &known.keys, item);
	if (believed)
		known.source[collection->list.yields] = item;
	else
		forget_state(&known.keys);
	if (is_wanted(walk, &known, leaf))
		add_wanted(walk, list, &known, item, believed);
}

/* The items of a page of a list */
static JsonValue *
page_items(const AppConfigOperation *list, JsonValue *page)
{
	JsonValue  *items = appconfig_json_lookup(page, appconfig_members.items);
	int			count = appconfig_json_array_length(items);

	if (count > MAX_PAGE_ITEMS)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("AWS AppConfig sent an answer that cannot be read"),
				 errdetail("A page of %s has %d items, where %d were asked for.",
						   list->name, count, PAGE_SIZE)));
	return items;
}

/* The token of the page after this one; NULL if this is the last */
static const char *
next_token(const AppConfigOperation *list, JsonValue *page)
{
	JsonValue  *value =
	appconfig_json_lookup(page, appconfig_members.next_token);
	size_t		length;
	const char *token;

	if (value == NULL)
		return NULL;
	token = appconfig_json_text(value, &length);
	if (appconfig_json_kind(value) != JSON_STRING || length == 0 ||
		strlen(token) != length)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("AWS AppConfig sent an answer that cannot be read"),
				 errdetail("The %s of a %s answer is not a token.",
						   appconfig_members.next_token, list->name)));
	return token;
}

/* Makes the node stand for the next page; false if this is the last */
static bool
turn_page(CursorWalk *walk, CursorNode *node, JsonValue *page)
{
	const char *token = next_token(appconfig_walk_operation(walk, node), page);

	if (token == NULL)
		return false;
	appconfig_walk_turn_page(walk, node, token);
	return true;
}

/*
 * Starts again with the topmost list, whose items show their names: what is
 * below it goes by ids
 */
static void
look_name_up(CursorWalk *walk, CursorNode *node)
{
	elog(DEBUG2, "appconfig_fdw: a name is looked up in a list");
	appconfig_walk_start_over(walk, node);
	appconfig_walk_make_needed(node);
	node->kind = NODE_LIST;
	node->level = 0;
	node->shown = false;
}

/*
 * A list has been asked for with a filter on what can be gone.  Then the
 * service answers that it knows no such thing, or takes the id for the name of
 * another one, while items may still name it.  item is the first that has been
 * listed, NULL if none was: does it leave the filter in doubt?
 */
static bool
filter_is_in_doubt(const CursorWalk *walk, const CursorNode *list,
				   JsonValue *item)
{
	const AppConfigCollection *collection =
	appconfig_route_collection(walk->route, list->level);
	const AppConfigFilter *filter = collection->list.filters;
	KeySet	   *set;

	if (filter == NULL || list->unfiltered || list->has_items)
		return false;
	set = appconfig_keyset_restrict(walk->keys, &list->keys);
	for (; filter->key != KEY_NONE; filter++)
	{
		const char *value =
		filter->deletable
		? appconfig_request_filter_value(filter, &list->keys, set)
		: NULL;

		if (value != NULL &&
			(item == NULL || !appconfig_answer_keys_name(collection, item,
														 filter->key, value)))
		{
			elog(DEBUG2, "appconfig_fdw: the filter of %s leaves doubts",
				 collection->list.name);
			return true;
		}
	}
	return false;
}

static void
ask_without_filter(CursorWalk *walk, CursorNode *list)
{
	appconfig_walk_start_over(walk, list);
	list->unfiltered = true;
}

/* The service knows nothing that it could have listed */
static void
expand_absent_list(CursorWalk *walk, CursorNode *list)
{
	/* what has a first page has a second */
	if (list->token != NULL)
		appconfig_memo_raise(list->entry);
	if (filter_is_in_doubt(walk, list, NULL))
	{
		ask_without_filter(walk, list);
		return;
	}
	/* and what a list has shown has lists of its own */
	if (list->shown)
		appconfig_memo_raise(list->entry);
	appconfig_walk_remove(walk, list);
}

/* A page has arrived: its items, and the next page behind them */
static void
expand_list(CursorWalk *walk, CursorNode *list)
{
	const AppConfigCollection *collection =
	appconfig_route_collection(walk->route, list->level);
	JsonValue  *page = appconfig_memo_document(list->entry);
	JsonValue  *items;
	JsonElements elements;
	int			count;
	bool		more;

	if (page == NULL)
	{
		expand_absent_list(walk, list);
		return;
	}
	items = page_items(&collection->list, page);
	count = appconfig_json_array_length(items);
	if (count > 0 &&
		appconfig_answer_keys_took_name_for_id(&list->keys, collection,
											   appconfig_json_first_element(items)))
	{
		look_name_up(walk, list);
		return;
	}
	if ((count > 0 ||
		 appconfig_json_lookup(page, appconfig_members.next_token) == NULL) &&
		filter_is_in_doubt(walk, list, appconfig_json_first_element(items)))
	{
		ask_without_filter(walk, list);
		return;
	}
	list->has_items |= count > 0;
	more = next_token(&collection->list, page) != NULL;
	if (list->optional != NULL)
		list->optional->has_more = more;
	appconfig_json_elements_start(&elements, items);
	while (appconfig_json_elements_next(&elements))
	{
		CHECK_FOR_INTERRUPTS();
		add_item(walk, list, elements.value);
	}
	if (more && !is_worth_paging(walk, list))
		do_without_list(walk, list);
	else if (!turn_page(walk, list, page))
		appconfig_walk_remove(walk, list);
}

/* ------------------------------------------------------------------------
 * From a document
 * ------------------------------------------------------------------------
 */

/* Has the answer told an id that a name has stood for? */
static bool
told_id(const KnownKeys *keys, const KnownKeys *learned)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (keys->text[key] == NULL && learned->text[key] != NULL &&
			keys->text[appconfig_keys[key].name_key] != NULL)
			return true;
	}
	return false;
}

/*
 * A name may have stood for an id.  All scans of the statement are to read one
 * copy of a document, whichever way they ask for it.  Returns true if the node
 * has to wait for the copy that was asked for by ids.
 */
static bool
share_by_id(CursorWalk *walk, CursorNode *node,
			const AppConfigCollection *collection, const KnownKeys *learned)
{
	MemoEntry  *shared;

	if (!told_id(&node->keys, learned))
		return false;
	shared =
		appconfig_memo_same(node->entry,
							appconfig_request_path(&collection->get, learned));
	if (shared == node->entry)
	{
		appconfig_memo_release(shared);
		return false;
	}
	appconfig_answer_keys_adopt(&node->keys, learned, walk->context);
	appconfig_walk_replace_answer(walk, node, shared);
	return true;
}

/* A document has arrived: the node is an item now, or none */
static void
expand_get(CursorWalk *walk, CursorNode *node)
{
	const AppConfigCollection *collection =
	appconfig_route_collection(walk->route, node->level);
	JsonValue  *document = appconfig_memo_document(node->entry);
	KnownKeys	learned = node->keys;

	if (document != NULL && appconfig_answer_keys_took_name_for_id(&node->keys,
																   collection,
																   document))
	{
		look_name_up(walk, node);
		return;
	}
	if (document == NULL ||
		!appconfig_answer_keys_learn(&learned, collection, true, document))
	{
		if (document != NULL)
			check_mistaken(node, &collection->get);
		appconfig_walk_remove(walk, node);
		return;
	}
	if (share_by_id(walk, node, collection, &learned))
		return;
	Assert(node->source[collection->get.yields] == NULL);
	node->source[collection->get.yields] = appconfig_json_retain(document);
	appconfig_answer_keys_adopt(&node->keys, &learned, walk->context);
	appconfig_walk_drop_answer(walk, node);
	node->kind = NODE_ITEM;
}

/* An ApplicationFilter */
static bool
application_passes(void *arg, JsonValue *application, const KnownKeys *keys)
{
	AppConfigItem item = {.keys = keys};

	item.source[SOURCE_APPLICATION] = application;
	return passes_filter(arg, &item, false);
}

/*
 * A page of all applications has arrived.  After the last one the names in the
 * keys are resolved, and the walk begins.
 */
static void
expand_applications(CursorWalk *walk, CursorNode *node)
{
	JsonValue  *page = appconfig_memo_document(node->entry);
	JsonValue  *items =
	page_items(&appconfig_collections[COLLECTION_APPLICATIONS].list, page);
	MemoryContext old = MemoryContextSwitchTo(walk->context);
	JsonElements elements;

	appconfig_json_elements_start(&elements, items);
	while (appconfig_json_elements_next(&elements))
	{
		CHECK_FOR_INTERRUPTS();
		appconfig_applications_add(&walk->applications, walk->context,
								   elements.value);
	}
	if (!turn_page(walk, node, page))
	{
		walk->keys = appconfig_applications_resolve(&walk->applications,
													walk->keys,
													application_passes, walk);
		add_top_level(walk, &node->node);
		appconfig_walk_remove(walk, node);
		walk->named_nodes = walk->nodes;
	}
	MemoryContextSwitchTo(old);
}

/* ------------------------------------------------------------------------
 * The query and the nodes
 * ------------------------------------------------------------------------
 */

/*
 * The first nodes: what the query's keys lead to, or where these have names to
 * be resolved, the list of all applications
 */
void
appconfig_expand_query(CursorWalk *walk)
{
	Inherited	by_query = {.from_query = true};
	dlist_node *end = &walk->queue.head;

	if (appconfig_route_needs_applications(walk->route, walk->keys))
		appconfig_walk_add(walk, end, NODE_APPLICATIONS, 0, &by_query);
	else
		add_top_level(walk, end);
	walk->named_nodes = walk->nodes;
	MemoryContextReset(walk->scratch);
}

/*
 * Replaces a node by what it leads to: a list or document whose answer has
 * come, or keys that need none
 */
void
appconfig_expand_node(CursorWalk *walk, CursorNode *node)
{
	MemoryContext old = MemoryContextSwitchTo(walk->scratch);

	if (node->kind == NODE_APPLICATIONS)
		expand_applications(walk, node);
	else if (node->kind == NODE_KNOWN)
	{
		Inherited	inherited = appconfig_walk_inherit(node);

		add_level(walk, &node->node, node->level + 1, &inherited);
		appconfig_walk_remove(walk, node);
	}
	else if (appconfig_expand_is_denied(walk, node))
		replace_denied_list(walk, node);
	else if (node->kind == NODE_LIST)
		expand_list(walk, node);
	else
		expand_get(walk, node);
	MemoryContextSwitchTo(old);
	MemoryContextReset(walk->scratch);
}
