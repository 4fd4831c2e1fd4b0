/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what operators have set of lanes, from the store to the governor: the one way there, for
 * changes of this process, of others, and of time. Slots are kept for MCP servers that can call:
 * one that is deleted or has expired has none.
 * Owns: a timer, while slots are kept for a server that will expire.
 * Threads: the loop's. Errors: ERR_IO; what the governor has stays then.
 * Start reading at: lane_settings_look.
 */
#ifndef SLUICE_CORE_LANE_SETTINGS_H
#define SLUICE_CORE_LANE_SETTINGS_H

#include "core/gateway.h"
#include "core/lane_reserve.h"

struct lane_settings;

struct lane_settings *lane_settings_new(struct gateway *gateway);
void lane_settings_free(struct lane_settings *settings); /* accepts NULL */

struct lane_setting {
    struct store_lane stored;    /* as it is in the store; nothing set: id alone */
    struct lane_reserve reserve; /* of it, what is for a class or for who can call */
};

/* In `arena`; `id` is borrowed. */
MUST_USE enum err lane_settings_get(struct lane_settings *settings, struct slice id,
                                    struct arena *arena, struct lane_setting *out);

/* An MCP server of an account on that lane, which has not expired. */
bool lane_settings_serves(struct lane_settings *settings, struct slice lane,
                          struct slice server);

/* Tells the governor how the lane is set now; of all lanes. The caller settles the turnstile. */
MUST_USE enum err lane_settings_look(struct lane_settings *settings, struct slice id);
MUST_USE enum err lane_settings_look_at_all(struct lane_settings *settings);
/* The same, and settles: somebody the lane keeps slots for has changed. What cannot be read stays
 * as it is; the store logs it. */
void lane_settings_changed(struct lane_settings *settings, struct slice id);

#endif
