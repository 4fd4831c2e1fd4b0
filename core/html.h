/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: writes HTML whose texts cannot become markup. Owns: nothing. Threads: any.
 * Errors: the buffer's ceiling. Start reading at: html_put. The one place where text is
 * escaped: in element content and in quoted attributes (HTML Living Standard, 13.1.2).
 */
#ifndef SLUICE_CORE_HTML_H
#define SLUICE_CORE_HTML_H

#include "base/buf.h"

/* As text; bytes that are no UTF-8, and control characters that HTML does not know, become
 * U+FFFD. */
void html_text(struct buf *out, struct slice text);

/* Each {} of the template is the next of `count` texts, escaped; there are as many. */
void html_fill(struct buf *out, const char *template, const struct slice *texts,
               size_t count);
#define html_put(out, template, ...)                                   \
    html_fill((out), "" template, (const struct slice[]){__VA_ARGS__}, \
              sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice))
/* Markup as it stands. */
#define html_raw(out, markup) ((void)buf_append((out), SLICE(markup)))

#endif
