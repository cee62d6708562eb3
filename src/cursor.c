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

static void add_level(AppConfigCursor *cursor, dlist_node *before,
					  const CursorNode *parent, int level,
					  const KeyFacts *keys, bool from_query);

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
			  bool leaf)
{
	return cursor->options.filter == NULL ||
		   cursor->options.filter(cursor->options.filter_arg, item,
								  leaf && cursor->route->table->shape ==
											  ROW_PER_ITEM);
}

/* ------------------------------------------------------------------------
 * Nodes
 * ------------------------------------------------------------------------
 */

/*
 * A new node with the keys and the sources of its parent, if any, in front of
 * another one.  Keys are copied.
 */
static CursorNode *
add_node(AppConfigCursor *cursor, dlist_node *before, CursorNodeKind kind,
		 int level, const CursorNode *parent, const KeyFacts *keys,
		 bool from_query)
{
	CursorNode *node =
		MemoryContextAllocZero(cursor->context, sizeof(CursorNode));
	int i;

	node->kind = kind;
	node->level = level;
	node->from_query = from_query;
	appconfig_facts_copy(&node->keys, keys, cursor->context);
	for (i = 0; parent != NULL && i < SOURCE_COUNT; i++)
	{
		if (parent->source[i] != NULL)
			node->source[i] = appconfig_json_retain(parent->source[i]);
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
	return (appconfig_route_is_leaf(cursor->route, node->level) &&
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
			&appconfig_route_leaf(cursor->route->table)->list,
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
 * From an answer to what it leads to
 * ------------------------------------------------------------------------
 */

/*
 * An item of a list of the table's own collection: a row by itself, or as far
 * as it goes before its document is there
 */
static void
add_leaf_item(AppConfigCursor *cursor, CursorNode *list, const KeyFacts *keys,
			  JsonValue *value, bool need_document)
{
	const AppConfigCollection *collection =
		appconfig_route_collection(cursor->route, list->level);
	CursorNode *node =
		add_node(cursor, &list->node, need_document ? NODE_GET : NODE_ITEM,
				 list->level, list, keys, list->from_query);

	node->source[collection->list.yields] = appconfig_json_retain(value);
}

/*
 * A list shows a thing whose document the service may have frozen.  Returns
 * whether the list is to be believed in what can change of it.
 */
static bool
believe_item(AppConfigCursor *cursor, const AppConfigCollection *collection,
			 bool leaf, const KeyFacts *keys, JsonValue *item)
{
	const char *target;

	if (!collection->get.freezes)
		return true;
	target = appconfig_request_path(&collection->get, keys);
	appconfig_memo_confirm(cursor->memo, target, item);
	return !leaf || !cursor->route->documents_decide ||
		   appconfig_memo_is_final(cursor->memo, target, item);
}

/*
 * Can the item lead to rows that the query asks for, by its keys and by the
 * clauses that are answered?  Sets *believed to whether what the list says
 * that can change was taken into account: what may be of another moment than
 * a document decides nothing.
 */
static bool
is_wanted(AppConfigCursor *cursor, const CursorNode *list, KeyFacts *keys,
		  JsonValue *value, bool *believed)
{
	const AppConfigCollection *collection =
		appconfig_route_collection(cursor->route, list->level);
	bool		  leaf = appconfig_route_is_leaf(cursor->route, list->level);
	const char	 *status = keys->text[KEY_STATUS];
	AppConfigItem item;

	keys->text[KEY_STATUS] = NULL;
	if (!appconfig_keyset_contains(cursor->keys, keys))
		return false;
	*believed = believe_item(cursor, collection, leaf, keys, value);
	if (*believed)
		keys->text[KEY_STATUS] = status;
	if (keys->text[KEY_STATUS] != NULL &&
		!appconfig_keyset_contains(cursor->keys, keys))
		return false;
	if (cursor->options.filter == NULL)
		return true;
	item = make_item(cursor, list->source, keys);
	if (*believed)
		item.source[collection->list.yields] = value;
	return passes_filter(cursor, &item, leaf);
}

/* One item of any list */
static void
add_item(AppConfigCursor *cursor, CursorNode *list, JsonValue *value)
{
	const AppConfigCollection *collection =
		appconfig_route_collection(cursor->route, list->level);
	bool		leaf = appconfig_route_is_leaf(cursor->route, list->level);
	KeyFacts	keys = list->keys;
	JsonValue **inherited = &list->source[collection->list.yields];
	bool		believed;

	if (!appconfig_facts_learn(&keys, collection, leaf, value))
	{
		check_mistaken(list, &collection->list);
		return;
	}
	appconfig_facts_check_addressable(collection, &keys);
	if (!is_wanted(cursor, list, &keys, value, &believed))
		return;
	if (leaf)
	{
		add_leaf_item(cursor, list, &keys, value,
					  cursor->route->need_document || !believed);
		return;
	}
	/* for the time being the list stands for its item, as the parent */
	*inherited = value;
	PG_TRY();
	{
		add_level(cursor, &list->node, list, list->level + 1, &keys,
				  list->from_query &&
					  !appconfig_facts_names_application(collection, value));
	}
	PG_FINALLY();
	{
		*inherited = NULL;
	}
	PG_END_TRY();
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
	elog(DEBUG2, "appconfig_fdw: a name is looked up in a list");
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
		{
			elog(DEBUG2, "appconfig_fdw: the filter of %s leaves doubts",
				 collection->list.name);
			return true;
		}
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
	KeyFacts	  nothing = {.run_known = false};
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
		add_level(cursor, &node->node, NULL, 0, &nothing, true);
		remove_node(cursor, node);
		cursor->named_nodes = cursor->nodes;
	}
	MemoryContextSwitchTo(old);
}

/* ------------------------------------------------------------------------
 * From keys to calls
 * ------------------------------------------------------------------------
 */

/*
 * All combinations of the set's values for the keys that are open from one on;
 * keys has those so far, and from_query tells whether one of the identifiers
 * is the query's.  A key without values in the set has names.
 */
static void
add_combinations(AppConfigCursor *cursor, dlist_node *before,
				 const CursorNode *parent, int level, const KeySet *set,
				 KeyFacts *keys, AppConfigKey from, bool from_query)
{
	const AppConfigOperation *get =
		&appconfig_route_collection(cursor->route, level)->get;
	CursorNodeKind kind =
		appconfig_route_is_leaf(cursor->route, level) ? NODE_GET : NODE_KNOWN;
	AppConfigKey key;
	int64		*runs;
	int			 count;
	int			 i;

	for (key = from; key < KEY_COUNT; key++)
	{
		AppConfigKey bound = key;
		KeyTexts	*texts;

		if (!appconfig_route_is_open(get, keys, key))
			continue;
		texts = appconfig_keyset_texts(set, key);
		if (texts == NULL)
		{
			bound = appconfig_keys[key].name_key;
			texts = appconfig_keyset_texts(set, bound);
		}
		for (i = 0; i < texts->count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			keys->text[bound] = texts->value[i];
			add_combinations(cursor, before, parent, level,
							 appconfig_keyset_restrict(set, keys), keys,
							 key + 1, true);
		}
		keys->text[bound] = NULL;
		return;
	}
	if (set->count == 0)
		return;
	if (!appconfig_request_needs(get, KEY_RUN) || keys->run_known)
	{
		add_node(cursor, before, kind, level, parent, keys, from_query);
		return;
	}
	(void) appconfig_keyset_runs(set, &runs, &count);
	keys->run_known = true;
	for (i = 0; i < count; i++)
	{
		keys->run = runs[i];
		add_node(cursor, before, kind, level, parent, keys, from_query);
	}
	keys->run_known = false;
}

/*
 * A list.  What it belongs to may have been shown by another list: its parent,
 * or where it needs no more than the application, the one of all of them.
 */
static void
add_list(AppConfigCursor *cursor, dlist_node *before, const CursorNode *parent,
		 int level, const KeyFacts *keys, bool from_query)
{
	CursorNode *list =
		add_node(cursor, before, NODE_LIST, level, parent, keys, from_query);

	list->shown =
		(parent != NULL && parent->kind == NODE_LIST) ||
		(!appconfig_request_needs(operation_of(cursor, list),
								  KEY_DEFINITION_ID) &&
		 appconfig_applications_find(&cursor->applications,
									 keys->text[KEY_APPLICATION_ID]) != NULL);
}

/*
 * The lists that find what the set leaves open: one of each application that
 * it names, where the list can be filtered so, and else one of all.  Returns
 * the applications, NULL for all.
 */
static KeyTexts *
add_lists(AppConfigCursor *cursor, dlist_node *before,
		  const CursorNode *parent, int level, const KeySet *set,
		  const KeyFacts *keys, bool from_query)
{
	bool by_application =
		keys->text[KEY_APPLICATION_ID] == NULL &&
		appconfig_route_collection(cursor->route, level)->list.filters != NULL;
	KeyTexts *applications =
		by_application ? appconfig_keyset_texts(set, KEY_APPLICATION_ID)
					   : NULL;
	KeyFacts filtered = *keys;
	int		 i;

	if (applications == NULL || applications->count > MAX_APPLICATION_LISTS)
	{
		add_list(cursor, before, parent, level, keys, from_query);
		return NULL;
	}
	for (i = 0; i < applications->count; i++)
	{
		filtered.text[KEY_APPLICATION_ID] = applications->value[i];
		add_list(cursor, before, parent, level, &filtered, from_query);
	}
	return applications;
}

/*
 * Everything at a level that belongs to the keys so far and that the query can
 * ask for: what is fully known by its keys directly, the rest from lists. What
 * a list will show is not asked for directly as well.
 */
static void
add_level(AppConfigCursor *cursor, dlist_node *before,
		  const CursorNode *parent, int level, const KeyFacts *keys,
		  bool from_query)
{
	MemoryContext old = MemoryContextSwitchTo(cursor->scratch);
	KeySet		 *all = appconfig_keyset_restrict(cursor->keys, keys);
	KeySet		 *listed = appconfig_keyset_make(all->count);
	KeySet		 *direct = appconfig_keyset_make(all->count);
	KeyFacts	  open = *keys;
	KeyTexts	 *applications = NULL;
	int			  i;

	appconfig_route_split(cursor->route, level, keys, all, direct, listed);
	if (listed->count > 0)
	{
		applications =
			add_lists(cursor, before, parent, level, listed, keys, from_query);
		if (applications == NULL)
			direct->count = 0;
	}
	if (direct->count > 0 && applications == NULL)
		add_combinations(cursor, before, parent, level, direct, &open,
						 KEY_NONE + 1, from_query);
	else if (direct->count > 0)
	{
		KeyTexts *others = appconfig_keyset_texts(direct, KEY_APPLICATION_ID);

		/* only those applications of which there is no list */
		for (i = 0; i < others->count; i++)
		{
			if (appconfig_keyset_has_text(applications, others->value[i]))
				continue;
			open.text[KEY_APPLICATION_ID] = others->value[i];
			add_combinations(cursor, before, parent, level,
							 appconfig_keyset_restrict(direct, &open), &open,
							 KEY_NONE + 1, true);
		}
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
 * context.  Nothing is asked for before the first appconfig_cursor_next().
 */
AppConfigCursor *
appconfig_cursor_open(Memo *memo, const AppConfigCursorOptions *options)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "appconfig_fdw cursor", ALLOCSET_DEFAULT_SIZES);
	AppConfigCursor *cursor =
		MemoryContextAllocZero(context, sizeof(AppConfigCursor));
	KeyFacts nothing = {.run_known = false};

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
		add_node(cursor, &cursor->queue.head, NODE_APPLICATIONS, 0, NULL,
				 &nothing, true);
	else
		add_level(cursor, &cursor->queue.head, NULL, 0, &nothing, true);
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
		add_level(cursor, &node->node, node, node->level + 1, &node->keys,
				  node->from_query);
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
			elog(DEBUG2, "appconfig_fdw: the next list is asked for ahead");
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

/* Waits for the head of the queue; NULL at the end */
static CursorNode *
next_item(AppConfigCursor *cursor)
{
	while (!dlist_is_empty(&cursor->queue))
	{
		CursorNode *head =
			dlist_head_element(CursorNode, node, &cursor->queue);

		CHECK_FOR_INTERRUPTS();
		if (!node_is_ready(head))
		{
			pump(cursor);
			head = first_node(cursor);
			if (head != NULL && !node_is_ready(head))
				appconfig_memo_wait(cursor->memo);
			continue;
		}
		if (head->kind != NODE_ITEM)
		{
			expand(cursor, head);
			continue;
		}
		if (!take_sides(cursor, head))
		{
			remove_node(cursor, head);
			continue;
		}
		dlist_delete(&head->node);
		cursor->nodes--;
		cursor->yielded++;
		return head;
	}
	return NULL;
}

/*
 * What the next row is made of, valid until the next call; NULL at the end.
 * Waits for the network, and so lets interrupts happen; raises the errors of
 * calls.
 */
const AppConfigItem *
appconfig_cursor_next(AppConfigCursor *cursor)
{
	for (;;)
	{
		if (cursor->current != NULL)
		{
			if (appconfig_item_next_row(&cursor->rows))
				return &cursor->item;
			free_node(cursor, cursor->current);
			cursor->current = NULL;
		}
		cursor->current = next_item(cursor);
		if (cursor->current == NULL)
			return NULL;
		memset(&cursor->item, 0, sizeof(cursor->item));
		memcpy(cursor->item.source, cursor->current->source,
			   sizeof(cursor->item.source));
		cursor->item.keys = &cursor->current->keys;
		appconfig_item_start_rows(&cursor->rows, cursor->route->table,
								  &cursor->item);
		if (appconfig_item_next_row(&cursor->rows))
			return &cursor->item;
	}
}
