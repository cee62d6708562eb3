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
#include "facts.h"
#include "request.h"
#include "side_lookup.h"

/* The answer to a side look-up for the node's keys; held by the walk */
static MemoEntry *
ask_side(CursorWalk *walk, const CursorNode *node, SideLookup side)
{
	const AppConfigCollection *collection =
		&appconfig_collections[appconfig_side_lookups[side].collection];
	MemoryContext old = MemoryContextSwitchTo(walk->scratch);
	ApiRequest	  request =
		appconfig_walk_request(collection, &collection->get, &node->keys);
	MemoEntry *entry;

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
needs_proof(const CursorWalk *walk, const CursorNode *node)
{
	const char *application = node->keys.text[KEY_APPLICATION_ID];

	if (!node->from_query || node->source[SOURCE_RUN] != NULL ||
		node->source[SOURCE_DEFINITION] != NULL ||
		!appconfig_request_needs(
			&appconfig_route_leaf(walk->route->table)->list,
			KEY_DEFINITION_ID))
		return false;
	return node->source[SOURCE_RUN_SUMMARY] == NULL ||
		   node->keys.text[KEY_DEFINITION_ID] == NULL ||
		   !(appconfig_facts_looks_like_id(application) ||
			 appconfig_applications_find(&walk->applications, application) !=
				 NULL);
}

/* Is a source that has to be looked up read from the node's item? */
static bool
needs_side(const CursorWalk *walk, const CursorNode *node, SideLookup side)
{
	AppConfigSource			source = appconfig_side_lookups[side].source;
	AppConfigItem			item;
	const AppConfigColumn **column;

	if (appconfig_side_lookups[side].collection ==
			walk->route->table->collection ||
		node->source[source] != NULL)
		return false;
	if (side == SIDE_DEFINITION && needs_proof(walk, node))
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
	int side;

	for (side = 0; side < SIDE_COUNT; side++)
	{
		int known = list_length(walk->lookups);

		if (side == SIDE_APPLICATION &&
			node->source[SOURCE_APPLICATION] == NULL)
			node->source[SOURCE_APPLICATION] =
				appconfig_json_retain(appconfig_applications_find(
					&walk->applications, node->keys.text[KEY_APPLICATION_ID]));
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
bool
appconfig_side_lookup_take(CursorWalk *walk, CursorNode *node)
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
		appconfig_facts_adopt(&node->keys, &learned, walk->context);
		node->source[appconfig_side_lookups[side].source] =
			appconfig_json_retain(document);
	}
	/* what has not been proved by now is not there */
	return !needs_proof(walk, node);
}

/* Calls that have not come in */
int
appconfig_side_lookup_in_flight(const CursorWalk *walk)
{
	int		  in_flight = 0;
	ListCell *cell;

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
	ListCell *cell;

	foreach(cell, walk->lookups)
		appconfig_memo_release(lfirst(cell));
}
