/*-------------------------------------------------------------------------
 *
 * json.c
 *		JSON values: parse, look up, read out, release.
 *
 * What comes in is hostile until it is parsed: strict syntax as RFC 8259 has
 * it, bounded depth, nothing after the value.  A text is read twice by the
 * same code: first to see whether it is JSON and how much its values take, and
 * then, with all of that memory at hand, to set them down.  So a document is
 * one piece of memory, a small multiple of its text however hostile that is;
 * what was parsed is all that was received, or nothing, and to release it is
 * to free one pointer.  The document also has the text as it was received, for
 * those who keep copies.
 *
 * Memory is malloc'ed and counted by references, and who holds one ties it to
 * a context.  Parsing lets interrupts happen, and like them it raises an error
 * when there is no memory; it leaves nothing behind then.  Of a document with
 * secrets nothing is left in memory, either, when it is released.  The file also
 * builds with -DFRONTEND, for its unit tests.
 *
 * What may not live here: members of AppConfig's answers, columns, SQL types.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"

#include "miscadmin.h"
#endif

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "common/hashfn.h"
#include "common/int.h"
#include "mb/pg_wchar.h"

#include "json.h"

/* Longest text, which the places and lengths below can count */
#define MAX_LENGTH (PG_INT32_MAX / 2)

/* Bytes of text after which interrupts are served: well below a millisecond */
#define SERVE_INTERVAL 65536

/* The same in names of an object, each of which is looked up */
#define SERVE_NAMES 1024

/* Members up to which names are compared with each other, without a table */
#define FEW_MEMBERS 16

/* Bytes of a document with which its memory goes back to the system as well */
#define LARGE_DOCUMENT (4 * 1024 * 1024)

/* In place of half of a surrogate pair, which is no character */
#define REPLACEMENT_CHARACTER 0xFFFD

/* What may stand behind a backslash, and what it means */
static const char escapes[] = "\"\\/bfnrt";
static const char escaped[] = "\"\\/\b\f\n\r\t";

/* What only the values of a document can be: the name of a member */
#define NAME (JSON_OBJECT + 1)

/*
 * Values stand behind each other in the order of the text: behind an array its
 * elements, behind an object each member's name and then its value.
 */
struct JsonValue
{
	uint32		kind:3;			/* JsonKind, or NAME */
	uint32		place:29;		/* among the document's values */
	uint32		next;			/* place of the value that follows it and all
								 * its parts.  Of a NAME, place of the value,
								 * or 0 if another member of that name stands
								 * behind it, and counts instead */
	uint32		text;			/* where among the document's texts it is */
	uint32		length;			/* of that, in bytes; of an array, in
								 * elements; 1 for true */
};

typedef struct JsonDocument
{
	int			references;
	bool		is_secret;		/* is it overwritten before it is freed? */
	size_t		size;			/* of all this, in bytes */
	char	   *source;			/* as it was received, without a NUL */
	size_t		source_length;
	char	   *texts;			/* of names, strings and numbers, a NUL behind
								 * each */
	JsonValue	values[FLEXIBLE_ARRAY_MEMBER];
} JsonDocument;

typedef struct Parser
{
	const char *p;
	const char *end;
	const char *error;			/* what is wrong with the text; NULL so far */
	int			depth;
	bool		is_secret;		/* will the document be? */
	bool		nul;			/* was there a U+0000 in the string? */
	size_t		unserved;		/* bytes since interrupts were served */
	uint32		values;			/* so far, and so the place of the next one */
	uint32		texts;			/* bytes of them so far */
	uint32		most_members;	/* of one object */
	JsonDocument *document;		/* NULL while they are counted */
	uint32	   *names;			/* a hash table for the names of one object,
								 * or NULL */
} Parser;

static bool parse_value(Parser *parser);

/* ------------------------------------------------------------------------
 * Memory and interrupts
 * ------------------------------------------------------------------------
 */

/* The document's memory; NULL is nothing to free */
static void
free_document(JsonDocument *document)
{
	if (document != NULL && document->is_secret)
		explicit_bzero(document, document->size);
	free(document);
}

/* Frees what has been allocated so far */
static void
give_up(Parser *parser)
{
	free(parser->names);
	free_document(parser->document);
}

static void *
allocate_piece(Parser *parser, size_t size)
{
	void	   *memory = malloc(size);

	if (memory != NULL)
		return memory;
	give_up(parser);
#ifdef FRONTEND
	fprintf(stderr, "out of memory\n");
	exit(EXIT_FAILURE);
#else
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
			 errdetail("An answer of AWS AppConfig takes %zu bytes.", size)));
	return NULL;
#endif
}

#ifdef FRONTEND
#define serve_interrupts(parser) ((void) (parser))
#else
static void
serve_interrupts(Parser *parser)
{
	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		give_up(parser);
		PG_RE_THROW();
	}
	PG_END_TRY();
}
#endif

/* Moves on by so many bytes, which must be there */
static inline void
skip_bytes(Parser *parser, size_t bytes)
{
	parser->p += bytes;
	parser->unserved += bytes;
	if (parser->unserved >= SERVE_INTERVAL)
	{
		parser->unserved = 0;
		serve_interrupts(parser);
	}
}

/* ------------------------------------------------------------------------
 * Setting down, or only counting
 * ------------------------------------------------------------------------
 */

/* The text is no JSON; returns false for the caller to return */
static bool
refuse_text(Parser *parser, const char *error)
{
	parser->error = error;
	return false;
}

static bool
refuse_here(Parser *parser)
{
	return refuse_text(parser, parser->p < parser->end
					   ? "unexpected character"
					   : "unexpected end of data");
}

/* A value begins; its place */
static uint32
begin_value(Parser *parser, int kind)
{
	uint32		place = parser->values++;

	if (parser->document != NULL)
	{
		JsonValue  *value = &parser->document->values[place];

		value->kind = kind;
		value->place = place;
		value->text = parser->texts;
	}
	return place;
}

/* It ends, and with it what it consists of */
static void
end_value(Parser *parser, uint32 place, uint32 length)
{
	if (parser->document != NULL)
	{
		JsonValue  *value = &parser->document->values[place];

		value->length = length;
		value->next = parser->values;
	}
}

/* More of the text of the value that has begun */
static inline void
add_text(Parser *parser, const void *text, uint32 length)
{
	if (parser->document != NULL)
		memcpy(parser->document->texts + parser->texts, text, length);
	parser->texts += length;
}

static void
end_text(Parser *parser, uint32 place, uint32 start)
{
	uint32		length = parser->texts - start;

	add_text(parser, "", 1);
	end_value(parser, place, length);
}

/* ------------------------------------------------------------------------
 * Numbers, strings and words
 * ------------------------------------------------------------------------
 */

/* The next character; NUL, which no JSON has, at the end */
static inline char
peek_character(const Parser *parser)
{
	return parser->p < parser->end ? *parser->p : '\0';
}

/* Moves behind a character, if it is the next one */
static inline bool
skip_character(Parser *parser, char character)
{
	if (peek_character(parser) != character)
		return false;
	skip_bytes(parser, 1);
	return true;
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Moves behind digits; false if there are none */
static bool
skip_digits(Parser *parser)
{
	if (!is_digit(peek_character(parser)))
		return false;
	while (is_digit(peek_character(parser)))
		skip_bytes(parser, 1);
	return true;
}

/* Moves behind a number; false if it is none */
static bool
skip_number(Parser *parser)
{
	(void) skip_character(parser, '-');
	if (skip_character(parser, '0') ? is_digit(peek_character(parser))
		: !skip_digits(parser))
		return false;
	if (skip_character(parser, '.') && !skip_digits(parser))
		return false;
	if (!skip_character(parser, 'e') && !skip_character(parser, 'E'))
		return true;
	if (!skip_character(parser, '+'))
		(void) skip_character(parser, '-');
	return skip_digits(parser);
}

static bool
parse_number(Parser *parser)
{
	const char *number = parser->p;
	uint32		start = parser->texts;
	uint32		place = begin_value(parser, JSON_NUMBER);

	if (!skip_number(parser))
		return refuse_text(parser, "not a number");
	add_text(parser, number, parser->p - number);
	end_text(parser, place, start);
	return true;
}

/* The code unit that four hexadecimal digits behind "\u" give, or -1 */
static int
code_unit(const Parser *parser, int offset)
{
	const char *p = parser->p + offset;
	int			code = 0;
	int			i;

	if (parser->end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (i = 2; i < 6; i++)
	{
		const char *digits = "0123456789abcdefABCDEF";
		const char *digit = p[i] != '\0' ? strchr(digits, p[i]) : NULL;
		int			value = digit != NULL ? (int) (digit - digits) : -1;

		if (digit == NULL)
			return -1;
		code = code * 16 + (value < 16 ? value : value - 6);
	}
	return code;
}

static bool
parse_unicode_escape(Parser *parser)
{
	int			unit = code_unit(parser, 0);
	int			second;
	pg_wchar	character = unit;
	int			consumed = 6;
	unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN];

	if (unit < 0)
		return refuse_text(parser, "invalid escape in a string");
	if (unit >= 0xD800 && unit <= 0xDFFF)
	{
		second = unit < 0xDC00 ? code_unit(parser, 6) : -1;
		character = REPLACEMENT_CHARACTER;
		if (second >= 0xDC00 && second <= 0xDFFF)
		{
			character = 0x10000 + ((unit & 0x3FF) << 10) + (second & 0x3FF);
			consumed = 12;
		}
	}
	parser->nul |= character == 0;
	unicode_to_utf8(character, utf8);
	add_text(parser, utf8,
			 character < 0x80 ? 1
			 : character < 0x800 ? 2
			 : character < 0x10000 ? 3
			 : 4);
	skip_bytes(parser, consumed);
	return true;
}

static bool
parse_escape(Parser *parser)
{
	const char *escape;

	if (parser->end - parser->p < 2)
		return refuse_text(parser, "unexpected end of data");
	if (parser->p[1] == 'u')
		return parse_unicode_escape(parser);
	escape = parser->p[1] != '\0' ? strchr(escapes, parser->p[1]) : NULL;
	if (escape == NULL)
		return refuse_text(parser, "invalid escape in a string");
	add_text(parser, &escaped[escape - escapes], 1);
	skip_bytes(parser, 2);
	return true;
}

/* A character beyond ASCII */
static bool
parse_character(Parser *parser)
{
	const unsigned char *p = (const unsigned char *) parser->p;
	int			bytes = *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;

	if (bytes > parser->end - parser->p || !pg_utf8_islegal(p, bytes))
		return refuse_text(parser, "invalid utf-8 string");
	add_text(parser, p, bytes);
	skip_bytes(parser, bytes);
	return true;
}

static inline bool
is_plain(char c)
{
	return (unsigned char) c >= ' ' && (unsigned char) c < 0x80 && c != '"' &&
		c != '\\';
}

/* Characters that stand for themselves, many perhaps, or none */
static void
parse_plain(Parser *parser)
{
	const char *end = parser->p + Min(parser->end - parser->p, SERVE_INTERVAL);
	const char *p = parser->p;

	while (p < end && is_plain(*p))
		p++;
	add_text(parser, parser->p, p - parser->p);
	skip_bytes(parser, p - parser->p);
}

/* The part of a string between its quotes */
static bool
parse_characters(Parser *parser)
{
	for (;;)
	{
		parse_plain(parser);
		if (parser->p == parser->end)
			return refuse_text(parser, "unexpected end of data");
		if (*parser->p == '"')
			return true;
		if (*parser->p == '\\')
		{
			if (!parse_escape(parser))
				return false;
		}
		else if ((unsigned char) *parser->p < ' ')
			return refuse_text(parser, "control character in a string");
		else if (!is_plain(*parser->p) && !parse_character(parser))
			return false;
	}
}

static bool
parse_string(Parser *parser, int kind)
{
	uint32		start = parser->texts;
	uint32		place = begin_value(parser, kind);

	skip_bytes(parser, 1);
	if (!parse_characters(parser))
		return false;
	skip_bytes(parser, 1);
	end_text(parser, place, start);
	return true;
}

/* One of the three words of JSON */
static bool
parse_word(Parser *parser)
{
	static const struct
	{
		const char *word;
		JsonKind	kind;
		uint32		value;
	}			words[] = {
		{"null", JSON_NULL, 0},
		{"false", JSON_BOOLEAN, 0},
		{"true", JSON_BOOLEAN, 1},
	};
	int			i;

	for (i = 0; i < (int) lengthof(words); i++)
	{
		size_t		length = strlen(words[i].word);

		if ((size_t) (parser->end - parser->p) >= length &&
			memcmp(parser->p, words[i].word, length) == 0)
		{
			end_value(parser, begin_value(parser, words[i].kind),
					  words[i].value);
			skip_bytes(parser, length);
			return true;
		}
	}
	return refuse_here(parser);
}

/* ------------------------------------------------------------------------
 * Arrays and objects
 * ------------------------------------------------------------------------
 */

static inline void
skip_space(Parser *parser)
{
	for (;;)
	{
		char		c = peek_character(parser);

		if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
			return;
		skip_bytes(parser, 1);
	}
}

/*
 * Moves behind the bracket that begins a list of parts; *more tells whether
 * there are any
 */
static void
begin_parts(Parser *parser, char bracket, bool *more)
{
	skip_bytes(parser, 1);
	skip_space(parser);
	*more = !skip_character(parser, bracket);
}

/* Moves behind the comma or the bracket that stands behind a part */
static bool
end_part(Parser *parser, char bracket, bool *more)
{
	skip_space(parser);
	*more = skip_character(parser, ',');
	if (!*more && !skip_character(parser, bracket))
		return refuse_here(parser);
	skip_space(parser);
	return true;
}

static bool
parse_array(Parser *parser)
{
	uint32		place = begin_value(parser, JSON_ARRAY);
	uint32		length = 0;
	bool		more;

	begin_parts(parser, ']', &more);
	while (more)
	{
		if (!parse_value(parser) || !end_part(parser, ']', &more))
			return false;
		length++;
	}
	end_value(parser, place, length);
	return true;
}

static JsonValue *
value_at(JsonDocument *document, uint32 place)
{
	return &document->values[place];
}

/* The name behind a name, its value and all of that's parts */
static JsonValue *
next_name(JsonValue *name)
{
	return name + 1 + (name[1].next - name[1].place);
}

static const char *
text_of(const JsonDocument *document, const JsonValue *value)
{
	return document->texts + value->text;
}

static bool
is_named(const JsonDocument *document, const JsonValue *name, const char *text,
		 size_t length)
{
	return name->length == length &&
		memcmp(text_of(document, name), text, length) == 0;
}

static bool
is_same_name(const JsonDocument *document, const JsonValue *a,
			 const JsonValue *b)
{
	return is_named(document, a, text_of(document, b), b->length);
}

/* The first name of an object, from one on, that is the same as another one */
static JsonValue *
find_among_few(const JsonDocument *document, JsonValue *first, JsonValue *name)
{
	while (first != name && !is_same_name(document, first, name))
		first = next_name(first);
	return first;
}

/*
 * The first of an object's names that says the same as this one, which from
 * now on is found itself if it is the first.  The hash is seeded with what
 * nobody outside knows.
 */
static JsonValue *
find_among_many(Parser *parser, uint32 slots, JsonValue *name)
{
	JsonDocument *document = parser->document;
	uint64		hash =
	hash_bytes_extended((const unsigned char *) text_of(document, name),
						(int) name->length, (uint64) (uintptr_t) document);
	uint32		slot;

	for (slot = (uint32) hash & (slots - 1); parser->names[slot] != 0;
		 slot = (slot + 1) & (slots - 1))
	{
		JsonValue  *other = value_at(document, parser->names[slot]);

		if (is_same_name(document, other, name))
			return other;
	}
	parser->names[slot] = name->place;
	return name;
}

/* Slots of a hash table of which at least half stay empty */
static uint32
slots_for(uint32 members)
{
	uint32		slots = 2 * FEW_MEMBERS;

	while (slots < 2 * members)
		slots *= 2;
	return slots;
}

/*
 * Names of an object are found where they stood first, with what they were
 * given last: as other readers of JSON have it, PostgreSQL's jsonb among them.
 */
static void
settle_names(Parser *parser, JsonValue *object, uint32 members)
{
	JsonValue  *first = object + 1;
	JsonValue  *name;
	JsonValue  *end = value_at(parser->document, parser->values);
	uint32		slots = slots_for(members);
	uint32		settled = 0;

	if (members > FEW_MEMBERS)
		memset(parser->names, 0, slots * sizeof(uint32));
	for (name = first; name != end; name = next_name(name))
	{
		JsonValue  *known = members > FEW_MEMBERS
		? find_among_many(parser, slots, name)
		: find_among_few(parser->document, first, name);

		name->next = 0;
		known->next = name[1].place;
		if (++settled % SERVE_NAMES == 0)
			serve_interrupts(parser);
	}
}

/* A name, the colon, and the value.  Names are handed out as C strings. */
static bool
parse_member(Parser *parser)
{
	if (peek_character(parser) != '"')
		return refuse_here(parser);
	parser->nul = false;
	if (!parse_string(parser, NAME))
		return false;
	if (parser->nul)
		return refuse_text(parser,
						   "a member's name contains the character U+0000");
	skip_space(parser);
	if (!skip_character(parser, ':'))
		return refuse_here(parser);
	skip_space(parser);
	return parse_value(parser);
}

static bool
parse_object(Parser *parser)
{
	uint32		place = begin_value(parser, JSON_OBJECT);
	uint32		members = 0;
	bool		more;

	begin_parts(parser, '}', &more);
	while (more)
	{
		if (!parse_member(parser) || !end_part(parser, '}', &more))
			return false;
		members++;
	}
	end_value(parser, place, members);
	parser->most_members = Max(parser->most_members, members);
	if (parser->document != NULL)
		settle_names(parser, value_at(parser->document, place), members);
	return true;
}

/* ------------------------------------------------------------------------
 * Documents
 * ------------------------------------------------------------------------
 */

/* A value that begins here, whatever it is */
static bool
parse_value(Parser *parser)
{
	char		c = peek_character(parser);
	bool		parsed;

	if (c == '"')
		return parse_string(parser, JSON_STRING);
	if (c == '-' || is_digit(c))
		return parse_number(parser);
	if (c != '{' && c != '[')
		return parse_word(parser);
	if (parser->depth == JSON_MAX_DEPTH)
		return refuse_text(parser, "nesting too deep");
	parser->depth++;
	parsed = c == '{' ? parse_object(parser) : parse_array(parser);
	parser->depth--;
	return parsed;
}

/* All of a text: one value.  Counts from the beginning. */
static bool
parse_text(Parser *parser, const char *text, size_t length)
{
	parser->p = text;
	parser->end = text + length;
	parser->values = 0;
	parser->texts = 0;
	skip_space(parser);
	if (!parse_value(parser))
		return false;
	skip_space(parser);
	return parser->p == parser->end ||
		refuse_text(parser, "unexpected characters after the value");
}

/* A document with room for what has been counted, and with its text */
static void
create_document(Parser *parser, const char *text, size_t length)
{
	size_t		values = offsetof(JsonDocument, values) +
	sizeof(JsonValue) * (size_t) parser->values;
	size_t		size = values + parser->texts + length;
	JsonDocument *document = allocate_piece(parser, size);

	document->references = 1;
	document->is_secret = parser->is_secret;
	document->size = size;
	document->texts = (char *) document + values;
	document->source = document->texts + parser->texts;
	document->source_length = length;
	memcpy(document->source, text, length);
	parser->document = document;
	if (parser->most_members > FEW_MEMBERS)
		parser->names =
			allocate_piece(parser,
						   slots_for(parser->most_members) * sizeof(uint32));
}

/* What the two functions below do */
static JsonValue *
parse_document(Parser *parser, const char *text, size_t length,
			   const char **error)
{
	if (length > MAX_LENGTH)
		refuse_text(parser, "too large");
	else if (parse_text(parser, text, length))
	{
		create_document(parser, text, length);
		(void) parse_text(parser, text, length);
	}
	*error = parser->error;
	free(parser->names);
	if (parser->document == NULL ||
		parser->document->values[0].kind != JSON_NULL)
		return parser->document != NULL ? parser->document->values : NULL;
	free_document(parser->document);
	return NULL;
}

/*
 * Parses one JSON text of length bytes.  Returns the value, with one reference
 * that the caller releases.  If it is none, returns NULL with *error set to a
 * static text; a JSON null is NULL as well, without an error.
 */
JsonValue *
appconfig_json_parse(const char *text, size_t length, const char **error)
{
	Parser		parser = {.depth = 0};

	return parse_document(&parser, text, length, error);
}

/*
 * The same for a text that has secrets in it: the document, which has copies
 * of them, is overwritten when its last reference is released, or parsing is
 * given up.  The text itself is the caller's to overwrite.
 */
JsonValue *
appconfig_json_parse_secret(const char *text, size_t length,
							const char **error)
{
	Parser		parser = {.is_secret = true};

	return parse_document(&parser, text, length, error);
}

static JsonDocument *
document_of(JsonValue *value)
{
	return (JsonDocument *) ((char *) (value - value->place) -
							 offsetof(JsonDocument, values));
}

static void
end_document(JsonDocument *document)
{
	size_t		size = document->size;

	free_document(document);
#ifdef __GLIBC__
	/* with what its text was received in, which has been freed before */
	if (size >= LARGE_DOCUMENT)
		malloc_trim(0);
#endif
}

/* One more reference: as long as a value is held, its document is there */
JsonValue *
appconfig_json_retain(JsonValue *value)
{
	if (value != NULL)
		document_of(value)->references++;
	return value;
}

/* One reference less; NULL is nothing to release */
void
appconfig_json_release(JsonValue *value)
{
	if (value != NULL && --document_of(value)->references == 0)
		end_document(document_of(value));
}

/*
 * The text that a value's document was parsed from, as it was received.
 * Borrowed; no NUL follows.
 */
const char *
appconfig_json_source(JsonValue *value, size_t *length)
{
	*length = document_of(value)->source_length;
	return document_of(value)->source;
}

/* Bytes of memory that a value's document takes; none for NULL */
size_t
appconfig_json_size(JsonValue *value)
{
	return value != NULL ? document_of(value)->size : 0;
}

/* ------------------------------------------------------------------------
 * Values
 * ------------------------------------------------------------------------
 */

JsonKind
appconfig_json_kind(JsonValue *value)
{
	return value != NULL ? (JsonKind) value->kind : JSON_NULL;
}

static bool
is_kind(JsonValue *value, JsonKind kind)
{
	return value != NULL && value->kind == kind;
}

/* What the interface knows as a value: nothing in place of a null */
static JsonValue *
unless_null(JsonValue *value)
{
	return value->kind != JSON_NULL ? value : NULL;
}

/* Behind all that a value consists of */
static JsonValue *
end_of_value(JsonValue *value)
{
	return value + (value->next - value->place);
}

/* How many values stand in an array or object, at any depth, names included */
int
appconfig_json_parts(JsonValue *value)
{
	return value != NULL ? (int) (end_of_value(value) - value) - 1 : 0;
}

/* A member of an object by name; NULL if absent, null or not an object's */
static JsonValue *
lookup_member(JsonValue *value, const char *name, size_t length)
{
	JsonDocument *document;
	JsonValue  *member;

	if (!is_kind(value, JSON_OBJECT))
		return NULL;
	document = document_of(value);
	for (member = value + 1; member != end_of_value(value);
		 member = next_name(member))
	{
		/* the first of several of one name leads to the value */
		if (is_named(document, member, name, length))
			return unless_null(value_at(document, member->next));
	}
	return NULL;
}

/*
 * The member of a union: the first that is not null, since null means absent;
 * false if there is none
 */
static bool
find_union_member(JsonMembers *members, JsonValue *value)
{
	appconfig_json_members_start(members, value);
	while (appconfig_json_members_next(members))
	{
		if (members->value != NULL)
			return true;
	}
	return false;
}

/*
 * The name of a union's member, borrowed from the value; NULL if it has none
 */
const char *
appconfig_json_union_member(JsonValue *value)
{
	JsonMembers members;

	return find_union_member(&members, value) ? members.name : NULL;
}

/* The value of a union's member, whichever it has */
static JsonValue *
lookup_union_member(JsonValue *value)
{
	JsonMembers members;

	return find_union_member(&members, value) ? members.value : NULL;
}

/*
 * What stands at a path: names of members with dots between, "*" for a union's
 * only member, NULL for the value itself.  A name that ends in "[]" is that of
 * an array, and what follows is about its elements: the array is the answer.
 * Borrowed from the value; NULL if the path leads nowhere or to a null.
 */
JsonValue *
appconfig_json_lookup(JsonValue *value, const char *path)
{
	while (path != NULL && value != NULL)
	{
		size_t		length = strcspn(path, ".[");

		if (length == 1 && *path == '*')
			value = lookup_union_member(value);
		else
			value = lookup_member(value, path, length);
		path = path[length] == '.' ? path + length + 1 : NULL;
	}
	return value;
}

/*
 * A string's bytes, a number as it was sent, a boolean as JSON has it; NULL
 * for anything else.  A string may contain NUL bytes, hence the length; a NUL
 * follows.  Borrowed from the value.
 */
const char *
appconfig_json_text(JsonValue *value, size_t *length)
{
	const char *text;

	*length = 0;
	if (is_kind(value, JSON_BOOLEAN))
		text = value->length != 0 ? "true" : "false";
	else if (is_kind(value, JSON_STRING) || is_kind(value, JSON_NUMBER))
	{
		*length = value->length;
		return text_of(document_of(value), value);
	}
	else
		return NULL;
	*length = strlen(text);
	return text;
}

/* A boolean's value; false for anything else */
bool
appconfig_json_boolean(JsonValue *value)
{
	return is_kind(value, JSON_BOOLEAN) && value->length != 0;
}

/* Multiplies by ten, so often, and adds; false if that is too large */
static bool
shift_and_add(int64 *number, int64 places, int64 digit)
{
	for (; places > 0 && *number != 0; places--)
	{
		if (pg_mul_s64_overflow(*number, 10, number))
			return false;
	}
	return !pg_add_s64_overflow(*number, digit, number);
}

/*
 * The integer that a number is, however it is written: 1, 1.0 and 10e-1 are
 * the same to JSON, and so they are to the service's clients.  *exact tells
 * whether it is one, and of 64 bits.
 */
int64
appconfig_json_integer(JsonValue *value, bool *exact)
{
	size_t		length;
	const char *p = appconfig_json_text(value, &length);
	int64		number = 0;
	int64		zeros = 0;		/* digits that are not yet in number */
	int64		fraction = 0;	/* digits behind the point */
	int64		exponent = 0;
	bool		negative;
	bool		behind_point = false;

	*exact = false;
	if (!is_kind(value, JSON_NUMBER))
		return 0;
	negative = *p == '-';
	for (p += negative; *p != '\0' && *p != 'e' && *p != 'E'; p++)
	{
		if (*p == '.')
		{
			behind_point = true;
			continue;
		}
		fraction += behind_point;
		if (*p == '0')
			zeros++;
		else if (shift_and_add(&number, zeros + 1, *p - '0'))
			zeros = 0;
		else
			return 0;
	}
	/* far beyond what can matter it is cut off */
	if (*p != '\0')
		exponent = strtol(p + 1, NULL, 10);
	exponent = Max(Min(exponent, PG_INT32_MAX), PG_INT32_MIN);
	exponent += zeros - fraction;
	*exact =
		number == 0 || (exponent >= 0 && shift_and_add(&number, exponent, 0));
	return !*exact ? 0 : negative ? -number : number;
}

/* ------------------------------------------------------------------------
 * Arrays and objects
 * ------------------------------------------------------------------------
 */

int
appconfig_json_array_length(JsonValue *value)
{
	return is_kind(value, JSON_ARRAY) ? (int) value->length : 0;
}

/* Borrowed from the array; NULL if there is none, or a null */
JsonValue *
appconfig_json_first_element(JsonValue *value)
{
	JsonElements elements;

	appconfig_json_elements_start(&elements, value);
	return appconfig_json_elements_next(&elements) ? elements.value : NULL;
}

/* Anything but an array has no elements */
void
appconfig_json_elements_start(JsonElements *elements, JsonValue *value)
{
	bool		is_array = is_kind(value, JSON_ARRAY);

	elements->next = is_array ? value + 1 : NULL;
	elements->end = is_array ? end_of_value(value) : NULL;
	elements->value = NULL;
}

/* Moves on to the next element; false behind the last */
bool
appconfig_json_elements_next(JsonElements *elements)
{
	if (elements->next == elements->end)
		return false;
	elements->value = unless_null(elements->next);
	elements->next = end_of_value(elements->next);
	return true;
}

/* Anything but an object has no members */
void
appconfig_json_members_start(JsonMembers *members, JsonValue *value)
{
	bool		is_object = is_kind(value, JSON_OBJECT);

	members->next = is_object ? value + 1 : NULL;
	members->end = is_object ? end_of_value(value) : NULL;
	members->name = NULL;
	members->value = NULL;
}

/* Moves on to the next member; false behind the last */
bool
appconfig_json_members_next(JsonMembers *members)
{
	JsonDocument *document;
	JsonValue  *name;

	do
	{
		name = members->next;
		if (name == members->end)
			return false;
		members->next = next_name(name);
	} while (name->next == 0);
	document = document_of(name);
	members->name = text_of(document, name);
	members->value = unless_null(value_at(document, name->next));
	return true;
}

/* ------------------------------------------------------------------------
 * Writing
 * ------------------------------------------------------------------------
 */

/* A character that cannot stand for itself in a string */
static void
append_escape(StringInfo buffer, char c)
{
	const char *special = c != '\0' ? strchr(escaped, c) : NULL;

	if (special != NULL)
		appendStringInfo(buffer, "\\%c", escapes[special - escaped]);
	else
		appendStringInfo(buffer, "\\u%04x", (unsigned char) c);
}

static void
append_string(StringInfo buffer, const char *text, size_t length)
{
	const char *end = text + length;
	const char *plain = text;

	appendStringInfoChar(buffer, '"');
	for (; text < end; text++)
	{
		if (is_plain(*text) || IS_HIGHBIT_SET(*text))
			continue;
		appendBinaryStringInfo(buffer, plain, (int) (text - plain));
		append_escape(buffer, *text);
		plain = text + 1;
	}
	appendBinaryStringInfo(buffer, plain, (int) (end - plain));
	appendStringInfoChar(buffer, '"');
}

static void
append_array(StringInfo buffer, JsonValue *value)
{
	JsonElements elements;
	char		separator = '[';

	appconfig_json_elements_start(&elements, value);
	while (appconfig_json_elements_next(&elements))
	{
		appendStringInfoChar(buffer, separator);
		appconfig_json_append(buffer, elements.value);
		separator = ',';
	}
	appendStringInfoString(buffer, separator == '[' ? "[]" : "]");
}

static void
append_object(StringInfo buffer, JsonValue *value)
{
	JsonMembers members;
	char		separator = '{';

	appconfig_json_members_start(&members, value);
	while (appconfig_json_members_next(&members))
	{
		appendStringInfoChar(buffer, separator);
		append_string(buffer, members.name, strlen(members.name));
		appendStringInfoChar(buffer, ':');
		appconfig_json_append(buffer, members.value);
		separator = ',';
	}
	appendStringInfoString(buffer, separator == '{' ? "{}" : "}");
}

/* Appends a value as JSON text, its numbers as they were sent */
void
appconfig_json_append(StringInfo buffer, JsonValue *value)
{
	size_t		length;
	const char *text = appconfig_json_text(value, &length);

#ifndef FRONTEND
	CHECK_FOR_INTERRUPTS();
#endif
	switch (appconfig_json_kind(value))
	{
		case JSON_NULL:
			appendStringInfoString(buffer, "null");
			break;
		case JSON_STRING:
			append_string(buffer, text, length);
			break;
		case JSON_ARRAY:
			append_array(buffer, value);
			break;
		case JSON_OBJECT:
			append_object(buffer, value);
			break;
		default:
			appendBinaryStringInfo(buffer, text, (int) length);
			break;
	}
}
