/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: values with holes: "Hello, {/responses/user_name/content/name}!". A hole is
 * a JSON Pointer into what is known of the call. Owns: nothing: results live in the
 * arena. Threads: any. Errors: template_check names the place; filling cannot fail: what
 * is not there is empty. Start reading at: template_fill.
 */
#ifndef SLUICE_CONNECTORS_CONFORMANCE_TEMPLATE_H
#define SLUICE_CONNECTORS_CONFORMANCE_TEMPLATE_H

#include "catalog/schema.h"

/* ERR_UNPROCESSABLE when a hole has no end or does not begin with one of the roots. */
MUST_USE enum err template_check(struct arena *arena, const struct jval *value,
                                 struct slice pointer, struct schema_problem *problem);

/* What holes may point into. */
struct template_values {
    const struct jval *arguments; /* {/arguments/...} */
    const struct jval *responses; /* {/responses/...}: what the client answered */
};

/* A copy with every hole filled: texts as they are, anything else as JSON. */
const struct jval *template_fill(struct arena *arena, const struct jval *value,
                                 const struct template_values *values);

#endif
