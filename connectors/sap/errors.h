/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: reads what SAP, or somebody in front of it, answered: JSON of a success, or
 * a fault in our words. Owns: nothing: everything lives in the op's arena. Threads:
 * any, on an op of its own. Errors: they end in op->fault, and in op->rate_limited when
 * load was the reason. Start reading at: sap_errors_read. What a code means stands in
 * the catalog (integration.json, "errors"), not here.
 */
#ifndef SLUICE_CONNECTORS_SAP_ERRORS_H
#define SLUICE_CONNECTORS_SAP_ERRORS_H

#include "base/jval.h"
#include "catalog/tool.h"
#include "connectors/connector.h"

/*
 * The body of a 2xx answer in JSON, lent from the op's arena; NULL when it was anything
 * else, op->fault then says what. After a write that may have happened it is
 * ERR_OUTCOME_UNKNOWN. Borrows `response`.
 */
const struct jval *sap_errors_read(struct op *op, const struct op_response *response);

/* The answer is JSON but not what was asked for. Always CONNECTOR_FAILED. */
enum connector_step sap_errors_malformed(struct op *op,
                                         const struct op_response *response,
                                         struct slice message);

/* One argument cannot be sent. Always CONNECTOR_FAILED. Keeps its slices. */
enum connector_step sap_errors_argument(struct op *op, struct slice pointer,
                                        struct slice message);

/* The first field of that name (lower case), trimmed; empty when there is none. */
struct slice sap_response_field(const struct op_response *response, const char *name);

#endif
