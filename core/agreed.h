/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: an answer that is given when all workers have taken over what it says is so: a ceiling
 * that spans them holds in all before its setter hears so, and a URL's account is known to all
 * before anybody can call it.
 * Owns: the answer until then. Threads: the asking worker's; the others look on their own loops.
 * Errors: whatever the home answers is the answer.
 * Start reading at: agreed.
 */
#ifndef SLUICE_CORE_AGREED_H
#define SLUICE_CORE_AGREED_H

#include "core/workers.h"

/* The worker `home` answers the request; ends the exchange. */
void agreed(const struct worker *worker, struct http_exchange *exchange, int home);

#endif
