/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: writes JSON text straight into a buffer: commas and escapes are its business.
 * Owns: nothing; keeps the buffer until the caller is done.
 * Threads: one owner at a time.
 * Errors: the buffer's ceiling (buf_full). Wrong nesting is a programmer error (REQUIRE).
 * Start reading at: jwriter_init.
 */
#ifndef SLUICE_BASE_JWRITER_H
#define SLUICE_BASE_JWRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/jval.h"

#define JWRITER_DEPTH 160

struct jwriter {
    struct buf *out;
    unsigned depth;
    bool after_key;
    unsigned char has_items[JWRITER_DEPTH]; /* per level: a comma is due */
};

void jwriter_init(struct jwriter *writer, struct buf *out);

void jwriter_object(struct jwriter *writer);
void jwriter_object_end(struct jwriter *writer);
void jwriter_array(struct jwriter *writer);
void jwriter_array_end(struct jwriter *writer);
void jwriter_key(struct jwriter *writer, struct slice name);

void jwriter_string(struct jwriter *writer,
                    struct slice text); /* escapes as RFC 8259 */
void jwriter_int(struct jwriter *writer, int64_t value);
void jwriter_bool(struct jwriter *writer, bool value);
void jwriter_null(struct jwriter *writer);
void jwriter_value(struct jwriter *writer,
                   const struct jval *value); /* NULL writes null */
void jwriter_raw(struct jwriter *writer,
                 struct slice json); /* JSON text that is already right */

/* "name":"text" and so on. */
void jwriter_member_string(struct jwriter *writer, const char *name, struct slice text);
void jwriter_member_int(struct jwriter *writer, const char *name, int64_t value);
void jwriter_member_bool(struct jwriter *writer, const char *name, bool value);

/* A whole value's JSON text, in the arena. ERR_TOO_LARGE past `most_bytes`: `*out` is as it was. */
MUST_USE enum err jwriter_text(struct arena *arena, const struct jval *value,
                               size_t most_bytes, struct slice *out);

/* Appends `text` escaped, without the quotes: for JSON text inside a JSON string. */
bool jwriter_escape(struct buf *out, struct slice text);

#endif
