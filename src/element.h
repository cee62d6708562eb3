/*-------------------------------------------------------------------------
 *
 * element.h
 *		The rows that an item falls into: itself, its treatments, their
 *		attributes, or the members of an object.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_ELEMENT_H
#define APPCONFIG_ELEMENT_H

#include "item.h"

/* Where we are within an item */
typedef struct ElementWalk
{
	const AppConfigTable *table;
	AppConfigItem		 *item; /* the row's own parts are set in it */
	bool				  started;
	JsonValue			 *holder;	  /* what has the rows' parts */
	bool				  in_list;	  /* past the control? */
	JsonElements		  treatments; /* the list of the others */
	bool				  in_members;
	JsonMembers			  members;
} ElementWalk;

extern void appconfig_element_start(ElementWalk			 *walk,
									const AppConfigTable *table,
									AppConfigItem		 *item);
extern bool appconfig_element_next(ElementWalk *walk);

#endif /* APPCONFIG_ELEMENT_H */
