/*-------------------------------------------------------------------------
 *
 * xml.h
 *		As much of XML as an answer of AWS's older interfaces takes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_XML_H
#define APPCONFIG_XML_H

/*
 * A text that is not ours to free, nor ended by a NUL; NULL if there is none
 */
typedef struct Excerpt
{
	const char *text;
	size_t		length;			/* bytes */
} Excerpt;

extern Excerpt appconfig_xml_root(const char *body);
extern Excerpt appconfig_xml_element(const char *body, const char *name);

#endif							/* APPCONFIG_XML_H */
