/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: long work that is none: it is accepted, runs for as many questions as its
 * script says, and is over. Owns: nothing: how far it is travels in the words for it.
 * Threads: any. Errors: a job that fails, as its script says. Start reading at:
 * fixture_job_start.
 */
#ifndef SLUICE_CONNECTORS_CONFORMANCE_JOB_H
#define SLUICE_CONNECTORS_CONFORMANCE_JOB_H

#include "connectors/conformance/script.h"
#include "connectors/connector.h"

enum connector_step fixture_job_start(struct op *op, const struct script_job *job);
enum connector_step fixture_job_ask(struct op *op);

#endif
