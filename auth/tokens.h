/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: OAuth 2.0 access tokens, in memory: each from a source that one flight at a time
 * fetches for all who wait, and that is renewed before it ends. Owns: sources and their
 * tokens; a source lives while a credential holds it or a flight is open. Threads: the
 * loop's. Errors: ERR_NEEDS_REAUTH (the token host refused), ERR_UPSTREAM_UNAVAILABLE,
 * ERR_UPSTREAM_MALFORMED, ERR_POLICY_DENIED; never a lost token that still works.
 * Start reading at: token_source_wait. How a source gets its token is its way's affair:
 * auth/client_grant.h, auth/grants.h.
 */
#ifndef SLUICE_AUTH_TOKENS_H
#define SLUICE_AUTH_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/token_hosts.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/slice.h"
#include "io/loop.h"

struct tokens;
struct token_source;

/* All are kept. Without a loop nothing is renewed by itself: see tokens_run. `tries`: how
 * often in all a flight that calls wait for is made when its host could not. */
#define TOKEN_TRIES 4
struct tokens *tokens_new(struct loop *loop, struct token_hosts *hosts,
                          const struct clock *clock, const struct log *log, int tries);
/* Every source must have been dropped and every flight have ended. Accepts NULL. */
void tokens_free(struct tokens *tokens);
/* No flight is tried again and nothing is renewed ahead: the token hosts have stopped. */
void tokens_stop(struct tokens *tokens);
struct token_hosts *tokens_hosts(const struct tokens *tokens);
const struct clock *tokens_clock(const struct tokens *tokens);
const struct log *tokens_log(const struct tokens *tokens);

/* ---- For those who make requests ---- */

/* There is a token, and it is good for another 30 s. */
bool token_source_is_fresh(const struct token_source *source);
/* Lends the token until the next turn of the loop; empty when there is none. */
struct slice token_source_reveal(struct token_source *source);
/* When the token ends; 0 when there is none or it was refused. */
int64_t token_source_ends_ms(const struct token_source *source);
/* Counts up with every token: tells which one a refused request carried. */
uint64_t token_source_version(const struct token_source *source);
/* Its token is used next: fetched from memory (base/ahead.h). */
void token_source_ahead(const struct token_source *source);
/* The upstream refused the token of that version: the next wait fetches a new one. */
void token_source_refuse(struct token_source *source, uint64_t version);

struct token_outcome {
    enum err err;
    int status;        /* of the token host; 0: it did not answer */
    struct slice code; /* its "error" member; lent during the callback */
    /* How it was asked, lent likewise; NULL: nothing was sent. */
    const struct http_trace *trace;
    const char *problem; /* in words of the way's own; NULL: it has none */
    struct slice text;   /* what the host said of it, cleaned; lent likewise */
    bool for_proxy;      /* it was asked for the way to the ERP, not for the ERP */
};

/* Embedded in the caller's object. */
struct token_wait {
    struct list link;
    void (*on_ready)(void *ctx, const struct token_outcome *outcome);
    void *ctx;
};
/* Joins the flight, or starts one. ERR_OK: on_ready comes exactly once, never before this
 * returned. Else none could be started (its host is being left alone) and it will not. */
MUST_USE enum err token_source_wait(struct token_source *source,
                                    struct token_wait *wait);
/* on_ready will not come; the flight goes on for the others. */
void token_wait_cancel(struct token_wait *wait);

/* ---- For those who fetch tokens ---- */

struct token_way {
    const char *name; /* for the log */
    /* ERR_OK: token_source_end comes exactly once, never before this returned. `urgent`: a
     * call waits for it. */
    enum err (*fetch)(void *state, struct token_source *source, bool urgent);
    void (*hurry)(void *state); /* the fetch under way became urgent */
    void (*free)(void *state);  /* the source is gone */
    bool renews;                /* the way itself says when to fetch ahead of need */
};

/* For what a way keeps: a copy in locked pages; and in a key the digest of what is secret,
 * under a key of this process. */
struct secret *tokens_hold(struct tokens *tokens, struct slice bytes);
struct slice tokens_digest(struct tokens *tokens, struct slice bytes,
                           struct arena *arena);

/* The source of that key, held; NULL when there is none. */
struct token_source *tokens_find(struct tokens *tokens, struct slice key);
/* Makes it, held once. Copies `key`, keeps `way`, takes `state`. */
struct token_source *tokens_add(struct tokens *tokens, struct slice key,
                                const struct token_way *way, void *state);
void token_source_drop(struct token_source *source); /* accepts NULL */
struct slice token_source_key(const struct token_source *source);
void *token_source_state(const struct token_source *source);

/* The token is known without a fetch, or anew. Borrows it. */
void token_source_set(struct token_source *source, struct slice token, int64_t ends_ms);
/* A fetch is over; with a token when outcome->err is ERR_OK. May free the source. */
void token_source_end(struct token_source *source, const struct token_outcome *outcome,
                      struct slice token, int64_t ends_ms);
/* Fetches unless somebody does, for nobody who waits. */
MUST_USE enum err token_source_renew(struct token_source *source);

/* A time at which a token that ends then is renewed: 60 to 180 s before, or at half its
 * life where that is short. */
int64_t token_renewal_ms(int64_t now_ms, int64_t ends_ms);
/* How long after the n-th failure in a row (1, 2, …) to try again. */
int64_t token_retry_ms(int failures);

/* ---- Time ---- */

/* Renews what is due. The alarm of tokens_new does this. */
void tokens_run(struct tokens *tokens);
int64_t tokens_next_ms(const struct tokens *tokens); /* 0: nothing is due ever */

#endif
