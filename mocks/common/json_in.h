/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: request bodies as jansson trees, without letting a decimal become a double.
 * Owns: nothing; the caller owns the tree.
 * Threads: any.
 * Errors: NULL and a sentence.
 * Start reading at: json_in_parse. Every number with a fraction, an exponent or more
 * than 18 digits arrives as a JSON string holding the digits as they stood on the wire.
 */
#ifndef SLUICE_MOCKS_COMMON_JSON_IN_H
#define SLUICE_MOCKS_COMMON_JSON_IN_H

#include <jansson.h>

#include "base/arena.h"
#include "base/slice.h"

/* Borrows `text`; the sentence in `*why` lives in `arena`. */
json_t *json_in_parse(struct arena *arena, struct slice text, struct slice *why);

/* Lend until the tree changes; empty when the member is absent or no string. */
struct slice json_in_text(const json_t *object, const char *name);

#endif
