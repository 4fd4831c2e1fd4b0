/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: OAuth 2.0 access tokens, in memory only: one per tenant, token URL and
 * client, fetched by one flight that all who wait share. Owns: sources and their
 * tokens; a source lives while a credential holds it or a flight is open. Threads: the
 * loop's. Errors: ERR_NEEDS_REAUTH (the token host refused the client),
 * ERR_UPSTREAM_UNAVAILABLE, ERR_UPSTREAM_MALFORMED, ERR_POLICY_DENIED; never a lost
 * token that still works. Start reading at: token_source_wait. Token hosts take no slot
 * of a lane.
 */
#ifndef SLUICE_AUTH_TOKENS_H
#define SLUICE_AUTH_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "base/slice.h"
#include "io/http_client.h"

struct tokens;
struct token_source;

/* All three are kept. */
struct tokens *tokens_new(struct http_client *client, const struct clock *clock,
                          const struct log *log);
/* Every source must have been dropped and every flight have ended. Accepts NULL. */
void tokens_free(struct tokens *tokens);

/* RFC 6749 section 4.4 with the client's id and secret in the body. Borrowed. */
struct token_client {
    struct slice tenant; /* tokens never cross tenants */
    struct slice url, client_id, client_secret;
};
/* Holds the source of that client: the same one for the same four values. */
struct token_source *tokens_source(struct tokens *tokens,
                                   const struct token_client *client);
void token_source_drop(struct token_source *source); /* accepts NULL */

/* There is a token, and it is good for another 30 s. */
bool token_source_is_fresh(const struct token_source *source);
/* Lends the token until the next turn of the loop; empty when there is none. */
struct slice token_source_reveal(const struct token_source *source);
/* Counts up with every token: tells which one a refused request carried. */
uint64_t token_source_version(const struct token_source *source);
/* The upstream refused the token of that version: the next wait fetches a new one. */
void token_source_refuse(struct token_source *source, uint64_t version);

struct token_outcome {
    enum err err;
    int status;        /* of the token host; 0: it did not answer */
    struct slice code; /* its "error" member; lent during the callback */
};

/* Embedded in the caller's object. */
struct token_wait {
    struct list link;
    void (*on_ready)(void *ctx, const struct token_outcome *outcome);
    void *ctx;
};
/* Joins the flight, or starts one. on_ready comes exactly once, never before this
 * returned. */
void token_source_wait(struct token_source *source, struct token_wait *wait);
/* on_ready will not come; the flight goes on for the others. */
void token_wait_cancel(struct token_wait *wait);

#endif
