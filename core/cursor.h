/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: where a list goes on, sealed: bound to MCP server, tool and all arguments
 * but limit, good for 24 hours. Owns: nothing. Threads: the loop's. Errors:
 * ERR_INVALID_ARGUMENTS, with a detail at /next_cursor, for anything else. Start
 * reading at: cursor_seal.
 */
#ifndef SLUICE_CORE_CURSOR_H
#define SLUICE_CORE_CURSOR_H

#include "core/sealed.h"

#define CURSOR_PURPOSE "cursor"

MUST_USE enum err cursor_seal(struct vault *vault, const struct sealed_binding *binding,
                              struct slice page, struct arena *arena,
                              struct slice *text);
MUST_USE enum err cursor_open(struct vault *vault, const struct sealed_binding *binding,
                              struct slice text, struct arena *arena,
                              struct slice *page, struct fault *fault);

#endif
