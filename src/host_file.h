/*-------------------------------------------------------------------------
 *
 * host_file.h
 *		Files of the database server's machine, and whether they have changed
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_HOST_FILE_H
#define APPCONFIG_HOST_FILE_H

#include <sys/types.h>

/* What tells one state of a file from another, without reading it */
typedef struct HostFileStamp
{
	bool		exists;			/* false: nothing else is set */
	dev_t		device;
	ino_t		inode;
	off_t		size;
	int64		modified;		/* seconds since 1970 */
	long		modified_ns;	/* and nanoseconds */
} HostFileStamp;

extern char *appconfig_host_file_read(const char *path, size_t most,
									  size_t *length, const char **reason);
extern void appconfig_host_file_wipe(char *content, size_t length);
extern void appconfig_host_file_stamp(const char *path, HostFileStamp *stamp);
extern bool appconfig_host_file_same(const HostFileStamp *one,
									 const HostFileStamp *other);

#endif							/* APPCONFIG_HOST_FILE_H */
