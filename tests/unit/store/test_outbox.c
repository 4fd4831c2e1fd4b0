/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox: who is told, what is left of a delivery, and that an event shares the fate of its
 * batch. */
#include "store/outbox.h"
#include "tests/unit/store/store_world.h"

#define MOST 10
#define ANY INT64_MAX

static enum err put_endpoint(struct fixture *f, const char *id, const char *tenant,
                             int64_t events, int64_t most)
{
    struct store_batch *batch = store_batch_new();

    store_insert_endpoint(batch,
                          &(struct store_endpoint){.id = slice_str(id),
                                                   .tenant = slice_str(tenant),
                                                   .url = SLICE("https://example.com/"),
                                                   .events = events,
                                                   .state = SLICE("active"),
                                                   .created_ms = NOW_MS,
                                                   .updated_ms = NOW_MS},
                          most);
    return store_commit_now(f->store, batch);
}

static struct store_event event_like(const char *id, const char *tenant)
{
    return (struct store_event){.id = slice_str(id),
                                .type = SLICE("account.connected"),
                                .bit = 1,
                                .tenant = slice_str(tenant),
                                .body = SLICE("{\"type\":\"account.connected\"}"),
                                .created_ms = NOW_MS};
}

static enum err put_event(struct fixture *f, const char *id, const char *tenant)
{
    struct store_batch *batch = store_batch_new();
    struct store_event event = event_like(id, tenant);

    store_put_event(batch, &event, MOST);
    return store_commit_now(f->store, batch);
}

static size_t due(struct fixture *f, const char *endpoint, struct store_delivery **out)
{
    size_t count = 0;

    assert_int_equal(
        store_list_due(f->store, slice_str(endpoint), 100, f->arena, out, &count),
        ERR_OK);
    return count;
}

static size_t due_count(struct fixture *f, const char *endpoint)
{
    struct store_delivery *list = NULL;

    return due(f, endpoint, &list);
}

static struct store_endpoint endpoint_of(struct fixture *f, const char *id)
{
    struct store_endpoint endpoint;

    assert_int_equal(store_get_endpoint(f->store, slice_str(id), f->arena, &endpoint),
                     ERR_OK);
    return endpoint;
}

static void test_an_event_goes_to_those_who_hear_of_it(void **state)
{
    struct fixture *f = *state;
    struct store_delivery *list = NULL;
    assert_int_equal(put_endpoint(f, "whe_all", "", ANY, MOST), ERR_OK);
    assert_int_equal(put_endpoint(f, "whe_its", "t1", 1, MOST), ERR_OK);
    assert_int_equal(put_endpoint(f, "whe_other_tenant", "t2", ANY, MOST), ERR_OK);
    assert_int_equal(put_endpoint(f, "whe_other_type", "", 2, MOST), ERR_OK);

    assert_int_equal(put_event(f, "evt_1", "t1"), ERR_OK);

    assert_int_equal(due(f, "whe_all", &list), 1);
    assert_text(list[0].event, "evt_1");
    assert_text(list[0].type, "account.connected");
    assert_text(list[0].body, "{\"type\":\"account.connected\"}");
    assert_text(list[0].outcome, "pending");
    assert_int_equal(list[0].next_ms, NOW_MS);
    assert_int_equal(due_count(f, "whe_its"), 1);
    assert_int_equal(due_count(f, "whe_other_tenant"), 0);
    assert_int_equal(due_count(f, "whe_other_type"), 0);
}

static void test_a_test_goes_to_one_endpoint_whatever_it_hears_of(void **state)
{
    struct fixture *f = *state;
    struct store_batch *batch = store_batch_new();
    struct store_event event = event_like("evt_1", "");
    assert_int_equal(put_endpoint(f, "whe_a", "t2", 2, MOST), ERR_OK);
    assert_int_equal(put_endpoint(f, "whe_b", "", ANY, MOST), ERR_OK);

    event.endpoint = SLICE("whe_a");
    event.bit = 0;
    store_put_event(batch, &event, MOST);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(due_count(f, "whe_a"), 1);
    assert_int_equal(due_count(f, "whe_b"), 0);
}

static void test_a_batch_that_is_refused_tells_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_batch *batch = store_batch_new();
    struct store_event event = event_like("evt_1", "t1");
    struct store_account account = account_like("acc_none", "t1");
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, MOST), ERR_OK);

    store_put_event(batch, &event, MOST);
    store_update_account(batch, &account, 3);
    assert_int_equal(store_commit_now(f->store, batch), ERR_NOT_FOUND);

    assert_int_equal(due_count(f, "whe_a"), 0);
}

static void test_a_full_outbox_counts_what_it_missed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, MOST), ERR_OK);
    for (int i = 0; i < MOST + 3; i++) {
        assert_int_equal(put_event(f, "evt_1", "t1"), ERR_OK);
    }

    assert_int_equal(due_count(f, "whe_a"), MOST);
    assert_int_equal(endpoint_of(f, "whe_a").dropped, 3);
}

static void test_there_are_no_more_endpoints_than_allowed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, 2), ERR_OK);
    assert_int_equal(put_endpoint(f, "whe_b", "", ANY, 2), ERR_OK);
    assert_int_equal(put_endpoint(f, "whe_c", "", ANY, 2), ERR_CONFLICT);
}

static enum err put_attempt(struct fixture *f, const struct store_delivery *delivery)
{
    struct store_batch *batch = store_batch_new();

    store_put_attempt(batch, delivery);
    return store_commit_now(f->store, batch);
}

static bool file_holds(const char *path, const char *text)
{
    char bytes[1024 * 1024];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t got = fread(bytes, 1, sizeof bytes, file);
    assert_true(got > 0 && got < sizeof bytes);
    fclose(file);
    return slice_contains_nocase(slice_of(bytes, got), slice_str(text));
}

static void test_a_delivery_that_is_over_keeps_no_body(void **state)
{
    struct fixture *f = *state;
    struct store_delivery *list = NULL;
    size_t count = 0;
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, MOST), ERR_OK);
    assert_int_equal(put_event(f, "evt_1", "t1"), ERR_OK);
    assert_int_equal(due(f, "whe_a", &list), 1);
    struct store_delivery attempt = list[0];
    attempt.attempts = 1;
    attempt.tried_ms = NOW_MS + 7;
    attempt.status = 500;
    attempt.next_ms = NOW_MS + 5000;
    assert_int_equal(put_attempt(f, &attempt), ERR_OK);
    assert_int_equal(due(f, "whe_a", &list), 1);
    assert_int_equal(list[0].next_ms, NOW_MS + 5000);
    assert_text(list[0].body, "{\"type\":\"account.connected\"}");

    attempt.attempts = 2;
    attempt.status = 204;
    attempt.next_ms = 0;
    attempt.outcome = SLICE("delivered");
    assert_int_equal(put_attempt(f, &attempt), ERR_OK);

    assert_int_equal(due_count(f, "whe_a"), 0);
    assert_int_equal(
        store_list_deliveries(f->store, SLICE("whe_a"), 0, 10, f->arena, &list, &count),
        ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].attempts, 2);
    assert_int_equal(list[0].status, 204);
    assert_text(list[0].outcome, "delivered");
    store_close(f->store);
    f->store = NULL;
    assert_false(file_holds(f->path, "{\"type\":\"account"));
}

static void test_a_disabled_endpoint_is_told_nothing_more(void **state)
{
    struct fixture *f = *state;
    struct store_batch *batch = store_batch_new();
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, MOST), ERR_OK);
    assert_int_equal(put_event(f, "evt_1", "t1"), ERR_OK);

    store_disable_endpoint(batch, SLICE("whe_a"), SLICE("gone"), NOW_MS + 1);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(put_event(f, "evt_2", "t1"), ERR_OK);

    assert_int_equal(due_count(f, "whe_a"), 0);
    struct store_endpoint endpoint = endpoint_of(f, "whe_a");
    assert_text(endpoint.state, "disabled");
    assert_text(endpoint.cause, "gone");
}

static void test_a_secret_is_rotated_once_for_each_version(void **state)
{
    struct fixture *f = *state;
    static const enum err expected[] = {ERR_OK, ERR_CONFLICT};
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, MOST), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        struct store_batch *batch = store_batch_new();
        store_rotate_endpoint(batch, SLICE("whe_a"), 1, NOW_MS + 9, NOW_MS);
        assert_int_equal(store_commit_now(f->store, batch), expected[i]);
    }
    struct store_batch *batch = store_batch_new();
    store_rotate_endpoint(batch, SLICE("whe_none"), 1, 0, NOW_MS);
    assert_int_equal(store_commit_now(f->store, batch), ERR_NOT_FOUND);
    assert_int_equal(endpoint_of(f, "whe_a").secret_version, 2);
    assert_int_equal(endpoint_of(f, "whe_a").old_secret_ends_ms, NOW_MS + 9);
}

static enum err purge(struct fixture *f, int64_t before_ms, int64_t most)
{
    struct store_batch *batch = store_batch_new();

    store_purge_deliveries(batch, before_ms, most);
    return store_commit_now(f->store, batch);
}

static size_t log_lines(struct fixture *f)
{
    struct store_delivery *list = NULL;
    size_t count = 0;

    assert_int_equal(store_list_deliveries(f->store, SLICE("whe_a"), 0, 100, f->arena,
                                           &list, &count),
                     ERR_OK);
    return count;
}

static void test_the_log_is_kept_for_a_time_and_never_grows_without_end(void **state)
{
    struct fixture *f = *state;
    struct store_delivery *list = NULL;
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, MOST), ERR_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(put_event(f, "evt_1", "t1"), ERR_OK);
    }
    assert_int_equal(due(f, "whe_a", &list), 5);
    for (int i = 0; i < 4; i++) {
        list[i].next_ms = 0;
        list[i].outcome = SLICE("delivered");
        assert_int_equal(put_attempt(f, &list[i]), ERR_OK);
    }

    assert_int_equal(purge(f, NOW_MS, 100), ERR_OK);
    assert_int_equal(log_lines(f), 5);
    assert_int_equal(purge(f, NOW_MS, 3),
                     ERR_OK); /* the one that waits, two that are over */
    assert_int_equal(log_lines(f), 3);
    assert_int_equal(purge(f, NOW_MS + 1, 100), ERR_OK);
    assert_int_equal(log_lines(f), 1);
    assert_int_equal(due_count(f, "whe_a"), 1);
}

static void expire(struct fixture *f, const char *server, int64_t before_ms)
{
    struct store_batch *batch = store_batch_new();
    struct store_event event = event_like("evt_1", "t1");

    store_expire_server(batch, slice_str(server), before_ms, &event, MOST);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static void test_a_server_that_expired_is_told_once_and_gone(void **state)
{
    struct fixture *f = *state;
    struct store_server *servers = NULL;
    size_t count = 0;
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, MOST), ERR_OK);
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', NOW_MS + 10), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_a", 'b', NOW_MS + 20), ERR_OK);
    assert_int_equal(put_server(f, "mcp_c", "acc_a", 'c', 0), ERR_OK);
    assert_int_equal(store_list_expired_servers(f->store, NOW_MS + 15, SLICE(""), 10,
                                                f->arena, &servers, &count),
                     ERR_OK);
    assert_int_equal(count, 1);
    assert_text(servers[0].id, "mcp_a");

    expire(f, "mcp_a", NOW_MS + 15);
    expire(f, "mcp_a", NOW_MS + 15);
    expire(f, "mcp_b", NOW_MS + 15); /* it was given more time meanwhile */
    expire(f, "mcp_c", NOW_MS + 15);

    assert_int_equal(due_count(f, "whe_a"), 1);
    struct store_server server;
    assert_int_equal(store_get_server(f->store, SLICE("mcp_a"), f->arena, &server),
                     ERR_NOT_FOUND);
    assert_int_equal(store_get_server(f->store, SLICE("mcp_b"), f->arena, &server),
                     ERR_OK);
}

static void put_grant(struct fixture *f, int64_t ends_ms)
{
    struct store_batch *batch = store_batch_new();

    store_put_grant(batch,
                    &(struct store_grant){.account = SLICE("acc_a"),
                                          .access_ends_ms = NOW_MS,
                                          .grant_ends_ms = ends_ms},
                    0);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static void warn(struct fixture *f, int64_t ends_ms, int64_t stage)
{
    struct store_batch *batch = store_batch_new();
    struct store_event event = event_like("evt_1", "t1");

    store_warn_grant(batch, SLICE("acc_a"), ends_ms, stage, &event, MOST);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static size_t ending(struct fixture *f, int64_t first_ms, int64_t second_ms)
{
    struct store_grant *list = NULL;
    size_t count = 0;

    assert_int_equal(store_list_ending_grants(f->store, NOW_MS, first_ms, second_ms, 10,
                                              f->arena, &list, &count),
                     ERR_OK);
    return count;
}

static void test_the_end_of_a_grant_is_told_twice_and_anew_after_a_consent(void **state)
{
    struct fixture *f = *state;
    int64_t end = NOW_MS + 1000;
    assert_int_equal(put_endpoint(f, "whe_a", "", ANY, MOST), ERR_OK);
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    put_grant(f, end);
    assert_int_equal(ending(f, end - 1, 0), 0); /* not near yet */
    assert_int_equal(ending(f, end, 0), 1);

    warn(f, end, 1);
    warn(f, end, 1);
    assert_int_equal(due_count(f, "whe_a"), 1);
    assert_int_equal(ending(f, end, 0), 0);
    assert_int_equal(ending(f, end, end), 1);
    warn(f, end, 2);
    warn(f, end + 1, 2); /* another grant by now */
    assert_int_equal(due_count(f, "whe_a"), 2);
    assert_int_equal(ending(f, end, end), 0);

    put_grant(f, end + 5);
    assert_int_equal(ending(f, end + 5, 0), 1);
    warn(f, end + 5, 1);
    assert_int_equal(due_count(f, "whe_a"), 3);
}

static void count_event(void *ctx)
{
    int *count = ctx;
    (*count)++;
}

static void ignore_done(void *ctx, enum err err)
{
    (void)ctx;
    (void)err;
}

static void test_the_loop_hears_of_stored_events_only(void **state)
{
    struct fixture *f = *state;
    int heard = 0;
    struct store_event event = event_like("evt_1", "t1");
    struct store_account account = account_like("acc_none", "t1");
    store_on_event(f->store, count_event, &heard);
    struct store_batch *refused = store_batch_new(), *silent = store_batch_new(),
                       *told = store_batch_new();
    store_put_event(refused, &event, MOST);
    store_update_account(refused, &account, 3);
    store_put_tenant(silent, &(struct store_tenant){SLICE("t1"), 3});
    store_put_event(told, &event, MOST);

    store_commit(f->store, refused, ignore_done, NULL);
    store_commit(f->store, silent, ignore_done, NULL);
    loop_run(f->loop);
    assert_int_equal(heard, 0);
    store_commit(f->store, told, ignore_done, NULL);
    loop_run(f->loop);
    assert_int_equal(heard, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_an_event_goes_to_those_who_hear_of_it),
        STORE_TEST(test_a_test_goes_to_one_endpoint_whatever_it_hears_of),
        STORE_TEST(test_a_batch_that_is_refused_tells_nothing),
        STORE_TEST(test_a_full_outbox_counts_what_it_missed),
        STORE_TEST(test_there_are_no_more_endpoints_than_allowed),
        STORE_TEST(test_a_delivery_that_is_over_keeps_no_body),
        STORE_TEST(test_a_disabled_endpoint_is_told_nothing_more),
        STORE_TEST(test_a_secret_is_rotated_once_for_each_version),
        STORE_TEST(test_the_log_is_kept_for_a_time_and_never_grows_without_end),
        STORE_TEST(test_a_server_that_expired_is_told_once_and_gone),
        STORE_TEST(test_the_end_of_a_grant_is_told_twice_and_anew_after_a_consent),
        STORE_TEST(test_the_loop_hears_of_stored_events_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
