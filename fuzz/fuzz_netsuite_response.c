/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: fuzzes what NetSuite may answer, through the connector and the field
 * records. Start reading at: LLVMFuzzerTestOneInput. Byte 0 chooses the method, byte 1
 * the status, byte 2 the content type; the rest is the body. Runs from the root of the
 * source tree, whose catalog it loads.
 */
#include "fuzz/catalog_fixture.h"

#define URL_BYTES_MAX 8192

static const struct fixture *fixture(void)
{
    static struct fixture loaded;

    if (loaded.connector == NULL) {
        fixture_load(&loaded, SLICE("netsuite"), "{\"account_id\":\"1_SB1\"}");
    }
    return &loaded;
}

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
    struct jval *query = jval_new_object(arena, 1);
    jval_set(arena, query, SLICE("query"),
             jval_new_string(arena, SLICE("SELECT 1 AS a FROM dual")));
    struct op op = {.arena = arena,
                    .integration = here->integration,
                    .tool = tool,
                    .target = &here->target,
                    .path = path,
                    .query = query,
                    .body = jval_new_object(arena, 1),
                    .request_id = SLICE("req_aaaaaaaaaaaaaaaaaaaaaaaaaa"),
                    .limit = tool->pages ? 1 + data[0] / 8 : 0,
                    .page = tool->pages && (data[0] & 1) ? SLICE("offset=25")
                                                         : SLICE_EMPTY};
    struct op_response response = {
        .status = statuses[data[1] % (sizeof statuses / sizeof statuses[0])],
        .fields = &types[data[2] % (sizeof types / sizeof types[0])],
        .field_count = 1,
        .body = slice_of((const char *)data + 3, size - 3)};

    enum connector_step step = here->connector->begin(&op, tool->plan);
    /* Every exchange gets the same answer, and the last one none. */
    for (int i = 0; i < 4 && step == CONNECTOR_SEND; i++) {
        fixture_check_request(&op, URL_BYTES_MAX);
        step = here->connector->on_response(&op, tool->plan, &response);
    }
    if (step == CONNECTOR_SEND) {
        op.fault.err =
            op.request.is_write ? ERR_OUTCOME_UNKNOWN : ERR_UPSTREAM_UNAVAILABLE;
        step = here->connector->lost(&op, tool->plan);
    }
    switch (step) {
    case CONNECTOR_DONE:
        fixture_check_result(&op);
        break;
    case CONNECTOR_FAILED:
        fixture_check_fault(&op);
        break;
    case CONNECTOR_SEND: /* lost() sends nothing */
    case CONNECTOR_PARK:
    case CONNECTOR_WAIT:
        REQUIRE(false); /* this connector remembers nothing, and needs no time */
        break;
    }
    arena_free(arena);
    return 0;
}
