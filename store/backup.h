/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a copy of the database that is whole, taken while servers work on it.
 * Owns: nothing; the copy is its caller's.
 * Threads: any; it waits for the disk, so not the loop's.
 * Errors: ERR_NOT_FOUND (no database), ERR_CONFLICT (the copy's name is taken, or the
 * database is of a newer version or another program), ERR_IO.
 * Start reading at: store_backup.
 */
#ifndef SLUICE_STORE_BACKUP_H
#define SLUICE_STORE_BACKUP_H

#include "base/error.h"
#include "base/log.h"

/* Writes a new file of mode 0600, never over an existing one, and syncs it. What is
 * acknowledged before the start is in it. The original's schema is left as it is. */
MUST_USE enum err store_backup(const struct log *log, const char *path,
                               const char *copy);

#endif
