/*-------------------------------------------------------------------------
 *
 * answer_keys.c
 *		What an answer says of its keys, and whether it can be believed.
 *
 * Which members name a key is declared in tables.c.  An answer about something
 * else than it was asked for, or one that does not name what it is addressed
 * by, is found out here.
 *
 * What may not live here: calls, and what follows from a finding (expand.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "compat.h"
#include "answer_keys.h"
#include "request.h"
#include "uri.h"

/* Copies keys; the strings are palloc'd in context */
void
appconfig_answer_keys_copy(KnownKeys *to, const KnownKeys *from,
						   MemoryContext context)
{
	int			key;

	*to = *from;
	for (key = 0; key < KEY_COUNT; key++)
	{
		if (from->text[key] != NULL)
			to->text[key] = MemoryContextStrdup(context, from->text[key]);
	}
}

/* Takes over what has been learned beyond the keys so far; as above */
void
appconfig_answer_keys_adopt(KnownKeys *keys, const KnownKeys *learned,
							MemoryContext context)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (keys->text[key] == NULL && learned->text[key] != NULL)
			keys->text[key] = MemoryContextStrdup(context, learned->text[key]);
	}
}

/* Frees the strings of keys that were copied */
void
appconfig_answer_keys_free(KnownKeys *keys)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		if (keys->text[key] != NULL)
			pfree(unconstify(char *, keys->text[key]));
	}
}

/* A key is not what it has to be */
pg_noreturn static void
refuse_key(const AppConfigKeyMember *key_member, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_FDW_ERROR),
					errmsg("AWS AppConfig sent an answer that cannot be read"),
					errdetail("%s is not %s.", key_member->path, what)));
}

/* A number is no name that could stand for something else */
static void
learn_number(KnownKeys *keys, const AppConfigKeyMember *key_member,
			 JsonValue *value)
{
	bool		exact;
	char	   *digits =
	psprintf(INT64_FORMAT, appconfig_json_integer(value, &exact));

	if (!exact)
		refuse_key(key_member, "an integer");
	if (keys->text[key_member->key] != NULL &&
		strcmp(keys->text[key_member->key], digits) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("AWS AppConfig sent an answer that cannot be read"),
				 errdetail("%s is not the number that was asked for.",
						   key_member->path)));
	keys->text[key_member->key] = digits;
}

/*
 * Takes the keys that an item names of itself into keys, which has those by
 * which it was asked for; strings are borrowed from the item, or palloc'd in
 * the current context.  Returns false if the item is not what was asked for,
 * because the service took an identifier for a name.
 */
bool
appconfig_answer_keys_learn(KnownKeys *keys,
							const AppConfigCollection *collection, bool leaf,
							JsonValue *item)
{
	const AppConfigKeyMember *key_member;

	for (key_member = collection->key_members; key_member->key != KEY_NONE;
		 key_member++)
	{
		JsonValue  *value = appconfig_json_lookup(item, key_member->path);
		size_t		length;
		const char *text;

		if (appconfig_keys[key_member->key].is_state && !leaf)
			continue;			/* the column is about the table's own things */
		if (value == NULL)
			continue;
		if (appconfig_keys[key_member->key].is_integer)
		{
			learn_number(keys, key_member, value);
			continue;
		}
		text = appconfig_json_text(value, &length);
		if (appconfig_json_kind(value) != JSON_STRING ||
			strlen(text) != length)
		{
			if (appconfig_keys[key_member->key].is_identifier)
				refuse_key(key_member, "an identifier");
			continue;
		}
		if (appconfig_keys[key_member->key].is_identifier &&
			keys->text[key_member->key] != NULL &&
			strcmp(keys->text[key_member->key], text) != 0)
			return false;
		keys->text[key_member->key] = text;
	}
	return true;
}

/*
 * What a list shows must name all that it is addressed by: without that, rows
 * would be missing and nobody would know.
 */
void
appconfig_answer_keys_check_addressable(const AppConfigCollection *collection,
										const KnownKeys *keys)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		bool		known = keys->text[key] != NULL &&
		appconfig_uri_segment_is_safe(keys->text[key]);

		if (!known && appconfig_request_needs(&collection->get, key))
			ereport(ERROR,
					(errcode(ERRCODE_FDW_ERROR),
					 errmsg("AWS AppConfig sent an answer that cannot be read"),
					 errdetail("An item of %s does not name its %s.",
							   collection->list.name, appconfig_keys[key].name)));
	}
}

/* Does the item say which application it belongs to? */
bool
appconfig_answer_keys_names_application(const AppConfigCollection *collection,
										JsonValue *item)
{
	const AppConfigKeyMember *key_member;

	for (key_member = collection->key_members; key_member->key != KEY_NONE;
		 key_member++)
	{
		if (key_member->key == KEY_APPLICATION_ID)
			return appconfig_json_kind(appconfig_json_lookup(item,
															 key_member->path)) == JSON_STRING;
	}
	return false;
}

/*
 * Could a text be an id, by the pattern of the service's model?  The service
 * prefers ids to names, or names to ids: nobody says.  A name that cannot be
 * an id means the same either way.
 */
bool
appconfig_answer_keys_could_be_id(const char *text)
{
	size_t		length = strlen(text);

	return length >= 4 && length <= 7 &&
		strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == length;
}

/*
 * Does a text look like an id that the service has made?  It could be one, and
 * there is a digit in it, as there seldom is in a name so short.
 */
bool
appconfig_answer_keys_looks_like_id(const char *text)
{
	return appconfig_answer_keys_could_be_id(text) &&
		strpbrk(text, "0123456789") != NULL;
}

/* The text that an answer names for a key, borrowed; NULL if there is none */
const char *
appconfig_answer_keys_find(const AppConfigCollection *collection,
						   JsonValue *item, AppConfigKey key)
{
	const AppConfigKeyMember *key_member;
	size_t		length;

	for (key_member = collection->key_members; key_member->key != KEY_NONE;
		 key_member++)
	{
		JsonValue  *named = appconfig_json_lookup(item, key_member->path);

		if (key_member->key == key &&
			appconfig_json_kind(named) == JSON_STRING)
			return appconfig_json_text(named, &length);
	}
	return NULL;
}

/* Does an answer name that value for the key? */
bool
appconfig_answer_keys_name(const AppConfigCollection *collection,
						   JsonValue *item, AppConfigKey key,
						   const char *value)
{
	const char *named = appconfig_answer_keys_find(collection, item, key);

	return named != NULL && strcmp(named, value) == 0;
}

/*
 * Has the service taken the name that something was asked for by for the id of
 * another one, as the answer shows?
 */
bool
appconfig_answer_keys_took_name_for_id(const KnownKeys *keys,
									   const AppConfigCollection *collection,
									   JsonValue *answer)
{
	int			key;

	for (key = 0; key < KEY_COUNT; key++)
	{
		const char *name = keys->text[appconfig_keys[key].name_key];

		if (name != NULL && keys->text[key] == NULL &&
			appconfig_answer_keys_name(collection, answer, key, name))
			return true;
	}
	return false;
}
