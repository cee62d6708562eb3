/*-------------------------------------------------------------------------
 *
 * socket.h
 *		The sockets of all connections: counted, found again, looked at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SOCKET_H
#define APPCONFIG_SOCKET_H

#include <sys/socket.h>

/* What can be done about a shortage */
#define SOCKET_SHORTAGE_HINT                                              \
	"Raise max_files_per_process, or the limit of open files (ulimit -n)" \
	" that PostgreSQL runs under, or lower max_concurrency of the"        \
	" foreign servers."

extern int	appconfig_socket_open(const struct sockaddr *peer, socklen_t length,
								  int type, int protocol);
extern int	appconfig_socket_close(int sock);
extern bool appconfig_socket_means_shortage(int error);
extern int	appconfig_socket_count(void);

extern int	appconfig_socket_find(const char *peer, int peer_port,
								  int local_port);
extern const struct sockaddr *appconfig_socket_peer(int sock);
extern void appconfig_socket_set_mark(int sock, uint64 mark);
extern uint64 appconfig_socket_mark(int sock);
extern bool appconfig_socket_has_input(int sock);
extern uint64 appconfig_socket_received(int sock);

#endif							/* APPCONFIG_SOCKET_H */
