/* SPDX-License-Identifier: Apache-2.0 */
/* The stock of random bytes: nothing is handed out twice, nothing taken is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/random_stock.h"
#include "tests/unit/base/aborts.h"

#define BYTES 24 /* 1024 is no multiple of it: stocks end within a piece */
#define PIECES 200

static void test_no_piece_comes_twice(void **state)
{
    static unsigned char pieces[PIECES][BYTES];
    struct random_stock stock = {.left = 0};
    (void)state;

    for (size_t i = 0; i < PIECES; i++) {
        random_take(&stock, pieces[i], BYTES);
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(pieces[i], pieces[k], BYTES);
        }
    }
}

static void test_what_was_taken_is_not_kept(void **state)
{
    static const unsigned char nothing[sizeof((struct random_stock *)0)->bytes];
    struct random_stock stock = {.left = 0};
    unsigned char piece[BYTES];
    (void)state;

    while (stock.left >= BYTES || stock.left == 0) {
        random_take(&stock, piece, BYTES);
        size_t taken = sizeof(stock.bytes) - stock.left;
        assert_memory_equal(stock.bytes + stock.left, nothing, taken);
    }
}

static void take_too_many(void)
{
    struct random_stock stock = {.left = 0};
    unsigned char piece[sizeof(stock.bytes) + 1];

    random_take(&stock, piece, sizeof(piece));
}

static void test_more_than_a_stock_is_a_fault_of_the_program(void **state)
{
    (void)state;
    assert_true(aborts(take_too_many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_piece_comes_twice),
        cmocka_unit_test(test_what_was_taken_is_not_kept),
        cmocka_unit_test(test_more_than_a_stock_is_a_fault_of_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
