/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a borrowed run of bytes; not terminated, may be empty.
 * Owns: nothing: a slice lives as long as what it points into.
 * Threads: any.  Errors: none.
 * Start reading at: struct slice.
 */
#ifndef SLUICE_BASE_SLICE_H
#define SLUICE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *ptr; /* may be NULL when len is 0: a zeroed slice is an empty one */
    size_t len;      /* bytes */
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_EMPTY ((struct slice){"", 0})
/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).len, (s).ptr

static inline struct slice slice_of(const char *ptr, size_t len)
{
    return (struct slice){ptr != NULL ? ptr : "", ptr != NULL ? len : 0};
}

static inline struct slice slice_str(const char *text)
{
    return slice_of(text, text != NULL ? strlen(text) : 0);
}

/* memcpy that also copies nothing: a zeroed slice points nowhere. */
static inline void slice_copy(void *to, struct slice from)
{
    if (from.len > 0) {
        memcpy(to, from.ptr, from.len);
    }
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_eq(a, slice_str(text));
}

static inline bool slice_starts(struct slice a, struct slice prefix)
{
    return a.len >= prefix.len &&
           (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

/* From byte `from` (clamped to the end) to the end. */
static inline struct slice slice_from(struct slice a, size_t from)
{
    return from < a.len ? slice_of(a.ptr + from, a.len - from) : SLICE_EMPTY;
}

/* ASCII case folded: header names, host names. */
bool slice_eq_nocase(struct slice a, struct slice b);

bool slice_starts_nocase(struct slice a, struct slice prefix);
bool slice_contains_nocase(struct slice a, struct slice part);

/* Byte order, shorter first: what RFC 5849 section 3.4.1.3.2 sorts by. <0, 0, >0. */
int slice_cmp(struct slice a, struct slice b);

/* Index of the first `byte`, or -1. */
ptrdiff_t slice_find(struct slice a, char byte);

/* Without leading and trailing SP and HTAB (RFC 9110 section 5.5). */
struct slice slice_trim(struct slice a);

/* Digits only, at most 18 of them; false for anything else. */
bool slice_to_u64(struct slice a, unsigned long long *out);

#endif
