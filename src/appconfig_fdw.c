/*-------------------------------------------------------------------------
 *
 * appconfig_fdw.c
 *		Where PostgreSQL enters the library, and a table of contents.
 *
 * What lives here is what PostgreSQL looks up by name when it loads the
 * library, the settings of a session, and the list of callbacks.
 *
 * What may not live here: the body of a callback; fdw.h says in which file
 * each one is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "compat.h"
#include "budget.h"
#include "call_log.h"
#include "fdw.h"
#include "fdw_guard.h"
#include "http.h"
#include "shared_cache.h"

PG_MODULE_MAGIC_EXT(.name = "appconfig_fdw", .version = APPCONFIG_FDW_VERSION);

PG_FUNCTION_INFO_V1(appconfig_fdw_handler);

bool		appconfig_enable_pushdown = true;

/*
 * Runs once in each process that loads the library; in the postmaster, before
 * any backend, where shared_preload_libraries names it.
 */
void
_PG_init(void)
{
	/* first what can fail, since all else cannot be done twice */
	appconfig_http_init();

	DefineCustomBoolVariable("appconfig_fdw.enable_pushdown",
							 "Lets predicates narrow the calls that are made to AWS AppConfig.",
							 "Queries return the same rows either way.",
							 &appconfig_enable_pushdown, true, PGC_USERSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("appconfig_fdw.max_calls",
							"Most calls of AWS AppConfig that a statement may make of a server.",
							"The server's option max_calls counts as well, the smaller one of the two; 0 stands for no limit.",
							&appconfig_max_calls, 0, 0, INT_MAX, PGC_USERSET,
							0, NULL, NULL, NULL);
	DefineCustomBoolVariable("appconfig_fdw.log_calls",
							 "Logs each attempt of a call that is made to AWS AppConfig.",
							 NULL, &appconfig_log_calls, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);

	if (appconfig_has_shared_memory())
		DefineCustomIntVariable("appconfig_fdw.shared_cache_size",
								"Limits the memory for answers of AWS AppConfig that all sessions share.",
								"With 0, the session shares none.",
								&appconfig_shared_cache_size,
								SHARED_CACHE_SIZE, 0, MAX_SHARED_CACHE_SIZE,
								PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);

	MarkGUCPrefixReserved("appconfig_fdw");

	appconfig_guard_init();
}

/*
 * Hands PostgreSQL the callbacks.  What is not set here is not done, and
 * PostgreSQL refuses it by itself, as it does writing, or does it locally, as
 * it does joins.
 */
Datum
appconfig_fdw_handler(PG_FUNCTION_ARGS pg_attribute_unused())
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	/* Planning a scan */
	routine->GetForeignRelSize = appconfigGetForeignRelSize;
	routine->GetForeignPaths = appconfigGetForeignPaths;
	routine->GetForeignPlan = appconfigGetForeignPlan;

	/* Running it */
	routine->BeginForeignScan = appconfigBeginForeignScan;
	routine->IterateForeignScan = appconfigIterateForeignScan;
	routine->ReScanForeignScan = appconfigReScanForeignScan;
	routine->EndForeignScan = appconfigEndForeignScan;

	/* EXPLAIN */
	routine->ExplainForeignScan = appconfigExplainForeignScan;

	/* IMPORT FOREIGN SCHEMA */
	routine->ImportForeignSchema = appconfigImportForeignSchema;

	PG_RETURN_POINTER(routine);
}
