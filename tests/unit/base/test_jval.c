/* SPDX-License-Identifier: Apache-2.0 */
/* Data-plane JSON: what is read, how values compare, and the ceilings. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/jval.h"
#include "base/jwriter.h"
#include "base/limits.h"

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static struct jval *parse(struct arena *arena, const char *text)
{
    struct jval *value = NULL;
    size_t offset = 0;

    if (jval_parse(arena, slice_str(text), &value, &offset) != ERR_OK) {
        fail_msg("refused at %zu: %s", offset, text);
    }
    return value;
}

static void test_values_have_the_types_and_texts_they_were_written_with(void **state)
{
    const struct jval *root =
        parse(*state, " {\"a\" : [1.10, \"x\\ny\", true, false, null], "
                      "\"b\":{}, \"c\":[] } ");

    const struct jval *a = jval_get(root, "a");
    assert_int_equal(root->count, 3);
    assert_int_equal(a->count, 5);
    assert_true(jval_is(&a->items[0], JVAL_NUMBER));
    assert_true(slice_is(a->items[0].text, "1.10"));
    assert_true(slice_is(jval_text(&a->items[1]), "x\ny"));
    assert_true(jval_is(&a->items[2], JVAL_TRUE));
    assert_true(jval_is(&a->items[3], JVAL_FALSE));
    assert_true(jval_is(&a->items[4], JVAL_NULL));
    assert_true(jval_is(jval_get(root, "b"), JVAL_OBJECT));
    assert_int_equal(jval_get(root, "b")->count, 0);
    assert_true(jval_is(jval_get(root, "c"), JVAL_ARRAY));
    assert_true(slice_is(root->members[2].name, "c"));
}

static void test_rows_alike_share_their_names(void **state)
{
    const struct jval *rows =
        parse(*state, "[{\"a\":1,\"a name of more than sixteen bytes\":[{\"x\":1}]},"
                      "{\"a\" : 2,\"a name of more than sixteen bytes\":[{\"x\":2}]},"
                      "{\"a\":3},{\"b\":4}]");

    const struct jval *one = &rows->items[0], *two = &rows->items[1];
    assert_true(jval_same_names(one, two));
    assert_true(jval_same_names(&one->members[1].value.items[0],
                                &two->members[1].value.items[0]));
    assert_false(jval_same_names(two, &rows->items[2]));
    assert_false(jval_same_names(&rows->items[2], &rows->items[3]));
    assert_false(jval_same_names(one, rows));
    assert_true(slice_is(jval_get(two, "a")->text, "2"));
    assert_true(slice_is(rows->items[3].members[0].name, "b"));
}

/* What the row before was like changes nothing in how an object is read. */
static void test_rows_are_read_as_if_each_stood_alone(void **state)
{
    static const struct {
        const char *first, *second;
        bool is_json;
    } rows[] = {
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}", true},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"a\":2}", false},
        {"{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2,\"a\":3}", false},
        {"{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", true},
        {"{\"a\":1,\"b\":2}", "{}", true},
        {"{}", "{\"a\":1}", true},
        {"{\"ab\":1}", "{\"a\":1}", true},
        {"{\"a\":1}", "{\"ab\":1}", true},
        {"{\"a\":1}", "{\"\\u0061\":1,\"a\":2}", false},
        {"{\"\\u0061\":1}", "{\"a\":1}", true},
        {"{\"a\\\"\":1}", "{\"a\"\":1}", false},
        {"{\"a\\nb\":1}", "{\"a\nb\":1}", false},
        {"{\"\":1}", "{\"\":2}", true},
        {"{\"\":1}", "{\"\":2,\"\":3}", false},
        {"{\"0123456789abcdef0\":1}", "{\"0123456789abcdef1\":1}", true},
        {"{\"0123456789abcde\":1}", "{\"0123456789abcde\":1}", true},
        {"{\"0123456789abcdef\":1}", "{\"0123456789abcdef", false},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"b\":2}}", false},
        {"{\"a\":{\"b\":1}}", "{\"a\":[{\"b\":1}]}", true},
        {"{\"a\":[{\"b\":1}]}", "{\"a\":[{\"b\":1},{\"b\":1,\"b\":2}]}", false},
        {"{\"a\":1}", "{\"a\"1}", false},
        {"{\"a\":1}", "{\"a\":1,}", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct jval *pair = NULL;
        struct slice text =
            arena_printf(*state, "[%s,%s]", rows[i].first, rows[i].second);

        assert_int_equal(jval_parse(*state, text, &pair, NULL) == ERR_OK,
                         rows[i].is_json);
        if (rows[i].is_json) {
            assert_true(jval_equal(&pair->items[1], parse(*state, rows[i].second)));
        }
    }
}

static void test_what_is_not_there_reads_as_null_or_empty(void **state)
{
    const struct jval *root = parse(*state, "{\"a\":1}");

    assert_null(jval_get(root, "b"));
    assert_null(jval_get(NULL, "b"));
    assert_null(jval_get(jval_get(root, "a"), "b"));
    assert_int_equal(jval_text(NULL).len, 0);
    assert_int_equal(jval_text(jval_get(root, "a")).len, 0);
    assert_false(jval_is(NULL, JVAL_NULL));
}

static void test_strings_are_decoded(void **state)
{
    static const char *const rows[][2] = {
        {"\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
         "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"0123456\\n89012345\\t789012345678\"", "0123456\n89012345\t789012345678"},
        {"\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\"", "\n\n\n\n\n\n\n\n\n"},
        {"\"\\uD7FF\\ue000\\uFFFF\"", "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"},
        {"\"\\udbff\\udfff\\ud800\\udc00\"", "\xf4\x8f\xbf\xbf\xf0\x90\x80\x80"},
        {"\"Gr\xc3\xb6\xc3\x9f"
         "e \xe4\xb8\xad\"",
         "Gr\xc3\xb6\xc3\x9f"
         "e \xe4\xb8\xad"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(slice_is(jval_text(parse(*state, rows[i][0])), rows[i][1]));
    }
}

static void test_the_result_does_not_point_into_the_text(void **state)
{
    char text[] = "{\"name\":[\"value\",17]}";
    struct jval *root = NULL;

    assert_int_equal(jval_parse(*state, slice_str(text), &root, NULL), ERR_OK);
    memset(text, 'x', sizeof(text) - 1);

    const struct jval *items = jval_get(root, "name");
    assert_true(slice_is(jval_text(&items->items[0]), "value"));
    assert_true(slice_is(items->items[1].text, "17"));
}

static void test_a_fault_is_reported_where_it_is(void **state)
{
    static const struct {
        const char *text;
        size_t offset;
    } rows[] = {{"", 0},
                {"[1,2", 4},
                {"[1,,2]", 3},
                {"{\"a\":1 x}", 7},
                {"[\"a\\qb\"]", 3},
                {"[1] 2", 4},
                {"[\"ab\xff\"]", 4},
                {"{\"a\":1,\"a\":2}", 8},
                {"[1.x]", 3},
                {"[tru]", 1},
                {"[\"a\nb\"]", 3},
                {"[1]\xff", 3}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jval *root = NULL;
        size_t offset = 99;
        assert_int_equal(jval_parse(*state, slice_str(rows[i].text), &root, &offset),
                         ERR_PARSE);
        assert_null(root);
        if (offset != rows[i].offset) {
            fail_msg("%s: %zu", rows[i].text, offset);
        }
    }
}

/* `depth` times `open`, `middle`, then `depth` times `close`. */
static enum err parse_nested(struct arena *arena, size_t depth, const char *open,
                             const char *middle, char close)
{
    struct buf text;
    struct jval *value = NULL;

    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < depth; i++) {
        (void)buf_append(&text, slice_str(open));
    }
    (void)buf_append(&text, slice_str(middle));
    for (size_t i = 0; i < depth; i++) {
        (void)buf_append_byte(&text, close);
    }
    enum err err = jval_parse(arena, buf_slice(&text), &value, NULL);
    buf_free(&text);
    return err;
}

static void test_depth_has_a_ceiling(void **state)
{
    assert_int_equal(parse_nested(*state, LIMIT_JSON_DEPTH, "[", "", ']'), ERR_OK);
    assert_int_equal(parse_nested(*state, LIMIT_JSON_DEPTH + 1, "[", "", ']'),
                     ERR_TOO_LARGE);
    assert_int_equal(parse_nested(*state, LIMIT_JSON_DEPTH, "{\"a\":", "1", '}'),
                     ERR_OK);
    assert_int_equal(parse_nested(*state, LIMIT_JSON_DEPTH + 1, "{\"a\":", "1", '}'),
                     ERR_TOO_LARGE);
}

static enum err parse_zeros(struct arena *arena, size_t count)
{
    char *text = malloc(count * 2 + 1);
    struct jval *value = NULL;

    assert_non_null(text);
    memset(text, ',', count * 2);
    text[0] = '[';
    for (size_t i = 0; i < count; i++) {
        text[i * 2 + 1] = '0';
    }
    text[count * 2] = ']';
    enum err err = jval_parse(arena, slice_of(text, count * 2 + 1), &value, NULL);
    if (err == ERR_OK) {
        assert_int_equal(value->count, count);
        assert_true(slice_is(value->items[count - 1].text, "0"));
    }
    free(text);
    return err;
}

static void test_the_number_of_values_has_a_ceiling(void **state)
{
    /* The array itself is one of them. */
    assert_int_equal(parse_zeros(*state, LIMIT_JSON_NODES - 1), ERR_OK);
    assert_int_equal(parse_zeros(*state, LIMIT_JSON_NODES), ERR_TOO_LARGE);
}

static void test_a_number_has_a_longest_text(void **state)
{
    char text[LIMIT_NUMBER_BYTES + 1];
    struct jval *value = NULL;

    memset(text, '7', sizeof(text));
    assert_int_equal(
        jval_parse(*state, slice_of(text, LIMIT_NUMBER_BYTES), &value, NULL), ERR_OK);
    assert_int_equal(value->text.len, LIMIT_NUMBER_BYTES);
    assert_int_equal(jval_parse(*state, slice_of(text, sizeof(text)), &value, NULL),
                     ERR_TOO_LARGE);
}

/* An object of `count` members named by `format` and a number; `extra` goes in before
 * the end. */
static enum err parse_members(struct arena *arena, unsigned count, const char *extra,
                              struct jval **value)
{
    struct buf text;

    buf_init(&text, 16 << 20);
    for (unsigned i = 0; i < count; i++) {
        (void)buf_printf(&text, "%c\"k%06u\":%u", i == 0 ? '{' : ',', i, i);
    }
    (void)buf_printf(&text, "%s}", extra);
    enum err err = jval_parse(arena, buf_slice(&text), value, NULL);
    buf_free(&text);
    return err;
}

static void test_duplicate_names_are_found_in_objects_of_every_size(void **state)
{
    static const unsigned counts[] = {1, 2, 31, 32, 33, 100, 100000};
    struct jval *value = NULL;

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        char first[32], last[32];
        (void)snprintf(first, sizeof(first), ",\"k%06u\":0", 0u);
        (void)snprintf(last, sizeof(last), ",\"k%06u\":0", counts[i] - 1);
        assert_int_equal(parse_members(*state, counts[i], "", &value), ERR_OK);
        assert_int_equal(value->count, counts[i]);
        assert_true(slice_is(value->members[0].name, "k000000"));
        assert_int_equal(parse_members(*state, counts[i], first, &value), ERR_PARSE);
        assert_int_equal(parse_members(*state, counts[i], last, &value), ERR_PARSE);
    }
}

static void test_int64_reads_whole_numbers_that_fit(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        long long value;
    } rows[] = {{"0", true, 0},
                {"-0", true, 0},
                {"42", true, 42},
                {"-42", true, -42},
                {"9223372036854775807", true, LLONG_MAX},
                {"-9223372036854775808", true, LLONG_MIN},
                {"9223372036854775808", false, 0},
                {"-9223372036854775809", false, 0},
                {"99999999999999999999999", false, 0},
                {"1.0", false, 0},
                {"1e2", false, 0},
                {"\"1\"", false, 0},
                {"null", false, 0}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        long long value = 0;
        assert_int_equal(jval_int64(parse(*state, rows[i].text), &value), rows[i].ok);
        assert_true(value == rows[i].value);
    }
    assert_false(jval_int64(NULL, &(long long){0}));
}

static void compares(const char *a, const char *b, int expected)
{
    int forth = jval_number_cmp(slice_str(a), slice_str(b));
    int back = jval_number_cmp(slice_str(b), slice_str(a));

    if ((forth > 0) - (forth < 0) != expected || (back > 0) - (back < 0) != -expected) {
        fail_msg("%s and %s: %d, %d", a, b, forth, back);
    }
}

static void test_numbers_compare_by_exact_value(void **state)
{
    (void)state;

    compares("1", "1.0", 0);
    compares("1", "10e-1", 0);
    compares("100", "1E+2", 0);
    compares("0", "-0", 0);
    compares("0", "0.000e99999999999999999999", 0);
    compares("0.1", "0.10000000000000000000001", -1);
    compares("12345678901234567.89", "12345678901234567.88", 1);
    compares("9007199254740993", "9007199254740992", 1);
    compares("-2", "-10", 1);
    compares("-1", "1", -1);
    compares("0", "1e-999999999999", -1);
    compares("1e999999999", "1e999999998", 1);
    compares("1e999999999", "10e999999998", 0);
    compares("-1e999999999", "1", -1);
    compares("1e-999999999", "1e-999999998", -1);
    compares("123e-2", "1.23", 0);
    compares("0.00123", "1.23e-3", 0);
    compares("1e1", "1e01", 0);
}

static void test_exponents_beyond_any_machine_word_stay_exact(void **state)
{
    (void)state;

    compares("1e100000000000000000000000000000", "10e99999999999999999999999999999", 0);
    compares("1e100000000000000000000000000000", "1e99999999999999999999999999999", 1);
    compares("1e-100000000000000000000000000000", "0.1e-99999999999999999999999999999",
             0);
    compares("1e100000000000000000000000000000", "1e-100000000000000000000000000000",
             1);
    compares("1e300000000000000000000000000000", "1e200000000000000000000000000000", 1);
    compares("9e19999999999999999999999999999", "1e20000000000000000000000000000", -1);
    compares("10e19999999999999999999999999999", "1e20000000000000000000000000000", 0);
    compares("1e00000000000000000000000000000000005", "100000", 0);
}

static uint64_t next(uint64_t *dice)
{
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    return *dice >> 33;
}

/* A random decimal as text, and its value times 10^12 as a whole number. */
static long long random_decimal(uint64_t *dice, char text[64])
{
    long long mantissa = (long long)(next(dice) % 2001) - 1000;
    int point = (int)(next(dice) % 4), exponent = (int)(next(dice) % 7) - 3;
    long long scale = 1, unit = 1;

    for (int i = 0; i < point; i++) {
        unit *= 10;
    }
    for (int i = 0; i < 12 - point + exponent; i++) {
        scale *= 10;
    }
    long long size = mantissa < 0 ? -mantissa : mantissa;
    (void)snprintf(text, 64, "%s%lld%s%0*lld%c%d", mantissa < 0 ? "-" : "", size / unit,
                   point > 0 ? "." : "", point, size % unit, next(dice) % 2 ? 'e' : 'E',
                   exponent);
    if (point == 0) {
        (void)snprintf(text, 64, "%lldE%s%d", mantissa, exponent >= 0 ? "+" : "",
                       exponent);
    }
    return mantissa * scale;
}

static void test_random_decimals_compare_as_whole_numbers_do(void **state)
{
    uint64_t dice = 2026;
    int equal = 0;
    (void)state;

    for (int i = 0; i < 200000; i++) {
        char a[64], b[64];
        long long left = random_decimal(&dice, a);
        long long right = random_decimal(&dice, b);
        compares(a, b, (left > right) - (left < right));
        equal += left == right;
    }
    assert_true(equal > 20);
}

static bool equal(struct arena *arena, const char *a, const char *b)
{
    const struct jval *left = parse(arena, a);
    const struct jval *right = parse(arena, b);
    bool forth = jval_equal(left, right);

    assert_int_equal(jval_equal(right, left), forth);
    return forth;
}

static void test_equality_is_deep_and_blind_to_member_order(void **state)
{
    assert_true(equal(*state, "{\"a\":1,\"b\":[1.0,{}]}", "{\"b\":[1,{}],\"a\":1e0}"));
    assert_false(equal(*state, "{\"a\":1}", "{\"b\":1}"));
    assert_false(equal(*state, "{\"a\":1}", "{\"a\":1,\"b\":1}"));
    assert_false(equal(*state, "[1,2]", "[2,1]"));
    assert_false(equal(*state, "[1]", "[1,1]"));
    assert_false(equal(*state, "\"1\"", "1"));
    assert_false(equal(*state, "true", "false"));
    assert_false(equal(*state, "null", "false"));
    assert_false(equal(*state, "[]", "{}"));
    assert_true(equal(*state, "\"\\u0061\"", "\"a\""));
}

static void test_large_objects_are_equal_in_any_order(void **state)
{
    struct jval *a = NULL;

    assert_int_equal(parse_members(*state, 50000, "", &a), ERR_OK);
    struct jval *b = jval_new_object(*state, a->count);
    for (size_t i = a->count; i-- > 0;) {
        b->members[b->count++] = a->members[i];
    }

    assert_true(jval_equal(a, b));
    b->members[777].value = *jval_new_null(*state);
    assert_false(jval_equal(a, b));
}

static void test_values_made_by_hand_grow_past_their_capacity(void **state)
{
    struct arena *arena = *state;
    struct jval *array = jval_new_array(arena, 0);
    struct jval *object = jval_new_object(arena, 2);

    for (int i = 0; i < 1000; i++) {
        struct slice text = arena_printf(arena, "%d", i);
        jval_push(arena, array, jval_new_string(arena, text));
        jval_set(arena, object, arena_printf(arena, "k%d", i % 100),
                 jval_new_string(arena, text));
    }
    jval_set(arena, object, SLICE("yes"), jval_new_bool(arena, true));
    jval_set(arena, object, SLICE("none"), jval_new_null(arena));

    assert_int_equal(array->count, 1000);
    assert_true(slice_is(jval_text(&array->items[999]), "999"));
    assert_int_equal(object->count, 102);
    assert_true(slice_is(jval_text(jval_get(object, "k42")), "942"));
    assert_true(jval_is(jval_get(object, "yes"), JVAL_TRUE));
    assert_true(jval_is(jval_get(object, "none"), JVAL_NULL));
}

static void test_parsed_values_may_be_added_to(void **state)
{
    struct arena *arena = *state;
    struct jval *array = parse(arena, "[1,2]");
    struct jval *object = parse(arena, "{}");

    jval_push(arena, array, jval_new_null(arena));
    jval_set(arena, object, SLICE("a"), array);

    assert_true(jval_equal(object, parse(arena, "{\"a\":[1,2,null]}")));
}

static struct jval *random_value(struct arena *arena, uint64_t *dice, int depth);

static struct slice random_text(struct arena *arena, uint64_t *dice)
{
    static const char *const parts[] = {
        "a",    "0123456789", "\"",       "\\",           "\n",
        "\x01", "/",          "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        " ",    "\x7f"};
    struct slice text = SLICE_EMPTY;

    for (uint64_t i = next(dice) % 6; i > 0; i--) {
        text = arena_printf(arena, "%.*s%s", SLICE_ARG(text), parts[next(dice) % 12]);
    }
    return text;
}

static struct jval *random_container(struct arena *arena, uint64_t *dice, int depth)
{
    bool is_array = next(dice) % 2 == 0;
    struct jval *value =
        is_array ? jval_new_array(arena, 1) : jval_new_object(arena, 1);

    for (uint64_t i = next(dice) % 40; i > 0; i--) {
        struct jval *inner = random_value(arena, dice, depth + 2);
        if (is_array) {
            jval_push(arena, value, inner);
        } else {
            jval_set(arena, value, random_text(arena, dice), inner);
        }
    }
    return value;
}

static struct jval *random_value(struct arena *arena, uint64_t *dice, int depth)
{
    struct jval *value;
    char number[64];

    switch (next(dice) % (depth > 6 ? 4 : 6)) {
    case 0:
        return jval_new_null(arena);
    case 1:
        return jval_new_bool(arena, next(dice) % 2 == 0);
    case 2:
        (void)random_decimal(dice, number);
        value = jval_new_string(arena, arena_slice(arena, slice_str(number)));
        value->type = JVAL_NUMBER;
        return value;
    case 3:
        return jval_new_string(arena, random_text(arena, dice));
    default:
        return random_container(arena, dice, depth);
    }
}

static void test_random_values_survive_writing_and_reading(void **state)
{
    uint64_t dice = 7;
    size_t bytes = 0;
    (void)state;

    for (int i = 0; i < 300; i++) {
        struct arena *arena = arena_new();
        struct buf text;
        struct jwriter writer;
        struct jval *back = NULL;
        const struct jval *value = random_value(arena, &dice, 0);
        buf_init(&text, 64 << 20);
        jwriter_init(&writer, &text);
        jwriter_value(&writer, value);
        assert_false(buf_full(&text));
        assert_int_equal(jval_parse(arena, buf_slice(&text), &back, NULL), ERR_OK);
        assert_true(jval_equal(value, back));
        bytes += text.len;
        buf_free(&text);
        arena_free(arena);
    }
    assert_true(bytes > 10000);
}

/* Every cut and every changed byte of a text: no crash, and never a value from a cut
 * one. */
static void test_cut_and_damaged_texts_are_survived(void **state)
{
    static const char text[] =
        "{\"a\\u00e9\":[1.5e-3,\"\\ud83d\\ude00 \xc3\xa4\",true,null],"
        "\"b\":{\"c\":[[],{}]}}";
    (void)state;

    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        struct arena *arena = arena_new();
        struct jval *value = NULL;
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, text, len);
        assert_int_equal(jval_parse(arena, slice_of(copy, len), &value, NULL),
                         ERR_PARSE);
        free(copy);
        arena_free(arena);
    }
    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            struct arena *arena = arena_new();
            struct jval *value = NULL;
            char copy[sizeof(text)];
            memcpy(copy, text, sizeof(text));
            copy[at] = (char)(unsigned char)byte;
            enum err err =
                jval_parse(arena, slice_of(copy, sizeof(text) - 1), &value, NULL);
            assert_int_equal(value != NULL, err == ERR_OK);
            arena_free(arena);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values_have_the_types_and_texts_they_were_written_with),
        TEST(test_rows_alike_share_their_names),
        TEST(test_rows_are_read_as_if_each_stood_alone),
        TEST(test_what_is_not_there_reads_as_null_or_empty),
        TEST(test_strings_are_decoded),
        TEST(test_the_result_does_not_point_into_the_text),
        TEST(test_a_fault_is_reported_where_it_is),
        TEST(test_depth_has_a_ceiling),
        TEST(test_the_number_of_values_has_a_ceiling),
        TEST(test_a_number_has_a_longest_text),
        TEST(test_duplicate_names_are_found_in_objects_of_every_size),
        TEST(test_int64_reads_whole_numbers_that_fit),
        TEST(test_numbers_compare_by_exact_value),
        TEST(test_exponents_beyond_any_machine_word_stay_exact),
        TEST(test_random_decimals_compare_as_whole_numbers_do),
        TEST(test_equality_is_deep_and_blind_to_member_order),
        TEST(test_large_objects_are_equal_in_any_order),
        TEST(test_values_made_by_hand_grow_past_their_capacity),
        TEST(test_parsed_values_may_be_added_to),
        TEST(test_random_values_survive_writing_and_reading),
        TEST(test_cut_and_damaged_texts_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
