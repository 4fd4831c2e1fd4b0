/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the beginning of TLS: at once, in pieces or one by one they are the same,
 * and what is let through announces no message above the ceiling. Byte 0 chooses the cut. */
#include "fuzz/input.h"

#include "base/arena.h"
#include "io/tls_hello.h"

static enum tls_hello_kind in_pieces(struct slice bytes, size_t piece)
{
    struct tls_hello hello = {.has_begun = false};
    enum tls_hello_kind kind = TLS_HELLO_GOOD;

    while (bytes.len > 0 && kind == TLS_HELLO_GOOD) {
        size_t len = piece < bytes.len ? piece : bytes.len;
        kind = tls_hello_look(&hello, slice_of(bytes.ptr, len));
        bytes = slice_from(bytes, len);
    }
    return kind;
}

/* The handshake's bytes of all records, one behind the other. */
static struct slice content_of(struct arena *arena, struct slice bytes)
{
    char *out = arena_alloc(arena, bytes.len + 1);
    size_t len = 0;

    while (bytes.len >= 5) {
        size_t record =
            (size_t)(unsigned char)bytes.ptr[3] << 8 | (unsigned char)bytes.ptr[4];
        bool is_handshake = bytes.ptr[0] == 22;
        bytes = slice_from(bytes, 5);
        size_t take = record < bytes.len ? record : bytes.len;
        if (is_handshake && take > 0) {
            memcpy(out + len, bytes.ptr, take);
            len += take;
        }
        bytes = slice_from(bytes, take);
    }
    return slice_of(out, len);
}

static bool announces_too_much(struct slice content)
{
    while (content.len >= 4) {
        const unsigned char *at = (const unsigned char *)content.ptr;
        size_t message = (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (message > TLS_HELLO_BYTES) {
            return true;
        }
        content = slice_from(content, 4);
        content = slice_from(content, message < content.len ? message : content.len);
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    size_t piece = input_byte(&input) % 16 + 1;
    enum tls_hello_kind kind = in_pieces(input, input.len + 1);

    REQUIRE(in_pieces(input, 1) == kind && in_pieces(input, piece) == kind);
    if (input.len == 0) {
        return 0;
    }
    bool is_tls = input.ptr[0] == 22;
    REQUIRE(is_tls == (kind == TLS_HELLO_GOOD || kind == TLS_HELLO_LARGE));
    if (is_tls) {
        struct arena *arena = arena_new();
        bool too_much = announces_too_much(content_of(arena, input));
        REQUIRE(too_much == (kind == TLS_HELLO_LARGE));
        arena_free(arena);
    }
    return 0;
}
