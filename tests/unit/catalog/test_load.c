/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a right catalog: its tools, the connector's part, its error rules. */
#include "tests/unit/catalog/fixture.h"

#define INTEGRATION "demo/integration.json"
#define RESOURCE "demo/resources/orders.json"
#define DOCUMENTATION "demo/documentation/orders.json"

/* ---- Right ones ---- */

static void test_load_makes_a_tool_of_every_documented_method(void **state)
{
    struct fixture *fixture = fixture_new();
    const struct integration *demo;
    const struct tool *list;

    (void)state;
    demo = fixture_load(fixture);

    assert_slice(demo->name, "demo");
    assert_slice(demo->title, "Demo ERP");
    assert_slice(demo->instructions, "Read first.");
    assert_int_equal(demo->default_ceiling, 5);
    assert_int_equal(demo->upstream_max_ms, 900000);
    assert_int_equal(demo->default_limit, 25);
    assert_int_equal(demo->acknowledgement_member.len, 0);
    assert_int_equal(demo->tool_count, 7);
    list = fixture_tool(fixture, "list_all_demo_orders");
    assert_slice(list->title, "List orders");
    assert_slice(list->resource, "orders");
    assert_slice(list->method, "list");
    assert_int_equal(list->tag_count, 2);
    assert_slice(list->tags[0], "bulk");
    assert_slice(list->tags[1], "sales");
    assert_int_equal(list->field_count, 2);
    assert_ptr_equal(list->integration, demo);
    assert_int_equal(list->argument_count, 4);
    assert_slice(list->arguments[0].name, "limit");
    assert_slice(list->arguments[3].name, "status");
    fixture_free(fixture);
}

static void test_load_reads_what_has_to_be_acknowledged(void **state)
{
    struct fixture *fixture = fixture_new();
    const struct integration *demo;

    (void)state;
    fixture_replace(fixture, INTEGRATION, FIXTURE_INTEGRATION, "\"limits\"",
                    "\"acknowledgement\":{\"member\":\"demo_ack\",\"message\":"
                    "\"Read the policy.\",\"statement\":\"I have.\",\"url\":"
                    "\"https://erp.example/policy\"},\"limits\"");
    demo = fixture_load(fixture);

    assert_slice(demo->acknowledgement_member, "demo_ack");
    assert_slice(demo->acknowledgement_message, "Read the policy.");
    assert_slice(demo->acknowledgement_statement, "I have.");
    assert_slice(demo->acknowledgement_url, "https://erp.example/policy");
    fixture_free(fixture);
}

static void test_load_gives_a_write_the_way_to_look_it_up(void **state)
{
    struct fixture *fixture = fixture_new();

    (void)state;
    fixture_replace(fixture, DOCUMENTATION, FIXTURE_DOCUMENTATION, "\"create\":{",
                    "\"create\":{\"lookup\":\"List the orders of today.\",");
    fixture_load(fixture);

    assert_slice(fixture_tool(fixture, "create_a_demo_order")->lookup,
                 "List the orders of today.");
    assert_int_equal(fixture_tool(fixture, "list_all_demo_orders")->lookup.len, 0);
    fixture_free(fixture);
}

/* Pages, rows as they were sent, shown to nobody who did not ask. */
static void test_load_reads_the_flags_of_a_free_query(void **state)
{
    struct fixture *fixture = fixture_new();
    const struct integration *demo;
    const struct tool *count, *list;

    (void)state;
    fixture_replace(fixture, RESOURCE, FIXTURE_RESOURCE, "\"writes\":false,",
                    "\"writes\":false,\"pages\":true,\"opt_in\":true,");
    fixture_replace(fixture, DOCUMENTATION, FIXTURE_DOCUMENTATION, "\"count\":{",
                    "\"count\":{\"as_sent\":true,");
    demo = fixture_load(fixture);

    count = catalog_tool(demo, SLICE("demo_orders_count"));
    list = catalog_tool(demo, SLICE("list_all_demo_orders"));
    assert_true(count->pages && count->opt_in && count->as_sent);
    assert_true(list->pages && !list->opt_in && !list->as_sent);
    assert_int_equal(count->argument_count, 2); /* limit, next_cursor */
    assert_true(fixture_contains(count->output_schema, "\"additionalProperties\""));
    assert_false(fixture_contains(list->output_schema, "\"additionalProperties\""));
    fixture_free(fixture);
}

static void test_a_tool_that_starts_long_work_names_the_one_that_asks(void **state)
{
    struct fixture *fixture = fixture_new();
    const struct tool *starts, *asks;

    (void)state;
    fixture_replace(fixture, RESOURCE, FIXTURE_RESOURCE,
                    "\"approve\":{\"writes\":true,\"upstream\":{}},"
                    "\"count\":{\"writes\":false",
                    "\"approve\":{\"writes\":true,\"upstream\":{},\"poll_with\":"
                    "\"count\"},\"count\":{\"writes\":false,\"polls\":true,\"tool\":"
                    "\"asks\"");
    fixture_load(fixture);
    starts = fixture_tool(fixture, "demo_orders_approve");
    asks = fixture_tool(fixture, "asks");
    assert_slice(starts->poll_tool, "asks");
    assert_false(starts->polls);
    assert_true(asks->polls);
    assert_int_equal(asks->argument_count, 1);
    assert_slice(asks->arguments[0].name, "poll_id");
    fixture_free(fixture);
}

static void test_load_gives_the_same_order_every_time(void **state)
{
    struct fixture *fixture = fixture_new();
    const struct integration *demo;

    (void)state;
    demo = fixture_load(fixture);

    for (size_t i = 1; i < demo->tool_count; i++) {
        assert_true(slice_cmp(demo->tools[i - 1]->name, demo->tools[i]->name) < 0);
    }
    fixture_free(fixture);
}

static void test_load_finds_the_files_one_folder_deeper(void **state)
{
    struct fixture *fixture = fixture_new();
    char from[128], to[128];

    (void)state;
    snprintf(from, sizeof from, "%s/demo", fixture->folder);
    snprintf(to, sizeof to, "%s/keep", fixture->folder);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(mkdir(from, 0700), 0);
    snprintf(from, sizeof from, "%s/demo/catalog", fixture->folder);
    assert_int_equal(rename(to, from), 0);

    assert_int_equal(fixture_load(fixture)->tool_count, 7);
    fixture_free(fixture);
}

static void test_a_method_without_documentation_is_no_tool(void **state)
{
    struct fixture *fixture = fixture_new();

    (void)state;
    fixture_write(fixture, "demo/resources/plain.json",
                  "{\"resource\":\"plain\",\"singular\":\"plain\",\"title\":\"Plain\","
                  "\"methods\":{\"list\":{\"upstream\":{}}}}");

    assert_int_equal(fixture_load(fixture)->tool_count, 7);
    fixture_free(fixture);
}

static void test_integrations_are_sorted_and_found_by_name(void **state)
{
    struct fixture *fixture = fixture_new();

    (void)state;
    fixture_write(
        fixture, "alpha/integration.json",
        "{\"integration\":\"alpha\",\"title\":\"Alpha\",\"limits\":{\"ceiling\":1,"
        "\"upstream_max_ms\":1000},\"auth_schemes\":[\"none\"]}");
    assert_int_equal(fixture_try(fixture, NULL), ERR_OK);

    assert_slice(catalog_integration_at(fixture->catalog, 0)->name, "alpha");
    assert_slice(catalog_integration_at(fixture->catalog, 1)->name, "demo");
    assert_null(catalog_integration_at(fixture->catalog, 2));
    assert_non_null(catalog_integration(fixture->catalog, SLICE("alpha")));
    assert_null(catalog_integration(fixture->catalog, SLICE("beta")));
    assert_null(catalog_tool(catalog_integration_at(fixture->catalog, 0), SLICE("x")));
    fixture_free(fixture);
}

/* ---- The connector's part ---- */

struct asked {
    unsigned calls;
    enum err answer;
};

static enum err record_compile(void *ctx, struct slice integration, struct arena *arena,
                               const struct jval *upstream, const struct tool *tool,
                               const void **plan, struct schema_problem *problem)
{
    struct asked *asked = ctx;

    asked->calls++;
    assert_slice(integration, "demo");
    assert_int_equal(upstream->type, JVAL_OBJECT);
    if (tool != NULL) {
        assert_ptr_equal(upstream, tool->upstream);
        assert_true(tool->argument_count > 0 || tool->kind == METHOD_CUSTOM);
    }
    *plan = upstream;
    problem->pointer = SLICE("/select/id");
    problem->message = arena_printf(arena, "is odd");
    return asked->answer;
}

static void test_the_connector_compiles_every_upstream_object(void **state)
{
    struct fixture *fixture = fixture_new();
    struct asked asked = {0, ERR_OK};
    struct catalog_compiler compiler = {.compile = record_compile, .ctx = &asked};
    const struct integration *demo;

    (void)state;
    fixture_replace(fixture, INTEGRATION, FIXTURE_INTEGRATION, "\"limits\"",
                    "\"verify\":{\"read\":\"me\"},\"limits\"");
    assert_int_equal(fixture_try(fixture, &compiler), ERR_OK);
    demo = catalog_integration_at(fixture->catalog, 0);

    assert_int_equal(asked.calls, 8);
    assert_ptr_equal(demo->verify_plan, demo->verify);
    assert_ptr_equal(demo->tools[0]->plan, demo->tools[0]->upstream);
    fixture_free(fixture);
}

static void test_a_connectors_refusal_names_the_place_in_the_file(void **state)
{
    struct fixture *fixture = fixture_new();
    struct asked asked = {0, ERR_UNPROCESSABLE};
    struct catalog_compiler compiler = {.compile = record_compile, .ctx = &asked};

    (void)state;
    assert_int_equal(fixture_try(fixture, &compiler), ERR_UNPROCESSABLE);
    assert_problem(fixture, RESOURCE, "/methods/list/upstream/select/id", "is odd");

    asked.answer = ERR_NOT_FOUND;
    assert_int_equal(fixture_try(fixture, &compiler), ERR_UNPROCESSABLE);
    assert_problem(fixture, RESOURCE, "/methods/list", "no connector");

    asked.answer = ERR_UNPROCESSABLE;
    fixture_replace(fixture, INTEGRATION, FIXTURE_INTEGRATION, "\"limits\"",
                    "\"verify\":{},\"limits\"");
    assert_int_equal(fixture_try(fixture, &compiler), ERR_UNPROCESSABLE);
    assert_problem(fixture, INTEGRATION, "/verify/select/id", "is odd");
    fixture_free(fixture);
}

/* ---- Error rules ---- */

static enum err classify(const struct integration *demo, int status, const char *code,
                         const char *message, struct slice *hint)
{
    *hint = SLICE_EMPTY;
    return catalog_classify(demo, status, slice_str(code), slice_str(message), hint);
}

static void test_the_first_error_rule_that_fits_wins(void **state)
{
    struct fixture *fixture = fixture_new();
    const struct integration *demo;
    struct slice hint;

    (void)state;
    fixture_replace(fixture, INTEGRATION, FIXTURE_INTEGRATION, "\"limits\"",
                    "\"errors\":["
                    "{\"code\":\"LIMIT\",\"is\":\"rate_limited\",\"hint\":\"Wait.\"},"
                    "{\"status\":[401,403],\"message_contains\":\"Invalid "
                    "Login\",\"is\":\"needs_reauth\"},"
                    "{\"status\":403,\"is\":\"permission_denied\"}],\"limits\"");
    demo = fixture_load(fixture);

    assert_int_equal(classify(demo, 400, "LIMIT", "", &hint), ERR_RATE_LIMITED);
    assert_slice(hint, "Wait.");
    assert_int_equal(classify(demo, 401, "", "x: INVALID login.", &hint),
                     ERR_NEEDS_REAUTH);
    assert_slice(hint, "");
    assert_int_equal(classify(demo, 403, "", "invalid logon", &hint),
                     ERR_PERMISSION_DENIED);
    assert_int_equal(classify(demo, 401, "", "", &hint), ERR_VALIDATION_FAILED);
    assert_int_equal(classify(demo, 404, "", "", &hint), ERR_VALIDATION_FAILED);
    assert_int_equal(classify(demo, 503, "", "", &hint), ERR_UPSTREAM_UNAVAILABLE);
    assert_int_equal(classify(demo, 0, "", "", &hint), ERR_UPSTREAM_UNAVAILABLE);
    assert_int_equal(classify(demo, 302, "", "", &hint), ERR_UPSTREAM_MALFORMED);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_makes_a_tool_of_every_documented_method),
        cmocka_unit_test(test_load_reads_what_has_to_be_acknowledged),
        cmocka_unit_test(test_load_gives_a_write_the_way_to_look_it_up),
        cmocka_unit_test(test_load_reads_the_flags_of_a_free_query),
        cmocka_unit_test(test_a_tool_that_starts_long_work_names_the_one_that_asks),
        cmocka_unit_test(test_load_gives_the_same_order_every_time),
        cmocka_unit_test(test_load_finds_the_files_one_folder_deeper),
        cmocka_unit_test(test_a_method_without_documentation_is_no_tool),
        cmocka_unit_test(test_integrations_are_sorted_and_found_by_name),
        cmocka_unit_test(test_the_connector_compiles_every_upstream_object),
        cmocka_unit_test(test_a_connectors_refusal_names_the_place_in_the_file),
        cmocka_unit_test(test_the_first_error_rule_that_fits_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
