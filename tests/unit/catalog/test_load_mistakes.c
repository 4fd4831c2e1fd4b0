/* SPDX-License-Identifier: Apache-2.0 */
/* Loading: what each kind of mistake in a catalog is answered with. */
#include "tests/unit/catalog/fixture.h"

#define INTEGRATION "demo/integration.json"
#define RESOURCE "demo/resources/orders.json"
#define DOCUMENTATION "demo/documentation/orders.json"

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

static void test_folders_that_hold_no_catalog_are_named(void **state)
{
    struct fixture *fixture = fixture_new();
    struct catalog *catalog = NULL;
    char folder[128];

    (void)state;
    assert_int_equal(catalog_load("/nonexistent/catalog", NULL, NULL, &catalog,
                                  fixture->arena, &fixture->problem),
                     ERR_NOT_FOUND);
    assert_problem(fixture, "/nonexistent/catalog", "", "no such file or folder");

    snprintf(folder, sizeof folder, "%s/demo", fixture->folder);
    assert_int_equal(
        catalog_load(folder, NULL, NULL, &catalog, fixture->arena, &fixture->problem),
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
    broken_integration("\"limits\"",
                       "\"acknowledgement\":{\"member\":\"a\",\"message\":\"b\","
                       "\"statement\":\"c\",\"url\":\"http://plain.example\"},"
                       "\"limits\"",
                       "/acknowledgement/url", "must match");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders_that_hold_no_catalog_are_named),
        cmocka_unit_test(test_broken_json_is_named_by_file_and_line),
        cmocka_unit_test(test_a_file_past_the_ceiling_is_refused),
        cmocka_unit_test(test_integration_mistakes_are_named),
        cmocka_unit_test(test_resource_mistakes_are_named),
        cmocka_unit_test(test_mistakes_of_long_work_and_content_are_named),
        cmocka_unit_test(test_mirrored_arguments_are_strings_integers_and_booleans),
        cmocka_unit_test(test_documentation_mistakes_are_named),
        cmocka_unit_test(test_argument_mistakes_are_named),
        cmocka_unit_test(test_field_mistakes_are_named),
        cmocka_unit_test(test_a_tool_name_that_two_methods_make_is_refused),
        cmocka_unit_test(test_documentation_of_no_resource_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
