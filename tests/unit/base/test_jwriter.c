/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: commas, escapes, nesting, ceilings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/jwriter.h"
#include "tests/unit/base/aborts.h"

struct fixture {
    struct buf out;
    struct jwriter writer;
    struct arena *arena;
};

static int set_up(void **state)
{
    static struct fixture f;

    buf_init(&f.out, 1 << 20);
    jwriter_init(&f.writer, &f.out);
    f.arena = arena_new();
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    buf_free(&f->out);
    arena_free(f->arena);
    return 0;
}

static void test_commas_stand_between_and_nowhere_else(void **state)
{
    struct fixture *f = *state;
    struct jwriter *w = &f->writer;

    jwriter_object(w);
    jwriter_member_string(w, "a", SLICE("x"));
    jwriter_member_int(w, "b", -9223372036854775807 - 1);
    jwriter_key(w, SLICE("c"));
    jwriter_array(w);
    jwriter_null(w);
    jwriter_bool(w, true);
    jwriter_raw(w, SLICE("100.10"));
    jwriter_object(w);
    jwriter_object_end(w);
    jwriter_array(w);
    jwriter_array_end(w);
    jwriter_raw(w, SLICE("{\"r\":1}"));
    jwriter_array_end(w);
    jwriter_member_bool(w, "d", false);
    jwriter_key(w, SLICE("e"));
    jwriter_value(w, NULL);
    jwriter_object_end(w);

    assert_string_equal(f->out.ptr, "{\"a\":\"x\",\"b\":-9223372036854775808,"
                                    "\"c\":[null,true,100.10,{},[],{\"r\":1}],"
                                    "\"d\":false,\"e\":null}");
}

static void test_every_single_byte_string_is_read_back(void **state)
{
    struct fixture *f = *state;

    for (int byte = 1; byte < 128; byte++) {
        char text[20] = "0123456789abcdefg";
        struct jval *back = NULL;
        text[byte % 17] = (char)byte;
        buf_clear(&f->out);
        jwriter_init(&f->writer, &f->out);
        jwriter_string(&f->writer, slice_str(text));
        assert_int_equal(jval_parse(f->arena, buf_slice(&f->out), &back, NULL), ERR_OK);
        assert_true(slice_is(jval_text(back), text));
    }
}

static void test_escapes_are_the_short_ones_where_there_are(void **state)
{
    struct fixture *f = *state;

    jwriter_string(&f->writer, slice_of("\"\\/\b\f\n\r\t\0\x1f\x7f", 11));

    assert_string_equal(f->out.ptr, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"");
}

static void test_bytes_that_are_no_utf8_become_the_replacement_character(void **state)
{
    struct fixture *f = *state;

    jwriter_array(&f->writer);
    jwriter_string(&f->writer, SLICE("gr\xc3\xbc\xff\"\xe2\x82"));
    jwriter_string(&f->writer, SLICE("\xc3\xbc\xbc\xf0\x9f\x98\x80\x80\"\xe2\x82\xac"));
    jwriter_array_end(&f->writer);

    assert_string_equal(
        f->out.ptr,
        "[\"gr\xc3\xbc\xef\xbf\xbd\\\"\xef\xbf\xbd\xef\xbf\xbd\","
        "\"\xc3\xbc\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd\\\"\xe2\x82\xac\"]");
}

static void test_escape_goes_without_quotes(void **state)
{
    struct fixture *f = *state;

    assert_true(jwriter_escape(&f->out, SLICE("{\"a\":1}")));
    assert_string_equal(f->out.ptr, "{\\\"a\\\":1}");
}

static void test_a_value_comes_out_as_it_went_in(void **state)
{
    struct fixture *f = *state;
    const char *text =
        "{\"n\":[12345678901234567.89,100.10,-0,1E+2],\"s\":\"\",\"t\":true,"
        "\"z\":null,\"o\":{\"\":[[]]}}";
    struct jval *value = NULL;

    assert_int_equal(jval_parse(f->arena, slice_str(text), &value, NULL), ERR_OK);
    jwriter_value(&f->writer, value);

    assert_string_equal(f->out.ptr, text);
}

static void test_the_ceiling_marks_the_buffer_full(void **state)
{
    struct buf small;
    struct jwriter writer;
    (void)state;
    buf_init(&small, 8);
    jwriter_init(&writer, &small);

    jwriter_array(&writer);
    jwriter_string(&writer, SLICE("longer than eight"));
    jwriter_array_end(&writer);

    assert_true(buf_full(&small));
    assert_true(small.len <= 8);
    buf_free(&small);
}

/* Byte by byte, as the rules are written. */
static size_t escaped_plainly(const unsigned char *text, size_t len, char *out)
{
    static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        const char *found = text[i] != 0 ? strchr(names, text[i]) : NULL;
        if (found != NULL) {
            out[at++] = '\\';
            out[at++] = letters[found - names];
        } else if (text[i] < 0x20) {
            at += (size_t)snprintf(out + at, 7, "\\u%04x", text[i]);
        } else {
            out[at++] = (char)text[i];
        }
    }
    return at;
}

/* Letters, and now and then a quote, a control character, a two-byte letter. */
static size_t make_text(unsigned char *text, size_t len, unsigned seed)
{
    size_t at = 0;

    while (at < len) {
        seed = seed * 1103515245u + 12345u;
        unsigned kind = seed >> 16 & 15;
        if (kind == 0) {
            text[at++] = '"';
        } else if (kind == 1) {
            text[at++] = (unsigned char)(seed >> 24 & 31);
        } else if (kind == 2 && at + 2 <= len) {
            text[at++] = 0xc3;
            text[at++] = 0xbc;
        } else {
            text[at++] = (unsigned char)('a' + (seed >> 24) % 26);
        }
    }
    return at;
}

static void test_strings_of_every_length_are_escaped_as_the_rules_say(void **state)
{
    struct fixture *f = *state;

    for (unsigned seed = 0; seed < 4000; seed++) {
        unsigned char text[80];
        char expected[6 * sizeof text];
        size_t len = make_text(text, seed % sizeof text, seed);
        size_t bytes = escaped_plainly(text, len, expected);
        buf_clear(&f->out);
        jwriter_init(&f->writer, &f->out);
        jwriter_string(&f->writer, slice_of((const char *)text, len));
        assert_int_equal(f->out.len, bytes + 2);
        assert_memory_equal(f->out.ptr + 1, expected, bytes);
        assert_true(f->out.ptr[0] == '"' && f->out.ptr[bytes + 1] == '"');
    }
}

static void test_a_string_fits_when_its_bytes_do(void **state)
{
    (void)state;

    for (unsigned seed = 0; seed < 400; seed++) {
        unsigned char text[40];
        char expected[6 * sizeof text];
        size_t len = make_text(text, seed % sizeof text, seed);
        size_t bytes = escaped_plainly(text, len, expected) + 2;
        for (size_t ceiling = bytes - 1; ceiling <= bytes; ceiling++) {
            struct buf out;
            struct jwriter writer;
            buf_init(&out, ceiling);
            jwriter_init(&writer, &out);
            jwriter_string(&writer, slice_of((const char *)text, len));
            assert_int_equal(buf_full(&out), ceiling < bytes);
            assert_true(out.len <= ceiling);
            buf_free(&out);
        }
    }
}

static struct jwriter fresh(struct buf *buf)
{
    struct jwriter writer;

    buf_init(buf, 1000);
    jwriter_init(&writer, buf);
    return writer;
}

static void value_without_key(void)
{
    struct buf buf;
    struct jwriter writer = fresh(&buf);
    jwriter_object(&writer);
    jwriter_null(&writer);
}

static void key_in_array(void)
{
    struct buf buf;
    struct jwriter writer = fresh(&buf);
    jwriter_array(&writer);
    jwriter_key(&writer, SLICE("k"));
}

static void wrong_end(void)
{
    struct buf buf;
    struct jwriter writer = fresh(&buf);
    jwriter_array(&writer);
    jwriter_object_end(&writer);
}

static void end_after_key(void)
{
    struct buf buf;
    struct jwriter writer = fresh(&buf);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("k"));
    jwriter_object_end(&writer);
}

static void end_of_nothing(void)
{
    struct buf buf;
    struct jwriter writer = fresh(&buf);
    jwriter_array_end(&writer);
}

static void too_deep(void)
{
    struct buf buf;
    struct jwriter writer = fresh(&buf);
    for (int i = 0; i <= JWRITER_DEPTH; i++) {
        jwriter_array(&writer);
    }
}

static void test_a_text_is_whole_or_none(void **state)
{
    struct fixture *f = *state;
    struct jval *value = NULL;
    struct slice text = SLICE("before");

    assert_int_equal(
        jval_parse(f->arena, SLICE(" {\"a\": [1.50, \"\\u00e6\"]}"), &value, NULL),
        ERR_OK);
    assert_int_equal(jwriter_text(f->arena, value, 16, &text), ERR_TOO_LARGE);
    assert_true(slice_is(text, "before"));
    assert_int_equal(jwriter_text(f->arena, value, 17, &text), ERR_OK);
    assert_true(slice_is(text, "{\"a\":[1.50,\"\xc3\xa6\"]}"));
}

/* Arrays within arrays, so many, as one value inside another array. */
static void write_arrays(int count)
{
    struct buf buf;
    struct jwriter writer = fresh(&buf);
    struct jval levels[JWRITER_DEPTH] = {{.type = JVAL_ARRAY}};

    for (int i = 1; i < count; i++) {
        levels[i] =
            (struct jval){.type = JVAL_ARRAY, .count = 1, .items = &levels[i - 1]};
    }
    jwriter_array(&writer);
    jwriter_value(&writer, &levels[count - 1]);
    jwriter_array_end(&writer);
    assert_int_equal(buf.len, 2 * (count + 1));
    buf_free(&buf);
}

static void value_too_deep(void)
{
    write_arrays(JWRITER_DEPTH);
}

static void test_wrong_nesting_aborts(void **state)
{
    (void)state;

    assert_true(aborts(value_without_key));
    assert_true(aborts(key_in_array));
    assert_true(aborts(wrong_end));
    assert_true(aborts(end_after_key));
    assert_true(aborts(end_of_nothing));
    assert_true(aborts(too_deep));
    write_arrays(JWRITER_DEPTH - 1);
    assert_true(aborts(value_too_deep));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commas_stand_between_and_nowhere_else,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_single_byte_string_is_read_back,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_escapes_are_the_short_ones_where_there_are,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_bytes_that_are_no_utf8_become_the_replacement_character, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_escape_goes_without_quotes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_value_comes_out_as_it_went_in, set_up,
                                        tear_down),
        cmocka_unit_test(test_the_ceiling_marks_the_buffer_full),
        cmocka_unit_test(test_a_string_fits_when_its_bytes_do),
        cmocka_unit_test_setup_teardown(
            test_strings_of_every_length_are_escaped_as_the_rules_say, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_a_text_is_whole_or_none, set_up,
                                        tear_down),
        cmocka_unit_test(test_wrong_nesting_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
