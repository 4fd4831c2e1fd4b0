/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: how an account stands with its ERP: on trial until its login has worked, proven,
 * or in need of a person who connects it again. Owns: the account's state, in memory and in
 * the store; nobody else changes it but the management API, which stores a new record.
 * Threads: the loop's. Errors: none; what cannot be stored is logged. Start reading at:
 * standing_refuse.
 *
 * ERPs lock a user after five refused logins (NetSuite for 30 minutes). So with a scheme
 * that works with a password of some kind one call goes first, after a start, a change of
 * the credentials and ten idle minutes; if it is refused, nothing more is sent. A login that
 * has just worked may be refused by an ERP in trouble: then too one call goes at a time, and
 * after the third refusal in a row none.
 */
#ifndef SLUICE_CORE_STANDING_H
#define SLUICE_CORE_STANDING_H

#include "core/accounts.h"

/* An account that was just built. */
void standing_begin(struct account *account);
/* The same account built anew: what `before` showed of logins that are still its own. */
void standing_inherit(struct account *account, const struct account *before,
                      enum login_change change);
/* The same account taken out again: its login worked then. Before anybody was told of it. */
void standing_recall(struct account *account, int64_t worked_us);
/* A call is about to stand in line: puts an account on trial that has long been idle. */
void standing_call(struct account *account);
/* Its ceiling as it stands: 1 on trial. */
int standing_ceiling(const struct account *account);

/* The ERP took the login; `proves`: and did what it was asked to, so the account belongs on
 * the lane it says. */
void standing_worked(struct account *account, bool proves);
/* The ERP refused the login. */
void standing_refuse(struct account *account);
/* The same of one that stands by. */
void standing_refuse_standby(struct account *account, struct slice scheme);
/* The token host refused the account's grant, or there is none: somebody has to consent. */
void standing_end_grant(struct accounts *accounts, struct slice id);

/* It was switched off, which is stored: those in line are told. */
void standing_disable(struct accounts *accounts, struct slice id);

/* Nothing may be sent: it is switched off, or a person has to connect it again. */
bool standing_is_closed(const struct account *account);
/* A person has to connect it again. */
bool standing_needs_reauth(const struct account *account);
/* What a caller is told then, with where to go; strings live in `arena`. `skew_ms`: how far
 * the ERP's clock is ahead, where it was measured. */
void standing_fault(const struct account *account, int64_t skew_ms, struct arena *arena,
                    struct fault *fault);

#endif
