/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what SAP says when it refuses: JSON, XML, text and HTML, in the recorded shapes.
 * Owns: nothing.
 * Threads: any.
 * Errors: none.
 * Start reading at: answer_error.
 */
#ifndef SLUICE_MOCKS_SAP_ANSWERS_H
#define SLUICE_MOCKS_SAP_ANSWERS_H

#include "mocks/common/response.h"

/* The OData V2 error body. `message` is escaped. */
void answer_error(struct response *response, int status, const char *code,
                  struct slice message);
/* A service that is not registered: XML, whatever was asked for. */
void answer_no_service(struct response *response, struct slice name);
void answer_logon_failed(struct response *response, const char *client);
void answer_csrf_required(struct response *response);
void answer_overload(struct response *response);

#endif
