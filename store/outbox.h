/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what is told to others by webhooks: who is told (endpoints), what is still to be
 * told and what became of it (deliveries). An event is stored with what it tells of, in one
 * batch: neither a crash loses it nor does a batch that was refused tell anything.
 * Owns: nothing of its own. Threads: as store/store.h, of which this is a part.
 * Errors: as store/store.h. Start reading at: store_put_event.
 */
#ifndef SLUICE_STORE_OUTBOX_H
#define SLUICE_STORE_OUTBOX_H

#include "store/store.h"

struct store_endpoint {
    struct slice id;           /* whe_… */
    struct slice tenant;       /* whose accounts it hears of; empty: all */
    struct slice url;          /* https://… */
    int64_t events;            /* a bit for each type it hears of */
    struct slice state, cause; /* "active"; "disabled" and why */
    int64_t secret_version; /* 1, 2, …: its secret is derived from id and version */
    int64_t old_secret_ends_ms; /* of the version before; 0: it has none */
    int64_t dropped;       /* events that found its outbox full: set by the store */
    int64_t held_until_ms; /* it asked to be left alone until then; 0: it did not */
    int64_t created_ms, updated_ms;
};

/* Something that happened; becomes a delivery for each endpoint that hears of it. */
struct store_event {
    struct slice id;     /* evt_… */
    struct slice type;   /* "account.connected" */
    int64_t bit;         /* the type's, in store_endpoint.events */
    struct slice tenant; /* of the account it is about */
    struct slice
        endpoint;      /* empty; else this one alone is told, whatever it hears of */
    struct slice body; /* JSON: ids, states and times */
    int64_t created_ms;
};

struct store_delivery {
    int64_t n; /* counts up */
    struct slice event, endpoint, type;
    struct slice
        body; /* of store_list_due alone: it is emptied when the delivery is over */
    int64_t created_ms;
    int64_t attempts, tried_ms; /* so far; the last one's time, 0: none */
    int64_t status;             /* of its answer; 0: there was none */
    struct slice reason;        /* why there was none: "connect", "policy", … */
    int64_t duration_ms;
    int64_t next_ms;      /* of the next attempt; 0: it is over */
    struct slice outcome; /* "pending", "delivered", "given_up", "dropped" */
};

/* ---- Writing ---- */

/* ERR_CONFLICT when there are `most` already. */
void store_insert_endpoint(struct store_batch *batch,
                           const struct store_endpoint *endpoint, int64_t most);
/* With its deliveries. ERR_NOT_FOUND when there is none. */
void store_delete_endpoint(struct store_batch *batch, struct slice id);
/* The next version of its secret, over exactly `expected` (ERR_CONFLICT). */
void store_rotate_endpoint(struct store_batch *batch, struct slice id, int64_t expected,
                           int64_t old_ends_ms, int64_t now_ms);
/* It is told nothing more, and what is still to be told is dropped. ERR_OK too when there is
 * none. */
void store_disable_endpoint(struct store_batch *batch, struct slice id,
                            struct slice cause, int64_t now_ms);

/* It is told again from now on; not what was dropped. ERR_NOT_FOUND when there is none. */
void store_enable_endpoint(struct store_batch *batch, struct slice id, int64_t now_ms);
/* Nothing is due for it before `until_ms`; never sooner than was said before. ERR_OK too when
 * there is none. */
void store_hold_endpoint(struct store_batch *batch, struct slice id, int64_t until_ms);

/* An endpoint that has `most` deliveries before it gets none; it counts what it missed. */
void store_put_event(struct store_batch *batch, const struct store_event *event,
                     int64_t most);
/* Removes the server if none of its tokens lasts until `before_ms`, and then tells of it. */
void store_expire_server(struct store_batch *batch, struct slice server,
                         int64_t before_ms, const struct store_event *event,
                         int64_t most);
/* Notes that the end of this account's grant at `ends_ms` was told for the `stage`-th time (1,
 * 2), and tells of it; neither if it was noted before or the grant ends at another time. */
void store_warn_grant(struct store_batch *batch, struct slice account, int64_t ends_ms,
                      int64_t stage, const struct store_event *event, int64_t most);
/* The same of a client certificate of the account that ends then. */
void store_warn_certificate(struct store_batch *batch, struct slice account,
                            int64_t ends_ms, int64_t stage,
                            const struct store_event *event, int64_t most);
/* After an attempt: of `delivery` n and event name it, the members from `attempts` on are
 * stored. ERR_OK too when it is not there any more. */
void store_put_attempt(struct store_batch *batch,
                       const struct store_delivery *delivery);
/* Of the deliveries that are over those older than `before_ms`, and those that are not among
 * the `most` newest of their endpoint. */
void store_purge_deliveries(struct store_batch *batch, int64_t before_ms, int64_t most);

/* fn(ctx) on the loop after each batch with an event is durable. Keeps `ctx`; fn NULL: ends
 * that. */
void store_on_event(struct store *store, void (*fn)(void *ctx), void *ctx);

/* ---- Reading ---- */

MUST_USE enum err store_get_endpoint(struct store *store, struct slice id,
                                     struct arena *arena, struct store_endpoint *out);
/* In order of id, ids greater than `after`. */
MUST_USE enum err store_list_endpoints(struct store *store, struct slice after,
                                       size_t limit, struct arena *arena,
                                       struct store_endpoint **out, size_t *count);
/* Those that are not over, the soonest first. */
MUST_USE enum err store_list_due(struct store *store, struct slice endpoint,
                                 size_t limit, struct arena *arena,
                                 struct store_delivery **out, size_t *count);
/* The newest first, those before number `before` (0: all). */
MUST_USE enum err store_list_deliveries(struct store *store, struct slice endpoint,
                                        int64_t before, size_t limit,
                                        struct arena *arena,
                                        struct store_delivery **out, size_t *count);
/* Servers none of whose tokens lasts until `before_ms`, in order of id. */
MUST_USE enum err store_list_expired_servers(struct store *store, int64_t before_ms,
                                             struct slice after, size_t limit,
                                             struct arena *arena,
                                             struct store_server **out, size_t *count);
/* Grants that end after `now_ms` and by `first_ms` that nobody was told of, and by `second_ms`
 * only once; the soonest first. */
MUST_USE enum err store_list_ending_grants(struct store *store, int64_t now_ms,
                                           int64_t first_ms, int64_t second_ms,
                                           size_t limit, struct arena *arena,
                                           struct store_grant **out, size_t *count);
/* Logins of accounts, active or not, whose `auth` names a certificate; in order of account and
 * scheme, those after `after`'s. Of each the account, the scheme and `auth`. */
MUST_USE enum err store_list_certificates(struct store *store,
                                          const struct store_credential *after,
                                          size_t limit, struct arena *arena,
                                          struct store_credential **out, size_t *count);

#endif
