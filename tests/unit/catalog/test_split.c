/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments: checked, named where they are wrong, and parted into path, query and body.
 */
#include "tests/unit/catalog/fixture.h"

#include "base/buf.h"

struct bench {
    struct fixture *fixture;
    struct split split;
    struct fault fault;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    bench->fixture = fixture_new();
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

static enum err split(struct bench *bench, const char *tool, const char *arguments)
{
    const struct jval *value =
        arguments != NULL ? fixture_json(bench->fixture, arguments) : NULL;

    memset(&bench->split, 0, sizeof bench->split);
    memset(&bench->fault, 0, sizeof bench->fault);
    return split_arguments(fixture_tool(bench->fixture, tool), value,
                           bench->fixture->arena, &bench->split, &bench->fault);
}

static void assert_json(struct bench *bench, const struct jval *value,
                        const char *expected)
{
    if (!jval_equal(value, fixture_json(bench->fixture, expected))) {
        fail_msg("not %s", expected);
    }
}

static void assert_split(struct bench *bench, const char *tool, const char *arguments)
{
    if (split(bench, tool, arguments) != ERR_OK) {
        fail_msg("%s: %.*s: %.*s", arguments,
                 SLICE_ARG(bench->fault.details[0].pointer),
                 SLICE_ARG(bench->fault.details[0].message));
    }
}

static void assert_fault(struct bench *bench, const char *tool, const char *arguments,
                         const char *pointer, const char *message)
{
    assert_int_equal(split(bench, tool, arguments), ERR_INVALID_ARGUMENTS);
    assert_int_equal(bench->fault.err, ERR_INVALID_ARGUMENTS);
    assert_true(bench->fault.detail_count >= 1);
    assert_slice(bench->fault.details[0].pointer, pointer);
    if (!fixture_contains(bench->fault.details[0].message, message)) {
        fail_msg("\"%.*s\" does not say \"%s\"",
                 SLICE_ARG(bench->fault.details[0].message), message);
    }
}

#define LIST "list_all_demo_orders"
#define GET "get_single_demo_order_by_id"
#define CREATE "create_a_demo_order"
#define UPDATE "update_a_demo_order_by_id"

static void test_arguments_go_to_path_query_and_body(void **state)
{
    struct bench *bench = *state;

    assert_split(bench, LIST, "{'status':'open','since':'2026-01-31'}");
    assert_json(bench, bench->split.query, "{'status':'open','since':'2026-01-31'}");
    assert_json(bench, bench->split.path, "{}");
    assert_json(bench, bench->split.body, "{}");

    assert_split(bench, GET, "{'id':'1042'}");
    assert_json(bench, bench->split.path, "{'id':'1042'}");
    assert_json(bench, bench->split.query, "{}");
    assert_int_equal(bench->split.limit, 0);

    assert_split(bench, UPDATE, "{'memo':'m','id':'7'}");
    assert_json(bench, bench->split.path, "{'id':'7'}");
    assert_json(bench, bench->split.body, "{'memo':'m'}");
}

static void test_the_body_is_nested_as_the_erp_wants_it(void **state)
{
    struct bench *bench = *state;

    assert_split(
        bench, CREATE,
        "{'unit':'kg','dry_run':true,'customer':'C1','quantity':3,'memo':'m'}");
    assert_json(bench, bench->split.query, "{'dry_run':true}");
    assert_json(bench, bench->split.body,
                "{'header':{'customer':{'id':'C1'}},"
                "'item':{'items':[{'quantity':3,'unit':'kg'}]},'memo':'m'}");

    assert_split(bench, CREATE, "{'customer':'C1'}");
    assert_json(bench, bench->split.body, "{'header':{'customer':{'id':'C1'}}}");
}

static void test_numbers_keep_their_writing(void **state)
{
    struct bench *bench = *state;
    const struct jval *items;

    assert_split(bench, CREATE, "{'customer':'C1','quantity':12345678901234567890}");
    items = jval_get(jval_get(bench->split.body, "item"), "items");
    assert_slice(jval_get(&items->items[0], "quantity")->text, "12345678901234567890");
}

static void test_no_arguments_are_an_empty_object(void **state)
{
    struct bench *bench = *state;

    assert_split(bench, LIST, NULL);
    assert_int_equal(bench->split.limit, 25);
    assert_int_equal(bench->split.cursor.len, 0);
    assert_fault(bench, GET, NULL, "/id", "is required");
    assert_split(bench, "demo_orders_count", NULL);
    assert_split(bench, "demo_orders_count", "{}");
}

static void test_limit_is_an_integer_or_its_text(void **state)
{
    static const struct {
        const char *arguments;
        size_t limit;
    } good[] = {
        {"{'limit':1}", 1},     {"{'limit':200}", 200},   {"{'limit':'1'}", 1},
        {"{'limit':'99'}", 99}, {"{'limit':'199'}", 199}, {"{'limit':'200'}", 200},
        {"{'limit':50.0}", 50}, {"{'limit':2e1}", 20},    {"{'limit':100}", 100},
    };
    static const char *const bad[] = {
        "{'limit':0}",       "{'limit':201}",   "{'limit':-1}",    "{'limit':1.5}",
        "{'limit':'0'}",     "{'limit':'201'}", "{'limit':'025'}", "{'limit':' 25'}",
        "{'limit':'25\\n'}", "{'limit':''}",    "{'limit':null}",  "{'limit':true}",
        "{'limit':[25]}",    "{'limit':1e99}",  "{'limit':'2e1'}",
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_split(bench, LIST, good[i].arguments);
        assert_int_equal(bench->split.limit, good[i].limit);
        assert_json(bench, bench->split.query, "{}");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fault(bench, LIST, bad[i], "/limit", "must");
    }
}

static void test_the_cursor_is_handed_on_as_it_came(void **state)
{
    struct bench *bench = *state;

    assert_split(bench, LIST, "{'next_cursor':'Ab-_9=='}");
    assert_slice(bench->split.cursor, "Ab-_9==");
    assert_json(bench, bench->split.query, "{}");
    assert_fault(bench, LIST, "{'next_cursor':''}", "/next_cursor",
                 "at least 1 character");
    assert_fault(bench, LIST, "{'next_cursor':7}", "/next_cursor", "must be text");
}

static void test_wrong_arguments_are_named_where_they_are(void **state)
{
    struct bench *bench = *state;

    assert_fault(bench, LIST, "[]", "", "must be an object");
    assert_fault(bench, LIST, "{'status':'paid'}", "/status",
                 "must be one of \"open\", \"closed\"");
    assert_fault(bench, LIST, "{'since':'2026-02-30'}", "/since", "a date that exists");
    assert_fault(bench, LIST, "{'state':'open'}", "/state",
                 "known are: limit, next_cursor, since, status");
    assert_fault(bench, LIST, "{'id':'1'}", "/id", "is not known");
    assert_fault(bench, GET, "{}", "/id", "is required");
    assert_fault(bench, GET, "{'id':''}", "/id", "at least 1");
    assert_fault(bench, GET, "{'id':1042}", "/id", "must be text");
    assert_fault(bench, CREATE, "{'quantity':0,'customer':'x'}", "/quantity",
                 "must be at least 1");
    assert_fault(bench, CREATE, "{'x-path':'a','customer':'x'}", "/x-path",
                 "not known");
}

static void test_faults_never_hold_the_value(void **state)
{
    static const char *const arguments[] = {
        "{'status':'MARKER'}",
        "{'since':'MARKER'}",
        "{'limit':'MARKER'}",
        "{'limit':{'a':'MARKER'}}",
        "{'state':'MARKER'}",
        "{'status':['MARKER']}",
        "{'next_cursor':{'x':'MARKER'}}",
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++) {
        assert_int_equal(split(bench, LIST, arguments[i]), ERR_INVALID_ARGUMENTS);
        for (size_t d = 0; d < bench->fault.detail_count; d++) {
            assert_false(fixture_contains(bench->fault.details[d].message, "MARKER"));
            assert_false(fixture_contains(bench->fault.details[d].pointer, "MARKER"));
        }
        assert_false(fixture_contains(bench->fault.hint, "MARKER"));
    }
}

static void test_faults_end_at_a_ceiling(void **state)
{
    struct bench *bench = *state;
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_append(&text, SLICE("{'a0':1"));
    for (int i = 1; i < 1000; i++) {
        buf_printf(&text, ",'a%d':1", i);
    }
    buf_append(&text, SLICE("}"));
    assert_int_equal(split(bench, LIST, text.ptr), ERR_INVALID_ARGUMENTS);
    assert_int_equal(bench->fault.detail_count, 16);
    buf_free(&text);
}

/* ---- Canonical text ---- */

static struct slice canonical(struct bench *bench, const char *tool,
                              const char *arguments)
{
    assert_split(bench, tool, arguments);
    return split_canonical(&bench->split, bench->fixture->arena);
}

static void test_canonical_text_leaves_out_limit_and_cursor(void **state)
{
    struct bench *bench = *state;

    assert_slice(
        canonical(bench, LIST, "{'status':'open','limit':5,'next_cursor':'c'}"),
        "{\"body\":{},\"path\":{},\"query\":{\"status\":\"open\"}}");
    assert_true(slice_eq(canonical(bench, LIST, "{'status':'open'}"),
                         canonical(bench, LIST, "{'limit':'7','status':'open'}")));
}

static void test_canonical_text_is_one_for_equal_arguments(void **state)
{
    struct bench *bench = *state;
    struct slice one =
        canonical(bench, CREATE,
                  "{'customer':'C','quantity':10,'unit':'k\\u0067','dry_run':false}");

    assert_true(slice_eq(
        one,
        canonical(bench, CREATE,
                  "{'dry_run':false,'unit':'kg','quantity':1.0e1,'customer':'C'}")));
    assert_false(slice_eq(
        one, canonical(bench, CREATE, "{'customer':'C','quantity':11,'unit':'kg'}")));
    assert_false(slice_eq(canonical(bench, LIST, "{'status':'open'}"),
                          canonical(bench, LIST, "{'status':'closed'}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_arguments_go_to_path_query_and_body, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_body_is_nested_as_the_erp_wants_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_keep_their_writing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_no_arguments_are_an_empty_object, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_limit_is_an_integer_or_its_text, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_cursor_is_handed_on_as_it_came, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wrong_arguments_are_named_where_they_are,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_never_hold_the_value, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_faults_end_at_a_ceiling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_canonical_text_leaves_out_limit_and_cursor,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_canonical_text_is_one_for_equal_arguments,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
