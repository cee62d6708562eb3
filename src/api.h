/*-------------------------------------------------------------------------
 *
 * api.h
 *		Calls of the service: signed, retried, parsed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef APPCONFIG_API_H
#define APPCONFIG_API_H

#include "nodes/pg_list.h"

#include "compat.h"
#include "credential_supply.h"
#include "aws_error.h"
#include "budget.h"
#include "http.h"
#include "json.h"
#include "settings.h"
#include "stats.h"

/*
 * What calls to one endpoint with one identity share: the budget of retries,
 * the pace, the difference between the clocks.  Lives over statements; see
 * session.c.
 */
typedef struct ApiClient ApiClient;

/* One call, over all its attempts */
typedef struct ApiCall ApiCall;

/* Who makes calls.  Must outlive them. */
typedef struct ApiOwner
{
	Oid			serverid;		/* for the statistics */
	ApiClient  *client;
	const AppConfigSettings *settings;
	const ServiceEndpoint *endpoint;
	CredentialSupply *supply;	/* NULL: nothing is signed */
	MemoryContext context;		/* when it is reset, the calls end */
} ApiOwner;

/*
 * What an answer always has, if it is one of the service's to that operation
 */
typedef struct ApiMember
{
	const char *path;			/* as for appconfig_json_lookup(), a constant */
	JsonKind	kind;
} ApiMember;

#define API_MAX_MEMBERS 4

/* What to call */
typedef struct ApiRequest
{
	const char *operation;		/* AWS name, a constant */
	HttpMethod	method;
	const char *path;			/* encoded, begins with a slash */
	const char *query;			/* encoded, or "" */
	const char *body;			/* a text; NULL for none */
	const char *content_type;	/* of the body, a constant */
	const char *header;			/* one more, "Name: value"; NULL for none */
	const char *secret;			/* what no message may show besides the keys;
								 * NULL for nothing */
	const char *secret_target;	/* the same of path and query */
	const char *shown;			/* a constant that messages show in place of
								 * path and query; NULL for these */
	bool		is_text;		/* the answer is read by the caller, and is a
								 * secret */
	bool		is_list;		/* paced with the list operations */
	const struct AppConfigFreezing *freezing;	/* of the document, or NULL */
	bool		names_something;	/* else nothing can be «not found» */
	ApiMember	members[API_MAX_MEMBERS + 1];	/* ended by a NULL path */
	const char *first;			/* of a list's later page: the first one's
								 * query */
	const char *token;			/* of a list's later page; else NULL */
	CallBudget *budget;			/* that it is charged to; NULL for nobody's */
} ApiRequest;

extern ApiClient *appconfig_api_client_create(const AppConfigSettings *settings);
extern void appconfig_api_client_rest(ApiClient *client);
extern void appconfig_api_client_destroy(ApiClient *client);

extern ApiCall *appconfig_api_start(const ApiOwner *owner,
									const ApiRequest *request,
									ApiCounters *counters);
extern bool appconfig_api_is_done(const ApiCall *call);
extern bool appconfig_api_is_under_way(const ApiCall *call);
extern bool appconfig_api_has_failed(const ApiCall *call);
extern void appconfig_api_note_read(ApiCall *call);
extern JsonValue *appconfig_api_document(ApiCall *call);
extern const char *appconfig_api_text(const ApiCall *call, size_t *length);
extern const AwsError *appconfig_api_error(const ApiCall *call);
extern void appconfig_api_spoil(ApiCall *call, const char *why);
extern char *appconfig_api_describe_failure(const ApiCall *call);
extern int64 appconfig_api_sent_at(const ApiCall *call);
pg_noreturn extern void appconfig_api_raise(const ApiCall *call);
extern void appconfig_api_release(ApiCall *call);

extern void appconfig_api_poll(ApiClient *client);
extern bool appconfig_api_has_calls(const ApiClient *client);
extern void appconfig_api_ask_for_times(ApiClient *client);
extern void appconfig_api_wait(List *clients);
extern long appconfig_api_clock_offset(const ApiClient *client);

#endif							/* APPCONFIG_API_H */
