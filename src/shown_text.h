/*-------------------------------------------------------------------------
 *
 * shown_text.h
 *		A text of somebody else's as a message shows it
 *
 * What lives here is the form in which a name, a path or an ARN that was read
 * from a file or the environment may be quoted: short, and of visible ASCII.
 *
 * What may not live here: which texts are shown.  A secret never is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_SHOWN_TEXT_H
#define APPCONFIG_SHOWN_TEXT_H

#define SHOWN_TEXT_LENGTH 160

typedef struct ShownText
{
	char		text[SHOWN_TEXT_LENGTH + sizeof("...")];
} ShownText;

/*
 * Fills *shown and returns its text: what is not printable ASCII becomes a
 * question mark, and what is too much becomes dots.
 */
static inline const char *
appconfig_shown_text(ShownText *shown, const char *text)
{
	size_t		i;

	for (i = 0; text[i] != '\0' && i < SHOWN_TEXT_LENGTH; i++)
		shown->text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	strcpy(shown->text + i, text[i] == '\0' ? "" : "...");
	return shown->text;
}

#endif							/* APPCONFIG_SHOWN_TEXT_H */
