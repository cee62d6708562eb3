/*-------------------------------------------------------------------------
 *
 * aws_credentials.c
 *		The keys that sign a request
 *
 * What lives here is how they go away, and what they may consist of.
 *
 * What may not live here: AppConfig, where keys come from (fdw_options.c), and
 * what they are used for (aws_sigv4.c).
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "aws_credentials.h"

/*
 * Overwrites and frees the keys and leaves the struct empty, so that a second
 * call does nothing.  The struct itself stays the caller's.
 *
 * pfree alone would leave the secret readable in memory that the next query of
 * the session gets; a plain memset before it may be optimised away.
 */
void
appconfig_credentials_wipe(AwsCredentials *credentials)
{
	char	  **fields[] = {&credentials->access_key_id,
		&credentials->secret_access_key,
	&credentials->session_token};
	size_t		i;

	for (i = 0; i < (int) lengthof(fields); i++)
	{
		if (*fields[i] == NULL)
			continue;
		explicit_bzero(*fields[i], strlen(*fields[i]));
		pfree(*fields[i]);
		*fields[i] = NULL;
	}
}

/* A copy in the current context; what is missing stays so */
AwsCredentials
appconfig_credentials_copy(const AwsCredentials *credentials)
{
	AwsCredentials copy = {.access_key_id = NULL};

	if (credentials->access_key_id != NULL)
		copy.access_key_id = pstrdup(credentials->access_key_id);
	if (credentials->secret_access_key != NULL)
		copy.secret_access_key = pstrdup(credentials->secret_access_key);
	if (credentials->session_token != NULL)
		copy.session_token = pstrdup(credentials->session_token);
	return copy;
}

/*
 * Moves keys, which are in the current context, to where several can hold
 * them; the reference is the caller's.  The struct is left empty.
 */
SharedCredentials *
appconfig_credentials_share(AwsCredentials *keys)
{
	SharedCredentials *shared = palloc0(sizeof(SharedCredentials));

	shared->references = 1;
	shared->keys = *keys;
	memset(keys, 0, sizeof(*keys));
	return shared;
}

/* One reference more */
SharedCredentials *
appconfig_credentials_hold(SharedCredentials *shared)
{
	shared->references++;
	return shared;
}

/*
 * One less; with the last the keys are overwritten and freed.  NULL is none.
 */
void
appconfig_credentials_let_go(SharedCredentials *shared)
{
	if (shared == NULL || --shared->references > 0)
		return;
	appconfig_credentials_wipe(&shared->keys);
	pfree(shared);
}

/*
 * Is the character visible ASCII?  Keys and tokens go into header lines, where
 * a line break would begin a line of its own.
 */
static bool
is_visible(char c)
{
	return c > ' ' && c <= '~';
}

/* Can the text be a key or a token? */
bool
appconfig_credentials_text_is_valid(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (!is_visible(*text))
			return false;
	}
	return true;
}

/* The same of the value of a header, which may have blanks in it */
bool
appconfig_credentials_header_is_valid(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text != ' ' && !is_visible(*text))
			return false;
	}
	return true;
}
