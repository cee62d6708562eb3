/*
 * A function in SQL that changes the environment of its backend, as the AWS variables of a server's machine
 * can't be changed from one test to the next:
 *
 *     set_environment(name text, value text) returns void: NULL unsets it
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(set_environment);

extern Datum set_environment(PG_FUNCTION_ARGS);

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
