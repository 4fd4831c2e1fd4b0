/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of an MCP server: what they let through, and which are refused. */
#include "tests/unit/catalog/fixture.h"

struct bench {
    struct fixture *fixture;
    const struct integration *demo;
    struct filter *filter;
    struct schema_problem problem;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    bench->fixture = fixture_new();
    bench->demo = fixture_load(bench->fixture);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    fixture_free(bench->fixture);
    free(bench);
    return 0;
}

static enum err compile(struct bench *bench, const char *config)
{
    return filter_compile(bench->fixture->arena, bench->demo,
                          fixture_json(bench->fixture, config), &bench->filter,
                          &bench->problem);
}

/* The methods let through, in the order of the tools' names, each with a space behind.
 */
static void assert_allows(struct bench *bench, const char *config, const char *expected)
{
    struct slice seen = SLICE_EMPTY;

    if (compile(bench, config) != ERR_OK) {
        fail_msg("%s: %.*s %.*s", config, SLICE_ARG(bench->problem.pointer),
                 SLICE_ARG(bench->problem.message));
    }
    for (size_t i = 0; i < bench->demo->tool_count; i++) {
        if (filter_allows(bench->filter, bench->demo->tools[i])) {
            seen = arena_printf(bench->fixture->arena, "%.*s%.*s ", SLICE_ARG(seen),
                                SLICE_ARG(bench->demo->tools[i]->method));
        }
    }
    assert_slice(seen, expected);
}

static void assert_refused(struct bench *bench, const char *config, const char *pointer,
                           const char *message)
{
    if (compile(bench, config) != ERR_UNPROCESSABLE) {
        fail_msg("accepted: %s", config);
    }
    assert_slice(bench->problem.pointer, pointer);
    if (!fixture_contains(bench->problem.message, message)) {
        fail_msg("\"%.*s\" does not say \"%s\"", SLICE_ARG(bench->problem.message),
                 message);
    }
}

static void test_without_a_filter_everything_is_allowed(void **state)
{
    struct bench *bench = *state;

    assert_allows(bench, "{}", "create delete approve count get list update ");
    assert_allows(bench, "{'methods':null,'tags':null,'tools':null,'profile':'x'}",
                  "create delete approve count get list update ");
}

static void test_methods_are_kinds_or_names(void **state)
{
    struct bench *bench = *state;

    assert_allows(bench, "{'methods':['read']}", "get list ");
    assert_allows(bench, "{'methods':['write']}", "create delete update ");
    assert_allows(bench, "{'methods':['custom']}", "approve count ");
    assert_allows(bench, "{'methods':['read','approve']}", "approve get list ");
    assert_allows(bench, "{'methods':['update','list']}", "list update ");
}

static void test_tags_are_those_of_resource_and_method(void **state)
{
    struct bench *bench = *state;

    assert_allows(bench, "{'tags':['sales']}",
                  "create delete approve count get list update ");
    assert_allows(bench, "{'tags':['bulk']}", "list ");
    assert_allows(bench, "{'tags':['none','bulk']}", "list ");
}

static void test_tools_are_exact_names(void **state)
{
    struct bench *bench = *state;

    assert_allows(bench, "{'tools':['list_all_demo_orders','create_a_demo_order']}",
                  "create list ");
}

static void test_filters_are_and_ed(void **state)
{
    struct bench *bench = *state;

    assert_allows(bench,
                  "{'methods':['read'],'tags':['sales'],"
                  "'tools':['list_all_demo_orders','create_a_demo_order']}",
                  "list ");
}

static void test_ill_formed_filters_are_named(void **state)
{
    struct bench *bench = *state;

    assert_refused(bench, "{'methods':'read'}", "/methods", "an array");
    assert_refused(bench, "{'tags':['a',1]}", "/tags/1", "a name");
    assert_refused(bench, "{'tools':['']}", "/tools/0", "a name");
    assert_refused(bench, "{'methods':['read','lst']}", "/methods/1", "neither read");
    assert_refused(bench, "{'tools':['list_all_demo_orders','list_all_demo_order']}",
                   "/tools/1", "no tool");
}

static void test_a_filter_that_leaves_nothing_is_named(void **state)
{
    struct bench *bench = *state;

    assert_refused(bench, "{'methods':[]}", "/methods", "leaves no tool");
    assert_refused(bench, "{'tags':['purchase']}", "/tags", "leaves no tool");
    assert_refused(bench, "{'tools':[]}", "/tools", "leaves no tool");
    assert_refused(bench, "{'methods':['write'],'tags':['bulk']}", "",
                   "methods and tags together leave no tool");
    assert_refused(
        bench, "{'methods':['read'],'tags':['sales'],'tools':['create_a_demo_order']}",
        "", "methods and tags and tools together leave no tool");
}

static void test_a_kind_that_no_tool_has_may_stand_beside_one_that_has(void **state)
{
    struct bench *bench = *state;
    struct fixture *fixture = fixture_new();

    fixture_write(fixture, "demo/documentation/orders.json",
                  "{\"resource\":\"orders\",\"fields\":{},\"methods\":{\"list\":{"
                  "\"title\":\"T\",\"description\":\"D\"}}}");
    bench->demo = fixture_load(fixture);

    assert_allows(bench, "{'methods':['read','write','create']}", "list ");
    assert_refused(bench, "{'methods':['write']}", "/methods", "leaves no tool");
    fixture_free(fixture);
}

static void test_a_filter_that_was_set_once_is_taken_whatever_there_is(void **state)
{
    struct bench *bench = *state;
    const struct integration *demo = bench->demo;

    bench->demo = NULL; /* as a server's config is read again */
    assert_int_equal(compile(bench, "{'methods':['gone','get'],'tools':['gone_tool',"
                                    "'get_single_demo_order_by_id']}"),
                     ERR_OK);
    bench->demo = demo;
    for (size_t i = 0; i < demo->tool_count; i++) {
        assert_int_equal(filter_allows(bench->filter, demo->tools[i]),
                         slice_is(demo->tools[i]->method, "get"));
    }
    bench->demo = NULL;
    assert_int_equal(compile(bench, "{'tags':['gone']}"), ERR_OK);
    bench->demo = demo;
    for (size_t i = 0; i < demo->tool_count; i++) {
        assert_false(filter_allows(bench->filter, demo->tools[i]));
    }
    bench->demo = NULL;
    assert_refused(bench, "{'tags':'x'}", "/tags", "array");
    bench->demo = demo;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_filter_that_was_set_once_is_taken_whatever_there_is, setup,
            teardown),
        cmocka_unit_test_setup_teardown(test_without_a_filter_everything_is_allowed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_methods_are_kinds_or_names, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_tags_are_those_of_resource_and_method,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_tools_are_exact_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_filters_are_and_ed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ill_formed_filters_are_named, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_filter_that_leaves_nothing_is_named,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_kind_that_no_tool_has_may_stand_beside_one_that_has, setup,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
