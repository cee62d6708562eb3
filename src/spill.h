/*-------------------------------------------------------------------------
 *
 * spill.h
 *		Answers in a temporary file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SPILL_H
#define APPCONFIG_SPILL_H

#include "utils/resowner.h"

#include "json.h"

/* The file, and where in it each answer is */
typedef struct SpillFile SpillFile;

extern SpillFile *appconfig_spill_create(MemoryContext parent,
										 ResourceOwner owner);
extern void appconfig_spill_close(SpillFile *spill);
extern bool appconfig_spill_has(const SpillFile *spill, const char *target);
extern void appconfig_spill_put(SpillFile *spill, const char *target,
								JsonValue *document);
extern bool appconfig_spill_get(SpillFile *spill, const char *target,
								JsonValue **document);

#endif							/* APPCONFIG_SPILL_H */
