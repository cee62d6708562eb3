/*-------------------------------------------------------------------------
 *
 * test_address.c
 *	  unit tests of src/address.c
 *
 * IDENTIFICATION
 *	  test/unit/test_address.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "address.h"

#include "unit.h"

typedef struct Expected
{
	const char *address;
	bool		service;
	bool		loopback;
} Expected;

static const Expected addresses[] = {
	{"127.0.0.1", false, true},
	{"127.255.255.254", false, true},
	{"::1", false, true},
	{"::ffff:127.0.0.1", false, true},
	{"::2", false, false},

	/* anybody's, private ones included: a VPC endpoint has such */
	{"192.0.2.1", true, false},
	{"10.0.0.1", true, false},
	{"126.255.255.255", true, false},
	{"128.0.0.0", true, false},
	{"2001:db8::1", true, false},
	{"2600:1f18::1", true, false},
	{"fd12:3456::1", true, false},
	{"fec0::1", true, false},

	/* set aside */
	{"0.0.0.0", false, false},
	{"0.1.2.3", false, false},
	{"1.0.0.0", true, false},
	{"169.253.255.255", true, false},
	{"169.254.0.0", false, false},
	{"169.254.169.254", false, false},
	{"169.254.170.2", false, false},
	{"169.255.0.0", true, false},
	{"223.255.255.255", true, false},
	{"224.0.0.1", false, false},
	{"239.255.255.255", false, false},
	{"240.0.0.1", false, false},
	{"255.255.255.255", false, false},
	{"::", false, false},
	{"fe80::1", false, false},
	{"febf:ffff::1", false, false},
	{"fe7f:ffff::1", true, false},
	{"ff02::1", false, false},
	{"fd00:ec2::254", false, false},
	{"fd00:ec2::23", false, false},
	{"fd00:ec3::254", true, false},

	/* the same in another form, and harmless neighbours */
	{"::ffff:169.254.169.254", false, false},
	{"::ffff:192.0.2.1", true, false},
	{"::ffff:0:169.254.169.254", false, false},
	{"::ffff:0:192.0.2.1", true, false},
	{"::ffff:0:127.0.0.1", false, false},
	{"::169.254.169.254", false, false},
	{"::127.0.0.1", false, false},
	{"64:ff9b::169.254.169.254", false, false},
	{"64:ff9b::192.0.2.1", true, false},
	{"64:ff9b::127.0.0.1", false, false},
	/* 48, 56, 64 and 96 bits of prefix; no byte of the address is byte 8 */
	{"64:ff9b:1:a9fe:a9:fe00::", false, false},
	{"64:ff9b:1:c0a9:fe:a9fe::", false, false},
	{"64:ff9b:1:c0c0:a9:fea9:fe00:0", false, false},
	{"64:ff9b:1:c0c0:c0:c0c0:169.254.169.254", false, false},
	{"64:ff9b:1:c0c0:c0:c0c0:192.0.2.1", true, false},
	/* the usual /96, at whose other places there are zeros */
	{"64:ff9b:1::192.0.2.1", true, false},
	{"64:ff9b:1::169.254.169.254", false, false},
	{"64:ff9b:1::127.0.0.1", false, false},
	{"2002:a9fe:a9fe::1", false, false},
	{"2002:e000:1::1", false, false},
	{"2002:c000:201::1", true, false},
	{"2002:7f00:1::1", false, false},
	{"2003:a9fe:a9fe::1", true, false},
	/* a Teredo client's address is inverted */
	{"2001:0:c000:201:0:0:5601:5601", false, false},
	{"2001:0:a9fe:a9fe:0:0:3fff:fdfe", false, false},
	{"2001:0:c000:201:0:0:3fff:fdfe", true, false},
	{"2001:db8::5efe:169.254.169.254", false, false},
	{"2001:db8::200:5efe:169.254.169.254", false, false},
	{"2001:db8::5efe:192.0.2.1", true, false},
	{"2001:db8::5eff:169.254.169.254", true, false},
};

/*
 * All that may have the credentials of a machine or container; others of the
 * list above have none
 */
static const char *const metadata[] = {
	"169.254.0.0", "169.254.169.254", "169.254.170.2", "169.254.170.23",
	"fd00:ec2::254", "fd00:ec2::23", "::ffff:169.254.169.254",
	"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1",
};

static bool
has_credentials(const char *text)
{
	size_t		i;

	for (i = 0; i < lengthof(metadata); i++)
	{
		if (strcmp(text, metadata[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_allowed(const char *text, AddressPolicy policy)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
		return appconfig_address_is_allowed((struct sockaddr *) &ipv4, policy);
	if (inet_pton(AF_INET6, text, &ipv6.sin6_addr) != 1)
		ok(false, "%s is an address", text);
	return appconfig_address_is_allowed((struct sockaddr *) &ipv6, policy);
}

int
main(void)
{
	struct sockaddr other = {.sa_family = AF_UNIX};
	size_t		i;

	for (i = 0; i < lengthof(addresses); i++)
	{
		const Expected *expected = &addresses[i];
		const char *text = expected->address;

		is_int(is_allowed(text, ADDRESS_SERVICE), expected->service,
			   "%s, as a service", text);
		is_int(is_allowed(text, ADDRESS_LOOPBACK), expected->loopback,
			   "%s, as this host", text);
		is_int(is_allowed(text, ADDRESS_METADATA), has_credentials(text),
			   "%s, for credentials", text);
		is_int(is_allowed(text, ADDRESS_ANY),
			   expected->service || has_credentials(text), "%s, as any",
			   text);
	}
	for (i = 0; i < lengthof(metadata); i++)
	{
		ok(is_allowed(metadata[i], ADDRESS_METADATA), "%s has credentials",
		   metadata[i]);
		ok(!is_allowed(metadata[i], ADDRESS_SERVICE), "... and is no service");
	}
	for (i = 0; i <= ADDRESS_ANY; i++)
		ok(!appconfig_address_is_allowed(&other, (AddressPolicy) i),
		   "no other family of addresses, policy %d", (int) i);
	ok(appconfig_address_is_local(ADDRESS_LOOPBACK) &&
	   appconfig_address_is_local(ADDRESS_METADATA),
	   "what is near may be asked without TLS");
	ok(!appconfig_address_is_local(ADDRESS_SERVICE) &&
	   !appconfig_address_is_local(ADDRESS_ANY), "all else may not");
	return done_testing();
}
