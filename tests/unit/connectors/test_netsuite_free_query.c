/* SPDX-License-Identifier: Apache-2.0 */
/* The query its caller writes: what is sent, what comes back, who may see the tool. */
#include "tests/unit/connectors/world.h"

#define QUERY "netsuite_suiteql_query"

static struct op query_op(const struct world *world, const char *arguments,
                          size_t limit)
{
    return world_op(world, world->arena, QUERY, world_json(world->arena, arguments),
                    NULL, limit);
}

static enum connector_step begin(const struct world *world, struct op *op)
{
    return world->connector->begin(op, op->tool->plan);
}

static void test_a_query_goes_out_with_its_values_beside_it(void **state)
{
    struct world world = world_new();
    struct op op = query_op(&world,
                            "{\"query\":\"SELECT id FROM customer WHERE id > ? AND "
                            "entityid = ? -- x\",\"params\":[12.50,\"O'B; DROP\"]}",
                            25);

    (void)state;
    assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
    assert_slice(op.request.method, "POST");
    assert_slice(op.request.url,
                 "https://tstdrv1234567.suitetalk.api.netsuite.com/services/rest/query/"
                 "v1/suiteql?limit=25&offset=0");
    assert_slice(op.request.body,
                 "{\"params\":[12.50,\"O'B; DROP\"],\"q\":\"SELECT id FROM "
                 "customer WHERE id > ? AND entityid = ?  \"}");
    assert_false(op.request.is_write);
    world_free(&world);
}

static void test_what_is_not_sent_is_named(void **state)
{
    static const struct {
        const char *arguments, *pointer;
    } cases[] = {
        {"{}", "/query"},
        {"{\"query\":\"DELETE FROM x\"}", "/query"},
        {"{\"query\":\"SELECT 1; SELECT 2\"}", "/query"},
        {"{\"query\":\"SELECT ? FROM dual\"}", "/params"},
        {"{\"query\":\"SELECT 1 FROM dual\",\"params\":[\"a\"]}", "/params"},
        {"{\"query\":\"SELECT '?' FROM dual\",\"params\":[\"a\"]}", "/params"},
        {"{\"query\":\"SELECT ?, ? FROM dual\",\"params\":[1,null]}", "/params/1"},
    };
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op op = query_op(&world, cases[i].arguments, 25);
        assert_int_equal(begin(&world, &op), CONNECTOR_FAILED);
        assert_int_equal(op.fault.err, ERR_INVALID_ARGUMENTS);
        assert_slice(op.fault.details[0].pointer, cases[i].pointer);
    }
    world_free(&world);
}

static void test_rows_come_as_text_and_no_more_than_asked_for(void **state)
{
    static const char rows[] =
        "{\"items\":[{\"links\":[],\"a\":\"1250.10\",\"b\":7.10,\"c\":true,\"d\":null,"
        "\"e\":{\"x\":1}},{\"links\":[],\"a\":\"2\"},{\"a\":\"3\"}],\"hasMore\":true}";
    struct world world = world_new();
    struct op op = query_op(&world, "{\"query\":\"SELECT a FROM t\"}", 2);

    (void)state;
    assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
    assert_int_equal(world_answer(&world, &op, 200, WORLD_COLLECTION, rows),
                     CONNECTOR_DONE);
    assert_int_equal(op.result.records->count, 2);
    const struct jval *row = &op.result.records->items[0];
    assert_int_equal(row->count, 4);
    assert_slice(jval_text(jval_get(row, "a")), "1250.10");
    assert_slice(jval_text(jval_get(row, "b")), "7.10");
    assert_slice(jval_text(jval_get(row, "c")), "T");
    assert_true(jval_is(jval_get(row, "d"), JVAL_NULL));
    assert_slice(op.result.next_page, "offset=2");
    assert_int_equal(op.result.message_count, 2); /* the note, and no ORDER BY */
    world_free(&world);
}

static void test_a_query_ends_at_its_ceiling_of_rows(void **state)
{
    struct world world = world_new();
    struct op op = query_op(&world, "{\"query\":\"SELECT a FROM t ORDER BY a\"}", 200);

    (void)state;
    op.page = SLICE("offset=9999");
    assert_int_equal(begin(&world, &op), CONNECTOR_SEND);
    op.page = SLICE("offset=10000");
    assert_int_equal(begin(&world, &op), CONNECTOR_FAILED);
    assert_int_equal(op.fault.err, ERR_TOO_LARGE);
    world_free(&world);
}

static bool shown(const struct world *world, const char *config)
{
    struct filter *filter = NULL;
    struct schema_problem problem;

    return filter_compile(world->arena, world->integration,
                          world_json(world->arena, config), &filter,
                          &problem) == ERR_OK &&
           filter_allows(filter, catalog_tool(world->integration, SLICE(QUERY)));
}

static void test_only_a_config_that_names_it_shows_the_tool(void **state)
{
    static const struct {
        const char *config;
        bool shown;
    } cases[] = {
        {"{}", false},
        {"{\"methods\":[\"custom\"]}", false},
        {"{\"methods\":[\"read\",\"write\",\"custom\"]}", false},
        {"{\"tags\":[\"query\"]}", false},
        {"{\"tags\":[\"query\",\"ledger\"]}", false},
        {"{\"methods\":[\"query\"]}", true},
        {"{\"methods\":[\"read\",\"query\"]}", true},
        {"{\"tools\":[\"" QUERY "\"]}", true},
        {"{\"tools\":[\"" QUERY "\"],\"methods\":[\"custom\"]}", true},
        {"{\"tools\":[\"" QUERY "\",\"list_all_netsuite_accounts\"],\"methods\":"
         "[\"read\"]}",
         false},
        {"{\"methods\":[\"query\",\"list\"],\"tags\":[\"ledger\"]}", false},
    };
    struct world world = world_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (shown(&world, cases[i].config) != cases[i].shown) {
            fail_msg("%s", cases[i].config);
        }
    }
    world_free(&world);
}

static void test_a_plan_names_each_mistake_with_its_pointer(void **state)
{
#define START "{\"service\":\"free_suiteql\","
    static const struct {
        const char *upstream, *pointer;
    } cases[] = {
        {START "\"query\":\"x\",\"params\":\"p\",\"rows_max\":1}", "/query"},
        {START "\"query\":\"q\",\"params\":\"x\",\"rows_max\":1}", "/params"},
        {START "\"query\":\"q\",\"params\":\"q\",\"rows_max\":1}", "/params"},
        {START "\"query\":\"q\",\"params\":\"p\"}", "/rows_max"},
        {START "\"query\":\"q\",\"params\":\"p\",\"rows_max\":100001}", "/rows_max"},
        {START "\"query\":\"q\",\"params\":\"p\",\"rows_max\":1,\"x\":1}", "/x"},
    };
    static const char good[] = START "\"query\":\"q\",\"params\":\"p\",\"rows_max\":9}";
    const struct argument arguments[] = {
        {.name = SLICE("limit"), .place = ARGUMENT_PAGING},
        {.name = SLICE("p"), .place = ARGUMENT_QUERY},
        {.name = SLICE("q"), .place = ARGUMENT_QUERY},
    };
    struct tool tool = {.kind = METHOD_CUSTOM,
                        .pages = true,
                        .opt_in = true,
                        .as_sent = true,
                        .arguments = arguments,
                        .argument_count = 3};
    const struct connector *connector = connector_find(SLICE("netsuite"));
    struct arena *arena = arena_new();
    struct schema_problem problem;
    const void *plan = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(connector->compile(arena, world_json(arena, cases[i].upstream),
                                            &tool, &plan, &problem),
                         ERR_UNPROCESSABLE);
        assert_slice(problem.pointer, cases[i].pointer);
    }
    assert_int_equal(
        connector->compile(arena, world_json(arena, good), &tool, &plan, &problem),
        ERR_OK);
    for (int i = 0; i < 4; i++) {
        struct tool wrong = tool;
        wrong.opt_in = i != 0;
        wrong.pages = i != 1;
        wrong.as_sent = i != 2;
        wrong.writes = i == 3;
        assert_int_equal(
            connector->compile(arena, world_json(arena, good), &wrong, &plan, &problem),
            ERR_UNPROCESSABLE);
        assert_slice(problem.pointer, "/service");
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_query_goes_out_with_its_values_beside_it),
        cmocka_unit_test(test_what_is_not_sent_is_named),
        cmocka_unit_test(test_rows_come_as_text_and_no_more_than_asked_for),
        cmocka_unit_test(test_a_query_ends_at_its_ceiling_of_rows),
        cmocka_unit_test(test_only_a_config_that_names_it_shows_the_tool),
        cmocka_unit_test(test_a_plan_names_each_mistake_with_its_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
