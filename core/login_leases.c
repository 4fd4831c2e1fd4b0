/* SPDX-License-Identifier: Apache-2.0 */
#include "core/login_leases.h"

#include <stdlib.h>

#include "base/text.h"
#include "store/trials.h"

#define LOOK_AGAIN_MS 100
#define PATIENCE_MS 30000    /* with another process's trial */
#define LEASE_SPARE_MS 15000 /* to store what came of it */
#define CLOCK_SPARE_MS 60000 /* so far two processes' clocks may differ */
#define HOLDER_BYTES 64

struct login_leases {
    struct gateway *gateway;
    struct lockout *logins, *users;
    struct login_turns *turns;
    char holder[HOLDER_BYTES];
    size_t holder_len;
    struct list asks, notes;
};

/* A refusal on its way to the store. */
struct note {
    struct list link;
    struct login_leases *leases; /* NULL: nobody counts any more */
    struct arena *arena;         /* it lies in */
    struct slice user;
};

/* One user's turn, asked of the store. */
struct ask {
    struct list link;
    struct login_leases *leases; /* NULL: nobody wants to know any more */
    struct arena *arena;         /* it lies in */
    struct slice user, tenant;
    struct loop_timer *timer;
    int64_t began_ms; /* wall: since when another's refusal is an answer to this one */
    int64_t patient_us; /* until then */
    bool has_waited;
};

struct login_leases *login_leases_new(struct gateway *gateway, struct lockout *logins,
                                      struct lockout *users)
{
    struct login_leases *leases = calloc(1, sizeof *leases);
    REQUIRE(leases != NULL);
    struct arena *arena = arena_new();
    struct slice holder = text_new_id(arena, "try_");
    REQUIRE(holder.len <= sizeof leases->holder);
    leases->gateway = gateway;
    leases->logins = logins;
    leases->users = users;
    slice_copy(leases->holder, holder);
    leases->holder_len = holder.len;
    list_init(&leases->asks);
    list_init(&leases->notes);
    arena_free(arena);
    return leases;
}

static void end_ask(struct ask *ask)
{
    list_remove(&ask->link);
    loop_timer_stop(ask->timer);
    arena_free(ask->arena);
}

void login_leases_free(struct login_leases *leases)
{
    if (leases == NULL) {
        return;
    }
    LIST_FOREACH_SAFE (node, after, &leases->asks) {
        struct ask *ask = LIST_ENTRY(node, struct ask, link);
        ask->leases = NULL;
        list_remove(&ask->link);
        if (ask->timer != NULL) {
            end_ask(ask); /* else the store's answer ends it */
        }
    }
    LIST_FOREACH_SAFE (node, after, &leases->notes) {
        LIST_ENTRY(node, struct note, link)->leases = NULL;
        list_remove(node);
    }
    free(leases);
}

void login_leases_use(struct login_leases *leases, struct login_turns *turns)
{
    leases->turns = turns;
}

/* ---- What the store knows ---- */

static void learn(struct login_leases *leases, struct slice user,
                  const struct store_user *stored)
{
    int64_t now_ms = gateway_wall_ms(leases->gateway);
    int64_t ago_ms = now_ms - stored->refused_ms;
    if (ago_ms < -CLOCK_SPARE_MS) {
        return; /* stored before the clock was set back: what was counted here runs out */
    }
    int64_t now_us = gateway_mono_us(leases->gateway);
    if (stored->refusals == 0 || stored->counts_to_ms <= now_ms) {
        lockout_learn(leases->users, user, 0, 0, now_us);
        return;
    }
    int64_t window_us = (stored->counts_to_ms - stored->refused_ms) * 1000;
    lockout_learn(leases->users, user, (int)stored->refusals, window_us,
                  now_us - (ago_ms > 0 ? ago_ms : 0) * 1000);
}

static bool read_user(struct login_leases *leases, struct slice user,
                      struct arena *arena, struct store_user *stored)
{
    *stored = (struct store_user){.login = SLICE_EMPTY};
    enum err err = store_get_user(leases->gateway->parts.store, user, arena, stored);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return false;
    }
    learn(leases, user, stored);
    return true;
}

void login_leases_look(struct login_leases *leases, struct slice user)
{
    struct arena *arena = arena_new();
    struct store_user stored;
    (void)read_user(leases, user, arena, &stored);
    arena_free(arena);
}

static void on_noted(void *ctx, enum err err)
{
    struct note *note = ctx;
    if (err == ERR_OK && note->leases != NULL) { /* else the store has logged it */
        lockout_stored(note->leases->users, note->user);
    }
    list_remove(&note->link);
    arena_free(note->arena);
}

void login_leases_refused(struct login_leases *leases, struct slice user,
                          struct slice login, int64_t window_us)
{
    int64_t now_ms = gateway_wall_ms(leases->gateway);
    struct store_batch *batch = store_batch_new();
    struct arena *arena = arena_new();
    struct note *note = arena_alloc(arena, sizeof *note);
    note->arena = arena;
    note->leases = leases;
    note->user = arena_slice(arena, user);
    list_push(&leases->notes, &note->link);
    lockout_refused(leases->users, user, window_us, gateway_mono_us(leases->gateway));
    lockout_unstored(leases->users, user);
    store_refuse_user(batch, user, login, now_ms, now_ms + window_us / 1000);
    store_commit(leases->gateway->parts.store, batch, on_noted, note);
}

/* The login that was refused while this one waited; or nothing. */
static struct slice refused_meanwhile(struct ask *ask)
{
    struct login_leases *leases = ask->leases;
    struct store_user stored;
    if (!read_user(leases, ask->user, ask->arena, &stored) || !ask->has_waited ||
        stored.refused_ms < ask->began_ms || stored.login.len == 0) {
        return SLICE_EMPTY;
    }
    lockout_stopped(leases->logins, stored.login, gateway_mono_us(leases->gateway));
    return stored.login;
}

/* ---- Asking ---- */

static void ask_store(void *ctx);

static void answer(struct ask *ask, enum login_word word, struct slice refused)
{
    login_turns_kept(ask->leases->turns, ask->user, word, refused);
    end_ask(ask);
}

static void on_leased(void *ctx, enum err err)
{
    struct ask *ask = ctx;
    if (ask->leases == NULL) {
        end_ask(ask);
        return;
    }
    struct gateway *gateway = ask->leases->gateway;
    bool is_full = err == ERR_RATE_LIMITED;
    if (err == ERR_OK) {
        answer(ask, TURN_YOURS, refused_meanwhile(ask));
    } else if (is_full && !gateway->stopped) {
        answer(ask, TURN_FULL, SLICE_EMPTY);
    } else if (err != ERR_CONFLICT || gateway->stopped) {
        answer(ask, TURN_YOURS, SLICE_EMPTY); /* one that stops sends nothing more */
    } else if (gateway_mono_us(gateway) >= ask->patient_us) {
        answer(ask, TURN_BUSY, SLICE_EMPTY);
    } else {
        ask->has_waited = true;
        ask->timer =
            loop_timer_start(gateway->parts.loop, LOOK_AGAIN_MS, ask_store, ask);
    }
}

/* As long as any answer is waited for. */
static int64_t lease_ms(const struct gateway_config *config)
{
    int64_t read_ms = config->read_timeout_ms, write_ms = config->write_timeout_ms;
    return (read_ms > write_ms ? read_ms : write_ms) + LEASE_SPARE_MS;
}

static struct slice holder_of(const struct login_leases *leases)
{
    return slice_of(leases->holder, leases->holder_len);
}

static void ask_store(void *ctx)
{
    struct ask *ask = ctx;
    const struct gateway_parts *parts = &ask->leases->gateway->parts;
    int64_t now_ms = gateway_wall_ms(ask->leases->gateway);
    struct store_batch *batch = store_batch_new();
    ask->timer = NULL;
    store_lease_trial(batch, ask->user, ask->tenant, holder_of(ask->leases), now_ms,
                      now_ms + lease_ms(parts->config));
    store_commit(parts->store, batch, on_leased, ask);
}

static void take(void *ctx, struct slice user, struct slice tenant)
{
    struct login_leases *leases = ctx;
    struct arena *arena = arena_new();
    struct ask *ask = arena_alloc(arena, sizeof *ask);
    ask->arena = arena;
    ask->leases = leases;
    ask->user = arena_slice(arena, user);
    ask->tenant = arena_slice(arena, tenant);
    ask->began_ms = gateway_wall_ms(leases->gateway);
    ask->patient_us = gateway_mono_us(leases->gateway) + PATIENCE_MS * INT64_C(1000);
    list_push(&leases->asks, &ask->link);
    ask_store(ask);
}

static void on_given_back(void *ctx, enum err err)
{
    (void)ctx;
    (void)err; /* the store has logged it; the lease ends by itself */
}

static void give_back(void *ctx, struct slice user)
{
    struct login_leases *leases = ctx;
    struct store_batch *batch = store_batch_new();
    store_end_trial(batch, user, holder_of(leases));
    store_commit(leases->gateway->parts.store, batch, on_given_back, NULL);
}

struct login_keeper login_leases_keeper(struct login_leases *leases)
{
    return (struct login_keeper){take, give_back, leases};
}

enum err login_leases_restore(struct store *store)
{
    struct store_batch *batch = store_batch_new();
    store_end_all_trials(batch);
    return store_commit_now(store, batch);
}
