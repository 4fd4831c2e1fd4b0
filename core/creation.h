/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a login on its way into the store: tried at its ERP first, so that a wrong value
 * is found by the person who typed it, then stored in one transaction. Owns: the trial, until
 * on_done; it outlives whoever asked for it. Threads: the loop's. Errors: in
 * creation_end.fault. Start reading at: creation_start. For new accounts and for those that
 * are connected again, by the management API and by the pages for people.
 */
#ifndef SLUICE_CORE_CREATION_H
#define SLUICE_CORE_CREATION_H

#include "auth/outbound.h"
#include "auth/token_answer.h"
#include "core/gateway.h"
#include "core/trial.h"

struct creation_end {
    const struct fault *fault; /* err ERR_OK: stored */
    bool refused; /* the ERP was asked and did not take it, or could not be asked */
    const struct trial_facts *tried;    /* how far it came; lent likewise */
    const struct store_account *record; /* as it was stored; lent during the call */
};

struct creation_order {
    /* As it is to be stored. `version` 0: a new account. Else one that is there and gets
     * another login; what else has changed meanwhile stays. */
    struct store_account record;
    const struct jval *auth; /* checked */
    const struct outbound_scheme *scheme;
    const struct token_answer *grant; /* the tokens of a consent; NULL: none */
    /* Adds to the transaction that stores it; NULL: nothing. May come more than once. */
    void (*put)(void *ctx, struct store_batch *batch,
                const struct store_account *record);
    bool untried;   /* store it as it is */
    bool tries_now; /* core/standing.h */
    /* Exactly once, possibly before creation_start has returned. */
    void (*on_done)(void *ctx, const struct creation_end *end);
    void *ctx;
};

/* The record's and auth's texts are lent until on_done; the grant's are copied. */
void creation_start(struct gateway *gateway, const struct creation_order *order);

#endif
