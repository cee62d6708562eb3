/*-------------------------------------------------------------------------
 *
 * tables.h
 *		What the foreign tables are made of: collections of the service,
 *		tables, columns and where each column's value comes from.
 *
 * Data only.  See tables.c for what may not live here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_TABLES_H
#define APPCONFIG_TABLES_H

/*
 * The JSON values that a row is put together from.  A row of run_events, say,
 * stands on an event, the run that it belongs to and that run's definition.
 * Which of them are there depends on the calls that the query needs.
 */
typedef enum AppConfigSource
{
	SOURCE_NONE,
	SOURCE_SERVER,				/* not JSON: the foreign server's options */
	SOURCE_KEY,					/* not JSON: the identifier that was asked for */
	SOURCE_APPLICATION,			/* ListApplications item, GetApplication */
	SOURCE_ENVIRONMENT,			/* ListEnvironments item, GetEnvironment */
	SOURCE_PROFILE,				/* ListConfigurationProfiles item */
	SOURCE_PROFILE_DOCUMENT,	/* GetConfigurationProfile */
	SOURCE_DEFINITION_SUMMARY,	/* ListExperimentDefinitions item */
	SOURCE_DEFINITION,			/* GetExperimentDefinition */
	SOURCE_RUN_SUMMARY,			/* ListExperimentRuns item */
	SOURCE_RUN,					/* GetExperimentRun */
	SOURCE_EVENT,				/* ListExperimentRunEvents item */
	SOURCE_TREATMENT,			/* one of a document's treatments */
	SOURCE_IS_CONTROL,			/* whether that is the control */
	SOURCE_ORDINAL,				/* its place, 0 for the control */
	SOURCE_ENTRY_NAME,			/* name of a member of a JSON object */
	SOURCE_ENTRY,				/* value of that member */
	SOURCE_COUNT
} AppConfigSource;

/*
 * Columns whose value can narrow the calls.  Those that stand in a path have
 * the order in which they occur there.
 */
typedef enum AppConfigKey
{
	KEY_NONE,
	KEY_APPLICATION_ID,
	KEY_APPLICATION_NAME,
	KEY_DEFINITION_ID,
	KEY_DEFINITION_NAME,
	KEY_RUN,
	KEY_ENVIRONMENT_ID,
	KEY_ENVIRONMENT_NAME,
	KEY_PROFILE_ID,
	KEY_PROFILE_NAME,
	KEY_STATUS,
	KEY_REGION,					/* the server's, the same on every row */
	KEY_COUNT
} AppConfigKey;

/* What there is to know of a key, so that nobody has to ask for it by name */
typedef struct AppConfigKeyTraits
{
	const char *name;			/* of its column, and of its placeholder in
								 * paths */
	AppConfigKey name_key;		/* by which the service finds what has that
								 * id, or KEY_NONE */
	int			longest;		/* characters; 0 if it can be any text */
	bool		is_integer;
	int64		least;			/* of an integer */
	bool		is_state;		/* says how a thing of the table's own
								 * collection is just now */
	bool		is_name;		/* may be what cannot stand in a path */
	bool		is_identifier;	/* an answer with another one is about
								 * something else */
	bool		never_null;		/* nothing is there without it */
} AppConfigKeyTraits;

/* What one list operation and one get operation of the service speak about */
typedef enum AppConfigCollectionId
{
	COLLECTION_NONE,
	COLLECTION_APPLICATIONS,
	COLLECTION_ENVIRONMENTS,
	COLLECTION_PROFILES,
	COLLECTION_DEFINITIONS,
	COLLECTION_RUNS,
	COLLECTION_EVENTS,
	COLLECTION_COUNT
} AppConfigCollectionId;

/* A query parameter that a list operation takes for a key column */
typedef struct AppConfigFilter
{
	AppConfigKey key;
	const char *parameter;		/* wire name */
	const char *const *values;	/* the only values that the service takes, or
								 * NULL for any identifier */

	/*
	 * what it names can be deleted, while items still name it: the service
	 * then answers that it knows no such thing
	 */
	bool		deletable;
} AppConfigFilter;

/*
 * How it shows that a document, or what a list's item stands for, will never
 * change again; item and document have these members alike
 */
typedef struct AppConfigFreezing
{
	const char *member;
	const char *value;			/* that it has from then on */
	const char *const *state;	/* members that tell its state, ended by NULL */
} AppConfigFreezing;

/*
 * One operation.  The placeholders in the path template are the identifiers
 * that it needs, so they are listed nowhere else.
 */
typedef struct AppConfigOperation
{
	const char *name;			/* the AWS name, also the IAM action's */
	const char *path;			/* template, NULL if there is no operation */
	const AppConfigFilter *filters; /* ended by KEY_NONE, or NULL */
	AppConfigSource yields;		/* what an item, or the answer, is */
	bool		is_list;		/* answers pages of items */
	const AppConfigFreezing *freezing;	/* of its documents; NULL if they
										 * never come to an end */
} AppConfigOperation;

/* Where an item or a document names a key */
typedef struct AppConfigKeyMember
{
	AppConfigKey key;
	const char *path;
} AppConfigKeyMember;

typedef struct AppConfigCollection
{
	AppConfigCollectionId parent;	/* supplies the keys of the path */
	AppConfigCollectionId proof;	/* whose document proves that the ids of
									 * the path are no names, where no answer
									 * has named them */
	double		expected;		/* how many of them the planner expects in a
								 * parent, or in an application if it has none */
	AppConfigOperation list;
	AppConfigOperation get;
	const AppConfigKeyMember *key_members;	/* ended by KEY_NONE */
	const char *const *fixed;	/* members of its documents that never change,
								 * ended by NULL; NULL where nobody needs to
								 * know */
} AppConfigCollection;

/* How rows come out of a collection's item or document */
typedef enum AppConfigRowShape
{
	ROW_PER_ITEM,				/* the item itself */
	ROW_PER_TREATMENT,			/* Control, then each of Treatments */
	ROW_PER_ATTRIBUTE,			/* each AttributeValues member of each of them */
	ROW_PER_ENTRY				/* each member of a JSON object */
} AppConfigRowShape;

/* One place that a column's value can be read from */
typedef struct AppConfigColumnSource
{
	AppConfigSource source;
	const char *path;			/* member names with dots between, see json.h;
								 * NULL for the whole value */
} AppConfigColumnSource;

#define APPCONFIG_MAX_COLUMN_SOURCES 3

typedef struct AppConfigColumn
{
	const char *name;
	const char *type;			/* as IMPORT FOREIGN SCHEMA writes it */
	AppConfigKey key;
	/* the first source at hand that has the member gives the value */
	AppConfigColumnSource from[APPCONFIG_MAX_COLUMN_SOURCES];
} AppConfigColumn;

typedef struct AppConfigTable
{
	const char *name;
	AppConfigCollectionId collection;
	AppConfigRowShape shape;
	AppConfigColumnSource rows; /* what the shape is applied to */
	const AppConfigColumn *columns; /* ended by a NULL name */
} AppConfigTable;

/* Members of answers that the code follows beside the declared ones */
typedef struct AppConfigMembers
{
	const char *items;			/* of a page */
	const char *next_token;
	const char *control;		/* of what has treatments */
	const char *treatments;
	const char *attribute_values;	/* of a treatment */
} AppConfigMembers;

/* A union member of an attribute value, and what a column calls its kind */
typedef struct AppConfigValueType
{
	const char *member;
	const char *name;
} AppConfigValueType;

extern const AppConfigMembers appconfig_members;
extern const AppConfigValueType appconfig_value_types[];	/* ended by NULL */
extern const AppConfigKeyTraits appconfig_keys[KEY_COUNT];
extern const AppConfigTable appconfig_tables[]; /* ended by a NULL name */
extern const AppConfigCollection appconfig_collections[COLLECTION_COUNT];

extern const AppConfigTable *appconfig_table_find(const char *name);
extern const AppConfigColumn *appconfig_table_find_column(const AppConfigTable *table,
														  const char *name);

#endif							/* APPCONFIG_TABLES_H */
