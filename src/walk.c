/*-------------------------------------------------------------------------
 *
 * walk.c
 *		The nodes that a cursor walks, in the order of the rows.
 *
 * A node is a list to be read, a document to be fetched, or an item.  It has
 * its keys, what earlier answers have said of it, and the answer that it asks
 * for, held in the statement's memo.  The queue of all of them is the work
 * that is left to do; what they have in common is the walk.
 *
 * What may not live here: what an answer leads to (expand.c), which node asks
 * when (cursor.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "answer_keys.h"
#include "request.h"
#include "walk.h"

/* ------------------------------------------------------------------------
 * Nodes
 * ------------------------------------------------------------------------
 */

/* What the node is a list of, or a document of */
static const AppConfigCollection *
node_collection(const CursorWalk *walk, const CursorNode *node)
{
	return node->kind == NODE_APPLICATIONS
		? &appconfig_collections[COLLECTION_APPLICATIONS]
		: appconfig_route_collection(walk->route, node->level);
}

#ifdef USE_ASSERT_CHECKING

/* Is all known that the operation of the node's kind needs? */
static bool
can_be_asked_for(const CursorWalk *walk, const CursorNode *node)
{
	const AppConfigOperation *operation = appconfig_walk_operation(walk, node);
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (appconfig_route_is_open(operation, &node->keys, key))
			return false;
	}
	return true;
}

/* Has an answer said something of the thing at the node's own level? */
static bool
has_level_source(const CursorWalk *walk, const CursorNode *node)
{
	const AppConfigCollection *collection = node_collection(walk, node);

	return node->source[collection->list.yields] != NULL ||
		node->source[collection->get.yields] != NULL;
}

/* Each kind of node has what it needs, and nothing of another kind */
static void
AssertCheckCursorNode(const CursorWalk *walk, const CursorNode *node)
{
	bool		leaf = appconfig_route_is_leaf(walk->route, node->level);
	bool		is_list = node->kind == NODE_LIST || node->kind == NODE_APPLICATIONS;
	int			side;

	Assert(node->level >= 0 && node->level < walk->route->levels_count);
	Assert(node->kind != NODE_KNOWN || !leaf);
	Assert((node->kind != NODE_GET && node->kind != NODE_ITEM) || leaf);
	Assert(node->entry == NULL || is_list || node->kind == NODE_GET);
	Assert((!is_list && node->kind != NODE_GET) ||
		   can_be_asked_for(walk, node));
	Assert(node->token == NULL || is_list);
	Assert((node->token != NULL) == (node->pages > 0));
	Assert((node->mark != NULL) == (node->token != NULL));
	Assert(!is_list || !has_level_source(walk, node));
	Assert(node->kind != NODE_ITEM || has_level_source(walk, node));
	Assert(!(node->shown || node->unfiltered || node->has_items) || is_list);
	Assert(node->optional == NULL || node->kind == NODE_LIST);
	Assert(node->kind == NODE_ITEM || !node->sides_started);
	for (side = 0; side < SIDE_COUNT; side++)
		Assert(node->side[side] == NULL || node->sides_started);
}

/* What the walk counts is in the queue */
void
AssertCheckCursorWalk(const CursorWalk *walk)
{
	int			nodes = 0;
	int			asked = 0;
	dlist_iter	iter;

	/* dlist_foreach wants a list that is not constant */
	dlist_foreach(iter, unconstify(dlist_head *, &walk->queue))
	{
		const CursorNode *node = dlist_container(CursorNode, node, iter.cur);

		AssertCheckCursorNode(walk, node);
		nodes++;
		asked += node->entry != NULL;
	}
	Assert(walk->nodes == nodes);
	Assert(walk->asked == asked);
}

#else
#define AssertCheckCursorNode(walk, node) ((void) 0)
#endif

/* What the node passes on to those that come of it */
Inherited
appconfig_walk_inherit(const CursorNode *node)
{
	Inherited	inherited = {
		.keys = node->keys, .from_query = node->from_query,
		.unproved = node->unproved
	};

	memcpy(inherited.source, node->source, sizeof(inherited.source));
	return inherited;
}

/* A new node in front of another one, with a copy of what it inherits */
CursorNode *
appconfig_walk_add(CursorWalk *walk, dlist_node *before, CursorNodeKind kind,
				   int level, const Inherited *inherited)
{
	CursorNode *node =
	MemoryContextAllocZero(walk->context, sizeof(CursorNode));
	int			i;

	node->kind = kind;
	node->level = level;
	node->from_query = inherited->from_query;
	node->unproved = inherited->unproved;
	appconfig_answer_keys_copy(&node->keys, &inherited->keys, walk->context);
	for (i = 0; i < SOURCE_COUNT; i++)
	{
		if (inherited->source[i] != NULL)
			node->source[i] = appconfig_json_retain(inherited->source[i]);
	}
	dlist_insert_before(before, &node->node);
	walk->nodes++;
	AssertCheckCursorNode(walk, node);
	return node;
}

/*
 * What is known by the keys and the answers at hand; borrowed, and so is the
 * application that is added if all of them were listed
 */
AppConfigItem
appconfig_walk_item(const CursorWalk *walk, JsonValue *const *source,
					const KnownKeys *keys)
{
	AppConfigItem item = {.keys = keys};

	memcpy(item.source, source, sizeof(item.source));
	if (item.source[SOURCE_APPLICATION] == NULL)
		item.source[SOURCE_APPLICATION] =
			appconfig_applications_find(&walk->applications,
										keys->text[KEY_APPLICATION_ID]);
	return item;
}

/* For a walk that is not brought to its end, as sources are not palloc'd */
void
appconfig_walk_release_sources(CursorNode *node)
{
	int			i;

	for (i = 0; i < SOURCE_COUNT; i++)
		appconfig_json_release(node->source[i]);
}

/* Out of the queue; the caller frees it */
void
appconfig_walk_take_out(CursorWalk *walk, CursorNode *node)
{
	AssertCheckCursorNode(walk, node);
	dlist_delete(&node->node);
	walk->nodes--;
}

static void
free_tokens(CursorNode *list)
{
	if (list->token != NULL)
		pfree(list->token);
	if (list->mark != NULL)
		pfree(list->mark);
	list->token = list->mark = NULL;
}

/* Frees a node that is out of the queue, with all that it holds */
void
appconfig_walk_free(CursorWalk *walk, CursorNode *node)
{
	appconfig_walk_release_sources(node);
	appconfig_walk_drop_answer(walk, node);
	appconfig_answer_keys_free(&node->keys);
	free_tokens(node);
	appconfig_walk_make_needed(node);
	pfree(node);
}

/* Out of the queue, and freed */
void
appconfig_walk_remove(CursorWalk *walk, CursorNode *node)
{
	appconfig_walk_take_out(walk, node);
	appconfig_walk_free(walk, node);
}

/* ------------------------------------------------------------------------
 * What a node asks for
 * ------------------------------------------------------------------------
 */

/* The operation that brings the node's answer */
const AppConfigOperation *
appconfig_walk_operation(const CursorWalk *walk, const CursorNode *node)
{
	return node->kind == NODE_GET
		? &node_collection(walk, node)->get
		: &node_collection(walk, node)->list;
}

/* Which filters the list of a node can be asked with */
static int
filters_of(const CursorWalk *walk, const CursorNode *node)
{
	return (appconfig_route_is_leaf(walk->route, node->level) &&
			!walk->route->shared_lists
			? FILTER_BY_STATE
			: 0) |
		(node->unfiltered ? 0 : FILTER_BY_DELETABLE);
}

/* The query of a page of the node's list, in the current context */
static char *
page_query(const CursorWalk *walk, const CursorNode *node, const char *token)
{
	return appconfig_request_query(appconfig_walk_operation(walk, node),
								   &node->keys,
								   appconfig_keyset_restrict(walk->keys, &node->keys),
								   filters_of(walk, node), token);
}

/*
 * What an answer to the operation always has: a list its items, a document the
 * keys that it is addressed by.
 */
static void
expect_members(ApiRequest *request, const AppConfigCollection *collection,
			   const AppConfigOperation *operation)
{
	const AppConfigKeyMember *key_member = collection->key_members;
	ApiMember  *member = request->members;

	if (operation->is_list)
	{
		member->path = appconfig_members.items;
		member->kind = JSON_ARRAY;
		return;
	}
	for (; key_member->key != KEY_NONE; key_member++)
	{
		if (!appconfig_request_needs(operation, key_member->key))
			continue;
		Assert(member < &request->members[API_MAX_MEMBERS]);
		member->path = key_member->path;
		member->kind = appconfig_keys[key_member->key].is_integer
			? JSON_NUMBER
			: JSON_STRING;
		member++;
	}
}

/* A request for an operation, without the query; in the current context */
ApiRequest
appconfig_walk_request(const CursorWalk *walk,
					   const AppConfigCollection *collection,
					   const AppConfigOperation *operation,
					   const KnownKeys *keys)
{
	ApiRequest	request = {
		.operation = operation->name,
		.path = appconfig_request_path(operation, keys), .query = "",
		.is_list = operation->is_list, .freezing = operation->freezing,
		.budget = walk->budget
	};

	expect_members(&request, collection, operation);
	return request;
}

/* The request for the node's answer; in the current context */
static ApiRequest
make_request(const CursorWalk *walk, const CursorNode *node)
{
	const AppConfigOperation *operation = appconfig_walk_operation(walk, node);
	ApiRequest	request;

	request = appconfig_walk_request(walk, node_collection(walk, node),
									 operation, &node->keys);
	request.names_something =
		appconfig_request_names_something(operation, &node->keys,
										  appconfig_keyset_restrict(walk->keys, &node->keys),
										  filters_of(walk, node));
	if (operation->is_list)
		request.query = page_query(walk, node, node->token);
	if (node->token != NULL)
	{
		request.first = page_query(walk, node, NULL);
		request.token = node->token;
	}
	return request;
}

/* ------------------------------------------------------------------------
 * The answer that it asks for
 * ------------------------------------------------------------------------
 */

/* Nobody else sets or clears an entry, so that walk->asked is right */
static void
hold_answer(CursorWalk *walk, CursorNode *node, MemoEntry *entry)
{
	Assert(node->entry == NULL);
	node->entry = entry;
	walk->asked++;
	AssertCheckCursorNode(walk, node);
}

/* Is a call certain to be needed for the node's answer? */
bool
appconfig_walk_takes_call(CursorWalk *walk, const CursorNode *node)
{
	MemoryContext old = MemoryContextSwitchTo(walk->scratch);
	ApiRequest	request;
	bool		takes_call;

	request = make_request(walk, node);
	takes_call = appconfig_memo_needs_call(walk->memo, &request);
	MemoryContextSwitchTo(old);
	MemoryContextReset(walk->scratch);
	return takes_call;
}

/* The memo's entry for the node's request, which is sent if need be */
void
appconfig_walk_ask(CursorWalk *walk, CursorNode *node)
{
	MemoryContext old = MemoryContextSwitchTo(walk->scratch);
	ApiRequest	request = make_request(walk, node);

	MemoryContextSwitchTo(old);
	hold_answer(walk, node,
				appconfig_memo_fetch(walk->memo, &request, walk->counters));
	MemoryContextReset(walk->scratch);
}

/* Has no more to do with the answer that it asked for, if any */
void
appconfig_walk_drop_answer(CursorWalk *walk, CursorNode *node)
{
	if (node->entry == NULL)
		return;
	appconfig_memo_release(node->entry);
	node->entry = NULL;
	walk->asked--;
}

/* Has another one instead, of which it takes over the reference */
void
appconfig_walk_replace_answer(CursorWalk *walk, CursorNode *node,
							  MemoEntry *entry)
{
	appconfig_walk_drop_answer(walk, node);
	hold_answer(walk, node, entry);
}

/*
 * Makes a list stand for the page after this one, whose token is given.
 * Tokens that go in a circle would never come to an end: each is compared with
 * the one of the page whose number was the last power of two (Brent).
 */
void
appconfig_walk_turn_page(CursorWalk *walk, CursorNode *list, const char *token)
{
	if (list->mark != NULL && strcmp(token, list->mark) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("AWS AppConfig repeats a page"),
				 errdetail("%s has answered with a %s that it gave before.",
						   appconfig_walk_operation(walk, list)->name,
						   appconfig_members.next_token),
				 errhint("Try again later.")));
	if (list->token != NULL)
		pfree(list->token);
	list->token = MemoryContextStrdup(walk->context, token);
	list->pages++;
	if ((list->pages & (list->pages - 1)) == 0)
	{
		if (list->mark != NULL)
			pfree(list->mark);
		list->mark = MemoryContextStrdup(walk->context, token);
	}
	appconfig_walk_drop_answer(walk, list);
	AssertCheckCursorNode(walk, list);
}

/* Lets a node that has taken nothing of its answer ask for another one */
void
appconfig_walk_start_over(CursorWalk *walk, CursorNode *node)
{
	appconfig_walk_drop_answer(walk, node);
	free_tokens(node);
	node->pages = 0;
}

/* What the list finds can be asked for by keys; the choice is copied */
void
appconfig_walk_make_optional(CursorWalk *walk, CursorNode *list,
							 const RouteList *choice)
{
	MemoryContext context = AllocSetContextCreate(walk->context,
												  "appconfig_fdw optional list",
												  ALLOCSET_SMALL_SIZES);

	list->optional = MemoryContextAllocZero(context, sizeof(OptionalList));
	list->optional->context = context;
	list->optional->choice = *choice;
	list->optional->choice.application = NULL;	/* borrowed */
	AssertCheckCursorNode(walk, list);
}

/* The list cannot be done without, or is over */
void
appconfig_walk_make_needed(CursorNode *list)
{
	if (list->optional != NULL)
		MemoryContextDelete(list->optional->context);
	list->optional = NULL;
}
