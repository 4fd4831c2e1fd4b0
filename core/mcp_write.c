/* SPDX-License-Identifier: Apache-2.0 */
/* What each revision of the protocol wants to see; older ones get nothing they do not
 * define. */
#include "core/mcp_write.h"

#include "core/logins.h"

#include "base/jwriter.h"

/* How long a client may go without asking again: what the operator changes (files, overrides,
 * filters) is seen by the next tools/list, so this is how late a client may be. */
#define LIST_TTL_MS 60000
#define SERVER_INFO \
    "{\"name\":\"sluice\",\"title\":\"sluice\",\"version\":\"" SLUICE_VERSION "\"}"
#define SERVER_INFO_PLAIN "{\"name\":\"sluice\",\"version\":\"" SLUICE_VERSION "\"}"

static void begin(struct jwriter *writer, struct buf *out, const struct jval *id)
{
    jwriter_init(writer, out);
    jwriter_object(writer);
    jwriter_member_string(writer, "jsonrpc", SLICE("2.0"));
    if (id != NULL) {
        jwriter_key(writer, SLICE("id"));
        jwriter_value(writer, id);
    }
}

static void begin_result_of(struct jwriter *writer, struct buf *out,
                            const struct mcp_message *message, const char *type)
{
    begin(writer, out, message->id);
    jwriter_key(writer, SLICE("result"));
    jwriter_object(writer);
    if (mcp_is_modern(message)) {
        jwriter_member_string(writer, "resultType", slice_str(type));
    }
}

static void begin_result(struct jwriter *writer, struct buf *out,
                         const struct mcp_message *message)
{
    begin_result_of(writer, out, message, "complete");
}

static void end_result(struct jwriter *writer, const struct mcp_message *message)
{
    if (mcp_is_modern(message)) {
        jwriter_key(writer, SLICE("_meta"));
        jwriter_raw(writer,
                    SLICE("{\"io.modelcontextprotocol/serverInfo\":" SERVER_INFO "}"));
    }
    jwriter_object_end(writer);
    jwriter_object_end(writer);
}

void mcp_write_error(struct buf *out, const struct jval *id, int code,
                     struct slice message, struct slice data)
{
    struct jwriter writer;
    begin(&writer, out, id);
    jwriter_key(&writer, SLICE("error"));
    jwriter_object(&writer);
    jwriter_member_int(&writer, "code", code);
    jwriter_member_string(&writer, "message", message);
    if (data.len > 0) {
        jwriter_key(&writer, SLICE("data"));
        jwriter_raw(&writer, data);
    }
    jwriter_object_end(&writer);
    jwriter_object_end(&writer);
}

void mcp_write_refusal(struct buf *out, const struct mcp_refusal *refusal)
{
    mcp_write_error(out, refusal->id, err_rpc_code(refusal->err), refusal->message,
                    refusal->data);
}

void mcp_write_empty(struct buf *out, const struct mcp_message *message)
{
    struct jwriter writer;
    begin_result(&writer, out, message);
    end_result(&writer, message);
}

static void write_instructions(struct jwriter *writer,
                               const struct integration *integration)
{
    if (integration->instructions.len > 0) {
        jwriter_member_string(writer, "instructions", integration->instructions);
    }
}

void mcp_write_initialize(struct buf *out, const struct mcp_message *message,
                          const struct integration *integration)
{
    /* A known legacy version is echoed; for any other the latest legacy one is offered.
     */
    enum mcp_version version = MCP_2025_11_25;
    struct slice asked = jval_text(jval_get(message->params, "protocolVersion"));
    if (!mcp_version_parse(asked, &version) || version == MCP_2026_07_28) {
        version = MCP_2025_11_25;
    }
    struct jwriter writer;
    begin_result(&writer, out, message);
    jwriter_member_string(&writer, "protocolVersion",
                          slice_str(mcp_version_name(version)));
    jwriter_key(&writer, SLICE("capabilities"));
    jwriter_raw(&writer, SLICE("{\"tools\":{}}"));
    jwriter_key(&writer, SLICE("serverInfo"));
    jwriter_raw(&writer, version >= MCP_2025_06_18 ? SLICE(SERVER_INFO)
                                                   : SLICE(SERVER_INFO_PLAIN));
    if (version >= MCP_2025_03_26) {
        write_instructions(&writer, integration);
    }
    end_result(&writer, message);
}

/* The answer differs per URL, so no shared cache may serve it to another account. */
static void write_cache_hints(struct jwriter *writer)
{
    jwriter_member_int(writer, "ttlMs", LIST_TTL_MS);
    jwriter_member_string(writer, "cacheScope", SLICE("private"));
}

void mcp_write_discover(struct buf *out, const struct mcp_message *message,
                        const struct integration *integration)
{
    struct jwriter writer;
    begin_result(&writer, out, message);
    jwriter_key(&writer, SLICE("supportedVersions"));
    jwriter_raw(&writer, SLICE("[\"2026-07-28\"]"));
    jwriter_key(&writer, SLICE("capabilities"));
    jwriter_raw(&writer, SLICE("{\"tools\":{}}"));
    write_instructions(&writer, integration);
    write_cache_hints(&writer);
    end_result(&writer, message);
}

static void write_tool(struct jwriter *writer, const struct tool *tool,
                       enum mcp_version version)
{
    jwriter_object(writer);
    jwriter_member_string(writer, "name", tool->name);
    if (version >= MCP_2025_06_18) {
        jwriter_member_string(writer, "title", tool->title);
    }
    jwriter_member_string(writer, "description", tool->description);
    jwriter_key(writer, SLICE("inputSchema"));
    jwriter_raw(writer, tool->input_schema);
    if (version >= MCP_2025_06_18 && tool->output_schema.len > 0) {
        jwriter_key(writer, SLICE("outputSchema"));
        jwriter_raw(writer, tool->output_schema);
    }
    if (version >= MCP_2025_03_26) {
        jwriter_key(writer, SLICE("annotations"));
        jwriter_raw(writer, tool->annotations);
    }
    jwriter_object_end(writer);
}

void mcp_write_tools(struct buf *out, const struct mcp_message *message,
                     const struct account *account, const struct filter *filter)
{
    const struct integration *integration = account->integration;
    struct jwriter writer;
    begin_result(&writer, out, message);
    if (mcp_is_modern(message)) {
        write_cache_hints(&writer);
    }
    jwriter_key(&writer, SLICE("tools"));
    jwriter_array(&writer);
    for (size_t i = 0; i < integration->tool_count; i++) {
        if (filter_allows(filter, integration->tools[i]) &&
            logins_can(account, integration->tools[i])) {
            write_tool(&writer, integration->tools[i], message->version);
        }
    }
    jwriter_array_end(&writer);
    end_result(&writer, message);
}

static void write_text(struct jwriter *writer, struct slice text, struct slice quoted)
{
    jwriter_key(writer, SLICE("text"));
    if (quoted.len == 0) {
        jwriter_string(writer, text);
        return;
    }
    jwriter_raw(writer, SLICE("\""));
    (void)buf_append(writer->out, quoted);
    (void)buf_append_byte(writer->out, '"');
}

void mcp_write_tool_result(struct buf *out, const struct mcp_message *message,
                           struct slice envelope, struct slice quoted, bool is_error)
{
    struct jwriter writer;
    /* It stands there twice, once escaped: growing step by step would copy it anew. */
    buf_expect(out, 2 * envelope.len + envelope.len / 2 + 512);
    begin_result(&writer, out, message);
    jwriter_key(&writer, SLICE("content"));
    jwriter_array(&writer);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "type", SLICE("text"));
    write_text(&writer, envelope, quoted);
    jwriter_object_end(&writer);
    jwriter_array_end(&writer);
    if (message->version >= MCP_2025_06_18) {
        jwriter_key(&writer, SLICE("structuredContent"));
        jwriter_raw(&writer, envelope);
    }
    if (is_error) {
        jwriter_member_bool(&writer, "isError", true);
    }
    end_result(&writer, message);
}

/* Whether the revision knows that kind of content. */
static bool knows_content(enum mcp_version version, const struct jval *block)
{
    struct slice type = jval_text(jval_get(block, "type"));
    if (slice_is(type, "audio")) {
        return version >= MCP_2025_03_26;
    }
    return !slice_is(type, "resource_link") || version >= MCP_2025_06_18;
}

void mcp_write_content(struct buf *out, const struct mcp_message *message,
                       const struct jval *content, bool is_error)
{
    struct jwriter writer;
    begin_result(&writer, out, message);
    jwriter_key(&writer, SLICE("content"));
    jwriter_array(&writer);
    for (size_t i = 0; i < content->count; i++) {
        if (knows_content(message->version, &content->items[i])) {
            jwriter_value(&writer, &content->items[i]);
        }
    }
    jwriter_array_end(&writer);
    if (is_error) {
        jwriter_member_bool(&writer, "isError", true);
    }
    end_result(&writer, message);
}

void mcp_write_questions(struct buf *out, const struct mcp_message *message,
                         const struct jval *questions, struct slice state)
{
    struct jwriter writer;
    begin_result_of(&writer, out, message, "input_required");
    jwriter_key(&writer, SLICE("inputRequests"));
    jwriter_value(&writer, questions);
    if (state.len > 0) {
        jwriter_member_string(&writer, "requestState", state);
    }
    end_result(&writer, message);
}

void mcp_write_progress(struct buf *out, const struct jval *token,
                        const struct op_progress *progress)
{
    struct jwriter writer;
    jwriter_init(&writer, out);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "jsonrpc", SLICE("2.0"));
    jwriter_member_string(&writer, "method", SLICE("notifications/progress"));
    jwriter_key(&writer, SLICE("params"));
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("progressToken"));
    jwriter_value(&writer, token);
    jwriter_member_int(&writer, "progress", progress->done);
    if (progress->total > 0) {
        jwriter_member_int(&writer, "total", progress->total);
    }
    if (progress->message.len > 0) {
        jwriter_member_string(&writer, "message", progress->message);
    }
    jwriter_object_end(&writer);
    jwriter_object_end(&writer);
}
