/* SPDX-License-Identifier: Apache-2.0 */
/* The line before token hosts: its cap, its order, and when a host is left alone. */
#include "auth/token_hosts.h"
#include "tests/unit/auth/world.h"

#define ASKS 40
#define CAP 3

struct ask {
    struct token_ask ask;
    struct hosts_world *world;
    struct http_transfer_handlers handlers; /* while it is out */
    bool out, told, stale;
    enum err err;
    int status;
};

struct hosts_world {
    struct clock_fake time;
    struct clock clock;
    struct log log;
    struct token_hosts *hosts;
    struct ask asks[ASKS];
    struct ask *leaving; /* composed last */
    size_t order[ASKS], left;
};

static void send(void *ctx, const struct http_send *request,
                 const struct http_transfer_handlers *handlers)
{
    struct hosts_world *w = ctx;
    struct ask *ask = w->leaving;
    assert_non_null(ask);
    assert_text(request->method, "POST");
    w->leaving = NULL;
    ask->handlers = *handlers;
    ask->out = true;
    w->order[w->left++] = (size_t)(ask - w->asks);
}

static enum err compose(void *ctx, struct arena *arena, struct http_send *request)
{
    struct ask *ask = ctx;
    (void)arena;
    if (ask->stale) {
        return ERR_TIMEOUT;
    }
    ask->world->leaving = ask;
    *request = (struct http_send){.method = SLICE("POST")};
    return ERR_OK;
}

static void on_reply(void *ctx, const struct token_reply *reply)
{
    struct ask *ask = ctx;
    assert_false(ask->told);
    ask->told = true;
    ask->err = reply->err;
    ask->status = reply->status;
}

static enum err start(struct hosts_world *w, size_t n, const char *url, bool urgent)
{
    struct ask *ask = &w->asks[n];
    *ask = (struct ask){.world = w};
    ask->ask = (struct token_ask){
        .compose = compose, .on_reply = on_reply, .ctx = ask, .urgent = urgent};
    enum err err = token_hosts_ask(w->hosts, slice_str(url), &ask->ask);
    assert_false(ask->told);
    return err;
}

static void answer(struct hosts_world *w, size_t n, int status)
{
    struct ask *ask = &w->asks[n];
    struct http_reply reply = {.status = status, .body = SLICE("{}")};
    struct http_outcome outcome = {.reply = &reply, .sent = true};
    assert_true(ask->out);
    ask->out = false;
    ask->handlers.on_answer(ask->handlers.ctx, &outcome);
    ask->handlers.on_end(ask->handlers.ctx, HTTP_END_ANSWERED);
    assert_true(ask->told);
}

static void lose(struct hosts_world *w, size_t n, enum err err)
{
    struct ask *ask = &w->asks[n];
    struct http_outcome outcome = {.err = err};
    ask->out = false;
    ask->handlers.on_answer(ask->handlers.ctx, &outcome);
    ask->handlers.on_end(ask->handlers.ctx, HTTP_END_NEVER_SENT);
}

static int set_up(void **state)
{
    struct hosts_world *w = calloc(1, sizeof *w);
    const struct token_transport transport = {send, w};
    w->time.mono_us = 1000000;
    w->clock = clock_from_fake(&w->time);
    w->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &w->clock};
    w->hosts = token_hosts_new(&transport, &w->clock, &w->log, CAP);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct hosts_world *w = *state;
    token_hosts_free(w->hosts);
    free(w);
    return 0;
}

static size_t out_now(const struct hosts_world *w)
{
    size_t out = 0;
    for (size_t n = 0; n < ASKS; n++) {
        out += w->asks[n].out;
    }
    return out;
}

static void test_no_more_are_out_than_the_cap(void **state)
{
    struct hosts_world *w = *state;
    for (size_t n = 0; n < 10; n++) {
        assert_int_equal(start(w, n, "https://a.example/token", false), ERR_OK);
    }
    assert_int_equal(out_now(w), CAP);
    for (size_t n = 0; n < 10; n++) {
        answer(w, n, 200);
        assert_true(out_now(w) <= CAP);
    }
    assert_int_equal(w->left, 10);
}

static void test_those_that_calls_wait_for_go_first(void **state)
{
    struct hosts_world *w = *state;
    static const bool urgent[] = {false, false, false, false, true, false, true};
    static const size_t order[] = {0, 1, 2, 4, 6, 5, 3};
    for (size_t n = 0; n < 7; n++) {
        assert_int_equal(start(w, n, "https://a.example/token", urgent[n]), ERR_OK);
    }
    token_hosts_hurry(&w->asks[5].ask); /* a call has come for it */
    for (size_t i = 0; i < 7; i++) {
        answer(w, order[i], 200);
    }
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(w->order[i], order[i]);
    }
}

/* Renewals that nobody waits for yet have their turn, too: every other one. */
static void test_those_that_have_waited_long_are_not_passed_by_for_ever(void **state)
{
    struct hosts_world *w = *state;
    static const size_t order[] = {0, 1, 2, 3, 5, 4, 6, 7, 8};
    for (size_t n = 0; n < 5; n++) {
        assert_int_equal(start(w, n, "https://a.example/token", n < CAP), ERR_OK);
    }
    w->time.mono_us += 20000000;
    for (size_t n = 5; n < 9; n++) {
        assert_int_equal(start(w, n, "https://a.example/token", true), ERR_OK);
    }
    for (size_t i = 0; i < 9; i++) {
        answer(w, order[i], 200);
    }
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(w->order[i], order[i]);
    }
}

static void fail_five(struct hosts_world *w, const char *url)
{
    for (size_t n = 0; n < 5; n++) {
        assert_int_equal(start(w, n, url, true), ERR_OK);
        if (n % 2 == 0) {
            answer(w, n, 503);
        } else {
            lose(w, n, ERR_UPSTREAM_UNAVAILABLE);
        }
    }
}

static void test_a_failing_host_is_left_alone_then_probed_once(void **state)
{
    struct hosts_world *w = *state;
    fail_five(w, "https://a.example/token");
    assert_int_equal(start(w, 5, "https://a.example/other?x=/", true),
                     ERR_UPSTREAM_UNAVAILABLE);
    assert_int_equal(start(w, 6, "https://b.example/token", true), ERR_OK);
    assert_int_equal(start(w, 7, "https://a.example:8443/token", true), ERR_OK);
    answer(w, 6, 200);
    answer(w, 7, 200);
    w->time.mono_us += 29999999;
    assert_int_equal(start(w, 5, "https://a.example/token", true),
                     ERR_UPSTREAM_UNAVAILABLE);
    w->time.mono_us += 1;
    assert_int_equal(start(w, 8, "https://a.example/token", true), ERR_OK);
    assert_int_equal(start(w, 9, "https://a.example/token", true),
                     ERR_UPSTREAM_UNAVAILABLE);
    answer(w, 8, 500); /* the probe fails: another pause */
    assert_int_equal(start(w, 9, "https://a.example/token", true),
                     ERR_UPSTREAM_UNAVAILABLE);
    w->time.mono_us += 30000000;
    assert_int_equal(start(w, 9, "https://a.example/token", true), ERR_OK);
    answer(w, 9, 400); /* a refusal is an answer: the host works */
    assert_int_equal(start(w, 10, "https://a.example/token", true), ERR_OK);
    assert_int_equal(start(w, 11, "https://a.example/token", true), ERR_OK);
    answer(w, 10, 200);
    answer(w, 11, 200);
}

static void test_a_failing_host_that_nobody_asks_is_forgotten(void **state)
{
    struct hosts_world *w = *state;
    fail_five(w, "https://a.example/token");
    assert_int_equal(token_hosts_known(w->hosts), 1);
    w->time.mono_us += 600000000; /* somebody comes back in time */
    assert_int_equal(start(w, 5, "https://a.example/token", true), ERR_OK);
    answer(w, 5, 500);
    w->time.mono_us += 600000000;
    assert_int_equal(start(w, 6, "https://b.example/token", true), ERR_OK);
    assert_int_equal(token_hosts_known(w->hosts), 2);
    answer(w, 6, 200); /* a host that works is nothing to remember */
    assert_int_equal(token_hosts_known(w->hosts), 1);
    w->time.mono_us += 300000000;
    assert_int_equal(start(w, 7, "https://b.example/token", true), ERR_OK);
    assert_int_equal(token_hosts_known(w->hosts), 1);
    answer(w, 7, 200);
    assert_int_equal(token_hosts_known(w->hosts), 0);
}

static void test_our_own_refusals_do_not_count_against_a_host(void **state)
{
    struct hosts_world *w = *state;
    for (size_t n = 0; n < 8; n++) {
        assert_int_equal(start(w, n, "https://a.example/token", true), ERR_OK);
        lose(w, n, ERR_POLICY_DENIED);
        assert_int_equal(w->asks[n].err, ERR_POLICY_DENIED);
    }
}

static void test_those_in_line_for_a_host_that_is_given_up_are_told(void **state)
{
    struct hosts_world *w = *state;
    for (size_t n = 0; n < 8; n++) {
        assert_int_equal(start(w, n, "https://a.example/token", true), ERR_OK);
    }
    for (size_t n = 0; n < 5; n++) {
        lose(w, n, ERR_UPSTREAM_UNAVAILABLE);
    }
    for (size_t n = 5; n < 8; n++) {
        if (w->asks[n].out) {
            answer(w, n, 500);
        }
        assert_true(w->asks[n].told);
    }
}

static void test_what_is_too_old_when_its_turn_comes_does_not_leave(void **state)
{
    struct hosts_world *w = *state;
    for (size_t n = 0; n < CAP + 2; n++) {
        assert_int_equal(start(w, n, "https://a.example/token", true), ERR_OK);
    }
    w->asks[CAP].stale = true;
    answer(w, 0, 200);
    assert_true(w->asks[CAP].told);
    assert_int_equal(w->asks[CAP].err, ERR_TIMEOUT);
    assert_true(w->asks[CAP + 1].out);
    for (size_t n = 1; n < CAP + 2; n++) {
        if (w->asks[n].out) {
            answer(w, n, 200);
        }
    }
}

static void test_a_stop_tells_those_in_line_and_takes_nobody(void **state)
{
    struct hosts_world *w = *state;
    for (size_t n = 0; n < CAP + 2; n++) {
        assert_int_equal(start(w, n, "https://a.example/token", n % 2 == 0), ERR_OK);
    }
    token_hosts_stop(w->hosts);
    for (size_t n = CAP; n < CAP + 2; n++) {
        assert_true(w->asks[n].told);
        assert_int_equal(w->asks[n].err, ERR_UNAVAILABLE);
    }
    assert_int_equal(start(w, 20, "https://a.example/token", true), ERR_UNAVAILABLE);
    for (size_t n = 0; n < CAP; n++) {
        lose(w, n, ERR_UPSTREAM_UNAVAILABLE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_more_are_out_than_the_cap),
        TEST(test_those_that_calls_wait_for_go_first),
        TEST(test_those_that_have_waited_long_are_not_passed_by_for_ever),
        TEST(test_a_failing_host_is_left_alone_then_probed_once),
        TEST(test_a_failing_host_that_nobody_asks_is_forgotten),
        TEST(test_our_own_refusals_do_not_count_against_a_host),
        TEST(test_those_in_line_for_a_host_that_is_given_up_are_told),
        TEST(test_what_is_too_old_when_its_turn_comes_does_not_leave),
        TEST(test_a_stop_tells_those_in_line_and_takes_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
