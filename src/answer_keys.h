/*-------------------------------------------------------------------------
 *
 * answer_keys.h
 *		What an answer says of its keys, and whether it can be believed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ANSWER_KEYS_H
#define APPCONFIG_ANSWER_KEYS_H

#include "json.h"
#include "keyset.h"
#include "tables.h"

extern void appconfig_answer_keys_copy(KnownKeys *to, const KnownKeys *from,
									   MemoryContext context);
extern void appconfig_answer_keys_adopt(KnownKeys *keys,
										const KnownKeys *learned,
										MemoryContext context);
extern void appconfig_answer_keys_free(KnownKeys *keys);

extern bool appconfig_answer_keys_learn(KnownKeys *keys,
										const AppConfigCollection *collection,
										bool leaf, JsonValue *item);
extern void appconfig_answer_keys_check_addressable(const AppConfigCollection *collection,
													const KnownKeys *keys);
extern bool appconfig_answer_keys_names_application(const AppConfigCollection *collection,
													JsonValue *item);

extern const char *appconfig_answer_keys_find(const AppConfigCollection *collection,
											  JsonValue *item,
											  AppConfigKey key);
extern bool appconfig_answer_keys_name(const AppConfigCollection *collection,
									   JsonValue *item, AppConfigKey key,
									   const char *value);
extern bool appconfig_answer_keys_took_name_for_id(const KnownKeys *keys,
												   const AppConfigCollection *collection,
												   JsonValue *answer);

extern bool appconfig_answer_keys_could_be_id(const char *text);
extern bool appconfig_answer_keys_looks_like_id(const char *text);

#endif							/* APPCONFIG_ANSWER_KEYS_H */
