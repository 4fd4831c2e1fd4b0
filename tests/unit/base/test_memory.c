/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of the wiping allocator: what is left of them, and that they are good memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/base/aborts.h"
#include "tests/unit/base/freed_memory.h"

#define MARKER "memory-marker-9d17"

static const size_t sizes[] = {0, 1, 24, 25, 1000, 4096, 70000, 1 << 20};
#define SIZES (sizeof sizes / sizeof sizes[0])

static bool is_aligned(const void *ptr)
{
    return (uintptr_t)ptr % _Alignof(max_align_t) == 0;
}

/* The marker at the very end of what malloc handed out. */
static uintptr_t mark_end(void *ptr)
{
    size_t room = malloc_usable_size(ptr);
    char *at = (char *)ptr + room - strlen(MARKER);

    assert_true(room >= strlen(MARKER));
    memcpy(at, MARKER, strlen(MARKER));
    return (uintptr_t)at;
}

static void test_plain_memory_would_keep_the_bytes(void **state)
{
    (void)state;
    assert_true(plain_free_leaves_it(MARKER));
}

static void test_a_freed_block_is_wiped_to_its_end(void **state)
{
    (void)state;
    for (size_t i = 2; i < SIZES; i++) {
        void *ptr = memory_alloc(sizes[i]);
        uintptr_t at = mark_end(ptr);
        assert_true(memory_holds(at, strlen(MARKER), MARKER));

        memory_free(ptr);

        assert_false(memory_holds(at, strlen(MARKER), MARKER));
    }
    memory_free(NULL);
}

static void test_the_old_place_of_a_resized_block_is_wiped(void **state)
{
    (void)state;
    for (size_t i = 2; i < SIZES; i++) {
        static const size_t after[] = {1, 24, 5000, 2 << 20};
        for (size_t j = 0; j < sizeof after / sizeof after[0]; j++) {
            void *ptr = memory_alloc(sizes[i]);
            uintptr_t at = mark_end(ptr);

            ptr = memory_resize(ptr, after[j]);

            assert_false(memory_holds(at, strlen(MARKER), MARKER));
            memory_free(ptr);
        }
    }
}

static void test_a_resized_block_keeps_its_content(void **state)
{
    (void)state;
    char *text = memory_copy_text(MARKER);

    text = memory_resize(text, 100000);
    assert_string_equal(text, MARKER);
    text = memory_resize(text, 7);
    assert_memory_equal(text, MARKER, 7);
    memory_free(text);
    text = memory_resize(NULL, 10);
    assert_non_null(text);
    memory_free(text);
}

static void test_every_size_gives_aligned_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZES; i++) {
        void *some = memory_alloc(sizes[i]);
        unsigned char *zeroed = memory_zeroed(sizes[i], 1);
        void *grown = memory_resize(memory_alloc(3), sizes[i]);
        assert_true(is_aligned(some) && is_aligned(zeroed) && is_aligned(grown));
        for (size_t at = 0; at < sizes[i]; at++) {
            assert_int_equal(zeroed[at], 0);
        }
        memory_free(some);
        memory_free(zeroed);
        memory_free(grown);
    }
}

static void test_blocks_of_malloc_may_be_given_back(void **state)
{
    (void)state;
    void *ptr = malloc(1000);
    assert_non_null(ptr);
    uintptr_t at = mark_end(ptr);

    memory_free(ptr);

    assert_false(memory_holds(at, strlen(MARKER), MARKER));
    free(memory_alloc(10));
}

static void ask_for_more_than_there_is(void)
{
    memory_free(memory_zeroed(SIZE_MAX / 2, 4));
}

static void test_an_overflowing_size_aborts(void **state)
{
    (void)state;
    assert_true(aborts(ask_for_more_than_there_is));
}

/* Pages of the heap that are in memory, in bytes. */
static size_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");

    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%*u %lu", &pages), 1);
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Many small blocks and one above them that stays, so that the heap cannot shrink by itself. */
static void test_freed_memory_is_given_back(void **state)
{
    (void)state;
    enum { BLOCKS = 16384, BLOCK = 1024 };
    void **blocks = memory_zeroed(BLOCKS, sizeof *blocks);

    assert_false(memory_give_back());
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = memory_zeroed(1, BLOCK);
        memset(blocks[i], 1, BLOCK);
    }
    void *above = memory_alloc(BLOCK);
    for (size_t i = 0; i < BLOCKS; i++) {
        memory_free(blocks[i]);
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    size_t before = resident_bytes(); /* the sanitizers' malloc keeps what it has */
    assert_true(memory_give_back());
    assert_true(resident_bytes() + (size_t)BLOCKS * BLOCK / 2 < before);
#else
    assert_true(resident_bytes() > 0);
    assert_false(memory_give_back());
#endif
    memory_free(above);
    memory_free(blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_memory_would_keep_the_bytes),
        cmocka_unit_test(test_a_freed_block_is_wiped_to_its_end),
        cmocka_unit_test(test_the_old_place_of_a_resized_block_is_wiped),
        cmocka_unit_test(test_a_resized_block_keeps_its_content),
        cmocka_unit_test(test_every_size_gives_aligned_memory),
        cmocka_unit_test(test_blocks_of_malloc_may_be_given_back),
        cmocka_unit_test(test_an_overflowing_size_aborts),
        cmocka_unit_test(test_freed_memory_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
