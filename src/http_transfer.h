/*-------------------------------------------------------------------------
 *
 * http_transfer.h
 *		One transfer: what curl is told of it, and what it makes of the answer.
 *
 * For http.c alone, which is the one way to it: all others include http.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_HTTP_TRANSFER_H
#define APPCONFIG_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "http_message.h"

#define HTTP_NO_MEMORY "there is no memory for the transfer"

/* One request and its answer */
struct HttpTransfer
{
	/* What is asked for */
	CURL	   *easy;			/* the pool's, or NULL */
	struct curl_slist *headers;
	char	   *request_body;	/* or NULL */
	size_t		request_body_length;
	bool		is_secret;		/* is the answer? */
	AddressPolicy policy;		/* what may be connected to */
	bool		by_proxy;
	uint64		mark;			/* of its connections: the same for all that
								 * the proxy lets in by the same password */
	char	   *pair;			/* user and password of a proxy that reads the
								 * request, or NULL */
	char	   *token;			/* the same as it is sent */
	bool		is_forbidden;	/* is it for an address that it may not reach? */
	bool		with_tls;		/* does it go over TLS, and never without? */
	size_t		max_response_size;
	bool		by_name;		/* is there a name for us to resolve? */
	bool		resolving;		/* has it not been, so far? */
	int			reserved;		/* descriptors with which that is done */

	/* Of this try to send it */
	HttpOutcome verdict;		/* why it fails, if we know; else in flight */
	const char *reason;			/* text for that, or NULL */
	int			system_error;	/* the same, as an errno */
	bool		unwatched;		/* its socket is not in the epoll set */
	bool		connects;		/* over a connection of its own? */
	bool		is_stale;		/* the kept connection is not fit for use */
	int			sock;			/* -1 if it is not known */
	uint64		received_before;	/* over the socket, before the request */

	/* The answer */
	char	   *body;
	size_t		body_allocated;
	size_t		header_size;
	char	   *field[HTTP_FIELD_COUNT];
	char		error[CURL_ERROR_SIZE];
	HttpResult	result;
};

extern bool appconfig_http_transfer_prepare(HttpTransfer *transfer,
											const HttpRequest *request);
extern void appconfig_http_transfer_renew(HttpTransfer *transfer);
extern void appconfig_http_transfer_settle_name(HttpTransfer *transfer);
extern bool appconfig_http_transfer_is_connected(const HttpTransfer *transfer);
extern bool appconfig_http_transfer_is_flooded(const HttpTransfer *transfer);
extern void appconfig_http_transfer_decide(HttpTransfer *transfer,
										   HttpOutcome verdict,
										   const char *reason);
extern void appconfig_http_transfer_finish(HttpTransfer *transfer,
										   CURLcode code, bool ran_out);
extern void appconfig_http_transfer_clear(HttpTransfer *transfer);

#endif							/* APPCONFIG_HTTP_TRANSFER_H */
