/* SPDX-License-Identifier: Apache-2.0 */
/* Single records: ids that may stand in a path, and records as the wire has them. */
#include "tests/unit/connectors/world.h"

static enum err compile_for(struct arena *arena, const struct tool *tool,
                            const char *upstream, struct schema_problem *problem)
{
    const void *plan = NULL;

    return connector_find(SLICE("netsuite"))
        ->compile(arena, world_json(arena, upstream), tool, &plan, problem);
}

static void test_a_plan_names_each_mistake_with_its_pointer(void **state)
{
    static const struct {
        const char *upstream, *pointer;
    } cases[] = {
        {"{\"service\":\"record\"}", "/record"},
        {"{\"service\":\"record\",\"record\":7}", "/record"},
        {"{\"service\":\"record\",\"record\":\"\"}", "/record"},
        {"{\"service\":\"record\",\"record\":\"in/voice\"}", "/record"},
        {"{\"service\":\"record\",\"record\":\"_x\"}", "/record"},
        {"{\"service\":\"record\",\"record\":\"a?b\"}", "/record"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"expand\":\"yes\"}",
         "/expand"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"fields\":\"id\"}",
         "/fields"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"concat\":{\"_x\":"
         "[\"item\"]}}",
         "/concat"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"expand\":true,"
         "\"concat\":[\"item\"]}",
         "/concat"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"expand\":true,"
         "\"concat\":{\"lines\":[\"item\"]}}",
         "/concat/lines"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"expand\":true,"
         "\"concat\":{\"_x\":[]}}",
         "/concat/_x"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"expand\":true,"
         "\"concat\":{\"_x\":[\"item\",\"a b\"]}}",
         "/concat/_x/1"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"with\":{}}", "/with/select"},
        {"{\"service\":\"record\",\"record\":\"invoice\",\"with\":{\"select\":"
         "{\"a\":\"t.a\"},\"from\":\"t\"}}",
         "/with/filters"},
    };
    const struct argument id[] = {{.name = {"id", 2}, .place = ARGUMENT_PATH}};
    const struct argument more[] = {{.name = {"id", 2}, .place = ARGUMENT_PATH},
                                    {.name = {"day", 3}, .place = ARGUMENT_QUERY}};
    const struct tool get = {.kind = METHOD_GET, .arguments = id, .argument_count = 1};
    const struct tool list = {
        .kind = METHOD_LIST, .arguments = id, .argument_count = 1};
    const struct tool wide = {
        .kind = METHOD_GET, .arguments = more, .argument_count = 2};
    static const char good[] =
        "{\"service\":\"record\",\"record\":\"customrecord_a1\",\"expand\":false}";
    struct arena *arena = arena_new();
    struct schema_problem problem;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(compile_for(arena, &get, cases[i].upstream, &problem),
                         ERR_UNPROCESSABLE);
        assert_slice(problem.pointer, cases[i].pointer);
    }
    assert_int_equal(compile_for(arena, &get, good, &problem), ERR_OK);
    assert_int_equal(compile_for(arena, &list, good, &problem), ERR_UNPROCESSABLE);
    assert_int_equal(compile_for(arena, NULL, good, &problem), ERR_UNPROCESSABLE);
    assert_int_equal(compile_for(arena, &wide, good, &problem), ERR_UNPROCESSABLE);
    assert_slice(problem.pointer, "/service");
    arena_free(arena);
}

static void test_internal_and_external_ids_stand_in_the_path_as_they_are(void **state)
{
    static const struct {
        const char *tool, *id, *url;
    } cases[] = {
        {"get_single_netsuite_invoice_by_id", "1042",
         "https://tstdrv1234567.suitetalk.api.netsuite.com/services/rest/record/v1/"
         "invoice/1042?expandSubResources=true"},
        {"get_single_netsuite_invoice_by_id", "eid:web-10_42",
         "https://tstdrv1234567.suitetalk.api.netsuite.com/services/rest/record/v1/"
         "invoice/eid:web-10_42?expandSubResources=true"},
        {"get_single_netsuite_customer_by_id", "107",
         "https://tstdrv1234567.suitetalk.api.netsuite.com/services/rest/record/v1/"
         "customer/107"},
    };
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op =
            world_op(&world, world.arena, cases[i].tool, NULL, cases[i].id, 0);
        assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
        assert_slice(op.request.method, "GET");
        assert_slice(op.request.url, cases[i].url);
        assert_false(op.request.has_body);
        assert_false(op.request.is_write);
        assert_int_equal(op.request.field_count, 1);
        assert_slice(op.request.fields[0].name, "Accept");
    }
    world_free(&world);
}

static void test_an_id_that_would_change_the_path_never_leaves(void **state)
{
    static const char *const ids[] = {
        "",
        "1 2",
        "1/2",
        "..",
        "1042?fields=id",
        "1042#",
        "%31",
        "-1",
        "1e3",
        "eid:",
        "eid:a/b",
        "eid:a b",
        "eid:a%2fb",
        "eid:a|b",
        "EID:a",
        "web-1",
        "eid:\xc3\xa6",
        "1234567890123456789",
        "1042!transform",
        "\n1",
        "1\x01",
        "eid:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct op op = world_op(&world, world.arena,
                                "get_single_netsuite_invoice_by_id", NULL, ids[i], 0);
        if (world.connector->begin(&op, op.tool->plan) != CONNECTOR_FAILED) {
            fail_msg("sent: %s", ids[i]);
        }
        assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
        assert_slice(op.fault.details[0].pointer, "/id");
    }
    struct op op = world_op(&world, world.arena, "get_single_netsuite_invoice_by_id",
                            NULL, NULL, 0);
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_FAILED);
    world_free(&world);
}

static void test_an_expanded_invoice_becomes_one_record_with_lines(void **state)
{
    static const char body[] =
        "{\"links\":[{\"rel\":\"self\",\"href\":\"https://x/invoice/1042\"}],"
        "\"amountRemaining\":100.10,\"currency\":{\"links\":[],\"id\":\"1\","
        "\"refName\":"
        "\"EUR\"},\"dueDate\":\"2026-10-31\",\"entity\":{\"links\":[],\"id\":\"107\","
        "\"refName\":\"Hansen A/S\"},\"externalId\":\"web-1042\",\"id\":\"1042\","
        "\"item\":{\"links\":[],\"items\":[{\"links\":[],\"account\":{\"links\":[],"
        "\"id\":\"54\",\"refName\":\"4000 Sales\"},\"amount\":12345678901234567.89,"
        "\"description\":\"Pump\",\"item\":{\"links\":[],\"id\":\"9\",\"refName\":\"P-"
        "9\"},"
        "\"line\":1,\"quantity\":2.0},{\"links\":[],\"amount\":0.10,\"item\":{"
        "\"links\":[],"
        "\"id\":\"10\"},\"line\":3}],\"totalResults\":2},\"memo\":\"Net 30\","
        "\"otherRefNum\":\"PO-7\",\"status\":{\"links\":[],\"id\":\"Open\",\"refName\":"
        "\"Open\"},\"total\":12345678901234567.99,\"tranDate\":\"2026-10-01\","
        "\"tranId\":\"INV-1042\"}";
    static const char *const expected[][2] = {{"id", "1042"},
                                              {"number", "INV-1042"},
                                              {"external_id", "web-1042"},
                                              {"party_id", "107"},
                                              {"party_name", "Hansen A/S"},
                                              {"status", "open"},
                                              {"currency", "EUR"},
                                              {"total", "12345678901234567.99"},
                                              {"amount_due", "100.10"},
                                              {"date", "2026-10-01"},
                                              {"due_date", "2026-10-31"},
                                              {"reference", "PO-7"},
                                              {"memo", "Net 30"}};
    struct world world = world_new();
    struct op op = world_op(&world, world.arena, "get_single_netsuite_invoice_by_id",
                            NULL, "1042", 0);
    size_t fallbacks = 0;

    (void)state;
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_int_equal(world_answer(&world, &op, 200, WORLD_SINGULAR, body),
                     CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 1);
    assert_int_equal(op.result.next_page.len, 0);

    const struct jval *record = &field_map(op.tool->fields, op.tool->field_count,
                                           op.result.records, world.arena, &fallbacks)
                                     ->items[0];
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_slice(jval_text(jval_get(record, expected[i][0])), expected[i][1]);
    }
    const struct jval *lines = jval_get(record, "lines");
    assert_int_equal(lines->count, 2);
    assert_slice(jval_text(jval_get(&lines->items[0], "line")), "1");
    assert_slice(jval_text(jval_get(&lines->items[0], "item_id")), "9");
    assert_slice(jval_text(jval_get(&lines->items[0], "account_id")), "54");
    assert_slice(jval_text(jval_get(&lines->items[0], "description")), "Pump");
    assert_slice(jval_text(jval_get(&lines->items[0], "quantity")), "2.0");
    assert_slice(jval_text(jval_get(&lines->items[0], "amount")),
                 "12345678901234567.89");
    assert_true(jval_is(jval_get(&lines->items[1], "account_id"), JVAL_NULL));
    assert_int_equal(fallbacks, 0);
    world_free(&world);
}

static void test_a_customer_record_fills_every_field(void **state)
{
    static const char *const expected[][2] = {
        {"id", "107"},       {"number", "CUST-107"},  {"name", "Hansen A/S"},
        {"email", "a@b.dk"}, {"phone", "+45 1234"},   {"currency", "DKK"},
        {"terms", "Net 30"}, {"tax_id", "DK12345678"}};
    struct world world = world_new();
    struct op op = world_op(&world, world.arena, "get_single_netsuite_customer_by_id",
                            NULL, "107", 0);
    size_t fallbacks = 0;

    (void)state;
    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    assert_int_equal(
        world_answer(
            &world, &op, 200, WORLD_SINGULAR,
            "{\"links\":[],\"companyName\":\"Hansen A/S\",\"currency\":{\"links\":"
            "[],\"id\":\"3\",\"refName\":\"Danish Krone\"},\"email\":\"a@b.dk\","
            "\"entityId\":\"CUST-107\",\"id\":\"107\",\"isInactive\":true,"
            "\"phone\":\"+45 1234\",\"terms\":{\"links\":[],\"id\":\"2\","
            "\"refName\":\"Net 30\"},\"vatRegNumber\":\"DK12345678\"}"),
        CONNECTOR_DONE);
    const struct jval *record = &field_map(op.tool->fields, op.tool->field_count,
                                           op.result.records, world.arena, &fallbacks)
                                     ->items[0];
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_slice(jval_text(jval_get(record, expected[i][0])), expected[i][1]);
    }
    assert_true(jval_is(jval_get(record, "is_inactive"), JVAL_TRUE));
    world_free(&world);
}

static void test_an_answer_that_is_no_record_is_malformed(void **state)
{
    static const char *const bodies[] = {
        "{}", "[]", "null", "{\"id\":1042}", "{\"items\":[]}", "{\"id\":\"1042\""};
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct op op = world_op(&world, world.arena,
                                "get_single_netsuite_invoice_by_id", NULL, "1042", 0);
        assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
        assert_int_equal(world_answer(&world, &op, 200, WORLD_SINGULAR, bodies[i]),
                         CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);
    }
    world_free(&world);
}

/* The two exchanges of a bill, with the answers given; the last step. */
static enum connector_step read_bill(struct world *world, struct op *op,
                                     const char *record, int status, const char *rows)
{
    assert_int_equal(world->connector->begin(op, op->tool->plan), CONNECTOR_SEND);
    assert_int_equal(world_answer(world, op, 200, WORLD_SINGULAR, record),
                     CONNECTOR_SEND);
    assert_slice(op->request.method, "POST");
    assert_false(op->request.is_write);
    const struct jval *params = jval_get(world_body(op), "params");
    assert_int_equal(params->count, 1);
    assert_slice(jval_text(&params->items[0]), "2207");
    return world_answer(world, op, status,
                        status == 200 ? WORLD_COLLECTION : WORLD_ERROR, rows);
}

static const char bill_record[] =
    "{\"links\":[],\"id\":\"2207\",\"tranId\":\"RE-1\",\"entity\":{\"id\":\"201\","
    "\"refName\":\"Paper\"},\"status\":{\"id\":\"Offen\",\"refName\":\"Offen\"},"
    "\"userTotal\":30.30,\"expense\":{\"items\":[{\"line\":1,\"amount\":10.10,"
    "\"account\":{\"id\":\"16\"},\"memo\":\"Rent\"}]},\"item\":{\"items\":[{\"line\":1,"
    "\"amount\":20.20,\"quantity\":2,\"item\":{\"id\":\"9\"},\"description\":\"P\"}]}}";

static void test_a_bill_is_its_record_and_what_the_record_leaves_out(void **state)
{
    static const char *const expected[][2] = {
        {"id", "2207"},      {"status", "open"},      {"total", "30.30"},
        {"party_id", "201"}, {"amount_due", "12.05"}, {"reference", "PO-1"}};
    static const char *const ids[] = {"2207", "eid:ap-1"};
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct op op =
            world_op(&world, world.arena, "get_single_netsuite_vendor_bill_by_id", NULL,
                     ids[i], 0);
        size_t fallbacks = 0;
        assert_int_equal(
            read_bill(&world, &op, bill_record, 200,
                      "{\"items\":[{\"links\":[],\"status\":\"VendBill:A\","
                      "\"foreigntotal\":\"30.30\",\"foreignamountunpaid\":\"12.05\","
                      "\"otherrefnum\":\"PO-1\"}],\"hasMore\":false}"),
            CONNECTOR_DONE);
        assert_int_equal(op.result.records->count, 1);
        const struct jval *record =
            &field_map(op.tool->fields, op.tool->field_count, op.result.records,
                       world.arena, &fallbacks)
                 ->items[0];
        for (size_t n = 0; n < sizeof expected / sizeof expected[0]; n++) {
            assert_slice(jval_text(jval_get(record, expected[n][0])), expected[n][1]);
        }
        const struct jval *lines = jval_get(record, "lines");
        assert_int_equal(lines->count, 2);
        assert_slice(jval_text(jval_get(&lines->items[0], "account_id")), "16");
        assert_slice(jval_text(jval_get(&lines->items[0], "description")), "Rent");
        assert_slice(jval_text(jval_get(&lines->items[1], "item_id")), "9");
        assert_slice(jval_text(jval_get(&lines->items[1], "amount")), "20.20");
    }
    world_free(&world);
}

static void test_without_the_second_answer_there_is_no_bill(void **state)
{
    static const struct {
        int status;
        const char *rows;
        enum err err;
    } cases[] = {
        {200, "{\"items\":[],\"hasMore\":false}", ERR_NOT_FOUND},
        {200, "{\"items\":[]", ERR_UPSTREAM_MALFORMED},
        {429, "{\"o:errorDetails\":[{\"o:errorCode\":\"X\"}]}", ERR_RATE_LIMITED},
        {500, "{}", ERR_UPSTREAM_UNAVAILABLE},
    };
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op =
            world_op(&world, world.arena, "get_single_netsuite_vendor_bill_by_id", NULL,
                     "2207", 0);
        assert_int_equal(
            read_bill(&world, &op, bill_record, cases[i].status, cases[i].rows),
            CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, cases[i].err);
        assert_int_equal(op.rate_limited, cases[i].err == ERR_RATE_LIMITED);
        assert_null(op.result.records);
    }
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_names_each_mistake_with_its_pointer),
        cmocka_unit_test(test_internal_and_external_ids_stand_in_the_path_as_they_are),
        cmocka_unit_test(test_an_id_that_would_change_the_path_never_leaves),
        cmocka_unit_test(test_an_expanded_invoice_becomes_one_record_with_lines),
        cmocka_unit_test(test_a_customer_record_fills_every_field),
        cmocka_unit_test(test_an_answer_that_is_no_record_is_malformed),
        cmocka_unit_test(test_a_bill_is_its_record_and_what_the_record_leaves_out),
        cmocka_unit_test(test_without_the_second_answer_there_is_no_bill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
