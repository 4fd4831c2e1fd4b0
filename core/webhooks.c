/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each endpoint has places of its own, so that a slow one holds up nobody but itself. What is
 * under way is known here, all else is read from the store when it is due.
 */
#include "core/webhooks.h"

#include <stdlib.h>
#include <string.h>

#include "auth/alarm.h"
#include "auth/webhook_key.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/timefmt.h"

#define AT_ONCE 2 /* at each endpoint */
#define HOLD_MOST_MS INT64_C(3600000)
#define ANSWER_MS 15000
#define ID_BYTES 32 /* "whe_" and 26 more */
/* After a write that failed: nothing is sent in a circle. */
#define STORE_PAUSE_MS 30000

/* What was told of an endpoint's full outbox so far. */
struct missed {
    char id[ID_BYTES];
    int64_t dropped;
};

struct webhooks {
    struct webhooks_parts parts;
    struct alarm *alarm;
    struct list flights;
    int64_t paused_until_ms;
    struct webhooks_counts counts;
    struct missed missed[LIMIT_WEBHOOK_ENDPOINTS];
    size_t missed_count;
    bool looks, stopped, stands_by, knows_missed;
};

/* One attempt, until it is stored. */
struct flight {
    struct list link;
    struct webhooks *webhooks;
    struct arena *arena;
    struct store_delivery delivery;
    int64_t began_us;
    const char *reason; /* why there was no answer */
    int64_t hold_ms;    /* the receiver asked for; 0: it did not */
    bool is_answered;
};

static int64_t now_ms(const struct webhooks *webhooks)
{
    return clock_wall_ms(webhooks->parts.clock);
}

/* ---- Time ---- */

int64_t webhooks_retry_ms(int64_t attempts, uint32_t random)
{
    static const int64_t delays_s[] = {5, 30, 120, 600, 3600, 10800, 25200, 45900};

    if (attempts < 1 || attempts > (int64_t)(sizeof delays_s / sizeof delays_s[0])) {
        return 0;
    }
    int64_t delay_ms = delays_s[attempts - 1] * 1000;
    return delay_ms - delay_ms / 10 + (int64_t)(random % (uint32_t)(delay_ms / 5 + 1));
}

int64_t webhooks_hold_ms(int status, struct slice retry_after, int64_t now_ms)
{
    unsigned long long seconds = 0;
    int64_t then_ms = 0, hold_ms = 0;

    if (status != 429 && status != 503) {
        return 0;
    }
    if (slice_to_u64(retry_after, &seconds)) {
        hold_ms =
            seconds < HOLD_MOST_MS / 1000 ? (int64_t)seconds * 1000 : HOLD_MOST_MS;
    } else if (timefmt_parse_http(retry_after, &then_ms)) {
        hold_ms = then_ms > now_ms ? then_ms - now_ms : 0;
    }
    return hold_ms < HOLD_MOST_MS ? hold_ms : HOLD_MOST_MS;
}

static void on_turn(void *ctx)
{
    struct webhooks *webhooks = ctx;
    webhooks->looks = false;
    webhooks_look(webhooks);
}

static void look_soon(void *ctx)
{
    struct webhooks *webhooks = ctx;
    if (!webhooks->looks && !webhooks->stopped) {
        webhooks->looks = true;
        loop_soon(webhooks->parts.loop, on_turn, webhooks);
    }
}

struct webhooks *webhooks_new(const struct webhooks_parts *parts)
{
    struct webhooks *webhooks = calloc(1, sizeof *webhooks);
    REQUIRE(webhooks != NULL);
    webhooks->parts = *parts;
    webhooks->alarm = alarm_new(parts->loop, parts->clock, look_soon, webhooks);
    list_init(&webhooks->flights);
    store_on_event(parts->store, look_soon, webhooks);
    look_soon(webhooks);
    return webhooks;
}

void webhooks_stand_by(struct webhooks *webhooks)
{
    webhooks->stands_by = true;
}

void webhooks_take_over(struct webhooks *webhooks)
{
    if (webhooks->stands_by) {
        webhooks->stands_by = false;
        look_soon(webhooks);
    }
}

void webhooks_stop(struct webhooks *webhooks)
{
    if (webhooks != NULL && !webhooks->stopped) {
        webhooks->stopped = true;
        store_on_event(webhooks->parts.store, NULL, NULL);
        alarm_set(webhooks->alarm, 0);
    }
}

static void flight_free(struct flight *flight)
{
    list_remove(&flight->link);
    arena_free(flight->arena);
}

void webhooks_free(struct webhooks *webhooks)
{
    if (webhooks == NULL) {
        return;
    }
    while (!list_empty(&webhooks->flights)) {
        flight_free(LIST_ENTRY(webhooks->flights.next, struct flight, link));
    }
    loop_soon_cancel(webhooks->parts.loop, on_turn, webhooks);
    alarm_free(webhooks->alarm);
    free(webhooks);
}

struct webhooks_counts webhooks_count(const struct webhooks *webhooks)
{
    return webhooks->counts;
}

/* ---- The end of an attempt ---- */

static void on_stored(void *ctx, enum err err)
{
    struct flight *flight = ctx;
    struct webhooks *webhooks = flight->webhooks;
    if (err != ERR_OK) {
        log_event(webhooks->parts.log, LOG_ERROR, "webhook_not_stored",
                  LOG_ID(event_id, flight->delivery.event),
                  LOG_NAME(cause, err_code(err)));
        webhooks->paused_until_ms = now_ms(webhooks) + STORE_PAUSE_MS;
    }
    flight_free(flight);
    look_soon(webhooks);
}

static void log_attempt(const struct flight *flight)
{
    const struct store_delivery *delivery = &flight->delivery;
    bool is_taken = slice_is(delivery->outcome, "delivered");
    log_event(flight->webhooks->parts.log, is_taken ? LOG_INFO : LOG_WARN,
              "webhook_attempt", LOG_ID(event_id, delivery->event),
              LOG_ID(subject, delivery->endpoint), LOG_INT(attempt, delivery->attempts),
              LOG_INT(http_status, delivery->status), LOG_NAME(reason, flight->reason),
              LOG_ID(outcome, delivery->outcome),
              LOG_INT(duration_us, delivery->duration_ms * 1000));
}

static void judge(struct flight *flight, bool *is_gone)
{
    struct webhooks_counts *counts = &flight->webhooks->counts;
    struct store_delivery *delivery = &flight->delivery;
    uint32_t random = 0;
    random_bytes(&random, sizeof random);
    int64_t wait_ms = webhooks_retry_ms(delivery->attempts, random);
    bool is_taken = delivery->status >= 200 && delivery->status < 300;
    *is_gone = delivery->status == 410;
    delivery->next_ms = 0;
    if (is_taken) {
        delivery->outcome = SLICE("delivered");
        counts->delivered++;
    } else if (*is_gone) {
        delivery->outcome = SLICE("dropped");
        counts->dropped++;
    } else if (wait_ms == 0) {
        delivery->outcome = SLICE("given_up");
        counts->given_up++;
    } else {
        delivery->outcome = SLICE("pending");
        counts->again++;
        delivery->next_ms = now_ms(flight->webhooks) +
                            (wait_ms > flight->hold_ms ? wait_ms : flight->hold_ms);
    }
}

static void store_attempt(struct flight *flight)
{
    struct webhooks *webhooks = flight->webhooks;
    struct store_delivery *delivery = &flight->delivery;
    struct store_batch *batch = store_batch_new();
    bool is_gone = false;
    delivery->attempts++;
    delivery->tried_ms = now_ms(webhooks);
    delivery->duration_ms =
        (clock_mono_us(webhooks->parts.clock) - flight->began_us) / 1000;
    delivery->reason = slice_str(flight->reason);
    judge(flight, &is_gone);
    log_attempt(flight);
    store_put_attempt(batch, delivery);
    if (flight->hold_ms > 0) {
        store_hold_endpoint(batch, delivery->endpoint,
                            delivery->tried_ms + flight->hold_ms);
    }
    if (is_gone) {
        store_disable_endpoint(batch, delivery->endpoint, SLICE("gone"),
                               delivery->tried_ms);
        log_event(webhooks->parts.log, LOG_WARN, "webhook_endpoint_disabled",
                  LOG_ID(subject, delivery->endpoint), LOG_WORD(cause, "gone"));
    }
    store_commit(webhooks->parts.store, batch, on_stored, flight);
}

static int64_t hold_of(const struct webhooks *webhooks, const struct http_reply *reply)
{
    for (size_t i = 0; i < reply->field_count; i++) {
        if (slice_is(reply->fields[i].name, "retry-after")) {
            return webhooks_hold_ms(reply->status, reply->fields[i].value,
                                    now_ms(webhooks));
        }
    }
    return 0;
}

static void on_answer(void *ctx, const struct http_outcome *outcome)
{
    struct flight *flight = ctx;
    if (outcome->reply != NULL) {
        flight->is_answered = true;
        flight->delivery.status = outcome->reply->status;
        flight->hold_ms = hold_of(flight->webhooks, outcome->reply);
    } else {
        flight->delivery.status = 0;
        flight->reason = outcome->reason;
    }
}

static void on_end(void *ctx, enum http_end end)
{
    struct flight *flight = ctx;
    (void)end;
    if (flight->webhooks->stopped && !flight->is_answered) {
        flight_free(flight); /* cut by us: no attempt of the receiver's */
        return;
    }
    store_attempt(flight);
}

/* ---- An attempt ---- */

static struct slice sign_with(const struct webhooks *webhooks, struct flight *flight,
                              int64_t version, int64_t seconds)
{
    const struct store_delivery *delivery = &flight->delivery;
    const struct webhook_key key = {delivery->endpoint, version};
    struct secret *secret = webhook_key_derive(webhooks->parts.keys, &key);
    struct slice signature =
        webhook_signature(webhooks->parts.mac, secret, delivery->event, seconds,
                          delivery->body, flight->arena);
    secret_free(secret);
    return signature;
}

/* With the secret before it too, as long as that is good. */
static struct slice sign(const struct webhooks *webhooks, struct flight *flight,
                         const struct store_endpoint *endpoint, int64_t seconds)
{
    struct slice newest =
        sign_with(webhooks, flight, endpoint->secret_version, seconds);
    if (endpoint->old_secret_ends_ms <= now_ms(webhooks)) {
        return newest;
    }
    struct slice old =
        sign_with(webhooks, flight, endpoint->secret_version - 1, seconds);
    return arena_printf(flight->arena, "%.*s %.*s", SLICE_ARG(newest), SLICE_ARG(old));
}

static void start(struct webhooks *webhooks, const struct store_endpoint *endpoint,
                  const struct store_delivery *due)
{
    struct arena *arena = arena_new();
    struct flight *flight = arena_alloc(arena, sizeof *flight);
    int64_t seconds = now_ms(webhooks) / 1000;
    flight->webhooks = webhooks;
    flight->arena = arena;
    flight->delivery = *due;
    flight->delivery.event = arena_slice(arena, due->event);
    flight->delivery.endpoint = arena_slice(arena, due->endpoint);
    flight->reason = "";
    flight->began_us = clock_mono_us(webhooks->parts.clock);
    list_push(&webhooks->flights, &flight->link);
    const struct http_field fields[] = {
        {SLICE("Content-Type"), SLICE("application/json")},
        {SLICE("User-Agent"), SLICE("sluice/" SLUICE_VERSION)},
        {SLICE("webhook-id"), flight->delivery.event},
        {SLICE("webhook-timestamp"), arena_printf(arena, "%lld", (long long)seconds)},
        {SLICE("webhook-signature"), sign(webhooks, flight, endpoint, seconds)},
    };
    const struct http_send send = {
        .method = SLICE("POST"),
        .url = endpoint->url,
        .fields = fields,
        .field_count = sizeof fields / sizeof fields[0],
        .body = due->body,
        .has_body = true,
        .answer_ms = ANSWER_MS,
        .max_ms = ANSWER_MS,
    };
    const struct http_transfer_handlers handlers = {on_answer, on_end, flight};
    http_send(webhooks->parts.client, &send, &handlers);
    flight->delivery.body = flight->delivery.type = SLICE_EMPTY; /* they were lent */
}

static bool is_flying(const struct webhooks *webhooks, int64_t n)
{
    LIST_FOREACH (node, &webhooks->flights) {
        if (LIST_ENTRY(node, struct flight, link)->delivery.n == n) {
            return true;
        }
    }
    return false;
}

static size_t count_flying(const struct webhooks *webhooks, struct slice endpoint)
{
    size_t count = 0;
    LIST_FOREACH (node, &webhooks->flights) {
        struct flight *flight = LIST_ENTRY(node, struct flight, link);
        count += slice_eq(flight->delivery.endpoint, endpoint) ? 1 : 0;
    }
    return count;
}

/* Until then it is to be left alone. A time that is further away than any pause was set before
 * the clock was set back, and is over. */
static bool is_paused(const struct webhooks *webhooks, int64_t until_ms,
                      int64_t most_ms)
{
    int64_t left_ms = until_ms - now_ms(webhooks);
    return left_ms > 0 && left_ms <= most_ms;
}

/* Also when its last attempt, or its event, lies ahead: the clock was set back since. */
static bool is_due(const struct webhooks *webhooks,
                   const struct store_delivery *delivery)
{
    int64_t since_ms =
        delivery->attempts > 0 ? delivery->tried_ms : delivery->created_ms;
    return delivery->next_ms <= now_ms(webhooks) || since_ms > now_ms(webhooks);
}

/* Returns when its next delivery is due, 0 when that is known later: an end looks again. */
static enum err look_at(struct webhooks *webhooks,
                        const struct store_endpoint *endpoint, struct arena *arena,
                        int64_t *next_ms)
{
    struct store_delivery *due = NULL;
    size_t count = 0, flying = count_flying(webhooks, endpoint->id);
    *next_ms = 0;
    if (flying >= AT_ONCE) {
        return ERR_OK;
    }
    if (is_paused(webhooks, endpoint->held_until_ms, HOLD_MOST_MS)) {
        *next_ms = endpoint->held_until_ms;
        return ERR_OK;
    }
    enum err err = store_list_due(webhooks->parts.store, endpoint->id, 2 * AT_ONCE,
                                  arena, &due, &count);
    for (size_t i = 0; i < count && flying < AT_ONCE; i++) {
        if (is_flying(webhooks, due[i].n)) {
            continue;
        }
        if (!is_due(webhooks, &due[i])) {
            *next_ms = due[i].next_ms;
            break;
        }
        start(webhooks, endpoint, &due[i]);
        flying++;
    }
    return err;
}

/* ---- Full outboxes ---- */

/* How many events it had missed when this was asked last. */
static int64_t missed_before(const struct webhooks *webhooks, struct slice id)
{
    for (size_t i = 0; i < webhooks->missed_count; i++) {
        if (slice_is(id, webhooks->missed[i].id)) {
            return webhooks->missed[i].dropped;
        }
    }
    return 0;
}

/* The store counts what an endpoint misses; it is told here, once for each look. What was
 * missed before this process began is history. */
static void tell_missed(struct webhooks *webhooks,
                        const struct store_endpoint *endpoints, size_t count)
{
    struct missed now[LIMIT_WEBHOOK_ENDPOINTS] = {0};

    for (size_t i = 0; i < count; i++) {
        const struct store_endpoint *endpoint = &endpoints[i];
        int64_t more = endpoint->dropped - missed_before(webhooks, endpoint->id);
        REQUIRE(endpoint->id.len < sizeof now[i].id);
        memcpy(now[i].id, endpoint->id.ptr, endpoint->id.len);
        now[i].dropped = endpoint->dropped;
        if (webhooks->knows_missed && more > 0) {
            webhooks->counts.missed += (uint64_t)more;
            log_event(webhooks->parts.log, LOG_WARN, "webhook_outbox_full",
                      LOG_ID(subject, endpoint->id), LOG_INT(count, more));
        }
    }
    memcpy(webhooks->missed, now, sizeof now);
    webhooks->missed_count = count;
    webhooks->knows_missed = true;
}

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
    return a_ms == 0 || (b_ms > 0 && b_ms < a_ms) ? b_ms : a_ms;
}

void webhooks_look(struct webhooks *webhooks)
{
    struct arena *arena = arena_new();
    struct store_endpoint *endpoints = NULL;
    size_t count = 0;
    int64_t next_ms = webhooks->paused_until_ms;
    enum err err = ERR_OK;
    if (webhooks->stopped || webhooks->stands_by) {
        arena_free(arena);
        return;
    }
    if (!is_paused(webhooks, next_ms, STORE_PAUSE_MS)) {
        next_ms = 0;
        err = store_list_endpoints(webhooks->parts.store, SLICE_EMPTY,
                                   LIMIT_WEBHOOK_ENDPOINTS, arena, &endpoints, &count);
        if (err == ERR_OK) {
            tell_missed(webhooks, endpoints, count);
        }
    }
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        int64_t its_ms = 0;
        err = look_at(webhooks, &endpoints[i], arena, &its_ms);
        next_ms = sooner(next_ms, its_ms);
    }
    if (err != ERR_OK) {
        next_ms = now_ms(webhooks) + STORE_PAUSE_MS;
    }
    alarm_set(webhooks->alarm, next_ms);
    arena_free(arena);
}
