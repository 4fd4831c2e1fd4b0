/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: an HTTP answer under construction: status, header fields, body.
 * Owns: its bytes.
 * Threads: one owner at a time.
 * Errors: past the ceilings further bytes are refused; response_render then answers
 * 500. Start reading at: struct response.
 */
#ifndef SLUICE_MOCKS_COMMON_RESPONSE_H
#define SLUICE_MOCKS_COMMON_RESPONSE_H

#include <stdbool.h>

#include "base/buf.h"

struct response {
    int status;
    struct buf fields; /* "name: value\r\n" lines, without the framing ones */
    struct buf body;
    bool close; /* the connection ends with this answer */
};

void response_init(struct response *response);
void response_free(struct response *response);

/* Forgets fields and body: another answer takes the place of this one. */
void response_reset(struct response *response, int status);

void response_field(struct response *response, const char *name, const char *format,
                    ...) PRINTF_LIKE(3, 4);

/* Takes the place of fields of that name (ASCII case folded). Borrows both; no line
 * ends in them.
 */
void response_replace_field(struct response *response, struct slice name,
                            struct slice value);

/* Status, content type and body in one call, for plain answers. Borrows all. */
void response_plain(struct response *response, int status, const char *type,
                    struct slice body);

/* Appends the head (with content-length of the whole body) to `out`. */
void response_render_head(const struct response *response, struct buf *out);

#endif
