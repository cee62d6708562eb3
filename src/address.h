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

/* Who is asking */
typedef enum AddressPolicy
{
	ADDRESS_LOOPBACK, /* requests without TLS */
	ADDRESS_SERVICE	  /* those with it: what is not set aside for something */
} AddressPolicy;

extern bool appconfig_address_is_allowed(const struct sockaddr *address,
										 AddressPolicy			policy);

#endif /* APPCONFIG_ADDRESS_H */
