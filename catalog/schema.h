/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: JSON Schema 2020-12 for the keywords that catalogs may use: compiled once,
 * checked against data-plane values. Owns: compiled schemas live in the arena they were
 * compiled into. Threads: a compiled schema is read-only. Errors: schema_compile
 * refuses every keyword it does not know, with pointer and sentence. Start reading at:
 * schema_check. Numbers are compared as decimals, never as doubles.
 */
#ifndef SLUICE_CATALOG_SCHEMA_H
#define SLUICE_CATALOG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/jval.h"

struct schema;

struct schema_problem {
    struct slice pointer, message; /* in the arena */
};

/* `json` is kept: it has to live as long as the schema (same arena, usually). */
MUST_USE enum err schema_compile(struct arena *arena, const struct jval *json,
                                 struct schema **out, struct schema_problem *problem);

/*
 * Whether `value` fits. Faults (at most `max`, deepest first found, in order of the
 * instance) are written to `details` with their strings in `arena`; messages name the
 * rule and what is allowed, never the value.
 */
bool schema_check(const struct schema *schema, const struct jval *value,
                  struct arena *arena, struct fault_detail *details, size_t max,
                  size_t *count);

#endif
