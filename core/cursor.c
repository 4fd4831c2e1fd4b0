/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed cursors. The plain text is "<expiry in ms> <page>"; the page is the
 * connector's words. */
#include "core/cursor.h"

#define CURSOR_LIFE_MS (24LL * 60 * 60 * 1000)

/* Each part carries its length, so that no two bindings share a text. */
static struct slice bound_text(const struct cursor_binding *binding,
                               struct arena *arena)
{
    struct slice arguments = split_canonical(binding->split, arena);
    struct slice name = binding->tool->name;
    return arena_printf(arena, "cursor 1 %zu:%.*s %zu:%.*s %zu:%.*s",
                        binding->server.len, SLICE_ARG(binding->server), name.len,
                        SLICE_ARG(name), arguments.len, SLICE_ARG(arguments));
}

enum err cursor_seal(struct vault *vault, const struct cursor_binding *binding,
                     struct slice page, struct arena *arena, struct slice *text)
{
    struct slice plain =
        arena_printf(arena, "%lld %.*s", (long long)binding->now_ms + CURSOR_LIFE_MS,
                     SLICE_ARG(page));
    return vault_wrap(vault, bound_text(binding, arena), plain, arena, text);
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

enum err cursor_open(struct vault *vault, const struct cursor_binding *binding,
                     struct slice text, struct arena *arena, struct slice *page,
                     struct fault *fault)
{
    struct slice plain;
    enum err err = vault_unwrap(vault, bound_text(binding, arena), text, arena, &plain);
    if (err == ERR_INVALID_ARGUMENTS) {
        return refuse(
            arena, fault,
            SLICE("is not the cursor that the last page of this tool with these "
                  "arguments gave"));
    }
    if (err != ERR_OK) {
        fault->err = err;
        return err;
    }
    ptrdiff_t space = slice_find(plain, ' ');
    unsigned long long until = 0;
    if (space < 0 || !slice_to_u64(slice_of(plain.ptr, (size_t)space), &until)) {
        return refuse(arena, fault, SLICE("cannot be read"));
    }
    if ((long long)until <= binding->now_ms) {
        return refuse(arena, fault, SLICE("is older than 24 hours"));
    }
    *page = slice_from(plain, (size_t)space + 1);
    return ERR_OK;
}
