/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the three requests of an OAuth 2.0 client about a grant that a person gave:
 * its first tokens (RFC 6749 4.1.3 with RFC 7636), new ones (section 6), and its end
 * (RFC 7009). Owns: the request's body while it is under way. Threads: the loop's. Errors:
 * through on_done. Start reading at: grant_request_send.
 *
 * A client with a secret names itself by HTTP Basic, one without by client_id in the body:
 * Oracle Help, "OAuth 2.0 Authorization Code Grant Flow", step two.
 */
#ifndef SLUICE_AUTH_GRANT_REQUEST_H
#define SLUICE_AUTH_GRANT_REQUEST_H

#include "auth/token_answer.h"
#include "auth/token_hosts.h"
#include "base/secret.h"

#define GRANT_REQUEST_MS 20000 /* a token host that needs longer is down */

/* Borrowed until grant_request_send has returned. */
struct grant_client {
    struct slice url; /* of the token endpoint, or of the one that revokes */
    struct slice client_id, client_secret; /* the second empty: a public client */
};

struct grant_request;

struct grant_request_done {
    enum err err; /* as token_answer, or as token_reply */
    int status;
    struct slice code;              /* the "error" member */
    const struct http_trace *trace; /* as in token_reply */
    struct token_answer answer;     /* with ERR_OK, but for a revocation */
};

struct grant_request_handlers {
    /* Whether it may still leave, asked when its turn in line has come; NULL: always. */
    bool (*may_leave)(void *ctx);
    /* Exactly once, never before grant_request_send returned; what it is shown is lent
     * during the call. The request is gone afterwards. */
    void (*on_done)(void *ctx, const struct grant_request_done *done);
    void *ctx;
    bool urgent;
};

/* `form`: "grant_type=…&…" without the client; borrowed. ERR_OK: on_done will come, and
 * *out is lent until then; else the host is being left alone. */
MUST_USE enum err grant_request_send(struct token_hosts *hosts,
                                     const struct grant_client *client,
                                     struct slice form,
                                     const struct grant_request_handlers *handlers,
                                     struct grant_request **out);
/* Why a renewal was refused, in words, when it was not for the grant's sake; NULL: it was not
 * refused at all. */
const char *grant_request_words(const struct grant_request_done *done);
void grant_request_hurry(struct grant_request *request);
/* on_done will not come; the request goes on by itself. */
void grant_request_leave(struct grant_request *request);

#endif
