/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: the system's goes on, the fake one stands until it is moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_the_fake_clock_stands_until_it_is_moved(void **state)
{
    struct clock_fake time = {100, 200};
    struct clock clock = clock_from_fake(&time);
    (void)state;

    assert_int_equal(clock_mono_us(&clock), 100);
    assert_int_equal(clock_wall_ms(&clock), 200);
    time.mono_us += 5;
    time.wall_ms -= 50;

    assert_int_equal(clock_mono_us(&clock), 105);
    assert_int_equal(clock_wall_ms(&clock), 150);
}

static void test_the_system_clock_never_goes_back_and_counts_from_1970(void **state)
{
    struct clock clock = clock_system();
    int64_t last = clock_mono_us(&clock);
    int64_t before = (int64_t)time(NULL) * 1000;
    (void)state;

    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_mono_us(&clock);
        assert_true(now >= last);
        last = now;
    }
    int64_t wall_ms = clock_wall_ms(&clock);

    /* time() may lag by a tick of the kernel; a wrong unit would be off by far more. */
    assert_true(wall_ms >= before - 1000 && wall_ms < before + 3600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fake_clock_stands_until_it_is_moved),
        cmocka_unit_test(test_the_system_clock_never_goes_back_and_counts_from_1970),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
