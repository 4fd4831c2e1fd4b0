/* SPDX-License-Identifier: Apache-2.0 */
/* Lists by SOAP: what is sent, what of an answer is read, what a fault becomes. */
#include "connectors/netsuite/soap_answer.h"
#include "tests/unit/connectors/world.h"

#define TOOL "list_all_netsuite_saved_searches"
#define ENVELOPE(inner)                                                                \
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>" inner \
    "</s:Body></s:Envelope>"
#define RESULT(inner) \
    ENVELOPE("<getSavedSearchResponse><r>" inner "</r></getSavedSearchResponse>")
#define OK "<status isSuccess=\"true\"/>"
#define THREE                                                                      \
    RESULT(OK "<recordRefList><recordRef internalId=\"1\" scriptId=\"a\"><name>x " \
              "&amp; y</name></recordRef><recordRef internalId=\"2\"/><recordRef " \
              "internalId=\"3\"><name><![CDATA[<z>]]></name></recordRef>"          \
              "</recordRefList>")
#define FAULT(element, code, message)                                               \
    ENVELOPE("<s:Fault><faultcode>s:Server</faultcode><faultstring>" message        \
             "</faultstring><detail><f:" element " xmlns:f=\"urn:f\"><f:code>" code \
             "</f:code><f:message>" message "</f:message></f:" element ">"          \
             "<h>host</h></detail></s:Fault>")

static struct op begun(const struct world *world, const char *arguments, size_t limit,
                       const char *page)
{
    struct op op = world_op(world, world->arena, TOOL,
                            world_json(world->arena, arguments), NULL, limit);
    op.page = slice_str(page);
    assert_int_equal(world->connector->begin(&op, op.tool->plan), CONNECTOR_SEND);
    return op;
}

static void test_the_request_has_a_place_for_the_passport(void **state)
{
    struct world world = world_new();
    struct op op = begun(&world, "{\"type\":\"customer\"}", 25, "");
    (void)state;

    assert_slice(op.tool->scheme, "netsuite_tba");
    assert_slice(op.request.url, "https://tstdrv1234567.suitetalk.api.netsuite.com/"
                                 "services/NetSuitePort_2025_2");
    assert_slice(op.request.fields[1].value, "\"getSavedSearch\"");
    assert_true(slice_starts(slice_from(op.request.body, op.request.passport_at),
                             SLICE("</soapenv:Header><soapenv:Body>")));
    assert_non_null(strstr(op.request.body.ptr, " searchType=\"customer\"/>"));
    assert_false(op.request.is_write);
    world_free(&world);
}

static void test_values_that_are_no_names_are_not_sent(void **state)
{
    struct world world = world_new();
    struct op op =
        world_op(&world, world.arena, TOOL,
                 world_json(world.arena, "{\"type\":\"a\\\"/><b\"}"), NULL, 5);
    (void)state;

    assert_int_equal(world.connector->begin(&op, op.tool->plan), CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
    assert_slice(op.fault.details[0].pointer, "/type");
    world_free(&world);
}

static void test_a_page_is_a_part_of_the_list(void **state)
{
    struct world world = world_new();
    struct op op = begun(&world, "{}", 2, "");
    (void)state;

    assert_int_equal(world_answer(&world, &op, 200, "text/xml", THREE), CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 2);
    const struct jval *first = &op.result.records->items[0];
    assert_slice(jval_text(jval_get(first, "internalId")), "1");
    assert_slice(jval_text(jval_get(first, "scriptId")), "a");
    assert_slice(jval_text(jval_get(first, "name")), "x & y");
    assert_slice(op.result.next_page, "offset=2");
    op = begun(&world, "{}", 2, "offset=2");
    assert_int_equal(world_answer(&world, &op, 200, "text/xml", THREE), CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 1);
    assert_slice(jval_text(jval_get(&op.result.records->items[0], "name")), "<z>");
    assert_int_equal(op.result.next_page.len, 0);
    world_free(&world);
}

static void test_faults_are_told_by_the_catalogs_rules(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum err err;
    } cases[] = {
        {500,
         FAULT("exceededConcurrentRequestLimitFault", "WS_REQUEST_BLOCKED", "blocked"),
         ERR_RATE_LIMITED},
        {500, FAULT("invalidCredentialsFault", "USER_ERROR", "Invalid login attempt."),
         ERR_NEEDS_REAUTH},
        {500, FAULT("insufficientPermissionFault", "INSUFFICIENT_PERMISSION", "no"),
         ERR_PERMISSION_DENIED},
        {500, FAULT("unexpectedErrorFault", "UNEXPECTED_ERROR", "oops"),
         ERR_UPSTREAM_UNAVAILABLE},
        {200, FAULT("insufficientPermissionFault", "INSUFFICIENT_PERMISSION", "no"),
         ERR_PERMISSION_DENIED},
        {200,
         RESULT(
             "<status isSuccess=\"false\"><statusDetail type=\"ERROR\"><code>"
             "RCRD_DSNT_EXIST</code><message>gone</message></statusDetail></status>"),
         ERR_NOT_FOUND},
        {200, RESULT("<recordRefList/>"), ERR_UPSTREAM_MALFORMED},
        {200, "", ERR_UPSTREAM_MALFORMED},
        {200, "<!DOCTYPE a>" THREE, ERR_UPSTREAM_MALFORMED},
        {503, "<html><body>maintenance</body></html>", ERR_UPSTREAM_UNAVAILABLE},
    };
    struct world world = world_new();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = begun(&world, "{}", 2, "");
        assert_int_equal(
            world_answer(&world, &op, cases[i].status, "text/xml", cases[i].body),
            CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, cases[i].err);
        assert_int_equal(op.rate_limited, cases[i].err == ERR_RATE_LIMITED);
    }
    world_free(&world);
}

static void test_what_grows_or_nests_too_far_is_no_answer(void **state)
{
    struct arena *arena = arena_new();
    struct soap_answer answer;
    struct slice deep = SLICE("x");
    (void)state;

    for (int i = 0; i < 30; i++) {
        deep = arena_printf(arena, "<a>%.*s</a>", SLICE_ARG(deep));
    }
    const struct slice texts[] = {
        arena_printf(arena, ENVELOPE("%.*s"), SLICE_ARG(deep)),
        SLICE("<a/>"),
        SLICE(THREE "<more/>"),
        SLICE(ENVELOPE("<a>&b;</a>")),
        SLICE(ENVELOPE("<a><![CDATA[\xff]]></a>")),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(soap_answer_read(arena, texts[i], SLICE("recordRef"), &answer));
        assert_int_equal(answer.items->count, 0);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_request_has_a_place_for_the_passport),
        cmocka_unit_test(test_values_that_are_no_names_are_not_sent),
        cmocka_unit_test(test_a_page_is_a_part_of_the_list),
        cmocka_unit_test(test_faults_are_told_by_the_catalogs_rules),
        cmocka_unit_test(test_what_grows_or_nests_too_far_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
