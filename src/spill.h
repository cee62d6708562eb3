/*-------------------------------------------------------------------------
 *
 * spill.h
 *		Documents of a statement in a temporary file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SPILL_H
#define APPCONFIG_SPILL_H

#include "json.h"

/* The file, and where in it each document is */
typedef struct SpillFile SpillFile;

/* One answer, known by its target and perhaps by another one */
typedef struct SpilledAnswer
{
	const char *target;
	const char *alias;			/* or NULL */
	JsonValue  *document;		/* NULL: the service knows no such thing */
} SpilledAnswer;

extern SpillFile *appconfig_spill_create(MemoryContext parent);
extern void appconfig_spill_close(SpillFile *spill);
extern bool appconfig_spill_has(const SpillFile *spill, const char *target);
extern void appconfig_spill_put(SpillFile *spill, const SpilledAnswer *answer);
extern bool appconfig_spill_get(SpillFile *spill, const char *target,
								SpilledAnswer *answer);

#endif							/* APPCONFIG_SPILL_H */
