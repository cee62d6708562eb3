/*-------------------------------------------------------------------------
 *
 * credential_cli.c
 *	  shows what is made of AWS's files, of the environment and of a Region
 *
 * The other half of test_aws_profile.py, test_credential_plan.py and
 * test_endpoint_botocore.py:
 *
 *	  credential_cli parse CONFIG CREDENTIALS	("-": there is none)
 *	  credential_cli plan SOURCES [PROFILE]		(SOURCES: of AMBIENT_…)
 *	  credential_cli service SERVICE [PROFILE]
 *	  credential_cli region SERVICE REGION FIPS DUALSTACK
 *
 * The output is a value of JSON, but for bytes that are no UTF-8, which stay
 * what they are.
 *
 * IDENTIFICATION
 *	  test/unit/credential_cli.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "aws_endpoint.h"
#include "credential_plan.h"

static const char *const kinds[] = {
	"KEYS", "WEB_IDENTITY", "CONTAINER", "INSTANCE", "ROLE",
};

/* ------------------------------------------------------------------------
 * JSON
 * ------------------------------------------------------------------------
 */

static void
print_text(const char *text)
{
	if (text == NULL)
	{
		printf("null");
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++)
	{
		unsigned char c = (unsigned char) *text;

		if (c < ' ' || c == '"' || c == '\\' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
print_member(const char *name, const char *text)
{
	printf(", \"%s\": ", name);
	print_text(text);
}

static void
print_number(const char *name, int64 number)
{
	printf(", \"%s\": %lld", name, (long long) number);
}

/* ------------------------------------------------------------------------
 * parse
 * ------------------------------------------------------------------------
 */

/* Adds a file to the config.  False if it is no such file. */
static bool
parse_file(AwsConfig *config, AwsFile file, const char *path)
{
	AwsConfigError error;
	const char *reason;
	size_t		length;
	char	   *text;
	bool		parsed;

	if (strcmp(path, "-") == 0)
		return true;
	text = appconfig_host_file_read(path, 64 * 1024 * 1024, &length, &reason);
	if (text == NULL)
	{
		fprintf(stderr, "%s: %s\n", path, reason);
		exit(1);
	}
	parsed = appconfig_aws_config_parse(config, file, text, length, &error);
	appconfig_host_file_wipe(text, length);
	if (!parsed)
	{
		printf("{\"file\": %d, \"line\": %d", file, error.line);
		print_member("error", error.message);
		printf("}\n");
	}
	return parsed;
}

/*
 * [kind, name, null, null], and [kind, name, key, value] for each property; the
 * value is null where the property counts for nothing.
 */
static void
print_section(const AwsConfig *config, const AwsSection *section)
{
	int			i;

	for (i = section->first - 1; i < section->first + section->count; i++)
	{
		const char *key =
		i < section->first ? NULL : config->properties[i].key;

		printf("[%d, ", section->kind);
		print_text(section->name);
		printf(", ");
		print_text(key);
		printf(", ");
		print_text(key == NULL ? NULL
				   : appconfig_aws_config_get(config, section->kind,
											  section->name, key));
		printf("],\n");
	}
}

static void
show_config(char **arguments)
{
	AwsConfig	config = {0};
	int			i;

	if (parse_file(&config, AWS_FILE_CONFIG, arguments[0]) &&
		parse_file(&config, AWS_FILE_CREDENTIALS, arguments[1]))
	{
		printf("[");
		for (i = 0; i < config.section_count; i++)
		{
			const AwsSection *section = &config.sections[i];

			if (appconfig_aws_config_has(&config, section->kind, section->name))
				print_section(&config, section);
		}
		printf("null]\n");
	}
	appconfig_aws_config_wipe(&config);
}

/* ------------------------------------------------------------------------
 * plan
 * ------------------------------------------------------------------------
 */

static void
print_step(const CredentialStep *step)
{
	printf("{\"kind\": \"%s\"", kinds[step->kind]);
	print_member("access_key_id", step->keys.access_key_id);
	print_member("secret_access_key", step->keys.secret_access_key);
	print_member("session_token", step->keys.session_token);
	print_number("expires_at", step->expires_at);
	print_member("role_arn", step->role_arn);
	print_member("external_id", step->external_id);
	print_member("role_session_name", step->role_session_name);
	print_number("duration", step->duration);
	print_member("token_file", step->token_file);
	print_member("authorization", step->authorization);
	print_member("url", step->url);
	print_number("over_tls", step->over_tls);
	print_member("role_name", step->role_name);
	print_number("timeout", step->timeout);
	print_number("attempts", step->attempts);
	printf("}");
}

static void
print_plan(const CredentialPlan *plan, const char *outcome, const char *tried)
{
	int			i;

	printf("{\"outcome\": \"%s\"", outcome);
	print_member("tried", tried);
	print_member("source", plan->source);
	print_member("profile", plan->profile);
	print_member("message", plan->message);
	print_member("hint", plan->hint);
	print_member("sts_endpoint", plan->sts_endpoint);
	print_number("use_fips", plan->use_fips);
	print_number("use_dualstack", plan->use_dualstack);
	print_member("config_path", plan->files[AWS_FILE_CONFIG].path);
	print_member("credentials_path", plan->files[AWS_FILE_CREDENTIALS].path);
	print_number("is_current", appconfig_credential_plan_is_current(plan));
	printf(", \"steps\": [");
	for (i = 0; i < plan->count; i++)
	{
		printf("%s", i > 0 ? ", " : "");
		print_step(&plan->steps[i]);
	}
	printf("]}\n");
}

static void
show_plan(char **arguments)
{
	static const char *const outcomes[] = {"MADE", "NONE", "BROKEN"};
	CredentialPlanRequest request = {atoi(arguments[0]), arguments[1]};
	CredentialPlanOutcome outcome;
	CredentialPlan plan;
	StringInfoData tried;

	initStringInfo(&tried);
	outcome = appconfig_credential_plan_make(&request, &plan, &tried);
	print_plan(&plan, outcomes[outcome], tried.data);
	appconfig_credential_plan_wipe(&plan);
	pfree(tried.data);
}

/* ------------------------------------------------------------------------
 * service, region
 * ------------------------------------------------------------------------
 */

static void
show_service(char **arguments)
{
	AwsSettings settings;
	char	   *message = NULL;
	char	   *url = NULL;

	if (appconfig_aws_settings_load(&settings, arguments[1], &message))
		appconfig_aws_settings_endpoint(&settings, arguments[0], &url,
										&message);
	printf("{\"service\": ");
	print_text(arguments[0]);
	print_member("url", url);
	print_member("message", message);
	printf("}\n");
	appconfig_aws_settings_wipe(&settings);
	if (message != NULL)
		pfree(message);
	if (url != NULL)
		pfree(url);
}

static void
show_region(char **arguments)
{
	char	   *url = appconfig_endpoint_base_url(arguments[0], arguments[1],
												  atoi(arguments[2]) != 0,
												  atoi(arguments[3]) != 0);

	print_text(url);
	printf("\n");
	if (url != NULL)
		pfree(url);
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "parse") == 0)
		show_config(argv + 2);
	else if ((argc == 3 || argc == 4) && strcmp(argv[1], "plan") == 0)
		show_plan(argv + 2);
	else if ((argc == 3 || argc == 4) && strcmp(argv[1], "service") == 0)
		show_service(argv + 2);
	else if (argc == 6 && strcmp(argv[1], "region") == 0)
		show_region(argv + 2);
	else
		return 2;
	return 0;
}
