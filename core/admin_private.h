/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the files of the management API share: a request under way and its
 * answers. Owns: nothing; a struct admin lives in the exchange's arena and dies with
 * the answer. Threads: the loop's. Errors: the answering functions end the exchange:
 * nothing may be touched afterwards. Start reading at: struct admin.
 */
#ifndef SLUICE_CORE_ADMIN_PRIVATE_H
#define SLUICE_CORE_ADMIN_PRIVATE_H

#include "auth/principal.h"
#include "base/jwriter.h"
#include "core/accounts.h"
#include "core/admin.h"
#include "core/catalogs.h"

#define ADMIN_IDS 2
#define ADMIN_NAME_BYTES 48
#define ADMIN_TRIES 4 /* at a change that others came between */
#define ADMIN_REPLY_BYTES (8 * 1024 * 1024)

struct admin {
    struct gateway *gateway;
    struct http_exchange *exchange;
    struct arena *arena;
    struct slice request_id;
    const char *route; /* its name in the log; NULL: none */
    struct principal who;
    struct slice ids[ADMIN_IDS]; /* the path's {id}s, decoded; then what was made */
    struct slice scheme;         /* of a path that names one: is no id */
    const struct jval *body;     /* an object; NULL for methods without */
    struct catalogs_wait wait;   /* for files that have just changed */
    void (*run)(struct admin *admin);
    int tries; /* of a change that others came between */
};

/* ---- admin_answer.c: each answer ends the exchange ---- */

void admin_respond(struct admin *admin, int status, const struct buf *json);
void admin_no_content(struct admin *admin);
/* The head of an event stream; whoever sends it ends the exchange. */
void admin_begin_events(struct admin *admin);
void admin_fault(struct admin *admin, const struct fault *fault);
/* With one more header field. */
void admin_fault_with(struct admin *admin, const struct fault *fault,
                      const struct http_field *extra);
void admin_error(struct admin *admin, enum err err, struct slice message);
/* One wrong member, named by its pointer. Always false, so that callers can return it. */
bool admin_unprocessable(struct admin *admin, struct slice pointer,
                         const char *message);

struct buf admin_buf(void);

/* One page of a list, as it was asked for and as it is answered. */
struct admin_page {
    struct slice after; /* ?cursor= */
    size_t limit;       /* ?limit=: 1 to 200, 50 by default */
    struct buf json;
    struct jwriter writer; /* for the entries */
};
/* False after a 422. */
bool admin_page_ask(struct admin *admin, struct admin_page *page);
/* {"data":[…],"next_cursor":…} around the entries. `err`: what became of reading them; false after
 * its answer. The end answers 200 and frees the text. `next` empty: the last page. */
bool admin_page_begin(struct admin *admin, struct admin_page *page, enum err err);
void admin_page_end(struct admin *admin, struct admin_page *page, struct slice next);

void admin_text_or_null(struct jwriter *writer, const char *name, struct slice text);
void admin_time(struct jwriter *writer, const char *name,
                int64_t wall_ms);                                       /* 0: null */
struct slice admin_json(struct arena *arena, const struct jval *value); /* as text */

/* ---- admin_ask.c ---- */

/* Admins may touch every tenant, a tenant's token its own. */
bool admin_may_touch(const struct admin *admin, struct slice tenant);
/* The value of a query parameter, or an empty slice. */
struct slice admin_query(const struct admin *admin, const char *name);

/* ?try_now=true: a login is tried though its user was refused too often (core/standing.h); false
 * after a 403, because only the operator may say so: who may create accounts could lock users;
 * or after a 422, beside ?verify=false. */
bool admin_tries_now(struct admin *admin, bool *tries_now);

/* Refuses members that are not in `allowed` (ends with NULL): false after a 422. */
bool admin_only(struct admin *admin, const char *const *allowed);
/* A text member of 1 to `max` bytes; absent is false after a 422 when it is required.
 */
bool admin_text(struct admin *admin, const char *name, bool required, size_t max,
                struct slice *out);
/* 1 to ADMIN_NAME_BYTES of [A-Za-z0-9_.:-]: what may stand in logs and lanes. */
bool admin_is_name(struct slice text);
/* As admin_text, of such a name. */
bool admin_name(struct admin *admin, const char *name, bool required,
                struct slice *out);
/* "ceiling" of an object: 1 to 1000, or null for none (0). False after a 422. */
bool admin_ceiling(struct admin *admin, const struct jval *object, const char *pointer,
                   int *out);
/* The same of a value that is there. */
bool admin_ceiling_value(struct admin *admin, const struct jval *value,
                         const char *pointer, int *out);

enum admin_expiry { EXPIRY_ABSENT, EXPIRY_NEVER, EXPIRY_AT };
/* A whole number member; `otherwise` when it is absent. False after a 422. */
bool admin_number(struct admin *admin, const char *name, long long least,
                  long long most, long long otherwise, long long *out);
/* The stored JSON text with the body's object of that name merged into it (RFC 7396; null
 * empties it). NULL after a 422, and when the body has no such member `stored` as it is. */
const struct jval *admin_merge(struct admin *admin, const char *name,
                               struct slice stored);
/* "expires_at": at least 60 s ahead. False after a 422. */
bool admin_expires_at(struct admin *admin, enum admin_expiry *kind, int64_t *at_ms);

/* The account of the path's first id, if the caller may touch it; false after a 404. */
bool admin_load_account(struct admin *admin, struct store_account *out);

/* "integration": one that is served here. False after a 422. */
bool admin_integration(struct admin *admin, struct slice *name,
                       const struct integration **out);
/* What the integration asks of the operator was said yes to; false after a 422. */
bool admin_acknowledged(struct admin *admin, const struct integration *integration);

/* ---- admin_overrides.c ---- */

/* Checks the overrides that an account gets and writes them as text; null is none. False after
 * a 422, whose pointers start at "/overrides". */
bool admin_read_overrides(struct admin *admin, const struct jval *overrides,
                          struct store_account *record);

/* The body as the overrides of an environment, checked, as text. False after a 422. */
bool admin_read_layer(struct admin *admin, struct slice *text);

/* ---- admin_environments.c ---- */

/* The body's "reauth_url", when it has one: the address of a page for people, or null for none.
 * False after a 422. */
bool admin_reauth_url(struct admin *admin, struct slice *out);

/* ---- admin_state.c ---- */

/* "state": disabled, or active again; an account that was `before` disabled stays so without
 * it. False after a 422. */
bool admin_change_state(struct admin *admin, struct slice before,
                        struct store_account *record);

/* ---- admin_accounts.c ---- */

void admin_respond_account(struct admin *admin, int status,
                           const struct store_account *account);
/* Whether the scheme is for the route of the account, whose lane it sets; false after a
 * 422. */
bool admin_fit_auth(struct admin *admin, struct store_account *record,
                    const struct outbound_scheme *scheme, const struct jval *auth);
/* Tells the token host that the account's grant is over, if it has one. */
void admin_revoke_grant(struct admin *admin);

/* ---- admin_lanes.c ---- */

/* What a caller who is no admin may count: its own tenant's. */
struct slice admin_scope(const struct admin *admin);
/* The members of a lane; and "reserve" and "queue": what it keeps for whom, who waits in it. All
 * that the caller may see. */
void admin_write_lane(const struct admin *admin, struct jwriter *writer,
                      const struct governor_lane_view *lane);
void admin_write_lines(const struct admin *admin, struct arena *arena,
                       struct jwriter *writer, struct slice id);

/* ---- Handlers, by file ---- */

void admin_get_catalog(struct admin *admin);
void admin_list_auth(struct admin *admin);
void admin_put_auth(struct admin *admin);
void admin_verify_auth(struct admin *admin);
void admin_switch_auth(struct admin *admin);
void admin_delete_auth(struct admin *admin);

void admin_list_environments(struct admin *admin);
void admin_get_environment(struct admin *admin);
void admin_patch_environment(struct admin *admin);
void admin_put_overrides(struct admin *admin);

void admin_create_account(struct admin *admin);
void admin_list_accounts(struct admin *admin);
void admin_get_account(struct admin *admin);
void admin_patch_account(struct admin *admin);
void admin_delete_account(struct admin *admin);
void admin_verify_account(struct admin *admin);

void admin_create_connect_session(struct admin *admin);
void admin_get_connect_session(struct admin *admin);

void admin_create_server(struct admin *admin);
void admin_list_servers(struct admin *admin);
void admin_get_server(struct admin *admin);
void admin_patch_server(struct admin *admin);
void admin_delete_server(struct admin *admin);
void admin_rotate_server(struct admin *admin);

void admin_create_token(struct admin *admin);
void admin_list_tokens(struct admin *admin);
void admin_delete_token(struct admin *admin);

void admin_get_vault(struct admin *admin);
void admin_reload_vault(struct admin *admin);
void admin_create_endpoint(struct admin *admin);
void admin_list_endpoints(struct admin *admin);
void admin_get_endpoint(struct admin *admin);
void admin_patch_endpoint(struct admin *admin);
void admin_delete_endpoint(struct admin *admin);
void admin_rotate_endpoint(struct admin *admin);
void admin_test_endpoint(struct admin *admin);
void admin_list_deliveries(struct admin *admin);

void admin_list_lanes(struct admin *admin);
void admin_watch_lanes(struct admin *admin); /* lane_events.c */
void admin_pause_lane(struct admin *admin);
void admin_resume_lane(struct admin *admin);
void admin_drain_lane(struct admin *admin);
void admin_kick_lane(struct admin *admin);
void admin_get_lane(struct admin *admin);
void admin_patch_lane(struct admin *admin);
void admin_get_tenant(struct admin *admin);
void admin_patch_tenant(struct admin *admin);

#endif
