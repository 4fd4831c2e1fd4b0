/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: fuzzes what stands around every MCP message: the three header fields and the
 * body, of both eras. Start reading at: LLVMFuzzerTestOneInput. Byte 0 says which
 * fields are there; then version, method and name, each up to a zero byte; the rest is
 * the body. What is let through is held against a second, slower reading of the rules.
 */
#include "fuzz/input.h"

#include "base/limits.h"
#include "base/text.h"
#include "core/mcp_read.h"

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"

static bool is_echoable(const struct jval *id)
{
    return (jval_is(id, JVAL_STRING) || jval_is(id, JVAL_NUMBER)) &&
           id->text.len <= LIMIT_RPC_ID_BYTES;
}

static void check_refusal(enum err err, const struct mcp_refusal *refusal,
                          struct arena *arena)
{
    struct jval *data = NULL;

    REQUIRE(err == refusal->err);
    REQUIRE(refusal->http_status == 200 || refusal->http_status == 400);
    REQUIRE(refusal->message.len > 0 && text_is_utf8(refusal->message));
    REQUIRE(refusal->id == NULL || is_echoable(refusal->id));
    REQUIRE(refusal->data.len <= 600);
    REQUIRE(refusal->data.len == 0 ||
            jval_parse(arena, refusal->data, &data, NULL) == ERR_OK);
}

static const struct jval *meta_of(const struct jval *body)
{
    return jval_get(jval_get(body, "params"), "_meta");
}

/* MCP 2026-07-28: the envelope is whole, and the fields mirror it. */
static void check_modern(const struct mcp_headers *headers, const struct jval *body,
                         const struct mcp_message *message)
{
    const struct jval *meta = meta_of(body);

    if (message->kind == MCP_NOTIFICATION) {
        return;
    }
    REQUIRE(slice_is(jval_text(jval_get(meta, META_VERSION)), "2026-07-28"));
    REQUIRE(jval_is(jval_get(meta, META_CAPABILITIES), JVAL_OBJECT));
    REQUIRE(headers->has_version && slice_is(headers->version, "2026-07-28"));
    REQUIRE(headers->has_method && slice_eq(headers->method, message->method));
    if (slice_is(message->method, "tools/call") &&
        !slice_starts(headers->name, SLICE("=?base64?"))) {
        REQUIRE(headers->has_name &&
                slice_eq(headers->name, jval_text(jval_get(message->params, "name"))));
    }
}

/* The fields that only the modern era has change nothing here. */
static void check_legacy(const struct mcp_headers *headers, const struct jval *body,
                         const struct mcp_message *message, struct arena *arena)
{
    struct mcp_headers bare = *headers;
    struct mcp_message again;
    struct mcp_refusal refusal;

    REQUIRE(jval_get(meta_of(body), META_VERSION) == NULL);
    bare.has_method = bare.has_name = false;
    bare.method = bare.name = SLICE_EMPTY;
    REQUIRE(mcp_read(&bare, body, arena, &again, &refusal) == ERR_OK);
    REQUIRE(again.kind == message->kind && again.version == message->version);
    REQUIRE(!headers->has_version || slice_is(message->method, "initialize") ||
            slice_is(headers->version, mcp_version_name(message->version)));
}

static void check_message(const struct mcp_headers *headers, const struct jval *body,
                          const struct mcp_message *message, struct arena *arena)
{
    REQUIRE(slice_is(jval_text(jval_get(body, "jsonrpc")), "2.0"));
    REQUIRE(message->id == NULL || is_echoable(message->id));
    REQUIRE(message->progress_token == NULL || is_echoable(message->progress_token));
    REQUIRE(message->params == NULL || message->params->type == JVAL_OBJECT);
    if (message->kind == MCP_POSTED_RESPONSE) {
        REQUIRE(jval_get(body, "method") == NULL);
        return;
    }
    REQUIRE((message->kind == MCP_REQUEST) == (message->id != NULL));
    REQUIRE(slice_eq(message->method, jval_text(jval_get(body, "method"))));
    if (mcp_is_modern(message)) {
        check_modern(headers, body, message);
    } else {
        check_legacy(headers, body, message, arena);
    }
}

static void try_element(const struct mcp_headers *headers, const struct jval *body,
                        struct arena *arena)
{
    struct mcp_message message;
    struct mcp_refusal refusal;
    enum err err = mcp_read(headers, body, arena, &message, &refusal);

    if (err == ERR_OK) {
        check_message(headers, body, &message, arena);
    } else {
        check_refusal(err, &refusal, arena);
    }
}

static void try_batch(const struct mcp_headers *headers, const struct jval *body,
                      struct arena *arena)
{
    struct mcp_refusal refusal;
    enum err err = mcp_check_batch(headers, body, &refusal);

    if (err != ERR_OK) {
        check_refusal(err, &refusal, arena);
        return;
    }
    REQUIRE(body->count >= 1 && body->count <= LIMIT_BATCH_ELEMENTS);
    for (size_t i = 0; i < body->count; i++) {
        struct mcp_message message;
        struct mcp_refusal why;
        const struct jval *element = &body->items[i];
        try_element(headers, element, arena);
        /* No element of a batch is of the modern era. */
        REQUIRE(mcp_read(headers, element, arena, &message, &why) != ERR_OK ||
                !mcp_is_modern(&message));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    unsigned flags = input_byte(&input);
    struct mcp_headers headers = {.has_version = flags & 1,
                                  .has_method = (flags & 2) != 0,
                                  .has_name = (flags & 4) != 0};
    headers.version = input_text(&input);
    headers.method = input_text(&input);
    headers.name = input_text(&input);
    struct arena *arena = arena_new();
    struct jval *body = NULL;

    if (jval_parse(arena, input, &body, NULL) == ERR_OK) {
        if (body->type == JVAL_ARRAY) {
            try_batch(&headers, body, arena);
        } else {
            try_element(&headers, body, arena);
        }
    }
    arena_free(arena);
    return 0;
}
