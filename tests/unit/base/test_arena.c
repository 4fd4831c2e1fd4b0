/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas: alignment, large requests, clean-ups, and what is left when one is freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "tests/unit/base/aborts.h"
#include "tests/unit/base/freed_memory.h"

#define MARKER "arena-marker-7d1f"

static void test_alloc_gives_zeroed_and_aligned_memory(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    for (size_t bytes = 0; bytes < 200; bytes++) {
        unsigned char *ptr = arena_alloc(arena, bytes);
        assert_int_equal((uintptr_t)ptr % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++) {
            assert_int_equal(ptr[i], 0);
        }
        memset(ptr, 0xff, bytes);
    }
    arena_free(arena);
}

static void test_pieces_do_not_overlap_across_chunks(void **state)
{
    struct arena *arena = arena_new();
    unsigned char *pieces[400];
    (void)state;

    for (size_t i = 0; i < 400; i++) {
        size_t bytes = i % 50 == 49 ? 100000 : 300;
        pieces[i] = arena_alloc(arena, bytes);
        memset(pieces[i], (int)(i % 251), bytes);
    }
    for (size_t i = 0; i < 400; i++) {
        size_t bytes = i % 50 == 49 ? 100000 : 300;
        assert_int_equal(pieces[i][0], i % 251);
        assert_int_equal(pieces[i][bytes - 1], i % 251);
    }
    arena_free(arena);
}

static void test_a_large_request_leaves_the_current_chunk_in_use(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    char *before = arena_alloc(arena, 16);
    (void)arena_alloc(arena, 1000000);
    char *after = arena_alloc(arena, 16);

    assert_true(after > before && after - before < 256);
    arena_free(arena);
}

static void test_copies_are_terminated_and_keep_their_length(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    struct slice copy = arena_slice(arena, slice_of("a\0bX", 3));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.ptr, "a\0b", 4);
    assert_string_equal(arena_copy(arena, SLICE("text")), "text");
    assert_string_equal(arena_copy(arena, SLICE_EMPTY), "");
    struct slice printed = arena_printf(arena, "%d-%s", 42, "x");
    assert_true(slice_is(printed, "42-x"));
    assert_int_equal(printed.ptr[printed.len], 0);
    for (int width = 250; width < 262;
         width++) { /* where the way of printing changes */
        printed = arena_printf(arena, "%*s", width, "x");
        assert_int_equal(printed.len, width);
        assert_int_equal(strlen(printed.ptr), width);
        assert_int_equal(printed.ptr[width - 1], 'x');
    }
    arena_free(arena);
}

struct order {
    int seen[3];
    int count;
};

struct cleanup_arg {
    struct order *order;
    int number;
};

static void on_free(void *ptr)
{
    struct cleanup_arg *arg = ptr;
    arg->order->seen[arg->order->count++] = arg->number;
}

static void test_cleanups_run_newest_first_while_the_arena_still_stands(void **state)
{
    struct arena *arena = arena_new();
    struct order order = {{0}, 0};
    (void)state;

    for (int i = 1; i <= 3; i++) {
        struct cleanup_arg *arg = arena_alloc(arena, sizeof(*arg));
        *arg = (struct cleanup_arg){&order, i};
        arena_on_free(arena, on_free, arg);
    }
    arena_free(arena);

    assert_int_equal(order.count, 3);
    assert_int_equal(order.seen[0], 3);
    assert_int_equal(order.seen[2], 1);
}

static void test_nothing_of_the_content_is_left_after_free(void **state)
{
    (void)state;
    assert_true(plain_free_leaves_it(MARKER));
    struct arena *arena = arena_new();
    uintptr_t small = (uintptr_t)arena_copy(arena, SLICE("xx " MARKER " yy"));
    char *large = arena_alloc(arena, 60000);
    uintptr_t address = (uintptr_t)large;
    memcpy(large + 30000, MARKER, sizeof(MARKER));
    assert_true(memory_holds(address, 60000, MARKER));

    arena_free(arena);

    assert_false(memory_holds(small, 100, MARKER));
    assert_false(memory_holds(address, 60000, MARKER));
}

static void overflow(void)
{
    (void)arena_array(arena_new(), SIZE_MAX / 4, 8);
}

static void test_a_count_that_overflows_aborts(void **state)
{
    (void)state;
    assert_true(aborts(overflow));
}

static void test_free_accepts_null(void **state)
{
    (void)state;
    arena_free(NULL);
}

static void test_a_sized_arena_starts_small_and_takes_what_comes(void **state)
{
    (void)state;
    struct arena *arena = arena_new_sized(256);
    char *pieces[200];

    for (size_t i = 0; i < 200; i++) {
        size_t bytes = 1 + i * 37 % 900; /* inside a chunk, and beyond one */

        pieces[i] = arena_alloc(arena, bytes);
        for (size_t k = 0; k < bytes; k++) {
            assert_int_equal(pieces[i][k], 0);
        }
        memset(pieces[i], (int)i, bytes);
    }
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(pieces[i][i * 37 % 900], (char)i);
    }
    arena_free(arena);
}

static void test_a_store_lends_its_chunks_again_and_wiped(void **state)
{
    struct arena_store *store = arena_store_new(2);
    uintptr_t places[2];
    (void)state;

    for (int turn = 0; turn < 2; turn++) {
        struct arena *arena = arena_new_in(store);
        char *text = arena_alloc(arena, 1000);
        for (size_t i = 0; i < 1000; i++) {
            assert_int_equal(text[i], 0);
        }
        memcpy(text + 900, MARKER, sizeof(MARKER));
        places[turn] = (uintptr_t)text;
        arena_free(arena);
        assert_false(memory_holds(places[turn], 1000, MARKER));
    }
    assert_true(places[0] == places[1]);
    arena_store_free(store);
}

/* More chunks than the store keeps, and pieces that get chunks of their own. */
static void test_a_store_serves_more_than_it_keeps(void **state)
{
    struct arena_store *store = arena_store_new(2);
    struct arena *arenas[3];
    (void)state;

    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 3; i++) {
            arenas[i] = arena_new_in(store);
            for (int k = 0; k < 20; k++) {
                memset(arena_alloc(arenas[i], 2000), 'x', 2000);
            }
            memset(arena_alloc(arenas[i], 100000), 'y', 100000);
        }
        for (int i = 0; i < 3; i++) {
            arena_free(arenas[i]);
        }
    }
    arena_store_free(store);
}

static void free_a_store_in_use(void)
{
    struct arena_store *store = arena_store_new(2);
    struct arena *arena = arena_new_in(store);

    (void)arena;
    arena_store_free(store);
}

static void test_a_store_in_use_cannot_be_freed(void **state)
{
    (void)state;
    assert_true(aborts(free_a_store_in_use));
    arena_store_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sized_arena_starts_small_and_takes_what_comes),
        cmocka_unit_test(test_alloc_gives_zeroed_and_aligned_memory),
        cmocka_unit_test(test_pieces_do_not_overlap_across_chunks),
        cmocka_unit_test(test_a_large_request_leaves_the_current_chunk_in_use),
        cmocka_unit_test(test_copies_are_terminated_and_keep_their_length),
        cmocka_unit_test(test_cleanups_run_newest_first_while_the_arena_still_stands),
        cmocka_unit_test(test_nothing_of_the_content_is_left_after_free),
        cmocka_unit_test(test_a_count_that_overflows_aborts),
        cmocka_unit_test(test_free_accepts_null),
        cmocka_unit_test(test_a_store_lends_its_chunks_again_and_wiped),
        cmocka_unit_test(test_a_store_serves_more_than_it_keeps),
        cmocka_unit_test(test_a_store_in_use_cannot_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
