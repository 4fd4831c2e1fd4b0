/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the answer to one request while it arrives: head lines in, then body bytes.
 * Owns: what it has collected; wiped on http_answer_free.
 * Threads: one owner at a time. No sockets.
 * Errors: false from a feeding call means "cut the transfer"; `verdict` says why.
 * Start reading at: http_answer_line.
 */
#ifndef SLUICE_IO_HTTP_ANSWER_H
#define SLUICE_IO_HTTP_ANSWER_H

#include "base/buf.h"
#include "io/http_client.h"

enum http_answer_verdict {
    HTTP_ANSWER_FINE,
    HTTP_ANSWER_TOO_LARGE,
    HTTP_ANSWER_MALFORMED
};

/* `head` moves while it grows, so a field is kept as offsets until the answer is whole.
 */
struct http_span {
    size_t name_at, name_len, value_at, value_len;
};

struct http_answer {
    enum http_answer_verdict verdict;
    int status;       /* of the last status line, 0 before the first */
    bool is_final;    /* the head that counts is whole; what follows are trailers */
    bool is_unwanted; /* bytes are counted, not kept */
    size_t body_bytes, max_body_bytes;
    size_t line_bytes; /* of all head lines, interim heads and trailers included */
    struct buf head, body;
    struct http_span *spans; /* of the fields, in `head` */
    size_t field_count, field_room;
    struct http_field *fields; /* made by http_answer_reply */
};

void http_answer_init(struct http_answer *answer, size_t max_body_bytes);
void http_answer_free(struct http_answer *answer);

/* One line of a head or trailer, with its line end; the empty line too. */
bool http_answer_line(struct http_answer *answer, struct slice line);
bool http_answer_body(struct http_answer *answer, struct slice bytes);

/* The body so far has been handed on: forgets it, and counts anew. */
void http_answer_taken(struct http_answer *answer);

/* Wipes what came and keeps nothing of what follows. */
void http_answer_discard(struct http_answer *answer);

/* The whole answer; call it once. Lends until http_answer_free. */
struct http_reply http_answer_reply(struct http_answer *answer);

#endif
