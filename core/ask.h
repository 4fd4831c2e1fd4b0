/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: questions to the client in the middle of a call (MCP "input required"): what
 * it has to have declared for them, and the state that comes back with its answers.
 * Owns: nothing. Threads: the loop's. Errors: in the fault. Start reading at:
 * ask_check. The state is sealed for MCP server, tool and arguments, for an hour.
 */
#ifndef SLUICE_CORE_ASK_H
#define SLUICE_CORE_ASK_H

#include "core/sealed.h"

#define ASK_PURPOSE "request state"

/*
 * Whether a client with these capabilities may be asked these questions (an object of
 * MCP input requests). ERR_CAPABILITY: *missing is an object of what it did not declare.
 */
MUST_USE enum err ask_check(const struct jval *questions,
                            const struct jval *capabilities, struct arena *arena,
                            const struct jval **missing);

/* What of `needs` (an object of capabilities) is not in `declared`; NULL: nothing. */
const struct jval *ask_missing(const struct jval *needs, const struct jval *declared,
                               struct arena *arena);

/*
 * The one question of an account that a person has to connect again: will they open that page
 * (MCP elicitation in URL mode)? NULL when the client cannot be asked that, or has declined.
 * `responses`: what it answered so far, or NULL.
 */
const struct jval *ask_reauth(struct slice url, const struct jval *capabilities,
                              const struct jval *responses, struct arena *arena);

MUST_USE enum err ask_seal(struct vault *vault, const struct sealed_binding *binding,
                           struct slice words, struct arena *arena, struct slice *text);
/* ERR_UNPROCESSABLE for a state that was not given for this call. */
MUST_USE enum err ask_open(struct vault *vault, const struct sealed_binding *binding,
                           const struct jval *state, struct arena *arena,
                           struct slice *words, struct fault *fault);

#endif
