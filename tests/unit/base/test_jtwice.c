/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text and the same escaped: both as the plain writer has them, up to each ceiling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/jtwice.h"
#include "tests/unit/base/freed_memory.h"

#define LONG "a text that is longer than the blocks of sixteen bytes it is copied in"

static const char *const texts[] = {
    "[]",
    "{}",
    "[null,true,false,-1.50,\"\",[],{}]",
    "{\"a\":{\"b\":[{\"c\":1},{\"c\":2}]}}",
    "[{\"id\":\"1\",\"name\":\"Hansen A/S\"},{\"id\":\"2\",\"name\":null}]",
    "[{\"id\":\"\"},{\"id\":\"1\"},{\"id\":\"12345678\"},{\"id\":\"123456789abcdef\"},"
    "{\"id\":\"123456789abcdef0\"},{\"id\":\"" LONG "\"}]",
    "[{\"a\":1,\"b\":2},{\"a\":1},{\"a\":1,\"b\":2},{\"b\":1,\"a\":2},{},{\"a\":3}]",
    "[{\"" LONG "\":{\"x\":1}},{\"" LONG "\":{\"x\":2}}]",
    "[{\"a\":\"say \\\"yes\\\"\"},{\"a\":\"back\\\\slash\"},{\"a\":\"\\u0001\\n\"}]",
    "[{\"qu\\\"ote\":1},{\"qu\\\"ote\":2}]",
    "[{\"a\":\"K\xc3\xb6ln\"},{\"a\":\"\xe2\x82\xac 10 " LONG "\"}]",
    "[{\"lines\":[{\"n\":1},{\"n\":2}]},{\"lines\":[{\"n\":3},{\"m\":4}]}]",
};

static struct jval *parse(struct arena *arena, struct slice text)
{
    struct jval *value = NULL;

    assert_int_equal(jval_parse(arena, text, &value, NULL), ERR_OK);
    return value;
}

static void write_both(struct jtwice *twice, const struct jval *value)
{
    struct jwriter writer;

    jwriter_init(&writer, &twice->plain);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "before", SLICE("it"));
    jwriter_key(&writer, SLICE("data"));
    jtwice_value(twice, &writer, value);
    jwriter_member_string(&writer, "after", SLICE("it"));
    jwriter_object_end(&writer);
}

/* What the plain writer makes of the same. */
static struct buf expected(const struct jval *value)
{
    struct jwriter writer;
    struct buf out;

    buf_init(&out, 1 << 20);
    jwriter_init(&writer, &out);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "before", SLICE("it"));
    jwriter_key(&writer, SLICE("data"));
    jwriter_value(&writer, value);
    jwriter_member_string(&writer, "after", SLICE("it"));
    jwriter_object_end(&writer);
    return out;
}

static void check(const struct jval *value, size_t plain_ceiling, size_t quoted_ceiling)
{
    struct buf plain = expected(value), quoted;
    struct jtwice twice;
    buf_init(&quoted, 1 << 21);
    assert_true(jwriter_escape(&quoted, buf_slice(&plain)));

    jtwice_init(&twice, plain_ceiling, quoted_ceiling);
    write_both(&twice, value);
    struct slice result = jtwice_quoted(&twice);

    assert_int_equal(buf_full(&twice.plain), plain.len > plain_ceiling);
    if (!buf_full(&twice.plain)) {
        assert_true(slice_eq(buf_slice(&twice.plain), buf_slice(&plain)));
        assert_true(slice_eq(result, quoted.len <= quoted_ceiling ? buf_slice(&quoted)
                                                                  : SLICE_EMPTY));
    }
    jtwice_free(&twice);
    buf_free(&plain);
    buf_free(&quoted);
}

static void test_both_are_what_the_plain_writer_has(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check(parse(arena, slice_str(texts[i])), 1 << 16, 1 << 16);
    }
    check(NULL, 1 << 16, 1 << 16);
    arena_free(arena);
}

static void test_each_ceiling_is_held_to_the_byte(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct jval *value = parse(arena, slice_str(texts[i]));
        for (size_t ceiling = 0; ceiling < 400; ceiling++) {
            check(value, ceiling, 1 << 16);
            check(value, 1 << 16, ceiling);
        }
    }
    arena_free(arena);
}

/* Rows of so many members, with values of growing length. */
static struct slice table(struct arena *arena, size_t rows, size_t members)
{
    struct buf text;

    buf_init(&text, 1 << 22);
    for (size_t row = 0; row < rows; row++) {
        assert_true(buf_printf(&text, "%s", row == 0 ? "[{" : "},{"));
        for (size_t i = 0; i < members; i++) {
            assert_true(buf_printf(&text, "%s\"member %zu\":\"%.*s\"",
                                   i == 0 ? "" : ",", i,
                                   (int)((row + i) % sizeof(LONG)), LONG));
        }
    }
    assert_true(buf_printf(&text, "}]"));
    struct slice copy = arena_slice(arena, buf_slice(&text));
    buf_free(&text);
    return copy;
}

static void test_rows_of_any_width_and_number(void **state)
{
    static const size_t widths[] = {1, 63, 64, 65, 200};
    struct arena *arena = arena_new();
    (void)state;

    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        check(parse(arena, table(arena, 100, widths[i])), 1 << 20, 1 << 21);
    }
    check(parse(arena, table(arena, 3000, 3)), 1 << 20, 1 << 21);
    arena_free(arena);
}

static void test_cleared_it_serves_the_next_one(void **state)
{
    struct arena *arena = arena_new();
    const struct jval *small = parse(arena, SLICE("[{\"a\":\"secret-of-a-row\"}]"));
    const struct jval *large = parse(arena, table(arena, 100, 8));
    struct jtwice twice;
    (void)state;

    jtwice_init(&twice, 1 << 20, 1 << 20);
    write_both(&twice, small);
    uintptr_t plain = (uintptr_t)twice.plain.ptr;
    size_t bytes = twice.plain.cap;
    jtwice_clear(&twice, 4096);
    assert_int_equal(twice.plain.cap, bytes);
    assert_false(memory_holds(plain, bytes, "secret-of-a-row"));
    write_both(&twice, large);
    struct buf expectation = expected(large);
    assert_true(slice_eq(buf_slice(&twice.plain), buf_slice(&expectation)));
    jtwice_clear(&twice, 4096);
    assert_int_equal(twice.plain.cap + twice.quoted.cap, 0);
    jtwice_free(&twice);
    buf_free(&expectation);
    arena_free(arena);
}

static void test_a_result_is_wiped_from_both(void **state)
{
    struct arena *arena = arena_new();
    const struct jval *value = parse(
        arena, SLICE("[{\"a\":\"secret-of-a-row\"},{\"a\":\"secret-of-a-row\"}]"));
    struct jtwice twice;
    (void)state;

    jtwice_init(&twice, 4096, 4096);
    write_both(&twice, value);
    uintptr_t plain = (uintptr_t)twice.plain.ptr;
    uintptr_t quoted = (uintptr_t)jtwice_quoted(&twice).ptr;
    size_t plain_bytes = twice.plain.cap, quoted_bytes = twice.quoted.cap;
    assert_true(memory_holds(plain, plain_bytes, "secret-of-a-row"));
    assert_true(memory_holds(quoted, quoted_bytes, "secret-of-a-row"));
    jtwice_free(&twice);

    assert_false(memory_holds(plain, plain_bytes, "secret-of-a-row"));
    assert_false(memory_holds(quoted, quoted_bytes, "secret-of-a-row"));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_are_what_the_plain_writer_has),
        cmocka_unit_test(test_each_ceiling_is_held_to_the_byte),
        cmocka_unit_test(test_rows_of_any_width_and_number),
        cmocka_unit_test(test_cleared_it_serves_the_next_one),
        cmocka_unit_test(test_a_result_is_wiped_from_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
