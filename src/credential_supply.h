/*-------------------------------------------------------------------------
 *
 * credential_supply.h
 *		Where calls get the credentials that they are signed with.
 *
 * The interface between those who sign (api.c) and those who know where keys
 * come from, which may take calls of its own.  No function lives here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CREDENTIAL_SUPPLY_H
#define APPCONFIG_CREDENTIAL_SUPPLY_H

#include "aws_credentials.h"

typedef struct CredentialSupply CredentialSupply;

struct CredentialSupply
{
	/*
	 * What to sign with now, the supply's until the next call of it; NULL
	 * while it is being got.  Whoever gets NULL waits, and asks again. Raises
	 * the error if there are none to be had.
	 */
	SharedCredentials *(*obtain) (CredentialSupply *supply);

	/* Sees to it that who waits wakes when obtain() gets on */
	void		(*ask_for_times) (CredentialSupply *supply);

	/*
	 * The service says that these have expired: may there be others?  Raises
	 * no error.
	 */
	bool		(*replace) (CredentialSupply *supply,
							const SharedCredentials *expired);
	bool		is_mapping;		/* are they a user mapping's own keys? */
};

#endif							/* APPCONFIG_CREDENTIAL_SUPPLY_H */
