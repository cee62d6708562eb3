/*-------------------------------------------------------------------------
 *
 * operand.h
 *		From values of SQL to those that keys are compared with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_OPERAND_H
#define APPCONFIG_OPERAND_H

#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"

#include "keyset.h"

extern void appconfig_operand_set(KeyOperand *operand, Datum value,
								  bool isnull, Oid type);
extern void appconfig_operand_set_constant(KeyOperand *operand,
										   const Const *constant);
extern void appconfig_operands_unbind_cut(const KeyExpr *expr,
										  KeyOperand *operands);
extern KeySet *appconfig_operands_expect(PlannerInfo *root,
										 const KeyExpr *expr,
										 const List *values,
										 const char *region);

#endif							/* APPCONFIG_OPERAND_H */
