/*
 * How often a secret is in the memory of this process, for functions in SQL.  The secret comes masked, so that the
 * search does not find what it looks for.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdio.h>

#define MASK 0x55

static bool
is_secret_at(const unsigned char *memory, const unsigned char *masked, size_t length)
{
	size_t		i = 0;

	while (i < length && (memory[i] ^ MASK) == masked[i])
		i++;
	return i == length;
}

/* How often it is in what the process can write to, shared memory and stack aside */
static int
count_secrets(const unsigned char *masked, size_t length)
{
	FILE	   *maps = fopen("/proc/self/maps", "r");
	char		line[1024];
	int			count = 0;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL)
	{
		unsigned long start;
		unsigned long end;
		char		mode[5];
		const unsigned char *memory;

		if (sscanf(line, "%lx-%lx %4s", &start, &end, mode) != 3 || strcmp(mode, "rw-p") != 0 ||
			strstr(line, "[stack]") != NULL)
			continue;
		for (memory = (const unsigned char *) start; memory + length <= (const unsigned char *) end; memory++)
			count += is_secret_at(memory, masked, length);
	}
	fclose(maps);
	return count;
}

#endif							/* MEMORY_H */
