/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One flight: a token of the destination service, the look-up with it, and, for a
 * destination on premise, a token of the connectivity service. Both services' tokens are
 * sources of their own, shared by all destinations of a tenant. What was found is one
 * secret text of lines, good as long as the shortest-lived part of it.
 */
#include "auth/destination_source.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"

#define FLIGHT_MS 20000
#define STATE_BYTES 1024
#define URL_BYTES 8192
#define FOUND_BYTES (2 * LIMIT_ACCESS_TOKEN_BYTES + 64 * 1024)
#define PATH SLICE("/destination-configuration/v1/destinations/")

struct destination_state {
    struct tokens *tokens;
    struct arena *arena;
    struct slice url, origin;
    struct token_source *service, *connectivity; /* held; the latter may be NULL */

    /* Of the flight under way. */
    struct token_source *source;
    struct token_wait wait;
    struct token_ask ask;
    bool urgent, is_asking, is_second;
    struct secret *found; /* while the connectivity service's token is waited for */
    int64_t ends_ms;
};

/* ---- What was found, as text ---- */

static void put_line(struct buf *out, struct slice text)
{
    buf_append(out, text);
    buf_append_byte(out, '\n');
}

static struct secret *pack(struct tokens *tokens,
                           const struct destination_answer *answer)
{
    struct buf text;

    buf_init(&text, FOUND_BYTES);
    put_line(&text, answer->on_premise ? SLICE("on_premise") : SLICE_EMPTY);
    put_line(&text, answer->is_basic ? SLICE("basic") : SLICE_EMPTY);
    put_line(&text, answer->location);
    put_line(&text, answer->client);
    put_line(&text, answer->path);
    put_line(&text, answer->queries);
    for (size_t i = 0; i < answer->field_count; i++) {
        put_line(&text, answer->fields[i].name);
        put_line(&text, answer->fields[i].value);
    }
    struct secret *packed =
        buf_full(&text) ? NULL : tokens_hold(tokens, buf_slice(&text));
    buf_free(&text);
    return packed;
}

static struct slice take_line(struct slice *text)
{
    ptrdiff_t end = slice_find(*text, '\n');
    struct slice line = slice_of(text->ptr, end < 0 ? text->len : (size_t)end);

    *text = slice_from(*text, end < 0 ? text->len : (size_t)end + 1);
    return line;
}

/* The connectivity service's token stands before the rest. */
bool destination_reveal(struct slice token, struct arena *arena,
                        struct destination *out)
{
    struct slice text = arena_slice(arena, token);

    if (token.len == 0) {
        return false;
    }
    *out = (struct destination){.proxy_token = take_line(&text)};
    out->on_premise = take_line(&text).len > 0;
    out->is_basic = take_line(&text).len > 0;
    out->location = take_line(&text);
    out->client = take_line(&text);
    out->path = take_line(&text);
    out->queries = take_line(&text);
    while (text.len > 0 && out->field_count < 1 + DESTINATION_FIELDS) {
        struct http_field *field = &out->fields[out->field_count++];
        field->name = take_line(&text);
        field->value = take_line(&text);
    }
    return true;
}

/* ---- The flight ---- */

static void end(struct destination_state *state, const struct token_outcome *outcome)
{
    struct token_source *source = state->source;
    struct buf text;

    buf_init(&text, FOUND_BYTES);
    if (outcome->err == ERR_OK) {
        put_line(&text, state->connectivity != NULL
                            ? token_source_reveal(state->connectivity)
                            : SLICE_EMPTY);
        buf_append(&text, secret_reveal(state->found));
    }
    secret_free(state->found);
    state->found = NULL;
    token_source_end(source, outcome, buf_slice(&text), state->ends_ms);
    buf_free(&text);
}

static void fail(struct destination_state *state, enum err err)
{
    const struct token_outcome outcome = {.err = err, .code = SLICE_EMPTY};
    end(state, &outcome);
}

static void on_connectivity(void *ctx, const struct token_outcome *outcome)
{
    struct destination_state *state = ctx;
    int64_t ends_ms = token_source_ends_ms(state->connectivity);
    struct token_outcome proxys = *outcome;

    proxys.for_proxy = true;
    state->ends_ms = ends_ms < state->ends_ms ? ends_ms : state->ends_ms;
    end(state, &proxys);
}

static void wait_for(struct destination_state *state, struct token_source *source,
                     void (*on_ready)(void *ctx, const struct token_outcome *outcome))
{
    state->wait = (struct token_wait){.on_ready = on_ready, .ctx = state};
    enum err err = token_source_wait(source, &state->wait);
    if (err != ERR_OK) {
        const struct token_outcome none = {.err = err,
                                           .code = SLICE_EMPTY,
                                           .for_proxy = source == state->connectivity};
        end(state, &none);
    }
}

static void take_found(struct destination_state *state,
                       const struct destination_answer *answer,
                       const struct http_trace *trace)
{
    const struct token_outcome done = {
        .err = ERR_OK, .status = 200, .code = SLICE_EMPTY, .trace = trace};

    state->found = pack(state->tokens, answer);
    state->ends_ms = clock_wall_ms(tokens_clock(state->tokens)) + answer->life_ms;
    if (state->found == NULL) {
        fail(state, ERR_UPSTREAM_MALFORMED);
    } else if (!answer->on_premise || token_source_is_fresh(state->connectivity)) {
        if (answer->on_premise) {
            on_connectivity(state, &done);
        } else {
            end(state, &done);
        }
    } else {
        wait_for(state, state->connectivity, on_connectivity);
    }
}

/* Its login is for this account's address, and by the way we have. */
static void check_place(const struct destination_state *state,
                        struct destination_answer *answer)
{
    if (answer->err != ERR_OK) {
        return;
    }
    if (!slice_eq(answer->origin, state->origin)) {
        answer->err = ERR_POLICY_DENIED;
        answer->problem = "The destination's URL is at another address than this "
                          "account's base_url, and what is sent goes nowhere else.";
        answer->text = answer->origin;
    } else if (answer->on_premise && state->connectivity == NULL) {
        answer->err = ERR_NEEDS_REAUTH;
        answer->problem = "The destination's system is on premise: proxy_url, "
                          "connectivity_token_url, connectivity_client_id and its "
                          "secret or certificate are needed to reach it.";
    }
}

static void begin(struct destination_state *state);

static void on_reply(void *ctx, const struct token_reply *reply)
{
    struct destination_state *state = ctx;
    struct arena *arena = arena_new();
    struct destination_answer answer = {.err = reply->err};

    state->is_asking = false;
    if (reply->err == ERR_OK && reply->status == 401 && !state->is_second) {
        state->is_second = true; /* a token may be taken back before its end */
        token_source_refuse(state->service, token_source_version(state->service));
        begin(state);
        arena_free(arena);
        return;
    }
    if (reply->err == ERR_OK) {
        destination_answer_read(arena, reply->status, reply->body, &answer);
        check_place(state, &answer);
    }
    if (answer.err == ERR_OK) {
        take_found(state, &answer, reply->trace);
    } else {
        const struct token_outcome outcome = {.err = answer.err,
                                              .status = reply->status,
                                              .code = SLICE_EMPTY,
                                              .trace = reply->trace,
                                              .problem = answer.problem,
                                              .text = answer.text};
        end(state, &outcome);
    }
    arena_free(arena);
}

static enum err compose(void *ctx, struct arena *arena, struct http_send *request)
{
    struct destination_state *state = ctx;
    struct http_field *fields = arena_array(arena, 2, sizeof *fields);
    struct slice token = token_source_reveal(state->service);

    fields[0] = (struct http_field){
        SLICE("Authorization"), arena_printf(arena, "Bearer %.*s", SLICE_ARG(token))};
    fields[1] = (struct http_field){SLICE("Accept"), SLICE("application/json")};
    *request = (struct http_send){
        .method = SLICE("GET"),
        .url = state->url,
        .fields = fields,
        .field_count = 2,
        .answer_ms = FLIGHT_MS,
        .max_ms = FLIGHT_MS,
    };
    return ERR_OK;
}

static enum err ask(struct destination_state *state)
{
    state->ask = (struct token_ask){.compose = compose,
                                    .on_reply = on_reply,
                                    .ctx = state,
                                    .urgent = state->urgent};
    enum err err =
        token_hosts_ask(tokens_hosts(state->tokens), state->url, &state->ask);
    state->is_asking = err == ERR_OK;
    return err;
}

static void on_service(void *ctx, const struct token_outcome *outcome)
{
    struct destination_state *state = ctx;
    enum err err = outcome->err == ERR_OK ? ask(state) : ERR_OK;

    if (outcome->err != ERR_OK) {
        end(state, outcome);
    } else if (err != ERR_OK) {
        fail(state, err);
    }
}

/* Never for a service token that is at hand: that goes on by itself. */
static void begin(struct destination_state *state)
{
    wait_for(state, state->service, on_service);
}

static enum err fetch(void *ctx, struct token_source *source, bool urgent)
{
    struct destination_state *state = ctx;

    state->source = source;
    state->urgent = urgent;
    state->is_second = false;
    if (token_source_is_fresh(state->service)) {
        return ask(state);
    }
    state->wait = (struct token_wait){.on_ready = on_service, .ctx = state};
    return token_source_wait(state->service, &state->wait);
}

static void hurry(void *ctx)
{
    struct destination_state *state = ctx;

    state->urgent = true;
    if (state->is_asking) {
        token_hosts_hurry(&state->ask);
    }
}

static void free_state(void *ctx)
{
    struct destination_state *state = ctx;

    token_source_drop(state->service);
    token_source_drop(state->connectivity);
    arena_free(state->arena);
}

static const struct token_way by_destination = {
    .name = "destination", .fetch = fetch, .hurry = hurry, .free = free_state};

void destination_refuse_proxy(struct token_source *source)
{
    struct destination_state *state = token_source_state(source);

    if (state->connectivity != NULL) {
        token_source_refuse(state->connectivity,
                            token_source_version(state->connectivity));
    }
}

/* ---- Sources ---- */

static struct slice url_of(struct arena *arena, struct slice service_url,
                           struct slice name)
{
    struct buf url;

    buf_init(&url, URL_BYTES);
    while (service_url.len > 0 && service_url.ptr[service_url.len - 1] == '/') {
        service_url.len--;
    }
    buf_append(&url, service_url);
    buf_append(&url, PATH);
    text_percent(&url, name);
    struct slice text = arena_slice(arena, buf_slice(&url));
    buf_free(&url);
    return text;
}

struct token_source *destination_source(struct tokens *tokens,
                                        const struct destination_asked *asked)
{
    struct arena *arena = arena_new_sized(STATE_BYTES);
    struct slice url = url_of(arena, asked->service_url, asked->name);
    struct token_source *service = client_grant_source(tokens, &asked->service);
    struct token_source *connectivity =
        asked->connectivity.url.len > 0
            ? client_grant_source(tokens, &asked->connectivity)
            : NULL;
    /* The keys of those two hold tenant, clients and secrets. */
    struct slice key = arena_printf(
        arena, "destination %.*s %.*s %.*s %.*s", SLICE_ARG(token_source_key(service)),
        SLICE_ARG(connectivity != NULL ? token_source_key(connectivity) : SLICE("-")),
        SLICE_ARG(asked->origin), SLICE_ARG(url));
    struct token_source *source = tokens_find(tokens, key);
    if (source != NULL) {
        token_source_drop(service);
        token_source_drop(connectivity);
        arena_free(arena);
        return source;
    }
    struct destination_state *state = arena_alloc(arena, sizeof *state);
    state->tokens = tokens;
    state->arena = arena;
    state->url = url;
    state->origin = arena_slice(arena, asked->origin);
    state->service = service;
    state->connectivity = connectivity;
    return tokens_add(tokens, key, &by_destination, state);
}
