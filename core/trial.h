/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: tries an account's credential by the call that its integration names for that.
 * Owns: the account and the arena, which holds the trial and what its starter keeps beside
 * it: a transfer that nobody waits for outlives the exchange. Threads: the loop's. Errors:
 * handed to on_done. Start reading at: trial_start.
 */
#ifndef SLUICE_CORE_TRIAL_H
#define SLUICE_CORE_TRIAL_H

#include "core/op.h"

/* How far a trial came; nothing of what was said. */
struct trial_facts {
    bool token_failed; /* the ERP was not asked */
    bool is_for_proxy; /* that token was for the proxy before the ERP */
    bool is_locked;    /* nothing was sent: one more refusal may lock the user */
    bool is_looked_up; /* a destination's look-up failed, not the token for it */
    int token_status;  /* of the token host; 0: it did not answer */
    int status;        /* of the ERP's last answer, or its proxy's; 0: none */
    struct http_trace token, erp; /* their origin is empty where nothing was sent */
};

struct trial {
    struct arena *arena; /* the trial's own memory is in it */
    struct account *account;
    bool tries_now; /* core/standing.h */
    /* fault->err is ERR_OK when the ERP took the credential. */
    void (*on_done)(void *ctx, const struct fault *fault);
    void *ctx;
    struct trial_facts facts; /* once on_done came */
    struct op_run run;
    int holders;
};

/* In the memory of `arena`, zeroed but for it; the starter holds it once. */
void trial_init(struct trial *trial, struct arena *arena);
/* The operation by which an account is tried, zeroed before; what is called back, by whom it is
 * traced and whether it tries now is the caller's. Keeps `account` and `arena`. */
void trial_operation(struct op_run *run, struct account *account, struct arena *arena);
/* Once, with account, on_done and ctx set: on_done comes exactly once, perhaps before this
 * returns. */
void trial_start(struct trial *trial);
/* The starter is done with it. */
void trial_drop(struct trial *trial);

/* Whether the same values may well be taken at another time. */
bool trial_may_pass_later(enum err err);
/* When that is; in `arena`. */
struct slice trial_later_hint(struct arena *arena, const struct fault *fault);

#endif
