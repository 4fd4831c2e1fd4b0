/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every value goes through begin_value, which puts the comma and holds the rules of
 * nesting. Strings are copied in runs between the bytes that need an escape.
 */
#include "base/jwriter_private.h"

#include "base/digits.h"
#include "base/text.h"

/* Bits of has_items[level]. */
enum { LEVEL_HAS_ITEMS = 1, LEVEL_IS_OBJECT = 2 };

void jwriter_init(struct jwriter *writer, struct buf *out)
{
    *writer = (struct jwriter){.out = out};
}

/* Whether a comma is due before the next item of this level; from now on one is. */
static bool comma_due(struct jwriter *writer)
{
    unsigned char *level = &writer->has_items[writer->depth - 1];
    bool due = (*level & LEVEL_HAS_ITEMS) != 0;

    *level |= LEVEL_HAS_ITEMS;
    return due;
}

static bool in_object(const struct jwriter *writer)
{
    return writer->depth > 0 &&
           (writer->has_items[writer->depth - 1] & LEVEL_IS_OBJECT) != 0;
}

static void begin_value(struct jwriter *writer)
{
    REQUIRE(in_object(writer) == writer->after_key);
    writer->after_key = false;
    if (writer->depth > 0 && !in_object(writer) && comma_due(writer)) {
        (void)buf_append_byte(writer->out, ',');
    }
}

static void open_level(struct jwriter *writer, char bracket, unsigned char level)
{
    begin_value(writer);
    REQUIRE(writer->depth < JWRITER_DEPTH);
    writer->has_items[writer->depth++] = level;
    (void)buf_append_byte(writer->out, bracket);
}

static void close_level(struct jwriter *writer, char bracket, bool is_object)
{
    REQUIRE(writer->depth > 0 && in_object(writer) == is_object && !writer->after_key);
    writer->depth--;
    (void)buf_append_byte(writer->out, bracket);
}

void jwriter_object(struct jwriter *writer)
{
    open_level(writer, '{', LEVEL_IS_OBJECT);
}

void jwriter_object_end(struct jwriter *writer)
{
    close_level(writer, '}', true);
}

void jwriter_array(struct jwriter *writer)
{
    open_level(writer, '[', 0);
}

void jwriter_array_end(struct jwriter *writer)
{
    close_level(writer, ']', false);
}

/* Room that the escape of one byte may need. */
#define ESCAPE_BYTES 6

/* Escapes of one letter. */
static const char letters[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
    ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't',
};

/* Writes the escape of an ASCII byte, at most ESCAPE_BYTES; returns how many. */
static size_t write_escape(char *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";

    out[0] = '\\';
    if (letters[byte] != 0) {
        out[1] = letters[byte];
        return 2;
    }
    memcpy(out + 1, "u00", 3);
    out[4] = hex[byte >> 4];
    out[5] = hex[byte & 15];
    return ESCAPE_BYTES;
}

/* The UTF-8 sequence in front, as it is. JSON is UTF-8: a byte that
 * begins none becomes U+FFFD, so that the output is always JSON. */
static bool put_sequence(struct buf *out, struct slice *text)
{
    size_t bytes = 1;

    while (bytes < 4 && bytes < text->len &&
           ((unsigned char)text->ptr[bytes] & 0xc0) == 0x80) {
        bytes++;
    }
    size_t valid = text_utf8_prefix(slice_of(text->ptr, bytes));
    struct slice sequence =
        valid > 0 ? slice_of(text->ptr, valid) : SLICE("\xef\xbf\xbd");
    *text = slice_from(*text, valid > 0 ? valid : 1);
    return buf_append(out, sequence);
}

#ifdef __SSE2__
/*
 * Copies blocks of plain bytes and escapes of one letter, as long as there are two blocks
 * and room for what one may become; stops at any other special byte. A text within a text
 * has an escape in every six bytes: taken off a mask, none has to wait for the one before.
 */
static const char *escape_blocks(const char *in, const char *end, char **out,
                                 const char *limit)
{
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\');
    const __m128i blank =
        _mm_set1_epi8(0x20); /* signed: what is past ASCII is below it */
    char *at = *out;

    for (; end - in >= (ptrdiff_t)(2 * BLOCK) && limit - at >= (ptrdiff_t)(3 * BLOCK);
         in += BLOCK) {
        __m128i bytes = load_block(in);
        __m128i special = _mm_or_si128(
            _mm_cmplt_epi8(bytes, blank),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, escape)));
        size_t done = 0;
        for (unsigned mask = (unsigned)_mm_movemask_epi8(special); mask != 0;
             mask &= mask - 1) {
            size_t plain = (size_t)__builtin_ctz(mask);
            char letter = letters[(unsigned char)in[plain]];
            _mm_storeu_si128((void *)at, load_block(in + done));
            at += plain - done;
            if (letter == 0) {
                *out = at;
                return in + plain;
            }
            at[0] = '\\';
            at[1] = letter;
            at += 2;
            done = plain + 1;
        }
        _mm_storeu_si128((void *)at, load_block(in + done));
        at += BLOCK - done;
    }
    *out = at;
    return in;
}
#else
static const char *escape_blocks(const char *in, const char *end, char **out,
                                 const char *limit)
{
    (void)end;
    (void)out;
    (void)limit;
    return in;
}
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/*
 * Copies plain bytes, eight at a time, and writes escapes of one letter, up to any other
 * special byte, the end, or where the room ends. Returns where `in` stands then.
 */
static const char *escape_run(const char *in, const char *end, char **out,
                              const char *limit)
{
    in = escape_blocks(in, end, out, limit);
    char *at = *out;
    uint64_t word;

    while (in < end && limit - at >= (ptrdiff_t)sizeof(word) + 2) {
        size_t plain = (size_t)(end - in);
        if (plain >= sizeof(word)) {
            plain = sizeof(word);
            memcpy(&word, in, sizeof(word));
        } else {
            word = load_tail(in, plain);
        }
        memcpy(at, &word, sizeof(word));
        uint64_t special = special_bits(word);
        if (special == 0) {
            in += plain;
            at += plain;
            continue;
        }
        plain = (size_t)__builtin_ctzll(special) / 8;
        in += plain;
        at += plain;
        char letter = letters[(unsigned char)*in];
        if (letter == 0) {
            break;
        }
        at[0] = '\\';
        at[1] = letter;
        at += 2;
        in++;
    }
    *out = at;
    return in;
}
#else
static const char *escape_run(const char *in, const char *end, char **out,
                              const char *limit)
{
    while (in < end && *out < limit && !is_special((unsigned char)*in)) {
        *(*out)++ = *in++;
    }
    return in;
}
#endif

/*
 * Escapes ASCII from the front of `text` into `out`, up to `room` bytes of it, and
 * takes it off; stops at the first byte past ASCII. Returns the bytes written.
 */
static size_t escape_ascii(struct slice *text, char *out, size_t room)
{
    const char *end = text->ptr + text->len;
    char *at = out, *limit = out + room;
    const char *in = escape_run(text->ptr, end, &at, limit);

    while (in < end && is_special((unsigned char)*in) && (unsigned char)*in < 0x80 &&
           limit - at >= ESCAPE_BYTES) {
        at += write_escape(at, (unsigned char)*in);
        in = escape_run(in + 1, end, &at, limit);
    }
    *text = slice_of(in, (size_t)(end - in));
    return (size_t)(at - out);
}

/* One byte, or one sequence: for the last bytes below the ceiling. */
static bool escape_one(struct buf *out, struct slice *text)
{
    char escape[ESCAPE_BYTES];
    unsigned char byte = (unsigned char)text->ptr[0];

    if (byte >= 0x80) {
        return put_sequence(out, text);
    }
    size_t bytes = 1;
    if (is_special(byte)) {
        bytes = write_escape(escape, byte);
    } else {
        escape[0] = (char)byte;
    }
    *text = slice_from(*text, 1);
    return buf_append(out, slice_of(escape, bytes));
}

bool jwriter_escape(struct buf *out, struct slice text)
{
    while (text.len > 0) {
        /* Most texts have few escapes, and a text within a text one in six bytes. */
        size_t room = text.len + text.len / 4 + 4 * sizeof(uint64_t);
        if (room <= out->ceiling - out->len) {
            char *at = buf_reserve(out, room);
            buf_commit(out, escape_ascii(&text, at, room));
        }
        if (text.len > 0 && !escape_one(out, &text)) {
            return false;
        }
    }
    return true;
}

void jwriter_put_string(struct buf *out, char before, struct slice text, char after)
{
    /* Most strings are short and plain: one reservation, one pass. */
    size_t room = text.len + sizeof(uint64_t) + 4;
    if (room <= out->ceiling - out->len) {
        char *begin = buf_reserve(out, room), *at = begin;
        *at = before;
        at += before != '\0';
        *at++ = '"';
        if (copy_if_plain(text, at)) {
            at += text.len;
            *at++ = '"';
            *at = after;
            at += after != '\0';
            buf_commit(out, (size_t)(at - begin));
            return;
        }
    }
    (void)(before == '\0' || buf_append_byte(out, before));
    (void)buf_append_byte(out, '"');
    (void)jwriter_escape(out, text);
    (void)buf_append_byte(out, '"');
    (void)(after == '\0' || buf_append_byte(out, after));
}

void jwriter_key(struct jwriter *writer, struct slice name)
{
    REQUIRE(in_object(writer) && !writer->after_key);
    jwriter_put_string(writer->out, comma_due(writer) ? ',' : '\0', name, ':');
    writer->after_key = true;
}

void jwriter_string(struct jwriter *writer, struct slice text)
{
    begin_value(writer);
    jwriter_put_string(writer->out, '\0', text, '\0');
}

void jwriter_raw(struct jwriter *writer, struct slice json)
{
    begin_value(writer);
    (void)buf_append(writer->out, json);
}

void jwriter_int(struct jwriter *writer, int64_t value)
{
    char digits[DIGITS_BYTES];

    jwriter_raw(writer, digits_of(value, digits));
}

void jwriter_bool(struct jwriter *writer, bool value)
{
    jwriter_raw(writer, value ? SLICE("true") : SLICE("false"));
}

void jwriter_null(struct jwriter *writer)
{
    jwriter_raw(writer, SLICE("null"));
}

/* ---- Whole values, which need none of the writer's rules of nesting ---- */

/* `depth` levels are open around it. */
static void put_value(struct buf *out, const struct jval *value, size_t depth);

static void put_array(struct buf *out, const struct jval *array, size_t depth)
{
    (void)buf_append_byte(out, '[');
    for (size_t i = 0; i < array->count; i++) {
        (void)(i == 0 || buf_append_byte(out, ','));
        put_value(out, &array->items[i], depth);
    }
    (void)buf_append_byte(out, ']');
}

static void put_object(struct buf *out, const struct jval *object, size_t depth)
{
    (void)buf_append_byte(out, '{');
    for (size_t i = 0; i < object->count; i++) {
        jwriter_put_string(out, i > 0 ? ',' : '\0', object->members[i].name, ':');
        put_value(out, &object->members[i].value, depth);
    }
    (void)buf_append_byte(out, '}');
}

static void put_value(struct buf *out, const struct jval *value, size_t depth)
{
    switch (value != NULL ? value->type : JVAL_NULL) {
    case JVAL_NULL:
        (void)buf_append(out, SLICE("null"));
        break;
    case JVAL_FALSE:
        (void)buf_append(out, SLICE("false"));
        break;
    case JVAL_TRUE:
        (void)buf_append(out, SLICE("true"));
        break;
    case JVAL_NUMBER:
        (void)buf_append(out, value->text);
        break;
    case JVAL_STRING:
        jwriter_put_string(out, '\0', value->text, '\0');
        break;
    case JVAL_ARRAY:
        REQUIRE(depth < JWRITER_DEPTH);
        put_array(out, value, depth + 1);
        break;
    case JVAL_OBJECT:
        REQUIRE(depth < JWRITER_DEPTH);
        put_object(out, value, depth + 1);
        break;
    }
}

void jwriter_value(struct jwriter *writer, const struct jval *value)
{
    begin_value(writer);
    put_value(writer->out, value, writer->depth);
}

enum err jwriter_text(struct arena *arena, const struct jval *value, size_t most_bytes,
                      struct slice *out)
{
    struct jwriter writer;
    struct buf text;

    buf_init(&text, most_bytes);
    jwriter_init(&writer, &text);
    jwriter_value(&writer, value);
    bool fits = !buf_full(&text);
    if (fits) {
        *out = arena_slice(arena, buf_slice(&text));
    }
    buf_free(&text);
    return fits ? ERR_OK : ERR_TOO_LARGE;
}

void jwriter_member_string(struct jwriter *writer, const char *name, struct slice text)
{
    jwriter_key(writer, slice_str(name));
    jwriter_string(writer, text);
}

void jwriter_member_int(struct jwriter *writer, const char *name, int64_t value)
{
    jwriter_key(writer, slice_str(name));
    jwriter_int(writer, value);
}

void jwriter_member_bool(struct jwriter *writer, const char *name, bool value)
{
    jwriter_key(writer, slice_str(name));
    jwriter_bool(writer, value);
}
