/*-------------------------------------------------------------------------
 *
 * host_file.c
 *		Files of the database server's machine, and whether they have changed
 *
 * What lives here is how a file with keys or tokens in it is read: whole, of a
 * bounded size, without ever waiting for somebody who writes it, and without
 * an error being raised while it is open.
 *
 * What may not live here: which files are read and what is in them
 * (credential_plan.c, aws_profile.c), and any part of a content in a message.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef FRONTEND
#include "storage/fd.h"
#endif

#include "host_file.h"

/* O_NONBLOCK: to open a FIFO would wait for its other end. */
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int
open_file(const char *path)
{
#ifdef FRONTEND
	return open(path, OPEN_FLAGS);
#else
	/* it closes a file that PostgreSQL can open again where none is left */
	return BasicOpenFile(path, OPEN_FLAGS);
#endif
}

/*
 * Reads until the end of the file or of the buffer.  Returns the bytes that
 * were read, or -1 with errno.
 */
static ssize_t
read_until(int file, char *buffer, size_t size)
{
	size_t		length = 0;

	while (length < size)
	{
		ssize_t		part = read(file, buffer + length, size - length);

		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			return -1;
		if (part == 0)
			break;
		length += part;
	}
	return (ssize_t) length;
}

/*
 * Reads a file of that size.  A byte more is asked for: a file that grew
 * meanwhile is being written, and half of it would be worse than nothing.
 */
static char *
read_content(int file, size_t size, size_t *length, const char **reason)
{
	char	   *content;
	ssize_t		got;

	content = palloc_extended(size + 1, MCXT_ALLOC_NO_OOM);
	if (content == NULL)
	{
		*reason = strerror(ENOMEM);
		return NULL;
	}
	got = read_until(file, content, size + 1);
	if (got >= 0 && (size_t) got <= size)
	{
		content[got] = '\0';
		*length = got;
		return content;
	}
	*reason = got < 0 ? strerror(errno) : "it changed while it was read";
	appconfig_host_file_wipe(content, size + 1);
	return NULL;
}

/*
 * Reads a regular file of at most that many bytes; symbolic links are followed,
 * of which the files that Kubernetes mounts consist.
 *
 * Returns its content, with a zero byte behind, and *length: the caller gives
 * both to appconfig_host_file_wipe().  Returns NULL where that is not possible,
 * with *reason such as "No such file or directory", which never quotes the
 * content, and which the next call to strerror() may overwrite.
 */
char *
appconfig_host_file_read(const char *path, size_t most, size_t *length,
						 const char **reason)
{
	int			file = open_file(path);
	struct stat state;
	char	   *content = NULL;

	if (file < 0)
	{
		*reason = strerror(errno);
		return NULL;
	}
	if (fstat(file, &state) != 0)
		*reason = strerror(errno);
	else if (!S_ISREG(state.st_mode))
		*reason = "it is not a regular file";
	else if ((uint64) state.st_size > most)
		*reason = "it is too large";
	else
		content = read_content(file, state.st_size, length, reason);
	close(file);
	return content;
}

/* Overwrites and frees what appconfig_host_file_read() returned, or NULL. */
void
appconfig_host_file_wipe(char *content, size_t length)
{
	if (content == NULL)
		return;
	explicit_bzero(content, length);
	pfree(content);
}

/*
 * Fills *stamp.  A file that cannot be reached counts as one that is not
 * there.  To see every change, take the stamp before reading the file.
 */
void
appconfig_host_file_stamp(const char *path, HostFileStamp *stamp)
{
	struct stat state;

	memset(stamp, 0, sizeof(*stamp));
	if (stat(path, &state) != 0)
		return;
	stamp->exists = true;
	stamp->device = state.st_dev;
	stamp->inode = state.st_ino;
	stamp->size = state.st_size;
	stamp->modified = state.st_mtim.tv_sec;
	stamp->modified_ns = state.st_mtim.tv_nsec;
}

/* Whether two stamps are of the same state of the same file */
bool
appconfig_host_file_same(const HostFileStamp *one, const HostFileStamp *other)
{
	return one->exists == other->exists && one->device == other->device &&
		one->inode == other->inode && one->size == other->size &&
		one->modified == other->modified &&
		one->modified_ns == other->modified_ns;
}
