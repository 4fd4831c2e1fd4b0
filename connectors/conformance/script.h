/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a tool's behaviour as data, compiled out of a method's "upstream". Owns:
 * scripts live in the catalog's arena. Threads: read-only once compiled. Errors:
 * ERR_UNPROCESSABLE with the problem filled. Start reading at: struct script; the form
 * is described in README.md.
 */
#ifndef SLUICE_CONNECTORS_CONFORMANCE_SCRIPT_H
#define SLUICE_CONNECTORS_CONFORMANCE_SCRIPT_H

#include "catalog/tool.h"

/* Tell the progress, then wait. */
struct script_step {
    struct op_progress progress;
    int64_t wait_ms;
};

enum question_kind { QUESTION_FORM, QUESTION_URL, QUESTION_SAMPLING, QUESTION_ROOTS };

struct script_question {
    struct slice key;
    enum question_kind kind;
    const struct jval *request; /* as it is sent */
    const struct schema *form;  /* of QUESTION_FORM: what the answer has to fit */
    struct slice capability; /* asked only of clients that declare it; empty: of all */
};

struct script_round {
    const struct script_question *questions;
    size_t count;
};

/* Work that is asked for `running` times before it is over. */
struct script_job {
    bool starts, fails;
    long long running;
    long retry_after_s;
    const struct jval *record; /* with holes */
};

struct script {
    const struct jval *content; /* with holes; NULL: a job, or a tool that polls */
    enum err content_is;        /* the failure it tells of; ERR_OK: none */
    const struct script_step *steps;
    size_t step_count;
    const struct script_round *rounds;
    size_t round_count;
    bool keeps_state; /* where a conversation stands is sealed and comes back */
    struct script_job job;
};

MUST_USE enum err script_compile(struct arena *arena, const struct jval *upstream,
                                 const struct tool *tool, const struct script **out,
                                 struct schema_problem *problem);

#endif
