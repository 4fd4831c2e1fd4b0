/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A day of 10,000 accounts on a clock that the test moves: their tokens end at all times of
 * the hour, calls come at random, the token hosts are slow and fail now and then, and at
 * noon all of them for ten minutes. At every moment: no more requests are out than the cap,
 * and whoever signs has a token that is good for another 30 s.
 */
#include "auth/client_grant.h"
#include "tests/unit/auth/world.h"

#define ACCOUNTS 10000
#define CAP 16
#define NOW_MS INT64_C(1795000000000)
#define SECOND INT64_C(1000)
#define DAY (24 * 3600 * SECOND)
#define NOON (12 * 3600 * SECOND)
#define OUTAGE (600 * SECOND)
#define CALL_EVERY 300 /* ms */
#define LATENCY_MOST 3000

struct out {
    struct http_transfer_handlers handlers;
    int64_t answer_ms;
    bool open;
};

struct day {
    struct clock_fake time;
    struct clock clock;
    struct log log;
    struct token_hosts *hosts;
    struct tokens *tokens;
    struct token_source *sources[ACCOUNTS];
    struct out outs[CAP];
    uint64_t seed;
    size_t most_out, requests, signed_calls, waited, refused;
};

struct call {
    struct token_wait wait;
    struct day *day;
    size_t account;
};

static uint32_t draw(struct day *day, uint32_t below)
{
    day->seed = day->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(day->seed >> 33) % below;
}

/* ---- The token hosts ---- */

static void send(void *ctx, const struct http_send *request,
                 const struct http_transfer_handlers *handlers)
{
    struct day *day = ctx;
    size_t open = 0;
    struct out *room = NULL;
    (void)request;
    for (size_t i = 0; i < CAP; i++) {
        open += day->outs[i].open ? 1 : 0;
        room = day->outs[i].open ? room : &day->outs[i];
    }
    assert_non_null(room); /* never more at once than the cap */
    day->requests++;
    day->most_out = open + 1 > day->most_out ? open + 1 : day->most_out;
    *room = (struct out){
        *handlers, day->time.wall_ms + 50 + (int64_t)draw(day, LATENCY_MOST), true};
}

static bool is_down(const struct day *day)
{
    int64_t at = day->time.wall_ms - NOW_MS;
    return at >= NOON && at < NOON + OUTAGE;
}

static void answer(struct day *day, struct out *out)
{
    struct http_transfer_handlers handlers = out->handlers;
    bool fails = is_down(day) || draw(day, 200) == 0;
    /* Most live an hour, some only for minutes. */
    const char *body = draw(day, 50) == 0
                           ? "{\"access_token\":\"t\",\"expires_in\":120}"
                           : "{\"access_token\":\"t\",\"expires_in\":3600}";
    struct http_reply reply = {.status = fails ? 503 : 200, .body = slice_str(body)};
    struct http_outcome outcome = {.reply = &reply, .sent = true};
    out->open = false;
    handlers.on_answer(handlers.ctx, &outcome);
    handlers.on_end(handlers.ctx, HTTP_END_ANSWERED);
}

/* ---- Calls ---- */

static void sign(struct day *day, size_t account)
{
    assert_true(token_source_is_fresh(day->sources[account]));
    assert_true(token_source_reveal(day->sources[account]).len > 0);
    day->signed_calls++;
}

static void on_ready(void *ctx, const struct token_outcome *outcome)
{
    struct call *call = ctx;
    if (outcome->err == ERR_OK) {
        sign(call->day, call->account);
    } else {
        call->day->refused++;
    }
    free(call);
}

static void call_one(struct day *day)
{
    size_t account = draw(day, ACCOUNTS);
    if (token_source_is_fresh(day->sources[account])) {
        sign(day, account);
        return;
    }
    struct call *call = calloc(1, sizeof *call);
    call->day = day;
    call->account = account;
    call->wait = (struct token_wait){.on_ready = on_ready, .ctx = call};
    if (token_source_wait(day->sources[account], &call->wait) != ERR_OK) {
        day->refused++;
        free(call);
    } else {
        day->waited++;
    }
}

/* ---- The day ---- */

static struct out *next_answer(struct day *day)
{
    struct out *next = NULL;
    for (size_t i = 0; i < CAP; i++) {
        struct out *out = &day->outs[i];
        if (out->open && (next == NULL || out->answer_ms < next->answer_ms)) {
            next = out;
        }
    }
    return next;
}

static void move_to(struct day *day, int64_t at_ms)
{
    if (at_ms > day->time.wall_ms) {
        day->time.mono_us += (at_ms - day->time.wall_ms) * 1000;
        day->time.wall_ms = at_ms;
    }
}

static void live_until(struct day *day, int64_t end_ms)
{
    int64_t call_ms = day->time.wall_ms;
    while (day->time.wall_ms < end_ms) {
        struct out *out = next_answer(day);
        int64_t due_ms = tokens_next_ms(day->tokens);
        if (out != NULL && out->answer_ms <= call_ms &&
            (due_ms == 0 || out->answer_ms <= due_ms)) {
            move_to(day, out->answer_ms);
            answer(day, out);
        } else if (due_ms > 0 && due_ms <= call_ms) {
            move_to(day, due_ms);
            tokens_run(day->tokens);
        } else {
            move_to(day, call_ms);
            call_one(day);
            call_ms += (int64_t)draw(day, 2 * CALL_EVERY) + 1;
        }
    }
}

static void finish(struct day *day)
{
    struct out *out = NULL;
    token_hosts_stop(day->hosts);
    while ((out = next_answer(day)) != NULL) {
        answer(day, out);
    }
    for (size_t i = 0; i < ACCOUNTS; i++) {
        token_source_drop(day->sources[i]);
    }
    tokens_free(day->tokens);
    token_hosts_free(day->hosts);
}

static void test_a_day_of_ten_thousand_accounts(void **state)
{
    struct day *day = calloc(1, sizeof *day);
    const struct token_transport transport = {send, day};
    (void)state;
    day->seed = 42;
    day->time = (struct clock_fake){.mono_us = 1, .wall_ms = NOW_MS};
    day->clock = clock_from_fake(&day->time);
    day->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &day->clock};
    day->hosts = token_hosts_new(&transport, &day->clock, &day->log, CAP);
    day->tokens = tokens_new(NULL, day->hosts, &day->clock, &day->log, TOKEN_TRIES);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        char id[24], url[64];
        snprintf(id, sizeof id, "client-%zu", i);
        snprintf(url, sizeof url, "https://host-%zu.example/token", i % 500);
        const struct client_grant grant = {.tenant = slice_str(id),
                                           .url = slice_str(url),
                                           .client_id = slice_str(id),
                                           .client_secret = SLICE("s")};
        day->sources[i] = client_grant_source(day->tokens, &grant);
    }
    live_until(day, NOW_MS + DAY);
    print_message("%zu calls signed, %zu of them waited, %zu refused; %zu token "
                  "requests, at most %zu at once\n",
                  day->signed_calls, day->waited, day->refused, day->requests,
                  day->most_out);
    assert_true(day->signed_calls > 250000);
    assert_true(day->most_out <= CAP);
    assert_true(day->refused < day->signed_calls / 50); /* the ten minutes of noon */
    finish(day);
    free(day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_day_of_ten_thousand_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
