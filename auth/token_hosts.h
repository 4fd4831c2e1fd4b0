/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: requests to token hosts: never more at once than a cap, and none to a host that
 * keeps failing. Owns: the line of those who ask, and what is known of each host. Keeps
 * the transport. Threads: the loop's. Errors: in token_reply.err. Start reading at:
 * token_hosts_ask. Token hosts take no slot of a lane.
 *
 * A host that failed 5 times in a row is left alone for 30 s; then one request tries it.
 * SAP BTP limits a subaccount's token requests, NetSuite's counts against the account:
 * "Rate Limiting" (SAP Help), "OAuth 2.0 Access and Refresh Tokens" (Oracle Help).
 */
#ifndef SLUICE_AUTH_TOKEN_HOSTS_H
#define SLUICE_AUTH_TOKEN_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "io/http_client.h"

struct token_hosts;

/* How requests leave: http_send of the client, or a test's own. The handlers are called
 * as those of http_send. */
struct token_transport {
    void (*send)(void *ctx, const struct http_send *request,
                 const struct http_transfer_handlers *handlers);
    void *ctx;
};
struct token_transport token_transport_of(struct http_client *client);

struct token_hosts *token_hosts_new(const struct token_transport *transport,
                                    const struct clock *clock, const struct log *log,
                                    int most_at_once);
/* Nobody asks any more. Accepts NULL. */
void token_hosts_free(struct token_hosts *hosts);

/* What came of it; lent during the callback. */
struct token_reply {
    /* ERR_OK: an answer, of whatever status; ERR_UPSTREAM_UNAVAILABLE,
     * ERR_UPSTREAM_MALFORMED, ERR_POLICY_DENIED: none; or what compose answered */
    enum err err;
    int status; /* 0: no answer */
    struct slice body;
    const struct http_trace *trace; /* NULL: nothing was sent */
};

/* Embedded in the asker's object; in use until on_reply. */
struct token_ask {
    struct list link;
    /* Writes the request at the moment it leaves. All of it lives in `arena`, or as long
     * as the ask. May refuse after a wait in line, with what on_reply then says; never
     * within token_hosts_ask. */
    enum err (*compose)(void *ctx, struct arena *arena, struct http_send *request);
    /* Exactly once, never before token_hosts_ask returned. */
    void (*on_reply)(void *ctx, const struct token_reply *reply);
    void *ctx;
    /* A call waits for it: before those that nobody waits for, until those have waited for
     * 20 s; then every other turn is theirs. */
    bool urgent;

    /* token_hosts.c's own. */
    struct token_hosts *hosts;
    struct token_host *host;
    struct token_reply reply;
    struct arena *answer;
    int64_t since_us;
    bool waits, is_new;
};

/* ERR_OK: on_reply will come. ERR_UPSTREAM_UNAVAILABLE: the host is being left alone; it
 * was not asked. Borrows `url`, whose origin tells hosts apart. */
MUST_USE enum err token_hosts_ask(struct token_hosts *hosts, struct slice url,
                                  struct token_ask *ask);

/* Nothing is sent any more: those in line are answered with ERR_UNAVAILABLE, and so is
 * whoever asks. Those under way end with their transport. */
void token_hosts_stop(struct token_hosts *hosts);

/* A call waits for it by now. */
void token_hosts_hurry(struct token_ask *ask);

/* host[:port] of a URL, for the log. Lends from `url`. */
struct slice token_host_name(struct slice url);

/* How many hosts are remembered. */
size_t token_hosts_known(const struct token_hosts *hosts);

#endif
