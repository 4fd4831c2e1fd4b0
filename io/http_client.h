/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: requests to an upstream through libcurl on the loop, where the transfer may
 *          outlive the patience of the one who asked.
 * Owns: the one curl multi handle, its sockets and its timer, and every transfer until
 *       its end.
 * Threads: the loop's.
 * Errors: through on_answer; never both an error and a reply.
 * Start reading at: http_send. Names are resolved, every address is checked against
 *         the net policy and pinned before anything is sent; redirects are not
 *         followed; the environment's proxies are ignored; nothing is sent twice.
 */
#ifndef SLUICE_IO_HTTP_CLIENT_H
#define SLUICE_IO_HTTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"
#include "io/http_field.h"
#include "io/loop.h"
#include "io/net_policy.h"

struct http_client;
struct http_transfer;

struct http_client_options {
    const struct net_policy *policy; /* kept */
    size_t max_body_bytes;           /* of an answer; more is ERR_TOO_LARGE */
    int64_t connect_ms;
    /* Kept open for reuse; above the expected concurrency. */
    long max_connections;
    /* PEM file of authorities beside those of the system; kept; NULL: none. */
    const char *ca_file;
};
struct http_client_options http_client_defaults(const struct net_policy *policy);

struct http_client *http_client_new(struct loop *loop,
                                    const struct http_client_options *options);
/* Aborts what is open (each transfer still gets its callbacks), then frees. Not from a
 * callback of a transfer. Accepts NULL. */
void http_client_free(struct http_client *client);

/* Who we are to a TLS server that asks (RFC 8705 section 2): PEM, the certificate first and
 * its issuers behind it. Its connection serves no other request, before or after. */
struct http_identity {
    struct slice certificate_pem, private_key_pem;
};

/* A forward proxy (RFC 9110 section 7.7) that is asked for an http URL: no tunnel, so it
 * reads all of the request. Its address is the one that is checked and pinned; where the
 * URL's host is, is its affair. */
struct http_proxy {
    struct slice url;                /* http://host[:port] */
    const struct http_field *fields; /* for the proxy itself */
    size_t field_count;
    size_t max_line_bytes; /* of a line of the head; a longer one is not sent; 0: any */
};

/* How far a transfer got and by what way, for somebody who looks for what is wrong. Nothing
 * of the answer but its Date. */
struct http_trace {
    enum err err;            /* once it has ended, as in struct http_outcome */
    const char *reason;      /* likewise; "" before */
    char origin[304];        /* scheme://host[:port] of who is connected to */
    bool is_tls, is_literal; /* of that: https; an address instead of a name */
    char addresses[192];     /* of the name, those the policy allows; "": none yet */
    char address[48];        /* the one that was tried last; "": none */
    bool is_connected;       /* and TLS is up, where it is wanted */
    const char *certificate; /* why it was refused: "expired", "not_yet_valid",
                                 "other_host", "untrusted"; NULL: it was not */
    int64_t certificate_ends_ms; /* Unix; 0: not seen */
    int64_t date_ms;             /* the answer's Date; 0: it has none */
    int64_t started_us;          /* the client's own */
    /* connect_us and tls_us are 0 for a connection that was open already. */
    int64_t resolve_us, connect_us, tls_us, total_us;
};

/* All of it is copied before http_send returns. */
struct http_send {
    struct slice method;
    struct slice url; /* sent exactly as it stands: nothing is encoded or normalised */
    const struct http_field *fields;
    size_t field_count;
    struct slice body; /* no body when has_body is false */
    bool has_body;
    const struct http_identity *identity; /* NULL: none */
    const struct http_proxy *proxy;       /* NULL: straight to the URL's host */
    /* Then the caller gets ERR_TIMEOUT; the transfer goes on if it was sent, else it is
     * cut, so that it cannot be sent any more. */
    int64_t answer_ms;
    int64_t max_ms;           /* then the transfer is cut */
    struct http_trace *trace; /* kept and filled until on_end; NULL: nobody looks */
    /* Of an answer that goes on, with a status below 300: what has come since, in turns of
     * their own, never after on_answer, whose body is what is left. Lent during the callback.
     * max_body_bytes is then of what comes between two of them. NULL: on_answer has all. */
    void (*on_piece)(void *ctx, struct slice bytes); /* `ctx` of the handlers */
};

struct http_reply {
    int status;
    const struct http_field *fields; /* names in lower case */
    size_t field_count;
    struct slice body;
};

/* How a transfer ended at the upstream; decides when its slot is free. */
enum http_end {
    /* A whole answer came, or one that we cut because of its size. */
    HTTP_END_ANSWERED,
    /* Refused by policy, no name, no connection, no TLS: it never arrived. */
    HTTP_END_NEVER_SENT,
    /* It may have arrived, and no whole answer came. */
    HTTP_END_LOST
};

struct http_outcome {
    /* ERR_OK, ERR_POLICY_DENIED, ERR_UPSTREAM_UNAVAILABLE, ERR_UPSTREAM_MALFORMED,
     * ERR_TOO_LARGE, ERR_TIMEOUT */
    enum err err;
    const char *reason;             /* a literal for the log: "connect", "tls", … */
    const struct http_reply *reply; /* lent during the callback; NULL on an error */
    bool sent;                      /* bytes of the request may have left */
};

struct http_transfer_handlers {
    /* Exactly once unless abandoned; never before http_send has returned. */
    void (*on_answer)(void *ctx, const struct http_outcome *outcome);
    /* Exactly once, always, after on_answer, maybe in the same turn: the last word. */
    void (*on_end)(void *ctx, enum http_end end);
    void *ctx; /* kept until on_end has returned */
};

/* Starts a transfer. Lends it until on_end. */
struct http_transfer *http_send(struct http_client *client,
                                const struct http_send *request,
                                const struct http_transfer_handlers *handlers);

/*
 * The caller no longer wants the answer: on_answer will not come any more, the transfer
 * is read to its end and thrown away, on_end still comes. If nothing was sent yet, it
 * is cut at once.
 */
void http_transfer_abandon(struct http_transfer *transfer);

size_t http_client_open(const struct http_client *client); /* transfers not yet ended */

#endif
