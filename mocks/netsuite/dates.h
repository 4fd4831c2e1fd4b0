/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: calendar days and the account's date formats.
 * Owns: nothing.  Threads: any.
 * Errors: false when a text is no date of that format.
 * Start reading at: struct moment. In the database a date is "YYYY-MM-DD" and a time
 *         "YYYY-MM-DD HH:MM:SS" (midnight is written as a date), so byte order is time
 * order.
 */
#ifndef SLUICE_MOCKS_NETSUITE_DATES_H
#define SLUICE_MOCKS_NETSUITE_DATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct moment {
    int64_t day;    /* since 1970-01-01 */
    int32_t second; /* of the day */
};

struct civil {
    int year, month, day;
};

#define DATES_TEXT_BYTES 64

struct civil dates_civil(int64_t day);
int64_t dates_day(struct civil civil);
int dates_month_days(int year, int month);

/* Adds months, keeping the day where the month has it. */
int64_t dates_add_months(int64_t day, int months);

/* "YYYY-MM-DD", with " HH:MM:SS" or "THH:MM:SSZ" after it; also the account's M/D/YYYY.
 */
bool dates_parse(struct slice text, struct moment *out);

/* Database form. `text` has room for DATES_TEXT_BYTES; returns the length. */
int dates_format(struct moment moment, char *text);

/* M/D/YYYY: how SuiteQL prints a date column. */
int dates_format_account(struct moment moment, char *text);

/* Oracle's TO_CHAR and TO_DATE models: YYYY YY MM DD HH24 HH12 HH MI SS MON MONTH DY D
 * Q AM PM and punctuation. False: another element, or the text does not fit. */
bool dates_to_char(struct moment moment, struct slice model, char *text, size_t room);
bool dates_to_date(struct slice text, struct slice model, struct moment *out);

#endif
