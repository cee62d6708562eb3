/*
 * Memory that runs out: preloaded, this makes one allocation of a backend fail, or all from one
 * on.  Which, and whose, stands in the file that FAILING_MALLOC names, where they are also
 * counted; the test reads and writes it as numbers of 64 bits.
 *
 * Whose an allocation is tells the address that it returns to, so libc's own and PostgreSQL's
 * never fail: the one reports them itself, the other is not what is tested.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control
{
	int64_t		pid;			/* of the backend, 0 for none */
	int64_t		whose;			/* bits of owners[] */
	int64_t		fail_at;		/* number of the allocation, 0 for none */
	int64_t		go_on;			/* do those behind it fail as well? */
	int64_t		count;			/* allocations so far */
	int64_t		failed;			/* of these */
};

static const char *const owners[] = {"appconfig_fdw", "libcurl"};

static struct control *control;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

__attribute__((constructor)) static void
map_control(void)
{
	const char *file = getenv("FAILING_MALLOC");
	int			fd = file != NULL ? open(file, O_RDWR) : -1;
	void	   *map;

	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		control = map;
}

static int
is_counted(void *caller)
{
	Dl_info		info;
	size_t		i;

	if (dladdr(caller, &info) == 0 || info.dli_fname == NULL)
		return 0;
	for (i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
	{
		if (strstr(info.dli_fname, owners[i]) != NULL)
			return (control->whose >> i) & 1;
	}
	return 0;
}

static int
fails(void *caller)
{
	int64_t		number;

	if (control == NULL || control->pid != getpid() || !is_counted(caller))
		return 0;
	number = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
	if (control->fail_at == 0 || number < control->fail_at || (number > control->fail_at && !control->go_on))
		return 0;
	control->failed++;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}

static char *
copy(const char *string, size_t length)
{
	char	   *result = __libc_malloc(length + 1);

	if (result == NULL)
		return NULL;
	memcpy(result, string, length);
	result[length] = '\0';
	return result;
}

char *
strdup(const char *string)
{
	return fails(__builtin_return_address(0)) ? NULL : copy(string, strlen(string));
}

char *
strndup(const char *string, size_t length)
{
	return fails(__builtin_return_address(0)) ? NULL : copy(string, strnlen(string, length));
}
