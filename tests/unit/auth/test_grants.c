/* SPDX-License-Identifier: Apache-2.0 */
/* Grants that persons gave: renewed by one flight, one process, over one version; and what
 * is left after each way in which that can go wrong. */
#include "tests/unit/auth/grant_world.h"

#define WAITERS 50

static void test_a_stored_token_that_is_good_costs_no_request(void **state)
{
    struct grant_world *w = *state;
    put_consent(w, "a1", "r1", HOUR_MS);
    w->source = make_source(w);

    assert_has(w, "a1");
    assert_int_equal(w->sent_count, 0);
}

static void test_fifty_who_wait_share_one_request(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiters[WAITERS];
    begin_expired(w);
    for (size_t i = 0; i < WAITERS; i++) {
        wait_for(w->source, &waiters[i]);
    }
    settle(w);
    assert_int_equal(w->sent_count, 1);
    assert_string_equal(w->sent[0].url, "https://erp.example/token");
    assert_string_equal(w->sent[0].body,
                        "grant_type=refresh_token&refresh_token=r1&client_id=cid");
    assert_string_equal(w->sent[0].authorization, "");
    assert_int_equal(waiters[0].told, 0);

    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    assert_int_equal(waiters[0].told, 0); /* it is not stored yet */
    settle(w);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(waiters[i].told, 1);
        assert_int_equal(waiters[i].err, ERR_OK);
    }
    assert_has(w, "a2");
    assert_int_equal(w->sent_count, 1);
    assert_int_equal(stored_version(w), 2);
}

static void renew_once(struct grant_world *w, const char *sent, const char *access,
                       const char *refresh)
{
    struct waiter waiter;
    size_t n = w->sent_count;
    wait_for(w->source, &waiter);
    settle(w);
    assert_int_equal(w->sent_count, n + 1);
    assert_string_equal(
        w->sent[n].body,
        arena_printf(w->keys.arena,
                     "grant_type=refresh_token&refresh_token=%s&client_id=cid", sent)
            .ptr);
    answer(w, n, 200, given(w->keys.arena, access, refresh));
    settle(w);
    assert_int_equal(waiter.err, ERR_OK);
    assert_has(w, access);
    w->time.wall_ms += 2 * HOUR_MS;
}

static void test_a_refresh_token_is_replaced_where_a_new_one_came(void **state)
{
    struct grant_world *w = *state;
    begin_expired(w);
    renew_once(w, "r1", "a2", "r2");
    renew_once(w, "r2", "a3", "");
    renew_once(w, "r2", "a4", "r4"); /* an empty one is none */
    assert_int_equal(stored_version(w), 4);
}

static void test_a_lost_answer_leaves_the_grant_as_it_is(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_refresh(w, &waiter);
    lose(w, 0);
    settle(w);
    assert_int_equal(waiter.err, ERR_UPSTREAM_UNAVAILABLE);
    assert_int_equal(w->refused, 0);
    renew_once(w, "r1", "a2", "r2");
}

static void test_a_host_that_fails_ends_nothing(void **state)
{
    struct grant_world *w = *state;
    static const int statuses[] = {500, 503, 429};
    begin_expired(w);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct waiter waiter;
        wait_for(w->source, &waiter);
        settle(w);
        answer(w, w->sent_count - 1, statuses[i], "{}");
        settle(w);
        assert_int_equal(waiter.err, ERR_UPSTREAM_UNAVAILABLE);
    }
    assert_int_equal(w->refused, 0);
    renew_once(w, "r1", "a2", "r2");
}

/* A wrong client secret, a firewall's page: the grant itself was not refused. */
static void test_no_other_refusal_ends_a_grant(void **state)
{
    struct grant_world *w = *state;
    static const struct {
        int status;
        const char *body, *words;
    } refusals[] = {
        {401, "{\"error\":\"invalid_client\"}", "this client's id or secret"},
        {400, "{\"error\":\"unauthorized_client\"}", "does not let this client"},
        {400, "{\"error\":\"invalid_request\"}", "found the request to be wrong"},
        {403, "<html>blocked</html>", "a firewall"}};
    begin_expired(w);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct waiter waiter;
        wait_for(w->source, &waiter);
        settle(w);
        answer(w, w->sent_count - 1, refusals[i].status, refusals[i].body);
        settle(w);
        assert_int_equal(waiter.err, ERR_UPSTREAM_UNAVAILABLE);
        assert_non_null(strstr(waiter.problem, refusals[i].words));
        assert_int_equal(w->refused, 0);
        assert_true(grants_next_ms(w->grants) > w->time.wall_ms);
    }
    renew_once(w, "r1", "a2", "r2");
}

static void test_a_life_of_nothing_is_no_reason_to_hurry(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_refresh(w, &waiter);
    answer(w, 0, 200, "{\"access_token\":\"a2\",\"expires_in\":0}");
    settle(w);
    assert_int_equal(waiter.err, ERR_OK);
    assert_in_range(grants_next_ms(w->grants), w->time.wall_ms + 30000,
                    w->time.wall_ms + 60000);
}

/* The client's secret was changed while a refresh was under way: one token, used once. */
static void test_two_clients_of_one_account_exclude_each_other(void **state)
{
    struct grant_world *w = *state;
    struct waiter before, after;
    begin_refresh(w, &before);
    struct token_source *source = make_source_of(w, "new");
    wait_for(source, &after);
    settle(w);
    assert_int_equal(w->sent_count, 1);
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    w->time.wall_ms += 250;
    grants_run(w->grants);
    settle(w);
    assert_int_equal(before.err, ERR_OK);
    assert_int_equal(after.told, 1);
    assert_int_equal(after.err, ERR_OK);
    assert_int_equal(w->sent_count, 1);
    token_source_drop(source);
}

static void test_a_refused_grant_is_over_and_says_so_once(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_refresh(w, &waiter);
    answer(w, 0, 400, "{\"error\":\"invalid_grant\"}");
    settle(w);
    assert_int_equal(waiter.err, ERR_NEEDS_REAUTH);
    assert_string_equal(waiter.code, "invalid_grant");
    assert_int_equal(w->refused, 1);
    assert_int_equal(w->sent_count, 1);
    assert_int_equal(grants_next_ms(w->grants), 0);
}

static void test_an_account_without_a_grant_waits_for_a_person(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    w->source = make_source(w);
    wait_for(w->source, &waiter);
    settle(w);
    assert_int_equal(waiter.err, ERR_NEEDS_REAUTH);
    assert_int_equal(w->sent_count, 0);
}

static void test_a_consent_in_the_middle_of_a_refresh_wins(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_refresh(w, &waiter);
    put_consent(w, "b1", "s1", HOUR_MS);
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    assert_int_equal(waiter.err, ERR_OK);
    assert_has(w, "b1");
    w->time.wall_ms += 2 * HOUR_MS;
    renew_once(w, "s1", "b2", "s2");
}

static void test_a_refused_token_is_read_anew_before_the_grant_is_given_up(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_refresh(w, &waiter);
    put_consent(w, "b1", "s1", HOUR_MS);
    answer(w, 0, 400, "{\"error\":\"invalid_grant\"}");
    settle(w);
    assert_int_equal(waiter.err, ERR_OK);
    assert_int_equal(w->refused, 0);
    assert_has(w, "b1");
}

static void test_an_account_deleted_in_the_middle_of_a_refresh_is_gone(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_refresh(w, &waiter);
    struct store_batch *batch = store_batch_new();
    store_delete_account(batch, ACCOUNT);
    assert_int_equal(store_commit_now(w->store, batch), ERR_OK);
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    assert_int_equal(waiter.told, 1);
    assert_int_equal(waiter.err, ERR_NOT_FOUND);
    assert_int_equal(w->refused, 0);
    assert_int_equal(grants_next_ms(w->grants), 0);
}

static void
test_a_source_dropped_in_the_middle_of_a_refresh_stores_what_came(void **state)
{
    struct grant_world *w = *state;
    begin_expired(w);
    assert_int_equal(token_source_renew(w->source), ERR_OK);
    settle(w);
    token_source_drop(w->source);
    w->source = NULL;
    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    w->source = make_source(w);
    assert_has(w, "a2");
}

/* A new process on the store of one that was killed: its lease does not hold anybody up. */
static void test_a_process_that_died_in_the_middle_leaves_no_lease(void **state)
{
    struct grant_world *w = *state;
    begin_expired(w);
    assert_int_equal(token_source_renew(w->source), ERR_OK);
    settle(w);
    struct grant_world *next = world_open(w->keys.path);
    next->time.wall_ms = w->time.wall_ms;
    assert_int_equal(grants_restore(next->grants, true), ERR_OK);
    next->source = make_source(next);
    renew_once(next, "r1", "a2", "r2");
    world_close(next);
}

/* ---- Two processes on one store ---- */

static void test_of_two_processes_one_asks_and_the_other_takes_over(void **state)
{
    struct grant_world *w = *state;
    struct waiter here, there;
    begin_expired(w);
    struct grant_world *other = world_open(w->keys.path);
    other->time.wall_ms = w->time.wall_ms;
    other->source = make_source(other);
    wait_for(w->source, &here);
    settle(w);
    wait_for(other->source, &there);
    settle(other);
    assert_int_equal(w->sent_count, 1);
    assert_int_equal(other->sent_count, 0);

    answer(w, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(w);
    assert_int_equal(here.err, ERR_OK);
    other->time.wall_ms = grants_next_ms(other->grants);
    grants_run(other->grants);
    settle(other);
    assert_int_equal(there.told, 1);
    assert_int_equal(there.err, ERR_OK);
    assert_has(other, "a2");
    assert_int_equal(other->sent_count, 0);
    world_close(other);
}

static void test_a_lease_that_nobody_gives_back_ends_by_itself(void **state)
{
    struct grant_world *w = *state;
    struct waiter there;
    begin_expired(w);
    assert_int_equal(token_source_renew(w->source), ERR_OK);
    settle(w); /* and dies here, its request unanswered */
    struct grant_world *other = world_open(w->keys.path);
    other->time.wall_ms = w->time.wall_ms;
    other->source = make_source(other);
    wait_for(other->source, &there);
    settle(other);
    for (int i = 0; i < 400 && other->sent_count == 0; i++) {
        assert_true(grants_next_ms(other->grants) > 0);
        other->time.wall_ms = grants_next_ms(other->grants);
        grants_run(other->grants);
        settle(other);
    }
    assert_int_equal(other->sent_count, 1);
    assert_true(other->time.wall_ms - w->time.wall_ms >= GRANT_REQUEST_MS);
    assert_int_equal(there.told, 0);
    answer(other, 0, 200, given(w->keys.arena, "a2", "r2"));
    settle(other);
    assert_int_equal(there.err, ERR_OK);
    world_close(other);
    answer(w, 0, 200, given(w->keys.arena, "late", "late"));
    settle(w); /* it comes too late: what is stored is newer */
    assert_has(w, "a2");
}

/* ---- When ---- */

static void test_a_grant_is_renewed_one_to_three_minutes_ahead(void **state)
{
    struct grant_world *w = *state;
    put_consent(w, "a1", "r1", HOUR_MS);
    w->source = make_source(w);
    assert_int_equal(grants_restore(w->grants, true), ERR_OK);
    int64_t at_ms = grants_next_ms(w->grants);
    assert_in_range(at_ms, NOW_MS + HOUR_MS - 180000, NOW_MS + HOUR_MS - 60000);
    w->time.wall_ms = at_ms - 1;
    grants_run(w->grants);
    settle(w);
    assert_int_equal(w->sent_count, 0);
    w->time.wall_ms = at_ms;
    grants_run(w->grants);
    settle(w);
    assert_int_equal(w->sent_count, 1);
    assert_has(w, "a1"); /* it serves calls meanwhile */
    answer(w, 0, 200, given(w->keys.arena, "a2", ""));
    settle(w);
    assert_has(w, "a2");
    assert_in_range(grants_next_ms(w->grants), at_ms + HOUR_MS - 180000,
                    at_ms + HOUR_MS - 60000);
}

static void test_a_renewal_that_failed_is_tried_again_later_and_later(void **state)
{
    struct grant_world *w = *state;
    int64_t last = 0;
    put_consent(w, "a1", "r1", HOUR_MS);
    w->source = make_source(w);
    assert_int_equal(grants_restore(w->grants, true), ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        w->time.wall_ms = grants_next_ms(w->grants);
        grants_run(w->grants);
        settle(w);
        assert_int_equal(w->sent_count, i + 1);
        lose(w, i);
        settle(w);
        int64_t wait = grants_next_ms(w->grants) - w->time.wall_ms;
        assert_in_range(wait, INT64_C(2500) << i, INT64_C(5000) << i);
        assert_true(wait >= last);
        last = INT64_C(2500) << i;
    }
    assert_int_equal(w->refused, 0);
}

static void test_what_a_stopped_server_has_missed_is_spread(void **state)
{
    struct grant_world *w = *state;
    put_consent(w, "a1", "r1", HOUR_MS);
    w->time.wall_ms += 5 * HOUR_MS;
    assert_int_equal(grants_restore(w->grants, true), ERR_OK);
    assert_in_range(grants_next_ms(w->grants), w->time.wall_ms,
                    w->time.wall_ms + 60000);
}

/* ---- The end ---- */

static void test_offboarding_tells_the_token_host(void **state)
{
    struct grant_world *w = *state;
    const struct grant_client client = {SLICE("https://erp.example/revoke"),
                                        SLICE("cid"), SLICE("s=cret")};
    put_consent(w, "a1", "r1", HOUR_MS);
    grants_revoke(w->grants, ACCOUNT, &client);
    assert_int_equal(w->sent_count, 1);
    assert_string_equal(w->sent[0].url, "https://erp.example/revoke");
    assert_string_equal(w->sent[0].body, "token=r1");
    assert_string_equal(w->sent[0].authorization, "Basic Y2lkOnMlM0RjcmV0");
    answer(w, 0, 200, "");
}

static void test_a_server_that_stops_tells_those_who_wait(void **state)
{
    struct grant_world *w = *state;
    struct waiter waiter;
    begin_refresh(w, &waiter);
    token_hosts_stop(w->hosts);
    lose(w, 0);
    settle(w);
    assert_int_equal(waiter.told, 1);
    assert_int_equal(waiter.err, ERR_UPSTREAM_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_stored_token_that_is_good_costs_no_request),
        TEST(test_fifty_who_wait_share_one_request),
        TEST(test_a_refresh_token_is_replaced_where_a_new_one_came),
        TEST(test_a_lost_answer_leaves_the_grant_as_it_is),
        TEST(test_a_host_that_fails_ends_nothing),
        TEST(test_no_other_refusal_ends_a_grant),
        TEST(test_a_life_of_nothing_is_no_reason_to_hurry),
        TEST(test_two_clients_of_one_account_exclude_each_other),
        TEST(test_a_refused_grant_is_over_and_says_so_once),
        TEST(test_an_account_without_a_grant_waits_for_a_person),
        TEST(test_a_consent_in_the_middle_of_a_refresh_wins),
        TEST(test_a_refused_token_is_read_anew_before_the_grant_is_given_up),
        TEST(test_an_account_deleted_in_the_middle_of_a_refresh_is_gone),
        TEST(test_a_source_dropped_in_the_middle_of_a_refresh_stores_what_came),
        TEST(test_a_process_that_died_in_the_middle_leaves_no_lease),
        TEST(test_of_two_processes_one_asks_and_the_other_takes_over),
        TEST(test_a_lease_that_nobody_gives_back_ends_by_itself),
        TEST(test_a_grant_is_renewed_one_to_three_minutes_ahead),
        TEST(test_a_renewal_that_failed_is_tried_again_later_and_later),
        TEST(test_what_a_stopped_server_has_missed_is_spread),
        TEST(test_offboarding_tells_the_token_host),
        TEST(test_a_server_that_stops_tells_those_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
