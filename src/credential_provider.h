/*-------------------------------------------------------------------------
 *
 * credential_provider.h
 *		Gets credentials, keeps them, and renews them in time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CREDENTIAL_PROVIDER_H
#define APPCONFIG_CREDENTIAL_PROVIDER_H

#include "api.h"
#include "settings.h"

/* Who signs a role's calls to a server.  Lives over statements. */
typedef struct CredentialProvider CredentialProvider;

/* For whom */
typedef struct CredentialUser
{
	Oid			serverid;
	Oid			userid;
	/* called when the identity is, or may be, another one than before */
	void		(*forget) (void *arg);

	/*
	 * called with who signs from now on, for what is shared with those of
	 * whom the same is said; empty for nobody
	 */
	void		(*identify) (void *arg, const SharedIdentity *identity);
	void	   *arg;
} CredentialUser;

/* What can be told of credentials; strings are the provider's */
typedef struct CredentialDescription
{
	const char *source;
	const char *detail;			/* NULL for none */
	int64		expires_at;		/* seconds since 1970; 0 for never */
} CredentialDescription;

extern CredentialProvider *appconfig_provider_create(const CredentialUser *user,
													 const CredentialOptions *options,
													 const AppConfigSettings *settings);
extern void appconfig_provider_destroy(CredentialProvider *provider);
extern CredentialSupply *appconfig_provider_supply(CredentialProvider *provider);
extern void appconfig_provider_join(CredentialProvider *provider);
extern void appconfig_provider_abandon(CredentialProvider *provider);
extern void appconfig_provider_wait(CredentialProvider *provider);
extern const char *appconfig_provider_identity(const CredentialProvider *provider);
extern void appconfig_provider_fill_sts_owner(CredentialProvider *provider,
											  MemoryContext context,
											  ApiOwner *owner);
extern void appconfig_provider_describe(const CredentialProvider *provider,
										CredentialDescription *description);

#endif							/* APPCONFIG_CREDENTIAL_PROVIDER_H */
