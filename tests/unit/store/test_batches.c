/* SPDX-License-Identifier: Apache-2.0 */
/* Batches and their acknowledgement: when it comes, in what order, what a wrong one spoils. */
#include "tests/unit/store/store_world.h"

static void test_the_answer_comes_on_the_loop_after_the_write_can_be_read(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack ack = {.acks = &acks, .tenant = "t1", .err = ERR_INTERNAL};
    struct store_batch *batch = store_batch_new();
    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 3});

    store_commit(f->store, batch, on_done, &ack);
    assert_int_equal(ack.calls, 0);
    loop_run(f->loop);

    assert_int_equal(ack.calls, 1);
    assert_int_equal(ack.err, ERR_OK);
}

static void test_a_batch_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_account account = account_like("acc_a", "t1"), got;
    struct store_tenant tenant;
    assert_int_equal(put_account(f, "acc_b", "t1"), ERR_OK);

    struct store_batch *batch = store_batch_new();
    store_insert_account(batch, &account);
    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 3});
    account.id = SLICE("acc_b");
    store_insert_account(batch, &account);
    assert_int_equal(store_commit_now(f->store, batch), ERR_CONFLICT);

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_NOT_FOUND);
    assert_int_equal(store_get_tenant(f->store, SLICE("t1"), f->arena, &tenant),
                     ERR_NOT_FOUND);
}

static void test_an_empty_batch_is_acknowledged(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_commit_now(f->store, store_batch_new()), ERR_OK);
}

static void test_a_batch_that_was_never_committed_can_be_freed(void **state)
{
    struct fixture *f = *state;
    struct store_tenant tenant;
    struct store_batch *batch = store_batch_new();

    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 3});
    store_batch_free(batch);
    store_batch_free(NULL);

    assert_int_equal(store_get_tenant(f->store, SLICE("t1"), f->arena, &tenant),
                     ERR_NOT_FOUND);
}

static void test_of_two_batches_under_way_only_the_wrong_one_fails(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack ack[3];
    struct store_account got;
    const char *ids[] = {"acc_a", "acc_a", "acc_b"};

    for (int i = 0; i < 3; i++) {
        struct store_batch *batch = store_batch_new();
        struct store_account account = account_like(ids[i], i == 1 ? "wrong" : "right");
        store_insert_account(batch, &account);
        ack[i] = (struct ack){.acks = &acks, .number = i};
        store_commit(f->store, batch, on_done, &ack[i]);
    }
    loop_run(f->loop);

    assert_int_equal(ack[0].err, ERR_OK);
    assert_int_equal(ack[1].err, ERR_CONFLICT);
    assert_int_equal(ack[2].err, ERR_OK);
    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);
    assert_text(got.tenant, "right");
    assert_int_equal(store_get_account(f->store, SLICE("acc_b"), f->arena, &got),
                     ERR_OK);
}

#define MANY 1000

static void test_a_thousand_writes_are_each_answered_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack *ack = test_calloc(MANY, sizeof *ack);
    char(*ids)[16] = test_calloc(MANY, sizeof *ids);
    struct store_tenant *list = NULL;
    size_t count = 0;

    for (int i = 0; i < MANY; i++) {
        struct store_batch *batch = store_batch_new();
        snprintf(ids[i], sizeof ids[i], "t%04d", i);
        store_put_tenant(batch, &(struct store_tenant){slice_str(ids[i]), i});
        ack[i] = (struct ack){.acks = &acks, .number = i, .tenant = ids[i]};
        store_commit(f->store, batch, on_done, &ack[i]);
    }
    loop_run(f->loop);

    assert_int_equal(acks.count, MANY);
    assert_int_equal(acks.refused, 0);
    assert_true(acks.in_order);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ack[i].calls, 1);
    }
    assert_int_equal(store_list_tenants(f->store, f->arena, &list, &count), ERR_OK);
    assert_int_equal(count, MANY);
    assert_int_equal(list[MANY - 1].ceiling, MANY - 1);
    test_free(ids);
    test_free(ack);
}

static void test_waiting_and_asynchronous_writes_keep_their_order(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack ack = {.acks = &acks};
    struct store_tenant tenant;
    struct store_batch *first = store_batch_new(), *second = store_batch_new();
    store_put_tenant(first, &(struct store_tenant){SLICE("t1"), 1});
    store_put_tenant(second, &(struct store_tenant){SLICE("t1"), 2});

    store_commit(f->store, first, on_done, &ack);
    assert_int_equal(store_commit_now(f->store, second), ERR_OK);
    assert_int_equal(ack.calls, 0);
    loop_run(f->loop);

    assert_int_equal(ack.calls, 1);
    assert_int_equal(store_get_tenant(f->store, SLICE("t1"), f->arena, &tenant),
                     ERR_OK);
    assert_int_equal(tenant.ceiling, 2);
}

static void test_a_store_that_works_says_so(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_check(f->store), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_the_answer_comes_on_the_loop_after_the_write_can_be_read),
        STORE_TEST(test_a_batch_that_fails_changes_nothing),
        STORE_TEST(test_an_empty_batch_is_acknowledged),
        STORE_TEST(test_a_batch_that_was_never_committed_can_be_freed),
        STORE_TEST(test_of_two_batches_under_way_only_the_wrong_one_fails),
        STORE_TEST(test_a_thousand_writes_are_each_answered_once_and_in_order),
        STORE_TEST(test_waiting_and_asynchronous_writes_keep_their_order),
        STORE_TEST(test_a_store_that_works_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
