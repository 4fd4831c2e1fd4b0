/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar days, and Oracle's date models. */
#include "mocks/netsuite/dates.h"

#include <stdio.h>

#define DAY_SECONDS 86400

/* Days from civil and back, after the usual 400 year eras that start on 1 March. */
int64_t dates_day(struct civil civil)
{
    int64_t year = civil.month <= 2 ? civil.year - 1 : civil.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t month = civil.month > 2 ? civil.month - 3 : civil.month + 9;
    int64_t of_year = (153 * month + 2) / 5 + civil.day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct civil dates_civil(int64_t day)
{
    day += 719468;
    int64_t era = (day >= 0 ? day : day - 146096) / 146097;
    int64_t of_era = day - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct civil civil = {
        .year = (int)(year + era * 400),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };
    civil.year += civil.month <= 2 ? 1 : 0;
    return civil;
}

int dates_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

int64_t dates_add_months(int64_t day, int months)
{
    struct civil civil = dates_civil(day);
    int total = civil.year * 12 + civil.month - 1 + months;
    civil.year = total / 12;
    civil.month = total % 12 + 1;
    int last = dates_month_days(civil.year, civil.month);
    civil.day = civil.day < last ? civil.day : last;
    return dates_day(civil);
}

static bool is_valid(struct civil civil)
{
    return civil.year >= 1 && civil.year <= 9999 && civil.month >= 1 &&
           civil.month <= 12 && civil.day >= 1 &&
           civil.day <= dates_month_days(civil.year, civil.month);
}

/* Reads `least` to `most` digits at *at. */
static bool read_digits(struct slice text, size_t *at, int least, int most, int *out)
{
    int count = 0;
    *out = 0;
    while (*at < text.len && count < most && text.ptr[*at] >= '0' &&
           text.ptr[*at] <= '9') {
        *out = *out * 10 + (text.ptr[*at] - '0');
        (*at)++;
        count++;
    }
    return count >= least;
}

static bool read_byte(struct slice text, size_t *at, char byte)
{
    if (*at >= text.len || text.ptr[*at] != byte) {
        return false;
    }
    (*at)++;
    return true;
}

static bool read_time(struct slice text, size_t at, struct moment *out)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!read_byte(text, &at, ' ') && !read_byte(text, &at, 'T')) {
        return false;
    }
    if (!read_digits(text, &at, 2, 2, &hour) || !read_byte(text, &at, ':') ||
        !read_digits(text, &at, 2, 2, &minute) || !read_byte(text, &at, ':') ||
        !read_digits(text, &at, 2, 2, &second)) {
        return false;
    }
    if (at < text.len && text.ptr[at] == 'Z') {
        at++;
    }
    out->second = hour * 3600 + minute * 60 + second;
    return at == text.len && hour < 24 && minute < 60 && second < 60;
}

bool dates_parse(struct slice text, struct moment *out)
{
    struct civil civil = {0, 0, 0};
    size_t at = 0;
    bool iso = read_digits(text, &at, 4, 4, &civil.year) && read_byte(text, &at, '-') &&
               read_digits(text, &at, 2, 2, &civil.month) &&
               read_byte(text, &at, '-') && read_digits(text, &at, 2, 2, &civil.day);
    if (!iso) {
        at = 0;
        if (!read_digits(text, &at, 1, 2, &civil.month) || !read_byte(text, &at, '/') ||
            !read_digits(text, &at, 1, 2, &civil.day) || !read_byte(text, &at, '/') ||
            !read_digits(text, &at, 4, 4, &civil.year)) {
            return false;
        }
    }
    if (!is_valid(civil)) {
        return false;
    }
    *out = (struct moment){dates_day(civil), 0};
    return at == text.len || read_time(text, at, out);
}

int dates_format(struct moment moment, char *text)
{
    struct civil civil = dates_civil(moment.day);
    int length = snprintf(text, DATES_TEXT_BYTES, "%04d-%02d-%02d", civil.year,
                          civil.month, civil.day);
    if (moment.second != 0) {
        length += snprintf(text + length, DATES_TEXT_BYTES - (size_t)length,
                           " %02d:%02d:%02d", moment.second / 3600,
                           moment.second / 60 % 60, moment.second % 60);
    }
    return length;
}

int dates_format_account(struct moment moment, char *text)
{
    struct civil civil = dates_civil(moment.day);
    return snprintf(text, DATES_TEXT_BYTES, "%d/%d/%04d", civil.month, civil.day,
                    civil.year);
}

/* ---- Oracle's models ---- */

enum element {
    YEAR4,
    YEAR2,
    MONTH_NAME,
    MONTH_SHORT,
    MONTH,
    DAY_SHORT,
    DAY,
    HOUR24,
    HOUR12,
    MINUTE,
    SECOND,
    QUARTER,
    WEEKDAY,
    HALF
};

/* Longer names first: MONTH before MON before MM. */
static const struct {
    const char *name;
    enum element element;
} elements[] = {
    {"YYYY", YEAR4},  {"YY", YEAR2},     {"MONTH", MONTH_NAME}, {"MON", MONTH_SHORT},
    {"MM", MONTH},    {"DY", DAY_SHORT}, {"DD", DAY},           {"HH24", HOUR24},
    {"HH12", HOUR12}, {"HH", HOUR12},    {"MI", MINUTE},        {"SS", SECOND},
    {"Q", QUARTER},   {"D", WEEKDAY},    {"AM", HALF},          {"PM", HALF},
};

static const char *const month_names[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
static const char *const day_names[] = {"Sun", "Mon", "Tue", "Wed",
                                        "Thu", "Fri", "Sat"};

/* Length of the element at the start of `model`, 0 when there is none. */
static size_t element_at(struct slice model, enum element *out)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        struct slice name = slice_str(elements[i].name);
        if (model.len >= name.len &&
            slice_eq_nocase(slice_of(model.ptr, name.len), name)) {
            *out = elements[i].element;
            return name.len;
        }
    }
    return 0;
}

static bool is_punctuation(char c)
{
    return strchr(" -/.,;:T", c) != NULL && c != '\0';
}

static int write_number(struct moment moment, enum element element)
{
    struct civil civil = dates_civil(moment.day);
    int hour = moment.second / 3600;
    if (element == YEAR4 || element == YEAR2) {
        return element == YEAR4 ? civil.year : civil.year % 100;
    }
    if (element == MONTH || element == DAY) {
        return element == MONTH ? civil.month : civil.day;
    }
    if (element == HOUR24 || element == HOUR12) {
        return element == HOUR24 ? hour : (hour + 11) % 12 + 1;
    }
    if (element == MINUTE || element == SECOND) {
        return element == MINUTE ? moment.second / 60 % 60 : moment.second % 60;
    }
    int weekday = (int)((moment.day % 7 + 11) % 7); /* 0 is Sunday */
    return element == QUARTER ? (civil.month + 2) / 3 : weekday + 1;
}

static int write_element(struct moment moment, enum element element, char *text,
                         size_t room)
{
    struct civil civil = dates_civil(moment.day);
    if (element == MONTH_NAME) {
        return snprintf(text, room, "%-9s", month_names[civil.month - 1]);
    }
    if (element == MONTH_SHORT) {
        return snprintf(text, room, "%.3s", month_names[civil.month - 1]);
    }
    if (element == DAY_SHORT) {
        return snprintf(text, room, "%s", day_names[(moment.day % 7 + 11) % 7]);
    }
    if (element == HALF) {
        return snprintf(text, room, "%s",
                        moment.second < DAY_SECONDS / 2 ? "AM" : "PM");
    }
    int number = write_number(moment, element);
    if (element == QUARTER || element == WEEKDAY) {
        return snprintf(text, room, "%d", number);
    }
    return snprintf(text, room, element == YEAR4 ? "%04d" : "%02d", number);
}

bool dates_to_char(struct moment moment, struct slice model, char *text, size_t room)
{
    size_t used = 0;
    while (model.len > 0 && used + 12 < room) {
        enum element element = YEAR4;
        size_t length = element_at(model, &element);
        if (length > 0) {
            used += (size_t)write_element(moment, element, text + used, room - used);
        } else if (is_punctuation(model.ptr[0])) {
            text[used++] = model.ptr[0];
            length = 1;
        } else {
            return false;
        }
        model = slice_from(model, length);
    }
    text[used] = '\0';
    return model.len == 0;
}

struct reading {
    struct civil civil;
    int hour, minute, second;
    bool afternoon;
};

static bool read_month_name(struct slice text, size_t *at, int *month)
{
    for (int i = 0; i < 12; i++) {
        struct slice name = slice_of(month_names[i], 3);
        if (*at + 3 <= text.len && slice_eq_nocase(slice_of(text.ptr + *at, 3), name)) {
            *month = i + 1;
            *at += 3;
            return true;
        }
    }
    return false;
}

static bool read_element(struct slice text, size_t *at, enum element element,
                         struct reading *r)
{
    if (element == YEAR4) {
        return read_digits(text, at, 4, 4, &r->civil.year);
    }
    if (element == MONTH) {
        return read_digits(text, at, 1, 2, &r->civil.month);
    }
    if (element == DAY) {
        return read_digits(text, at, 1, 2, &r->civil.day);
    }
    if (element == MONTH_SHORT) {
        return read_month_name(text, at, &r->civil.month);
    }
    if (element == HOUR24) {
        return read_digits(text, at, 1, 2, &r->hour);
    }
    if (element == MINUTE) {
        return read_digits(text, at, 1, 2, &r->minute);
    }
    return element == SECOND && read_digits(text, at, 1, 2, &r->second);
}

bool dates_to_date(struct slice text, struct slice model, struct moment *out)
{
    struct reading r = {.civil = {1970, 1, 1}};
    size_t at = 0;
    while (model.len > 0) {
        enum element element = YEAR4;
        size_t length = element_at(model, &element);
        if (length > 0) {
            if (!read_element(text, &at, element, &r)) {
                return false;
            }
        } else {
            length = 1;
            if (!is_punctuation(model.ptr[0]) || !read_byte(text, &at, model.ptr[0])) {
                return false;
            }
        }
        model = slice_from(model, length);
    }
    if (at != text.len || !is_valid(r.civil) || r.hour > 23 || r.minute > 59 ||
        r.second > 59) {
        return false;
    }
    *out =
        (struct moment){dates_day(r.civil), r.hour * 3600 + r.minute * 60 + r.second};
    return true;
}
