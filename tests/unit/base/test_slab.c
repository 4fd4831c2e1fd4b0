/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs: blocks of any size, apart from each other, used again, and wiped when given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/slab.h"
#include "tests/unit/base/aborts.h"
#include "tests/unit/base/freed_memory.h"

#define MARKER "slab-marker-51c8"
#define BLOCKS 600

static size_t bytes_of(size_t number)
{
    return number * 131 %
           6000; /* none, a line, many lines, and more than a slab cuts */
}

static void check_zeroed(const unsigned char *block, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(block[i], 0);
    }
}

/* Over several regions; every other block goes and comes back twice. */
static void test_blocks_are_zeroed_and_do_not_overlap(void **state)
{
    struct slab *slab = slab_new();
    unsigned char *blocks[BLOCKS] = {NULL};
    (void)state;

    for (int turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            if (blocks[i] != NULL) {
                continue;
            }
            blocks[i] = slab_take(slab, bytes_of(i));
            assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
            check_zeroed(blocks[i], bytes_of(i));
            memset(blocks[i], (int)(1 + i % 250), bytes_of(i));
        }
        for (size_t i = (size_t)turn % 2; i < BLOCKS; i += 2) {
            for (size_t k = 0; k < bytes_of(i); k++) {
                assert_int_equal(blocks[i][k], 1 + i % 250);
            }
            slab_give(slab, blocks[i], bytes_of(i));
            blocks[i] = NULL;
        }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        slab_give(slab, blocks[i], bytes_of(i));
    }
    slab_free(slab);
}

static void test_what_is_given_back_is_wiped_and_used_again(void **state)
{
    struct slab *slab = slab_new();
    (void)state;

    char *block = slab_take(slab, 1000);
    memcpy(block + 900, MARKER, sizeof(MARKER));
    assert_true(memory_holds((uintptr_t)block, 1000, MARKER));
    slab_give(slab, block, 1000);
    assert_false(memory_holds((uintptr_t)block, 1000, MARKER));

    void *other_size = slab_take(slab, 500);
    void *again = slab_take(slab, 990); /* as many lines */
    assert_ptr_not_equal(other_size, block);
    assert_ptr_equal(again, block);
    slab_give(slab, again, 990);
    slab_give(slab, other_size, 500);
    slab_give(slab, NULL, 1);
    slab_free(slab);
    slab_free(NULL);
}

/* What they outgrow comes from the slab as well, and goes back with the arena. */
static void test_an_arena_lives_in_a_slab(void **state)
{
    struct slab *slab = slab_new();
    char *text = NULL;
    (void)state;

    for (int turn = 0; turn < 2; turn++) {
        struct arena *arena = arena_new_in_slab(slab, 512);
        for (size_t i = 0; i < 100; i++) {
            text = arena_alloc(arena, 1 + i * 97 % 3000);
            assert_int_equal(text[i * 97 % 3000], 0);
            memset(text, 'x', 1 + i * 97 % 3000);
        }
        memcpy(text, MARKER, sizeof(MARKER));
        arena_free(arena);
        assert_false(memory_holds((uintptr_t)text, sizeof(MARKER), MARKER));
    }
    slab_free(slab);
}

static void free_too_early(void)
{
    struct slab *slab = slab_new();
    (void)slab_take(slab, 1);
    slab_free(slab);
}

static void test_a_slab_whose_blocks_are_in_use_is_not_freed(void **state)
{
    (void)state;
    assert_true(aborts(free_too_early));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_zeroed_and_do_not_overlap),
        cmocka_unit_test(test_what_is_given_back_is_wiped_and_used_again),
        cmocka_unit_test(test_an_arena_lives_in_a_slab),
        cmocka_unit_test(test_a_slab_whose_blocks_are_in_use_is_not_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
