/*-------------------------------------------------------------------------
 *
 * keyset.h
 *		Which keys can a row have that a query asks for?
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_KEYSET_H
#define APPCONFIG_KEYSET_H

#include "tables.h"

/* How a predicate binds a key */
typedef enum KeyExprKind
{
	KEY_EXPR_AND,
	KEY_EXPR_OR,
	KEY_EXPR_IN,				/* key = one of the operand's values */
	KEY_EXPR_LESS,				/* key < operand, of integers, and so on */
	KEY_EXPR_LESS_EQUAL,
	KEY_EXPR_GREATER,
	KEY_EXPR_GREATER_EQUAL,
	KEY_EXPR_NEVER				/* no row */
} KeyExprKind;

/* What the planner makes of the clauses that bind keys */
typedef struct KeyExpr
{
	KeyExprKind kind;
	AppConfigKey key;			/* unless AND, OR, NEVER */
	int			operand;		/* number of the value expression */
	int			width;			/* bytes from which on a value of the column
								 * may have been cut off, 0 for none */
	int			nargs;			/* AND, OR */
	struct KeyExpr **args;
} KeyExpr;

/* What a value expression has come out as, once a scan */
typedef struct KeyOperand
{
	bool		unbounded;		/* says nothing about the key */
	bool		unknown;		/* of its values only the number is known, as
								 * of those of a parameter while the query is
								 * planned */
	int			nvalues;		/* NULLs are left out */
	char	  **texts;			/* of a key that is a text, or */
	int64	   *numbers;		/* of one that is an integer */
} KeyOperand;

/* Values that a text key can have, in order, each once */
typedef struct KeyTexts
{
	int			count;
	char	  **value;
	bool		unknown;		/* they stand for others, of which nobody
								 * knows more */
} KeyTexts;

/* Numbers that an integer key can have: all of a range, or some of them */
typedef struct KeyNumbers
{
	int64		min;
	int64		max;
	int			count;			/* -1 for all of the range */
	int64	   *value;			/* in order, each once */
	bool		unknown;
} KeyNumbers;

/* One conjunction: each key is one of some values, or any */
typedef struct KeyBox
{
	const KeyTexts *texts[KEY_COUNT];	/* NULL for any */
	const KeyNumbers *numbers[KEY_COUNT];	/* likewise, of integers */
} KeyBox;

/* Finds boxes by the values of a key */
typedef struct KeyIndex KeyIndex;

/* A disjunction of boxes.  A superset of what the query asks for. */
typedef struct KeySet
{
	int			count;
	KeyBox	   *boxes;
	KeyIndex   *index;			/* NULL where there are few boxes */
} KeySet;

/*
 * The keys of an item, as far as they are known, as a path has them: that of
 * an integer is its decimal digits
 */
typedef struct KnownKeys
{
	const char *text[KEY_COUNT];	/* NULL if not known */
} KnownKeys;

extern KeySet *appconfig_keyset_evaluate(const KeyExpr *expr,
										 const KeyOperand *operands);
extern KeySet *appconfig_keyset_everything(void);
extern KeySet *appconfig_keyset_make(int capacity);
extern void appconfig_keyset_index(KeySet *set);
extern KeySet *appconfig_keyset_restrict(const KeySet *set,
										 const KnownKeys *known);
extern KeySet *appconfig_keyset_project(const KeySet *set,
										const AppConfigKey *keys, int nkeys);
extern KeySet *appconfig_keyset_bind(const KeySet *set,
									 AppConfigKey key,
									 const KeyTexts *(*find) (void *arg, const KeyBox *box),
									 void *arg);
extern bool appconfig_keyset_contains(const KeySet *set,
									  const KnownKeys *known);
extern void appconfig_keyset_sort(KeyTexts *texts);
extern bool appconfig_keyset_has_text(const KeyTexts *texts,
									  const char *value);
extern KeyTexts *appconfig_keyset_texts(const KeySet *set, AppConfigKey key);
extern int	appconfig_keyset_count(const KeyBox *box, AppConfigKey key);

#endif							/* APPCONFIG_KEYSET_H */
