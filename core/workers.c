/* SPDX-License-Identifier: Apache-2.0 */
#include "core/workers.h"

#include <stdlib.h>

#include "auth/principal.h"
#include "base/map.h"
#include "base/text.h"
#include "core/agreed.h"
#include "core/changes.h"
#include "core/gather.h"
#include "core/ready.h"
#include "core/server.h"
#include "io/http_relay.h"

#define HOMES_KEPT 100000 /* some 80 bytes each */
#define FIRST 0

struct worker *worker_new(const struct workers *workers, int number)
{
    struct worker *worker = calloc(1, sizeof *worker);
    REQUIRE(worker != NULL);
    worker->workers = workers;
    worker->number = number;
    worker->homes = map_new();
    return worker;
}

void worker_free(struct worker *worker)
{
    if (worker != NULL) {
        map_free(worker->homes);
        free(worker);
    }
}

/* ---- Where a request belongs ---- */

static struct gateway *own(const struct worker *worker)
{
    return worker->workers->each[worker->number].gateway;
}

/* A lane is an account's for good, and its home the lane's: what was learned once holds. */
static int home_of_account(struct worker *worker, struct slice id, int otherwise,
                           struct arena *arena)
{
    struct store *store = own(worker)->parts.store;
    intptr_t known = (intptr_t)map_get(worker->homes, id);
    struct store_account account;
    if (known > 0) {
        return (int)known - 1;
    }
    if (store_get_account(store, id, arena, &account) != ERR_OK) {
        return otherwise; /* which says what is the matter */
    }
    if (map_count(worker->homes) >= HOMES_KEPT) {
        map_free(worker->homes);
        worker->homes = map_new();
    }
    int home = homes_of_account(worker->workers->homes, store, &account);
    map_put(worker->homes, id, (void *)(intptr_t)(home + 1));
    return home;
}

static int home_of_url(struct worker *worker, struct slice token, struct arena *arena)
{
    struct gateway *gateway = own(worker);
    struct store_server server;
    enum err err = principal_by_url(gateway->parts.keys, gateway->parts.store, token,
                                    gateway_wall_ms(gateway), arena, &server);
    return err == ERR_OK
               ? home_of_account(worker, server.account, worker->number, arena)
               : worker->number;
}

static struct slice first_segment(struct slice path)
{
    ptrdiff_t slash = slice_find(path, '/');
    return slash < 0 ? path : slice_of(path.ptr, (size_t)slash);
}

static int home_of_lane(struct worker *worker, struct slice text, struct arena *arena)
{
    struct slice lane = text, prefix = slice_str(GOVERNOR_PRIVATE_LANE);
    if (!text_unpercent(arena, text, &lane)) {
        return FIRST;
    }
    if (slice_starts(lane, prefix)) {
        /* One that is not stored yet is tried by the first. */
        return home_of_account(worker, slice_from(lane, prefix.len), FIRST, arena);
    }
    int home = homes_of_lane(worker->workers->homes, lane);
    if (home < 0) {
        changes_look(own(worker)->changes); /* of an account that was just added? */
        home = homes_of_lane(worker->workers->homes, lane);
    }
    return home >= 0 ? home : FIRST;
}

static int home_of(struct worker *worker, struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct arena *arena = http_exchange_arena(exchange);
    struct slice path = request->path, mcp = SLICE("/mcp/"),
                 accounts = SLICE("/integrated-account/"), lanes = SLICE("/lanes/");
    if (slice_is(request->method, "OPTIONS") || slice_is(path, "/healthz") ||
        slice_is(path, "/readyz")) {
        return worker->number;
    }
    if (slice_starts(path, mcp)) {
        struct slice token = slice_from(path, mcp.len);
        return slice_find(token, '/') < 0 ? home_of_url(worker, token, arena)
                                          : worker->number;
    }
    if (slice_starts(path, accounts)) {
        return home_of_account(worker, first_segment(slice_from(path, accounts.len)),
                               worker->number, arena);
    }
    if (slice_starts(path, lanes)) {
        return home_of_lane(worker, first_segment(slice_from(path, lanes.len)), arena);
    }
    return FIRST;
}

/* A tenant's ceiling may span workers, and a new URL may be one of an account that divides it. */
static bool concerns_all(const struct http_request *request)
{
    struct slice path = request->path, mint = SLICE("/mcp");
    bool is_mint = slice_is(request->method, "POST") && path.len > mint.len &&
                   slice_starts(path, SLICE("/integrated-account/")) &&
                   slice_eq(slice_from(path, path.len - mint.len), mint);
    return is_mint || (slice_is(request->method, "PATCH") &&
                       slice_starts(path, SLICE("/tenant/")));
}

void worker_handle(void *ctx, struct http_exchange *exchange)
{
    struct worker *worker = ctx;
    const struct workers *workers = worker->workers;
    const struct http_request *request = http_exchange_request(exchange);
    bool is_get = slice_is(request->method, "GET");
    if (is_get && slice_is(request->path, "/metrics")) {
        gather(worker, exchange, gather_metrics);
        return;
    }
    if (is_get && slice_is(request->path, "/lanes")) {
        gather(worker, exchange, gather_lanes);
        return;
    }
    if (is_get && slice_is(request->path, "/lanes/events")) {
        gather_events(worker, exchange);
        return;
    }
    if ((is_get || slice_is(request->method, "HEAD")) &&
        slice_is(request->path, "/readyz")) {
        ready_ask(worker, exchange);
        return;
    }
    int home = home_of(worker, exchange);
    if (concerns_all(request)) {
        agreed(worker, exchange, home);
        return;
    }
    if (home == worker->number) {
        server_handle(own(worker), exchange);
        return;
    }
    http_relay(exchange, workers->each[worker->number].loop, workers->each[home].loop,
               server_handle, workers->each[home].gateway);
}
