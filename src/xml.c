/*-------------------------------------------------------------------------
 *
 * xml.c
 *		As much of XML as an answer of AWS's older interfaces takes.
 *
 * These ask for JSON, so XML is what a front end says, or somebody else.  Two
 * questions are enough to be clear about it: what document is it, and what
 * stands in an element without attributes or parts.  Nothing is decoded: what
 * is read are names, identifiers and plain words.
 *
 * What may not live here: what the names mean.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "xml.h"

#define BLANKS " \t\r\n"

/* The name of the document's element, or nothing if it is no XML */
Excerpt
appconfig_xml_root(const char *body)
{
	body += strspn(body, BLANKS);
	if (strncmp(body, "<?xml", strlen("<?xml")) == 0)
	{
		body += strcspn(body, ">");
		body += strspn(body, ">");
		body += strspn(body, BLANKS);
	}
	if (*body++ != '<')
		return (Excerpt) {NULL, 0};
	return (Excerpt) {body, strcspn(body, BLANKS "/>")};
}

/* The text of the first element of that name that has no parts */
Excerpt
appconfig_xml_element(const char *body, const char *name)
{
	Excerpt		content = {NULL, 0};
	size_t		name_length = strlen(name);
	const char *at = body;

	while ((at = strstr(at, name)) != NULL)
	{
		const char *text = at + name_length + 1;
		size_t		length = at[name_length] == '>' ? strcspn(text, "<") : 0;

		if (at > body && at[-1] == '<' && length > 0 &&
			strncmp(text + length, "</", 2) == 0 &&
			strncmp(text + length + 2, name, name_length) == 0)
		{
			content = (Excerpt) {text, length};
			break;
		}
		at += name_length;
	}
	return content;
}
