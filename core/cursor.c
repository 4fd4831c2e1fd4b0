/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed cursors; the words are the connector's page. */
#include "core/cursor.h"

#define CURSOR_LIFE_MS (24LL * 60 * 60 * 1000)

enum err cursor_seal(struct vault *vault, const struct sealed_binding *binding,
                     struct slice page, struct arena *arena, struct slice *text)
{
    return sealed_put(vault, binding, CURSOR_LIFE_MS, page, arena, text);
}

static enum err refuse(struct arena *arena, struct fault *fault, struct slice message)
{
    fault->err = ERR_INVALID_ARGUMENTS;
    fault->details = arena_alloc(arena, sizeof *fault->details);
    fault->details[0].pointer = SLICE("/next_cursor");
    fault->details[0].message = message;
    fault->detail_count = 1;
    fault->message = arena_printf(arena, "/next_cursor: %.*s", SLICE_ARG(message));
    fault->hint = SLICE("Call again without next_cursor to start at the first page.");
    return ERR_INVALID_ARGUMENTS;
}

enum err cursor_open(struct vault *vault, const struct sealed_binding *binding,
                     struct slice text, struct arena *arena, struct slice *page,
                     struct fault *fault)
{
    enum err err = sealed_open(vault, binding, text, arena, page);
    if (err == ERR_INVALID_ARGUMENTS) {
        return refuse(
            arena, fault,
            SLICE("is not the cursor that the last page of this tool with these "
                  "arguments gave"));
    }
    if (err == ERR_TIMEOUT) {
        return refuse(arena, fault, SLICE("is older than 24 hours"));
    }
    fault->err = err;
    return err;
}
