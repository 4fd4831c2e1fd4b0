/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: comparison, search, trimming, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

static void test_case_is_folded_for_ascii_letters_only(void **state)
{
    (void)state;

    assert_true(slice_eq_nocase(SLICE("Content-TYPE"), SLICE("content-type")));
    assert_false(slice_eq_nocase(SLICE("abc"), SLICE("abcd")));
    assert_false(slice_eq_nocase(SLICE("a@"), SLICE("a`")));
    assert_false(slice_eq_nocase(SLICE("a["), SLICE("a{")));
    assert_false(slice_eq_nocase(SLICE("\xc3\x84"), SLICE("\xc3\xa4")));
}

static void test_order_is_by_unsigned_bytes_and_shorter_first(void **state)
{
    (void)state;

    assert_true(slice_cmp(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_cmp(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_cmp(SLICE_EMPTY, SLICE("a")) < 0);
    assert_true(slice_cmp(SLICE("z"), SLICE("\xc3\xa4")) < 0);
    assert_int_equal(slice_cmp(SLICE("same"), SLICE("same")), 0);
    assert_int_equal(slice_cmp(SLICE_EMPTY, SLICE_EMPTY), 0);
}

static void test_find_gives_the_first_index_or_minus_one(void **state)
{
    (void)state;

    assert_int_equal(slice_find(SLICE("a=b=c"), '='), 1);
    assert_int_equal(slice_find(SLICE("abc"), '='), -1);
    assert_int_equal(slice_find(SLICE_EMPTY, '='), -1);
    assert_int_equal(slice_find(SLICE("a\xff"), '\xff'), 1);
}

static void test_trim_takes_spaces_and_tabs_and_nothing_else(void **state)
{
    (void)state;

    assert_true(slice_is(slice_trim(SLICE(" \t a b\t ")), "a b"));
    assert_true(slice_is(slice_trim(SLICE("\na\n")), "\na\n"));
    assert_int_equal(slice_trim(SLICE(" \t ")).len, 0);
}

static void test_u64_takes_up_to_18_digits_and_no_sign(void **state)
{
    unsigned long long value = 7;
    (void)state;

    assert_true(slice_to_u64(SLICE("0"), &value));
    assert_int_equal(value, 0);
    assert_true(slice_to_u64(SLICE("999999999999999999"), &value));
    assert_true(value == 999999999999999999u);
    assert_false(slice_to_u64(SLICE("1000000000000000000"), &value));
    assert_false(slice_to_u64(SLICE(""), &value));
    assert_false(slice_to_u64(SLICE("+1"), &value));
    assert_false(slice_to_u64(SLICE("-1"), &value));
    assert_false(slice_to_u64(SLICE("0x3"), &value));
    assert_false(slice_to_u64(SLICE("1 "), &value));
    assert_true(value == 999999999999999999u);
}

static void test_rest_of_a_slice_is_clamped_to_its_end(void **state)
{
    (void)state;

    assert_true(slice_is(slice_from(SLICE("abc"), 1), "bc"));
    assert_int_equal(slice_from(SLICE("abc"), 3).len, 0);
    assert_int_equal(slice_from(SLICE("abc"), 99).len, 0);
    assert_non_null(slice_of(NULL, 5).ptr);
    assert_int_equal(slice_of(NULL, 5).len, 0);
    assert_true(slice_starts(SLICE("abc"), SLICE("ab")));
    assert_false(slice_starts(SLICE("ab"), SLICE("abc")));
}

static void test_a_zeroed_slice_is_an_empty_one(void **state)
{
    (void)state;
    const struct slice none = {NULL, 0};
    char byte = 'x';

    slice_copy(&byte, none);

    assert_int_equal(byte, 'x');
    assert_true(slice_eq(none, SLICE("")));
    assert_true(slice_starts(SLICE("a"), none));
    assert_int_equal(slice_cmp(none, SLICE("")), 0);
    assert_int_equal(slice_find(none, 'x'), -1);
    assert_int_equal(slice_trim(none).len, 0);
}

static void test_case_is_folded_at_the_start_and_inside(void **state)
{
    (void)state;

    assert_true(slice_starts_nocase(SLICE("HtTpS://a"), SLICE("https://")));
    assert_false(slice_starts_nocase(SLICE("http"), SLICE("https")));
    assert_true(slice_starts_nocase(SLICE("a"), SLICE("")));
    assert_true(slice_contains_nocase(SLICE("a; Max-Age=0"), SLICE("max-age=0")));
    assert_true(slice_contains_nocase(SLICE("abc"), SLICE("ABC")));
    assert_false(slice_contains_nocase(SLICE("abcab"), SLICE("abd")));
    assert_false(slice_contains_nocase(SLICE("ab"), SLICE("abc")));
    assert_false(slice_contains_nocase(SLICE(""), SLICE("a")));
    assert_true(slice_contains_nocase(SLICE(""), SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_zeroed_slice_is_an_empty_one),
        cmocka_unit_test(test_case_is_folded_for_ascii_letters_only),
        cmocka_unit_test(test_order_is_by_unsigned_bytes_and_shorter_first),
        cmocka_unit_test(test_find_gives_the_first_index_or_minus_one),
        cmocka_unit_test(test_trim_takes_spaces_and_tabs_and_nothing_else),
        cmocka_unit_test(test_u64_takes_up_to_18_digits_and_no_sign),
        cmocka_unit_test(test_rest_of_a_slice_is_clamped_to_its_end),
        cmocka_unit_test(test_case_is_folded_at_the_start_and_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
