/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders and strict decoders; each decoder accepts exactly one text per byte string.
 */
#include "base/text.h"

#include <stdint.h>

#include "base/secret.h"

static const char hex_digits[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";
static const char base64_common[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char id_digits[] = "abcdefghijklmnopqrstuvwxyz234567";

struct slice text_hex(struct arena *arena, struct slice bytes)
{
    char *out = arena_array(arena, bytes.len + 1, 2);

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        out[2 * i] = hex_digits[byte >> 4];
        out[2 * i + 1] = hex_digits[byte & 15];
    }
    return slice_of(out, bytes.len * 2);
}

/* 0 to 15, or -1. */
static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

/* The byte that two digits stand for, or -1. */
static int hex_byte(const char *digits)
{
    int high = hex_value(digits[0]);
    int low = hex_value(digits[1]);

    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool text_unhex(struct arena *arena, struct slice text, struct slice *bytes)
{
    if (text.len % 2 != 0) {
        return false;
    }
    char *out = arena_alloc(arena, text.len / 2 + 1);
    for (size_t i = 0; i < text.len / 2; i++) {
        int byte = hex_byte(text.ptr + 2 * i);
        if (byte < 0) {
            return false;
        }
        out[i] = (char)byte;
    }
    *bytes = slice_of(out, text.len / 2);
    return true;
}

static char base64_digit(unsigned value, const char last[2])
{
    return value < 62 ? base64_common[value] : last[value - 62];
}

/* Writes without padding; `last` holds the digits 62 and 63. */
static size_t base64_encode(struct slice bytes, const char last[2], char *out)
{
    size_t at = 0;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i < 3 ? bytes.len - i : 3;
        unsigned group = 0;
        for (size_t k = 0; k < 3; k++) {
            group = group << 8 | (k < left ? (unsigned char)bytes.ptr[i + k] : 0u);
        }
        for (size_t k = 0; k <= left; k++) {
            out[at++] = base64_digit(group >> (18 - 6 * k) & 63, last);
        }
    }
    return at;
}

/* 0 to 63, or -1. */
static int base64_value(char digit, const char last[2])
{
    if (digit >= 'A' && digit <= 'Z') {
        return digit - 'A';
    }
    if (digit >= 'a' && digit <= 'z') {
        return digit - 'a' + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return digit - '0' + 52;
    }
    if (digit == last[0]) {
        return 62;
    }
    return digit == last[1] ? 63 : -1;
}

/* `text` carries no padding any more. Bits left over at the end have to be zero. */
static bool base64_decode(struct arena *arena, struct slice text, const char last[2],
                          struct slice *bytes)
{
    unsigned held = 0, bits = 0;
    size_t at = 0;

    if (text.len % 4 == 1) {
        return false;
    }
    char *out = arena_alloc(arena, text.len / 4 * 3 + 3);
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.ptr[i], last);
        if (value < 0) {
            return false;
        }
        held = (held << 6 | (unsigned)value) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[at++] = (char)(unsigned char)(held >> bits & 0xff);
        }
    }
    if ((held & ((1u << bits) - 1)) != 0) {
        return false;
    }
    *bytes = slice_of(out, at);
    return true;
}

struct slice text_base64(struct arena *arena, struct slice bytes)
{
    char *out = arena_array(arena, bytes.len / 3 + 2, 4);
    size_t len = base64_encode(bytes, "+/", out);

    while (len % 4 != 0) {
        out[len++] = '=';
    }
    return slice_of(out, len);
}

bool text_unbase64(struct arena *arena, struct slice text, struct slice *bytes)
{
    if (text.len % 4 != 0) {
        return false;
    }
    for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++) {
        text.len--;
    }
    return base64_decode(arena, text, "+/", bytes);
}

struct slice text_base64url(struct arena *arena, struct slice bytes)
{
    char *out = arena_array(arena, bytes.len / 3 + 2, 4);

    return slice_of(out, base64_encode(bytes, "-_", out));
}

bool text_unbase64url(struct arena *arena, struct slice text, struct slice *bytes)
{
    return base64_decode(arena, text, "-_", bytes);
}

/* RFC 3986 section 2.3. */
static const bool unreserved[256] = {
    ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true,
    ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true, ['A'] = true, ['B'] = true,
    ['C'] = true, ['D'] = true, ['E'] = true, ['F'] = true, ['G'] = true, ['H'] = true,
    ['I'] = true, ['J'] = true, ['K'] = true, ['L'] = true, ['M'] = true, ['N'] = true,
    ['O'] = true, ['P'] = true, ['Q'] = true, ['R'] = true, ['S'] = true, ['T'] = true,
    ['U'] = true, ['V'] = true, ['W'] = true, ['X'] = true, ['Y'] = true, ['Z'] = true,
    ['a'] = true, ['b'] = true, ['c'] = true, ['d'] = true, ['e'] = true, ['f'] = true,
    ['g'] = true, ['h'] = true, ['i'] = true, ['j'] = true, ['k'] = true, ['l'] = true,
    ['m'] = true, ['n'] = true, ['o'] = true, ['p'] = true, ['q'] = true, ['r'] = true,
    ['s'] = true, ['t'] = true, ['u'] = true, ['v'] = true, ['w'] = true, ['x'] = true,
    ['y'] = true, ['z'] = true, ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true,
};

static size_t percent_bytes(struct slice bytes)
{
    size_t len = bytes.len;

    for (size_t i = 0; i < bytes.len; i++) {
        len += unreserved[(unsigned char)bytes.ptr[i]] ? 0 : 2;
    }
    return len;
}

/* Into `len` bytes, which percent_bytes said. */
static void percent_encode(struct slice bytes, char *out, size_t len)
{
    if (len == bytes.len) { /* most names and values of a signature */
        slice_copy(out, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        if (unreserved[byte]) {
            *out++ = (char)byte;
            continue;
        }
        *out++ = '%';
        *out++ = hex_upper[byte >> 4];
        *out++ = hex_upper[byte & 15];
    }
}

bool text_percent(struct buf *out, struct slice bytes)
{
    size_t len = percent_bytes(bytes);
    char *room = buf_reserve(out, len);

    if (room == NULL) {
        return false;
    }
    percent_encode(bytes, room, len);
    buf_commit(out, len);
    return true;
}

struct slice text_percent_arena(struct arena *arena, struct slice bytes)
{
    size_t len = percent_bytes(bytes);
    char *out = arena_alloc(arena, len + 1);

    percent_encode(bytes, out, len);
    return slice_of(out, len);
}

bool text_unpercent(struct arena *arena, struct slice text, struct slice *bytes)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t at = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '%') {
            out[at++] = text.ptr[i];
            continue;
        }
        int byte = text.len - i >= 3 ? hex_byte(text.ptr + i + 1) : -1;
        if (byte < 0) {
            return false;
        }
        out[at++] = (char)byte;
        i += 2;
    }
    *bytes = slice_of(out, at);
    return true;
}

/*
 * Bytes of the sequence at `p`, or 0 when it is cut or wrong. The second byte's range
 * depends on the first: it keeps out overlong forms, surrogates and what lies past
 * U+10FFFF.
 */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    size_t bytes = 0;
    unsigned char low = 0x80, high = 0xbf;

    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        bytes = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        bytes = 3;
        low = p[0] == 0xe0 ? 0xa0 : 0x80;
        high = p[0] == 0xed ? 0x9f : 0xbf;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        bytes = 4;
        low = p[0] == 0xf0 ? 0x90 : 0x80;
        high = p[0] == 0xf4 ? 0x8f : 0xbf;
    }
    if (bytes == 0 || bytes > left || p[1] < low || p[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < bytes; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return bytes;
}

size_t text_utf8_prefix(struct slice bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t at = 0;

    while (at < bytes.len) {
        uint64_t word, block[4];
        while (bytes.len - at >= sizeof(block)) {
            memcpy(block, p + at, sizeof(block));
            if (((block[0] | block[1] | block[2] | block[3]) & 0x8080808080808080u) !=
                0) {
                break;
            }
            at += sizeof(block);
        }
        while (bytes.len - at >= sizeof(word)) {
            memcpy(&word, p + at, sizeof(word));
            if ((word & 0x8080808080808080u) != 0) {
                break;
            }
            at += sizeof(word);
        }
        if (at == bytes.len) {
            break;
        }
        size_t step = utf8_sequence(p + at, bytes.len - at);
        if (step == 0) {
            break;
        }
        at += step;
    }
    return at;
}

bool text_is_utf8(struct slice bytes)
{
    return text_utf8_prefix(bytes) == bytes.len;
}

static struct slice id_of(struct arena *arena, const char *prefix,
                          const unsigned char random[TEXT_ID_BYTES])
{
    size_t len = strlen(prefix);
    char *out = arena_alloc(arena, len + TEXT_ID_BYTES + 1);

    memcpy(out, prefix, len);
    for (size_t i = 0; i < TEXT_ID_BYTES; i++) {
        out[len + i] = id_digits[random[i] & 31];
    }
    return slice_of(out, len + TEXT_ID_BYTES);
}

struct slice text_new_id(struct arena *arena, const char *prefix)
{
    unsigned char random[TEXT_ID_BYTES];

    random_bytes(random, sizeof(random));
    return id_of(arena, prefix, random);
}

struct slice text_new_id_from(struct random_stock *stock, struct arena *arena,
                              const char *prefix)
{
    unsigned char random[TEXT_ID_BYTES];

    random_take(stock, random, sizeof(random));
    return id_of(arena, prefix, random);
}

/* ---- Text that may be shown ---- */

/* How many bytes the character takes that begins with `lead`. */
static size_t character_bytes(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static bool is_control(const char *at)
{
    unsigned char c = (unsigned char)at[0];

    return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)at[1] < 0xa0);
}

struct slice text_clean(struct arena *arena, struct slice text, size_t max)
{
    char *out = arena_alloc(arena, (text.len < max ? text.len : max) + 1);
    size_t len = 0, i = 0;

    while (i < text.len) {
        size_t bytes = character_bytes((unsigned char)text.ptr[i]);
        if (bytes > text.len - i || len + bytes > max) {
            break;
        }
        if (is_control(text.ptr + i)) {
            out[len++] = ' ';
        } else {
            memcpy(out + len, text.ptr + i, bytes);
            len += bytes;
        }
        i += bytes;
    }
    return slice_of(out, len);
}

struct slice text_visible(struct arena *arena, struct slice text, size_t max)
{
    char *out = arena_alloc(arena, (text.len < max ? text.len : max) + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len && len < max; i++) {
        if (text.ptr[i] > 0x20 && text.ptr[i] < 0x7f) {
            out[len++] = text.ptr[i];
        }
    }
    return slice_of(out, len);
}

struct slice text_pointer(struct arena *arena, struct slice base, struct slice member)
{
    char *out = arena_array(arena, base.len + 2 * member.len + 1, 1);
    size_t len = base.len;

    slice_copy(out, base);
    out[len++] = '/';
    for (size_t i = 0; i < member.len; i++) {
        char c = member.ptr[i];
        if (c == '~' || c == '/') {
            out[len++] = '~';
            c = c == '~' ? '0' : '1';
        }
        out[len++] = c;
    }
    return slice_of(out, len);
}
