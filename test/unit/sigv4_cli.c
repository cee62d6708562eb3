/*-------------------------------------------------------------------------
 *
 * sigv4_cli.c
 *	  signs requests read from standard input
 *
 * The other half of test_sigv4_botocore.py.  A line of input is a request,
 * made of fields with a tab between them: a letter, a colon and one or two
 * values in hexadecimal with a colon between them.
 *
 *	  t time (decimal)	  r region		   v service
 *	  k access key id	  x secret		   s session token
 *	  m method			  g segment		   q parameter name:value
 *	  h header name:value b payload
 *
 * Segments, parameters and headers may be repeated; segments and parameters
 * are given as the user knows them and encoded here.  A line of output is the
 * path, the query, the date, the authorization and the canonical request in
 * hexadecimal, again with tabs.
 *
 * IDENTIFICATION
 *	  test/unit/sigv4_cli.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "lib/stringinfo.h"

#include "aws_credentials.h"
#include "aws_sigv4.h"
#include "uri.h"

#define MAX_HEADERS 20

/* One request while its fields are read. */
typedef struct CliRequest
{
	AwsSigv4Scope scope;
	AwsCredentials credentials;
	AwsSigv4Request request;
	AwsSigv4Header headers[MAX_HEADERS];
	StringInfoData path;
	StringInfoData query;
} CliRequest;

/* Returns the bytes that the digits mean, palloc'd and with a terminator. */
static char *
decode_hex(const char *hex)
{
	size_t		len = strlen(hex) / 2;
	char	   *bytes = palloc(len + 1);
	size_t		i;

	for (i = 0; i < len; i++)
	{
		char		digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		bytes[i] = (char) strtol(digits, NULL, 16);
	}
	bytes[len] = '\0';
	return bytes;
}

static void
add_query_parameter(StringInfo query, const char *name, const char *value)
{
	if (query->len > 0)
		appendStringInfoChar(query, '&');
	appconfig_uri_append_query_value(query, name);
	appendStringInfoChar(query, '=');
	appconfig_uri_append_query_value(query, value);
}

/* Takes one field in.  second is NULL for a field of one value. */
static void
read_field(CliRequest *cli, char letter, char *first, char *second)
{
	AwsSigv4Header *header;

	switch (letter)
	{
		case 'r':
			cli->scope.region = first;
			break;
		case 'v':
			cli->scope.service = first;
			break;
		case 'k':
			cli->credentials.access_key_id = first;
			break;
		case 'x':
			cli->credentials.secret_access_key = first;
			break;
		case 's':
			cli->credentials.session_token = first;
			break;
		case 'm':
			cli->request.method = first;
			break;
		case 'g':
			appendStringInfoChar(&cli->path, '/');
			appconfig_uri_append_segment(&cli->path, first);
			break;
		case 'q':
			add_query_parameter(&cli->query, first, second);
			break;
		case 'h':
			header = &cli->headers[cli->request.nheaders++];
			header->name = first;
			header->value = second;
			break;
		case 'b':
			cli->request.payload = first;
			cli->request.payload_len = strlen(first);
			break;
		default:
			fprintf(stderr, "unknown field \"%c\"\n", letter);
			exit(1);
	}
}

/* Reads a line into *cli. */
static void
read_request(CliRequest *cli, char *line)
{
	char	   *state;
	char	   *field;

	memset(cli, 0, sizeof(*cli));
	initStringInfo(&cli->path);
	initStringInfo(&cli->query);

	for (field = strtok_r(line, "\t\n", &state); field != NULL;
		 field = strtok_r(NULL, "\t\n", &state))
	{
		char	   *second = strchr(field + 2, ':');

		if (field[0] == 't')
		{
			cli->scope.time = (time_t) strtoll(field + 2, NULL, 10);
			continue;
		}
		if (second != NULL)
			*second++ = '\0';
		read_field(cli, field[0], decode_hex(field + 2),
				   second != NULL ? decode_hex(second) : NULL);
	}
	cli->request.headers = cli->headers;
	cli->request.path = cli->path.data;
	cli->request.query = cli->query.len > 0 ? cli->query.data : NULL;
	cli->request.normalize_path = true;
}

/* Memory is left to the end of the process. */
int
main(void)
{
	static char line[65536];

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		CliRequest	cli;
		AwsSigv4Result result;
		char	   *canonical_request;
		char	   *signed_headers;
		const char *c;

		read_request(&cli, line);
		canonical_request =
			appconfig_sigv4_canonical_request(&cli.request, &cli.scope,
											  cli.credentials.session_token,
											  &signed_headers);
		if (canonical_request == NULL ||
			!appconfig_sigv4_sign(&cli.request, &cli.scope, &cli.credentials,
								  &result))
		{
			fprintf(stderr, "could not sign\n");
			return 1;
		}
		printf("%s\t%s\t%s\t%s\t", cli.path.data, cli.query.data,
			   result.amz_date, result.authorization);
		for (c = canonical_request; *c != '\0'; c++)
			printf("%02x", (unsigned char) *c);
		printf("\n");
	}
	return 0;
}
