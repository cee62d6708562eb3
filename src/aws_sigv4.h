/*-------------------------------------------------------------------------
 *
 * aws_sigv4.h
 *		AWS Signature Version 4
 *
 * A caller needs appconfig_sigv4_sign alone; the stages are declared so that
 * each can be held against published vectors.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_AWS_SIGV4_H
#define APPCONFIG_AWS_SIGV4_H

#include <time.h>

#include "aws_credentials.h"

#define AWS_SIGV4_KEY_LEN		32	/* bytes of a signing key */
#define AWS_SIGV4_SIGNATURE_LEN 64	/* hex digits of a signature or a hash */
#define AWS_SIGV4_DATE_LEN		16	/* characters of 20261001T000000Z */

typedef struct AwsSigv4Header
{
	const char *name;			/* in any case */
	const char *value;			/* as sent */
} AwsSigv4Header;

/* The request to be signed, filled by the caller and only read here. */
typedef struct AwsSigv4Request
{
	const char *method;
	const char *path;			/* percent-encoded, as on the wire */
	bool		normalize_path; /* resolve "//", "." and ".." */
	const char *query;			/* the same, without "?"; or NULL */
	const AwsSigv4Header *headers;	/* Host and others to be signed */
	int			nheaders;
	const void *payload;		/* NULL if empty */
	size_t		payload_len;
} AwsSigv4Request;

/* What a signature is valid for. */
typedef struct AwsSigv4Scope
{
	time_t		time;
	const char *region;
	const char *service;		/* signing name, such as "appconfig" */
} AwsSigv4Scope;

/*
 * What the signed request must carry in addition, filled by
 * appconfig_sigv4_sign.
 */
typedef struct AwsSigv4Result
{
	char		amz_date[AWS_SIGV4_DATE_LEN + 1];	/* header X-Amz-Date */
	char	   *authorization;	/* header Authorization; palloc'd */
} AwsSigv4Result;

extern bool appconfig_sigv4_sign(const AwsSigv4Request *request,
								 const AwsSigv4Scope *scope,
								 const AwsCredentials *credentials,
								 AwsSigv4Result *result);

/* the stages, in their order */
extern char *appconfig_sigv4_canonical_request(const AwsSigv4Request *request,
											   const AwsSigv4Scope *scope,
											   const char *session_token,
											   char **signed_headers);
extern char *appconfig_sigv4_string_to_sign(const AwsSigv4Scope *scope,
											const char *canonical_request);
extern bool appconfig_sigv4_signing_key(const AwsSigv4Scope *scope,
										const char *secret_access_key,
										unsigned char *signing_key);
extern bool appconfig_sigv4_signature(const unsigned char *signing_key,
									  const char *string_to_sign,
									  char *signature);
extern char *appconfig_sigv4_authorization(const AwsSigv4Scope *scope,
										   const char *access_key_id,
										   const char *signed_headers,
										   const char *signature);

/* used by the stages */
extern bool appconfig_sigv4_payload_hash(const void *payload,
										 size_t payload_len, char *hash);
extern bool appconfig_sigv4_amz_date(time_t time, char *amz_date);

#endif							/* APPCONFIG_AWS_SIGV4_H */
