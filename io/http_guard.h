/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: refuses every form of a request that two readers could understand
 * differently. Owns: nothing; a guard is a value inside the parser. Threads: one owner
 * at a time. Errors: HTTP_GUARD_FAULT and the status to answer; the guard is dead after
 * it. Start reading at: http_guard_head, then http_guard_framing, then
 * http_guard_chunks.
 */
#ifndef SLUICE_IO_HTTP_GUARD_H
#define SLUICE_IO_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "io/http_server.h"

/* Members are the guard's own. */
struct http_guard {
    uint8_t state;
    uint8_t version;       /* 10 or 11 once the request line was read */
    uint8_t part_bytes;    /* of the method, the version or the chunk size being read */
    uint8_t connect_bytes; /* how far the method matches CONNECT */
    uint16_t status;       /* after a fault */
    uint16_t fields;       /* of the head and behind the last chunk */
    uint32_t head_bytes;   /* likewise */
    uint32_t extension_bytes;
    uint64_t chunk_bytes; /* left of the chunk being read */
    uint64_t body_bytes;  /* sum of the chunk sizes */
    uint64_t max_body_bytes;
};

enum http_guard_step { HTTP_GUARD_MORE, HTTP_GUARD_END, HTTP_GUARD_FAULT };

void http_guard_begin(struct http_guard *guard, size_t max_body_bytes);

/* Reads on; `consumed` counts up to the end of the head, or to the byte at fault. */
enum http_guard_step http_guard_head(struct http_guard *guard, struct slice input,
                                     size_t *consumed);

/* After the end of a head that announced chunks: likewise for the body. */
void http_guard_begin_chunks(struct http_guard *guard);
enum http_guard_step http_guard_chunks(struct http_guard *guard, struct slice input,
                                       size_t *consumed);

struct http_framing {
    bool is_chunked;
    unsigned long long content_length; /* 0 when chunked or absent */
    bool expects_continue;
};

/*
 * Judges the fields of a whole head: Host, Content-Length, Transfer-Encoding, Expect.
 * Returns 0, or the status to answer. Borrows `request`.
 */
int http_guard_framing(const struct http_guard *guard,
                       const struct http_request *request,
                       struct http_framing *framing);

#endif
