/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what a transfer that failed says of the way it went, for the steps of a diagnosis.
 * Owns: nothing; texts live in the arena or are literals. Threads: any. Errors: none. Start
 * reading at: core/diagnosis.c.
 */
#ifndef SLUICE_CORE_DIAGNOSIS_PRIVATE_H
#define SLUICE_CORE_DIAGNOSIS_PRIVATE_H

#include "core/diagnosis.h"

/* The step it failed in; STEP_READ: it got past all of the way. */
enum diagnosis_place diagnosis_place_of(const struct http_trace *trace);
/* What became of it, with the host's name; and the way out. */
struct slice diagnosis_reason(const struct http_trace *trace, struct arena *arena);
struct slice diagnosis_remedy(const struct http_trace *trace);

#endif
