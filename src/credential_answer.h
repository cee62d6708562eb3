/*-------------------------------------------------------------------------
 *
 * credential_answer.h
 *		What those say who give out credentials.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_CREDENTIAL_ANSWER_H
#define APPCONFIG_CREDENTIAL_ANSWER_H

#include "aws_credentials.h"
#include "json.h"

/* Keys that were given out; strings are palloc'd and belong to the struct */
typedef struct CredentialAnswer
{
	AwsCredentials keys;
	int64		expires_at;		/* seconds since 1970; 0: nothing was said */
	char	   *identity;		/* whose they are, as far as it is said, or
								 * NULL */
} CredentialAnswer;

/* Whose keys they are */
typedef struct CallerIdentity
{
	char	   *account;
	char	   *arn;
} CallerIdentity;

/*
 * What was answered.  The document is the caller's, who ties it to a context.
 */
typedef struct AnswerBody
{
	const char *text;			/* a NUL follows */
	JsonValue  *document;		/* the same as JSON, or NULL if it is none */
	const char *malformed;		/* and why not */
} AnswerBody;

extern const char *appconfig_credential_answer_read_sts(const AnswerBody *body,
														const char *action,
														CredentialAnswer *answer);
extern const char *appconfig_credential_answer_read_endpoint(const AnswerBody *body,
															 CredentialAnswer *answer);
extern const char *appconfig_credential_answer_read_caller(const AnswerBody *body,
														   CallerIdentity *caller);

#endif							/* APPCONFIG_CREDENTIAL_ANSWER_H */
