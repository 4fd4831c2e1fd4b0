/* SPDX-License-Identifier: Apache-2.0 */
/* lease.lua itself, in a Lua of its own; store.lua is the Redis around it. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stddef.h>

#include "tests/model/shares.h"

static lua_State *lua;
const char *const statuses[] = {"ok",    "entered", "turn",  "lapsed",
                                "epoch", "seat",    "terms", "stale"};

static void put_number(int at, long long value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", value);
    lua_pushstring(lua, text);
    lua_rawseti(lua, -2, at);
}

static void put_word(int at, const char *word)
{
    lua_pushstring(lua, word);
    lua_rawseti(lua, -2, at);
}

/* In ticks here, in milliseconds there. */
static bool is_time(size_t at)
{
    size_t places = offsetof(struct redis_state, places);
    size_t nodes = offsetof(struct redis_state, nodes);
    size_t records = offsetof(struct redis_state, records);
    if (at >= records) {
        return false;
    }
    if (at >= nodes) {
        size_t field = (at - nodes) % 6;
        return field == 1 || field == 3 || field == 4;
    }
    return at >= places ? (at - places) % 4 == 3 : at == 1 || at == 2;
}

static void push_state(void)
{
    const num *numbers = (const num *)&w.redis;
    lua_createtable(lua, sizeof w.redis, 1);
    for (size_t k = 0; k < sizeof w.redis; k++) {
        lua_pushinteger(lua, is_time(k) ? numbers[k] * TICK : numbers[k]);
        lua_rawseti(lua, -2, (int)k + 1);
    }
}

static void push_words(int i, const struct asked *a)
{
    static const char *const ops[] = {"join", "renew", "leave", "turn", "turn"};
    char seat[16], id[2] = {(char)('a' + i), '\0'};
    snprintf(seat, sizeof seat, "%d:%x:1", bounds.seats > 0 ? i + 1 : 0, i + 1);
    lua_createtable(lua, LENDER_WORDS, 0);
    put_word(1, ops[a->op]);
    put_word(2, id);
    put_word(3, seat);
    put_number(4, a->seq);
    put_word(5, a->epoch != 0 ? "E" : "X");
    put_word(6, "R");
    put_number(7, EPOCH_MS + a->claim * TICK);
    put_number(8, WALL_MS + a->wall * TICK);
    put_number(9, TTL * TICK);
    put_number(10, HOLD * TICK);
    put_number(11, bounds.seats);
    if (a->op >= LENDER_ENTER) {
        put_number(12, a->op == LENDER_ENTER);
        put_number(13, a->ceiling);
        put_number(14, a->keep);
        put_number(15, a->want);
        put_number(16, a->seen);
        put_word(17, "x");
    }
}

static int64_t item(int table, int at)
{
    lua_rawgeti(lua, table, at);
    int64_t value = (int64_t)lua_tonumber(lua, -1);
    lua_pop(lua, 1);
    return value;
}

static void read_state(int table, struct redis_state *out)
{
    num *numbers = (num *)out;
    for (size_t k = 0; k < sizeof *out; k++) {
        int64_t value = item(table, (int)k + 1);
        numbers[k] = clamp(is_time(k) ? ticks(value) : value, -100, 100);
    }
    out->lag = clamp(out->lag, 0, TTL / 2);
    for (int k = 0; k < RECORDS; k++) {
        out->nodes[k].till = clamp(out->nodes[k].till, -HOLD - TTL, 100);
        out->nodes[k].at = clamp(out->nodes[k].at, LONG_AGO, 100);
    }
}

/* The epoch's clock has gone on, or is another's. */
void shift_epoch(num passed, bool is_new)
{
    for (int i = 0; i < NODES; i++) {
        struct node_state *n = &w.nodes[i];
        if (is_new) {
            n->epoch = n->news = n->news_at = 0;
        }
        if (n->offset != NEVER) {
            n->offset = clamp(is_new ? 0 : n->offset - passed, -AHEAD, AHEAD);
        }
        if (n->entered != NEVER) {
            n->entered = clamp(n->entered - passed, -HOLD - TTL, 0);
        }
        n->news_at =
            n->news > 0 ? clamp(n->news_at - passed, -HOLD - TTL - AHEAD, 0) : 0;
        for (int k = 0; k < n->answer_count; k++) {
            n->answers[k].now = clamp(n->answers[k].now - passed, -SHARE_TICKS, 0);
        }
        for (int k = 0; k < ROOM; k++) {
            struct asked *both[] = {&n->requests[k], &n->orphans[k]};
            for (int b = 0; b < 2; b++) {
                int count = b == 0 ? n->request_count : n->orphan_count;
                if (k < count) {
                    both[b]->epoch = both[b]->epoch != 0 && !is_new;
                    both[b]->claim = clamp(both[b]->claim - passed, -AHEAD, AHEAD);
                }
            }
        }
    }
}

/* What one run of the script makes of a state. */
struct outcome {
    struct redis_state redis;
    num status, epoch, wait, granted, last, passed, is_new, news[NODES];
};

struct question {
    struct redis_state redis;
    struct asked asked;
    num node, listens[RECORDS];
};

static struct outcome ask_script(const struct question *q)
{
    struct outcome out = {.status = OK};
    int top = lua_gettop(lua);
    lua_getglobal(lua, "run");
    push_state();
    push_words(q->node, &q->asked);
    lua_createtable(lua, RECORDS, 0);
    for (int k = 0; k < RECORDS; k++) {
        lua_pushinteger(lua, q->listens[k]);
        lua_rawseti(lua, -2, k + 1);
    }
    if (lua_pcall(lua, 3, 7, 0) != 0) {
        fprintf(stderr, "lease.lua: %s\n", lua_tostring(lua, -1));
        exit(2);
    }
    while (strcmp(statuses[out.status], lua_tostring(lua, top + 1)) != 0) {
        out.status++;
    }
    read_state(top + 2, &out.redis);
    out.wait = clamp(ticks(item(top + 3, 2)), 0, 100);
    out.granted = (num)item(top + 3, 4);
    out.last = (num)item(top + 3, 5);
    out.passed = (num)ticks((int64_t)lua_tonumber(lua, top + 4));
    out.is_new = lua_tonumber(lua, top + 5) > 0;
    for (int k = 0; k < NODES; k++) {
        out.news[k] = (num)item(top + 6, 2 * k + 1);
    }
    out.epoch = (num)lua_tonumber(lua, top + 7);
    lua_settop(lua, top);
    return out;
}

/* Most runs have been asked for before. */
static const struct outcome *outcome_of(const struct question *q)
{
    static struct {
        bool there;
        struct question question;
        struct outcome outcome;
    } known[1 << 16];
    size_t at = hash_of(q, sizeof *q) & ((1 << 16) - 1);
    if (!known[at].there || memcmp(&known[at].question, q, sizeof *q) != 0) {
        known[at].there = true;
        known[at].question = *q;
        known[at].outcome = ask_script(q);
    }
    return &known[at].outcome;
}

void run_script(int i, const struct asked *a, bool is_heard)
{
    struct node_state *n = &w.nodes[i];
    struct question q;
    memset(&q, 0, sizeof q);
    q.redis = w.redis;
    q.asked = *a;
    q.asked.sent = q.asked.round = 0;
    q.node = (num)i;
    for (int k = 0; k < NODES; k++) {
        q.listens[k] = w.nodes[k].up;
    }
    const struct outcome *out = outcome_of(&q);
    w.redis = out->redis;
    shift_epoch(out->passed, out->is_new != 0);
    for (int k = 0; k < NODES; k++) {
        if (out->news[k] > 0) {
            w.nodes[k].news = (num)(out->news[k] + 1); /* 0 is none */
            w.nodes[k].news_at = 0;
        }
    }
    if (is_told) {
        printf("  redis: %s, %d, %d\n", statuses[out->status], out->granted, out->last);
    }
    if (is_heard) {
        n->answers[n->answer_count++] =
            (struct told){.of = {.op = a->op, .sent = a->sent, .round = a->round},
                          .status = out->status,
                          .epoch = out->epoch,
                          .wait = out->wait,
                          .granted = out->granted,
                          .last = out->last};
    }
}

void redis_new(const char *script, const char *store)
{
    lua = luaL_newstate();
    luaL_openlibs(lua);
    if (luaL_dofile(lua, store) != 0) {
        fprintf(stderr, "%s\n", lua_tostring(lua, -1));
        exit(2);
    }
    lua_getglobal(lua, "load_script");
    lua_pushstring(lua, script);
    lua_call(lua, 1, 0);
}
