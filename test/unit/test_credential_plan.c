/*-------------------------------------------------------------------------
 *
 * test_credential_plan.c
 *	  that a plan of credentials notices when its files have changed
 *
 * What plans are made of what is tested by test_credential_plan.py.
 *
 * IDENTIFICATION
 *	  test/unit/test_credential_plan.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <sys/stat.h>
#include <unistd.h>

#include "credential_plan.h"

#include "unit.h"

#define KEYS "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = x\n"

static char directory[MAXPGPATH];
static char paths[AWS_FILES][MAXPGPATH + 32];

static void
write_file(AwsFile which, const char *text)
{
	FILE	   *file = fopen(paths[which], "w");

	if (file == NULL || fputs(text, file) == EOF || fclose(file) != 0)
		perror(paths[which]);
}

/* Makes a plan of the profiles, which comes out so. */
static void
make_plan(CredentialPlan *plan, CredentialPlanOutcome expected)
{
	CredentialPlanRequest request = {AMBIENT_PROFILE, NULL};
	StringInfoData tried;

	initStringInfo(&tried);
	is_int(appconfig_credential_plan_make(&request, plan, &tried), expected,
		   "outcome of the plan");
	ok(appconfig_credential_plan_is_current(plan), "a new plan is current");
	pfree(tried.data);
}

/* The plan, of before a change, is not current. */
static void
check_stale(CredentialPlan *plan, const char *change)
{
	ok(!appconfig_credential_plan_is_current(plan), "no longer: %s", change);
	appconfig_credential_plan_wipe(plan);
}

static void
test_changes(void)
{
	CredentialPlan plan;

	make_plan(&plan, CREDENTIAL_PLAN_NONE);
	write_file(AWS_FILE_CONFIG, "[default]\n");
	check_stale(&plan, "a config file");

	make_plan(&plan, CREDENTIAL_PLAN_NONE);
	write_file(AWS_FILE_CREDENTIALS, "[default]\n" KEYS);
	check_stale(&plan, "a credentials file");

	make_plan(&plan, CREDENTIAL_PLAN_MADE);
	is_str(plan.steps[0].keys.access_key_id, "AKIDEXAMPLE", "its key");
	write_file(AWS_FILE_CONFIG, "[default]\nregion = us-east-1\n");
	check_stale(&plan, "more in the config file");

	make_plan(&plan, CREDENTIAL_PLAN_MADE);
	write_file(AWS_FILE_CREDENTIALS, "[default\n");
	check_stale(&plan, "less in the credentials file");

	make_plan(&plan, CREDENTIAL_PLAN_BROKEN);
	write_file(AWS_FILE_CREDENTIALS, "[default]\n" KEYS);
	check_stale(&plan, "a credentials file that was broken");

	make_plan(&plan, CREDENTIAL_PLAN_MADE);
	unlink(paths[AWS_FILE_CREDENTIALS]);
	check_stale(&plan, "no credentials file");
}

int
main(void)
{
	const char *temporary = getenv("TMPDIR");
	int			i;

	snprintf(directory, sizeof(directory), "%s/plan.XXXXXX",
			 temporary != NULL ? temporary : "/tmp");
	if (mkdtemp(directory) == NULL)
	{
		perror(directory);
		return 1;
	}
	snprintf(paths[AWS_FILE_CONFIG], sizeof(paths[0]), "%s/.aws/config",
			 directory);
	snprintf(paths[AWS_FILE_CREDENTIALS], sizeof(paths[0]),
			 "%s/.aws/credentials", directory);
	setenv("HOME", directory, 1);
	unsetenv("AWS_CONFIG_FILE");
	unsetenv("AWS_SHARED_CREDENTIALS_FILE");
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_DEFAULT_PROFILE");

	/* the folder comes later than the first plan could be made */
	strcat(directory, "/.aws");
	mkdir(directory, 0700);
	test_changes();

	for (i = 0; i < AWS_FILES; i++)
		unlink(paths[i]);
	rmdir(directory);
	*strrchr(directory, '/') = '\0';
	rmdir(directory);
	return done_testing();
}
