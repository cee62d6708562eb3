/*-------------------------------------------------------------------------
 *
 * fdw_guard.c
 *		Who may change the options that decide who signs, and for whom.
 *
 * Where a superuser has let users sign with the database server's own
 * credentials, or has chosen a proxy or whom to trust, nobody else may move
 * the requests elsewhere or ask for another role: the identity is not theirs.
 * And nobody else may make a user mapping that has a role but no keys, since
 * its role would be assumed with the server's credentials on the day that a
 * superuser allows these.
 *
 * The validator is given the options as they would be, without what they were,
 * and not even whose they are.  An object access hook is told after the
 * catalog was changed, but before the change is visible to the command, and so
 * sees both.  The validator, which runs before, has loaded the library by
 * then.  DROP runs no validator and so can't be relied on here: who may drop a
 * user mapping may always do so (contract, section 5; docs/threat-model.md).
 *
 * What may not live here: which options these are (fdw_options.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_user_mapping.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "fdw_guard.h"
#include "fdw_options.h"

static object_access_hook_type next_object_access_hook = NULL;

/* ------------------------------------------------------------------------
 * Before and after
 * ------------------------------------------------------------------------
 */

/* The options in a row of such a catalog */
static List *
options_in(HeapTuple row, TupleDesc descriptor, AttrNumber attribute)
{
	bool		isnull;
	Datum		stored = heap_getattr(row, attribute, descriptor, &isnull);

	return isnull ? NIL : untransformRelOptions(stored);
}

/* A copy of the row that an object is to have, or NULL if it is gone */
static HeapTuple
copy_row_to_be(Relation catalog, Oid index, Oid object)
{
	HeapTuple	row;
	ScanKeyData key;
	SysScanDesc scan;

	/* the OID is the first attribute of both catalogs */
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	scan = systable_beginscan(catalog, index, true, SnapshotSelf, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan(scan);
	return row;
}

/* The options that a user's mapping has so far; false if there is none */
static bool
find_mapping_before(Oid userid, Oid serverid, List **options)
{
	HeapTuple	tuple = SearchSysCache2(USERMAPPINGUSERSERVER,
										ObjectIdGetDatum(userid),
										ObjectIdGetDatum(serverid));
	Datum		stored;
	bool		isnull;

	*options = NIL;
	if (!HeapTupleIsValid(tuple))
		return false;
	stored = SysCacheGetAttr(USERMAPPINGUSERSERVER, tuple,
							 Anum_pg_user_mapping_umoptions, &isnull);
	if (!isnull)
		*options = untransformRelOptions(stored);
	ReleaseSysCache(tuple);
	return true;
}

/* ------------------------------------------------------------------------
 * Rules
 * ------------------------------------------------------------------------
 */

/* Refuses options of a server that are not its owner's to change. */
static void
check_server(const char *name, List *before, List *after)
{
	const char *changed = appconfig_options_changed(before, after,
													OPTION_OF_SUPERUSERS);
	const char *reason = appconfig_options_in_force(before);

	if (changed != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to set option \"%s\"", changed),
				 errhint("Only superusers may set or drop it.")));
	changed = appconfig_options_changed(before, after, OPTION_GUARDED);
	if (reason != NULL && changed != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to change option \"%s\" of server \"%s\"",
						changed, name),
				 errhint("Only superusers may change it while the server has option \"%s\".",
						 reason)));
}

pg_noreturn static void
refuse_mapping(const char *option, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to change option \"%s\" of a user mapping",
					option),
			 errhint("%s", hint),
			 errhidestmt(true)));
}

/*
 * The role, or external id, in which a user without keys would differ from who
 * has no mapping of his own, and so has PUBLIC's; NULL if in none.  A role in
 * PUBLIC's that is assumed with keys is no superuser's choice.
 */
static const char *
differs_from_public(Oid serverid, Oid userid, List *after)
{
	List	   *of_public = NIL;
	const char *changed;

	if (OidIsValid(userid))
		(void) find_mapping_before(InvalidOid, serverid, &of_public);
	changed = appconfig_options_changed(of_public, after, OPTION_OF_IDENTITY);
	if (changed == NULL && appconfig_options_have_keys(of_public))
		changed = appconfig_options_changed(NIL, after, OPTION_OF_IDENTITY);
	return changed;
}

/*
 * Refuses options of a user mapping by which its user would come to another
 * role than a superuser has meant for who has no keys.
 */
static void
check_mapping(const ForeignServer *server, Oid userid, List *after)
{
	List	   *before;
	bool		existed = find_mapping_before(userid, server->serverid, &before);
	const char *changed = appconfig_options_changed(before, after,
													OPTION_OF_IDENTITY);

	if (changed != NULL && appconfig_options_are_ambient(server->options))
		refuse_mapping(changed,
					   "Only superusers may change it while the server has option \"ambient_credentials\".");
	if (appconfig_options_have_keys(after) ||
		(existed && !appconfig_options_have_keys(before) && changed == NULL))
		return;
	changed = differs_from_public(server->serverid, userid, after);
	if (changed != NULL)
		refuse_mapping(changed,
					   "Only superusers may set it in a user mapping without keys, or have such a mapping differ in it from that of PUBLIC.");
}

/* Is it a server whose options are those of fdw_options.c? */
static bool
is_ours(Oid fdwid)
{
	return appconfig_options_are_checked_by(GetForeignDataWrapper(fdwid)->fdwvalidator);
}

static void
server_changed(Oid serverid, bool is_new)
{
	Relation	catalog = table_open(ForeignServerRelationId, AccessShareLock);
	HeapTuple	row = copy_row_to_be(catalog, ForeignServerOidIndexId, serverid);

	if (HeapTupleIsValid(row))
	{
		Form_pg_foreign_server server = (Form_pg_foreign_server) GETSTRUCT(row);

		if (is_ours(server->srvfdw))
			check_server(NameStr(server->srvname),
						 is_new ? NIL : GetForeignServer(serverid)->options,
						 options_in(row, RelationGetDescr(catalog),
									Anum_pg_foreign_server_srvoptions));
	}
	table_close(catalog, AccessShareLock);
}

static void
mapping_changed(Oid umid)
{
	Relation	catalog = table_open(UserMappingRelationId, AccessShareLock);
	HeapTuple	row = copy_row_to_be(catalog, UserMappingOidIndexId, umid);

	if (HeapTupleIsValid(row))
	{
		Form_pg_user_mapping mapping = (Form_pg_user_mapping) GETSTRUCT(row);
		ForeignServer *server = GetForeignServer(mapping->umserver);

		if (is_ours(server->fdwid))
			check_mapping(server, mapping->umuser,
						  options_in(row, RelationGetDescr(catalog),
									 Anum_pg_user_mapping_umoptions));
	}
	table_close(catalog, AccessShareLock);
}

static void
object_accessed(ObjectAccessType access, Oid classid, Oid objectid, int subid,
				void *arg)
{
	if (next_object_access_hook != NULL)
		next_object_access_hook(access, classid, objectid, subid, arg);
	if ((access != OAT_POST_CREATE && access != OAT_POST_ALTER) || superuser())
		return;
	if (classid == ForeignServerRelationId)
		server_changed(objectid, access == OAT_POST_CREATE);
	else if (classid == UserMappingRelationId)
		mapping_changed(objectid);
}

/* To be called once a process, from _PG_init() */
void
appconfig_guard_init(void)
{
	next_object_access_hook = object_access_hook;
	object_access_hook = object_accessed;
}
