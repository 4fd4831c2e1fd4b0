/* SPDX-License-Identifier: Apache-2.0 */
/* The encodings of the wire: what is written is read back, what is read is the only
 * spelling of it, and nothing grows past its measure. */
#include "fuzz/input.h"

#include "base/text.h"

typedef struct slice (*write_fn)(struct arena *arena, struct slice bytes);
typedef bool (*read_fn)(struct arena *arena, struct slice text, struct slice *bytes);

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

static void there_and_back(struct arena *arena, struct slice bytes, write_fn write,
                           read_fn read, size_t most)
{
    struct slice text = write(arena, bytes), back = SLICE_EMPTY;

    REQUIRE(text.len <= most && is_plain(text));
    REQUIRE(read(arena, text, &back) && slice_eq(back, bytes));
}

/* A reader that takes two spellings of one value lets a check be passed by. */
static void is_only_spelling(struct arena *arena, struct slice text, write_fn write,
                             read_fn read)
{
    struct slice bytes = SLICE_EMPTY;

    if (read(arena, text, &bytes)) {
        REQUIRE(slice_eq(write(arena, bytes), text));
    }
}

/* RFC 3629, read from its table once more. */
static size_t sequence_bytes(const unsigned char *at, size_t left)
{
    static const struct {
        unsigned char low, high, second_low, second_high;
        size_t bytes;
    } forms[] = {{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2},
                 {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                 {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
                 {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
                 {0xf4, 0xf4, 0x80, 0x8f, 4}};

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (at[0] < forms[i].low || at[0] > forms[i].high || forms[i].bytes > left) {
            continue;
        }
        size_t n = 1;
        while (n < forms[i].bytes && at[n] >= (n == 1 ? forms[i].second_low : 0x80) &&
               at[n] <= (n == 1 ? forms[i].second_high : 0xbf)) {
            n++;
        }
        return n == forms[i].bytes ? n : 0;
    }
    return 0;
}

static void check_utf8(struct slice text)
{
    size_t at = 0, step = 1;

    while (at < text.len && step > 0) {
        step = sequence_bytes((const unsigned char *)text.ptr + at, text.len - at);
        at += step;
    }
    REQUIRE(text_utf8_prefix(text) == at);
    REQUIRE(text_is_utf8(text) == (at == text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size), plain = SLICE_EMPTY;
    struct arena *arena = arena_new();

    there_and_back(arena, input, text_hex, text_unhex, size * 2);
    there_and_back(arena, input, text_base64, text_unbase64, (size + 2) / 3 * 4);
    there_and_back(arena, input, text_base64url, text_unbase64url, (size + 2) / 3 * 4);
    there_and_back(arena, input, text_percent_arena, text_unpercent, size * 3);
    is_only_spelling(arena, input, text_base64, text_unbase64);
    is_only_spelling(arena, input, text_base64url, text_unbase64url);
    if (text_unpercent(arena, input, &plain)) {
        REQUIRE(plain.len <= size);
    }
    if (text_unhex(arena, input, &plain)) {
        REQUIRE(slice_eq_nocase(text_hex(arena, plain), input));
    }
    check_utf8(input);
    arena_free(arena);
    return 0;
}
