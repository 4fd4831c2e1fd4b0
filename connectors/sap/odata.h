/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: requests to an OData V2 service and the records in its answers. Owns:
 * nothing: everything lives in the op's arena. Threads: any, on an op of its own.
 * Errors: CONNECTOR_FAILED with op->fault filled. Start reading at: sap_read_begin.
 */
#ifndef SLUICE_CONNECTORS_SAP_ODATA_H
#define SLUICE_CONNECTORS_SAP_ODATA_H

#include "catalog/tool.h"
#include "connectors/connector.h"
#include "connectors/sap/paging.h"
#include "connectors/sap/plan.h"

enum sap_phase {
    SAP_READING,
    SAP_FETCHING, /* a CSRF token, for all writes of the account */
    SAP_PARKED,   /* until somebody else has fetched it */
    SAP_WRITING
};

/* What an operation remembers between its exchanges; op->private_data. */
struct sap_run {
    enum sap_phase phase;
    struct sap_page page;  /* of a list */
    struct slice body;     /* of a create */
    bool replayed;         /* refused once for its token: not a second time */
    unsigned long version; /* of the token that was sent */
    /* Of the session when the op was parked: */
    unsigned long login_faults, overdue_fetches;
};

/* A request with the fields that every one has; then up to four of its own. */
void sap_request(struct op *op, const char *method, struct slice url);
void sap_request_field(struct op *op, const char *name, struct slice value);

/* scheme://host[:port] and a path. */
struct slice sap_url(const struct op *op, struct slice path);

enum connector_step sap_read_begin(struct op *op, const struct sap_plan *plan);
enum connector_step sap_read_answer(struct op *op, const struct sap_plan *plan,
                                    const struct op_response *response);

/* Of a create: one record, and what SAP remarked. */
enum connector_step sap_write_answer(struct op *op, const struct sap_plan *plan,
                                     const struct op_response *response);

#endif
