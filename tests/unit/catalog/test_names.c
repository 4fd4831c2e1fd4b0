/* SPDX-License-Identifier: Apache-2.0 */
/* Tool names: made of integration, resource and method, and never anything else. */
#include "tests/unit/catalog/fixture.h"

static void test_names_follow_the_kind_of_the_method(void **state)
{
    static const struct {
        const char *name, *method;
        enum method_kind kind;
        bool writes;
    } expected[] = {
        {"create_a_demo_order", "create", METHOD_CREATE, true},
        {"delete_a_demo_order_by_id", "delete", METHOD_DELETE, true},
        {"demo_orders_approve", "approve", METHOD_CUSTOM, true},
        {"demo_orders_count", "count", METHOD_CUSTOM, false},
        {"get_single_demo_order_by_id", "get", METHOD_GET, false},
        {"list_all_demo_orders", "list", METHOD_LIST, false},
        {"update_a_demo_order_by_id", "update", METHOD_UPDATE, true},
    };
    struct fixture *fixture = fixture_new();
    const struct integration *demo;

    (void)state;
    demo = fixture_load(fixture);

    assert_int_equal(demo->tool_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < demo->tool_count; i++) {
        const struct tool *tool = demo->tools[i];

        assert_slice(tool->name, expected[i].name);
        assert_slice(tool->method, expected[i].method);
        assert_int_equal(tool->kind, expected[i].kind);
        assert_int_equal(tool->writes, expected[i].writes);
    }
    fixture_free(fixture);
}

static void test_tools_are_found_by_their_exact_name_only(void **state)
{
    struct fixture *fixture = fixture_new();
    const struct integration *demo;

    (void)state;
    demo = fixture_load(fixture);

    assert_non_null(catalog_tool(demo, SLICE("list_all_demo_orders")));
    assert_null(catalog_tool(demo, SLICE("list_all_demo_order")));
    assert_null(catalog_tool(demo, SLICE("List_all_demo_orders")));
    assert_null(catalog_tool(demo, SLICE("list_all_demo_orders ")));
    assert_null(catalog_tool(demo, SLICE_EMPTY));
    fixture_free(fixture);
}

/* "get_single_demo_" + singular + "_by_id" is 64 characters with 42 of the singular's.
 */
static void test_a_name_may_have_64_characters_and_no_more(void **state)
{
    static const struct {
        const char *singular;
        enum err err;
    } cases[] = {
        {"abcdefghijklmnopqrstuvwxyz0123456789_abcde", ERR_OK},
        {"abcdefghijklmnopqrstuvwxyz0123456789_abcdef", ERR_UNPROCESSABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture *fixture = fixture_new();

        fixture_replace(fixture, "demo/resources/orders.json", FIXTURE_RESOURCE,
                        "\"order\"",
                        arena_printf(fixture->arena, "\"%s\"", cases[i].singular).ptr);
        assert_int_equal(fixture_try(fixture, NULL), cases[i].err);
        fixture_free(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_follow_the_kind_of_the_method),
        cmocka_unit_test(test_tools_are_found_by_their_exact_name_only),
        cmocka_unit_test(test_a_name_may_have_64_characters_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
