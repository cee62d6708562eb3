/*-------------------------------------------------------------------------
 *
 * predicate.c
 *		From WHERE and join clauses to keys that are bound.
 *
 * Recognizes equality and order by operator family, never by name, so that an
 * operator counts only if it means what the service means: text equality is
 * equality of bytes, which rules out char(n), citext and collations that are
 * not deterministic; integers of all sizes compare as numbers.  What is not
 * recognized is no key and is left to the executor, which checks the rest of
 * them again as well.
 *
 * The value side may be any expression that does not change while the table is
 * scanned: no column of the table itself, nothing volatile, no correlated
 * subquery.  It becomes an operand, evaluated by fdw_scan.c.
 *
 * What may not live here: which calls a key leads to (expand.c), values.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "predicate.h"

typedef struct BindContext
{
	const PredicateTable *table;
	List	   *operands;		/* value expressions so far */
} BindContext;

/* What an order of the integer operators says about a key */
static const KeyExprKind kind_of_strategy[] = {
	[BTLessStrategyNumber] = KEY_EXPR_LESS,
	[BTLessEqualStrategyNumber] = KEY_EXPR_LESS_EQUAL,
	[BTEqualStrategyNumber] = KEY_EXPR_IN,
	[BTGreaterEqualStrategyNumber] = KEY_EXPR_GREATER_EQUAL,
	[BTGreaterStrategyNumber] = KEY_EXPR_GREATER,
};

static KeyExpr *bind_clause(BindContext *context, Expr *clause);

static KeyExpr *
make_key_expr(KeyExprKind kind)
{
	KeyExpr    *expr = palloc0(sizeof(KeyExpr));

	expr->kind = kind;
	return expr;
}

/* Are texts equal to the operator if their bytes are, and only then? */
static bool
is_byte_equality(Oid opno, Oid collation)
{
	return get_op_opfamily_strategy(opno, TEXT_BTREE_FAM_OID) ==
		BTEqualStrategyNumber &&
		(!OidIsValid(collation) ||
		 get_collation_isdeterministic(collation));
}

/* What is below casts that leave every bit as it is */
static Expr *
strip_relabel(Expr *expr)
{
	while (expr != NULL && IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	return expr;
}

/* The column of the table that the expression is, or NULL */
static const AppConfigColumn *
table_column(const PredicateTable *table, Expr *expr)
{
	Var		   *var = (Var *) strip_relabel(expr);

	if (var == NULL || !IsA(var, Var) || (Index) var->varno != table->relid ||
		var->varlevelsup != 0 || var->varattno <= 0)
		return NULL;
	return table->columns->list[var->varattno - 1].column;
}

/* Attribute numbers of the relation's columns that an expression reads */
List *
appconfig_predicate_attributes(Index relid, Node *expr)
{
	Bitmapset  *read = NULL;
	List	   *attnums = NIL;
	int			member = -1;

	pull_varattnos(expr, relid, &read);
	while ((member = bms_next_member(read, member)) >= 0)
		attnums =
			lappend_int(attnums, member + FirstLowInvalidHeapAttributeNumber);
	return attnums;
}

/* Is the expression a column of the relation, with nothing around it? */
static bool
is_column(Index relid, Node *expr)
{
	Var		   *var = (Var *) strip_relabel((Expr *) expr);

	return IsA(var, Var) && (Index) var->varno == relid &&
		var->varlevelsup == 0 && var->varattno > 0;
}

/*
 * The attribute number of a text column that a clause finds equal, byte by
 * byte, to values that the relation has no part in; 0 if it is another clause.
 */
AttrNumber
appconfig_predicate_equated(Index relid, Node *clause)
{
	Oid			opno;
	Oid			collation;
	List	   *args;
	int			i;

	if (IsA(clause, OpExpr))
	{
		opno = ((OpExpr *) clause)->opno;
		collation = ((OpExpr *) clause)->inputcollid;
		args = ((OpExpr *) clause)->args;
	}
	else if (IsA(clause, ScalarArrayOpExpr) &&
			 ((ScalarArrayOpExpr *) clause)->useOr)
	{
		opno = ((ScalarArrayOpExpr *) clause)->opno;
		collation = ((ScalarArrayOpExpr *) clause)->inputcollid;
		args = ((ScalarArrayOpExpr *) clause)->args;
	}
	else
		return InvalidAttrNumber;
	if (list_length(args) != 2 || !is_byte_equality(opno, collation))
		return InvalidAttrNumber;
	for (i = 0; i < 2; i++)
	{
		Node	   *column = list_nth(args, i);

		if (is_column(relid, column) &&
			appconfig_predicate_attributes(relid, list_nth(args, 1 - i)) ==
			NIL)
			return ((Var *) strip_relabel((Expr *) column))->varattno;
	}
	return InvalidAttrNumber;
}

/* The key column that the expression is, or NULL */
static const AppConfigColumn *
key_column(const BindContext *context, Expr *expr)
{
	const AppConfigColumn *column =
	table_column(context->table, expr);

	return column != NULL && column->key != KEY_NONE ? column : NULL;
}

/* Does the value stay the same during a scan of the table? */
static bool
is_operand(const BindContext *context, Expr *expr)
{
	return !bms_is_member(context->table->relid,
						  appconfig_pull_varnos(context->table->root, (Node *) expr)) &&
		!contain_volatile_functions((Node *) expr) &&
		!contain_subplans((Node *) expr);
}

/*
 * What the operator says about a key, when the key is on its left.  Returns
 * false if it says nothing that the service could be asked for.
 */
static bool
operator_kind(Oid opno, Oid collation, AppConfigKey key, KeyExprKind *kind)
{
	int			strategy;

	if (appconfig_keys[key].is_integer)
	{
		strategy = get_op_opfamily_strategy(opno, INTEGER_BTREE_FAM_OID);
		if (strategy == 0)
			return false;
		*kind = kind_of_strategy[strategy];
		return true;
	}
	*kind = KEY_EXPR_IN;
	return is_byte_equality(opno, collation);
}

/*
 * A foreign table may declare a column as name or varchar(n), which cut the
 * service's values off: name beyond 63 bytes, varchar(n) blanks beyond n
 * characters.  Returns how many bytes a value has at least that can have been
 * cut off, 0 if none can.  The service does not find anything by such a value.
 */
static int
column_width(Expr *expr)
{
	const Var  *var = (const Var *) strip_relabel(expr);
	int32		typmod = var->vartypmod;
	Oid			type = getBaseTypeAndTypmod(var->vartype, &typmod);

	if (type == NAMEOID)
		return NAMEDATALEN - pg_database_encoding_max_length();
	return type == VARCHAROID && typmod >= (int32) VARHDRSZ
		? typmod - (int32) VARHDRSZ
		: 0;
}

static KeyExpr *
make_leaf(BindContext *context, KeyExprKind kind, AppConfigKey key,
		  Expr *column, Expr *value)
{
	KeyExpr    *expr = make_key_expr(kind);

	expr->key = key;
	expr->width = appconfig_keys[key].is_integer ? 0 : column_width(column);
	expr->operand = list_length(context->operands);
	context->operands = lappend(context->operands, value);
	return expr;
}

static KeyExpr *
bind_operator(BindContext *context, OpExpr *op)
{
	Expr	   *left;
	Expr	   *right;
	Oid			opno = op->opno;
	const AppConfigColumn *column;
	KeyExprKind kind;

	if (list_length(op->args) != 2)
		return NULL;
	left = linitial(op->args);
	right = lsecond(op->args);
	column = key_column(context, left);
	if (column == NULL)
	{
		Expr	   *swap = left;

		left = right;
		right = swap;
		opno = get_commutator(opno);
		column = key_column(context, left);
	}
	if (column == NULL || !OidIsValid(opno) ||
		!operator_kind(opno, op->inputcollid, column->key, &kind) ||
		!is_operand(context, right))
		return NULL;
	return make_leaf(context, kind, column->key, left, right);
}

/* key = ANY (array): IN, and = ANY itself */
static KeyExpr *
bind_array_operator(BindContext *context, ScalarArrayOpExpr *op)
{
	const AppConfigColumn *column = key_column(context, linitial(op->args));
	KeyExprKind kind;

	if (!op->useOr || column == NULL ||
		!operator_kind(op->opno, op->inputcollid, column->key, &kind) ||
		kind != KEY_EXPR_IN || !is_operand(context, lsecond(op->args)))
		return NULL;
	return make_leaf(context, kind, column->key, linitial(op->args),
					 lsecond(op->args));
}

/*
 * What things are addressed by is never NULL, and every server has a region; a
 * name might be, if the service left it out.
 */
static KeyExpr *
bind_null_test(BindContext *context, NullTest *test)
{
	const AppConfigColumn *column = key_column(context, test->arg);

	if (test->nulltesttype != IS_NULL || test->argisrow || column == NULL ||
		!appconfig_keys[column->key].never_null)
		return NULL;
	return make_key_expr(KEY_EXPR_NEVER);
}

/* AND of what can be bound at all, OR only if every arm can */
static KeyExpr *
bind_args(BindContext *context, KeyExprKind kind, List *args)
{
	KeyExpr    *expr = make_key_expr(kind);
	ListCell   *cell;

	expr->args = palloc(sizeof(KeyExpr *) * Max(list_length(args), 1));
	foreach(cell, args)
	{
		KeyExpr    *arg = bind_clause(context, lfirst(cell));

		if (arg != NULL &&
			(kind != KEY_EXPR_OR || arg->kind != KEY_EXPR_NEVER))
			expr->args[expr->nargs++] = arg;
		else if (arg == NULL && kind == KEY_EXPR_OR)
			return NULL;
	}
	if (expr->nargs == 0)
		return kind == KEY_EXPR_OR ? make_key_expr(KEY_EXPR_NEVER) : NULL;
	return expr->nargs == 1 ? expr->args[0] : expr;
}

/* What a clause says about keys, or NULL */
static KeyExpr *
bind_clause(BindContext *context, Expr *clause)
{
	if (IsA(clause, RestrictInfo))
		clause = ((RestrictInfo *) clause)->clause;
	if (IsA(clause, OpExpr))
		return bind_operator(context, (OpExpr *) clause);
	if (IsA(clause, ScalarArrayOpExpr))
		return bind_array_operator(context, (ScalarArrayOpExpr *) clause);
	if (IsA(clause, NullTest))
		return bind_null_test(context, (NullTest *) clause);
	if (is_andclause(clause))
		return bind_args(context, KEY_EXPR_AND, ((BoolExpr *) clause)->args);
	if (is_orclause(clause))
	{
		int			before = list_length(context->operands);
		KeyExpr    *expr =
		bind_args(context, KEY_EXPR_OR, ((BoolExpr *) clause)->args);

		/* operands of arms that came to nothing need not be evaluated */
		if (expr == NULL)
			context->operands = list_truncate(context->operands, before);
		return expr;
	}
	return NULL;
}

/*
 * What the clauses, RestrictInfos or bare, together say about the table's
 * keys; NULL if nothing.  Sets *operands to the value expressions that the
 * result refers to by number.
 */
KeyExpr *
appconfig_predicate_bind(const PredicateTable *table, List *clauses,
						 List **operands)
{
	BindContext context = {.table = table};
	KeyExpr    *expr = bind_args(&context, KEY_EXPR_AND, clauses);

	*operands = context.operands;
	return expr;
}
