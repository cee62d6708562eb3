/*-------------------------------------------------------------------------
 *
 * fdw_columns.c
 *		Columns of a foreign table -> columns of our tables, by name and with a
 *		type that can hold the values.
 *
 * What may not live here: options and their check (fdw_options.c), what our
 * tables have (tables.c), the conversion of values (row.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "fdw_columns.h"
#include "fdw_options.h"

/*
 * The types that a column of a table may be declared with.  A domain over one
 * of them will do as well.  char(n), json and numeric are left out on purpose:
 * their values compare or print unlike those that AWS sent.
 */
typedef struct ColumnType
{
	const char *name;			/* as in tables.c */
	Oid			accepted[4];	/* ended by InvalidOid */
	const char *list;			/* the same for the hint */
} ColumnType;

static const ColumnType column_types[] = {
	{"text", {TEXTOID, VARCHAROID, NAMEOID}, "text, character varying, name"},
	{"integer", {INT4OID, INT8OID}, "integer, bigint"},
	{"boolean", {BOOLOID}, "boolean"},
	{"double precision", {FLOAT8OID}, "double precision"},
	{"jsonb", {JSONBOID}, "jsonb"},
	{"timestamptz", {TIMESTAMPTZOID}, "timestamp with time zone"},
	{"text[]", {TEXTARRAYOID}, "text[]"},
	{"double precision[]", {FLOAT8ARRAYOID}, "double precision[]"},
};

/* Every name that tables.c gives to a column of the table */
static char *
list_columns(const AppConfigTable *table)
{
	const AppConfigColumn *column;
	StringInfoData list;

	initStringInfo(&list);
	for (column = table->columns; column->name != NULL; column++)
		appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
						 column->name);
	return list.data;
}

/* Finds the column of the table that a column of a foreign table stands for */
static const AppConfigColumn *
find_column(Relation relation, Form_pg_attribute attribute,
			const AppConfigTable *table)
{
	const AppConfigColumn *column;
	const char *name =
	appconfig_options_get_column_name(RelationGetRelid(relation),
									  attribute->attnum);

	if (name == NULL)
		name = NameStr(attribute->attname);
	column = appconfig_table_find_column(table, name);
	if (column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_COLUMN_NAME),
				 errmsg("AppConfig table \"%s\" has no column \"%s\"",
						table->name, name),
				 errhint("Available columns are: %s.", list_columns(table)),
				 errtablecol(relation, attribute->attnum)));
	return column;
}

/* Refuses a column whose type cannot hold what the table's column has. */
static void
check_column_type(Relation relation, Form_pg_attribute attribute,
				  const AppConfigColumn *column)
{
	Oid			type = getBaseType(attribute->atttypid);
	const ColumnType *row = column_types;
	const Oid  *accepted;

	while (strcmp(row->name, column->type) != 0)
	{
		row++;
		if (row == column_types + lengthof(column_types))
			elog(ERROR, "unexpected type \"%s\" of column \"%s\"",
				 column->type, column->name);
	}

	for (accepted = row->accepted; OidIsValid(*accepted); accepted++)
	{
		if (type == *accepted)
			return;
	}

	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_DATA_TYPE),
			 errmsg("column \"%s\" of foreign table \"%s\" cannot be of type %s",
					NameStr(attribute->attname), RelationGetRelationName(relation),
					format_type_with_typemod(attribute->atttypid,
											 attribute->atttypmod)),
			 errhint("Possible types are: %s, and domains over them.", row->list),
			 errtablecol(relation, attribute->attnum)));
}

/*
 * Returns for each column of a foreign table which column of the table it
 * stands for, palloc'd and without anything of the relation.  A column without
 * a value of its own, be it dropped or computed by PostgreSQL, stands for
 * none.
 */
const OutputColumns *
appconfig_columns_map(Relation relation, const AppConfigTable *table)
{
	TupleDesc	tupdesc = RelationGetDescr(relation);
	OutputColumns *columns = palloc0(sizeof(OutputColumns));
	int			i;

	columns->table_name = pstrdup(RelationGetRelationName(relation));
	columns->count = tupdesc->natts;
	columns->list = palloc0(Max(tupdesc->natts, 1) * sizeof(OutputColumn));
	for (i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);
		OutputColumn *output = &columns->list[i];

		if (attribute->attisdropped ||
			attribute->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
			continue;

		output->column = find_column(relation, attribute, table);
		check_column_type(relation, attribute, output->column);
		output->type = attribute->atttypid;
		output->typmod = attribute->atttypmod;
		output->name = pstrdup(NameStr(attribute->attname));
	}
	return columns;
}
