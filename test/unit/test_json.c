/*-------------------------------------------------------------------------
 *
 * test_json.c
 *	  unit tests of src/json.c
 *
 * IDENTIFICATION
 *	  test/unit/test_json.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "json.h"

#include "unit.h"

/* A text of so many bytes, NULs included. */
typedef struct Bytes
{
	const char *text;
	size_t		length;
} Bytes;

#define BYTES(literal) {literal, sizeof(literal) - 1}

/* ------------------------------------------------------------------------
 * What is JSON
 * ------------------------------------------------------------------------
 */

/* clang-format off */
static const Bytes accepted[] = {
	BYTES("{}"), BYTES("[]"), BYTES(" \t\r\n{ } \t\r\n"), BYTES("{\"a\":1}"), BYTES("[1 , 2,3 ]"),
	BYTES("true"), BYTES("false"), BYTES("\"\""), BYTES("0"), BYTES("-1"), BYTES("1.5"), BYTES("1e5"), BYTES("1E+5"), BYTES("-1.25e-10"),
	BYTES("{\"a\":{\"b\":[{}]}}"), BYTES("{\"\":0}"), BYTES("[[],[[]]]"), BYTES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\""),
	BYTES("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x9b\x92\""), BYTES("\"\\ud83d\\uded2\""), BYTES("[0,-0,0.0,0e0]"), BYTES("\"\x7f\""),
	BYTES("{\"NaN\":\"NaN\"}"), BYTES("[\"Infinity\",\"-Infinity\",\"//\",\"/**/\",\"'\"]"),
};

static const Bytes refused[] = {
	/* nothing, or not all of something */
	BYTES(""), BYTES(" "), BYTES("{"), BYTES("["), BYTES("{\"a\""), BYTES("{\"a\":"), BYTES("{\"a\":1"), BYTES("[1,"), BYTES("\"a"),
	BYTES("tru"), BYTES("nul"), BYTES("-"), BYTES("1e"), BYTES("1e+"), BYTES("\"\\u00\""), BYTES("\"\\"),
	/* something more */
	BYTES("{}{}"), BYTES("{} x"), BYTES("{}]"), BYTES("1 2"), BYTES("{}\0"), BYTES("{}\0{}"), BYTES("{},"), BYTES("null null"), BYTES("truefalse"),
	BYTES("\"a\"\"b\""), BYTES("1x"), BYTES("{}\xef\xbb\xbf"),
	/* commas and colons */
	BYTES("[1,]"), BYTES("{\"a\":1,}"), BYTES("[,1]"), BYTES("{,}"), BYTES("[1 2]"), BYTES("{\"a\" 1}"), BYTES("{\"a\":1 \"b\":2}"), BYTES("{\"a\":}"),
	BYTES("{\"a\"}"), BYTES("[1}"), BYTES("{\"a\":1]"), BYTES("{1:2}"), BYTES("{a:1}"), BYTES("{null:1}"),
	/* what other languages have */
	BYTES("NaN"), BYTES("nan"), BYTES("[NaN]"), BYTES("Infinity"), BYTES("-Infinity"), BYTES("[-Infinity]"), BYTES("inf"), BYTES("+1"), BYTES(".5"), BYTES("1."), BYTES("[1.]"), BYTES("1.e5"),
	BYTES("-.5"), BYTES("01"), BYTES("-01"), BYTES("00"), BYTES("[007]"), BYTES("0x10"), BYTES("1_000"), BYTES("--1"), BYTES("1e5.5"), BYTES("1.2.3"),
	BYTES("'a'"), BYTES("{'a':1}"), BYTES("// x\n{}"), BYTES("{}// x"), BYTES("/* x */{}"), BYTES("{/* x */}"), BYTES("# x\n{}"), BYTES("undefined"),
	BYTES("True"), BYTES("TRUE"), BYTES("Null"), BYTES("NULL"), BYTES("FALSE"), BYTES("\"\\x41\""), BYTES("\"\\'\""), BYTES("\"\\u00g0\""),
	/* bytes that are no text */
	BYTES("\xef\xbb\xbf{}"), BYTES("\"\xff\""), BYTES("\"\x80\""), BYTES("\"\xc3\""), BYTES("\"\xc3\x28\""), BYTES("\"\xe2\x82\""), BYTES("\"\xf0\x9f\x9b\""),
	BYTES("{\"\xff\":1}"), BYTES("\x01"), BYTES("{\x01}"), BYTES("[1,\0 2]"), BYTES("\xff\xfe{\0}\0"),
};
/* clang-format on */

static char *
visible(const Bytes *bytes)
{
	char  *copy = malloc(bytes->length * 4 + 1);
	char  *out = copy;
	size_t i;

	for (i = 0; i < bytes->length; i++)
	{
		unsigned char c = (unsigned char) bytes->text[i];

		out += c >= ' ' && c < 0x7f ? sprintf(out, "%c", c) : sprintf(out, "<%02x>", c);
	}
	*out = '\0';
	return copy;
}

static void
test_syntax(const Bytes *bytes, bool valid)
{
	/* not one byte more, so that reading behind the end is seen */
	char	   *exact = malloc(bytes->length > 0 ? bytes->length : 1);
	char	   *shown = visible(bytes);
	const char *error;
	JsonValue  *value;

	memcpy(exact, bytes->text, bytes->length);
	value = appconfig_json_parse(exact, bytes->length, &error);
	ok((error == NULL) == valid && (value != NULL) == valid, "%s: %s", valid ? "accepted" : "refused", shown);
	appconfig_json_release(value);
	free(shown);
	free(exact);
}

/* ------------------------------------------------------------------------
 * Help
 * ------------------------------------------------------------------------
 */
static JsonValue *
parse(const char *text)
{
	const char *error;
	JsonValue  *value = appconfig_json_parse(text, strlen(text), &error);

	if (error != NULL)
		fprintf(stderr, "# %s: %s\n", error, text);
	return value;
}

/* The value's JSON is what is expected, whatever was parsed. */
static void
is_json(const char *text, const char *path, const char *expected)
{
	JsonValue  *value = parse(text);
	JsonValue  *found = appconfig_json_lookup(value, path);
	size_t		length = 0;
	const char *got = found != NULL ? appconfig_json_serialize(found, &length) : NULL;

	is_str(got, expected, "%s at %s", text, path != NULL ? path : "the top");
	appconfig_json_release(value);
}

/* ------------------------------------------------------------------------
 * Tests
 * ------------------------------------------------------------------------
 */
static char *
nested(int depth, char open, char close)
{
	char *text = malloc(depth * 2 + 1);

	memset(text, open, depth);
	memset(text + depth, close, depth);
	text[depth * 2] = '\0';
	return text;
}

static void
test_depth(void)
{
	static const int depths[] = {1, 10, JSON_MAX_DEPTH - 1, JSON_MAX_DEPTH + 1, 1000, 1000000};
	size_t			 i;

	for (i = 0; i < lengthof(depths); i++)
	{
		char	   *text = nested(depths[i], '[', ']');
		const char *error;
		JsonValue  *value = appconfig_json_parse(text, strlen(text), &error);

		ok((error == NULL) == (depths[i] < JSON_MAX_DEPTH), "%d arrays within each other: %s", depths[i],
		   depths[i] < JSON_MAX_DEPTH ? "accepted" : "refused");
		appconfig_json_release(value);
		free(text);
	}
}

static void
test_null(void)
{
	const char *error = "untouched";

	ok(appconfig_json_parse("null", 4, &error) == NULL && error == NULL, "null is no value, and no error");
	is_int(appconfig_json_kind(NULL), JSON_NULL, "nothing is a null");
	ok(appconfig_json_lookup(NULL, "a.b") == NULL, "in which nothing is found");
	is_int(appconfig_json_array_length(NULL), 0, "and which has no elements");
	ok(appconfig_json_union_member(NULL) == NULL, "or members");
	ok(!appconfig_json_boolean(NULL), "and is not true");
	appconfig_json_release(NULL);
}

static void
test_kinds(void)
{
	static const struct
	{
		const char *text;
		JsonKind	kind;
	} kinds[] = {
		{"true", JSON_BOOLEAN}, {"1", JSON_NUMBER}, {"1.5", JSON_NUMBER}, {"12345678901234567890", JSON_NUMBER},
		{"\"1\"", JSON_STRING}, {"[]", JSON_ARRAY}, {"{}", JSON_OBJECT},
	};
	JsonValue *value;
	size_t	   i;

	for (i = 0; i < lengthof(kinds); i++)
	{
		value = parse(kinds[i].text);
		is_int(appconfig_json_kind(value), kinds[i].kind, "the kind of %s", kinds[i].text);
		appconfig_json_release(value);
	}
	value = parse("[true,false,\"true\",1]");
	ok(appconfig_json_boolean(appconfig_json_array_element(value, 0)), "true");
	ok(!appconfig_json_boolean(appconfig_json_array_element(value, 1)), "false");
	ok(!appconfig_json_boolean(appconfig_json_array_element(value, 2)) &&
	   !appconfig_json_boolean(appconfig_json_array_element(value, 3)), "and what is no boolean");
	appconfig_json_release(value);
}

/* numbers keep their digits: as text, or as equal JSON */
static void
test_numbers(void)
{
	static const struct
	{
		const char *text;
		const char *expected;	/* in any of these forms */
		const char *or_else;
	} numbers[] = {
		{"0", "0", NULL}, {"-0", "-0", "-0e0"}, {"-0.0", "-0.0", NULL}, {"-1", "-1", NULL}, {"50.0", "50.0", NULL}, {"1.10", "1.10", NULL},
		{"999999999999999999", "999999999999999999", NULL}, {"-999999999999999999", "-999999999999999999", NULL},
		{"9223372036854775807", "9223372036854775807", "9223372036854775807e0"},
		{"9223372036854775808", "9223372036854775808", "9223372036854775808e0"},
		{"18446744073709551616", "18446744073709551616", "18446744073709551616e0"},
		{"-9223372036854775809", "-9223372036854775809", "-9223372036854775809e0"},
		{"123456789012345678901234567890", "123456789012345678901234567890", "123456789012345678901234567890e0"},
		{"0.1", "0.1", NULL}, {"0.30000000000000004", "0.30000000000000004", NULL}, {"1e300", "1e300", NULL}, {"1E300", "1E300", NULL}, {"1e+2", "1e+2", NULL}, {"1e400", "1e400", NULL},
		{"5e-324", "5e-324", NULL}, {"1.7976931348623157e308", "1.7976931348623157e308", NULL},
		{"0.123456789012345678901234567890", "0.123456789012345678901234567890", NULL}, {"12345678901234567890.5", "12345678901234567890.5", NULL},
		{"-12345678901234567890e-5", "-12345678901234567890e-5", NULL},
	};
	static const struct
	{
		const char *text;
		int64		value;
		bool		exact;
	} integers[] = {
		{"0", 0, true}, {"7", 7, true}, {"-7", -7, true}, {"999999999999999999", INT64CONST(999999999999999999), true},
		{"1.0", 0, false}, {"1e2", 0, false}, {"9223372036854775808", 0, false}, {"\"7\"", 0, false}, {"true", 0, false}, {"[]", 0, false},
	};
	size_t i;

	for (i = 0; i < lengthof(numbers); i++)
	{
		int places;

		/* at the top, in an array, as a member */
		for (places = 0; places < 3; places++)
		{
			static const char *const frames[] = {"%s", "[%s]", "{\"a\":%s }"};
			char		text[100];
			size_t		length;
			JsonValue  *value;
			JsonValue  *found;
			const char *got;

			snprintf(text, sizeof(text), frames[places], numbers[i].text);
			value = parse(text);
			found = places == 0 ? value : places == 1 ? appconfig_json_array_element(value, 0) : appconfig_json_lookup(value, "a");
			got = found != NULL ? appconfig_json_text(found, &length) : "nothing";
			ok(strcmp(got, numbers[i].expected) == 0 || (numbers[i].or_else != NULL && strcmp(got, numbers[i].or_else) == 0),
			   "%s keeps its digits (%s)", text, got);
			appconfig_json_release(value);
		}
	}
	for (i = 0; i < lengthof(integers); i++)
	{
		JsonValue *value = parse(integers[i].text);
		bool	   exact = !integers[i].exact;
		int64	   got = appconfig_json_integer(value, &exact);

		ok(got == integers[i].value && exact == integers[i].exact, "%s as an integer", integers[i].text);
		appconfig_json_release(value);
	}
	/* digits in strings and names are not numbers */
	is_json("[\"12345678901234567890\",\"-0\",\"\\\"12345678901234567890\"]", NULL,
			"[\"12345678901234567890\",\"-0\",\"\\\"12345678901234567890\"]");
	is_json("{\"12345678901234567890\":\"\\\\\"}", NULL, "{\"12345678901234567890\":\"\\\\\"}");
}

static void
is_text(const char *text, const Bytes *expected, const char *what)
{
	JsonValue  *value = parse(text);
	size_t		length = 0;
	const char *got = appconfig_json_text(value, &length);

	ok(length == expected->length && memcmp(got, expected->text, length) == 0, "%s", what);
	appconfig_json_release(value);
}

static void
test_texts(void)
{
	is_text("\"abc\"", &(Bytes) BYTES("abc"), "a string");
	is_text("\"\"", &(Bytes) BYTES(""), "an empty one");
	is_text("\"a\\u0000b\"", &(Bytes) BYTES("a\0b"), "a NUL, and what follows it");
	is_text("\"\\u0000\"", &(Bytes) BYTES("\0"), "only a NUL");
	is_text("\"\\u00e4\\u20ac\"", &(Bytes) BYTES("\xc3\xa4\xe2\x82\xac"), "escapes become UTF-8");
	is_text("\"\\ud83d\\uded2\"", &(Bytes) BYTES("\xf0\x9f\x9b\x92"), "and so do surrogate pairs");
	is_text("\"\\ud83dx\"", &(Bytes) BYTES("\xef\xbf\xbdx"), "half of a pair is replaced");
	is_text("\"\\uded2\"", &(Bytes) BYTES("\xef\xbf\xbd"), "and so is the other half");
	is_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", &(Bytes) BYTES("\"\\/\b\f\n\r\t"), "the other escapes");
	is_text("[1, {\"a\" : \"/\"}]", &(Bytes) BYTES("[1,{\"a\":\"/\"}]"), "anything else as JSON, without spaces");
	is_text("true", &(Bytes) BYTES("true"), "true");
	is_text("{}", &(Bytes) BYTES("{}"), "an object");
	is_json("\"\\u0000\\u001f\\\"\\n\"", NULL, "\"\\u0000\\u001f\\\"\\n\"");
	is_json("[null,{\"a\":null}]", NULL, "[null,{\"a\":null}]");
}

static void
test_paths(void)
{
	const char *document = "{\"a\":{\"b\":{\"c\":1},\"n\":null,\"\":2},\"l\":[{\"Type\":\"x\"},{\"Type\":null}],"
		"\"u\":{\"StringValue\":null,\"NumberValue\":3},\"a.b\":4,\"*\":5}";

	is_json(document, "a.b.c", "1");
	is_json(document, "a.b", "{\"c\":1}");
	is_json(document, "a.n", NULL);
	is_json(document, "a.n.x", NULL);
	is_json(document, "a.x", NULL);
	is_json(document, "a.b.c.d", NULL);
	is_json(document, "A.b", NULL);
	is_json(document, "a.b.c", "1");
	is_json(document, "l[]", "[{\"Type\":\"x\"},{\"Type\":null}]");
	is_json(document, "l[].Type", "[{\"Type\":\"x\"},{\"Type\":null}]");
	is_json(document, "x[].Type", NULL);
	is_json(document, "u.*", "3");
	is_json(document, "a.*.c", "1");
	is_json("{\"Validators\":[]}", "Validators[].Type", "[]");
	is_json("[1]", "a", NULL);
	is_json("\"a\"", "a", NULL);
	is_json("{\"n\":1}", "*", "1");
	is_json("{}", "*", NULL);
	is_json("{\"a\":null}", "*", NULL);
	/* a name may be long, but none of ours is */
	is_json("{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}", "a", NULL);
}

static void
test_unions(void)
{
	static const struct
	{
		const char *text;
		const char *member;
	} unions[] = {
		{"{\"StringValue\":\"x\"}", "StringValue"}, {"{\"Other\":{}}", "Other"}, {"{}", NULL}, {"{\"a\":null}", NULL},
		{"{\"a\":null,\"b\":1}", "b"}, {"{\"b\":false}", "b"}, {"{\"\":1}", ""}, {"[1]", NULL}, {"\"x\"", NULL},
	};
	size_t i;

	for (i = 0; i < lengthof(unions); i++)
	{
		JsonValue *value = parse(unions[i].text);

		is_str(appconfig_json_union_member(value), unions[i].member, "the member of %s", unions[i].text);
		appconfig_json_release(value);
	}
}

static void
test_members(void)
{
	JsonValue  *value = parse("{\"z\":1,\"a\":null,\"\":[],\"m\":\"x\",\"z\":2}");
	JsonMembers members;
	char		seen[100] = "";

	appconfig_json_members_start(&members, value);
	while (appconfig_json_members_next(&members))
	{
		size_t		length;
		const char *text = members.value != NULL ? appconfig_json_serialize(members.value, &length) : "null";

		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s=%s ", members.name, text);
	}
	/* the last of two members of one name is the one that counts */
	is_str(seen, "z=2 a=null =[] m=\"x\" ", "members come in their order, each once");
	ok(!appconfig_json_members_next(&members), "and the end stays the end");
	appconfig_json_release(value);

	is_json("{\"a\":1,\"b\":2,\"a\":{\"c\":3}}", "a.c", "3");
	value = parse("[1,2]");
	appconfig_json_members_start(&members, value);
	ok(!appconfig_json_members_next(&members), "an array has no members");
	appconfig_json_release(value);
}

static void
test_arrays(void)
{
	JsonValue *value = parse("[1,null,[2,3]]");

	is_int(appconfig_json_array_length(value), 3, "an array's length");
	ok(appconfig_json_array_element(value, 1) == NULL, "a null in it is no value");
	is_int(appconfig_json_array_length(appconfig_json_array_element(value, 2)), 2, "an array in it");
	appconfig_json_release(value);
	value = parse("{\"a\":1}");
	is_int(appconfig_json_array_length(value), 0, "an object has no length");
	appconfig_json_release(value);
}

static void
test_references(void)
{
	JsonValue  *value = parse("{\"a\":{\"b\":[1,2]}}");
	JsonValue  *inner = appconfig_json_retain(appconfig_json_lookup(value, "a.b"));
	const char *text;
	size_t		length;

	appconfig_json_release(value);
	text = appconfig_json_serialize(inner, &length);
	is_str(text, "[1,2]", "a part that is held outlives the whole");
	is_int(length, 5, "its length");
	appconfig_json_release(inner);
}

/* No prefix and no changed byte of a document makes the parser stumble. */
static void
test_damage(void)
{
	const char *document = "{\"Items\":[{\"Run\":12345678901234567890,\"D\":\"\\u0041\\ud83d\\uded2\xc3\xa4\",\"W\":-0,"
		"\"N\":null,\"T\":true,\"E\":1.5e-7}],\"NextToken\":\"a\\\"b\"}";
	size_t		length = strlen(document);
	int			accepted_prefixes = 0;
	size_t		i;
	int			byte;

	for (i = 0; i < length; i++)
	{
		char	   *prefix = malloc(i > 0 ? i : 1);
		const char *error;
		JsonValue  *value;

		memcpy(prefix, document, i);
		value = appconfig_json_parse(prefix, i, &error);
		accepted_prefixes += error == NULL ? 1 : 0;
		appconfig_json_release(value);
		free(prefix);
	}
	is_int(accepted_prefixes, 0, "no part of a document is taken for the whole");
	for (i = 0; i < length; i++)
	{
		char *copy = malloc(length);

		memcpy(copy, document, length);
		for (byte = 0; byte < 256; byte++)
		{
			const char *error;
			JsonValue  *value;

			copy[i] = (char) byte;
			value = appconfig_json_parse(copy, length, &error);
			if (value != NULL)
			{
				size_t		serialized;

				(void) appconfig_json_serialize(value, &serialized);
			}
			appconfig_json_release(value);
		}
		free(copy);
	}
	ok(true, "a changed byte does no harm");
}

int
main(void)
{
	size_t i;

	for (i = 0; i < lengthof(accepted); i++)
		test_syntax(&accepted[i], true);
	for (i = 0; i < lengthof(refused); i++)
		test_syntax(&refused[i], false);
	test_depth();
	test_null();
	test_kinds();
	test_numbers();
	test_texts();
	test_paths();
	test_unions();
	test_members();
	test_arrays();
	test_references();
	test_damage();
	return done_testing();
}
