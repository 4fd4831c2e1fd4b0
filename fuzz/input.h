/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: an input of libFuzzer, taken apart: single bytes that choose, texts that end
 * at a zero byte, and the rest. Owns: nothing. Threads: one. Errors: none: what is not
 * there is zero or empty. Start reading at: input_of.
 */
#ifndef SLUICE_FUZZ_INPUT_H
#define SLUICE_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/require.h"
#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct slice input_of(const uint8_t *data, size_t size)
{
    return slice_of((const char *)data, size);
}

static inline unsigned input_byte(struct slice *input)
{
    if (input->len == 0) {
        return 0;
    }
    unsigned byte = (unsigned char)input->ptr[0];
    *input = slice_from(*input, 1);
    return byte;
}

/* Up to the next zero byte, or all. */
static inline struct slice input_text(struct slice *input)
{
    ptrdiff_t zero = slice_find(*input, '\0');
    struct slice text = zero < 0 ? *input : slice_of(input->ptr, (size_t)zero);

    *input = zero < 0 ? SLICE_EMPTY : slice_from(*input, (size_t)zero + 1);
    return text;
}

/* `part` points into `whole`, and stays there. */
static inline bool input_is_within(struct slice part, struct slice whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
                             part.ptr + part.len <= whole.ptr + whole.len);
}

#endif
