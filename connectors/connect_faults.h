/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the faults of one account's connection, collected so that the operator sees all of
 * them at once. Owns: nothing; they lie in the arena. Threads: any. Errors: ERR_UNPROCESSABLE
 * with a detail for each wrong member. Start reading at: connect_faults_end.
 */
#ifndef SLUICE_CONNECTORS_CONNECT_FAULTS_H
#define SLUICE_CONNECTORS_CONNECT_FAULTS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/require.h"

struct connect_faults {
    struct arena *arena;
    struct fault_detail *details;
    size_t count;
};

/* Keeps `arena`. */
struct connect_faults connect_faults_begin(struct arena *arena);
/* The member at `pointer` is wrong (RFC 6901; empty: the whole connection). Lends both texts.
 * Those beyond the eighth are not told. */
void connect_fault(struct connect_faults *faults, struct slice pointer,
                   struct slice message);
/* ERR_OK where there was none; else *fault has `message` and all of them, lent by the arena. */
MUST_USE enum err connect_faults_end(const struct connect_faults *faults,
                                     struct slice message, struct fault *fault);

#endif
