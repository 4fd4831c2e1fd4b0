/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: words of a connector that leave the server and come back: sealed, bound to
 * what they were made for, good for a while. Owns: nothing. Threads: the loop's.
 * Errors: ERR_INVALID_ARGUMENTS for what was not sealed here for this, ERR_TIMEOUT for
 * what is too old, ERR_TOO_LARGE for words that would not be taken back. Start reading at: sealed_put. Cursors (core/cursor.h), the state of
 * a question to the client and the id of long work are made of it.
 */
#ifndef SLUICE_CORE_SEALED_H
#define SLUICE_CORE_SEALED_H

#include "auth/vault.h"
#include "catalog/catalog.h"

/* Only the same binding opens it. */
struct sealed_binding {
    const char *purpose; /* "cursor" */
    struct slice server, tool;
    const struct split *split; /* all arguments but limit, next_cursor; NULL: any */
    int64_t now_ms;
};

MUST_USE enum err sealed_put(struct vault *vault, const struct sealed_binding *binding,
                             int64_t life_ms, struct slice words, struct arena *arena,
                             struct slice *text);
MUST_USE enum err sealed_open(struct vault *vault, const struct sealed_binding *binding,
                              struct slice text, struct arena *arena,
                              struct slice *words);

#endif
