/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: ISO 8601 in and out, in UTC, without locale or time zone tables.
 * Owns: nothing.  Threads: any.
 * Errors: parsers return false for anything that is not exactly the form and a real date.
 * Start reading at: timefmt_utc.
 */
#ifndef SLUICE_BASE_TIMEFMT_H
#define SLUICE_BASE_TIMEFMT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/* "2026-11-20T09:30:00Z" (20 bytes and NUL). */
#define TIMEFMT_BYTES 21
void timefmt_utc(int64_t wall_ms, char out[TIMEFMT_BYTES]);
struct slice timefmt_utc_arena(struct arena *arena, int64_t wall_ms);
/* "2026-11-20" */
struct slice timefmt_utc_date(struct arena *arena, int64_t wall_ms);

/* RFC 3339: "Z" or an offset, optional fraction. Unix milliseconds. */
bool timefmt_parse(struct slice text, int64_t *wall_ms);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7, the form that is sent); the
 * name of the day is not looked at. */
bool timefmt_parse_http(struct slice text, int64_t *wall_ms);
/* "/Date(1790812800000)/", "/Date(-86400000+0000)/": OData V2; other zones are refused.
 * From year 1 to 9999. */
bool timefmt_parse_odata(struct slice text, int64_t *wall_ms);
/* Exactly YYYY-MM-DD, a day that exists. */
bool timefmt_is_date(struct slice text);

#endif
