/*-------------------------------------------------------------------------
 *
 * uri.c
 *		Percent-encoding, and the parsers of an endpoint and of a proxy
 *
 * What lives here is text in, text out: RFC 3986 encoding of the pieces of a
 * request's path and query, and the check of the URLs that somebody may give
 * us, the options endpoint and proxy first of all.
 *
 * These decide where signed requests go, so the parsers refuse whatever two
 * readers could understand differently, instead of repairing it: libcurl reads
 * the URL again after us, and an attack on such a check lives off the
 * difference.
 *
 * What may not live here: I/O, the resolution of names (http.c), and anything
 * of AWS (request.c, aws_endpoint.c).
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <arpa/inet.h>

#include "uri.h"

/* longer than any real endpoint; bounds the work on nonsense */
#define MAX_ENDPOINT_LENGTH 2048

/* RFC 1035, section 2.3.4 */
#define MAX_HOST_LENGTH	 253
#define MAX_LABEL_LENGTH 63

#define DIGITS	   "0123456789"
#define HEX_DIGITS DIGITS "abcdef"

/* the characters of one label of a host name, in lower case */
#define LABEL_CHARACTERS "abcdefghijklmnopqrstuvwxyz" DIGITS "-_"

typedef struct UriScheme
{
	const char *name;
	int			default_port;
} UriScheme;

static const UriScheme schemes[] = {
	{"https", 443},
	{"http", 80},
};

/* The pieces of a URL between the first cut and the result. */
typedef struct UriPieces
{
	const UriScheme *scheme;
	char	   *authority;		/* what stands between "://" and the path; may
								 * have a password in it */
	char	   *host;			/* of that, what stands behind the user */
	const char *path;			/* points into the URL; may be empty */
} UriPieces;

/*
 * RFC 3986, section 2.3.  The characters that AWS leaves unencoded too;
 * ctype.h would ask the locale.
 */
static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
		c == '~';
}

/*
 * Appends len bytes with every byte that is neither unreserved nor in keep as
 * %XX, upper case as Signature Version 4 wants it.
 */
void
appconfig_uri_append_encoded(StringInfo buf, const char *bytes, size_t len,
							 const char *keep)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t		i;

	for (i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) bytes[i];

		/* strchr finds the terminator of keep, so a zero byte is excluded */
		if (is_unreserved(c) || (c != '\0' && strchr(keep, c) != NULL))
			appendStringInfoChar(buf, (char) c);
		else
		{
			appendStringInfoChar(buf, '%');
			appendStringInfoChar(buf, hex[c >> 4]);
			appendStringInfoChar(buf, hex[c & 0x0F]);
		}
	}
}

/*
 * Appends one segment of a path, so a slash in it becomes %2F.  See
 * appconfig_uri_segment_is_safe for what encoding cannot make harmless.
 */
void
appconfig_uri_append_segment(StringInfo buf, const char *segment)
{
	appconfig_uri_append_encoded(buf, segment, strlen(segment), "");
}

/*
 * Appends the value (or the name) of a query parameter.  A space becomes %20
 * and never "+", which Signature Version 4 takes for a plus sign.
 */
void
appconfig_uri_append_query_value(StringInfo buf, const char *value)
{
	appconfig_uri_append_encoded(buf, value, strlen(value), "");
}

/*
 * True if the text, once encoded, stays one segment of a path.  An empty
 * segment and the dot segments do not: servers and signers merge or resolve
 * them, and the request would reach another resource than the one named.  Dots
 * are unreserved, so encoding them is no way out (RFC 3986, section 6.2.2.2).
 */
bool
appconfig_uri_segment_is_safe(const char *segment)
{
	return segment[0] != '\0' && strcmp(segment, ".") != 0 &&
		strcmp(segment, "..") != 0;
}

/* Overwrites and frees a text, unless it is NULL */
static void
free_secret(char *text)
{
	if (text == NULL)
		return;
	explicit_bzero(text, strlen(text));
	pfree(text);
}

/*
 * Returns a palloc'd copy of len bytes, in lower case as far as it is ASCII.
 */
static char *
copy_lower(const char *text, size_t len)
{
	char	   *copy = pnstrdup(text, len);
	size_t		i;

	for (i = 0; i < len; i++)
		copy[i] = pg_ascii_tolower((unsigned char) copy[i]);
	return copy;
}

/*
 * A dotted quad in its only canonical form.  The other forms of inet_aton
 * (octal, hexadecimal, fewer parts) are refused, as readers disagree on them.
 */
static bool
is_ipv4_literal(const char *host)
{
	int			parts;

	for (parts = 1;; parts++)
	{
		size_t		len = strspn(host, DIGITS);

		if (len == 0 || len > 3 || (len > 1 && host[0] == '0') ||
			atoi(host) > 255)
			return false;
		host += len;
		if (*host == '\0')
			return parts == 4;
		if (*host != '.')
			return false;
		host++;
	}
}

/*
 * An IPv6 literal in brackets.  The form with a dotted quad at its end and the
 * one with a zone are refused by their characters.
 */
static bool
is_ipv6_literal(const char *host)
{
	size_t		len = strlen(host);
	char		address[INET6_ADDRSTRLEN];
	struct in6_addr parsed;

	if (len < 4 || len - 2 >= sizeof(address) || host[0] != '[' ||
		host[len - 1] != ']')
		return false;
	memcpy(address, host + 1, len - 2);
	address[len - 2] = '\0';

	return strspn(address, HEX_DIGITS ":") == len - 2 &&
		inet_pton(AF_INET6, address, &parsed) == 1;
}

/*
 * True for a label that makes resolvers take the whole host for a number, such
 * as the end of 127.1, 0177.0.0.1 or 0x7f000001.
 */
static bool
is_numeric_label(const char *label, size_t len)
{
	if (strspn(label, DIGITS) >= len)
		return true;
	return strncmp(label, "0x", 2) == 0 &&
		strspn(label + 2, HEX_DIGITS) >= len - 2;
}

/*
 * A host name of letters, digits, hyphens and underscores (which container
 * networks use).  The dot at the end of an absolute name is refused: it would
 * make a second spelling of each host.
 */
static bool
is_host_name(const char *host)
{
	if (strlen(host) > MAX_HOST_LENGTH)
		return false;

	for (;;)
	{
		size_t		len = strspn(host, LABEL_CHARACTERS);

		if (len == 0 || len > MAX_LABEL_LENGTH || host[0] == '-' ||
			host[len - 1] == '-')
			return false;
		if (host[len] == '\0')
			return !is_numeric_label(host, len);
		if (host[len] != '.')
			return false;
		host += len + 1;
	}
}

/*
 * True for a host that cannot be another machine.  Compares whole names, so
 * that 127.0.0.1.example.com is not one.
 */
static bool
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
		(is_ipv4_literal(host) && strncmp(host, "127.", 4) == 0);
}

/*
 * The functions from here on are the steps of appconfig_uri_parse_endpoint and
 * appconfig_uri_parse_proxy.  Each returns NULL, or why the URL is refused.
 */

/*
 * Visible ASCII without a backslash: what a URL may consist of, less what some
 * readers take for a slash.
 */
static const char *
check_characters(const char *url)
{
	const char *c;

	if (strlen(url) > MAX_ENDPOINT_LENGTH)
		return "The URL is too long.";
	for (c = url; *c != '\0'; c++)
	{
		if (*c <= ' ' || *c > '~' || *c == '\\')
			return "The URL must not contain spaces, control characters, backslashes or characters outside ASCII.";
	}
	return NULL;
}

/* Cuts the URL into scheme, authority and path. */
static const char *
split_url(const char *url, UriPieces *pieces)
{
	const char *authority = strstr(url, "://");
	size_t		len;
	size_t		i;

	for (i = 0; authority != NULL && i < (int) lengthof(schemes); i++)
	{
		len = strlen(schemes[i].name);
		if ((size_t) (authority - url) == len &&
			pg_strncasecmp(url, schemes[i].name, len) == 0)
			pieces->scheme = &schemes[i];
	}
	if (pieces->scheme == NULL)
		return "The URL must begin with \"https://\" or \"http://\".";

	authority += 3;
	len = strcspn(authority, "/?#");
	pieces->path = authority + len;
	pieces->authority = pnstrdup(authority, len);
	pieces->host = strchr(pieces->authority, '@');
	pieces->host = pieces->host != NULL ? pieces->host + 1 : pieces->authority;

	if (strpbrk(pieces->path, "?#") != NULL)
		return "The URL must not contain a query or a fragment.";
	return NULL;
}

static const char *
refuse_user(const UriPieces *pieces)
{
	return pieces->host == pieces->authority ? NULL
		: "The URL must not contain a user name or a password.";
}

/*
 * Takes the port, with the scheme's default as 0 so that each endpoint has one
 * spelling.
 */
static const char *
parse_port(const char *digits, const UriPieces *pieces, UriEndpoint *endpoint)
{
	size_t		len = strspn(digits, DIGITS);

	if (len == 0 || len > 5 || digits[len] != '\0' || digits[0] == '0' ||
		atoi(digits) > 65535)
		return "The port must be a number between 1 and 65535.";

	endpoint->port = atoi(digits);
	if (endpoint->port == pieces->scheme->default_port)
		endpoint->port = 0;
	return NULL;
}

/* Takes host and port out of the authority. */
static const char *
parse_authority(const UriPieces *pieces, UriEndpoint *endpoint)
{
	const char *host = pieces->host;
	size_t		len = strcspn(host, ":");

	/* the colons of an IPv6 literal are not the one before the port */
	if (host[0] == '[')
	{
		len = strcspn(host, "]");
		if (host[len] == ']')
			len++;
	}
	endpoint->host = copy_lower(host, len);

	if (endpoint->host[0] == '\0')
		return "The URL must contain a host.";
	if (!is_ipv4_literal(endpoint->host) && !is_ipv6_literal(endpoint->host) &&
		!is_host_name(endpoint->host))
		return "The host must be a host name, an IPv4 address in dotted decimal form, or an IPv6 address in brackets.";
	endpoint->loopback_only = is_loopback(endpoint->host);

	if (host[len] == '\0')
		return NULL;
	if (host[len] != ':')
		return "The host must be followed by a port or a path.";
	return parse_port(host + len + 1, pieces, endpoint);
}

/*
 * Takes the path prefix without the slash at its end.
 *
 * Empty and dot segments are refused because the signer's canonical path would
 * differ from the one on the wire, and percent signs because they could hide
 * either, or a slash, from us and not from the server.
 */
static const char *
parse_path(const UriPieces *pieces, UriEndpoint *endpoint)
{
	size_t		len = strlen(pieces->path);
	const char *segment;

	if (len > 0 && pieces->path[len - 1] == '/')
		len--;
	endpoint->path_prefix = pnstrdup(pieces->path, len);

	for (segment = endpoint->path_prefix; *segment == '/';)
	{
		size_t		segment_len;
		char	   *copy;
		bool		safe;

		segment++;
		segment_len = strcspn(segment, "/");
		copy = pnstrdup(segment, segment_len);
		safe = appconfig_uri_segment_is_safe(copy);
		pfree(copy);
		if (!safe)
			return "The path must not contain empty segments, \".\" or \"..\".";
		for (; segment_len > 0; segment_len--, segment++)
		{
			if (!is_unreserved((unsigned char) *segment))
				return "The path may contain only letters, digits, slashes and the characters \"-\", \".\", \"_\" and \"~\".";
		}
	}
	return NULL;
}

/* Keys must not cross a net without TLS: what is wrong with that, or NULL */
static const char *
check_http(const UriEndpoint *endpoint)
{
	if (strcmp(endpoint->scheme, "http") == 0 && !endpoint->loopback_only)
		return "Only the hosts \"localhost\", \"127.*\" and \"[::1]\" can be used with \"http://\".";
	return NULL;
}

/*
 * Takes a URL apart, of either scheme and any host, with an optional port and
 * an optional path.  It is for hosts that the caller knows by other means to
 * be no danger, or of which he says so himself.
 *
 * Returns true with *endpoint filled (to be given to
 * appconfig_uri_free_endpoint, or left to its memory context), or false with
 * *endpoint empty and *reason a sentence in static memory, fit for errdetail.
 * The reason never quotes the URL, which might hold a password.
 */
bool
appconfig_uri_parse_http(const char *url, UriEndpoint *endpoint,
						 const char **reason)
{
	UriPieces	pieces = {0};

	memset(endpoint, 0, sizeof(*endpoint));

	*reason = check_characters(url);
	if (*reason == NULL)
		*reason = split_url(url, &pieces);
	if (*reason == NULL)
		*reason = refuse_user(&pieces);
	if (*reason == NULL)
		*reason = parse_authority(&pieces, endpoint);
	if (*reason == NULL)
		*reason = parse_path(&pieces, endpoint);

	if (*reason == NULL)
	{
		endpoint->scheme = pstrdup(pieces.scheme->name);
		endpoint->host_header =
			endpoint->port == 0
			? pstrdup(endpoint->host)
			: psprintf("%s:%d", endpoint->host, endpoint->port);
	}
	else
		appconfig_uri_free_endpoint(endpoint);

	free_secret(pieces.authority);
	return *reason == NULL;
}

/*
 * Takes the text of the endpoint option apart: as appconfig_uri_parse_http(),
 * but http on a loopback host alone.
 */
bool
appconfig_uri_parse_endpoint(const char *url, UriEndpoint *endpoint,
							 const char **reason)
{
	if (!appconfig_uri_parse_http(url, endpoint, reason))
		return false;
	*reason = check_http(endpoint);
	if (*reason != NULL)
		appconfig_uri_free_endpoint(endpoint);
	return *reason == NULL;
}

/*
 * What is wrong with a path that may have a query, or NULL: a sentence in
 * static memory.  The same is refused as in the path of an endpoint, for the
 * same reasons, but for an empty segment: nothing is signed here.
 */
const char *
appconfig_uri_check_path(const char *path)
{
	size_t		query = strcspn(path, "?");
	const char *segment = path;
	const char *c;

	if (path[0] != '/')
		return "The path must begin with a slash.";
	if (strlen(path) > MAX_ENDPOINT_LENGTH)
		return "The path is too long.";
	for (c = path; *c != '\0'; c++)
	{
		if (!is_unreserved((unsigned char) *c) &&
			strchr("/?=&:@+,;", *c) == NULL)
			return "The path may contain only letters, digits and the characters \"-\", \".\", \"_\", \"~\", \"/\", \"?\", \"=\", \"&\", \":\", \"@\", \"+\", \",\" and \";\".";
	}
	while (segment < path + query)
	{
		size_t		len = strcspn(++segment, "/?");

		if ((len == 1 || len == 2) && strspn(segment, ".") >= len)
			return "The path must not contain the segments \".\" or \"..\".";
		segment += len;
	}
	return NULL;
}

/*
 * Frees the strings of an endpoint, which may be filled in part, and empties
 * it.
 */
void
appconfig_uri_free_endpoint(UriEndpoint *endpoint)
{
	char	   *fields[] = {endpoint->scheme, endpoint->host, endpoint->path_prefix,
	endpoint->host_header};
	size_t		i;

	for (i = 0; i < (int) lengthof(fields); i++)
	{
		if (fields[i] != NULL)
			pfree(fields[i]);
	}
	memset(endpoint, 0, sizeof(*endpoint));
}

/* The value of two hexadecimal digits, or -1 */
static int
parse_hex(const char *digits)
{
	static const char all[] = HEX_DIGITS;
	int			value = 0;
	int			i;

	for (i = 0; i < 2; i++)
	{
		const char *digit = digits[i] != '\0'
		? strchr(all, pg_ascii_tolower((unsigned char) digits[i])) : NULL;

		if (digit == NULL)
			return -1;
		value = value * 16 + (int) (digit - all);
	}
	return value;
}

/*
 * Decodes a user name or a password into *decoded, which is palloc'd.  What
 * RFC 3986 does not allow in either, or RFC 7617 in what comes of it, is
 * refused.
 */
static const char *
decode_userinfo(const char *text, size_t len, char **decoded)
{
	const char *end = text + len;
	char	   *to = palloc(len + 1);

	*decoded = to;
	while (text < end)
	{
		int			c = (unsigned char) *text++;

		if (c == '%')
		{
			c = end - text >= 2 ? parse_hex(text) : -1;
			text += 2;
		}
		else if (!is_unreserved((unsigned char) c) &&
				 strchr("!$&'()*+,;=", c) == NULL)
			c = -1;
		if (c < ' ' || c == 0x7f)
		{
			*to = '\0';
			return "Characters of the user name and the password other than letters, digits and \"-._~!$&'()*+,;=\" must be percent-encoded, and control characters are not possible.";
		}
		*to++ = (char) c;
	}
	*to = '\0';
	return NULL;
}

/*
 * Takes user name and password, which come together, if there are any.  A
 * colon within the name would end it for the proxy, however it is written.
 */
static const char *
parse_userinfo(const UriPieces *pieces, UriProxy *proxy)
{
	const char *userinfo = pieces->authority;
	size_t		user_len = strcspn(userinfo, ":@");
	const char *password = userinfo + user_len + 1;
	const char *reason;

	if (pieces->host == userinfo)
		return NULL;
	if (user_len == 0 || userinfo[user_len] != ':')
		return "A user name must be followed by a colon and a password.";
	reason = decode_userinfo(userinfo, user_len, &proxy->user);
	if (reason == NULL)
		reason = decode_userinfo(password, pieces->host - 1 - password,
								 &proxy->password);
	if (reason == NULL && strchr(proxy->user, ':') != NULL)
		reason = "The user name must not contain a colon.";
	return reason;
}

static const char *
refuse_path(const UriPieces *pieces)
{
	return strcmp(pieces->path, "") == 0 || strcmp(pieces->path, "/") == 0
		? NULL : "The URL of a proxy must not contain a path.";
}

/*
 * Takes the text of the proxy option apart.
 *
 * Accepted are http and https, any host, with an optional port (80 and 443
 * without it, and not the 1080 that libcurl would take) and an optional user
 * name and password.  Returns true with *proxy filled (to be given to
 * appconfig_uri_free_proxy), or false with *proxy empty and *reason a sentence
 * in static memory, fit for errdetail.  The reason never quotes the URL.
 */
bool
appconfig_uri_parse_proxy(const char *url, UriProxy *proxy,
						  const char **reason)
{
	UriPieces	pieces = {0};
	UriEndpoint endpoint = {0};

	memset(proxy, 0, sizeof(*proxy));

	*reason = check_characters(url);
	if (*reason == NULL)
		*reason = split_url(url, &pieces);
	if (*reason == NULL)
		*reason = parse_authority(&pieces, &endpoint);
	if (*reason == NULL)
		*reason = refuse_path(&pieces);
	if (*reason == NULL)
		*reason = parse_userinfo(&pieces, proxy);

	if (*reason == NULL)
		proxy->url = psprintf("%s://%s:%d", pieces.scheme->name, endpoint.host,
							  endpoint.port != 0 ? endpoint.port
							  : pieces.scheme->default_port);
	else
		appconfig_uri_free_proxy(proxy);

	appconfig_uri_free_endpoint(&endpoint);
	free_secret(pieces.authority);
	return *reason == NULL;
}

/* A copy in the current context, to be freed alike; NULL stays NULL */
UriProxy *
appconfig_uri_copy_proxy(const UriProxy *proxy)
{
	UriProxy   *copy;

	if (proxy == NULL)
		return NULL;
	copy = palloc0(sizeof(UriProxy));
	copy->url = pstrdup(proxy->url);
	if (proxy->user != NULL)
		copy->user = pstrdup(proxy->user);
	if (proxy->password != NULL)
		copy->password = pstrdup(proxy->password);
	return copy;
}

/* Overwrites and frees the strings of a proxy, and empties it */
void
appconfig_uri_free_proxy(UriProxy *proxy)
{
	if (proxy->url != NULL)
		pfree(proxy->url);
	free_secret(proxy->user);
	free_secret(proxy->password);
	memset(proxy, 0, sizeof(*proxy));
}
