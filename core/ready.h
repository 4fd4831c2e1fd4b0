/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: GET /readyz where several loops serve: ready when all are, and else which are not.
 * Owns: what they said until it is answered. Threads: the asking worker's.
 * Errors: a worker that says nothing within READY_MS is not ready.
 * Start reading at: ready_ask.
 */
#ifndef SLUICE_CORE_READY_H
#define SLUICE_CORE_READY_H

#include "base/buf.h"
#include "core/workers.h"

#define READY_MS 2000 /* less than most who ask wait */

/* Asks every worker, and ends the exchange. */
void ready_ask(const struct worker *worker, struct http_exchange *exchange);

/* What one worker answered; status 0: nothing. */
struct ready_part {
    int status;
    struct slice body;
};

/* The answer's body, and its status. What all say alike is said once. */
int ready_answer(const struct ready_part *parts, int count, struct buf *out);

#endif
