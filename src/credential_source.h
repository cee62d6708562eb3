/*-------------------------------------------------------------------------
 *
 * credential_source.h
 *		What the environment says of the sources of credentials
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CREDENTIAL_SOURCE_H
#define APPCONFIG_CREDENTIAL_SOURCE_H

#include "aws_credentials.h"
#include "aws_settings.h"

typedef enum CredentialStepKind
{
	CREDENTIAL_KEYS,			/* they are here */
	CREDENTIAL_WEB_IDENTITY,	/* STS gives keys for a token, unsigned */
	CREDENTIAL_CONTAINER,		/* the container's endpoint has them */
	CREDENTIAL_INSTANCE,		/* the instance's metadata service has them */
	CREDENTIAL_ROLE				/* STS gives keys for those of the step before */
} CredentialStepKind;

/*
 * A step on the way to credentials.  The strings are palloc'd and belong to
 * the step, NULL where nothing is given.
 */
typedef struct CredentialStep
{
	CredentialStepKind kind;

	/* CREDENTIAL_KEYS */
	AwsCredentials keys;
	int64		expires_at;		/* seconds since 1970; 0 if it isn't known */

	/* CREDENTIAL_WEB_IDENTITY, CREDENTIAL_ROLE */
	char	   *role_arn;
	char	   *external_id;
	char	   *role_session_name;
	int			duration;		/* seconds that are asked for */

	/*
	 * The path of web identity's token or of the container's Authorization,
	 * to be read at each refresh
	 */
	char	   *token_file;

	/* CREDENTIAL_CONTAINER */
	char	   *authorization;	/* a header's value, and a secret */
	bool		over_tls;

	/*
	 * CREDENTIAL_CONTAINER: whole; CREDENTIAL_INSTANCE: the base, without a
	 * slash at its end
	 */
	char	   *url;

	/* CREDENTIAL_INSTANCE */
	char	   *role_name;		/* of the instance profile */
	int			timeout;		/* milliseconds for an attempt */
	int			attempts;		/* the first one included */
} CredentialStep;

typedef enum CredentialPlanOutcome
{
	CREDENTIAL_PLAN_MADE,
	CREDENTIAL_PLAN_NONE,		/* nothing is configured */
	CREDENTIAL_PLAN_BROKEN		/* what is configured is of no use */
} CredentialPlanOutcome;

/*
 * Why there is no step: the message, palloc'd, is part of a sentence, such as
 * "AWS_ROLE_ARN is not set"; the hint is a sentence, or NULL.
 */
typedef struct CredentialReason
{
	char	   *message;
	const char *hint;
} CredentialReason;

/* Seconds that STS is asked for where nobody says how many */
#define CREDENTIAL_ROLE_DURATION 3600

/* Key, secret, token */
#define CREDENTIAL_KEY_TEXTS 3

/* not pg_attribute_printf, whose gnu_printf clang does not know */
extern CredentialPlanOutcome appconfig_credential_reason_set(CredentialReason *reason,
															 CredentialPlanOutcome outcome,
															 const char *hint,
															 const char *format,...) __attribute__((format(printf, 4, 5)));
extern CredentialPlanOutcome appconfig_credential_source_keys(const char *const *texts,
															  const char *const *names,
															  CredentialStep *step,
															  CredentialReason *reason);
extern CredentialPlanOutcome appconfig_credential_source_environment(CredentialStep *step,
																	 CredentialReason *reason);
extern CredentialPlanOutcome appconfig_credential_source_web_identity(CredentialStep *step,
																	  CredentialReason *reason);
extern CredentialPlanOutcome appconfig_credential_source_container(CredentialStep *step,
																   CredentialReason *reason);
extern CredentialPlanOutcome appconfig_credential_source_instance(const AwsSettings *settings,
																  CredentialStep *step,
																  CredentialReason *reason);

extern bool appconfig_credential_source_is_own_instance(const CredentialStep *step);
extern void appconfig_credential_step_wipe(CredentialStep *step);

#endif							/* APPCONFIG_CREDENTIAL_SOURCE_H */
