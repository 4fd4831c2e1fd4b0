/* SPDX-License-Identifier: Apache-2.0 */
#include "core/agreed.h"

#include <stdlib.h>

#include "core/changes.h"
#include "core/server.h"
#include "io/http_relay.h"

struct agreement {
    const struct worker *worker;
    struct http_exchange *exchange;
    struct http_relay *relay; /* NULL: the home has answered */
    struct arena *arena;      /* the answer */
    struct http_response answer;
    int missing; /* workers that have yet to look */
    struct look {
        struct agreement *of;
        int worker;
    } looks[WORKERS_MOST];
};

static struct loop *loop_of(const struct agreement *agreement)
{
    const struct worker *worker = agreement->worker;
    return worker->workers->each[worker->number].loop;
}

static void on_looked(void *ctx)
{
    struct agreement *agreement = ctx;
    loop_release(loop_of(agreement));
    agreement->missing--;
    if (agreement->missing == 0) {
        http_respond(agreement->exchange, &agreement->answer);
        arena_free(agreement->arena);
        free(agreement);
    }
}

/* On another worker's loop. */
static void on_look(void *ctx)
{
    const struct look *look = ctx;
    const struct workers *workers = look->of->worker->workers;
    changes_look(workers->each[look->worker].gateway->changes);
    loop_post(loop_of(look->of), on_looked, look->of);
}

static void keep(struct agreement *agreement, const struct http_response *answer)
{
    struct arena *arena = agreement->arena = arena_new();
    struct http_field *fields =
        arena_array(arena, answer->field_count + 1, sizeof *fields);
    for (size_t i = 0; i < answer->field_count; i++) {
        fields[i].name = arena_slice(arena, answer->fields[i].name);
        fields[i].value = arena_slice(arena, answer->fields[i].value);
    }
    agreement->answer = (struct http_response){
        answer->status, fields, answer->field_count, arena_slice(arena, answer->body)};
}

static void on_answer(void *ctx, const struct http_response *answer)
{
    struct agreement *agreement = ctx;
    const struct workers *workers = agreement->worker->workers;
    agreement->relay = NULL;
    keep(agreement, answer);
    agreement->missing = workers->count;
    for (int i = 0; i < workers->count; i++) {
        agreement->looks[i] = (struct look){agreement, i};
        loop_hold(loop_of(agreement));
        loop_post(workers->each[i].loop, on_look, &agreement->looks[i]);
    }
}

static void on_gone(void *ctx)
{
    struct agreement *agreement = ctx;
    if (agreement->relay != NULL) {
        http_relay_leave(agreement->relay);
    }
}

void agreed(const struct worker *worker, struct http_exchange *exchange, int home)
{
    const struct workers *workers = worker->workers;
    struct agreement *agreement = calloc(1, sizeof *agreement);
    REQUIRE(agreement != NULL);
    agreement->worker = worker;
    agreement->exchange = exchange;
    const struct http_relay_reader reader = {.on_answer = on_answer, .ctx = agreement};
    http_exchange_on_gone(exchange, on_gone, agreement);
    agreement->relay = http_relay_read(
        http_exchange_request(exchange), loop_of(agreement), workers->each[home].loop,
        server_handle, workers->each[home].gateway, &reader);
}
