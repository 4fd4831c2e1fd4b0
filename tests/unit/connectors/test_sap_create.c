/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a create, byte for byte, and what SAP's answer becomes. */
#include "tests/unit/connectors/sap_world.h"

#include "base/jwriter.h"
#include "connectors/sap/body.h"

#define ORDER_TOOL "create_a_sap_purchase_order"

#define TOKEN                                   \
    (struct op_field)                           \
    {                                           \
        SLICE("x-csrf-token"), SLICE("token-1") \
    }

/* Begins the op and answers its token fetch, so that it wants to send the write. */
static void begin_write(const struct sap_world *world, struct op *op)
{
    assert_int_equal(sap_world_begin(world, op), CONNECTOR_SEND);
    if (slice_is(op->request.method, "GET")) {
        assert_int_equal(sap_world_answer_with(world, op, 200, SAP_JSON, "{}", TOKEN),
                         CONNECTOR_SEND);
    }
    assert_slice(op->request.method, "POST");
    assert_true(op->request.is_write);
    assert_true(op->request.has_body);
}

static void test_the_smallest_order_has_a_type_and_a_plant(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(
        &world, "create_a_sap_purchase_order",
        "{\"supplier\":\"10300001\",\"purchasing_org\":\"1010\",\"plant\":\"1010\","
        "\"items\":[{\"material\":\"TG11\",\"quantity\":10,\"unit\":\"EA\"}]}");

    (void)state;
    begin_write(&world, &op);

    assert_slice(op.request.url, SAP_ORIGIN SAP_ORDERS "/A_PurchaseOrder");
    assert_slice(op.request.body,
                 "{\"Supplier\":\"10300001\",\"PurchasingOrganization\":\"1010\","
                 "\"PurchaseOrderType\":\"NB\",\"to_PurchaseOrderItem\":{\"results\":[{"
                 "\"Material\":\"TG11\",\"OrderQuantity\":\"10\","
                 "\"PurchaseOrderQuantityUnit\":\"EA\",\"Plant\":\"1010\"}]}}");
    assert_slice(sap_world_field(&op, "Content-Type"), "application/json");
    sap_world_free(&world);
}

static void test_everything_given_has_its_place_and_its_form(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(
        &world, "create_a_sap_purchase_order",
        "{\"supplier\":\"0010300001\",\"purchasing_org\":\"1010\",\"purchasing_group\":"
        "\"a01\",\"company_code\":\"1010\",\"order_type\":\"zb\","
        "\"document_currency\":\"eur\",\"date\":\"2026-11-20\",\"external_id\":"
        "\"Req-\xc3\xa6\\\"1\",\"plant\":\"1010\",\"items\":[{\"material\":\"tg11\","
        "\"quantity\":\"0002.500\",\"unit\":\"Ea\",\"plant\":\"1710\","
        "\"net_price\":\"123456789.123\",\"net_price_quantity\":100,\"text\":"
        "\"O'Hara & S\xc3\xb8n\",\"tax_code\":\"v1\",\"storage_location\":\"101a\","
        "\"delivery_date\":\"2026-12-24\"},{\"material\":\"TG12\",\"quantity\":"
        "9999999999,\"unit\":\"KG\"}]}");

    (void)state;
    begin_write(&world, &op);

    assert_slice(
        op.request.body,
        "{\"Supplier\":\"0010300001\",\"PurchasingOrganization\":\"1010\","
        "\"PurchasingGroup\":\"A01\",\"CompanyCode\":\"1010\",\"PurchaseOrderType\":"
        "\"ZB\",\"DocumentCurrency\":\"EUR\",\"PurchaseOrderDate\":"
        "\"/Date(1795132800000)/"
        "\",\"CorrespncExternalReference\":\"Req-\xc3\xa6\\\"1\","
        "\"to_PurchaseOrderItem\":{\"results\":[{\"Material\":\"TG11\","
        "\"OrderQuantity\":\"0002.500\",\"PurchaseOrderQuantityUnit\":\"Ea\",\"Plant\":"
        "\"1710\",\"StorageLocation\":\"101A\",\"NetPriceAmount\":\"123456789.123\","
        "\"NetPriceQuantity\":\"100\",\"PurchaseOrderItemText\":\"O'Hara & "
        "S\xc3\xb8n\","
        "\"TaxCode\":\"V1\",\"to_ScheduleLine\":{\"results\":[{"
        "\"ScheduleLineDeliveryDate\":"
        "\"/Date(1798070400000)/\"}]}},{\"Material\":\"TG12\",\"OrderQuantity\":"
        "\"9999999999\",\"PurchaseOrderQuantityUnit\":\"KG\",\"Plant\":\"1010\"}]}}");
    sap_world_free(&world);
}

/* What the schema lets through and SAP's metadata does not. */
static void
test_a_value_that_sap_cannot_hold_is_named_before_anything_is_sent(void **state)
{
    static const struct {
        const char *arguments, *pointer;
    } cases[] = {
        {"{\"supplier\":\"1\",\"purchasing_org\":\"1\",\"plant\":\"1\",\"items\":[{"
         "\"material\":\"a\\tb\",\"quantity\":1,\"unit\":\"EA\"}]}",
         "/items/0/material"},
        {"{\"supplier\":\"1\",\"purchasing_org\":\"1\",\"plant\":\"1\",\"items\":[{"
         "\"material\":\"a\",\"quantity\":1,\"unit\":\"EA\"},{\"material\":\"a\","
         "\"quantity\":1e0,\"unit\":\"EA\"}]}",
         "/items/1/quantity"},
        {"{\"supplier\":\"1\",\"purchasing_org\":\"1\",\"plant\":\"1\",\"external_id\":"
         "\"a\\nb\",\"items\":[{\"material\":\"a\",\"quantity\":1,\"unit\":\"EA\"}]}",
         "/external_id"},
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op =
            sap_world_op(&world, "create_a_sap_purchase_order", cases[i].arguments);

        assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
        assert_slice(op.fault.details[0].pointer, cases[i].pointer);
    }
    sap_world_free(&world);
}

static bool write_body(const struct sap_world *world, const struct sap_plan *plan,
                       const char *arguments, struct op *op, struct slice *out)
{
    const struct tool *tool = catalog_tool(world->integration, SLICE(ORDER_TOOL));

    *op = (struct op){.arena = world->arena,
                      .integration = world->integration,
                      .tool = tool,
                      .body = world_json(world->arena, arguments)};
    return sap_body_write(op, plan != NULL ? plan : tool->plan, out);
}

/* Services differ in how they document a list; one that takes two things in a navigation's only
 * child takes them together. */
static void test_a_list_may_stand_bare_and_a_child_hold_two_members(void **state)
{
    static const char *const edits[][2] = {
        {"\"form\":\"results\"", "\"form\":\"array\""},
        {"{\"property\":\"PurchaseOrderItemText\"}",
         "{\"property\":\"Note\",\"in\":\"to_ScheduleLine\"}"},
        {"\"properties\":{",
         "\"properties\":{"
         "\"to_PurchaseOrderItem/to_ScheduleLine/Note\":\"String(9)\","}};
    struct sap_world world = sap_world_new();
    const struct tool *tool = catalog_tool(world.integration, SLICE(ORDER_TOOL));
    struct schema_problem problem;
    struct slice text = SLICE_EMPTY, body = SLICE_EMPTY;
    const void *plan = NULL;
    struct op op;

    (void)state;
    assert_int_equal(jwriter_text(world.arena, tool->upstream, 65536, &text), ERR_OK);
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        const char *begin = arena_copy(world.arena, text);
        const char *at = strstr(begin, edits[i][0]);
        assert_non_null(at);
        text = arena_printf(world.arena, "%.*s%s%s", (int)(at - begin), begin,
                            edits[i][1], at + strlen(edits[i][0]));
    }
    assert_int_equal(world.connector->compile(world.arena,
                                              world_json(world.arena, text.ptr), tool,
                                              &plan, &problem),
                     ERR_OK);
    assert_true(
        write_body(&world, plan,
                   "{\"plant\":\"1\",\"items\":[{\"material\":\"a\",\"text\":"
                   "\"soon\",\"delivery_date\":\"2026-12-24\"},{\"plant\":\"2\"}]}",
                   &op, &body));
    assert_slice(
        body, "{\"PurchaseOrderType\":\"NB\",\"to_PurchaseOrderItem\":[{\"Material\":"
              "\"A\",\"to_ScheduleLine\":{\"results\":[{\"Note\":\"soon\","
              "\"ScheduleLineDeliveryDate\":\"/Date(1798070400000)/\"}]},\"Plant\":"
              "\"1\"},{\"Plant\":\"2\"}]}");
    sap_world_free(&world);
}

/* A documentation may let more through than the plan has a place for. */
static void test_arguments_without_a_place_are_not_passed_over(void **state)
{
    static const struct {
        const char *arguments, *pointer;
    } cases[] = {{"{\"items\":{}}", "/items"},
                 {"{\"items\":[{},7]}", "/items/1"},
                 {"{\"items\":[{\"colour\":\"red\"}]}", "/items/0/colour"},
                 {"{\"colour\":\"red\"}", "/colour"},
                 {"{\"items\":[{}],\"plant\":\"a\\nb\"}", "/plant"}};
    struct sap_world world = sap_world_new();
    struct slice body = SLICE_EMPTY;
    struct op op;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(write_body(&world, NULL, cases[i].arguments, &op, &body));
        assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
        assert_slice(op.fault.details[0].pointer, cases[i].pointer);
    }
    sap_world_free(&world);
}

static void test_a_body_past_its_ceiling_is_not_sent(void **state)
{
    enum { ELEMENTS = 70000 }; /* of 17 bytes each with their plant */
    struct sap_world world = sap_world_new();
    char *arguments = arena_alloc(world.arena, ELEMENTS * 3 + 32);
    struct slice body = SLICE_EMPTY;
    struct op op;

    (void)state;
    char *at = arguments + snprintf(arguments, 32, "{\"plant\":\"1234\",\"items\":[{}");
    for (size_t i = 1; i < ELEMENTS; i++) {
        memcpy(at, ",{}", 3);
        at += 3;
    }
    memcpy(at, "]}", 3);
    assert_false(write_body(&world, NULL, arguments, &op, &body));
    assert_int_equal(op.fault.err, ERR_TOO_LARGE);
    assert_true(op.fault.hint.len > 0);
    assert_int_equal(body.len, 0);
    sap_world_free(&world);
}

static const char order_arguments[] =
    "{\"supplier\":\"1\",\"purchasing_org\":\"1\",\"plant\":\"1\",\"items\":[{"
    "\"material\":\"a\",\"quantity\":1,\"unit\":\"EA\"}]}";

static void test_the_created_order_is_the_record_with_what_sap_remarked(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(&world, "create_a_sap_purchase_order", order_arguments);
    struct op_field message = {
        SLICE("sap-message"),
        SLICE("{\"code\":\"ME/040\",\"message\":\"Delivery date is in the past\","
              "\"severity\":\"warning\",\"target\":\"\",\"details\":[{\"code\":\"06/"
              "215\",\"message\":\"Check the price\",\"severity\":\"info\"}]}")};

    (void)state;
    begin_write(&world, &op);
    assert_int_equal(
        sap_world_answer_with(
            &world, &op, 201, SAP_JSON,
            "{\"d\":{\"PurchaseOrder\":\"4500000123\",\"DocumentCurrency\":\"EUR\","
            "\"to_PurchaseOrderItem\":{\"results\":[{\"PurchaseOrderItem\":\"10\","
            "\"OrderQuantity\":\"10.000\",\"NetPriceAmount\":\"12.500\","
            "\"NetPriceQuantity\":\"1\"}]}}}",
            message),
        CONNECTOR_DONE);

    const struct jval *record = sap_world_record(&op, 0);
    assert_slice(jval_text(jval_get(record, "id")), "4500000123");
    assert_slice(jval_text(jval_get(record, "total")), "125.00");
    assert_int_equal(jval_get(record, "lines")->count, 1);
    assert_int_equal(op.result.message_count, 2);
    assert_slice(op.result.messages[0].severity, "warning");
    assert_slice(op.result.messages[0].code, "ME/040");
    assert_slice(op.result.messages[0].text, "Delivery date is in the past");
    assert_slice(op.result.messages[1].text, "Check the price");
    sap_world_free(&world);
}

static void test_remarks_in_xml_are_read_and_others_are_left(void **state)
{
    static const struct {
        const char *header;
        size_t count;
    } cases[] = {
        {"<?xml version=\"1.0\"?><notification><code>ME/040</code><message>Late"
         "</message><severity>warning</severity><details><detail><code>06/215</code>"
         "<message>Price</message></detail></details></notification>",
         2},
        {"<!DOCTYPE x><notification><code>a</code></notification>", 0},
        {"{\"code\":\"a\"", 0},
        {"[]", 0},
        {"text", 0},
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op =
            sap_world_op(&world, "create_a_sap_purchase_order", order_arguments);
        struct op_field message = {SLICE("sap-message"), slice_str(cases[i].header)};

        begin_write(&world, &op);
        assert_int_equal(sap_world_answer_with(&world, &op, 201, SAP_JSON,
                                               "{\"d\":{\"PurchaseOrder\":\"1\"}}",
                                               message),
                         CONNECTOR_DONE);
        assert_int_equal(op.result.message_count, cases[i].count);
    }
    sap_world_free(&world);
}

static void test_a_write_whose_answer_is_lost_is_not_called_a_failure(void **state)
{
    static const struct {
        int status;
        const char *type, *body;
        enum err err;
    } cases[] = {
        {201, SAP_JSON, "{\"d\":{\"PurchaseOrd", ERR_OUTCOME_UNKNOWN},
        {201, SAP_JSON, "{\"d\":null}", ERR_OUTCOME_UNKNOWN},
        {201, SAP_JSON, "", ERR_OUTCOME_UNKNOWN},
        {504, "text/html", "<html>Gateway Timeout</html>", ERR_OUTCOME_UNKNOWN},
        {502, "text/html", "<html>Bad Gateway</html>", ERR_OUTCOME_UNKNOWN},
        {500, "text/html", "<html>dump</html>", ERR_OUTCOME_UNKNOWN},
        /* A proxy that gave up says so in a status of its own, or in plain words. */
        {524, "text/html", "<html>A timeout occurred</html>", ERR_OUTCOME_UNKNOWN},
        {520, "text/plain", "error code: 520", ERR_OUTCOME_UNKNOWN},
        {500, "text/plain", "upstream closed", ERR_OUTCOME_UNKNOWN},
        /* "Created" is SAP's word, whatever a proxy made of the rest. */
        {201, "text/html", "<html>rewritten</html>", ERR_OUTCOME_UNKNOWN},
        {501, "text/html", "<html>no POST here</html>", ERR_UPSTREAM_MALFORMED},
        {503, "text/html", "<html>Service Unavailable</html>", ERR_RATE_LIMITED},
        {200, "text/html", "<html>login</html>", ERR_NEEDS_REAUTH},
        {500, SAP_JSON,
         "{\"error\":{\"code\":\"SY/530\",\"message\":{\"lang\":\"en\",\"value\":"
         "\"No\"}}}",
         ERR_UPSTREAM_UNAVAILABLE},
        {400, SAP_JSON,
         "{\"error\":{\"code\":\"ME/083\",\"message\":{\"lang\":\"en\",\"value\":"
         "\"Enter Plant\"}}}",
         ERR_VALIDATION_FAILED},
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op =
            sap_world_op(&world, "create_a_sap_purchase_order", order_arguments);

        begin_write(&world, &op);
        assert_int_equal(sap_world_answer(&world, &op, cases[i].status, cases[i].type,
                                          cases[i].body),
                         CONNECTOR_FAILED);
        if (op.fault.err != cases[i].err) {
            fail_msg("%d %s: %s", cases[i].status, cases[i].body,
                     err_code(op.fault.err));
        }
        if (cases[i].err == ERR_OUTCOME_UNKNOWN) {
            assert_contains(op.fault.hint, "list_all_sap_purchase_orders");
            assert_int_equal(op.fault.upstream.status, cases[i].status);
        }
    }
    sap_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_smallest_order_has_a_type_and_a_plant),
        cmocka_unit_test(test_everything_given_has_its_place_and_its_form),
        cmocka_unit_test(
            test_a_value_that_sap_cannot_hold_is_named_before_anything_is_sent),
        cmocka_unit_test(test_a_list_may_stand_bare_and_a_child_hold_two_members),
        cmocka_unit_test(test_arguments_without_a_place_are_not_passed_over),
        cmocka_unit_test(test_a_body_past_its_ceiling_is_not_sent),
        cmocka_unit_test(test_the_created_order_is_the_record_with_what_sap_remarked),
        cmocka_unit_test(test_remarks_in_xml_are_read_and_others_are_left),
        cmocka_unit_test(test_a_write_whose_answer_is_lost_is_not_called_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
