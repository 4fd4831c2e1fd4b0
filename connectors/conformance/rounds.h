/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a conversation with the client in the middle of a tool call: rounds of
 * questions, the answers judged and kept. Owns: nothing. Threads: any. Errors: none:
 * an answer that does not fit is asked for again. Start reading at: rounds_go.
 */
#ifndef SLUICE_CONNECTORS_CONFORMANCE_ROUNDS_H
#define SLUICE_CONNECTORS_CONFORMANCE_ROUNDS_H

#include "connectors/conformance/script.h"

enum rounds_end {
    ROUNDS_ASK,      /* op->result has the questions */
    ROUNDS_OVER,     /* *responses holds every answer, by key */
    ROUNDS_DECLINED, /* the user said no */
    ROUNDS_TOO_MUCH  /* the answers are larger than a state may be */
};

enum rounds_end rounds_go(struct op *op, const struct script *script,
                          const struct jval **responses);

#endif
