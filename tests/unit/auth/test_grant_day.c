/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day of 10,000 grants with refresh tokens that are used once, on a real store and a clock that
 * the test moves; and a day of grants whose access tokens live an hour, as NetSuite's. Tokens end
 * at all times; calls come at random; the token hosts are slow, fail now and then, and at noon all
 * of them for ten minutes. In the evening the server is stopped and started again. At every moment:
 * no more requests are out than the cap, no refresh token is sent that was used up, and whoever
 * signs has a token that its host takes for another 30 s.
 */
#include "auth/grants.h"
#include "tests/unit/auth/world.h"

#define GRANTS_MOST 10000
#define CAP_MOST 8
#define HOSTS 500
#define NOW_MS INT64_C(1795000000000)
#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define NOON (12 * HOUR)
#define EVENING (18 * HOUR)
#define OUTAGE (600 * SECOND)
#define BATCH 500

/* Which day. An answer is taken at the next step, so the step's length bounds how many requests the
 * cap lets through. */
struct kind {
    size_t grants, cap;
    int64_t life_s, step_ms;
    int calls_a_step;
};
static const struct kind of_six_hours = {10000, 8, 21600, 5000, 20};
/* NetSuite's tokens live an hour: six times the requests, so a fifth of the grants keep this test
 * short. -DHOUR_GRANTS=10000 -DHOUR_CAP=8: all of them. */
#ifndef HOUR_GRANTS
#define HOUR_GRANTS 2000
#define HOUR_CAP 2
#endif
static const struct kind of_an_hour = {HOUR_GRANTS, HOUR_CAP, 3600, 1000, 4};

/* What the host knows of a grant. */
struct given {
    unsigned serial;    /* of the newest tokens */
    int64_t ends_ms[2]; /* of the newest access token and the one before, by serial */
};

struct out {
    struct http_transfer_handlers handlers;
    size_t grant;
    unsigned serial;
    int64_t answer_ms;
    bool open;
};

struct day {
    const struct kind *kind;
    struct world keys;
    struct clock_fake time;
    struct clock clock;
    struct log log;
    struct loop *loop;
    struct vault *vault;
    struct store *store;
    struct token_hosts *hosts;
    struct tokens *tokens;
    struct grants *grants;
    struct token_source *sources[GRANTS_MOST];
    struct given given[GRANTS_MOST];
    struct out outs[CAP_MOST];
    uint64_t seed;
    size_t requests, signed_calls, waited, refused_calls, most_out, refusals;
};

struct call {
    struct token_wait wait;
    struct day *day;
    size_t grant;
};

static uint32_t draw(struct day *day, uint32_t below)
{
    day->seed = day->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(day->seed >> 33) % below;
}

static int64_t time_of_day(const struct day *day)
{
    return day->time.wall_ms - NOW_MS;
}

static struct slice id_of(struct arena *arena, size_t grant)
{
    return arena_printf(arena, "acc_%05zu", grant);
}

/* "<before><grant>.<serial>", up to an "&". */
static void read_token(struct slice text, const char *before, size_t *grant,
                       unsigned *serial)
{
    unsigned long long whose = 0, count = 0;
    assert_true(slice_starts(text, slice_str(before)));
    struct slice rest = slice_from(text, strlen(before));
    ptrdiff_t end = slice_find(rest, '&');
    rest = end >= 0 ? slice_of(rest.ptr, (size_t)end) : rest;
    ptrdiff_t dot = slice_find(rest, '.');
    assert_true(dot > 0);
    assert_true(slice_to_u64(slice_of(rest.ptr, (size_t)dot), &whose));
    assert_true(slice_to_u64(slice_from(rest, (size_t)dot + 1), &count));
    assert_true(whose < GRANTS_MOST);
    *grant = (size_t)whose;
    *serial = (unsigned)count;
}

/* ---- The token hosts ---- */

static void send(void *ctx, const struct http_send *request,
                 const struct http_transfer_handlers *handlers)
{
    struct day *day = ctx;
    size_t room = CAP_MOST, open = 0, grant = 0;
    unsigned serial = 0;
    for (size_t i = 0; i < day->kind->cap; i++) {
        open += day->outs[i].open ? 1 : 0;
        room = day->outs[i].open ? room : i;
    }
    assert_true(room < CAP_MOST); /* never more at once than the cap */
    day->most_out = open + 1 > day->most_out ? open + 1 : day->most_out;
    read_token(request->body, "grant_type=refresh_token&refresh_token=r", &grant,
               &serial);
    assert_int_equal(serial, day->given[grant].serial); /* not used up */
    day->requests++;
    day->outs[room] =
        (struct out){*handlers, grant, serial,
                     day->time.wall_ms + 50 + (int64_t)draw(day, 1500), true};
}

static bool is_down(const struct day *day)
{
    int64_t at = time_of_day(day);
    return at >= NOON && at < NOON + OUTAGE;
}

static void answer(struct day *day, struct out *out)
{
    struct http_transfer_handlers handlers = out->handlers;
    struct given *given = &day->given[out->grant];
    bool fails = is_down(day) || draw(day, 200) == 0;
    char body[160] = "{}";
    if (!fails) {
        int64_t life_s =
            draw(day, 50) == 0 ? 120 : day->kind->life_s; /* a few live for minutes */
        given->serial++;
        given->ends_ms[given->serial % 2] = day->time.wall_ms + life_s * SECOND;
        snprintf(body, sizeof body,
                 "{\"access_token\":\"a%zu.%u\",\"refresh_token\":\"r%zu.%u\","
                 "\"expires_in\":%lld}",
                 out->grant, given->serial, out->grant, given->serial,
                 (long long)life_s);
    }
    struct http_reply reply = {.status = fails ? 503 : 200, .body = slice_str(body)};
    struct http_outcome outcome = {.reply = &reply, .sent = true};
    out->open = false;
    handlers.on_answer(handlers.ctx, &outcome);
    handlers.on_end(handlers.ctx, HTTP_END_ANSWERED);
}

static size_t answer_some(struct day *day)
{
    size_t left = 0;
    for (size_t i = 0; i < day->kind->cap; i++) {
        if (day->outs[i].open && day->outs[i].answer_ms <= day->time.wall_ms) {
            answer(day, &day->outs[i]);
        }
        left += day->outs[i].open ? 1 : 0;
    }
    return left;
}

/* ---- Calls ---- */

static void sign(struct day *day, size_t grant)
{
    size_t whose = 0;
    unsigned serial = 0;
    struct token_source *source = day->sources[grant];
    assert_true(token_source_is_fresh(source));
    read_token(token_source_reveal(source), "a", &whose, &serial);
    assert_int_equal(whose, grant);
    /* The one before is good, too, while the newest is being stored. */
    assert_true(day->given[grant].serial - serial <= 1);
    assert_true(day->given[grant].ends_ms[serial % 2] - day->time.wall_ms >=
                30 * SECOND);
    day->signed_calls++;
}

static void on_ready(void *ctx, const struct token_outcome *outcome)
{
    struct call *call = ctx;
    if (outcome->err == ERR_OK) {
        sign(call->day, call->grant);
    } else {
        call->day->refused_calls++;
    }
    free(call);
}

static void call_one(struct day *day)
{
    size_t grant = draw(day, (uint32_t)day->kind->grants);
    if (token_source_is_fresh(day->sources[grant])) {
        sign(day, grant);
        return;
    }
    struct call *call = calloc(1, sizeof *call);
    call->day = day;
    call->grant = grant;
    call->wait = (struct token_wait){.on_ready = on_ready, .ctx = call};
    if (token_source_wait(day->sources[grant], &call->wait) != ERR_OK) {
        day->refused_calls++;
        free(call);
    } else {
        day->waited++;
    }
}

/* ---- The server ---- */

static enum err on_renew(void *ctx, struct slice account)
{
    struct day *day = ctx;
    unsigned long long grant = 0;
    assert_true(slice_to_u64(slice_from(account, 4), &grant) &&
                grant < day->kind->grants);
    return token_source_renew(day->sources[grant]);
}

static void on_refused(void *ctx, struct slice account,
                       const struct token_outcome *outcome)
{
    struct day *day = ctx;
    (void)account;
    (void)outcome;
    day->refusals++;
}

static void settle(struct day *day)
{
    while (loop_run_once(day->loop)) {
    }
}

static void make_source(struct day *day, size_t grant)
{
    struct arena *arena = arena_new();
    const struct grant_client client = {
        arena_printf(arena, "https://host-%zu.example/token", grant % HOSTS),
        SLICE("cid"), SLICE("")};
    day->sources[grant] = grants_source(day->grants, id_of(arena, grant), &client);
    arena_free(arena);
}

static void start(struct day *day)
{
    const struct token_transport transport = {send, day};
    day->loop = loop_new();
    assert_int_equal(store_open(day->loop, &day->log, day->keys.path, &day->store),
                     ERR_OK);
    day->hosts =
        token_hosts_new(&transport, &day->clock, &day->log, (int)day->kind->cap);
    day->tokens = tokens_new(NULL, day->hosts, &day->clock, &day->log, TOKEN_TRIES);
    const struct grants_parts parts = {
        .store = day->store,
        .vault = day->vault,
        .tokens = day->tokens,
        .log = &day->log,
        .grant_ms = 7 * 24 * HOUR,
        .most_renewals = (int)day->kind->cap,
    };
    day->grants = grants_new(&parts);
    grants_set_hooks(day->grants, &(struct grant_hooks){on_renew, on_refused, day});
}

static void begin(struct day *day)
{
    assert_int_equal(grants_restore(day->grants, true), ERR_OK);
    for (size_t grant = 0; grant < day->kind->grants; grant++) {
        make_source(day, grant);
    }
    settle(day);
}

static void stop(struct day *day)
{
    token_hosts_stop(day->hosts);
    for (int second = 0; second < 5;
         second++) { /* flights between two tries end, too */
        day->time.wall_ms += SECOND;
        day->time.mono_us += SECOND * 1000;
        answer_some(day);
        tokens_run(day->tokens);
        settle(day);
    }
    store_close(day->store);
    settle(day);
    for (size_t grant = 0; grant < day->kind->grants; grant++) {
        token_source_drop(day->sources[grant]);
    }
    grants_free(day->grants);
    tokens_free(day->tokens);
    token_hosts_free(day->hosts);
    loop_free(day->loop);
}

static void put_grant(struct day *day, struct store_batch *batch, size_t grant,
                      struct arena *arena)
{
    const struct store_account account = account_with_grant(id_of(arena, grant));
    const struct token_answer tokens = {
        .token = arena_printf(arena, "a%zu.0", grant),
        .refresh = arena_printf(arena, "r%zu.0", grant),
        .life_ms = 60 * SECOND +
                   (int64_t)draw(day, (uint32_t)day->kind->life_s - 60) * SECOND};
    day->given[grant].ends_ms[0] = day->time.wall_ms + tokens.life_ms;
    store_insert_account(batch, &account);
    assert_int_equal(grants_put(day->grants, batch, account.id, &tokens, NULL), ERR_OK);
}

static void put_all(struct day *day)
{
    for (size_t grant = 0; grant < day->kind->grants; grant += BATCH) {
        struct store_batch *batch = store_batch_new();
        struct arena *arena = arena_new();
        for (size_t i = grant; i < grant + BATCH; i++) {
            put_grant(day, batch, i, arena);
        }
        assert_int_equal(store_commit_now(day->store, batch), ERR_OK);
        arena_free(arena);
    }
    settle(day);
}

/* ---- The day ---- */

/* By steps: what is written in one is written at once. */
static void live_until(struct day *day, int64_t end_ms)
{
    while (day->time.wall_ms < end_ms) {
        day->time.wall_ms += day->kind->step_ms;
        day->time.mono_us += day->kind->step_ms * 1000;
        answer_some(day);
        tokens_run(day->tokens);
        grants_run(day->grants);
        for (int i = 0; i < day->kind->calls_a_step; i++) {
            call_one(day);
        }
        settle(day);
    }
}

/* Stopped for ten minutes: what was missed is not done in one rush. */
static void stop_and_start(struct day *day)
{
    stop(day);
    day->time.wall_ms += OUTAGE;
    day->time.mono_us += OUTAGE * 1000;
    start(day);
    begin(day);
}

/* Where there is such a folder: what a disk costs is not the question here. */
static void move_to_memory(struct world *keys)
{
    char folder[] = "/dev/shm/sluice-auth-XXXXXX";
    if (mkdtemp(folder) == NULL) {
        return;
    }
    assert_int_equal(rmdir(keys->folder), 0);
    snprintf(keys->folder, sizeof keys->folder, "%s", folder);
    snprintf(keys->path, sizeof keys->path, "%s/file", folder);
}

static void live_a_day(const struct kind *kind)
{
    struct day *day = calloc(1, sizeof *day);
    day->kind = kind;
    world_begin(&day->keys);
    move_to_memory(&day->keys);
    day->seed = 42;
    day->time = (struct clock_fake){.mono_us = 1, .wall_ms = NOW_MS};
    day->clock = clock_from_fake(&day->time);
    day->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &day->clock};
    day->vault = vault_new(day->keys.keys);
    start(day);
    put_all(day);
    begin(day);

    live_until(day, NOW_MS + NOON);
    size_t waited = day->waited, refused = day->refused_calls;
    print_message("until noon: %zu calls signed, %zu waited, %zu refused; %zu token "
                  "requests, at most %zu at once\n",
                  day->signed_calls, waited, refused, day->requests, day->most_out);
    assert_true(refused == 0);
    live_until(day, NOW_MS + EVENING);
    stop_and_start(day);
    live_until(day, NOW_MS + 24 * HOUR);
    print_message(
        "the day: %zu calls signed, %zu waited, %zu refused; %zu token requests, "
        "at most %zu at once; %zu grants refused\n",
        day->signed_calls, day->waited, day->refused_calls, day->requests,
        day->most_out, day->refusals);
    assert_int_equal(day->refusals, 0);
    assert_int_equal(day->most_out,
                     day->kind->cap); /* all want theirs when the outage is over */
    assert_true(day->requests >
                day->kind->grants * (size_t)(24 * 3600 / day->kind->life_s - 1));
    assert_true(day->signed_calls > 300000);
    assert_true(day->refused_calls < day->signed_calls / 50); /* the outage at noon */
    stop(day);
    vault_free(day->vault);
    world_end(&day->keys);
    free(day);
}

static void test_a_day_of_tokens_that_live_six_hours(void **state)
{
    (void)state;
    live_a_day(&of_six_hours);
}

static void test_a_day_of_tokens_that_live_an_hour(void **state)
{
    (void)state;
    live_a_day(&of_an_hour);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day_of_tokens_that_live_six_hours),
        cmocka_unit_test(test_a_day_of_tokens_that_live_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
