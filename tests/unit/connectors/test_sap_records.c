/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the entities of the shipped catalog: orders, bills and vendors. */
#include "tests/unit/connectors/sap_world.h"

static void assert_texts(const struct jval *record, const char *const (*expected)[2],
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct jval *value = jval_get(record, expected[i][0]);

        if (value == NULL) {
            fail_msg("there is no %s", expected[i][0]);
        }
        if (expected[i][1] == NULL) {
            if (value->type != JVAL_NULL) {
                fail_msg("%s is \"%.*s\", not null", expected[i][0],
                         SLICE_ARG(value->text));
            }
        } else if (!slice_is(jval_text(value), expected[i][1])) {
            fail_msg("%s is \"%.*s\", not \"%s\"", expected[i][0],
                     SLICE_ARG(value->text), expected[i][1]);
        }
    }
}

#define ASSERT_TEXTS(record, expected) \
    assert_texts(record, expected, sizeof(expected) / sizeof(expected)[0])

#define ITEM(number, quantity, price, per, more)                         \
    "{\"__metadata\":{\"type\":\"x\"},\"PurchaseOrderItem\":\"" number   \
    "\",\"Material\":\"TG11\",\"PurchaseOrderItemText\":\"Trad.Good\","  \
    "\"OrderQuantity\":\"" quantity                                      \
    "\",\"PurchaseOrderQuantityUnit\":\"EA\",\"OrderPriceUnit\":\"EA\"," \
    "\"NetPriceAmount\":\"" price "\",\"NetPriceQuantity\":\"" per       \
    "\",\"DocumentCurrency\":\"EUR\",\"PurchasingDocumentDeletionCode\":\"\"" more "}"
#define ORDER(head, items)                                                    \
    "{\"d\":{\"__metadata\":{\"id\":\"x\"},\"PurchaseOrder\":\"4500000001\"," \
    "\"Supplier\":\"10300001\",\"DocumentCurrency\":\"EUR\","                 \
    "\"PurchaseOrderDate\":\"/Date(1795132800000)/\","                        \
    "\"CorrespncExternalReference\":\"\"," head                               \
    ",\"to_PurchaseOrderNote\":{\"__deferred\":{\"uri\":\"x\"}},"             \
    "\"to_PurchaseOrderItem\":{\"results\":[" items "]}}}"
#define HEAD_OPEN                                                                    \
    "\"PurchasingDocumentDeletionCode\":\"\",\"PurchasingProcessingStatus\":\"02\"," \
    "\"ReleaseIsNotCompleted\":false"

static const struct jval *get_order(const struct sap_world *world, const char *body)
{
    struct op op = sap_world_op(world, "get_single_sap_purchase_order_by_id",
                                "{\"id\":\"4500000001\"}");

    assert_int_equal(sap_world_begin(world, &op), CONNECTOR_SEND);
    assert_int_equal(sap_world_answer(world, &op, 200, SAP_JSON, body), CONNECTOR_DONE);
    return sap_world_record(&op, 0);
}

static void test_an_orders_total_is_the_exact_sum_of_its_items(void **state)
{
    static const char *const expected[][2] = {
        {"id", "4500000001"},   {"number", "4500000001"},
        {"external_id", NULL},  {"party_id", "10300001"},
        {"party_name", NULL},   {"status", "open"},
        {"currency", "EUR"},    {"total", "135.11"},
        {"date", "2026-11-20"}, {"memo", NULL}};
    static const char *const line[][2] = {
        {"line", "10"},         {"item_id", "TG11"}, {"description", "Trad.Good"},
        {"quantity", "10.000"}, {"unit", "EA"},      {"amount", "125.00"}};
    struct sap_world world = sap_world_new();

    (void)state;
    /* 10 * 12.50 / 1, 3 * 10.11 / 3 */
    const struct jval *record = get_order(
        &world, ORDER(HEAD_OPEN, ITEM("10", "10.000", "12.500", "1",
                                      "") "," ITEM("20", "3.000", "10.110", "3", "")));
    ASSERT_TEXTS(record, expected);
    const struct jval *lines = jval_get(record, "lines");
    assert_int_equal(lines->count, 2);
    ASSERT_TEXTS(&lines->items[0], line);
    assert_slice(jval_text(jval_get(&lines->items[1], "amount")), "10.11");
    sap_world_free(&world);
}

static void test_deleted_items_do_not_count_and_returns_count_against(void **state)
{
    struct sap_world world = sap_world_new();

    (void)state;
    const struct jval *record = get_order(
        &world,
        ORDER(
            HEAD_OPEN,
            ITEM(
                "10", "10", "1.00", "1",
                "") ","
                    "{\"PurchasingDocumentDeletionCode\":\"L\",\"OrderQuantity\":\"7\","
                    "\"NetPriceAmount\":\"7.00\"}," ITEM("30", "2", "1.50", "1",
                                                         ",\"IsReturnsItem\":true")));
    assert_slice(jval_text(jval_get(record, "total")), "7.00");
    sap_world_free(&world);
}

static void test_a_total_that_cannot_be_known_is_null(void **state)
{
    static const char *const bodies[] = {
        /* priced in another unit than ordered in */
        ORDER(HEAD_OPEN, "{\"OrderQuantity\":\"1\",\"NetPriceAmount\":\"1.00\","
                         "\"OrderPriceUnit\":\"KG\",\"PurchaseOrderQuantityUnit\":"
                         "\"EA\"}"),
        /* an item without its price */
        ORDER(HEAD_OPEN, "{\"OrderQuantity\":\"1\"}"),
        ORDER(HEAD_OPEN, "{\"OrderQuantity\":\"1\",\"NetPriceAmount\":\"?\"}"),
        /* no items at all */
        "{\"d\":{\"PurchaseOrder\":\"4500000001\"}}",
        "{\"d\":{\"PurchaseOrder\":\"4500000001\",\"to_PurchaseOrderItem\":{"
        "\"__deferred\":{\"uri\":\"x\"}}}}",
        /* more items than came */
        "{\"d\":{\"PurchaseOrder\":\"4500000001\",\"to_PurchaseOrderItem\":{"
        "\"results\":[" ITEM("10", "1", "1.00", "1", "") "],\"__next\":\"x\"}}}",
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const struct jval *record = get_order(&world, bodies[i]);

        if (!jval_is(jval_get(record, "total"), JVAL_NULL)) {
            fail_msg("a total of %s", bodies[i]);
        }
    }
    sap_world_free(&world);
}

static void test_an_orders_status_follows_the_documented_fields(void **state)
{
#define HEAD(deletion, processing, release)           \
    "\"PurchasingDocumentDeletionCode\":\"" deletion  \
    "\",\"PurchasingProcessingStatus\":\"" processing \
    "\",\"ReleaseIsNotCompleted\":" release
#define DONE                  \
    ITEM("10", "1", "1", "1", \
         ",\"IsCompletelyDelivered\":true,\"IsFinallyInvoiced\":true")
#define HALF                  \
    ITEM("20", "1", "1", "1", \
         ",\"IsCompletelyDelivered\":true,\"IsFinallyInvoiced\":false")
#define GONE "{\"PurchasingDocumentDeletionCode\":\"L\"}"
    static const struct {
        const char *body, *status;
    } cases[] = {
        {ORDER(HEAD("", "02", "false"), HALF), "open"},
        {ORDER(HEAD("", "05", "false"), HALF), "open"},
        {ORDER(HEAD("", "03", "false"), HALF), "pending_approval"},
        {ORDER(HEAD("", "02", "true"), DONE), "pending_approval"},
        {ORDER(HEAD("", "08", "true"), HALF), "cancelled"},
        {ORDER(HEAD("L", "02", "false"), DONE), "cancelled"},
        {ORDER(HEAD("X", "02", "false"), DONE), "cancelled"},
        {ORDER(HEAD("", "02", "false"), GONE), "cancelled"},
        {ORDER(HEAD("", "02", "false"), DONE), "closed"},
        {ORDER(HEAD("", "02", "false"), DONE "," GONE), "closed"},
        {ORDER(HEAD("", "02", "false"), DONE "," HALF), "open"},
        {ORDER(HEAD("", "02", "false"),
               ITEM("10", "1", "1", "1",
                    ",\"GoodsReceiptIsExpected\":false,\"IsFinallyInvoiced\":true")),
         "closed"},
        {ORDER(HEAD("", "02", "false"), ""), "open"},
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct jval *record = get_order(&world, cases[i].body);

        if (!slice_is(jval_text(jval_get(record, "status")), cases[i].status)) {
            fail_msg("%s is %.*s, not %s", cases[i].body,
                     SLICE_ARG(jval_text(jval_get(record, "status"))), cases[i].status);
        }
    }
    sap_world_free(&world);
}

static void
test_a_bill_has_a_composite_id_a_due_date_and_lines_of_two_kinds(void **state)
{
    static const char *const expected[][2] = {
        {"id", "5105600001-2026"}, {"number", "RE-77"},        {"external_id", NULL},
        {"party_id", "10300001"},  {"party_name", NULL},       {"status", "open"},
        {"currency", "EUR"},       {"total", "1511.63"},       {"amount_due", NULL},
        {"date", "2026-11-20"},    {"due_date", "2026-12-20"}, {"reference", NULL},
        {"memo", "Net 30"}};
    struct sap_world world = sap_world_new();
    struct op op = sap_world_op(&world, "get_single_sap_vendor_bill_by_id",
                                "{\"id\":\"5105600001-2026\"}");

    (void)state;
    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(
        sap_world_answer(
            &world, &op, 200, SAP_JSON,
            "{\"d\":{\"SupplierInvoice\":\"5105600001\",\"FiscalYear\":\"2026\","
            "\"SupplierInvoiceIDByInvcgParty\":\"RE-77\",\"InvoicingParty\":"
            "\"10300001\",\"DocumentCurrency\":\"EUR\",\"InvoiceGrossAmount\":"
            "\"1511.63\",\"SupplierInvoiceIsCreditMemo\":\"\","
            "\"SupplierInvoiceStatus\":\"5\",\"ReverseDocument\":\"\","
            "\"DocumentDate\":\"/Date(1795132800000)/\","
            "\"DueCalculationBaseDate\":\"/Date(1795132800000)/\","
            "\"NetPaymentDays\":\"30\",\"CashDiscount1Days\":\"14\","
            "\"CashDiscount2Days\":\"0\",\"PaymentReference\":\"\","
            "\"DocumentHeaderText\":\"Net 30\",\"to_SuplrInvcItemPurOrdRef\":{"
            "\"results\":[{\"SupplierInvoiceItem\":\"1\",\"PurchaseOrder\":"
            "\"4500000001\",\"SupplierInvoiceItemAmount\":\"1000.00\","
            "\"QuantityInPurchaseOrderUnit\":\"10.000\"}]},"
            "\"to_SupplierInvoiceItemGLAcct\":{\"results\":[{\"SupplierInvoiceItem\":"
            "\"1\",\"GLAccount\":\"65008000\",\"SupplierInvoiceItemAmount\":\"5.00\","
            "\"DebitCreditCode\":\"H\"}]}}}"),
        CONNECTOR_DONE);

    const struct jval *record = sap_world_record(&op, 0);
    ASSERT_TEXTS(record, expected);
    const struct jval *lines = jval_get(record, "lines");
    assert_int_equal(lines->count, 2);
    assert_slice(jval_text(jval_get(&lines->items[0], "amount")), "1000.00");
    assert_slice(jval_text(jval_get(&lines->items[0], "purchase_order_id")),
                 "4500000001");
    assert_slice(jval_text(jval_get(&lines->items[1], "account_id")), "65008000");
    assert_slice(jval_text(jval_get(&lines->items[1], "amount")), "-5.00");
    sap_world_free(&world);
}

static void test_bills_map_status_sign_and_due_date(void **state)
{
#define BILL(more) "{\"SupplierInvoice\":\"1\",\"FiscalYear\":\"2026\"," more "}"
#define BASE "\"DueCalculationBaseDate\":\"/Date(1795132800000)/\""
    static const struct {
        const char *bill, *field, *wanted;
    } cases[] = {
        {BILL("\"SupplierInvoiceStatus\":\"5\""), "status", "open"},
        {BILL("\"SupplierInvoiceStatus\":\"\""), "status", "open"},
        {BILL("\"SupplierInvoiceStatus\":\"5\",\"ReverseDocument\":\"9\""), "status",
         "cancelled"},
        {BILL("\"SupplierInvoiceStatus\":\"2\""), "status", "cancelled"},
        {BILL("\"SupplierInvoiceStatus\":\"A\""), "status", "pending_approval"},
        {BILL("\"SupplierInvoiceStatus\":\"D\""), "status", "pending_approval"},
        {BILL("\"SupplierInvoiceStatus\":\"3\""), "status", "pending_approval"},
        {BILL("\"InvoiceGrossAmount\":\"12.50\",\"SupplierInvoiceIsCreditMemo\":\"X\""),
         "total", "-12.50"},
        {BILL("\"InvoiceGrossAmount\":\"-12.50\",\"SupplierInvoiceIsCreditMemo\":"
              "\"X\""),
         "total", "-12.50"},
        {BILL("\"InvoiceGrossAmount\":\"12.50\",\"SupplierInvoiceIsCreditMemo\":\"\""),
         "total", "12.50"},
        {BILL(BASE ",\"NetPaymentDays\":\"0\",\"CashDiscount2Days\":\"20\","
                   "\"CashDiscount1Days\":\"10\""),
         "due_date", "2026-12-10"},
        {BILL(BASE ",\"NetPaymentDays\":\"0\",\"CashDiscount2Days\":\"0\","
                   "\"CashDiscount1Days\":\"10\""),
         "due_date", "2026-11-30"},
        {BILL(BASE), "due_date", "2026-11-20"},
        {BILL("\"NetPaymentDays\":\"30\""), "due_date", NULL},
        {BILL("\"DueCalculationBaseDate\":\"soon\""), "due_date", NULL},
        {BILL("\"DueCalculationBaseDate\":\"/Date()/\""), "due_date", NULL},
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = sap_world_op(&world, "list_all_sap_vendor_bills", "{}");
        char body[1000];

        snprintf(body, sizeof body, "{\"d\":{\"results\":[%s]}}", cases[i].bill);
        assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
        assert_int_equal(sap_world_answer(&world, &op, 200, SAP_JSON, body),
                         CONNECTOR_DONE);
        const char *const expected[][2] = {{cases[i].field, cases[i].wanted}};
        ASSERT_TEXTS(sap_world_record(&op, 0), expected);
    }
    sap_world_free(&world);
}

static void test_a_vendor_has_terms_and_currency_of_its_purchasing_data(void **state)
{
    static const char *const expected[][2] = {{"id", "10300001"},
                                              {"number", "10300001"},
                                              {"name", "M\xc3\xbcller & S\xc3\xb8n"},
                                              {"email", NULL},
                                              {"phone", NULL},
                                              {"currency", "EUR"},
                                              {"terms", "0004"},
                                              {"tax_id", "16/000/1"}};
    struct sap_world world = sap_world_new();
    struct op op =
        sap_world_op(&world, "get_single_sap_vendor_by_id", "{\"id\":\"10300001\"}");

    (void)state;
    assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(
        sap_world_answer(&world, &op, 200, SAP_JSON,
                         "{\"d\":{\"Supplier\":\"10300001\",\"SupplierName\":"
                         "\"M\xc3\xbcller & S\xc3\xb8n\",\"VATRegistration\":\"\","
                         "\"TaxNumber1\":\"16/000/1\",\"DeletionIndicator\":false,"
                         "\"PostingIsBlocked\":true,\"to_SupplierPurchasingOrg\":{"
                         "\"results\":[{\"PurchaseOrderCurrency\":\"EUR\","
                         "\"PaymentTerms\":\"0004\",\"SupplierPhoneNumber\":\"\"}]}}}"),
        CONNECTOR_DONE);
    ASSERT_TEXTS(sap_world_record(&op, 0), expected);
    assert_true(jval_is(jval_get(sap_world_record(&op, 0), "is_inactive"), JVAL_TRUE));
    sap_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_orders_total_is_the_exact_sum_of_its_items),
        cmocka_unit_test(test_deleted_items_do_not_count_and_returns_count_against),
        cmocka_unit_test(test_a_total_that_cannot_be_known_is_null),
        cmocka_unit_test(test_an_orders_status_follows_the_documented_fields),
        cmocka_unit_test(
            test_a_bill_has_a_composite_id_a_due_date_and_lines_of_two_kinds),
        cmocka_unit_test(test_bills_map_status_sign_and_due_date),
        cmocka_unit_test(test_a_vendor_has_terms_and_currency_of_its_purchasing_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
