/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts, and what is kept beside them: tenants, lanes, environments. */
#include "tests/unit/store/store_world.h"

static void test_an_account_comes_back_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct store_account got;
    struct store_batch *batch = store_batch_new();
    struct store_account account = account_like("acc_a", "t1");
    account.cause = SLICE("login refused");
    account.proven = account.named = true;
    account.updated_ms = NOW_MS + 5;
    account.version = 99; /* the store sets it */

    store_insert_account(batch, &account);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);

    assert_true(slice_eq(got.id, account.id));
    assert_true(slice_eq(got.tenant, account.tenant));
    assert_true(slice_eq(got.integration, account.integration));
    assert_true(slice_eq(got.name, account.name));
    assert_true(slice_eq(got.environment, account.environment));
    assert_true(slice_eq(got.lane, account.lane));
    assert_true(slice_eq(got.state, account.state));
    assert_true(slice_eq(got.cause, account.cause));
    assert_true(slice_eq(got.scheme, account.scheme));
    assert_true(slice_eq(got.connection, account.connection));
    assert_true(slice_eq(got.auth, account.auth));
    assert_true(slice_eq(got.governor, account.governor));
    assert_true(slice_eq(got.overrides, account.overrides));
    assert_true(slice_eq(got.reauth_url, account.reauth_url));
    assert_true(got.proven);
    assert_true(got.named);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.created_ms, NOW_MS);
    assert_int_equal(got.updated_ms, NOW_MS + 5);
}

static void test_a_batch_keeps_copies_of_what_it_is_given(void **state)
{
    struct fixture *f = *state;
    struct store_account got;
    char id[] = "acc_a", name[] = "before";
    struct store_batch *batch = store_batch_new();
    struct store_account account = account_like(id, "t1");
    account.name = slice_str(name);

    store_insert_account(batch, &account);
    memset(id, 'x', 5);
    memset(name, 'x', 6);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);
    assert_text(got.name, "before");
}

static void test_an_unknown_account_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct store_account got;

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_NOT_FOUND);
    assert_int_equal(store_get_account(f->store, SLICE(""), f->arena, &got),
                     ERR_NOT_FOUND);
}

static void test_a_second_account_of_the_same_id_is_a_conflict(void **state)
{
    struct fixture *f = *state;

    add_account(f, "acc_a", "t1");
    assert_int_equal(put_account(f, "acc_a", "t2"), ERR_CONFLICT);
}

static enum err update_account_from(struct fixture *f, const char *id, int64_t expected)
{
    struct store_batch *batch = store_batch_new();
    struct store_account account = account_like(id, "t1");

    account.state = SLICE("needs_reauth");
    account.created_ms = 1;
    account.updated_ms = NOW_MS + 7;
    store_update_account(batch, &account, expected);
    return store_commit_now(f->store, batch);
}

static void test_an_update_counts_versions_and_refuses_another_one(void **state)
{
    struct fixture *f = *state;
    struct store_account got;
    add_account(f, "acc_a", "t1");

    assert_int_equal(update_account_from(f, "acc_a", 1), ERR_OK);
    assert_int_equal(update_account_from(f, "acc_a", 1), ERR_CONFLICT);
    assert_int_equal(update_account_from(f, "acc_a", 0), ERR_OK);
    assert_int_equal(update_account_from(f, "acc_b", 0), ERR_NOT_FOUND);
    assert_int_equal(update_account_from(f, "acc_b", 1), ERR_NOT_FOUND);

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);
    assert_int_equal(got.version, 3);
    assert_text(got.state, "needs_reauth");
    assert_int_equal(got.created_ms, NOW_MS);
    assert_int_equal(got.updated_ms, NOW_MS + 7);
}

static void test_accounts_are_listed_by_id_in_pages_and_per_tenant(void **state)
{
    struct fixture *f = *state;
    struct store_account *list = NULL;
    size_t count = 0;
    for (int i = 49; i >= 0; i--) {
        char id[16];
        snprintf(id, sizeof id, "acc_%02d", i);
        add_account(f, id, i % 2 == 0 ? "even" : "odd");
    }

    assert_int_equal(store_list_accounts(f->store, SLICE(""), SLICE(""), 40, f->arena,
                                         &list, &count),
                     ERR_OK);
    assert_int_equal(count, 40);
    assert_text(list[0].id, "acc_00");
    assert_text(list[39].id, "acc_39");
    assert_int_equal(store_list_accounts(f->store, SLICE(""), list[39].id, 40, f->arena,
                                         &list, &count),
                     ERR_OK);
    assert_int_equal(count, 10);
    assert_text(list[0].id, "acc_40");
    assert_int_equal(store_list_accounts(f->store, SLICE("odd"), SLICE("acc_03"), 2,
                                         f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_text(list[0].id, "acc_05");
    assert_text(list[1].id, "acc_07");
    assert_int_equal(store_list_accounts(f->store, SLICE("nobody"), SLICE(""), 2,
                                         f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 0);
}

/* The ids, each with a blank behind it. */
static void check_added(struct fixture *f, struct store_account_mark *mark,
                        size_t limit, const char *wanted)
{
    struct store_added_account *added = NULL;
    size_t count = 0;
    char text[256] = "";
    assert_int_equal(
        store_list_added_accounts(f->store, mark, limit, f->arena, &added, &count),
        ERR_OK);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%.*s ", SLICE_ARG(added[i].id));
    }
    assert_string_equal(text, wanted);
}

static void delete_account(struct fixture *f, const char *id)
{
    struct store_batch *batch = store_batch_new();
    store_delete_account(batch, slice_str(id));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static void test_accounts_are_found_in_the_order_they_were_added(void **state)
{
    struct fixture *f = *state;
    struct store_account_mark mark = {.count = 0};
    check_added(f, &mark, 10, "");
    add_account(f, "acc_m", "t1");
    add_account(f, "acc_z", "t1");
    add_account(f, "acc_a", "t2");
    check_added(f, &mark, 2, "acc_m acc_z ");
    check_added(f, &mark, 2, "acc_a ");
    check_added(f, &mark, 2, "");
    delete_account(f, "acc_m");
    check_added(f, &mark, 2, ""); /* what lies before is nobody's business */
    add_account(f, "acc_b", "t1");
    check_added(f, &mark, 10, "acc_b ");
    /* The place of the newest goes to the next: it comes, and none that is known. */
    delete_account(f, "acc_b");
    check_added(f, &mark, 10, "");
    add_account(f, "acc_c", "t1");
    check_added(f, &mark, 10, "acc_c ");
    check_added(f, &mark, 10, "");
    delete_account(f, "acc_c");
    check_added(f, &mark, 10, "");
}

static void test_no_account_is_missed_when_several_places_are_taken_anew(void **state)
{
    struct fixture *f = *state;
    struct store_account_mark mark = {.count = 0};
    char id[16];
    for (int i = 0; i < 3 * STORE_MARK_ROWS; i++) {
        snprintf(id, sizeof id, "acc_%03d", i);
        add_account(f, id, "t1");
    }
    assert_int_equal(store_mark_accounts(f->store, &mark), ERR_OK);
    check_added(f, &mark, 10, "");
    for (int i = 3 * STORE_MARK_ROWS;
         i-- > STORE_MARK_ROWS;) { /* more than the mark holds */
        snprintf(id, sizeof id, "acc_%03d", i);
        delete_account(f, id);
        check_added(f, &mark, 10, "");
    }
    delete_account(f, "acc_031");
    delete_account(f, "acc_030");
    delete_account(f, "acc_029");
    add_account(f, "acc_x", "t1");
    add_account(f, "acc_y", "t1");
    add_account(f, "acc_z", "t1");
    add_account(f, "acc_a", "t1");
    check_added(f, &mark, 2, "acc_x acc_y ");
    check_added(f, &mark, 2, "acc_z acc_a ");
    check_added(f, &mark, 2, "");
}

static void test_when_nothing_known_is_left_all_accounts_come(void **state)
{
    struct fixture *f = *state;
    struct store_account_mark mark = {.count = 0};
    add_account(f, "acc_a", "t1");
    add_account(f, "acc_b", "t1");
    check_added(f, &mark, 10, "acc_a acc_b ");
    delete_account(f, "acc_a");
    delete_account(f, "acc_b");
    add_account(f, "acc_c", "t1");
    add_account(f, "acc_d", "t1");
    check_added(f, &mark, 10, "acc_c acc_d ");
    check_added(f, &mark, 10, "");
}

static void test_a_deleted_account_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    struct store_server server;
    struct store_secret *list = NULL;
    add_account(f, "acc_a", "t1");
    add_account(f, "acc_b", "t1");
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_b", 'b', 0), ERR_OK);
    add_secret(f, "acc_a", "token_id", "one");
    add_secret(f, "acc_b", "token_id", "two");

    delete_account(f, "acc_a");

    assert_int_equal(store_get_server(f->store, SLICE("mcp_a"), f->arena, &server),
                     ERR_NOT_FOUND);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_NOT_FOUND);
    assert_int_equal(list_secrets(f, "acc_a", &list), 0);
    assert_int_equal(find(f, 'b', NOW_MS), ERR_OK);
    assert_int_equal(list_secrets(f, "acc_b", &list), 1);
    struct store_batch *batch = store_batch_new();
    store_delete_account(batch, SLICE("acc_a"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_NOT_FOUND);
}

static void test_tenants_and_lanes_are_put_over_what_was_there(void **state)
{
    struct fixture *f = *state;
    struct store_tenant tenant, *tenants = NULL;
    struct store_lane *lanes = NULL;
    size_t count = 0;
    struct store_batch *batch = store_batch_new();
    store_put_tenant(batch, &(struct store_tenant){SLICE("t2"), 3});
    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 1});
    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 7});
    const struct store_lane first = {SLICE("l1"), 4, SLICE("[1]")},
                            none = {.ceiling = 0};
    store_put_lane(batch, &first, &none);
    store_put_lane(batch, &(struct store_lane){SLICE("l1"), 0, SLICE("[2]")}, &first);

    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(store_get_tenant(f->store, SLICE("t1"), f->arena, &tenant),
                     ERR_OK);
    assert_int_equal(tenant.ceiling, 7);
    assert_int_equal(store_get_tenant(f->store, SLICE("t3"), f->arena, &tenant),
                     ERR_NOT_FOUND);
    assert_int_equal(store_list_tenants(f->store, f->arena, &tenants, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_text(tenants[0].id, "t1");
    assert_text(tenants[1].id, "t2");
    assert_int_equal(tenants[1].ceiling, 3);
    assert_int_equal(store_list_lanes(f->store, f->arena, &lanes, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_text(lanes[0].id, "l1");
    assert_int_equal(lanes[0].ceiling, 0);
    assert_text(lanes[0].reserve, "[2]");
}

static enum err put_lane(struct fixture *f, int ceiling, const char *reserve,
                         int ceiling_before, const char *reserve_before)
{
    struct store_batch *batch = store_batch_new();
    const struct store_lane lane = {SLICE("l1"), ceiling, slice_str(reserve)},
                            before = {SLICE_EMPTY, ceiling_before,
                                      slice_str(reserve_before)};
    store_put_lane(batch, &lane, &before);
    return store_commit_now(f->store, batch);
}

static void test_a_lane_is_set_only_as_it_was_seen(void **state)
{
    struct fixture *f = *state;
    struct store_lane lane;
    assert_int_equal(store_get_lane(f->store, SLICE("l1"), f->arena, &lane),
                     ERR_NOT_FOUND);
    assert_int_equal(put_lane(f, 4, "[1]", 3, ""), ERR_CONFLICT);
    assert_int_equal(put_lane(f, 4, "[1]", 0, "[]"), ERR_CONFLICT);
    assert_int_equal(put_lane(f, 4, "[1]", 0, ""), ERR_OK);
    /* Two who have seen the same: the second is told. */
    assert_int_equal(put_lane(f, 5, "[1]", 4, "[1]"), ERR_OK);
    assert_int_equal(put_lane(f, 4, "[2]", 4, "[1]"), ERR_CONFLICT);
    assert_int_equal(put_lane(f, 5, "[2]", 5, ""), ERR_CONFLICT);
    assert_int_equal(store_get_lane(f->store, SLICE("l1"), f->arena, &lane), ERR_OK);
    assert_int_equal(lane.ceiling, 5);
    assert_text(lane.reserve, "[1]");
    assert_int_equal(put_lane(f, 0, "", 5, "[1]"), ERR_OK);
    assert_int_equal(put_lane(f, 2, "", 0, ""), ERR_OK);
}

static enum err put_environment(struct fixture *f, const char *id,
                                const char *overrides)
{
    struct store_batch *batch = store_batch_new();
    struct store_environment environment = {
        .id = slice_str(id), .overrides = slice_str(overrides), .updated_ms = NOW_MS};

    store_put_environment(batch, &environment);
    return store_commit_now(f->store, batch);
}

static void test_environments_are_put_replaced_listed_and_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_environment one, *all = NULL;
    size_t count = 0;
    assert_int_equal(store_get_environment(f->store, SLICE("prod"), f->arena, &one),
                     ERR_NOT_FOUND);
    assert_int_equal(put_environment(f, "prod", "{\"tools\":{}}"), ERR_OK);
    assert_int_equal(put_environment(f, "test", "{}"), ERR_OK);
    assert_int_equal(put_environment(f, "prod", "{\"instructions\":{}}"), ERR_OK);

    assert_int_equal(store_get_environment(f->store, SLICE("prod"), f->arena, &one),
                     ERR_OK);
    assert_text(one.id, "prod");
    assert_text(one.overrides, "{\"instructions\":{}}");
    assert_int_equal(one.version, 2);
    assert_int_equal(one.updated_ms, NOW_MS);
    assert_int_equal(
        store_list_environments(f->store, SLICE_EMPTY, 10, f->arena, &all, &count),
        ERR_OK);
    assert_int_equal(count, 2);
    assert_text(all[1].id, "test");
    assert_int_equal(
        store_list_environments(f->store, SLICE("prod"), 10, f->arena, &all, &count),
        ERR_OK);
    assert_int_equal(count, 1);

    for (int i = 0; i < 2; i++) {
        struct store_batch *batch = store_batch_new();
        store_delete_environment(batch, SLICE("prod"));
        assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
        assert_int_equal(store_get_environment(f->store, SLICE("prod"), f->arena, &one),
                         ERR_NOT_FOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_an_account_comes_back_as_it_was_written),
        STORE_TEST(test_a_batch_keeps_copies_of_what_it_is_given),
        STORE_TEST(test_an_unknown_account_is_not_found),
        STORE_TEST(test_a_second_account_of_the_same_id_is_a_conflict),
        STORE_TEST(test_an_update_counts_versions_and_refuses_another_one),
        STORE_TEST(test_accounts_are_listed_by_id_in_pages_and_per_tenant),
        STORE_TEST(test_a_deleted_account_leaves_nothing_behind),
        STORE_TEST(test_accounts_are_found_in_the_order_they_were_added),
        STORE_TEST(test_no_account_is_missed_when_several_places_are_taken_anew),
        STORE_TEST(test_when_nothing_known_is_left_all_accounts_come),
        STORE_TEST(test_tenants_and_lanes_are_put_over_what_was_there),
        STORE_TEST(test_a_lane_is_set_only_as_it_was_seen),
        STORE_TEST(test_environments_are_put_replaced_listed_and_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
