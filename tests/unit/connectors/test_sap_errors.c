/* SPDX-License-Identifier: Apache-2.0 */
/* What SAP's refusals become. Bodies have the shapes that were recorded on the wire. */
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/connectors/sap_world.h"

#include "base/text.h"

#define XML "application/xml;charset=utf-8"
#define HTML "text/html; charset=utf-8"
#define TEXT "text/plain;charset=utf-8"
#define ERROR(code, message)       \
    "{\"error\":{\"code\":\"" code \
    "\",\"message\":{\"lang\":\"en\",\"value\":\"" message "\"}}}"
#define FAULT(text, code)                                                              \
    "{\"fault\":{\"faultstring\":\"" text "\",\"detail\":{\"errorcode\":\"" code "\"}" \
    "}}"
#define NS "xmlns=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\""

struct refusal {
    int status;
    const char *type, *body;
    enum err err;
    const char *code, *message;
};

static const struct refusal refusals[] = {
    {401, HTML, "<html><head><title>Logon Error Message</title></head></html>",
     ERR_NEEDS_REAUTH, "", ""},
    {401, SAP_JSON,
     FAULT("Failed to resolve API Key variable request.header.apikey",
           "steps.oauth.v2.FailedToResolveAPIKey"),
     ERR_NEEDS_REAUTH, "steps.oauth.v2.FailedToResolveAPIKey",
     "Failed to resolve API Key variable request.header.apikey"},
    {403, TEXT, "CSRF token validation failed", ERR_PERMISSION_DENIED, "",
     "CSRF token validation failed"},
    {403, SAP_JSON,
     ERROR("/IWFND/CM_CONSUMER/101",
           "No authorization to access Service 'ZAPI_PURCHASEORDER_PROCESS_SRV_0001'"),
     ERR_PERMISSION_DENIED, "/IWFND/CM_CONSUMER/101",
     "No authorization to access Service 'ZAPI_PURCHASEORDER_PROCESS_SRV_0001'"},
    {403, XML,
     "<?xml version=\"1.0\" encoding=\"utf-8\"?><error " NS
     "><code>/IWFND/MED/170</code><message xml:lang=\"en\">No service found for "
     "namespace '', name 'API_X', version '0001'</message><innererror>"
     "<transactionid>25669476CF9401E0E005F2FA0752F574</transactionid><timestamp>1"
     "</timestamp><Error_Resolution><SAP_Transaction>x</SAP_Transaction>"
     "</Error_Resolution></innererror></error>",
     ERR_PERMISSION_DENIED, "/IWFND/MED/170",
     "No service found for namespace '', name 'API_X', version '0001'"},
    {403, HTML, "<html>Access denied to system secret.internal:44300</html>",
     ERR_PERMISSION_DENIED, "", ""},
    {404, SAP_JSON,
     ERROR("/IWBEP/CM_MGW_RT/020",
           "Resource not found for segment 'A_PurchaseOrderType'"),
     ERR_NOT_FOUND, "/IWBEP/CM_MGW_RT/020",
     "Resource not found for segment 'A_PurchaseOrderType'"},
    {404, SAP_JSON,
     ERROR("005056A509B11EE1B9A8FEC11C21D78E",
           "Resource not found for the segment 'A_Ordre'."),
     ERR_VALIDATION_FAILED, "005056A509B11EE1B9A8FEC11C21D78E",
     "Resource not found for the segment 'A_Ordre'."},
    {404, SAP_JSON, ERROR("MM/999", "Purchase order 1 does not exist"), ERR_NOT_FOUND,
     "MM/999", "Purchase order 1 does not exist"},
    {404, HTML, "<html>ICF node inactive</html>", ERR_UPSTREAM_MALFORMED, "", ""},
    {400, SAP_JSON, ERROR("ME/083", "Enter Plant"), ERR_VALIDATION_FAILED, "ME/083",
     "Enter Plant"},
    {400, SAP_JSON,
     ERROR("ME/006", "User JDOE already processing Purchase order 4500000001"),
     ERR_CONFLICT, "ME/006", "User JDOE already processing Purchase order 4500000001"},
    {423, SAP_JSON, ERROR("X/1", "Locked"), ERR_CONFLICT, "X/1", "Locked"},
    {412, SAP_JSON, ERROR("/IWFND/CM_MGW/999", "Precondition failed"), ERR_CONFLICT,
     "/IWFND/CM_MGW/999", "Precondition failed"},
    {400, HTML, "<html>no</html>", ERR_UPSTREAM_MALFORMED, "", ""},
    {500, SAP_JSON,
     FAULT("Rate limit quota violation. Quota limit  exceeded. Identifier : _default",
           "policies.ratelimit.QuotaViolation"),
     ERR_RATE_LIMITED, "policies.ratelimit.QuotaViolation",
     "Rate limit quota violation. Quota limit  exceeded. Identifier : _default"},
    {500, SAP_JSON,
     FAULT("Spike arrest violation. Allowed rate : 3pm",
           "policies.ratelimit.SpikeArrestViolation"),
     ERR_RATE_LIMITED, "policies.ratelimit.SpikeArrestViolation",
     "Spike arrest violation. Allowed rate : 3pm"},
    {429, SAP_JSON,
     FAULT("Spike arrest violation. Allowed rate : 3pm",
           "policies.ratelimit.SpikeArrestViolation"),
     ERR_RATE_LIMITED, "policies.ratelimit.SpikeArrestViolation",
     "Spike arrest violation. Allowed rate : 3pm"},
    {429, TEXT, "Too Many Requests", ERR_RATE_LIMITED, "", "Too Many Requests"},
    {503, HTML, "<html><title>Service Unavailable</title></html>", ERR_RATE_LIMITED, "",
     ""},
    {500, HTML, "<html>dump</html>", ERR_UPSTREAM_UNAVAILABLE, "", ""},
    {500, SAP_JSON, ERROR("/IWFND/CM_COS/064", "No system alias found"),
     ERR_UPSTREAM_UNAVAILABLE, "/IWFND/CM_COS/064", "No system alias found"},
    {504, HTML, "", ERR_UPSTREAM_UNAVAILABLE, "", ""},
    {502, TEXT, "", ERR_UPSTREAM_UNAVAILABLE, "", ""},
    {400, SAP_JSON, "{\"error\":{\"code\":\"x\",\"message\":\"text\"}}",
     ERR_VALIDATION_FAILED, "x", "text"},
    {400, SAP_JSON, "{\"error\":7}", ERR_UPSTREAM_MALFORMED, "", ""},
    {400, SAP_JSON, "{\"err", ERR_UPSTREAM_MALFORMED, "", ""},
    {200, HTML, "<!DOCTYPE html><form action=\"https://ias.example/saml\"></form>",
     ERR_NEEDS_REAUTH, "", ""},
    {200, SAP_JSON, "<html>login</html>", ERR_NEEDS_REAUTH, "", ""},
    {200, SAP_JSON, ERROR("SY/530", "An exception occurred"), ERR_VALIDATION_FAILED,
     "SY/530", "An exception occurred"},
    {200, XML, "<feed/>", ERR_UPSTREAM_MALFORMED, "", ""},
    {204, SAP_JSON, "", ERR_UPSTREAM_MALFORMED, "", ""},
    {302, HTML, "", ERR_UPSTREAM_MALFORMED, "", ""},
};

static struct op answered(const struct sap_world *world, int status, const char *type,
                          const char *body, struct op_field extra)
{
    struct op op =
        sap_world_op(world, "get_single_sap_purchase_order_by_id", "{\"id\":\"1\"}");

    assert_int_equal(sap_world_begin(world, &op), CONNECTOR_SEND);
    assert_int_equal(sap_world_answer_with(world, &op, status, type, body, extra),
                     CONNECTOR_FAILED);
    return op;
}

static void test_every_shape_of_refusal_becomes_one_of_our_words(void **state)
{
    struct sap_world world = sap_world_new();
    const struct op_field none = {SLICE("x"), SLICE("y")};

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *refusal = &refusals[i];
        struct op op =
            answered(&world, refusal->status, refusal->type, refusal->body, none);

        if (op.fault.err != refusal->err) {
            fail_msg("%d %s: %s, not %s", refusal->status, refusal->body,
                     err_code(op.fault.err), err_code(refusal->err));
        }
        assert_slice(op.fault.upstream.code, refusal->code);
        assert_slice(op.fault.upstream.message, refusal->message);
        assert_int_equal(op.fault.upstream.status, refusal->status);
        assert_int_equal(op.rate_limited, refusal->err == ERR_RATE_LIMITED);
    }
    sap_world_free(&world);
}

static void test_html_goes_nowhere(void **state)
{
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct op op =
            answered(&world, refusals[i].status, refusals[i].type, refusals[i].body,
                     (struct op_field){SLICE("x"), SLICE("y")});
        struct slice texts[] = {op.fault.message, op.fault.upstream.message,
                                op.fault.upstream.code};

        for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
            assert_int_equal(slice_find(texts[n], '<'), -1);
        }
    }
    sap_world_free(&world);
}

static void test_details_are_merged_and_repeats_left_out(void **state)
{
    static const char body[] =
        "{\"error\":{\"code\":\"ME/"
        "083\",\"message\":{\"lang\":\"en\",\"value\":\"Enter "
        "Plant\"},\"innererror\":{\"application\":{\"component_id\":\"MM-PUR-PO\"},"
        "\"transactionid\":\"25669476CF9401E0E005F2FA0752F574\",\"timestamp\":\"1\","
        "\"errordetails\":[{\"code\":\"ME/083\",\"message\":\"Enter Plant\","
        "\"severity\":\"error\"},{\"code\":\"06/436\",\"message\":\"Quantity\\u0007 is "
        "missing\",\"severity\":\"error\"},{\"code\":\"/IWBEP/CX_MGW_BUSI_EXCEPTION\","
        "\"message\":\"Enter Plant\"}]}}}";
    struct sap_world world = sap_world_new();
    struct op op = answered(&world, 400, SAP_JSON, body,
                            (struct op_field){SLICE("x"), SLICE("y")});

    (void)state;
    assert_slice(op.fault.upstream.code, "ME/083");
    assert_slice(op.fault.upstream.message, "Enter Plant; Quantity  is missing");
    assert_slice(op.fault.upstream.request_id, "25669476CF9401E0E005F2FA0752F574");
    sap_world_free(&world);
}

static void test_xml_details_and_transaction_are_read(void **state)
{
    static const char body[] =
        "<error " NS "><code>ME/083</code><message xml:lang=\"en\">Enter &lt;Plant&gt; "
        "&amp; "
        "more</message><innererror><transactionid>ABC</transactionid><errordetails>"
        "<errordetail><code>06/436</code><message><![CDATA[Quantity]]></message>"
        "<severity>error</severity></errordetail></errordetails></innererror></error>";
    struct sap_world world = sap_world_new();
    struct op op =
        answered(&world, 400, XML, body, (struct op_field){SLICE("x"), SLICE("y")});

    (void)state;
    assert_slice(op.fault.upstream.code, "ME/083");
    assert_slice(op.fault.upstream.message, "Enter <Plant> & more; Quantity");
    assert_slice(op.fault.upstream.request_id, "ABC");
    sap_world_free(&world);
}

/* What an element without content is called says nothing of the text behind it, and the
 * leading message may come last. */
static void test_xml_parts_in_any_order_go_where_they_belong(void **state)
{
    static const char body[] =
        "<error " NS "><code/>loose<innererror><errordetails><errordetail><code>06/436"
        "</code><message/>loose</errordetail><errordetail/></errordetails></innererror>"
        "<code>ME/083</code><message>Enter Plant</message></error>";
    struct sap_world world = sap_world_new();
    struct op op =
        answered(&world, 400, XML, body, (struct op_field){SLICE("x"), SLICE("y")});

    (void)state;
    assert_slice(op.fault.upstream.code, "ME/083");
    assert_slice(op.fault.upstream.message, "Enter Plant");
    sap_world_free(&world);
}

/* Nothing of these is read, nothing is fetched, and none takes long. */
static void test_hostile_xml_is_refused(void **state)
{
    static const char *const bodies[] = {
        "<!DOCTYPE error [<!ENTITY a \"x\">]><error><code>&a;</code></error>",
        "<!DOCTYPE error SYSTEM \"file:///etc/passwd\"><error><code>x</code></error>",
        "<!DOCTYPE error [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><error><code>&x;"
        "</code></error>",
        "<!DOCTYPE z [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">"
        "<!ENTITY c \"&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;\">]>"
        "<error><code>&d;</code></error>",
        "<error><code>&undefined;</code></error>",
        "<error><code>x</code>",
        "<other><code>x</code></other>",
        "<error><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a>"
        "</a></a></a></a></a></a></a></a></a></a></a></a></a></error>",
        "<error/>",
        "<error xmlns:x=\"y\" xmlns:x=\"z\"/>",
        "<",
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct op op = answered(&world, 400, XML, bodies[i],
                                (struct op_field){SLICE("x"), SLICE("y")});

        if (op.fault.err != ERR_UPSTREAM_MALFORMED) {
            fail_msg("read: %s", bodies[i]);
        }
        assert_int_equal(op.fault.upstream.message.len, 0);
        assert_int_equal(op.fault.upstream.code.len, 0);
    }
    sap_world_free(&world);
}

/* libxml2 looks into a CDATA section for its end only. */
static void test_xml_text_that_is_not_utf8_makes_no_message(void **state)
{
    static const char *const bodies[] = {
        "<error><code>A/1</code><message><![CDATA[a\xc0\xbb]]></message></error>",
        "<error><code><![CDATA[\xff]]></code></error>",
        "<error><code>\xc0\xbb</code></error>",
    };
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct op op = answered(&world, 400, XML, bodies[i],
                                (struct op_field){SLICE("x"), SLICE("y")});
        assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);
        assert_int_equal(op.fault.upstream.message.len, 0);
        assert_int_equal(op.fault.upstream.code.len, 0);
    }
    sap_world_free(&world);
}

/* What libxml2 would say holds bytes of the document. */
static void test_xml_that_cannot_be_decoded_is_not_talked_about(void **state)
{
    struct sap_world world = sap_world_new();
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);

    (void)state;
    assert_non_null(file);
    fflush(stderr);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    struct op op = answered(&world, 400, XML,
                            "<?xml version=\"1.0\" encoding=\"EUC-JP\"?><error><code>"
                            "\xff\xffsecret</code></error>",
                            (struct op_field){SLICE("x"), SLICE("y")});
    fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);

    close(kept);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), 0);
    fclose(file);
    assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);
    sap_world_free(&world);
}

static void test_an_xml_document_of_any_size_is_refused_or_cut(void **state)
{
    struct sap_world world = sap_world_new();
    const size_t bytes = (size_t)300 * 1024;
    char *body = arena_alloc(world.arena, bytes + 1);

    (void)state;
    memset(body, 'x', bytes);
    memcpy(body, "<error><message>", 16);
    memcpy(body + bytes - 18, "</message></error>", 18);
    struct op op =
        answered(&world, 400, XML, body, (struct op_field){SLICE("x"), SLICE("y")});
    assert_int_equal(op.fault.err, ERR_UPSTREAM_MALFORMED);

    memcpy(body + 100000 - 18, "</message></error>", 19);
    op = answered(&world, 400, XML, body, (struct op_field){SLICE("x"), SLICE("y")});
    assert_int_equal(op.fault.err, ERR_VALIDATION_FAILED);
    assert_int_equal(op.fault.upstream.message.len, 500);
    sap_world_free(&world);
}

static void test_a_long_message_is_cut_between_characters(void **state)
{
    struct sap_world world = sap_world_new();
    char *text = arena_alloc(world.arena, 2100);
    size_t len = 1;

    (void)state;
    text[0] = 'x';
    for (; len + 2 < 2000; len += 2) {
        memcpy(text + len, "\xc3\xa6", 2);
    }
    struct slice body = arena_printf(
        world.arena, "{\"error\":{\"code\":\"x\",\"message\":{\"value\":\"%s\"}}}",
        text);
    struct op op = answered(&world, 400, SAP_JSON, body.ptr,
                            (struct op_field){SLICE("x"), SLICE("y")});

    assert_int_equal(op.fault.upstream.message.len, 499);
    assert_true(text_is_utf8(op.fault.upstream.message));
    sap_world_free(&world);
}

static void test_the_wait_that_sap_asks_for_is_kept(void **state)
{
    static const struct {
        const char *after;
        long seconds;
    } cases[] = {{"7", 7}, {"0", 0}, {"86400", 300}, {"soon", 0}, {"", 0}, {"-1", 0}};
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = answered(
            &world, 429, TEXT, "Too Many Requests",
            (struct op_field){SLICE("retry-after"), slice_str(cases[i].after)});

        assert_int_equal(op.retry_after_s, cases[i].seconds);
        assert_int_equal(op.fault.retry_after_s, cases[i].seconds);
    }
    sap_world_free(&world);
}

static void test_a_wait_given_as_a_date_is_counted_from_the_answers_own(void **state)
{
    static const struct {
        const char *after;
        long seconds;
    } cases[] = {{"Sat, 21 Nov 2026 09:30:30 GMT", 30},
                 {"Sat, 21 Nov 2026 09:29:00 GMT", 0},
                 {"Sun, 22 Nov 2026 09:30:00 GMT", 300},
                 {"Sat, 21 Nix 2026 09:30:30 GMT", 0},
                 {"Sat, 31 Feb 2026 09:30:30 GMT", 0},
                 {"Saturday, 21-Nov-26 09:30:30 GMT", 0}};
    struct sap_world world = sap_world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = sap_world_op(&world, "list_all_sap_vendors", "{}");
        struct op_field fields[] = {
            {SLICE("content-type"), SLICE(HTML)},
            {SLICE("date"), SLICE("Sat, 21 Nov 2026 09:30:00 GMT")},
            {SLICE("retry-after"), slice_str(cases[i].after)}};
        struct op_response response = {.status = 503,
                                       .fields = fields,
                                       .field_count = 3,
                                       .body = SLICE("<html/>")};

        assert_int_equal(sap_world_begin(&world, &op), CONNECTOR_SEND);
        assert_int_equal(world.connector->on_response(&op, op.tool->plan, &response),
                         CONNECTOR_FAILED);
        assert_true(op.rate_limited);
        assert_int_equal(op.retry_after_s, cases[i].seconds);
    }
    sap_world_free(&world);
}

static void test_a_request_id_is_found_in_headers_and_cleaned(void **state)
{
    struct sap_world world = sap_world_new();
    struct op op = answered(
        &world, 500, HTML, "<html/>",
        (struct op_field){SLICE("x-correlation-id"), SLICE("ab c\x01\xc3\xa6-1")});

    (void)state;
    assert_slice(op.fault.upstream.request_id, "abc-1");
    sap_world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape_of_refusal_becomes_one_of_our_words),
        cmocka_unit_test(test_html_goes_nowhere),
        cmocka_unit_test(test_details_are_merged_and_repeats_left_out),
        cmocka_unit_test(test_xml_details_and_transaction_are_read),
        cmocka_unit_test(test_xml_parts_in_any_order_go_where_they_belong),
        cmocka_unit_test(test_hostile_xml_is_refused),
        cmocka_unit_test(test_xml_text_that_is_not_utf8_makes_no_message),
        cmocka_unit_test(test_xml_that_cannot_be_decoded_is_not_talked_about),
        cmocka_unit_test(test_an_xml_document_of_any_size_is_refused_or_cut),
        cmocka_unit_test(test_a_long_message_is_cut_between_characters),
        cmocka_unit_test(test_the_wait_that_sap_asks_for_is_kept),
        cmocka_unit_test(test_a_wait_given_as_a_date_is_counted_from_the_answers_own),
        cmocka_unit_test(test_a_request_id_is_found_in_headers_and_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
