/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: one flight for all who wait, how long a token serves, who leaves and joins. */
#include "tests/unit/auth/token_world.h"

static void test_all_who_wait_share_one_flight(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    for (int i = 0; i < WAITS / 2; i++) {
        wait_on(w, i, w->source);
    }
    run_until_requests(w, 1);
    for (int i = WAITS / 2; i < WAITS; i++) {
        wait_on(w, i, w->source);
    }
    assert_false(token_source_is_fresh(w->source));
    assert_int_equal(token_source_reveal(w->source).len, 0);
    let_go(&w->host);
    run_until_told(w, WAITS);

    assert_int_equal(w->host.requests, 1);
    for (int i = 0; i < WAITS; i++) {
        assert_int_equal(w->waiters[i].told, 1);
        assert_int_equal(w->waiters[i].err, ERR_OK);
        assert_int_equal(w->waiters[i].status, 200);
    }
    assert_true(token_source_is_fresh(w->source));
    assert_token(w->source, "tok-1");
}

static void test_a_client_has_one_source_and_tenants_never_share(void **state)
{
    struct world *w = *state;
    struct token_source *same = source_of(w, "acme", "sb-app!t1", "s3cret");
    struct token_source *tenant = source_of(w, "acme2", "sb-app!t1", "s3cret");
    struct token_source *secret = source_of(w, "acme", "sb-app!t1", "s3cret2");
    /* The borders of the parts are part of what tells them apart. */
    struct token_source *moved = source_of(w, "acme", "sb-app!t1s", "3cret");

    assert_ptr_equal(same, w->source);
    assert_ptr_not_equal(tenant, w->source);
    assert_ptr_not_equal(secret, w->source);
    assert_ptr_not_equal(moved, w->source);
    fetch(w, 0);

    assert_true(token_source_is_fresh(same));
    assert_false(token_source_is_fresh(tenant));
    assert_int_equal(token_source_reveal(tenant).len, 0);
    token_source_drop(same);
    token_source_drop(tenant);
    token_source_drop(secret);
    token_source_drop(moved);
    assert_token(w->source, "tok-1");
}

static void test_a_token_is_used_until_30_s_before_its_end(void **state)
{
    struct world *w = *state;

    fetch(w, 0);
    w->time.wall_ms = NOW_MS + 3600000 - 30001;
    assert_true(token_source_is_fresh(w->source));
    w->time.wall_ms = NOW_MS + 3600000 - 30000;
    assert_false(token_source_is_fresh(w->source));

    w->host.body = "{\"access_token\":\"tok-2\",\"expires_in\":\"600\"}";
    fetch(w, 1);
    assert_token(w->source, "tok-2");
    assert_int_equal(token_source_version(w->source), 2);
    w->time.wall_ms += 600000 - 30001;
    assert_true(token_source_is_fresh(w->source));
    w->time.wall_ms += 1;
    assert_false(token_source_is_fresh(w->source));
}

static void test_a_failed_flight_leaves_the_token_that_works(void **state)
{
    struct world *w = *state;

    fetch(w, 0);
    w->host.status = 503;
    w->host.body = "<html>down</html>";
    struct waiter *waiter = fetch(w, 1);

    assert_int_equal(waiter->err, ERR_UPSTREAM_UNAVAILABLE);
    assert_int_equal(waiter->status, 503);
    assert_true(token_source_is_fresh(w->source));
    assert_token(w->source, "tok-1");
    assert_int_equal(token_source_version(w->source), 1);
}

static void test_a_refused_token_is_fetched_anew_but_not_its_successor(void **state)
{
    struct world *w = *state;

    fetch(w, 0);
    uint64_t first = token_source_version(w->source);
    token_source_refuse(w->source, first);
    assert_false(token_source_is_fresh(w->source));
    w->host.body = "{\"access_token\":\"tok-2\",\"expires_in\":600}";
    fetch(w, 0);
    assert_true(token_source_is_fresh(w->source));

    token_source_refuse(w->source, first); /* a late answer to the old one */
    assert_true(token_source_is_fresh(w->source));
    assert_token(w->source, "tok-2");
}

static void test_who_leaves_is_not_told_and_the_flight_goes_on(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    struct waiter *leaver = wait_on(w, 0, w->source);
    struct waiter *other = wait_on(w, 1, w->source);
    run_until_requests(w, 1);
    token_wait_cancel(&leaver->wait);
    let_go(&w->host);
    run_until_told(w, 1);

    assert_int_equal(leaver->told, 0);
    assert_int_equal(other->err, ERR_OK);
    assert_true(token_source_is_fresh(w->source));
}

static void test_a_flight_that_nobody_waits_for_still_brings_its_token(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    struct waiter *leaver = wait_on(w, 0, w->source);
    run_until_requests(w, 1);
    token_wait_cancel(&leaver->wait);
    let_go(&w->host);
    run_until_idle(w);

    assert_int_equal(leaver->told, 0);
    assert_token(w->source, "tok-1");
}

static void test_an_account_deleted_in_the_middle_of_a_flight_is_forgotten(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    struct waiter *leaver = wait_on(w, 0, w->source);
    run_until_requests(w, 1);
    token_wait_cancel(&leaver->wait);
    token_source_drop(w->source); /* the credential's hold; the flight has one too */
    w->source = NULL;
    let_go(&w->host);
    run_until_idle(w);

    assert_int_equal(leaver->told, 0);
    /* A new source of the same values knows nothing of that token. */
    w->source = source_of(w, "acme", "sb-app!t1", "s3cret");
    assert_false(token_source_is_fresh(w->source));
    assert_int_equal(token_source_reveal(w->source).len, 0);
}

static void wait_again(struct waiter *waiter)
{
    waiter->then = NULL;
    waiter->world->host.holds = true;
    wait_on(waiter->world, (int)(waiter - waiter->world->waiters),
            waiter->world->source);
}

static void test_who_joins_while_others_are_told_changes_nothing_for_them(void **state)
{
    struct world *w = *state;

    w->host.body = "{\"access_token\":\"short\",\"expires_in\":1}";
    struct waiter *first = wait_on(w, 0, w->source);
    first->then = wait_again;
    struct waiter *second = wait_on(w, 1, w->source);
    struct waiter *third = wait_on(w, 2, w->source);
    run_until_told(w, 3);

    assert_int_equal(first->told, 1);
    assert_int_equal(second->err, ERR_OK);
    assert_int_equal(second->status, 200);
    assert_int_equal(third->err, ERR_OK);
    run_until_requests(w, 2);
    w->host.body = GOOD;
    let_go(&w->host);
    run_until_told(w, 4);
    assert_int_equal(first->told, 2);
    assert_int_equal(second->told, 1);
    assert_token(w->source, "tok-1");
}

static void test_who_joins_after_a_refusal_hears_of_the_next_flight(void **state)
{
    struct world *w = *state;

    w->host.status = 401;
    w->host.body = "{\"error\":\"invalid_client\"}";
    struct waiter *first = wait_on(w, 0, w->source);
    first->then = wait_again;
    struct waiter *second = wait_on(w, 1, w->source);
    run_until_told(w, 2);

    assert_int_equal(second->err, ERR_NEEDS_REAUTH);
    assert_string_equal(second->code, "invalid_client");
    run_until_requests(w, 2);
    w->host.status = 200;
    w->host.body = GOOD;
    let_go(&w->host);
    run_until_told(w, 3);
    assert_int_equal(first->err, ERR_OK);
}

static void cancel_the_next(struct waiter *waiter)
{
    token_wait_cancel(&(waiter + 1)->wait);
}

static void test_who_is_told_may_take_another_out_of_the_line(void **state)
{
    struct world *w = *state;

    struct waiter *first = wait_on(w, 0, w->source);
    first->then = cancel_the_next;
    struct waiter *second = wait_on(w, 1, w->source);
    struct waiter *third = wait_on(w, 2, w->source);
    run_until_told(w, 2);
    run_until_idle(w);

    assert_int_equal(first->told, 1);
    assert_int_equal(second->told, 0);
    assert_int_equal(third->told, 1);
}

static void test_the_end_of_the_client_ends_a_flight_and_tells(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    struct waiter *waiter = wait_on(w, 0, w->source);
    run_until_requests(w, 1);
    http_client_free(w->client);
    w->client = NULL;

    assert_int_equal(waiter->told, 1);
    assert_int_equal(waiter->err, ERR_UPSTREAM_UNAVAILABLE);
    let_go(&w->host);
}

/* Its flights are made again while calls wait; by the world's host. */
static struct token_source *patient_source(struct world *w, struct tokens **patient)
{
    const struct client_grant client = {.tenant = SLICE("acme"),
                                        .url = slice_str(w->url),
                                        .client_id = SLICE("sb"),
                                        .client_secret = SLICE("s")};
    *patient = tokens_new(NULL, w->hosts, &w->clock, &w->log, TOKEN_TRIES);
    w->host.status = 503;
    return client_grant_source(*patient, &client);
}

static void run_until_it_pauses(struct world *w, const struct tokens *patient,
                                int tries)
{
    run_until_requests(w, tries);
    while (tokens_next_ms(patient) == 0) {
        loop_run_once(w->loop);
    }
}

static void pass(struct world *w, int64_t ms)
{
    w->time.wall_ms += ms;
    w->time.mono_us += ms * 1000;
}

/* 0.3, 0.6 and 1.2 s later. */
static void test_a_lost_flight_is_made_again_while_calls_wait(void **state)
{
    struct world *w = *state;
    struct tokens *patient;
    struct token_source *source = patient_source(w, &patient);
    struct waiter *one = wait_on(w, 0, source);
    static const int64_t pauses[] = {300, 600, 1200};

    for (int i = 0; i < 3; i++) {
        run_until_it_pauses(w, patient, i + 1);
        assert_int_equal(one->told, 0);
        assert_int_equal(tokens_next_ms(patient), w->time.wall_ms + pauses[i]);
        if (i == 1) {
            wait_on(w, 1, source); /* joins between two tries */
            token_source_refuse(source, token_source_version(source));
        }
        if (i == 2) {
            w->host.status = 200;
        }
        pass(w, pauses[i]);
        tokens_run(patient);
    }
    run_until_told(w, 2);
    assert_int_equal(w->host.requests, 4);
    assert_int_equal(one->err, ERR_OK);
    assert_int_equal(w->waiters[1].err, ERR_OK);
    token_source_drop(source);
    tokens_free(patient);
}

/* Nor does it end the tries at once when it is put forward. */
static void test_a_pause_is_as_long_as_it_is_wherever_the_clock_is_put(void **state)
{
    static const int64_t moved_ms[] = {-3600000, 3600000};
    struct world *w = *state;
    struct tokens *patient;
    struct token_source *source = patient_source(w, &patient);
    struct waiter *one = wait_on(w, 0, source);

    for (int i = 0; i < 2; i++) {
        run_until_it_pauses(w, patient, i + 1);
        w->time.wall_ms += moved_ms[i];
        tokens_run(patient); /* before the pause is over */
        assert_int_equal(tokens_next_ms(patient), w->time.wall_ms + (300 << i));
        assert_int_equal(one->told, 0);
        w->host.status = i == 1 ? 200 : 503;
        pass(w, 300 << i);
        tokens_run(patient);
    }
    run_until_told(w, 1);
    assert_int_equal(w->host.requests, 3);
    assert_int_equal(one->err, ERR_OK);
    token_source_drop(source);
    tokens_free(patient);
}

/* Whoever waits is told, and the source may go: before, it was held for ever. */
static void test_a_stop_between_two_tries_ends_the_flight(void **state)
{
    struct world *w = *state;
    struct tokens *patient;
    struct token_source *source = patient_source(w, &patient);
    struct waiter *one = wait_on(w, 0, source);
    run_until_it_pauses(w, patient, 1);
    token_source_drop(source); /* its account goes first */
    assert_int_equal(one->told, 0);
    tokens_stop(patient);
    assert_int_equal(one->told, 1);
    assert_int_equal(one->err, ERR_UNAVAILABLE);
    tokens_free(patient);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_lost_flight_is_made_again_while_calls_wait),
        TEST(test_a_pause_is_as_long_as_it_is_wherever_the_clock_is_put),
        TEST(test_a_stop_between_two_tries_ends_the_flight),
        TEST(test_all_who_wait_share_one_flight),
        TEST(test_a_client_has_one_source_and_tenants_never_share),
        TEST(test_a_token_is_used_until_30_s_before_its_end),
        TEST(test_a_failed_flight_leaves_the_token_that_works),
        TEST(test_a_refused_token_is_fetched_anew_but_not_its_successor),
        TEST(test_who_leaves_is_not_told_and_the_flight_goes_on),
        TEST(test_a_flight_that_nobody_waits_for_still_brings_its_token),
        TEST(test_an_account_deleted_in_the_middle_of_a_flight_is_forgotten),
        TEST(test_who_joins_while_others_are_told_changes_nothing_for_them),
        TEST(test_who_joins_after_a_refusal_hears_of_the_next_flight),
        TEST(test_who_is_told_may_take_another_out_of_the_line),
        TEST(test_the_end_of_the_client_ends_a_flight_and_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
