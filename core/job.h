/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: work that outlives the call that started it: the id by which a client asks
 * how it goes. Owns: nothing: the work is the ERP's, and the id holds the connector's
 * words for it, sealed for MCP server and asking tool, good for 24 hours. Threads: the
 * loop's. Errors: ERR_INVALID_ARGUMENTS with a detail at /poll_id. Start reading at:
 * job_seal.
 */
#ifndef SLUICE_CORE_JOB_H
#define SLUICE_CORE_JOB_H

#include "core/sealed.h"

/* `server`: the MCP server's id; `tool`: the one that started the work or asks for it. Lends
 * from both. */
struct sealed_binding job_binding(struct slice server, const struct tool *tool,
                                  int64_t now_ms);
MUST_USE enum err job_seal(struct vault *vault, const struct sealed_binding *binding,
                           struct slice words, struct arena *arena,
                           struct slice *poll_id);
MUST_USE enum err job_open(struct vault *vault, const struct sealed_binding *binding,
                           struct slice poll_id, struct arena *arena,
                           struct slice *words, struct fault *fault);

const char *job_status_name(enum op_job_status status);
/* For the model: not to start the work again but to ask. */
struct slice job_instruction(const struct tool *tool, struct arena *arena);

#endif
