/*-------------------------------------------------------------------------
 *
 * shared_copies.c
 *		Which of the answers that sessions share are a session's own.
 *
 * A frozen document is for all who sign as the identity that has got it, once
 * a list of their own has shown its state: they would get the same.  What
 * cache_ttl allows to be some time old is for the same role, database and
 * server only.
 *
 * Keys of the shared memory are digests with the cluster's salt of all that
 * makes an answer somebody's: endpoint, Region and identity, then role or not,
 * and the target of the request.  Nobody comes by another's answer without
 * knowing what that one signs with.
 *
 * What may not live here: memory (shared_cache.c), what is in an answer and
 * when it is shared (cache.c), and who signs (credential_provider.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "shared_cache.h"
#include "shared_copies.h"
#include "shared_memory.h"

/* A digest of something that belongs to another; false if there is none */
static bool
make_digest(SharedIdentity *digest, const SharedIdentity *owner,
			const char *kind, const char *text)
{
	char		owner_text[SHARED_IDENTITY_TEXT];
	const char *parts[] = {kind, owner_text, text};

	appconfig_shared_memory_write_identity(owner, owner_text);
	return appconfig_shared_memory_identify(digest, parts, lengthof(parts));
}

/* The key of a frozen document */
static bool
make_frozen_key(SharedIdentity *key, const SharedReader *reader,
				const char *target)
{
	return make_digest(key, &reader->identity, "frozen", target);
}

/* The key of what cache_ttl allows */
static bool
make_role_key(SharedIdentity *key, const SharedReader *reader,
			  const char *target)
{
	return make_digest(key, &reader->role, "answer", target);
}

/* What is compared of a state, whatever its length */
static bool
make_state(SharedIdentity *digest, const SharedReader *reader,
		   const char *state)
{
	return make_digest(digest, &reader->identity, "state", state);
}

static bool
is_same(const SharedIdentity *a, const SharedIdentity *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Does somebody share answers with this reader? */
bool
appconfig_shared_copies_are_there(const SharedReader *reader)
{
	return appconfig_shared_memory_is_identified(&reader->identity) &&
		appconfig_shared_cache_is_on();
}

/*
 * Who reads from now on: the identity is all that may make a difference to
 * what the service answers.  An empty one is nobody.  The role is a text.
 */
void
appconfig_shared_copies_set_reader(SharedReader *reader,
								   const SharedIdentity *identity,
								   const char *role)
{
	reader->identity = *identity;
	if (!appconfig_shared_memory_is_identified(identity) ||
		!make_digest(&reader->role, identity, "role", role))
		memset(reader, 0, sizeof(*reader));
}

static void
remove_key(bool made, const SharedIdentity *key, int64 asked_before)
{
	if (made)
		appconfig_shared_cache_remove(key, asked_before);
}

static void
remove_frozen(const SharedReader *reader, const char *target,
			  int64 asked_before)
{
	SharedIdentity key;
	bool		made = make_frozen_key(&key, reader, target);

	remove_key(made, &key, asked_before);
}

static void
remove_of_role(const SharedReader *reader, const char *target,
			   int64 asked_before)
{
	SharedIdentity key;
	bool		made = make_role_key(&key, reader, target);

	remove_key(made, &key, asked_before);
}

/* Nothing that was asked for before then serves for the target any longer */
void
appconfig_shared_copies_remove(const SharedReader *reader,
							   const SharedTarget *target, int64 asked_before)
{
	if (!appconfig_shared_copies_are_there(reader))
		return;
	if (target->freezes)
		remove_frozen(reader, target->target, asked_before);
	if (target->by_age)
		remove_of_role(reader, target->target, asked_before);
}

/*
 * A list shows the thing frozen, in the target's state.  Returns whether there
 * is a copy in that state; one that shows it otherwise goes.
 */
bool
appconfig_shared_copies_confirm(const SharedReader *reader,
								const SharedTarget *target)
{
	SharedIdentity key;
	SharedIdentity state;
	SharedTag	tag;
	int64		now = appconfig_clock_now();

	if (!appconfig_shared_copies_are_there(reader))
		return false;
	if (target->by_age)
		remove_of_role(reader, target->target, now);
	if (!make_frozen_key(&key, reader, target->target) ||
		!make_state(&state, reader, target->state) ||
		!appconfig_shared_cache_find(&key, &tag))
		return false;
	if (is_same(&tag.state, &state))
		return true;
	appconfig_shared_cache_remove(&key, now);
	return false;
}

/* The text of a key, palloc'd, as an answer, and its tag; false if none */
static bool
get_answer(const SharedIdentity *key, SharedTag *tag, SharedAnswer *answer)
{
	answer->text = appconfig_shared_cache_get(key, tag, &answer->length);
	if (answer->text == NULL)
		return false;
	answer->asked_at = tag->asked_at;
	return true;
}

/* There is one, but it does not serve */
static bool
refuse_answer(SharedAnswer *answer)
{
	pfree(unconstify(char *, answer->text));
	return false;
}

/*
 * A frozen document: by the state that a list has shown, or, where none has
 * and it was this role that got it, by its age
 */
static bool
get_frozen(const SharedReader *reader, const SharedTarget *target,
		   const CopyAge *age, SharedAnswer *answer)
{
	SharedIdentity key;
	SharedIdentity state;
	SharedTag	tag;

	if (!make_frozen_key(&key, reader, target->target) ||
		(target->state != NULL &&
		 !make_state(&state, reader, target->state)) ||
		!get_answer(&key, &tag, answer))
		return false;
	if (target->state != NULL
		? is_same(&tag.state, &state)
		: target->by_age && is_same(&tag.owner, &reader->role) &&
		appconfig_copy_age_is_allowed(age, tag.asked_at, tag.kept_at))
		return true;
	return refuse_answer(answer);
}

/* Anything else, by its age alone */
static bool
get_of_role(const SharedReader *reader, const SharedTarget *target,
			const CopyAge *age, SharedAnswer *answer)
{
	SharedIdentity key;
	SharedTag	tag;

	if (!make_role_key(&key, reader, target->target) ||
		!get_answer(&key, &tag, answer))
		return false;
	if (appconfig_copy_age_is_allowed(age, tag.asked_at, tag.kept_at))
		return true;
	return refuse_answer(answer);
}

/*
 * Sets *answer to one that serves, whose text is palloc'd: a frozen document
 * in the target's state, or, where no list has shown that, what is young
 * enough; false if there is none
 */
bool
appconfig_shared_copies_get(const SharedReader *reader,
							const SharedTarget *target, const CopyAge *age,
							SharedAnswer *answer)
{
	return appconfig_shared_copies_are_there(reader) &&
		((target->freezes && (target->state != NULL || target->by_age) &&
		  get_frozen(reader, target, age, answer)) ||
		 (target->state == NULL && target->by_age &&
		  get_of_role(reader, target, age, answer)));
}

/*
 * Lets others have an answer: a frozen document if it shows a state, or else
 * what cache_ttl allows.  What it puts out of date goes.
 */
void
appconfig_shared_copies_put(const SharedReader *reader,
							const SharedTarget *target,
							const SharedAnswer *answer)
{
	SharedTag	tag = {.asked_at = answer->asked_at};
	bool		made;

	if (!appconfig_shared_copies_are_there(reader))
		return;
	if (target->state != NULL)
	{
		made = make_frozen_key(&tag.key, reader, target->target) &&
			make_state(&tag.state, reader, target->state);
		if (target->by_age)
		{
			tag.owner = reader->role;
			remove_of_role(reader, target->target, answer->asked_at);
		}
	}
	else
	{
		if (target->freezes)
			remove_frozen(reader, target->target, answer->asked_at);
		made = target->by_age &&
			make_role_key(&tag.key, reader, target->target);
	}
	if (made)
		appconfig_shared_cache_put(&tag, answer->text, answer->length);
}
