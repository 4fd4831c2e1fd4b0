/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one request at the ERP port from arrival to answer: login, concurrency
 * limit, fault, work, latency, bytes. Owns: the work in flight. Threads: the loop's.
 * Errors: none of its own; refusals are the ERP's, through struct erp.
 * Start reading at: engine_on_request. The table of faults is in the .c.
 */
#ifndef SLUICE_MOCKS_COMMON_ENGINE_H
#define SLUICE_MOCKS_COMMON_ENGINE_H

#include <uv.h>

#include "base/list.h"
#include "mocks/common/fault.h"
#include "mocks/common/gate.h"
#include "mocks/common/history.h"
#include "mocks/common/http.h"

/* Requests that are not the ERP's own work take no place of the limit. */
enum aside {
    ASIDE_NOT,  /* the ERP's own work */
    ASIDE_PAGE, /* a page or a directory on the same port: answered at once */
    ASIDE_TOKEN /* a token host: counted, and as slow as PUT /latency's token_ms says */
};

/* What differs from ERP to ERP. */
struct erp {
    void *ctx;
    /* Both NULL: nothing stands aside. Like the rest, the second fills `response`. */
    enum aside (*aside_kind)(void *ctx, struct http_exchange *x);
    void (*aside)(void *ctx, struct http_exchange *x, struct response *response);
    /* A request over the limit waits this long for a place before it is refused; 0: not at
     * all. */
    int queue_ms;
    /* Who calls? NULL: refused, the answer is in `response`. */
    struct gate_lane *(*login)(void *ctx, struct http_exchange *x,
                               struct response *response);
    /* A login that was right and is refused all the same (fault expire_tokens). */
    void (*reject)(void *ctx, struct http_exchange *x, struct response *response);
    /* The concurrency limit is reached. */
    void (*busy)(void *ctx, struct http_exchange *x, struct response *response);
    /* The request itself. */
    void (*handle)(void *ctx, struct http_exchange *x, struct response *response);
    /* The ERP's error body for a status (fault status without a body). */
    void (*fail)(void *ctx, struct http_exchange *x, int status,
                 struct response *response);
};

struct engine {
    uv_loop_t *loop;
    struct erp erp;
    struct gate gate;
    struct fault_list faults;
    struct history *history;
    struct list works;
    struct list waiting; /* works over the limit, in the order they came */
};

/* Keeps `loop` and `clock`; copies `erp`. */
void engine_init(struct engine *engine, uv_loop_t *loop, const struct clock *clock,
                 struct erp erp, int concurrency, uint64_t seed);

/* Whatever waits for its latency to elapse is answered now; what drips goes on dripping. */
void engine_release(struct engine *engine);

/* Drops all work in flight; the loop must run once more to close its timers. */
void engine_stop(struct engine *engine);
void engine_free(struct engine *engine);

/* An http_handler_fn whose ctx is a struct engine. */
void engine_on_request(void *ctx, struct http_exchange *x);

#endif
