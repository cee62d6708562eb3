/*-------------------------------------------------------------------------
 *
 * secret.c
 *		Whether a text shows one of the secrets that requests are signed with.
 *
 * A service, or a proxy before it, can quote what it was sent: as it was, as
 * part of a URL, a JSON text or a page, with line breaks in it, or cut off.
 * So both the text and the secret are reduced to what such encodings keep,
 * letters and digits without regard to case, and a part of a secret that is
 * long enough to be no accident is as good as the whole.  A secret that is
 * shorter than that, which AWS issues none of, is looked for as it is: else an
 * ExpiredTokenException would show an "expired-token".
 *
 * What may not live here: what is shown instead (aws_error.c).  No error is
 * raised, and every copy of a secret is overwritten.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "secret.h"

/* Letters and digits of a secret that may not be shown */
#define PART 16

/* How many times over a text may have been encoded */
#define MAX_ENCODINGS 4

/*
 * So many characters of base64, or hexadecimal digits, in a row hold PART
 * bytes, wherever among the bytes of the whole text they begin
 */
#define PART_IN_BASE64 20
#define PART_IN_HEX	   (2 * PART)

/* ------------------------------------------------------------------------
 * Reduction
 * ------------------------------------------------------------------------
 */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_decimal(char c)
{
	return c >= '0' && c <= '9';
}

/* The value of a digit of that base, or -1 */
static int
digit_value(char c, int base)
{
	int			value = is_decimal(c) ? c - '0'
	: is_letter(c) && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
	: base;

	return value < base ? value : -1;
}

/*
 * Reads as many digits as there are, up to most, and returns their number; 0
 * if there are less than least.  Sets the character that they stand for; in
 * place of one outside ASCII a blank, which is not compared.
 */
static size_t
read_digits(const char *text, size_t length, int base, size_t least,
			size_t most, char *c)
{
	int			value = 0;
	size_t		n = 0;

	while (n < Min(most, length) && digit_value(text[n], base) >= 0)
		value = value * base + digit_value(text[n++], base);
	*c = value < 0x80 ? (char) value : ' ';
	return n < least ? 0 : n;
}

/* &#37; &#x25; &amp; are characters; those with names are no letters */
static size_t
read_entity(const char *text, size_t length, char *c)
{
	size_t		n = 0;
	size_t		digits;

	*c = ' ';
	if (length > 2 && text[0] == '#' && (text[1] | 32) == 'x')
	{
		digits = read_digits(text + 2, length - 2, 16, 1, 6, c);
		n = digits > 0 ? 2 + digits : 0;
	}
	else if (length > 1 && text[0] == '#')
	{
		digits = read_digits(text + 1, length - 1, 10, 1, 7, c);
		n = digits > 0 ? 1 + digits : 0;
	}
	else
	{
		while (n < Min(length, 8) && is_letter(text[n]))
			n++;
	}
	return n > 0 && n < length && text[n] == ';' ? n + 1 : 0;
}

/* \u0025 \x25 are characters, and \n is no letter */
static size_t
read_backslash(const char *text, size_t length, char *c)
{
	size_t		digits = 0;

	*c = ' ';
	if (length == 0 || !is_letter(text[0]))
		return 0;
	if (text[0] == 'u')
		digits = read_digits(text + 1, length - 1, 16, 4, 4, c);
	else if (text[0] == 'x')
		digits = read_digits(text + 1, length - 1, 16, 2, 2, c);
	return 1 + digits;
}

/*
 * The length of an encoded character at the beginning of the text, which is
 * put into *c, or 0 if there is none
 */
static size_t
read_encoded(const char *text, size_t length, char *c)
{
	size_t		n = 0;

	if (*text == '%')
		n = read_digits(text + 1, length - 1, 16, 2, 2, c);
	else if (*text == '&')
		n = read_entity(text + 1, length - 1, c);
	else if (*text == '\\')
		n = read_backslash(text + 1, length - 1, c);
	return n > 0 ? 1 + n : 0;
}

/* Undoes one encoding, in place; returns the new length */
static size_t
decode_once(char *text, size_t length)
{
	size_t		from = 0;
	size_t		to = 0;

	while (from < length)
	{
		char		c;
		size_t		n = read_encoded(text + from, length - from, &c);

		if (n == 0)
		{
			c = text[from];
			n = 1;
		}
		text[to++] = c;
		from += n;
	}
	return to;
}

/* Undoes all encodings, in place; returns the new length */
static size_t
decode_text(char *text, size_t length)
{
	int			i;

	for (i = 0; i < MAX_ENCODINGS; i++)
		length = decode_once(text, length);
	return length;
}

/* Leaves the letters, in lower case, and digits; returns the new length */
static size_t
reduce_text(char *text, size_t length)
{
	size_t		to = 0;
	size_t		i;

	for (i = 0; i < length; i++)
	{
		if (is_letter(text[i]))
			text[to++] = text[i] | 32;
		else if (is_decimal(text[i]))
			text[to++] = text[i];
	}
	return to;
}

/* ------------------------------------------------------------------------
 * Search
 * ------------------------------------------------------------------------
 */

/*
 * Have the two texts that many characters in a row in common?  Every such part
 * of the secret has one of the blocks of half the size, laid end to end, in
 * it, so these are looked for, and what stands around them is compared.
 */
static bool
have_in_common(const char *text, size_t length, const char *secret,
			   size_t secret_length, size_t part)
{
	size_t		half = (part + 1) / 2;
	size_t		start;
	const char *end = text + length;

	for (start = 0; start + half <= secret_length; start += half)
	{
		const char *block = secret + start;
		const char *at = text;

		while ((at = memmem(at, end - at, block, half)) != NULL)
		{
			size_t		before = 0;
			size_t		after = half;

			while (before < start && at - before > text &&
				   at[-(ptrdiff_t) before - 1] ==
				   block[-(ptrdiff_t) before - 1])
				before++;
			while (start + after < secret_length && at + after < end &&
				   at[after] == block[after])
				after++;
			if (before + after >= part)
				return true;
			at++;
		}
	}
	return false;
}

/* Writes the bytes as base64 without padding; returns the length */
static size_t
encode_base64(const char *bytes, size_t length, char *base64)
{
	static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32		bits = 0;
	int			count = 0;
	size_t		to = 0;
	size_t		i;

	for (i = 0; i < length; i++)
	{
		bits = (bits << 8 | (unsigned char) bytes[i]) & 0xffff;
		for (count += 8; count >= 6; count -= 6)
			base64[to++] = digits[bits >> (count - 6) & 63];
	}
	return to;
}

/* Writes the bytes as hexadecimal digits; returns the length */
static size_t
encode_hex(const char *bytes, size_t length, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t		i;

	for (i = 0; i < length; i++)
	{
		hex[2 * i] = digits[(unsigned char) bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	return 2 * length;
}

/*
 * Has a text of letters and digits a part of a secret in base64 or in
 * hexadecimal digits?  Base64 has three forms, by how much stands before.
 */
static bool
shows_in_digits(const char *text, size_t length, const char *secret,
				char *scratch)
{
	size_t		secret_length = strlen(secret);
	size_t		n;
	int			shift;

	for (shift = 0; shift < 3; shift++)
	{
		n = encode_base64(secret + shift, secret_length - shift, scratch);
		n = reduce_text(scratch, n);
		if (have_in_common(text, length, scratch, n, PART_IN_BASE64))
			return true;
	}
	n = encode_hex(secret, secret_length, scratch);
	return have_in_common(text, length, scratch, n, PART_IN_HEX);
}

/* Does a text, decoded and also reduced, show a secret? */
static bool
shows_secret(const char *decoded, size_t decoded_length, const char *reduced,
			 size_t reduced_length, const char *secret)
{
	size_t		secret_length = strlen(secret);
	size_t		allocated = 2 * secret_length + 1;
	char	   *scratch = palloc(allocated);
	size_t		n;
	bool		found;

	memcpy(scratch, secret, secret_length);
	n = reduce_text(scratch, decode_text(scratch, secret_length));
	if (n >= PART)
		found = have_in_common(reduced, reduced_length, scratch, n, PART) ||
			shows_in_digits(reduced, reduced_length, secret, scratch);
	else
		found = secret_length > 0 &&
			memmem(decoded, decoded_length, secret, secret_length) != NULL;
	explicit_bzero(scratch, allocated);
	pfree(scratch);
	return found;
}

/* Does a text show one of the secrets, or a long part of one? */
bool
appconfig_secret_shows(const AwsCredentials *credentials, const char *text,
					   size_t length)
{
	const char *secrets[] = {credentials->secret_access_key,
	credentials->session_token};
	char	   *decoded = palloc(length + 1);
	char	   *reduced = palloc(length + 1);
	size_t		decoded_length;
	size_t		reduced_length;
	bool		found = false;
	int			i;

	memcpy(decoded, text, length);
	decoded_length = decode_text(decoded, length);
	memcpy(reduced, decoded, decoded_length);
	reduced_length = reduce_text(reduced, decoded_length);
	for (i = 0; i < (int) lengthof(secrets) && !found; i++)
		found = secrets[i] != NULL &&
			shows_secret(decoded, decoded_length, reduced, reduced_length,
						 secrets[i]);
	explicit_bzero(decoded, length);
	explicit_bzero(reduced, length);
	pfree(decoded);
	pfree(reduced);
	return found;
}
