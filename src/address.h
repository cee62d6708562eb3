/*-------------------------------------------------------------------------
 *
 * address.h
 *		Which network addresses a request may go to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ADDRESS_H
#define APPCONFIG_ADDRESS_H

#include <sys/socket.h>

/*
 * What a request may reach.  Only what never leaves this host, or its link, is
 * asked without TLS.
 */
typedef enum AddressPolicy
{
	ADDRESS_SERVICE,			/* all that is not set aside for something */
	ADDRESS_LOOPBACK,			/* this host alone */
	ADDRESS_METADATA,			/* where a cloud's machines and containers get
								 * their credentials; loopback too */
	ADDRESS_ANY					/* what one of those has: for a host that
								 * nobody but a superuser can have named */
} AddressPolicy;

extern bool appconfig_address_is_allowed(const struct sockaddr *address,
										 AddressPolicy policy);
extern bool appconfig_address_is_local(AddressPolicy policy);

#endif							/* APPCONFIG_ADDRESS_H */
