/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: JSON answers whose numbers are text from the database, never a double.
 * Owns: nothing; objects live in the caller's arena.
 * Threads: one owner of an object at a time.
 * Errors: out of memory aborts; sizes are capped by what the buffers allow.
 * Start reading at: json_out_object. Members leave sorted by name, `links` first, as
 * both ERPs' answers are ordered.
 */
#ifndef SLUICE_MOCKS_COMMON_JSON_OUT_H
#define SLUICE_MOCKS_COMMON_JSON_OUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

struct json_out;

struct json_out *json_out_object(struct arena *arena);

/* Keep `name` (a literal or arena text). Values are copied into the arena. */
void json_out_text(struct json_out *object, struct slice name, struct slice text);
/* `json` is valid JSON already: a number's digits, true, a rendered object. */
void json_out_raw(struct json_out *object, struct slice name, struct slice json);
void json_out_int(struct json_out *object, struct slice name, long long number);

/* The object as JSON text in its arena. */
struct slice json_out_render(const struct json_out *object);

/* `text` in quotes and escaped; bytes that are not UTF-8 become U+FFFD. */
void json_out_string(struct buf *out, struct slice text);

#endif
