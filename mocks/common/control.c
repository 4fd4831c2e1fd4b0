/* SPDX-License-Identifier: Apache-2.0 */
/* The control port. */
#include "mocks/common/control.h"

#include <stdlib.h>

#include "mocks/common/json_in.h"

#define MAX_CONCURRENCY 1000000
#define MAX_LATENCY_MS 3600000
#define LAST_CEILING ((size_t)96 * 1024 * 1024)

struct call {
    struct control *control;
    const struct http_request *request;
    const json_t *body;
    struct response *response;
};

struct route {
    const char *method;
    const char *path;
    void (*run)(struct call *call);
};

void control_ok(struct response *response, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    REQUIRE(text != NULL);
    response_plain(response, 200, "application/json", slice_str(text));
    free(text);
    json_decref(json);
}

void control_refuse(struct response *response, int status, const char *sentence)
{
    control_ok(response, json_pack("{s:s}", "error", sentence));
    response->status = status;
}

static void done(struct call *call)
{
    control_ok(call->response, json_pack("{s:b}", "ok", 1));
}

static json_t *paths_json(const struct history *history)
{
    struct buf text;
    buf_init(&text, LAST_CEILING);
    history_write_paths(history, &text);
    json_t *paths = json_loadb(text.ptr, text.len, 0, NULL);
    buf_free(&text);
    return paths != NULL ? paths : json_object();
}

static void run_stats(struct call *call)
{
    struct control *control = call->control;
    json_t *stats = gate_stats(&control->engine->gate);
    json_object_set_new(stats, "requests_by_path",
                        paths_json(control->engine->history));
    if (control->stats != NULL) {
        control->stats(control->ctx, stats);
    }
    control_ok(call->response, stats);
}

static void run_reset(struct call *call)
{
    gate_reset(&call->control->engine->gate);
    history_clear(call->control->engine->history);
    call->control->reset(call->control->ctx);
    done(call);
}

/* False: the answer is written. */
static bool need_int(struct call *call, const char *name, int low, int high, int *out)
{
    const json_t *member = json_object_get(call->body, name);
    if (member == NULL) {
        return true;
    }
    if (json_is_integer(member) && json_integer_value(member) >= low &&
        json_integer_value(member) <= high) {
        *out = (int)json_integer_value(member);
        return true;
    }
    char sentence[120];
    snprintf(sentence, sizeof sentence, "%s must be a whole number from %d to %d", name,
             low, high);
    control_refuse(call->response, 400, sentence);
    return false;
}

static void run_limits(struct call *call)
{
    int concurrency = -1;
    if (!need_int(call, "concurrency", 0, MAX_CONCURRENCY, &concurrency)) {
        return;
    }
    struct slice account = json_in_text(call->body, "account_id");
    if (concurrency < 0) {
        control_refuse(call->response, 400, "give {\"concurrency\":n}");
    } else if (!gate_set_concurrency(&call->control->engine->gate, account,
                                     concurrency)) {
        control_refuse(call->response, 404, "no such account_id");
    } else {
        done(call);
    }
}

static void run_latency(struct call *call)
{
    struct gate *gate = &call->control->engine->gate;
    int ms = gate->latency_ms;
    int jitter_ms = gate->jitter_ms;
    int token_ms = gate->token_latency_ms;
    if (!need_int(call, "ms", 0, MAX_LATENCY_MS, &ms) ||
        !need_int(call, "jitter_ms", 0, MAX_LATENCY_MS, &jitter_ms) ||
        !need_int(call, "token_ms", 0, MAX_LATENCY_MS, &token_ms)) {
        return;
    }
    gate->latency_ms = ms;
    gate->jitter_ms = jitter_ms;
    gate->token_latency_ms = token_ms;
    done(call);
}

static void run_release(struct call *call)
{
    engine_release(call->control->engine);
    done(call);
}

static void run_fault(struct call *call)
{
    const char *why = NULL;
    if (!fault_order(&call->control->engine->faults, call->body, &why)) {
        control_refuse(call->response, 400, why);
        return;
    }
    done(call);
}

static void run_clear_faults(struct call *call)
{
    fault_list_clear(&call->control->engine->faults);
    done(call);
}

static void run_last(struct call *call)
{
    unsigned long long count = 100;
    struct slice query = call->request->query;
    if (slice_starts(query, SLICE("n=")) &&
        !slice_to_u64(slice_from(query, 2), &count)) {
        control_refuse(call->response, 400, "n must be a whole number");
        return;
    }
    response_plain(call->response, 200, "application/json", SLICE_EMPTY);
    history_write(call->control->engine->history, (size_t)count, &call->response->body);
}

static const struct route routes[] = {
    {"GET", "/stats", run_stats},   {"POST", "/reset", run_reset},
    {"PUT", "/limits", run_limits}, {"PUT", "/latency", run_latency},
    {"POST", "/faults", run_fault}, {"DELETE", "/faults", run_clear_faults},
    {"GET", "/last", run_last},     {"POST", "/release", run_release},
};

static void dispatch(struct call *call)
{
    const struct http_request *request = call->request;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (slice_is(request->method, routes[i].method) &&
            slice_is(request->path, routes[i].path)) {
            routes[i].run(call);
            return;
        }
    }
    struct control *control = call->control;
    if (control->extra == NULL ||
        !control->extra(control->ctx, request->method, request->path, call->body,
                        call->response)) {
        control_refuse(call->response, 404, "no such call on the control port");
    }
}

void control_on_request(void *ctx, struct http_exchange *x)
{
    struct response response;
    response_init(&response);
    struct call call = {
        .control = ctx, .request = exchange_request(x), .response = &response};
    struct slice why = SLICE_EMPTY;
    struct slice body = call.request->body;
    json_t *tree =
        body.len == 0 ? json_object() : json_in_parse(exchange_arena(x), body, &why);
    if (!json_is_object(tree)) {
        control_refuse(&response, 400, "the body must be a JSON object");
    } else {
        call.body = tree;
        dispatch(&call);
    }
    json_decref(tree);
    exchange_respond(x, &response);
    response_free(&response);
}
