/*-------------------------------------------------------------------------
 *
 * http_message.h
 *		What is sent, and what came of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_HTTP_MESSAGE_H
#define APPCONFIG_HTTP_MESSAGE_H

#include "address.h"
#include "http_field.h"
#include "uri.h"

/* One request on its way, and then its answer */
typedef struct HttpTransfer HttpTransfer;

/* How a transfer ended, as far as HTTP is concerned */
typedef enum HttpOutcome
{
	HTTP_IN_FLIGHT,
	HTTP_ANSWERED,				/* an answer with any status */
	HTTP_NOT_CONNECTED,			/* name, address, refused or timed out */
	HTTP_NOT_PROXIED,			/* refused by the proxy, with proxy_status */
	HTTP_NOT_TRUSTED,			/* TLS certificate, or an address we avoid */
	HTTP_TIMED_OUT,				/* connected, but the answer took too long */
	HTTP_LOST,					/* the connection ended inside the answer */
	HTTP_TOO_LARGE,				/* more than max_response_size */
	HTTP_MALFORMED,				/* not HTTP, or what we have not asked for */
	HTTP_OUT_OF_MEMORY,
	HTTP_OUT_OF_DESCRIPTORS		/* and none of ours that could be given up */
} HttpOutcome;

typedef enum HttpMethod
{
	HTTP_GET,
	HTTP_POST,
	HTTP_PUT
} HttpMethod;

/*
 * What to send; everything is copied by appconfig_http_start(), and its copies
 * are overwritten in the end
 */
typedef struct HttpRequest
{
	HttpMethod	method;
	const char *url;			/* "http://…" only where the policy is local */
	AddressPolicy policy;		/* what it may reach, whatever the URL says */
	const UriProxy *proxy;		/* to go through, or NULL.  Then an address in
								 * the URL is held to the policy, but a name's
								 * is the proxy's affair.  Without TLS only a
								 * proxy on this host is gone through. */
	const char *const *headers; /* "Name: value", ended by NULL */
	const char *body;			/* NULL for none; has a Content-Type in
								 * headers */
	size_t		body_length;	/* bytes */
	const char *ca_bundle;		/* PEM file, or NULL for the system's */
	int			connect_timeout;	/* milliseconds */
	int			request_timeout;	/* milliseconds; both of waiting */
	size_t		max_response_size;	/* bytes of body */
	bool		secret_answer;	/* is the body to be overwritten in the end? */
} HttpRequest;

/* An answer; strings and body belong to the transfer */
typedef struct HttpResult
{
	HttpOutcome outcome;
	int			status;			/* 0 unless HTTP_ANSWERED */
	int			proxy_status;	/* 0 unless HTTP_NOT_PROXIED */
	const char *body;			/* never NULL, a NUL follows */
	size_t		body_length;	/* bytes */
	const char *field[HTTP_FIELD_COUNT];	/* NULL where absent */
	const char *error;			/* what there is to say of a failure, or "" */
	uint64		bytes_received; /* header and body, as on the wire */
} HttpResult;

extern const char *appconfig_http_method_name(HttpMethod method);

#endif							/* APPCONFIG_HTTP_MESSAGE_H */
