/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what jwriter.c and jtwice.c share: which bytes a JSON string cannot simply hold, and
 *          plain text copied at the pace of memcpy.
 * Owns: nothing.  Threads: any.  Errors: those of jwriter.h.
 * Start reading at: copy_if_plain.
 */
#ifndef SLUICE_BASE_JWRITER_PRIVATE_H
#define SLUICE_BASE_JWRITER_PRIVATE_H

#include "base/jwriter.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Bytes that a string may not simply hold, and those past ASCII, which have to be
 * UTF-8. */
static inline bool is_special(unsigned char byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0x80;
}

/* The top bit of the first special byte of eight, in the order of memory of a little
 * endian machine; what stands above that bit means nothing. 0: none is special. */
static inline uint64_t special_bits(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t quote = word ^ ones * '"';
    uint64_t escape = word ^ ones * '\\';

    return ((quote - ones) | (escape - ones) | (word - ones * 0x20) | word) &
           ones * 0x80;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The last one to seven bytes, with dashes behind them. */
static inline uint64_t load_tail(const char *in, size_t left)
{
    const uint64_t dashes = 0x2d2d2d2d2d2d2d2du;
    uint64_t word = 0;

    if (left >= 4) {
        uint32_t first, last; /* they may overlap */
        memcpy(&first, in, sizeof(first));
        memcpy(&last, in + left - 4, sizeof(last));
        word = first | (uint64_t)last << (left - 4) * 8;
    } else {
        word = (uint64_t)(unsigned char)in[0] |
               (uint64_t)(unsigned char)in[left / 2] << left / 2 * 8 |
               (uint64_t)(unsigned char)in[left - 1] << (left - 1) * 8;
    }
    return word | dashes << left * 8;
}

#endif

#ifdef __SSE2__
#define BLOCK sizeof(__m128i)

static inline __m128i load_block(const char *from)
{
    return _mm_loadu_si128((const void *)from);
}

/* Whether one of 16 bytes is special. Signed: what is past ASCII is below the blank. */
static inline bool has_special(__m128i bytes)
{
    __m128i special =
        _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
                     _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                  _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
    return _mm_movemask_epi8(special) != 0;
}

/* Copies the text while it is plain; there is room for eight bytes more than it has. The
 * last block, or the last word, may overlap the one before it: no rest goes byte by byte. */
static inline bool copy_if_plain(struct slice text, char *at)
{
    const int64_t dashes = 0x2d2d2d2d2d2d2d2d;

    if (text.len >= BLOCK) {
        size_t last = text.len - BLOCK;
        for (size_t i = 0; i < last; i += BLOCK) {
            __m128i bytes = load_block(text.ptr + i);
            _mm_storeu_si128((void *)(at + i), bytes);
            if (has_special(bytes)) {
                return false;
            }
        }
        __m128i bytes = load_block(text.ptr + last);
        _mm_storeu_si128((void *)(at + last), bytes);
        return !has_special(bytes);
    }
    if (text.len >= sizeof(int64_t)) {
        int64_t first, last;
        memcpy(&first, text.ptr, sizeof(first));
        memcpy(&last, text.ptr + text.len - sizeof(last), sizeof(last));
        memcpy(at, &first, sizeof(first));
        memcpy(at + text.len - sizeof(last), &last, sizeof(last));
        return !has_special(_mm_set_epi64x(last, first));
    }
    if (text.len == 0) {
        return true;
    }
    uint64_t word = load_tail(text.ptr, text.len);
    memcpy(at, &word, sizeof(word));
    return !has_special(_mm_set_epi64x(dashes, (int64_t)word));
}
#else
static inline bool copy_if_plain(struct slice text, char *at)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_special((unsigned char)text.ptr[i])) {
            return false;
        }
        at[i] = text.ptr[i];
    }
    return true;
}
#endif

/* The text in quotes; `before` and `after` are a mark beside them, or NUL for none. */
void jwriter_put_string(struct buf *out, char before, struct slice text, char after);

#endif
