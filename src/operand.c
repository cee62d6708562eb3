/*-------------------------------------------------------------------------
 *
 * operand.c
 *		From values of SQL to those that keys are compared with.
 *
 * Identifiers are compared in UTF-8, as the service has them.  A value that
 * has no equivalent there can be none, and is left out like NULL.
 *
 * What may not live here: which clauses have operands (predicate.c), what
 * follows from their values (keyset.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

#include "compat.h"
#include "encoding.h"
#include "operand.h"

/* Values of an unknown array, beyond which it makes no difference */
#define MAX_UNKNOWN_VALUES 20000

/* Values of an array of which nothing is known */
#define LONG_ARRAY 100

static void
add_operand_text(KeyOperand *operand, Datum value, Oid type)
{
	char	   *string = type == NAMEOID ? pstrdup(NameStr(*DatumGetName(value)))
	: TextDatumGetCString(value);

	string = appconfig_encoding_to_utf8(string);
	if (string != NULL)
		operand->texts[operand->nvalues++] = string;
}

static void
add_number(KeyOperand *operand, Datum value, Oid type)
{
	operand->numbers[operand->nvalues++] =
		type == INT2OID ? DatumGetInt16(value)
		: type == INT4OID ? DatumGetInt32(value)
		: DatumGetInt64(value);
}

/* A type that the planner should not have let through binds nothing */
static void
add_value(KeyOperand *operand, Datum value, Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			add_number(operand, value, type);
			break;
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
			add_operand_text(operand, value, type);
			break;
		default:
			operand->unbounded = true;
	}
}

/* The values of an array's elements, or its own; palloc'd */
void
appconfig_operand_set(KeyOperand *operand, Datum value, bool isnull, Oid type)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);
	Datum	   *values = &value;
	bool	   *nulls = &isnull;
	int			count = 1;
	int			i;

	memset(operand, 0, sizeof(KeyOperand));
	if (OidIsValid(element) && !isnull)
	{
		int16		length;
		bool		byval;
		char		align;

		get_typlenbyvalalign(element, &length, &byval, &align);
		deconstruct_array(DatumGetArrayTypeP(value), element, length, byval,
						  align, &values, &nulls, &count);
		base = getBaseType(element);
	}
	operand->texts = palloc(sizeof(char *) * Max(count, 1));
	operand->numbers = palloc(sizeof(int64) * Max(count, 1));
	for (i = 0; i < count; i++)
	{
		if (!nulls[i])
			add_value(operand, values[i], base);
	}
}

void
appconfig_operand_set_constant(KeyOperand *operand, const Const *constant)
{
	appconfig_operand_set(operand, constant->constvalue, constant->constisnull,
						  constant->consttype);
}

/* So many values, of which nobody knows more */
static void
set_unknown(KeyOperand *operand, double count)
{
	static char any_text[] = "?";
	int			i;

	memset(operand, 0, sizeof(KeyOperand));
	operand->unknown = true;
	operand->nvalues = (int) Max(Min(rint(count), MAX_UNKNOWN_VALUES), 1);
	operand->texts = palloc(sizeof(char *) * operand->nvalues);
	operand->numbers = palloc(sizeof(int64) * operand->nvalues);
	for (i = 0; i < operand->nvalues; i++)
	{
		operand->texts[i] = any_text;
		operand->numbers[i] = 1;
	}
}

/*
 * A value that may have been cut off in the column (see KeyExpr.width) stands
 * for others as well, which the service would not find by it: it binds
 * nothing.
 */
void
appconfig_operands_unbind_cut(const KeyExpr *expr, KeyOperand *operands)
{
	KeyOperand *operand = &operands[expr->operand];
	int			i;

	for (i = 0; i < expr->nargs; i++)
		appconfig_operands_unbind_cut(expr->args[i], operands);
	for (i = 0; expr->width > 0 && !operand->unknown && i < operand->nvalues;
		 i++)
	{
		if (strlen(operand->texts[i]) >= (size_t) expr->width)
			operand->unbounded = true;
	}
}

/*
 * Without the planner's state, an array is one that is worth a list: how long
 * it is, nobody knows
 */
static double
estimate_values(PlannerInfo *root, Node *value)
{
	if (!type_is_array(getBaseType(exprType(value))))
		return 1;
	if (root != NULL)
		return appconfig_array_length(root, value);
	return IsA(value, ArrayExpr) && !((ArrayExpr *) value)->multidims
		? list_length(((ArrayExpr *) value)->elements)
		: LONG_ARRAY;
}

/*
 * The keys that a scan can have, as far as they are known before it begins, of
 * rows of the server's region.  expr's operands are values, by number.
 */
KeySet *
appconfig_operands_expect(PlannerInfo *root, const KeyExpr *expr,
						  const List *values, const char *region)
{
	KeyOperand *operands =
	palloc0(sizeof(KeyOperand) * Max(list_length(values), 1));
	KnownKeys	known = {{NULL}};
	ListCell   *cell;
	int			i = 0;

	foreach(cell, values)
	{
		Node	   *value = lfirst(cell);

		if (IsA(value, Const))
			appconfig_operand_set_constant(&operands[i++], (Const *) value);
		else
			set_unknown(&operands[i++], estimate_values(root, value));
	}
	if (expr != NULL)
		appconfig_operands_unbind_cut(expr, operands);
	known.text[KEY_REGION] = region;
	return appconfig_keyset_restrict(appconfig_keyset_evaluate(expr, operands),
									 &known);
}
