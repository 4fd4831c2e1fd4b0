/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: grants over a real store and vault, with a token host that is the test: what is
 * sent is kept until the test answers it, in any order and way. Time stands still until
 * the test moves it. Owns: struct grant_world; two of them may share a store's file, as two
 * processes do. Threads: the loop's. Errors: failed assertions. Start reading at: world_open.
 */
#ifndef SLUICE_TESTS_AUTH_GRANT_WORLD_H
#define SLUICE_TESTS_AUTH_GRANT_WORLD_H

#include "auth/grants.h"
#include "tests/unit/auth/world.h"

#define NOW_MS INT64_C(1795000000000)
#define HOUR_MS INT64_C(3600000)
#define SENT_MOST 64
#define ACCOUNT SLICE("acc_a")

struct sent {
    struct http_transfer_handlers handlers;
    char url[128], body[512], authorization[160];
    bool open;
};

struct waiter {
    struct token_wait wait;
    int told;
    enum err err;
    char code[64];
    const char *problem;
};

struct grant_world {
    struct world keys; /* arena, keys, a folder */
    struct loop *loop;
    struct clock_fake time;
    struct clock clock;
    struct log log;
    struct store *store;
    struct vault *vault;
    struct token_hosts *hosts;
    struct tokens *tokens;
    struct grants *grants;
    struct token_source *source;
    struct sent sent[SENT_MOST];
    size_t sent_count;
    int renewals, refused; /* the hooks' calls */
};

/* ---- The token host ---- */

static inline void copy_out(char *out, size_t bytes, struct slice text)
{
    snprintf(out, bytes, "%.*s", SLICE_ARG(text));
}

static inline void world_send(void *ctx, const struct http_send *request,
                              const struct http_transfer_handlers *handlers)
{
    struct grant_world *w = ctx;
    assert_true(w->sent_count < SENT_MOST);
    struct sent *sent = &w->sent[w->sent_count++];
    *sent = (struct sent){.handlers = *handlers, .open = true};
    copy_out(sent->url, sizeof sent->url, request->url);
    copy_out(sent->body, sizeof sent->body, request->body);
    for (size_t i = 0; i < request->field_count; i++) {
        if (slice_is(request->fields[i].name, "Authorization")) {
            copy_out(sent->authorization, sizeof sent->authorization,
                     request->fields[i].value);
        }
    }
}

static inline void answer(struct grant_world *w, size_t n, int status, const char *body)
{
    struct sent *sent = &w->sent[n];
    struct http_reply reply = {.status = status, .body = slice_str(body)};
    struct http_outcome outcome = {.err = ERR_OK, .reply = &reply, .sent = true};
    assert_true(n < w->sent_count && sent->open);
    sent->open = false;
    sent->handlers.on_answer(sent->handlers.ctx, &outcome);
    sent->handlers.on_end(sent->handlers.ctx, HTTP_END_ANSWERED);
}

/* The connection breaks: whether it arrived nobody here knows. */
static inline void lose(struct grant_world *w, size_t n)
{
    struct sent *sent = &w->sent[n];
    struct http_outcome outcome = {
        .err = ERR_UPSTREAM_UNAVAILABLE, .reason = "connect", .sent = true};
    assert_true(n < w->sent_count && sent->open);
    sent->open = false;
    sent->handlers.on_answer(sent->handlers.ctx, &outcome);
    sent->handlers.on_end(sent->handlers.ctx, HTTP_END_LOST);
}

static inline const char *given(struct arena *arena, const char *access,
                                const char *refresh)
{
    return arena_printf(arena,
                        "{\"access_token\":\"%s\",\"refresh_token\":\"%s\","
                        "\"token_type\":\"bearer\",\"expires_in\":\"3600\"}",
                        access, refresh)
        .ptr;
}

/* ---- The world ---- */

static inline void on_refused(void *ctx, struct slice account,
                              const struct token_outcome *outcome)
{
    struct grant_world *w = ctx;
    (void)account;
    assert_int_equal(outcome->err, ERR_NEEDS_REAUTH);
    w->refused++;
}

static inline enum err on_renew(void *ctx, struct slice account)
{
    struct grant_world *w = ctx;
    (void)account;
    w->renewals++;
    return token_source_renew(w->source);
}

/* Of the client with that secret. */
static inline struct token_source *make_source_of(struct grant_world *w,
                                                  const char *secret)
{
    const struct grant_client client = {SLICE("https://erp.example/token"),
                                        SLICE("cid"), slice_str(secret)};
    return grants_source(w->grants, ACCOUNT, &client);
}

static inline struct token_source *make_source(struct grant_world *w)
{
    return make_source_of(w, "");
}

/* `path` of another world's store, or NULL for one of its own. */
static inline struct grant_world *world_open(const char *path)
{
    struct grant_world *w = calloc(1, sizeof *w);
    world_begin(&w->keys);
    w->loop = loop_new();
    w->time.wall_ms = NOW_MS;
    w->clock = clock_from_fake(&w->time);
    w->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &w->clock};
    w->vault = vault_new(w->keys.keys);
    assert_int_equal(
        store_open(w->loop, &w->log, path != NULL ? path : w->keys.path, &w->store),
        ERR_OK);
    const struct token_transport transport = {world_send, w};
    w->hosts = token_hosts_new(&transport, &w->clock, &w->log, 4);
    w->tokens = tokens_new(NULL, w->hosts, &w->clock, &w->log, 1);
    const struct grants_parts parts = {
        NULL, w->store, w->vault, w->tokens, &w->log, INT64_C(168) * 3600 * 1000, 2,
    };
    w->grants = grants_new(&parts);
    grants_set_hooks(w->grants, &(struct grant_hooks){on_renew, on_refused, w});
    return w;
}

/* Both clocks go on. */
static inline void pass(struct grant_world *w, int64_t ms)
{
    w->time.wall_ms += ms;
    w->time.mono_us += ms * 1000;
}

/* Until no write is under way and nothing has to be told. */
static inline void settle(struct grant_world *w)
{
    while (loop_run_once(w->loop)) {
    }
}

/* What is due next happens. */
static inline void run_next(struct grant_world *w)
{
    int64_t at_ms = grants_next_ms(w->grants);
    assert_true(at_ms > 0);
    pass(w, at_ms > w->time.wall_ms ? at_ms - w->time.wall_ms : 0);
    grants_run(w->grants);
    settle(w);
}

static inline void on_last(void *ctx)
{
    struct grant_world *w = ctx;
    loop_release(w->loop);
}

static inline void world_close(struct grant_world *w)
{
    token_source_drop(w->source);
    token_hosts_stop(w->hosts);
    for (size_t n = 0; n < w->sent_count; n++) {
        if (w->sent[n].open) {
            lose(w, n);
        }
    }
    store_close(w->store);
    loop_hold(w->loop);
    loop_post(w->loop, on_last, w); /* behind what the writer has just ended */
    settle(w);
    grants_free(w->grants);
    tokens_free(w->tokens);
    token_hosts_free(w->hosts);
    loop_free(w->loop);
    vault_free(w->vault);
    world_end(&w->keys);
    free(w);
}

/* ---- What is stored ---- */

static inline void put_account_of(struct grant_world *w, struct slice id)
{
    struct store_batch *batch = store_batch_new();
    const struct store_account account = account_with_grant(id);
    store_insert_account(batch, &account);
    assert_int_equal(store_commit_now(w->store, batch), ERR_OK);
}

static inline void put_account(struct grant_world *w)
{
    put_account_of(w, ACCOUNT);
}

/* For tests of one account: a world of its own for each. */
static inline int set_up(void **state)
{
    struct grant_world *w = world_open(NULL);
    put_account(w);
    *state = w;
    return 0;
}

static inline int tear_down(void **state)
{
    world_close(*state);
    return 0;
}

/* As after a consent. */
static inline void put_consent_of(struct grant_world *w, struct slice account,
                                  const char *access, const char *refresh,
                                  int64_t life_ms)
{
    struct store_batch *batch = store_batch_new();
    const struct token_answer tokens = {ERR_OK, slice_str(access), life_ms,
                                        slice_str(refresh), SLICE_EMPTY};
    assert_int_equal(grants_put(w->grants, batch, account, &tokens, NULL), ERR_OK);
    assert_int_equal(store_commit_now(w->store, batch), ERR_OK);
}

static inline void put_consent(struct grant_world *w, const char *access,
                               const char *refresh, int64_t life_ms)
{
    put_consent_of(w, ACCOUNT, access, refresh, life_ms);
}

static inline int64_t stored_version(struct grant_world *w)
{
    struct store_grant grant = {0};
    assert_int_equal(store_get_grant(w->store, ACCOUNT, w->keys.arena, &grant), ERR_OK);
    settle(w);
    return grant.version;
}

/* ---- Those who wait ---- */

static inline void on_ready(void *ctx, const struct token_outcome *outcome)
{
    struct waiter *waiter = ctx;
    waiter->told++;
    waiter->err = outcome->err;
    copy_out(waiter->code, sizeof waiter->code, outcome->code);
    waiter->problem = outcome->problem;
}

static inline void wait_for(struct token_source *source, struct waiter *waiter)
{
    *waiter = (struct waiter){.wait = {.on_ready = on_ready, .ctx = waiter}};
    assert_int_equal(token_source_wait(source, &waiter->wait), ERR_OK);
    assert_int_equal(waiter->told, 0);
}

/* With a grant whose access token ended an hour ago. */
static inline void begin_expired(struct grant_world *w)
{
    put_consent(w, "a1", "r1", HOUR_MS);
    w->time.wall_ms += 2 * HOUR_MS;
    w->source = make_source(w);
    assert_false(token_source_is_fresh(w->source));
}

/* Up to the request that renews it. */
static inline void begin_refresh(struct grant_world *w, struct waiter *waiter)
{
    begin_expired(w);
    wait_for(w->source, waiter);
    settle(w);
}

static inline void assert_has(struct grant_world *w, const char *access)
{
    assert_true(token_source_is_fresh(w->source));
    assert_text(token_source_reveal(w->source), access);
}

#endif
