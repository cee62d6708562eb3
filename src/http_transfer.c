/*-------------------------------------------------------------------------
 *
 * http_transfer.c
 *		One transfer: what curl is told of it, and what it makes of the answer.
 *
 * Here are the options of an easy handle, the callbacks that judge an address,
 * a kept connection and an answer while it comes in, and what the end means.
 *
 * What it has found out it keeps in the transfer, for http.c to look at.
 *
 * What may not live here: which transfers there are, when they are sent and
 * for how long they may take (http.c), nor any call of that.
 *
 * No function here allocates from a memory context, raises an error or checks
 * for interrupts: most are called from within libcurl.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "common/hashfn.h"
#include "storage/fd.h"

#include "http_field.h"
#include "http_memory.h"
#include "http_transfer.h"
#include "socket.h"

#define ADDRESS_REFUSED "the address is one that no request may go to"

#define MAX_HEADER_SIZE (256 * 1024)	/* bytes of all header fields */

/* Before 7.80 nobody can be asked before a request goes out */
#define CAN_CHECK_CONNECTIONS (LIBCURL_VERSION_NUM >= 0x075000)

/*
 * What a failure of libcurl means; all others mean that the answer is not HTTP
 */
static const struct
{
	CURLcode	code;
	HttpOutcome outcome;
}			curl_outcomes[] = {
	{CURLE_COULDNT_RESOLVE_HOST, HTTP_NOT_CONNECTED},
	{CURLE_COULDNT_RESOLVE_PROXY, HTTP_NOT_CONNECTED},
	{CURLE_COULDNT_CONNECT, HTTP_NOT_CONNECTED},
	{CURLE_SSL_CONNECT_ERROR, HTTP_NOT_CONNECTED},
	{CURLE_UNSUPPORTED_PROTOCOL, HTTP_NOT_TRUSTED},
	{CURLE_PEER_FAILED_VERIFICATION, HTTP_NOT_TRUSTED},
	{CURLE_SSL_CACERT_BADFILE, HTTP_NOT_TRUSTED},
	{CURLE_SSL_CERTPROBLEM, HTTP_NOT_TRUSTED},
	{CURLE_SSL_CIPHER, HTTP_NOT_TRUSTED},
	{CURLE_SSL_ISSUER_ERROR, HTTP_NOT_TRUSTED},
	{CURLE_SSL_INVALIDCERTSTATUS, HTTP_NOT_TRUSTED},
	{CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT},
	{CURLE_RECV_ERROR, HTTP_LOST},
	{CURLE_SEND_ERROR, HTTP_LOST},
	{CURLE_GOT_NOTHING, HTTP_LOST},
	{CURLE_PARTIAL_FILE, HTTP_LOST},
	{CURLE_OUT_OF_MEMORY, HTTP_OUT_OF_MEMORY},
#if LIBCURL_VERSION_NUM >= 0x080600
	{CURLE_TOO_LARGE, HTTP_TOO_LARGE},
#endif
};

/* Decides how the transfer ends; the reason is a constant, or NULL */
void
appconfig_http_transfer_decide(HttpTransfer *transfer, HttpOutcome verdict,
							   const char *reason)
{
	transfer->verdict = verdict;
	transfer->reason = reason;
}

/* The name is resolved, or there was a connection to it */
void
appconfig_http_transfer_settle_name(HttpTransfer *transfer)
{
	transfer->resolving = false;
	for (; transfer->reserved > 0; transfer->reserved--)
		ReleaseExternalFD();
}

/* Has the request been sent, or could it be? */
bool
appconfig_http_transfer_is_connected(const HttpTransfer *transfer)
{
	curl_off_t	ready = 0;

	return curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T,
							 &ready) == CURLE_OK &&
		ready > 0;
}

/*
 * Has more come in than an answer can have?  What curl drops without a word,
 * the frames of chunks say, counts here as well.  An answer may be in chunks
 * of any size if it is less than a third of what it may be; a large one has to
 * come in chunks of more than a few bytes.
 */
bool
appconfig_http_transfer_is_flooded(const HttpTransfer *transfer)
{
	return transfer->sock >= 0 &&
		appconfig_socket_received(transfer->sock) -
		transfer->received_before >
		2 * ((uint64) transfer->max_response_size + MAX_HEADER_SIZE);
}

/* ------------------------------------------------------------------------
 * Callbacks
 * ------------------------------------------------------------------------
 */

/*
 * curl wants a socket for an address.  Here the name has been resolved, so a
 * check here cannot be deceived by a name server that changes its answer.
 */
static curl_socket_t
open_socket(void *userp, curlsocktype purpose, struct curl_sockaddr *address)
{
	HttpTransfer *transfer = userp;
	int			sock;

	appconfig_http_transfer_settle_name(transfer);
	transfer->connects = true;
	/* what was wrong with another address of the host is so no longer */
	appconfig_http_transfer_decide(transfer, HTTP_IN_FLIGHT, NULL);
	transfer->system_error = 0;
	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (transfer->is_forbidden ||
		!appconfig_address_is_allowed(&address->addr, transfer->policy))
	{
		appconfig_http_transfer_decide(transfer, HTTP_NOT_TRUSTED,
									   ADDRESS_REFUSED);
		return CURL_SOCKET_BAD;
	}
	sock = appconfig_socket_open(&address->addr, address->addrlen,
								 address->socktype, address->protocol);
	transfer->system_error = sock < 0 ? errno : 0;
	if (sock < 0 && appconfig_socket_means_shortage(transfer->system_error))
		appconfig_http_transfer_decide(transfer,
									   transfer->system_error == ENOMEM
									   ? HTTP_OUT_OF_MEMORY
									   : HTTP_OUT_OF_DESCRIPTORS,
									   NULL);
	if (sock >= 0)
		appconfig_socket_set_mark(sock, transfer->mark);
	transfer->sock = sock;
	transfer->received_before = 0;
	return sock < 0 ? CURL_SOCKET_BAD : sock;
}

#if CAN_CHECK_CONNECTIONS
/*
 * Does OpenSSL hold bytes that it has read from the connection, but not curl?
 */
static bool
tls_has_input(CURL *easy)
{
	const struct curl_tlssessioninfo *tls = NULL;

	return curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK &&
		tls != NULL && tls->backend == CURLSSLBACKEND_OPENSSL &&
		tls->internals != NULL && SSL_has_pending(tls->internals);
}

/*
 * May a request go over a connection that was kept?  Nothing may be there to
 * be read: it would be taken for the answer, though it was sent before anybody
 * asked.  Servers do so when they close what has been idle for long, with a
 * 408, say.  Nor may it be one that the request could not have made: libcurl
 * does not compare with whose password a proxy was asked for it.
 */
static bool
is_fit(const HttpTransfer *transfer, int sock)
{
	return sock >= 0 && !appconfig_socket_has_input(sock) &&
		!tls_has_input(transfer->easy) && !transfer->is_forbidden &&
		appconfig_socket_mark(sock) == transfer->mark &&
		appconfig_address_is_allowed(appconfig_socket_peer(sock),
									 transfer->policy);
}

/* A request is about to be sent */
static int
check_connection(void *userp, char *peer, char *local pg_attribute_unused(),
				 int peer_port, int local_port)
{
	HttpTransfer *transfer = userp;
	int			sock = appconfig_socket_find(peer, peer_port, local_port);

	appconfig_http_transfer_settle_name(transfer);
	/* there is a connection, whatever became of others that were tried */
	appconfig_http_transfer_decide(transfer, HTTP_IN_FLIGHT, NULL);
	transfer->system_error = 0;
	if (sock >= 0)
	{
		transfer->sock = sock;
		transfer->received_before = appconfig_socket_received(sock);
	}
	if (transfer->connects || is_fit(transfer, sock))
		return CURL_PREREQFUNC_OK;
	transfer->is_stale = true;
	curl_easy_setopt(transfer->easy, CURLOPT_FORBID_REUSE, 1L);
	return CURL_PREREQFUNC_ABORT;
}
#endif

static size_t
receive_header(char *line, size_t size, size_t count, void *userp)
{
	HttpTransfer *transfer = userp;
	size_t		length = size * count;

	transfer->result.bytes_received += length;
	transfer->header_size += length;
	if (transfer->header_size > MAX_HEADER_SIZE)
		appconfig_http_transfer_decide(transfer, HTTP_TOO_LARGE,
									   "its header is too long");
	/* an interim answer, a 100 say, is followed by the real one */
	if (length > 5 && memcmp(line, "HTTP/", 5) == 0)
		appconfig_http_field_forget(transfer->field);
	else
	{
		const char *reason = appconfig_http_field_refuse(line, length);

		if (reason != NULL)
			appconfig_http_transfer_decide(transfer, HTTP_MALFORMED, reason);
		if (!appconfig_http_field_keep(transfer->field, line, length))
			appconfig_http_transfer_decide(transfer, HTTP_OUT_OF_MEMORY,
										   HTTP_NO_MEMORY);
	}
	return transfer->verdict == HTTP_IN_FLIGHT ? length : 0;
}

/*
 * Makes place for so many bytes of body.  What is secret is moved by hand:
 * realloc() would leave it where it was.
 */
static bool
enlarge_body(HttpTransfer *transfer, size_t needed)
{
	size_t		allocate = Max(needed, transfer->body_allocated * 2);
	char	   *body = transfer->is_secret ? malloc(allocate)
	: realloc(transfer->body, allocate);

	if (body == NULL)
		return false;
	if (transfer->is_secret && transfer->body != NULL)
	{
		memcpy(body, transfer->body, transfer->result.body_length);
		explicit_bzero(transfer->body, transfer->body_allocated);
		free(transfer->body);
	}
	transfer->body = body;
	transfer->body_allocated = allocate;
	return true;
}

static size_t
receive_body(char *data, size_t size, size_t count, void *userp)
{
	HttpTransfer *transfer = userp;
	size_t		length = size * count;
	size_t		needed = transfer->result.body_length + length + 1;

	transfer->result.bytes_received += length;
	if (transfer->result.body_length + length > transfer->max_response_size)
	{
		appconfig_http_transfer_decide(transfer, HTTP_TOO_LARGE, NULL);
		return 0;
	}
	if (needed > transfer->body_allocated && !enlarge_body(transfer, needed))
	{
		appconfig_http_transfer_decide(transfer, HTTP_OUT_OF_MEMORY,
									   HTTP_NO_MEMORY);
		return 0;
	}
	memcpy(transfer->body + transfer->result.body_length, data, length);
	transfer->result.body_length += length;
	transfer->body[transfer->result.body_length] = '\0';
	return length;
}

/* ------------------------------------------------------------------------
 * The request
 * ------------------------------------------------------------------------
 */

static bool
is_plain(const char *url)
{
	return strncmp(url, "http://", strlen("http://")) == 0;
}

/* Sets an option, unless one before it could not be set */
#define SET(option, value)                               \
	do                                                   \
	{                                                    \
		if (bad == CURLE_OK)                             \
			bad = curl_easy_setopt(easy, option, value); \
	} while (0)

/* What the transfer tells us of itself, and asks for */
static CURLcode
set_callbacks(HttpTransfer *transfer)
{
	CURL	   *easy = transfer->easy;
	CURLcode	bad = CURLE_OK;

	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_WRITEFUNCTION, receive_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_HEADERFUNCTION, receive_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
#if CAN_CHECK_CONNECTIONS
	SET(CURLOPT_PREREQFUNCTION, check_connection);
	SET(CURLOPT_PREREQDATA, transfer);
#else
	SET(CURLOPT_FORBID_REUSE, 1L);
#endif
	return bad;
}

/* What it sends, and where to */
static CURLcode
set_request(HttpTransfer *transfer, const HttpRequest *request)
{
	CURL	   *easy = transfer->easy;
	CURLcode	bad = CURLE_OK;

	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	if (transfer->request_body != NULL)
	{
		SET(CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t) transfer->request_body_length);
		SET(CURLOPT_POSTFIELDS, transfer->request_body);
	}
	else
		SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_CUSTOMREQUEST, appconfig_http_method_name(request->method));
	if (request->ca_bundle != NULL)
	{
		SET(CURLOPT_CAINFO, request->ca_bundle);
		SET(CURLOPT_CAPATH, NULL);
	}
	return bad;
}

/*
 * The way: through the proxy that the request names, and nothing from the
 * postmaster's environment.  To "https://" that is a tunnel, and TLS goes
 * through it.  An empty list of exceptions is one.
 */
static CURLcode
set_way(HttpTransfer *transfer, const HttpRequest *request)
{
	CURL	   *easy = transfer->easy;
	CURLcode	bad = CURLE_OK;
	const UriProxy *proxy = request->proxy;

	SET(CURLOPT_PROXY, proxy != NULL ? proxy->url : "");
	SET(CURLOPT_NOPROXY, "");
	if (proxy == NULL)
		return bad;
	SET(CURLOPT_PROXYAUTH, (long) CURLAUTH_BASIC);
	SET(CURLOPT_PROXYUSERNAME, proxy->user);
	SET(CURLOPT_PROXYPASSWORD, proxy->password);
	/* what is signed is for the service, and the proxy's answer is not its */
	SET(CURLOPT_HEADEROPT, (long) CURLHEADER_SEPARATE);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (!is_plain(proxy->url))
	{
		SET(CURLOPT_PROXY_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
		SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
		SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
		if (request->ca_bundle != NULL)
		{
			SET(CURLOPT_PROXY_CAINFO, request->ca_bundle);
			SET(CURLOPT_PROXY_CAPATH, NULL);
		}
		/* nobody could see what has come in between one TLS and the other */
		SET(CURLOPT_FORBID_REUSE, 1L);
	}
	return bad;
}

/* How it behaves, and what it leaves alone */
static CURLcode
set_manners(HttpTransfer *transfer)
{
	CURL	   *easy = transfer->easy;
	CURLcode	bad = CURLE_OK;

	/* http.c ends what takes too long; 0 would be curl's five minutes */
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) PG_INT32_MAX);
	SET(CURLOPT_TIMEOUT_MS, 0L);
	/* SIGALRM is PostgreSQL's */
	SET(CURLOPT_NOSIGNAL, 1L);
	/* a name server that does not answer must not hold up a cancelled query */
#if LIBCURL_VERSION_NUM >= 0x075700
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
	/* the signature is over one host and one path, as they stand */
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	/* nothing from the postmaster's home directory */
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, transfer->with_tls ? "https" : "http");
#else
	SET(CURLOPT_PROTOCOLS,
		(long) (transfer->with_tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP));
#endif
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	return bad;
}

#undef SET

/* curl keeps no copy of the list, so the transfer does */
static bool
set_headers(HttpTransfer *transfer, const char *const *headers)
{
	for (; *headers != NULL; headers++)
	{
		struct curl_slist *longer =
		curl_slist_append(transfer->headers, *headers);

		if (longer == NULL)
			return false;
		transfer->headers = longer;
	}
	return true;
}

/*
 * curl keeps no copy of the body, either: what is posted for credentials may
 * be as good as these, and the transfer's copy can be overwritten
 */
static bool
set_body(HttpTransfer *transfer, const HttpRequest *request)
{
	if (request->body == NULL)
		return true;
	transfer->request_body = malloc(request->body_length + 1);
	if (transfer->request_body == NULL)
		return false;
	memcpy(transfer->request_body, request->body, request->body_length);
	transfer->request_body[request->body_length] = '\0';
	transfer->request_body_length = request->body_length;
	return true;
}

/* Makes a transfer one that has not been sent */
void
appconfig_http_transfer_renew(HttpTransfer *transfer)
{
	Assert(transfer->result.bytes_received == 0);
	appconfig_http_transfer_decide(transfer, HTTP_IN_FLIGHT, NULL);
	transfer->system_error = 0;
	transfer->unwatched = false;
	transfer->connects = false;
	transfer->is_stale = false;
	transfer->sock = -1;
	transfer->received_before = 0;
	transfer->error[0] = '\0';
}

/* The address that stands in a URL in place of a name; false if none does */
static bool
find_address(const char *url, struct sockaddr_storage *address)
{
	const char *host = strstr(url, "://") + strlen("://");
	char		text[INET6_ADDRSTRLEN];
	struct sockaddr_in *ipv4 = (struct sockaddr_in *) address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *) address;

	memset(address, 0, sizeof(*address));
	if (*host == '[')
	{
		strlcpy(text, host + 1,
				Min(sizeof(text), strcspn(host + 1, "]") + 1));
		address->ss_family = AF_INET6;
		return inet_pton(AF_INET6, text, &ipv6->sin6_addr) == 1;
	}
	strlcpy(text, host, Min(sizeof(text), strcspn(host, ":/?") + 1));
	address->ss_family = AF_INET;
	return inet_pton(AF_INET, text, &ipv4->sin_addr) == 1;
}

/* The same for all who come with that name and password, and not 0 */
static uint64
mark_of(const UriProxy *proxy)
{
	uint64		mark;

	if (proxy->user == NULL)
		return 1;
	mark = hash_bytes_extended((const unsigned char *) proxy->user,
							   strlen(proxy->user), 1);
	return hash_bytes_extended((const unsigned char *) proxy->password,
							   strlen(proxy->password), mark) | 2;
}

/*
 * Who is connected to, and what for.  Without a proxy, that is the host of the
 * URL, and its address is judged.  With one it is the proxy, which somebody
 * has chosen who may: it can be anywhere, but what goes without TLS goes no
 * further than this host.
 */
static void
plan_way(HttpTransfer *transfer, const HttpRequest *request)
{
	struct sockaddr_storage address;
	bool		is_literal = find_address(request->url, &address);

	transfer->policy = request->policy;
	transfer->by_name = !is_literal;
	if (request->proxy == NULL)
		return;
	transfer->by_proxy = true;
	transfer->mark = mark_of(request->proxy);
	transfer->is_forbidden = is_literal &&
		!appconfig_address_is_allowed((struct sockaddr *) &address,
									  request->policy);
	transfer->policy = transfer->with_tls ? ADDRESS_ANY : ADDRESS_LOOPBACK;
	transfer->by_name = !find_address(request->proxy->url, &address);
}

/*
 * What a proxy knows and could quote in an answer that is taken for the
 * service's; out of a tunnel none of its words comes
 */
static bool
keep_token(HttpTransfer *transfer, const UriProxy *proxy)
{
	size_t		length;

	if (proxy == NULL || proxy->user == NULL || transfer->with_tls)
		return true;
	length = strlen(proxy->user) + 1 + strlen(proxy->password);
	transfer->pair = malloc(length + 1);
	transfer->token = malloc((length + 2) / 3 * 4 + 1);
	if (transfer->pair == NULL || transfer->token == NULL)
		return false;
	snprintf(transfer->pair, length + 1, "%s:%s", proxy->user,
			 proxy->password);
	EVP_EncodeBlock((unsigned char *) transfer->token,
					(const unsigned char *) transfer->pair, (int) length);
	return true;
}

/*
 * Tells the transfer's easy handle everything.  Returns false if libcurl takes
 * an option for wrong, which happens when memory is out.
 */
bool
appconfig_http_transfer_prepare(HttpTransfer *transfer,
								const HttpRequest *request)
{
	bool		is_local = appconfig_address_is_local(request->policy);

	/* what goes without TLS reaches nobody else: libcurl refuses */
	transfer->with_tls = !is_plain(request->url) || !is_local;
	transfer->max_response_size = request->max_response_size;
	transfer->is_secret = request->secret_answer;
	plan_way(transfer, request);
	return set_headers(transfer, request->headers) &&
		set_body(transfer, request) &&
		keep_token(transfer, request->proxy) &&
		set_callbacks(transfer) == CURLE_OK &&
		set_request(transfer, request) == CURLE_OK &&
		set_way(transfer, request) == CURLE_OK &&
		set_manners(transfer) == CURLE_OK;
}

/* ------------------------------------------------------------------------
 * The end
 * ------------------------------------------------------------------------
 */

/*
 * Has the proxy failed to make a tunnel, without a word that could be
 * understood?  A failure in it, of TLS, has a code of its own.
 */
static bool
is_failed_tunnel(const HttpTransfer *transfer, CURLcode code)
{
	static const CURLcode codes[] = {
		CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING,
		CURLE_PARTIAL_FILE, CURLE_WEIRD_SERVER_REPLY,
		CURLE_UNSUPPORTED_PROTOCOL, CURLE_PROXY
	};
	int			i;

	if (!transfer->by_proxy || !transfer->with_tls ||
		appconfig_http_transfer_is_connected(transfer))
		return false;
	for (i = 0; i < (int) lengthof(codes); i++)
	{
		if (codes[i] == code)
			return true;
	}
	return false;
}

/*
 * The status with which the proxy has refused to make a tunnel, or to be asked
 * without another password; 0 if it has not
 */
static int
refusal_of_proxy(const HttpTransfer *transfer, CURLcode code)
{
	long		status = 0;
	bool		has_status =
	curl_easy_getinfo(transfer->easy,
					  transfer->with_tls ? CURLINFO_HTTP_CONNECTCODE
					  : CURLINFO_RESPONSE_CODE,
					  &status) == CURLE_OK;

	if (!transfer->by_proxy || !has_status)
		return 0;
	if (transfer->with_tls)
		return code != CURLE_OK && status / 100 != 2 &&
			!appconfig_http_transfer_is_connected(transfer) ? (int) status : 0;
	return code == CURLE_OK && status == 407 ? (int) status : 0;
}

static HttpOutcome
outcome_of(const HttpTransfer *transfer, CURLcode code)
{
	int			i;

	if (transfer->result.proxy_status != 0)
		return HTTP_NOT_PROXIED;
	if (code == CURLE_OK)
		return HTTP_ANSWERED;
	if (transfer->verdict != HTTP_IN_FLIGHT)
		return transfer->verdict;
	/* time can run out before there is a connection, or after */
	if (code == CURLE_OPERATION_TIMEDOUT &&
		!appconfig_http_transfer_is_connected(transfer))
		return HTTP_NOT_CONNECTED;
	if (is_failed_tunnel(transfer, code))
		return HTTP_NOT_CONNECTED;
	for (i = 0; i < (int) lengthof(curl_outcomes); i++)
	{
		if (curl_outcomes[i].code == code)
			return curl_outcomes[i].outcome;
	}
	return HTTP_MALFORMED;
}

/* Adds what the system has said of a failure, unless it is there already */
static void
add_system_error(HttpTransfer *transfer, CURLcode code)
{
	long		error = 0;
	size_t		length = strlen(transfer->error);
	const char *words;

	/* without a socket for one address there may have been one for another */
	if (transfer->verdict != HTTP_IN_FLIGHT || code == CURLE_COULDNT_CONNECT)
		error = transfer->system_error;
	if (error == 0 && code == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
	if (error == 0)
		return;
	words = strerror((int) error);
	if (strstr(transfer->error, words) == NULL)
		snprintf(transfer->error + length, sizeof(transfer->error) - length,
				 "%s%s", length > 0 ? ": " : "", words);
}

/* Does a text quote the proxy's password? */
static bool
quotes_password(const HttpTransfer *transfer, const char *text, size_t length)
{
	return text != NULL && transfer->token != NULL &&
		(memmem(text, length, transfer->token, strlen(transfer->token)) !=
		 NULL ||
		 memmem(text, length, transfer->pair, strlen(transfer->pair)) != NULL);
}

/* Does anything of the answer that is shown to somebody? */
static bool
tells_password(const HttpTransfer *transfer)
{
	int			i;

	for (i = 0; i < HTTP_FIELD_COUNT; i++)
	{
		const char *field = transfer->field[i];

		if (field != NULL && quotes_password(transfer, field, strlen(field)))
			return true;
	}
	return quotes_password(transfer, transfer->body,
						   transfer->result.body_length);
}

/* What there is to say of a failure; lives as long as the transfer */
static const char *
words_for(HttpTransfer *transfer, CURLcode code)
{
	if (transfer->result.outcome == HTTP_NOT_PROXIED)
	{
		snprintf(transfer->error, sizeof(transfer->error),
				 "the proxy has answered with HTTP status %d",
				 transfer->result.proxy_status);
		return transfer->error;
	}
	if (transfer->reason != NULL)
		return transfer->reason;
	/* what else a proxy says is nobody's business: it knows the password */
	if (is_failed_tunnel(transfer, code))
		return "the proxy has made no connection";
	add_system_error(transfer, code);
	return transfer->error[0] != '\0' ? transfer->error
		: curl_easy_strerror(code);
}

/*
 * The transfer has ended, with what curl says of it; ran_out tells whether
 * memory did.  The result is complete from here on.
 */
void
appconfig_http_transfer_finish(HttpTransfer *transfer, CURLcode code,
							   bool ran_out)
{
	HttpResult *result = &transfer->result;
	long		status = 0;
	int			i;

	/*
	 * so curl calls a header line that is too long for it; OpenSSL's want of
	 * memory it calls so before there is an answer
	 */
	if (code == CURLE_OUT_OF_MEMORY && transfer->verdict == HTTP_IN_FLIGHT &&
		appconfig_http_transfer_is_connected(transfer) && !ran_out &&
		appconfig_http_memory_is_ours())
		appconfig_http_transfer_decide(transfer, HTTP_TOO_LARGE,
									   "a line of its header is too long");
	result->proxy_status = refusal_of_proxy(transfer, code);
	if (code == CURLE_OK && tells_password(transfer))
	{
		appconfig_http_transfer_decide(transfer, HTTP_MALFORMED,
									   "it quotes the password of the proxy");
		code = CURLE_WRITE_ERROR;
	}
	result->outcome = outcome_of(transfer, code);
	if (result->outcome == HTTP_ANSWERED &&
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status) ==
		CURLE_OK)
		result->status = (int) status;
	result->body = transfer->body != NULL ? transfer->body : "";
	result->error = words_for(transfer, code);
	for (i = 0; i < HTTP_FIELD_COUNT; i++)
		result->field[i] = transfer->field[i];
}

/* One of the headers has a session token in it */
static void
free_headers(struct curl_slist *headers)
{
	struct curl_slist *header;

	for (header = headers; header != NULL; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(headers);
}

/* Overwrites and frees memory of that size, if it is any */
static void
wipe(char *memory, size_t size)
{
	if (memory != NULL)
		explicit_bzero(memory, size);
	free(memory);
}

/* Frees what the transfer holds, which curl no longer has */
void
appconfig_http_transfer_clear(HttpTransfer *transfer)
{
	free_headers(transfer->headers);
	wipe(transfer->request_body, transfer->request_body_length);
	wipe(transfer->pair, transfer->pair != NULL ? strlen(transfer->pair) : 0);
	wipe(transfer->token,
		 transfer->token != NULL ? strlen(transfer->token) : 0);
	appconfig_http_field_forget(transfer->field);
	wipe(transfer->body, transfer->is_secret ? transfer->body_allocated : 0);
}
