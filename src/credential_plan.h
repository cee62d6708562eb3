/*-------------------------------------------------------------------------
 *
 * credential_plan.h
 *		How credentials come about, as the environment and AWS's files say
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CREDENTIAL_PLAN_H
#define APPCONFIG_CREDENTIAL_PLAN_H

#include "lib/stringinfo.h"

#include "aws_settings.h"
#include "credential_source.h"

/* Sources, in the order in which they are looked at */
#define AMBIENT_ENVIRONMENT	 0x01
#define AMBIENT_PROFILE		 0x02
#define AMBIENT_WEB_IDENTITY 0x04
#define AMBIENT_CONTAINER	 0x08
#define AMBIENT_INSTANCE	 0x10
#define AMBIENT_ALL			 0x1F

/* Steps of a plan; a longer chain of roles is refused */
#define CREDENTIAL_MAX_STEPS 16

typedef struct CredentialPlanRequest
{
	int			sources;		/* AMBIENT_… */
	const char *profile_name;	/* NULL: as the environment says */
} CredentialPlanRequest;

typedef struct CredentialPlan
{
	/*
	 * CREDENTIAL_PLAN_MADE: first the base, then roles in the order in which
	 * they are assumed
	 */
	const char *source;			/* "environment", "profile", … */
	CredentialStep steps[CREDENTIAL_MAX_STEPS];
	int			count;

	/* what concerns STS, whatever the source */
	char	   *sts_endpoint;	/* as given, a URL; NULL: the region's */
	bool		use_fips;
	bool		use_dualstack;

	/* CREDENTIAL_PLAN_BROKEN: why, and what to do about it */
	char	   *message;		/* part of a sentence, fit for errmsg() */
	const char *hint;			/* a sentence, or NULL */

	char	   *profile;		/* the name, where profiles are looked at */
	AwsSettingsFile files[AWS_FILES];	/* what it was made of */
} CredentialPlan;

extern int	appconfig_credential_plan_find_source(const char *name,
												  size_t length);
extern CredentialPlanOutcome appconfig_credential_plan_make(const CredentialPlanRequest *request,
															CredentialPlan *plan,
															StringInfo tried);
extern bool appconfig_credential_plan_is_current(const CredentialPlan *plan);
extern void appconfig_credential_plan_wipe(CredentialPlan *plan);

#endif							/* APPCONFIG_CREDENTIAL_PLAN_H */
