/* SPDX-License-Identifier: Apache-2.0 */
/* Users whose logins were refused: one process at a time tries one, and all count together. */
#include "store/trials.h"
#include "tests/unit/store/store_world.h"

#define USER SLICE("user")
#define TENANT SLICE("t")
#define A SLICE("a")
#define B SLICE("b")

static enum err lease(struct fixture *f, struct slice holder, int64_t now_ms,
                      int64_t ends_ms)
{
    struct store_batch *batch = store_batch_new();
    store_lease_trial(batch, USER, TENANT, holder, now_ms, ends_ms);
    return store_commit_now(f->store, batch);
}

static void end(struct fixture *f, struct slice holder)
{
    struct store_batch *batch = store_batch_new();
    store_end_trial(batch, USER, holder);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static void refuse(struct fixture *f, const char *login, int64_t now_ms)
{
    struct store_batch *batch = store_batch_new();
    store_refuse_user(batch, USER, slice_str(login), now_ms, now_ms + 100);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static void pardon(struct fixture *f, int64_t before_ms)
{
    struct store_batch *batch = store_batch_new();
    store_pardon_user(batch, USER, before_ms);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static enum err look_up(struct fixture *f, struct store_user *out)
{
    *out = (struct store_user){0};
    return store_get_user(f->store, USER, f->arena, out);
}

static void test_one_holder_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct store_user user;
    assert_int_equal(lease(f, A, NOW_MS, NOW_MS + 100), ERR_OK);
    assert_int_equal(lease(f, A, NOW_MS, NOW_MS + 100), ERR_OK); /* anew */
    assert_int_equal(lease(f, B, NOW_MS + 99, NOW_MS + 199), ERR_CONFLICT);
    end(f, B); /* not its own */
    assert_int_equal(lease(f, B, NOW_MS + 99, NOW_MS + 199), ERR_CONFLICT);
    end(f, A);
    assert_int_equal(look_up(f, &user), ERR_NOT_FOUND); /* nothing is left of it */
    assert_int_equal(lease(f, B, NOW_MS + 99, NOW_MS + 199), ERR_OK);
    assert_int_equal(lease(f, A, NOW_MS + 199, NOW_MS + 299),
                     ERR_OK); /* it has ended */
}

static void test_a_clock_that_was_set_back_holds_nobody_up(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(lease(f, A, NOW_MS, NOW_MS + 100), ERR_OK);
    assert_int_equal(lease(f, B, NOW_MS - 99, NOW_MS + 1), ERR_CONFLICT);
    assert_int_equal(lease(f, B, NOW_MS - 101, NOW_MS - 1), ERR_OK);
}

static void test_who_is_alone_ends_all(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(lease(f, A, NOW_MS, NOW_MS + 100), ERR_OK);
    struct store_batch *batch = store_batch_new();
    store_end_all_trials(batch);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(lease(f, B, NOW_MS, NOW_MS + 100), ERR_OK);
}

static void test_refusals_count_in_a_row_within_their_time(void **state)
{
    struct fixture *f = *state;
    struct store_user user;
    assert_int_equal(lease(f, A, NOW_MS, NOW_MS + 100), ERR_OK);
    refuse(f, "one", NOW_MS);
    refuse(f, "two", NOW_MS + 50);
    assert_int_equal(look_up(f, &user), ERR_OK);
    assert_int_equal(user.refusals, 2);
    assert_int_equal(user.refused_ms, NOW_MS + 50);
    assert_int_equal(user.counts_to_ms, NOW_MS + 150);
    assert_text(user.login, "two");
    assert_int_equal(lease(f, B, NOW_MS, NOW_MS + 100), ERR_CONFLICT); /* still A's */
    end(f, A);
    assert_int_equal(look_up(f, &user), ERR_OK); /* they stay */
    refuse(f, "three", NOW_MS + 150);            /* the others count no more */
    assert_int_equal(look_up(f, &user), ERR_OK);
    assert_int_equal(user.refusals, 1);
}

static void test_what_worked_before_a_refusal_pardons_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_user user;
    refuse(f, "one", NOW_MS);
    pardon(f, NOW_MS);
    assert_int_equal(look_up(f, &user), ERR_OK);
    assert_int_equal(user.refusals, 1);
    assert_int_equal(lease(f, A, NOW_MS, NOW_MS + 100), ERR_OK);
    pardon(f, NOW_MS + 1);
    assert_int_equal(look_up(f, &user), ERR_OK); /* the lease */
    assert_int_equal(user.refusals, 0);
    assert_int_equal(user.login.len, 0);
    end(f, A);
    assert_int_equal(look_up(f, &user), ERR_NOT_FOUND);
}

static void test_what_is_over_is_purged(void **state)
{
    struct fixture *f = *state;
    struct store_user user;
    refuse(f, "one", NOW_MS);
    for (int64_t ms = 100; ms <= 101; ms++) {
        struct store_batch *batch = store_batch_new();
        store_purge_expired(batch, NOW_MS + ms);
        assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
        assert_int_equal(look_up(f, &user), ms == 100 ? ERR_OK : ERR_NOT_FOUND);
    }
}

static enum err lease_of(struct fixture *f, struct slice tenant, int n, int64_t now_ms)
{
    struct store_batch *batch = store_batch_new();
    store_lease_trial(batch, arena_printf(f->arena, "user-%d", n), tenant, A, now_ms,
                      now_ms + 100);
    return store_commit_now(f->store, batch);
}

static void test_a_tenant_has_so_many_users_and_no_more(void **state)
{
    struct fixture *f = *state;
    struct store_batch *batch = store_batch_new();
    for (int n = 0; n < STORE_TENANT_USERS; n++) {
        struct slice user = arena_printf(f->arena, "user-%d", n);
        store_lease_trial(batch, user, TENANT, A, NOW_MS, NOW_MS + 100);
        store_refuse_user(batch, user, SLICE("login"), NOW_MS, NOW_MS + 500);
        store_end_trial(batch, user, A);
    }
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(lease_of(f, TENANT, -1, NOW_MS), ERR_RATE_LIMITED);
    assert_int_equal(lease_of(f, TENANT, 0, NOW_MS), ERR_OK); /* it is counted */
    assert_int_equal(lease_of(f, SLICE("other"), -2, NOW_MS), ERR_OK);
    assert_int_equal(lease_of(f, SLICE_EMPTY, -3, NOW_MS), ERR_OK);
    batch = store_batch_new();
    store_end_trial(batch, SLICE("user-0"), A);
    store_pardon_user(batch, SLICE("user-1"), NOW_MS + 1);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(lease_of(f, TENANT, -1, NOW_MS), ERR_OK); /* in its place */
    assert_int_equal(lease_of(f, TENANT, -4, NOW_MS), ERR_RATE_LIMITED);
    assert_int_equal(lease_of(f, TENANT, -4, NOW_MS + 500), ERR_OK); /* all is over */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_one_holder_at_a_time),
        STORE_TEST(test_a_clock_that_was_set_back_holds_nobody_up),
        STORE_TEST(test_who_is_alone_ends_all),
        STORE_TEST(test_refusals_count_in_a_row_within_their_time),
        STORE_TEST(test_what_worked_before_a_refusal_pardons_nothing),
        STORE_TEST(test_what_is_over_is_purged),
        STORE_TEST(test_a_tenant_has_so_many_users_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
