/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parser accepts can be written, read again, and is then the same value; written twice
 * it is the same text, and that text escaped. Behind a name with an escape the parser expects no
 * names, and reads all the same.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/jtwice.h"
#include "base/jval.h"

static void check_twice(const struct jval *value, struct slice text)
{
    struct jtwice twice;
    struct jwriter writer;
    struct buf quoted;

    buf_init(&quoted, 2 * text.len + 16);
    REQUIRE(jwriter_escape(&quoted, text));
    jtwice_init(&twice, text.len, quoted.len);
    jwriter_init(&writer, &twice.plain);
    jtwice_value(&twice, &writer, value);
    REQUIRE(!buf_full(&twice.plain));
    REQUIRE(slice_eq(buf_slice(&twice.plain), text));
    REQUIRE(slice_eq(jtwice_quoted(&twice), buf_slice(&quoted)));
    jtwice_free(&twice);
    buf_free(&quoted);
}

/* `value`: what the text is, or NULL for none. */
static void check_unexpecting(struct arena *arena, struct slice text,
                              const struct jval *value)
{
    struct jval *both = NULL;
    struct slice wrapped =
        arena_printf(arena, "[{\"\\u0061\":0},%.*s]", SLICE_ARG(text));
    enum err err = jval_parse(arena, wrapped, &both, NULL);

    if (err == ERR_OK && both->count == 2 && value != NULL) {
        REQUIRE(jval_equal(&both->items[1], value));
    }
    REQUIRE(err == ERR_OK ? value != NULL || both->count != 2
                          : value == NULL || err == ERR_TOO_LARGE);
}

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
        check_twice(value, buf_slice(&text));
        buf_free(&text);
    } else {
        REQUIRE(value == NULL && offset <= size);
    }
    if (memchr(data, 0, size) == NULL) {
        check_unexpecting(arena, slice_of((const char *)data, size), value);
    }
    arena_free(arena);
    return 0;
}
