/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: JSON text, and beside it the same text as it stands within a JSON string: an answer of
 *          a tool has both. What is a list of rows is escaped as it is written, for less than half
 *          of what going through the text a second time would cost.
 * Owns: both buffers; wiped by jtwice_free.
 * Threads: one owner at a time.
 * Errors: the ceiling of `plain` (buf_full). Past its own ceiling `quoted` is given up: who needs
 *         it escapes the text.
 * Start reading at: jtwice_value.
 */
#ifndef SLUICE_BASE_JTWICE_H
#define SLUICE_BASE_JTWICE_H

#include "base/jwriter.h"

struct jtwice {
    struct buf plain;  /* write to it by a jwriter, or by jtwice_value */
    struct buf quoted; /* `plain` escaped, up to `in_step` */
    size_t in_step;    /* bytes of `plain` */
};

void jtwice_init(struct jtwice *twice, size_t plain_ceiling, size_t quoted_ceiling);
void jtwice_free(struct jtwice *twice);

/* Forgets and wipes the content; keeps up to `most` bytes of memory each for the next one. */
void jtwice_clear(struct jtwice *twice, size_t most);

/* As jwriter_value; `writer` writes to `plain`. */
void jtwice_value(struct jtwice *twice, struct jwriter *writer,
                  const struct jval *value);

/* All of `plain` escaped, without the quotes around it; empty when that was given up. Lends
 * until either changes. */
struct slice jtwice_quoted(struct jtwice *twice);

#endif
