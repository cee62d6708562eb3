/*-------------------------------------------------------------------------
 *
 * socket.c
 *		The sockets of all connections: counted, found again, looked at.
 *
 * PostgreSQL is told of each, so that it can keep enough descriptors for its
 * own files.  libcurl does not say which socket a kept connection has, but
 * what its addresses are; by these it is found here.
 *
 * What may not live here: libcurl, and which addresses are good (address.c).
 * Everything here is called from within libcurl, so nothing raises an error or
 * allocates from a memory context.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <unistd.h>

#include "storage/fd.h"

#include "socket.h"

typedef struct Socket
{
	int			sock;
	int			local_port;		/* 0 until it is known */
	uint64		mark;
	struct sockaddr_storage peer;
} Socket;

/* malloc'ed: connections outlive statements */
static Socket *sockets = NULL;
static int	socket_count = 0;
static int	sockets_allocated = 0;

static Socket *
get_socket(int sock)
{
	int			i;

	for (i = 0; i < socket_count; i++)
	{
		if (sockets[i].sock == sock)
			return &sockets[i];
	}
	return NULL;
}

static bool
make_place(void)
{
	int			wanted = Max(16, sockets_allocated * 2);
	Socket	   *larger;

	if (socket_count < sockets_allocated)
		return true;
	larger = realloc(sockets, sizeof(Socket) * wanted);
	if (larger == NULL)
		return false;
	sockets = larger;
	sockets_allocated = wanted;
	return true;
}

/*
 * A socket for a connection to the peer, which somebody else makes.  Returns
 * -1 and sets errno if there is none to be had.
 */
int
appconfig_socket_open(const struct sockaddr *peer, socklen_t length, int type,
					  int protocol)
{
	Socket	   *new;
	int			sock;

	if (length > sizeof(new->peer) || !make_place())
	{
		errno = ENOMEM;
		return -1;
	}
	if (!AcquireExternalFD())
		return -1;
	sock = socket(peer->sa_family, type | SOCK_CLOEXEC, protocol);
	if (sock < 0)
	{
		int			save_errno = errno;

		ReleaseExternalFD();
		errno = save_errno;
		return -1;
	}
	new = &sockets[socket_count++];
	memset(new, 0, sizeof(Socket));
	new->sock = sock;
	memcpy(&new->peer, peer, length);
	return sock;
}

int
appconfig_socket_close(int sock)
{
	Socket	   *old = get_socket(sock);

	if (old != NULL)
	{
		*old = sockets[--socket_count];
		ReleaseExternalFD();
	}
	return close(sock);
}

/* Does the error say that there are too many, rather than that it is wrong? */
bool
appconfig_socket_means_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
		error == ENOMEM || error == ENOSPC;
}

/* How many are open */
int
appconfig_socket_count(void)
{
	return socket_count;
}

static int
port_of(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET6
				 ? ((const struct sockaddr_in6 *) address)->sin6_port
				 : ((const struct sockaddr_in *) address)->sin_port);
}

static int
local_port_of(Socket *this)
{
	struct sockaddr_storage address = {0};
	socklen_t	length = sizeof(address);

	if (this->local_port == 0 &&
		getsockname(this->sock, (struct sockaddr *) &address, &length) == 0)
		this->local_port = port_of(&address);
	return this->local_port;
}

static bool
has_peer(const Socket *this, const char *peer, int peer_port)
{
	char		text[INET6_ADDRSTRLEN];
	const void *address =
	this->peer.ss_family == AF_INET6
	? (const void *) &((const struct sockaddr_in6 *) &this->peer)
	->sin6_addr
	: (const void *) &((const struct sockaddr_in *) &this->peer)
	->sin_addr;

	return port_of(&this->peer) == peer_port &&
		inet_ntop(this->peer.ss_family, address, text, sizeof(text)) !=
		NULL &&
		strcmp(text, peer) == 0;
}

/* The connected socket between these addresses, -1 if there is none */
int
appconfig_socket_find(const char *peer, int peer_port, int local_port)
{
	int			i;

	for (i = 0; i < socket_count; i++)
	{
		if (local_port_of(&sockets[i]) == local_port &&
			has_peer(&sockets[i], peer, peer_port))
			return sockets[i].sock;
	}
	return -1;
}

/* The address that an open socket is or will be connected to */
const struct sockaddr *
appconfig_socket_peer(int sock)
{
	return (const struct sockaddr *) &get_socket(sock)->peer;
}

/* Keeps something of whoever has opened a socket; it is 0 before */
void
appconfig_socket_set_mark(int sock, uint64 mark)
{
	get_socket(sock)->mark = mark;
}

uint64
appconfig_socket_mark(int sock)
{
	return get_socket(sock)->mark;
}

/* Is there anything to be read, the end of the connection included? */
bool
appconfig_socket_has_input(int sock)
{
	char		byte;

	return recv(sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
		(errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Bytes that have come in over the connection, whatever they were */
uint64
appconfig_socket_received(int sock)
{
	struct tcp_info info = {0};
	socklen_t	length = sizeof(info);

	if (getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
		return 0;
	return info.tcpi_bytes_received;
}
