/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: host names to addresses that the net policy allows, remembered for a minute.
 * Owns: its cache (bounded) and the look-ups under way; one look-up per name at a time.
 * Threads: the loop's; the system's resolver runs in the pool and gets copies.
 * Errors: ERR_UPSTREAM_UNAVAILABLE when there is no address, ERR_POLICY_DENIED when the
 *         policy allows none of them. Failures are not remembered.
 * Start reading at: resolver_cached, then resolver_start.
 */
#ifndef SLUICE_IO_RESOLVE_H
#define SLUICE_IO_RESOLVE_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/slice.h"
#include "io/loop.h"
#include "io/net_policy.h"

#define RESOLVE_TTL_MS 60000
#define RESOLVE_CACHE_NAMES 1024
#define RESOLVE_ADDRESSES 8 /* of one name; the rest is left out */

struct resolver;
struct resolve_wait;

/* Never runs inside resolver_start. `addresses` ("192.0.2.1,[2001:db8::1]") is lent
 * during the call; empty unless err is ERR_OK. */
typedef void (*resolve_fn)(void *ctx, enum err err, struct slice addresses);

/* Keeps `policy` and what `clock` points to. */
struct resolver *resolver_new(struct loop *loop, const struct net_policy *policy,
                              struct clock clock);
/* Nobody may be waiting any more. Accepts NULL. */
void resolver_free(struct resolver *resolver);

/* Lends `addresses` until the next call to the resolver. */
bool resolver_cached(struct resolver *resolver, struct slice host,
                     struct slice *addresses);

/* Copies `host`, keeps `ctx`. Lends the wait until fn was called or it was cancelled.
 */
struct resolve_wait *resolver_start(struct resolver *resolver, struct slice host,
                                    resolve_fn fn, void *ctx);
/* fn will not be called; the look-up itself runs on and fills the cache. Accepts NULL.
 */
void resolve_cancel(struct resolve_wait *wait);

#endif
