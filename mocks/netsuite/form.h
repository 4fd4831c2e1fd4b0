/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the parameters of a query or a form body, each of which may stand there once
 * (RFC 6749 section 3.1). Owns: nothing; texts live in the arena. Threads: any. Errors:
 * false: more than 32 parameters, 64 KiB, or a name twice. Start reading at: form_read.
 */
#ifndef SLUICE_MOCKS_NETSUITE_FORM_H
#define SLUICE_MOCKS_NETSUITE_FORM_H

#include "base/arena.h"

#define FORM_MAX_PARAMS 32
#define FORM_MAX_BYTES ((size_t)64 * 1024)

struct form {
    struct {
        struct slice name, value; /* decoded */
    } params[FORM_MAX_PARAMS];
    size_t count;
};

bool form_read(struct arena *arena, struct slice text, struct form *out);

/* Empty when it is absent. */
struct slice form_get(const struct form *form, const char *name);
bool form_has(const struct form *form, const char *name);

#endif
