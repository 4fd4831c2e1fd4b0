/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the destination service says of one destination, kept and renewed as a
 * token is: one flight for all who wait, no slot of a lane. Owns: nothing beyond the
 * sources it adds to tokens. Threads: the loop's. Errors: as auth/tokens.h. Start reading
 * at: destination_source.
 */
#ifndef SLUICE_AUTH_DESTINATION_SOURCE_H
#define SLUICE_AUTH_DESTINATION_SOURCE_H

#include "auth/client_grant.h"
#include "auth/destination_answer.h"

/* All borrowed. */
struct destination_asked {
    struct client_grant service; /* of the destination service */
    struct slice service_url;    /* without the path */
    struct slice name;
    struct slice origin; /* where its URL has to be: its login goes nowhere else */
    /* Of the connectivity service, for destinations on premise; url empty: none. */
    struct client_grant connectivity;
};

/* Holds the source of that destination: the same one for the same values. */
struct token_source *destination_source(struct tokens *tokens,
                                        const struct destination_asked *asked);

/* What such a source has found. */
struct destination {
    bool on_premise, is_basic;
    struct slice location, client, path, queries, proxy_token;
    struct http_field fields[1 + DESTINATION_FIELDS];
    size_t field_count;
};
/* Copies into `arena`; false when there is none. */
bool destination_reveal(struct slice token, struct arena *arena,
                        struct destination *out);

/* The proxy refused the token that `source` found for it. */
void destination_refuse_proxy(struct token_source *source);

#endif
