/* SPDX-License-Identifier: Apache-2.0 */
/* What several workers say becomes one answer. */
#include "core/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_metrics_are_summed_family_by_family(void **state)
{
    (void)state;
    const struct workers workers = {.count = 2};
    const struct slice bodies[] = {
        SLICE(
            "# TYPE calls counter\ncalls{outcome=\"ok\"} 3\n"
            "# TYPE turn histogram\nturn_bucket{le=\"0.000100\"} 7\nturn_sum 0.900001\n"
            "sluice_catalog_reload_failed 1\n"
            "sluice_tls_certificate_not_after_seconds 1800000000\n"),
        SLICE(
            "# TYPE calls counter\ncalls{outcome=\"ok\"} 4\ncalls{outcome=\"busy\"} 2\n"
            "# TYPE turn histogram\nturn_bucket{le=\"0.000100\"} 5\nturn_sum 0.200000\n"
            "sluice_catalog_reload_failed 1\n"
            "sluice_tls_certificate_not_after_seconds 1790000000\n")};
    struct arena *arena = arena_new();
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(gather_metrics(&workers, bodies, arena, &out), ERR_OK);
    assert_string_equal(arena_slice(arena, buf_slice(&out)).ptr,
                        "# TYPE calls counter\n"
                        "calls{outcome=\"ok\"} 7\n"
                        "calls{outcome=\"busy\"} 2\n"
                        "# TYPE turn histogram\n"
                        "turn_bucket{le=\"0.000100\"} 12\n"
                        "turn_sum 1.100001\n"
                        "sluice_catalog_reload_failed 1\n"
                        "sluice_tls_certificate_not_after_seconds 1790000000\n");
    buf_free(&out);
    arena_free(arena);
}

static void test_a_lane_is_shown_once_and_as_its_home_has_it(void **state)
{
    (void)state;
    struct workers workers = {.count = 2, .homes = homes_new(2)};
    const struct slice bodies[] = {
        SLICE("{\"data\":[{\"id\":\"set-by-hand\",\"queued\":1},"
              "{\"id\":\"unproven:acc_1\",\"queued\":0}],\"next_cursor\":null}"),
        SLICE("{\"data\":[{\"id\":\"set-by-hand\",\"queued\":9},"
              "{\"id\":\"unproven:acc_0\",\"queued\":2}],\"next_cursor\":null}")};
    struct arena *arena = arena_new();
    struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(gather_lanes(&workers, bodies, arena, &out), ERR_OK);
    assert_string_equal(arena_slice(arena, buf_slice(&out)).ptr,
                        "{\"data\":[{\"id\":\"set-by-hand\",\"queued\":1},"
                        "{\"id\":\"unproven:acc_0\",\"queued\":2},"
                        "{\"id\":\"unproven:acc_1\",\"queued\":0}],"
                        "\"next_cursor\":null}");
    buf_free(&out);
    arena_free(arena);
    homes_free(workers.homes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics_are_summed_family_by_family),
        cmocka_unit_test(test_a_lane_is_shown_once_and_as_its_home_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
