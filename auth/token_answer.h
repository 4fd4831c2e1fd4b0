/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what a token host answered (RFC 6749 sections 5.1 and 5.2), read and judged.
 * Owns: nothing: texts live in the arena handed in. Threads: any. Pure. Errors: in
 * token_answer.err. Start reading at: token_answer_read. A token that could not stand
 * in a header field as it is, is none.
 */
#ifndef SLUICE_AUTH_TOKEN_ANSWER_H
#define SLUICE_AUTH_TOKEN_ANSWER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

struct token_answer {
    /* ERR_OK; ERR_NEEDS_REAUTH: the client was refused; ERR_UPSTREAM_UNAVAILABLE: the
     * host could not; ERR_UPSTREAM_MALFORMED: that is no answer of a token host */
    enum err err;
    struct slice token; /* with ERR_OK; never empty */
    int64_t life_ms;
    struct slice refresh; /* with ERR_OK; empty when there is none, or no new one */
    struct slice code; /* the "error" member of a refusal, when it is of its alphabet */
};

/* Borrows `body`. */
void token_answer_read(struct arena *arena, int status, struct slice body,
                       struct token_answer *out);

#endif
