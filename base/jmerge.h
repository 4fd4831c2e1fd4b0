/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: JSON Merge Patch, RFC 7396: what PATCH means, and what an override means.
 * Owns: nothing: the result lives in the arena that was handed in.
 * Threads: any, on an arena of their own.
 * Errors: none.
 * Start reading at: jmerge.
 */
#ifndef SLUICE_BASE_JMERGE_H
#define SLUICE_BASE_JMERGE_H

#include "base/jval.h"

/*
 * `target` with `patch` applied: members of an object are merged, null takes one out, anything
 * else replaces. Changes neither, and shares parts of both, so they have to live as long as the
 * result. `target` may be NULL: then nothing was there.
 */
struct jval *jmerge(struct arena *arena, const struct jval *target,
                    const struct jval *patch);

#endif
