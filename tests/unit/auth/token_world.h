/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: access tokens against a token host in this process, on the same loop: it answers what
 * the test tells it to, at once or when the test lets it. Time stands still until the test moves
 * it.
 * Owns: struct world, made by set_up and freed by tear_down.
 * Threads: the loop's.
 * Errors: failed assertions.
 * Start reading at: struct world.
 */
#ifndef SLUICE_TESTS_AUTH_TOKEN_WORLD_H
#define SLUICE_TESTS_AUTH_TOKEN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/client_grant.h"
#include "base/buf.h"
#include "io/http_server.h"

#define WAITS 8
#define HOSTS_AT_ONCE 4
#define NOW_MS INT64_C(1795000000000)
#define GOOD \
    "{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"expires_in\":3600}"

struct host {
    struct http_server *server;
    int status;
    const char *body;
    const char *location; /* of a redirect */
    bool holds;           /* answers only when it is let */
    struct http_exchange *held;
    int requests;
    char path[64], form[1024], type[64];
    bool had_authorization;
};

struct waiter {
    struct token_wait wait;
    struct world *world;
    int told;
    enum err err;
    int status;
    char code[80];
    void (*then)(struct waiter *waiter);
};

struct world {
    struct loop *loop;
    struct net_policy *policy;
    struct http_client *client;
    struct clock_fake time;
    struct clock clock;
    struct log log;
    struct token_hosts *hosts;
    struct tokens *tokens;
    struct token_source *source;
    struct host host;
    char url[80], room[128]; /* of a body that a test writes */
    struct waiter waiters[WAITS];
    int told, wanted;
};

/* ---- The token host ---- */

static inline void give_answer(struct host *host, struct http_exchange *exchange)
{
    struct http_field field = {SLICE("Location"), slice_str(host->location)};
    struct http_response response = {.status = host->status,
                                     .fields = &field,
                                     .field_count = host->location != NULL ? 1 : 0,
                                     .body = slice_str(host->body)};
    http_respond(exchange, &response);
}

static inline void copy_text(char *out, size_t bytes, struct slice text)
{
    snprintf(out, bytes, "%.*s", SLICE_ARG(text));
}

static inline void on_request(void *ctx, struct http_exchange *exchange)
{
    struct host *host = ctx;
    const struct http_request *request = http_exchange_request(exchange);
    const struct http_field *type = http_request_field(request, "content-type");

    host->requests++;
    copy_text(host->path, sizeof host->path, request->target);
    copy_text(host->form, sizeof host->form, request->body);
    copy_text(host->type, sizeof host->type, type != NULL ? type->value : SLICE_EMPTY);
    host->had_authorization = http_request_field(request, "authorization") != NULL;
    if (host->holds) {
        host->held = exchange;
        return;
    }
    give_answer(host, exchange);
}

static inline void let_go(struct host *host)
{
    assert_non_null(host->held);
    give_answer(host, host->held);
    host->held = NULL;
}

/* ---- The test's side ---- */

static inline struct token_source *source_of(struct world *w, const char *tenant,
                                             const char *client_id,
                                             const char *client_secret)
{
    const struct client_grant client = {.tenant = slice_str(tenant),
                                        .url = slice_str(w->url),
                                        .client_id = slice_str(client_id),
                                        .client_secret = slice_str(client_secret)};

    return client_grant_source(w->tokens, &client);
}

static inline int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct slice cidr = SLICE("127.0.0.1/32"), plain = SLICE("127.0.0.1");
    struct http_server_options options = http_server_defaults();

    w->loop = loop_new();
    w->time.wall_ms = NOW_MS;
    w->clock = clock_from_fake(&w->time);
    w->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &w->clock};
    assert_int_equal(net_policy_new(&cidr, 1, &plain, 1, &w->policy), ERR_OK);
    struct http_client_options out = http_client_defaults(w->policy);
    out.max_body_bytes = 1024 * 1024;
    w->client = http_client_new(w->loop, &out);
    const struct token_transport transport = token_transport_of(w->client);
    w->hosts = token_hosts_new(&transport, &w->clock, &w->log, HOSTS_AT_ONCE);
    w->tokens = tokens_new(NULL, w->hosts, &w->clock, &w->log, 1);
    w->host = (struct host){.status = 200, .body = GOOD};
    assert_int_equal(http_server_listen(w->loop, &options, &w->log, on_request,
                                        &w->host, &w->host.server),
                     ERR_OK);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%d/oauth/token",
             http_server_port(w->host.server));
    w->source = source_of(w, "acme", "sb-app!t1", "s3cret");
    *state = w;
    return 0;
}

static inline void on_drained(void *ctx)
{
    loop_stop(ctx);
}

static inline int tear_down(void **state)
{
    struct world *w = *state;

    token_source_drop(w->source);
    token_hosts_stop(w->hosts);
    http_client_free(w->client);
    tokens_free(w->tokens);
    token_hosts_free(w->hosts);
    http_server_drain(w->host.server, 1000, on_drained, w->loop);
    loop_run(w->loop);
    http_server_free(w->host.server);
    loop_free(w->loop);
    net_policy_free(w->policy);
    free(w);
    return 0;
}

static inline void on_ready(void *ctx, const struct token_outcome *outcome)
{
    struct waiter *waiter = ctx;
    struct world *w = waiter->world;

    waiter->told++;
    waiter->err = outcome->err;
    waiter->status = outcome->status;
    copy_text(waiter->code, sizeof waiter->code, outcome->code);
    w->told++;
    if (waiter->then != NULL) {
        waiter->then(waiter);
    }
    if (w->told >= w->wanted) {
        loop_stop(w->loop);
    }
}

static inline struct waiter *wait_on(struct world *w, int n,
                                     struct token_source *source)
{
    struct waiter *waiter = &w->waiters[n];

    waiter->world = w;
    waiter->wait.on_ready = on_ready;
    waiter->wait.ctx = waiter;
    int before = waiter->told;
    assert_int_equal(token_source_wait(source, &waiter->wait), ERR_OK);
    assert_int_equal(waiter->told, before); /* never inside the start */
    return waiter;
}

static inline void run_until_told(struct world *w, int count)
{
    w->wanted = count;
    while (w->told < count) {
        loop_run(w->loop);
    }
}

static inline void run_until_requests(struct world *w, int count)
{
    while (w->host.requests < count) {
        (void)loop_run_once(w->loop);
    }
}

static inline void run_until_idle(struct world *w)
{
    while (http_client_open(w->client) > 0) {
        (void)loop_run_once(w->loop);
    }
}

/* One wait, to its end. */
static inline struct waiter *fetch(struct world *w, int n)
{
    struct waiter *waiter = wait_on(w, n, w->source);

    run_until_told(w, w->told + 1);
    return waiter;
}

#define assert_token(source, text) \
    assert_true(slice_eq(token_source_reveal(source), slice_str(text)))

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
