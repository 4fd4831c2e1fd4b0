/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: fuzzes what NetSuite may answer, through the connector and the field
 * records. Start reading at: LLVMFuzzerTestOneInput. Byte 0 chooses the method, byte 1
 * the status, byte 2 the content type; the rest is the body. Runs from the root of the
 * source tree, whose catalog it loads.
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

/* Loaded at the first input and kept: the only state between inputs, and read-only. */
static const struct fixture *fixture(void)
{
    static struct fixture loaded;
    static const struct catalog_compiler compiler = {.compile = compile};
    static struct arena *arena;
    struct catalog_problem problem;
    struct catalog *catalog = NULL;
    struct jval *connection = NULL;
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
    loaded.integration = catalog_integration(catalog, SLICE("netsuite"));
    loaded.connector = connector_find(SLICE("netsuite"));
    REQUIRE(jval_parse(arena, SLICE("{\"account_id\":\"1_SB1\"}"), &connection, NULL) ==
            ERR_OK);
    REQUIRE(loaded.connector->connect(arena, connection, &loaded.target, &fault) ==
            ERR_OK);
    return &loaded;
}

static void check_fault(const struct op *op)
{
    REQUIRE(err_is_tool_code(op->fault.err));
    REQUIRE(op->result.records == NULL);
    REQUIRE(op->rate_limited == (op->fault.err == ERR_RATE_LIMITED));
    REQUIRE(op->fault.upstream.message.len <= 500);
    REQUIRE(op->fault.upstream.code.len <= 100);
    REQUIRE(text_is_utf8(op->fault.upstream.message));
    for (size_t i = 0; i < op->fault.upstream.message.len; i++) {
        REQUIRE((unsigned char)op->fault.upstream.message.ptr[i] >= 0x20);
    }
}

static void check_result(const struct op *op)
{
    size_t fallbacks = 0;

    REQUIRE(jval_is(op->result.records, JVAL_ARRAY));
    REQUIRE(op->limit == 0 ? op->result.records->count == 1
                           : op->result.records->count <= op->limit);
    const struct jval *records = field_map(op->tool->fields, op->tool->field_count,
                                           op->result.records, op->arena, &fallbacks);
    REQUIRE(records->count == op->result.records->count);
    for (size_t i = 0; i < records->count; i++) {
        REQUIRE(records->items[i].count == op->tool->field_count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 200, 400, 401, 403,
                                   404, 429, 500, 503, 302};
    static const struct op_field types[] = {
        {{"content-type", 12}, {"application/json", 16}},
        {{"content-type", 12}, {"application/vnd.oracle.resource+json; type=x", 44}},
        {{"content-type", 12}, {"text/html", 9}},
        {{"retry-after", 11}, {"5", 1}}};
    const struct fixture *here = fixture();

    if (size < 3) {
        return 0;
    }
    struct arena *arena = arena_new();
    const struct tool *tool =
        here->integration->tools[data[0] % here->integration->tool_count];
    struct jval *path = jval_new_object(arena, 1);
    jval_set(arena, path, SLICE("id"), jval_new_string(arena, SLICE("7")));
    struct op op = {.arena = arena,
                    .integration = here->integration,
                    .tool = tool,
                    .target = &here->target,
                    .path = path,
                    .query = jval_new_object(arena, 1),
                    .body = jval_new_object(arena, 1),
                    .limit = tool->kind == METHOD_LIST ? 1 + data[0] / 8 : 0,
                    .page = data[0] & 1 ? SLICE("offset=25") : SLICE_EMPTY};
    struct op_response response = {
        .status = statuses[data[1] % (sizeof statuses / sizeof statuses[0])],
        .fields = &types[data[2] % (sizeof types / sizeof types[0])],
        .field_count = 1,
        .body = slice_of((const char *)data + 3, size - 3)};

    REQUIRE(here->connector->begin(&op, tool->plan) == CONNECTOR_SEND);
    switch (here->connector->on_response(&op, tool->plan, &response)) {
    case CONNECTOR_DONE:
        check_result(&op);
        break;
    case CONNECTOR_FAILED:
        check_fault(&op);
        break;
    case CONNECTOR_SEND:
        REQUIRE(op.request.url.len > 0);
        break;
    case CONNECTOR_PARK:
        REQUIRE(false); /* this connector remembers nothing */
        break;
    }
    arena_free(arena);
    return 0;
}
