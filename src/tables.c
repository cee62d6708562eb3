/*-------------------------------------------------------------------------
 *
 * tables.c
 *		The declarations of the foreign tables.
 *
 * Everything that makes one table differ from another stands here as data:
 * its columns, where their values come from, which collection of the service
 * its rows are of and by which operations that is read.  A new table is a new
 * block here and nothing elsewhere.  The tables and their columns are fixed by
 * the project's contract, paths, parameters and members by the service model.
 *
 * The file also builds with -DFRONTEND, for unit tests.
 *
 * What may not live here: code that treats one table unlike another.  The
 * functions at the end look a declaration up, and that is all.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "tables.h"

/* ------------------------------------------------------------------------
 * Keys
 *
 * Longest ids and names: appconfig-read-api.md, sections 1.1 and 1.2.  The
 * experiment operations would take longer identifiers, but nothing has one.  A
 * definition's name cannot change, so that it is an identifier as an id is; an
 * application's can.
 * ------------------------------------------------------------------------
 */
#define LONGEST			64
#define LONGEST_PROFILE 128

const AppConfigKeyTraits appconfig_keys[KEY_COUNT] = {
	[KEY_APPLICATION_ID] = {
		"application_id", .longest = LONGEST, .is_identifier = true,
		.never_null = true
	},
	[KEY_APPLICATION_NAME] = {
		"application_name", .longest = LONGEST, .is_name = true
	},
	[KEY_DEFINITION_ID] = {
		"experiment_definition_id", KEY_DEFINITION_NAME, .longest = LONGEST,
		.is_identifier = true, .never_null = true
	},
	[KEY_DEFINITION_NAME] = {
		"experiment_definition_name", .longest = LONGEST, .is_name = true,
		.is_identifier = true
	},
	[KEY_RUN] = {"run", .is_integer = true, .least = 1, .never_null = true},
	[KEY_ENVIRONMENT_ID] = {
		"environment_id", .longest = LONGEST, .is_identifier = true
	},
	[KEY_ENVIRONMENT_NAME] = {
		"environment_name", .longest = LONGEST, .is_name = true
	},
	[KEY_PROFILE_ID] = {
		"configuration_profile_id", .longest = LONGEST_PROFILE,
		.is_identifier = true
	},
	[KEY_PROFILE_NAME] = {
		"configuration_profile_name", .longest = LONGEST_PROFILE,
		.is_name = true
	},
	[KEY_STATUS] = {.name = "status", .is_state = true},
	[KEY_REGION] = {"region", .never_null = true},
};

/* ------------------------------------------------------------------------
 * Members that code follows
 * ------------------------------------------------------------------------
 */
const AppConfigMembers appconfig_members = {
	.items = "Items",
	.next_token = "NextToken",
	.control = "Control",
	.treatments = "Treatments",
	.attribute_values = "FlagValue.AttributeValues",
};

const AppConfigValueType appconfig_value_types[] = {
	{"StringValue", "string"}, {"NumberValue", "number"},
	{"BooleanValue", "boolean"}, {"StringArray", "string_array"},
	{"NumberArray", "number_array"}, {NULL, NULL},
};

/* ------------------------------------------------------------------------
 * Collections: the operations of the service
 * ------------------------------------------------------------------------
 */
static const char *const definition_statuses[] = {
	"ACTIVE", "IDLE", "ARCHIVED", NULL
};
static const char *const run_statuses[] = {"RUNNING", "DONE", NULL};

static const AppConfigFilter definition_filters[] = {
	{KEY_APPLICATION_ID, "application_identifier", NULL, false},
	{KEY_ENVIRONMENT_ID, "environment_identifier", NULL, true},
	{KEY_PROFILE_ID, "configuration_profile_identifier", NULL, true},
	{KEY_STATUS, "status", definition_statuses, false},
	{KEY_NONE, NULL, NULL, false}
};

static const AppConfigFilter run_filters[] = {
	{KEY_STATUS, "status", run_statuses, false},
	{KEY_NONE, NULL, NULL, false}
};

static const AppConfigKeyMember application_key_members[] = {
	{KEY_APPLICATION_ID, "Id"},
	{KEY_APPLICATION_NAME, "Name"},
	{KEY_NONE, NULL}
};

static const AppConfigKeyMember environment_key_members[] = {
	{KEY_APPLICATION_ID, "ApplicationId"},
	{KEY_ENVIRONMENT_ID, "Id"},
	{KEY_ENVIRONMENT_NAME, "Name"},
	{KEY_NONE, NULL}
};

static const AppConfigKeyMember profile_key_members[] = {
	{KEY_APPLICATION_ID, "ApplicationId"},
	{KEY_PROFILE_ID, "Id"},
	{KEY_PROFILE_NAME, "Name"},
	{KEY_NONE, NULL}
};

static const AppConfigKeyMember definition_key_members[] = {
	{KEY_APPLICATION_ID, "ApplicationId"},
	{KEY_DEFINITION_ID, "Id"},
	{KEY_DEFINITION_NAME, "Name"},
	{KEY_ENVIRONMENT_ID, "EnvironmentId"},
	{KEY_PROFILE_ID, "ConfigurationProfileId"},
	{KEY_STATUS, "Status"},
	{KEY_NONE, NULL}
};

static const AppConfigKeyMember run_key_members[] = {
	{KEY_APPLICATION_ID, "ApplicationId"},
	{KEY_DEFINITION_ID, "ExperimentDefinitionId"},
	{KEY_DEFINITION_NAME, "ExperimentDefinitionSnapshot.Name"},
	{KEY_RUN, "Run"},
	{KEY_STATUS, "Status"},
	{KEY_NONE, NULL}
};

/*
 * What of a run stays as it was when the run started (appconfig-read-api.md,
 * section 2).  All else can change until the run is DONE; see "Consistency" in
 * memo.c.
 */
static const char *const run_fixed[] = {
	"ApplicationId", "ExperimentDefinitionId", "Run", "StartedAt",
	"ExperimentDefinitionSnapshot", NULL
};

static const char *const run_state[] = {
	"Status", "UpdatedAt", "EndedAt", NULL
};

static const AppConfigFreezing run_freezing = {"Status", "DONE", run_state};

/* an event names none of its keys */
static const AppConfigKeyMember event_key_members[] = {
	{KEY_NONE, NULL}
};

#define APPLICATION_PATH "/applications/{application_id}"
#define DEFINITION_PATH \
	APPLICATION_PATH "/experimentdefinitions/{experiment_definition_id}"
#define RUN_PATH DEFINITION_PATH "/experimentruns/{run}"

const AppConfigCollection appconfig_collections[COLLECTION_COUNT] = {
	[COLLECTION_APPLICATIONS] =
	{
		.expected = 10,
		.list = {
			"ListApplications", "/applications", NULL, SOURCE_APPLICATION,
			true, NULL
		},
		.get = {
			"GetApplication", APPLICATION_PATH, NULL, SOURCE_APPLICATION,
			false, NULL
		},
		.key_members = application_key_members,
	},
	[COLLECTION_ENVIRONMENTS] =
	{
		.parent = COLLECTION_APPLICATIONS,
		.expected = 5,
		.list = {
			"ListEnvironments", APPLICATION_PATH "/environments", NULL,
			SOURCE_ENVIRONMENT, true, NULL
		},
		.get = {
			"GetEnvironment",
			APPLICATION_PATH "/environments/{environment_id}", NULL,
			SOURCE_ENVIRONMENT, false, NULL
		},
		.key_members = environment_key_members,
	},
	[COLLECTION_PROFILES] =
	{
		.parent = COLLECTION_APPLICATIONS,
		.expected = 5,
		.list = {
			"ListConfigurationProfiles",
			APPLICATION_PATH "/configurationprofiles", NULL, SOURCE_PROFILE,
			true, NULL
		},
		.get = {
			"GetConfigurationProfile",
			APPLICATION_PATH "/configurationprofiles/{configuration_profile_id}",
			NULL, SOURCE_PROFILE_DOCUMENT, false, NULL
		},
		.key_members = profile_key_members,
	},
	[COLLECTION_DEFINITIONS] =
	{
		/* the list is of the whole account, an application only filters it */
		.expected = 10,
		.list = {
			"ListExperimentDefinitions", "/experimentdefinitions",
			definition_filters, SOURCE_DEFINITION_SUMMARY, true, NULL
		},
		.get = {
			"GetExperimentDefinition", DEFINITION_PATH, NULL,
			SOURCE_DEFINITION, false, NULL
		},
		.key_members = definition_key_members,
	},
	[COLLECTION_RUNS] =
	{
		.parent = COLLECTION_DEFINITIONS,
		.proof = COLLECTION_DEFINITIONS,
		.expected = 10,
		.list = {
			"ListExperimentRuns", DEFINITION_PATH "/experimentruns",
			run_filters, SOURCE_RUN_SUMMARY, true, NULL
		},
		.get = {
			"GetExperimentRun", RUN_PATH, NULL, SOURCE_RUN, false,
			&run_freezing
		},
		.key_members = run_key_members,
		.fixed = run_fixed,
	},
	[COLLECTION_EVENTS] =
	{
		.parent = COLLECTION_RUNS,
		.proof = COLLECTION_DEFINITIONS,
		.expected = 4,
		.list = {
			"ListExperimentRunEvents", RUN_PATH "/events", NULL, SOURCE_EVENT,
			true, NULL
		},
		.get = {NULL, NULL, NULL, SOURCE_NONE, false, NULL},
		.key_members = event_key_members,
	},
};

/* ------------------------------------------------------------------------
 * Columns that several tables have
 * ------------------------------------------------------------------------
 */

#define SNAPSHOT "ExperimentDefinitionSnapshot"

#define REGION_COLUMN \
	{"region", "text", KEY_REGION, {{SOURCE_SERVER, NULL}}}

#define APPLICATION_NAME_COLUMN \
	{"application_name", "text", KEY_APPLICATION_NAME, \
		{{SOURCE_APPLICATION, "Name"}}}

/*
 * The key columns of what belongs to a run.  A run's document names its
 * application, a run's summary does not (appconfig-read-api.md, 1.2).  The
 * definition's name stands in the snapshot, and cannot change, so where a
 * document has no snapshot the definition itself gives the same answer.
 */
#define RUN_KEY_COLUMNS \
	{"application_id", "text", KEY_APPLICATION_ID, \
		{{SOURCE_RUN, "ApplicationId"}, {SOURCE_KEY, NULL}}}, \
	APPLICATION_NAME_COLUMN, \
	{"experiment_definition_id", "text", KEY_DEFINITION_ID, \
		{{SOURCE_RUN, "ExperimentDefinitionId"}, {SOURCE_KEY, NULL}}}, \
	{"experiment_definition_name", "text", KEY_DEFINITION_NAME, \
		{{SOURCE_RUN, SNAPSHOT ".Name"}, \
		 {SOURCE_DEFINITION_SUMMARY, "Name"}, \
		 {SOURCE_DEFINITION, "Name"}}}, \
	{"run", "integer", KEY_RUN, \
		{{SOURCE_RUN, "Run"}, \
		 {SOURCE_RUN_SUMMARY, "Run"}, \
		 {SOURCE_KEY, NULL}}}

#define DEFINITION_MEMBER(member) \
	{{SOURCE_DEFINITION, member}, {SOURCE_DEFINITION_SUMMARY, member}}

#define DEFINITION_KEY_COLUMNS \
	{"application_id", "text", KEY_APPLICATION_ID, DEFINITION_MEMBER("ApplicationId")}, \
	APPLICATION_NAME_COLUMN, \
	{"experiment_definition_id", "text", KEY_DEFINITION_ID, DEFINITION_MEMBER("Id")}, \
	{"experiment_definition_name", "text", KEY_DEFINITION_NAME, DEFINITION_MEMBER("Name")}

#define PROFILE_MEMBER(member) \
	{{SOURCE_PROFILE, member}, {SOURCE_PROFILE_DOCUMENT, member}}

#define RUN_MEMBER(member) \
	{{SOURCE_RUN, member}, {SOURCE_RUN_SUMMARY, member}}

#define TREATMENT_COLUMNS \
	{"treatment_key", "text", KEY_NONE, {{SOURCE_TREATMENT, "Key"}}}, \
	{"is_control", "boolean", KEY_NONE, {{SOURCE_IS_CONTROL, NULL}}}, \
	{"ordinal", "integer", KEY_NONE, {{SOURCE_ORDINAL, NULL}}}, \
	{"weight", "double precision", KEY_NONE, \
		{{SOURCE_TREATMENT, "Weight"}}}, \
	{"description", "text", KEY_NONE, \
		{{SOURCE_TREATMENT, "Description"}}}, \
	{"enabled", "boolean", KEY_NONE, \
		{{SOURCE_TREATMENT, "FlagValue.Enabled"}}}, \
	{"attribute_values", "jsonb", KEY_NONE, \
		{{SOURCE_TREATMENT, "FlagValue.AttributeValues"}}}

/* An attribute value is a union: an object with one member, named by type */
#define ATTRIBUTE_COLUMNS \
	{"treatment_key", "text", KEY_NONE, {{SOURCE_TREATMENT, "Key"}}}, \
	{"is_control", "boolean", KEY_NONE, {{SOURCE_IS_CONTROL, NULL}}}, \
	{"attribute_key", "text", KEY_NONE, {{SOURCE_ENTRY_NAME, NULL}}}, \
	{"value_type", "text", KEY_NONE, {{SOURCE_ENTRY, "?"}}}, \
	{"string_value", "text", KEY_NONE, \
		{{SOURCE_ENTRY, "StringValue"}}}, \
	{"number_value", "double precision", KEY_NONE, \
		{{SOURCE_ENTRY, "NumberValue"}}}, \
	{"boolean_value", "boolean", KEY_NONE, \
		{{SOURCE_ENTRY, "BooleanValue"}}}, \
	{"string_array", "text[]", KEY_NONE, \
		{{SOURCE_ENTRY, "StringArray"}}}, \
	{"number_array", "double precision[]", KEY_NONE, \
		{{SOURCE_ENTRY, "NumberArray"}}}, \
	{"value", "jsonb", KEY_NONE, {{SOURCE_ENTRY, "*"}}}

/* ------------------------------------------------------------------------
 * The tables
 * ------------------------------------------------------------------------
 */
static const AppConfigColumn applications_columns[] = {
	{"application_id", "text", KEY_NONE, {{SOURCE_APPLICATION, "Id"}}},
	{"application_name", "text", KEY_NONE, {{SOURCE_APPLICATION, "Name"}}},
	{"description", "text", KEY_NONE, {{SOURCE_APPLICATION, "Description"}}},
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn experiment_definitions_columns[] = {
	DEFINITION_KEY_COLUMNS,
	{"hypothesis", "text", KEY_NONE, DEFINITION_MEMBER("Hypothesis")},
	{"status", "text", KEY_STATUS, DEFINITION_MEMBER("Status")},
	{"configuration_profile_id", "text", KEY_PROFILE_ID, DEFINITION_MEMBER("ConfigurationProfileId")},
	{"environment_id", "text", KEY_ENVIRONMENT_ID, DEFINITION_MEMBER("EnvironmentId")},
	{"flag_key", "text", KEY_NONE, DEFINITION_MEMBER("FlagKey")},
	{"audience_rule", "text", KEY_NONE, {{SOURCE_DEFINITION, "AudienceRule"}}},
	{"audience_description", "text", KEY_NONE, {{SOURCE_DEFINITION, "AudienceDescription"}}},
	{"launch_criteria", "text", KEY_NONE, {{SOURCE_DEFINITION, "LaunchCriteria"}}},
	{"created_at", "timestamptz", KEY_NONE, DEFINITION_MEMBER("CreatedAt")},
	{"updated_at", "timestamptz", KEY_NONE, DEFINITION_MEMBER("UpdatedAt")},
	{"kms_key_identifier", "text", KEY_NONE, {{SOURCE_DEFINITION, "KmsKeyIdentifier"}}},
	{"treatments", "jsonb", KEY_NONE, {{SOURCE_DEFINITION, "Treatments"}}},
	{"control", "jsonb", KEY_NONE, {{SOURCE_DEFINITION, "Control"}}},
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn experiment_runs_columns[] = {
	RUN_KEY_COLUMNS,
	{"description", "text", KEY_NONE, RUN_MEMBER("Description")},
	{"status", "text", KEY_STATUS, RUN_MEMBER("Status")},
	{"exposure_percentage", "double precision", KEY_NONE, {{SOURCE_RUN, "ExposurePercentage"}}},
	{"treatment_overrides", "jsonb", KEY_NONE, {{SOURCE_RUN, "TreatmentOverrides.Inline"}}},
	{"result_executive_summary", "text", KEY_NONE, {{SOURCE_RUN, "Result.ExecutiveSummary"}}},
	{"result_reasons_to_launch", "text", KEY_NONE, {{SOURCE_RUN, "Result.ReasonsToLaunch"}}},
	{"result_reasons_not_to_launch", "text", KEY_NONE, {{SOURCE_RUN, "Result.ReasonsNotToLaunch"}}},
	{"started_at", "timestamptz", KEY_NONE, RUN_MEMBER("StartedAt")},
	{"updated_at", "timestamptz", KEY_NONE, RUN_MEMBER("UpdatedAt")},
	{"ended_at", "timestamptz", KEY_NONE, RUN_MEMBER("EndedAt")},
	{"hypothesis", "text", KEY_NONE, {{SOURCE_RUN, SNAPSHOT ".Hypothesis"}}},
	{"configuration_profile_id", "text", KEY_NONE, {{SOURCE_RUN, SNAPSHOT ".ConfigurationProfileId"}}},
	{"environment_id", "text", KEY_NONE, {{SOURCE_RUN, SNAPSHOT ".EnvironmentId"}}},
	{"flag_key", "text", KEY_NONE, {{SOURCE_RUN, SNAPSHOT ".FlagKey"}}},
	{"audience_rule", "text", KEY_NONE, {{SOURCE_RUN, SNAPSHOT ".AudienceRule"}}},
	{"audience_description", "text", KEY_NONE, {{SOURCE_RUN, SNAPSHOT ".AudienceDescription"}}},
	{"launch_criteria", "text", KEY_NONE, {{SOURCE_RUN, SNAPSHOT ".LaunchCriteria"}}},
	{"experiment_definition_snapshot", "jsonb", KEY_NONE, {{SOURCE_RUN, SNAPSHOT}}},
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn treatments_columns[] = {
	RUN_KEY_COLUMNS,
	TREATMENT_COLUMNS,
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn attribute_values_columns[] = {
	RUN_KEY_COLUMNS,
	ATTRIBUTE_COLUMNS,
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn treatment_overrides_columns[] = {
	RUN_KEY_COLUMNS,
	{"entity_id", "text", KEY_NONE, {{SOURCE_ENTRY_NAME, NULL}}},
	{"treatment_key", "text", KEY_NONE, {{SOURCE_ENTRY, NULL}}},
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn run_events_columns[] = {
	RUN_KEY_COLUMNS,
	{"occurred_at", "timestamptz", KEY_NONE, {{SOURCE_EVENT, "OccurredAt"}}},
	{"event_type", "text", KEY_NONE, {{SOURCE_EVENT, "EventType"}}},
	{"triggered_by", "text", KEY_NONE, {{SOURCE_EVENT, "TriggeredBy"}}},
	{"description", "text", KEY_NONE, {{SOURCE_EVENT, "Description"}}},
	{"associated_deployment", "text", KEY_NONE, {{SOURCE_EVENT, "AssociatedDeployment"}}},
	{"exposure_percentage", "double precision", KEY_NONE, {{SOURCE_EVENT, "ExposurePercentage"}}},
	{"treatment_overrides", "jsonb", KEY_NONE, {{SOURCE_EVENT, "TreatmentOverrides.Inline"}}},
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn definition_treatments_columns[] = {
	DEFINITION_KEY_COLUMNS,
	TREATMENT_COLUMNS,
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn definition_attribute_values_columns[] = {
	DEFINITION_KEY_COLUMNS,
	ATTRIBUTE_COLUMNS,
	REGION_COLUMN,
	{.name = NULL}
};

static const AppConfigColumn environments_columns[] = {
	{"application_id", "text", KEY_APPLICATION_ID, {{SOURCE_ENVIRONMENT, "ApplicationId"}, {SOURCE_KEY, NULL}}},
	APPLICATION_NAME_COLUMN,
	{"environment_id", "text", KEY_ENVIRONMENT_ID, {{SOURCE_ENVIRONMENT, "Id"}, {SOURCE_KEY, NULL}}},
	{"environment_name", "text", KEY_ENVIRONMENT_NAME, {{SOURCE_ENVIRONMENT, "Name"}}},
	{"description", "text", KEY_NONE, {{SOURCE_ENVIRONMENT, "Description"}}},
	{"state", "text", KEY_NONE, {{SOURCE_ENVIRONMENT, "State"}}},
	{"monitors", "jsonb", KEY_NONE, {{SOURCE_ENVIRONMENT, "Monitors"}}},
	REGION_COLUMN,
	{.name = NULL}
};

/* a list names the kinds of validators, a document has the validators */
static const AppConfigColumn configuration_profiles_columns[] = {
	{"application_id", "text", KEY_APPLICATION_ID, {{SOURCE_PROFILE, "ApplicationId"}, {SOURCE_PROFILE_DOCUMENT, "ApplicationId"}, {SOURCE_KEY, NULL}}},
	APPLICATION_NAME_COLUMN,
	{"configuration_profile_id", "text", KEY_PROFILE_ID, PROFILE_MEMBER("Id")},
	{"configuration_profile_name", "text", KEY_PROFILE_NAME, PROFILE_MEMBER("Name")},
	{"location_uri", "text", KEY_NONE, PROFILE_MEMBER("LocationUri")},
	{"type", "text", KEY_NONE, PROFILE_MEMBER("Type")},
	{"validator_types", "text[]", KEY_NONE, {{SOURCE_PROFILE, "ValidatorTypes"}, {SOURCE_PROFILE_DOCUMENT, "Validators[].Type"}}},
	REGION_COLUMN,
	{.name = NULL}
};

/* name, collection, shape, what the shape is applied to, columns */
const AppConfigTable appconfig_tables[] = {
	{"applications",
		COLLECTION_APPLICATIONS,
		ROW_PER_ITEM,
		{SOURCE_NONE, NULL},
	applications_columns},
	{"experiment_definitions",
		COLLECTION_DEFINITIONS,
		ROW_PER_ITEM,
		{SOURCE_NONE, NULL},
	experiment_definitions_columns},
	{"experiment_runs",
		COLLECTION_RUNS,
		ROW_PER_ITEM,
		{SOURCE_NONE, NULL},
	experiment_runs_columns},
	{"treatments",
		COLLECTION_RUNS,
		ROW_PER_TREATMENT,
		{SOURCE_RUN, SNAPSHOT},
	treatments_columns},
	{"attribute_values",
		COLLECTION_RUNS,
		ROW_PER_ATTRIBUTE,
		{SOURCE_RUN, SNAPSHOT},
	attribute_values_columns},
	{"treatment_overrides",
		COLLECTION_RUNS,
		ROW_PER_ENTRY,
		{SOURCE_RUN, "TreatmentOverrides.Inline"},
	treatment_overrides_columns},
	{"run_events",
		COLLECTION_EVENTS,
		ROW_PER_ITEM,
		{SOURCE_NONE, NULL},
	run_events_columns},
	{"definition_treatments",
		COLLECTION_DEFINITIONS,
		ROW_PER_TREATMENT,
		{SOURCE_DEFINITION, NULL},
	definition_treatments_columns},
	{"definition_attribute_values",
		COLLECTION_DEFINITIONS,
		ROW_PER_ATTRIBUTE,
		{SOURCE_DEFINITION, NULL},
	definition_attribute_values_columns},
	{"environments",
		COLLECTION_ENVIRONMENTS,
		ROW_PER_ITEM,
		{SOURCE_NONE, NULL},
	environments_columns},
	{"configuration_profiles",
		COLLECTION_PROFILES,
		ROW_PER_ITEM,
		{SOURCE_NONE, NULL},
	configuration_profiles_columns},
	{.name = NULL}
};


/* ------------------------------------------------------------------------
 * Look-ups
 * ------------------------------------------------------------------------
 */

/* The table of that name, or NULL */
const AppConfigTable *
appconfig_table_find(const char *name)
{
	const AppConfigTable *table;

	for (table = appconfig_tables; table->name != NULL; table++)
	{
		if (strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

/* The table's column of that name, or NULL */
const AppConfigColumn *
appconfig_table_find_column(const AppConfigTable *table, const char *name)
{
	const AppConfigColumn *column;

	for (column = table->columns; column->name != NULL; column++)
	{
		if (strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}
