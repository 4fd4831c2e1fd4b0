/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ready.h"

#include <stdlib.h>

#include "base/jval.h"
#include "base/jwriter.h"
#include "core/server.h"
#include "io/http_relay.h"

#define BODY_BYTES 4096
#define ALL_BYTES ((size_t)1024 * 1024)
#define SILENT SLICE("{\"ready\":false,\"cause\":\"silent\"}")

struct asking {
    struct http_exchange *exchange; /* NULL: answered */
    struct loop_timer *timer;       /* NULL: likewise */
    int count, missing;
    struct said {
        struct asking *of;
        int status;
        struct buf body;
    } said[WORKERS_MOST];
};

/* ---- One answer out of many ---- */

static struct slice body_of(const struct ready_part *part)
{
    return part->status == 0 ? SILENT : part->body;
}

static bool is_alike(const struct ready_part *parts, int count)
{
    for (int i = 1; i < count; i++) {
        if (parts[i].status != parts[0].status ||
            !slice_eq(body_of(&parts[i]), body_of(&parts[0]))) {
            return false;
        }
    }
    return true;
}

/* The members of a worker's own answer. */
static void write_part(struct jwriter *writer, const struct ready_part *part,
                       struct arena *arena)
{
    struct jval *json = NULL;
    if (jval_parse(arena, body_of(part), &json, NULL) != ERR_OK ||
        !jval_is(json, JVAL_OBJECT)) {
        return;
    }
    for (size_t i = 0; i < json->count; i++) {
        jwriter_key(writer, json->members[i].name);
        jwriter_value(writer, &json->members[i].value);
    }
}

static void write_parts(const struct ready_part *parts, int count, bool is_ready,
                        struct buf *out)
{
    struct arena *arena = arena_new();
    struct jwriter writer;
    jwriter_init(&writer, out);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("ready"));
    jwriter_bool(&writer, is_ready);
    jwriter_key(&writer, SLICE("workers"));
    jwriter_array(&writer);
    for (int i = 0; i < count; i++) {
        jwriter_object(&writer);
        jwriter_member_int(&writer, "worker", i);
        write_part(&writer, &parts[i], arena);
        jwriter_object_end(&writer);
    }
    jwriter_array_end(&writer);
    jwriter_object_end(&writer);
    arena_free(arena);
}

int ready_answer(const struct ready_part *parts, int count, struct buf *out)
{
    bool is_ready = true;
    for (int i = 0; i < count; i++) {
        is_ready = is_ready && parts[i].status == 200;
    }
    if (is_alike(parts, count)) {
        buf_append(out, body_of(&parts[0]));
    } else {
        write_parts(parts, count, is_ready, out);
    }
    return is_ready ? 200 : 503;
}

/* ---- Asking ---- */

static void answer(struct asking *asking)
{
    const struct http_field fields[] = {
        {SLICE("Content-Type"), SLICE("application/json")},
        {SLICE("Cache-Control"), SLICE("no-store")}};
    struct ready_part parts[WORKERS_MOST] = {{.status = 0}};
    struct http_response response = {.fields = fields,
                                     .field_count = sizeof fields / sizeof fields[0]};
    struct buf body;
    buf_init(&body, ALL_BYTES);
    for (int i = 0; i < asking->count; i++) {
        parts[i] = (struct ready_part){asking->said[i].status,
                                       buf_slice(&asking->said[i].body)};
    }
    response.status = ready_answer(parts, asking->count, &body);
    response.body = buf_slice(&body);
    loop_timer_stop(asking->timer);
    asking->timer = NULL;
    http_respond(asking->exchange, &response);
    asking->exchange = NULL;
    buf_free(&body);
}

static void on_said(void *ctx, const struct http_response *response)
{
    struct said *said = ctx;
    struct asking *asking = said->of;
    said->status = response->status;
    buf_append(&said->body, response->body);
    asking->missing--;
    if (asking->missing > 0) {
        return;
    }
    if (asking->exchange != NULL) {
        answer(asking);
    }
    for (int i = 0; i < asking->count; i++) {
        buf_free(&asking->said[i].body);
    }
    free(asking);
}

static void on_time(void *ctx)
{
    struct asking *asking = ctx;
    asking->timer = NULL;
    answer(asking);
}

void ready_ask(const struct worker *worker, struct http_exchange *exchange)
{
    const struct workers *workers = worker->workers;
    struct asking *asking = calloc(1, sizeof *asking);
    REQUIRE(asking != NULL);
    asking->exchange = exchange;
    asking->count = asking->missing = workers->count;
    struct loop *loop = workers->each[worker->number].loop;
    asking->timer = loop_timer_start(loop, READY_MS, on_time, asking);
    for (int i = 0; i < workers->count; i++) {
        asking->said[i].of = asking;
        buf_init(&asking->said[i].body, BODY_BYTES);
        http_relay_copy(http_exchange_request(exchange), loop, workers->each[i].loop,
                        server_handle, workers->each[i].gateway, on_said,
                        &asking->said[i]);
    }
}
