/*-------------------------------------------------------------------------
 *
 * request.c
 *		The path and the query of an operation, from the keys that are known.
 *
 * What may not live here: sending anything (api.c), the order of requests
 * (cursor.c), which operation is the one to ask (route.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "request.h"
#include "uri.h"

/* The key whose placeholder begins here, and its length with the braces */
static AppConfigKey
read_placeholder(const char *template, size_t *length)
{
	int			key;

	for (key = KEY_NONE + 1; key < KEY_COUNT; key++)
	{
		const char *name = appconfig_keys[key].name;
		size_t		name_length = strlen(name);

		if (strncmp(template + 1, name, name_length) == 0 &&
			template[name_length + 1] == '}')
		{
			*length = name_length + 2;
			return key;
		}
	}
	elog(ERROR, "a path template with an unknown placeholder: %s", template);
	return KEY_NONE;
}

/* Is the key a part of the operation's path? */
bool
appconfig_request_needs(const AppConfigOperation *operation, AppConfigKey key)
{
	const char *p = operation->path;
	size_t		length;

	while (p != NULL && (p = strchr(p, '{')) != NULL)
	{
		if (read_placeholder(p, &length) == key)
			return true;
		p += length;
	}
	return false;
}

/*
 * The encoded path of an operation.  What is known must be all that it needs,
 * where a name stands for an id that is not known.
 */
char *
appconfig_request_path(const AppConfigOperation *operation,
					   const KnownKeys *known)
{
	StringInfoData path;
	const char *p = operation->path;
	const char *brace;

	initStringInfo(&path);
	while ((brace = strchr(p, '{')) != NULL)
	{
		size_t		length;
		AppConfigKey key = read_placeholder(brace, &length);

		appendBinaryStringInfo(&path, p, (int) (brace - p));
		if (known->text[key] != NULL)
			appconfig_uri_append_segment(&path, known->text[key]);
		else if (known->text[appconfig_keys[key].name_key] != NULL)
			appconfig_uri_append_segment(&path,
										 known->text[appconfig_keys[key].name_key]);
		else
			elog(ERROR, "%s needs %s", operation->name,
				 appconfig_keys[key].name);
		p = brace + length;
	}
	appendStringInfoString(&path, p);
	return path.data;
}

static bool
filter_takes(const AppConfigFilter *filter, const char *value)
{
	const char *const *allowed = filter->values;

	if (allowed == NULL)
		return true;
	for (; *allowed != NULL; allowed++)
	{
		if (strcmp(*allowed, value) == 0)
			return true;
	}
	return false;
}

/*
 * The one value that a filter can have: the known one, or the only one that
 * the keys leave.  NULL if there are more, or if the service does not take it.
 */
const char *
appconfig_request_filter_value(const AppConfigFilter *filter,
							   const KnownKeys *known, const KeySet *keys)
{
	const char *value = known->text[filter->key];

	if (value == NULL)
	{
		KeyTexts   *texts = appconfig_keyset_texts(keys, filter->key);

		if (texts == NULL || texts->count != 1)
			return NULL;
		value = texts->value[0];
	}
	return filter_takes(filter, value) ? value : NULL;
}

/* The value that the filter goes along with, if it is wanted; else NULL */
static const char *
wanted_filter_value(const AppConfigFilter *filter, const KnownKeys *known,
					const KeySet *keys, int filters)
{
	if ((appconfig_keys[filter->key].is_state &&
		 !(filters & FILTER_BY_STATE)) ||
		(filter->deletable && !(filters & FILTER_BY_DELETABLE)))
		return NULL;
	return appconfig_request_filter_value(filter, known, keys);
}

/*
 * Does a request name anything that the service could not find?  A state is
 * not a thing.
 */
bool
appconfig_request_names_something(const AppConfigOperation *operation,
								  const KnownKeys *known, const KeySet *keys,
								  int filters)
{
	const AppConfigFilter *filter = operation->filters;

	if (strchr(operation->path, '{') != NULL)
		return true;
	for (; filter != NULL && filter->key != KEY_NONE; filter++)
	{
		if (!appconfig_keys[filter->key].is_state &&
			wanted_filter_value(filter, known, keys, filters) != NULL)
			return true;
	}
	return false;
}

/*
 * The encoded query of a list operation: its page, and those of its filters
 * that are wanted and that what is known or the keys leave a single value.
 */
char *
appconfig_request_query(const AppConfigOperation *operation,
						const KnownKeys *known, const KeySet *keys,
						int filters, const char *token)
{
	StringInfoData query;
	const AppConfigFilter *filter = operation->filters;

	initStringInfo(&query);
	appendStringInfo(&query, "max_results=%d", PAGE_SIZE);
	for (; filter != NULL && filter->key != KEY_NONE; filter++)
	{
		const char *value = wanted_filter_value(filter, known, keys, filters);

		if (value == NULL)
			continue;
		appendStringInfo(&query, "&%s=", filter->parameter);
		appconfig_uri_append_query_value(&query, value);
	}
	if (token != NULL)
	{
		appendStringInfoString(&query, "&next_token=");
		appconfig_uri_append_query_value(&query, token);
	}
	return query.data;
}
