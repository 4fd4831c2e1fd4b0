/* SPDX-License-Identifier: Apache-2.0 */
/* The words are {"left": n, "fails": b, "retry_after_s": n, "record": {...}}. */
#include "connectors/conformance/job.h"

#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"
#include "connectors/conformance/template.h"

/* Sealed and encoded, they have to stay below LIMIT_SEALED_BYTES. */
#define WORDS_BYTES (LIMIT_SEALED_BYTES / 2)

static enum connector_step go_on(struct op *op, enum op_job_status status,
                                 const struct script_job *job)
{
    struct buf out;
    struct jwriter writer;
    buf_init(&out, WORDS_BYTES);
    jwriter_init(&writer, &out);
    jwriter_object(&writer);
    jwriter_member_int(&writer, "left", job->running);
    jwriter_member_bool(&writer, "fails", job->fails);
    jwriter_member_int(&writer, "retry_after_s", job->retry_after_s);
    jwriter_key(&writer, SLICE("record"));
    jwriter_value(&writer, job->record);
    jwriter_object_end(&writer);
    op->result.job = (struct op_job){status, arena_slice(op->arena, buf_slice(&out)),
                                     job->retry_after_s};
    bool fits = !buf_full(&out);
    buf_free(&out);
    if (!fits) {
        op->fault.err = ERR_TOO_LARGE;
        return CONNECTOR_FAILED;
    }
    return CONNECTOR_DONE;
}

enum connector_step fixture_job_start(struct op *op, const struct script_job *job)
{
    struct template_values values = {.arguments = op->query};
    struct script_job begun = *job;
    begun.record = template_fill(op->arena, job->record, &values);
    return go_on(op, OP_JOB_ACCEPTED, &begun);
}

enum connector_step fixture_job_ask(struct op *op)
{
    struct jval *words = NULL;
    struct script_job job = {.starts = false};
    long long retry_after_s = 0;
    /* They come back as we sealed them. */
    REQUIRE(jval_parse(op->arena, op->job, &words, NULL) == ERR_OK);
    (void)jval_int64(jval_get(words, "left"), &job.running);
    (void)jval_int64(jval_get(words, "retry_after_s"), &retry_after_s);
    job.retry_after_s = (long)retry_after_s;
    job.fails = jval_is(jval_get(words, "fails"), JVAL_TRUE);
    job.record = jval_get(words, "record");
    if (job.running > 0) {
        job.running--;
        return go_on(op, OP_JOB_RUNNING, &job);
    }
    if (job.fails) {
        op->result.job.status = OP_JOB_FAILED;
        op->fault.err = ERR_VALIDATION_FAILED;
        op->fault.message = SLICE("The work failed, as its script says.");
        return CONNECTOR_FAILED;
    }
    struct jval *records = jval_new_array(op->arena, 1);
    jval_push(op->arena, records, job.record);
    op->result.records = records;
    op->result.job.status = OP_JOB_COMPLETE;
    return CONNECTOR_DONE;
}
