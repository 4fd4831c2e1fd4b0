/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the JSON body of a create, out of a tool's flat arguments. Owns: nothing: it
 * lives in the op's arena. Threads: any, on an op of its own. Errors: op->fault names
 * the argument. Start reading at: sap_body_write.
 */
#ifndef SLUICE_CONNECTORS_SAP_BODY_H
#define SLUICE_CONNECTORS_SAP_BODY_H

#include <stdbool.h>

#include "catalog/tool.h"
#include "connectors/sap/plan.h"

/* False: op->fault says which argument cannot be sent, or that all is too much. */
MUST_USE bool sap_body_write(struct op *op, const struct sap_plan *plan,
                             struct slice *out);

#endif
