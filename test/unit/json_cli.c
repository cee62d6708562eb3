/*-------------------------------------------------------------------------
 *
 * json_cli.c
 *	  parses texts read from standard input
 *
 * The other half of test_json_python.py.  A line of input is a text in
 * hexadecimal.  A line of output is "!" where it is no JSON, else what has
 * been parsed, written as JSON, in hexadecimal.
 *
 * IDENTIFICATION
 *	  test/unit/json_cli.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "json.h"

/* Decodes a line in its place; returns the bytes that it has */
static size_t
decode_line(char *line)
{
	size_t		length = strcspn(line, "\n") / 2;
	size_t		i;

	for (i = 0; i < length; i++)
	{
		char		digits[3] = {line[2 * i], line[2 * i + 1], '\0'};

		line[i] = (char) strtol(digits, NULL, 16);
	}
	return length;
}

static void
print_value(JsonValue *value)
{
	StringInfoData text;
	int			i;

	initStringInfo(&text);
	appconfig_json_append(&text, value);
	for (i = 0; i < text.len; i++)
		printf("%02x", (unsigned char) text.data[i]);
	pfree(text.data);
}

int
main(void)
{
	static char line[1024 * 1024];

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		size_t		length = decode_line(line);
		const char *error;
		JsonValue  *value = appconfig_json_parse(line, length, &error);

		if (error != NULL)
			printf("!");
		else
			print_value(value);
		printf("\n");
		appconfig_json_release(value);
	}
	return 0;
}
