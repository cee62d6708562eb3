/*-------------------------------------------------------------------------
 *
 * credential_refresh.h
 *		The calls by which credentials are got.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CREDENTIAL_REFRESH_H
#define APPCONFIG_CREDENTIAL_REFRESH_H

#include "api.h"
#include "credential_plan.h"

/* From a plan to credentials, as far as it has come */
typedef struct CredentialRefresh CredentialRefresh;

typedef enum RefreshState
{
	REFRESH_UNDER_WAY,			/* waits for an answer */
	REFRESH_DONE,
	REFRESH_FAILED
} RefreshState;

/* What several refreshes of one provider share; must outlive them */
typedef struct RefreshSetting
{
	Oid			serverid;		/* for the statistics */
	const AppConfigSettings *settings;
	ApiClient  *sts_client;
	ApiClient  *endpoint_client;	/* of containers and instances */
	const char *role_session_name;	/* where a step has none */
} RefreshSetting;

extern CredentialRefresh *appconfig_refresh_begin(const RefreshSetting *setting,
												  const CredentialPlan *plan,
												  const ServiceEndpoint *sts);
extern RefreshState appconfig_refresh_advance(CredentialRefresh *refresh);
extern void appconfig_refresh_ask_for_times(CredentialRefresh *refresh);
extern SharedCredentials *appconfig_refresh_take(CredentialRefresh *refresh,
												 int64 *expires_at);
extern const char *appconfig_refresh_role(const CredentialRefresh *refresh);
extern const char *appconfig_refresh_identity(const CredentialRefresh *refresh);
extern CredentialStepKind appconfig_refresh_step_kind(const CredentialRefresh *refresh);
extern bool appconfig_refresh_ran_short(const CredentialRefresh *refresh);
extern char *appconfig_refresh_describe_failure(const CredentialRefresh *refresh);
pg_noreturn extern void appconfig_refresh_raise(const CredentialRefresh *refresh);
extern void appconfig_refresh_end(CredentialRefresh *refresh);

#endif							/* APPCONFIG_CREDENTIAL_REFRESH_H */
