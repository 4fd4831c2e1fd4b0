/* SPDX-License-Identifier: Apache-2.0 */
#include "core/coordinator.h"

#include <stdlib.h>
#include <time.h>

#include "base/require.h"
#include "coordination/lease_script.h"

#define CHANNEL "sluice:lease:"

struct open_request {
    struct list link;
    struct lender_request request;
};

struct coordinator {
    struct coordinator_parts parts;
    struct redis_options options;
    struct redis *redis;
    struct lender *lender;
    struct list open; /* requests without an answer, in the order they were sent */
    struct loop_timer *timer;
    int64_t timer_due_us;
    char id[LENDER_KEY_BYTES + 1], channel[sizeof CHANNEL + LENDER_KEY_BYTES];
    bool is_up;
    bool is_graced; /* as was logged last */
    enum redis_cause cause;
    uint64_t losses;
    int64_t answer_us;
};

/* A lease runs on while the machine sleeps, so its clock has to as well. */
static int64_t lease_now_us(void)
{
    struct timespec now;
    REQUIRE(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void to_hex(const unsigned char *bytes, size_t count, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* What Redis sees of a lane's name. The key is no secret: servers with keys of their own may share
 * an upstream account. */
static void lane_key(struct coordinator *coordinator, struct slice lane,
                     char out[LENDER_KEY_BYTES])
{
    unsigned char digest[MAC_BYTES];
    mac_compute(coordinator->parts.mac, MAC_SHA256, SLICE("sluice lane"), lane, digest);
    to_hex(digest, LENDER_KEY_BYTES / 2, out);
}

/* ---- To Redis ---- */

static void on_answer(void *ctx, const struct redis_item *items, size_t count);

static void send_request(struct coordinator *coordinator,
                         const struct lender_request *request)
{
    struct lender_words words;
    struct open_request *open = malloc(sizeof *open);
    char lane[64] = "sluice:lane:";
    struct slice keys[3] = {SLICE("sluice:epoch"), SLICE("sluice:nodes")};
    REQUIRE(open != NULL);
    lender_words(coordinator->lender, request, &words);
    slice_copy(lane + 12, words.lane_key);
    keys[2] = slice_of(lane, 12 + words.lane_key.len);
    open->request = *request;
    list_push(&coordinator->open, &open->link);
    redis_call(coordinator->redis, keys, words.lane_key.len > 0 ? 3 : 2, words.words,
               words.count, on_answer, coordinator);
}

static void send_requests(struct coordinator *coordinator)
{
    struct lender_request request;
    while (coordinator->is_up &&
           lender_next_request(coordinator->lender, &request, lease_now_us())) {
        send_request(coordinator, &request);
    }
}

/* ---- Between lender and governor ---- */

static void tell_need(struct coordinator *coordinator,
                      const struct governor_demand *demand)
{
    char key[LENDER_KEY_BYTES];
    lane_key(coordinator, demand->lane, key);
    struct lender_need need = {.lane = demand->lane,
                               .key = slice_of(key, sizeof key),
                               .ceiling = demand->ceiling,
                               .used = demand->in_flight,
                               .lent = demand->lent,
                               .want = demand->wanted};
    lender_need(coordinator->lender, &need, lease_now_us());
}

static void on_due(void *ctx);

static void arm(struct coordinator *coordinator)
{
    int64_t due_us = lender_due_us(coordinator->lender);
    if (due_us == coordinator->timer_due_us) {
        return;
    }
    loop_timer_stop(coordinator->timer);
    coordinator->timer = NULL;
    coordinator->timer_due_us = due_us;
    if (due_us != INT64_MAX) {
        int64_t wait_us = due_us - lease_now_us();
        coordinator->timer =
            loop_timer_start(coordinator->parts.loop,
                             wait_us > 0 ? wait_us / 1000 + 1 : 0, on_due, coordinator);
    }
}

/* The governor's clock may stand where the lender's goes on: while the machine sleeps. */
static void tell_silence(struct coordinator *coordinator)
{
    int64_t now_us = lease_now_us();
    int64_t until_us = lender_silent_until_us(coordinator->lender, now_us);
    if (until_us != 0 && until_us != INT64_MAX) {
        until_us += turnstile_now_us(coordinator->parts.turnstile) - now_us;
    }
    governor_lend_none_before(coordinator->parts.governor, until_us);
}

/* Until neither side has anything new for the other. */
static bool lend(void *ctx)
{
    struct coordinator *coordinator = ctx;
    struct governor_demand demand;
    struct lender_loan loan;
    bool is_lent = false;
    for (;;) {
        while (governor_next_demand(coordinator->parts.governor, &demand)) {
            tell_need(coordinator, &demand);
        }
        if (!lender_next_loan(coordinator->lender, &loan, lease_now_us())) {
            break;
        }
        is_lent = true;
        if (!governor_lane_lend(coordinator->parts.governor, loan.lane, loan.slots,
                                loan.others,
                                turnstile_now_us(coordinator->parts.turnstile))) {
            demand = (struct governor_demand){.lane = loan.lane};
            tell_need(coordinator, &demand);
        }
    }
    send_requests(coordinator);
    arm(coordinator);
    tell_silence(coordinator);
    return is_lent;
}

/* The timer may come late: after a stop the loop sees what clients sent before it sees the time. */
static void recall(void *ctx)
{
    struct coordinator *coordinator = ctx;
    int64_t now_us = lease_now_us();
    if (lender_due_us(coordinator->lender) <= now_us) {
        lender_tick(coordinator->lender, now_us);
        (void)lend(coordinator); /* decisions are told by whoever asked */
    }
}

static void on_due(void *ctx)
{
    struct coordinator *coordinator = ctx;
    coordinator->timer = NULL;
    coordinator->timer_due_us = INT64_MAX;
    lender_tick(coordinator->lender, lease_now_us());
    turnstile_settle(coordinator->parts.turnstile);
}

/* ---- From Redis ---- */

/* At the first start of all it is the same: a new Redis cannot be told from one that was emptied. */
static void log_grace(struct coordinator *coordinator, int64_t now_us)
{
    struct lender_view view = lender_look(coordinator->lender, now_us);
    if (view.state == LENDER_GRACE && !coordinator->is_graced) {
        coordinator->is_graced = true;
        log_event(coordinator->parts.log, LOG_WARN, "coordination_grace",
                  LOG_INT(wait_us, view.left_ms * 1000));
    } else if (view.state == LENDER_OPEN && coordinator->is_graced) {
        coordinator->is_graced = false;
        log_event(coordinator->parts.log, LOG_INFO, "coordination_open",
                  LOG_INT(count, view.epochs));
    }
}

static void on_answer(void *ctx, const struct redis_item *items, size_t count)
{
    struct coordinator *coordinator = ctx;
    struct lender_item copies[REDIS_ITEMS];
    struct open_request *open =
        LIST_ENTRY(coordinator->open.next, struct open_request, link);
    struct lender_request request = open->request;
    int64_t now_us = lease_now_us();
    list_remove(&open->link);
    free(open);
    for (size_t i = 0; i < count; i++) {
        copies[i] = (struct lender_item){items[i].text, items[i].number};
    }
    coordinator->answer_us = now_us - request.sent_us;
    if (!lender_answer(coordinator->lender, &request, copies, count, now_us)) {
        redis_drop(coordinator->redis, REDIS_STRANGE);
        return;
    }
    log_grace(coordinator, now_us);
    turnstile_settle(coordinator->parts.turnstile);
}

static void on_up(void *ctx, struct slice run_id)
{
    struct coordinator *coordinator = ctx;
    coordinator->is_up = true;
    log_event(coordinator->parts.log, LOG_INFO, "coordination_connected",
              LOG_INT(count, coordinator->losses));
    lender_up(coordinator->lender, run_id, lease_now_us());
    turnstile_settle(coordinator->parts.turnstile);
}

static void forget_open(struct coordinator *coordinator)
{
    LIST_FOREACH_SAFE (node, after, &coordinator->open) {
        free(LIST_ENTRY(node, struct open_request, link));
    }
    list_init(&coordinator->open);
}

static void on_down(void *ctx, enum redis_cause cause)
{
    struct coordinator *coordinator = ctx;
    bool is_news =
        coordinator->is_up || coordinator->losses == 0 || cause != coordinator->cause;
    coordinator->is_up = false;
    coordinator->cause = cause;
    coordinator->losses++;
    if (is_news) { /* not at each attempt */
        log_event(coordinator->parts.log, LOG_ERROR, "coordination_lost",
                  LOG_NAME(cause, redis_cause_name(cause)));
    }
    forget_open(coordinator);
    lender_down(coordinator->lender);
    turnstile_settle(coordinator->parts.turnstile);
}

static void on_message(void *ctx, struct slice text)
{
    struct coordinator *coordinator = ctx;
    lender_granted(coordinator->lender, text, lease_now_us());
    turnstile_settle(coordinator->parts.turnstile);
}

/* ---- Life ---- */

struct coordinator *coordinator_new(const struct coordinator_parts *parts)
{
    struct coordinator *coordinator = calloc(1, sizeof *coordinator);
    unsigned char id[LENDER_KEY_BYTES / 2];
    REQUIRE(coordinator != NULL);
    coordinator->parts = *parts;
    coordinator->timer_due_us = INT64_MAX;
    coordinator->cause = REDIS_UNREACHABLE;
    list_init(&coordinator->open);
    random_take(parts->random, id, sizeof id);
    to_hex(id, sizeof id, coordinator->id);
    slice_copy(coordinator->channel, SLICE(CHANNEL));
    slice_copy(coordinator->channel + sizeof CHANNEL - 1,
               slice_of(coordinator->id, LENDER_KEY_BYTES));
    coordinator->lender =
        lender_new(&parts->config->terms, slice_of(coordinator->id, LENDER_KEY_BYTES),
                   lease_now_us());
    coordinator->options = (struct redis_options){
        .address = parts->config->redis,
        .script = slice_of((const char *)lease_script, lease_script_len),
        .channel = slice_str(coordinator->channel),
        .patience_ms = parts->config->terms.ttl_ms / 4,
    };
    const struct redis_events events = {on_up, on_down, on_message, coordinator};
    coordinator->redis = redis_new(parts->loop, &coordinator->options, &events);
    const struct turnstile_lender lender = {recall, lend, coordinator};
    turnstile_lend_by(parts->turnstile, &lender);
    return coordinator;
}

void coordinator_free(struct coordinator *coordinator)
{
    if (coordinator == NULL) {
        return;
    }
    const struct turnstile_lender nobody = {NULL, NULL, NULL};
    turnstile_lend_by(coordinator->parts.turnstile, &nobody);
    if (coordinator->is_up && lender_leave(coordinator->lender)) {
        send_requests(coordinator);
    }
    loop_timer_stop(coordinator->timer);
    redis_free(coordinator->redis);
    forget_open(coordinator);
    lender_free(coordinator->lender);
    free(coordinator);
}

struct coordinator_view coordinator_look(const struct coordinator *coordinator)
{
    return (struct coordinator_view){
        .lender = lender_look(coordinator->lender, lease_now_us()),
        .cause = coordinator->is_up ? "" : redis_cause_name(coordinator->cause),
        .losses = coordinator->losses,
        .answer_us = coordinator->answer_us,
    };
}

struct slice coordinator_trouble(const struct coordinator *coordinator,
                                 struct arena *arena)
{
    static const char *const texts[] = {
        [LENDER_JOINING] = "This server is registering at the coordinating Redis",
        [LENDER_STRICT] =
            "No place may be used: the coordinating Redis is away, and this server is "
            "set to stop then (coordination.when_away strict)",
        [LENDER_SHARE] = "The coordinating Redis is away: only this server's share of "
                         "the ceiling may be used, and it is in use, zero, or not free "
                         "of the others' calls yet",
        [LENDER_DISPUTED] = "Another server has this one's coordination.node, or other "
                            "coordination settings",
    };
    if (coordinator == NULL) {
        return SLICE_EMPTY;
    }
    struct coordinator_view view = coordinator_look(coordinator);
    if (view.lender.state == LENDER_OPEN) {
        return SLICE_EMPTY;
    }
    if (view.lender.state == LENDER_GRACE) {
        return arena_printf(arena,
                            "No place can be lent for another %lld s: the coordinating "
                            "Redis is new, or was started anew or emptied, and calls "
                            "from before may still be running at the ERP.",
                            (long long)(view.lender.left_ms + 999) / 1000);
    }
    return arena_printf(arena, "%s%s%s.", texts[view.lender.state],
                        view.cause[0] != '\0' ? "; cause: " : "", view.cause);
}
