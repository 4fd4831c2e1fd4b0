/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the parts of a request target. Owns: nothing; the parts lie in the target.
 * Threads: any. Errors: none; what has no such part has an empty one.
 * Start reading at: target_split.
 */
#ifndef SLUICE_MOCKS_COMMON_TARGET_H
#define SLUICE_MOCKS_COMMON_TARGET_H

#include "base/slice.h"

struct target {
    struct slice scheme, authority; /* of the absolute form, as proxies get it */
    struct slice path;              /* up to the first '?' */
    struct slice query;             /* after it */
};

/* Origin form and absolute form of RFC 9112 section 3.2; of any other the whole text is the
 * path. */
struct target target_split(struct slice text);

#endif
