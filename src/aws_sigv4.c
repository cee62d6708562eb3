/*-------------------------------------------------------------------------
 *
 * aws_sigv4.c
 *		AWS Signature Version 4
 *
 * What lives here is the algorithm AWS4-HMAC-SHA256 for signed headers, by the
 * stages that AWS's specification names and in their order: canonical request,
 * string to sign, signing key, signature, authorization header.  This is the
 * only file that includes an OpenSSL header.
 *
 * libcurl can sign by itself (CURLOPT_AWS_SIGV4), but puts the path into the
 * canonical request as it is on the wire.  Every service but S3 wants it
 * percent-encoded once more, %20 as %2520.  With libcurl's signature all goes
 * well until somebody's application has a space in its name.
 *
 * What can fail is OpenSSL, when its configuration has no SHA-256 or HMAC to
 * offer, and a time before 1900 or after 9999; functions then return false or
 * NULL and leave OpenSSL's error queue empty.  Running out of memory is
 * palloc's matter.
 *
 * Memory that has held the secret key, a key derived from it or the session
 * token is overwritten before it is freed, and no buffer grows with one of
 * them in it, since that would leave a copy behind.
 *
 * What may not live here: a clock, since the time is an argument, I/O, errors
 * that are raised, and anything of AppConfig but that it is not S3.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/stringinfo.h"

#include "aws_sigv4.h"
#include "uri.h"

#define ALGORITHM		 "AWS4-HMAC-SHA256"
#define SCOPE_TERMINATOR "aws4_request"
#define KEY_PREFIX		 "AWS4"

/* characters of amz_date that are the date alone */
#define DATE_ONLY_LEN 8

/* what is folded in a header's value; ctype.h would ask the locale */
#define WHITE_SPACE " \t\r\n\v\f"

/*
 * Headers that proxies and HTTP libraries add, change or take away: signed,
 * they would invalidate the signature on the way.
 */
static const char *const unsignable_headers[] = {
	"authorization",
	"connection",
	"expect",
	"keep-alive",
	"proxy-authenticate",
	"proxy-authorization",
	"proxy-connection",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
	"user-agent",
	"x-amzn-trace-id",
};

/* One header as it goes into the canonical request. */
typedef struct CanonicalHeader
{
	char	   *name;			/* in lower case */
	char	   *value;			/* trimmed, and runs of white space folded */
	int			position;		/* in the request; keeps headers of one name
								 * in order */
} CanonicalHeader;

/* One query parameter as it goes into the canonical request. */
typedef struct CanonicalParameter
{
	char	   *name;
	char	   *value;
} CanonicalParameter;

/* Frees a text that has a secret in it */
static void
wipe_text(char *text)
{
	explicit_bzero(text, strlen(text));
	pfree(text);
}

/* ------------------------------------------------------------------------
 * Hashes and time
 * ------------------------------------------------------------------------
 */

/* Writes the bytes as lower-case hexadecimal digits with a terminator. */
static void
write_hex(const unsigned char *bytes, size_t len, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t		i;

	for (i = 0; i < len; i++)
	{
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 0x0F];
	}
	hex[2 * len] = '\0';
}

/* Sets digest to HMAC-SHA256 of the message, or returns false. */
static bool
hmac_sha256(const unsigned char *key, size_t key_len, const char *message,
			unsigned char *digest)
{
	unsigned int digest_len = AWS_SIGV4_KEY_LEN;

	if (HMAC(EVP_sha256(), key, (int) key_len, (const unsigned char *) message,
			 strlen(message), digest, &digest_len) != NULL)
		return true;

	/* else whoever uses OpenSSL next in this process finds our error */
	ERR_clear_error();
	return false;
}

/*
 * Writes the SHA-256 of the payload, AWS_SIGV4_SIGNATURE_LEN digits and a
 * terminator, or returns false.  A payload of NULL is the empty string.
 */
bool
appconfig_sigv4_payload_hash(const void *payload, size_t payload_len,
							 char *hash)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(payload != NULL ? payload : "", payload_len, digest, NULL,
				   EVP_sha256(), NULL) != 1)
	{
		ERR_clear_error();
		return false;
	}
	write_hex(digest, AWS_SIGV4_SIGNATURE_LEN / 2, hash);
	return true;
}

/*
 * Writes a time as the header X-Amz-Date has it, such as 20261001T000000Z
 * (AWS_SIGV4_DATE_LEN characters and a terminator), or returns false for a
 * time that this form cannot express.
 */
bool
appconfig_sigv4_amz_date(time_t time, char *amz_date)
{
	struct tm	utc;

	if (gmtime_r(&time, &utc) == NULL || utc.tm_year < 0)
		return false;

	/* writes nothing if the year has a digit too many */
	return strftime(amz_date, AWS_SIGV4_DATE_LEN + 1, "%Y%m%dT%H%M%SZ",
					&utc) == AWS_SIGV4_DATE_LEN;
}

/*
 * Returns the credential scope, date/region/service/aws4_request, palloc'd, or
 * NULL for a time that cannot be expressed.
 */
static char *
make_credential_scope(const AwsSigv4Scope *scope)
{
	char		amz_date[AWS_SIGV4_DATE_LEN + 1];

	if (!appconfig_sigv4_amz_date(scope->time, amz_date))
		return NULL;
	return psprintf("%.*s/%s/%s/%s", DATE_ONLY_LEN, amz_date, scope->region,
					scope->service, SCOPE_TERMINATOR);
}

/* ------------------------------------------------------------------------
 * Canonical path
 * ------------------------------------------------------------------------
 */

/*
 * Returns the path without empty and dot segments, palloc'd.  Like the SDKs,
 * and unlike RFC 3986, a dot segment at the end leaves no slash behind.
 */
static char *
normalize_path(const char *path)
{
	StringInfoData buf;
	bool		ends_in_slash = false;

	initStringInfo(&buf);
	while (*path != '\0')
	{
		size_t		len = strcspn(path, "/");

		if (len == 2 && strncmp(path, "..", 2) == 0)
		{
			/* back to before the last slash */
			while (buf.len > 0 && buf.data[--buf.len] != '/')
				continue;
			buf.data[buf.len] = '\0';
		}
		else if (len > 0 && !(len == 1 && *path == '.'))
		{
			appendStringInfoChar(&buf, '/');
			appendBinaryStringInfo(&buf, path, (int) len);
		}
		path += len;
		ends_in_slash = *path == '/';
		if (ends_in_slash)
			path++;
	}
	if (ends_in_slash || buf.len == 0)
		appendStringInfoChar(&buf, '/');
	return buf.data;
}

/*
 * Appends the canonical path.  The path is already encoded; encoding it again
 * is the rule for all services but S3.
 */
static void
append_canonical_path(StringInfo buf, const AwsSigv4Request *request)
{
	char	   *path;

	path = request->normalize_path ? normalize_path(request->path)
		: pstrdup(request->path);
	appconfig_uri_append_encoded(buf, path, strlen(path), "/");
	pfree(path);
}

/* ------------------------------------------------------------------------
 * Canonical query
 * ------------------------------------------------------------------------
 */

/*
 * Orders parameters by encoded name, then by encoded value, byte by byte.
 * Comparing "name=value" as a whole would be wrong: "-" sorts before "=".
 */
static int
compare_parameters(const void *left, const void *right)
{
	const CanonicalParameter *a = left;
	const CanonicalParameter *b = right;
	int			order = strcmp(a->name, b->name);

	return order != 0 ? order : strcmp(a->value, b->value);
}

/*
 * Returns part of a query in canonical encoding, palloc'd.  What is encoded
 * stays, for a query is encoded once; what should have been is.
 */
static char *
make_canonical_part(const char *part, size_t len)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appconfig_uri_append_encoded(&buf, part, len, "%");
	return buf.data;
}

/*
 * Splits a query into its parameters.  Returns their number; the array must
 * have room for one more than the query has ampersands.
 */
static int
split_query(const char *query, CanonicalParameter *parameters)
{
	int			n = 0;

	while (*query != '\0')
	{
		size_t		len = strcspn(query, "&");
		size_t		name_len = Min(strcspn(query, "="), len);
		size_t		value_start = Min(name_len + 1, len);

		if (len > 0)
		{
			parameters[n].name = make_canonical_part(query, name_len);
			parameters[n].value =
				make_canonical_part(query + value_start, len - value_start);
			n++;
		}
		query += len;
		if (*query == '&')
			query++;
	}
	return n;
}

/*
 * Appends the canonical query: all parameters sorted, each with an equals sign
 * even where it has no value.
 */
static void
append_canonical_query(StringInfo buf, const char *query)
{
	CanonicalParameter *parameters;
	const char *c;
	int			capacity = 1;
	int			n;
	int			i;

	if (query == NULL)
		return;

	for (c = query; *c != '\0'; c++)
		capacity += *c == '&';
	parameters = palloc(sizeof(CanonicalParameter) * capacity);
	n = split_query(query, parameters);
	qsort(parameters, n, sizeof(CanonicalParameter), compare_parameters);

	for (i = 0; i < n; i++)
	{
		appendStringInfo(buf, "%s%s=%s", i > 0 ? "&" : "", parameters[i].name,
						 parameters[i].value);
		pfree(parameters[i].name);
		pfree(parameters[i].value);
	}
	pfree(parameters);
}

/* ------------------------------------------------------------------------
 * Canonical headers
 * ------------------------------------------------------------------------
 */

/*
 * Orders headers by name, and those of one name as they were: qsort is not
 * stable, and the order of equal headers has a meaning.
 */
static int
compare_headers(const void *left, const void *right)
{
	const CanonicalHeader *a = left;
	const CanonicalHeader *b = right;
	int			order = strcmp(a->name, b->name);

	return order != 0 ? order : a->position - b->position;
}

/* True unless the header (in lower case) is one that must stay unsigned. */
static bool
is_signable(const char *name)
{
	size_t		i;

	for (i = 0; i < (int) lengthof(unsignable_headers); i++)
	{
		if (strcmp(name, unsignable_headers[i]) == 0)
			return false;
	}
	return true;
}

/*
 * Returns a header's value without white space at its ends and with one space
 * for each run of it inside, palloc'd.
 */
static char *
fold_white_space(const char *value)
{
	StringInfoData buf;

	initStringInfo(&buf);
	enlargeStringInfo(&buf, (int) strlen(value));
	value += strspn(value, WHITE_SPACE);
	while (*value != '\0')
	{
		size_t		len = strcspn(value, WHITE_SPACE);

		appendBinaryStringInfo(&buf, value, (int) len);
		value += len;
		value += strspn(value, WHITE_SPACE);
		if (*value != '\0')
			appendStringInfoChar(&buf, ' ');
	}
	return buf.data;
}

/* Adds a header to the array, unless it must stay unsigned. */
static void
add_header(CanonicalHeader *headers, int *nheaders, const char *name,
		   const char *value)
{
	CanonicalHeader *header = &headers[*nheaders];
	char	   *c;

	header->name = pstrdup(name);
	for (c = header->name; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	if (!is_signable(header->name))
	{
		pfree(header->name);
		return;
	}
	header->value = fold_white_space(value);
	header->position = (*nheaders)++;
}

/*
 * Returns the headers to be signed, palloc'd and sorted: the request's, the
 * date and, if there is one, the session token.
 */
static CanonicalHeader *
collect_headers(const AwsSigv4Request *request, const char *amz_date,
				const char *session_token, int *nheaders)
{
	CanonicalHeader *headers;
	int			i;

	headers = palloc(sizeof(CanonicalHeader) * (request->nheaders + 2));
	*nheaders = 0;
	for (i = 0; i < request->nheaders; i++)
		add_header(headers, nheaders, request->headers[i].name,
				   request->headers[i].value);
	add_header(headers, nheaders, "x-amz-date", amz_date);
	if (session_token != NULL && session_token[0] != '\0')
		add_header(headers, nheaders, "x-amz-security-token", session_token);

	qsort(headers, *nheaders, sizeof(CanonicalHeader), compare_headers);
	return headers;
}

/*
 * Makes room for the rest of a canonical request from its headers on, that is
 * for all that may come after a session token.
 */
static void
enlarge_for_headers(StringInfo buf, const CanonicalHeader *headers,
					int nheaders)
{
	size_t		size = AWS_SIGV4_SIGNATURE_LEN + 4;
	int			i;

	/* a name comes once more in the list of names */
	for (i = 0; i < nheaders; i++)
		size +=
			2 * (strlen(headers[i].name) + 2) + strlen(headers[i].value) + 1;
	enlargeStringInfo(buf, (int) size);
}

/*
 * Appends the canonical headers, each with its line feed, to buf and their
 * names to signed_headers.  Headers of one name become one, with a comma
 * between their values.  Frees the array.
 */
static void
append_canonical_headers(StringInfo buf, StringInfo signed_headers,
						 CanonicalHeader *headers, int nheaders)
{
	int			i;

	for (i = 0; i < nheaders; i++)
	{
		if (i > 0 && strcmp(headers[i].name, headers[i - 1].name) == 0)
			appendStringInfo(buf, ",%s", headers[i].value);
		else
		{
			appendStringInfo(buf, "%s%s:%s", i > 0 ? "\n" : "",
							 headers[i].name, headers[i].value);
			appendStringInfo(signed_headers, "%s%s", i > 0 ? ";" : "",
							 headers[i].name);
		}
	}
	appendStringInfoChar(buf, '\n');

	for (i = 0; i < nheaders; i++)
	{
		pfree(headers[i].name);
		wipe_text(headers[i].value);
	}
	pfree(headers);
}

/* ------------------------------------------------------------------------
 * The stages
 * ------------------------------------------------------------------------
 */

/*
 * Stage 1.  Returns the canonical request, which the caller has to wipe as it
 * holds the session token, and in *signed_headers the names of the headers in
 * it; both palloc'd.  Returns NULL, with *signed_headers NULL,
 * if the payload cannot be hashed or the time cannot be expressed.
 *
 * The headers X-Amz-Date and, with a session token (which may be NULL),
 * X-Amz-Security-Token are added here; the request must not have them.
 */
char *
appconfig_sigv4_canonical_request(const AwsSigv4Request *request,
								  const AwsSigv4Scope *scope,
								  const char *session_token,
								  char **signed_headers)
{
	StringInfoData buf;
	StringInfoData names;
	CanonicalHeader *headers;
	int			nheaders;
	char		amz_date[AWS_SIGV4_DATE_LEN + 1];
	char		payload_hash[AWS_SIGV4_SIGNATURE_LEN + 1];

	*signed_headers = NULL;
	if (!appconfig_sigv4_amz_date(scope->time, amz_date) ||
		!appconfig_sigv4_payload_hash(request->payload, request->payload_len,
									  payload_hash))
		return NULL;

	initStringInfo(&buf);
	initStringInfo(&names);
	headers = collect_headers(request, amz_date, session_token, &nheaders);

	appendStringInfo(&buf, "%s\n", request->method);
	append_canonical_path(&buf, request);
	appendStringInfoChar(&buf, '\n');
	append_canonical_query(&buf, request->query);
	appendStringInfoChar(&buf, '\n');
	enlarge_for_headers(&buf, headers, nheaders);
	append_canonical_headers(&buf, &names, headers, nheaders);
	appendStringInfo(&buf, "\n%s\n%s", names.data, payload_hash);

	*signed_headers = names.data;
	return buf.data;
}

/*
 * Stage 2.  Returns the string to sign, palloc'd, or NULL if the request
 * cannot be hashed or the time cannot be expressed.
 */
char *
appconfig_sigv4_string_to_sign(const AwsSigv4Scope *scope,
							   const char *canonical_request)
{
	char		amz_date[AWS_SIGV4_DATE_LEN + 1];
	char		hash[AWS_SIGV4_SIGNATURE_LEN + 1];
	char	   *credential_scope;
	char	   *result;

	if (!appconfig_sigv4_amz_date(scope->time, amz_date) ||
		!appconfig_sigv4_payload_hash(canonical_request,
									  strlen(canonical_request), hash))
		return NULL;

	credential_scope = make_credential_scope(scope);
	result =
		psprintf(ALGORITHM "\n%s\n%s\n%s", amz_date, credential_scope, hash);
	pfree(credential_scope);
	return result;
}

/*
 * Stage 3.  Sets the signing key (AWS_SIGV4_KEY_LEN bytes), which the caller
 * has to wipe, or returns false with nothing of it left there.
 *
 * The first key of the chain holds the secret in clear.  It is built in a
 * buffer of exactly its size, as one that grows would leave copies behind.
 */
bool
appconfig_sigv4_signing_key(const AwsSigv4Scope *scope,
							const char *secret_access_key,
							unsigned char *signing_key)
{
	size_t		prefix_len = strlen(KEY_PREFIX);
	size_t		secret_len = strlen(secret_access_key);
	char	   *first_key;
	char		date[AWS_SIGV4_DATE_LEN + 1];
	bool		ok;

	if (!appconfig_sigv4_amz_date(scope->time, date))
		return false;
	date[DATE_ONLY_LEN] = '\0';

	first_key = palloc(prefix_len + secret_len);
	memcpy(first_key, KEY_PREFIX, prefix_len);
	memcpy(first_key + prefix_len, secret_access_key, secret_len);

	/* HMAC has read its key before it writes, so each may replace the last */
	ok = hmac_sha256((unsigned char *) first_key, prefix_len + secret_len,
					 date, signing_key) &&
		hmac_sha256(signing_key, AWS_SIGV4_KEY_LEN, scope->region,
					signing_key) &&
		hmac_sha256(signing_key, AWS_SIGV4_KEY_LEN, scope->service,
					signing_key) &&
		hmac_sha256(signing_key, AWS_SIGV4_KEY_LEN, SCOPE_TERMINATOR,
					signing_key);

	explicit_bzero(first_key, prefix_len + secret_len);
	pfree(first_key);
	if (!ok)
		explicit_bzero(signing_key, AWS_SIGV4_KEY_LEN);
	return ok;
}

/*
 * Stage 4.  Writes the signature, AWS_SIGV4_SIGNATURE_LEN digits and a
 * terminator, or returns false.
 */
bool
appconfig_sigv4_signature(const unsigned char *signing_key,
						  const char *string_to_sign, char *signature)
{
	unsigned char digest[AWS_SIGV4_KEY_LEN];

	if (!hmac_sha256(signing_key, AWS_SIGV4_KEY_LEN, string_to_sign, digest))
		return false;
	write_hex(digest, AWS_SIGV4_SIGNATURE_LEN / 2, signature);
	return true;
}

/*
 * Stage 5.  Returns the value of the header Authorization, palloc'd, or NULL
 * if the time cannot be expressed.
 */
char *
appconfig_sigv4_authorization(const AwsSigv4Scope *scope,
							  const char *access_key_id,
							  const char *signed_headers,
							  const char *signature)
{
	char	   *credential_scope = make_credential_scope(scope);
	char	   *result;

	if (credential_scope == NULL)
		return NULL;
	result =
		psprintf(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
				 access_key_id, credential_scope, signed_headers, signature);
	pfree(credential_scope);
	return result;
}

/*
 * Signs a request: all stages in their order.  Returns true with *result
 * filled, or false with an empty one if OpenSSL failed or the time cannot be
 * expressed.
 *
 * The caller sends the request's headers, X-Amz-Date from the result, the
 * session token (if the credentials have one) as X-Amz-Security-Token, and
 * Authorization.  Each attempt is signed anew, since a signature is good for a
 * few minutes only.
 */
bool
appconfig_sigv4_sign(const AwsSigv4Request *request,
					 const AwsSigv4Scope *scope,
					 const AwsCredentials *credentials, AwsSigv4Result *result)
{
	char	   *signed_headers;
	char	   *canonical_request;
	char	   *string_to_sign;
	unsigned char signing_key[AWS_SIGV4_KEY_LEN];
	char		signature[AWS_SIGV4_SIGNATURE_LEN + 1];

	memset(result, 0, sizeof(*result));

	canonical_request =
		appconfig_sigv4_canonical_request(request, scope,
										  credentials->session_token,
										  &signed_headers);
	if (canonical_request == NULL)
		return false;

	string_to_sign = appconfig_sigv4_string_to_sign(scope, canonical_request);
	if (string_to_sign != NULL &&
		appconfig_sigv4_signing_key(scope, credentials->secret_access_key,
									signing_key))
	{
		if (appconfig_sigv4_signature(signing_key, string_to_sign, signature))
			result->authorization =
				appconfig_sigv4_authorization(scope,
											  credentials->access_key_id,
											  signed_headers, signature);
		explicit_bzero(signing_key, sizeof(signing_key));
	}
	if (result->authorization != NULL)
		appconfig_sigv4_amz_date(scope->time, result->amz_date);

	if (string_to_sign != NULL)
		wipe_text(string_to_sign);
	wipe_text(canonical_request);
	pfree(signed_headers);
	return result->authorization != NULL;
}
