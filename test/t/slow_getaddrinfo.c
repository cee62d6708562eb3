/*
 * A name server that never answers: preloaded, this makes getaddrinfo wait for
 * ever where the host is slow.invalid, after creating the file that
 * SLOW_GETADDRINFO_MARK names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int			(*real) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (node != NULL && strcmp(node, "slow.invalid") == 0)
	{
		const char *mark = getenv("SLOW_GETADDRINFO_MARK");

		if (mark != NULL)
			close(open(mark, O_CREAT | O_WRONLY, 0600));
		for (;;)
			pause();
	}
	*(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, result);
}
