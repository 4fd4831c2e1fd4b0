/* SPDX-License-Identifier: Apache-2.0 */
/* Spare blocks: each serves its own size again, the last one first, and no more than there is need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "base/spares.h"

#define MOST ((size_t)1024 * 1024)
#define LARGEST ((size_t)32 * 1024 - 8) /* of a spare; 8 are malloc's */
#define BEYOND ((size_t)40 * 1024)

static void *block_of(size_t bytes)
{
    void *block = malloc(spares_room(bytes));

    assert_non_null(block);
    return block;
}

static void test_a_size_finds_its_own_block_again(void **state)
{
    (void)state;
    for (size_t bytes = 24; bytes <= LARGEST; bytes++) {
        struct spares *spares = spares_new(MOST);
        void *block = block_of(bytes);
        assert_true(spares_room(bytes) >= bytes);
        assert_true(spares_room(bytes) <=
                    bytes + (bytes <= 1016 ? 24 : bytes / 8 + 16));
        assert_true(spares_keep(spares, block));
        assert_ptr_equal(spares_take(spares, bytes), block);
        assert_null(spares_take(spares, bytes));
        memset(block, 1, bytes); /* the sanitizer sees what is not ours */
        free(block);
        spares_free(spares);
    }
}

/* Whatever malloc gave: a block serves no request that it is too small for. */
static void test_what_is_larger_is_none(void **state)
{
    struct spares *spares = spares_new(MOST);
    void *block = block_of(BEYOND);
    (void)state;

    assert_int_equal(spares_room(LARGEST + 1), LARGEST + 1);
    assert_false(spares_keep(spares, block));
    assert_null(spares_take(spares, LARGEST + 1));
    free(block);
    spares_free(spares);
}

static void test_no_block_is_too_small(void **state)
{
    struct spares *spares = spares_new((size_t)64 * 1024 * 1024);
    size_t taken = 0;
    (void)state;

    for (size_t bytes = 1; bytes < BEYOND; bytes += 7) {
        void *block = malloc(bytes);
        assert_non_null(block);
        if (!spares_keep(spares, block)) {
            free(block);
        }
    }
    for (size_t bytes = BEYOND; bytes > 0; bytes--) {
        void *block = spares_take(spares, bytes);
        if (block != NULL) {
            assert_true(malloc_usable_size(block) >= bytes);
            memset(block, 1, bytes);
            free(block);
            taken++;
        }
    }
    assert_true(taken > 1000);
    spares_free(spares);
}

static void test_the_last_is_the_first(void **state)
{
    struct spares *spares = spares_new(MOST);
    void *blocks[100];
    (void)state;

    for (size_t i = 0; i < 100; i++) {
        blocks[i] = block_of(500);
    }
    for (size_t i = 0; i < 100; i++) {
        assert_true(spares_keep(spares, blocks[i]));
    }
    for (size_t i = 100; i-- > 0;) {
        assert_ptr_equal(spares_take(spares, 500), blocks[i]);
        free(blocks[i]);
    }
    spares_free(spares);
}

static size_t keep_many(struct spares *spares, size_t bytes)
{
    size_t kept = 0;
    void *block = block_of(bytes);

    while (spares_keep(spares, block)) {
        kept += bytes;
        block = block_of(bytes);
    }
    free(block);
    return kept;
}

/* One size cannot take the room of all others, and all together no more than was agreed. */
static void test_there_is_an_end_to_it(void **state)
{
    struct spares *spares = spares_new(MOST);
    size_t kept = 0;
    (void)state;

    kept = keep_many(spares, 1000);
    assert_true(kept > MOST / 32 && kept <= MOST / 16);
    for (size_t bytes = 24; bytes < BEYOND; bytes += 16) {
        kept += keep_many(spares, bytes);
    }
    assert_true(kept > MOST / 4 * 3 && kept <= MOST);
    spares_free(spares);
}

static void test_only_what_nobody_wanted_goes(void **state)
{
    struct spares *spares = spares_new(MOST);
    void *block = NULL;
    (void)state;

    for (int i = 0; i < 5; i++) {
        assert_true(spares_keep(spares, block_of(500)));
    }
    spares_trim(spares); /* since the beginning there were moments without any */
    for (int i = 0; i < 2; i++) {
        block = spares_take(spares, 500);
        assert_non_null(block);
        assert_true(spares_keep(spares, block));
    }
    spares_trim(spares); /* one of five was wanted at a time */
    block = spares_take(spares, 500);
    assert_non_null(block);
    assert_null(spares_take(spares, 500));
    assert_true(spares_keep(spares, block));
    spares_trim(spares); /* the one was wanted */
    assert_non_null(block = spares_take(spares, 500));
    assert_true(spares_keep(spares, block));
    spares_trim(spares);
    spares_trim(spares);
    assert_null(spares_take(spares, 500));
    spares_free(spares);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_size_finds_its_own_block_again),
        cmocka_unit_test(test_what_is_larger_is_none),
        cmocka_unit_test(test_no_block_is_too_small),
        cmocka_unit_test(test_the_last_is_the_first),
        cmocka_unit_test(test_there_is_an_end_to_it),
        cmocka_unit_test(test_only_what_nobody_wanted_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
