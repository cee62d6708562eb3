/*-------------------------------------------------------------------------
 *
 * spill.c
 *		Documents of a statement in a temporary file.
 *
 * What several scans share may be far more than work_mem, and so may even the
 * names of it: in memory there is only where in the file each answer is, by a
 * hash of its target.  The target is in the file as well, and what is read is
 * compared with it.
 *
 * What may not live here: what is spilled, and when (memo.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "storage/buffile.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "compat.h"
#include "spill.h"

struct SpillFile
{
	MemoryContext context;
	BufFile    *file;
	int			end_fileno;		/* where the next answer goes */
	off_t		end_offset;
	HTAB	   *places;			/* SpillPlace by hash of the target */
};

typedef struct SpillPlace
{
	uint64		hash;
	off_t		offset;
	int			fileno;
} SpillPlace;

/* What stands in the file before the texts of an answer */
typedef struct SpillHeader
{
	size_t		target_length;	/* without a NUL */
	size_t		alias_length;	/* 0 for none */
	size_t		text_length;	/* 0 where there is no document */
} SpillHeader;

/*
 * An empty file, which the resource owner closes in an abort.  The rest is in
 * memory of its own below parent.
 */
SpillFile *
appconfig_spill_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent,
												  "appconfig_fdw spill",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	SpillFile  *spill = palloc0(sizeof(SpillFile));
	HASHCTL		info = {
		.keysize = sizeof(uint64), .entrysize = sizeof(SpillPlace),
		.hcxt = context
	};

	spill->context = context;
	spill->places = hash_create("appconfig_fdw spill", 1024, &info,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	spill->file = BufFileCreateTemp(false);
	MemoryContextSwitchTo(old);
	return spill;
}

/* Closes the file and frees what belongs to it */
void
appconfig_spill_close(SpillFile *spill)
{
	BufFileClose(spill->file);
	MemoryContextDelete(spill->context);
}

static uint64
hash_target(const char *target)
{
	return hash_bytes_extended((const unsigned char *) target,
							   (int) strlen(target), 0);
}

static SpillPlace *
find_place(const SpillFile *spill, const char *target)
{
	uint64		hash = hash_target(target);

	return hash_search(spill->places, &hash, HASH_FIND, NULL);
}

/* Is there an answer for the target, or for one of the same hash? */
bool
appconfig_spill_has(const SpillFile *spill, const char *target)
{
	return find_place(spill, target) != NULL;
}

static void
remember_place(SpillFile *spill, const char *target)
{
	uint64		hash = hash_target(target);
	SpillPlace *place = hash_search(spill->places, &hash, HASH_ENTER, NULL);

	place->fileno = spill->end_fileno;
	place->offset = spill->end_offset;
}

/* That a place is not in the file is not for the system to say: no errno */
static void
go_to(SpillFile *spill, int fileno, off_t offset)
{
	if (BufFileSeek(spill->file, fileno, offset, SEEK_SET) != 0)
		ereport(ERROR, (errcode(ERRCODE_IO_ERROR),
						errmsg("could not seek in a temporary file")));
}

static void
write_bytes(SpillFile *spill, const void *bytes, size_t length)
{
	BufFileWrite(spill->file, unconstify(void *, bytes), length);
}

/* Writes an answer, as it was received; raises an error if that fails */
void
appconfig_spill_put(SpillFile *spill, const SpilledAnswer *answer)
{
	SpillHeader header = {
		.target_length = strlen(answer->target),
	.alias_length = answer->alias != NULL ? strlen(answer->alias) : 0};
	const char *text = "";

	if (answer->document != NULL)
		text = appconfig_json_source(answer->document, &header.text_length);
	go_to(spill, spill->end_fileno, spill->end_offset);
	write_bytes(spill, &header, sizeof(header));
	write_bytes(spill, answer->target, header.target_length);
	write_bytes(spill, answer->alias, header.alias_length);
	write_bytes(spill, text, header.text_length);
	remember_place(spill, answer->target);
	if (answer->alias != NULL)
		remember_place(spill, answer->alias);
	BufFileTell(spill->file, &spill->end_fileno, &spill->end_offset);
}

/* The next bytes of the file, palloc'd with a NUL behind */
static char *
read_bytes(SpillFile *spill, size_t length)
{
	char	   *bytes = palloc(length + 1);

	BufFileReadExact(spill->file, bytes, length);
	bytes[length] = '\0';
	return bytes;
}

/*
 * Reads the answer for a target; false if there is none.  The strings are
 * palloc'd in the current context; the document has a reference that the
 * caller takes over, and nothing has been palloc'd after it was made.
 */
bool
appconfig_spill_get(SpillFile *spill, const char *target,
					SpilledAnswer *answer)
{
	SpillPlace *place = find_place(spill, target);
	SpillHeader header;
	const char *error;
	char	   *text;

	if (place == NULL)
		return false;
	go_to(spill, place->fileno, place->offset);
	BufFileReadExact(spill->file, &header, sizeof(header));
	answer->target = read_bytes(spill, header.target_length);
	answer->alias = header.alias_length > 0
		? read_bytes(spill, header.alias_length)
		: NULL;
	if (strcmp(answer->target, target) != 0 &&
		(answer->alias == NULL || strcmp(answer->alias, target) != 0))
		return false;
	answer->document = NULL;
	if (header.text_length == 0)
		return true;
	text = read_bytes(spill, header.text_length);
	answer->document = appconfig_json_parse(text, header.text_length, &error);
	pfree(text);
	if (answer->document == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not read back a document from a temporary file: %s",
						error)));
	return true;
}
