/*-------------------------------------------------------------------------
 *
 * credential_plan.c
 *		How credentials come about, as the environment and AWS's files say
 *
 * What lives here is the order of the sources, which is that of the published
 * cases (default-credential-provider-chain.json), and what a profile says of
 * credentials: keys, a role by way of another profile or of a source, or what
 * a database server cannot do, such as to open a browser.
 *
 * A source that isn't configured is passed over; one that is configured and of
 * no use ends the search, since its place must not be taken by an identity
 * that nobody meant.  So does a file that cannot be understood, for it may
 * also say where STS is.
 *
 * What may not live here: I/O other than reading the two files, errors being
 * raised, and secrets in any message.  A plan is carried out elsewhere.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "credential_plan.h"
#include "shown_text.h"
#include "uri.h"

/* STS's limits (API reference, AssumeRole) */
#define MIN_DURATION 900
#define MAX_DURATION 43200

#define INSTEAD "Give the machine or the container a role, or the profile keys, or the server the option role_arn."

typedef struct PlanMaker
{
	const CredentialPlanRequest *request;
	CredentialPlan *plan;
	AwsSettings settings;
	CredentialReason reason;	/* why there is no plan, or not yet */
} PlanMaker;

typedef CredentialPlanOutcome (*SourceFunction) (PlanMaker *maker,
												 CredentialStep *base);

/* The way from the chosen profile to the one that has the base */
typedef struct ProfileChain
{
	const char *names[CREDENTIAL_MAX_STEPS];	/* of profiles */
	int			count;
	int			roles;			/* of so many of them, from the first on */
} ProfileChain;

/* What a profile may ask for that is refused */
typedef struct RefusedKey
{
	const char *key;
	const char *what;			/* it stands for */
} RefusedKey;

/* in the order in which AWS's clients look for them in a profile */
static const RefusedKey refused_keys[] = {
	{"sso_session", "single sign-on (SSO)"},
	{"sso_start_url", "single sign-on (SSO)"},
	{"sso_account_id", "single sign-on (SSO)"},
	{"sso_role_name", "single sign-on (SSO)"},
	{"sso_region", "single sign-on (SSO)"},
	{"login_session", "\"aws login\""},
	{"credential_process", "a program that prints credentials"},
};

#define broken(maker, hint, ...) \
	appconfig_credential_reason_set(&(maker)->reason, CREDENTIAL_PLAN_BROKEN, \
									hint, __VA_ARGS__)

static const char *
property(const PlanMaker *maker, const char *profile, const char *key)
{
	return appconfig_aws_settings_property(&maker->settings, profile, key);
}

/* Puts the profile's name before the message of a reason. */
static void
name_profile(PlanMaker *maker, const char *profile)
{
	char	   *message = maker->reason.message;
	ShownText	shown;

	maker->reason.message =
		psprintf("profile \"%s\": %s",
				 appconfig_shown_text(&shown, profile), message);
	pfree(message);
}

/* ------------------------------------------------------------------------
 * Roles
 * ------------------------------------------------------------------------
 */

/* Copies a key's value, which is a parameter of STS.  False if it can't be. */
static bool
copy_parameter(PlanMaker *maker, const char *profile, const char *key,
			   char **copy)
{
	const char *value = property(maker, profile, key);

	if (value == NULL)
		return true;
	if (!appconfig_credentials_text_is_valid(value))
	{
		broken(maker, NULL,
			   "%s has blanks or other characters that are not visible ASCII",
			   key);
		return false;
	}
	*copy = pstrdup(value);
	return true;
}

static bool
take_duration(PlanMaker *maker, const char *profile, int *duration)
{
	const char *text = property(maker, profile, "duration_seconds");
	size_t		digits = text != NULL ? strspn(text, "0123456789") : 0;

	*duration = CREDENTIAL_ROLE_DURATION;
	if (text == NULL)
		return true;
	if (digits > 0 && digits <= strlen("43200") && text[digits] == '\0')
		*duration = atoi(text);
	else
		*duration = 0;
	if (*duration >= MIN_DURATION && *duration <= MAX_DURATION)
		return true;
	broken(maker, "Valid values are integers from 900 to 43200.",
		   "duration_seconds is invalid");
	return false;
}

/* Fills what a step needs that leads to the role of a profile. */
static CredentialPlanOutcome
take_role(PlanMaker *maker, const char *profile, CredentialStep *step)
{
	if (property(maker, profile, "mfa_serial") != NULL)
		return broken(maker, INSTEAD,
					  "mfa_serial is set, and nobody can be asked for a code");
	if (!copy_parameter(maker, profile, "role_arn", &step->role_arn) ||
		!copy_parameter(maker, profile, "external_id", &step->external_id) ||
		!copy_parameter(maker, profile, "role_session_name",
						&step->role_session_name) ||
		!take_duration(maker, profile, &step->duration))
		return CREDENTIAL_PLAN_BROKEN;
	step->kind = CREDENTIAL_ROLE;
	return CREDENTIAL_PLAN_MADE;
}

/* ------------------------------------------------------------------------
 * The base of a profile
 * ------------------------------------------------------------------------
 */

static bool
has_keys(const PlanMaker *maker, const char *profile)
{
	return property(maker, profile, "aws_access_key_id") != NULL &&
		property(maker, profile, "aws_secret_access_key") != NULL;
}

static CredentialPlanOutcome
take_keys(PlanMaker *maker, const char *profile, CredentialStep *step)
{
	static const char *const names[] = {
		"aws_access_key_id", "aws_secret_access_key", "aws_session_token",
	};
	const char *texts[CREDENTIAL_KEY_TEXTS];
	int			i;

	for (i = 0; i < CREDENTIAL_KEY_TEXTS; i++)
		texts[i] = property(maker, profile, names[i]);
	if (texts[0] == NULL && texts[1] == NULL)
		return appconfig_credential_reason_set(&maker->reason,
											   CREDENTIAL_PLAN_NONE, NULL,
											   "it has no credentials");
	return appconfig_credential_source_keys(texts, names, step,
											&maker->reason);
}

/*
 * The source that credential_source names.  That one isn't configured is no
 * reason to look for another.
 */
static CredentialPlanOutcome
take_named_source(PlanMaker *maker, const char *name, CredentialStep *step)
{
	CredentialPlanOutcome outcome;
	ShownText	shown;
	char	   *message;

	if (pg_strcasecmp(name, "Environment") == 0)
		outcome = appconfig_credential_source_environment(step, &maker->reason);
	else if (pg_strcasecmp(name, "EcsContainer") == 0)
		outcome = appconfig_credential_source_container(step, &maker->reason);
	else if (pg_strcasecmp(name, "Ec2InstanceMetadata") == 0)
		outcome = appconfig_credential_source_instance(&maker->settings, step,
													   &maker->reason);
	else
		return broken(maker, "Valid sources are Environment, Ec2InstanceMetadata and EcsContainer.",
					  "credential_source \"%s\" is unknown",
					  appconfig_shown_text(&shown, name));
	if (outcome == CREDENTIAL_PLAN_MADE)
		return outcome;
	message = maker->reason.message;
	outcome = broken(maker, maker->reason.hint,
					 "credential_source is %s, and %s",
					 appconfig_shown_text(&shown, name), message);
	pfree(message);
	return outcome;
}

static CredentialPlanOutcome
take_web_identity(PlanMaker *maker, const char *profile, CredentialStep *step)
{
	CredentialPlanOutcome outcome;

	if (property(maker, profile, "role_arn") == NULL)
		return broken(maker, NULL,
					  "web_identity_token_file is set, and role_arn is not");
	outcome = take_role(maker, profile, step);
	step->kind = CREDENTIAL_WEB_IDENTITY;
	step->token_file =
		pstrdup(property(maker, profile, "web_identity_token_file"));
	return outcome;
}

/* What a profile asks for that is refused; NULL if there is nothing */
static const RefusedKey *
find_refused_key(const PlanMaker *maker, const char *profile)
{
	size_t		i;

	for (i = 0; i < lengthof(refused_keys); i++)
	{
		if (property(maker, profile, refused_keys[i].key) != NULL)
			return &refused_keys[i];
	}
	return NULL;
}

/*
 * The credentials that a profile has by itself, in the order of smithy-rs.
 * What it says of a role is done with, but for the role of a web identity.
 */
static CredentialPlanOutcome
take_base(PlanMaker *maker, const char *profile, CredentialStep *step)
{
	const char *source = property(maker, profile, "credential_source");
	const char *token = property(maker, profile, "web_identity_token_file");
	const RefusedKey *refused;

	if (source != NULL && token != NULL)
		return broken(maker, "Give one of them.",
					  "credential_source and web_identity_token_file exclude each other");
	if (source != NULL)
		return take_named_source(maker, source, step);
	if (token != NULL)
		return take_web_identity(maker, profile, step);
	refused = find_refused_key(maker, profile);
	if (refused != NULL)
		return broken(maker, INSTEAD,
					  "%s is set, and %s is not supported", refused->key,
					  refused->what);
	return take_keys(maker, profile, step);
}

/* ------------------------------------------------------------------------
 * Chains of profiles
 * ------------------------------------------------------------------------
 */

/* Web identity is the root of a chain, not a role on top of it. */
static bool
has_chained_role(const PlanMaker *maker, const char *profile)
{
	return property(maker, profile, "role_arn") != NULL &&
		property(maker, profile, "web_identity_token_file") == NULL;
}

/*
 * Finds what the role of a profile is assumed with: the name of another
 * profile, or the same name where it is in this one.
 */
static CredentialPlanOutcome
find_next(PlanMaker *maker, const char *profile, const char **next)
{
	const char *source_profile = property(maker, profile, "source_profile");
	const char *credential_source =
	property(maker, profile, "credential_source");

	if (source_profile != NULL && credential_source != NULL)
		return broken(maker, "Give one of them.",
					  "source_profile and credential_source exclude each other");
	if (source_profile == NULL && credential_source == NULL)
		return broken(maker, "Say whose credentials the role is assumed with.",
					  "role_arn is set, and neither source_profile nor credential_source is");
	*next = source_profile != NULL ? source_profile : profile;
	return CREDENTIAL_PLAN_MADE;
}

/* Whether a profile may be the next one of a chain */
static CredentialPlanOutcome
check_next(PlanMaker *maker, const ProfileChain *chain, const char *next)
{
	ShownText	shown;
	int			i;

	appconfig_shown_text(&shown, next);
	if (!appconfig_aws_config_has(&maker->settings.config, AWS_SECTION_PROFILE,
								  next))
		return broken(maker, NULL, "source_profile \"%s\" does not exist",
					  shown.text);
	for (i = 0; i < chain->count; i++)
	{
		if (strcmp(chain->names[i], next) == 0)
			return broken(maker, NULL, "source_profile \"%s\" closes a loop",
						  shown.text);
	}
	if (chain->count == CREDENTIAL_MAX_STEPS)
		return broken(maker, NULL,
					  "source_profile \"%s\" is one too many in a chain of %d",
					  shown.text, chain->count);
	return CREDENTIAL_PLAN_MADE;
}

/*
 * Follows the profiles as smithy-rs does: from the second one on, keys count
 * before a role.
 */
static CredentialPlanOutcome
follow_profiles(PlanMaker *maker, ProfileChain *chain)
{
	const char *name = maker->settings.profile;

	for (;;)
	{
		const char *next = NULL;
		bool		is_source = chain->count > 0;

		chain->names[chain->count++] = name;
		if ((is_source && has_keys(maker, name)) ||
			!has_chained_role(maker, name))
			return CREDENTIAL_PLAN_MADE;
		chain->roles++;
		if (find_next(maker, name, &next) != CREDENTIAL_PLAN_MADE)
			return CREDENTIAL_PLAN_BROKEN;
		if (strcmp(next, name) == 0)
			return CREDENTIAL_PLAN_MADE;
		if (check_next(maker, chain, next) != CREDENTIAL_PLAN_MADE)
			return CREDENTIAL_PLAN_BROKEN;
		name = next;
	}
}

/* The base of the last profile: keys before all else if another names it. */
static CredentialPlanOutcome
take_chain_base(PlanMaker *maker, const ProfileChain *chain,
				CredentialStep *base)
{
	const char *last = chain->names[chain->count - 1];
	CredentialPlanOutcome outcome;

	if (chain->count > 1 && has_keys(maker, last))
		outcome = take_keys(maker, last, base);
	else
		outcome = take_base(maker, last, base);
	/* a role that is to be assumed with nothing */
	if (outcome == CREDENTIAL_PLAN_NONE && chain->roles > 0)
		outcome = CREDENTIAL_PLAN_BROKEN;
	if (outcome != CREDENTIAL_PLAN_MADE)
		name_profile(maker, last);
	return outcome;
}

/* Adds the roles, the one of the first profile last. */
static CredentialPlanOutcome
take_chain_roles(PlanMaker *maker, const ProfileChain *chain)
{
	CredentialPlan *plan = maker->plan;
	CredentialPlanOutcome outcome = CREDENTIAL_PLAN_MADE;
	int			i;

	for (i = chain->roles - 1; i >= 0 && outcome == CREDENTIAL_PLAN_MADE; i--)
	{
		if (plan->count == CREDENTIAL_MAX_STEPS)
			outcome = broken(maker, NULL,
							 "its role is one too many in a chain of %d steps",
							 plan->count);
		else
			outcome = take_role(maker, chain->names[i],
								&plan->steps[plan->count++]);
		if (outcome != CREDENTIAL_PLAN_MADE)
			name_profile(maker, chain->names[i]);
	}
	return outcome;
}

/*
 * Says that the chosen profile isn't in the files.  That is no fault of one by
 * the name "default", which nobody need have.
 */
static CredentialPlanOutcome
miss_profile(PlanMaker *maker)
{
	const AwsSettings *settings = &maker->settings;
	bool		is_default = strcmp(settings->profile, "default") == 0;
	ShownText	profile;
	ShownText	paths[AWS_FILES];
	int			i;

	for (i = 0; i < AWS_FILES; i++)
		appconfig_shown_text(&paths[i], settings->files[i].path != NULL
							 ? settings->files[i].path : "~");
	return appconfig_credential_reason_set(&maker->reason,
										   is_default ? CREDENTIAL_PLAN_NONE
										   : CREDENTIAL_PLAN_BROKEN, NULL,
										   "there is no profile \"%s\" in \"%s\" or \"%s\"",
										   appconfig_shown_text(&profile, settings->profile),
										   paths[0].text, paths[1].text);
}

/* ------------------------------------------------------------------------
 * Sources
 * ------------------------------------------------------------------------
 */

static CredentialPlanOutcome
take_environment(PlanMaker *maker, CredentialStep *base)
{
	return appconfig_credential_source_environment(base, &maker->reason);
}

static CredentialPlanOutcome
take_profile(PlanMaker *maker, CredentialStep *base)
{
	ProfileChain chain = {{NULL}, 0, 0};
	CredentialPlanOutcome outcome;

	if (!appconfig_aws_config_has(&maker->settings.config, AWS_SECTION_PROFILE,
								  maker->settings.profile))
		return miss_profile(maker);
	outcome = follow_profiles(maker, &chain);
	if (outcome != CREDENTIAL_PLAN_MADE)
	{
		name_profile(maker, chain.names[chain.count - 1]);
		return outcome;
	}
	outcome = take_chain_base(maker, &chain, base);
	if (outcome == CREDENTIAL_PLAN_MADE)
		outcome = take_chain_roles(maker, &chain);
	return outcome;
}

static CredentialPlanOutcome
take_web_identity_source(PlanMaker *maker, CredentialStep *base)
{
	return appconfig_credential_source_web_identity(base, &maker->reason);
}

static CredentialPlanOutcome
take_container(PlanMaker *maker, CredentialStep *base)
{
	return appconfig_credential_source_container(base, &maker->reason);
}

static CredentialPlanOutcome
take_instance(PlanMaker *maker, CredentialStep *base)
{
	return appconfig_credential_source_instance(&maker->settings, base,
												&maker->reason);
}

typedef struct PlanSource
{
	int			bit;
	const char *name;
	SourceFunction take;
} PlanSource;

static const PlanSource sources[] = {
	{AMBIENT_ENVIRONMENT, "environment", take_environment},
	{AMBIENT_PROFILE, "profile", take_profile},
	{AMBIENT_WEB_IDENTITY, "web_identity", take_web_identity_source},
	{AMBIENT_CONTAINER, "container", take_container},
	{AMBIENT_INSTANCE, "instance", take_instance},
};

/* The bit of the source of that name, which need not end there; 0: none */
int
appconfig_credential_plan_find_source(const char *name, size_t length)
{
	size_t		i;

	for (i = 0; i < lengthof(sources); i++)
	{
		if (strlen(sources[i].name) == length &&
			memcmp(sources[i].name, name, length) == 0)
			return sources[i].bit;
	}
	return 0;
}

static void
wipe_steps(CredentialPlan *plan)
{
	int			i;

	for (i = 0; i < CREDENTIAL_MAX_STEPS; i++)
		appconfig_credential_step_wipe(&plan->steps[i]);
	plan->count = 0;
}

/* Says in the list of sources why one was passed over. */
static void
pass_over(PlanMaker *maker, const PlanSource *source, StringInfo tried)
{
	appendStringInfo(tried, "%s%s: %s", tried->len > 0 ? "; " : "",
					 source->name, maker->reason.message);
	pfree(maker->reason.message);
	maker->reason.message = NULL;
}

/* Finds the first source that is configured. */
static CredentialPlanOutcome
find_source(PlanMaker *maker, StringInfo tried)
{
	CredentialPlan *plan = maker->plan;
	size_t		i;

	for (i = 0; i < lengthof(sources); i++)
	{
		CredentialPlanOutcome outcome;

		if ((maker->request->sources & sources[i].bit) == 0)
			continue;
		plan->source = sources[i].name;
		plan->count = 1;
		outcome = sources[i].take(maker, &plan->steps[0]);
		if (outcome != CREDENTIAL_PLAN_NONE)
			return outcome;
		wipe_steps(plan);
		plan->source = NULL;
		pass_over(maker, &sources[i], tried);
	}
	return CREDENTIAL_PLAN_NONE;
}

/* ------------------------------------------------------------------------
 * The plan
 * ------------------------------------------------------------------------
 */

/* Reads the files, if profiles are to be looked at. */
static bool
load_settings(PlanMaker *maker)
{
	CredentialPlan *plan = maker->plan;
	bool		loaded;
	int			i;

	if ((maker->request->sources & AMBIENT_PROFILE) == 0)
		return true;
	loaded = appconfig_aws_settings_load(&maker->settings,
										 maker->request->profile_name,
										 &maker->reason.message);
	plan->profile = pstrdup(maker->settings.profile);
	for (i = 0; i < AWS_FILES; i++)
	{
		plan->files[i] = maker->settings.files[i];
		if (plan->files[i].path != NULL)
			plan->files[i].path = pstrdup(plan->files[i].path);
	}
	return loaded;
}

/* Takes what concerns STS.  False if that is not clear. */
static bool
take_sts(PlanMaker *maker)
{
	CredentialPlan *plan = maker->plan;
	const AwsSettings *settings = &maker->settings;
	char	  **message = &maker->reason.message;
	UriEndpoint endpoint;

	if (!appconfig_aws_settings_boolean(settings, "AWS_USE_FIPS_ENDPOINT",
										"use_fips_endpoint", &plan->use_fips,
										message) ||
		!appconfig_aws_settings_boolean(settings, "AWS_USE_DUALSTACK_ENDPOINT",
										"use_dualstack_endpoint",
										&plan->use_dualstack, message) ||
		!appconfig_aws_settings_endpoint(settings, "sts", &plan->sts_endpoint,
										 message))
		return false;
	if (plan->sts_endpoint == NULL)
		return true;
	if (appconfig_uri_parse_http(plan->sts_endpoint, &endpoint,
								 &maker->reason.hint))
	{
		appconfig_uri_free_endpoint(&endpoint);
		return true;
	}
	*message = pstrdup("the endpoint of STS that is configured cannot be used");
	return false;
}

static CredentialPlanOutcome
make_plan(PlanMaker *maker, StringInfo tried)
{
	CredentialPlanOutcome outcome;

	if (!load_settings(maker))
		return CREDENTIAL_PLAN_BROKEN;
	outcome = find_source(maker, tried);
	if (outcome == CREDENTIAL_PLAN_MADE && !take_sts(maker))
		return CREDENTIAL_PLAN_BROKEN;
	return outcome;
}

/*
 * Finds how credentials come about: from the environment, from the files of
 * AWS's clients, from both.  Nothing is asked over a network, and the files of
 * tokens are not opened.
 *
 * Files are read only where profiles are among the sources, and what they say
 * of the metadata service and of STS counts with every source then.
 *
 * Fills *plan, whatever the outcome; the caller gives it to
 * appconfig_credential_plan_wipe(), as there are secrets in it.  Appends to
 * tried, in a form fit for errdetail(), which sources were passed over and
 * why.  A broken source is in the plan: its name (NULL if it is the files that
 * are broken), message and hint.
 *
 * The URL of STS has two readings for nobody, but may be http for any host:
 * the caller decides whether it may be used.
 */
CredentialPlanOutcome
appconfig_credential_plan_make(const CredentialPlanRequest *request,
							   CredentialPlan *plan, StringInfo tried)
{
	PlanMaker	maker = {.request = request, .plan = plan};
	CredentialPlanOutcome outcome;

	memset(plan, 0, sizeof(*plan));
	outcome = make_plan(&maker, tried);
	appconfig_aws_settings_wipe(&maker.settings);
	if (outcome == CREDENTIAL_PLAN_BROKEN)
	{
		wipe_steps(plan);
		plan->message = maker.reason.message;
		plan->hint = maker.reason.hint;
	}
	return outcome;
}

/*
 * Whether the files are still what the plan was made of.  The environment of a
 * process does not change.
 */
bool
appconfig_credential_plan_is_current(const CredentialPlan *plan)
{
	int			i;

	for (i = 0; i < AWS_FILES; i++)
	{
		HostFileStamp now;

		if (plan->files[i].path == NULL)
			continue;
		appconfig_host_file_stamp(plan->files[i].path, &now);
		if (!appconfig_host_file_same(&plan->files[i].stamp, &now))
			return false;
	}
	return true;
}

/* Overwrites and frees what a plan holds, and empties it. */
void
appconfig_credential_plan_wipe(CredentialPlan *plan)
{
	char	   *texts[] = {plan->sts_endpoint, plan->message, plan->profile,
	plan->files[AWS_FILE_CONFIG].path, plan->files[AWS_FILE_CREDENTIALS].path};
	size_t		i;

	wipe_steps(plan);
	for (i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] == NULL)
			continue;
		/* somebody may have put a password into a URL */
		explicit_bzero(texts[i], strlen(texts[i]));
		pfree(texts[i]);
	}
	memset(plan, 0, sizeof(*plan));
}
