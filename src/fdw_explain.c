/*-------------------------------------------------------------------------
 *
 * fdw_explain.c
 *		ExplainForeignScan.
 *
 * What may not live here: anything that asks the service, evaluates a key or
 * knows credentials.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/explain.h"
#include "lib/stringinfo.h"
#include "utils/ruleutils.h"

#include "compat.h"
#include "cursor.h"
#include "fdw.h"
#include "fdw_scan.h"

/* By KeyExprKind */
static const char *const operator_names[] = {
	[KEY_EXPR_IN] = "=",
	[KEY_EXPR_LESS] = "<",
	[KEY_EXPR_LESS_EQUAL] = "<=",
	[KEY_EXPR_GREATER] = ">",
	[KEY_EXPR_GREATER_EQUAL] = ">=",
};

void
appconfigExplainForeignScan(ForeignScanState *node, struct ExplainState *es)
{
	(void) node;
	(void) es;
	(void) operator_names;
}
