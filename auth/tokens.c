/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens. Invariants:
 *   1. A source has at most one flight; whoever waits is on its list. While calls wait, a
 *      flight that was lost is tried again soon, a few times.
 *   2. A token is replaced only by a newer one; a failed flight leaves the old one
 *      where it is.
 *   3. A token is renewed ahead of its end only when it was used since the last time: an
 *      account that nobody calls costs its token host nothing.
 *   4. Nothing here is written to a file; tokens are secrets.
 */
#include "auth/tokens.h"

#include <stdlib.h>

#include "auth/alarm.h"
#include "auth/due.h"
#include "auth/mac.h"
#include "base/arena.h"
#include "base/map.h"
#include "base/text.h"

#define SPARE_MS 30000 /* a token that ends sooner is not used any more */
#define AHEAD_LEAST_MS 60000
#define AHEAD_MOST_MS 180000
/* Calls wait: once more after this, then after twice as long. */
#define SOON_FIRST_MS 300
#define SOON_WITHIN_MS 10000 /* of their coming */
#define RETRY_FIRST_MS 5000
#define RETRY_MOST_MS 300000
#define SOURCE_BYTES 512

struct tokens {
    struct token_hosts *hosts;
    const struct clock *clock;
    const struct log *log;
    int tries;
    struct map *sources;
    struct secret_pool *pool;
    struct secret *blind; /* makes digests of secrets that are known nowhere else */
    struct mac *mac;
    struct due_heap *due;    /* renewals, by the wall clock */
    struct due_heap *pauses; /* between two tries, by the monotonic one */
    struct alarm *alarm;
};

struct token_source {
    struct tokens *tokens;
    struct slice key; /* of the map */
    struct arena *arena;
    const struct token_way *way;
    void *state; /* the way's */
    struct secret *token;
    int64_t ends_ms;
    struct due due;
    uint64_t version;
    int holders; /* credentials, and the flight */
    int failures;
    struct list waiting;
    bool in_flight;   /* also between two tries of it */
    struct due pause; /* between two tries: the next */
    int tries;
    int64_t began_ms; /* monotonic */
};

static void on_alarm(void *ctx)
{
    tokens_run(ctx);
}

struct tokens *tokens_new(struct loop *loop, struct token_hosts *hosts,
                          const struct clock *clock, const struct log *log, int tries)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    REQUIRE(tokens != NULL);
    tokens->hosts = hosts;
    tokens->clock = clock;
    tokens->log = log;
    tokens->tries = tries;
    tokens->sources = map_new();
    tokens->pool = secret_pool_new();
    tokens->blind = secret_random(MAC_BYTES);
    tokens->mac = mac_new();
    tokens->due = due_heap_new();
    tokens->pauses = due_heap_new();
    tokens->alarm = alarm_new(loop, clock, on_alarm, tokens);
    return tokens;
}

void tokens_free(struct tokens *tokens)
{
    if (tokens == NULL) {
        return;
    }
    REQUIRE(map_count(tokens->sources) == 0);
    map_free(tokens->sources);
    alarm_free(tokens->alarm);
    due_heap_free(tokens->due);
    due_heap_free(tokens->pauses);
    mac_free(tokens->mac);
    secret_free(tokens->blind);
    secret_pool_free(tokens->pool);
    free(tokens);
}

struct token_hosts *tokens_hosts(const struct tokens *tokens)
{
    return tokens->hosts;
}

const struct clock *tokens_clock(const struct tokens *tokens)
{
    return tokens->clock;
}

const struct log *tokens_log(const struct tokens *tokens)
{
    return tokens->log;
}

struct secret *tokens_hold(struct tokens *tokens, struct slice bytes)
{
    return secret_in_pool(tokens->pool, bytes);
}

struct slice tokens_digest(struct tokens *tokens, struct slice bytes,
                           struct arena *arena)
{
    unsigned char digest[MAC_BYTES];
    size_t len = mac_compute(tokens->mac, MAC_SHA256, secret_reveal(tokens->blind),
                             bytes, digest);
    struct slice hex = text_hex(arena, slice_of((const char *)digest, len));
    wipe(digest, sizeof digest);
    return hex;
}

/* ---- Sources ---- */

struct token_source *tokens_find(struct tokens *tokens, struct slice key)
{
    struct token_source *source = map_get(tokens->sources, key);
    if (source != NULL) {
        source->holders++;
    }
    return source;
}

struct token_source *tokens_add(struct tokens *tokens, struct slice key,
                                const struct token_way *way, void *state)
{
    struct arena *arena = arena_new_sized(SOURCE_BYTES);
    struct token_source *source = arena_alloc(arena, sizeof *source);
    source->tokens = tokens;
    source->arena = arena;
    source->key = arena_slice(arena, key);
    source->way = way;
    source->state = state;
    source->holders = 1;
    list_init(&source->waiting);
    REQUIRE(map_put(tokens->sources, source->key, source) == NULL);
    return source;
}

static void set_alarm(struct tokens *tokens)
{
    alarm_set(tokens->alarm, tokens_next_ms(tokens));
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
    struct tokens *tokens = source->tokens;
    map_remove(tokens->sources, source->key);
    due_clear(tokens->due, &source->due);
    source->way->free(source->state);
    secret_free(source->token);
    arena_free(source->arena);
    set_alarm(tokens);
}

static int64_t mono_ms(const struct tokens *tokens)
{
    return clock_mono_us(tokens->clock) / 1000;
}

static bool is_pausing(const struct token_source *source)
{
    return source->pause.place != 0;
}

bool token_source_is_fresh(const struct token_source *source)
{
    return source->token != NULL &&
           source->ends_ms - clock_wall_ms(source->tokens->clock) > SPARE_MS;
}

/* In use: its next renewal comes ahead of its end. */
static void set_due(struct token_source *source)
{
    struct tokens *tokens = source->tokens;
    if (source->due.place == 0 && source->ends_ms > 0 && !source->way->renews) {
        due_set(tokens->due, &source->due,
                token_renewal_ms(clock_wall_ms(tokens->clock), source->ends_ms));
        set_alarm(tokens);
    }
}

struct slice token_source_reveal(struct token_source *source)
{
    if (source->token == NULL) {
        return SLICE_EMPTY;
    }
    set_due(source);
    return secret_reveal(source->token);
}

int64_t token_source_ends_ms(const struct token_source *source)
{
    return source->ends_ms;
}

struct slice token_source_key(const struct token_source *source)
{
    return source->key;
}

void *token_source_state(const struct token_source *source)
{
    return source->state;
}

void token_source_ahead(const struct token_source *source)
{
    secret_ahead(source->token);
}

uint64_t token_source_version(const struct token_source *source)
{
    return source->version;
}

void token_source_refuse(struct token_source *source, uint64_t version)
{
    if (version != source->version) {
        return;
    }
    source->ends_ms = 0;
    due_clear(source->tokens->due, &source->due);
}

/* ---- When ---- */

int64_t token_renewal_ms(int64_t now_ms, int64_t ends_ms)
{
    int64_t life = ends_ms - now_ms;
    uint32_t random;

    if (life < 2 * AHEAD_MOST_MS) {
        return now_ms + (life > 0 ? life / 2 : 0);
    }
    random_bytes(&random, sizeof random);
    return ends_ms - AHEAD_LEAST_MS -
           (int64_t)(random % (AHEAD_MOST_MS - AHEAD_LEAST_MS + 1));
}

int64_t token_retry_ms(int failures)
{
    int64_t wait = RETRY_FIRST_MS;
    uint32_t random;

    for (int i = 1; i < failures && wait < RETRY_MOST_MS; i++) {
        wait *= 2;
    }
    wait = wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS;
    random_bytes(&random, sizeof random);
    return wait / 2 + (int64_t)(random % (uint32_t)(wait / 2 + 1));
}

int64_t tokens_next_ms(const struct tokens *tokens)
{
    const struct due *first = due_first(tokens->due);
    const struct due *pause = due_first(tokens->pauses);
    int64_t at_ms = first != NULL ? first->at_ms : 0;
    if (pause == NULL) {
        return at_ms;
    }
    int64_t pause_ms = clock_wall_ms(tokens->clock) + pause->at_ms - mono_ms(tokens);
    return at_ms == 0 || pause_ms < at_ms ? pause_ms : at_ms;
}

/* A renewal that failed is tried again while the token it would replace is good. */
static void try_later(struct token_source *source)
{
    struct tokens *tokens = source->tokens;
    int64_t at_ms = clock_wall_ms(tokens->clock) + token_retry_ms(source->failures);
    if (source->token != NULL && at_ms < source->ends_ms && !source->way->renews) {
        due_set(tokens->due, &source->due, at_ms);
        set_alarm(tokens);
    }
}

/* ---- The flight ---- */

void token_source_set(struct token_source *source, struct slice token, int64_t ends_ms)
{
    secret_free(source->token);
    source->token = secret_in_pool(source->tokens->pool, token);
    source->version++;
    source->ends_ms = ends_ms;
    source->failures = 0;
    due_clear(source->tokens->due, &source->due);
}

/* Those who join from inside a callback belong to the next flight. */
static void tell(struct token_source *source, const struct token_outcome *outcome)
{
    struct list told;
    list_init(&told);
    while (!list_empty(&source->waiting)) {
        struct list *node = source->waiting.next;
        list_remove(node);
        list_push(&told, node);
    }
    while (!list_empty(&told)) {
        struct token_wait *wait = LIST_ENTRY(told.next, struct token_wait, link);
        list_remove(&wait->link);
        wait->on_ready(wait->ctx, outcome);
    }
}

/* What a host refuses it would refuse again. */
static bool is_refusal(int status)
{
    return status == 400 || status == 401 || status == 403;
}

/* The host could not, calls wait, and not for long yet: not this time is not never. */
static bool is_tried_again(struct token_source *source,
                           const struct token_outcome *outcome)
{
    struct tokens *tokens = source->tokens;
    int64_t now_ms = mono_ms(tokens);
    if (outcome->err != ERR_UPSTREAM_UNAVAILABLE || is_refusal(outcome->status) ||
        list_empty(&source->waiting) || source->tries >= tokens->tries ||
        now_ms - source->began_ms > SOON_WITHIN_MS) {
        return false;
    }
    due_set(tokens->pauses, &source->pause,
            now_ms + ((int64_t)SOON_FIRST_MS << (source->tries - 1)));
    set_alarm(tokens);
    return true;
}

static void end_flight(struct token_source *source, const struct token_outcome *outcome)
{
    source->in_flight = false;
    if (outcome->err != ERR_OK) {
        source->failures++;
        try_later(source);
    }
    tell(source, outcome);
    token_source_drop(source);
}

void token_source_end(struct token_source *source, const struct token_outcome *outcome,
                      struct slice token, int64_t ends_ms)
{
    REQUIRE(source->in_flight && !is_pausing(source));
    log_event(source->tokens->log, outcome->err == ERR_OK ? LOG_INFO : LOG_WARN,
              "token_fetched", LOG_NAME(way, source->way->name),
              LOG_NAME(outcome, err_code(outcome->err)),
              LOG_INT(upstream_status, outcome->status));
    if (is_tried_again(source, outcome)) {
        return;
    }
    if (outcome->err == ERR_OK) {
        token_source_set(source, token, ends_ms);
    }
    end_flight(source, outcome);
}

static enum err fetch(struct token_source *source, bool urgent)
{
    source->in_flight = true;
    source->tries++;
    enum err err = source->way->fetch(source->state, source, urgent);
    if (err != ERR_OK) {
        source->in_flight = false; /* else it may be over by now, and true no more */
    }
    return err;
}

static enum err start_flight(struct token_source *source, bool urgent)
{
    source->holders++;
    source->tries = 0;
    source->began_ms = mono_ms(source->tokens);
    due_clear(source->tokens->due, &source->due);
    enum err err = fetch(source, urgent);
    if (err != ERR_OK) {
        source->holders--; /* whoever asked holds it */
    }
    return err;
}

enum err token_source_renew(struct token_source *source)
{
    return source->in_flight ? ERR_OK : start_flight(source, false);
}

enum err token_source_wait(struct token_source *source, struct token_wait *wait)
{
    if (!source->in_flight) {
        enum err err = start_flight(source, true);
        if (err != ERR_OK) {
            return err;
        }
    } else if (list_empty(&source->waiting) && !is_pausing(source)) {
        source->way->hurry(source->state);
    }
    list_push(&source->waiting, &wait->link);
    return ERR_OK;
}

void token_wait_cancel(struct token_wait *wait)
{
    list_remove(&wait->link);
}

/* ---- What is due ---- */

static void go_on(struct token_source *source)
{
    struct token_outcome outcome = {.err = ERR_OK, .code = SLICE_EMPTY};
    outcome.err = fetch(source, true);
    if (outcome.err != ERR_OK) {
        end_flight(source, &outcome);
    }
}

static void renew_ahead(struct token_source *source)
{
    if (token_source_renew(source) != ERR_OK) {
        source->failures++;
        try_later(source);
    }
}

void tokens_run(struct tokens *tokens)
{
    int64_t now_ms = clock_wall_ms(tokens->clock);
    struct due *due = due_first(tokens->due);
    while (due != NULL && due->at_ms <= now_ms) {
        due_clear(tokens->due, due);
        renew_ahead(LIST_ENTRY(due, struct token_source, due));
        due = due_first(tokens->due);
    }
    due = due_first(tokens->pauses);
    while (due != NULL && due->at_ms <= mono_ms(tokens)) {
        due_clear(tokens->pauses, due);
        go_on(LIST_ENTRY(due, struct token_source, pause));
        due = due_first(tokens->pauses);
    }
    set_alarm(tokens);
}

/* A flight between two tries waits for a time that will not come. */
void tokens_stop(struct tokens *tokens)
{
    const struct token_outcome stopped = {.err = ERR_UNAVAILABLE, .code = SLICE_EMPTY};
    struct due *due = NULL;
    while ((due = due_first(tokens->due)) != NULL) {
        due_clear(tokens->due, due);
    }
    while ((due = due_first(tokens->pauses)) != NULL) {
        struct token_source *source = LIST_ENTRY(due, struct token_source, pause);
        due_clear(tokens->pauses, due);
        source->ends_ms = 0; /* and no later renewal */
        end_flight(source, &stopped);
    }
}
