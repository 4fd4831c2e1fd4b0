/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a curl multi handle driven by the loop: its sockets, its one timer.
 * Owns: the multi handle, the watchers and the connections kept open for reuse.
 * Threads: the loop's.
 * Errors: none of its own; a transfer's result comes through on_done.
 * Start reading at: transfer_pump_add. An idle connection does not keep the loop alive.
 */
#ifndef SLUICE_IO_CURL_MULTI_H
#define SLUICE_IO_CURL_MULTI_H

#include <curl/curl.h>

#include "io/loop.h"

struct transfer_pump;

struct transfer_pump_events {
    /* Collects only. It is called outside curl's callbacks and has to remove `easy`. */
    void (*on_done)(void *ctx, CURL *easy, CURLcode result);
    /* After all that is done was reported; may add and remove transfers. */
    void (*on_drained)(void *ctx);
    void *ctx; /* kept */
};

struct transfer_pump *transfer_pump_new(struct loop *loop, long max_connections,
                                        const struct transfer_pump_events *events);
/* All transfers have been removed. Closes the connections. Accepts NULL. */
void transfer_pump_free(struct transfer_pump *pump);

/* Starts at the next turn. Sets nothing but the close function of `easy`. */
void transfer_pump_add(struct transfer_pump *pump, CURL *easy);
void transfer_pump_remove(struct transfer_pump *pump, CURL *easy);

#endif
