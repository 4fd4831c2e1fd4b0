/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser accepts can be written, read again, and is then the same value. */
#include <stddef.h>
#include <stdint.h>

#include "base/jval.h"
#include "base/jwriter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct jval *value = NULL, *back = NULL;
    size_t offset = 0;

    if (jval_parse(arena, slice_of((const char *)data, size), &value, &offset) ==
        ERR_OK) {
        struct buf text;
        struct jwriter writer;
        buf_init(&text,
                 size * 2 + 16); /* an escape is read in no shorter form than written */
        jwriter_init(&writer, &text);
        jwriter_value(&writer, value);
        REQUIRE(!buf_full(&text));
        REQUIRE(jval_parse(arena, buf_slice(&text), &back, NULL) == ERR_OK);
        REQUIRE(jval_equal(value, back) && jval_equal(back, value));
        buf_free(&text);
    } else {
        REQUIRE(value == NULL && offset <= size);
    }
    arena_free(arena);
    return 0;
}
