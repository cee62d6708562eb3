/*-------------------------------------------------------------------------
 *
 * http_memory.c
 *		Memory for libcurl that does not run out at the wrong moment.
 *
 * libcurl checks what malloc() returns, but not everywhere what then has not
 * been done: 7.88 divides by the size of a hash table that it could not
 * allocate, and the backend is gone.  So it gets malloc()'s memory while there
 * is any, and then that of a reserve, of which it sees nothing.  Whoever
 * drives the transfers asks afterwards whether that has happened, and ends
 * them as out of memory in good order.  Only where the reserve is used up as
 * well does libcurl see a failure.
 *
 * The reserve is never touched otherwise, and so costs address space alone.
 * Its memory is given out from front to back, and all of it is free again when
 * the last piece has been given back.
 *
 * Requests have session tokens in them and answers credentials, and libcurl
 * keeps pieces of both in buffers of its own.  So whatever it gives back is
 * overwritten before anybody else gets it, and nothing is moved by realloc(),
 * which would leave the old place as it is.
 *
 * libcurl takes these functions from its first user in a process.  If another
 * library has initialised it before, they are not used, and
 * appconfig_http_memory_is_ours() says so.  OpenSSL and the name resolution of
 * the C library have allocators of their own.
 *
 * libcurl's threads, which resolve names, allocate as well: hence the lock.
 * What may not live here: anything of PostgreSQL.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <curl/curl.h>
#include <malloc.h>

#include "http_memory.h"

#define RESERVE_SIZE (1024 * 1024)	/* bytes; a transfer takes some ten kB */

/* In front of each piece of the reserve */
typedef struct PieceHeader
{
	size_t		size;			/* bytes of the piece, without the header */
} PieceHeader;

#define HEADER_SIZE MAXALIGN(sizeof(PieceHeader))

static char reserve[RESERVE_SIZE] pg_attribute_aligned(MAXIMUM_ALIGNOF);

static bool locked = false;

/* These are under the lock */
static size_t used = 0;			/* bytes of the reserve */
static int	pieces = 0;			/* that libcurl has of it */

static bool ran_out = false;	/* since somebody asked */
static bool is_asked = false;	/* has libcurl ever asked for memory here? */

static void
lock(void)
{
	/* held for some instructions only */
	while (__atomic_test_and_set(&locked, __ATOMIC_ACQUIRE))
		continue;
}

static void
unlock(void)
{
	__atomic_clear(&locked, __ATOMIC_RELEASE);
}

static bool
is_of_reserve(const void *piece)
{
	return (const char *) piece >= reserve &&
		(const char *) piece < reserve + RESERVE_SIZE;
}

static void *
take_from_reserve(size_t size)
{
	char	   *piece = NULL;

	__atomic_store_n(&ran_out, true, __ATOMIC_SEQ_CST);
	if (size > RESERVE_SIZE - HEADER_SIZE)
		return NULL;
	lock();
	if (MAXALIGN(size) + HEADER_SIZE <= RESERVE_SIZE - used)
	{
		((PieceHeader *) (reserve + used))->size = size;
		piece = reserve + used + HEADER_SIZE;
		used += MAXALIGN(size) + HEADER_SIZE;
		pieces++;
	}
	unlock();
	return piece;
}

static void
give_back_to_reserve(void)
{
	lock();
	if (--pieces == 0)
		used = 0;
	unlock();
}

/* Bytes of a piece: as many as libcurl has asked for, or some more */
static size_t
size_of(void *piece)
{
	if (is_of_reserve(piece))
		return ((PieceHeader *) ((char *) piece - HEADER_SIZE))->size;
	return malloc_usable_size(piece);
}

/* ------------------------------------------------------------------------
 * What libcurl calls
 * ------------------------------------------------------------------------
 */

static void *
allocate(size_t size)
{
	void	   *piece = malloc(size);

	__atomic_store_n(&is_asked, true, __ATOMIC_SEQ_CST);
	return piece != NULL || size == 0 ? piece : take_from_reserve(size);
}

static void *
allocate_zeroed(size_t count, size_t size)
{
	void	   *piece = calloc(count, size);

	if (piece != NULL || count == 0 || size == 0)
		return piece;
	/* one that is too large for it is a shortage all the same */
	piece = take_from_reserve(count > RESERVE_SIZE / size ? RESERVE_SIZE
							  : count * size);
	return piece != NULL ? memset(piece, 0, count * size) : NULL;
}

static void
deallocate(void *piece)
{
	if (piece == NULL)
		return;
	explicit_bzero(piece, size_of(piece));
	if (is_of_reserve(piece))
		give_back_to_reserve();
	else
		free(piece);
}

/* Does a piece do for another size, without wasting much? */
static bool
is_fitting(void *piece, size_t size)
{
	size_t		has = size_of(piece);

	return !is_of_reserve(piece) && size <= has && size > has / 2;
}

static void *
reallocate(void *piece, size_t size)
{
	void	   *moved;

	if (piece == NULL)
		return allocate(size);
	if (is_fitting(piece, size))
		return piece;
	moved = allocate(size);
	if (moved != NULL)
		memcpy(moved, piece, Min(size, size_of(piece)));
	/* nothing is asked for where it is to be freed */
	if (moved != NULL || size == 0)
		deallocate(piece);
	return moved;
}

static char *
duplicate(const char *text)
{
	size_t		size = strlen(text) + 1;
	char	   *copy = allocate(size);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

/* ------------------------------------------------------------------------
 * What http.c calls
 * ------------------------------------------------------------------------
 */

/* Initialises libcurl.  Returns false if it cannot be. */
bool
appconfig_http_memory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_DEFAULT, allocate, deallocate,
								reallocate, duplicate,
								allocate_zeroed) == CURLE_OK;
}

/* Does libcurl use the functions here, so that a failure would be known? */
bool
appconfig_http_memory_is_ours(void)
{
	return __atomic_load_n(&is_asked, __ATOMIC_SEQ_CST);
}

/* Has the reserve been needed since this was called last? */
bool
appconfig_http_memory_ran_out(void)
{
	return __atomic_exchange_n(&ran_out, false, __ATOMIC_SEQ_CST);
}

/* Is something of the reserve still in use? */
bool
appconfig_http_memory_is_reduced(void)
{
	bool		reduced;

	lock();
	reduced = pieces > 0;
	unlock();
	return reduced;
}
