/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the way in where several loops serve: each takes connections, and a request is
 * answered by the worker its account lives in (core/homes.h). What is no account's is answered
 * by the first one; lists of lanes and metrics by all together.
 * Owns: nothing of the workers. Threads: each worker's own struct worker.
 * Errors: as core/server.h.
 * Start reading at: worker_handle.
 */
#ifndef SLUICE_CORE_WORKERS_H
#define SLUICE_CORE_WORKERS_H

#include "core/gateway.h"
#include "core/homes.h"
#include "io/http_server.h"

#define WORKERS_MOST 64

/* All are known before the first one runs, and stay. */
struct workers {
    int count;
    struct homes *homes;
    struct {
        struct loop *loop;
        struct gateway *gateway;
    } each[WORKERS_MOST];
};

struct worker {
    const struct workers *workers;
    int number;
    struct map *homes; /* of accounts, as far as this one was asked for them */
};

struct worker *worker_new(const struct workers *workers, int number);
void worker_free(struct worker *worker); /* accepts NULL */

/* An http_handler_fn; `ctx` is a struct worker. */
void worker_handle(void *ctx, struct http_exchange *exchange);

#endif
