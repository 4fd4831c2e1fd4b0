/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar arithmetic in the proleptic Gregorian calendar, years 0000 to 9999. */
#include "base/timefmt.h"

#define DATE_BYTES 10
#define DAY_MS ((int64_t)86400000)
/* 0000-01-01T00:00:00Z and the last millisecond of 9999. */
#define FIRST_MS ((int64_t)-62167219200000)
#define YEAR_1_MS ((int64_t)-62135596800000)
#define LAST_MS ((int64_t)253402300799999)

struct civil {
    int64_t year, month, day;
};

/* Days since 1970-01-01. Years are counted from March, so that a leap day is the last
 * one. */
static int64_t days_from_civil(struct civil date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t month = date.month <= 2 ? date.month + 9 : date.month - 3;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year -
           719468;
}

static struct civil civil_from_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct civil date = {.year = year + era * 400,
                         .month = month < 10 ? month + 3 : month - 9,
                         .day = day_of_year - (153 * month + 2) / 5 + 1};

    date.year += date.month <= 2;
    return date;
}

static char *put_digits(char *at, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

static char *put_after(char *at, char mark, int64_t value)
{
    *at = mark;
    return put_digits(at + 1, value, 2);
}

/* The nearest time that can be written. */
static int64_t within_years(int64_t wall_ms)
{
    if (wall_ms < FIRST_MS) {
        return FIRST_MS;
    }
    return wall_ms > LAST_MS ? LAST_MS : wall_ms;
}

static int64_t days_of(int64_t wall_ms)
{
    wall_ms = within_years(wall_ms);
    return (wall_ms >= 0 ? wall_ms : wall_ms - (DAY_MS - 1)) / DAY_MS;
}

static char *put_date(char *at, int64_t days)
{
    struct civil date = civil_from_days(days);

    at = put_digits(at, date.year, 4);
    at = put_after(at, '-', date.month);
    return put_after(at, '-', date.day);
}

void timefmt_utc(int64_t wall_ms, char out[TIMEFMT_BYTES])
{
    int64_t days = days_of(wall_ms);
    int64_t second = (within_years(wall_ms) - days * DAY_MS) / 1000;

    char *at = put_date(out, days);
    at = put_after(at, 'T', second / 3600);
    at = put_after(at, ':', second / 60 % 60);
    at = put_after(at, ':', second % 60);
    at[0] = 'Z';
    at[1] = '\0';
}

struct slice timefmt_utc_date(struct arena *arena, int64_t wall_ms)
{
    char *text = arena_alloc(arena, DATE_BYTES);

    return slice_of(text, (size_t)(put_date(text, days_of(wall_ms)) - text));
}

struct slice timefmt_utc_arena(struct arena *arena, int64_t wall_ms)
{
    char text[TIMEFMT_BYTES];

    timefmt_utc(wall_ms, text);
    return arena_slice(arena, slice_of(text, TIMEFMT_BYTES - 1));
}

/* Takes exactly `count` digits off the front. */
static bool take_digits(struct slice *text, int count, int64_t *value)
{
    if (text->len < (size_t)count) {
        return false;
    }
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9') {
            return false;
        }
        *value = *value * 10 + (text->ptr[i] - '0');
    }
    *text = slice_from(*text, (size_t)count);
    return true;
}

/* Takes one byte off the front if it is `upper` or its lower case. */
static bool take_byte(struct slice *text, char upper)
{
    if (text->len == 0) {
        return false;
    }
    char byte = text->ptr[0];
    if (byte != upper &&
        !(upper >= 'A' && upper <= 'Z' && byte == upper + ('a' - 'A'))) {
        return false;
    }
    *text = slice_from(*text, 1);
    return true;
}

static int64_t month_days(int64_t year, int64_t month)
{
    static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(struct slice *text, struct civil *date)
{
    return take_digits(text, 4, &date->year) && take_byte(text, '-') &&
           take_digits(text, 2, &date->month) && take_byte(text, '-') &&
           take_digits(text, 2, &date->day) && date->month >= 1 && date->month <= 12 &&
           date->day >= 1 && date->day <= month_days(date->year, date->month);
}

/* An optional ".digits"; milliseconds, the rest is cut. */
static bool take_fraction(struct slice *text, int64_t *ms)
{
    int64_t digit = 0, scale = 100;

    *ms = 0;
    if (!take_byte(text, '.')) {
        return true;
    }
    if (!take_digits(text, 1, &digit)) {
        return false;
    }
    do {
        *ms += digit * scale;
        scale /= 10;
    } while (take_digits(text, 1, &digit));
    return true;
}

/* "Z" or "+hh:mm" or "-hh:mm"; minutes east of Greenwich. */
static bool take_offset(struct slice *text, int64_t *minutes)
{
    int64_t hour, minute;

    *minutes = 0;
    if (take_byte(text, 'Z')) {
        return true;
    }
    bool west = take_byte(text, '-');
    if (!west && !take_byte(text, '+')) {
        return false;
    }
    if (!take_digits(text, 2, &hour) || !take_byte(text, ':') ||
        !take_digits(text, 2, &minute) || hour > 23 || minute > 59) {
        return false;
    }
    *minutes = (hour * 60 + minute) * (west ? -1 : 1);
    return true;
}

bool timefmt_parse(struct slice text, int64_t *wall_ms)
{
    struct civil date;
    int64_t hour, minute, second, ms, east;

    if (!take_date(&text, &date) || !take_byte(&text, 'T') ||
        !take_digits(&text, 2, &hour) || !take_byte(&text, ':') ||
        !take_digits(&text, 2, &minute) || !take_byte(&text, ':') ||
        !take_digits(&text, 2, &second) || !take_fraction(&text, &ms) ||
        !take_offset(&text, &east) || text.len != 0) {
        return false;
    }
    if (hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    int64_t minutes = hour * 60 + minute - east;
    /* A leap second exists only as the last one of a UTC day; it reads as the next
     * second. */
    if (second == 60 && (minutes + 1) % 1440 != 0) {
        return false;
    }
    *wall_ms = days_from_civil(date) * DAY_MS + minutes * 60000 + second * 1000 + ms;
    return true;
}

bool timefmt_is_date(struct slice text)
{
    struct civil date;
    return take_date(&text, &date) && text.len == 0;
}

static bool take_text(struct slice *text, struct slice expected)
{
    bool there = slice_starts(*text, expected);

    *text = there ? slice_from(*text, expected.len) : *text;
    return there;
}

/* "Jan" to "Dec", 1 to 12. */
static bool take_month(struct slice *text, int64_t *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (*month = 1; *month <= 12; ++*month) {
        if (take_text(text, slice_of(names + 3 * (*month - 1), 3))) {
            return true;
        }
    }
    return false;
}

bool timefmt_parse_http(struct slice text, int64_t *wall_ms)
{
    struct civil date;
    int64_t hour, minute, second;
    struct slice rest = slice_from(text, sizeof "Sun" - 1);

    if (!take_text(&rest, SLICE(", ")) || !take_digits(&rest, 2, &date.day) ||
        !take_text(&rest, SLICE(" ")) || !take_month(&rest, &date.month) ||
        !take_text(&rest, SLICE(" ")) || !take_digits(&rest, 4, &date.year) ||
        !take_text(&rest, SLICE(" ")) || !take_digits(&rest, 2, &hour) ||
        !take_text(&rest, SLICE(":")) || !take_digits(&rest, 2, &minute) ||
        !take_text(&rest, SLICE(":")) || !take_digits(&rest, 2, &second) ||
        !slice_is(rest, " GMT")) {
        return false;
    }
    if (date.day < 1 || date.day > month_days(date.year, date.month) || hour > 23 ||
        minute > 59 || second > 60) {
        return false;
    }
    *wall_ms = days_from_civil(date) * DAY_MS + hour * 3600000 + minute * 60000 +
               second * 1000;
    return true;
}

bool timefmt_parse_odata(struct slice text, int64_t *wall_ms)
{
    struct slice tail = SLICE(")/"), zone = SLICE("+0000");
    unsigned long long number;

    if (!take_text(&text, SLICE("/Date(")) || text.len < tail.len ||
        !slice_eq(slice_from(text, text.len - tail.len), tail)) {
        return false;
    }
    text.len -= tail.len;
    bool negative = take_text(&text, SLICE("-"));
    if (text.len > zone.len && slice_eq(slice_from(text, text.len - zone.len), zone)) {
        text.len -= zone.len;
    }
    if (!slice_to_u64(text, &number)) {
        return false;
    }
    *wall_ms = negative ? -(int64_t)number : (int64_t)number;
    return *wall_ms >= YEAR_1_MS && *wall_ms <= LAST_MS;
}
