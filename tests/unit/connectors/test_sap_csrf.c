/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes of one account against a service that binds tokens to cookies and forgets them.
 * The loop here wakes parked operations as the core does: whenever one has moved on.
 */
#include <stdlib.h>

#include "tests/unit/connectors/sap_world.h"

#define OPS 8

static const char order_arguments[] =
    "{\"supplier\":\"1\",\"purchasing_org\":\"1\",\"plant\":\"1\",\"items\":[{"
    "\"material\":\"a\",\"quantity\":1,\"unit\":\"EA\"}]}";

/* ---- A service ---- */

struct service {
    unsigned current; /* the token that is good */
    unsigned fetches, documents, refusals;
};

static enum connector_step answer_fields(const struct sap_world *world, struct op *op,
                                         int status, const struct op_field *fields,
                                         size_t count, const char *body)
{
    struct op_response response = {.status = status,
                                   .fields = fields,
                                   .field_count = count,
                                   .body = slice_str(body)};

    return world->connector->on_response(op, op->tool->plan, &response);
}

static enum connector_step answer_fetch(const struct sap_world *world, struct op *op,
                                        struct service *service)
{
    struct op_field fields[] = {
        {SLICE("content-type"), SLICE(SAP_JSON)},
        {SLICE("x-csrf-token"), arena_printf(world->arena, "t%u", ++service->current)},
        {SLICE("set-cookie"),
         arena_printf(world->arena,
                      "SAP_SESSIONID_S4H_100=s%u; path=/; secure; HttpOnly",
                      service->current)},
        {SLICE("set-cookie"), SLICE("sap-usercontext=sap-client=100; path=/")},
    };

    assert_false(op->request.is_write);
    assert_slice(op->request.method, "GET");
    assert_slice(op->request.url, SAP_ORIGIN SAP_ORDERS "/");
    assert_slice(sap_world_field(op, "X-CSRF-Token"), "Fetch");
    assert_int_equal(sap_world_field(op, "Cookie").len, 0);
    service->fetches++;
    return answer_fields(world, op, 200, fields, 4, "{\"d\":{\"EntitySets\":[]}}");
}

static enum connector_step refuse_token(const struct sap_world *world, struct op *op)
{
    static const struct op_field fields[] = {
        {{"content-type", 12}, {"text/plain;charset=utf-8", 24}},
        {{"x-csrf-token", 12}, {"Required", 8}}};

    return answer_fields(world, op, 403, fields, 2, "CSRF token validation failed");
}

static enum connector_step answer(const struct sap_world *world, struct op *op,
                                  struct service *service)
{
    if (slice_is(op->request.method, "GET")) {
        return answer_fetch(world, op, service);
    }
    struct slice token = arena_printf(world->arena, "t%u", service->current);
    struct slice cookies = arena_printf(
        world->arena, "SAP_SESSIONID_S4H_100=s%u; sap-usercontext=sap-client=100",
        service->current);
    assert_true(op->request.is_write);
    if (!slice_eq(sap_world_field(op, "X-CSRF-Token"), token) ||
        !slice_eq(sap_world_field(op, "Cookie"), cookies)) {
        service->refusals++;
        return refuse_token(world, op);
    }
    service->documents++;
    return sap_world_answer(world, op, 201, SAP_JSON,
                            "{\"d\":{\"PurchaseOrder\":\"4500000001\"}}");
}

/* ---- Operations in flight ---- */

struct flight {
    struct sap_world world;
    struct service service;
    size_t count;
    struct op ops[OPS];
    enum connector_step steps[OPS];
    bool over[OPS];
};

static int open_flight(void **state)
{
    struct flight *flight = calloc(1, sizeof *flight);

    assert_non_null(flight);
    flight->world = sap_world_new();
    *state = flight;
    return 0;
}

static int close_flight(void **state)
{
    struct flight *flight = *state;

    sap_world_free(&flight->world);
    free(flight);
    return 0;
}

static void begin_all(struct flight *flight, size_t count)
{
    flight->count = count;
    for (size_t i = 0; i < count; i++) {
        flight->ops[i] = sap_world_op(&flight->world, "create_a_sap_purchase_order",
                                      order_arguments);
        flight->steps[i] = sap_world_begin(&flight->world, &flight->ops[i]);
        flight->over[i] = false;
    }
}

static void wake_parked(struct flight *flight)
{
    for (size_t i = 0; i < flight->count; i++) {
        if (!flight->over[i] && flight->steps[i] == CONNECTOR_PARK) {
            flight->steps[i] = flight->world.connector->resume(
                &flight->ops[i], flight->ops[i].tool->plan);
        }
    }
}

static void end(struct flight *flight, size_t at)
{
    flight->over[at] = true;
    flight->world.connector->leave(&flight->ops[at], flight->ops[at].tool->plan);
}

/* Answers one op's request. */
static void move(struct flight *flight, size_t at)
{
    assert_int_equal(flight->steps[at], CONNECTOR_SEND);
    flight->steps[at] = answer(&flight->world, &flight->ops[at], &flight->service);
    if (flight->steps[at] == CONNECTOR_DONE || flight->steps[at] == CONNECTOR_FAILED) {
        end(flight, at);
    }
    wake_parked(flight);
}

/* Answers whoever waits for one, in an order that `seed` decides; the k-th answer is
 * preceded by the end of the token's life. */
static void run_all(struct flight *flight, unsigned seed, unsigned expire_at)
{
    for (unsigned turn = 0;; turn++) {
        size_t waiting[OPS], n = 0;

        for (size_t i = 0; i < flight->count; i++) {
            if (!flight->over[i] && flight->steps[i] == CONNECTOR_SEND) {
                waiting[n++] = i;
            }
        }
        if (n == 0) {
            return;
        }
        if (turn == expire_at) {
            flight->service.current++;
        }
        seed = seed * 1103515245U + 12345U;
        move(flight, waiting[(seed >> 16) % n]);
    }
}

static void assert_all_done(const struct flight *flight)
{
    for (size_t i = 0; i < flight->count; i++) {
        assert_true(flight->over[i]);
        assert_int_equal(flight->steps[i], CONNECTOR_DONE);
    }
}

/* ---- Tests ---- */

static void test_one_of_many_fetches_and_the_others_wait(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, OPS);
    assert_int_equal(flight->steps[0], CONNECTOR_SEND);
    for (size_t i = 1; i < OPS; i++) {
        assert_int_equal(flight->steps[i], CONNECTOR_PARK);
    }

    run_all(flight, 1, 1000);

    assert_all_done(flight);
    assert_int_equal(flight->service.fetches, 1);
    assert_int_equal(flight->service.documents, OPS);
    assert_int_equal(flight->service.refusals, 0);
}

/* The token ends at every possible moment, in many orders: one fetch more, never two,
 * and every document once. */
static void test_a_token_that_ends_midway_costs_one_fetch(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 10; seed++) {
        for (unsigned expire_at = 1; expire_at <= OPS; expire_at++) {
            void *own = NULL;
            open_flight(&own);
            struct flight *flight = own;

            begin_all(flight, OPS);
            run_all(flight, seed, expire_at);

            assert_all_done(flight);
            assert_int_equal(flight->service.documents, OPS);
            assert_int_equal(flight->service.fetches, 2);
            assert_true(flight->service.refusals >= 1 &&
                        flight->service.refusals <= OPS);
            close_flight(&own);
        }
    }
}

static void test_a_late_refusal_of_an_old_token_replays_at_once(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, 2);
    move(flight, 0);           /* the fetch; both have a token now */
    flight->service.current++; /* and lose it */
    move(flight, 0);           /* refused: fetches again */
    move(flight, 0);
    assert_slice(flight->ops[1].request.method, "POST");

    move(flight, 1); /* refused with the old one */

    assert_int_equal(flight->steps[1], CONNECTOR_SEND);
    assert_slice(flight->ops[1].request.method, "POST");
    assert_slice(sap_world_field(&flight->ops[1], "X-CSRF-Token"), "t3");
    run_all(flight, 1, 1000);
    assert_all_done(flight);
    assert_int_equal(flight->service.fetches, 2);
}

static void test_the_same_body_goes_out_again(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, 1);
    move(flight, 0);
    struct slice first = flight->ops[0].request.body;
    flight->service.current++;
    move(flight, 0);
    move(flight, 0);

    assert_true(slice_eq(flight->ops[0].request.body, first));
    run_all(flight, 1, 1000);
    assert_all_done(flight);
}

static void test_a_second_refusal_ends_it(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, 1);
    move(flight, 0);
    flight->steps[0] = refuse_token(&flight->world, &flight->ops[0]);
    assert_int_equal(flight->steps[0], CONNECTOR_SEND);
    move(flight, 0);
    assert_slice(flight->ops[0].request.method, "POST");

    flight->steps[0] = refuse_token(&flight->world, &flight->ops[0]);

    assert_int_equal(flight->steps[0], CONNECTOR_FAILED);
    assert_int_equal(flight->ops[0].fault.err, ERR_PERMISSION_DENIED);
    assert_int_equal(flight->ops[0].fault.upstream.status, 403);
    assert_contains(flight->ops[0].fault.message, "not executed");
}

static void test_a_403_without_required_fetches_nothing(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, 1);
    move(flight, 0);

    flight->steps[0] = sap_world_answer(
        &flight->world, &flight->ops[0], 403, SAP_JSON,
        "{\"error\":{\"code\":\"/IWFND/CM_CONSUMER/101\",\"message\":{\"lang\":\"en\","
        "\"value\":\"No authorization to access Service 'X'\"}}}");

    assert_int_equal(flight->steps[0], CONNECTOR_FAILED);
    assert_int_equal(flight->ops[0].fault.err, ERR_PERMISSION_DENIED);
    assert_slice(flight->ops[0].fault.upstream.code, "/IWFND/CM_CONSUMER/101");
}

static void test_a_fetcher_that_leaves_hands_its_part_on(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, 3);

    end(flight, 0);
    wake_parked(flight);

    assert_int_equal(flight->steps[1], CONNECTOR_SEND);
    assert_slice(flight->ops[1].request.method, "GET");
    assert_int_equal(flight->steps[2], CONNECTOR_PARK);
    run_all(flight, 1, 1000);
    assert_int_equal(flight->steps[1], CONNECTOR_DONE);
    assert_int_equal(flight->steps[2], CONNECTOR_DONE);
    assert_int_equal(flight->service.documents, 2);
}

static void test_whoever_leaves_while_parked_changes_nothing(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, 3);
    end(flight, 1);
    wake_parked(flight);
    assert_int_equal(flight->steps[2], CONNECTOR_PARK);

    run_all(flight, 1, 1000);

    assert_int_equal(flight->service.fetches, 1);
    assert_int_equal(flight->service.documents, 2);
}

static void test_an_error_that_carries_a_token_is_good_enough(void **state)
{
    static const struct op_field fields[] = {{{"content-type", 12}, {"text/html", 9}},
                                             {{"x-csrf-token", 12}, {"abc==", 5}}};
    struct flight *flight = *state;

    begin_all(flight, 1);

    flight->steps[0] =
        answer_fields(&flight->world, &flight->ops[0], 404, fields, 2, "<html/>");

    assert_int_equal(flight->steps[0], CONNECTOR_SEND);
    assert_slice(sap_world_field(&flight->ops[0], "X-CSRF-Token"), "abc==");
    assert_int_equal(sap_world_field(&flight->ops[0], "Cookie").len, 0);
}

static void test_a_fetch_without_a_token_fails_and_lets_the_next_one_try(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, 2);
    flight->steps[0] =
        sap_world_answer(&flight->world, &flight->ops[0], 200, SAP_JSON, "{}");

    assert_int_equal(flight->steps[0], CONNECTOR_FAILED);
    assert_int_equal(flight->ops[0].fault.err, ERR_UPSTREAM_MALFORMED);
    assert_contains(flight->ops[0].fault.hint, "not sent");
    end(flight, 0);
    wake_parked(flight);
    run_all(flight, 1, 1000);
    assert_int_equal(flight->steps[1], CONNECTOR_DONE);
}

static void test_a_refused_login_is_not_tried_by_all_who_wait(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, OPS);
    flight->steps[0] =
        sap_world_answer(&flight->world, &flight->ops[0], 401, "text/html",
                         "<html><title>Logon Error Message</title></html>");
    assert_int_equal(flight->steps[0], CONNECTOR_FAILED);
    assert_int_equal(flight->ops[0].fault.err, ERR_NEEDS_REAUTH);
    end(flight, 0);
    wake_parked(flight);

    for (size_t i = 1; i < OPS; i++) {
        assert_int_equal(flight->steps[i], CONNECTOR_FAILED);
        assert_int_equal(flight->ops[i].fault.err, ERR_NEEDS_REAUTH);
        end(flight, i);
    }
    /* Whoever comes later finds a session as before, and may try. */
    begin_all(flight, 1);
    assert_int_equal(flight->steps[0], CONNECTOR_SEND);
}

/* Slots are held while operations are parked: nobody waits for a fetch that its own
 * caller has given up. */
static void test_a_fetch_that_is_overdue_ends_the_wait_of_all(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, OPS);
    flight->ops[0].overdue = true; /* as the core says it, and the transfer goes on */
    end(flight, 0);
    wake_parked(flight);

    for (size_t i = 1; i < OPS; i++) {
        assert_int_equal(flight->steps[i], CONNECTOR_FAILED);
        assert_int_equal(flight->ops[i].fault.err, ERR_UPSTREAM_UNAVAILABLE);
        assert_contains(flight->ops[i].fault.message, "not sent");
        end(flight, i);
    }
    end(flight, 0); /* the transfer's end changes nothing any more */
    begin_all(flight, 1);
    assert_int_equal(flight->steps[0], CONNECTOR_SEND);
}

static void test_a_refused_login_stays_one_whatever_else_it_carries(void **state)
{
    static const struct op_field fields[] = {{{"content-type", 12}, {"text/html", 9}},
                                             {{"x-csrf-token", 12}, {"abc==", 5}}};
    struct flight *flight = *state;

    begin_all(flight, 1);

    flight->steps[0] =
        answer_fields(&flight->world, &flight->ops[0], 401, fields, 2, "<html/>");

    assert_int_equal(flight->steps[0], CONNECTOR_FAILED);
    assert_int_equal(flight->ops[0].fault.err, ERR_NEEDS_REAUTH);
}

static void test_cookies_are_cut_to_their_pairs_and_hostile_ones_left_out(void **state)
{
    static const struct op_field fields[] = {
        {{"x-csrf-token", 12}, {"t", 1}},
        {{"set-cookie", 10}, {"a=1; Path=/; Secure", 19}},
        {{"set-cookie", 10}, {" b=x=y ; HttpOnly", 17}},
        {{"set-cookie", 10}, {"a=2", 3}},
        {{"set-cookie", 10}, {"gone=1; Max-Age=0", 17}},
        {{"set-cookie", 10}, {"old=1; expires=Thu, 01-Jan-1970 00:00:00 GMT", 44}},
        {{"set-cookie", 10}, {"bad=a\r\nX: y", 11}},
        {{"set-cookie", 10}, {"sp ace=1", 8}},
        {{"set-cookie", 10}, {"=1", 2}},
        {{"set-cookie", 10}, {"none", 4}},
        {{"set-cookie", 10}, {"", 0}},
    };
    struct flight *flight = *state;

    begin_all(flight, 1);
    assert_int_equal(answer_fields(&flight->world, &flight->ops[0], 200, fields,
                                   sizeof fields / sizeof fields[0], "{}"),
                     CONNECTOR_SEND);

    assert_slice(sap_world_field(&flight->ops[0], "Cookie"), "a=2; b=x=y");
}

static void test_a_jar_has_a_ceiling(void **state)
{
    struct flight *flight = *state;
    struct op_field fields[61] = {{SLICE("x-csrf-token"), SLICE("t")}};

    for (size_t i = 1; i <= 60; i++) {
        char *value = arena_alloc(flight->world.arena, 1000);
        memset(value, 'v', 999);
        fields[i] =
            (struct op_field){SLICE("set-cookie"),
                              arena_printf(flight->world.arena, "c%02zu=%s", i, value)};
    }
    begin_all(flight, 1);
    assert_int_equal(
        answer_fields(&flight->world, &flight->ops[0], 200, fields, 61, "{}"),
        CONNECTOR_SEND);

    struct slice jar = sap_world_field(&flight->ops[0], "Cookie");
    assert_true(jar.len > 10000 && jar.len <= 16384);
    assert_int_equal(jar.ptr[jar.len - 1], 'v');
}

static void test_tokens_that_no_header_holds_are_not_taken(void **state)
{
    static const char *const tokens[] = {"",    "Required",  "required", "Fetch",
                                         "a b", "a\r\nX: y", "\xc3\xa6"};
    struct flight *flight = *state;

    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        struct op_field field = {SLICE("x-csrf-token"), slice_str(tokens[i])};
        begin_all(flight, 1);
        flight->steps[0] =
            answer_fields(&flight->world, &flight->ops[0], 200, &field, 1, "{}");
        if (flight->steps[0] != CONNECTOR_FAILED) {
            fail_msg("took \"%s\"", tokens[i]);
        }
        end(flight, 0);
    }
}

static void test_reads_carry_neither_token_nor_cookie(void **state)
{
    struct flight *flight = *state;

    begin_all(flight, 1);
    run_all(flight, 1, 1000);
    struct op read = sap_world_op(&flight->world, "list_all_sap_purchase_orders", "{}");
    assert_int_equal(sap_world_begin(&flight->world, &read), CONNECTOR_SEND);

    assert_int_equal(sap_world_field(&read, "Cookie").len, 0);
    assert_int_equal(sap_world_field(&read, "X-CSRF-Token").len, 0);
}

#define IN_FLIGHT(test) cmocka_unit_test_setup_teardown(test, open_flight, close_flight)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FLIGHT(test_one_of_many_fetches_and_the_others_wait),
        cmocka_unit_test(test_a_token_that_ends_midway_costs_one_fetch),
        IN_FLIGHT(test_a_late_refusal_of_an_old_token_replays_at_once),
        IN_FLIGHT(test_the_same_body_goes_out_again),
        IN_FLIGHT(test_a_second_refusal_ends_it),
        IN_FLIGHT(test_a_403_without_required_fetches_nothing),
        IN_FLIGHT(test_a_fetcher_that_leaves_hands_its_part_on),
        IN_FLIGHT(test_whoever_leaves_while_parked_changes_nothing),
        IN_FLIGHT(test_an_error_that_carries_a_token_is_good_enough),
        IN_FLIGHT(test_a_fetch_without_a_token_fails_and_lets_the_next_one_try),
        IN_FLIGHT(test_a_refused_login_is_not_tried_by_all_who_wait),
        IN_FLIGHT(test_a_fetch_that_is_overdue_ends_the_wait_of_all),
        IN_FLIGHT(test_a_refused_login_stays_one_whatever_else_it_carries),
        IN_FLIGHT(test_cookies_are_cut_to_their_pairs_and_hostile_ones_left_out),
        IN_FLIGHT(test_a_jar_has_a_ceiling),
        IN_FLIGHT(test_tokens_that_no_header_holds_are_not_taken),
        IN_FLIGHT(test_reads_carry_neither_token_nor_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
