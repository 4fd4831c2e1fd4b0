/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lane_settings.h"

#include <stdlib.h>

#include "core/turnstile.h"

#define LOOK_MS 1000

struct lane_settings {
    struct gateway *gateway;
    struct loop_timer *timer; /* NULL: nothing kept ends by itself */
    int64_t ends_ms;          /* Unix; the first of them; 0: none */
};

struct lane_settings *lane_settings_new(struct gateway *gateway)
{
    struct lane_settings *settings = calloc(1, sizeof *settings);
    REQUIRE(settings != NULL);
    settings->gateway = gateway;
    return settings;
}

void lane_settings_free(struct lane_settings *settings)
{
    if (settings != NULL) {
        loop_timer_stop(settings->timer);
        free(settings);
    }
}

/* *ends_ms: when the server expires; 0: never. What cannot be read is taken to be there. */
static bool serves(const struct lane_settings *settings, struct slice lane,
                   struct slice server, int64_t *ends_ms)
{
    struct gateway *gateway = settings->gateway;
    struct arena *arena = arena_new();
    struct store_server found = {.expires_ms = 0};
    struct store_account account;
    enum err err = store_get_server(gateway->parts.store, server, arena, &found);
    if (err == ERR_OK) {
        err = store_get_account(gateway->parts.store, found.account, arena, &account);
    }
    bool is_there =
        err != ERR_NOT_FOUND && (err != ERR_OK || slice_eq(account.lane, lane)) &&
        (found.expires_ms == 0 || found.expires_ms > gateway_wall_ms(gateway));
    *ends_ms = found.expires_ms;
    arena_free(arena);
    return is_there;
}

bool lane_settings_serves(struct lane_settings *settings, struct slice lane,
                          struct slice server)
{
    int64_t ends_ms = 0;
    return serves(settings, lane, server, &ends_ms);
}

static void on_look(void *ctx);

static void look_when(struct lane_settings *settings, int64_t ends_ms)
{
    if (ends_ms == 0 || (settings->ends_ms > 0 && settings->ends_ms <= ends_ms)) {
        return;
    }
    settings->ends_ms = ends_ms;
    if (settings->timer == NULL) {
        settings->timer =
            loop_timer_every(settings->gateway->parts.loop, LOOK_MS, on_look, settings);
    }
}

/* What was taken once is read again; nothing is kept for anybody where it cannot be. */
static void read_reserve(struct lane_settings *settings, const struct store_lane *lane,
                         struct arena *arena, struct lane_reserve *out)
{
    struct jval *json = NULL;
    struct lane_reserve all;
    struct lane_reserve_problem problem;
    *out = (struct lane_reserve){.count = 0};
    if (lane->reserve.len == 0 ||
        jval_parse(arena, lane->reserve, &json, NULL) != ERR_OK ||
        !lane_reserve_parse(json, arena, &all, &problem)) {
        return;
    }
    for (size_t i = 0; i < all.count; i++) {
        const struct governor_reservation *one = &all.all[i];
        int64_t ends_ms = 0;
        if (one->server.len == 0 || serves(settings, lane->id, one->server, &ends_ms)) {
            out->all[out->count++] = *one;
            out->slots += one->slots;
            look_when(settings, ends_ms);
        }
    }
}

enum err lane_settings_get(struct lane_settings *settings, struct slice id,
                           struct arena *arena, struct lane_setting *out)
{
    *out = (struct lane_setting){.stored = {.id = id}};
    enum err err =
        store_get_lane(settings->gateway->parts.store, id, arena, &out->stored);
    if (err == ERR_OK) {
        read_reserve(settings, &out->stored, arena, &out->reserve);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void tell(struct lane_settings *settings, const struct store_lane *lane,
                 struct arena *arena)
{
    struct gateway *gateway = settings->gateway;
    struct lane_reserve reserve;
    int64_t now_us = gateway_mono_us(gateway);
    read_reserve(settings, lane, arena, &reserve);
    governor_lane_set(gateway->parts.governor, lane->id, lane->ceiling, now_us);
    governor_lane_reserve(gateway->parts.governor, lane->id, reserve.all, reserve.count,
                          now_us);
}

enum err lane_settings_look(struct lane_settings *settings, struct slice id)
{
    struct arena *arena = arena_new();
    struct store_lane lane;
    enum err err = store_get_lane(settings->gateway->parts.store, id, arena, &lane);
    if (err == ERR_OK) {
        tell(settings, &lane, arena);
    }
    arena_free(arena);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

void lane_settings_changed(struct lane_settings *settings, struct slice id)
{
    enum err err = lane_settings_look(settings, id);
    (void)err;
    turnstile_settle(settings->gateway->turnstile);
}

enum err lane_settings_look_at_all(struct lane_settings *settings)
{
    struct arena *arena = arena_new();
    struct store_lane *lanes = NULL;
    size_t count = 0;
    enum err err =
        store_list_lanes(settings->gateway->parts.store, arena, &lanes, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        tell(settings, &lanes[i], arena);
    }
    arena_free(arena);
    return err;
}

static void on_look(void *ctx)
{
    struct lane_settings *settings = ctx;
    int64_t ends_ms = settings->ends_ms;
    if (gateway_wall_ms(settings->gateway) < ends_ms || settings->gateway->stopped) {
        return;
    }
    settings->ends_ms = 0;
    if (lane_settings_look_at_all(settings) != ERR_OK) {
        settings->ends_ms = ends_ms; /* tried again */
    }
    if (settings->ends_ms == 0) {
        loop_timer_stop(settings->timer);
        settings->timer = NULL;
    }
    turnstile_settle(settings->gateway->turnstile);
}
