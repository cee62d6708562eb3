/*-------------------------------------------------------------------------
 *
 * credential_source.c
 *		What the environment says of the sources of credentials
 *
 * What lives here is a function for each source that needs no profile: keys in
 * the environment, web identity, the container's endpoint and the instance's
 * metadata service.  Each says that it isn't configured, or gives a step that
 * can be taken, or says what is wrong: what is configured for one source and
 * is of no use is not made up for by another.
 *
 * URLs are checked here because whoever is asked at one is believed.
 *
 * What may not live here: the order of sources and what profiles say of them
 * (credential_plan.c), and I/O.  No message has the value of a setting in it
 * that could be a secret.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "lib/stringinfo.h"

#include "credential_source.h"
#include "iso8601.h"
#include "shown_text.h"
#include "uri.h"

/* "Using IAM roles for tasks", Amazon ECS Developer Guide */
#define CONTAINER_BASE "http://169.254.170.2"

/* "Use IMDS", Amazon EC2 User Guide */
#define INSTANCE_BASE_IPV4 "http://169.254.169.254"
#define INSTANCE_BASE_IPV6 "http://[fd00:ec2::254]"

#define DEFAULT_TIMEOUT 1000	/* milliseconds, and botocore's */
#define MAX_TIMEOUT		60000
#define MAX_ATTEMPTS	100

/* IAM's limits (API reference, AssumeRole and CreateRole) */
#define MAX_ROLE_NAME 64
#define ROLE_NAME_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-"

/* Not only for loopback: the container's own endpoints, of ECS and of EKS */
static const char *const container_hosts[] = {
	"169.254.170.2",
	"169.254.170.23",
	"[fd00:ec2::23]",
};

/* ------------------------------------------------------------------------
 * Reasons
 * ------------------------------------------------------------------------
 */

/*
 * Fills *reason, whose message is overwritten without being freed, and returns
 * the outcome.
 */
CredentialPlanOutcome
appconfig_credential_reason_set(CredentialReason *reason,
								CredentialPlanOutcome outcome,
								const char *hint, const char *format,...)
{
	StringInfoData message;
	va_list		arguments;
	int			needed;

	initStringInfo(&message);
	for (;;)
	{
		va_start(arguments, format);
		needed = appendStringInfoVA(&message, format, arguments);
		va_end(arguments);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	reason->message = message.data;
	reason->hint = hint;
	return outcome;
}

#define none(reason, ...) \
	appconfig_credential_reason_set(reason, CREDENTIAL_PLAN_NONE, NULL, __VA_ARGS__)
#define broken(reason, hint, ...) \
	appconfig_credential_reason_set(reason, CREDENTIAL_PLAN_BROKEN, hint, __VA_ARGS__)

/* ------------------------------------------------------------------------
 * Keys
 * ------------------------------------------------------------------------
 */

/*
 * Makes a step of keys; the token may be NULL.  The names, of variables or of
 * a profile's keys in the order of the texts, are for messages.
 */
CredentialPlanOutcome
appconfig_credential_source_keys(const char *const *texts,
								 const char *const *names,
								 CredentialStep *step,
								 CredentialReason *reason)
{
	int			i;

	if (texts[0] == NULL || texts[1] == NULL)
		return broken(reason, "Give both or neither.",
					  "%s is set, and %s is not", names[texts[0] == NULL],
					  names[texts[0] != NULL]);
	for (i = 0; i < CREDENTIAL_KEY_TEXTS; i++)
	{
		if (texts[i] != NULL && !appconfig_credentials_text_is_valid(texts[i]))
			return broken(reason,
						  "Look for blanks and line breaks around it.",
						  "%s has characters that no key or token has",
						  names[i]);
	}
	step->kind = CREDENTIAL_KEYS;
	step->keys.access_key_id = pstrdup(texts[0]);
	step->keys.secret_access_key = pstrdup(texts[1]);
	step->keys.session_token = texts[2] != NULL ? pstrdup(texts[2]) : NULL;
	return CREDENTIAL_PLAN_MADE;
}

/*
 * Keys in the environment.  As all functions here that end in the name of a
 * source, it fills *step, which is all zeroes before and is to be given to
 * appconfig_credential_step_wipe(), or else *reason.
 */
CredentialPlanOutcome
appconfig_credential_source_environment(CredentialStep *step,
										CredentialReason *reason)
{
	static const char *const names[] = {
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	};
	const char *expiration =
	appconfig_aws_settings_variable("AWS_CREDENTIAL_EXPIRATION");
	const char *texts[CREDENTIAL_KEY_TEXTS];
	int			i;

	for (i = 0; i < CREDENTIAL_KEY_TEXTS; i++)
		texts[i] = appconfig_aws_settings_variable(names[i]);
	if (texts[0] == NULL && texts[1] == NULL)
		return none(reason, "%s is not set", names[0]);
	if (expiration != NULL &&
		(!appconfig_iso8601_parse(expiration, strlen(expiration),
								  &step->expires_at) ||
		 step->expires_at <= 0))
		return broken(reason, NULL,
					  "AWS_CREDENTIAL_EXPIRATION is no moment as ISO 8601 has it");
	return appconfig_credential_source_keys(texts, names, step, reason);
}

/* ------------------------------------------------------------------------
 * Web identity
 * ------------------------------------------------------------------------
 */

static char *
copy_variable(const char *variable)
{
	const char *text = appconfig_aws_settings_variable(variable);

	return text != NULL ? pstrdup(text) : NULL;
}

/* The role of a service account, as Kubernetes gives it to a pod */
CredentialPlanOutcome
appconfig_credential_source_web_identity(CredentialStep *step,
										 CredentialReason *reason)
{
	static const char *const names[] = {"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"};
	int			i;

	step->kind = CREDENTIAL_WEB_IDENTITY;
	step->token_file = copy_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	step->role_arn = copy_variable(names[0]);
	step->role_session_name = copy_variable(names[1]);
	step->duration = CREDENTIAL_ROLE_DURATION;
	if (step->token_file == NULL)
		return none(reason, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
	if (step->role_arn == NULL)
		return broken(reason, NULL,
					  "AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not");
	for (i = 0; i < (int) lengthof(names); i++)
	{
		const char *text = appconfig_aws_settings_variable(names[i]);

		if (text != NULL && !appconfig_credentials_text_is_valid(text))
			return broken(reason, NULL,
						  "%s has blanks or other characters that are not visible ASCII",
						  names[i]);
	}
	return CREDENTIAL_PLAN_MADE;
}

/* ------------------------------------------------------------------------
 * Container
 * ------------------------------------------------------------------------
 */

/* Whether a host may be asked for credentials without TLS */
static bool
is_container_host(const UriEndpoint *endpoint)
{
	size_t		i;

	for (i = 0; i < lengthof(container_hosts); i++)
	{
		if (strcmp(endpoint->host, container_hosts[i]) == 0)
			return true;
	}
	return endpoint->loopback_only;
}

/*
 * Takes a URL of the container's endpoint, without its path, apart.  Returns
 * what is wrong with it, static, or NULL.
 */
static const char *
take_container_base(const char *base, CredentialStep *step)
{
	UriEndpoint endpoint;
	const char *reason;
	bool		allowed;

	if (!appconfig_uri_parse_http(base, &endpoint, &reason))
		return reason;
	step->over_tls = strcmp(endpoint.scheme, "https") == 0;
	allowed = step->over_tls || is_container_host(&endpoint);
	if (allowed)
		step->url = psprintf("%s://%s", endpoint.scheme, endpoint.host_header);
	appconfig_uri_free_endpoint(&endpoint);
	return allowed ? NULL
		: "Without TLS, only loopback addresses and those of the containers of ECS and EKS can be asked.";
}

/* Takes the whole URL.  Returns what is wrong with it, static, or NULL. */
static const char *
take_container_url(const char *url, CredentialStep *step)
{
	const char *authority = strstr(url, "://");
	size_t		length = strlen(url);
	const char *problem;
	char	   *base;
	char	   *whole;

	if (authority != NULL)
		length = authority + 3 - url + strcspn(authority + 3, "/?#");
	base = pnstrdup(url, length);
	problem = take_container_base(base, step);
	pfree(base);
	if (problem == NULL && url[length] != '\0')
		problem = appconfig_uri_check_path(url + length);
	if (problem != NULL)
		return problem;
	whole = psprintf("%s%s", step->url,
					 url[length] != '\0' ? url + length : "/");
	pfree(step->url);
	step->url = whole;
	return NULL;
}

static const char *
take_container_path(const char *path, CredentialStep *step)
{
	const char *problem = appconfig_uri_check_path(path);

	if (problem == NULL)
		step->url = psprintf("%s%s", CONTAINER_BASE, path);
	return problem;
}

/*
 * The endpoint of an ECS task or of EKS Pod Identity.  A token in a file is
 * not read here: it is another one at each refresh.
 */
CredentialPlanOutcome
appconfig_credential_source_container(CredentialStep *step,
									  CredentialReason *reason)
{
	static const char *const relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
	static const char *const full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
	const char *path = appconfig_aws_settings_variable(relative);
	const char *url = appconfig_aws_settings_variable(full);
	const char *problem;

	if (path == NULL && url == NULL)
		return none(reason, "neither %s nor %s is set", relative, full);
	step->kind = CREDENTIAL_CONTAINER;
	problem = path != NULL ? take_container_path(path, step)
		: take_container_url(url, step);
	if (problem != NULL)
		return broken(reason, problem, "%s cannot be used",
					  path != NULL ? relative : full);

	step->token_file = copy_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	if (step->token_file == NULL)
		step->authorization = copy_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (step->authorization != NULL && !appconfig_credentials_header_is_valid(step->authorization))
		return broken(reason, "Look for line breaks in it.",
					  "AWS_CONTAINER_AUTHORIZATION_TOKEN has characters that no header has");
	return CREDENTIAL_PLAN_MADE;
}

/* ------------------------------------------------------------------------
 * Instance
 * ------------------------------------------------------------------------
 */

/* Takes the base URL of the metadata service, or the one of its mode. */
static CredentialPlanOutcome
take_instance_url(const AwsSettings *settings, CredentialStep *step,
				  CredentialReason *reason)
{
	const char *url = appconfig_aws_settings_text(settings,
												  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
												  "ec2_metadata_service_endpoint");
	const char *mode = appconfig_aws_settings_text(settings,
												   "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
												   "ec2_metadata_service_endpoint_mode");
	UriEndpoint endpoint;
	const char *problem;
	ShownText	shown;

	if (url == NULL && (mode == NULL || pg_strcasecmp(mode, "ipv4") == 0))
		url = INSTANCE_BASE_IPV4;
	else if (url == NULL && pg_strcasecmp(mode, "ipv6") == 0)
		url = INSTANCE_BASE_IPV6;
	else if (url == NULL)
		return broken(reason, "Valid modes are IPv4 and IPv6.",
					  "\"%s\" is no endpoint mode of the instance metadata service",
					  appconfig_shown_text(&shown, mode));
	if (!appconfig_uri_parse_http(url, &endpoint, &problem))
		return broken(reason, problem,
					  "the endpoint of the instance metadata service cannot be used");
	step->url = psprintf("%s://%s%s", endpoint.scheme, endpoint.host_header,
						 endpoint.path_prefix);
	appconfig_uri_free_endpoint(&endpoint);
	return CREDENTIAL_PLAN_MADE;
}

/* Is it the metadata service of the machine itself that the step asks? */
bool
appconfig_credential_source_is_own_instance(const CredentialStep *step)
{
	return strcmp(step->url, INSTANCE_BASE_IPV4) == 0 ||
		strcmp(step->url, INSTANCE_BASE_IPV6) == 0;
}

/*
 * Reads a positive number, which may have a fraction, in thousandths.  Digits
 * are counted by hand, as the locale has a say in what strtod() reads.
 */
static bool
parse_thousandths(const char *text, int most, int *number)
{
	const char *c = text;
	int			unit = 1000;
	int64		sum = 0;

	for (; *c >= '0' && *c <= '9' && sum <= most; c++)
		sum = sum * 10 + (*c - '0') * 1000;
	if (*c == '.' && c > text)
	{
		for (c++; *c >= '0' && *c <= '9'; c++)
			sum += (*c - '0') * (unit /= 10);
	}
	*number = (int) sum;
	return *c == '\0' && sum > 0 && sum <= most;
}

/* Takes how long, and how often, the metadata service is asked. */
static CredentialPlanOutcome
take_patience(const AwsSettings *settings, CredentialStep *step,
			  CredentialReason *reason)
{
	const char *timeout = appconfig_aws_settings_text(settings,
													  "AWS_METADATA_SERVICE_TIMEOUT",
													  "metadata_service_timeout");
	const char *attempts = appconfig_aws_settings_text(settings,
													   "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
													   "metadata_service_num_attempts");
	int			thousandths = 1000;

	step->timeout = DEFAULT_TIMEOUT;
	if (timeout != NULL &&
		!parse_thousandths(timeout, MAX_TIMEOUT, &step->timeout))
		return broken(reason, "Valid values are seconds, more than 0 and at most 60.",
					  "the timeout of the instance metadata service is invalid");
	if (attempts != NULL &&
		(!parse_thousandths(attempts, MAX_ATTEMPTS * 1000, &thousandths) ||
		 thousandths % 1000 != 0))
		return broken(reason, "Valid values are integers from 1 to 100.",
					  "the number of attempts of the instance metadata service is invalid");
	step->attempts = thousandths / 1000;
	return CREDENTIAL_PLAN_MADE;
}

/*
 * The role of an EC2 instance.  It counts as configured wherever nobody says
 * that there is none: only asking shows whether there is a metadata service.
 */
CredentialPlanOutcome
appconfig_credential_source_instance(const AwsSettings *settings,
									 CredentialStep *step,
									 CredentialReason *reason)
{
	const char *disabled =
	appconfig_aws_settings_variable("AWS_EC2_METADATA_DISABLED");
	const char *role = appconfig_aws_settings_text(settings,
												   "AWS_EC2_INSTANCE_PROFILE_NAME",
												   "ec2_instance_profile_name");
	CredentialPlanOutcome outcome;

	if (disabled != NULL && pg_strcasecmp(disabled, "true") == 0)
		return none(reason, "AWS_EC2_METADATA_DISABLED is true");
	step->kind = CREDENTIAL_INSTANCE;
	outcome = take_instance_url(settings, step, reason);
	if (outcome == CREDENTIAL_PLAN_MADE)
		outcome = take_patience(settings, step, reason);
	if (outcome != CREDENTIAL_PLAN_MADE || role == NULL)
		return outcome;
	if (strlen(role) > MAX_ROLE_NAME ||
		role[strspn(role, ROLE_NAME_CHARACTERS)] != '\0' ||
		!appconfig_uri_segment_is_safe(role))
		return broken(reason, NULL, "the name of the instance profile is invalid");
	step->role_name = pstrdup(role);
	return CREDENTIAL_PLAN_MADE;
}

/* ------------------------------------------------------------------------
 * The end
 * ------------------------------------------------------------------------
 */

/* Overwrites and frees what a step holds, which may be part of one. */
void
appconfig_credential_step_wipe(CredentialStep *step)
{
	char	   *texts[] = {step->role_arn, step->external_id,
		step->role_session_name, step->token_file, step->authorization,
	step->url, step->role_name};
	size_t		i;

	appconfig_credentials_wipe(&step->keys);
	for (i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] == NULL)
			continue;
		explicit_bzero(texts[i], strlen(texts[i]));
		pfree(texts[i]);
	}
	memset(step, 0, sizeof(*step));
}
