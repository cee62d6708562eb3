/*-------------------------------------------------------------------------
 *
 * fdw_import.c
 *		IMPORT FOREIGN SCHEMA.
 *
 * Prints the declarations of tables.c as CREATE FOREIGN TABLE commands.
 *
 * What may not live here: a table or a column by name (tables.c), the options
 * of the command (fdw_options.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "foreign/foreign.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "fdw.h"
#include "fdw_options.h"
#include "tables.h"

/* AppConfig has no schemas; this is the one name that we give to all of it */
#define REMOTE_SCHEMA "appconfig"

/*
 * Prints the command that makes one table.
 *
 * The options repeat the names, so that a table or a column that is renamed
 * afterwards still finds its data.
 */
static char *
print_table(const AppConfigTable *table, const char *server_name)
{
	const AppConfigColumn *column;
	StringInfoData command;

	initStringInfo(&command);
	appendStringInfo(&command, "CREATE FOREIGN TABLE %s (",
					 quote_identifier(table->name));

	for (column = table->columns; column->name != NULL; column++)
		appendStringInfo(&command, "%s\n  %s %s OPTIONS (column_name %s)",
						 column == table->columns ? "" : ",",
						 quote_identifier(column->name), column->type,
						 quote_literal_cstr(column->name));

	appendStringInfo(&command, "\n) SERVER %s OPTIONS (object %s)",
					 quote_identifier(server_name),
					 quote_literal_cstr(table->name));
	return command.data;
}

/*
 * Tells of names in LIMIT TO or EXCEPT that no table has.  Other wrappers pass
 * over them in silence; but here the tables are known, and a name that is not
 * one of them is a mistake, in its spelling, its case or its quotes.
 */
static void
notice_unknown_tables(const ImportForeignSchemaStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->table_list)
	{
		const char *name = lfirst_node(RangeVar, lc)->relname;

		if (appconfig_table_find(name) == NULL)
			ereport(NOTICE,
					(errmsg("table \"%s\" does not exist in AppConfig, skipping",
							name),
					 errhint("Available tables are: %s.",
							 appconfig_options_list_tables())));
	}
}

/*
 * Returns one command for each table that the statement asks for.  AWS is not
 * asked: the tables are the same in every account, and so a schema can be set
 * up before there are credentials.  LIMIT TO and EXCEPT PostgreSQL would apply
 * by itself to what is returned, but could not tell of a misspelt name.
 */
List *
appconfigImportForeignSchema(ImportForeignSchemaStmt *stmt,
							 Oid serverOid pg_attribute_unused())
{
	const AppConfigTable *table;
	List	   *commands = NIL;

	appconfig_options_check_import(stmt->options);

	if (strcmp(stmt->remote_schema, REMOTE_SCHEMA) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_SCHEMA_NOT_FOUND),
				 errmsg("schema \"%s\" is not present on foreign server \"%s\"",
						stmt->remote_schema, stmt->server_name),
				 errhint("The only schema is \"%s\".", REMOTE_SCHEMA)));

	notice_unknown_tables(stmt);
	for (table = appconfig_tables; table->name != NULL; table++)
	{
		if (IsImportableForeignTable(table->name, stmt))
			commands =
				lappend(commands, print_table(table, stmt->server_name));
	}
	return commands;
}
