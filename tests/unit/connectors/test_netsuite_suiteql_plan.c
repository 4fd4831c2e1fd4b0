/* SPDX-License-Identifier: Apache-2.0 */
/* Which SuiteQL methods a catalog may not describe, and what is said about them. */
#include "tests/unit/connectors/world.h"

static const struct argument arguments[] = {
    {.name = {"day", 3}, .place = ARGUMENT_QUERY},
    {.name = {"limit", 5}, .place = ARGUMENT_PAGING},
    {.name = {"next_cursor", 11}, .place = ARGUMENT_PAGING}};

static enum err compile_for(struct arena *arena, const struct tool *tool,
                            const char *upstream, struct schema_problem *problem)
{
    const void *plan = NULL;
    *problem = (struct schema_problem){.pointer = SLICE("untouched")};
    enum err err =
        connector_find(SLICE("netsuite"))
            ->compile(arena, world_json(arena, upstream), tool, &plan, problem);

    assert_true((err == ERR_OK) == (plan != NULL));
    return err;
}

static void test_a_plan_names_each_mistake_with_its_pointer(void **state)
{
#define HEAD "{\"service\":\"suiteql\",\"from\":\"t\",\"select\":{\"id\":\"t.id\"}"
#define DAY "\"filters\":{\"day\":{\"sql\":\"t.d = ?\",\"bind\":\"date\"}}"
#define TAIL "," DAY ",\"order_by\":\"t.id\"}"
    static const struct {
        const char *upstream, *pointer;
    } cases[] = {
        {"{}", "/service"},
        {"{\"service\":\"xml\"}", "/service"},
        {"{\"service\":\"soap\"}", "/operation"},
        {HEAD ",\"limit\":1" TAIL, "/limit"},
        {"{\"service\":\"suiteql\",\"from\":\"t\"" TAIL, "/select"},
        {"{\"service\":\"suiteql\",\"from\":\"t\",\"select\":{}" TAIL, "/select"},
        {"{\"service\":\"suiteql\",\"select\":{\"id\":\"t.id\"}" TAIL, "/from"},
        {"{\"service\":\"suiteql\",\"from\":\"t; "
         "DROP\",\"select\":{\"id\":\"t.id\"}" TAIL,
         "/from"},
        {"{\"service\":\"suiteql\",\"from\":\"t\",\"select\":{\"Id\":\"t.id\"}" TAIL,
         "/select/Id"},
        {"{\"service\":\"suiteql\",\"from\":\"t\",\"select\":{\"id\":1}" TAIL,
         "/select/id"},
        {"{\"service\":\"suiteql\",\"from\":\"t\",\"select\":{\"id\":\"?\"}" TAIL,
         "/select/id"},
        {"{\"service\":\"suiteql\",\"from\":\"t\",\"select\":{\"id\":\"(t.id\"}" TAIL,
         "/select/id"},
        {"{\"service\":\"suiteql\",\"from\":\"t\",\"select\":{\"id\":\"t.id)\"}" TAIL,
         "/select/id"},
        {"{\"service\":\"suiteql\",\"from\":\"t\",\"select\":{\"id\":\"t.id\\n\"}" TAIL,
         "/select/id"},
        {HEAD ",\"where\":\"x\"" TAIL, "/where"},
        {HEAD ",\"where\":[\"a = 1\",\"b = 'x\"]" TAIL, "/where/1"},
        {HEAD ",\"where\":[\"a = 1 -- b\"]" TAIL, "/where/0"},
        {HEAD ",\"where\":[\"a = /* */ 1\"]" TAIL, "/where/0"},
        {HEAD ",\"where\":[\"a = ?\"]" TAIL, "/where/0"},
        {HEAD ",\"order_by\":\"t.id\"}", "/filters"},
        {HEAD ",\"filters\":[],\"order_by\":\"t.id\"}", "/filters"},
        {HEAD ",\"filters\":{\"month\":{\"sql\":\"t.d = ?\",\"bind\":\"date\"}}}",
         "/filters/month"},
        {HEAD ",\"filters\":{\"limit\":{\"sql\":\"t.d = ?\",\"bind\":\"date\"}}}",
         "/filters/limit"},
        {HEAD ",\"filters\":{\"day\":\"t.d = ?\"}}", "/filters/day"},
        {HEAD ",\"filters\":{\"day\":{\"sql\":\"t.d = 1\",\"bind\":\"date\"}}}",
         "/filters/day/sql"},
        {HEAD
         ",\"filters\":{\"day\":{\"sql\":\"t.d = ? OR t.e = ?\",\"bind\":\"date\"}}}",
         "/filters/day/sql"},
        {HEAD ",\"filters\":{\"day\":{\"sql\":\"t.d = '?'\",\"bind\":\"date\"}}}",
         "/filters/day/sql"},
        {HEAD ",\"filters\":{\"day\":{\"sql\":\"t.d = ?\"}}}", "/filters/day/bind"},
        {HEAD ",\"filters\":{\"day\":{\"sql\":\"t.d = ?\",\"bind\":\"number\"}}}",
         "/filters/day/bind"},
        {HEAD
         ",\"filters\":{\"day\":{\"sql\":\"t.d = ?\",\"bind\":\"date\",\"times\":0}}}",
         "/filters/day/times"},
        {HEAD
         ",\"filters\":{\"day\":{\"sql\":\"t.d = ?\",\"bind\":\"date\",\"as\":1}}}",
         "/filters/day/as"},
        {HEAD ",\"filters\":{\"day\":{\"values\":{}}}}", "/filters/day/values"},
        {HEAD ",\"filters\":{\"day\":{\"values\":{\"a\":\"x = ?\"}}}}",
         "/filters/day/values/a"},
        {HEAD ",\"filters\":{\"day\":{\"values\":{\"a\":\"x\"},\"bind\":\"id\"}}}",
         "/filters/day/bind"},
        {HEAD "," DAY "}", "/order_by"},
        {HEAD "," DAY ",\"order_by\":\"\"}", "/order_by"},
        {HEAD "," DAY ",\"order_by\":\"t.id\",\"rows\":5}", "/rows"},
    };
    const struct tool list = {.kind = METHOD_LIST,
                              .pages = true,
                              .arguments = arguments,
                              .argument_count = 3};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_new();
        struct schema_problem problem;
        if (compile_for(arena, &list, cases[i].upstream, &problem) !=
            ERR_UNPROCESSABLE) {
            fail_msg("compiled: %s", cases[i].upstream);
        }
        if (!slice_is(problem.pointer, cases[i].pointer)) {
            fail_msg("%.*s (%.*s) for %s", SLICE_ARG(problem.pointer),
                     SLICE_ARG(problem.message), cases[i].upstream);
        }
        assert_true(problem.message.len > 0);
        arena_free(arena);
    }
    struct arena *arena = arena_new();
    struct schema_problem problem;
    assert_int_equal(compile_for(arena, &list, HEAD TAIL, &problem), ERR_OK);
    arena_free(arena);
}

static void test_a_plan_refuses_to_write_and_to_ignore_body_arguments(void **state)
{
    struct arena *arena = arena_new();
    struct argument body[] = {{.name = {"day", 3}, .place = ARGUMENT_BODY}};
    const struct tool writer = {.kind = METHOD_CUSTOM,
                                .writes = true,
                                .arguments = arguments,
                                .argument_count = 3};
    const struct tool reader = {
        .kind = METHOD_CUSTOM, .arguments = body, .argument_count = 1};
    struct schema_problem problem;

    (void)state;
    assert_int_equal(compile_for(arena, &writer, HEAD TAIL, &problem),
                     ERR_UNPROCESSABLE);
    assert_slice(problem.pointer, "/service");
    assert_int_equal(compile_for(arena, &reader, HEAD TAIL, &problem),
                     ERR_UNPROCESSABLE);
    assert_slice(problem.pointer, "/filters/day");
    assert_int_equal(compile_for(arena, NULL, HEAD ",\"rows\":1001}", &problem),
                     ERR_UNPROCESSABLE);
    assert_slice(problem.pointer, "/rows");
    arena_free(arena);
}

/* Every value that a documented enum allows has its condition, and no other has one. */
static void test_choices_of_the_catalog_are_those_of_its_documentation(void **state)
{
    struct world world = world_new();
    size_t checked = 0;

    (void)state;
    for (size_t i = 0; i < world.integration->tool_count; i++) {
        const struct tool *tool = world.integration->tools[i];
        const struct jval *filters = jval_get(tool->upstream, "filters");
        struct jval *schema = NULL;
        assert_int_equal(jval_parse(world.arena, tool->input_schema, &schema, NULL),
                         ERR_OK);
        for (size_t f = 0; filters != NULL && f < filters->count; f++) {
            const struct jval *values = jval_get(&filters->members[f].value, "values");
            const struct jval *property =
                jval_member(jval_get(schema, "properties"), filters->members[f].name);
            const struct jval *allowed = jval_get(property, "enum");
            assert_non_null(property);
            if (values == NULL) {
                assert_null(allowed);
                assert_slice(jval_text(jval_get(property, "type")), "string");
                continue;
            }
            checked++;
            if (allowed == NULL) {
                assert_slice(jval_text(jval_get(property, "type")), "boolean");
                assert_int_equal(values->count, 2);
                assert_non_null(jval_get(values, "true"));
                assert_non_null(jval_get(values, "false"));
                continue;
            }
            assert_int_equal(values->count, allowed->count);
            for (size_t v = 0; v < allowed->count; v++) {
                assert_non_null(jval_member(values, jval_text(&allowed->items[v])));
            }
        }
    }
    assert_int_equal(checked, 11);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_names_each_mistake_with_its_pointer),
        cmocka_unit_test(test_a_plan_refuses_to_write_and_to_ignore_body_arguments),
        cmocka_unit_test(test_choices_of_the_catalog_are_those_of_its_documentation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
