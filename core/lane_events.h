/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: GET /lanes/events: how the lanes of one worker stand and what changes in them, as
 *          server-sent events (WHATWG HTML, section 9.2) for whoever may read GET /lanes.
 * Owns: the streams and the one timer they share; there is none while nobody reads.
 * Threads: the loop's; core/gather.h makes one stream of those of several workers.
 * Errors: a stream that ends before its reader leaves says why ("end").
 * Start reading at: on_tick. What is sent and when: docs/api.md.
 */
#ifndef SLUICE_CORE_LANE_EVENTS_H
#define SLUICE_CORE_LANE_EVENTS_H

#include "core/gateway.h"

struct lane_events;

struct lane_events *lane_events_new(struct gateway *gateway);
/* Every stream has ended. Accepts NULL. */
void lane_events_free(struct lane_events *events);

#endif
