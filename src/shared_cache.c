/*-------------------------------------------------------------------------
 *
 * shared_cache.c
 *		Texts by a key, in memory that all backends share.
 *
 * The memory is extents, segments that are made as they are needed, until
 * appconfig_fdw.shared_cache_size is reached.  An extent is an array of blocks
 * of one size, and a text a chain of them: so there is nothing that could
 * become fragmented, and what is taken is known to the byte.  When there is no
 * block left, the least recently used texts go, as a clock sees it: a text
 * that was used since its turn came last gets another one.
 *
 * One lock is for all of it: shared by those who read, who copy a text and
 * mark it as used, and exclusive for those who keep one.  Whoever has it
 * writes to memory and does nothing else, so that no error or end of a backend
 * leaves anything half done.  Segments are made and attached without it.
 * Where there is no memory for that, the operating system's or a setting's,
 * nothing is shared for a while; a copy is worth no error.
 *
 * What may not live here: what the texts are, whose they are, and whether one
 * may be served (shared_copies.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/dsm.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "clock.h"
#include "compat.h"
#include "shared_cache.h"
#include "shared_memory.h"

#define BLOCK_BYTES		  1024
#define BUCKETS			  16384
#define MAX_EXTENTS		  64
#define EXTENTS_OF_LIMIT  16	/* that a limit is reached with */
#define MIN_EXTENT_BLOCKS 64
#define MAX_EXTENT_BLOCKS (PG_UINT32_MAX / MAX_EXTENTS)

/* A text of more than this part of the limit would drive out too much */
#define LARGEST_PART 8

/* Texts that get another turn, at most, until one has to go */
#define MAX_TURNS 64

/* Until it is tried again when there was no memory */
#define PAUSE (60 * CLOCK_SECOND)

/* extent * MAX_EXTENT_BLOCKS + block in it */
typedef uint32 BlockPlace;

#define NO_BLOCK PG_UINT32_MAX

/* A later block of a text, or one that is free */
typedef struct Block
{
	BlockPlace	next;			/* of the text, or of those that are free */
	char		bytes[BLOCK_BYTES - sizeof(BlockPlace)];
} Block;

/* The first block of a text */
typedef struct HeadBlock
{
	BlockPlace	next;			/* as in Block */
	BlockPlace	in_bucket;		/* next with the same hash */
	BlockPlace	older;			/* neighbours, by when their turn comes */
	BlockPlace	newer;
	pg_atomic_uint32 is_used;	/* since its turn came last */
	uint32		length;
	SharedTag	tag;
	char		bytes[FLEXIBLE_ARRAY_MEMBER];
} HeadBlock;

#define HEAD_ROOM  (BLOCK_BYTES - offsetof(HeadBlock, bytes))
#define BLOCK_ROOM (BLOCK_BYTES - offsetof(Block, bytes))

typedef struct SharedExtent
{
	dsm_handle	handle;			/* DSM_HANDLE_INVALID for none */
	uint32		blocks;
	uint32		unused;			/* at its end, never used so far */
	BlockPlace	first_free;		/* of those that were used before */
} SharedExtent;

/* What all backends share; all but the lock is protected by it */
typedef struct SharedCache
{
	LWLock		lock;
	uint64		generation;		/* changes with the extents */
	Size		bytes;			/* of this struct and all extents */
	uint32		free_blocks;
	int64		grow_after;		/* time before which no extent is made */
	BlockPlace	oldest;			/* whose turn comes next */
	BlockPlace	newest;
	SharedExtent extents[MAX_EXTENTS];
	BlockPlace	buckets[BUCKETS];
} SharedCache;

/* The same extents as this backend has them */
typedef struct MappedExtent
{
	dsm_handle	handle;
	dsm_segment *segment;		/* NULL for none */
	char	   *blocks;
} MappedExtent;

int			appconfig_shared_cache_size = SHARED_CACHE_SIZE;

static SharedCache *cache = NULL;
static MappedExtent mapped[MAX_EXTENTS];
static uint64 mapped_generation = 0;	/* of the cache, that mapped[] is of */
static int64 off_until = 0;		/* this backend has had no memory */

/* ------------------------------------------------------------------------
 * Memory, without the lock
 * ------------------------------------------------------------------------
 */

static void
init_cache(void *segment)
{
	SharedCache *new = segment;
	int			i;

	memset(new, 0, sizeof(SharedCache));
	appconfig_shared_memory_init_lock(&new->lock);
	new->generation = 1;
	new->bytes = sizeof(SharedCache);
	new->oldest = new->newest = NO_BLOCK;
	for (i = 0; i < MAX_EXTENTS; i++)
		new->extents[i].handle = DSM_HANDLE_INVALID;
	for (i = 0; i < BUCKETS; i++)
		new->buckets[i] = NO_BLOCK;
}

static void
unmap_extent(int index)
{
	MappedExtent *extent = &mapped[index];
	dsm_segment *segment = extent->segment;

	extent->segment = NULL;
	if (segment != NULL)
		dsm_detach(segment);
}

static void
map_extent(int index, dsm_segment *segment)
{
	MappedExtent *extent = &mapped[index];

	dsm_pin_mapping(segment);
	extent->handle = dsm_segment_handle(segment);
	extent->segment = segment;
	extent->blocks = dsm_segment_address(segment);
}

/* Which extents there are */
typedef struct ExtentList
{
	uint64		generation;
	dsm_handle	handles[MAX_EXTENTS];
} ExtentList;

/*
 * Makes mapped[] what the list says; if one of them has gone meanwhile, there
 * is a newer list.
 */
static void
map_extents(void *arg)
{
	const ExtentList *list = arg;
	int			i;

	mapped_generation = 0;
	for (i = 0; i < MAX_EXTENTS; i++)
	{
		dsm_handle	handle = list->handles[i];
		dsm_segment *segment;

		if (mapped[i].segment != NULL && mapped[i].handle == handle)
			continue;
		unmap_extent(i);
		if (handle == DSM_HANDLE_INVALID)
			continue;
		segment = dsm_attach(handle);
		if (segment == NULL)
			return;
		dsm_pin_mapping(segment);
		map_extent(i, segment);
	}
	mapped_generation = list->generation;
}

/* There was no memory: returns false, for the caller to return */
static bool
pause_sharing(void)
{
	off_until = appconfig_clock_now() + PAUSE;
	return false;
}

/*
 * Takes the lock, with all extents mapped; false, without it, if there is no
 * memory for that
 */
static bool
lock_cache(LWLockMode mode)
{
	for (;;)
	{
		ExtentList	list;
		int			i;

		LWLockAcquire(&cache->lock, mode);
		if (cache->generation == mapped_generation)
			return true;
		list.generation = cache->generation;
		for (i = 0; i < MAX_EXTENTS; i++)
			list.handles[i] = cache->extents[i].handle;
		LWLockRelease(&cache->lock);
		if (!appconfig_shared_memory_attempt(map_extents, &list))
			return pause_sharing();
	}
}

static void
unlock_cache(void)
{
	LWLockRelease(&cache->lock);
}

static Size
limit_bytes(void)
{
	return (Size) appconfig_shared_cache_size * 1024;
}

/* Does this session share copies? */
bool
appconfig_shared_cache_is_on(void)
{
	if (appconfig_shared_cache_size == 0 || !appconfig_has_shared_memory() ||
		(off_until != 0 && appconfig_clock_now() < off_until))
		return false;
	if (cache == NULL)
		cache = appconfig_shared_memory_get("copies", sizeof(SharedCache),
											init_cache);
	return cache != NULL;
}

/* ------------------------------------------------------------------------
 * Blocks, with the lock
 * ------------------------------------------------------------------------
 */

static void *
block_address(BlockPlace id)
{
	return mapped[id / MAX_EXTENT_BLOCKS].blocks +
		(Size) (id % MAX_EXTENT_BLOCKS) * BLOCK_BYTES;
}

static Block *
block_of(BlockPlace id)
{
	return block_address(id);
}

static HeadBlock *
head_of(BlockPlace id)
{
	return block_address(id);
}

/* Blocks that a text takes */
static size_t
count_blocks(size_t length)
{
	return length <= HEAD_ROOM ? 1
		: 1 + (length - HEAD_ROOM + BLOCK_ROOM - 1) / BLOCK_ROOM;
}

static void
free_block(BlockPlace id)
{
	SharedExtent *extent = &cache->extents[id / MAX_EXTENT_BLOCKS];

	block_of(id)->next = extent->first_free;
	extent->first_free = id;
	cache->free_blocks++;
}

/* A block of an extent, or NO_BLOCK */
static BlockPlace
take_block_of(int index)
{
	SharedExtent *extent = &cache->extents[index];
	BlockPlace	id = extent->first_free;

	if (extent->handle == DSM_HANDLE_INVALID)
		return NO_BLOCK;
	if (id != NO_BLOCK)
		extent->first_free = block_of(id)->next;
	else if (extent->unused > 0)
		id = (BlockPlace) index * MAX_EXTENT_BLOCKS + extent->blocks -
			extent->unused--;
	return id;
}

/* A block of which the caller knows that it is there */
static BlockPlace
take_block(void)
{
	BlockPlace	id = NO_BLOCK;
	int			i;

	Assert(cache->free_blocks > 0);
	for (i = 0; i < MAX_EXTENTS && id == NO_BLOCK; i++)
		id = take_block_of(i);
	Assert(id != NO_BLOCK);
	cache->free_blocks--;
	return id;
}

static BlockPlace *
bucket_of(const SharedIdentity *key)
{
	uint32		hash;

	memcpy(&hash, key->digest, sizeof(hash));
	return &cache->buckets[hash % BUCKETS];
}

static BlockPlace
find_text(const SharedIdentity *key)
{
	BlockPlace	id = *bucket_of(key);

	while (id != NO_BLOCK &&
		   memcmp(&head_of(id)->tag.key, key, sizeof(*key)) != 0)
		id = head_of(id)->in_bucket;
	return id;
}

/* The turn of all others comes first */
static void
link_newest(BlockPlace id)
{
	HeadBlock  *head = head_of(id);

	head->older = cache->newest;
	head->newer = NO_BLOCK;
	if (cache->newest != NO_BLOCK)
		head_of(cache->newest)->newer = id;
	else
		cache->oldest = id;
	cache->newest = id;
}

static void
unlink_text(BlockPlace id)
{
	HeadBlock  *head = head_of(id);

	if (head->older != NO_BLOCK)
		head_of(head->older)->newer = head->newer;
	else
		cache->oldest = head->newer;
	if (head->newer != NO_BLOCK)
		head_of(head->newer)->older = head->older;
	else
		cache->newest = head->older;
}

static void
remove_text(BlockPlace id)
{
	HeadBlock  *head = head_of(id);
	BlockPlace *link = bucket_of(&head->tag.key);

	while (*link != id)
		link = &head_of(*link)->in_bucket;
	*link = head->in_bucket;
	unlink_text(id);
	while (id != NO_BLOCK)
	{
		BlockPlace	next = block_of(id)->next;

		free_block(id);
		id = next;
	}
}

/* Lets the least recently used text go */
static void
remove_oldest(void)
{
	int			turns;

	for (turns = 0; turns < MAX_TURNS; turns++)
	{
		BlockPlace	id = cache->oldest;
		HeadBlock  *head = head_of(id);

		if (pg_atomic_read_u32(&head->is_used) == 0)
			break;
		pg_atomic_write_u32(&head->is_used, 0);
		unlink_text(id);
		link_newest(id);
	}
	remove_text(cache->oldest);
}

/* Writes a text into blocks that are there for it; returns the first */
static BlockPlace
write_text(const SharedTag *tag, const char *text, size_t length)
{
	BlockPlace	first = take_block();
	HeadBlock  *head = head_of(first);
	size_t		part = Min(length, HEAD_ROOM);
	BlockPlace *next = &head->next;

	head->tag = *tag;
	head->length = (uint32) length;
	pg_atomic_init_u32(&head->is_used, 0);
	memcpy(head->bytes, text, part);
	while ((length -= part) > 0)
	{
		Block	   *block;

		text += part;
		part = Min(length, BLOCK_ROOM);
		*next = take_block();
		block = block_of(*next);
		memcpy(block->bytes, text, part);
		next = &block->next;
	}
	*next = NO_BLOCK;
	return first;
}

static void
read_text(BlockPlace id, char *text)
{
	const HeadBlock *head = head_of(id);
	size_t		left = head->length;
	size_t		part = Min(left, HEAD_ROOM);
	BlockPlace	next = head->next;

	memcpy(text, head->bytes, part);
	while ((left -= part) > 0)
	{
		const Block *block = block_of(next);

		text += part;
		part = Min(left, BLOCK_ROOM);
		memcpy(text, block->bytes, part);
		next = block->next;
	}
}

/* ------------------------------------------------------------------------
 * Extents
 * ------------------------------------------------------------------------
 */

/* Blocks that another extent may have; 0 for none */
static uint32
next_extent_blocks(void)
{
	Size		limit = limit_bytes();
	Size		bytes = Max(limit / EXTENTS_OF_LIMIT,
							MIN_EXTENT_BLOCKS * BLOCK_BYTES);

	if (cache->bytes >= limit || appconfig_clock_now() < cache->grow_after)
		return 0;
	bytes = Min(bytes, limit - cache->bytes);
	bytes = Min(bytes, (Size) (MAX_EXTENT_BLOCKS - 1) * BLOCK_BYTES);
	return bytes < MIN_EXTENT_BLOCKS * BLOCK_BYTES ? 0
		: (uint32) (bytes / BLOCK_BYTES);
}

static int
find_vacant_extent(void)
{
	int			i;

	for (i = 0; i < MAX_EXTENTS; i++)
	{
		if (cache->extents[i].handle == DSM_HANDLE_INVALID)
			return i;
	}
	return -1;
}

/* With the lock: others have the extent from now on */
static void
publish_extent(int index, dsm_segment *segment, uint32 blocks)
{
	SharedExtent *extent = &cache->extents[index];

	map_extent(index, segment);
	extent->handle = dsm_segment_handle(segment);
	extent->blocks = extent->unused = blocks;
	extent->first_free = NO_BLOCK;
	cache->free_blocks += blocks;
	cache->bytes += (Size) blocks * BLOCK_BYTES;
	mapped_generation = ++cache->generation;
}

typedef struct NewExtent
{
	uint32		blocks;
	dsm_segment *segment;
} NewExtent;

static void
create_extent(void *arg)
{
	NewExtent  *extent = arg;

	extent->segment = dsm_create((Size) extent->blocks * BLOCK_BYTES,
								 DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (extent->segment == NULL)
		return;
	dsm_pin_mapping(extent->segment);
	dsm_pin_segment(extent->segment);
}

/* Nobody needs it after all */
static void
destroy_extent(dsm_segment *segment)
{
	dsm_unpin_segment(dsm_segment_handle(segment));
	dsm_detach(segment);
}

/*
 * With the lock, which is released meanwhile: makes another extent, unless
 * others have been faster.  Nobody else begins to make one in the meantime,
 * for the time that a failure would cost: so there is never more memory than
 * the limit, and whoever ends here holds nobody up for long.  False, without
 * the lock, as lock_cache().
 */
static bool
add_extent(uint32 blocks)
{
	NewExtent	extent = {.blocks = blocks};
	int			index;

	cache->grow_after = appconfig_clock_now() + PAUSE;
	unlock_cache();
	if (!appconfig_shared_memory_attempt(create_extent, &extent))
		extent.segment = NULL;
	if (!lock_cache(LW_EXCLUSIVE))
	{
		if (extent.segment != NULL)
			destroy_extent(extent.segment);
		return false;
	}
	if (extent.segment == NULL)
		return true;
	cache->grow_after = 0;
	index = find_vacant_extent();
	if (index >= 0 && next_extent_blocks() >= blocks)
		publish_extent(index, extent.segment, blocks);
	else
	{
		unlock_cache();
		destroy_extent(extent.segment);
		return lock_cache(LW_EXCLUSIVE);
	}
	return true;
}

static bool
has_block_in(BlockPlace id, int index)
{
	while (id != NO_BLOCK && (int) (id / MAX_EXTENT_BLOCKS) != index)
		id = block_of(id)->next;
	return id != NO_BLOCK;
}

/* With the lock: the extent goes, and all texts of which a part is in it */
static void
empty_extent(int index)
{
	SharedExtent *extent = &cache->extents[index];
	BlockPlace	id = cache->oldest;

	while (id != NO_BLOCK)
	{
		BlockPlace	newer = head_of(id)->newer;

		if (has_block_in(id, index))
			remove_text(id);
		id = newer;
	}
	cache->free_blocks -= extent->blocks;
	cache->bytes -= (Size) extent->blocks * BLOCK_BYTES;
	extent->handle = DSM_HANDLE_INVALID;
	cache->generation++;
}

/*
 * With the lock, which is released meanwhile: lets extents go if the limit has
 * become lower.  False, without the lock, as lock_cache().
 */
static bool
keep_limit(void)
{
	dsm_handle	gone[MAX_EXTENTS];
	int			count = 0;
	int			i;

	for (i = MAX_EXTENTS - 1; i >= 0 && cache->bytes > limit_bytes(); i--)
	{
		if (cache->extents[i].handle == DSM_HANDLE_INVALID)
			continue;
		gone[count++] = cache->extents[i].handle;
		empty_extent(i);
	}
	if (count == 0)
		return true;
	unlock_cache();
	while (count > 0)
		dsm_unpin_segment(gone[--count]);
	return lock_cache(LW_EXCLUSIVE);
}

/*
 * With the lock, which is released meanwhile: sees to it that so many blocks
 * are free.  False, without the lock, if there cannot be.
 */
static bool
make_room(size_t blocks)
{
	uint32		more;

	if (!keep_limit())
		return false;
	while (cache->free_blocks < blocks && (more = next_extent_blocks()) > 0 &&
		   find_vacant_extent() >= 0)
	{
		if (!add_extent(more))
			return false;
	}
	while (cache->free_blocks < blocks && cache->oldest != NO_BLOCK)
		remove_oldest();
	if (cache->free_blocks >= blocks)
		return true;
	unlock_cache();
	return false;
}

/* ------------------------------------------------------------------------
 * Texts
 * ------------------------------------------------------------------------
 */

/* Sets *tag to that of the text that is kept; false if there is none */
bool
appconfig_shared_cache_find(const SharedIdentity *key, SharedTag *tag)
{
	BlockPlace	id;

	if (!appconfig_shared_cache_is_on() || !lock_cache(LW_SHARED))
		return false;
	id = find_text(key);
	if (id != NO_BLOCK)
		*tag = head_of(id)->tag;
	unlock_cache();
	return id != NO_BLOCK;
}

/* Bytes that are set aside for a text whose length isn't known yet */
#define FIRST_GUESS 8192

/* A copy of the text that is kept, palloc'd, with its tag; NULL if none */
char *
appconfig_shared_cache_get(const SharedIdentity *key, SharedTag *tag,
						   size_t *length)
{
	size_t		size = FIRST_GUESS;
	char	   *text = palloc(size);

	while (appconfig_shared_cache_is_on() && lock_cache(LW_SHARED))
	{
		BlockPlace	id = find_text(key);
		HeadBlock  *head = id != NO_BLOCK ? head_of(id) : NULL;

		*length = head != NULL ? head->length : 0;
		if (head != NULL && *length <= size)
		{
			*tag = head->tag;
			read_text(id, text);
			/* a line of memory that is not written stays in all caches */
			if (pg_atomic_read_u32(&head->is_used) == 0)
				pg_atomic_write_u32(&head->is_used, 1);
			unlock_cache();
			return text;
		}
		unlock_cache();
		if (head == NULL)
			break;
		/* nothing is allocated while others wait */
		pfree(text);
		size = *length;
		text = MemoryContextAllocHuge(CurrentMemoryContext, size);
	}
	pfree(text);
	return NULL;
}

/*
 * Keeps a text in place of another of the same key, unless that was asked for
 * later; kept_at is set here.
 */
void
appconfig_shared_cache_put(const SharedTag *tag, const char *text,
						   size_t length)
{
	SharedTag	kept = *tag;
	size_t		blocks = count_blocks(length);
	BlockPlace	id;

	if (!appconfig_shared_cache_is_on() ||
		blocks > limit_bytes() / LARGEST_PART / BLOCK_BYTES ||
		!lock_cache(LW_EXCLUSIVE) || !make_room(blocks))
		return;
	id = find_text(&tag->key);
	if (id == NO_BLOCK || head_of(id)->tag.asked_at <= tag->asked_at)
	{
		BlockPlace *bucket = bucket_of(&tag->key);

		if (id != NO_BLOCK)
			remove_text(id);
		kept.kept_at = appconfig_clock_now();
		id = write_text(&kept, text, length);
		head_of(id)->in_bucket = *bucket;
		*bucket = id;
		link_newest(id);
	}
	unlock_cache();
}

/* A text that was asked for before then is not kept any longer */
void
appconfig_shared_cache_remove(const SharedIdentity *key, int64 asked_before)
{
	BlockPlace	id;
	SharedTag	tag;

	/* nearly always there is none, which is seen without being in the way */
	if (!appconfig_shared_cache_find(key, &tag) ||
		tag.asked_at >= asked_before || !lock_cache(LW_EXCLUSIVE))
		return;
	id = find_text(key);
	if (id != NO_BLOCK && head_of(id)->tag.asked_at < asked_before)
		remove_text(id);
	unlock_cache();
}
