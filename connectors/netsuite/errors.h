/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: reads what NetSuite answered: either JSON of a success, or a fault in our
 * words. Owns: nothing: everything lives in the op's arena. Threads: any, on an op of
 * its own. Errors: they end in op->fault, and in op->rate_limited when load was the
 * reason. Start reading at: errors_read_answer. What a code means stands in the catalog
 *         (integration.json, "errors"), not here.
 */
#ifndef SLUICE_CONNECTORS_NETSUITE_ERRORS_H
#define SLUICE_CONNECTORS_NETSUITE_ERRORS_H

#include <stdbool.h>

#include "base/jval.h"
#include "catalog/tool.h"
#include "connectors/connector.h"

/*
 * The body of a 2xx answer with a JSON content type, lent from the op's arena; NULL
 * when it was anything else, op->fault then says what. Borrows `response`.
 */
const struct jval *errors_read_answer(struct op *op,
                                      const struct op_response *response);

/* The answer is JSON but not what was asked for. Always CONNECTOR_FAILED. */
enum connector_step errors_malformed(struct op *op, const struct op_response *response,
                                     struct slice message);

/* What a SOAP answer says is wrong: the fault's element (or empty), code and sentence. */
struct errors_soap {
    struct slice fault, code, message;
};
/* The same by a SOAP answer; `said` NULL: the answer could not be read. Always
 * CONNECTOR_FAILED. */
enum connector_step errors_soap(struct op *op, const struct op_response *response,
                                const struct errors_soap *said);

/* One argument cannot be sent. Always CONNECTOR_FAILED. Keeps its slices. */
enum connector_step errors_argument(struct op *op, struct slice argument,
                                    struct slice message);

#endif
