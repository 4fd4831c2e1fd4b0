/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a catalog says nothing that its reader would not hear: unknown members are faults.
 * Owns: nothing. Threads: any. Errors: ERR_UNPROCESSABLE with the member's pointer.
 * Start reading at: members_only.
 */
#ifndef SLUICE_CATALOG_MEMBERS_H
#define SLUICE_CATALOG_MEMBERS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/jval.h"
#include "catalog/schema.h"

/* Whether the members of `object`, which stands at `pointer`, are among `names`, whose last is
 * NULL. */
MUST_USE enum err members_only(struct arena *arena, struct slice pointer,
                               const struct jval *object, const char *const *names,
                               struct schema_problem *problem);

#endif
