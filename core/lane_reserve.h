/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the "reserve" of a lane as the management API takes it and the store keeps it:
 * [{"priority":"critical","slots":1},{"mcp_server":"mcp_…","slots":2}]. Owns: nothing; texts are
 * borrowed from the JSON. Threads: the loop's. Errors: a sentence and a JSON Pointer.
 * Start reading at: lane_reserve_parse.
 */
#ifndef SLUICE_CORE_LANE_RESERVE_H
#define SLUICE_CORE_LANE_RESERVE_H

#include "base/jval.h"
#include "base/jwriter.h"
#include "governor/governor.h"

struct lane_reserve {
    struct governor_reservation all[GOVERNOR_RESERVATIONS_MAX];
    size_t count;
    int slots; /* of all */
};

/* What is wrong with it: `at` inside the array (empty: the whole). */
struct lane_reserve_problem {
    struct slice at;
    const char *message;
};

const char *lane_priority_name(enum governor_priority priority);

/* NULL and JSON null: nothing is reserved. Borrows the JSON; `arena` for the problem. */
MUST_USE bool lane_reserve_parse(const struct jval *json, struct arena *arena,
                                 struct lane_reserve *out,
                                 struct lane_reserve_problem *problem);
/* The members of one reservation, into an object that is open. */
void lane_reserve_write(struct jwriter *writer,
                        const struct governor_reservation *reservation);

#endif
