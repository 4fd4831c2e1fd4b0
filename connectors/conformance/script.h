/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a tool's behaviour as data, compiled out of a method's "upstream". Owns:
 * scripts live in the catalog's arena. Threads: read-only once compiled. Errors:
 * ERR_UNPROCESSABLE with the problem filled. Start reading at: struct script; the form
 * is described in README.md.
 */
#ifndef SLUICE_CONNECTORS_CONFORMANCE_SCRIPT_H
#define SLUICE_CONNECTORS_CONFORMANCE_SCRIPT_H

#include "catalog/tool.h"

struct script {
    const struct jval *content; /* with holes */
    enum err content_is;        /* the failure it tells of; ERR_OK: none */
};

MUST_USE enum err script_compile(struct arena *arena, const struct jval *upstream,
                                 const struct tool *tool, const struct script **out,
                                 struct schema_problem *problem);

#endif
