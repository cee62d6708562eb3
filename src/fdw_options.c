/*-------------------------------------------------------------------------
 *
 * fdw_options.c
 *		The options of servers, user mappings, foreign tables and columns.
 *
 * What lives here is one table with a row for each option, the validator that
 * checks options against it when they are set, and the functions that turn
 * stored options into the structs that the other files read.
 *
 * A new option is a row in the table.  What a row cannot say, a rule over two
 * options, stands in check_together().
 *
 * What may not live here: a message that quotes a secret, see report_fault();
 * who may change which of them (fdw_guard.c); what the columns of a foreign
 * table are (fdw_columns.c).  And no other file
 * may look at a DefElem.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "aws_endpoint.h"
#include "credential_plan.h"
#include "fdw_options.h"
#include "uri.h"

PG_FUNCTION_INFO_V1(appconfig_fdw_validator);

/* Where an option may be set, one bit each */
#define ON_SERVER  0x01
#define ON_MAPPING 0x02
#define ON_TABLE   0x04
#define ON_COLUMN  0x08
#define ON_IMPORT  0x10
#define ON_WRAPPER 0x20

/* What else there is to an option, one bit each */
#define REQUIRED  0x01			/* there is no default */
#define HIDDEN	  0x02			/* the value never appears in a message */
#define SUPERUSER OPTION_OF_SUPERUSERS
#define GUARDED	  OPTION_GUARDED
#define IDENTITY  OPTION_OF_IDENTITY

/*
 * The values of all options of one object, filled by read_options().  Options
 * that belong elsewhere stay zero.
 */
typedef struct OptionValues
{
	AppConfigSettings settings;
	CredentialOptions credentials;
	char	   *endpoint;
	char	   *sts_endpoint;
	char	   *object;
	char	   *column_name;
} OptionValues;

/* What a parser has to say against a value */
typedef struct OptionFault
{
	int			sqlstate;
	const char *detail;			/* NULL for none */
	const char *hint;			/* what is valid */
} OptionFault;

typedef struct Option Option;

/*
 * Reads a value into *field, which has the type that goes with the parser, or
 * returns false with *fault filled.
 */
typedef bool (*OptionParser) (const Option *option, const char *value,
							  void *field, OptionFault *fault);

struct Option
{
	const char *name;
	int			where;			/* ON_... */
	OptionParser parse;
	size_t		field;			/* offset in OptionValues */
	int			flags;
	const char *initial;		/* default, written as a user would, or NULL */
	const char *needs;			/* an option without which this one makes no
								 * sense, or NULL */
	double		least;			/* bounds of numbers, in the parser's unit, */
	double		most;			/* or of the length of texts */
	const char *punctuation;	/* what texts may have besides letters and
								 * digits, NULL for all that is visible */
};

static bool parse_boolean(const Option *option, const char *value, void *field,
						  OptionFault *fault);
static bool parse_count(const Option *option, const char *value, void *field,
						OptionFault *fault);
static bool parse_rate(const Option *option, const char *value, void *field,
					   OptionFault *fault);
static bool parse_time(const Option *option, const char *value, void *field,
					   OptionFault *fault);
static bool parse_memory(const Option *option, const char *value, void *field,
						 OptionFault *fault);
static bool parse_printable(const Option *option, const char *value,
							void *field, OptionFault *fault);
static bool parse_ambient(const Option *option, const char *value, void *field,
						  OptionFault *fault);
static bool parse_region(const Option *option, const char *value, void *field,
						 OptionFault *fault);
static bool parse_endpoint(const Option *option, const char *value,
						   void *field, OptionFault *fault);
static bool parse_proxy(const Option *option, const char *value, void *field,
						OptionFault *fault);
static bool parse_file(const Option *option, const char *value, void *field,
					   OptionFault *fault);
static bool parse_table_name(const Option *option, const char *value,
							 void *field, OptionFault *fault);
static bool parse_column_name(const Option *option, const char *value,
							  void *field, OptionFault *fault);

#define FIELD(member) offsetof(OptionValues, member)

#define SECOND	 1000.0
#define HOUR	 (3600 * SECOND)
#define WEEK	 (7 * 24 * HOUR)
#define MEGABYTE (1024.0 * 1024.0)
#define GIGABYTE (1024 * MEGABYTE)

/*
 * All options, by name, which is the order in which hints list them.
 *
 * An answer must be less than what palloc gives at once, which is a gigabyte.
 * A time-out has an upper bound so that a query cannot hang, and max_attempts
 * for the same reason.  The bounds of key texts are wide: what AWS issues
 * today is shorter, and emulators take anything.
 */
static const Option options[] = {
	{
		"access_key_id", ON_MAPPING, parse_printable, FIELD(credentials.keys.access_key_id),
		.flags = HIDDEN, .needs = "secret_access_key", .least = 1,
		.most = 128, .punctuation = "_-."
	},
	{
		"ambient_credentials", ON_SERVER, parse_ambient, FIELD(credentials.ambient),
		.flags = SUPERUSER, .initial = "false"
	},
	{
		"ca_bundle", ON_SERVER, parse_file, FIELD(settings.ca_bundle),
		.flags = SUPERUSER
	},
	{
		"cache_size", ON_SERVER, parse_memory, FIELD(settings.cache_size),
		.initial = "16MB", .least = 0, .most = GIGABYTE
	},
	{
		"cache_ttl", ON_SERVER, parse_time, FIELD(settings.cache_ttl),
		.initial = "0", .least = 0, .most = WEEK
	},
	{
		"column_name", ON_COLUMN, parse_column_name, FIELD(column_name),
		.flags = 0
	},
	{
		"connect_timeout", ON_SERVER, parse_time, FIELD(settings.connect_timeout),
		.initial = "5s", .least = 1, .most = HOUR
	},
	{
		"endpoint", ON_SERVER, parse_endpoint, FIELD(endpoint),
		.flags = HIDDEN | GUARDED
	},
	{
		"external_id", ON_SERVER | ON_MAPPING, parse_printable, FIELD(credentials.external_id),
		.flags = GUARDED | IDENTITY, .least = 2, .most = 1224,
		.punctuation = "_+=,.@:/-"
	},
	{
		"max_attempts", ON_SERVER, parse_count, FIELD(settings.max_attempts),
		.initial = "3", .least = 1, .most = 20
	},
	{
		"max_calls", ON_SERVER, parse_count, FIELD(settings.max_calls),
		.initial = "0", .least = 0, .most = INT_MAX
	},
	{
		"max_concurrency", ON_SERVER, parse_count, FIELD(settings.max_concurrency),
		.initial = "16", .least = 1, .most = 256
	},
	{
		"max_get_rate", ON_SERVER, parse_rate, FIELD(settings.max_get_rate),
		.initial = "100", .least = 0, .most = 1000000
	},
	{
		"max_list_rate", ON_SERVER, parse_rate, FIELD(settings.max_list_rate),
		.initial = "10", .least = 0, .most = 1000000
	},
	{
		"max_response_size", ON_SERVER, parse_memory, FIELD(settings.max_response_size),
		.initial = "16MB", .least = 1, .most = GIGABYTE - MEGABYTE
	},
	{"object", ON_TABLE, parse_table_name, FIELD(object), .flags = 0},
	{
		"profile", ON_SERVER, parse_printable, FIELD(credentials.profile),
		.flags = GUARDED, .least = 1, .most = 256
	},
	{
		"proxy", ON_SERVER, parse_proxy, FIELD(settings.proxy),
		.flags = SUPERUSER | HIDDEN
	},
	{
		"region", ON_SERVER, parse_region, FIELD(settings.region),
		.flags = REQUIRED | GUARDED
	},
	{
		"request_timeout", ON_SERVER, parse_time, FIELD(settings.request_timeout),
		.initial = "30s", .least = 1, .most = HOUR
	},
	{
		"role_arn", ON_SERVER | ON_MAPPING, parse_printable, FIELD(credentials.role_arn),
		.flags = GUARDED | IDENTITY, .least = 20, .most = 2048,
		.punctuation = "_+=,.@:/-"
	},
	{
		"role_session_name", ON_SERVER | ON_MAPPING, parse_printable, FIELD(credentials.role_session_name),
		.least = 2, .most = 64, .punctuation = "_+=,.@-"
	},
	{
		"secret_access_key", ON_MAPPING, parse_printable, FIELD(credentials.keys.secret_access_key),
		.flags = HIDDEN, .needs = "access_key_id", .least = 1, .most = 1024
	},
	{
		"session_token", ON_MAPPING, parse_printable, FIELD(credentials.keys.session_token),
		.flags = HIDDEN, .needs = "access_key_id", .least = 1, .most = 16384
	},
	{
		"sts_endpoint", ON_SERVER, parse_endpoint, FIELD(sts_endpoint),
		.flags = HIDDEN | GUARDED
	},
	{
		"throttle_timeout", ON_SERVER, parse_time, FIELD(settings.throttle_timeout),
		.initial = "2min", .least = 0, .most = HOUR
	},
	{
		"use_dualstack", ON_SERVER, parse_boolean, FIELD(credentials.use_dualstack),
		.flags = GUARDED, .initial = "false"
	},
	{
		"use_fips", ON_SERVER, parse_boolean, FIELD(credentials.use_fips),
		.flags = GUARDED, .initial = "false"
	},
	{.name = NULL},
};

/* ------------------------------------------------------------------------
 * Parsers: one per kind of value
 * ------------------------------------------------------------------------
 */

/* into a bool */
static bool
parse_boolean(const Option *option pg_attribute_unused(), const char *value,
			  void *field, OptionFault *fault)
{
	fault->hint = "Valid values are true and false.";
	return parse_bool(value, field);
}

/* into an int */
static bool
parse_count(const Option *option, const char *value, void *field,
			OptionFault *fault)
{
	int		   *result = field;

	fault->hint = psprintf("Valid values are integers from %.0f to %.0f.",
						   option->least, option->most);
	return parse_int(value, result, 0, NULL) && *result >= option->least &&
		*result <= option->most;
}

/*
 * All or nothing, or a list of names in any order; into an int, as bits.  It
 * says what may be used, not in which order: that is always the same.
 */
static bool
parse_ambient(const Option *option pg_attribute_unused(), const char *value,
			  void *field, OptionFault *fault)
{
	static const char blanks[] = " \t";
	int		   *sources = field;
	bool		all;

	fault->hint = "Valid values are true, false, and lists of: environment, profile, web_identity, container, instance.";
	*sources = 0;
	if (parse_bool(value, &all))
	{
		*sources = all ? AMBIENT_ALL : 0;
		return true;
	}
	for (;;)
	{
		size_t		length;
		int			source;

		value += strspn(value, blanks);
		length = strcspn(value, " \t,");
		source = appconfig_credential_plan_find_source(value, length);
		if (source == 0)
			return false;
		*sources |= source;
		value += length;
		value += strspn(value, blanks);
		if (*value == '\0')
			return true;
		if (*value++ != ',')
			return false;
	}
}

/* calls per second, into a double */
static bool
parse_rate(const Option *option, const char *value, void *field,
		   OptionFault *fault)
{
	double	   *result = field;

	fault->hint = psprintf("Valid values are numbers from %.0f to %.0f, in calls per second; 0 stands for no limit.",
						   option->least, option->most);
	/* infinity is out of bounds, and parse_real takes no NaN */
	return parse_real(value, result, 0, NULL) && *result >= option->least &&
		*result <= option->most;
}

/* milliseconds, into an int */
static bool
parse_time(const Option *option, const char *value, void *field,
		   OptionFault *fault)
{
	int		   *result = field;

	fault->hint = psprintf("Valid values are from %.0f ms to %.0f s, in ms or with a unit: us, ms, s, min, h, d.",
						   option->least, option->most / SECOND);
	return parse_int(value, result, GUC_UNIT_MS, NULL) &&
		*result >= option->least && *result <= option->most;
}

/* bytes, into an int */
static bool
parse_memory(const Option *option, const char *value, void *field,
			 OptionFault *fault)
{
	int		   *result = field;

	fault->hint = psprintf("Valid values are from %.0f B to %.0f MB, in bytes or with a unit: B, kB, MB, GB.",
						   option->least, option->most / MEGABYTE);
	return parse_int(value, result, GUC_UNIT_BYTE, NULL) &&
		*result >= option->least && *result <= option->most;
}

/*
 * Visible ASCII, into a char *.
 *
 * Keys and tokens go into header lines, where a line break would begin a line
 * of its own, and a blank is more likely pasted than meant.
 */
static bool
parse_printable(const Option *option, const char *value, void *field,
				OptionFault *fault)
{
	const char *c;

	if (option->punctuation == NULL)
		fault->hint = psprintf("Valid values have %.0f to %.0f characters of visible ASCII, without blanks.",
							   option->least, option->most);
	else
		fault->hint = psprintf("Valid values have %.0f to %.0f characters: letters, digits and any of \"%s\".",
							   option->least, option->most,
							   option->punctuation);

	if (strlen(value) < option->least || strlen(value) > option->most)
		return false;

	for (c = value; *c != '\0'; c++)
	{
		bool		alphanumeric = (*c >= 'a' && *c <= 'z') ||
		(*c >= 'A' && *c <= 'Z') ||
		(*c >= '0' && *c <= '9');

		if (*c <= ' ' || *c > '~' ||
			(option->punctuation != NULL && !alphanumeric &&
			 strchr(option->punctuation, *c) == NULL))
			return false;
	}

	*(char **) field = pstrdup(value);
	return true;
}

/* into a char * */
static bool
parse_region(const Option *option pg_attribute_unused(), const char *value,
			 void *field, OptionFault *fault)
{
	fault->hint =
		"Valid values are names of AWS regions, such as \"us-east-1\".";
	*(char **) field = pstrdup(value);
	return appconfig_endpoint_region_is_valid(value);
}

/* into a char *, still to be taken apart */
static bool
parse_endpoint(const Option *option pg_attribute_unused(), const char *value,
			   void *field, OptionFault *fault)
{
	UriEndpoint endpoint;

	fault->hint =
		"Valid values are base URLs, such as \"https://aws.example.com\".";
	if (!appconfig_uri_parse_endpoint(value, &endpoint, &fault->detail))
		return false;
	appconfig_uri_free_endpoint(&endpoint);

	*(char **) field = pstrdup(value);
	return true;
}

/* into a UriProxy *, whose password is a secret */
static bool
parse_proxy(const Option *option pg_attribute_unused(), const char *value,
			void *field, OptionFault *fault)
{
	UriProxy   *proxy = palloc(sizeof(UriProxy));

	fault->hint =
		"Valid values are URLs of HTTP proxies, such as \"http://gateway.example.com:3128\" or \"http://user:password@gateway.example.com:3128\".";
	*(UriProxy **) field = proxy;
	return appconfig_uri_parse_proxy(value, proxy, &fault->detail);
}

/*
 * Into a char *.  Whether the file exists is not asked: it may be made later,
 * and the dump of a server may be restored on another machine.
 */
static bool
parse_file(const Option *option pg_attribute_unused(), const char *value,
		   void *field, OptionFault *fault)
{
	fault->hint =
		"Valid values are absolute paths of files on the database server.";
	*(char **) field = pstrdup(value);
	return is_absolute_path(value);
}

/* Every name that tables.c gives to a table */
char *
appconfig_options_list_tables(void)
{
	const AppConfigTable *table;
	StringInfoData list;

	initStringInfo(&list);
	for (table = appconfig_tables; table->name != NULL; table++)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", table->name);
	return list.data;
}

/* into a char * */
static bool
parse_table_name(const Option *option pg_attribute_unused(), const char *value,
				 void *field, OptionFault *fault)
{
	*(char **) field = pstrdup(value);
	if (appconfig_table_find(value) != NULL)
		return true;

	fault->sqlstate = ERRCODE_FDW_TABLE_NOT_FOUND;
	fault->hint =
		psprintf("Available tables are: %s.", appconfig_options_list_tables());
	return false;
}

/* Whether one of the tables that stand before this one has the column */
static bool
is_column_before(const AppConfigTable *end, const char *name)
{
	const AppConfigTable *table;

	for (table = appconfig_tables; table < end; table++)
	{
		if (appconfig_table_find_column(table, name) != NULL)
			return true;
	}
	return false;
}

/* Every name that tables.c gives to a column of any table, once */
static char *
list_all_columns(void)
{
	const AppConfigTable *table;
	const AppConfigColumn *column;
	StringInfoData list;

	initStringInfo(&list);
	for (table = appconfig_tables; table->name != NULL; table++)
	{
		for (column = table->columns; column->name != NULL; column++)
		{
			if (!is_column_before(table, column->name))
				appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
								 column->name);
		}
	}
	return list.data;
}

/*
 * Into a char *.  Which table the column belongs to is not known where the
 * option is set, so any table's column will do here, and the hint has them
 * all.  Where it is used, fdw_columns.c can say more.
 */
static bool
parse_column_name(const Option *option pg_attribute_unused(),
				  const char *value, void *field, OptionFault *fault)
{
	const AppConfigTable *table;

	*(char **) field = pstrdup(value);
	for (table = appconfig_tables; table->name != NULL; table++)
	{
		if (appconfig_table_find_column(table, value) != NULL)
			return true;
	}

	fault->sqlstate = ERRCODE_FDW_INVALID_COLUMN_NAME;
	fault->hint =
		psprintf("The columns of all tables are: %s.", list_all_columns());
	return false;
}

/* ------------------------------------------------------------------------
 * Checks
 * ------------------------------------------------------------------------
 */

/* The first option of that name, or NULL */
static DefElem *
find_given(List *given, const char *name)
{
	ListCell   *lc;

	foreach(lc, given)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, name) == 0)
			return def;
	}
	return NULL;
}

static bool
is_given(List *given, const char *name)
{
	return find_given(given, name) != NULL;
}

/* The text of an option's value, or NULL if it is not given */
static const char *
value_of(List *given, const char *name)
{
	DefElem    *def = find_given(given, name);

	return def != NULL ? defGetString(def) : NULL;
}

/* Whether the option exists there; other options are none of our business */
static const Option *
find_option(const char *name, int where)
{
	const Option *option;

	for (option = options; option->name != NULL; option++)
	{
		if ((option->where & where) != 0 && strcmp(option->name, name) == 0)
			return option;
	}
	return NULL;
}

/*
 * Whether the server log must not quote the statement that an error is about,
 * since it may have secrets in it: it sets options of a user mapping, be it
 * where they belong or elsewhere by mistake, or a proxy.
 *
 * log_statement and pg_stat_activity show it all the same; that is the
 * server's affair.
 */
static bool
has_secrets(List *given, int where)
{
	ListCell   *lc;

	foreach(lc, given)
	{
		const char *name = lfirst_node(DefElem, lc)->defname;

		if (find_option(name, ON_MAPPING) != NULL ||
			strcmp(name, "proxy") == 0)
			return true;
	}
	return where == ON_MAPPING;
}

/* Refuses options that do not exist there, and says which can be set. */
static void
check_names(List *given, int where)
{
	const Option *option;
	const char *unknown = NULL;
	StringInfoData valid;
	ListCell   *lc;

	foreach(lc, given)
	{
		const char *name = lfirst_node(DefElem, lc)->defname;

		if (unknown == NULL && find_option(name, where) == NULL)
			unknown = name;
	}
	if (unknown == NULL)
		return;

	initStringInfo(&valid);
	for (option = options; option->name != NULL; option++)
	{
		if ((option->where & where) != 0)
			appendStringInfo(&valid, "%s%s", valid.len > 0 ? ", " : "",
							 option->name);
	}

	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", unknown),
			 valid.len > 0
			 ? errhint("Valid options in this context are: %s", valid.data)
			 : errhint("There are no valid options in this context."),
			 errhidestmt(has_secrets(given, where))));
}

/*
 * Refuses an option that is there twice.  PostgreSQL does so, too, but in older
 * minor releases not where the name of one has a '=' in it: the catalog has
 * "name=value" for each, and "role_arn=a" 'b' is another value of role_arn.
 */
static void
check_once(List *given, int where)
{
	ListCell   *lc;

	foreach(lc, given)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		if (find_given(given, def->defname) != def)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("option \"%s\" provided more than once",
							def->defname),
					 errhidestmt(has_secrets(given, where))));
	}
}

/* Refuses a value, which is quoted unless it may be, or contain, a secret. */
static void
report_fault(const Option *option, const char *value, const OptionFault *fault,
			 bool hide_statement)
{
	bool		hidden = (option->flags & HIDDEN) != 0;

	ereport(ERROR,
			(errcode(fault->sqlstate),
			 hidden ? errmsg("invalid value for option \"%s\"", option->name)
			 : errmsg("invalid value for option \"%s\": \"%s\"",
					  option->name, value),
			 fault->detail ? errdetail("%s", fault->detail) : 0,
			 errhint("%s", fault->hint),
			 errhidestmt(hidden || hide_statement)));
}

/* An endpoint that is given is not varied */
static void
check_variants(const OptionValues *values, const char *name, const char *url)
{
	if (url != NULL &&
		(values->credentials.use_fips || values->credentials.use_dualstack))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" cannot be combined with option \"%s\"",
						name,
						values->credentials.use_fips ? "use_fips" : "use_dualstack"),
				 errhint("An endpoint is used as it is given; name the variant that you want in it.")));
}

/*
 * Refuses options that lack another one, or contradict it.  These rules are
 * about the complete options of an object, never about a change alone: the
 * validator is given the former.
 */
static void
check_together(List *given, int where, const OptionValues *values)
{
	const Option *option;

	for (option = options; option->name != NULL; option++)
	{
		if ((option->where & where) == 0)
			continue;

		if ((option->flags & REQUIRED) != 0 && !is_given(given, option->name))
			ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
							errmsg("option \"%s\" is required", option->name),
							errhint("Set it with OPTIONS (%s '...').",
									option->name)));

		if (option->needs != NULL && is_given(given, option->name) &&
			!is_given(given, option->needs))
			ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
							errmsg("option \"%s\" requires option \"%s\"",
								   option->name, option->needs),
							errhint("Set both, or neither of them."),
							errhidestmt(has_secrets(given, where))));
	}

	check_variants(values, "endpoint", values->endpoint);
	check_variants(values, "sts_endpoint", values->sts_endpoint);
}

/*
 * Reads the options of one object, with defaults for those that are not given.
 */
static void
read_options(List *given, int where, OptionValues *values)
{
	const Option *option;

	memset(values, 0, sizeof(*values));

	for (option = options; option->name != NULL; option++)
	{
		OptionFault fault = {ERRCODE_INVALID_PARAMETER_VALUE, NULL, NULL};
		const char *value;

		if ((option->where & where) == 0)
			continue;

		value = value_of(given, option->name);
		if (value == NULL)
			value = option->initial;
		if (value != NULL &&
			!option->parse(option, value, (char *) values + option->field,
						   &fault))
			report_fault(option, value, &fault, has_secrets(given, where));
	}

	check_together(given, where, values);
}

/*
 * The validator: given the complete options of an object as they would be, and
 * the catalog that the object is in.
 */
Datum
appconfig_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *given = untransformRelOptions(PG_GETARG_DATUM(0));
	int			where;
	OptionValues values;

	switch (PG_GETARG_OID(1))
	{
		case ForeignServerRelationId:
			where = ON_SERVER;
			break;
		case UserMappingRelationId:
			where = ON_MAPPING;
			break;
		case ForeignTableRelationId:
			where = ON_TABLE;
			break;
		case AttributeRelationId:
			where = ON_COLUMN;
			break;
		default:
			where = ON_WRAPPER;
			break;
	}

	check_names(given, where);
	check_once(given, where);
	read_options(given, where, &values);

	PG_RETURN_VOID();
}

/*
 * Checks the options of IMPORT FOREIGN SCHEMA, for which PostgreSQL does not
 * call the validator.
 */
void
appconfig_options_check_import(List *given)
{
	check_names(given, ON_IMPORT);
}

/* ------------------------------------------------------------------------
 * What fdw_guard.c asks
 * ------------------------------------------------------------------------
 */

/* Is the option set to something?  Anybody may say that something is off. */
static bool
is_in_force(const Option *option, List *given)
{
	const char *value = value_of(given, option->name);
	bool		on;

	return value != NULL && (option->parse != parse_ambient ||
							 !parse_bool(value, &on) || on);
}

/*
 * The first of the options with that trait whose values differ, or NULL.  Both
 * are complete options of one object.
 */
const char *
appconfig_options_changed(List *before, List *after, OptionTrait trait)
{
	const Option *option;

	for (option = options; option->name != NULL; option++)
	{
		const char *was = value_of(before, option->name);
		const char *is = value_of(after, option->name);

		if ((option->flags & trait) == 0 ||
			(!is_in_force(option, before) && !is_in_force(option, after)))
			continue;
		if (was == NULL || is == NULL || strcmp(was, is) != 0)
			return option->name;
	}
	return NULL;
}

/* The first option that only a superuser can have set, or NULL */
const char *
appconfig_options_in_force(List *of_server)
{
	const Option *option;

	for (option = options; option->name != NULL; option++)
	{
		if ((option->flags & OPTION_OF_SUPERUSERS) != 0 &&
			is_in_force(option, of_server))
			return option->name;
	}
	return NULL;
}

/* May users of the server sign with the database server's credentials? */
bool
appconfig_options_are_ambient(List *of_server)
{
	return is_in_force(find_option("ambient_credentials", ON_SERVER),
					   of_server);
}

/* Has the user mapping keys of its own? */
bool
appconfig_options_have_keys(List *of_mapping)
{
	return is_given(of_mapping, "access_key_id");
}

/*
 * Is a wrapper's validator the one of this file?  What fmgr_info() finds would
 * not tell: it is another function where this one has a setting of its own
 * (ALTER FUNCTION ... SET search_path), or where some hook looks at calls.
 */
bool
appconfig_options_are_checked_by(Oid validator)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(validator));
	void	   *function = NULL;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId)
	{
		/* neither is NULL in that language */
		bool		isnull;
		Datum		symbol = SysCacheGetAttr(PROCOID, tuple,
											 Anum_pg_proc_prosrc, &isnull);
		Datum		library = SysCacheGetAttr(PROCOID, tuple,
											  Anum_pg_proc_probin, &isnull);

		function = load_external_function(TextDatumGetCString(library),
										  TextDatumGetCString(symbol),
										  true, NULL);
	}
	ReleaseSysCache(tuple);
	return function == (void *) appconfig_fdw_validator;
}

/* ------------------------------------------------------------------------
 * Readers
 * ------------------------------------------------------------------------
 */

/*
 * Overwrites the values of options before their memory is used again.  The
 * catalog cache has them still, and anybody who reads that reads the table.
 */
static void
wipe_options(List *given)
{
	ListCell   *lc;

	foreach(lc, given)
	{
		char	   *value = defGetString(lfirst_node(DefElem, lc));

		explicit_bzero(value, strlen(value));
	}
}

/* Reads the options of a server; the proxy among them has a secret */
static void
read_server(Oid serverid, OptionValues *values)
{
	ForeignServer *server = GetForeignServer(serverid);

	read_options(server->options, ON_SERVER, values);
	wipe_options(server->options);
}

/*
 * Fills *endpoint with where the service is to be found: at that URL, or else
 * where AWS has it.
 */
static void
find_endpoint(ServiceEndpoint *endpoint, const OptionValues *values,
			  AwsService service, const char *url)
{
	const char *region = values->settings.region;
	const char *reason;

	if (url == NULL)
		url = appconfig_endpoint_base_url(service == AWS_STS ? "sts" : "appconfig",
										  region,
										  values->credentials.use_fips,
										  values->credentials.use_dualstack);
	if (!appconfig_service_endpoint_set(endpoint, service, region, url,
										&reason))
		elog(ERROR, "could not parse the endpoint of region \"%s\": %s",
			 region, reason);
}

/*
 * Fills *settings from the options of a server, to be given to
 * appconfig_options_wipe_settings().
 */
void
appconfig_options_get_settings(Oid serverid, AppConfigSettings *settings)
{
	OptionValues values;

	read_server(serverid, &values);
	*settings = values.settings;
	find_endpoint(&settings->endpoint, &values, AWS_APPCONFIG, values.endpoint);
	find_endpoint(&settings->sts, &values, AWS_STS, values.sts_endpoint);
}

/* Overwrites and frees what is secret of the settings; may be called again */
void
appconfig_options_wipe_settings(AppConfigSettings *settings)
{
	if (settings->proxy != NULL)
	{
		appconfig_uri_free_proxy(settings->proxy);
		pfree(settings->proxy);
	}
	settings->proxy = NULL;
}

/* A server's region alone */
char *
appconfig_options_get_region(Oid serverid)
{
	OptionValues values;

	read_server(serverid, &values);
	appconfig_options_wipe_settings(&values.settings);
	return values.settings.region;
}

/* A server's max_get_rate and max_list_rate alone: calls per second, or 0 */
void
appconfig_options_get_rates(Oid serverid, double *get_rate, double *list_rate)
{
	OptionValues values;

	read_server(serverid, &values);
	*get_rate = values.settings.max_get_rate;
	*list_rate = values.settings.max_list_rate;
	appconfig_options_wipe_settings(&values.settings);
}

/* Whether the user has a mapping, be it PUBLIC's */
static bool
has_user_mapping(Oid serverid, Oid userid)
{
	return SearchSysCacheExists2(USERMAPPINGUSERSERVER,
								 ObjectIdGetDatum(userid),
								 ObjectIdGetDatum(serverid)) ||
		SearchSysCacheExists2(USERMAPPINGUSERSERVER,
							  ObjectIdGetDatum(InvalidOid),
							  ObjectIdGetDatum(serverid));
}

/* What the mapping does not say the server does */
static void
add_defaults(CredentialOptions *options, const CredentialOptions *of_server)
{
	if (options->role_arn == NULL)
		options->role_arn = of_server->role_arn;
	if (options->external_id == NULL)
		options->external_id = of_server->external_id;
	if (options->role_session_name == NULL)
		options->role_session_name = of_server->role_session_name;
	options->profile = of_server->profile;
	options->use_fips = of_server->use_fips;
	options->use_dualstack = of_server->use_dualstack;
}

/*
 * Fills *options with what the user's mapping and the server say of who signs,
 * whose keys are the caller's to wipe, and *umid with the mapping's OID.
 * Keys of the user's own come before the database server's.
 */
void
appconfig_options_get_credentials(Oid serverid, Oid userid,
								  CredentialOptions *options, Oid *umid)
{
	OptionValues of_server;
	OptionValues values;

	memset(&values, 0, sizeof(values));
	*umid = InvalidOid;
	read_server(serverid, &of_server);
	appconfig_options_wipe_settings(&of_server.settings);
	if (has_user_mapping(serverid, userid))
	{
		UserMapping *mapping = GetUserMapping(userid, serverid);

		*umid = mapping->umid;
		read_options(mapping->options, ON_MAPPING, &values);
		wipe_options(mapping->options);
	}
	*options = values.credentials;
	add_defaults(options, &of_server.credentials);
	options->sts_is_given = of_server.sts_endpoint != NULL;
	if (options->keys.access_key_id == NULL)
		options->ambient = of_server.credentials.ambient;

	if (options->keys.access_key_id == NULL && options->ambient == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("no AWS credentials for user \"%s\" on server \"%s\"",
						GetUserNameFromId(userid, false),
						GetForeignServer(serverid)->servername),
				 OidIsValid(*umid)
				 ? errdetail("The user mapping has no access key.")
				 : errdetail("There is no user mapping."),
				 errhint("Use %s USER MAPPING with the options access_key_id and secret_access_key.",
						 OidIsValid(*umid) ? "ALTER" : "CREATE")));
}

/*
 * Returns which of the tables a foreign table is: the one that its option
 * names, or else the one with its own name.
 */
const AppConfigTable *
appconfig_options_get_table(Oid foreigntableid)
{
	OptionValues values;
	const AppConfigTable *table;
	const char *relname = get_rel_name(foreigntableid);

	read_options(GetForeignTable(foreigntableid)->options, ON_TABLE, &values);

	table = appconfig_table_find(values.object ? values.object : relname);
	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_TABLE_NOT_FOUND),
				 errmsg("AppConfig has no table \"%s\"", relname),
				 errhint("Name one of these in the option \"object\" of the foreign table: %s.",
						 appconfig_options_list_tables())));
	return table;
}

/*
 * The name of a table's column that the option of a foreign table's column
 * says, or NULL.
 */
char *
appconfig_options_get_column_name(Oid foreigntableid, AttrNumber attnum)
{
	OptionValues values;

	read_options(GetForeignColumnOptions(foreigntableid, attnum), ON_COLUMN,
				 &values);
	return values.column_name;
}
