/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one answer out of those of all workers.
 * Owns: the answers until they are one. Threads: asked and put together on the asking worker's
 * loop. Errors: the first answer that is not 200 is the answer.
 * Start reading at: gather.
 */
#ifndef SLUICE_CORE_GATHER_H
#define SLUICE_CORE_GATHER_H

#include "base/buf.h"
#include "core/workers.h"

/* Puts the bodies of the answers, one of each worker in their order, together. ERR_TOO_LARGE. */
typedef enum err (*gather_fn)(const struct workers *workers, const struct slice *bodies,
                              struct arena *arena, struct buf *out);

/* Sends the request to all workers, and ends the exchange. */
void gather(const struct worker *worker, struct http_exchange *exchange,
            gather_fn put_together);

/* The same for a request that is answered with a stream of whole events: all that come from any
 * worker, in the order they come; the first that ends ends it. */
void gather_events(const struct worker *worker, struct http_exchange *exchange);

/* GET /lanes: each lane as the worker has it that it lives in, in order of id. */
MUST_USE enum err gather_lanes(const struct workers *workers,
                               const struct slice *bodies, struct arena *arena,
                               struct buf *out);
/* GET /metrics: sums; what only says yes or no is yes when one says so, of ends the first. */
MUST_USE enum err gather_metrics(const struct workers *workers,
                                 const struct slice *bodies, struct arena *arena,
                                 struct buf *out);

#endif
