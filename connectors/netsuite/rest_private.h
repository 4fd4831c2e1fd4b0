/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what rest_plan.c makes and rest.c runs.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: struct rest_plan. Nobody outside this folder includes this.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_REST_PRIVATE_H
#define SLUICE_CONNECTORS_NETSUITE_REST_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "connectors/connector.h"
#include "connectors/netsuite/suiteql.h"

/* Lines of several sublists, one after the other, as a member of the record. */
struct rest_concat {
    struct slice name; /* begins with '_', which no member of NetSuite's does */
    const struct slice *sublists;
    size_t sublist_count;
};

struct rest_plan {
    struct slice record; /* invoice, vendorBill, customrecord_... */
    bool expand;         /* sublists with their lines */
    const struct rest_concat *concats;
    size_t concat_count;
    /* A query for what the record service leaves out or says in the role's language:
     * its columns become members of the record. NULL: none. */
    const struct suiteql_plan *with;
};

/* "record", "expand" and "concat" of an "upstream" object. */
enum err rest_read_record(struct arena *arena, const struct jval *upstream,
                          struct rest_plan *plan, struct schema_problem *problem);

/* GET of the record under `key`: digits, or eid: and an external id. */
void rest_get(struct op *op, const struct rest_plan *plan, struct slice key);

/* The record in an answer to it, with its concats; NULL: op->fault says why. */
struct jval *rest_take(struct op *op, const struct rest_plan *plan,
                       const struct op_response *response);

/* The op's result is this one record. Always CONNECTOR_DONE. */
enum connector_step rest_done(struct op *op, const struct jval *record);

bool rest_is_internal_id(struct slice id);
bool rest_is_external_id(struct slice id); /* without eid: */

#endif
