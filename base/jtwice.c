/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a list have the same names: they are written, and escaped, for the first one; for the
 * others they are copied from there. Where they stand is kept as offsets, because buffers move.
 *
 * Whatever is not plain takes the long way: it is written to `plain`, and what was written is
 * escaped into `quoted`.
 */
#include "base/jtwice.h"

#include "base/jwriter_private.h"

#define ROW_MEMBERS 64 /* of a row with more, names are written anew */
#define COPY_BYTES 16  /* copies go in whole blocks of so many */
/* Of all rows; for more, buffers grow as they fill. */
#define USUAL_BYTES ((size_t)64 * 1024)

/* A name with all that stands between the value before and its own. */
struct name {
    size_t plain, quoted; /* where it begins */
    size_t plain_len, quoted_len;
};

struct rows {
    const struct jval *last; /* the row that `names` are of; NULL: none */
    struct name names[ROW_MEMBERS];
};

void jtwice_init(struct jtwice *twice, size_t plain_ceiling, size_t quoted_ceiling)
{
    buf_init(&twice->plain, plain_ceiling);
    buf_init(&twice->quoted, quoted_ceiling);
    twice->in_step = 0;
}

void jtwice_free(struct jtwice *twice)
{
    buf_free(&twice->plain);
    buf_free(&twice->quoted);
    twice->in_step = 0;
}

static void clear(struct buf *buf, size_t most)
{
    if (buf->cap > most) {
        buf_free(buf);
    } else {
        buf_clear(buf);
    }
}

void jtwice_clear(struct jtwice *twice, size_t most)
{
    clear(&twice->plain, most);
    clear(&twice->quoted, most);
    twice->in_step = 0;
}

/* Escapes what stands in `plain` from `from` on. */
static void follow(struct jtwice *twice, size_t from)
{
    if (!buf_full(&twice->quoted)) {
        (void)jwriter_escape(&twice->quoted,
                             slice_from(buf_slice(&twice->plain), from));
    }
}

/* What needs no escape. */
static void put_both(struct jtwice *twice, struct slice text)
{
    (void)buf_append(&twice->plain, text);
    (void)buf_append(&twice->quoted, text);
}

/* Room for so many bytes and what a copy in blocks writes beyond them; NULL: there is none. */
static char *room_for(struct buf *buf, size_t bytes)
{
    size_t room = bytes + COPY_BYTES;

    return room <= buf->ceiling - buf->len ? buf_reserve(buf, room) : NULL;
}

static void copy_blocks(char *to, const char *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += COPY_BYTES) {
        char block[COPY_BYTES];
        memcpy(block, from + i, COPY_BYTES);
        memcpy(to + i, block, COPY_BYTES);
    }
}

static void put_string(struct jtwice *twice, struct slice text)
{
    struct buf *plain = &twice->plain, *quoted = &twice->quoted;
    char *one = room_for(plain, text.len + 2);
    char *two = room_for(quoted, text.len + 4);

    if (one != NULL && two != NULL && copy_if_plain(text, one + 1)) {
        one[0] = '"';
        one[text.len + 1] = '"';
        memcpy(two, "\\\"", 2);
        copy_blocks(two + 2, one + 1, text.len);
        memcpy(two + 2 + text.len, "\\\"", 2);
        buf_commit(plain, text.len + 2);
        buf_commit(quoted, text.len + 4);
        return;
    }
    size_t from = plain->len;
    jwriter_put_string(plain, '\0', text, '\0');
    follow(twice, from);
}

static void put_name(struct jtwice *twice, char before, struct slice name)
{
    size_t from = twice->plain.len;

    jwriter_put_string(&twice->plain, before, name, ':');
    follow(twice, from);
}

static void repeat(struct buf *buf, size_t at, size_t len)
{
    char *room = room_for(buf, len);

    if (room != NULL) {
        copy_blocks(room, buf->ptr + at, len);
        buf_commit(buf, len);
        return;
    }
    room = buf_reserve(buf, len); /* the last bytes below the ceiling */
    if (room != NULL) {
        memcpy(room, buf->ptr + at, len);
        buf_commit(buf, len);
    }
}

/* A member whose name is there already, with a plain text or null: nearly all that rows have.
 * False: nothing was written. */
static bool put_usual(struct jtwice *twice, const struct name *name,
                      const struct jval *value)
{
    struct buf *plain = &twice->plain, *quoted = &twice->quoted;
    bool is_text = value->type == JVAL_STRING;
    struct slice text = is_text ? value->text : SLICE("null");

    if (!is_text && value->type != JVAL_NULL) {
        return false;
    }
    char *one = room_for(plain, name->plain_len + text.len + 2);
    char *two = room_for(quoted, name->quoted_len + text.len + 4);
    if (one == NULL || two == NULL) {
        return false;
    }
    copy_blocks(one, plain->ptr + name->plain, name->plain_len);
    copy_blocks(two, quoted->ptr + name->quoted, name->quoted_len);
    one += name->plain_len;
    two += name->quoted_len;
    if (!copy_if_plain(text, one + is_text)) {
        return false;
    }
    if (is_text) {
        one[0] = '"';
        one[text.len + 1] = '"';
        memcpy(two, "\\\"", 2);
        copy_blocks(two + 2, one + 1, text.len);
        memcpy(two + 2 + text.len, "\\\"", 2);
    } else {
        memcpy(two, "null", 4);
    }
    buf_commit(plain, name->plain_len + text.len + (is_text ? 2 : 0));
    buf_commit(quoted, name->quoted_len + text.len + (is_text ? 4 : 0));
    return true;
}

static void put_value(struct jtwice *twice, const struct jval *value, size_t depth);

/* `rows`: those that stood before it in the same array; NULL when it stands in none. */
static void put_object(struct jtwice *twice, const struct jval *object, size_t depth,
                       struct rows *rows)
{
    bool is_alike =
        rows != NULL && rows->last != NULL && jval_same_names(rows->last, object);

    for (size_t i = 0; i < object->count; i++) {
        struct name name = {.plain = twice->plain.len, .quoted = twice->quoted.len};
        if (is_alike && put_usual(twice, &rows->names[i], &object->members[i].value)) {
            continue;
        }
        if (is_alike) {
            repeat(&twice->plain, rows->names[i].plain, rows->names[i].plain_len);
            repeat(&twice->quoted, rows->names[i].quoted, rows->names[i].quoted_len);
        } else {
            put_name(twice, i == 0 ? '{' : ',', object->members[i].name);
            name.plain_len = twice->plain.len - name.plain;
            name.quoted_len = twice->quoted.len - name.quoted;
            if (rows != NULL && i < ROW_MEMBERS) {
                rows->names[i] = name;
            }
        }
        put_value(twice, &object->members[i].value, depth);
    }
    put_both(twice, object->count == 0 ? SLICE("{}") : SLICE("}"));
    if (rows != NULL) {
        rows->last = object->count <= ROW_MEMBERS ? object : NULL;
    }
}

/* The rows that are to come are about as long as the first one was. */
static void expect_rows(struct jtwice *twice, size_t plain_from, size_t quoted_from,
                        size_t rows)
{
    size_t plain = twice->plain.len - plain_from;
    size_t quoted = twice->quoted.len - quoted_from;

    if (rows > 0 && (quoted + quoted / 8) <= USUAL_BYTES / rows) {
        buf_expect(&twice->plain, (plain + plain / 8) * rows);
        buf_expect(&twice->quoted, (quoted + quoted / 8) * rows);
    }
}

static void put_array(struct jtwice *twice, const struct jval *array, size_t depth)
{
    size_t plain = twice->plain.len, quoted = twice->quoted.len;
    struct rows rows;

    rows.last = NULL;
    put_both(twice, SLICE("["));
    for (size_t i = 0; i < array->count; i++) {
        const struct jval *item = &array->items[i];
        if (i > 0) {
            put_both(twice, SLICE(","));
        }
        if (item->type == JVAL_OBJECT) {
            REQUIRE(depth < JWRITER_DEPTH);
            put_object(twice, item, depth + 1, &rows);
        } else {
            put_value(twice, item, depth);
        }
        if (i == 0) {
            expect_rows(twice, plain, quoted, array->count - 1);
        }
    }
    put_both(twice, SLICE("]"));
}

/* `depth` levels are open around it. */
static void put_value(struct jtwice *twice, const struct jval *value, size_t depth)
{
    switch (value->type) {
    case JVAL_NULL:
        put_both(twice, SLICE("null"));
        break;
    case JVAL_FALSE:
        put_both(twice, SLICE("false"));
        break;
    case JVAL_TRUE:
        put_both(twice, SLICE("true"));
        break;
    case JVAL_NUMBER:
        put_both(twice, value->text);
        break;
    case JVAL_STRING:
        put_string(twice, value->text);
        break;
    case JVAL_ARRAY:
        REQUIRE(depth < JWRITER_DEPTH);
        put_array(twice, value, depth + 1);
        break;
    case JVAL_OBJECT:
        REQUIRE(depth < JWRITER_DEPTH);
        put_object(twice, value, depth + 1, NULL);
        break;
    }
}

void jtwice_value(struct jtwice *twice, struct jwriter *writer,
                  const struct jval *value)
{
    REQUIRE(writer->out == &twice->plain);
    jwriter_raw(writer, SLICE_EMPTY); /* a value begins */
    follow(twice, twice->in_step);
    if (value == NULL) {
        put_both(twice, SLICE("null"));
    } else {
        put_value(twice, value, writer->depth);
    }
    twice->in_step = twice->plain.len;
}

struct slice jtwice_quoted(struct jtwice *twice)
{
    follow(twice, twice->in_step);
    twice->in_step = twice->plain.len;
    return buf_full(&twice->quoted) ? SLICE_EMPTY : buf_slice(&twice->quoted);
}
