/*-------------------------------------------------------------------------
 *
 * applications.c
 *		All applications of the account, where names have to be resolved.
 *
 * An application's name can change and stands in no answer but its own, so a
 * query that knows names, or reads them of applications that it does not know,
 * begins with the list of all.  Clauses on names are checked here as well:
 * nothing of an application that fails them is asked for.
 *
 * What may not live here: calls (cursor.c), clauses (fdw_scan.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "applications.h"
#include "facts.h"

/* One more of them; the list is palloc'd in the current context */
void
appconfig_applications_add(Applications *applications, JsonValue *item)
{
	applications->items = lappend(applications->items, NULL);
	llast(applications->items) = appconfig_json_retain(item);
}

/* Gives the references back; frees no memory */
void
appconfig_applications_release(Applications *applications)
{
	ListCell *cell;

	foreach(cell, applications->items)
		appconfig_json_release(lfirst(cell));
}

/* What an application says of itself; false if it does not even have an id */
static bool
learn(KeyFacts *keys, JsonValue *application)
{
	memset(keys, 0, sizeof(KeyFacts));
	return appconfig_facts_learn(
			   keys, &appconfig_collections[COLLECTION_APPLICATIONS], false,
			   application) &&
		   keys->text[KEY_APPLICATION_ID] != NULL;
}

/* The application of that id, borrowed; NULL if it has not been listed */
JsonValue *
appconfig_applications_find(const Applications *applications, const char *id)
{
	ListCell *cell;

	foreach(cell, applications->items)
	{
		if (id != NULL && appconfig_facts_name(
							  &appconfig_collections[COLLECTION_APPLICATIONS],
							  lfirst(cell), KEY_APPLICATION_ID, id))
			return lfirst(cell);
	}
	return NULL;
}

static KeyTexts *
make_texts(int capacity)
{
	KeyTexts *texts = palloc0(sizeof(KeyTexts));

	texts->value = palloc(sizeof(char *) * Max(capacity, 1));
	return texts;
}

static KeyTexts *
find_passing(const Applications *applications, ApplicationFilter passes,
			 void *arg)
{
	KeyTexts *ids = make_texts(list_length(applications->items));
	ListCell *cell;

	foreach(cell, applications->items)
	{
		KeyFacts keys;

		if (learn(&keys, lfirst(cell)) && passes(arg, lfirst(cell), &keys))
			ids->value[ids->count++] = pstrdup(keys.text[KEY_APPLICATION_ID]);
	}
	appconfig_keyset_sort(ids);
	return ids;
}

/* The ids of those with one of the names that meet the clauses */
static KeyTexts *
find_named(const Applications *applications, const KeyTexts *names)
{
	KeyTexts *ids = make_texts(list_length(applications->items));
	ListCell *cell;

	foreach(cell, applications->items)
	{
		KeyFacts keys;

		if (learn(&keys, lfirst(cell)) &&
			keys.text[KEY_APPLICATION_NAME] != NULL &&
			appconfig_keyset_has_text(names,
									  keys.text[KEY_APPLICATION_NAME]) &&
			appconfig_keyset_has_text(applications->passing,
									  keys.text[KEY_APPLICATION_ID]))
			ids->value[ids->count++] = pstrdup(keys.text[KEY_APPLICATION_ID]);
	}
	appconfig_keyset_sort(ids);
	return ids;
}

/*
 * The ids that a box can have for an application.  Without names, a single one
 * that meets the clauses is as good as known, unless several definitions would
 * be looked for in it; else NULL, and the list of the whole account shows what
 * there is.
 */
static const KeyTexts *
find_for_box(void *arg, const KeyBox *box)
{
	const Applications *applications = arg;
	const KeyTexts	   *passing = applications->passing;
	const KeyTexts	   *definitions = box->texts[KEY_DEFINITION_ID];

	if (box->texts[KEY_APPLICATION_NAME] != NULL)
		return find_named(applications, box->texts[KEY_APPLICATION_NAME]);
	if (passing->count == 0 ||
		(passing->count == 1 && list_length(applications->items) > 1 &&
		 (definitions == NULL || definitions->count == 1)))
		return passing;
	return NULL;
}

/*
 * All of them have been added: the keys with ids of applications, palloc'd in
 * the current context, where the query has names or clauses that few meet.
 */
const KeySet *
appconfig_applications_resolve(Applications *applications, const KeySet *keys,
							   ApplicationFilter passes, void *arg)
{
	applications->passing = find_passing(applications, passes, arg);
	return appconfig_keyset_bind(keys, KEY_APPLICATION_ID, find_for_box,
								 applications);
}
