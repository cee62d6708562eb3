/*-------------------------------------------------------------------------
 *
 * treatment_key.c
 *		The SQL function appconfig_treatment_key(variant text).
 *
 * The AppConfig agent tells an application which treatment an entity got as a
 * _variant: the treatment's key between double underscores, with _override
 * behind it where the run's overrides said so, and __default__ for an entity
 * that is in no treatment.  Exposure tables hold such variants, or the bare
 * keys, or both; the tables of this wrapper hold keys.
 *
 * It is C, because exposure tables are long and a function of SQL that is
 * strict and has a CASE is not inlined.
 *
 * What may not live here: anything that asks the service.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"
#include "utils/builtins.h"

#define UNDERSCORES		"__"
#define UNDERSCORES_LEN 2
#define OVERRIDE		"_override"
#define OVERRIDE_LEN	9
#define DEFAULT			"default"
#define DEFAULT_LEN		7

PG_FUNCTION_INFO_V1(appconfig_treatment_key);

/*
 * Whether the text can be a key: letters and digits of ASCII, at least one.
 * The service's own limit of eight is not applied, as nothing depends on it.
 */
static bool
is_key(const char *text, int len)
{
	int			i;

	for (i = 0; i < len; i++)
	{
		if (!((text[i] >= 'a' && text[i] <= 'z') ||
			  (text[i] >= 'A' && text[i] <= 'Z') ||
			  (text[i] >= '0' && text[i] <= '9')))
			return false;
	}
	return len > 0;
}

/* Finds the key inside a variant.  Returns false for what is not a variant. */
static bool
find_key(const char *variant, int len, const char **key, int *key_len)
{
	if (len < 2 * UNDERSCORES_LEN ||
		memcmp(variant, UNDERSCORES, UNDERSCORES_LEN) != 0 ||
		memcmp(variant + len - UNDERSCORES_LEN, UNDERSCORES,
			   UNDERSCORES_LEN) != 0)
		return false;
	variant += UNDERSCORES_LEN;
	len -= 2 * UNDERSCORES_LEN;

	if (len > OVERRIDE_LEN &&
		memcmp(variant + len - OVERRIDE_LEN, OVERRIDE, OVERRIDE_LEN) == 0)
		len -= OVERRIDE_LEN;

	*key = variant;
	*key_len = len;
	return is_key(variant, len);
}

/*
 * Returns the key in a variant, NULL for the default that is no treatment, and
 * anything that is not a variant as it came.
 */
Datum
appconfig_treatment_key(PG_FUNCTION_ARGS)
{
	text	   *variant = PG_GETARG_TEXT_PP(0);
	const char *key;
	int			key_len;

	if (!find_key(VARDATA_ANY(variant), VARSIZE_ANY_EXHDR(variant), &key,
				  &key_len))
		PG_RETURN_TEXT_P(variant);

	if (key_len == DEFAULT_LEN && memcmp(key, DEFAULT, DEFAULT_LEN) == 0)
		PG_RETURN_NULL();

	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, key_len));
}
