/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the destination service says of one destination, read and checked. Owns:
 * nothing: it lives in the arena handed in. Threads: any. Errors: in
 * destination_answer.err, with words for a person. Start reading at:
 * destination_answer_read. SAP BTP documentation, "Find a Destination: Response Structure".
 */
#ifndef SLUICE_AUTH_DESTINATION_ANSWER_H
#define SLUICE_AUTH_DESTINATION_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "io/http_field.h"

#define DESTINATION_FIELDS 8  /* URL.headers.* of one destination */
#define DESTINATION_QUERIES 8 /* URL.queries.* likewise */
#define DESTINATION_TEXT_BYTES 300

struct destination_answer {
    /* ERR_OK; ERR_NEEDS_REAUTH: a person has to look at the destination, or at our client;
     * ERR_UPSTREAM_UNAVAILABLE, ERR_UPSTREAM_MALFORMED */
    enum err err;
    const char *problem; /* unless ERR_OK: a literal */
    struct slice text;   /* what the service said of it, cleaned; may be empty */
    /* With ERR_OK. */
    struct slice origin; /* of its URL, canonical */
    bool on_premise, is_basic;
    struct slice location; /* of the Cloud Connector; empty: that without id */
    struct slice client;   /* sap-client; empty: none */
    struct slice path;     /* of its URL, "/…" without a slash at the end; empty */
    struct slice queries;  /* "name=value&…" of URL.queries.*, encoded; empty */
    /* How it wants to be called: the login first, where there is one. */
    struct http_field fields[1 + DESTINATION_FIELDS];
    size_t field_count, query_count;
    int64_t life_ms; /* of all that */
};

/* Borrows `body`. */
void destination_answer_read(struct arena *arena, int status, struct slice body,
                             struct destination_answer *out);

#endif
