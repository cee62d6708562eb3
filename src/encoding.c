/*-------------------------------------------------------------------------
 *
 * encoding.c
 *		Texts of the database in UTF-8, and of the service in the database.
 *
 * Either can have characters that the other's encoding lacks.  PostgreSQL's
 * conversions raise an error then, which is right for a value that a row has,
 * but not for one that a query only asks for, and that no identifier can be,
 * nor for one that a query has nothing to do with.  Here that is an answer and
 * no error.
 *
 * What may not live here: the conversion of a row's values (row.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "compat.h"
#include "encoding.h"

/* All encodings of databases have ASCII in common */
static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (IS_HIGHBIT_SET(*text))
			return false;
	}
	return true;
}

/*
 * The text in another encoding, palloc'd, or as it is; NULL if it has no
 * equivalent there.  A database without an encoding takes and has any bytes.
 */
static char *
convert_text(char *text, int from, int to)
{
	int			length = (int) strlen(text);
	Oid			function;
	char	   *converted;

	if (from == to || from == PG_SQL_ASCII || to == PG_SQL_ASCII)
		return pg_verify_mbstr(PG_UTF8, text, length, true) ? text : NULL;
	if (is_ascii(text))
		return text;
	function = FindDefaultConversionProc(from, to);
	if (!OidIsValid(function))
		return NULL;
	converted =
		MemoryContextAllocHuge(CurrentMemoryContext,
							   (Size) length * MAX_CONVERSION_GROWTH + 1);
	if (!appconfig_try_conversion(function, from, to, text, length, converted,
								  (Size) length * MAX_CONVERSION_GROWTH + 1))
	{
		pfree(converted);
		return NULL;
	}
	return converted;
}

/* A text of the database in UTF-8; NULL if that cannot express it */
char *
appconfig_encoding_to_utf8(char *text)
{
	return convert_text(text, GetDatabaseEncoding(), PG_UTF8);
}

/* Can a text of the service, in UTF-8, be one of the database? */
bool
appconfig_encoding_fits(const char *text, size_t length)
{
	char	   *string = unconstify(char *, text);
	char	   *converted;

	if (strlen(text) != length)
		return false;
	converted = convert_text(string, PG_UTF8, GetDatabaseEncoding());
	if (converted != NULL && converted != string)
		pfree(converted);
	return converted != NULL;
}
