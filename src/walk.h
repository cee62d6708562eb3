/*-------------------------------------------------------------------------
 *
 * walk.h
 *		The nodes that a cursor walks, in the order of the rows.
 *
 * For the files that the cursor is made of (certain_calls.c, cursor.c,
 * expand.c, side_lookup.c, walk.c); nobody else includes it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_WALK_H
#define APPCONFIG_WALK_H

#include "lib/ilist.h"
#include "nodes/pg_list.h"

#include "applications.h"
#include "item.h"
#include "keyset.h"
#include "memo.h"
#include "permissions.h"
#include "route.h"

/* What the nodes of one cursor have in common */
typedef struct CursorWalk
{
	MemoryContext context;		/* holds the nodes */
	MemoryContext scratch;		/* reset after each step */
	Memo	   *memo;
	const Route *route;
	const KeySet *keys;			/* from the moment that all applications are
								 * listed with their names resolved */
	AppConfigItemFilter filter; /* or NULL */
	void	   *filter_arg;
	ApiCounters *counters;
	CallBudget *budget;			/* that the calls are charged to */
	bool		whole;			/* as of the cursor's options */
	bool		spare_lists;	/* is there enough left for Gets alone? */
	Permissions *permissions;
	bool	   *denied;			/* by collection: lists done without */
	dlist_head	queue;
	int			nodes;			/* in the queue */
	int			named_nodes;	/* of these, at the beginning */
	int			asked;			/* nodes with an entry */
	Applications applications;	/* all, where names are resolved */
	List	   *lookups;		/* MemoEntry of side look-ups, held to the end */
} CursorWalk;

typedef enum CursorNodeKind
{
	NODE_APPLICATIONS,			/* a page of all applications, to know their
								 * names */
	NODE_KNOWN,					/* what is above the table's collection, known
								 * by its keys */
	NODE_LIST,					/* a page of a list */
	NODE_GET,					/* a document of the table's own collection */
	NODE_ITEM					/* complete, but for its side look-ups */
} CursorNodeKind;

/*
 * A list of things that can be asked for by their keys as well: for "Lists or
 * Gets" in route.c
 */
typedef struct OptionalList
{
	MemoryContext context;		/* holds this struct */
	RouteList	choice;			/* what it is worth */
	bool		has_more;		/* does a page follow the one that has come? */
	HTAB	   *seen;			/* TargetSlot: paths of the documents of those
								 * that pages before the last have shown; NULL
								 * before the first */
	int			seen_count;		/* things among them */
} OptionalList;

typedef struct CursorNode
{
	dlist_node	node;			/* in walk->queue */
	CursorNodeKind kind;
	int			level;			/* in route->levels */
	KnownKeys	keys;			/* owned */
	bool		from_query;		/* do the keys come from the query, not the
								 * service? */
	bool		unproved;		/* has a list stood in for a document, which
								 * would have proved that they are ids? */
	JsonValue  *source[SOURCE_COUNT];	/* a reference each, or NULL */
	MemoEntry  *entry;			/* LIST, GET: once asked for */
	char	   *token;			/* LIST: NULL for the first page */
	char	   *mark;			/* LIST: an earlier token */
	uint64		pages;			/* LIST: read so far */
	bool		shown;			/* LIST: has a list shown what it belongs to? */
	bool		unfiltered;		/* LIST: without filters on what can be
								 * deleted */
	bool		has_items;		/* LIST: so what its filters name is there */
	OptionalList *optional;		/* LIST: owned; NULL if it is needed */
	MemoEntry  *side[SIDE_COUNT];	/* ITEM */
	bool		sides_started;
} CursorNode;

/* What a new node takes over from the one that it comes of; all borrowed */
typedef struct Inherited
{
	KnownKeys	keys;
	bool		from_query;		/* do they come from the query, not the
								 * service? */
	bool		unproved;		/* has a list stood in for a document? */
	bool		shown;			/* has a list shown what the node belongs to? */
	JsonValue  *source[SOURCE_COUNT];
} Inherited;

#ifdef USE_ASSERT_CHECKING
extern void AssertCheckCursorWalk(const CursorWalk *walk);
#else
#define AssertCheckCursorWalk(walk) ((void) 0)
#endif

extern Inherited appconfig_walk_inherit(const CursorNode *node);
extern CursorNode *appconfig_walk_add(CursorWalk *walk, dlist_node *before,
									  CursorNodeKind kind, int level,
									  const Inherited *inherited);
extern void appconfig_walk_take_out(CursorWalk *walk, CursorNode *node);
extern void appconfig_walk_free(CursorWalk *walk, CursorNode *node);
extern void appconfig_walk_remove(CursorWalk *walk, CursorNode *node);
extern void appconfig_walk_release_sources(CursorNode *node);
extern AppConfigItem appconfig_walk_item(const CursorWalk *walk,
										 JsonValue *const *source,
										 const KnownKeys *keys);

extern const AppConfigOperation *appconfig_walk_operation(const CursorWalk *walk,
														  const CursorNode *node);
extern ApiRequest appconfig_walk_request(const CursorWalk *walk,
										 const AppConfigCollection *collection,
										 const AppConfigOperation *operation,
										 const KnownKeys *keys);

extern bool appconfig_walk_takes_call(CursorWalk *walk,
									  const CursorNode *node);
extern void appconfig_walk_ask(CursorWalk *walk, CursorNode *node);
extern void appconfig_walk_drop_answer(CursorWalk *walk, CursorNode *node);
extern void appconfig_walk_replace_answer(CursorWalk *walk, CursorNode *node,
										  MemoEntry *entry);
extern void appconfig_walk_turn_page(CursorWalk *walk, CursorNode *list,
									 const char *token);
extern void appconfig_walk_start_over(CursorWalk *walk, CursorNode *node);
extern void appconfig_walk_make_optional(CursorWalk *walk, CursorNode *list,
										 const RouteList *choice);
extern void appconfig_walk_make_needed(CursorNode *list);

#endif							/* APPCONFIG_WALK_H */
