/* SPDX-License-Identifier: Apache-2.0 */
/* Field records at work: paths, defaults, maps and converters, loaded as a catalog
 * loads them. */
#include "tests/unit/catalog/fixture.h"

#include "catalog/field.h"

/* A catalog whose one set of fields is `fields`. */
static const struct tool *with_fields(struct fixture *fixture, const char *fields)
{
    char *copy = arena_copy(fixture->arena, slice_str(fields));
    struct slice text;

    for (char *at = copy; *at != '\0'; at++) {
        *at = *at == '`' ? '"' : *at;
    }
    text = arena_printf(fixture->arena,
                        "{\"resource\":\"orders\",\"fields\":{\"header\":[%s]},"
                        "\"methods\":{\"get\":{\"title\":\"T\",\"description\":\"D\","
                        "\"output\":[\"header\"]}}}",
                        copy);
    fixture_write(fixture, "demo/documentation/orders.json", text.ptr);
    (void)fixture_load(fixture);
    return fixture_tool(fixture, "get_single_demo_order_by_id");
}

static struct jval *map(struct fixture *fixture, const struct tool *tool,
                        const char *record, size_t *fallbacks)
{
    struct jval *records = jval_new_array(fixture->arena, 1);
    *fallbacks = 0;
    jval_push(fixture->arena, records, fixture_json(fixture, record));
    return &field_map(tool->fields, tool->field_count, records, fixture->arena,
                      fallbacks)
                ->items[0];
}

/* The one field's value out of one record, as JSON. NULL: null. */
static void assert_maps(const char *field, const char *record, const char *expected,
                        size_t expected_fallbacks)
{
    struct fixture *fixture = fixture_new();
    const struct tool *tool = with_fields(fixture, field);
    size_t fallbacks;
    const struct jval *result = map(fixture, tool, record, &fallbacks);

    assert_int_equal(result->count, 1);
    if (!jval_equal(&result->members[0].value, fixture_json(fixture, expected))) {
        fail_msg("%s of %s is not %s (type %d, \"%.*s\")", field, record, expected,
                 (int)result->members[0].value.type,
                 SLICE_ARG(result->members[0].value.text));
    }
    if (fallbacks != expected_fallbacks) {
        fail_msg("%s of %s: %zu fallbacks, not %zu", field, record, fallbacks,
                 expected_fallbacks);
    }
    fixture_free(fixture);
}

#define TEXT(rest) "{`name`:`x`,`type`:`string`,`class`:`public`," rest "}"
#define FROM(path) TEXT("`from`:[`" path "`]")

/* ---- Paths ---- */

static void test_paths_lead_through_members_indexes_and_selections(void **state)
{
    (void)state;
    assert_maps(FROM("a"), "{'a':'1'}", "'1'", 0);
    assert_maps(FROM("a.b.c"), "{'a':{'b':{'c':'1'}}}", "'1'", 0);
    assert_maps(FROM("a[1]"), "{'a':['0','1']}", "'1'", 0);
    assert_maps(FROM("a[1].b"), "{'a':[{},{'b':'1'}]}", "'1'", 0);
    assert_maps(FROM("a[].b"), "{'a':[{},{'b':null},{'b':'1'},{'b':'2'}]}", "'1'", 0);
    assert_maps(FROM("a[?type='tax'].b"),
                "{'a':[{'type':'net','b':'1'},{'type':'tax','b':'2'}]}", "'2'", 0);
    assert_maps(FROM("a[?n='7'].b"), "{'a':[{'n':7,'b':'1'}]}", "'1'", 0);
    assert_maps(FROM("@odata-id"), "{'@odata-id':'1'}", "'1'", 0);
    assert_maps(FROM("\\\"b.c\\\".\\\"d e\\\""), "{'b.c':{'d e':'1'}}", "'1'", 0);
    assert_maps(FROM("a[?\\\"odd name\\\"='x y'].b"),
                "{'a':[{'odd name':'x y','b':'1'}]}", "'1'", 0);
}

static void test_paths_that_lead_nowhere_give_null(void **state)
{
    (void)state;
    assert_maps(FROM("a"), "{}", "null", 0);
    assert_maps(FROM("a"), "{'a':null}", "null", 0);
    assert_maps(FROM("a.b"), "{'a':'1'}", "null", 0);
    assert_maps(FROM("a[0]"), "{'a':{}}", "null", 0);
    assert_maps(FROM("a[2]"), "{'a':['1']}", "null", 0);
    assert_maps(FROM("a[].b"), "{'a':{'b':'1'}}", "null", 0);
    assert_maps(FROM("a[?t='x'].b"), "{'a':[{'t':'y','b':'1'},'x']}", "null", 0);
    assert_maps(TEXT("`description`:`none`"), "{'x':'1'}", "null", 0);
    assert_maps(FROM("a"), "'text'", "null", 0);
}

static void test_the_first_path_that_exists_wins(void **state)
{
    const char *field = TEXT("`from`:[`a`,`b.c`]");

    (void)state;
    assert_maps(field, "{'a':'1','b':{'c':'2'}}", "'1'", 0);
    assert_maps(field, "{'a':null,'b':{'c':'2'}}", "'2'", 0);
    assert_maps(field, "{'a':'','b':{'c':'2'}}", "''", 0);
}

/* ---- Defaults and maps ---- */

static void test_the_default_stands_in_and_is_counted(void **state)
{
    const char *field = TEXT("`from`:[`a`],`default`:`EUR`");

    (void)state;
    assert_maps(field, "{'a':'USD'}", "'USD'", 0);
    assert_maps(field, "{}", "'EUR'", 1);
    assert_maps(field, "{'a':null}", "'EUR'", 1);
    assert_maps(field, "{'a':{}}", "'EUR'", 1);
}

static void test_values_are_mapped_before_they_are_converted(void **state)
{
    (void)state;
    assert_maps(TEXT("`from`:[`a`],`map`:{`A`:`open`}"), "{'a':'A'}", "'open'", 0);
    assert_maps(TEXT("`from`:[`a`],`map`:{`A`:`open`}"), "{'a':'B'}", "'B'", 0);
    assert_maps(TEXT("`from`:[`a`],`map`:{`1`:`one`,`true`:`yes`}"), "{'a':1}", "'one'",
                0);
    assert_maps(TEXT("`from`:[`a`],`map`:{`1`:`one`,`true`:`yes`}"), "{'a':true}",
                "'yes'", 0);
    assert_maps(TEXT("`from`:[`a`],`map`:{`A`:`open`},`map_other`:null"), "{'a':'B'}",
                "null", 0);
    assert_maps(TEXT("`from`:[`a`],`map`:{`A`:`open`},`map_other`:`other`"),
                "{'a':'B'}", "'other'", 0);
    assert_maps(TEXT("`from`:[`a`],`map`:{`none`:`0`},`convert`:`decimal`"),
                "{'a':'none'}", "'0'", 0);
    assert_maps("{`name`:`x`,`type`:`boolean`,`class`:`public`,`from`:[`a`],"
                "`map`:{`closed`:`true`,`open`:`false`}}",
                "{'a':'closed'}", "true", 0);
}

static void test_numbers_and_booleans_become_text_and_structures_do_not(void **state)
{
    (void)state;
    assert_maps(FROM("a"), "{'a':1042}", "'1042'", 0);
    assert_maps(FROM("a"), "{'a':1.50}", "'1.50'", 0);
    assert_maps(FROM("a"), "{'a':true}", "'true'", 0);
    assert_maps(FROM("a"), "{'a':{'b':1}}", "null", 1);
    assert_maps(FROM("a"), "{'a':[1]}", "null", 1);
}

/* ---- Converters ---- */

struct conversion {
    const char *value, *expected; /* JSON */
};

static void assert_converts(const char *type, const char *converter,
                            const struct conversion *conversions, size_t count)
{
    struct fixture *fixture = fixture_new();
    struct slice field = arena_printf(fixture->arena,
                                      "{`name`:`x`,`type`:`%s`,`class`:`public`,"
                                      "`from`:[`a`],`convert`:`%s`}",
                                      type, converter);
    const struct tool *tool = with_fields(fixture, field.ptr);

    for (size_t i = 0; i < count; i++) {
        struct slice record =
            arena_printf(fixture->arena, "{'a':%s}", conversions[i].value);
        size_t fallbacks;
        const struct jval *result = map(fixture, tool, record.ptr, &fallbacks);
        const struct jval *value = &result->members[0].value;
        const struct jval *expected = fixture_json(fixture, conversions[i].expected);

        /* Text is compared as text: 1.0 and 1.00 are different amounts of care. */
        if (value->type != expected->type || !slice_eq(value->text, expected->text)) {
            fail_msg("%s of %s is \"%.*s\", not %s", converter, conversions[i].value,
                     SLICE_ARG(value->text), conversions[i].expected);
        }
        if ((fallbacks == 1) != (expected->type == JVAL_NULL)) {
            fail_msg("%s of %s: %zu fallbacks", converter, conversions[i].value,
                     fallbacks);
        }
    }
    fixture_free(fixture);
}

#define CONVERTS(type, converter, list) \
    assert_converts(type, converter, list, sizeof list / sizeof list[0])

static void test_decimal_keeps_every_digit(void **state)
{
    static const struct conversion list[] = {
        {"12345678901234567.89", "'12345678901234567.89'"},
        {"'100.10'", "'100.10'"},
        {"100.10", "'100.10'"},
        {"-0.05", "'-0.05'"},
        {"0", "'0'"},
        {"0.00", "'0.00'"},
        {"'1234567890123456789012345678901234'",
         "'1234567890123456789012345678901234'"},
        {"12345678901234567890.12345678901234",
         "'12345678901234567890.12345678901234'"},
        {"1E2", "'100'"},
        {"1.5e3", "'1500'"},
        {"125e-2", "'1.25'"},
        {"-1e-3", "'-0.001'"},
        {"0e5", "'0'"},
        {"'.5'", "'0.5'"},
        {"'-.5'", "'-0.5'"},
        {"'5.'", "'5'"},
        {"'+5.10'", "'5.10'"},
        {"'007.10'", "'7.10'"},
        {"'-0'", "'0'"},
        {"'-0.00'", "'0.00'"},
        {"' 12.50 '", "'12.50'"},
        {"1e400", "null"},
        {"1e-400", "null"},
        {"1e999999999999999999", "null"},
        {"''", "null"},
        {"'-'", "null"},
        {"'.'", "null"},
        {"'1e'", "null"},
        {"'1,250.00'", "null"},
        {"'12 EUR'", "null"},
        {"'NaN'", "null"},
        {"'0x10'", "null"},
        {"true", "null"},
    };

    (void)state;
    CONVERTS("string", "decimal", list);
}

static void test_negate_decimal_turns_the_sign_and_knows_no_minus_zero(void **state)
{
    static const struct conversion list[] = {
        {"1250.00", "'-1250.00'"},
        {"-1250.00", "'1250.00'"},
        {"'-0.10'", "'0.10'"},
        {"0", "'0'"},
        {"0.00", "'0.00'"},
        {"'-0.00'", "'0.00'"},
        {"-1E2", "'100'"},
        {"'+7'", "'-7'"},
        {"'1234567890123456789012345678901234'",
         "'-1234567890123456789012345678901234'"},
        {"'x'", "null"},
    };

    (void)state;
    CONVERTS("string", "negate_decimal", list);
}

static void test_integer_takes_whole_numbers_in_any_writing(void **state)
{
    static const struct conversion list[] = {
        {"12", "12"},      {"'0012'", "12"},
        {"12.0", "12"},    {"1e3", "1000"},
        {"'-4'", "-4"},    {"92233720368547758079", "92233720368547758079"},
        {"1.5", "null"},   {"'x'", "null"},
        {"1e999", "null"},
    };

    (void)state;
    CONVERTS("integer", "integer", list);
}

static void test_date_takes_a_day_alone_or_before_a_time(void **state)
{
    static const struct conversion list[] = {
        {"'2026-10-01'", "'2026-10-01'"},
        {"'2024-02-29'", "'2024-02-29'"},
        {"'2026-10-01T23:30:00Z'", "'2026-10-01'"},
        {"'2026-10-01 23:30:00'", "'2026-10-01'"},
        {"'2023-02-29'", "null"},
        {"'1900-02-29'", "null"},
        {"'2026-13-01'", "null"},
        {"'01.10.2026'", "null"},
        {"'2026-10-1'", "null"},
        {"'2026-10-012'", "null"},
        {"''", "null"},
        {"20261001", "null"},
    };

    (void)state;
    CONVERTS("string", "date", list);
}

static void test_datetime_becomes_utc(void **state)
{
    static const struct conversion list[] = {
        {"'2026-11-20T09:30:00Z'", "'2026-11-20T09:30:00Z'"},
        {"'2026-11-20T09:30:00.250+01:00'", "'2026-11-20T08:30:00Z'"},
        {"'2024-03-01T00:30:00+01:00'", "'2024-02-29T23:30:00Z'"},
        {"'2026-11-20'", "null"},
        {"'2026-11-20 09:30:00'", "null"},
        {"'x'", "null"},
    };

    (void)state;
    CONVERTS("string", "datetime", list);
}

static void test_bool_takes_the_forms_of_both_erps(void **state)
{
    static const struct conversion list[] = {
        {"true", "true"},   {"false", "false"},   {"'T'", "true"},   {"'F'", "false"},
        {"'true'", "true"}, {"'false'", "false"}, {"'Y'", "true"},   {"'N'", "false"},
        {"'X'", "true"},    {"''", "false"},      {"'1'", "true"},   {"'0'", "false"},
        {"1", "true"},      {"0", "false"},       {"'yes'", "null"}, {"2", "null"},
        {"'t'", "null"},
    };

    (void)state;
    CONVERTS("boolean", "bool", list);
}

static void test_sap_date_counts_milliseconds_from_1970(void **state)
{
    static const struct conversion list[] = {
        {"'/Date(1790812800000)/'", "'2026-10-01'"},
        {"'/Date(1790812800000+0000)/'", "'2026-10-01'"},
        {"'/Date(0)/'", "'1970-01-01'"},
        {"'/Date(-1)/'", "'1969-12-31'"},
        {"'/Date(-86400000)/'", "'1969-12-31'"},
        {"'/Date(951782400000)/'", "'2000-02-29'"},
        {"'/Date(1709164800000)/'", "'2024-02-29'"},
        {"'/Date(-2208988800000)/'", "'1900-01-01'"},
        {"'/Date(253402214400000)/'", "'9999-12-31'"},
        {"'/Date(253402300800000)/'", "null"},
        {"'/Date(999999999999999999)/'", "null"},
        {"'/Date(9999999999999999999)/'", "null"},
        {"'/Date()/'", "null"},
        {"'/Date(-)/'", "null"},
        {"'/Date(+0000)/'", "null"},
        {"'/Date(1+0100)/'", "null"},
        {"'/Date(1'", "null"},
        {"'/Date(12)'", "null"},
        {"'2026-10-01'", "null"},
        {"''", "null"},
    };

    (void)state;
    CONVERTS("string", "sap_date", list);
}

static void test_a_value_that_cannot_be_converted_becomes_the_default(void **state)
{
    (void)state;
    assert_maps(TEXT("`from`:[`a`],`convert`:`decimal`,`default`:`0.00`"), "{'a':'x'}",
                "'0.00'", 1);
}

static void test_a_type_has_its_natural_converter(void **state)
{
    (void)state;
    assert_maps("{`name`:`x`,`type`:`integer`,`class`:`public`,`from`:[`a`]}",
                "{'a':'7'}", "7", 0);
    assert_maps("{`name`:`x`,`type`:`boolean`,`class`:`public`,`from`:[`a`]}",
                "{'a':'T'}", "true", 0);
}

/* ---- Arrays ---- */

#define LINES(from)                                                                    \
    "{`name`:`lines`,`type`:`array`,`class`:`business`,`from`:[`" from "`],`fields`:[" \
    "{`name`:`line`,`type`:`integer`,`class`:`public`,`from`:[`n`]},"                  \
    "{`name`:`amount`,`type`:`string`,`class`:`business`,`from`:[`amount`],"           \
    "`convert`:`decimal`,`default`:`0`}]}"

static void test_arrays_map_each_element(void **state)
{
    const char *record = "{'item':{'items':[{'n':1,'amount':10.50},{'n':'2'}]}}";
    const char *expected = "[{'line':1,'amount':'10.50'},{'line':2,'amount':'0'}]";

    (void)state;
    assert_maps(LINES("item.items"), record, expected, 1);
    assert_maps(LINES("item.items[]"), record, expected, 1);
    assert_maps(LINES("item.items[?n='1']"), record, "[{'line':1,'amount':'10.50'}]",
                0);
    assert_maps(
        LINES("groups[].items"),
        "{'groups':[{'items':[{'n':1,'amount':1}]},{'items':[{'n':2,'amount':2}]}]}",
        "[{'line':1,'amount':'1'},{'line':2,'amount':'2'}]", 0);
}

static void test_an_empty_array_is_told_from_a_missing_one(void **state)
{
    (void)state;
    assert_maps(LINES("items[]"), "{'items':[]}", "[]", 0);
    assert_maps(LINES("items[?n='9']"), "{'items':[{'n':1}]}", "[]", 0);
    assert_maps(LINES("items"), "{}", "null", 0);
    assert_maps(LINES("items[]"), "{'items':null}", "null", 0);
}

/* ---- Records ---- */

static void test_every_field_is_there_in_order(void **state)
{
    struct fixture *fixture = fixture_new();
    size_t fallbacks;
    const struct tool *tool = with_fields(
        fixture, "{`name`:`b`,`type`:`string`,`class`:`public`,`from`:[`b`]},"
                 "{`name`:`a`,`type`:`string`,`class`:`bank`,`from`:[`a`]}");
    const struct jval *result = map(fixture, tool, "{'a':'1','c':'2'}", &fallbacks);

    (void)state;
    assert_int_equal(result->count, 2);
    assert_slice(result->members[0].name, "b");
    assert_int_equal(result->members[0].value.type, JVAL_NULL);
    assert_slice(result->members[1].value.text, "1");
    assert_int_equal(tool->fields[1].sensitivity, FIELD_BANK);
    fixture_free(fixture);
}

static void test_records_of_different_shapes_are_each_read_as_they_are(void **state)
{
    struct fixture *fixture = fixture_new();
    size_t fallbacks = 0;
    const struct tool *tool = with_fields(
        fixture, "{`name`:`a`,`type`:`string`,`class`:`public`,`from`:[`x`,`y`]},"
                 "{`name`:`b`,`type`:`string`,`class`:`public`,`from`:[`z`]}");
    const struct jval *records = fixture_json(
        fixture,
        "[{'x':'1','z':'2'},{'z':'3','x':'4'},{'y':'5'},{'y':'6','z':'7','x':'8'},"
        "{},{'z':'9','zz':'0'}]");
    static const char *const expected[][2] = {{"1", "2"}, {"4", "3"},   {"5", NULL},
                                              {"8", "7"}, {NULL, NULL}, {NULL, "9"}};

    (void)state;
    const struct jval *result =
        field_map(tool->fields, tool->field_count, records, fixture->arena, &fallbacks);
    assert_int_equal(result->count, 6);
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 2; k++) {
            const struct jval *value = &result->items[i].members[k].value;
            assert_slice(jval_text(value),
                         expected[i][k] != NULL ? expected[i][k] : "");
            assert_int_equal(value->type,
                             expected[i][k] != NULL ? JVAL_STRING : JVAL_NULL);
        }
    }
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_lead_through_members_indexes_and_selections),
        cmocka_unit_test(test_paths_that_lead_nowhere_give_null),
        cmocka_unit_test(test_the_first_path_that_exists_wins),
        cmocka_unit_test(test_the_default_stands_in_and_is_counted),
        cmocka_unit_test(test_values_are_mapped_before_they_are_converted),
        cmocka_unit_test(test_numbers_and_booleans_become_text_and_structures_do_not),
        cmocka_unit_test(test_decimal_keeps_every_digit),
        cmocka_unit_test(test_negate_decimal_turns_the_sign_and_knows_no_minus_zero),
        cmocka_unit_test(test_integer_takes_whole_numbers_in_any_writing),
        cmocka_unit_test(test_date_takes_a_day_alone_or_before_a_time),
        cmocka_unit_test(test_datetime_becomes_utc),
        cmocka_unit_test(test_bool_takes_the_forms_of_both_erps),
        cmocka_unit_test(test_sap_date_counts_milliseconds_from_1970),
        cmocka_unit_test(test_a_value_that_cannot_be_converted_becomes_the_default),
        cmocka_unit_test(test_a_type_has_its_natural_converter),
        cmocka_unit_test(test_arrays_map_each_element),
        cmocka_unit_test(test_an_empty_array_is_told_from_a_missing_one),
        cmocka_unit_test(test_every_field_is_there_in_order),
        cmocka_unit_test(test_records_of_different_shapes_are_each_read_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
