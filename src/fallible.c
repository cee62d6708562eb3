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
 * their arguments; some more are named here, with what they demand.  What
 * reads no column at all is the same for every row, and does not count.
 *
 * What may not live here: where clauses are checked (list_filter.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "regex/regex.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "fallible.h"

/* What a function demands to be infallible */
typedef enum Demand
{
	TEXT_FIRST,					/* its first argument is a text */
	TEXT_FIRST_COUNT,			/* and the last one a constant that is not
								 * below zero */
	CONSTANT_DIVISOR,			/* the last argument is a constant, not zero */
	RUN_FIRST_COUNT,			/* the first is a run, the last as with a text */
	RUN_OR_DIFFERENCE,			/* the only one is a run, or what the former
								 * makes */
	TIMES,						/* nothing */
	CONSTANT_LIKE,				/* the last one is a constant pattern of LIKE */
	CONSTANT_REGEX,				/* of a regular expression */
	CONSTANT_REGEX_ICASE		/* the same without regard to case */
} Demand;

typedef struct Infallible
{
	const char *name;
	Demand		demand;
} Infallible;

/*
 * Functions of PostgreSQL's own.  The only numbers that lists tell are of
 * runs, which begin with 1: taking something off them does not overflow.
 */
static const Infallible functions[] = {
	{"lower", TEXT_FIRST},
	{"upper", TEXT_FIRST},
	{"length", TEXT_FIRST},
	{"char_length", TEXT_FIRST},
	{"octet_length", TEXT_FIRST},
	{"left", TEXT_FIRST},
	{"right", TEXT_FIRST},
	{"strpos", TEXT_FIRST},
	{"starts_with", TEXT_FIRST},
	{"substr", TEXT_FIRST_COUNT},
	{"substring", TEXT_FIRST_COUNT},
	{"int2mod", CONSTANT_DIVISOR},
	{"int4mod", CONSTANT_DIVISOR},
	{"int8mod", CONSTANT_DIVISOR},
	{"int24mi", RUN_FIRST_COUNT},
	{"int4mi", RUN_FIRST_COUNT},
	{"int84mi", RUN_FIRST_COUNT},
	{"int8mi", RUN_FIRST_COUNT},
	{"abs", RUN_OR_DIFFERENCE},
	{"timestamptz_lt_date", TIMES},
	{"timestamptz_le_date", TIMES},
	{"timestamptz_ge_date", TIMES},
	{"timestamptz_gt_date", TIMES},
	{"timestamptz_lt_timestamp", TIMES},
	{"timestamptz_le_timestamp", TIMES},
	{"timestamptz_ge_timestamp", TIMES},
	{"timestamptz_gt_timestamp", TIMES},
};

/* Operators on patterns: their functions' names begin with the type's */
static const char *const pattern_types[] = {"text", "name", "bpchar"};
static const Infallible pattern_functions[] = {
	{"like", CONSTANT_LIKE},
	{"nlike", CONSTANT_LIKE},
	{"iclike", CONSTANT_LIKE},
	{"icnlike", CONSTANT_LIKE},
	{"regexeq", CONSTANT_REGEX},
	{"regexne", CONSTANT_REGEX},
	{"icregexeq", CONSTANT_REGEX_ICASE},
	{"icregexne", CONSTANT_REGEX_ICASE},
};

/* What the function of that name demands; false if it may fail anyway */
static bool
find_demand(const char *name, Demand *demand)
{
	int			i;
	int			j;

	for (i = 0; i < (int) lengthof(functions); i++)
	{
		if (strcmp(functions[i].name, name) == 0)
		{
			*demand = functions[i].demand;
			return true;
		}
	}
	for (i = 0; i < (int) lengthof(pattern_types); i++)
	{
		size_t		length = strlen(pattern_types[i]);

		if (strncmp(name, pattern_types[i], length) != 0)
			continue;
		for (j = 0; j < (int) lengthof(pattern_functions); j++)
		{
			if (strcmp(pattern_functions[j].name, name + length) == 0)
			{
				*demand = pattern_functions[j].demand;
				return true;
			}
		}
	}
	return false;
}

/* ------------------------------------------------------------------------
 * Demands
 * ------------------------------------------------------------------------
 */

/* A constant's value, if it is an integer */
static bool
integer_value(const Const *number, int64 *value)
{
	switch (number->consttype)
	{
		case INT2OID:
			*value = DatumGetInt16(number->constvalue);
			return true;
		case INT4OID:
			*value = DatumGetInt32(number->constvalue);
			return true;
		case INT8OID:
			*value = DatumGetInt64(number->constvalue);
			return true;
		default:
			return false;
	}
}

/* A pattern of LIKE that does not end within an escape */
static bool
is_like_pattern(const char *pattern)
{
	size_t		length = strlen(pattern);
	int			escapes = 0;

	while (length > 0 && pattern[--length] == '\\')
		escapes++;
	return escapes % 2 == 0;
}

static bool
is_regex(const char *pattern, int flags, Oid collation)
{
	size_t		bytes = strlen(pattern);
	pg_wchar   *wide = palloc(sizeof(pg_wchar) * (bytes + 1));
	int			length = pg_mb2wchar_with_len(pattern, wide, (int) bytes);
	regex_t		regex;
	bool		compiled;

	compiled = pg_regcomp(&regex, wide, length, REG_ADVANCED | flags,
						  collation) == REG_OKAY;
	/* what could not be compiled has been freed */
	if (compiled)
		pg_regfree(&regex);
	pfree(wide);
	return compiled;
}

static bool
is_pattern(const Const *pattern, Demand demand, Oid collation)
{
	char	   *characters;

	if (getBaseType(pattern->consttype) != TEXTOID)
		return false;
	characters = TextDatumGetCString(pattern->constvalue);
	return demand == CONSTANT_LIKE
		? is_like_pattern(characters)
		: is_regex(characters,
				   demand == CONSTANT_REGEX_ICASE ? REG_ICASE : 0,
				   collation);
}

/* The last argument, a constant; NULL stands for any, which comes to NULL */
static bool
constant_meets(const Const *constant, Demand demand, Oid collation)
{
	int64		value;

	if (constant->constisnull)
		return true;
	switch (demand)
	{
		case TEXT_FIRST_COUNT:
		case RUN_FIRST_COUNT:
			return integer_value(constant, &value) && value >= 0;
		case CONSTANT_DIVISOR:
			return integer_value(constant, &value) && value != 0;
		default:
			return is_pattern(constant, demand, collation);
	}
}

/* A number among the table's own columns */
static bool
is_run(Node *node, Index relid)
{
	return IsA(node, Var) && (Index) ((Var *) node)->varno == relid;
}

static bool
is_run_or_difference(Node *node, Index relid)
{
	Demand		demand;

	if (IsA(node, OpExpr))
	{
		const char *name = get_func_name(get_opcode(((OpExpr *) node)->opno));

		return find_demand(name, &demand) && demand == RUN_FIRST_COUNT &&
			is_run(linitial(((OpExpr *) node)->args), relid);
	}
	return is_run(node, relid);
}

static bool
meets_demand(List *args, Demand demand, Oid collation, Index relid)
{
	Node	   *first = args != NIL ? linitial(args) : NULL;
	Node	   *last = args != NIL ? llast(args) : NULL;

	if (first == NULL)
		return false;
	if (demand == RUN_OR_DIFFERENCE)
		return is_run_or_difference(first, relid);
	if ((demand == TEXT_FIRST || demand == TEXT_FIRST_COUNT) &&
		exprType(first) != TEXTOID)
		return false;
	if (demand == RUN_FIRST_COUNT && !is_run(first, relid))
		return false;
	if (demand == TEXT_FIRST || demand == TIMES)
		return true;
	return IsA(last, Const) &&
		constant_meets((Const *) last, demand, collation);
}

/* ------------------------------------------------------------------------
 * Expressions
 * ------------------------------------------------------------------------
 */

/* Texts must be compared under some collation, and one that fits LIKE */
static bool
has_plain_collation(Node *node, List *args)
{
	Oid			collation = exprInputCollation(node);

	if (!OidIsValid(collation))
		return args == NIL || !type_is_collatable(exprType(linitial(args)));
	return get_collation_isdeterministic(collation);
}

static bool
call_can_fail(Node *node, Oid function, List *args, Index relid)
{
	Demand		demand;

	if (!has_plain_collation(node, args))
		return true;
	if (get_func_leakproof(function))
		return false;
	return get_func_namespace(function) != PG_CATALOG_NAMESPACE ||
		!find_demand(get_func_name(function), &demand) ||
		!meets_demand(args, demand, exprInputCollation(node), relid);
}

/* A number as text */
static bool
is_infallible_cast(const CoerceViaIO *cast)
{
	Oid			from = exprType((Node *) cast->arg);

	return (from == INT2OID || from == INT4OID || from == INT8OID) &&
		(cast->resulttype == TEXTOID || cast->resulttype == VARCHAROID);
}

static bool
can_fail(Node *node, void *relid)
{
	if (node == NULL || !contain_var_clause(node))
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
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
							  ((FuncExpr *) node)->args, *(Index *) relid))
				return true;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			/* all three are the same struct */
			if (call_can_fail(node, get_opcode(((OpExpr *) node)->opno),
							  ((OpExpr *) node)->args, *(Index *) relid))
				return true;
			break;
		case T_ScalarArrayOpExpr:
			/* a pattern among others is not looked at */
			if (!get_func_leakproof(get_opcode(((ScalarArrayOpExpr *) node)->opno)) ||
				!has_plain_collation(node, ((ScalarArrayOpExpr *) node)->args))
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, can_fail, relid);
}

/*
 * Could evaluating the clause on a relation raise an error, whatever its
 * values?
 */
bool
appconfig_fallible(Node *clause, Index relid)
{
	return can_fail(clause, &relid);
}
