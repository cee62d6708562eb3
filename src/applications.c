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

#include "miscadmin.h"

#include "applications.h"
#include "answer_keys.h"
#include "target_table.h"

/* Gives the references back; frees no memory */
void
appconfig_applications_release(Applications *applications)
{
	ListCell   *cell;

	foreach(cell, applications->items)
		appconfig_json_release(lfirst(cell));
}

/* What an application says of itself; false if it does not even have an id */
static bool
learn_keys(KnownKeys *keys, JsonValue *application)
{
	memset(keys, 0, sizeof(KnownKeys));
	return appconfig_answer_keys_learn(keys,
									   &appconfig_collections[COLLECTION_APPLICATIONS],
									   false, application) &&
		keys->text[KEY_APPLICATION_ID] != NULL;
}

/* One more of them.  What is palloc'd for it is in the context. */
void
appconfig_applications_add(Applications *applications, MemoryContext context,
						   JsonValue *item)
{
	const AppConfigCollection *collection =
	&appconfig_collections[COLLECTION_APPLICATIONS];
	MemoryContext old = MemoryContextSwitchTo(context);
	KnownKeys	keys = {{NULL}};
	TargetSlot *slot;
	bool		found;

	keys.text[KEY_APPLICATION_ID] =
		appconfig_answer_keys_find(collection, item, KEY_APPLICATION_ID);
	appconfig_answer_keys_check_addressable(collection, &keys);
	applications->items = lappend(applications->items, NULL);
	llast(applications->items) = appconfig_json_retain(item);
	if (applications->by_id == NULL)
		applications->by_id = appconfig_target_table_create("appconfig_fdw applications",
															context);
	slot = hash_search(applications->by_id, &keys.text[KEY_APPLICATION_ID],
					   HASH_ENTER, &found);
	if (!found)
		slot->entry = item;
	MemoryContextSwitchTo(old);
}

/* The application of that id, borrowed; NULL if it has not been listed */
JsonValue *
appconfig_applications_find(const Applications *applications, const char *id)
{
	TargetSlot *slot =
	applications->by_id != NULL && id != NULL
	? hash_search(applications->by_id, &id, HASH_FIND, NULL)
	: NULL;

	return slot != NULL ? slot->entry : NULL;
}

static KeyTexts *
make_texts(int capacity)
{
	KeyTexts   *texts = palloc0(sizeof(KeyTexts));

	texts->value = palloc(sizeof(char *) * Max(capacity, 1));
	return texts;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const NamedApplication *) a)->name,
				  ((const NamedApplication *) b)->name);
}

/* Finds those that meet the clauses, and puts them in order */
static void
find_passing(Applications *applications, ApplicationFilter passes, void *arg)
{
	int			count = list_length(applications->items);
	KeyTexts   *ids = make_texts(count);
	ListCell   *cell;

	applications->passing = ids;
	applications->named = palloc(sizeof(NamedApplication) * Max(count, 1));
	foreach(cell, applications->items)
	{
		KnownKeys	keys;
		NamedApplication found;

		CHECK_FOR_INTERRUPTS();
		if (!learn_keys(&keys, lfirst(cell)) ||
			!passes(arg, lfirst(cell), &keys))
			continue;
		found.id = pstrdup(keys.text[KEY_APPLICATION_ID]);
		found.name = keys.text[KEY_APPLICATION_NAME];
		ids->value[ids->count++] = found.id;
		if (found.name != NULL)
			applications->named[applications->named_count++] = found;
	}
	appconfig_keyset_sort(ids);
	qsort(applications->named, applications->named_count,
		  sizeof(NamedApplication), compare_names);
}

/* The place of the first with a name, and how many have it */
static int
find_name(const Applications *applications, const char *name, int *count)
{
	int			low = 0;
	int			high = applications->named_count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (strcmp(applications->named[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (*count = 0; low + *count < applications->named_count; (*count)++)
	{
		if (strcmp(applications->named[low + *count].name, name) != 0)
			break;
	}
	return low;
}

/* The ids of those with one of the names that meet the clauses */
static KeyTexts *
find_named(const Applications *applications, const KeyTexts *names)
{
	KeyTexts   *ids;
	int			all = 0;
	int			count;
	int			i;

	for (i = 0; i < names->count; i++)
	{
		(void) find_name(applications, names->value[i], &count);
		all += count;
	}
	ids = make_texts(all);
	for (i = 0; i < names->count; i++)
	{
		int			first = find_name(applications, names->value[i], &count);

		CHECK_FOR_INTERRUPTS();
		for (; count > 0; count--)
			ids->value[ids->count++] = applications->named[first++].id;
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
	const KeyTexts *passing = applications->passing;
	const KeyTexts *definitions = box->texts[KEY_DEFINITION_ID];

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
	find_passing(applications, passes, arg);
	return appconfig_keyset_bind(keys, KEY_APPLICATION_ID, find_for_box,
								 applications);
}
