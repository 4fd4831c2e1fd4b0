/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what op.c leaves to its neighbours: the words of a failure, which login signs, and
 * what an answer says of it. Owns: nothing; texts that are made live in op.arena. Threads: the
 * loop's. Errors: none. Start reading at: core/op.c.
 */
#ifndef SLUICE_CORE_OP_PRIVATE_H
#define SLUICE_CORE_OP_PRIVATE_H

#include "core/op.h"

/* ---- op_fault.c: each fills run->op.fault ---- */

void op_token_fault(struct op_run *run, const struct token_outcome *outcome);
void op_busy_fault(struct op_run *run, const char *message);
/* The line refused, or the wait in it was in vain; what for is the ticket's. */
void op_line_fault(struct op_run *run, enum governor_decision decision);
void op_stopping_fault(struct op_run *run);
void op_transfer_fault(struct op_run *run, const struct http_outcome *outcome);

/* ---- op_login.c ---- */

/* ->signer: the account as it is now, held. */
void op_renew_signer(struct op_run *run);
/* ->login as it is now, and whether it may be used; false: op.fault says why not. */
MUST_USE bool op_take_login(struct op_run *run);
/* The line was ended for another login of the account: this one stands in it again. */
bool op_is_of_another_login(struct op_run *run);

/* The token host's word is against the client, not against this request. */
bool op_is_against_client(const struct token_outcome *outcome);
/* Its login is tried, and nobody else tries it now. False: somebody does; ->turn.on_settled
 * comes. */
bool op_take_turn(struct op_run *run);
/* What that one heard, of the login that this run waited with; false: it holds for this one,
 * as ->op.fault says. */
bool op_hear_turn(struct op_run *run, const struct credential *tried,
                  enum login_word word);
void op_leave_turn(struct op_run *run, enum login_word word);
/* Without a word, and the next request has to take one anew. */
void op_lose_turn(struct op_run *run);
/* Tells the account's standing what the ERP's answer shows of the login; of a refused one the
 * fault then says why. */
void op_judge_login(struct op_run *run, const struct http_reply *reply);

#endif
