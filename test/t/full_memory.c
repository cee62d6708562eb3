/*
 * Shared memory that runs out: preloaded, this makes all of posix_fallocate() fail, by which
 * PostgreSQL gets it, while the file exists that FULL_MEMORY_MARK names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

int
posix_fallocate(int fd, off_t offset, off_t length)
{
	static int	(*next) (int, off_t, off_t);
	const char *mark = getenv("FULL_MEMORY_MARK");

	if (mark != NULL && access(mark, F_OK) == 0)
		return ENOSPC;
	if (next == NULL)
		next = (int (*) (int, off_t, off_t)) dlsym(RTLD_NEXT, "posix_fallocate");
	return next(fd, offset, length);
}
