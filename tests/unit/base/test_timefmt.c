/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times, against the system's own calendar and by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/timefmt.h"

static void test_days_of_ten_thousand_years_agrees_with_the_system(void **state)
{
    char ours[TIMEFMT_BYTES], theirs[40];
    (void)state;

    for (int64_t second = -62167219200; second <= 253402300799;
         second += 86400 * 3 + 3661) {
        time_t time = (time_t)second;
        struct tm parts;
        int64_t back = 0;
        assert_non_null(gmtime_r(&time, &parts));
        (void)snprintf(theirs, sizeof(theirs), "%04d-%02d-%02dT%02d:%02d:%02dZ",
                       parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
        timefmt_utc(second * 1000, ours);
        assert_string_equal(ours, theirs);
        assert_true(timefmt_parse(slice_str(ours), &back));
        assert_true(back == second * 1000);
    }
}

static void test_times_beyond_four_digit_years_are_clamped(void **state)
{
    char text[TIMEFMT_BYTES];
    (void)state;

    timefmt_utc(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
    timefmt_utc(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
    timefmt_utc(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void test_the_arena_form_is_the_same_text(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    struct slice text = timefmt_utc_arena(arena, 1795167000000);

    assert_true(slice_is(text, "2026-11-20T09:30:00Z"));
    assert_true(slice_is(timefmt_utc_date(arena, 1795167000000), "2026-11-20"));
    assert_true(slice_is(timefmt_utc_date(arena, -1), "1969-12-31"));
    assert_true(slice_is(timefmt_utc_date(arena, INT64_MAX), "9999-12-31"));
    arena_free(arena);
}

static void test_parse_reads_fractions_and_offsets(void **state)
{
    static const struct {
        const char *text;
        int64_t wall_ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.5Z", 500},
        {"1970-01-01T00:00:00.123987Z", 123},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"1998-12-31T23:59:60Z", 915148800000},
        {"1998-12-31T15:59:60.123-08:00", 915148800123},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t wall_ms = -1;
        assert_true(timefmt_parse(slice_str(rows[i].text), &wall_ms));
        assert_true(wall_ms == rows[i].wall_ms);
    }
}

static void test_parse_refuses_what_is_not_exactly_a_time(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-11-20",
        "2026-11-20T09:30:00",
        "2026-11-20 09:30:00Z",
        "2026-11-20T09:30Z",
        "2026-11-20T09:30:00.Z",
        "2026-11-20T09:30:00,5Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T09:60:00Z",
        "2026-11-20T09:30:60Z",
        "2026-11-20T09:30:61Z",
        "1998-12-31T22:59:60Z",
        "1998-12-31T23:59:60+01:00",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-11-20T09:30:00+0200",
        "2026-11-20T09:30:00+24:00",
        "2026-11-20T09:30:00+02:60",
        "2026-11-20T09:30:00Z ",
        " 2026-11-20T09:30:00Z",
        "02026-11-20T09:30:00Z",
        "2026-11-20T09:30:00ZZ",
        "+026-11-20T09:30:00Z",
    };
    int64_t wall_ms = 77;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (timefmt_parse(slice_str(bad[i]), &wall_ms)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    assert_int_equal(wall_ms, 77);
}

static void test_dates_exist_or_are_refused(void **state)
{
    (void)state;

    assert_true(timefmt_is_date(SLICE("2026-11-30")));
    assert_true(timefmt_is_date(SLICE("2000-02-29")));
    assert_true(timefmt_is_date(SLICE("2024-02-29")));
    assert_false(timefmt_is_date(SLICE("1900-02-29")));
    assert_false(timefmt_is_date(SLICE("2026-11-31")));
    assert_false(timefmt_is_date(SLICE("2026-1-1")));
    assert_false(timefmt_is_date(SLICE("2026-01-01T")));
    assert_false(timefmt_is_date(SLICE("20260101")));
    assert_false(timefmt_is_date(SLICE("")));
}

static void test_the_date_of_a_header_field_is_read(void **state)
{
    static const char *const wrong[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Jan 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    };
    int64_t wall_ms = 0;

    (void)state;
    assert_true(timefmt_parse_http(SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), &wall_ms));
    assert_int_equal(wall_ms, INT64_C(784111777000));
    assert_true(timefmt_parse_http(SLICE("Thu, 29 Feb 2024 23:59:60 GMT"), &wall_ms));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(timefmt_parse_http(slice_str(wrong[i]), &wall_ms));
    }
}

static void test_the_date_of_odata_is_read(void **state)
{
    static const struct {
        const char *text;
        int64_t wall_ms;
    } right[] = {{"/Date(0)/", 0},
                 {"/Date(1790812800000)/", INT64_C(1790812800000)},
                 {"/Date(-86400000+0000)/", -86400000},
                 {"/Date(-62135596800000)/", INT64_C(-62135596800000)},
                 {"/Date(253402300799999)/", INT64_C(253402300799999)}};
    static const char *const wrong[] = {"",
                                        "/Date()/",
                                        "/Date(",
                                        "/Date(-)/",
                                        "/Date(+0000)/",
                                        "/Date(1+0060)/",
                                        "/Date(1)",
                                        "/Date(1)/ ",
                                        "Date(1)",
                                        "/Date(1.5)/",
                                        "/Date(--1)/",
                                        "/Date(253402300800000)/",
                                        "/Date(-62135596800001)/",
                                        "/Date(-9223372036854775808)/"};
    int64_t wall_ms = 0;

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_true(timefmt_parse_odata(slice_str(right[i].text), &wall_ms));
        assert_int_equal(wall_ms, right[i].wall_ms);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(timefmt_parse_odata(slice_str(wrong[i]), &wall_ms));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_of_ten_thousand_years_agrees_with_the_system),
        cmocka_unit_test(test_times_beyond_four_digit_years_are_clamped),
        cmocka_unit_test(test_the_arena_form_is_the_same_text),
        cmocka_unit_test(test_parse_reads_fractions_and_offsets),
        cmocka_unit_test(test_parse_refuses_what_is_not_exactly_a_time),
        cmocka_unit_test(test_dates_exist_or_are_refused),
        cmocka_unit_test(test_the_date_of_a_header_field_is_read),
        cmocka_unit_test(test_the_date_of_odata_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
