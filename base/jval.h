/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: data-plane JSON: what an ERP answers and what a tool is given, with every number kept
 *          as the text it was.
 * Owns: nothing: values live in the arena that was handed in.
 * Threads: any, on an arena of their own.
 * Errors: ERR_PARSE with the byte offset; ERR_TOO_LARGE past a ceiling of base/limits.h.
 * Start reading at: jval_parse. Strict RFC 8259 and UTF-8; on purpose stricter in three points:
 *         a NUL in a string, a lone surrogate escape and a duplicate member name are refused.
 */
#ifndef SLUICE_BASE_JVAL_H
#define SLUICE_BASE_JVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum jval_type {
    JVAL_NULL,
    JVAL_FALSE,
    JVAL_TRUE,
    JVAL_NUMBER, /* text: the number exactly as it stood */
    JVAL_STRING, /* text: decoded UTF-8 */
    JVAL_ARRAY,
    JVAL_OBJECT
};

struct jval {
    enum jval_type type;
    unsigned capacity; /* room of `items` or `members`; jval_push and jval_set use it */
    size_t count;      /* elements or members */
    struct slice text; /* numbers and strings */
    union {
        struct jval *items;      /* JVAL_ARRAY */
        struct jmember *members; /* JVAL_OBJECT, in the order of the text */
    };
};

struct jmember {
    struct slice name;
    struct jval value;
};

/*
 * Parses one JSON text, whole. `text` is borrowed: nothing in the result points into it.
 * `offset` (may be NULL) receives where it went wrong.
 */
MUST_USE enum err jval_parse(struct arena *arena, struct slice text, struct jval **out,
                             size_t *offset);

/* The member's value, or NULL; also NULL when `object` is NULL or no object. */
const struct jval *jval_member(const struct jval *object, struct slice name);
const struct jval *jval_get(const struct jval *object, const char *name);
/* Where the member stands, or SIZE_MAX; looked for at `near` first, where it stood in an object
 * like this one. */
size_t jval_place(const struct jval *object, struct slice name, size_t near);
/* Whether the members have the same names in the same order. Only looks where the names lie,
 * which is one place for rows that jval_parse found alike: false may be wrong. */
bool jval_same_names(const struct jval *a, const struct jval *b);

/* The string's text; an empty slice when it is NULL or no string. */
struct slice jval_text(const struct jval *value);

static inline bool jval_is(const struct jval *value, enum jval_type type)
{
    return value != NULL && value->type == type;
}

/* A JSON number that is an integer in int64 (no fraction, no exponent); false otherwise. */
bool jval_int64(const struct jval *value, long long *out);

/* Deep equality; numbers by value (1, 1.0 and 10e-1 are equal), as JSON Schema asks. */
bool jval_equal(const struct jval *a, const struct jval *b);

/* Compares two JSON number texts by exact decimal value: <0, 0, >0. Never through a double. */
int jval_number_cmp(struct slice a, struct slice b);

/* Builders, for values made by hand. Slices are kept, not copied. */
struct jval *jval_new_string(struct arena *arena, struct slice text);
struct jval *jval_new_bool(struct arena *arena, bool value);
struct jval *jval_new_null(struct arena *arena);
struct jval *jval_new_array(struct arena *arena, size_t capacity);
struct jval *jval_new_object(struct arena *arena, size_t capacity);
/* Past the capacity they grow in the arena. The value is copied shallowly. */
void jval_push(struct arena *arena, struct jval *array, const struct jval *value);
/* Replaces a member of that name. */
void jval_set(struct arena *arena, struct jval *object, struct slice name,
              const struct jval *value);

#endif
