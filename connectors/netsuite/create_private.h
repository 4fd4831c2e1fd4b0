/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what create_plan.c makes and create.c runs.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: struct create_plan. Nobody else includes this.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_CREATE_PRIVATE_H
#define SLUICE_CONNECTORS_NETSUITE_CREATE_PRIVATE_H

#include "connectors/netsuite/body.h"
#include "connectors/netsuite/rest_private.h"

/* An argument that stands for an internal id: the query's one row has it. */
struct create_resolve {
    struct slice argument;
    const struct suiteql_plan *query;
};

struct create_plan {
    struct rest_plan read;    /* how the new record is read back */
    struct slice external_id; /* the argument */
    const struct body_plan *body;
    const struct create_resolve *resolves;
    size_t resolve_count;
};

#endif
