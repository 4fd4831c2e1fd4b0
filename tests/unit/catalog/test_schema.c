/* SPDX-License-Identifier: Apache-2.0 */
/* The validator: a small set of its own, refusals, faults and ceilings. */
#include "tests/unit/catalog/fixture.h"

#include "base/buf.h"
#include "catalog/schema.h"

struct bench {
    struct arena *arena;
    struct schema *schema;
    struct schema_problem problem;
    struct fault_detail details[8];
    size_t count;
};

static struct jval *json(struct bench *bench, const char *text)
{
    char *copy = arena_copy(bench->arena, slice_str(text));
    struct jval *value = NULL;

    for (char *at = copy; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    if (jval_parse(bench->arena, slice_str(copy), &value, NULL) != ERR_OK) {
        fail_msg("not JSON: %s", text);
    }
    return value;
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    bench->arena = arena_new();
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;

    arena_free(bench->arena);
    free(bench);
    return 0;
}

static void compile(struct bench *bench, const char *schema)
{
    if (schema_compile(bench->arena, json(bench, schema), &bench->schema,
                       &bench->problem) != ERR_OK) {
        fail_msg("%s: %.*s", schema, SLICE_ARG(bench->problem.message));
    }
}

static bool check(struct bench *bench, const char *value)
{
    return schema_check(bench->schema, json(bench, value), bench->arena, bench->details,
                        8, &bench->count);
}

static void assert_refused(struct bench *bench, const char *schema, const char *pointer,
                           const char *message)
{
    enum err err = schema_compile(bench->arena, json(bench, schema), &bench->schema,
                                  &bench->problem);

    if (err != ERR_UNPROCESSABLE) {
        fail_msg("accepted: %s", schema);
    }
    assert_slice(bench->problem.pointer, pointer);
    if (!fixture_contains(bench->problem.message, message)) {
        fail_msg("\"%.*s\" does not say \"%s\"", SLICE_ARG(bench->problem.message),
                 message);
    }
}

/* One fault, at the pointer, saying this. */
static void assert_fault(struct bench *bench, const char *schema, const char *value,
                         const char *pointer, const char *message)
{
    compile(bench, schema);
    if (check(bench, value)) {
        fail_msg("%s fits %s", value, schema);
    }
    assert_int_equal(bench->count, 1);
    assert_slice(bench->details[0].pointer, pointer);
    assert_slice(bench->details[0].message, message);
}

/* ---- Accepting and refusing values ---- */

struct example {
    const char *schema, *good, *bad;
};

static const struct example examples[] = {
    {"{'type':'integer'}", "1.0", "1.5"},
    {"{'type':'integer'}", "12e3", "1e-1"},
    {"{'type':'number'}", "1e400", "'1'"},
    {"{'type':['string','null']}", "null", "0"},
    {"{'type':'boolean'}", "false", "0"},
    {"{'enum':['a',1,null]}", "1.0", "'b'"},
    {"{'const':{'a':[1]}}", "{'a':[1.0]}", "{'a':[2]}"},
    {"{'minimum':0.1}", "0.10000000000000000000000000000000001",
     "0.09999999999999999999999999999999999"},
    {"{'maximum':9007199254740993}", "9007199254740993", "9007199254740994"},
    {"{'exclusiveMinimum':0}", "1e-300", "0.0"},
    {"{'exclusiveMaximum':-1}", "-1.0000000000000000000001", "-1"},
    {"{'multipleOf':0.01}", "12345678901234567.89", "0.001"},
    {"{'multipleOf':0.01}", "1e300", "1e-300"},
    {"{'multipleOf':8}", "1e3", "1e2"},
    {"{'minLength':2}", "'\xc3\xa9\xc3\xa9'", "'\xf0\x9f\x98\x80'"},
    {"{'maxLength':1}", "'\xf0\x9f\x98\x80'", "'ab'"},
    {"{'pattern':'^\\\\d{3}$'}", "'123'", "'1234'"},
    {"{'pattern':'^a.c$'}",
     "'a\xe2\x82\xac"
     "c'",
     "'a\\nc'"},
    {"{'pattern':'^\\\\w+$'}", "'a_1'", "'\xc3\xa9'"},
    {"{'pattern':'^(ab|c)+$'}", "'abcab'", "'abb'"},
    {"{'pattern':'^[^\\\\s]$'}", "'x'", "'\xc2\xa0'"},
    {"{'pattern':'^a$'}", "'a'", "'a\\n'"},
    {"{'format':'date'}", "'2024-02-29'", "'2023-02-29'"},
    {"{'format':'date-time'}", "'2026-11-20T09:30:00Z'", "'2026-11-20 09:30'"},
    {"{'items':{'type':'string'},'minItems':1}", "['a']", "[]"},
    {"{'maxItems':1}", "[1]", "[1,2]"},
    {"{'uniqueItems':true}", "[1,'1',[1],{'a':1}]", "[1,2,1.0]"},
    {"{'uniqueItems':true}", "[{'a':1},{'a':2}]", "[{'a':1,'b':2},{'b':2,'a':1e0}]"},
    {"{'required':['a']}", "{'a':null}", "{'b':1}"},
    {"{'properties':{'a':{'type':'string'}}}", "{'b':1}", "{'a':1}"},
    {"{'additionalProperties':{'type':'string'}}", "{'b':'x'}", "{'b':1}"},
    {"{'propertyNames':{'maxLength':1}}", "{'b':'x'}", "{'bb':1}"},
    {"{'minProperties':1,'maxProperties':2}", "{'b':'x'}", "{}"},
    {"{'allOf':[{'minimum':1},{'maximum':2}]}", "2", "3"},
    {"{'anyOf':[{'type':'string'},{'minimum':5}]}", "5", "4"},
    {"{'oneOf':[{'minimum':5},{'maximum':5}]}", "4", "5"},
    {"{'not':{'type':'string'}}", "4", "'x'"},
    {"{'if':{'type':'string'},'then':{'minLength':2},'else':{'minimum':2}}", "'ab'",
     "1"},
    {"{'$defs':{'a':{'$anchor':'x','type':'string'}},'$ref':'#x'}", "''", "1"},
    {"{'$defs':{'a/b':{'type':'string'}},'$ref':'#/$defs/a~1b'}", "''", "1"},
    {"{'$defs':{'a~b':{'type':'string'}},'$ref':'#/$defs/a~0b'}", "''", "1"},
    {"{'anyOf':[{'type':'object'},{'minimum':5}],'properties':{'a':{'$ref':"
     "'#/anyOf/1'}}}",
     "{'a':5}", "{'a':4}"},
    {"{'properties':{'child':{'$ref':'#'}},'additionalProperties':false}",
     "{'child':{'child':{}}}", "{'child':{'other':1}}"},
};

static void test_values_fit_or_do_not(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        compile(bench, examples[i].schema);
        if (!check(bench, examples[i].good)) {
            fail_msg("%s does not fit %s: %.*s", examples[i].good, examples[i].schema,
                     SLICE_ARG(bench->details[0].message));
        }
        assert_int_equal(bench->count, 0);
        if (check(bench, examples[i].bad)) {
            fail_msg("%s fits %s", examples[i].bad, examples[i].schema);
        }
        assert_true(bench->count > 0);
    }
}

static void test_boolean_schemas_take_all_and_nothing(void **state)
{
    struct bench *bench = *state;

    compile(bench, "true");
    assert_true(check(bench, "{'a':[1]}"));
    assert_fault(bench, "false", "1", "", "is not allowed");
}

/* ---- Refusing schemas ---- */

static void test_unknown_keywords_are_refused_by_name(void **state)
{
    struct bench *bench = *state;

    assert_refused(bench, "{'properties':{'a':{'minimun':1}}}", "/properties/a/minimun",
                   "\"minimun\" is not supported");
    assert_refused(bench, "{'allOf':[{},{'unevaluatedProperties':false}]}",
                   "/allOf/1/unevaluatedProperties", "not supported");
    assert_refused(bench, "{'$id':'http://example.com/'}", "/$id", "not supported");
    assert_refused(bench, "{'x-path':'a'}", "/x-path", "not supported");
}

static void test_annotations_are_taken_without_effect(void **state)
{
    struct bench *bench = *state;

    compile(bench, "{'title':'t','description':'d','default':1,'examples':[],"
                   "'$comment':'c','deprecated':true,'readOnly':true,'writeOnly':true,"
                   "'$schema':'https://json-schema.org/draft/2020-12/schema',"
                   "'format':'email'}");
    assert_true(check(bench, "'no mail'"));
}

static void test_ill_formed_keywords_are_refused_at_their_place(void **state)
{
    struct bench *bench = *state;

    assert_refused(bench, "1", "", "an object, true or false");
    assert_refused(bench, "{'type':'text'}", "/type", "has to be null, boolean");
    assert_refused(bench, "{'type':[]}", "/type", "name a type");
    assert_refused(bench, "{'minimum':'1'}", "/minimum", "a number");
    assert_refused(bench, "{'multipleOf':0}", "/multipleOf", "above 0");
    assert_refused(bench, "{'minLength':-1}", "/minLength", "at least 0");
    assert_refused(bench, "{'maxItems':1.5}", "/maxItems", "whole number");
    assert_refused(bench, "{'maxItems':1e99}", "/maxItems", "too large");
    assert_refused(bench, "{'required':[1]}", "/required", "member names");
    assert_refused(bench, "{'properties':[]}", "/properties", "object of schemas");
    assert_refused(bench, "{'anyOf':[]}", "/anyOf", "at least one");
    assert_refused(bench, "{'items':[{}]}", "/items", "an object, true or false");
    assert_refused(bench, "{'uniqueItems':1}", "/uniqueItems", "true or false");
    assert_refused(bench, "{'enum':'a'}", "/enum", "array");
    assert_refused(bench, "{'$schema':'http://json-schema.org/draft-07/schema#'}",
                   "/$schema", "only JSON Schema 2020-12");
    assert_refused(bench, "{'$defs':{'a':{'$anchor':'x'},'b':{'$anchor':'x'}}}",
                   "/$defs/b/$anchor", "declared twice");
}

static void test_references_lead_inside_the_schema_only(void **state)
{
    static const char *const nowhere[] = {"{'anyOf':[{}],'$ref':'#/anyOf/1'}",
                                          "{'anyOf':[{}],'$ref':'#/anyOf/00'}",
                                          "{'anyOf':[{}],'$ref':'#/anyOf/-'}",
                                          "{'anyOf':[{}],'$ref':'#/anyOf/'}",
                                          "{'type':'object','$ref':'#/type/0'}",
                                          "{'$defs':{'a':{}},'$ref':'#/$defs/a~'}",
                                          "{'$defs':{'a':{}},'$ref':'#/$defs/a~2'}"};
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        assert_refused(bench, nowhere[i], "/$ref", "no schema at the place");
    }
    assert_refused(bench, "{'$ref':'http://example.com/s'}", "/$ref",
                   "only references");
    assert_refused(bench, "{'items':{'$ref':'#/$defs/none'}}", "/items/$ref",
                   "no schema at the place");
    assert_refused(bench, "{'$ref':'#none'}", "/$ref", "no schema at the place");
    assert_refused(bench, "{'const':{'type':'string'},'items':{'$ref':'#/const'}}",
                   "/items/$ref", "no schema at the place");
}

static void test_schemas_that_apply_without_end_are_refused(void **state)
{
    struct bench *bench = *state;

    assert_refused(bench, "{'$ref':'#'}", "", "without end");
    assert_refused(bench,
                   "{'$defs':{'a':{'allOf':[{'$ref':'#/$defs/b'}]},"
                   "'b':{'not':{'$ref':'#/$defs/a'}}}}",
                   "/$defs/a", "without end");
    assert_refused(bench, "{'anyOf':[{'type':'string'},{'$ref':'#'}]}", "",
                   "without end");
}

static void test_patterns_that_engines_read_differently_are_refused(void **state)
{
    static const char *const patterns[] = {
        "(?=a)",     "(?!a)",       "(?<=a)",    "(?<n>a)", "(a)\\\\1",  "\\\\k<n>",
        "a**",       "a++",         "*a",        "a{2",     "a{,2}",     "a{5000}",
        "[a",        "a]",          "a}",        "(a",      "a)",        "\\\\cA",
        "\\\\q",     "\\\\",        "[]",        "[\\\\S]", "\\\\u{61}", "\\\\x1",
        "\\\\ud800", "[b-a]",       "(?i)a",     "(*UTF)a", "a|*",       "\\\\p{Han}",
        "\\\\pL",    "\\\\Qa\\\\E", "(?#note)a", "^*",      "a{3,1}",
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct slice schema =
            arena_printf(bench->arena, "{'pattern':'%s'}", patterns[i]);

        assert_refused(bench, schema.ptr, "/pattern", "the pattern cannot be used");
    }
}

static void test_a_pattern_that_would_take_forever_is_cut_off(void **state)
{
    struct bench *bench = *state;

    assert_fault(bench, "{'pattern':'^(a+)+$'}",
                 "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'",
                 "", "must match the pattern ^(a+)+$");
}

/* ---- Faults ---- */

static void test_faults_name_the_rule_and_what_is_allowed(void **state)
{
    struct bench *bench = *state;

    assert_fault(bench, "{'type':'integer'}", "'marker'", "", "must be an integer");
    assert_fault(bench, "{'type':['object','null']}", "1", "",
                 "must be an object or null");
    assert_fault(bench, "{'enum':['open',1,null]}", "'marker'", "",
                 "must be one of \"open\", 1, null");
    assert_fault(bench, "{'const':'x'}", "'marker'", "", "must be \"x\"");
    assert_fault(bench, "{'minimum':1}", "0", "", "must be at least 1");
    assert_fault(bench, "{'maximum':1.50}", "2", "", "must be at most 1.50");
    assert_fault(bench, "{'exclusiveMinimum':1}", "1", "", "must be above 1");
    assert_fault(bench, "{'exclusiveMaximum':1}", "1", "", "must be below 1");
    assert_fault(bench, "{'multipleOf':5}", "1", "", "must be a multiple of 5");
    assert_fault(bench, "{'minLength':2}", "'m'", "",
                 "must have at least 2 characters");
    assert_fault(bench, "{'maxItems':0}", "[1]", "", "must have at most 0 items");
    assert_fault(bench, "{'additionalProperties':false,'properties':{'a':{},'b':{}}}",
                 "{'c':1}", "/c", "is not known; known are: a, b");
    assert_fault(bench, "{'additionalProperties':false}", "{'c':1}", "/c",
                 "is not known; no member is");
}

static void test_faults_point_to_the_place(void **state)
{
    struct bench *bench = *state;

    assert_fault(bench,
                 "{'properties':{'items':{'items':{'properties':{'quantity':"
                 "{'minimum':1}}}}}}",
                 "{'items':[{'quantity':1},{'quantity':0}]}", "/items/1/quantity",
                 "must be at least 1");
    assert_fault(bench, "{'properties':{'a/b~c':false}}", "{'a/b~c':1}", "/a~1b~0c",
                 "is not allowed");
    assert_fault(bench, "{'properties':{'a':{'required':['b']}}}", "{'a':{}}", "/a/b",
                 "is required");
}

static void test_faults_come_in_the_order_of_the_value_up_to_the_maximum(void **state)
{
    struct bench *bench = *state;

    compile(bench, "{'properties':{'a':{'type':'string'},'b':{'type':'string'}},"
                   "'required':['z'],'additionalProperties':false}");
    assert_false(check(bench, "{'b':1,'q':1,'a':1}"));
    assert_int_equal(bench->count, 4);
    assert_slice(bench->details[0].pointer, "/b");
    assert_slice(bench->details[1].pointer, "/q");
    assert_slice(bench->details[2].pointer, "/a");
    assert_slice(bench->details[3].pointer, "/z");

    compile(bench, "{'items':{'type':'string'}}");
    assert_false(check(bench, "[1,2,3,4,5,6,7,8,9,10]"));
    assert_int_equal(bench->count, 8);
}

static void test_of_alternatives_the_one_that_was_meant_speaks(void **state)
{
    const char *limit = "{'anyOf':[{'type':'integer','minimum':1,'maximum':200},"
                        "{'type':'string','pattern':'^[1-9]$'}]}";
    struct bench *bench = *state;

    assert_fault(bench, limit, "500", "", "must be at most 200");
    assert_fault(bench, limit, "'x'", "", "must match the pattern ^[1-9]$");
    assert_fault(bench, limit, "true", "", "must be text or an integer");
    assert_fault(bench, "{'anyOf':[{'minimum':5},{'type':'string'},{'const':1}]}", "2",
                 "", "must fit one of 3 allowed forms");
    assert_fault(bench, "{'oneOf':[{'minimum':1},{'minimum':2}]}", "2", "",
                 "must fit exactly one of the allowed forms, and fits several");
    assert_fault(bench, "{'not':{}}", "2", "", "is a form that is not allowed");
}

/* `count` names or values of 64 letters, each in single quotes, `after` behind each. */
static const char *many(struct bench *bench, const char *before, int count,
                        const char *after, const char *end)
{
    struct buf text;

    buf_init(&text, 1 << 16);
    buf_append(&text, slice_str(before));
    for (int i = 0; i < count; i++) {
        buf_printf(&text, "%s'%064d'%s", i > 0 ? "," : "", i, after);
    }
    buf_append(&text, slice_str(end));
    const char *copy = arena_copy(bench->arena, buf_slice(&text));
    buf_free(&text);
    return copy;
}

static void test_a_long_list_of_what_is_right_ends_at_a_whole_one(void **state)
{
    static const char zeros[] =
        "000000000000000000000000000000000000000000000000000000000000000";
    struct bench *bench = *state;
    struct slice list;

    compile(bench, many(bench, "{'enum':[", 9, "", "]}"));
    assert_false(check(bench, "1"));
    list = arena_printf(bench->arena,
                        "must be one of \"%s0\", \"%s1\", \"%s2\", \"%s3\", \"%s4\", …",
                        zeros, zeros, zeros, zeros, zeros);
    assert_slice(bench->details[0].message, list.ptr);

    compile(bench, many(bench, "{'additionalProperties':false,'properties':{", 9, ":{}",
                        "}}"));
    assert_false(check(bench, "{'a':1}"));
    list = arena_printf(bench->arena,
                        "is not known; known are: %s0, %s1, %s2, %s3, %s4, %s5, …",
                        zeros, zeros, zeros, zeros, zeros, zeros);
    assert_slice(bench->details[0].message, list.ptr);
}

static void test_a_pointer_to_a_huge_name_ends_at_its_parent(void **state)
{
    struct bench *bench = *state;
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_append(&text, SLICE("{'outer':{'"));
    for (int i = 0; i < 5000; i++) {
        buf_append_byte(&text, 'n');
    }
    buf_append(&text, SLICE("':1}}"));
    assert_fault(bench, "{'properties':{'outer':{'additionalProperties':false}}}",
                 text.ptr, "/outer", "is not known; no member is");
    buf_free(&text);
}

/* ---- Ceilings ---- */

static void repeat(struct buf *out, const char *text, int times)
{
    for (int i = 0; i < times; i++) {
        buf_append(out, slice_str(text));
    }
}

static void test_schemas_nested_too_deeply_are_refused(void **state)
{
    struct bench *bench = *state;
    enum err err;
    struct buf text;

    buf_init(&text, 1 << 20);
    repeat(&text, "{'not':", 70);
    buf_append(&text, SLICE("true"));
    repeat(&text, "}", 70);
    err = schema_compile(bench->arena, json(bench, text.ptr), &bench->schema,
                         &bench->problem);
    buf_free(&text);

    assert_int_equal(err, ERR_UNPROCESSABLE);
    assert_slice(bench->problem.message, "schemas are nested too deeply");
}

static void test_a_long_chain_of_references_is_refused(void **state)
{
    struct bench *bench = *state;
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_append(&text, SLICE("{'$defs':{"));
    for (int i = 0; i < 5000; i++) {
        buf_printf(&text, "'d%d':{'$ref':'#/$defs/d%d'},", i, i + 1);
    }
    buf_append(&text, SLICE("'d5000':{'type':'string'}}}"));
    assert_refused(bench, text.ptr, "/$defs/d65",
                   "too many schemas apply to one place");
    buf_free(&text);
}

static void test_work_that_doubles_with_every_level_is_cut_off(void **state)
{
    struct bench *bench = *state;
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_append(&text, SLICE("{'$ref':'#/$defs/d0','$defs':{"));
    for (int i = 0; i < 28; i++) {
        buf_printf(&text,
                   "'d%d':{'allOf':[{'$ref':'#/$defs/d%d'},{'$ref':'#/$defs/d%d'}]},",
                   i, i + 1, i + 1);
    }
    buf_append(&text, SLICE("'d28':{'type':'integer'}}}"));
    assert_fault(bench, text.ptr, "1", "",
                 "is too much work to check; send less, or less deep");
    buf_free(&text);
}

static void test_many_items_are_compared_in_good_time(void **state)
{
    struct bench *bench = *state;
    struct buf text;

    buf_init(&text, 1 << 22);
    buf_append(&text, SLICE("[0"));
    for (int i = 1; i < 100000; i++) {
        buf_printf(&text, ",%d", i);
    }
    buf_append(&text, SLICE("]"));
    compile(bench, "{'uniqueItems':true}");
    assert_true(check(bench, text.ptr));
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_fit_or_do_not, setup, teardown),
        cmocka_unit_test_setup_teardown(test_boolean_schemas_take_all_and_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_keywords_are_refused_by_name,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_annotations_are_taken_without_effect,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_ill_formed_keywords_are_refused_at_their_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_references_lead_inside_the_schema_only,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_schemas_that_apply_without_end_are_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_patterns_that_engines_read_differently_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_pattern_that_would_take_forever_is_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_name_the_rule_and_what_is_allowed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults_point_to_the_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_faults_come_in_the_order_of_the_value_up_to_the_maximum, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            test_of_alternatives_the_one_that_was_meant_speaks, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_long_list_of_what_is_right_ends_at_a_whole_one, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_pointer_to_a_huge_name_ends_at_its_parent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_schemas_nested_too_deeply_are_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_chain_of_references_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_work_that_doubles_with_every_level_is_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_items_are_compared_in_good_time,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
