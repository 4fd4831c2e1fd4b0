/* SPDX-License-Identifier: Apache-2.0 */
/* Creates: what is sent, what becomes of every answer, and of none. */
#include "tests/unit/connectors/world.h"

#define CREATE "create_a_netsuite_invoice"
#define OURS "sluice-aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BASE                                                                    \
    "https://tstdrv1234567.suitetalk.api.netsuite.com/services/rest/record/v1/" \
    "invoice"
#define PLAIN \
    "{\"party_id\":\"107\",\"lines\":[{\"item_id\":\"9\",\"rate\":\"12.50\"}]}"
#define NAMED \
    "{\"party_id\":\"107\",\"external_id\":\"web-1\",\"lines\":[{\"item_id\":\"9\"}]}"
#define RECORD "{\"id\":\"1042\",\"tranId\":\"INV-7\",\"total\":12.50}"

static struct op create_op(const struct world *world, struct arena *arena,
                           const char *body)
{
    struct op op = world_op(world, arena, CREATE, NULL, NULL, 0);

    op.body = world_json(arena, body);
    op.request_id = SLICE("req_aaaaaaaaaaaaaaaaaaaaaaaaaa");
    return op;
}

static enum connector_step begin(const struct world *world, struct op *op)
{
    return world->connector->begin(op, op->tool->plan);
}

/* NetSuite's answer to a write: no body, and where the record is. */
static enum connector_step answer_saved(const struct world *world, struct op *op,
                                        const char *location)
{
    struct op_field fields[] = {{SLICE("location"), slice_str(location)}};
    struct op_response response = {.status = 204,
                                   .fields = fields,
                                   .field_count = location[0] != 0 ? 1 : 0,
                                   .body = SLICE_EMPTY};

    return world->connector->on_response(op, op->tool->plan, &response);
}

static enum connector_step lose(const struct world *world, struct op *op, enum err err)
{
    op->fault = (struct fault){.err = err, .hint = SLICE("of the transfer")};
    return world->connector->lost(op, op->tool->plan);
}

static bool contains(struct slice text, const char *part)
{
    for (size_t i = 0; i < text.len; i++) {
        if (slice_starts(slice_from(text, i), slice_str(part))) {
            return true;
        }
    }
    return false;
}

static void assert_unknown(const struct op *op, const char *external_id)
{
    assert_int_equal(op->fault.err, ERR_OUTCOME_UNKNOWN);
    assert_true(contains(op->fault.hint, external_id));
    assert_false(contains(op->fault.hint, "{"));
}

/* ---- What is sent ---- */

static void test_flat_arguments_become_a_nested_record(void **state)
{
    static const char wanted[] =
        "{\"entity\":{\"id\":\"107\"},\"tranDate\":\"2026-11-02\",\"memo\":\"M\","
        "\"item\":{\"items\":[{\"item\":{\"id\":\"9\"},\"quantity\":2.50,"
        "\"rate\":12345678901234567.89,\"description\":\"\\\"x\\\"\"},"
        "{\"item\":{\"id\":\"10\"},\"amount\":-0.10,\"department\":{\"id\":\"3\"}}]}}";
    struct world world = world_new();
    struct op op = create_op(
        &world, world.arena,
        "{\"lines\":[{\"item_id\":\"9\",\"quantity\":2.50,\"rate\":"
        "\"12345678901234567.89\",\"description\":\"\\\"x\\\"\"},{\"item_id\":\"10\","
        "\"amount\":\"-0.10\",\"department_id\":\"3\"}],\"memo\":\"M\",\"date\":"
        "\"2026-11-02\",\"party_id\":\"107\"}");

    (void)state;
    assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
    assert_slice(op.request.body, wanted);
    assert_true(op.request.is_write);
    world_free(&world);
}

static void test_only_an_id_of_ours_is_put(void **state)
{
    struct world world = world_new();
    struct op ours = create_op(&world, world.arena, PLAIN);
    struct op named = create_op(&world, world.arena, NAMED);

    (void)state;
    assert_int_equal(begin(&world, &ours), CONNECTOR_SEND);
    assert_slice(ours.request.method, "PUT");
    assert_slice(ours.request.url, BASE "/eid:" OURS "?replace=item");
    assert_null(jval_get(world_body(&ours), "externalId"));
    assert_int_equal(begin(&world, &named), CONNECTOR_SEND);
    assert_slice(named.request.method, "POST");
    assert_slice(named.request.url, BASE);
    assert_slice(jval_text(jval_get(world_body(&named), "externalId")), "web-1");
    world_free(&world);
}

static void test_netsuite_is_asked_to_refuse_what_it_does_not_know(void **state)
{
    struct world world = world_new();
    struct op op = create_op(&world, world.arena, PLAIN);
    int found = 0;

    (void)state;
    assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
    for (size_t i = 0; i < op.request.field_count; i++) {
        if (slice_is(op.request.fields[i].name, "X-NetSuite-PropertyNameValidation") ||
            slice_is(op.request.fields[i].name, "X-NetSuite-PropertyValueValidation")) {
            assert_slice(op.request.fields[i].value, "Error");
            found++;
        }
    }
    assert_int_equal(found, 2);
    world_free(&world);
}

static void test_what_cannot_be_sent_is_named(void **state)
{
    static const struct {
        const char *body, *pointer;
    } cases[] = {
        {"{\"external_id\":\"a/b\"}", "/external_id"},
        {"{\"external_id\":\"\"}", "/external_id"},
        {"{\"external_id\":7}", "/external_id"},
        {"{\"party_id\":107}", "/party_id"},
        {"{\"nonsense\":\"x\"}", "/nonsense"},
        {"{\"lines\":{}}", "/lines"},
        {"{\"lines\":[{\"item_id\":\"1\"},{\"rate\":\"1e3\"}]}", "/lines/1/rate"},
        {"{\"lines\":[{\"rate\":1e3}]}", "/lines/0/rate"},
        {"{\"lines\":[{\"rate\":\"01\"}]}", "/lines/0/rate"},
        {"{\"lines\":[{\"rate\":\"1.\"}]}", "/lines/0/rate"},
        {"{\"lines\":[{\"rate\":\".5\"}]}", "/lines/0/rate"},
        {"{\"lines\":[{\"rate\":\"-\"}]}", "/lines/0/rate"},
        {"{\"lines\":[{\"rate\":\"1,5\"}]}", "/lines/0/rate"},
        {"{\"lines\":[{\"amount\":true}]}", "/lines/0/amount"},
        {"{\"lines\":[{\"price\":\"1\"}]}", "/lines/0/price"},
        {"{\"lines\":[7]}", "/lines/0/"},
    };
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = create_op(&world, world.arena, cases[i].body);
        assert_int_equal(begin(&world, &op), CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
        assert_slice(op.fault.details[0].pointer, cases[i].pointer);
    }
    world_free(&world);
}

static void test_a_currency_is_resolved_before_anything_is_written(void **state)
{
    static const struct {
        const char *rows;
        enum connector_step step;
    } cases[] = {{"[{\"id\":\"3\"}]", CONNECTOR_SEND},
                 {"[]", CONNECTOR_FAILED},
                 {"[{\"id\":\"3\"},{\"id\":\"4\"}]", CONNECTOR_FAILED},
                 {"[{\"id\":\"3/4\"}]", CONNECTOR_FAILED},
                 {"[{}]", CONNECTOR_FAILED}};
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = create_op(&world, world.arena,
                                 "{\"party_id\":\"107\",\"currency\":\"DKK\"}");
        assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
        assert_false(op.request.is_write);
        const struct jval *params = jval_get(world_body(&op), "params");
        assert_slice(jval_text(&params->items[0]), "DKK");
        assert_int_equal(
            world_answer(
                &world, &op, 200, WORLD_COLLECTION,
                arena_copy(world.arena,
                           arena_printf(world.arena, "{\"items\":%s,\"hasMore\":false}",
                                        cases[i].rows))),
            cases[i].step);
        assert_int_equal(op.request.is_write, cases[i].step == CONNECTOR_SEND);
        if (cases[i].step == CONNECTOR_SEND) {
            const struct jval *currency = jval_get(world_body(&op), "currency");
            assert_slice(jval_text(jval_get(currency, "id")), "3");
        }
    }
    world_free(&world);
}

/* ---- What comes back ---- */

static void test_the_new_record_is_read_by_the_id_of_its_location(void **state)
{
    static const struct {
        const char *location, *key;
    } cases[] = {
        {"https://x/services/rest/record/v1/invoice/1042", "/1042"},
        {"/services/rest/record/v1/Invoice/1042", "/1042"},
        {"", "/eid:" OURS},
        {"https://x/services/rest/async/v1/job/12", "/eid:" OURS},
        {"https://x/services/rest/record/v1/invoice/1042/", "/eid:" OURS},
        {"https://x/services/rest/record/v1/invoice/10-42", "/eid:" OURS},
        {"invoice/1042", "/eid:" OURS},
        {"1042", "/eid:" OURS},
    };
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = create_op(&world, world.arena, PLAIN);
        assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
        assert_int_equal(answer_saved(&world, &op, cases[i].location), CONNECTOR_SEND);
        assert_slice(op.request.method, "GET");
        assert_false(op.request.is_write);
        assert_slice(
            op.request.url,
            arena_copy(world.arena,
                       arena_printf(world.arena, "%s%s?expandSubResources=true", BASE,
                                    cases[i].key)));
        assert_int_equal(world_answer(&world, &op, 200, WORLD_SINGULAR, RECORD),
                         CONNECTOR_DONE);
        assert_int_equal(op.result.records->count, 1);
        assert_int_equal(op.result.message_count, 0);
    }
    world_free(&world);
}

static void test_a_saved_record_is_never_told_as_a_failure(void **state)
{
    static const int statuses[] = {200, 400, 401, 403, 404, 429, 500, 503};
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i <= sizeof statuses / sizeof statuses[0]; i++) {
        struct op op = create_op(&world, world.arena, PLAIN);
        assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
        assert_int_equal(answer_saved(&world, &op, BASE "/1042"), CONNECTOR_SEND);
        bool answered = i < sizeof statuses / sizeof statuses[0];
        enum connector_step step =
            answered ? world_answer(&world, &op, statuses[i], WORLD_ERROR, "{}")
                     : lose(&world, &op, ERR_UPSTREAM_UNAVAILABLE);
        assert_int_equal(step, CONNECTOR_DONE);
        assert_int_equal(op.fault.err, ERR_OK);
        assert_int_equal(op.login_refused, answered && statuses[i] == 401);
        assert_slice(jval_text(jval_get(&op.result.records->items[0], "id")), "1042");
        assert_int_equal(op.result.message_count, 1);
        assert_slice(op.result.messages[0].severity, "warning");
    }
    world_free(&world);
}

static void test_what_may_have_happened_is_unknown_and_says_where_to_look(void **state)
{
    static const struct {
        int status;
        const char *type, *body;
        enum err err;
    } cases[] = {
        {500, WORLD_ERROR, "{}", ERR_OUTCOME_UNKNOWN},
        {502, "text/html", "<html>", ERR_OUTCOME_UNKNOWN},
        {503, "text/html", "<html>", ERR_OUTCOME_UNKNOWN},
        {504, WORLD_ERROR, "{}", ERR_OUTCOME_UNKNOWN},
        {400, "text/html", "<html>", ERR_OUTCOME_UNKNOWN},
        {302, "text/html", "<html>", ERR_UPSTREAM_MALFORMED},
        {400, WORLD_ERROR, "{\"o:errorDetails\":[{\"detail\":\"no\"}]}",
         ERR_VALIDATION_FAILED},
        {401, WORLD_ERROR, "{}", ERR_NEEDS_REAUTH},
        {403, WORLD_ERROR, "{}", ERR_PERMISSION_DENIED},
        {429, WORLD_ERROR, "{}", ERR_RATE_LIMITED},
        {200, WORLD_ERROR, "{\"status\":400,\"o:errorDetails\":[{\"detail\":\"no\"}]}",
         ERR_VALIDATION_FAILED},
    };
    static const char *const bodies[] = {PLAIN, NAMED};
    static const char *const ids[] = {OURS, "web-1"};
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof cases[0]); i++) {
        struct op op = create_op(&world, world.arena, bodies[i % 2]);
        assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
        assert_int_equal(world_answer(&world, &op, cases[i / 2].status,
                                      cases[i / 2].type, cases[i / 2].body),
                         CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, cases[i / 2].err);
        if (op.fault.err == ERR_OUTCOME_UNKNOWN) {
            assert_unknown(&op, ids[i % 2]);
        }
    }
    world_free(&world);
}

static void
test_a_lost_write_says_where_to_look_and_an_unsent_one_does_not(void **state)
{
    struct world world = world_new();
    struct op op = create_op(&world, world.arena, NAMED);

    (void)state;
    assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(lose(&world, &op, ERR_OUTCOME_UNKNOWN), CONNECTOR_FAILED);
    assert_unknown(&op, "web-1");
    assert_int_equal(lose(&world, &op, ERR_UPSTREAM_UNAVAILABLE), CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_UPSTREAM_UNAVAILABLE);
    assert_slice(op.fault.hint, "of the transfer");
    world_free(&world);
}

static void test_without_location_and_reading_back_nothing_is_known(void **state)
{
    struct world world = world_new();
    struct op op = create_op(&world, world.arena, PLAIN);

    (void)state;
    assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(answer_saved(&world, &op, ""), CONNECTOR_SEND);
    assert_int_equal(world_answer(&world, &op, 500, WORLD_ERROR, "{}"),
                     CONNECTOR_FAILED);
    assert_unknown(&op, OURS);
    world_free(&world);
}

static void test_a_taken_external_id_is_told_with_its_owner(void **state)
{
    static const char taken[] =
        "{\"status\":400,\"o:errorDetails\":[{\"detail\":\"Error while accessing a "
        "resource. This entity already exists.\",\"o:errorCode\":\"USER_ERROR\"}]}";
    struct world world = world_new();

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct op op = create_op(&world, world.arena, NAMED);
        assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
        assert_int_equal(world_answer(&world, &op, 400, WORLD_ERROR, taken),
                         CONNECTOR_SEND);
        assert_slice(op.request.url, BASE "/eid:web-1?expandSubResources=true");
        enum connector_step step =
            i == 0   ? world_answer(&world, &op, 200, WORLD_SINGULAR, RECORD)
            : i == 1 ? world_answer(&world, &op, 500, WORLD_ERROR, "{}")
                     : lose(&world, &op, ERR_UPSTREAM_UNAVAILABLE);
        assert_int_equal(step, CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, ERR_CONFLICT);
        assert_int_equal(op.fault.upstream.status, 400);
        assert_int_equal(contains(op.fault.hint, "id 1042, number INV-7"), i == 0);
    }
    world_free(&world);
}

/* ---- Plans ---- */

static void test_a_plan_names_each_mistake_with_its_pointer(void **state)
{
#define START "{\"service\":\"record\",\"record\":\"invoice\",\"external_id\":\"e\","
#define BODY "\"body\":{\"e\":{\"to\":\"externalId\"},\"c\":{\"to\":\"currency.id\"}}"
    static const struct {
        const char *upstream, *pointer;
    } cases[] = {
        {"{\"service\":\"record\",\"external_id\":\"e\"," BODY "}", "/record"},
        {"{\"service\":\"record\",\"record\":\"invoice\"," BODY "}", "/external_id"},
        {START "\"with\":{}," BODY "}", "/with"},
        {START "\"body\":{}}", "/body"},
        {START "\"body\":{\"e\":{\"to\":\"externalId\"}}}", "/body"},
        {START "\"body\":{\"e\":{\"to\":\"a..b\"},\"c\":{\"to\":\"c\"}}}",
         "/body/e/to"},
        {START
         "\"body\":{\"e\":{\"to\":\"a\",\"as\":\"double\"},\"c\":{\"to\":\"c\"}}}",
         "/body/e/as"},
        {START "\"body\":{\"e\":{\"to\":\"a\",\"x\":1},\"c\":{\"to\":\"c\"}}}",
         "/body/e"},
        {START "\"body\":{\"e\":{\"to\":\"a\",\"members\":{}},\"c\":{\"to\":\"c\"}}}",
         "/body/e/members"},
        {START "\"body\":{\"e\":{\"to\":\"a\",\"members\":{\"l\":{\"to\":\"b\","
               "\"members\":{\"m\":{\"to\":\"c\"}}}}},\"c\":{\"to\":\"c\"}}}",
         "/body/e/members/l"},
        {START
         "\"body\":{\"e\":{\"to\":\"a\"},\"c\":{\"to\":\"c\"},\"q\":{\"to\":\"q\"}}}",
         "/body/q"},
        {START "\"resolve\":{\"x\":{}}," BODY "}", "/resolve/x"},
        {START "\"resolve\":{\"c\":{\"select\":{\"id\":\"c.id\"}}}," BODY "}",
         "/resolve/c"},
        {START "\"resolve\":{\"c\":{\"select\":{\"id\":\"c.id\"},\"rows\":2,\"from\":"
               "\"currency c\"}}," BODY "}",
         "/resolve/c/filters"},
    };
    const struct argument arguments[] = {
        {.name = SLICE("c"), .place = ARGUMENT_BODY},
        {.name = SLICE("e"), .place = ARGUMENT_BODY},
    };
    const struct tool tool = {.kind = METHOD_CREATE,
                              .writes = true,
                              .arguments = arguments,
                              .argument_count = 2};
    struct arena *arena = arena_new();
    struct schema_problem problem;
    const void *plan = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(connector_find(SLICE("netsuite"))
                             ->compile(arena, world_json(arena, cases[i].upstream),
                                       &tool, &plan, &problem),
                         ERR_UNPROCESSABLE);
        assert_slice(problem.pointer, cases[i].pointer);
    }
    assert_int_equal(
        connector_find(SLICE("netsuite"))
            ->compile(arena, world_json(arena, START BODY "}"), &tool, &plan, &problem),
        ERR_OK);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat_arguments_become_a_nested_record),
        cmocka_unit_test(test_only_an_id_of_ours_is_put),
        cmocka_unit_test(test_netsuite_is_asked_to_refuse_what_it_does_not_know),
        cmocka_unit_test(test_what_cannot_be_sent_is_named),
        cmocka_unit_test(test_a_currency_is_resolved_before_anything_is_written),
        cmocka_unit_test(test_the_new_record_is_read_by_the_id_of_its_location),
        cmocka_unit_test(test_a_saved_record_is_never_told_as_a_failure),
        cmocka_unit_test(test_what_may_have_happened_is_unknown_and_says_where_to_look),
        cmocka_unit_test(
            test_a_lost_write_says_where_to_look_and_an_unsent_one_does_not),
        cmocka_unit_test(test_without_location_and_reading_back_nothing_is_known),
        cmocka_unit_test(test_a_taken_external_id_is_told_with_its_owner),
        cmocka_unit_test(test_a_plan_names_each_mistake_with_its_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
