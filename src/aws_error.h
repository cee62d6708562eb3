/*-------------------------------------------------------------------------
 *
 * aws_error.h
 *		What a failed call means, and the one error report for it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_AWS_ERROR_H
#define APPCONFIG_AWS_ERROR_H

#include "compat.h"
#include "aws_credentials.h"
#include "http.h"
#include "service_endpoint.h"

/* What to do about a failed attempt */
typedef enum AwsErrorKind
{
	AWS_ERROR_NOT_FOUND,		/* means no rows */
	AWS_ERROR_FATAL,			/* the next try would fail as well */
	AWS_ERROR_TRANSIENT,		/* try again */
	AWS_ERROR_THROTTLED,		/* try again, more slowly */
	AWS_ERROR_CLOCK,			/* try again with the server's time */
	AWS_ERROR_EXPIRED			/* try again with other credentials */
} AwsErrorKind;

/* What there is to do for people; the words depend on the service */
typedef enum AwsHint
{
	HINT_NONE,
	HINT_AGAIN,
	HINT_DENIED,
	HINT_KEYS,
	HINT_EXPIRED,
	HINT_SIGNATURE,
	HINT_IDENTITY,
	HINT_SLOWER,
	HINT_LATER,
	HINT_ENDPOINT,
	HINT_CONNECT,
	HINT_PROXY,
	HINT_TRUST,
	HINT_TIMEOUT,
	HINT_SIZE,
	HINT_DESCRIPTORS
} AwsHint;

/* Why a call failed; strings are palloc'd in the context of the caller */
typedef struct AwsError
{
	AwsErrorKind kind;
	int			sqlstate;
	const char *summary;		/* primary message; "%s" stands for the
								 * service */
	AwsHint		hint;
	char	   *code;			/* the AWS error code, or NULL */
	char	   *message;		/* the service's or libcurl's words, or NULL */
	char	   *request_id;		/* or NULL */
	int			status;			/* of HTTP, 0 if there was no answer */
} AwsError;

/* The call that an error report is about */
typedef struct AwsCallName
{
	AwsService	service;
	const char *operation;
	const char *method;
	const char *target;			/* path and query */
	int			attempts;		/* started so far */
	const AwsCredentials *credentials;	/* which no message may show */
	bool		with_mapping;	/* are they a user mapping's own? */
} AwsCallName;

extern AwsError *appconfig_error_from_result(const HttpResult *result,
											 const AwsCredentials *credentials);
extern AwsError *appconfig_error_malformed(const HttpResult *result,
										   const AwsCredentials *credentials,
										   const char *why);
extern AwsError *appconfig_error_unreadable(const char *why);
extern void appconfig_error_refuse(AwsError *error);
extern char *appconfig_error_describe(const AwsError *error,
									  const AwsCallName *call);
extern char *appconfig_error_request_id(const HttpResult *result,
										const AwsCredentials *credentials);
extern char *appconfig_error_request_line(const AwsCallName *call);
pg_noreturn extern void appconfig_error_raise(const AwsError *error,
											  const AwsCallName *call);

#endif							/* APPCONFIG_AWS_ERROR_H */
