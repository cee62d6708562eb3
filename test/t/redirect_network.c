/*
 * A network in which AWS is on this machine: preloaded, this makes a process
 * believe that it talks to AWS, while it talks to a test.
 *
 * Names that end as AWS's own do, and those that REDIRECT_NAMES lists with
 * commas between them, have the address 192.0.2.1.  Connections to its ports
 * 443 and 80, and to the addresses of the metadata service and of a container's
 * agent, go to the ports of 127.0.0.1 that REDIRECT_TLS_PORT and
 * REDIRECT_METADATA_PORT name, and are refused where these are not set.  The
 * peer of such a connection is said to be the one that was asked for.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define AWS_ADDRESS "192.0.2.1"
#define MAX_SOCKETS 4096

/* the C library's headers declare these two with a type of their own */
int			redirected_connect(int sock, const struct sockaddr *address, socklen_t length) __asm__("connect");
int			redirected_getpeername(int sock, struct sockaddr *address, socklen_t *length) __asm__("getpeername");

static const struct
{
	const char *address;
	int			port;
	const char *variable;
}			destinations[] = {
	{AWS_ADDRESS, 443, "REDIRECT_TLS_PORT"},
	{AWS_ADDRESS, 80, "REDIRECT_METADATA_PORT"},
	{"169.254.169.254", 80, "REDIRECT_METADATA_PORT"},
	{"169.254.170.2", 80, "REDIRECT_METADATA_PORT"},
	{"169.254.170.23", 80, "REDIRECT_METADATA_PORT"},
	{"fd00:ec2::254", 80, "REDIRECT_METADATA_PORT"},
	{"fd00:ec2::23", 80, "REDIRECT_METADATA_PORT"},
};

static const char *const domains[] = {".amazonaws.com", ".api.aws", ".aws"};

/* What was asked for, by socket; a family of 0 where it is where it should be */
static struct sockaddr_storage asked_for[MAX_SOCKETS];

static bool
ends_with(const char *name, const char *domain)
{
	size_t		length = strlen(name);
	size_t		wanted = strlen(domain);

	return length > wanted && strcasecmp(name + length - wanted, domain) == 0;
}

/* Is the name one of those between the commas? */
static bool
is_listed(const char *name, const char *list)
{
	size_t		length = strlen(name);

	while (list != NULL)
	{
		if (strncasecmp(list, name, length) == 0 && (list[length] == ',' || list[length] == '\0'))
			return true;
		list = strchr(list, ',');
		if (list != NULL)
			list++;
	}
	return false;
}

static bool
is_aws(const char *name)
{
	size_t		i;

	for (i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
	{
		if (ends_with(name, domains[i]))
			return true;
	}
	return is_listed(name, getenv("REDIRECT_NAMES"));
}

/* The variable with the port that stands for an address, NULL if none does */
static const char *
variable_of(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *) address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) address;
	bool		is_v6 = address->sa_family == AF_INET6;
	char		text[INET6_ADDRSTRLEN];
	size_t		i;

	if (address->sa_family != AF_INET && !is_v6)
		return NULL;
	inet_ntop(address->sa_family, is_v6 ? (const void *) &v6->sin6_addr : (const void *) &v4->sin_addr, text,
			  sizeof(text));
	for (i = 0; i < sizeof(destinations) / sizeof(destinations[0]); i++)
	{
		if (strcmp(text, destinations[i].address) == 0 &&
			ntohs(is_v6 ? v6->sin6_port : v4->sin_port) == destinations[i].port)
			return destinations[i].variable;
	}
	return NULL;
}

/* This machine's port as an address of a family; returns its length */
static socklen_t
local_address(struct sockaddr_storage *address, int family, int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *) address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) address;

	memset(address, 0, sizeof(*address));
	address->ss_family = family;
	if (family == AF_INET6)
	{
		v6->sin6_port = htons(port);
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6->sin6_addr);
		return sizeof(*v6);
	}
	v4->sin_port = htons(port);
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(*v4);
}

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int			(*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

	*(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node != NULL && is_aws(node) ? AWS_ADDRESS : node, service, hints, result);
}

int
redirected_connect(int sock, const struct sockaddr *address, socklen_t length)
{
	int			(*real) (int, const struct sockaddr *, socklen_t);
	const char *variable = variable_of(address);
	const char *port = variable != NULL ? getenv(variable) : NULL;
	struct sockaddr_storage local;

	*(void **) &real = dlsym(RTLD_NEXT, "connect");
	if (sock >= 0 && sock < MAX_SOCKETS)
		asked_for[sock].ss_family = 0;
	if (variable == NULL)
		return real(sock, address, length);
	if (port == NULL || sock < 0 || sock >= MAX_SOCKETS || length > sizeof(struct sockaddr_storage))
	{
		errno = ECONNREFUSED;
		return -1;
	}
	memcpy(&asked_for[sock], address, length);
	length = local_address(&local, address->sa_family, atoi(port));
	return real(sock, (struct sockaddr *) &local, length);
}

/*
 * A number can be another socket's by now, one that has been accepted, say:
 * only a peer on this machine is hidden.
 */
int
redirected_getpeername(int sock, struct sockaddr *address, socklen_t *length)
{
	int			(*real) (int, struct sockaddr *, socklen_t *);
	struct sockaddr_storage peer;
	socklen_t	peer_length = sizeof(peer);
	const struct sockaddr_storage *asked;
	struct sockaddr_storage local;
	const char *port;

	*(void **) &real = dlsym(RTLD_NEXT, "getpeername");
	if (sock < 0 || sock >= MAX_SOCKETS || asked_for[sock].ss_family == 0)
		return real(sock, address, length);
	asked = &asked_for[sock];
	port = getenv(variable_of((const struct sockaddr *) asked));
	if (real(sock, (struct sockaddr *) &peer, &peer_length) != 0)
		return -1;
	if (port == NULL || peer_length != local_address(&local, asked->ss_family, atoi(port)) ||
		memcmp(&peer, &local, peer_length) != 0)
		return real(sock, address, length);
	memcpy(address, asked, peer_length < *length ? peer_length : *length);
	*length = peer_length;
	return 0;
}
