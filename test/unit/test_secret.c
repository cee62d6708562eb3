/*-------------------------------------------------------------------------
 *
 * test_secret.c
 *	  what secret.c takes for a secret that shows
 *
 * IDENTIFICATION
 *	  test/unit/test_secret.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "secret.h"
#include "unit.h"

#define KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* In the form of real ones: base64, of 700 to 1 500 characters */
#define TOKEN_LENGTH 1400

static char token[TOKEN_LENGTH + 1];

static const AwsCredentials keys = {"AKIDEXAMPLE", KEY, token};

static void
make_token(void)
{
	static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32		state = 1;
	int			i;

	for (i = 0; i < TOKEN_LENGTH - 2; i++)
	{
		state = state * 1103515245 + 12345;
		token[i] = digits[state >> 16 & 63];
	}
	memcpy(token + i, "==", 3);
}

static bool
shows(const char *text)
{
	return appconfig_secret_shows(&keys, text, strlen(text));
}

/* ------------------------------------------------------------------------
 * Encodings
 * ------------------------------------------------------------------------
 */

typedef void (*Encoder) (const char *text, char *encoded);

static void
encode_percent(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded += isalnum((unsigned char) *text)
			? sprintf(encoded, "%c", *text)
			: sprintf(encoded, "%%%02X", *text);
	*encoded = '\0';
}

static void
encode_percent_lower(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded += isalnum((unsigned char) *text)
			? sprintf(encoded, "%c", *text)
			: sprintf(encoded, "%%%02x", *text);
	*encoded = '\0';
}

static void
encode_percent_all(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded += sprintf(encoded, "%%%02X", *text);
}

static void
encode_percent_twice(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded += sprintf(encoded, "%%25%02X", *text);
}

/* a form's plus is a blank */
static void
encode_blank(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		*encoded++ = *text == '+' ? ' ' : *text;
	*encoded = '\0';
}

static void
encode_url_safe(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		*encoded++ = *text == '+' ? '-' : *text == '/' ? '_' : *text;
	*encoded = '\0';
}

static void
encode_json(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded += sprintf(encoded, "%s%c", *text == '/' ? "\\" : "", *text);
}

static void
encode_json_all(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded += sprintf(encoded, "\\u%04x", *text);
}

static void
encode_entities(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded +=
			isalnum((unsigned char) *text)
			? sprintf(encoded, "%c", *text)
			: sprintf(encoded, *text == '/' ? "&#x%X;" : "&#%d;", *text);
	*encoded = '\0';
}

static void
encode_entities_named(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded += *text == '+' ? sprintf(encoded, "&plus;")
			: *text == '/' ? sprintf(encoded, "&sol;")
			: sprintf(encoded, "%c", *text);
}

static void
encode_lines(const char *text, char *encoded)
{
	int			i;

	for (i = 0; text[i] != '\0'; i++)
		encoded +=
			sprintf(encoded, "%s%c", i % 10 == 9 ? "\\n\r\n" : "", text[i]);
}

static void
encode_upper(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		*encoded++ = pg_toupper((unsigned char) *text);
	*encoded = '\0';
}

static void
encode_hex(const char *text, char *encoded)
{
	for (; *text != '\0'; text++)
		encoded += sprintf(encoded, "%02X", *text);
}

/* written down here once more, in another way than there */
static void
encode_base64(const char *text, char *encoded)
{
	static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t		length = strlen(text);
	size_t		i;

	for (i = 0; i < length; i += 3)
	{
		int			a = text[i];
		int			b = i + 1 < length ? text[i + 1] : 0;
		int			c = i + 2 < length ? text[i + 2] : 0;

		*encoded++ = digits[a / 4];
		*encoded++ = digits[a % 4 * 16 + b / 16];
		*encoded++ = i + 1 < length ? digits[b % 16 * 4 + c / 64] : '=';
		*encoded++ = i + 2 < length ? digits[c % 64] : '=';
	}
	*encoded = '\0';
}

static void
encode_none(const char *text, char *encoded)
{
	strcpy(encoded, text);
}

static const struct
{
	const char *name;
	Encoder		encode;
}			encodings[] = {
	{"as it is", encode_none},
	{"percent-encoded", encode_percent},
	{"percent-encoded in lower case", encode_percent_lower},
	{"every character percent-encoded", encode_percent_all},
	{"percent-encoded twice", encode_percent_twice},
	{"a plus that was read as a blank", encode_blank},
	{"URL-safe", encode_url_safe},
	{"JSON with escaped slashes", encode_json},
	{"JSON with every character escaped", encode_json_all},
	{"numbered entities", encode_entities},
	{"named entities", encode_entities_named},
	{"broken into lines", encode_lines},
	{"in upper case", encode_upper},
	{"hexadecimal", encode_hex},
	{"base64", encode_base64},
};

/* Is a secret, or this part of it, found in every encoding? */
static void
check_encodings(const char *what, const char *secret, size_t start,
				size_t length)
{
	/* the beginning of base64 depends on how much stands before */
	static const char *const before[] = {"", "x", "xy"};
	char	   *part = pnstrdup(secret + start, length);
	char	   *sent = palloc(length + 10);
	char	   *encoded = palloc(12 * length + 100);
	char	   *text = palloc(12 * length + 200);
	size_t		i;
	size_t		j;

	for (i = 0; i < lengthof(encodings); i++)
	{
		bool		found = true;

		for (j = 0; j < lengthof(before); j++)
		{
			sprintf(sent, "%s%s.", before[j], part);
			encodings[i].encode(sent, encoded);
			sprintf(text, "you sent '%s', or so", encoded);
			found = shows(text) && found;
		}
		ok(found, "%s: %s", what, encodings[i].name);
	}
	pfree(part);
	pfree(sent);
	pfree(encoded);
	pfree(text);
}

/* ------------------------------------------------------------------------
 * Parts
 * ------------------------------------------------------------------------
 */
static void
check_parts(void)
{
	AwsCredentials brief = {"AKID", "s3cr/et", NULL};
	char		part[TOKEN_LENGTH + 1];
	bool		found = true;
	int			letters;
	size_t		i;
	size_t		n;

	/* wherever 16 letters and digits of it begin */
	for (i = 0; i < TOKEN_LENGTH && found; i++)
	{
		for (n = 0, letters = 0; letters < 16 && token[i + n] != '\0'; n++)
			letters += isalnum((unsigned char) token[i + n]) != 0;
		if (letters < 16)
			break;
		snprintf(part, sizeof(part), "(%.*s)", (int) n, token + i);
		found = shows(part);
	}
	ok(found && i > TOKEN_LENGTH - 50, "any 16 letters and digits of a token");
	for (n = 0, letters = 0; letters < 15; n++)
		letters += isalnum((unsigned char) token[500 + n]) != 0;
	snprintf(part, sizeof(part), "%.*s", (int) n, token + 500);
	ok(!shows(part), "fewer could be an accident");

	ok(!shows(""), "an empty text");
	ok(!shows("User: arn:aws:iam::111122223333:user/denied is not authorized "
			  "to perform: appconfig:GetExperimentRun"),
	   "an ordinary message");
	ok(!shows("AKIDEXAMPLE"), "the key id is no secret");
	ok(!appconfig_secret_shows(&keys, KEY, 10),
	   "what stands behind the text does not count");
	ok(!shows("%&\\%4&#&#x;&;\\u00%"), "encodings that end too early");
	ok(!shows("&#99999999999999999999;\\uffff%ff&#xffffff;"),
	   "encodings of something else");

	ok(appconfig_secret_shows(&brief, "<s3cr%2Fet>", 11),
	   "a short secret as a whole");
	ok(!appconfig_secret_shows(&brief, "<s3cr%2Fe>", 10),
	   "... but no part of it");
	ok(!appconfig_secret_shows(&brief, "S3cretException", 15),
	   "... and not what is like it");
	brief.secret_access_key = "/";
	ok(appconfig_secret_shows(&brief, "a/b", 3) &&
	   !appconfig_secret_shows(&brief, "ab", 2),
	   "one without a letter or digit");
}

int
main(void)
{
	make_token();
	check_encodings("secret key", KEY, 0, strlen(KEY));
	check_encodings("token", token, 0, TOKEN_LENGTH);
	check_encodings("beginning of a token", token, 0, 60);
	check_encodings("middle of a token", token, 501, 60);
	check_encodings("end of a token", token, TOKEN_LENGTH - 60, 60);
	check_parts();
	return done_testing();
}
