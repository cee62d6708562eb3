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

static char *
visible(const Bytes *bytes)
{
	char	   *copy = malloc(bytes->length * 4 + 1);
	char	   *out = copy;
	size_t		i;

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

/* The value as JSON text, for the next call to overwrite */
static const char *
serialize(JsonValue *value)
{
	static StringInfoData text;

	if (text.data == NULL)
		initStringInfo(&text);
	resetStringInfo(&text);
	appconfig_json_append(&text, value);
	return text.data;
}

static JsonValue *
element(JsonValue *array, int i)
{
	JsonElements elements;

	appconfig_json_elements_start(&elements, array);
	while (appconfig_json_elements_next(&elements))
	{
		if (i-- == 0)
			return elements.value;
	}
	return NULL;
}

/* The value's JSON is what is expected, whatever was parsed. */
static void
is_json(const char *text, const char *path, const char *expected)
{
	JsonValue  *value = parse(text);
	JsonValue  *found = appconfig_json_lookup(value, path);
	const char *got = found != NULL ? serialize(found) : NULL;

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
	char	   *text = malloc(depth * 2 + 1);

	memset(text, open, depth);
	memset(text + depth, close, depth);
	text[depth * 2] = '\0';
	return text;
}

static void
test_depth(void)
{
	static const int depths[] = {1, 10, JSON_MAX_DEPTH - 1, JSON_MAX_DEPTH + 1, 1000, 1000000};
	size_t		i;

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
	}			kinds[] = {
		{"true", JSON_BOOLEAN}, {"1", JSON_NUMBER}, {"1.5", JSON_NUMBER}, {"12345678901234567890", JSON_NUMBER},
		{"\"1\"", JSON_STRING}, {"[]", JSON_ARRAY}, {"{}", JSON_OBJECT},
	};
	JsonValue  *value;
	size_t		i;

	for (i = 0; i < lengthof(kinds); i++)
	{
		value = parse(kinds[i].text);
		is_int(appconfig_json_kind(value), kinds[i].kind, "the kind of %s", kinds[i].text);
		appconfig_json_release(value);
	}
	value = parse("[true,false,\"true\",1]");
	ok(appconfig_json_boolean(element(value, 0)), "true");
	ok(!appconfig_json_boolean(element(value, 1)), "false");
	ok(!appconfig_json_boolean(element(value, 2)) &&
	   !appconfig_json_boolean(element(value, 3)), "and what is no boolean");
	appconfig_json_release(value);
}

/* numbers keep their digits: as text, or as equal JSON */
static void
test_numbers(void)
{
	static const struct
	{
		const char *text;
	}			numbers[] = {
		{"0"}, {"-0"}, {"-0.0"}, {"-1"}, {"50.0"}, {"1.10"},
		{"999999999999999999"}, {"-999999999999999999"}, {"9223372036854775807"}, {"9223372036854775808"}, {"18446744073709551616"},
		{"-9223372036854775809"}, {"123456789012345678901234567890"},
		{"0.1"}, {"0.30000000000000004"}, {"1e300"}, {"1E300"}, {"1e+2"}, {"1e400"}, {"5e-324"}, {"1.7976931348623157e308"},
		{"0.123456789012345678901234567890"}, {"12345678901234567890.5"}, {"-12345678901234567890e-5"},
	};
	static const struct
	{
		const char *text;
		int64		value;
		bool		exact;
	}			integers[] = {
		{"0", 0, true}, {"7", 7, true}, {"-7", -7, true}, {"999999999999999999", INT64CONST(999999999999999999), true},
		/* however it is written */
		{"1.0", 1, true}, {"1e2", 100, true}, {"1e0", 1, true}, {"10e-1", 1, true}, {"0.001e3", 1, true}, {"-1.50E+1", -15, true},
		{"100000000000000000000e-19", 10, true}, {"-0", 0, true}, {"0.000", 0, true}, {"0e99999999999999999999", 0, true},
		{"9223372036854775807", INT64CONST(9223372036854775807), true}, {"922337203685477580.70e1", INT64CONST(9223372036854775807), true},
		/* what is none */
		{"1.5", 0, false}, {"1e-1", 0, false}, {"1e19", 0, false}, {"1e30", 0, false}, {"1e99999999999999999999", 0, false}, {"1e-99999999999999999999", 0, false},
		{"9223372036854775808", 0, false}, {"\"7\"", 0, false}, {"true", 0, false}, {"[]", 0, false},
	};
	size_t		i;

	for (i = 0; i < lengthof(numbers); i++)
	{
		int			places;

		/* at the top, in an array, as a member */
		for (places = 0; places < 3; places++)
		{
			static const char *const frames[] = {"%s", "[%s]", "{\"a\":%s }"};
			char		text[100];
			JsonValue  *value;
			JsonValue  *found;
			const char *got;

			snprintf(text, sizeof(text), frames[places], numbers[i].text);
			value = parse(text);
			found = places == 0 ? value : places == 1 ? element(value, 0) : appconfig_json_lookup(value, "a");
			got = found != NULL ? serialize(found) : "nothing";
			is_str(got, numbers[i].text, "%s keeps its digits", text);
			appconfig_json_release(value);
		}
	}
	for (i = 0; i < lengthof(integers); i++)
	{
		JsonValue  *value = parse(integers[i].text);
		bool		exact = !integers[i].exact;
		int64		got = appconfig_json_integer(value, &exact);

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
	JsonValue  *value;
	size_t		length;

	is_text("\"abc\"", &(Bytes) BYTES("abc"), "a string");
	is_text("\"\"", &(Bytes) BYTES(""), "an empty one");
	is_text("\"a\\u0000b\"", &(Bytes) BYTES("a\0b"), "a NUL, and what follows it");
	is_text("\"\\u0000\"", &(Bytes) BYTES("\0"), "only a NUL");
	is_text("\"\\u00e4\\u20ac\"", &(Bytes) BYTES("\xc3\xa4\xe2\x82\xac"), "escapes become UTF-8");
	is_text("\"\\ud83d\\uded2\"", &(Bytes) BYTES("\xf0\x9f\x9b\x92"), "and so do surrogate pairs");
	is_text("\"\\ud83dx\"", &(Bytes) BYTES("\xef\xbf\xbdx"), "half of a pair is replaced");
	is_text("\"\\uded2\"", &(Bytes) BYTES("\xef\xbf\xbd"), "and so is the other half");
	is_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", &(Bytes) BYTES("\"\\/\b\f\n\r\t"), "the other escapes");
	is_text("true", &(Bytes) BYTES("true"), "true");
	is_text("-1.50", &(Bytes) BYTES("-1.50"), "a number as it was sent");
	value = parse("{}");
	ok(appconfig_json_text(value, &length) == NULL && length == 0, "an object has no text");
	ok(appconfig_json_text(NULL, &length) == NULL && length == 0, "and neither has a null");
	appconfig_json_release(value);
	is_json("[1, {\"a\" : \"/\"}]", NULL, "[1,{\"a\":\"/\"}]");
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
	}			unions[] = {
		{"{\"StringValue\":\"x\"}", "StringValue"}, {"{\"Other\":{}}", "Other"}, {"{}", NULL}, {"{\"a\":null}", NULL},
		{"{\"a\":null,\"b\":1}", "b"}, {"{\"b\":false}", "b"}, {"{\"\":1}", ""}, {"[1]", NULL}, {"\"x\"", NULL},
	};
	size_t		i;

	for (i = 0; i < lengthof(unions); i++)
	{
		JsonValue  *value = parse(unions[i].text);

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
		const char *text = serialize(members.value);

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

/* names are told apart whatever is between them, and however many they are */
static void
test_many_members(void)
{
	static const int counts[] = {1, 16, 17, 1000, 100000};
	size_t		i;

	for (i = 0; i < lengthof(counts); i++)
	{
		StringInfoData text;
		JsonValue  *value;
		JsonMembers members;
		int			seen = 0;
		int			right = 0;
		int			k;

		/* each name twice, the second time with the number that counts */
		initStringInfo(&text);
		appendStringInfoChar(&text, '{');
		for (k = 0; k < 2 * counts[i]; k++)
			appendStringInfo(&text, "%s\"n%d\":[%d,{\"n0\":null}]", k > 0 ? "," : "", k % counts[i], k);
		appendStringInfoChar(&text, '}');
		value = parse(text.data);
		appconfig_json_members_start(&members, value);
		while (appconfig_json_members_next(&members))
		{
			bool		exact;

			right += atoi(members.name + 1) == seen &&
				appconfig_json_integer(appconfig_json_first_element(members.value), &exact) == counts[i] + seen;
			seen++;
		}
		is_int(seen, counts[i], "%d members that come twice", counts[i]);
		is_int(right, counts[i], "are in the order of the first, with the values of the last");
		is_int(appconfig_json_parts(value), counts[i] * 2 * 6, "and all they consist of is counted");
		appconfig_json_release(value);
		pfree(text.data);
	}
	is_json("{\"a\":1,\"\\u0061\":2}", "a", "2");
	is_json("{\"ab\":1,\"a\":2,\"abc\":3}", "a", "2");
}

/*
 * what comes in is kept as it came, and takes no more than a small multiple of it
 */
static void
test_documents(void)
{
	static const char *const units[] = {"{}", "[]", "[[]]", "1", "0.5", "\"\"", "\"a\"", "null", "true", "{\"\":0}", "{\"\":{}}"};
	const char *received = " {\"b\" : [1.50 , \"\\u00e4\\ud83d\"],\t\"a\":{ }, \"a\":1e2}\n";
	JsonValue  *value = parse(received);
	const char *source;
	size_t		length;
	size_t		i;

	source = appconfig_json_source(appconfig_json_lookup(value, "b"), &length);
	ok(length == strlen(received) && memcmp(source, received, length) == 0, "a value leads to the text as it was received");
	appconfig_json_release(value);
	ok(appconfig_json_size(NULL) == 0, "nothing takes no memory");
	for (i = 0; i < lengthof(units); i++)
	{
		StringInfoData text;
		int			k;

		initStringInfo(&text);
		for (k = 0; k < 100000; k++)
			appendStringInfo(&text, "%s%s", k > 0 ? "," : "[", units[i]);
		appendStringInfoChar(&text, ']');
		value = parse(text.data);
		ok(appconfig_json_size(value) <= 12 * (size_t) text.len, "a text full of %s takes %.1f times its size", units[i],
		   (double) appconfig_json_size(value) / text.len);
		appconfig_json_release(value);
		pfree(text.data);
	}
}

static void
test_arrays(void)
{
	JsonValue  *value = parse("[1,null,[2,3]]");

	is_int(appconfig_json_array_length(value), 3, "an array's length");
	ok(element(value, 1) == NULL, "a null in it is no value");
	is_int(appconfig_json_array_length(element(value, 2)), 2, "an array in it");
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

	appconfig_json_release(value);
	is_str(serialize(inner), "[1,2]", "a part that is held keeps what it is a part of");
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
		char	   *copy = malloc(length);

		memcpy(copy, document, length);
		for (byte = 0; byte < 256; byte++)
		{
			const char *error;
			JsonValue  *value;

			copy[i] = (char) byte;
			value = appconfig_json_parse(copy, length, &error);
			if (value != NULL)
				(void) serialize(value);
			appconfig_json_release(value);
		}
		free(copy);
	}
	ok(true, "a changed byte does no harm");
}

int
main(void)
{
	size_t		i;

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
	test_many_members();
	test_documents();
	test_arrays();
	test_references();
	test_damage();
	return done_testing();
}
