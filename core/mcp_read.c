/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validation ladder, rung by rung; the first that fails answers. Era evidence is
 * the envelope (params._meta) first, then the version header; never Mcp-Method,
 * Mcp-Name or Accept, which some legacy clients send too.
 */
#include "core/mcp_read.h"

#include "base/jwriter.h"
#include "base/limits.h"
#include "core/mcp_mirror.h"

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"

static const char *const version_names[MCP_VERSION_COUNT] = {
    [MCP_2024_11_05] = "2024-11-05", [MCP_2025_03_26] = "2025-03-26",
    [MCP_2025_06_18] = "2025-06-18", [MCP_2025_11_25] = "2025-11-25",
    [MCP_2026_07_28] = "2026-07-28",
};

const char *mcp_version_name(enum mcp_version version)
{
    return version_names[version];
}

bool mcp_version_parse(struct slice text, enum mcp_version *version)
{
    for (int i = 0; i < MCP_VERSION_COUNT; i++) {
        if (slice_is(text, version_names[i])) {
            *version = (enum mcp_version)i;
            return true;
        }
    }
    return false;
}

/* A date of the modern revision or later, known or not. */
static bool is_modern_version(struct slice text)
{
    if (text.len != 10 || slice_cmp(text, SLICE("2026-07-28")) < 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        if (i == 4 || i == 7 ? text.ptr[i] != '-' : !digit) {
            return false;
        }
    }
    return true;
}

/* ---- Rung 5: is it a JSON-RPC message? ---- */

static bool is_integer(const struct jval *value)
{
    if (!jval_is(value, JVAL_NUMBER)) {
        return false;
    }
    for (size_t i = 0; i < value->text.len; i++) {
        char c = value->text.ptr[i];
        if (c == '.' || c == 'e' || c == 'E') {
            return false;
        }
    }
    return true;
}

/* What is echoed, some of it more than once, has a ceiling of its own. */
static bool is_rpc_id(const struct jval *value)
{
    return (jval_is(value, JVAL_STRING) || is_integer(value)) &&
           value->text.len <= LIMIT_RPC_ID_BYTES;
}

static enum err read_id(const struct jval *body, struct mcp_message *out,
                        struct mcp_refusal *refusal)
{
    const struct jval *id = jval_get(body, "id");
    if (id != NULL && !is_rpc_id(id)) {
        return mcp_refuse(
            refusal, ERR_BAD_REQUEST, 400,
            SLICE("Invalid request: id must be a string or an integer of at "
                  "most 1024 bytes"));
    }
    out->id = id;
    refusal->id = id;
    return ERR_OK;
}

static enum err read_shape(const struct jval *body, struct mcp_message *out,
                           struct mcp_refusal *refusal)
{
    if (body->type != JVAL_OBJECT) {
        return mcp_refuse(refusal, ERR_BAD_REQUEST, 400,
                          SLICE("Invalid request: a JSON-RPC message is an object"));
    }
    enum err err = read_id(body, out, refusal);
    if (err != ERR_OK) {
        return err;
    }
    if (!slice_is(jval_text(jval_get(body, "jsonrpc")), "2.0")) {
        return mcp_refuse(refusal, ERR_BAD_REQUEST, 400,
                          SLICE("Invalid request: jsonrpc must be \"2.0\""));
    }
    const struct jval *method = jval_get(body, "method");
    bool is_response = method == NULL && (jval_get(body, "result") != NULL ||
                                          jval_get(body, "error") != NULL);
    if (is_response) {
        out->kind = MCP_POSTED_RESPONSE;
        return ERR_OK;
    }
    if (!jval_is(method, JVAL_STRING)) {
        return mcp_refuse(refusal, ERR_BAD_REQUEST, 400,
                          SLICE("Invalid request: method must be a string"));
    }
    out->method = method->text;
    out->kind = out->id != NULL ? MCP_REQUEST : MCP_NOTIFICATION;
    return ERR_OK;
}

static enum err read_params(const struct jval *body, struct mcp_message *out,
                            struct mcp_refusal *refusal)
{
    const struct jval *params = jval_get(body, "params");
    if (params == NULL) {
        return ERR_OK;
    }
    if (params->type != JVAL_OBJECT) {
        return mcp_refuse(refusal, ERR_INVALID_ARGUMENTS, 200,
                          SLICE("Invalid params: params must be an object"));
    }
    out->params = params;
    const struct jval *token = jval_get(jval_get(params, "_meta"), "progressToken");
    if (is_rpc_id(token)) {
        out->progress_token = token;
    }
    return ERR_OK;
}

/* ---- Rungs 6 to 8: the modern envelope (9 is in mcp_mirror.c) ---- */

static enum err check_envelope(const struct jval *meta, struct mcp_refusal *refusal)
{
    if (!jval_is(jval_get(meta, META_VERSION), JVAL_STRING)) {
        return mcp_refuse(refusal, ERR_INVALID_ARGUMENTS, 400,
                          SLICE("Missing _meta key " META_VERSION));
    }
    if (!jval_is(jval_get(meta, META_CAPABILITIES), JVAL_OBJECT)) {
        return mcp_refuse(refusal, ERR_INVALID_ARGUMENTS, 400,
                          SLICE("Missing _meta key " META_CAPABILITIES));
    }
    return ERR_OK;
}

static enum err check_version(const struct mcp_headers *headers, struct slice version,
                              struct arena *arena, struct mcp_refusal *refusal)
{
    if (!headers->has_version) {
        return mcp_refuse(refusal, ERR_HEADER_MISMATCH, 400,
                          SLICE("MCP-Protocol-Version header is missing"));
    }
    if (!slice_eq(headers->version, version)) {
        return mcp_refuse(
            refusal, ERR_HEADER_MISMATCH, 400,
            SLICE("MCP-Protocol-Version does not match the _meta protocol version"));
    }
    if (!slice_is(version, version_names[MCP_2026_07_28])) {
        struct buf data;
        struct jwriter writer;
        buf_init(&data, 1024);
        jwriter_init(&writer, &data);
        jwriter_string(&writer,
                       version.len <= 64 ? version : SLICE("(longer than 64 bytes)"));
        refusal->data =
            arena_printf(arena, "{\"supported\":[\"2026-07-28\"],\"requested\":%.*s}",
                         SLICE_ARG(buf_slice(&data)));
        buf_free(&data);
        return mcp_refuse(refusal, ERR_VERSION, 400,
                          SLICE("Unsupported protocol version"));
    }
    return ERR_OK;
}

static enum err read_modern(const struct mcp_headers *headers, const struct jval *meta,
                            struct arena *arena, struct mcp_message *out,
                            struct mcp_refusal *refusal)
{
    out->version = MCP_2026_07_28;
    if (out->kind == MCP_NOTIFICATION) {
        return ERR_OK; /* the revision defines no header rules for them */
    }
    enum err err = check_envelope(meta, refusal);
    out->capabilities = jval_get(meta, META_CAPABILITIES);
    if (err == ERR_OK) {
        err = check_version(headers, jval_text(jval_get(meta, META_VERSION)), arena,
                            refusal);
    }
    if (err == ERR_OK) {
        err = mcp_check_mirrors(headers, out, arena, refusal);
    }
    return err;
}

/* ---- The legacy era ---- */

static enum err read_legacy(const struct mcp_headers *headers, struct mcp_message *out,
                            struct mcp_refusal *refusal)
{
    out->version = MCP_2025_03_26; /* what an absent header means */
    if (!headers->has_version || slice_is(out->method, "initialize")) {
        return ERR_OK;
    }
    if (!mcp_version_parse(headers->version, &out->version)) {
        return mcp_refuse(
            refusal, ERR_BAD_REQUEST, 400,
            SLICE("Unsupported MCP-Protocol-Version header; supported: 2024-11-05, "
                  "2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28"));
    }
    return ERR_OK;
}

enum err mcp_read(const struct mcp_headers *headers, const struct jval *body,
                  struct arena *arena, struct mcp_message *out,
                  struct mcp_refusal *refusal)
{
    *out = (struct mcp_message){.method = SLICE_EMPTY};
    *refusal = (struct mcp_refusal){.message = SLICE_EMPTY, .data = SLICE_EMPTY};
    bool modern_header = headers->has_version && is_modern_version(headers->version);
    enum err err = read_shape(body, out, refusal);
    if (err != ERR_OK) {
        return err;
    }
    if (out->kind == MCP_POSTED_RESPONSE) {
        return modern_header
                   ? mcp_refuse(refusal, ERR_BAD_REQUEST, 400,
                                SLICE("Invalid request: responses are not posted"))
                   : ERR_OK;
    }
    const struct jval *meta = jval_get(jval_get(body, "params"), "_meta");
    bool has_envelope = jval_get(meta, META_VERSION) != NULL;
    bool is_initialize = slice_is(out->method, "initialize");
    if (is_initialize && !has_envelope && modern_header) {
        return mcp_refuse(refusal, ERR_HEADER_MISMATCH, 400,
                          SLICE("initialize does not exist in the revision that the "
                                "MCP-Protocol-Version header names"));
    }
    err = read_params(body, out, refusal);
    if (has_envelope || modern_header) {
        if (err != ERR_OK) {
            refusal->http_status = 400; /* without params there is no envelope */
            return err;
        }
        return read_modern(headers, meta, arena, out, refusal);
    }
    return err != ERR_OK ? err : read_legacy(headers, out, refusal);
}

enum err mcp_check_batch(const struct mcp_headers *headers, const struct jval *body,
                         struct mcp_refusal *refusal)
{
    *refusal = (struct mcp_refusal){.message = SLICE_EMPTY, .data = SLICE_EMPTY};
    if (headers->has_version && !slice_is(headers->version, "2025-03-26")) {
        return mcp_refuse(
            refusal, ERR_BAD_REQUEST, 400,
            SLICE("Invalid request: this protocol version has no batches"));
    }
    if (body->count == 0) {
        return mcp_refuse(refusal, ERR_BAD_REQUEST, 400,
                          SLICE("Invalid request: an empty batch"));
    }
    if (body->count > LIMIT_BATCH_ELEMENTS) {
        return mcp_refuse(refusal, ERR_BAD_REQUEST, 400,
                          SLICE("Invalid request: a batch has at most 32 messages"));
    }
    for (size_t i = 0; i < body->count; i++) {
        const struct jval *meta =
            jval_get(jval_get(&body->items[i], "params"), "_meta");
        if (jval_get(meta, META_VERSION) != NULL) {
            return mcp_refuse(
                refusal, ERR_BAD_REQUEST, 400,
                SLICE("Invalid request: this protocol version has no batches"));
        }
    }
    return ERR_OK;
}
