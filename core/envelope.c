/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the answer of a tool: data or error, the same members for every ERP. */
#include "core/envelope.h"

#include "base/digits.h"
#include "base/jwriter.h"
#include "base/timefmt.h"
#include "core/job.h"

static void write_pagination(struct jwriter *writer, const struct envelope *envelope)
{
    jwriter_key(writer, SLICE("pagination"));
    jwriter_object(writer);
    jwriter_key(writer, SLICE("next_cursor"));
    if (envelope->next_cursor.len > 0) {
        jwriter_string(writer, envelope->next_cursor);
    } else {
        jwriter_null(writer);
    }
    jwriter_member_bool(writer, "has_more", envelope->next_cursor.len > 0);
    jwriter_key(writer, SLICE("limit"));
    if (envelope->pages) {
        jwriter_int(writer, (int64_t)envelope->limit);
    } else {
        jwriter_null(writer);
    }
    jwriter_object_end(writer);
}

/*
 * The estimate counts the text that it stands in, so its own digits count too: the
 * first number of digits for which the result has just that many.
 */
static void append_estimate(struct buf *out)
{
    const size_t closing = 2; /* the braces of _meta and of the envelope */
    for (size_t digits = 1; digits < 20; digits++) {
        size_t bytes = out->len + digits + closing;
        char room[DIGITS_BYTES];
        struct slice text = digits_of((int64_t)((bytes + 3) / 4), room);
        if (text.len == digits) {
            buf_append(out, text);
            return;
        }
    }
}

/* Only when there are some: most answers have none, and every member costs tokens. */
static void write_messages(struct jwriter *writer, const struct envelope *envelope)
{
    if (envelope->message_count == 0) {
        return;
    }
    jwriter_key(writer, SLICE("messages"));
    jwriter_array(writer);
    for (size_t i = 0; i < envelope->message_count; i++) {
        const struct op_message *message = &envelope->messages[i];
        jwriter_object(writer);
        jwriter_member_string(writer, "severity", message->severity);
        jwriter_member_string(writer, "code", message->code);
        jwriter_member_string(writer, "text", message->text);
        jwriter_object_end(writer);
    }
    jwriter_array_end(writer);
}

static void write_job(struct jwriter *writer, const struct envelope_job *job)
{
    if (job == NULL || job->status == OP_JOB_NONE) {
        return;
    }
    jwriter_member_string(writer, "status", slice_str(job_status_name(job->status)));
    if (job->poll_id.len > 0) { /* work that was done at once has none */
        jwriter_member_string(writer, "poll_id", job->poll_id);
    }
    if (job->retry_after_s > 0) {
        jwriter_member_int(writer, "retry_after_seconds", job->retry_after_s);
    }
}

void envelope_write_data(struct jtwice *out, const struct envelope *envelope)
{
    struct jwriter writer;
    char timestamp[TIMEFMT_BYTES];
    timefmt_utc(envelope->wall_ms, timestamp);
    jwriter_init(&writer, &out->plain);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "resource", envelope->resource);
    jwriter_member_string(&writer, "method", envelope->method);
    jwriter_member_string(&writer, "integration", envelope->integration);
    jwriter_member_string(&writer, "timestamp", slice_str(timestamp));
    write_pagination(&writer, envelope);
    write_job(&writer, &envelope->job);
    jwriter_key(&writer, SLICE("data"));
    jtwice_value(out, &writer, envelope->data);
    jwriter_key(&writer, SLICE("_meta"));
    jwriter_object(&writer);
    jwriter_member_string(&writer, "request_id", envelope->request_id);
    jwriter_key(&writer, SLICE("fields_redacted"));
    jwriter_raw(&writer, SLICE("[]"));
    jwriter_key(&writer, SLICE("fields_truncated"));
    jwriter_raw(&writer, SLICE("[]"));
    write_messages(&writer, envelope);
    if (envelope->job.instruction.len > 0) {
        jwriter_member_string(&writer, "instruction", envelope->job.instruction);
    }
    jwriter_key(&writer, SLICE("token_estimate"));
    /* The rest by hand: the number depends on everything before it. */
    append_estimate(&out->plain);
    buf_append(&out->plain, SLICE("}}"));
}

static void write_upstream(struct jwriter *writer,
                           const struct fault_upstream *upstream)
{
    if (upstream->status == 0) {
        return;
    }
    jwriter_key(writer, SLICE("upstream"));
    jwriter_object(writer);
    jwriter_member_int(writer, "status", upstream->status);
    if (upstream->code.len > 0) {
        jwriter_member_string(writer, "code", upstream->code);
    }
    if (upstream->message.len > 0) {
        jwriter_member_string(writer, "message", upstream->message);
    }
    if (upstream->request_id.len > 0) {
        jwriter_member_string(writer, "request_id", upstream->request_id);
    }
    jwriter_object_end(writer);
}

void envelope_write_details(struct jwriter *writer, const struct fault *fault)
{
    if (fault->detail_count == 0) {
        return;
    }
    jwriter_key(writer, SLICE("details"));
    jwriter_array(writer);
    for (size_t i = 0; i < fault->detail_count; i++) {
        jwriter_object(writer);
        jwriter_member_string(writer, "pointer", fault->details[i].pointer);
        jwriter_member_string(writer, "message", fault->details[i].message);
        jwriter_object_end(writer);
    }
    jwriter_array_end(writer);
}

void envelope_write_error(struct buf *out, const struct fault *fault,
                          struct slice request_id, const struct governor_view *busy,
                          const struct envelope_job *job)
{
    enum err err = err_is_tool_code(fault->err) ? fault->err : ERR_INTERNAL;
    struct slice message = fault->message.len > 0 && err == fault->err
                               ? fault->message
                               : slice_str(err_sentence(err));
    struct jwriter writer;
    jwriter_init(&writer, out);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("error"));
    jwriter_object(&writer);
    jwriter_member_string(&writer, "code", slice_str(err_code(err)));
    jwriter_member_string(&writer, "message", message);
    if (fault->hint.len > 0) {
        jwriter_member_string(&writer, "hint", fault->hint);
    }
    if (fault->retry_after_s > 0) {
        jwriter_member_int(&writer, "retry_after_seconds", fault->retry_after_s);
    }
    if (busy != NULL) {
        jwriter_member_int(&writer, "in_flight", busy->in_flight);
        jwriter_member_int(&writer, "ceiling", busy->limit);
        jwriter_member_int(&writer, "queue_depth", busy->queue_depth);
    }
    envelope_write_details(&writer, fault);
    write_upstream(&writer, &fault->upstream);
    jwriter_member_string(&writer, "request_id", request_id);
    jwriter_object_end(&writer);
    write_job(&writer, job);
    jwriter_object_end(&writer);
}
