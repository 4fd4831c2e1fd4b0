/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one server for each data folder. Two would each keep ceilings of their own,
 * so that an ERP got twice what was set, and neither would see the other's changes.
 * Owns: the lock on a file beside the database; it ends with the process, however that
 * ends. Threads: one. Errors: ERR_CONFLICT (another process has it), ERR_IO.
 * Start reading at: claim_take. Commands that only read or write records take none.
 */
#ifndef SLUICE_STORE_CLAIM_H
#define SLUICE_STORE_CLAIM_H

#include "base/error.h"

struct claim;

/* Makes the file when it is not there; *holder is who has it already (0: unknown). */
MUST_USE enum err claim_take(const char *path, struct claim **out, long *holder);
void claim_free(struct claim *claim); /* accepts NULL */

#endif
