/*-------------------------------------------------------------------------
 *
 * fallible.c
 *		Can the evaluation of a clause raise an error?
 *
 * Over a local copy, a clause is evaluated for rows only.  An application or a
 * definition that lists show need not have any, so a clause that might fail,
 * as a division or a cast, is not to be tried on it: the query would fail for
 * something that is not there.
 *
 * PostgreSQL does not say of a function whether it can fail.  Those that it
 * declares to be leakproof cannot, since an error would tell something of
 * their arguments; some more are named here.
 *
 * What may not live here: where clauses are checked (early.c, fdw_scan.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "fallible.h"

/* What an infallible function demands of its last argument */
typedef enum LastArgument
{
	ANY_ARGUMENT,
	CONSTANT_PATTERN, /* of LIKE or a regular expression */
	CONSTANT_DIVISOR,
	CONSTANT_COUNT /* not below zero */
} LastArgument;

/* Functions of PostgreSQL's own, by name, that fail for no text or number */
static const struct
{
	const char	*name;
	LastArgument last;
} infallible_functions[] = {
	{"textlike", CONSTANT_PATTERN},
	{"namelike", CONSTANT_PATTERN},
	{"bpcharlike", CONSTANT_PATTERN},
	{"textnlike", CONSTANT_PATTERN},
	{"namenlike", CONSTANT_PATTERN},
	{"bpcharnlike", CONSTANT_PATTERN},
	{"texticlike", CONSTANT_PATTERN},
	{"nameiclike", CONSTANT_PATTERN},
	{"bpchariclike", CONSTANT_PATTERN},
	{"texticnlike", CONSTANT_PATTERN},
	{"nameicnlike", CONSTANT_PATTERN},
	{"bpcharicnlike", CONSTANT_PATTERN},
	{"textregexeq", CONSTANT_PATTERN},
	{"nameregexeq", CONSTANT_PATTERN},
	{"bpcharregexeq", CONSTANT_PATTERN},
	{"textregexne", CONSTANT_PATTERN},
	{"nameregexne", CONSTANT_PATTERN},
	{"bpcharregexne", CONSTANT_PATTERN},
	{"texticregexeq", CONSTANT_PATTERN},
	{"nameicregexeq", CONSTANT_PATTERN},
	{"bpcharicregexeq", CONSTANT_PATTERN},
	{"texticregexne", CONSTANT_PATTERN},
	{"nameicregexne", CONSTANT_PATTERN},
	{"bpcharicregexne", CONSTANT_PATTERN},
	{"int2mod", CONSTANT_DIVISOR},
	{"int4mod", CONSTANT_DIVISOR},
	{"int8mod", CONSTANT_DIVISOR},
	/* the only numbers are of runs, which begin with 1: none gets too low */
	{"int24mi", CONSTANT_COUNT},
	{"int4mi", CONSTANT_COUNT},
	{"int84mi", CONSTANT_COUNT},
	{"int8mi", CONSTANT_COUNT},
	{"abs", ANY_ARGUMENT},
	{"substr", CONSTANT_COUNT},
	{"substring", CONSTANT_COUNT},
	{"lower", ANY_ARGUMENT},
	{"upper", ANY_ARGUMENT},
	{"length", ANY_ARGUMENT},
	{"char_length", ANY_ARGUMENT},
	{"octet_length", ANY_ARGUMENT},
	{"left", ANY_ARGUMENT},
	{"right", ANY_ARGUMENT},
	{"strpos", ANY_ARGUMENT},
	{"starts_with", ANY_ARGUMENT},
};

/* A pattern that ends within an escape is none */
static bool
is_constant_pattern(const Const *pattern)
{
	int			escapes = 0;
	const char *begin;
	const char *end;

	if (pattern->constisnull || getBaseType(pattern->consttype) != TEXTOID)
		return pattern->constisnull;
	begin = TextDatumGetCString(pattern->constvalue);
	for (end = begin + strlen(begin); end > begin && end[-1] == '\\'; end--)
		escapes++;
	return escapes % 2 == 0;
}

static bool
is_constant_divisor(const Const *divisor)
{
	if (divisor->constisnull)
		return true;
	switch (divisor->consttype)
	{
		case INT2OID:
			return DatumGetInt16(divisor->constvalue) != 0;
		case INT4OID:
			return DatumGetInt32(divisor->constvalue) != 0;
		case INT8OID:
			return DatumGetInt64(divisor->constvalue) != 0;
		default:
			return false;
	}
}

static bool
is_constant_count(const Const *count)
{
	if (count->constisnull)
		return true;
	switch (count->consttype)
	{
		case INT4OID:
			return DatumGetInt32(count->constvalue) >= 0;
		case INT8OID:
			return DatumGetInt64(count->constvalue) >= 0;
		default:
			return false;
	}
}

static bool
meets_demand(LastArgument demand, List *args)
{
	Const *last = args != NIL && IsA(llast(args), Const) ? llast(args) : NULL;

	switch (demand)
	{
		case CONSTANT_PATTERN:
			return last != NULL && is_constant_pattern(last);
		case CONSTANT_DIVISOR:
			return last != NULL && is_constant_divisor(last);
		case CONSTANT_COUNT:
			return last != NULL && is_constant_count(last);
		default:
			return true;
	}
}

static bool
is_infallible_function(Oid function, List *args)
{
	const char *name;
	int			i;

	if (get_func_leakproof(function))
		return true;
	if (get_func_namespace(function) != PG_CATALOG_NAMESPACE)
		return false;
	name = get_func_name(function);
	for (i = 0; i < (int) lengthof(infallible_functions); i++)
	{
		if (strcmp(infallible_functions[i].name, name) == 0)
			return meets_demand(infallible_functions[i].last, args);
	}
	return false;
}

/* Texts must be compared under some collation, and one that fits LIKE */
static bool
has_plain_collation(Node *node, List *args)
{
	Oid collation = exprInputCollation(node);

	if (!OidIsValid(collation))
		return args == NIL || !type_is_collatable(exprType(linitial(args)));
	return get_collation_isdeterministic(collation);
}

static bool
call_can_fail(Node *node, Oid function, List *args)
{
	return !is_infallible_function(function, args) ||
		   !has_plain_collation(node, args);
}

/* A number as text */
static bool
is_infallible_cast(const CoerceViaIO *cast)
{
	Oid from = exprType((Node *) cast->arg);

	return (from == INT2OID || from == INT4OID || from == INT8OID) &&
		   (cast->resulttype == TEXTOID || cast->resulttype == VARCHAROID);
}

static bool
can_fail(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_Param:
		case T_List:
		case T_RelabelType:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CoalesceExpr:
			break;
		case T_CoerceViaIO:
			if (!is_infallible_cast((CoerceViaIO *) node))
				return true;
			break;
		case T_FuncExpr:
			if (call_can_fail(node, ((FuncExpr *) node)->funcid,
							  ((FuncExpr *) node)->args))
				return true;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			/* all three are the same struct */
			if (call_can_fail(node, get_opcode(((OpExpr *) node)->opno),
							  ((OpExpr *) node)->args))
				return true;
			break;
		case T_ScalarArrayOpExpr:
			/* a pattern among others is not looked at */
			if (!get_func_leakproof(
					get_opcode(((ScalarArrayOpExpr *) node)->opno)) ||
				!has_plain_collation(node, ((ScalarArrayOpExpr *) node)->args))
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, can_fail, context);
}

/* Could evaluating the clause raise an error, whatever its values? */
bool
appconfig_fallible(Node *clause)
{
	return can_fail(clause, NULL);
}
