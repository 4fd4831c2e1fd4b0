/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: "sluice lane watch [ID]": a line for each change of a lane, as GET /lanes/events tells
 * it (docs/api.md). Owns: the loop it runs on. Threads: the main thread.
 * Errors: exit code 0 after SIGINT or SIGTERM, or when nobody reads what it prints; 1 when the
 * server refused, or did not answer the first time. Once it has answered, it is asked again.
 * Start reading at: lane_watch_run.
 */
#ifndef SLUICE_CLI_LANE_WATCH_H
#define SLUICE_CLI_LANE_WATCH_H

#include "cli/remote.h"

/* `lane`: its id, encoded for a query; empty: all lanes. */
int lane_watch_run(struct errand *errand, struct slice lane);

#endif
