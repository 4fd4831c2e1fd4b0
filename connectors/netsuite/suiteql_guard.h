/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: decides whether a query that somebody wrote may be sent: one statement that
 * reads, and nothing that another reader of SQL could take for something else. Owns:
 * nothing: the result lives in the arena handed in. Threads: any. Errors: a sentence
 * that names the fault and the way out. Start reading at: guard_query.
 *
 * It is no parser and not the only fence: SuiteQL only reads, and the role decides what.
 * It keeps what it cannot read the same way as NetSuite from being sent at all.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_SUITEQL_GUARD_H
#define SLUICE_CONNECTORS_NETSUITE_SUITEQL_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

#define GUARD_QUERY_BYTES_MAX ((size_t)16 * 1024)
#define GUARD_DEPTH_MAX 64

struct guarded {
    struct slice text; /* to be sent: the query, each comment a space */
    size_t marks;      /* '?' outside quotes: so many values are to be bound */
    bool ordered;      /* the outermost query has an ORDER BY */
};

/* NULL and `out` filled, or why not: a sentence that lives for ever. */
const char *guard_query(struct arena *arena, struct slice query, struct guarded *out);

#endif
