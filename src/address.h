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

/* What a request may reach.  Only ADDRESS_SERVICE is asked over TLS. */
typedef enum AddressPolicy
{
	ADDRESS_SERVICE,			/* all that is not set aside for something */
	ADDRESS_LOOPBACK,			/* this host alone */
	ADDRESS_METADATA			/* where a cloud's machines get their
								 * credentials */
} AddressPolicy;

extern bool appconfig_address_is_allowed(const struct sockaddr *address,
										 AddressPolicy policy);

#endif							/* APPCONFIG_ADDRESS_H */
