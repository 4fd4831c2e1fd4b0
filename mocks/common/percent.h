/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: percent-encoding and -decoding of paths, queries and forms.
 * Owns: nothing; results live in the arena.
 * Threads: any.
 * Errors: a malformed %XX stays as it is: an ERP takes it literally.
 * Start reading at: percent_decode.
 */
#ifndef SLUICE_MOCKS_COMMON_PERCENT_H
#define SLUICE_MOCKS_COMMON_PERCENT_H

#include "base/arena.h"
#include "base/slice.h"

enum percent_plus { PLUS_IS_PLUS, PLUS_IS_SPACE };

struct slice percent_decode(struct arena *arena, struct slice text,
                            enum percent_plus plus);

/* All but A-Za-z0-9-._~ as %XX, upper case (RFC 3986 section 2.3). */
struct slice percent_encode(struct arena *arena, struct slice text);

#endif
