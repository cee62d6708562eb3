/*-------------------------------------------------------------------------
 *
 * test_host_file.c
 *	  unit tests of src/host_file.c
 *
 * IDENTIFICATION
 *	  test/unit/test_host_file.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_file.h"

#include "unit.h"

#define MOST 100

static char directory[MAXPGPATH];

/* The path of a file of the test's directory, in a buffer for each name */
static const char *
path_of(const char *name)
{
	static char paths[16][MAXPGPATH * 2];
	static int	next = 0;
	char	   *path = paths[next++ % 16];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

static void
write_file(const char *path, const char *content, size_t length)
{
	FILE	   *stream = fopen(path, "wb");

	if (stream == NULL || fwrite(content, 1, length, stream) != length ||
		fclose(stream) != 0)
	{
		perror(path);
		exit(1);
	}
}

static void
test_read(const char *path, const char *content, size_t length,
		  const char *what)
{
	const char *reason = NULL;
	size_t		got = 0;
	char	   *text = appconfig_host_file_read(path, MOST, &got, &reason);

	ok(text != NULL && got == length && memcmp(text, content, length) == 0 &&
	   text[length] == '\0',
	   "read: %s", what);
	appconfig_host_file_wipe(text, got);
}

static void
test_refused(const char *path, const char *expected, const char *what)
{
	const char *reason = NULL;
	size_t		length;
	char	   *text = appconfig_host_file_read(path, MOST, &length, &reason);

	ok(text == NULL, "refused: %s", what);
	is_str(reason, expected, "reason: %s", what);
	appconfig_host_file_wipe(text, text != NULL ? length : 0);
}

static int
count_descriptors(void)
{
	DIR		   *listing = opendir("/proc/self/fd");
	int			count = 0;

	if (listing == NULL)
		return -1;
	while (readdir(listing) != NULL)
		count++;
	closedir(listing);
	return count;
}

static void
test_reading(void)
{
	static const char with_zero[] = "a\0b";
	char		full[MOST + 1];
	int			descriptors = count_descriptors();

	memset(full, 'x', sizeof(full));
	write_file(path_of("plain"), "key\n", 4);
	write_file(path_of("empty"), "", 0);
	write_file(path_of("zero"), with_zero, sizeof(with_zero));
	write_file(path_of("full"), full, MOST);
	write_file(path_of("large"), full, MOST + 1);
	if (symlink("plain", path_of("link")) != 0 ||
		symlink("loop", path_of("loop")) != 0 ||
		mkdir(path_of("folder"), 0700) != 0 ||
		mkfifo(path_of("fifo"), 0600) != 0)
		perror(directory);

	test_read(path_of("plain"), "key\n", 4, "a file");
	test_read(path_of("empty"), "", 0, "an empty file");
	test_read(path_of("zero"), with_zero, sizeof(with_zero), "zero bytes");
	test_read(path_of("full"), full, MOST, "as many bytes as may be");
	test_read(path_of("link"), "key\n", 4, "a symbolic link");
	test_refused(path_of("large"), "it is too large", "a byte too many");
	test_refused(path_of("missing"), strerror(ENOENT), "no file");
	test_refused(path_of("plain/x"), strerror(ENOTDIR), "no directory");
	test_refused(path_of("loop"), strerror(ELOOP), "a link to itself");
	test_refused("", strerror(ENOENT), "no name");
	test_refused(path_of("folder"), "it is not a regular file", "a directory");
	test_refused(path_of("fifo"), "it is not a regular file", "a FIFO");
	test_refused("/dev/zero", "it is not a regular file", "a device");
	/* regular, of size zero, with bytes in it all the same */
	test_refused("/proc/self/status", "it changed while it was read",
				 "a file that is longer than it says");
	is_int(count_descriptors(), descriptors, "each file was closed");
}

static bool
is_unchanged(const char *path, HostFileStamp *stamp)
{
	HostFileStamp now;
	bool		same;

	appconfig_host_file_stamp(path, &now);
	same = appconfig_host_file_same(stamp, &now);
	*stamp = now;
	return same;
}

static void
set_modified(const char *path, time_t seconds, long nanoseconds)
{
	struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};

	utimensat(AT_FDCWD, path, times, 0);
}

static void
test_stamps(void)
{
	const char *path = path_of("stamped");
	HostFileStamp stamp;

	appconfig_host_file_stamp(path, &stamp);
	ok(!stamp.exists, "no file has no stamp");
	ok(is_unchanged(path, &stamp), "no file is no file");

	write_file(path, "one", 3);
	set_modified(path, 1000, 0);
	ok(!is_unchanged(path, &stamp), "a new file");
	ok(is_unchanged(path, &stamp), "the same file");
	set_modified(path, 1001, 0);
	ok(!is_unchanged(path, &stamp), "another second");
	set_modified(path, 1001, 1);
	ok(!is_unchanged(path, &stamp), "another nanosecond");
	write_file(path, "three", 5);
	set_modified(path, 1001, 1);
	ok(!is_unchanged(path, &stamp), "another size");
	write_file(path_of("other"), "three", 5);
	set_modified(path_of("other"), 1001, 1);
	rename(path_of("other"), path);
	ok(!is_unchanged(path, &stamp), "another file by its name");
	unlink(path);
	ok(!is_unchanged(path, &stamp), "no file any more");
}

static void
remove_files(void)
{
	static const char *const files[] = {
		"plain", "empty", "zero", "full", "large", "link", "loop", "fifo",
	};
	size_t		i;

	for (i = 0; i < lengthof(files); i++)
		unlink(path_of(files[i]));
	rmdir(path_of("folder"));
	rmdir(directory);
}

int
main(void)
{
	const char *temporary = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/host_file.XXXXXX",
			 temporary != NULL ? temporary : "/tmp");
	if (mkdtemp(directory) == NULL)
	{
		perror(directory);
		return 1;
	}
	test_reading();
	test_stamps();
	appconfig_host_file_wipe(NULL, 0);
	remove_files();
	return done_testing();
}
