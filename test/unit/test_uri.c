/*-------------------------------------------------------------------------
 *
 * test_uri.c
 *	  unit tests of src/uri.c
 *
 * IDENTIFICATION
 *	  test/unit/test_uri.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "uri.h"

#include "unit.h"

/* An endpoint that is taken, and what is to come of it. */
typedef struct AcceptedEndpoint
{
	const char *url;
	const char *scheme;
	const char *host;
	int			port;
	const char *path_prefix;
	const char *host_header;
	bool		loopback_only;
} AcceptedEndpoint;

static const AcceptedEndpoint accepted[] = {
	{"https://example.com", "https", "example.com", 0, "", "example.com", false},
	{"https://example.com/", "https", "example.com", 0, "", "example.com", false},
	{"HTTPS://Example.COM", "https", "example.com", 0, "", "example.com", false},
	{"https://example.com:443", "https", "example.com", 0, "", "example.com", false},
	{"https://example.com:80", "https", "example.com", 80, "", "example.com:80", false},
	{"https://example.com:8443/", "https", "example.com", 8443, "", "example.com:8443", false},
	{"https://example.com:1", "https", "example.com", 1, "", "example.com:1", false},
	{"https://example.com:65535", "https", "example.com", 65535, "", "example.com:65535", false},
	{"https://example.com/prod", "https", "example.com", 0, "/prod", "example.com", false},
	{"https://example.com/a/b-c._~9/", "https", "example.com", 0, "/a/b-c._~9", "example.com", false},
	{"https://example.com/...", "https", "example.com", 0, "/...", "example.com", false},
	{"https://vpce-1.appconfig.us-east-1.vpce.amazonaws.com", "https", "vpce-1.appconfig.us-east-1.vpce.amazonaws.com", 0, "", "vpce-1.appconfig.us-east-1.vpce.amazonaws.com", false},
	{"https://aws_emulator:4566", "https", "aws_emulator", 4566, "", "aws_emulator:4566", false},
	{"https://emulator", "https", "emulator", 0, "", "emulator", false},
	{"https://0xabc.example", "https", "0xabc.example", 0, "", "0xabc.example", false},
	{"https://example.0xyz", "https", "example.0xyz", 0, "", "example.0xyz", false},
	{"https://10.0.0.1", "https", "10.0.0.1", 0, "", "10.0.0.1", false},
	{"https://255.255.255.255", "https", "255.255.255.255", 0, "", "255.255.255.255", false},
	{"https://[2001:DB8::1]:8443/x", "https", "[2001:db8::1]", 8443, "/x", "[2001:db8::1]:8443", false},
	{"http://localhost", "http", "localhost", 0, "", "localhost", true},
	{"http://LOCALHOST:80", "http", "localhost", 0, "", "localhost", true},
	{"http://localhost:443", "http", "localhost", 443, "", "localhost:443", true},
	{"http://127.0.0.1:8080/p", "http", "127.0.0.1", 8080, "/p", "127.0.0.1:8080", true},
	{"http://127.255.0.254", "http", "127.255.0.254", 0, "", "127.255.0.254", true},
	{"http://[::1]", "http", "[::1]", 0, "", "[::1]", true},
	{"http://[::1]:9000", "http", "[::1]", 9000, "", "[::1]:9000", true},
	{"https://localhost:8443", "https", "localhost", 8443, "", "localhost:8443", true},
	{"https://LocalHost", "https", "localhost", 0, "", "localhost", true},
	{"https://127.0.0.1/x", "https", "127.0.0.1", 0, "/x", "127.0.0.1", true},
	{"https://127.8.9.10", "https", "127.8.9.10", 0, "", "127.8.9.10", true},
	{"https://[::1]:1", "https", "[::1]", 1, "", "[::1]:1", true},
	{"https://localhost.example", "https", "localhost.example", 0, "", "localhost.example", false},
	{"https://128.0.0.1", "https", "128.0.0.1", 0, "", "128.0.0.1", false},
	{"https://[::2]", "https", "[::2]", 0, "", "[::2]", false},
};

/* A URL that is refused, and a word of the reason that must be given. */
typedef struct RefusedEndpoint
{
	const char *url;
	const char *reason;
} RefusedEndpoint;

static const RefusedEndpoint refused[] = {
	/* scheme */
	{"", "must begin"},
	{"example.com", "must begin"},
	{"//example.com", "must begin"},
	{"://example.com", "must begin"},
	{"https:/example.com", "must begin"},
	{"https:example.com", "must begin"},
	{"httpss://example.com", "must begin"},
	{"http", "must begin"},
	{"ftp://example.com", "must begin"},
	{"file:///etc/passwd", "must begin"},
	{"unix://localhost", "must begin"},
	{"xhttps://example.com", "must begin"},

	/* characters */
	{" https://example.com", "spaces"},
	{"https://example.com ", "spaces"},
	{"https://exa mple.com", "spaces"},
	{"https://example.com/a b", "spaces"},
	{"https://example.com\r\nX-Header: 1", "control"},
	{"https://example.com\t", "control"},
	{"https://example.com\x7f", "control"},
	{"https://ex\xc3\xa4mple.com", "ASCII"},
	{"https://example.com\\@evil.example", "backslashes"},
	{"https:\\\\example.com", "backslashes"},
	{"http://127.0.0.1\\.evil.example", "backslashes"},

	/* authority */
	{"https://", "contain a host"},
	{"https:///path", "contain a host"},
	{"https://:443", "contain a host"},
	{"http://127.0.0.1@evil.example", "user name"},
	{"http://127.0.0.1:80@evil.example", "user name"},
	{"https://user:password@example.com", "user name"},
	{"https://@example.com", "user name"},
	{"http://evil.example#@127.0.0.1", "fragment"},
	{"https://example.com?@", "query"},
	{"https://example.com?", "query"},
	{"https://example.com/?x=1", "query"},
	{"https://example.com#", "fragment"},
	{"https://example.com/#x", "fragment"},

	/* host */
	{"https://example%2ecom", "host name"},
	{"http://%31%32%37.0.0.1", "host name"},
	{"http://localhost%00.evil.example", "host name"},
	{"https://-example.com", "host name"},
	{"https://example-.com", "host name"},
	{"https://.example.com", "host name"},
	{"https://example..com", "host name"},
	{"https://example.com.", "host name"},
	{"https://exa$mple.com", "host name"},
	{"https://a,b", "host name"},
	{"https://*.example.com", "host name"},
	{"https://aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg.com", "host name"},

	/* numbers that a resolver would take for an address */
	{"http://0177.0.0.1", "host name"},
	{"http://0177.1", "host name"},
	{"http://127.1", "host name"},
	{"http://127.0.1", "host name"},
	{"http://2130706433", "host name"},
	{"http://0x7f000001", "host name"},
	{"http://0x7f.0.0.1", "host name"},
	{"http://127.0.0.0x1", "host name"},
	{"http://0x", "host name"},
	{"http://127.0.0.01", "host name"},
	{"http://127.0.0.256", "host name"},
	{"http://127.0.0.1.", "host name"},
	{"http://127.0.0.1.1", "host name"},
	{"http://127.0.0.", "host name"},
	{"http://127..0.1", "host name"},
	{"http://127.0.0.4294967297", "host name"},

	/* IPv6 */
	{"http://[::ffff:127.0.0.1]", "host name"},
	{"https://[::ffff:127.0.0.1]", "host name"},
	{"https://[::1%25lo]", "host name"},
	{"https://[::1%lo]", "host name"},
	{"https://[v1.x]", "host name"},
	{"https://[]", "host name"},
	{"https://[:]", "host name"},
	{"https://[::1", "host name"},
	{"https://::1", "contain a host"},
	{"https://[1:2:3:4:5:6:7:8:9]", "host name"},
	{"https://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", "host name"},
	{"https://[::1]x", "followed by"},
	{"https://[::1].example", "followed by"},
	{"https://[::1][::2]", "followed by"},

	/* http beyond the machine itself */
	{"http://example.com", "Only the hosts"},
	{"http://127.0.0.1.evil.example", "Only the hosts"},
	{"http://localhost.evil", "Only the hosts"},
	{"http://evil-localhost", "Only the hosts"},
	{"http://128.0.0.1", "Only the hosts"},
	{"http://12.7.0.1", "Only the hosts"},
	{"http://0.0.0.0", "Only the hosts"},
	{"http://169.254.169.254", "Only the hosts"},
	{"http://[::ffff:7f00:1]", "Only the hosts"},
	{"http://[::]", "Only the hosts"},
	{"http://[0:0:0:0:0:0:0:1]", "Only the hosts"},

	/* port */
	{"https://example.com:", "port"},
	{"https://example.com:/", "port"},
	{"https://example.com:0", "port"},
	{"https://example.com:00443", "port"},
	{"https://example.com:65536", "port"},
	{"https://example.com:99999", "port"},
	{"https://example.com:4294967739", "port"},
	{"https://example.com:-1", "port"},
	{"https://example.com:+1", "port"},
	{"https://example.com:80x", "port"},
	{"https://example.com:80:80", "port"},
	{"http://localhost:80.evil.example", "port"},

	/* path */
	{"https://example.com//", "segments"},
	{"https://example.com//a", "segments"},
	{"https://example.com/a//b", "segments"},
	{"https://example.com/a//", "segments"},
	{"https://example.com/.", "segments"},
	{"https://example.com/./", "segments"},
	{"https://example.com/a/../b", "segments"},
	{"https://example.com/..", "segments"},
	{"https://example.com/%2e%2e", "only letters"},
	{"https://example.com/a%20b", "only letters"},
	{"https://example.com/a;b", "only letters"},
	{"https://example.com/@b", "only letters"},
};

/* A proxy that is taken, and what is to come of it */
typedef struct AcceptedProxy
{
	const char *given;
	const char *url;
	const char *user;
	const char *password;
} AcceptedProxy;

static const AcceptedProxy accepted_proxies[] = {
	{"http://proxy", "http://proxy:80", NULL, NULL},
	{"https://proxy", "https://proxy:443", NULL, NULL},
	{"http://Gateway.Example.com:3128", "http://gateway.example.com:3128", NULL, NULL},
	{"HTTP://10.0.0.1:80/", "http://10.0.0.1:80", NULL, NULL},
	{"http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080", NULL, NULL},
	{"http://[::1]", "http://[::1]:80", NULL, NULL},
	{"http://User:PassWord@proxy:1080", "http://proxy:1080", "User", "PassWord"},
	{"http://user:@proxy", "http://proxy:80", "user", ""},
	{"http://a%40b:c%3Ad%2f%25@proxy", "http://proxy:80", "a@b", "c:d/%"},
	{"http://u:%c3%A9!$&'()*+,;=-._~@proxy", "http://proxy:80", "u", "\xc3\xa9!$&'()*+,;=-._~"},
};

static const RefusedEndpoint refused_proxies[] = {
	{"", "must begin"},
	{"proxy:3128", "must begin"},
	{"socks5://proxy", "must begin"},
	{"socks5h://user:password@proxy", "must begin"},
	{"http:/proxy", "must begin"},
	{"http://", "contain a host"},
	{"http://user:password@", "contain a host"},
	{"http://user:password@:80", "contain a host"},
	{"http://proxy/path", "path"},
	{"http://proxy//", "path"},
	{"http://proxy?x", "query"},
	{"http://proxy#x", "fragment"},
	{"http://user@proxy", "must be followed"},
	{"http://@proxy", "must be followed"},
	{"http://:password@proxy", "must be followed"},
	{"http://user:pass@word@proxy", "host name"},
	{"http://user:pass:word@proxy", "percent-encoded"},
	{"http://user:pass/word@proxy", "port"},
	{"http://user:a%2@proxy", "percent-encoded"},
	{"http://user:a%@proxy", "percent-encoded"},
	{"http://user:a%zz@proxy", "percent-encoded"},
	{"http://user:a%00b@proxy", "percent-encoded"},
	{"http://user:a%0d%0ab@proxy", "percent-encoded"},
	{"http://us%7fer:b@proxy", "percent-encoded"},
	{"http://us[er:b@proxy", "percent-encoded"},
	{"http://us%3aer:b@proxy", "colon"},
	{"http://user:pass word@proxy", "spaces"},
	{"http://user:p\xc3\xa9@proxy", "ASCII"},
	{"http://user\\:b@proxy", "backslashes"},
	{"http://127.1", "host name"},
	{"http://gateway.", "host name"},
	{"http://proxy:0", "port"},
	{"http://proxy:65536", "port"},
	{"http://user:password@proxy:x", "port"},
	{"http://[::1]x", "followed by"},
};

static void
test_encoding(void)
{
	StringInfoData buf;
	int			c;
	int			unreserved = 0;

	initStringInfo(&buf);

	appconfig_uri_append_segment(&buf, "My App/1");
	is_str(buf.data, "My%20App%2F1", "space and slash in a segment");

	appconfig_uri_append_query_value(&buf, "&=+%");
	is_str(buf.data, "My%20App%2F1%26%3D%2B%25", "appends, with delimiters");

	resetStringInfo(&buf);
	appconfig_uri_append_query_value(&buf, "");
	is_str(buf.data, "", "nothing for nothing");

	resetStringInfo(&buf);
	appconfig_uri_append_segment(&buf, "\xc3\xa9\xe1\x88\xb4");
	is_str(buf.data, "%C3%A9%E1%88%B4", "UTF-8 in upper-case hex");

	resetStringInfo(&buf);
	appconfig_uri_append_encoded(&buf, "a/b%c\0/d", 8, "/");
	is_str(buf.data, "a/b%25c%00/d", "kept characters, and a zero byte");

	for (c = 1; c < 256; c++)
	{
		char		text[2] = {(char) c, '\0'};
		char		encoded[4];

		resetStringInfo(&buf);
		appconfig_uri_append_segment(&buf, text);
		snprintf(encoded, sizeof(encoded), "%%%02X", (unsigned int) c);
		if (strcmp(buf.data, text) == 0)
			unreserved++;
		else if (strcmp(buf.data, encoded) != 0)
			is_str(buf.data, encoded, "byte %d", c);
		if ((strcmp(buf.data, text) == 0) !=
			(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789-._~",
					c) != NULL))
			ok(false, "byte %d is unreserved or encoded", c);
	}
	is_int(unreserved, 26 + 26 + 10 + 4, "number of unreserved characters");
	pfree(buf.data);
}

static void
test_segments(void)
{
	ok(appconfig_uri_segment_is_safe("abc1234"), "an id is a safe segment");
	ok(appconfig_uri_segment_is_safe("..."), "three dots are");
	ok(appconfig_uri_segment_is_safe("a/.."), "dots beside a slash are");
	ok(!appconfig_uri_segment_is_safe(""), "an empty one is not");
	ok(!appconfig_uri_segment_is_safe("."), "one dot is not");
	ok(!appconfig_uri_segment_is_safe(".."), "two dots are not");
}

static void
test_accepted(const AcceptedEndpoint *expected)
{
	UriEndpoint endpoint;
	const char *reason = "";

	if (!ok(appconfig_uri_parse_endpoint(expected->url, &endpoint, &reason),
			"accepts %s", expected->url))
	{
		fprintf(stderr, "# reason: %s\n", reason);
		return;
	}
	is_str(reason, NULL, "no reason for %s", expected->url);
	is_str(endpoint.scheme, expected->scheme, "scheme of %s", expected->url);
	is_str(endpoint.host, expected->host, "host of %s", expected->url);
	is_int(endpoint.port, expected->port, "port of %s", expected->url);
	is_str(endpoint.path_prefix, expected->path_prefix, "path prefix of %s",
		   expected->url);
	is_str(endpoint.host_header, expected->host_header, "host header of %s",
		   expected->url);
	is_int(endpoint.loopback_only, expected->loopback_only,
		   "whether %s is this host", expected->url);
	appconfig_uri_free_endpoint(&endpoint);
	ok(endpoint.host == NULL, "freed %s", expected->url);
}

/* Writes a string such that it stays on its line of TAP. */
static char *
printable(const char *text)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (; *text != '\0'; text++)
	{
		if (*text > ' ' && *text <= '~' && *text != '#')
			appendStringInfoChar(&buf, *text);
		else
			appendStringInfo(&buf, "\\x%02x", (unsigned char) *text);
	}
	return buf.data;
}

static void
test_refused(const RefusedEndpoint *expected)
{
	UriEndpoint endpoint;
	const char *reason = NULL;
	char	   *shown = printable(expected->url);

	ok(!appconfig_uri_parse_endpoint(expected->url, &endpoint, &reason),
	   "refuses %s", shown);
	if (!ok(reason != NULL && strstr(reason, expected->reason) != NULL,
			"says \"%s\" of %s", expected->reason, shown))
		fprintf(stderr, "# reason: %s\n", reason != NULL ? reason : "(null)");
	ok(endpoint.scheme == NULL && endpoint.host == NULL &&
	   endpoint.path_prefix == NULL && endpoint.host_header == NULL,
	   "leaves nothing of %s", shown);
	pfree(shown);
}

static void
test_accepted_proxy(const AcceptedProxy *expected)
{
	UriProxy	proxy;
	const char *reason = "";

	ok(appconfig_uri_parse_proxy(expected->given, &proxy, &reason),
	   "accepts the proxy %s", expected->url);
	is_str(reason, NULL, "... without a reason");
	is_str(proxy.url, expected->url, "... its URL");
	is_str(proxy.user, expected->user, "... its user");
	is_str(proxy.password, expected->password, "... its password");
	appconfig_uri_free_proxy(&proxy);
	ok(proxy.url == NULL && proxy.user == NULL && proxy.password == NULL,
	   "... freed");
}

static void
test_refused_proxy(const RefusedEndpoint *expected)
{
	UriProxy	proxy;
	const char *reason = NULL;
	char	   *shown = printable(expected->url);

	ok(!appconfig_uri_parse_proxy(expected->url, &proxy, &reason),
	   "refuses the proxy %s", shown);
	if (!ok(reason != NULL && strstr(reason, expected->reason) != NULL,
			"... with \"%s\"", expected->reason))
		fprintf(stderr, "# reason: %s\n", reason != NULL ? reason : "(null)");
	ok(proxy.url == NULL && proxy.user == NULL && proxy.password == NULL,
	   "... and leaves nothing");
	pfree(shown);
}

/* The limits of length, each from both sides. */
static void
test_lengths(void)
{
	StringInfoData buf;
	UriEndpoint endpoint;
	const char *reason;
	int			i;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "https://");
	for (i = 0; i < 126; i++)
		appendStringInfoString(&buf, "a.");
	appendStringInfoString(&buf, "b");
	ok(appconfig_uri_parse_endpoint(buf.data, &endpoint, &reason),
	   "a host of 253 characters");
	appconfig_uri_free_endpoint(&endpoint);
	appendStringInfoString(&buf, "b");
	ok(!appconfig_uri_parse_endpoint(buf.data, &endpoint, &reason),
	   "not one of 254");

	resetStringInfo(&buf);
	appendStringInfoString(&buf, "https://example.com/");
	while (buf.len < 2048)
		appendStringInfoChar(&buf, 'a');
	ok(appconfig_uri_parse_endpoint(buf.data, &endpoint, &reason),
	   "a URL of 2048 characters");
	appconfig_uri_free_endpoint(&endpoint);
	appendStringInfoChar(&buf, 'a');
	ok(!appconfig_uri_parse_endpoint(buf.data, &endpoint, &reason),
	   "not one of 2049");
	is_str(reason, "The URL is too long.", "and says so");
	pfree(buf.data);
}

/* Hosts that http may go to where the caller answers for them */
static void
test_http(void)
{
	static const char *const urls[] = {
		"http://169.254.169.254", "http://[fd00:ec2::254]/x", "http://host:456",
		"https://host", "http://127.0.0.1:1",
	};
	UriEndpoint endpoint;
	const char *reason;
	size_t		i;

	for (i = 0; i < lengthof(urls); i++)
	{
		ok(appconfig_uri_parse_http(urls[i], &endpoint, &reason), "takes %s",
		   urls[i]);
		appconfig_uri_free_endpoint(&endpoint);
	}
	ok(!appconfig_uri_parse_http("http://user@host", &endpoint, &reason),
	   "refuses a user name all the same");
	ok(endpoint.host == NULL, "and leaves nothing of it");
}

static void
test_paths(void)
{
	static const char *const taken[] = {
		"/", "/a", "//a//", "/a?", "/a/b?c=d&e=/../f", "/?..", "/...", "/.a/b.",
		"/a:b@c+d,e;f~g_h-i",
	};
	static const char *const not_taken[] = {
		"", "a", "?a", "/.", "/..", "/./a", "/a/..", "/a/../b", "/..?a", "/a b",
		"/a#b", "/a%2fb", "/a\\b", "/a\n", "/\xc3\xa9", "/a\"b", "/a<b", "/a\x7f",
	};
	char		path[2050];
	size_t		i;

	for (i = 0; i < lengthof(taken); i++)
		is_str(appconfig_uri_check_path(taken[i]), NULL, "takes the path %s",
			   taken[i]);
	for (i = 0; i < lengthof(not_taken); i++)
		ok(appconfig_uri_check_path(not_taken[i]) != NULL, "refuses path %d",
		   (int) i);
	memset(path, '/', sizeof(path));
	path[2048] = '\0';
	is_str(appconfig_uri_check_path(path), NULL, "takes 2048 characters");
	path[2048] = '/';
	path[2049] = '\0';
	is_str(appconfig_uri_check_path(path), "The path is too long.",
		   "refuses 2049 characters");
}

int
main(void)
{
	size_t		i;

	test_encoding();
	test_segments();
	for (i = 0; i < lengthof(accepted); i++)
		test_accepted(&accepted[i]);
	for (i = 0; i < lengthof(refused); i++)
		test_refused(&refused[i]);
	for (i = 0; i < lengthof(accepted_proxies); i++)
		test_accepted_proxy(&accepted_proxies[i]);
	for (i = 0; i < lengthof(refused_proxies); i++)
		test_refused_proxy(&refused_proxies[i]);
	test_lengths();
	test_http();
	test_paths();
	return done_testing();
}
