/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: fuzzes what SAP may answer, through the connector and the field records.
 * Start reading at: LLVMFuzzerTestOneInput. Byte 0 chooses the method, byte 1 the
 * status, byte 2 the fields; the rest is the body, up to a zero byte, and behind that
 * the value of a field. Runs from the root of the source tree, whose catalog it loads.
 */
#include "fuzz/catalog_fixture.h"

#define URL_BYTES_MAX 7000
#define ORDER                                                 \
    "{\"supplier\":\"1\",\"purchasing_org\":\"1\",\"items\":" \
    "[{\"material\":\"a\",\"quantity\":1}]}"

static const struct fixture *fixture(void)
{
    static struct fixture loaded;

    if (loaded.connector == NULL) {
        fixture_load(&loaded, SLICE("sap"),
                     "{\"route\":\"direct\",\"base_url\":\"https://erp.example\"}");
    }
    return &loaded;
}

/* The next page's request is made of what the answer said. */
static void follow(const struct fixture *here, const struct op *op)
{
    struct op next = *op;

    if (op->result.next_page.len > 0) {
        REQUIRE(op->result.next_page.len <= 2700);
        REQUIRE(!slice_eq(op->result.next_page, op->page)); /* it goes on */
        next.page = op->result.next_page;
        REQUIRE(here->connector->begin(&next, op->tool->plan) == CONNECTOR_SEND);
        fixture_check_request(&next, URL_BYTES_MAX);
    }
}

static void respond(const struct fixture *here, struct op *op,
                    const struct op_response *response)
{
    enum connector_step step = CONNECTOR_SEND;

    /* A write may want its token first; then it is answered alike. */
    for (int turn = 0; turn < 5 && step == CONNECTOR_SEND; turn++) {
        fixture_check_request(op, URL_BYTES_MAX);
        step = here->connector->on_response(op, op->tool->plan, response);
    }
    switch (step) {
    case CONNECTOR_DONE:
        fixture_check_result(op);
        follow(here, op);
        break;
    case CONNECTOR_FAILED:
        fixture_check_fault(op);
        break;
    case CONNECTOR_SEND:
    case CONNECTOR_PARK:
    case CONNECTOR_WAIT:
        REQUIRE(false); /* nobody else is there, and no write goes out for ever */
        break;
    }
    here->connector->leave(op, op->tool->plan);
}

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
                                {SLICE("date"), SLICE("Sun, 06 Nov 1994 08:49:37 GMT")},
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
                    .body = fixture_json(arena, ORDER),
                    .limit = tool->kind == METHOD_LIST ? 1 + data[0] / 8 : 0,
                    .page = data[0] & 1 ? SLICE("skip=25") : SLICE_EMPTY,
                    .session = here->connector->session_new()};
    struct op_response response = {
        .status = statuses[data[1] % (sizeof statuses / sizeof statuses[0])],
        .fields = fields,
        .field_count = data[2] & 0x80 ? 3 : 4,
        .body = body};

    REQUIRE(here->connector->begin(&op, tool->plan) == CONNECTOR_SEND);
    respond(here, &op, &response);
    here->connector->session_free(op.session);
    arena_free(arena);
    return 0;
}
