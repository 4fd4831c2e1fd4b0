/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: gets writes past SAP's protection against forged requests: a token and the
 * cookies it belongs to, one of each for an account. Owns: the session's texts, wiped
 * when they are replaced and when it is freed. Threads: one; the account's loop.
 * Errors: CONNECTOR_FAILED with op->fault filled. Start reading at: sap_csrf_write.
 *
 * 1. The token and its cookies change together, and only as the answer to a fetch.
 * 2. At most one operation fetches; the others park until it has moved on.
 * 3. Every fetch makes a new version, so that whoever is refused with an older one knows
 *    that a newer one is there already.
 * 4. A write is sent a second time only after 403 with "x-csrf-token: Required", which
 *    says that SAP has not executed it; never a third time.
 * 5. A login that was refused is refused for all who wait: each attempt more brings the
 *    user nearer to its lock.
 */
#ifndef SLUICE_CONNECTORS_SAP_CSRF_H
#define SLUICE_CONNECTORS_SAP_CSRF_H

#include "catalog/tool.h"
#include "connectors/connector.h"
#include "connectors/sap/plan.h"

struct op_session *sap_session_new(void);
void sap_session_free(struct op_session *session); /* accepts NULL */

/* Sends the op's body, or what has to come first; also resumes a parked operation. */
enum connector_step sap_csrf_write(struct op *op, const struct sap_plan *plan);
enum connector_step sap_csrf_resume(struct op *op, const struct sap_plan *plan);

/* The answer to the fetch. */
enum connector_step sap_csrf_fetched(struct op *op, const struct sap_plan *plan,
                                     const struct op_response *response);

/* The answer to the write. */
enum connector_step sap_csrf_written(struct op *op, const struct sap_plan *plan,
                                     const struct op_response *response);

/* The operation is over: somebody else may fetch. */
void sap_csrf_leave(struct op *op);

#endif
