/*
 * Functions in SQL on the process of their backend.  The AWS variables of a server's machine can't be changed from
 * one test to the next, so that these are changed instead; and what is left in memory nobody else can tell.
 *
 *     set_environment(name text, value text) returns void: NULL unsets it
 *     count_in_memory(masked bytea) returns int: how often a secret is there, see memory.h
 *     take_descriptors() returns int: as if it had opened all sockets and the like that PostgreSQL lets it; how many
 *     return_descriptors(count int) returns void: as if it had closed so many
 *     make_segment(name text) returns bool: is there shared memory of that name, from PostgreSQL 17 to 18?
 */
#include "postgres.h"

#include "fmgr.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#endif

#include "memory.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(set_environment);
PG_FUNCTION_INFO_V1(count_in_memory);
PG_FUNCTION_INFO_V1(take_descriptors);
PG_FUNCTION_INFO_V1(return_descriptors);
PG_FUNCTION_INFO_V1(make_segment);

extern Datum set_environment(PG_FUNCTION_ARGS);
extern Datum count_in_memory(PG_FUNCTION_ARGS);
extern Datum take_descriptors(PG_FUNCTION_ARGS);
extern Datum return_descriptors(PG_FUNCTION_ARGS);
extern Datum make_segment(PG_FUNCTION_ARGS);

Datum
set_environment(PG_FUNCTION_ARGS)
{
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (PG_ARGISNULL(1))
		unsetenv(name);
	else
		setenv(name, text_to_cstring(PG_GETARG_TEXT_PP(1)), 1);
	PG_RETURN_VOID();
}

Datum
count_in_memory(PG_FUNCTION_ARGS)
{
	bytea	   *masked = PG_GETARG_BYTEA_PP(0);

	PG_RETURN_INT32(count_secrets((const unsigned char *) VARDATA_ANY(masked), VARSIZE_ANY_EXHDR(masked)));
}

Datum
take_descriptors(PG_FUNCTION_ARGS)
{
	int			count = 0;

	while (AcquireExternalFD())
		count++;
	PG_RETURN_INT32(count);
}

Datum
return_descriptors(PG_FUNCTION_ARGS)
{
	for (int count = PG_GETARG_INT32(0); count > 0; count--)
		ReleaseExternalFD();
	PG_RETURN_VOID();
}

Datum
make_segment(PG_FUNCTION_ARGS)
{
#if PG_VERSION_NUM >= 170000 && PG_VERSION_NUM < 190000
	bool		found;

	PG_RETURN_BOOL(GetNamedDSMSegment(text_to_cstring(PG_GETARG_TEXT_PP(0)), 1, NULL, &found) != NULL);
#else
	PG_RETURN_BOOL(false);
#endif
}
