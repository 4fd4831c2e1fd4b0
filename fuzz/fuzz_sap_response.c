/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: fuzzes what SAP may answer, through the connector and the field records.
 * Start reading at: LLVMFuzzerTestOneInput. Byte 0 chooses the method, byte 1 the
 * status, byte 2 the fields; the rest is the body, up to a zero byte, and behind that
 * the value of a field. Runs from the root of the source tree, whose catalog it loads.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/require.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "connectors/connector.h"

struct fixture {
    const struct connector *connector;
    const struct integration *integration;
    struct op_target target;
    const struct jval *order; /* arguments of a create */
};

static enum err compile(void *ctx, struct slice integration, struct arena *arena,
                        const struct jval *upstream, const struct tool *tool,
                        const void **plan, struct schema_problem *problem)
{
    const struct connector *connector = connector_find(integration);

    (void)ctx;
    return connector != NULL ? connector->compile(arena, upstream, tool, plan, problem)
                             : ERR_NOT_FOUND;
}

static const struct jval *parsed(struct arena *arena, const char *text)
{
    struct jval *value = NULL;

    REQUIRE(jval_parse(arena, slice_str(text), &value, NULL) == ERR_OK);
    return value;
}

/* Loaded at the first input and kept: the only state between inputs, and read-only. */
static const struct fixture *fixture(void)
{
    static struct fixture loaded;
    static const struct catalog_compiler compiler = {.compile = compile};
    static struct arena *arena;
    struct catalog_problem problem;
    struct catalog *catalog = NULL;
    struct fault fault;

    if (loaded.connector != NULL) {
        return &loaded;
    }
    arena = arena_new();
    if (catalog_load("connectors", &compiler, &catalog, arena, &problem) != ERR_OK) {
        fprintf(stderr, "%.*s %.*s: %.*s (run me from the root of the source tree)\n",
                SLICE_ARG(problem.file), SLICE_ARG(problem.pointer),
                SLICE_ARG(problem.message));
        abort();
    }
    loaded.integration = catalog_integration(catalog, SLICE("sap"));
    loaded.connector = connector_find(SLICE("sap"));
    loaded.order =
        parsed(arena, "{\"supplier\":\"1\",\"purchasing_org\":\"1\",\"items\":"
                      "[{\"material\":\"a\",\"quantity\":1}]}");
    REQUIRE(loaded.connector->connect(
                arena,
                parsed(arena,
                       "{\"route\":\"direct\",\"base_url\":\"https://erp.example\"}"),
                &loaded.target, &fault) == ERR_OK);
    return &loaded;
}

static void check_text(struct slice text, size_t max)
{
    REQUIRE(text.len <= max);
    REQUIRE(text_is_utf8(text));
    for (size_t i = 0; i < text.len; i++) {
        REQUIRE((unsigned char)text.ptr[i] >= 0x20);
    }
}

static void check_fault(const struct op *op)
{
    REQUIRE(err_is_tool_code(op->fault.err));
    REQUIRE(op->result.records == NULL);
    REQUIRE(op->rate_limited == (op->fault.err == ERR_RATE_LIMITED));
    REQUIRE(op->retry_after_s >= 0 && op->retry_after_s <= 300);
    check_text(op->fault.upstream.message, 500);
    check_text(op->fault.upstream.code, 100);
    check_text(op->fault.upstream.request_id, 128);
}

static void check_result(const struct op *op)
{
    size_t fallbacks = 0;

    REQUIRE(jval_is(op->result.records, JVAL_ARRAY));
    REQUIRE(op->limit == 0 ? op->result.records->count == 1
                           : op->result.records->count <= op->limit);
    REQUIRE(op->result.next_page.len <= 2700);
    for (size_t i = 0; i < op->result.message_count; i++) {
        check_text(op->result.messages[i].text, 500);
        check_text(op->result.messages[i].severity, 100);
    }
    const struct jval *records = field_map(op->tool->fields, op->tool->field_count,
                                           op->result.records, op->arena, &fallbacks);
    REQUIRE(records->count == op->result.records->count);
    for (size_t i = 0; i < records->count; i++) {
        REQUIRE(records->items[i].count == op->tool->field_count);
    }
}

/* What goes into a header has to stay one. */
static void check_request(const struct op *op)
{
    REQUIRE(op->request.url.len > 0 && op->request.url.len <= 7000);
    for (size_t i = 0; i < op->request.url.len; i++) {
        REQUIRE(op->request.url.ptr[i] > 0x20 && op->request.url.ptr[i] < 0x7f);
    }
    for (size_t i = 0; i < op->request.field_count; i++) {
        struct slice value = op->request.fields[i].value;
        for (size_t n = 0; n < value.len; n++) {
            REQUIRE(value.ptr[n] >= 0x20 && value.ptr[n] < 0x7f);
        }
    }
}

/* The next page's request is made of what the answer said. */
static void follow(const struct fixture *here, const struct op *op)
{
    struct op next = *op;

    if (op->result.next_page.len > 0) {
        next.page = op->result.next_page;
        REQUIRE(here->connector->begin(&next, op->tool->plan) == CONNECTOR_SEND);
        check_request(&next);
    }
}

static void respond(const struct fixture *here, struct op *op,
                    const struct op_response *response)
{
    enum connector_step step = CONNECTOR_SEND;

    /* A write may want its token first; then it is answered alike. */
    for (int turn = 0; turn < 5 && step == CONNECTOR_SEND; turn++) {
        check_request(op);
        step = here->connector->on_response(op, op->tool->plan, response);
    }
    switch (step) {
    case CONNECTOR_DONE:
        check_result(op);
        follow(here, op);
        break;
    case CONNECTOR_FAILED:
        check_fault(op);
        break;
    case CONNECTOR_SEND:
    case CONNECTOR_PARK:
        REQUIRE(false); /* nobody else is there, and no write goes out for ever */
        break;
    }
    here->connector->leave(op, op->tool->plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 201, 204, 302, 400, 401,
                                   403, 404, 423, 429, 500, 502, 503};
    static const struct op_field types[] = {
        {{"content-type", 12}, {"application/json", 16}},
        {{"content-type", 12}, {"application/xml", 15}},
        {{"content-type", 12}, {"text/html", 9}},
        {{"content-type", 12}, {"text/plain", 10}}};
    static const char *const names[] = {"sap-message", "x-csrf-token", "set-cookie",
                                        "retry-after"};
    const struct fixture *here = fixture();

    if (size < 3) {
        return 0;
    }
    struct slice rest = slice_of((const char *)data + 3, size - 3);
    ptrdiff_t zero = slice_find(rest, '\0');
    struct slice body = zero < 0 ? rest : slice_of(rest.ptr, (size_t)zero);
    struct slice value = zero < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)zero + 1);
    struct op_field fields[] = {types[data[2] % 4],
                                {slice_str(names[data[2] / 4 % 4]), value},
                                {SLICE("x-csrf-token"), SLICE("t")}};
    struct arena *arena = arena_new();
    const struct tool *tool =
        here->integration->tools[data[0] % here->integration->tool_count];
    struct jval *path = jval_new_object(arena, 1);
    jval_set(arena, path, SLICE("id"), jval_new_string(arena, SLICE("7-2026")));
    struct op op = {.arena = arena,
                    .integration = here->integration,
                    .tool = tool,
                    .target = &here->target,
                    .path = path,
                    .query = jval_new_object(arena, 1),
                    .body = here->order,
                    .limit = tool->kind == METHOD_LIST ? 1 + data[0] / 8 : 0,
                    .page = data[0] & 1 ? SLICE("skip=25") : SLICE_EMPTY,
                    .session = here->connector->session_new()};
    struct op_response response = {
        .status = statuses[data[1] % (sizeof statuses / sizeof statuses[0])],
        .fields = fields,
        .field_count = data[2] & 0x80 ? 2 : 3,
        .body = body};

    REQUIRE(here->connector->begin(&op, tool->plan) == CONNECTOR_SEND);
    respond(here, &op, &response);
    here->connector->session_free(op.session);
    arena_free(arena);
    return 0;
}
