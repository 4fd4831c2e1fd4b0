/* SPDX-License-Identifier: Apache-2.0 */
/* Times from outside: what is read is written again as the same instant, and the C
 * library's calendar agrees. */
#include "fuzz/input.h"

#include <stdio.h>
#include <time.h>

#include "base/timefmt.h"

/* YYYY-MM-DDTHH:MM:SS by the C library. */
static int64_t libc_ms(const char *text)
{
    struct tm tm = {0};

    REQUIRE(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
                   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) == 6);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (int64_t)timegm(&tm) * 1000;
}

static void check_instant(int64_t wall_ms)
{
    char text[TIMEFMT_BYTES];
    int64_t back = 0;

    timefmt_utc(wall_ms, text);
    REQUIRE(timefmt_parse(slice_str(text), &back));
    int64_t whole = wall_ms / 1000 * 1000 - (wall_ms % 1000 < 0 ? 1000 : 0);
    REQUIRE(back == whole);
    REQUIRE(libc_ms(text) == whole);
}

static void check_date(struct arena *arena, struct slice text)
{
    int64_t wall_ms = 0;
    struct slice stamp = arena_printf(arena, "%.*sT00:00:00Z", SLICE_ARG(text));

    REQUIRE(text.len == 10);
    REQUIRE(timefmt_parse(stamp, &wall_ms) && libc_ms(stamp.ptr) == wall_ms);
    REQUIRE(slice_starts(timefmt_utc_arena(arena, wall_ms), text));
    REQUIRE(slice_eq(timefmt_utc_date(arena, wall_ms), text));
}

/* The C library's reader of the same form. */
static void check_http(struct arena *arena, struct slice text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm = {0};
    char name[4] = "";
    int64_t wall_ms = 0;

    if (!timefmt_parse_http(text, &wall_ms)) {
        return;
    }
    REQUIRE(sscanf(arena_copy(arena, slice_from(text, 5)),
                   "%2d %3s %4d %2d:%2d:%2d GMT", &tm.tm_mday, name, &tm.tm_year,
                   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) == 6);
    const char *month = strstr(months, name);
    REQUIRE(month != NULL);
    tm.tm_mon = (int)(month - months) / 3;
    tm.tm_year -= 1900;
    REQUIRE((int64_t)timegm(&tm) * 1000 == wall_ms);
}

static void check_odata(struct arena *arena, struct slice text)
{
    int64_t wall_ms = 0, back = 0;

    if (timefmt_parse_odata(text, &wall_ms)) {
        struct slice again = arena_printf(arena, "/Date(%lld)/", (long long)wall_ms);
        REQUIRE(timefmt_parse_odata(again, &back) && back == wall_ms);
        check_instant(wall_ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = input_of(data, size);
    struct arena *arena = arena_new();
    int64_t wall_ms = 0;

    if (timefmt_parse(text, &wall_ms)) {
        /* An offset may lead out of the years that four digits name. */
        if (wall_ms >= INT64_C(-62135596800000) &&
            wall_ms <= INT64_C(253402300799999)) {
            check_instant(wall_ms);
        }
    }
    if (timefmt_is_date(text)) {
        check_date(arena, text);
    }
    check_http(arena, text);
    check_odata(arena, text);
    arena_free(arena);
    return 0;
}
