/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens. Invariants:
 *   1. A source has at most one flight; whoever waits is on its list.
 *   2. A token is replaced only by a newer one; a failed flight leaves the old one
 * where it is.
 *   3. Nothing here is written to a file; tokens are secrets, requests and answers are
 * wiped.
 */
#include "auth/tokens.h"

#include <stdlib.h>

#include "auth/mac.h"
#include "auth/token_answer.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/secret.h"
#include "base/text.h"

#define SPARE_MS 30000  /* a token that ends sooner is not used any more */
#define FLIGHT_MS 20000 /* a token host that needs longer is down */
#define FORM_BYTES (64 * 1024)

struct tokens {
    struct http_client *client;
    const struct clock *clock;
    const struct log *log;
    struct map *sources;
    struct secret_pool *pool;
    struct secret *blind; /* makes digests of secrets that are known nowhere else */
    struct mac *mac;
};

struct token_source {
    struct tokens *tokens;
    struct slice key; /* of the map */
    struct arena *arena;
    struct slice url;
    struct secret *form; /* the request's body: it holds the client's secret */
    struct secret *token;
    int64_t ends_ms;
    uint64_t version;
    int holders; /* credentials, and the flight */
    struct list waiting;
    struct http_transfer *flight;
    struct token_outcome outcome;
    struct arena *answer; /* of the flight; holds outcome.code */
};

struct tokens *tokens_new(struct http_client *client, const struct clock *clock,
                          const struct log *log)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    REQUIRE(tokens != NULL);
    tokens->client = client;
    tokens->clock = clock;
    tokens->log = log;
    tokens->sources = map_new();
    tokens->pool = secret_pool_new();
    tokens->blind = secret_random(MAC_BYTES);
    tokens->mac = mac_new();
    return tokens;
}

void tokens_free(struct tokens *tokens)
{
    if (tokens == NULL) {
        return;
    }
    REQUIRE(map_count(tokens->sources) == 0);
    map_free(tokens->sources);
    secret_free(tokens->blind);
    secret_pool_free(tokens->pool);
    mac_free(tokens->mac);
    free(tokens);
}

/* ---- Sources ---- */

static struct secret *make_form(struct tokens *tokens,
                                const struct token_client *client)
{
    struct buf form;
    buf_init(&form, FORM_BYTES);
    buf_append(&form, SLICE("grant_type=client_credentials&client_id="));
    text_percent(&form, client->client_id);
    buf_append(&form, SLICE("&client_secret="));
    text_percent(&form, client->client_secret);
    struct secret *secret = secret_in_pool(tokens->pool, buf_slice(&form));
    buf_free(&form);
    return secret;
}

/* Each part carries its length. In the secret's place stands a digest of it under a key
 * of this process: a changed secret is a new source, and the map's copy tells nobody. */
static struct slice make_key(struct tokens *tokens, const struct token_client *client,
                             struct arena *arena)
{
    unsigned char digest[MAC_BYTES];
    size_t bytes = mac_compute(tokens->mac, MAC_SHA256, secret_reveal(tokens->blind),
                               client->client_secret, digest);
    struct slice secret = text_hex(arena, slice_of((const char *)digest, bytes));
    wipe(digest, sizeof digest);
    return arena_printf(arena, "%zu:%.*s %zu:%.*s %zu:%.*s %.*s", client->tenant.len,
                        SLICE_ARG(client->tenant), client->url.len,
                        SLICE_ARG(client->url), client->client_id.len,
                        SLICE_ARG(client->client_id), SLICE_ARG(secret));
}

struct token_source *tokens_source(struct tokens *tokens,
                                   const struct token_client *client)
{
    struct arena *arena = arena_new();
    struct slice key = make_key(tokens, client, arena);
    struct token_source *source = map_get(tokens->sources, key);
    if (source != NULL) {
        arena_free(arena);
        source->holders++;
        return source;
    }
    source = arena_alloc(arena, sizeof *source);
    source->tokens = tokens;
    source->arena = arena;
    source->key = key;
    source->url = arena_slice(arena, client->url);
    source->form = make_form(tokens, client);
    source->holders = 1;
    list_init(&source->waiting);
    map_put(tokens->sources, key, source);
    return source;
}

void token_source_drop(struct token_source *source)
{
    if (source == NULL) {
        return;
    }
    source->holders--;
    if (source->holders > 0) {
        return;
    }
    map_remove(source->tokens->sources, source->key);
    secret_free(source->form);
    secret_free(source->token);
    arena_free(source->arena);
}

bool token_source_is_fresh(const struct token_source *source)
{
    return source->token != NULL &&
           source->ends_ms - clock_wall_ms(source->tokens->clock) > SPARE_MS;
}

struct slice token_source_reveal(const struct token_source *source)
{
    return source->token != NULL ? secret_reveal(source->token) : SLICE_EMPTY;
}

uint64_t token_source_version(const struct token_source *source)
{
    return source->version;
}

void token_source_refuse(struct token_source *source, uint64_t version)
{
    if (version == source->version) {
        source->ends_ms = 0;
    }
}

/* ---- The flight ---- */

static void keep_token(struct token_source *source, const struct token_answer *answer)
{
    secret_free(source->token);
    source->token = secret_in_pool(source->tokens->pool, answer->token);
    source->version++;
    source->ends_ms = clock_wall_ms(source->tokens->clock) + answer->life_ms;
}

/* No answer: what the network says, in the words that callers are told. */
static enum err err_of(enum err err)
{
    if (err == ERR_TOO_LARGE) {
        return ERR_UPSTREAM_MALFORMED; /* megabytes are no token */
    }
    return err == ERR_POLICY_DENIED || err == ERR_UPSTREAM_MALFORMED
               ? err
               : ERR_UPSTREAM_UNAVAILABLE;
}

static void on_answer(void *ctx, const struct http_outcome *outcome)
{
    struct token_source *source = ctx;
    const struct http_reply *reply = outcome->reply;
    struct token_answer answer;

    if (reply == NULL) {
        source->outcome = (struct token_outcome){err_of(outcome->err), 0, SLICE_EMPTY};
        return;
    }
    source->answer = arena_new();
    token_answer_read(source->answer, reply->status, reply->body, &answer);
    if (answer.err == ERR_OK) {
        keep_token(source, &answer);
    }
    source->outcome = (struct token_outcome){answer.err, reply->status, answer.code};
}

/* Those who join from inside a callback belong to the next flight: it may have begun
 * before the last of these is told, so what they are told is kept apart from it. */
static void on_end(void *ctx, enum http_end end)
{
    struct token_source *source = ctx;
    struct token_outcome outcome = source->outcome;
    struct arena *answer = source->answer;
    struct list told;
    (void)end;
    source->flight = NULL;
    source->answer = NULL;
    log_event(source->tokens->log, outcome.err == ERR_OK ? LOG_INFO : LOG_WARN,
              "token_fetched", LOG_NAME(outcome, err_code(outcome.err)),
              LOG_INT(upstream_status, outcome.status));
    list_init(&told);
    while (!list_empty(&source->waiting)) {
        struct list *node = source->waiting.next;
        list_remove(node);
        list_push(&told, node);
    }
    while (!list_empty(&told)) {
        struct token_wait *wait = LIST_ENTRY(told.next, struct token_wait, link);
        list_remove(&wait->link);
        wait->on_ready(wait->ctx, &outcome);
    }
    arena_free(answer);
    token_source_drop(source);
}

static void start_flight(struct token_source *source)
{
    const struct http_field fields[] = {
        {SLICE("Content-Type"), SLICE("application/x-www-form-urlencoded")},
        {SLICE("Accept"), SLICE("application/json")},
    };
    struct http_send send = {
        .method = SLICE("POST"),
        .url = source->url,
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
        .body = secret_reveal(source->form),
        .has_body = true,
        .answer_ms = FLIGHT_MS,
        .max_ms = FLIGHT_MS,
    };
    struct http_transfer_handlers handlers = {on_answer, on_end, source};
    source->holders++;
    source->outcome = (struct token_outcome){ERR_UPSTREAM_UNAVAILABLE, 0, SLICE_EMPTY};
    source->flight = http_send(source->tokens->client, &send, &handlers);
}

void token_source_wait(struct token_source *source, struct token_wait *wait)
{
    list_push(&source->waiting, &wait->link);
    if (source->flight == NULL) {
        start_flight(source);
    }
}

void token_wait_cancel(struct token_wait *wait)
{
    list_remove(&wait->link);
}
