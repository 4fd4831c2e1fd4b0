/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: requests to an upstream through libcurl on the loop, where the transfer may outlive
 *          the patience of the one who asked.
 * Owns: the one curl multi handle, its sockets and its timer, and every transfer until its end.
 * Threads: the loop's.
 * Errors: through on_answer; never both an error and a reply.
 * Start reading at: http_send. Names are resolved and every address is checked against the net
 *         policy before anything is sent, and pinned; redirects are not followed; proxies of the
 *         environment are ignored.
 */
#ifndef SLUICE_IO_HTTP_CLIENT_H
#define SLUICE_IO_HTTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "io/http_server.h"
#include "io/loop.h"
#include "io/net_policy.h"

struct http_client;
struct http_transfer;

struct http_client_options {
    const struct net_policy *policy; /* kept */
    size_t max_body_bytes;           /* of an answer; more is ERR_TOO_LARGE */
    int64_t connect_ms;
    long max_connections; /* kept open for reuse; above the expected concurrency */
};
struct http_client_options http_client_defaults(const struct net_policy *policy);

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options);
/* Aborts what is open (each transfer still gets its callbacks), then frees. Accepts NULL. */
void http_client_free(struct http_client *client);

/* All of it is copied before http_send returns. */
struct http_send {
    struct slice method;
    struct slice url; /* sent exactly as it stands: nothing is encoded or normalised */
    const struct http_field *fields;
    size_t field_count;
    struct slice body;    /* no body when has_body is false */
    bool has_body;
    int64_t answer_ms; /* then the caller gets ERR_TIMEOUT; the transfer goes on if it was
                          sent, else it is cut, so that it cannot be sent any more */
    int64_t max_ms;    /* then the transfer is cut */
};

struct http_reply {
    int status;
    const struct http_field *fields; /* names in lower case */
    size_t field_count;
    struct slice body;
};

/* How a transfer ended at the upstream; decides when its slot is free. */
enum http_end {
    HTTP_END_ANSWERED,   /* a whole answer came, or one that we cut because of its size */
    HTTP_END_NEVER_SENT, /* refused by policy, no name, no connection, no TLS: it never arrived */
    HTTP_END_LOST        /* it may have arrived, and no whole answer came */
};

struct http_outcome {
    enum err err;                   /* ERR_OK, ERR_POLICY_DENIED, ERR_UPSTREAM_UNAVAILABLE,
                                       ERR_UPSTREAM_MALFORMED, ERR_TOO_LARGE, ERR_TIMEOUT */
    const char *reason;             /* a literal for the log: "connect", "tls", "resolve", … */
    const struct http_reply *reply; /* lent during the callback when err is ERR_OK, else NULL */
    bool sent;                      /* bytes of the request may have reached the upstream */
};

struct http_transfer_handlers {
    /* Exactly once unless abandoned; never before http_send has returned. */
    void (*on_answer)(void *ctx, const struct http_outcome *outcome);
    /* Exactly once, always, after on_answer, possibly in the same turn: the last word. */
    void (*on_end)(void *ctx, enum http_end end);
    void *ctx; /* kept until on_end has returned */
};

/* Starts a transfer. Lends it until on_end. */
struct http_transfer *http_send(struct http_client *client, const struct http_send *request,
                                const struct http_transfer_handlers *handlers);

/*
 * The caller no longer wants the answer: on_answer will not come any more, the transfer is read
 * to its end and thrown away, on_end still comes. If nothing was sent yet, it is cut at once.
 */
void http_transfer_abandon(struct http_transfer *transfer);

size_t http_client_open(const struct http_client *client); /* transfers not yet ended */

#endif
