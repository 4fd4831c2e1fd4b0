/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the control port: what a test reads and sets while the ERP port is in use.
 * Owns: nothing.
 * Threads: the loop's.
 * Errors: a call that makes no sense is 400 or 404 with {"error":"…"}.
 * Start reading at: the table of calls in the .c.
 */
#ifndef SLUICE_MOCKS_COMMON_CONTROL_H
#define SLUICE_MOCKS_COMMON_CONTROL_H

#include "mocks/common/engine.h"

struct control {
    struct engine *engine;
    void *ctx;
    /* Called by POST /reset: data as after the start. */
    void (*reset)(void *ctx);
    /* Calls of one mock only. `body` is an object (empty when none was sent). False:
     * unknown call. NULL: there are none. */
    bool (*extra)(void *ctx, struct slice method, struct slice path, const json_t *body,
                  struct response *response);
    /* Adds members to GET /stats. NULL: there are none. */
    void (*stats)(void *ctx, json_t *stats);
};

/* An http_handler_fn whose ctx is a struct control. */
void control_on_request(void *ctx, struct http_exchange *x);

/* For `extra`: an answer (takes `json`), and a refusal. */
void control_ok(struct response *response, json_t *json);
void control_refuse(struct response *response, int status, const char *sentence);

#endif
