/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of the management API answer: each answer ends the exchange. */
#include "base/text.h"
#include "base/timefmt.h"
#include "core/admin_private.h"
#include "core/envelope.h"
#include "core/metrics.h"

struct buf admin_buf(void)
{
    struct buf buf;
    buf_init(&buf, ADMIN_REPLY_BYTES);
    return buf;
}

/* The other routes are about a tenant, a lane, a token, an environment. */
static bool is_of_account(const struct admin *admin)
{
    return slice_starts(http_exchange_request(admin->exchange)->path,
                        SLICE("/integrated-account"));
}

static void note_answer(const struct admin *admin, int status)
{
    metrics_http(admin->gateway->metrics, status);
    log_event(admin->gateway->parts.log, LOG_INFO, "admin_call",
              LOG_ID(request_id, admin->request_id),
              LOG_ID(token_id, admin->who.token_id),
              LOG_NAME(route, admin->route != NULL ? admin->route : "none"),
              is_of_account(admin) ? LOG_ID(account, admin->ids[0])
                                   : LOG_ID(subject, admin->ids[0]),
              LOG_ID(mcp_server, admin->ids[1]), LOG_INT(http_status, status));
}

static void respond(struct admin *admin, int status, struct slice body,
                    const struct http_field *extra)
{
    struct http_field fields[4];
    size_t count = 0;
    if (body.len > 0) {
        fields[count++] =
            (struct http_field){SLICE("Content-Type"), SLICE("application/json")};
    }
    fields[count++] = (struct http_field){SLICE("Cache-Control"), SLICE("no-store")};
    fields[count++] = (struct http_field){SLICE("X-Request-Id"), admin->request_id};
    if (extra != NULL) {
        fields[count++] = *extra;
    }
    struct http_response response = {status, fields, count, body};
    note_answer(admin, status);
    http_respond(admin->exchange, &response);
}

void admin_begin_events(struct admin *admin)
{
    const struct http_field fields[] = {
        {SLICE("Content-Type"), SLICE("text/event-stream")},
        {SLICE("Cache-Control"), SLICE("no-store, no-transform")},
        {SLICE("X-Accel-Buffering"), SLICE("no")},
        {SLICE("X-Request-Id"), admin->request_id}};
    struct http_response head = {200, fields, sizeof fields / sizeof fields[0],
                                 SLICE_EMPTY};
    note_answer(admin, head.status);
    http_stream_begin(admin->exchange, &head);
}

void admin_respond(struct admin *admin, int status, const struct buf *json)
{
    respond(admin, status, buf_slice(json), NULL);
}

void admin_no_content(struct admin *admin)
{
    respond(admin, 204, SLICE_EMPTY, NULL);
}

void admin_fault_with(struct admin *admin, const struct fault *fault,
                      const struct http_field *extra)
{
    struct slice message =
        fault->message.len > 0 ? fault->message : slice_str(err_sentence(fault->err));
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("error"));
    jwriter_object(&writer);
    jwriter_member_string(&writer, "code", slice_str(err_code(fault->err)));
    jwriter_member_string(&writer, "message", message);
    if (fault->hint.len > 0) {
        jwriter_member_string(&writer, "hint", fault->hint);
    }
    envelope_write_details(&writer, fault);
    if (fault->upstream.status > 0) {
        jwriter_key(&writer, SLICE("upstream"));
        jwriter_object(&writer);
        jwriter_member_int(&writer, "status", fault->upstream.status);
        jwriter_member_string(&writer, "code", fault->upstream.code);
        jwriter_member_string(&writer, "message", fault->upstream.message);
        jwriter_object_end(&writer);
    }
    jwriter_member_string(&writer, "request_id", admin->request_id);
    jwriter_object_end(&writer);
    jwriter_object_end(&writer);
    respond(admin, err_http_status(fault->err), buf_slice(&json), extra);
    buf_free(&json);
}

void admin_fault(struct admin *admin, const struct fault *fault)
{
    admin_fault_with(admin, fault, NULL);
}

void admin_error(struct admin *admin, enum err err, struct slice message)
{
    struct fault fault = {.err = err, .message = message};
    admin_fault_with(admin, &fault, NULL);
}

bool admin_unprocessable(struct admin *admin, struct slice pointer, const char *message)
{
    struct fault_detail detail = {pointer, slice_str(message)};
    struct fault fault = {
        .err = ERR_UNPROCESSABLE,
        .message = arena_printf(admin->arena, "%.*s: %s", SLICE_ARG(pointer), message),
        .details = &detail,
        .detail_count = 1,
    };
    admin_fault_with(admin, &fault, NULL);
    return false;
}

bool admin_page_begin(struct admin *admin, struct admin_page *page, enum err err)
{
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return false;
    }
    page->json = admin_buf();
    jwriter_init(&page->writer, &page->json);
    jwriter_object(&page->writer);
    jwriter_key(&page->writer, SLICE("data"));
    jwriter_array(&page->writer);
    return true;
}

void admin_page_end(struct admin *admin, struct admin_page *page, struct slice next)
{
    jwriter_array_end(&page->writer);
    jwriter_key(&page->writer, SLICE("next_cursor"));
    if (next.len > 0) {
        jwriter_string(&page->writer, next);
    } else {
        jwriter_null(&page->writer);
    }
    jwriter_object_end(&page->writer);
    admin_respond(admin, 200, &page->json);
    buf_free(&page->json);
}

void admin_text_or_null(struct jwriter *writer, const char *name, struct slice text)
{
    jwriter_key(writer, slice_str(name));
    if (text.len > 0) {
        jwriter_string(writer, text);
    } else {
        jwriter_null(writer);
    }
}

void admin_time(struct jwriter *writer, const char *name, int64_t wall_ms)
{
    char text[TIMEFMT_BYTES];
    jwriter_key(writer, slice_str(name));
    if (wall_ms == 0) {
        jwriter_null(writer);
        return;
    }
    timefmt_utc(wall_ms, text);
    jwriter_string(writer, slice_str(text));
}

struct slice admin_json(struct arena *arena, const struct jval *value)
{
    struct slice text = SLICE_EMPTY;
    /* It came in a body of LIMIT_ADMIN_BODY_BYTES; escapes make a few times that of it. */
    REQUIRE(jwriter_text(arena, value, ADMIN_REPLY_BYTES, &text) == ERR_OK);
    return text;
}
