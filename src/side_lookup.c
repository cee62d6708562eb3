/*-------------------------------------------------------------------------
 *
 * side_lookup.c
 *		Documents that an item needs beside its own.
 *
 * An item of a run may need the document of its application or its definition:
 * for columns that are read, or as proof that an identifier of the query is an
 * id.  Each is asked for once, however many items need it, and held until the
 * walk ends.
 *
 * What may not live here: an item's own document, and what lists and documents
 * lead to (expand.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "applications.h"
#include "answer_keys.h"
#include "request.h"
#include "side_lookup.h"

/* The answer to a side look-up for the node's keys; held by the walk */
static MemoEntry *
ask_side(CursorWalk *walk, const CursorNode *node, SideLookup side)
{
	const AppConfigCollection *collection =
	&appconfig_collections[appconfig_side_lookups[side].collection];
	MemoryContext old = MemoryContextSwitchTo(walk->scratch);
	ApiRequest	request =
	appconfig_walk_request(walk, collection, &collection->get, &node->keys);
	MemoEntry  *entry;

	request.names_something = true;
	MemoryContextSwitchTo(walk->context);
	entry = appconfig_memo_fetch(walk->memo, &request, walk->counters);
	if (list_member_ptr(walk->lookups, entry))
		appconfig_memo_release(entry);
	else
		walk->lookups = lappend(walk->lookups, entry);
	MemoryContextSwitchTo(old);
	MemoryContextReset(walk->scratch);
	return entry;
}

/* Does one of the answers at hand name the key? */
static bool
is_key_named(const CursorNode *node, AppConfigKey key)
{
	int			id;

	for (id = 0; id < COLLECTION_COUNT; id++)
	{
		const AppConfigCollection *collection = &appconfig_collections[id];
		JsonValue  *listed = node->source[collection->list.yields];
		JsonValue  *document = node->source[collection->get.yields];

		if ((listed != NULL &&
			 appconfig_answer_keys_find(collection, listed, key) != NULL) ||
			(document != NULL &&
			 appconfig_answer_keys_find(collection, document, key) != NULL))
			return true;
	}
	return false;
}

/*
 * Have the identifiers of the query, by which the node was asked for, still to
 * be shown to be ids, and not names, which the service would take as well?
 * What answers name, they are about.  A run's document names its application
 * and definition, a run's summary only the definition, an event neither: so a
 * document of the proving collection may have to show it.
 *
 * XXX An application's id is taken at its word where it looks like one and
 * only lists are read: proof would cost a call, and nobody names applications
 * so.  But not where a list has stood in for a document, which would have
 * proved it.
 */
static bool
needs_proof(const CursorWalk *walk, const CursorNode *node)
{
	const char *application = node->keys.text[KEY_APPLICATION_ID];
	AppConfigCollectionId proof =
	appconfig_route_leaf(walk->route->table)->proof;
	int			key;

	if (!node->from_query || proof == COLLECTION_NONE)
		return false;
	for (key = 0; key < KEY_COUNT; key++)
	{
		if (key != KEY_APPLICATION_ID &&
			appconfig_request_needs(&appconfig_collections[proof].get, key) &&
			!is_key_named(node, key))
			return true;
	}
	return !is_key_named(node, KEY_APPLICATION_ID) &&
		(node->unproved || !appconfig_answer_keys_looks_like_id(application)) &&
		appconfig_applications_find(&walk->applications, application) ==
		NULL;
}

/* Is a source that has to be looked up read from the node's item? */
static bool
needs_side(const CursorWalk *walk, const CursorNode *node, SideLookup side)
{
	AppConfigSource source = appconfig_side_lookups[side].source;
	AppConfigItem item;
	const AppConfigColumn **column;

	if (appconfig_side_lookups[side].collection ==
		walk->route->table->collection ||
		node->source[source] != NULL)
		return false;
	if (appconfig_side_lookups[side].collection ==
		appconfig_route_leaf(walk->route->table)->proof &&
		needs_proof(walk, node))
		return true;
	if (!walk->route->read[source])
		return false;
	item = appconfig_walk_item(walk, node->source, &node->keys);
	for (column = walk->route->columns; *column != NULL; column++)
	{
		if (appconfig_route_column_has(*column, source) &&
			!appconfig_item_has(walk->route->table, &item, *column))
			return true;
	}
	return false;
}

/* Asks for what the node lacks; counts up the calls in flight */
void
appconfig_side_lookup_start(CursorWalk *walk, CursorNode *node, int *in_flight)
{
	int			side;

	for (side = 0; side < SIDE_COUNT; side++)
	{
		int			known = list_length(walk->lookups);
		const char *application = node->keys.text[KEY_APPLICATION_ID];

		if (side == SIDE_APPLICATION &&
			node->source[SOURCE_APPLICATION] == NULL)
			node->source[SOURCE_APPLICATION] =
				appconfig_json_retain(appconfig_applications_find(&walk->applications,
																  application));
		if (!needs_side(walk, node, side))
			continue;
		node->side[side] = ask_side(walk, node, side);
		if (list_length(walk->lookups) > known &&
			!appconfig_memo_is_ready(node->side[side]))
			(*in_flight)++;
	}
	node->sides_started = true;
}

/* Is all there that the node has asked for? */
bool
appconfig_side_lookup_is_ready(const CursorNode *node)
{
	int			side;

	for (side = 0; side < SIDE_COUNT; side++)
	{
		if (node->side[side] != NULL &&
			!appconfig_memo_is_ready(node->side[side]))
			return false;
	}
	return true;
}

/*
 * Takes a document that was looked up; false if it shows that it is about
 * something else than the item
 */
static bool
take_side_document(CursorWalk *walk, CursorNode *node, SideLookup side,
				   JsonValue *document)
{
	KnownKeys	learned = node->keys;
	MemoryContext old = MemoryContextSwitchTo(walk->scratch);
	bool		believed =
	appconfig_answer_keys_learn(&learned,
								&appconfig_collections[appconfig_side_lookups[side].collection],
								false, document);

	MemoryContextSwitchTo(old);
	if (believed)
	{
		appconfig_answer_keys_adopt(&node->keys, &learned, walk->context);
		node->source[appconfig_side_lookups[side].source] =
			appconfig_json_retain(document);
	}
	MemoryContextReset(walk->scratch);
	return believed;
}

/*
 * Takes what the side look-ups have found.  Returns false if it shows that the
 * item is not the one that was asked for.
 */
bool
appconfig_side_lookup_take(CursorWalk *walk, CursorNode *node)
{
	int			side;

	for (side = 0; side < SIDE_COUNT; side++)
	{
		JsonValue  *document = node->side[side] != NULL
		? appconfig_memo_document(node->side[side])
		: NULL;

		if (document != NULL && !take_side_document(walk, node, side, document))
			return false;
	}
	/* what has not been proved by now is not there */
	return !needs_proof(walk, node);
}

/*
 * Is the document denied that would prove the item's ids, where a list stands
 * in for the item's own, which nobody has asked for and which proves them as
 * well?  Then the node asks for that one, and true is returned.
 */
bool
appconfig_side_lookup_prove_otherwise(const CursorWalk *walk, CursorNode *node)
{
	const AppConfigCollection *leaf = appconfig_route_leaf(walk->route->table);
	bool		denied = false;
	int			side;

	if (!node->unproved || leaf->get.path == NULL ||
		node->source[leaf->get.yields] != NULL || !needs_proof(walk, node))
		return false;
	for (side = 0; side < SIDE_COUNT; side++)
		denied |= appconfig_side_lookups[side].collection == leaf->proof &&
			node->side[side] != NULL &&
			appconfig_memo_is_denied(node->side[side]);
	if (!denied)
		return false;
	elog(DEBUG1, "appconfig_fdw: %s is denied, and %s proves ids instead",
		 appconfig_collections[leaf->proof].get.name, leaf->get.name);
	/* the walk still holds what was asked for */
	memset(node->side, 0, sizeof(node->side));
	node->sides_started = false;
	node->kind = NODE_GET;
	return true;
}

/* Calls that have not come in */
int
appconfig_side_lookup_in_flight(const CursorWalk *walk)
{
	int			in_flight = 0;
	ListCell   *cell;

	foreach(cell, walk->lookups)
	{
		if (!appconfig_memo_is_ready(lfirst(cell)))
			in_flight++;
	}
	return in_flight;
}

/* Lets go of all of them, at the end of the walk */
void
appconfig_side_lookup_release(CursorWalk *walk)
{
	ListCell   *cell;

	foreach(cell, walk->lookups)
		appconfig_memo_release(lfirst(cell));
}
