/* SPDX-License-Identifier: Apache-2.0 */
/* OAuth grants: versions, leases, and that they go with what they belong to. */
#include "tests/unit/store/store_world.h"

static enum err put_grant(struct fixture *f, const char *account,
                          int64_t access_ends_ms, int64_t expected)
{
    struct store_batch *batch = store_batch_new();

    store_put_grant(batch,
                    &(struct store_grant){.account = slice_str(account),
                                          .access_ends_ms = access_ends_ms,
                                          .grant_ends_ms = access_ends_ms + 2},
                    expected);
    return store_commit_now(f->store, batch);
}

static enum err lease(struct fixture *f, const char *account, const char *holder,
                      int64_t now_ms, int64_t ends_ms)
{
    struct store_batch *batch = store_batch_new();

    store_lease_grant(batch, slice_str(account), slice_str(holder), now_ms, ends_ms);
    return store_commit_now(f->store, batch);
}

static enum err release(struct fixture *f, const char *account, const char *holder)
{
    struct store_batch *batch = store_batch_new();

    store_release_grant(batch, slice_str(account), slice_str(holder));
    return store_commit_now(f->store, batch);
}

static struct store_grant grant_of(struct fixture *f, const char *account)
{
    struct store_grant grant = {0};

    assert_int_equal(store_get_grant(f->store, slice_str(account), f->arena, &grant),
                     ERR_OK);
    return grant;
}

static void test_a_grant_counts_versions_and_refuses_another_one(void **state)
{
    struct fixture *f = *state;
    struct store_grant grant;

    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(store_get_grant(f->store, SLICE("acc_a"), f->arena, &grant),
                     ERR_NOT_FOUND);
    assert_int_equal(put_grant(f, "acc_a", NOW_MS, 1), ERR_NOT_FOUND);
    assert_int_equal(put_grant(f, "acc_b", NOW_MS, 0), ERR_NOT_FOUND);
    assert_int_equal(put_grant(f, "acc_a", NOW_MS, 0), ERR_OK);
    grant = grant_of(f, "acc_a");
    assert_text(grant.account, "acc_a");
    assert_int_equal(grant.version, 1);
    assert_int_equal(grant.access_ends_ms, NOW_MS);
    assert_int_equal(grant.grant_ends_ms, NOW_MS + 2);
    assert_int_equal(put_grant(f, "acc_a", NOW_MS + 10, 1), ERR_OK);
    assert_int_equal(put_grant(f, "acc_a", NOW_MS + 20, 1), ERR_CONFLICT);
    assert_int_equal(grant_of(f, "acc_a").version, 2);
    assert_int_equal(grant_of(f, "acc_a").access_ends_ms, NOW_MS + 10);
    assert_int_equal(put_grant(f, "acc_a", NOW_MS, 0), ERR_OK); /* consented anew */
    assert_int_equal(grant_of(f, "acc_a").version, 3);
}

static void test_one_holder_at_a_time_has_a_grants_lease(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(lease(f, "acc_a", "one", NOW_MS, NOW_MS + 100), ERR_NOT_FOUND);
    assert_int_equal(put_grant(f, "acc_a", NOW_MS, 0), ERR_OK);
    assert_int_equal(lease(f, "acc_a", "one", NOW_MS, NOW_MS + 100), ERR_OK);
    assert_int_equal(lease(f, "acc_a", "two", NOW_MS + 99, NOW_MS + 200), ERR_CONFLICT);
    assert_int_equal(lease(f, "acc_a", "one", NOW_MS + 50, NOW_MS + 150), ERR_OK);
    assert_int_equal(grant_of(f, "acc_a").lease_ends_ms, NOW_MS + 150);
    assert_int_equal(lease(f, "acc_a", "two", NOW_MS + 150, NOW_MS + 250), ERR_OK);
    assert_text(grant_of(f, "acc_a").lease_holder, "two");
    assert_int_equal(release(f, "acc_a", "one"), ERR_OK); /* it is no longer its own */
    assert_text(grant_of(f, "acc_a").lease_holder, "two");
    assert_int_equal(release(f, "acc_a", "two"), ERR_OK);
    assert_int_equal(lease(f, "acc_a", "one", NOW_MS + 151, NOW_MS + 300), ERR_OK);
    assert_int_equal(put_grant(f, "acc_a", NOW_MS, 1), ERR_OK); /* ends it too */
    assert_int_equal(lease(f, "acc_a", "two", NOW_MS + 152, NOW_MS + 300), ERR_OK);
    struct store_batch *batch = store_batch_new();
    store_release_all_grants(batch);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(lease(f, "acc_a", "one", NOW_MS + 153, NOW_MS + 300), ERR_OK);
}

static void test_a_grant_goes_alone_or_with_its_account(void **state)
{
    struct fixture *f = *state;
    struct store_grant grant, *all = NULL;
    size_t count = 0;

    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_account(f, "acc_b", "t1"), ERR_OK);
    assert_int_equal(put_account(f, "acc_c", "t1"), ERR_OK);
    assert_int_equal(put_grant(f, "acc_a", NOW_MS, 0), ERR_OK);
    assert_int_equal(put_grant(f, "acc_b", NOW_MS, 0), ERR_OK);
    assert_int_equal(put_grant(f, "acc_c", NOW_MS, 0), ERR_OK);
    assert_int_equal(
        store_list_grants(f->store, SLICE("acc_a"), 1, f->arena, &all, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_text(all[0].account, "acc_b");
    struct store_batch *batch = store_batch_new();
    store_delete_grant(batch, SLICE("acc_a"));
    store_delete_account(batch, SLICE("acc_b"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(store_get_grant(f->store, SLICE("acc_a"), f->arena, &grant),
                     ERR_NOT_FOUND);
    assert_int_equal(put_grant(f, "acc_b", NOW_MS, 1), ERR_NOT_FOUND);
    assert_int_equal(store_list_grants(f->store, SLICE(""), 10, f->arena, &all, &count),
                     ERR_OK);
    assert_int_equal(count, 1);
    assert_text(all[0].account, "acc_c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_grant_counts_versions_and_refuses_another_one),
        STORE_TEST(test_one_holder_at_a_time_has_a_grants_lease),
        STORE_TEST(test_a_grant_goes_alone_or_with_its_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
