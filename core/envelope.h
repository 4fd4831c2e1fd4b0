/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the one shape in which every tool answers, of every ERP.
 * Owns: nothing.
 * Threads: any.
 * Errors: the buffer's ceiling.
 * Start reading at: envelope_write_data. The contract is in docs/api.md.
 */
#ifndef SLUICE_CORE_ENVELOPE_H
#define SLUICE_CORE_ENVELOPE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/jtwice.h"
#include "catalog/tool.h"
#include "governor/governor.h"

/* Work that outlives its call; zeroed: there is none. */
struct envelope_job {
    enum op_job_status status;
    struct slice poll_id;
    long retry_after_s;       /* 0: none */
    struct slice instruction; /* for the model; empty: none */
};

struct envelope {
    struct slice resource, method, integration, request_id;
    int64_t wall_ms;
    bool pages;                        /* a list */
    size_t limit;                      /* with pages */
    struct slice next_cursor;          /* empty: the end */
    const struct jval *data;           /* JVAL_ARRAY of mapped records; NULL: not yet */
    const struct op_message *messages; /* what the ERP remarked on the success */
    size_t message_count;
    struct envelope_job job;
};

void envelope_write_data(struct jtwice *out, const struct envelope *envelope);

/* The member "details", of an error whose arguments are named as wrong. */
void envelope_write_details(struct jwriter *writer, const struct fault *fault);

/* `busy` (may be NULL): the counts that an account_busy carries; `job` (may be NULL):
 * the work that failed. */
void envelope_write_error(struct buf *out, const struct fault *fault,
                          struct slice request_id, const struct governor_view *busy,
                          const struct envelope_job *job);

#endif
