/*-------------------------------------------------------------------------
 *
 * address.c
 *		Which network addresses a request may go to.
 *
 * The owner of a foreign server chooses the host, and whoever runs its name
 * server the address, so an address is judged by itself.  Link-local addresses
 * are where clouds keep the credentials of their machines, and on loopback
 * listens what trusts this host.  An IPv6 address that a router or the kernel
 * turns into an IPv4 one is judged as that, too.
 *
 * What may not live here: names, sockets, and who follows which policy.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <netinet/in.h>

#include "address.h"

/* Addresses that begin with the same bits; no bits end a list */
typedef struct Network
{
	uint8		prefix[16];
	int			bits;
} Network;

/* IPv6 addresses that have these bytes at that place hold an IPv4 address */
typedef struct Embedding
{
	int			at;
	int			length;
	uint8		bytes[12];
	int			ipv4[4];		/* where each of its bytes is */
	uint8		mask;			/* that its bytes are combined with */
	int			suffix;			/* from where on there is nothing else, or 0 */
} Embedding;

static const Network loopback_ipv4[] = {
	{{127}, 8},
	{{0}, 0},
};

static const Network loopback_ipv6[] = {
	{{[15] = 1}, 128},
	{{0}, 0},
};

/*
 * The metadata service of an instance, the agents of ECS and of EKS: link-local
 * addresses, and what AWS has instead of those in IPv6.  Agents of containers
 * may listen on loopback as well.
 */
static const Network metadata_ipv4[] = {
	{{169, 254}, 16},
	{{127}, 8},
	{{0}, 0},
};

static const Network metadata_ipv6[] = {
	{{0xfd, 0x00, 0x0e, 0xc2}, 32},
	{{[15] = 1}, 128},
	{{0}, 0},
};

/* What is set aside: for this host, for a link, for groups, for later */
static const Network reserved_ipv4[] = {
	{{0}, 8},
	{{127}, 8},
	{{169, 254}, 16},
	{{224}, 4},
	{{240}, 4},
	{{0}, 0},
};

static const Network reserved_ipv6[] = {
	{{0}, 128},
	{{[15] = 1}, 128},
	{{0xfe, 0x80}, 10},
	{{0xff}, 8},
	/* the instance metadata service's own */
	{{0xfd, 0x00, 0x0e, 0xc2}, 32},
	{{0}, 0},
};

static const Embedding embeddings[] = {
	/* ::ffff:a.b.c.d, which the kernel takes for IPv4 */
	{0, 12, {[10] = 0xff, 0xff}, {12, 13, 14, 15}, 0, 0},
	/* ::a.b.c.d and ::ffff:0:a.b.c.d, deprecated */
	{0, 12, {0}, {12, 13, 14, 15}, 0, 0},
	{0, 12, {[8] = 0xff, 0xff}, {12, 13, 14, 15}, 0, 0},

	/*
	 * NAT64, RFC 6052, and for local use RFC 8215: at the places that it can
	 * be
	 */
	{0, 12, {0x00, 0x64, 0xff, 0x9b}, {12, 13, 14, 15}, 0, 0},
	{0, 6, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, {6, 7, 9, 10}, 0, 11},
	{0, 6, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, {7, 9, 10, 11}, 0, 12},
	{0, 6, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, {9, 10, 11, 12}, 0, 13},
	{0, 6, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, {12, 13, 14, 15}, 0, 0},
	/* 6to4 */
	{0, 2, {0x20, 0x02}, {2, 3, 4, 5}, 0, 0},
	/* Teredo: its server, and the client */
	{0, 4, {0x20, 0x01}, {4, 5, 6, 7}, 0, 0},
	{0, 4, {0x20, 0x01}, {12, 13, 14, 15}, 0xff, 0},
	/* ISATAP, in any network, with a global IPv4 address or another one */
	{8, 4, {0x00, 0x00, 0x5e, 0xfe}, {12, 13, 14, 15}, 0, 0},
	{8, 4, {0x02, 0x00, 0x5e, 0xfe}, {12, 13, 14, 15}, 0, 0},
};

static bool
is_within(const uint8 *address, const Network *network)
{
	int			bytes = network->bits / 8;
	int			rest = network->bits % 8;

	return memcmp(address, network->prefix, bytes) == 0 &&
		(rest == 0 ||
		 (address[bytes] ^ network->prefix[bytes]) >> (8 - rest) == 0);
}

static bool
is_within_any(const uint8 *address, const Network *networks)
{
	for (; networks->bits > 0; networks++)
	{
		if (is_within(address, networks))
			return true;
	}
	return false;
}

static bool
is_embedding(const uint8 *address, const Embedding *embedding)
{
	static const uint8 nothing[16];

	return memcmp(address + embedding->at, embedding->bytes,
				  embedding->length) == 0 &&
		(embedding->suffix == 0 ||
		 memcmp(address + embedding->suffix, nothing,
				16 - embedding->suffix) == 0);
}

static void
extract_ipv4(const uint8 *address, const Embedding *embedding, uint8 *ipv4)
{
	int			i;

	for (i = 0; i < 4; i++)
		ipv4[i] = address[embedding->ipv4[i]] ^ embedding->mask;
}

/*
 * Is it within one of the networks, IPv4's or IPv6's, as it stands or as the
 * kernel takes it?  Of the embeddings only the first one reaches the IPv4
 * address for certain.
 */
static bool
is_one_of(const uint8 *address, int length, const Network *ipv4_networks,
		  const Network *ipv6_networks)
{
	uint8		ipv4[4];

	if (length == sizeof(ipv4))
		return is_within_any(address, ipv4_networks);
	if (is_within_any(address, ipv6_networks))
		return true;
	extract_ipv4(address, &embeddings[0], ipv4);
	return is_embedding(address, &embeddings[0]) &&
		is_within_any(ipv4, ipv4_networks);
}

/* Is it set aside, or does it hold an IPv4 address that is? */
static bool
is_reserved(const uint8 *address, int length)
{
	uint8		ipv4[4];
	int			i;

	if (length == sizeof(ipv4))
		return is_within_any(address, reserved_ipv4);
	for (i = 0; i < (int) lengthof(embeddings); i++)
	{
		extract_ipv4(address, &embeddings[i], ipv4);
		if (is_embedding(address, &embeddings[i]) &&
			is_within_any(ipv4, reserved_ipv4))
			return true;
	}
	return is_within_any(address, reserved_ipv6);
}

static bool
is_allowed(const uint8 *address, int length, AddressPolicy policy)
{
	switch (policy)
	{
		case ADDRESS_SERVICE:
			return !is_reserved(address, length);
		case ADDRESS_LOOPBACK:
			return is_one_of(address, length, loopback_ipv4, loopback_ipv6);
		case ADDRESS_METADATA:
			return is_one_of(address, length, metadata_ipv4, metadata_ipv6);
		case ADDRESS_ANY:
			return !is_reserved(address, length) ||
				is_one_of(address, length, metadata_ipv4, metadata_ipv6);
	}
	return false;
}

/* May a request under this policy go to the address? */
bool
appconfig_address_is_allowed(const struct sockaddr *address,
							 AddressPolicy policy)
{
	if (address->sa_family == AF_INET)
		return is_allowed((const uint8 *) &((const struct sockaddr_in *) address)->sin_addr,
						  4, policy);
	if (address->sa_family == AF_INET6)
		return is_allowed(((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr,
						  16, policy);
	return false;
}

/* May a request go without TLS to all that the policy allows? */
bool
appconfig_address_is_local(AddressPolicy policy)
{
	return policy == ADDRESS_LOOPBACK || policy == ADDRESS_METADATA;
}
