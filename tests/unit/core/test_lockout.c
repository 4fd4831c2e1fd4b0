/* SPDX-License-Identifier: Apache-2.0 */
/* How often in a row a login was refused, whatever comes between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/lockout.h"

#define ONE SLICE("one")
#define OTHER SLICE("other")
#define NOW INT64_C(5000000)

static int set_up(void **state)
{
    *state = lockout_new();
    return 0;
}

static int tear_down(void **state)
{
    lockout_free(*state);
    return 0;
}

static void test_each_login_is_counted_by_itself(void **state)
{
    struct lockout *l = *state;
    assert_true(lockout_is_empty(l));
    assert_int_equal(lockout_refused(l, ONE, LOCKOUT_US, NOW), 1);
    assert_int_equal(lockout_refused(l, ONE, LOCKOUT_US, NOW + 1), 2);
    assert_int_equal(lockout_refused(l, OTHER, LOCKOUT_US, NOW + 2), 1);
    assert_int_equal(lockout_count(l, ONE, NOW + 3), 2);
    assert_int_equal(lockout_count(l, SLICE("third"), NOW + 3), 0);
}

static void test_a_success_ends_the_row_unless_it_left_before_the_refusal(void **state)
{
    struct lockout *l = *state;
    lockout_refused(l, ONE, LOCKOUT_US, NOW);
    assert_false(lockout_worked(l, ONE, NOW - 1));
    assert_false(lockout_worked(l, ONE, NOW));
    assert_int_equal(lockout_count(l, ONE, NOW), 1);
    assert_true(lockout_worked(l, ONE, NOW + 1));
    assert_int_equal(lockout_count(l, ONE, NOW + 1), 0);
    assert_true(lockout_worked(l, ONE, NOW - 1)); /* nothing was refused */
    assert_true(lockout_is_empty(l));
}

static void test_half_an_hour_later_a_new_row_begins(void **state)
{
    struct lockout *l = *state;
    lockout_refused(l, ONE, LOCKOUT_US, NOW);
    lockout_refused(l, ONE, LOCKOUT_US, NOW);
    assert_int_equal(lockout_count(l, ONE, NOW + LOCKOUT_US - 1), 2);
    assert_int_equal(lockout_left_us(l, ONE, NOW + LOCKOUT_US - 1), 1);
    assert_int_equal(lockout_left_us(l, ONE, NOW + LOCKOUT_US), 0);
    assert_int_equal(lockout_left_us(l, OTHER, NOW), 0);
    assert_int_equal(lockout_count(l, ONE, NOW + LOCKOUT_US), 0);
    assert_int_equal(lockout_refused(l, ONE, LOCKOUT_US, NOW + LOCKOUT_US), 1);
}

static void test_one_that_was_stopped_has_one_try_left(void **state)
{
    struct lockout *l = *state;
    lockout_stopped(l, ONE, NOW);
    assert_int_equal(lockout_count(l, ONE, NOW), LOCKOUT_CALLS_MOST);
    assert_int_equal(lockout_refused(l, ONE, LOCKOUT_US, NOW), LOCKOUT_MOST);
    lockout_stopped(l, ONE, NOW);
    assert_int_equal(lockout_count(l, ONE, NOW), LOCKOUT_MOST);
    lockout_forgive(l, ONE);
    lockout_forgive(l, OTHER);
    assert_int_equal(lockout_count(l, ONE, NOW), 0);
}

static void test_what_is_not_stored_counts_beyond_what_is(void **state)
{
    struct lockout *l = *state;
    lockout_refused(l, ONE, LOCKOUT_US, NOW);
    lockout_unstored(l, ONE);
    lockout_learn(l, ONE, 0, 0, NOW + 10); /* it was not stored before it was read */
    assert_int_equal(lockout_count(l, ONE, NOW), 1);
    assert_int_equal(lockout_left_us(l, ONE, NOW + 10), LOCKOUT_US - 10);
    lockout_learn(l, ONE, 3, LOCKOUT_US, NOW - 1);
    assert_int_equal(lockout_count(l, ONE, NOW), 4);
    assert_int_equal(lockout_left_us(l, ONE, NOW), LOCKOUT_US);
    lockout_learn(l, ONE, 2, LOCKOUT_US, NOW + 2);
    assert_int_equal(lockout_count(l, ONE, NOW), 3);
    assert_int_equal(lockout_left_us(l, ONE, NOW + 2), LOCKOUT_US);
    lockout_stored(l, ONE);
    lockout_stored(l, ONE);
    lockout_stored(l, OTHER);
    lockout_learn(l, ONE, 2, LOCKOUT_US, NOW + 2);
    assert_int_equal(lockout_count(l, ONE, NOW + 2), 2);
    lockout_learn(l, ONE, 0, 0, NOW + 3);
    assert_true(lockout_is_empty(l));
}

static void test_what_was_never_stored_is_over_with_its_row(void **state)
{
    struct lockout *l = *state;
    lockout_refused(l, ONE, LOCKOUT_US, NOW);
    lockout_unstored(l, ONE);
    lockout_learn(l, ONE, 1, LOCKOUT_US, NOW + LOCKOUT_US);
    assert_int_equal(lockout_count(l, ONE, NOW + LOCKOUT_US), 1);
    lockout_unstored(l, ONE);
    lockout_learn(l, ONE, 0, 0, NOW + 2 * LOCKOUT_US);
    assert_true(lockout_is_empty(l));
    lockout_refused(l, ONE, LOCKOUT_US, NOW);
    lockout_unstored(l, ONE);
    assert_true(lockout_worked(l, ONE, NOW + 1)); /* the ERP counts in a row as well */
    lockout_learn(l, ONE, 0, 0, NOW + 2);
    assert_true(lockout_is_empty(l));
}

static void test_many_logins_do_not_stay_for_ever(void **state)
{
    struct lockout *l = *state;
    char name[16];
    int kept = 0;
    for (int i = 0; i < 3000; i++) {
        int len = snprintf(name, sizeof name, "login %d", i);
        lockout_refused(l, slice_of(name, (size_t)len), LOCKOUT_US,
                        i < 1024 ? NOW : NOW + LOCKOUT_US);
    }
    for (int i = 0; i < 3000; i++) {
        int len = snprintf(name, sizeof name, "login %d", i);
        kept += lockout_count(l, slice_of(name, (size_t)len), NOW + LOCKOUT_US);
        /* One that was forgotten leaves no trace: an early success is the newest word. */
        assert_int_equal(lockout_worked(l, slice_of(name, (size_t)len), NOW), i < 1024);
    }
    assert_int_equal(kept, 3000 - 1024);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_login_is_counted_by_itself),
        TEST(test_a_success_ends_the_row_unless_it_left_before_the_refusal),
        TEST(test_half_an_hour_later_a_new_row_begins),
        TEST(test_one_that_was_stopped_has_one_try_left),
        TEST(test_what_is_not_stored_counts_beyond_what_is),
        TEST(test_what_was_never_stored_is_over_with_its_row),
        TEST(test_many_logins_do_not_stay_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
