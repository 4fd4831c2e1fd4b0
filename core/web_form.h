/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what a browser sends of a form, or of an address's query
 * (application/x-www-form-urlencoded). Owns: nothing; the fields live in the arena handed
 * in. Threads: any. Errors: false for what two readers could understand differently.
 * Start reading at: web_form_read.
 */
#ifndef SLUICE_CORE_WEB_FORM_H
#define SLUICE_CORE_WEB_FORM_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/slice.h"

struct web_form {
    struct web_form_field {
        struct slice name, value;
    } fields[LIMIT_FORM_FIELDS];
    size_t count;
};

/* Refused: a name that stands twice, a broken %XX, what is no UTF-8, a NUL, too many. */
bool web_form_read(struct arena *arena, struct slice encoded, struct web_form *out);
/* Empty when there is none. */
struct slice web_form_get(const struct web_form *form, struct slice name);

#endif
