/* SPDX-License-Identifier: Apache-2.0 */
/* Grants when the store takes no writes, when clocks jump, when another process has stood
 * still, and when nobody but the alarm asks. */
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/auth/grant_world.h"

#define OTHER SLICE("acc_b")

/* ---- A store that takes no writes ---- */

static void let_files_grow(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Asked, and answered by a2 and r2, which cannot be stored. */
static void begin_unstored(struct grant_world *w, struct waiter *waiter)
{
    begin_refresh(w, waiter);
    let_files_grow(0);
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    let_files_grow(RLIM_INFINITY);
    assert_int_equal(waiter->told, 1);
    assert_int_equal(waiter->err, ERR_INTERNAL);
    assert_false(token_source_is_fresh(w->source)); /* not used before it is stored */
    assert_int_equal(stored_version(w), 1);
}

static void test_an_answer_that_is_not_stored_outlives_its_account(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_unstored(w, &waiter);
    token_source_drop(w->source); /* the account is put away */
    w->source = NULL;
    run_next(w);
    assert_int_equal(w->renewals, 0);
    assert_int_equal(w->sent_count, 1);
    assert_int_equal(stored_version(w), 2);
    w->source = make_source(w);
    assert_has(w, "a2");
}

static void test_it_is_tried_often_and_dated_from_its_coming(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_unstored(w, &waiter);
    int64_t came_ms = w->time.wall_ms;
    for (int i = 0; i < 12; i++) {
        let_files_grow(0);
        run_next(w);
        let_files_grow(RLIM_INFINITY);
        assert_in_range(grants_next_ms(w->grants), w->time.wall_ms + 1,
                        w->time.wall_ms + 15000);
    }
    run_next(w);
    assert_int_equal(w->sent_count, 1);
    assert_has(w, "a2");
    assert_int_equal(token_source_ends_ms(w->source), came_ms + HOUR_MS);
    assert_true(w->time.wall_ms > came_ms + 60000);
}

/* Nobody else may use what this process has used up. */
static void test_it_keeps_its_lease(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter, there;
    begin_unstored(w, &waiter);
    struct grant_world *other = world_open(w->keys.path);
    other->time = w->time;
    other->source = make_source(other);
    wait_for(other->source, &there);
    settle(other);
    assert_int_equal(other->sent_count, 0);
    run_next(w);
    pass(other, 250);
    grants_run(other->grants);
    settle(other);
    assert_int_equal(there.err, ERR_OK);
    assert_has(other, "a2");
    assert_int_equal(other->sent_count, 0);
    world_close(other);
}

static void test_a_new_consent_is_worth_more(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_unstored(w, &waiter);
    token_source_drop(w->source);
    w->source = NULL;
    put_consent(w, "b1", "s1", HOUR_MS);
    grants_changed(w->grants, ACCOUNT);
    w->source = make_source(w); /* another: the first was forgotten */
    assert_has(w, "b1");
    assert_int_equal(stored_version(w), 2);
}

/* The client's secret was changed, and the second answer could not be stored either. */
static void test_a_new_consent_is_worth_more_than_either_clients_answer(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_unstored(w, &waiter);
    pass(w, 61000); /* its lease is over */
    struct token_source *second = make_source_of(w, "new");
    wait_for(second, &waiter);
    settle(w);
    assert_int_equal(w->sent_count, 2);
    let_files_grow(0);
    answer(w, 1, 200, given(w->keys.arena, "a3", "r3"));
    settle(w);
    let_files_grow(RLIM_INFINITY);
    assert_int_equal(waiter.err, ERR_INTERNAL);
    token_source_drop(w->source);
    token_source_drop(second);
    put_consent(w, "b1", "s1", HOUR_MS);
    grants_changed(w->grants, ACCOUNT);
    w->source = make_source_of(w, "new");
    assert_has(w, "b1");
    token_source_drop(w->source);
    w->source = make_source(w);
    assert_has(w, "b1");
}

static void test_an_account_that_goes_takes_it_along(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_unstored(w, &waiter);
    struct store_batch *batch = store_batch_new();
    store_delete_account(batch, ACCOUNT);
    assert_int_equal(store_commit_now(w->store, batch), ERR_OK);
    grants_changed(w->grants, ACCOUNT);
    assert_int_equal(grants_next_ms(w->grants), 0);
    token_source_drop(w->source);
    w->source = make_source(w);
    assert_false(token_source_is_fresh(w->source));
}

static void test_a_stored_token_that_cannot_be_opened_is_nobodys_refusal(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    struct store_secret sealed;
    begin_expired(w);
    struct secret *plain = vault_hold(w->vault, SLICE("r1"));
    assert_int_equal(vault_seal(w->vault, OTHER, SLICE("grant.refresh_token"), plain,
                                w->keys.arena, &sealed),
                     ERR_OK);
    secret_free(plain);
    sealed.account = ACCOUNT; /* sealed for another */
    struct store_batch *batch = store_batch_new();
    store_put_secret(batch, &sealed);
    assert_int_equal(store_commit_now(w->store, batch), ERR_OK);
    wait_for(w->source, &waiter);
    settle(w);
    assert_int_equal(waiter.err, ERR_INTERNAL);
    assert_int_equal(w->sent_count, 0);
    assert_int_equal(w->refused, 0);
    assert_true(grants_next_ms(w->grants) > w->time.wall_ms);
}

/* ---- Another process ---- */

static struct grant_world *neighbour(const struct grant_world *w)
{
    struct grant_world *other = world_open(w->keys.path);
    other->time = w->time;
    other->source = make_source(other);
    return other;
}

static void test_what_another_process_has_renewed_is_not_renewed_again(void **state)
{
    struct grant_world *w = *state;
    put_consent(w, "a1", "r1", HOUR_MS);
    w->source = make_source(w);
    struct grant_world *other = neighbour(w);
    assert_int_equal(grants_restore(w->grants, true), ERR_OK);
    assert_int_equal(grants_restore(other->grants, false), ERR_OK);
    settle(other);
    run_next(w);
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    int64_t ends_ms = w->time.wall_ms + HOUR_MS;
    run_next(other);
    assert_int_equal(other->renewals, 0);
    assert_int_equal(other->sent_count, 0);
    assert_in_range(grants_next_ms(other->grants), ends_ms - 180000, ends_ms - 60000);
    while (other->sent_count == 0) { /* and then it is this one's turn */
        run_next(other);
    }
    assert_true(other->time.wall_ms < ends_ms - 30000);
    world_close(other);
}

/* The first process has sent its request and stands still; its lease ends. */
static struct grant_world *begin_doubt(struct grant_world *w, struct waiter *there)
{
    begin_expired(w);
    assert_int_equal(token_source_renew(w->source), ERR_OK);
    settle(w);
    assert_int_equal(w->sent_count, 1);
    struct grant_world *other = neighbour(w);
    pass(other, 61000);
    wait_for(other->source, there);
    settle(other);
    assert_int_equal(other->sent_count, 1);
    answer(other, 0, 400, "{\"error\":\"invalid_grant\"}");
    settle(other);
    assert_int_equal(there->told, 0);
    return other;
}

static void test_a_refusal_is_doubted_while_another_may_yet_store(void **state)
{
    struct grant_world *w = *state;
    struct waiter there;
    struct grant_world *other = begin_doubt(w, &there);
    for (int i = 0; i < 4; i++) {
        run_next(other);
    }
    assert_int_equal(there.told, 0);
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2")); /* it goes on */
    settle(w);
    run_next(other);
    assert_int_equal(there.err, ERR_OK);
    assert_has(other, "a2");
    assert_int_equal(other->refused, 0);
    assert_int_equal(other->sent_count, 1);
    world_close(other);
}

static void test_but_not_for_ever(void **state)
{
    struct grant_world *w = *state;
    struct waiter there;
    struct grant_world *other = begin_doubt(w, &there);
    int64_t began_us = other->time.mono_us;
    while (there.told == 0) {
        run_next(other);
    }
    assert_in_range(other->time.mono_us - began_us, 29000000, 31000000);
    assert_int_equal(there.err, ERR_NEEDS_REAUTH);
    assert_string_equal(there.code, "invalid_grant");
    assert_int_equal(other->refused, 1);
    world_close(other);
}

/* ---- Clocks ---- */

static void
test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(void **state)
{
    struct grant_world *w = *state;
    struct waiter there;
    begin_expired(w);
    assert_int_equal(token_source_renew(w->source), ERR_OK);
    settle(w); /* and dies here */
    struct grant_world *other = neighbour(w);
    other->time.wall_ms -= HOUR_MS;
    wait_for(other->source, &there);
    settle(other);
    assert_int_equal(other->sent_count, 1);
    answer(other, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(other);
    assert_int_equal(there.err, ERR_OK);
    world_close(other);
}

static void test_a_look_from_before_the_clock_was_set_back_is_due(void **state)
{
    struct grant_world *w = *state;
    struct waiter there;
    begin_expired(w);
    assert_int_equal(token_source_renew(w->source), ERR_OK);
    settle(w);
    struct grant_world *other = neighbour(w);
    wait_for(other->source, &there);
    settle(other); /* it looks again in a quarter of a second */
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    other->time.wall_ms -= HOUR_MS;
    grants_run(other->grants);
    settle(other);
    assert_int_equal(there.err, ERR_OK);
    assert_int_equal(other->sent_count, 0);
    world_close(other);
}

static void test_a_lease_that_was_long_in_coming_is_taken_anew(void **state)
{
    struct grant_world *w = *state;
    begin_expired(w);
    assert_int_equal(token_source_renew(w->source), ERR_OK);
    pass(w, 40000); /* until it is written */
    settle(w);
    assert_int_equal(w->sent_count, 0); /* it would end before the request might */
    run_next(w);
    assert_int_equal(w->sent_count, 1);
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    assert_has(w, "a2");
}

/* ---- The alarm ---- */

struct two {
    struct grant_world *w;
    struct grants *grants;
    struct token_source *sources[2];
    size_t begun;
};

static enum err renew_either(void *ctx, struct slice account)
{
    struct two *two = ctx;
    two->begun++;
    return token_source_renew(two->sources[slice_eq(account, OTHER) ? 1 : 0]);
}

static void stay(void *ctx, struct slice account, const struct token_outcome *outcome)
{
    (void)ctx;
    (void)account;
    (void)outcome;
}

/* One place for renewals, and whoever had it is refused: the other's turn comes by itself. */
static void test_the_place_of_a_refused_grant_is_the_next_ones(void **state)
{
    struct grant_world *w = *state;
    const struct grants_parts parts = {
        .loop = w->loop,
        .store = w->store,
        .vault = w->vault,
        .tokens = w->tokens,
        .log = &w->log,
        .grant_ms = INT64_C(7) * 24 * HOUR_MS,
        .most_renewals = 1,
    };
    const struct grant_client client = {SLICE("https://erp.example/token"),
                                        SLICE("cid"), SLICE("")};
    struct two two = {.w = w, .grants = grants_new(&parts)};
    put_account_of(w, OTHER);
    put_consent_of(w, ACCOUNT, "a1", "r1", HOUR_MS);
    put_consent_of(w, OTHER, "b1", "s1", HOUR_MS);
    pass(w, 2 * HOUR_MS);
    grants_set_hooks(two.grants, &(struct grant_hooks){renew_either, stay, &two});
    two.sources[0] = grants_source(two.grants, ACCOUNT, &client);
    two.sources[1] = grants_source(two.grants, OTHER, &client);
    assert_int_equal(grants_restore(two.grants, true), ERR_OK);
    pass(w, 60000);
    grants_run(two.grants);
    settle(w);
    assert_int_equal(two.begun, 1);
    assert_int_equal(w->sent_count, 1);
    answer(w, 0, 400, "{\"error\":\"invalid_grant\"}");
    loop_hold(w->loop); /* alarms do not keep it going */
    while (w->sent_count < 2) {
        loop_run_once(w->loop);
    }
    loop_release(w->loop);
    assert_int_equal(two.begun, 2);
    lose(w, 1);
    settle(w);
    token_source_drop(two.sources[0]);
    token_source_drop(two.sources[1]);
    grants_free(two.grants);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_answer_that_is_not_stored_outlives_its_account),
        TEST(test_a_new_consent_is_worth_more_than_either_clients_answer),
        TEST(test_it_is_tried_often_and_dated_from_its_coming),
        TEST(test_it_keeps_its_lease),
        TEST(test_a_new_consent_is_worth_more),
        TEST(test_an_account_that_goes_takes_it_along),
        TEST(test_a_stored_token_that_cannot_be_opened_is_nobodys_refusal),
        TEST(test_what_another_process_has_renewed_is_not_renewed_again),
        TEST(test_a_refusal_is_doubted_while_another_may_yet_store),
        TEST(test_but_not_for_ever),
        TEST(test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up),
        TEST(test_a_look_from_before_the_clock_was_set_back_is_due),
        TEST(test_a_lease_that_was_long_in_coming_is_taken_anew),
        TEST(test_the_place_of_a_refused_grant_is_the_next_ones),
    };
    signal(SIGXFSZ, SIG_IGN); /* the write fails, as on a full disk */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
