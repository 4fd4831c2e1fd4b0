/* SPDX-License-Identifier: Apache-2.0 */
/* What tools/list shows: texts are compiled by our own validator and tried on samples.
 */
#include "tests/unit/catalog/fixture.h"

#include "catalog/schema.h"

struct bench {
    struct fixture *fixture;
    struct schema *schema;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    bench->fixture = fixture_new();
    fixture_replace(
        bench->fixture, "demo/documentation/orders.json", FIXTURE_DOCUMENTATION,
        "{\"name\":\"total\"",
        "{\"name\":\"status\",\"type\":\"string\",\"class\":\"business\",\"from\":["
        "\"s\"],"
        "\"map\":{\"A\":\"open\",\"B\":\"paid\",\"C\":\"paid\"},\"map_other\":null,"
        "\"default\":\"open\"},"
        "{\"name\":\"is_closed\",\"type\":\"boolean\",\"class\":\"public\",\"from\":["
        "\"c\"]},"
        "{\"name\":\"lines\",\"type\":\"array\",\"class\":\"business\",\"from\":[\"l\"]"
        ","
        "\"fields\":[{\"name\":\"line\",\"type\":\"integer\",\"class\":\"public\","
        "\"from\":[\"n\"]}]},{\"name\":\"total\"");
    (void)fixture_load(bench->fixture);
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

static const struct tool *tool(struct bench *bench, const char *name)
{
    return fixture_tool(bench->fixture, name);
}

static void compile(struct bench *bench, struct slice text)
{
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    struct jval *json = NULL;

    assert_int_equal(jval_parse(bench->fixture->arena, text, &json, NULL), ERR_OK);
    if (schema_compile(bench->fixture->arena, json, &bench->schema, &problem) !=
        ERR_OK) {
        fail_msg("%.*s: %.*s", SLICE_ARG(problem.pointer), SLICE_ARG(problem.message));
    }
}

static bool fits(struct bench *bench, const char *value)
{
    struct fault_detail details[4];
    size_t count;

    return schema_check(bench->schema, fixture_json(bench->fixture, value),
                        bench->fixture->arena, details, 4, &count);
}

/* ---- Input ---- */

static void test_the_input_schema_is_flat_and_closed(void **state)
{
    struct bench *bench = *state;

    assert_slice(
        tool(bench, "list_all_demo_orders")->input_schema,
        "{\"type\":\"object\",\"properties\":{\"status\":{\"type\":\"string\",\"enum\":"
        "["
        "\"open\",\"closed\"]},\"since\":{\"type\":\"string\",\"format\":\"date\"},"
        "\"limit\":{\"description\":\"How many records one page holds, 1 to 200.\","
        "\"anyOf\":[{\"type\":\"integer\",\"minimum\":1,\"maximum\":200},"
        "{\"type\":\"string\",\"pattern\":\"^([1-9][0-9]?|1[0-9]{2}|200)$\"}],"
        "\"default\":25},\"next_cursor\":{\"type\":\"string\",\"minLength\":1,"
        "\"maxLength\":4096,\"description\":\"Where the next page starts, out of the "
        "answer "
        "before. Always send back exactly the cursor value you received without "
        "decoding, "
        "modifying, or parsing it.\"}},\"additionalProperties\":false}");
    assert_slice(tool(bench, "demo_orders_count")->input_schema,
                 "{\"type\":\"object\",\"additionalProperties\":false}");
}

static void test_places_in_the_body_are_not_shown(void **state)
{
    struct bench *bench = *state;
    struct slice text = tool(bench, "create_a_demo_order")->input_schema;

    assert_false(fixture_contains(text, "x-path"));
    assert_false(fixture_contains(text, "item.items"));
    assert_true(fixture_contains(text, "\"required\":[\"customer\"]"));
    assert_true(
        fixture_contains(text, "\"quantity\":{\"type\":\"integer\",\"minimum\":1}"));
}

static void test_get_update_and_delete_require_an_id(void **state)
{
    static const char *const names[] = {"get_single_demo_order_by_id",
                                        "update_a_demo_order_by_id",
                                        "delete_a_demo_order_by_id"};
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        compile(bench, tool(bench, names[i])->input_schema);
        assert_true(fits(bench, "{'id':'1'}"));
        assert_false(fits(bench, "{}"));
        assert_false(fits(bench, "{'id':'0123456789012345678901234567890123456789"
                                 "0123456789012345678901234'}"));
    }
}

static void test_a_catalogs_own_page_size_is_the_default(void **state)
{
    struct fixture *fixture = fixture_new();

    (void)state;
    fixture_replace(
        fixture, "demo/integration.json", FIXTURE_INTEGRATION, "\"limits\"",
        "\"pagination\":{\"default_limit\":50,\"max_limit\":200},\"limits\"");
    (void)fixture_load(fixture);
    assert_true(fixture_contains(
        fixture_tool(fixture, "list_all_demo_orders")->input_schema, "\"default\":50"));
    fixture_free(fixture);
}

static void test_root_keywords_of_an_input_reach_the_wire_unchanged(void **state)
{
    struct fixture *fixture = fixture_new();
    const struct tool *create;

    (void)state;
    fixture_replace(
        fixture, "demo/documentation/orders.json", FIXTURE_DOCUMENTATION,
        "\"required\":[\"customer\"]",
        "\"$defs\":{\"text\":{\"$anchor\":\"t\",\"type\":\"string\"}},"
        "\"if\":{\"properties\":{\"unit\":{\"const\":\"kg\"}},\"required\":[\"unit\"]},"
        "\"then\":{\"required\":[\"quantity\"]},\"anyOf\":[{\"required\":[\"memo\"]},"
        "{\"required\":[\"customer\"]}]");
    (void)fixture_load(fixture);
    create = fixture_tool(fixture, "create_a_demo_order");

    assert_true(fixture_contains(create->input_schema, "\"$anchor\":\"t\""));
    assert_true(fixture_contains(create->input_schema,
                                 "\"then\":{\"required\":[\"quantity\"]}"));
    fixture_free(fixture);
}

/* ---- Output ---- */

#define META                                                                      \
    "'_meta':{'request_id':'r','fields_redacted':[],'fields_truncated':['memo']," \
    "'token_estimate':9}"
#define ENVELOPE(data)                                                     \
    "{'resource':'orders','method':'list','integration':'demo',"           \
    "'timestamp':'2026-11-20T09:30:00Z','pagination':{'next_cursor':null," \
    "'has_more':false,'limit':25},'data':" data "," META "}"

static void test_the_output_schema_takes_records(void **state)
{
    struct bench *bench = *state;

    compile(bench, tool(bench, "list_all_demo_orders")->output_schema);

    assert_true(fits(bench, ENVELOPE("[]")));
    assert_true(fits(bench, ENVELOPE("[{'id':'1','status':'open','is_closed':false,"
                                     "'lines':[{'line':1}],'total':'1250.00'}]")));
    assert_true(fits(bench, ENVELOPE("[{'id':null,'status':null,'is_closed':null,"
                                     "'lines':null,'total':null}]")));
    assert_true(fits(bench, ENVELOPE("[{'id':'1'}]"))); /* the rest was redacted */
    assert_false(fits(bench, ENVELOPE("[{'total':1250.00}]")));
    assert_false(fits(bench, ENVELOPE("[{'status':'unknown'}]")));
    assert_false(fits(bench, ENVELOPE("[{'is_closed':'T'}]")));
    assert_false(fits(bench, ENVELOPE("[{'lines':[{'line':'1'}]}]")));
    assert_false(fits(bench, ENVELOPE("{'id':'1'}")));
    assert_false(fits(bench, ENVELOPE("null")));
    assert_false(fits(bench, "{'data':[]," META "}"));
    assert_false(fits(bench, "{}"));
    assert_false(fits(bench, "[]"));
}

static void test_the_output_schema_takes_every_error(void **state)
{
    struct bench *bench = *state;

    compile(bench, tool(bench, "get_single_demo_order_by_id")->output_schema);

    for (enum err err = ERR_OK; err < ERR_COUNT; err++) {
        struct slice sample = arena_printf(
            bench->fixture->arena,
            "{'error':{'code':'%s','message':'m','request_id':'r'}}", err_code(err));

        assert_int_equal(fits(bench, sample.ptr),
                         err != ERR_OK && err_is_tool_code(err));
    }
    assert_true(fits(bench, "{'error':{'code':'account_busy','message':'m','hint':'h',"
                            "'retry_after_seconds':2,'in_flight':5,'ceiling':5,"
                            "'queue_depth':32,'request_id':'r'}}"));
    assert_true(fits(bench, "{'error':{'code':'validation_failed','message':'m',"
                            "'hint':null,'upstream':{'status':400,'code':'USER_ERROR',"
                            "'message':null,'request_id':null},'request_id':'r'}}"));
    assert_true(fits(bench, "{'error':{'code':'invalid_arguments','message':'m',"
                            "'details':[{'pointer':'/limit','message':'x'}],"
                            "'request_id':'r'}}"));
    assert_false(fits(bench, "{'error':{'code':'internal','message':'m'}}"));
    assert_false(fits(bench,
                      "{'error':{'code':'internal','message':'m','request_id':'r',"
                      "'retry_after_seconds':1.5}}"));
    assert_false(fits(bench, "{'error':'internal'}"));
}

static void test_the_output_schema_takes_work_that_goes_on(void **state)
{
    struct bench *bench = *state;

    compile(bench, tool(bench, "create_a_demo_order")->output_schema);

    assert_true(fits(bench,
                     "{'resource':'orders','method':'create','integration':'demo',"
                     "'timestamp':'t','status':'accepted','poll_id':'p',"
                     "'retry_after_seconds':5,'data':null,"
                     "'_meta':{'instruction':'Poll.'}}"));
    assert_false(fits(bench, "{'status':'done','poll_id':'p','data':null,"
                             "'_meta':{'instruction':'Poll.'}}"));
    assert_false(
        fits(bench, "{'status':'running','poll_id':'p','data':null,'_meta':{}}"));
    assert_false(fits(bench, "{'status':'running','poll_id':'p','data':{},"
                             "'_meta':{'instruction':'Poll.'}}"));
}

static void test_a_closed_map_shows_its_values_once(void **state)
{
    struct bench *bench = *state;

    assert_true(
        fixture_contains(tool(bench, "list_all_demo_orders")->output_schema,
                         "\"status\":{\"anyOf\":[{\"type\":\"string\",\"enum\":["
                         "\"open\",\"paid\"]},{\"type\":\"null\"}]}"));
    assert_true(fixture_contains(tool(bench, "list_all_demo_orders")->output_schema,
                                 "\"total\":{\"$ref\":\"#/$defs/text\",\"description\":"
                                 "\"Decimal text.\"}"));
}

static void test_a_delete_returns_the_id_unless_it_says_more(void **state)
{
    struct bench *bench = *state;
    const struct tool *remove_order = tool(bench, "delete_a_demo_order_by_id");

    assert_int_equal(remove_order->field_count, 1);
    assert_slice(remove_order->fields[0].name, "id");
}

/* ---- The rest ---- */

static void test_annotations_tell_the_truth_by_kind(void **state)
{
    static const struct {
        const char *name, *expected;
    } tools[] = {
        {"list_all_demo_orders", "true,false,true"},
        {"get_single_demo_order_by_id", "true,false,true"},
        {"create_a_demo_order", "false,false,false"},
        {"update_a_demo_order_by_id", "false,true,true"},
        {"delete_a_demo_order_by_id", "false,true,true"},
        {"demo_orders_approve", "false,true,false"},
        {"demo_orders_count", "true,false,true"},
    };
    static const char *const hints[] = {"readOnlyHint", "destructiveHint",
                                        "idempotentHint"};
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
        struct jval *value = NULL;
        char seen[64] = "";

        assert_int_equal(jval_parse(bench->fixture->arena,
                                    tool(bench, tools[i].name)->annotations, &value,
                                    NULL),
                         ERR_OK);
        for (size_t h = 0; h < 3; h++) {
            size_t len = strlen(seen);

            snprintf(seen + len, sizeof seen - len, "%s%s", h > 0 ? "," : "",
                     jval_is(jval_get(value, hints[h]), JVAL_TRUE) ? "true" : "false");
        }
        assert_string_equal(seen, tools[i].expected);
        assert_true(jval_is(jval_get(value, "openWorldHint"), JVAL_TRUE));
        assert_int_equal(value->count, 4);
    }
}

static void test_the_share_of_a_list_is_the_tool_objects_size(void **state)
{
    struct bench *bench = *state;
    const struct tool *list = tool(bench, "list_all_demo_orders");
    struct slice object =
        arena_printf(bench->fixture->arena,
                     "{\"name\":\"%.*s\",\"title\":\"%.*s\",\"description\":\"%.*s\","
                     "\"inputSchema\":%.*s,"
                     "\"outputSchema\":%.*s,\"annotations\":%.*s},",
                     SLICE_ARG(list->name), SLICE_ARG(list->title),
                     SLICE_ARG(list->description), SLICE_ARG(list->input_schema),
                     SLICE_ARG(list->output_schema), SLICE_ARG(list->annotations));

    assert_int_equal(list->list_bytes, object.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_input_schema_is_flat_and_closed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_places_in_the_body_are_not_shown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_get_update_and_delete_require_an_id, setup,
                                        teardown),
        cmocka_unit_test(test_a_catalogs_own_page_size_is_the_default),
        cmocka_unit_test(test_root_keywords_of_an_input_reach_the_wire_unchanged),
        cmocka_unit_test_setup_teardown(test_the_output_schema_takes_records, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_output_schema_takes_every_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_output_schema_takes_work_that_goes_on,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_closed_map_shows_its_values_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_a_delete_returns_the_id_unless_it_says_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_annotations_tell_the_truth_by_kind, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_the_share_of_a_list_is_the_tool_objects_size, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
