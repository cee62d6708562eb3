/*-------------------------------------------------------------------------
 *
 * cursor.c
 *		Walks the calls that a scan needs and yields what its rows are made of.
 *
 * The walk is a queue of nodes in the order of the rows: lists that have not
 * been read, documents that are on their way, items that are ready.  Where an
 * answer arrives, its node is replaced, in its place, by what it leads to: a
 * page by its items and the next page, a definition by the list of its runs, a
 * run by its document.  So calls anywhere in the chain are in flight together
 * while the rows keep their order, whatever order the network answers in.  The
 * head of the queue is the next row; calls are started only while it is not
 * ready, and only so many that few answers wait to be read.
 *
 * What may not live here: SQL types and expressions (fdw_scan.c, row.c), how
 * a call is made (api.c), URLs (request.c), anything about one table that its
 * declaration does not say (tables.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "applications.h"
#include "cursor.h"
#include "facts.h"
#include "item.h"
#include "request.h"
#include "route.h"

/* Lists that a query with a list of applications asks for, one of each; with
 * more applications than that the list of the whole account is shorter */
#define MAX_APPLICATION_LISTS 20

/* Nodes in the queue, beside those that the query itself names, beyond which
 * only its head is expanded */
#define MAX_NODES 2000

/* Items in a page that are taken.  A service that does not keep to what it is
 * asked for may send some more, but none sends so many. */
#define MAX_PAGE_ITEMS (20 * PAGE_SIZE)

/* Documents, as a multiple of the calls that may be in flight, before which
 * the page that names the next ones is asked for */
#define LOOK_AHEAD 3

/* The member of a page that has its items */
#define ITEMS "Items"

typedef enum CursorNodeKind
{
	NODE_APPLICATIONS, /* a page of all applications, to know their names */
	NODE_KNOWN, /* what is above the table's collection, known by its keys */
	NODE_LIST,	/* a page of a list */
	NODE_GET,	/* a document of the table's own collection */
	NODE_ITEM	/* complete, but for its side look-ups */
} CursorNodeKind;

typedef struct CursorNode
{
	dlist_node	   node; /* in cursor->queue */
	CursorNodeKind kind;
	int			   level; /* in cursor->levels */
	KeyFacts	   keys;  /* owned */
	bool from_query; /* do the keys come from the query, not the service? */
	JsonValue *source[SOURCE_COUNT]; /* a reference each, or NULL */
	MemoEntry *entry;				 /* LIST, GET: once asked for */
	char	  *token;				 /* LIST: NULL for the first page */
	char	  *mark;				 /* LIST: an earlier token */
	uint64	   pages;				 /* LIST: read so far */
	bool	   shown;	   /* LIST: has a list shown what it belongs to? */
	bool	   unfiltered; /* LIST: without filters on what can be deleted */
	bool	   has_items;  /* LIST: so what its filters name is there */
	MemoEntry *side[SIDE_COUNT]; /* ITEM */
	bool	   sides_started;
} CursorNode;

/* What a new node takes over from what it belongs to; all borrowed */
typedef struct Inherited
{
	KeyFacts   keys;
	bool	   from_query; /* as above */
	bool	   shown;	   /* has a list shown what it belongs to? */
	JsonValue *source[SOURCE_COUNT];
} Inherited;

struct AppConfigCursor
{
	MemoryContext		   context; /* holds this struct and the nodes */
	MemoryContext		   scratch; /* reset after each step */
	MemoryContextCallback  callback;
	Memo				  *memo;
	AppConfigCursorOptions options;
	const Route			  *route;
	dlist_head			   queue;
	int					   nodes;
	int					   named_nodes; /* that the walk has begun with */
	int					   asked;		/* nodes with an entry */
	int64				   yielded;		/* items */
	const KeySet *keys; /* the options', with names of applications resolved */
	Applications  applications; /* all, where names are resolved */
	List		 *lookups; /* MemoEntry of side look-ups, held to the end */
	CursorNode	 *current; /* whose rows are being yielded */
	AppConfigItem item;
	ItemRows	  rows; /* within current */
};

/* ------------------------------------------------------------------------
 * Findings
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
	ereport(
		ERROR,
		(errcode(ERRCODE_FDW_ERROR),
		 errmsg("AWS AppConfig takes an id for the name of something else"),
		 errdetail(
			 "%s has answered for another application or definition than it was asked for.",
			 operation->name),
		 errhint("Rename the application whose name is the id of another.")));
}

/*
 * What is known by the keys and the answers at hand; borrowed, and so is the
 * application that is added if all of them were listed
 */
static AppConfigItem
make_item(const AppConfigCursor *cursor, JsonValue *const *source,
		  const KeyFacts *keys)
{
	AppConfigItem item = {.keys = keys};

	memcpy(item.source, source, sizeof(item.source));
	if (item.source[SOURCE_APPLICATION] == NULL)
		item.source[SOURCE_APPLICATION] = appconfig_applications_find(
			&cursor->applications, keys->text[KEY_APPLICATION_ID]);
	return item;
}

/* Does an item meet the clauses that can be answered from it? */
static bool
passes_filter(const AppConfigCursor *cursor, const AppConfigItem *item,
			  bool own)
{
	return cursor->options.filter == NULL ||
		   cursor->options.filter(cursor->options.filter_arg, item,
								  own && cursor->route->table->shape ==
											 ROW_PER_ITEM);
}

/* ------------------------------------------------------------------------
 * Nodes
 * ------------------------------------------------------------------------
 */

/* What belongs to the node's thing takes over what is known of it */
static Inherited
inherit_from(const CursorNode *node)
{
	Inherited inherited = {.keys = node->keys, .from_query = node->from_query};

	memcpy(inherited.source, node->source, sizeof(inherited.source));
	return inherited;
}

/* A new node in front of another one, with a copy of what it inherits */
static CursorNode *
add_node(AppConfigCursor *cursor, dlist_node *before, CursorNodeKind kind,
		 int level, const Inherited *inherited)
{
	CursorNode *node =
		MemoryContextAllocZero(cursor->context, sizeof(CursorNode));
	int i;

	node->kind = kind;
	node->level = level;
	node->from_query = inherited->from_query;
	appconfig_facts_copy(&node->keys, &inherited->keys, cursor->context);
	for (i = 0; i < SOURCE_COUNT; i++)
	{
		if (inherited->source[i] != NULL)
			node->source[i] = appconfig_json_retain(inherited->source[i]);
	}
	dlist_insert_before(before, &node->node);
	cursor->nodes++;
	return node;
}

static void
release_sources(CursorNode *node)
{
	int i;

	for (i = 0; i < SOURCE_COUNT; i++)
		appconfig_json_release(node->source[i]);
}

/* Has no more to do with the answer that it asked for, if any */
static void
drop_answer(AppConfigCursor *cursor, CursorNode *node)
{
	if (node->entry == NULL)
		return;
	appconfig_memo_release(node->entry);
	node->entry = NULL;
	cursor->asked--;
}

/* Out of the queue, and freed */
static void
free_node(AppConfigCursor *cursor, CursorNode *node)
{
	release_sources(node);
	drop_answer(cursor, node);
	appconfig_facts_free(&node->keys);
	if (node->token != NULL)
		pfree(node->token);
	if (node->mark != NULL)
		pfree(node->mark);
	pfree(node);
}

static void
remove_node(AppConfigCursor *cursor, CursorNode *node)
{
	dlist_delete(&node->node);
	cursor->nodes--;
	free_node(cursor, node);
}

static const AppConfigCollection *
collection_of(const AppConfigCursor *cursor, const CursorNode *node)
{
	return node->kind == NODE_APPLICATIONS
			   ? &appconfig_collections[COLLECTION_APPLICATIONS]
			   : appconfig_route_collection(cursor->route, node->level);
}

static const AppConfigOperation *
operation_of(const AppConfigCursor *cursor, const CursorNode *node)
{
	return node->kind == NODE_GET ? &collection_of(cursor, node)->get
								  : &collection_of(cursor, node)->list;
}

/* Which filters the list of a node can be asked with */
static int
filters_of(const AppConfigCursor *cursor, const CursorNode *node)
{
	return (appconfig_route_is_own(cursor->route, node->level) &&
					!cursor->route->shared_lists
				? FILTER_BY_STATUS
				: 0) |
		   (node->unfiltered ? 0 : FILTER_BY_DELETABLE);
}

/* The query of a page of the node's list, in the current context */
static char *
page_query(const AppConfigCursor *cursor, const CursorNode *node,
		   const char *token)
{
	return appconfig_request_query(
		operation_of(cursor, node), &node->keys,
		appconfig_keyset_restrict(cursor->keys, &node->keys),
		filters_of(cursor, node), token);
}

/*
 * What an answer to the operation always has: a list its items, a document the
 * keys that it is addressed by.
 */
static void
expect_members(ApiRequest *request, const AppConfigCollection *collection,
			   const AppConfigOperation *operation)
{
	const AppConfigFact *fact = collection->facts;
	ApiMember			*member = request->members;

	if (operation->is_list)
	{
		member->path = ITEMS;
		member->kind = JSON_ARRAY;
		return;
	}
	for (; fact->key != KEY_NONE; fact++)
	{
		if (!appconfig_request_needs(operation, fact->key))
			continue;
		Assert(member < &request->members[API_MAX_MEMBERS]);
		member->path = fact->path;
		member->kind = fact->key == KEY_RUN ? JSON_NUMBER : JSON_STRING;
		member++;
	}
}

/* The memo's entry for the node's call, started if need be */
static void
ask(AppConfigCursor *cursor, CursorNode *node)
{
	const AppConfigOperation *operation = operation_of(cursor, node);
	MemoryContext			  old = MemoryContextSwitchTo(cursor->scratch);
	ApiRequest				  request = {.operation = operation->name,
										 .path =
											 appconfig_request_path(operation, &node->keys),
										 .query = "",
										 .is_list = operation->is_list,
										 .freezes = operation->freezes};

	expect_members(&request, collection_of(cursor, node), operation);
	request.names_something = appconfig_request_names_something(
		operation, &node->keys,
		appconfig_keyset_restrict(cursor->keys, &node->keys),
		filters_of(cursor, node));
	if (operation->is_list)
		request.query = page_query(cursor, node, node->token);
	if (node->token != NULL)
	{
		request.first = page_query(cursor, node, NULL);
		request.token = node->token;
	}
	MemoryContextSwitchTo(old);
	node->entry =
		appconfig_memo_fetch(cursor->memo, &request, cursor->options.counters);
	cursor->asked++;
	MemoryContextReset(cursor->scratch);
}

/* ------------------------------------------------------------------------
 * Side look-ups
 * ------------------------------------------------------------------------
 */

/* The answer to a side look-up for the node's keys; held by the cursor */
static MemoEntry *
ask_side(AppConfigCursor *cursor, const CursorNode *node, SideLookup side)
{
	const AppConfigCollection *collection =
		&appconfig_collections[appconfig_side_lookups[side].collection];
	MemoryContext old = MemoryContextSwitchTo(cursor->scratch);
	ApiRequest	  request = {
		   .operation = collection->get.name,
		   .path = appconfig_request_path(&collection->get, &node->keys),
		   .query = "",
		   .is_list = false,
		   .names_something = true};
	MemoEntry *entry;

	expect_members(&request, collection, &collection->get);

	MemoryContextSwitchTo(cursor->context);
	entry =
		appconfig_memo_fetch(cursor->memo, &request, cursor->options.counters);
	if (list_member_ptr(cursor->lookups, entry))
		appconfig_memo_release(entry);
	else
		cursor->lookups = lappend(cursor->lookups, entry);
	MemoryContextSwitchTo(old);
	MemoryContextReset(cursor->scratch);
	return entry;
}

/*
 * Have the identifiers of the query, by which the node was asked for, still to
 * be shown to be ids, and not names, which the service would take as well?  A
 * run's document names its application and definition, a run's summary only
 * the definition, an event neither.
 *
 * XXX An application's id is taken at its word where it looks like one and
 * only lists are read: proof would cost a call, and nobody names applications
 * so.
 */
static bool
needs_proof(const AppConfigCursor *cursor, const CursorNode *node)
{
	const char *application = node->keys.text[KEY_APPLICATION_ID];

	if (!node->from_query || node->source[SOURCE_RUN] != NULL ||
		node->source[SOURCE_DEFINITION] != NULL ||
		!appconfig_request_needs(
			&appconfig_route_own(cursor->route->table)->list,
			KEY_DEFINITION_ID))
		return false;
	return node->source[SOURCE_RUN_SUMMARY] == NULL ||
		   node->keys.text[KEY_DEFINITION_ID] == NULL ||
		   !(appconfig_facts_looks_like_id(application) ||
			 appconfig_applications_find(&cursor->applications, application) !=
				 NULL);
}

/* Is a source that has to be looked up read from the node's item? */
static bool
needs_side(const AppConfigCursor *cursor, const CursorNode *node,
		   SideLookup side)
{
	AppConfigSource			source = appconfig_side_lookups[side].source;
	AppConfigItem			item;
	const AppConfigColumn **column;

	if (appconfig_side_lookups[side].collection ==
			cursor->route->table->collection ||
		node->source[source] != NULL)
		return false;
	if (side == SIDE_DEFINITION && needs_proof(cursor, node))
		return true;
	if (!cursor->route->read[source])
		return false;
	item = make_item(cursor, node->source, &node->keys);
	for (column = cursor->route->columns; *column != NULL; column++)
	{
		if (appconfig_route_column_has(*column, source) &&
			!appconfig_item_has(cursor->route->table, &item, *column))
			return true;
	}
	return false;
}

/* Asks for what the node lacks; counts up the calls in flight */
static void
start_sides(AppConfigCursor *cursor, CursorNode *node, int *in_flight)
{
	int side;

	for (side = 0; side < SIDE_COUNT; side++)
	{
		int known = list_length(cursor->lookups);

		if (side == SIDE_APPLICATION &&
			node->source[SOURCE_APPLICATION] == NULL)
			node->source[SOURCE_APPLICATION] =
				appconfig_json_retain(appconfig_applications_find(
					&cursor->applications,
					node->keys.text[KEY_APPLICATION_ID]));
		if (!needs_side(cursor, node, side))
			continue;
		node->side[side] = ask_side(cursor, node, side);
		if (list_length(cursor->lookups) > known &&
			!appconfig_memo_is_ready(node->side[side]))
			(*in_flight)++;
	}
	node->sides_started = true;
}

static bool
sides_are_ready(const CursorNode *node)
{
	int side;

	for (side = 0; side < SIDE_COUNT; side++)
	{
		if (node->side[side] != NULL &&
			!appconfig_memo_is_ready(node->side[side]))
			return false;
	}
	return true;
}

/*
 * Takes what the side look-ups have found.  Returns false if it shows that the
 * item is not the one that was asked for.
 */
static bool
take_sides(AppConfigCursor *cursor, CursorNode *node)
{
	int side;

	for (side = 0; side < SIDE_COUNT; side++)
	{
		const AppConfigCollection *collection =
			&appconfig_collections[appconfig_side_lookups[side].collection];
		JsonValue *document;
		KeyFacts   learned = node->keys;

		if (node->side[side] == NULL)
			continue;
		document = appconfig_memo_document(node->side[side]);
		if (document == NULL)
			continue;
		if (!appconfig_facts_learn(&learned, collection, false, document))
			return false;
		appconfig_facts_adopt(&node->keys, &learned, cursor->context);
		node->source[appconfig_side_lookups[side].source] =
			appconfig_json_retain(document);
	}
	/* what has not been proved by now is not there */
	return !needs_proof(cursor, node);
}

/* ------------------------------------------------------------------------
 * From keys to calls
 * ------------------------------------------------------------------------
 */

/* Documents of the keys, one for each run if runs are among what is asked */
static void
add_documents(AppConfigCursor *cursor, dlist_node *before, int level,
			  const Inherited *inherited, const KeySet *set)
{
	const AppConfigOperation *get =
		&appconfig_route_collection(cursor->route, level)->get;
	CursorNodeKind kind =
		appconfig_route_is_own(cursor->route, level) ? NODE_GET : NODE_KNOWN;
	Inherited one = *inherited;
	int64	 *runs;
	int		  count;
	int		  i;

	if (!appconfig_request_needs(get, KEY_RUN) || one.keys.run_known)
	{
		add_node(cursor, before, kind, level, &one);
		return;
	}
	(void) appconfig_keyset_runs(set, &runs, &count);
	one.keys.run_known = true;
	for (i = 0; i < count; i++)
	{
		one.keys.run = runs[i];
		add_node(cursor, before, kind, level, &one);
	}
}

/*
 * All combinations of the set's values for the keys that are open from one on.
 * A key without values in the set has names.
 */
static void
add_combinations(AppConfigCursor *cursor, dlist_node *before, int level,
				 const Inherited *inherited, const KeySet *set,
				 AppConfigKey from)
{
	const AppConfigOperation *get =
		&appconfig_route_collection(cursor->route, level)->get;
	Inherited	 bound = *inherited;
	AppConfigKey key = from;
	AppConfigKey named;
	KeyTexts	*texts;
	int			 i;

	while (key < KEY_COUNT &&
		   !appconfig_route_is_open(get, &inherited->keys, key))
		key++;
	if (key == KEY_COUNT)
	{
		if (set->count > 0)
			add_documents(cursor, before, level, inherited, set);
		return;
	}
	named = key;
	texts = appconfig_keyset_texts(set, key);
	if (texts == NULL)
	{
		named = appconfig_table_name_key(key);
		texts = appconfig_keyset_texts(set, named);
	}
	/* an identifier is the query's from here on */
	bound.from_query = true;
	for (i = 0; i < texts->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		bound.keys.text[named] = texts->value[i];
		add_combinations(cursor, before, level, &bound,
						 appconfig_keyset_restrict(set, &bound.keys), key + 1);
	}
}

/*
 * A list.  What it belongs to may have been shown by another list: the one
 * that it is below, or where it needs no more than the application, the one of
 * all of them.
 */
static void
add_list(AppConfigCursor *cursor, dlist_node *before, int level,
		 const Inherited *inherited)
{
	CursorNode *list = add_node(cursor, before, NODE_LIST, level, inherited);

	list->shown = inherited->shown ||
				  (!appconfig_request_needs(operation_of(cursor, list),
											KEY_DEFINITION_ID) &&
				   appconfig_applications_find(
					   &cursor->applications,
					   list->keys.text[KEY_APPLICATION_ID]) != NULL);
}

/*
 * The lists that find what the set leaves open: one of each application that
 * it names, where the list can be filtered so, and else one of all.  Returns
 * the applications, NULL for all.
 */
static KeyTexts *
add_lists(AppConfigCursor *cursor, dlist_node *before, int level,
		  const Inherited *inherited, const KeySet *set)
{
	bool by_application =
		inherited->keys.text[KEY_APPLICATION_ID] == NULL &&
		appconfig_route_collection(cursor->route, level)->list.filters != NULL;
	KeyTexts *applications =
		by_application ? appconfig_keyset_texts(set, KEY_APPLICATION_ID)
					   : NULL;
	Inherited filtered = *inherited;
	int		  i;

	if (applications == NULL || applications->count > MAX_APPLICATION_LISTS)
	{
		add_list(cursor, before, level, inherited);
		return NULL;
	}
	for (i = 0; i < applications->count; i++)
	{
		filtered.keys.text[KEY_APPLICATION_ID] = applications->value[i];
		add_list(cursor, before, level, &filtered);
	}
	return applications;
}

/* As add_combinations(), but only of applications of which there is no list */
static void
add_unlisted(AppConfigCursor *cursor, dlist_node *before, int level,
			 const Inherited *inherited, const KeySet *set,
			 const KeyTexts *listed)
{
	KeyTexts *all = appconfig_keyset_texts(set, KEY_APPLICATION_ID);
	Inherited unlisted = *inherited;
	int		  i;

	unlisted.from_query = true;
	for (i = 0; i < all->count; i++)
	{
		if (appconfig_keyset_has_text(listed, all->value[i]))
			continue;
		unlisted.keys.text[KEY_APPLICATION_ID] = all->value[i];
		add_combinations(cursor, before, level, &unlisted,
						 appconfig_keyset_restrict(set, &unlisted.keys),
						 KEY_NONE + 1);
	}
}

/*
 * Everything at a level that belongs to what is inherited and that the query
 * can ask for: what is fully known by its keys directly, the rest from lists.
 * What a list will show is not asked for directly as well.
 */
static void
add_level(AppConfigCursor *cursor, dlist_node *before, int level,
		  const Inherited *inherited)
{
	MemoryContext	old = MemoryContextSwitchTo(cursor->scratch);
	const KeyFacts *keys = &inherited->keys;
	KeySet		   *all = appconfig_keyset_restrict(cursor->keys, keys);
	KeySet		   *listed = appconfig_keyset_make(all->count);
	KeySet		   *direct = appconfig_keyset_make(all->count);
	KeyTexts	   *applications = NULL;

	appconfig_route_split(cursor->route, level, keys, all, direct, listed);
	if (listed->count > 0)
	{
		applications = add_lists(cursor, before, level, inherited, listed);
		if (applications == NULL)
			direct->count = 0;
	}
	if (direct->count > 0 && applications == NULL)
		add_combinations(cursor, before, level, inherited, direct,
						 KEY_NONE + 1);
	else if (direct->count > 0)
		add_unlisted(cursor, before, level, inherited, direct, applications);
	MemoryContextSwitchTo(old);
}

/* ------------------------------------------------------------------------
 * From an answer to what it leads to
 * ------------------------------------------------------------------------
 */

/*
 * A list shows a thing whose document the service may have frozen: if it has,
 * what the session keeps of it is confirmed, or goes.
 */
static void
confirm_frozen(AppConfigCursor *cursor, const AppConfigCollection *collection,
			   const KeyFacts *keys, JsonValue *item)
{
	if (collection->get.freezes)
		appconfig_memo_confirm(cursor->memo,
							   appconfig_request_path(&collection->get, keys),
							   item);
}

/*
 * Is what a list's item says that can change to be taken into account?  What
 * may be of another moment than a document decides nothing.
 */
static bool
is_believed(const AppConfigCursor *cursor, const CursorNode *list,
			const KeyFacts *keys, JsonValue *item)
{
	const AppConfigOperation *get =
		&appconfig_route_collection(cursor->route, list->level)->get;

	return !get->freezes || !cursor->route->documents_decide ||
		   !appconfig_route_is_own(cursor->route, list->level) ||
		   appconfig_memo_is_final(cursor->memo,
								   appconfig_request_path(get, keys), item);
}

/* Can keys be those of a row that the query asks for, if the status is? */
static bool
keys_are_wanted(const AppConfigCursor *cursor, const KeyFacts *keys)
{
	KeyFacts lasting = *keys;

	lasting.text[KEY_STATUS] = NULL;
	return appconfig_keyset_contains(cursor->keys, &lasting);
}

/*
 * Can an item whose keys are wanted lead to rows that the query asks for, by
 * its status and by the clauses that are checked against lists?
 */
static bool
is_wanted(const AppConfigCursor *cursor, const Inherited *known, bool own)
{
	AppConfigItem item;

	if (known->keys.text[KEY_STATUS] != NULL &&
		!appconfig_keyset_contains(cursor->keys, &known->keys))
		return false;
	if (cursor->options.filter == NULL)
		return true;
	item = make_item(cursor, known->source, &known->keys);
	return passes_filter(cursor, &item, own);
}

/* What an item of a list leads to: a row, its document, or a level below */
static void
add_wanted(AppConfigCursor *cursor, CursorNode *list, Inherited *known,
		   JsonValue *item, bool believed)
{
	const AppConfigCollection *collection =
		appconfig_route_collection(cursor->route, list->level);

	known->source[collection->list.yields] = item;
	if (appconfig_route_is_own(cursor->route, list->level))
	{
		bool need_document = cursor->route->need_document || !believed;

		add_node(cursor, &list->node, need_document ? NODE_GET : NODE_ITEM,
				 list->level, known);
		return;
	}
	known->shown = true;
	known->from_query &= !appconfig_facts_names_application(collection, item);
	add_level(cursor, &list->node, list->level + 1, known);
}

/* One item of any list */
static void
add_item(AppConfigCursor *cursor, CursorNode *list, JsonValue *item)
{
	const AppConfigCollection *collection =
		appconfig_route_collection(cursor->route, list->level);
	bool	  own = appconfig_route_is_own(cursor->route, list->level);
	Inherited known = inherit_from(list);
	bool	  believed;

	if (!appconfig_facts_learn(&known.keys, collection, own, item))
	{
		check_mistaken(list, &collection->list);
		return;
	}
	appconfig_facts_check_addressable(collection, &known.keys);
	if (!keys_are_wanted(cursor, &known.keys))
		return;
	confirm_frozen(cursor, collection, &known.keys, item);
	believed = is_believed(cursor, list, &known.keys, item);
	if (believed)
		known.source[collection->list.yields] = item;
	else
		known.keys.text[KEY_STATUS] = NULL;
	if (is_wanted(cursor, &known, own))
		add_wanted(cursor, list, &known, item, believed);
}

/* The items of a page of a list */
static JsonValue *
page_items(const AppConfigOperation *list, JsonValue *page)
{
	JsonValue *items = appconfig_json_lookup(page, ITEMS);
	int		   count = appconfig_json_array_length(items);

	if (count > MAX_PAGE_ITEMS)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("AWS AppConfig sent an answer that cannot be read"),
			 errdetail("A page of %s has %d items, where %d were asked for.",
					   list->name, count, PAGE_SIZE)));
	return items;
}

/*
 * Makes the node stand for the page after this one; false if this is the last.
 * Tokens that go in a circle would never come to an end: each is compared with
 * the one of the page whose number was the last power of two (Brent).
 */
static bool
turn_page(AppConfigCursor *cursor, CursorNode *node,
		  const AppConfigOperation *list, JsonValue *page)
{
	JsonValue  *value = appconfig_json_lookup(page, "NextToken");
	size_t		length;
	const char *token;

	if (value == NULL)
		return false;
	token = appconfig_json_text(value, &length);
	if (appconfig_json_kind(value) != JSON_STRING || length == 0 ||
		strlen(token) != length)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("AWS AppConfig sent an answer that cannot be read"),
				 errdetail("The NextToken of a %s answer is not a token.",
						   list->name)));
	if (node->mark != NULL && strcmp(token, node->mark) == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_FDW_ERROR),
			 errmsg("AWS AppConfig repeats a page"),
			 errdetail("%s has answered with a NextToken that it gave before.",
					   list->name),
			 errhint("Try again later.")));
	if (node->token != NULL)
		pfree(node->token);
	node->token = MemoryContextStrdup(cursor->context, token);
	node->pages++;
	if ((node->pages & (node->pages - 1)) == 0)
	{
		if (node->mark != NULL)
			pfree(node->mark);
		node->mark = MemoryContextStrdup(cursor->context, token);
	}
	drop_answer(cursor, node);
	return true;
}

/* Lets a node that has taken nothing of its answer ask for another one */
static void
ask_again(AppConfigCursor *cursor, CursorNode *node)
{
	drop_answer(cursor, node);
	if (node->token != NULL)
		pfree(node->token);
	if (node->mark != NULL)
		pfree(node->mark);
	node->token = node->mark = NULL;
	node->pages = 0;
}

/* Starts again with a list of definitions, whose items show their names */
static void
look_name_up(AppConfigCursor *cursor, CursorNode *node)
{
	ask_again(cursor, node);
	node->kind = NODE_LIST;
	node->level = 0;
	node->shown = false;
	Assert(cursor->route->levels[node->level] == COLLECTION_DEFINITIONS);
}

/*
 * A list has been asked for with a filter on what can be gone.  Then the
 * service answers that it knows no such thing, or takes the id for the name of
 * another one, while items may still name it.  item is the first that has been
 * listed, NULL if none was: does it leave the filter in doubt?
 */
static bool
filter_is_in_doubt(AppConfigCursor *cursor, const CursorNode *list,
				   JsonValue *item)
{
	const AppConfigCollection *collection =
		appconfig_route_collection(cursor->route, list->level);
	const AppConfigFilter *filter = collection->list.filters;
	KeySet				  *set;

	if (filter == NULL || list->unfiltered || list->has_items)
		return false;
	set = appconfig_keyset_restrict(cursor->keys, &list->keys);
	for (; filter->key != KEY_NONE; filter++)
	{
		const char *value =
			filter->deletable
				? appconfig_request_filter_value(filter, &list->keys, set)
				: NULL;

		if (value != NULL &&
			(item == NULL ||
			 !appconfig_facts_name(collection, item, filter->key, value)))
			return true;
	}
	return false;
}

/* A page has arrived: its items, and the next page behind them */
static void
expand_list(AppConfigCursor *cursor, CursorNode *list)
{
	const AppConfigCollection *collection =
		appconfig_route_collection(cursor->route, list->level);
	JsonValue	*page = appconfig_memo_document(list->entry);
	JsonValue	*items;
	JsonElements elements;
	int			 count;

	if (page == NULL)
	{
		/* there is no such thing; but what has a first page has a second */
		if (list->token != NULL)
			appconfig_memo_raise(list->entry);
		if (filter_is_in_doubt(cursor, list, NULL))
		{
			ask_again(cursor, list);
			list->unfiltered = true;
			return;
		}
		/* and what a list has shown has lists of its own */
		if (list->shown)
			appconfig_memo_raise(list->entry);
		remove_node(cursor, list);
		return;
	}
	items = page_items(&collection->list, page);
	count = appconfig_json_array_length(items);
	if (count > 0 &&
		appconfig_facts_took_name_for_id(&list->keys, collection,
										 appconfig_json_first_element(items)))
	{
		look_name_up(cursor, list);
		return;
	}
	if ((count > 0 || appconfig_json_lookup(page, "NextToken") == NULL) &&
		filter_is_in_doubt(cursor, list, appconfig_json_first_element(items)))
	{
		ask_again(cursor, list);
		list->unfiltered = true;
		return;
	}
	list->has_items |= count > 0;
	appconfig_json_elements_start(&elements, items);
	while (appconfig_json_elements_next(&elements))
	{
		CHECK_FOR_INTERRUPTS();
		add_item(cursor, list, elements.value);
	}
	if (!turn_page(cursor, list, &collection->list, page))
		remove_node(cursor, list);
}

/*
 * A definition's name may have stood for its id.  All scans of the statement
 * are to read one copy of a document, whichever way they ask for it.  Returns
 * true if the node has to wait for the copy that was asked for by ids.
 */
static bool
share_by_id(AppConfigCursor *cursor, CursorNode *node,
			const AppConfigCollection *collection, const KeyFacts *learned)
{
	MemoEntry *shared;

	if (node->keys.text[KEY_DEFINITION_ID] != NULL ||
		learned->text[KEY_DEFINITION_ID] == NULL)
		return false;
	shared = appconfig_memo_same(
		node->entry, appconfig_request_path(&collection->get, learned));
	if (shared == node->entry)
	{
		appconfig_memo_release(shared);
		return false;
	}
	appconfig_facts_adopt(&node->keys, learned, cursor->context);
	appconfig_memo_release(node->entry);
	node->entry = shared;
	return true;
}

/* A document has arrived: the node is an item now, or none */
static void
expand_get(AppConfigCursor *cursor, CursorNode *node)
{
	const AppConfigCollection *collection =
		appconfig_route_collection(cursor->route, node->level);
	JsonValue *document = appconfig_memo_document(node->entry);
	KeyFacts   learned = node->keys;

	if (document != NULL &&
		appconfig_facts_took_name_for_id(&node->keys, collection, document))
	{
		look_name_up(cursor, node);
		return;
	}
	if (document == NULL ||
		!appconfig_facts_learn(&learned, collection, true, document))
	{
		if (document != NULL)
			check_mistaken(node, &collection->get);
		remove_node(cursor, node);
		return;
	}
	if (share_by_id(cursor, node, collection, &learned))
		return;
	Assert(node->source[collection->get.yields] == NULL);
	node->source[collection->get.yields] = appconfig_json_retain(document);
	appconfig_facts_adopt(&node->keys, &learned, cursor->context);
	drop_answer(cursor, node);
	node->kind = NODE_ITEM;
}

static bool
application_passes(void *arg, JsonValue *application, const KeyFacts *keys)
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
expand_applications(AppConfigCursor *cursor, CursorNode *node)
{
	JsonValue *page = appconfig_memo_document(node->entry);
	JsonValue *items =
		page_items(&appconfig_collections[COLLECTION_APPLICATIONS].list, page);
	MemoryContext old = MemoryContextSwitchTo(cursor->context);
	Inherited	  by_query = {.from_query = true};
	JsonElements  elements;

	appconfig_json_elements_start(&elements, items);
	while (appconfig_json_elements_next(&elements))
	{
		CHECK_FOR_INTERRUPTS();
		appconfig_applications_add(&cursor->applications, cursor->context,
								   elements.value);
	}
	if (!turn_page(cursor, node,
				   &appconfig_collections[COLLECTION_APPLICATIONS].list, page))
	{
		cursor->keys = appconfig_applications_resolve(
			&cursor->applications, cursor->options.keys, application_passes,
			cursor);
		add_level(cursor, &node->node, 0, &by_query);
		remove_node(cursor, node);
		cursor->named_nodes = cursor->nodes;
	}
	MemoryContextSwitchTo(old);
}

/* ------------------------------------------------------------------------
 * The queue
 * ------------------------------------------------------------------------
 */

/* Nothing of a cursor that is not palloc'd outlives its memory */
static void
end_cursor(void *arg)
{
	AppConfigCursor *cursor = arg;
	dlist_iter		 iter;

	dlist_foreach(iter, &cursor->queue)
		release_sources(dlist_container(CursorNode, node, iter.cur));
	if (cursor->current != NULL)
		release_sources(cursor->current);
	appconfig_applications_release(&cursor->applications);
}

/*
 * A cursor on what the options say, in memory of its own in the current
 * context.  Nothing is asked for before the first appconfig_cursor_poll().
 */
AppConfigCursor *
appconfig_cursor_open(Memo *memo, const AppConfigCursorOptions *options)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "appconfig_fdw cursor", ALLOCSET_DEFAULT_SIZES);
	AppConfigCursor *cursor =
		MemoryContextAllocZero(context, sizeof(AppConfigCursor));
	Inherited by_query = {.from_query = true};

	cursor->context = context;
	cursor->scratch = AllocSetContextCreate(
		context, "appconfig_fdw cursor scratch", ALLOCSET_SMALL_SIZES);
	cursor->memo = memo;
	cursor->options = *options;
	dlist_init(&cursor->queue);
	cursor->callback.func = end_cursor;
	cursor->callback.arg = cursor;
	MemoryContextRegisterResetCallback(context, &cursor->callback);
	cursor->keys = cursor->options.keys;
	cursor->route = options->route;
	if (appconfig_route_needs_applications(cursor->route, cursor->keys))
		add_node(cursor, &cursor->queue.head, NODE_APPLICATIONS, 0, &by_query);
	else
		add_level(cursor, &cursor->queue.head, 0, &by_query);
	cursor->named_nodes = cursor->nodes;
	MemoryContextReset(cursor->scratch);
	return cursor;
}

/* Ends the cursor, and the calls that only it has asked for */
void
appconfig_cursor_close(AppConfigCursor *cursor)
{
	dlist_mutable_iter iter;
	ListCell		  *cell;

	dlist_foreach_modify(iter, &cursor->queue)
		remove_node(cursor, dlist_container(CursorNode, node, iter.cur));
	if (cursor->current != NULL)
		free_node(cursor, cursor->current);
	cursor->current = NULL;
	foreach(cell, cursor->lookups)
		appconfig_memo_release(lfirst(cell));
	MemoryContextDelete(cursor->context);
}

static bool
node_is_ready(const CursorNode *node)
{
	if (node->kind == NODE_ITEM)
		return node->sides_started && sides_are_ready(node);
	if (node->kind == NODE_KNOWN)
		return true;
	return node->entry != NULL && appconfig_memo_is_ready(node->entry);
}

/* Replaces a list or document that has arrived by what it leads to */
static void
expand(AppConfigCursor *cursor, CursorNode *node)
{
	MemoryContext old = MemoryContextSwitchTo(cursor->scratch);

	if (node->kind == NODE_APPLICATIONS)
		expand_applications(cursor, node);
	else if (node->kind == NODE_KNOWN)
	{
		Inherited inherited = inherit_from(node);

		add_level(cursor, &node->node, node->level + 1, &inherited);
		remove_node(cursor, node);
	}
	else if (node->kind == NODE_LIST)
		expand_list(cursor, node);
	else
		expand_get(cursor, node);
	MemoryContextSwitchTo(old);
	MemoryContextReset(cursor->scratch);
}

/* How many items may be on their way or waiting to be read? */
static int64
window(const AppConfigCursor *cursor)
{
	int64 window = 4 * (int64) cursor->options.max_concurrency;

	/* past the LIMIT, local filters must be dropping rows: so double */
	if (cursor->route->rows_wanted > 0)
		window = Min(window, cursor->yielded < cursor->route->rows_wanted
								 ? cursor->route->rows_wanted - cursor->yielded
								 : cursor->yielded);
	return window;
}

/* Calls that the cursor waits for, wherever in the queue, and those that its
 * like has left behind */
static int
calls_in_flight(const AppConfigCursor *cursor)
{
	int		   in_flight = appconfig_memo_abandoned(cursor->memo);
	int		   left = cursor->asked;
	ListCell  *cell;
	dlist_iter iter;

	foreach(cell, cursor->lookups)
	{
		if (!appconfig_memo_is_ready(lfirst(cell)))
			in_flight++;
	}
	/* dlist_foreach wants a list that is not constant */
	dlist_foreach(iter, unconstify(dlist_head *, &cursor->queue))
	{
		const CursorNode *node = dlist_container(CursorNode, node, iter.cur);

		/* behind the last that has asked there can be thousands */
		if (left == 0)
			break;
		if (node->entry == NULL)
			continue;
		left--;
		if (!appconfig_memo_is_ready(node->entry))
			in_flight++;
	}
	return in_flight;
}

static CursorNode *
first_node(AppConfigCursor *cursor)
{
	return dlist_is_empty(&cursor->queue)
			   ? NULL
			   : dlist_head_element(CursorNode, node, &cursor->queue);
}

static CursorNode *
node_after(AppConfigCursor *cursor, CursorNode *node)
{
	if (node == NULL)
		return first_node(cursor);
	return dlist_has_next(&cursor->queue, &node->node)
			   ? dlist_container(CursorNode, node,
								 dlist_next_node(&cursor->queue, &node->node))
			   : NULL;
}

/* What has become of a node that was let get on */
typedef enum PumpResult
{
	PUMP_STOP,	  /* the nodes behind it must wait */
	PUMP_NEXT,	  /* on with the node behind it */
	PUMP_REPLACED /* on with what now stands in its place */
} PumpResult;

/*
 * Lets one node get on: asks for what it needs, unless too much is in flight,
 * and expands it if that has arrived.
 */
static PumpResult
pump_node(AppConfigCursor *cursor, CursorNode *node, int *in_flight,
		  int64 *room)
{
	int most = cursor->options.max_concurrency;

	if (node->kind == NODE_ITEM)
	{
		if (!node->sides_started)
		{
			if (*in_flight >= most)
				return PUMP_STOP;
			start_sides(cursor, node, in_flight);
		}
		(*room)--;
		return PUMP_NEXT;
	}
	if (node->entry == NULL && node->kind != NODE_KNOWN)
	{
		if (*in_flight >= most)
			return PUMP_STOP;
		ask(cursor, node);
		if (!appconfig_memo_is_ready(node->entry))
			(*in_flight)++;
	}
	if (!node_is_ready(node))
	{
		/* under a LIMIT nobody knows how much of a list will be wanted */
		if (node->kind == NODE_GET || cursor->route->rows_wanted > 0)
			(*room)--;
		return PUMP_NEXT;
	}
	/* the error of a call is raised when its turn comes */
	if ((node->entry != NULL && appconfig_memo_has_failed(node->entry)) ||
		(node->kind != NODE_GET &&
		 cursor->nodes >= cursor->named_nodes + MAX_NODES &&
		 node != first_node(cursor)))
		return PUMP_STOP;
	expand(cursor, node);
	return PUMP_REPLACED;
}

/*
 * Asks for the first page in the queue that has not been asked for, if little
 * is left to be asked for before it: else all documents of a page would be
 * read before anybody knows of those of the next.  Not under a LIMIT, which
 * may be met before.
 */
static void
ask_ahead(AppConfigCursor *cursor, int *in_flight)
{
	int		   most = cursor->options.max_concurrency;
	int		   left = LOOK_AHEAD * most;
	dlist_iter iter;

	if (cursor->route->rows_wanted > 0 || *in_flight >= most)
		return;
	dlist_foreach(iter, &cursor->queue)
	{
		CursorNode *node = dlist_container(CursorNode, node, iter.cur);

		if (node->kind == NODE_LIST)
		{
			if (node->entry != NULL)
				return;
			ask(cursor, node);
			/* the answer may be at hand: of that no call comes in */
			if (!appconfig_memo_is_ready(node->entry))
				(*in_flight)++;
			return;
		}
		if (node->kind == NODE_GET && node->entry == NULL && left-- == 0)
			return;
	}
}

/*
 * Starts calls from the head of the queue on, as many as may be in flight, and
 * expands what has arrived.
 */
static void
pump(AppConfigCursor *cursor)
{
	int			in_flight = calls_in_flight(cursor);
	int64		room = window(cursor);
	CursorNode *previous = NULL;
	CursorNode *node;

	ask_ahead(cursor, &in_flight);
	while (room > 0 && (node = node_after(cursor, previous)) != NULL)
	{
		PumpResult result = pump_node(cursor, node, &in_flight, &room);

		CHECK_FOR_INTERRUPTS();
		if (result == PUMP_STOP)
			break;
		if (result == PUMP_NEXT)
			previous = node;
	}
}

/*
 * Lets the walk get on until the head of the queue is an item that can be
 * yielded, or has to wait for an answer.
 */
static CursorResult
poll_queue(AppConfigCursor *cursor)
{
	CursorNode *head;

	while ((head = first_node(cursor)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (!node_is_ready(head))
		{
			pump(cursor);
			head = first_node(cursor);
			if (head != NULL && !node_is_ready(head))
				return CURSOR_PENDING;
		}
		else if (head->kind != NODE_ITEM)
			expand(cursor, head);
		else if (!take_sides(cursor, head))
			remove_node(cursor, head);
		else
			return CURSOR_ITEM;
	}
	return CURSOR_END;
}

/* The head of the queue is what the next rows are made of */
static void
take_head(AppConfigCursor *cursor)
{
	CursorNode *head = first_node(cursor);

	dlist_delete(&head->node);
	cursor->nodes--;
	cursor->yielded++;
	cursor->current = head;
	cursor->item = (AppConfigItem){.keys = &head->keys};
	memcpy(cursor->item.source, head->source, sizeof(cursor->item.source));
	appconfig_item_start_rows(&cursor->rows, cursor->route->table,
							  &cursor->item);
}

/*
 * What the next row is made of, valid until the next call.  Starts the calls
 * that there is room for, but never waits for one: where the row is still on
 * its way the result is CURSOR_PENDING, and the caller polls again after a
 * wait, which it can share among cursors.  Lets interrupts happen, and raises
 * the errors of calls.
 */
CursorResult
appconfig_cursor_poll(AppConfigCursor *cursor, const AppConfigItem **item)
{
	for (;;)
	{
		CursorResult result;

		if (cursor->current != NULL)
		{
			if (appconfig_item_next_row(&cursor->rows))
			{
				*item = &cursor->item;
				return CURSOR_ITEM;
			}
			free_node(cursor, cursor->current);
			cursor->current = NULL;
		}
		result = poll_queue(cursor);
		if (result != CURSOR_ITEM)
			return result;
		take_head(cursor);
	}
}
