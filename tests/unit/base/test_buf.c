/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers: the ceiling, the terminator, consumption, and the wipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tests/unit/base/aborts.h"
#include "tests/unit/base/freed_memory.h"

#define MARKER "buffer-marker-90ac"

static void test_append_refuses_past_the_ceiling_and_changes_nothing(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 10);

    assert_true(buf_append(&buf, SLICE("0123456789")));
    assert_false(buf_full(&buf));
    assert_false(buf_append_byte(&buf, 'x'));

    assert_true(buf_full(&buf));
    assert_true(slice_is(buf_slice(&buf), "0123456789"));
    assert_int_equal(buf.ptr[10], 0);
    buf_free(&buf);
    assert_false(buf_full(&buf));
    assert_int_equal(buf.ceiling, 10);
}

static void test_an_empty_buffer_is_an_empty_slice(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 0);

    assert_null(buf.ptr);
    assert_int_equal(buf_slice(&buf).len, 0);
    assert_non_null(buf_slice(&buf).ptr);
    assert_true(buf_append(&buf, SLICE_EMPTY));
    assert_false(buf_append_byte(&buf, 'x'));
    buf_free(&buf);
}

static void test_printf_terminates_and_respects_the_ceiling(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 8);

    assert_true(buf_printf(&buf, "%d|%s", 12, "ab"));
    assert_string_equal(buf.ptr, "12|ab");
    assert_false(buf_printf(&buf, "%s", "four"));
    assert_string_equal(buf.ptr, "12|ab");
    assert_true(buf_printf(&buf, "%s", "end"));
    assert_string_equal(buf.ptr, "12|abend");
    buf_free(&buf);
}

static void test_reserved_room_becomes_content_with_commit(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 100000);

    char *room = buf_reserve(&buf, 5000);
    memset(room, 'a', 4000);
    buf_commit(&buf, 4000);

    assert_int_equal(buf.len, 4000);
    assert_int_equal(buf.ptr[4000], 0);
    assert_null(buf_reserve(&buf, 96001));
    assert_non_null(buf_reserve(&buf, 96000));
    assert_null(buf_reserve(&buf, SIZE_MAX));
    buf_free(&buf);
}

static void commit_too_much(void)
{
    struct buf buf;
    buf_init(&buf, 100);
    (void)buf_reserve(&buf, 10);
    buf_commit(&buf, buf.cap);
}

static void test_committing_more_than_there_is_room_aborts(void **state)
{
    (void)state;
    assert_true(aborts(commit_too_much));
}

static void test_consume_moves_the_rest_to_the_front_and_wipes_behind(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 1000);
    assert_true(buf_append(&buf, SLICE("head " MARKER)));

    buf_consume(&buf, 5);
    assert_true(slice_is(buf_slice(&buf), MARKER));
    assert_int_equal(buf.ptr[buf.len], 0);
    buf_consume(&buf, buf.len);

    assert_int_equal(buf.len, 0);
    assert_false(memory_holds((uintptr_t)buf.ptr, buf.cap, "marker"));
    buf_free(&buf);
}

static void test_content_survives_many_growths(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 1 << 20);

    for (int i = 0; i < 100000; i++) {
        assert_true(buf_append_byte(&buf, (char)('a' + i % 26)));
    }
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
    }
    buf_free(&buf);
}

static void test_growth_clear_and_free_leave_nothing_behind(void **state)
{
    struct buf buf;
    (void)state;
    assert_true(plain_free_leaves_it(MARKER));
    buf_init(&buf, 100000);
    assert_true(buf_printf(&buf, "%64s" MARKER, ""));
    uintptr_t first = (uintptr_t)buf.ptr;
    size_t first_cap = buf.cap;

    assert_true(buf_printf(&buf, "%5000s", ""));
    assert_true((uintptr_t)buf.ptr != first);
    assert_false(memory_holds(first, first_cap, MARKER));
    assert_true(memory_holds((uintptr_t)buf.ptr, buf.cap, MARKER));
    buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_false(memory_holds((uintptr_t)buf.ptr, buf.cap, MARKER));
    assert_true(buf_printf(&buf, "%64s" MARKER, ""));
    uintptr_t last = (uintptr_t)buf.ptr;
    size_t last_cap = buf.cap;
    buf_free(&buf);
    assert_false(memory_holds(last, last_cap, MARKER));
}

/* printf begins where the buffer ends, and has to move when the rest does not fit. */
static void test_a_text_that_fits_in_part_leaves_nothing_behind(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 300);
    assert_true(buf_append(&buf, SLICE("ahead ")));
    uintptr_t first = (uintptr_t)buf.ptr;
    size_t first_cap = buf.cap;

    assert_true(buf_printf(&buf, MARKER "%*s", (int)first_cap - 20, "behind"));
    assert_true((uintptr_t)buf.ptr != first);
    assert_false(memory_holds(first, first_cap, MARKER));
    assert_true(slice_starts(buf_slice(&buf), SLICE("ahead " MARKER)));
    buf_clear(&buf);
    assert_false(buf_printf(&buf, MARKER "%*s", 300, ""));
    assert_false(memory_holds((uintptr_t)buf.ptr, buf.cap, MARKER));
    assert_int_equal(buf.len, 0);
    buf_free(&buf);
}

/* Large ones have pages of their own, which move when they grow. */
static void test_a_large_buffer_grows_clears_and_frees_likewise(void **state)
{
    struct buf buf;
    const size_t bytes = (size_t)3 << 20;
    (void)state;
    buf_init(&buf, bytes);

    for (size_t i = 0; i < bytes; i++) {
        assert_true(buf_append_byte(&buf, (char)('a' + i % 26)));
    }
    assert_false(buf_append_byte(&buf, 'x'));
    assert_int_equal(buf.len, bytes);
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
    }
    assert_int_equal(buf.ptr[bytes], '\0');
    buf_clear(&buf);
    assert_int_equal(buf.ptr[bytes - 1], '\0');
    assert_true(buf_printf(&buf, "%64s" MARKER, ""));
    uintptr_t last = (uintptr_t)buf.ptr;
    assert_true(memory_holds(last, 4096, MARKER));
    buf_free(&buf);
    assert_false(memory_holds(last, 4096, MARKER));
    assert_null(buf.ptr);
}

static void test_a_small_block_outgrown_into_pages_is_wiped(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 1 << 20);
    assert_true(buf_printf(&buf, "%64s" MARKER, ""));
    uintptr_t first = (uintptr_t)buf.ptr;
    size_t first_cap = buf.cap;

    buf_expect(&buf, 500000);

    assert_false(memory_holds(first, first_cap, MARKER));
    assert_true(memory_holds((uintptr_t)buf.ptr, 4096, MARKER));
    buf_free(&buf);
}

static void test_what_was_begun_is_wiped_when_the_buffer_moves(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 1 << 20);
    assert_true(buf_append(&buf, SLICE("kept")));
    char *room = buf_reserve(&buf, 200);
    assert_non_null(room);
    memcpy(room + 180 - strlen(MARKER), MARKER, strlen(MARKER)); /* and not committed */
    uintptr_t first = (uintptr_t)buf.ptr;
    size_t first_cap = buf.cap;

    assert_non_null(buf_reserve(&buf, 4000));

    assert_false(memory_holds(first, first_cap, MARKER));
    assert_true(slice_is(buf_slice(&buf), "kept"));
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_large_buffer_grows_clears_and_frees_likewise),
        cmocka_unit_test(test_a_small_block_outgrown_into_pages_is_wiped),
        cmocka_unit_test(test_what_was_begun_is_wiped_when_the_buffer_moves),
        cmocka_unit_test(test_append_refuses_past_the_ceiling_and_changes_nothing),
        cmocka_unit_test(test_an_empty_buffer_is_an_empty_slice),
        cmocka_unit_test(test_printf_terminates_and_respects_the_ceiling),
        cmocka_unit_test(test_reserved_room_becomes_content_with_commit),
        cmocka_unit_test(test_committing_more_than_there_is_room_aborts),
        cmocka_unit_test(test_consume_moves_the_rest_to_the_front_and_wipes_behind),
        cmocka_unit_test(test_content_survives_many_growths),
        cmocka_unit_test(test_growth_clear_and_free_leave_nothing_behind),
        cmocka_unit_test(test_a_text_that_fits_in_part_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
