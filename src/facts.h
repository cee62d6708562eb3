/*-------------------------------------------------------------------------
 *
 * facts.h
 *		What an answer says of its keys, and whether it can be believed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_FACTS_H
#define APPCONFIG_FACTS_H

#include "json.h"
#include "keyset.h"
#include "tables.h"

extern void appconfig_facts_copy(KeyFacts *to, const KeyFacts *from,
								 MemoryContext context);
extern void appconfig_facts_adopt(KeyFacts *keys, const KeyFacts *learned,
								  MemoryContext context);
extern void appconfig_facts_free(KeyFacts *keys);

extern bool appconfig_facts_learn(KeyFacts					*keys,
								  const AppConfigCollection *collection,
								  bool leaf, JsonValue *item);
extern void appconfig_facts_check_addressable(
	const AppConfigCollection *collection, const KeyFacts *keys);
extern bool appconfig_facts_names_application(
	const AppConfigCollection *collection, JsonValue *item);

extern const char *appconfig_facts_find(const AppConfigCollection *collection,
										JsonValue *item, AppConfigKey key);
extern bool		   appconfig_facts_name(const AppConfigCollection *collection,
										JsonValue *item, AppConfigKey key,
										const char *value);
extern bool		   appconfig_facts_took_name_for_id(
		   const KeyFacts *keys, const AppConfigCollection *collection,
		   JsonValue *answer);

extern bool appconfig_facts_could_be_id(const char *text);
extern bool appconfig_facts_looks_like_id(const char *text);

#endif /* APPCONFIG_FACTS_H */
