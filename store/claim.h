/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: how many processes work on a data folder at a time: one, or as many as the operator
 * has said, each of which has a place of its own. Ceilings are counted in memory: a process too
 * many would let an ERP have more than what was set.
 * Owns: locks on a file beside the database; they end with the process, however that ends.
 * Threads: one. Errors: ERR_CONFLICT (no place is free, or another process was told another
 * number or pool), ERR_IO.
 * Start reading at: claim_take. Commands that only read or write records take none.
 */
#ifndef SLUICE_STORE_CLAIM_H
#define SLUICE_STORE_CLAIM_H

#include <stdint.h>

#include "base/error.h"

#define CLAIM_PLACES_MOST 64

struct claim;

/*
 * Makes the file when it is not there. `places`: how many processes may work there at a time (1
 * to CLAIM_PLACES_MOST), the same number for all. `pool`: 0: they divide every ceiling; else a
 * hash of what lends them their slots, the same for all. *holder is who has it already (0:
 * unknown).
 */
MUST_USE enum err claim_take(const char *path, int places, uint32_t pool,
                             struct claim **out, long *holder);
void claim_free(struct claim *claim); /* accepts NULL */

/* 0 to places - 1; no other process has the same. */
int claim_place(const struct claim *claim);

/*
 * Whether this process does what only one may do; one of them does, and when it ends, the next
 * that asks. Asking costs a system call until the answer is yes, which then stays.
 */
bool claim_leads(struct claim *claim);

#endif
