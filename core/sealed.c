/* SPDX-License-Identifier: Apache-2.0 */
/* The plain text is "<expiry in ms> <words>". */
#include "core/sealed.h"

#include "base/limits.h"

/* Each part carries its length, so that no two bindings share a text. */
static struct slice bound_text(const struct sealed_binding *binding,
                               struct arena *arena)
{
    struct slice arguments =
        binding->split != NULL ? split_canonical(binding->split, arena) : SLICE_EMPTY;
    return arena_printf(arena, "%s 1 %zu:%.*s %zu:%.*s %zu:%.*s", binding->purpose,
                        binding->server.len, SLICE_ARG(binding->server),
                        binding->tool.len, SLICE_ARG(binding->tool), arguments.len,
                        SLICE_ARG(arguments));
}

enum err sealed_put(struct vault *vault, const struct sealed_binding *binding,
                    int64_t life_ms, struct slice words, struct arena *arena,
                    struct slice *text)
{
    int64_t until_ms = binding->now_ms + life_ms;
    struct slice plain =
        arena_printf(arena, "%lld %.*s", (long long)until_ms, SLICE_ARG(words));
    enum err err = vault_wrap(vault, bound_text(binding, arena), plain, arena, text);
    return err == ERR_OK && text->len > LIMIT_SEALED_BYTES ? ERR_TOO_LARGE : err;
}

enum err sealed_open(struct vault *vault, const struct sealed_binding *binding,
                     struct slice text, struct arena *arena, struct slice *words)
{
    struct slice plain;
    unsigned long long until = 0;
    enum err err = vault_unwrap(vault, bound_text(binding, arena), text, arena, &plain);
    if (err != ERR_OK) {
        return err;
    }
    ptrdiff_t space = slice_find(plain, ' ');
    if (space < 0 || !slice_to_u64(slice_of(plain.ptr, (size_t)space), &until)) {
        return ERR_INVALID_ARGUMENTS;
    }
    if ((long long)until <= binding->now_ms) {
        return ERR_TIMEOUT;
    }
    *words = slice_from(plain, (size_t)space + 1);
    return ERR_OK;
}
