/*-------------------------------------------------------------------------
 *
 * spill.c
 *		Answers in a temporary file.
 *
 * What several scans share may be far more than work_mem, and so may even the
 * names of it: in memory there is only where in the file each answer is, by a
 * hash of its target.  The target is in the file as well, and what is read is
 * compared with it.
 *
 * A file can outlive an error, in a transaction that goes back to a savepoint.
 * When the error was the file's own, nobody knows what has been written and
 * what has not, and it is not used again.
 *
 * What may not live here: what is spilled, and when (snapshot.c).
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
	bool		in_use;			/* for good if that has ended in an error */
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
	size_t		text_length;	/* 0 where there is no document */
} SpillHeader;

/* A file of that resource owner, or where it is NULL, of the current one */
static BufFile *
create_file(ResourceOwner owner)
{
	ResourceOwner old = CurrentResourceOwner;
	BufFile    *file;

	/* an error sets the current one as well */
	if (owner != NULL)
		CurrentResourceOwner = owner;
	file = BufFileCreateTemp(false);
	CurrentResourceOwner = old;
	return file;
}

/*
 * An empty file, which its resource owner closes in an abort; NULL stands for
 * the current one.  The rest is in memory of its own below parent.
 */
SpillFile *
appconfig_spill_create(MemoryContext parent, ResourceOwner owner)
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
	spill->file = create_file(owner);
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

/* ------------------------------------------------------------------------
 * The file: any of these may have to write what was to be written before
 * ------------------------------------------------------------------------
 */
static void
begin_use(SpillFile *spill)
{
	if (spill->in_use)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("cannot read again what the transaction has read of AWS AppConfig"),
				 errdetail("An error has left its temporary file unfinished."),
				 errhint("Run the transaction again.")));
	spill->in_use = true;
}

static void
end_use(SpillFile *spill)
{
	spill->in_use = false;
}

/* That a place is not in the file is not for the system to say: no errno */
static void
go_to(SpillFile *spill, int fileno, off_t offset)
{
	begin_use(spill);
	if (BufFileSeek(spill->file, fileno, offset, SEEK_SET) != 0)
		ereport(ERROR, (errcode(ERRCODE_IO_ERROR),
						errmsg("could not seek in a temporary file")));
	end_use(spill);
}

static void
write_bytes(SpillFile *spill, const void *bytes, size_t length)
{
	begin_use(spill);
	BufFileWrite(spill->file, unconstify(void *, bytes), length);
	end_use(spill);
}

static void
read_bytes(SpillFile *spill, void *bytes, size_t length)
{
	begin_use(spill);
	BufFileReadExact(spill->file, bytes, length);
	end_use(spill);
}

/* ------------------------------------------------------------------------
 * Answers
 * ------------------------------------------------------------------------
 */

/*
 * Writes an answer, as it was received; NULL: the service knows no such thing.
 * Raises an error if that fails, and then the answer is not there.
 */
void
appconfig_spill_put(SpillFile *spill, const char *target, JsonValue *document)
{
	SpillHeader header = {.target_length = strlen(target)};
	const char *text = "";

	if (document != NULL)
		text = appconfig_json_source(document, &header.text_length);
	go_to(spill, spill->end_fileno, spill->end_offset);
	write_bytes(spill, &header, sizeof(header));
	write_bytes(spill, target, header.target_length);
	write_bytes(spill, text, header.text_length);
	remember_place(spill, target);
	BufFileTell(spill->file, &spill->end_fileno, &spill->end_offset);
}

/* The next text of the file, palloc'd with a NUL behind */
static char *
read_text(SpillFile *spill, size_t length)
{
	char	   *text = palloc(length + 1);

	read_bytes(spill, text, length);
	text[length] = '\0';
	return text;
}

/*
 * Reads the answer for a target; false if there is none.  The document, NULL
 * where the service knew no such thing, has a reference that the caller takes
 * over, and nothing has been palloc'd after it was made.
 */
bool
appconfig_spill_get(SpillFile *spill, const char *target,
					JsonValue **document)
{
	SpillPlace *place = find_place(spill, target);
	SpillHeader header;
	const char *error;
	char	   *text;
	bool		found;

	if (place == NULL)
		return false;
	go_to(spill, place->fileno, place->offset);
	read_bytes(spill, &header, sizeof(header));
	text = read_text(spill, header.target_length);
	found = strcmp(text, target) == 0;
	pfree(text);
	if (!found)
		return false;
	*document = NULL;
	if (header.text_length == 0)
		return true;
	text = read_text(spill, header.text_length);
	*document = appconfig_json_parse(text, header.text_length, &error);
	pfree(text);
	if (*document == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("could not read back a document from a temporary file: %s",
						error)));
	return true;
}
