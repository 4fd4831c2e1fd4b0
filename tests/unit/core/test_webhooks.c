/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The times of attempts, by a fake clock: the endpoint's address is one that the net policy
 * refuses, so each attempt fails at once and without a network.
 */
#include "core/webhooks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "core/events.h"

#define NOW_MS INT64_C(1795000000000)

struct world {
    struct clock_fake time;
    struct clock clock;
    struct log log;
    struct loop *loop;
    struct store *store;
    struct keys *keys;
    struct mac *mac;
    struct net_policy *policy;
    struct http_client *client;
    struct arena *arena;
    struct webhooks *webhooks;
    char folder[64];
};

static void command(const char *verb, const char *folder)
{
    char text[128];
    snprintf(text, sizeof text, "%s %s", verb, folder);
    assert_int_equal(system(text), 0);
}

static void start_webhooks(struct world *w)
{
    const struct webhooks_parts parts = {
        w->loop, &w->clock, &w->log, w->store, w->keys, w->mac, w->client,
    };
    w->webhooks = webhooks_new(&parts);
}

static int setup(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    struct slice problem;
    char path[96];
    *state = w;
    w->time.wall_ms = NOW_MS;
    w->clock = clock_from_fake(&w->time);
    w->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &w->clock};
    w->loop = loop_new();
    w->arena = arena_new();
    w->mac = mac_new();
    snprintf(w->folder, sizeof w->folder, "/tmp/sluice-webhooks-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(path, sizeof path, "%s/store.db", w->folder);
    assert_int_equal(store_open(w->loop, &w->log, path, &w->store), ERR_OK);
    assert_int_equal(
        keys_parse(SLICE("{\"signing_key\":\"0123456789abcdef0123456789abcdef"
                         "0123456789abcdef0123456789abcdef\",\"vault_keys\":[{\"id\":"
                         "\"k1\",\"key\":\"fedcba9876543210fedcba9876543210"
                         "fedcba9876543210fedcba9876543210\"}]}"),
                   w->arena, &w->keys, &problem),
        ERR_OK);
    assert_int_equal(net_policy_new(NULL, 0, NULL, 0, &w->policy), ERR_OK);
    struct http_client_options options = http_client_defaults(w->policy);
    w->client = http_client_new(w->loop, &options);
    start_webhooks(w);
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    webhooks_stop(w->webhooks);
    http_client_free(w->client);
    loop_run(w->loop);
    store_close(w->store);
    webhooks_free(w->webhooks);
    net_policy_free(w->policy);
    keys_free(w->keys);
    mac_free(w->mac);
    loop_free(w->loop);
    arena_free(w->arena);
    command("rm -r", w->folder);
    test_free(w);
    return 0;
}

static void ignore_done(void *ctx, enum err err)
{
    (void)ctx;
    assert_int_equal(err, ERR_OK);
}

static void tell(struct world *w)
{
    const struct store_endpoint endpoint = {.id = SLICE("whe_a"),
                                            .url = SLICE("https://127.0.0.1/hook"),
                                            .events = EVENT_ALL,
                                            .state = SLICE("active"),
                                            .created_ms = NOW_MS};
    const struct store_account account = {.id = SLICE("acc_a"),
                                          .tenant = SLICE("t1"),
                                          .integration = SLICE("netsuite"),
                                          .state = SLICE("active")};
    struct store_batch *batch = store_batch_new();
    store_insert_endpoint(batch, &endpoint, 1);
    events_account(batch, EVENT_ACCOUNT_CONNECTED, &account, NOW_MS);
    store_commit(w->store, batch, ignore_done, NULL);
    loop_run(w->loop);
}

static struct store_delivery delivery_of(struct world *w)
{
    struct store_delivery *list = NULL;
    size_t count = 0;
    assert_int_equal(
        store_list_deliveries(w->store, SLICE("whe_a"), 0, 10, w->arena, &list, &count),
        ERR_OK);
    assert_int_equal(count, 1);
    return list[0];
}

static void look_at(struct world *w, int64_t wall_ms)
{
    w->time.wall_ms = wall_ms;
    webhooks_look(w->webhooks);
    loop_run(w->loop);
}

static void test_nine_attempts_within_a_day_then_it_is_given_up(void **state)
{
    static const int64_t waits_s[] = {5, 30, 120, 600, 3600, 10800, 25200, 45900};
    struct world *w = *state;
    tell(w);
    for (int i = 0; i < 8; i++) {
        struct store_delivery delivery = delivery_of(w);
        int64_t waits_ms = delivery.next_ms - w->time.wall_ms;
        assert_int_equal(delivery.attempts, i + 1);
        assert_true(slice_is(delivery.outcome, "pending"));
        assert_int_equal(delivery.status, 0);
        assert_true(delivery.reason.len > 0);
        assert_true(waits_ms >= waits_s[i] * 900 && waits_ms <= waits_s[i] * 1100);
        look_at(w, delivery.next_ms - 1);
        assert_int_equal(delivery_of(w).attempts, i + 1); /* not a moment early */
        look_at(w, delivery.next_ms);
    }
    struct store_delivery last = delivery_of(w);
    assert_int_equal(last.attempts, 9);
    assert_true(slice_is(last.outcome, "given_up"));
    assert_int_equal(last.next_ms, 0);
    assert_true(w->time.wall_ms - NOW_MS > INT64_C(20) * 3600 * 1000);
    assert_true(w->time.wall_ms - NOW_MS < INT64_C(27) * 3600 * 1000);
}

static void test_a_receivers_wish_for_a_pause_is_bounded(void **state)
{
    const int64_t hour_ms = INT64_C(3600000);
    (void)state;
    assert_int_equal(webhooks_hold_ms(429, SLICE("120"), NOW_MS), 120000);
    assert_int_equal(webhooks_hold_ms(503, SLICE("120"), NOW_MS), 120000);
    assert_int_equal(webhooks_hold_ms(500, SLICE("120"), NOW_MS), 0);
    assert_int_equal(webhooks_hold_ms(200, SLICE("120"), NOW_MS), 0);
    assert_int_equal(webhooks_hold_ms(429, SLICE("3600"), NOW_MS), hour_ms);
    assert_int_equal(webhooks_hold_ms(429, SLICE("3601"), NOW_MS), hour_ms);
    assert_int_equal(webhooks_hold_ms(429, SLICE("999999999999999999"), NOW_MS),
                     hour_ms);
    assert_int_equal(webhooks_hold_ms(429, SLICE("1000000000000000000"), NOW_MS), 0);
    for (size_t i = 0; i < 4; i++) {
        static const char *const nothing[] = {"", "-5", "soon", "1.5"};
        assert_int_equal(webhooks_hold_ms(429, slice_str(nothing[i]), NOW_MS), 0);
    }
    /* NOW_MS is Wed, 18 Nov 2026 11:06:40 GMT */
    assert_int_equal(
        webhooks_hold_ms(429, SLICE("Wed, 18 Nov 2026 11:07:40 GMT"), NOW_MS), 60000);
    assert_int_equal(
        webhooks_hold_ms(429, SLICE("Wed, 18 Nov 2026 11:06:40 GMT"), NOW_MS), 0);
    assert_int_equal(
        webhooks_hold_ms(429, SLICE("Thu, 18 Nov 1999 11:06:40 GMT"), NOW_MS), 0);
    assert_int_equal(
        webhooks_hold_ms(429, SLICE("Fri, 20 Nov 2026 11:06:40 GMT"), NOW_MS), hour_ms);
}

static void test_a_pause_is_kept_and_ends(void **state)
{
    struct world *w = *state;
    tell(w);
    int64_t due_ms = delivery_of(w).next_ms, until_ms = due_ms + 60000;
    struct store_batch *batch = store_batch_new();
    store_hold_endpoint(batch, SLICE("whe_a"), until_ms);
    store_hold_endpoint(batch, SLICE("whe_a"),
                        until_ms - 1000); /* no sooner for that */
    store_commit(w->store, batch, ignore_done, NULL);
    loop_run(w->loop);
    look_at(w, due_ms);
    look_at(w, until_ms - 1);
    assert_int_equal(delivery_of(w).attempts, 1);
    look_at(w, until_ms);
    assert_int_equal(delivery_of(w).attempts, 2);
}

static void test_a_clock_that_is_set_back_holds_nothing_up(void **state)
{
    struct world *w = *state;
    const int64_t day_ms = INT64_C(24) * 3600000;
    tell(w);
    look_at(w, NOW_MS - day_ms); /* its next attempt is a day and a bit away now */
    assert_int_equal(delivery_of(w).attempts, 2);
    int64_t due_ms = delivery_of(w).next_ms;
    assert_true(due_ms < NOW_MS - day_ms / 2);
    struct store_batch *batch = store_batch_new();
    store_hold_endpoint(batch, SLICE("whe_a"), due_ms + 3600000);
    store_commit(w->store, batch, ignore_done, NULL);
    loop_run(w->loop);
    look_at(w, due_ms);
    assert_int_equal(delivery_of(w).attempts, 2); /* the receiver's pause is kept */
    look_at(w, due_ms - day_ms);
    assert_int_equal(delivery_of(w).attempts, 3);
}

/* Batches of a hundred events until the outbox is full, and `more` after that. */
static void fill_outbox(struct world *w, int count)
{
    const struct store_account account = {.id = SLICE("acc_a"),
                                          .tenant = SLICE("t1"),
                                          .integration = SLICE("netsuite"),
                                          .state = SLICE("active")};
    while (count > 0) {
        struct store_batch *batch = store_batch_new();
        for (int i = 0; i < 100 && count > 0; i++, count--) {
            events_account(batch, EVENT_ACCOUNT_CONNECTED, &account, NOW_MS);
        }
        store_commit(w->store, batch, ignore_done, NULL);
        loop_run(w->loop);
    }
}

static void test_a_full_outbox_is_told(void **state)
{
    struct world *w = *state;
    tell(w);
    struct store_batch *batch = store_batch_new();
    store_hold_endpoint(batch, SLICE("whe_a"), NOW_MS + 3600000);
    store_commit(w->store, batch, ignore_done, NULL);
    loop_run(w->loop);
    fill_outbox(w, LIMIT_WEBHOOK_OUTBOX - 1);
    assert_int_equal(webhooks_count(w->webhooks).missed, 0);
    fill_outbox(w, 3);
    assert_int_equal(webhooks_count(w->webhooks).missed, 3);
    fill_outbox(w, 2);
    assert_int_equal(webhooks_count(w->webhooks).missed, 5);
    webhooks_stop(w->webhooks);
    loop_run(w->loop);
    webhooks_free(w->webhooks);
    start_webhooks(w);
    loop_run(w->loop);
    assert_int_equal(webhooks_count(w->webhooks).missed, 0); /* of another process */
}

static void test_what_is_due_is_known_after_a_restart(void **state)
{
    struct world *w = *state;
    tell(w);
    int64_t due_ms = delivery_of(w).next_ms;
    webhooks_stop(w->webhooks);
    loop_run(w->loop);
    webhooks_free(w->webhooks);
    w->time.wall_ms = due_ms + 1000;

    start_webhooks(w);
    loop_run(w->loop);

    assert_int_equal(delivery_of(w).attempts, 2);
}

static void move(const struct world *w, const char *from, const char *to)
{
    char old[96], new[96];
    snprintf(old, sizeof old, "%s/%s", w->folder, from);
    snprintf(new, sizeof new, "%s/%s", w->folder, to);
    assert_int_equal(rename(old, new), 0);
}

static void test_a_store_that_takes_nothing_is_not_sent_for_in_a_circle(void **state)
{
    struct world *w = *state;
    tell(w);
    int64_t due_ms = delivery_of(w).next_ms;
    move(w, "store.db", "away.db"); /* then every write is refused */

    look_at(w, due_ms);
    assert_int_equal(webhooks_count(w->webhooks).again, 2);
    assert_int_equal(delivery_of(w).attempts, 1);
    look_at(w, due_ms + 29999);
    assert_int_equal(webhooks_count(w->webhooks).again, 2);

    move(w, "away.db", "store.db");
    look_at(w, due_ms + 30000);
    assert_int_equal(webhooks_count(w->webhooks).again, 3);
    assert_int_equal(delivery_of(w).attempts, 2);
}

static void test_a_store_that_takes_nothing_by_a_clock_that_is_set_back(void **state)
{
    struct world *w = *state;
    tell(w);
    int64_t due_ms = delivery_of(w).next_ms;
    move(w, "store.db", "away.db");
    look_at(w, due_ms);
    move(w, "away.db", "store.db");
    look_at(w, due_ms - 3600000); /* and nobody waits for an hour and 30 s */
    assert_int_equal(delivery_of(w).attempts, 2);
}

static void test_waits_vary_by_a_tenth(void **state)
{
    (void)state;
    assert_int_equal(webhooks_retry_ms(1, 0), 4500);
    assert_int_equal(webhooks_retry_ms(1, 1000), 5500);
    assert_int_equal(webhooks_retry_ms(8, 0), 41310000);
    for (uint32_t random = UINT32_MAX - 100000; random < UINT32_MAX; random++) {
        int64_t wait_ms = webhooks_retry_ms(8, random);
        assert_true(wait_ms >= 41310000 && wait_ms <= 50490000);
    }
    assert_int_equal(webhooks_retry_ms(0, 5), 0);
    assert_int_equal(webhooks_retry_ms(9, 5), 0);
}

#define TIMED(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TIMED(test_nine_attempts_within_a_day_then_it_is_given_up),
        TIMED(test_what_is_due_is_known_after_a_restart),
        TIMED(test_a_store_that_takes_nothing_is_not_sent_for_in_a_circle),
        TIMED(test_a_pause_is_kept_and_ends),
        TIMED(test_a_clock_that_is_set_back_holds_nothing_up),
        TIMED(test_a_store_that_takes_nothing_by_a_clock_that_is_set_back),
        TIMED(test_a_full_outbox_is_told),
        cmocka_unit_test(test_a_receivers_wish_for_a_pause_is_bounded),
        cmocka_unit_test(test_waits_vary_by_a_tenth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
