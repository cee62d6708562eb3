/*-------------------------------------------------------------------------
 *
 * request.c
 *		The plan of a scan, and the requests that it leads to.
 *
 * Packs what the planner has found into a list that PostgreSQL can copy, and
 * unpacks it for the executor; renders the path and the query of an operation
 * from the keys that are known.
 *
 * What may not live here: sending anything (api.c), the order of requests
 * (cursor.c), SQL expressions (predicate.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"

#include "request.h"
#include "uri.h"

/* What stands where in a packed plan */
enum PackedPlan
{
	PACKED_TABLE,		/* String: name of the table */
	PACKED_KEYS,		/* see pack_keys(), or NULL */
	PACKED_COLUMNS,		/* integer list */
	PACKED_FILTERS,		/* a list of three integers for each */
	PACKED_ROWS_WANTED, /* Integer */
	PACKED_READS		/* Integer, READS_ bits */
};

/* ------------------------------------------------------------------------
 * Packing
 * ------------------------------------------------------------------------
 */

/* A list that begins with an integer list of the scalars; then the args */
static List *
pack_keys(const KeyExpr *expr)
{
	List *packed;
	int	  i;

	if (expr == NULL)
		return NIL;
	packed = list_make1(
		list_make4_int(expr->kind, expr->key, expr->operand, expr->width));
	for (i = 0; i < expr->nargs; i++)
		packed = lappend(packed, pack_keys(expr->args[i]));
	return packed;
}

static KeyExpr *
unpack_keys(List *packed)
{
	KeyExpr *expr;
	List	*head;
	int		 i;

	if (packed == NIL)
		return NULL;
	expr = palloc0(sizeof(KeyExpr));
	head = linitial(packed);
	expr->kind = linitial_int(head);
	expr->key = lsecond_int(head);
	expr->operand = lthird_int(head);
	expr->width = lfourth_int(head);
	expr->nargs = list_length(packed) - 1;
	expr->args = palloc(sizeof(KeyExpr *) * Max(expr->nargs, 1));
	for (i = 0; i < expr->nargs; i++)
		expr->args[i] = unpack_keys(list_nth(packed, i + 1));
	return expr;
}

static List *
pack_filters(List *filters)
{
	List	 *packed = NIL;
	ListCell *cell;

	foreach(cell, filters)
	{
		const ListFilterClause *clause = lfirst(cell);

		packed = lappend(packed, list_make3_int(clause->place, clause->level,
												clause->fallible));
	}
	return packed;
}

static List *
unpack_filters(List *packed)
{
	List	 *filters = NIL;
	ListCell *cell;

	foreach(cell, packed)
	{
		ListFilterClause *clause = palloc(sizeof(ListFilterClause));

		clause->place = linitial_int(lfirst(cell));
		clause->level = lsecond_int(lfirst(cell));
		clause->fallible = lthird_int(lfirst(cell)) != 0;
		filters = lappend(filters, clause);
	}
	return filters;
}

/* The plan as a list for fdw_private */
List *
appconfig_request_pack(const AppConfigScanPlan *plan)
{
	List *packed = list_make1(makeString(pstrdup(plan->table->name)));

	packed = lappend(packed, pack_keys(plan->keys));
	packed = lappend(packed, plan->columns);
	packed = lappend(packed, pack_filters(plan->filters));
	packed = lappend(packed, makeInteger(plan->rows_wanted));
	return lappend(packed, makeInteger(plan->reads));
}

/* How a packed plan reads its things: READS_ bits */
int
appconfig_request_reads(List *packed)
{
	return intVal(list_nth(packed, PACKED_READS));
}

/* The plan again, palloc'd in the current context */
AppConfigScanPlan *
appconfig_request_unpack(List *packed)
{
	AppConfigScanPlan *plan = palloc0(sizeof(AppConfigScanPlan));

	plan->table = appconfig_table_find(strVal(list_nth(packed, PACKED_TABLE)));
	if (plan->table == NULL)
		elog(ERROR, "a plan for an unknown AppConfig table");
	plan->keys = unpack_keys(list_nth(packed, PACKED_KEYS));
	plan->columns = list_nth(packed, PACKED_COLUMNS);
	plan->filters = unpack_filters(list_nth(packed, PACKED_FILTERS));
	plan->rows_wanted = intVal(list_nth(packed, PACKED_ROWS_WANTED));
	plan->reads = appconfig_request_reads(packed);
	return plan;
}

/*
 * The columns that the plan's calls are to bring, ended by NULL, palloc'd.
 * columns are the relation's, by attribute number - 1.
 */
const AppConfigColumn **
appconfig_request_columns(const AppConfigScanPlan *plan,
						  const AppConfigColumn **columns, int natts)
{
	const AppConfigColumn **wanted =
		palloc0(sizeof(AppConfigColumn *) * (natts + 1));
	int count = 0;
	int i;

	for (i = 0; i < natts; i++)
	{
		if (columns[i] != NULL && ((plan->reads & READS_ALL) ||
								   list_member_int(plan->columns, i + 1)))
			wanted[count++] = columns[i];
	}
	return wanted;
}

/* ------------------------------------------------------------------------
 * Rendering
 * ------------------------------------------------------------------------
 */

/* The key whose placeholder begins here, and its length with the braces */
static AppConfigKey
placeholder(const char *template, size_t *length)
{
	int key;

	for (key = KEY_NONE + 1; key < KEY_COUNT; key++)
	{
		const char *name = appconfig_table_key_name(key);
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
		if (placeholder(p, &length) == key)
			return true;
		p += length;
	}
	return false;
}

/*
 * The encoded path of an operation.  The facts must have all that it needs,
 * where a name stands for an id that is not known.
 */
char *
appconfig_request_path(const AppConfigOperation *operation,
					   const KeyFacts			*facts)
{
	StringInfoData path;
	const char	  *p = operation->path;
	const char	  *brace;

	initStringInfo(&path);
	while ((brace = strchr(p, '{')) != NULL)
	{
		size_t		 length;
		AppConfigKey key = placeholder(brace, &length);

		appendBinaryStringInfo(&path, p, (int) (brace - p));
		if (key == KEY_RUN)
			appendStringInfo(&path, INT64_FORMAT, facts->run);
		else if (facts->text[key] != NULL)
			appconfig_uri_append_segment(&path, facts->text[key]);
		else if (facts->text[appconfig_table_name_key(key)] != NULL)
			appconfig_uri_append_segment(
				&path, facts->text[appconfig_table_name_key(key)]);
		else
			elog(ERROR, "%s needs %s", operation->name,
				 appconfig_table_key_name(key));
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
 * The one value that a filter can have: the fact's, or the only one that the
 * keys leave.  NULL if there are more, or if the service does not take it.
 */
const char *
appconfig_request_filter_value(const AppConfigFilter *filter,
							   const KeyFacts *facts, const KeySet *keys)
{
	const char *value = facts->text[filter->key];

	if (value == NULL)
	{
		KeyTexts *texts = appconfig_keyset_texts(keys, filter->key);

		if (texts == NULL || texts->count != 1)
			return NULL;
		value = texts->value[0];
	}
	return filter_takes(filter, value) ? value : NULL;
}

/* The value that the filter goes along with, if it is wanted; else NULL */
static const char *
wanted_filter_value(const AppConfigFilter *filter, const KeyFacts *facts,
					const KeySet *keys, int filters)
{
	if ((filter->key == KEY_STATUS && !(filters & FILTER_BY_STATUS)) ||
		(filter->mortal && !(filters & FILTER_BY_MORTALS)))
		return NULL;
	return appconfig_request_filter_value(filter, facts, keys);
}

/*
 * Does a request name anything that the service could not find?  A status is
 * not a thing.
 */
bool
appconfig_request_names_something(const AppConfigOperation *operation,
								  const KeyFacts *facts, const KeySet *keys,
								  int filters)
{
	const AppConfigFilter *filter = operation->filters;

	if (strchr(operation->path, '{') != NULL)
		return true;
	for (; filter != NULL && filter->key != KEY_NONE; filter++)
	{
		if (filter->key != KEY_STATUS &&
			wanted_filter_value(filter, facts, keys, filters) != NULL)
			return true;
	}
	return false;
}

/*
 * The encoded query of a list operation: its page, and those of its filters
 * that are wanted and that the facts or the keys leave a single value.
 */
char *
appconfig_request_query(const AppConfigOperation *operation,
						const KeyFacts *facts, const KeySet *keys, int filters,
						const char *token)
{
	StringInfoData		   query;
	const AppConfigFilter *filter = operation->filters;

	initStringInfo(&query);
	appendStringInfo(&query, "max_results=%d", PAGE_SIZE);
	for (; filter != NULL && filter->key != KEY_NONE; filter++)
	{
		const char *value = wanted_filter_value(filter, facts, keys, filters);

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
