/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: what a right catalog gives, and what each kind of mistake is answered with.
 */
#include "tests/unit/catalog/fixture.h"

#define INTEGRATION "demo/integration.json"
#define RESOURCE "demo/resources/orders.json"
#define DOCUMENTATION "demo/documentation/orders.json"

static void assert_problem(struct fixture *fixture, const char *file,
                           const char *pointer, const char *message)
{
    struct slice seen = fixture->problem.file;

    if (seen.len < strlen(file) ||
        !slice_is(slice_from(seen, seen.len - strlen(file)), file)) {
        fail_msg("the problem is in \"%.*s\", not in \"%s\" (%.*s: %.*s)",
                 SLICE_ARG(seen), file, SLICE_ARG(fixture->problem.pointer),
                 SLICE_ARG(fixture->problem.message));
    }
    assert_slice(fixture->problem.pointer, pointer);
    if (!fixture_contains(fixture->problem.message, message)) {
        fail_msg("\"%.*s\" does not say \"%s\"", SLICE_ARG(fixture->problem.message),
                 message);
    }
}

/* Replaces a part of a file and expects the load to fail there. */
static void assert_broken(const char *file, const char *text, const char *part,
                          const char *by, const char *at, const char *pointer,
                          const char *message)
{
    struct fixture *fixture = fixture_new();

    fixture_replace(fixture, file, text, part, by);
    assert_int_not_equal(fixture_try(fixture, NULL), ERR_OK);
    assert_null(fixture->catalog);
    assert_problem(fixture, at, pointer, message);
    fixture_free(fixture);
}

static void broken_integration(const char *part, const char *by, const char *pointer,
                               const char *message)
{
    assert_broken(INTEGRATION, FIXTURE_INTEGRATION, part, by, INTEGRATION, pointer,
                  message);
}

static void broken_resource(const char *part, const char *by, const char *pointer,
                            const char *message)
{
    assert_broken(RESOURCE, FIXTURE_RESOURCE, part, by, RESOURCE, pointer, message);
}

static void broken_documentation(const char *part, const char *by, const char *pointer,
                                 const char *message)
{
    assert_broken(DOCUMENTATION, FIXTURE_DOCUMENTATION, part, by, DOCUMENTATION,
                  pointer, message);
}

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
                    "\"Read the policy.\"},\"limits\"");
    demo = fixture_load(fixture);

    assert_slice(demo->acknowledgement_member, "demo_ack");
    assert_slice(demo->acknowledgement_message, "Read the policy.");
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

/* ---- Mistakes ---- */

static void test_folders_that_hold_no_catalog_are_named(void **state)
{
    struct fixture *fixture = fixture_new();
    struct catalog *catalog = NULL;
    char folder[128];

    (void)state;
    assert_int_equal(catalog_load("/nonexistent/catalog", NULL, &catalog,
                                  fixture->arena, &fixture->problem),
                     ERR_NOT_FOUND);
    assert_problem(fixture, "/nonexistent/catalog", "", "no such file or folder");

    snprintf(folder, sizeof folder, "%s/demo", fixture->folder);
    assert_int_equal(
        catalog_load(folder, NULL, &catalog, fixture->arena, &fixture->problem),
        ERR_NOT_FOUND);
    assert_problem(fixture, folder, "", "no folder in it holds an integration.json");
    fixture_free(fixture);
}

static void test_broken_json_is_named_by_file_and_line(void **state)
{
    (void)state;
    broken_integration("{", "{\n\n,", "", "line 3");
    broken_integration("\"title\"", "\"integration\":\"demo\",\"title\"", "", "line 1");
    broken_integration("Demo ERP", "Demo \\ud800 ERP", "", "line 1");
    broken_resource("{", "", "", "line 1");
    broken_documentation("}}}", "}}}}", "", "line 1");
}

static void test_a_file_past_the_ceiling_is_refused(void **state)
{
    struct fixture *fixture = fixture_new();
    size_t bytes = (size_t)5 * 1024 * 1024;
    char *text = malloc(bytes + 1);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', bytes);
    text[bytes] = '\0';
    fixture_write(fixture, INTEGRATION, text);
    free(text);

    assert_int_equal(fixture_try(fixture, NULL), ERR_TOO_LARGE);
    assert_problem(fixture, INTEGRATION, "", "4 MiB");
    fixture_free(fixture);
}

static void test_integration_mistakes_are_named(void **state)
{
    (void)state;
    broken_integration("\"integration\":\"demo\"", "\"integration\":\"other\"",
                       "/integration", "must be the folder's name, \"demo\"");
    broken_integration("\"ceiling\":5", "\"ceiling\":0", "/limits/ceiling",
                       "must be at least 1");
    broken_integration("\"ceiling\":5,", "", "/limits/ceiling", "is required");
    broken_integration("\"limits\"", "\"limit\":{},\"limits\"", "/limit",
                       "is not known");
    broken_integration("\"limits\"",
                       "\"pagination\":{\"default_limit\":201},\"limits\"",
                       "/pagination/default_limit", "must be at most 200");
    broken_integration("\"limits\"",
                       "\"errors\":[{\"status\":429,\"is\":\"busy\"}],\"limits\"",
                       "/errors/0/is", "must be one of");
    broken_integration("\"limits\"", "\"errors\":[{\"is\":\"internal\"}],\"limits\"",
                       "/errors/0", "at least 2 members");
    broken_integration("\"limits\"",
                       "\"acknowledgement\":{\"member\":\"a\"},\"limits\"",
                       "/acknowledgement/message", "is required");
    broken_integration(
        "\"limits\"",
        "\"errors\":[{\"status\":[429,99],\"is\":\"internal\"}],\"limits\"",
        "/errors/0/status/1", "must be at least 100");
}

static void test_resource_mistakes_are_named(void **state)
{
    (void)state;
    broken_resource("\"resource\":\"orders\"", "\"resource\":\"order\"", "/resource",
                    "must be the file's name, \"orders\"");
    broken_resource("\"singular\":\"order\",", "", "/singular", "is required");
    broken_resource("\"order\"", "\"Order\"", "/singular", "must match the pattern");
    broken_resource("\"list\":{", "\"list\":{\"writes\":true,", "/methods/list/writes",
                    "only a custom method");
    broken_resource("\"writes\":false,", "", "/methods/count/writes", "is required");
    broken_resource("\"list\":{", "\"list\":{\"pages\":true,", "/methods/list/pages",
                    "only a custom method");
    broken_resource("\"list\":{", "\"list\":{\"opt_in\":1,", "/methods/list/opt_in",
                    "");
    broken_resource("\"count\"", "\"read\"", "/methods/read", "not allowed");
    broken_resource("\"get\":{\"upstream\":{}}", "\"get\":{}", "/methods/get/upstream",
                    "is required");
    broken_resource("\"order\"", "\"an_order_whose_name_is_far_too_long_for_a_tool\"",
                    "/methods/get", "get_single_demo_an_order_whose");
}

static void test_mistakes_of_long_work_and_content_are_named(void **state)
{
    (void)state;
    broken_resource("\"count\":{", "\"count\":{\"tool\":\"Count\",",
                    "/methods/count/tool", "must match the pattern");
    broken_resource("\"count\":{", "\"count\":{\"tool\":\"demo_orders_approve\",",
                    "/methods/count", "another method makes the tool name");
    broken_resource("\"count\":{", "\"count\":{\"answer\":\"text\",",
                    "/methods/count/answer", "must be one of");
    broken_resource("\"get\":{", "\"get\":{\"polls\":true,", "/methods/get/polls",
                    "a custom method that reads");
    broken_resource("\"writes\":true", "\"writes\":true,\"polls\":true",
                    "/methods/approve/polls", "a custom method that reads");
    broken_resource("\"create\":{", "\"create\":{\"poll_with\":\"count\",",
                    "/methods/create/poll_with", "a documented method that polls");
    broken_resource("\"create\":{", "\"create\":{\"poll_with\":\"nothing\",",
                    "/methods/create/poll_with", "a documented method that polls");
    broken_resource("\"create\":{", "\"create\":{\"client_capabilities\":{\"x\":1},",
                    "/methods/create/client_capabilities/x", "must be an object");
}

static void test_mirrored_arguments_are_strings_integers_and_booleans(void **state)
{
    const char *at = "/methods/create/input/query/dry_run/x-mcp-header";

    (void)state;
    broken_documentation("\"dry_run\":{", "\"dry_run\":{\"x-mcp-header\":\"a b\",", at,
                         "must match the pattern");
    broken_documentation("{\"type\":\"boolean\"}",
                         "{\"type\":\"number\",\"x-mcp-header\":\"Dry\"}", at,
                         "a string, an integer or a boolean");
    broken_documentation("{\"type\":\"boolean\"}",
                         "{\"type\":\"boolean\",\"x-mcp-header\":\"Dry\"},\"wet\":"
                         "{\"type\":\"boolean\",\"x-mcp-header\":\"dRY\"}",
                         "/methods/create/input/query/wet/x-mcp-header",
                         "\"dry_run\" has the same header");
    broken_documentation("{\"type\":\"boolean\"}",
                         "{\"type\":\"object\",\"properties\":{\"deep\":{\"type\":"
                         "\"string\",\"x-mcp-header\":\"Deep\"}}}",
                         "/methods/create/input/query/dry_run/properties/deep/"
                         "x-mcp-header",
                         "only an argument itself");
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

static void test_documentation_mistakes_are_named(void **state)
{
    (void)state;
    broken_documentation("\"resource\":\"orders\"", "\"resource\":\"order\"",
                         "/resource", "must be the file's name, \"orders\"");
    broken_documentation("\"count\":{\"title\"", "\"tally\":{\"title\"",
                         "/methods/tally", "the resource has no such method");
    broken_documentation("[\"header\"]", "[\"head\"]", "/methods/list/output/0",
                         "has no set of that name");
    broken_documentation("[\"header\"]", "[\"header\",\"header\"]",
                         "/methods/list/output", "same item twice");
    broken_documentation("\"get\":{", "\"get\":{\"lookup\":\"x\",",
                         "/methods/get/lookup", "only a method that writes");
    broken_documentation("\"get\":{", "\"get\":{\"as_sent\":true,",
                         "/methods/get/as_sent", "has fields, or returns");
    broken_documentation("\"description\":\"Reads one.\",", "",
                         "/methods/get/description", "is required");
    broken_documentation("\"required\":[\"customer\"]", "\"required\":[\"client\"]",
                         "/methods/create/input/required/0", "no such argument");
}

static void test_argument_mistakes_are_named(void **state)
{
    (void)state;
    broken_documentation("\"dry_run\"", "\"memo\"", "/methods/create/input/body/memo",
                         "declared in two places");
    broken_documentation("\"status\":{", "\"limit\":{",
                         "/methods/list/input/query/limit", "anyway");
    broken_documentation("\"type\":\"boolean\"", "\"type\":[\"boolean\",\"null\"]",
                         "/methods/create/input/query/dry_run/type", "must be one of");
    broken_documentation("{\"type\":\"boolean\"}", "true",
                         "/methods/create/input/query/dry_run", "must be an object");
    broken_documentation("{\"type\":\"boolean\"}", "{}",
                         "/methods/create/input/query/dry_run", "at least 1 member");
    broken_documentation("\"minimum\":1", "\"minimun\":1",
                         "/methods/create/input/body/quantity/minimun", "is not known");
    broken_documentation("\"format\":\"date\"", "\"pattern\":\"(?=x)\"",
                         "/methods/list/input/query/since/pattern",
                         "groups are supported");
    broken_documentation("\"format\":\"date\"", "\"$ref\":\"#/$defs/date\"",
                         "/methods/list/input/query/since/$ref",
                         "no schema at the place");
    broken_documentation("\"dry_run\":{", "\"dry_run\":{\"x-path\":\"a\",",
                         "/methods/create/input/query/dry_run/x-path", "body argument");
    broken_documentation(
        "\"x-path\":\"header.customer.id\"", "\"x-path\":\"header[].id\"",
        "/methods/create/input/body/customer/x-path", "members and [n]");
    broken_documentation("\"x-path\":\"header.customer.id\"",
                         "\"x-path\":\"header..id\"",
                         "/methods/create/input/body/customer/x-path", "byte 7");
    broken_documentation("item.items[0].unit", "item.items[0].quantity",
                         "/methods/create/input/body/unit", "same place");
    broken_documentation("item.items[0].unit", "item.items",
                         "/methods/create/input/body/unit", "same place");
    broken_documentation("item.items[0].unit", "item.items.unit",
                         "/methods/create/input/body/unit", "same place");
}

static void test_field_mistakes_are_named(void **state)
{
    (void)state;
    broken_documentation("[\"total\"]", "[\"id\",\"total[\"]",
                         "/fields/header/1/from/1", "[] holds nothing");
    broken_documentation("\"convert\":\"decimal\"", "\"convert\":\"bool\"",
                         "/fields/header/1/convert", "another type");
    broken_documentation("\"convert\":\"decimal\"", "\"convert\":\"money\"",
                         "/fields/header/1/convert", "must be one of");
    broken_documentation("\"convert\":\"decimal\"",
                         "\"convert\":\"decimal\",\"default\":1",
                         "/fields/header/1/default", "not of the field's type");
    broken_documentation("\"convert\":\"decimal\"", "\"map_other\":true",
                         "/fields/header/1/map_other", "not of the field's type");
    broken_documentation("\"name\":\"total\"", "\"name\":\"id\"",
                         "/fields/header/1/name", "another field of that name");
    broken_documentation("\"name\":\"total\",\"type\":\"string\"",
                         "\"name\":\"total\",\"type\":\"array\"",
                         "/fields/header/1/convert", "another type");
    broken_documentation("\"class\":\"public\",", "\"class\":\"secret\",",
                         "/fields/header/0/class", "must be one of");
    broken_documentation("\"type\":\"string\",\"class\":\"public\"",
                         "\"type\":\"array\",\"class\":\"public\"",
                         "/fields/header/0/fields", "an array has fields");
}

static void test_a_tool_name_that_two_methods_make_is_refused(void **state)
{
    struct fixture *fixture = fixture_new();

    (void)state;
    /* demo_orders_a + x and demo_orders + a_x are one name. */
    fixture_write(fixture, "demo/resources/orders_a.json",
                  "{\"resource\":\"orders_a\",\"singular\":\"b\",\"title\":\"T\","
                  "\"methods\":{\"x\":{\"writes\":false,\"upstream\":{}}}}");
    fixture_write(fixture, "demo/documentation/orders_a.json",
                  "{\"resource\":\"orders_a\",\"fields\":{},\"methods\":{\"x\":{"
                  "\"title\":\"T\",\"description\":\"D\"}}}");
    fixture_replace(fixture, RESOURCE, FIXTURE_RESOURCE, "\"count\"", "\"a_x\"");
    fixture_replace(fixture, DOCUMENTATION, FIXTURE_DOCUMENTATION, "\"count\"",
                    "\"a_x\"");

    assert_int_equal(fixture_try(fixture, NULL), ERR_UNPROCESSABLE);
    assert_problem(fixture, "demo/resources/orders_a.json", "/methods/x",
                   "\"demo_orders_a_x\" too");
    fixture_free(fixture);
}

static void test_documentation_of_no_resource_is_refused(void **state)
{
    struct fixture *fixture = fixture_new();

    (void)state;
    fixture_write(fixture, "demo/documentation/ghosts.json", "{}");

    assert_int_equal(fixture_try(fixture, NULL), ERR_UNPROCESSABLE);
    assert_problem(fixture, "demo/documentation/ghosts.json", "/resource",
                   "no such resource");
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
        cmocka_unit_test(test_load_gives_the_same_order_every_time),
        cmocka_unit_test(test_load_finds_the_files_one_folder_deeper),
        cmocka_unit_test(test_a_method_without_documentation_is_no_tool),
        cmocka_unit_test(test_integrations_are_sorted_and_found_by_name),
        cmocka_unit_test(test_the_connector_compiles_every_upstream_object),
        cmocka_unit_test(test_a_connectors_refusal_names_the_place_in_the_file),
        cmocka_unit_test(test_folders_that_hold_no_catalog_are_named),
        cmocka_unit_test(test_broken_json_is_named_by_file_and_line),
        cmocka_unit_test(test_a_file_past_the_ceiling_is_refused),
        cmocka_unit_test(test_integration_mistakes_are_named),
        cmocka_unit_test(test_resource_mistakes_are_named),
        cmocka_unit_test(test_mistakes_of_long_work_and_content_are_named),
        cmocka_unit_test(test_mirrored_arguments_are_strings_integers_and_booleans),
        cmocka_unit_test(test_a_tool_that_starts_long_work_names_the_one_that_asks),
        cmocka_unit_test(test_documentation_mistakes_are_named),
        cmocka_unit_test(test_argument_mistakes_are_named),
        cmocka_unit_test(test_field_mistakes_are_named),
        cmocka_unit_test(test_a_tool_name_that_two_methods_make_is_refused),
        cmocka_unit_test(test_documentation_of_no_resource_is_refused),
        cmocka_unit_test(test_the_first_error_rule_that_fits_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
