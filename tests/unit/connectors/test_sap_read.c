/* SPDX-License-Identifier: Apache-2.0 */
/* Reading by the shipped catalog: what is sent, and which answers are none. */
#include "tests/unit/connectors/sap_world.h"

#include "connectors/sap/connection.h"

static void
test_every_request_asks_for_json_in_english_and_names_the_client(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(&world, "list_all_sap_vendors", "{}");

    (void)state;
    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);

    assert_slice(op.request.method, "GET");
    assert_slice(sap_world_field(&op, "Accept"), "application/json");
    assert_slice(sap_world_field(&op, "Accept-Language"), "en");
    assert_slice(sap_world_field(&op, "sap-client"), "100");
    assert_int_equal(op.request.field_count, 3);
    assert_false(op.request.has_body);
    assert_false(op.request.is_write);
    assert_slice(op.request.url, SAP_ORIGIN SAP_PARTNERS
                 "/A_Supplier?$select=Supplier,SupplierName,VATRegistration,TaxNumber1,"
                 "DeletionIndicator,PostingIsBlocked&$orderby=Supplier&$top=26");
    sap_world_free(&world);
}

static void test_filters_become_typed_conditions(void **state)
{
    static const struct {
        const char *tool, *arguments, *filter;
    } cases[] = {
        {"list_all_sap_vendors", "{\"name_contains\":\"O'Hara & S\xc3\xb8n\"}",
         "&$filter=(substringof('O%27%27Hara%20%26%20S%C3%B8n',SupplierName)%20eq%"
         "20true)"
         "&"},
        {"list_all_sap_vendors", "{\"is_inactive\":true,\"tax_id\":\"de1\"}",
         "&$filter=(VATRegistration%20eq%20'DE1')%20and%20(DeletionIndicator%20eq%"
         "20true"
         "%20or%20PostingIsBlocked%20eq%20true)&"},
        {"list_all_sap_purchase_orders",
         "{\"date_from\":\"2026-01-01\",\"date_to\":\"2026-01-31\",\"party_id\":"
         "\"0010300001\"}",
         "&$filter=(Supplier%20eq%20'0010300001')%20and%20(PurchaseOrderDate%20ge%20"
         "datetime'2026-01-01T00%3A00%3A00')%20and%20(PurchaseOrderDate%20le%20"
         "datetime'2026-01-31T00%3A00%3A00')&"},
        {"list_all_sap_vendor_bills", "{\"min_total\":\"1000.00\"}",
         "&$filter=(InvoiceGrossAmount%20ge%201000.00M)&"},
        {"list_all_sap_vendor_bills", "{\"payment_blocked\":false}",
         "&$filter=(PaymentBlockingReason%20eq%20'')&"},
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = sap_world_op(&world, cases[i].tool, cases[i].arguments);

        assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
        assert_contains(op.request.url, cases[i].filter);
    }
    sap_world_free(&world);
}

static void test_keys_stand_in_both_forms(void **state)
{
    static const struct {
        const char *tool, *arguments, *url;
    } cases[] = {
        {"get_single_sap_purchase_order_by_id", "{\"id\":\"4500000001\"}",
         SAP_ORIGIN SAP_ORDERS "/A_PurchaseOrder('4500000001')?$select="},
        {"get_single_sap_vendor_by_id", "{\"id\":\"x'/y?z\"}",
         SAP_ORIGIN SAP_PARTNERS "/A_Supplier('X%27%27%2FY%3FZ')?$select="},
        {"get_single_sap_vendor_bill_by_id", "{\"id\":\"5105600001-2026\"}",
         SAP_ORIGIN SAP_BILLS
         "/A_SupplierInvoice(SupplierInvoice='5105600001',FiscalYear='2026')?$select="},
        {"get_single_sap_vendor_bill_by_id", "{\"id\":\"A-B-2026\"}",
         SAP_ORIGIN SAP_BILLS
         "/A_SupplierInvoice(SupplierInvoice='A-B',FiscalYear='2026')?$select="},
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = sap_world_op(&world, cases[i].tool, cases[i].arguments);

        assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
        if (!slice_starts(op.request.url, slice_str(cases[i].url))) {
            fail_msg("%.*s does not begin with %s", SLICE_ARG(op.request.url),
                     cases[i].url);
        }
    }
    sap_world_free(&world);
}

static void test_an_id_that_fits_no_key_never_leaves(void **state)
{
    static const struct {
        const char *tool, *arguments;
    } cases[] = {
        {"get_single_sap_vendor_bill_by_id", "{\"id\":\"5105600001\"}"},
        {"get_single_sap_vendor_bill_by_id", "{\"id\":\"5105600001-\"}"},
        {"get_single_sap_vendor_bill_by_id", "{\"id\":\"-2026\"}"},
        {"get_single_sap_vendor_bill_by_id", "{\"id\":\"5105600001-20266\"}"},
        {"get_single_sap_vendor_bill_by_id", "{\"id\":\"51056000012-2026\"}"},
        {"get_single_sap_purchase_order_by_id", "{\"id\":\"45000000012\"}"},
        {"get_single_sap_purchase_order_by_id", "{\"id\":\"4500\\n\"}"},
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = sap_world_op(&world, cases[i].tool, cases[i].arguments);

        if (sap_world_begin(&world, &op) != CONNECTOR_FAILED) {
            fail_msg("sent: %s", cases[i].arguments);
        }
        assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
        assert_slice(op.fault.details[0].pointer, "/id");
    }
    sap_world_free(&world);
}

static void test_an_address_that_grows_too_long_is_not_sent(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(&world, "list_all_sap_vendors", "{}");
    struct sap_system far = {.client = SLICE_EMPTY};
    struct op_target target = world.target;

    (void)state;
    /* No argument of this catalog is long enough: the address before it is. */
    char *text = arena_alloc(world.arena, 6900);
    memset(text, 'x', 6900);
    far.origin = far.base = slice_of(text, 6900);
    target.private_data = &far;
    op.target = &target;

    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_FAILED);

    assert_int_equal(op.fault.err, ERR_TOO_LARGE);
    assert_true(op.fault.hint.len > 0);
    sap_world_free(&world);
}

static void test_the_check_of_a_connection_reads_one_supplier(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(&world, "list_all_sap_vendors", "{}");

    (void)state;
    op.tool = NULL;
    op.limit = 0;
    assert_int_equal(world.connector->begin(&op, world.integration->verify_plan),
                     CONNECTOR_SEND);
    assert_slice(op.request.url,
                 SAP_ORIGIN SAP_PARTNERS "/A_Supplier?$select=Supplier&$top=1");
    struct op_field type = {SLICE("content-type"), SLICE("application/json")};
    struct op_response response = {.status = 200,
                                   .fields = &type,
                                   .field_count = 1,
                                   .body = SLICE("{\"d\":{\"results\":[]}}")};
    assert_int_equal(
        world.connector->on_response(&op, world.integration->verify_plan, &response),
        CONNECTOR_DONE);
    sap_world_free(&world);
}

static void test_an_answer_that_is_no_odata_is_malformed(void **state)
{
    static const char *const bodies[] = {"{}",
                                         "[]",
                                         "null",
                                         "{\"d\":null}",
                                         "{\"d\":[]}",
                                         "{\"d\":{}}",
                                         "{\"d\":\"x\"}",
                                         "{\"d\":{\"results\":[]}}",
                                         "{\"value\":[]}",
                                         "{\"d\":{\"Supplier\":\"1\"",
                                         "{\"d\":{\"Other\":\"1\"}}"};
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct op op =
            sap_world_op(&world, "get_single_sap_vendor_by_id", "{\"id\":\"1\"}");
        assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
        if (sap_world_answer(&world, &op, 200, SAP_JSON, bodies[i]) !=
            CONNECTOR_FAILED) {
            fail_msg("read: %s", bodies[i]);
        }
        assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);
    }
    struct op list = sap_world_op(&world, "list_all_sap_vendors", "{}");
    assert_int_equal(sap_world_begin(&world, &list), CONNECTOR_SEND);
    assert_int_equal(
        sap_world_answer(&world, &list, 200, SAP_JSON, "{\"d\":{\"results\":[1,2]}}"),
        CONNECTOR_FAILED);
    assert_int_equal(list.fault.err, ERR_UPSTREAM_MALFORMED);
    sap_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_every_request_asks_for_json_in_english_and_names_the_client),
        cmocka_unit_test(test_filters_become_typed_conditions),
        cmocka_unit_test(test_keys_stand_in_both_forms),
        cmocka_unit_test(test_an_id_that_fits_no_key_never_leaves),
        cmocka_unit_test(test_an_address_that_grows_too_long_is_not_sent),
        cmocka_unit_test(test_the_check_of_a_connection_reads_one_supplier),
        cmocka_unit_test(test_an_answer_that_is_no_odata_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
