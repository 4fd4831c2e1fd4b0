/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request at the ERP port. Invariants:
 * 1. A request that passed login and limit is in flight until its latency has elapsed,
 * whether or not its client is still there: the timer belongs to the work, not to the
 * connection.
 * 2. in_flight is lowered before the bytes leave (of a dripped answer: before the last
 * ones), so a client that sends its next request on the answer is never refused for its
 * own last one.
 * 3. Refused requests never count as in flight.
 *
 *   fault               work done   what the client gets
 *   status, html        no          that answer
 *   expire_tokens       no          the ERP's 401
 *   reset               no          TCP reset
 *   malformed           yes         200 and a body that is no JSON
 *   truncate            yes         the right head, half the body, end of connection
 *   slow_drip           yes         the right answer in pieces over delay_ms
 *   after_commit_drop   yes         end of connection without a byte
 *
 * They befall what stands aside (a token host, a page) like everything else.
 */
#include "mocks/common/engine.h"

#include <stdlib.h>

#define DRIP_PIECES 20U
#define DRIP_DEFAULT_MS 2000
#define OUT_CEILING ((size_t)80 * 1024 * 1024)

struct work {
    struct list node;
    struct list place; /* in engine->waiting */
    struct engine *engine;
    struct http_exchange *exchange;
    enum aside aside;
    struct gate_lane
        *lane; /* of a token request its endpoint; NULL: a page, or refused */
    struct response response;
    struct fault *fault; /* NULL: none; lives in the exchange's arena */
    uint64_t number;     /* in the history */
    uv_timer_t timer;
    bool timed; /* the timer is initialised */
    size_t dripped;
};

static const char maintenance_page[] =
    "<!DOCTYPE html>\n<html><head><title>Scheduled Maintenance</title></head>\n"
    "<body><h1>We are currently performing maintenance.</h1>\n"
    "<p>Please try again later.</p></body></html>\n";

static const char malformed_body[] =
    "{\"links\":[],\"count\":1,\"items\":[{\"id\":\"1\",";

void engine_init(struct engine *engine, uv_loop_t *loop, const struct clock *clock,
                 struct erp erp, int concurrency, uint64_t seed)
{
    engine->loop = loop;
    engine->erp = erp;
    gate_init(&engine->gate, clock, concurrency, seed);
    fault_list_init(&engine->faults);
    engine->history = history_new();
    list_init(&engine->works);
    list_init(&engine->waiting);
}

static void work_free(struct work *work)
{
    response_free(&work->response);
    free(work);
}

static void on_timer_closed(uv_handle_t *handle)
{
    work_free(handle->data);
}

static void work_done(struct work *work)
{
    list_remove(&work->node);
    if (work->timed) {
        uv_close((uv_handle_t *)&work->timer, on_timer_closed);
    } else {
        work_free(work);
    }
}

static void admit_waiting(struct engine *engine);

/* The place is free; who waits for one gets it before anything else arrives. */
static void work_leave(struct work *work)
{
    if (work->aside == ASIDE_TOKEN) {
        gate_token_leave(&work->engine->gate, work->lane);
    }
    if (work->aside != ASIDE_NOT) {
        return;
    }
    gate_leave(&work->engine->gate, work->lane);
    admit_waiting(work->engine);
}

static bool is_fault(const struct work *work, enum fault_kind kind)
{
    return work->fault != NULL && work->fault->kind == kind;
}

/* ---- the answer ---- */

static void apply_fields(struct response *response, const struct fault *fault)
{
    for (size_t i = 0; i < fault->field_count; i++) {
        response_replace_field(response, fault->fields[i].name, fault->fields[i].value);
    }
}

static void fault_page(struct work *work, int status, const char *type,
                       struct slice body)
{
    const struct fault *fault = work->fault;
    response_plain(&work->response, fault->status != 0 ? fault->status : status, type,
                   fault->has_body ? fault->body : body);
}

static void fault_status(struct work *work)
{
    const struct fault *fault = work->fault;
    const struct erp *erp = &work->engine->erp;
    int status = fault->status != 0 ? fault->status : 500;
    if (fault->has_body) {
        response_plain(&work->response, status, "application/json", fault->body);
    } else {
        erp->fail(erp->ctx, work->exchange, status, &work->response);
    }
}

static void handle(struct work *work)
{
    const struct erp *erp = &work->engine->erp;
    if (work->aside == ASIDE_NOT) {
        erp->handle(erp->ctx, work->exchange, &work->response);
    } else {
        erp->aside(erp->ctx, work->exchange, &work->response);
    }
    if (work->fault != NULL && work->fault->has_body) {
        buf_free(&work->response.body);
        buf_append(&work->response.body, work->fault->body);
    }
}

/* Fills work->response: what the ERP would say, or what the fault makes of it. */
static void work_compute(struct work *work)
{
    const struct erp *erp = &work->engine->erp;
    if (is_fault(work, FAULT_STATUS)) {
        fault_status(work);
    } else if (is_fault(work, FAULT_HTML)) {
        fault_page(work, 503, "text/html; charset=utf-8", slice_str(maintenance_page));
    } else if (is_fault(work, FAULT_EXPIRE_TOKENS)) {
        work->engine->gate.count.refused_auth++;
        if (work->lane != NULL) {
            work->lane->count.refused_auth++;
        }
        erp->reject(erp->ctx, work->exchange, &work->response);
    } else if (is_fault(work, FAULT_MALFORMED)) {
        handle(work);
        fault_page(work, 200, "application/json", slice_str(malformed_body));
    } else if (!is_fault(work, FAULT_RESET)) {
        handle(work);
    }
    if (work->fault != NULL) {
        apply_fields(&work->response, work->fault);
    }
}

/* ---- its way out ---- */

static void write_head_and(struct work *work, size_t body_bytes)
{
    struct buf out;
    buf_init(&out, OUT_CEILING);
    work->response.close = true;
    response_render_head(&work->response, &out);
    buf_append(&out, slice_of(work->response.body.ptr, body_bytes));
    exchange_write(work->exchange, buf_slice(&out));
    buf_free(&out);
}

static void on_drip(uv_timer_t *timer)
{
    struct work *work = timer->data;
    struct slice body = buf_slice(&work->response.body);
    size_t piece = body.len / DRIP_PIECES + 1;
    struct slice rest = slice_from(body, work->dripped);
    if (rest.len > piece) {
        exchange_write(work->exchange, slice_of(rest.ptr, piece));
        work->dripped += piece;
        return;
    }
    work_leave(work);
    exchange_write(work->exchange, rest);
    exchange_end(work->exchange, HTTP_CLOSE);
    work_done(work);
}

static void start_timer(struct work *work, uv_timer_cb then, uint64_t ms,
                        uint64_t every)
{
    if (!work->timed) {
        REQUIRE(uv_timer_init(work->engine->loop, &work->timer) == 0);
        work->timer.data = work;
        work->timed = true;
    }
    uv_update_time(work->engine->loop);
    REQUIRE(uv_timer_start(&work->timer, then, ms, every) == 0);
}

static void start_drip(struct work *work)
{
    int total_ms = work->fault->delay_ms > 0 ? work->fault->delay_ms : DRIP_DEFAULT_MS;
    uint64_t every = (uint64_t)total_ms / DRIP_PIECES + 1;
    write_head_and(work, 0);
    start_timer(work, on_drip, every, every);
}

static void work_send(struct work *work)
{
    struct engine *engine = work->engine;
    if (is_fault(work, FAULT_SLOW_DRIP)) {
        history_status(engine->history, work->number, work->response.status);
        start_drip(work);
        return;
    }
    work_leave(work);
    if (is_fault(work, FAULT_RESET)) {
        exchange_end(work->exchange, HTTP_RESET);
    } else if (is_fault(work, FAULT_AFTER_COMMIT_DROP)) {
        exchange_end(work->exchange, HTTP_CLOSE);
    } else if (is_fault(work, FAULT_TRUNCATE)) {
        write_head_and(work, work->response.body.len / 2);
        exchange_end(work->exchange, HTTP_CLOSE);
    } else {
        history_status(engine->history, work->number, work->response.status);
        exchange_respond(work->exchange, &work->response);
    }
    work_done(work);
}

static void on_latency(uv_timer_t *timer)
{
    work_send(timer->data);
}

static void work_refused(struct work *work)
{
    history_status(work->engine->history, work->number, work->response.status);
    exchange_respond(work->exchange, &work->response);
    work_done(work);
}

static struct work *work_new(struct engine *engine, struct http_exchange *x)
{
    struct work *work = calloc(1, sizeof *work);
    REQUIRE(work != NULL);
    work->engine = engine;
    work->exchange = x;
    work->number = history_add(engine->history, exchange_request(x));
    response_init(&work->response);
    list_init(&work->node);
    list_init(&work->place);
    list_push(&engine->works, &work->node);
    return work;
}

/* The work has a place: its latency begins. */
static void work_begin(struct work *work)
{
    struct engine *engine = work->engine;
    uint64_t wait_ms = work->aside == ASIDE_NOT ? gate_latency_ms(&engine->gate) : 0;
    const struct http_request *request = exchange_request(work->exchange);
    work->fault = fault_take(&engine->faults, request->method, request->path,
                             exchange_arena(work->exchange));
    if (work->aside == ASIDE_TOKEN) {
        wait_ms = (uint64_t)engine->gate.token_latency_ms;
    }
    if (work->fault != NULL && work->fault->kind != FAULT_SLOW_DRIP) {
        wait_ms += (uint64_t)work->fault->delay_ms;
    }
    if (wait_ms == 0) {
        work_compute(work);
        work_send(work);
        return;
    }
    start_timer(work, on_latency, wait_ms,
                0); /* first: computing is part of the time */
    work_compute(work);
}

static void admit_waiting(struct engine *engine)
{
    while (!list_empty(&engine->waiting)) {
        struct work *work = LIST_ENTRY(engine->waiting.next, struct work, place);
        if (!gate_has_room(work->lane) || !gate_enter(&engine->gate, work->lane)) {
            return;
        }
        list_remove(&work->place);
        work_begin(work);
    }
}

static void work_busy(struct work *work)
{
    const struct erp *erp = &work->engine->erp;
    erp->busy(erp->ctx, work->exchange, &work->response);
    work_refused(work);
}

static void on_waited_in_vain(uv_timer_t *timer)
{
    struct work *work = timer->data;
    list_remove(&work->place);
    (void)gate_enter(&work->engine->gate, work->lane); /* full: counted as refused */
    work_busy(work);
}

static bool begin_aside(struct work *work)
{
    struct engine *engine = work->engine;
    if (engine->erp.aside_kind == NULL) {
        return false;
    }
    work->aside = engine->erp.aside_kind(engine->erp.ctx, work->exchange);
    if (work->aside == ASIDE_NOT) {
        return false;
    }
    if (work->aside == ASIDE_TOKEN) {
        work->lane =
            gate_token_enter(&engine->gate, exchange_request(work->exchange)->path);
    }
    work_begin(work);
    return true;
}

void engine_on_request(void *ctx, struct http_exchange *x)
{
    struct engine *engine = ctx;
    const struct erp *erp = &engine->erp;
    struct work *work = work_new(engine, x);
    if (begin_aside(work)) {
        return;
    }
    gate_request(&engine->gate);
    work->lane = erp->login(erp->ctx, x, &work->response);
    if (work->lane == NULL) {
        engine->gate.count.refused_auth++;
        work_refused(work);
        return;
    }
    bool waits = erp->queue_ms > 0 && !gate_has_room(work->lane);
    if (waits) {
        list_push(&engine->waiting, &work->place);
        start_timer(work, on_waited_in_vain, (uint64_t)erp->queue_ms, 0);
        return;
    }
    if (!gate_enter(&engine->gate, work->lane)) {
        work_busy(work);
        return;
    }
    work_begin(work);
}

void engine_release(struct engine *engine)
{
    LIST_FOREACH_SAFE (node, after, &engine->works) {
        struct work *work = LIST_ENTRY(node, struct work, node);
        bool rests = work->timed && uv_is_active((uv_handle_t *)&work->timer) &&
                     list_empty(&work->place) && !is_fault(work, FAULT_SLOW_DRIP);
        if (rests) {
            start_timer(work, on_latency, 0, 0);
        }
    }
}

void engine_stop(struct engine *engine)
{
    LIST_FOREACH_SAFE (node, after, &engine->works) {
        struct work *work = LIST_ENTRY(node, struct work, node);
        if (work->aside == ASIDE_TOKEN) {
            gate_token_leave(&engine->gate, work->lane);
        } else if (work->aside == ASIDE_NOT && list_empty(&work->place)) {
            gate_leave(&engine->gate, work->lane);
        }
        list_remove(&work->place);
        exchange_end(work->exchange, HTTP_RESET);
        work_done(work);
    }
}

void engine_free(struct engine *engine)
{
    fault_list_clear(&engine->faults);
    history_free(engine->history);
    gate_free(&engine->gate);
}
