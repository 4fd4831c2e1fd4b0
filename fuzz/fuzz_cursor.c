/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text given back as a cursor: nobody without the key can make one, what was wrapped
 * comes back for its own bounds only, and no changed character is taken.
 */
#include <stddef.h>
#include <stdint.h>

#include "auth/vault.h"

static const char keys_json[] =
    "{\"signing_key\":"
    "\"0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9\","
    "\"vault_keys\":[{\"id\":\"k1\","
    "\"key\":\"ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\"}]}";

/* Lives as long as the fuzzer. */
static struct vault *begin(struct arena *arena)
{
    struct keys *keys = NULL;
    struct slice problem;

    REQUIRE(keys_parse(slice_str(keys_json), arena, &keys, &problem) == ERR_OK);
    return vault_new(keys);
}

static void try_changed(struct vault *vault, struct slice bound, struct slice text,
                        size_t at, char byte, struct arena *arena)
{
    struct slice plain;
    char *changed = arena_copy(arena, text);

    changed[at % text.len] = byte;
    enum err err =
        vault_unwrap(vault, bound, slice_of(changed, text.len), arena, &plain);
    REQUIRE(err == (byte == text.ptr[at % text.len] ? ERR_OK : ERR_INVALID_ARGUMENTS));
}

/* The input is parted into what a text is bound to and the text itself. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vault *vault;
    struct arena *arena = arena_new();
    struct slice input = slice_of((const char *)data, size), text, back;

    if (vault == NULL) {
        vault = begin(arena);
    }
    REQUIRE(vault_unwrap(vault, SLICE("mcp_a"), input, arena, &back) ==
            ERR_INVALID_ARGUMENTS);
    size_t part = size > 0 ? data[0] % size : 0;
    struct slice bound = slice_of(input.ptr, part), plain = slice_from(input, part);
    REQUIRE(vault_wrap(vault, bound, plain, arena, &text) == ERR_OK);
    REQUIRE(vault_unwrap(vault, bound, text, arena, &back) == ERR_OK);
    REQUIRE(slice_eq(plain, back));
    struct slice other = arena_printf(arena, "%.*s.", SLICE_ARG(bound));
    REQUIRE(vault_unwrap(vault, other, text, arena, &back) == ERR_INVALID_ARGUMENTS);
    REQUIRE(vault_unwrap(vault, bound, slice_of(text.ptr, text.len - 1), arena,
                         &back) == ERR_INVALID_ARGUMENTS);
    if (size >= 3) {
        try_changed(vault, bound, text, (size_t)data[1] * 256 + data[2], (char)data[0],
                    arena);
    }
    arena_free(arena);
    return 0;
}
