/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over a copy of the text that lies in the arena; strings are decoded in
 * place, where they never get longer. What must stay true:
 * 1. The copy ends with NUL bytes, and no rule of the grammar steps over a NUL: they
 * stop every scan, so no other bound is checked. Where UTF-8 ends to be valid, a NUL is
 * put as well.
 * 2. Every value has its slot on `slots` before it is read: the members of an open
 * container lie in a row above the slot of the container, and move to the arena when it
 * closes. So nothing is copied twice, and nothing recurses.
 * 3. Slots hold pointers and lengths, never bytes of the text, and need no wiping.
 * 4. Rows of a list mostly have the same members: a name that stands where the row before had
 * it is compared and not read, and names that are all those of another object need no search
 * for duplicates. Rows alike share the bytes of their names.
 *
 * One file, though a long one: strings, numbers and containers are steps of one loop over every
 * byte that an ERP sends, and inlined into it.
 */
#include <stdint.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#else
#include <endian.h>
#endif

#include "base/jval_private.h"
#include "base/limits.h"
#include "base/text.h"

/* Slots on the stack: as many as most documents need at once. */
#define FIRST_SLOTS 64
#define STOPS 16 /* NUL bytes behind the text: more than any read ahead */

struct frame {
    size_t base; /* the first slot of the container's children */
    bool is_object;
    bool is_alike; /* an object's names, so far, are those of `like` in their order */
    /* Of an object that is expected to have the same names; an array's: of its last one. */
    const struct jmember *like;
    size_t like_count;
};

struct parser {
    struct arena *arena;
    const char *start;
    const char *where; /* the fault */
    char *at;
    struct jmember *slots; /* array elements leave the name unused */
    size_t used, capacity, nodes;
    unsigned depth;
    /* From then on no names are expected: they lie there decoded. */
    bool has_escaped_name;
    struct frame frames[LIMIT_JSON_DEPTH];
    struct jmember first_slots[FIRST_SLOTS];
};

static enum err fail(struct parser *parser, const char *where, enum err err)
{
    parser->where = where;
    return err;
}

static inline void skip_space(struct parser *parser)
{
    char *at = parser->at;

    if ((unsigned char)*at > ' ') {
        return;
    }
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t') {
        at++;
    }
    parser->at = at;
}

/* skip_plain: the first byte at or after `at` that is not plain string content. It looks
 * at sixteen bytes at once, or at eight. */
#ifdef __SSE2__
static char *skip_plain(char *at)
{
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);

    for (;; at += sizeof(__m128i)) {
        __m128i bytes = _mm_loadu_si128((const void *)at);
        __m128i ends = _mm_or_si128(
            _mm_cmpeq_epi8(_mm_max_epu8(bytes, control), control),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, escape)));
        int mask = _mm_movemask_epi8(ends);
        if (mask != 0) {
            return at + __builtin_ctz((unsigned)mask);
        }
    }
}
#else
/* The high bit of each byte that ends a plain run: '"', '\\' and below 0x20. The lowest
 * such bit is right; above it there may be false ones. */
static uint64_t run_ends(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t quote = word ^ ones * '"';
    uint64_t escape = word ^ ones * '\\';
    uint64_t control = (word - ones * 0x20) & ~word;

    return (((quote - ones) & ~quote) | ((escape - ones) & ~escape) | control) & highs;
}

static char *skip_plain(char *at)
{
    for (;; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        uint64_t ends = run_ends(le64toh(word));
        if (ends != 0) {
            return at + __builtin_ctzll(ends) / 8;
        }
    }
}
#endif

/* Four hex digits, or -1. */
static int32_t hex_unit(const char *at)
{
    int32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        char digit = at[i];
        int value = -1;
        if (digit >= '0' && digit <= '9') {
            value = digit - '0';
        } else if (digit >= 'a' && digit <= 'f') {
            value = digit - 'a' + 10;
        } else if (digit >= 'A' && digit <= 'F') {
            value = digit - 'A' + 10;
        }
        if (value < 0) {
            return -1;
        }
        unit = unit * 16 + value;
    }
    return unit;
}

static char *put_utf8(char *to, uint32_t point)
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    unsigned extra = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;

    if (extra == 0) {
        *to++ = (char)point;
        return to;
    }
    *to++ = (char)(unsigned char)(leads[extra + 1] | point >> (6 * extra));
    while (extra-- > 0) {
        *to++ = (char)(unsigned char)(0x80 | (point >> (6 * extra) & 0x3f));
    }
    return to;
}

/* \uXXXX at parser->at, a pair of them for a surrogate; NULL for NUL and lone
 * surrogates. */
static char *unescape_unit(struct parser *parser, char *to)
{
    int32_t unit = hex_unit(parser->at + 2);

    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
        return NULL;
    }
    if (unit < 0xd800 || unit > 0xdbff) {
        parser->at += 6;
        return put_utf8(to, (uint32_t)unit);
    }
    if (parser->at[6] != '\\' || parser->at[7] != 'u') {
        return NULL;
    }
    int32_t low = hex_unit(parser->at + 8);
    if (low < 0xdc00 || low > 0xdfff) {
        return NULL;
    }
    parser->at += 12;
    return put_utf8(to, 0x10000 + (((uint32_t)unit - 0xd800) << 10) +
                            ((uint32_t)low - 0xdc00));
}

/* The escape at parser->at; NULL when it is none. */
static char *unescape(struct parser *parser, char *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char mark = parser->at[1];

    if (mark == 'u') {
        return unescape_unit(parser, to);
    }
    const char *found = mark != '\0' ? strchr(from, mark) : NULL;
    if (found == NULL) {
        return NULL;
    }
    parser->at += 2;
    *to++ = into[found - from];
    return to;
}

/* The rest of a string from its first byte that is not plain, at `end`. */
static enum err read_escapes(struct parser *parser, char *from, char *end,
                             struct slice *text)
{
    char *to = end;

    parser->at = end;
    while (*parser->at == '\\') {
        to = unescape(parser, to);
        if (to == NULL) {
            return fail(parser, parser->at, ERR_PARSE);
        }
        end = skip_plain(parser->at);
        memmove(to, parser->at, (size_t)(end - parser->at));
        to += end - parser->at;
        parser->at = end;
    }
    if (*parser->at != '"') {
        return fail(parser, parser->at, ERR_PARSE);
    }
    parser->at++;
    *text = slice_of(from, (size_t)(to - from));
    return ERR_OK;
}

/* The string whose opening quote is at parser->at. */
static inline enum err read_string(struct parser *parser, struct slice *text)
{
    char *from = parser->at + 1;
    char *end = skip_plain(from);

    if (*end != '"') {
        return read_escapes(parser, from, end, text);
    }
    parser->at = end + 1;
    *text = (struct slice){from, (size_t)(end - from)};
    return ERR_OK;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Behind the digits at `at`; NULL when there are none. */
static char *skip_digits(char *at)
{
    if (!is_digit(*at)) {
        return NULL;
    }
    while (is_digit(*at)) {
        at++;
    }
    return at;
}

/* Behind the number at `at`; NULL when it is none, with `where` at the byte that is
 * wrong. */
static char *skip_number(char *at, const char **where)
{
    at += *at == '-';
    char *end = *at == '0' ? at + 1 : skip_digits(at);
    if (end != NULL && *end == '.') {
        at = end + 1;
        end = skip_digits(at);
    }
    if (end != NULL && (*end == 'e' || *end == 'E')) {
        at = end + 1;
        at += *at == '+' || *at == '-';
        end = skip_digits(at);
    }
    *where = at;
    return end;
}

static enum err read_number(struct parser *parser, struct jval *value)
{
    const char *where;
    char *end = skip_number(parser->at, &where);

    if (end == NULL) {
        return fail(parser, where, ERR_PARSE);
    }
    size_t len = (size_t)(end - parser->at);
    if (len > LIMIT_NUMBER_BYTES) {
        return fail(parser, parser->at, ERR_TOO_LARGE);
    }
    value->type = JVAL_NUMBER;
    value->text = slice_of(parser->at, len);
    parser->at = end;
    return ERR_OK;
}

static enum err read_word(struct parser *parser, struct slice word, enum jval_type type,
                          struct jval *value)
{
    if (memcmp(parser->at, word.ptr, word.len) != 0) {
        return fail(parser, parser->at, ERR_PARSE);
    }
    parser->at += word.len;
    value->type = type;
    return ERR_OK;
}

/* From the stack to the heap, and on from there. */
static void grow_slots(struct parser *parser)
{
    bool on_stack = parser->slots == parser->first_slots;
    struct jmember *old = on_stack ? NULL : parser->slots;

    parser->capacity *= 2;
    parser->slots = realloc(old, parser->capacity * sizeof(struct jmember));
    REQUIRE(parser->slots != NULL);
    if (on_stack) {
        memcpy(parser->slots, parser->first_slots, sizeof(parser->first_slots));
    }
}

/* The next value's slot on top of the others. */
static inline enum err reserve_slot(struct parser *parser)
{
    if (++parser->nodes > LIMIT_JSON_NODES) {
        return fail(parser, parser->at, ERR_TOO_LARGE);
    }
    if (parser->used == parser->capacity) {
        grow_slots(parser);
    }
    parser->slots[parser->used++] =
        (struct jmember){SLICE_EMPTY, {.text = SLICE_EMPTY}};
    return ERR_OK;
}

/* An object that this one, or this array's first one, is likely to be like: what stood in
 * this place in the row before, or the object before it in the array. */
static const struct jval *expected(const struct parser *parser)
{
    const struct frame *around = &parser->frames[parser->depth - 1];
    size_t place = parser->used - 1 - around->base;

    if (!around->is_object || !around->is_alike || place >= around->like_count) {
        return NULL;
    }
    const struct jval *value = &around->like[place].value;
    return value->type == JVAL_ARRAY && value->count > 0
               ? &value->items[value->count - 1]
               : value;
}

static void expect_names(const struct parser *parser, struct frame *frame)
{
    if (parser->depth == 0 || parser->has_escaped_name) {
        return;
    }
    const struct frame *around = &parser->frames[parser->depth - 1];
    const struct jval *like = expected(parser);
    if (jval_is(like, JVAL_OBJECT)) {
        frame->like = like->members;
        frame->like_count = like->count;
    } else if (frame->is_object && !around->is_object) {
        frame->like = around->like;
        frame->like_count = around->like_count;
    }
    frame->is_alike = frame->is_object && frame->like_count > 0;
}

static enum err open_container(struct parser *parser, bool is_object)
{
    if (parser->depth == LIMIT_JSON_DEPTH) {
        return fail(parser, parser->at, ERR_TOO_LARGE);
    }
    struct frame *frame = &parser->frames[parser->depth];
    *frame = (struct frame){.base = parser->used, .is_object = is_object};
    expect_names(parser, frame);
    parser->at++;
    parser->depth++;
    return ERR_OK;
}

/* Fills the slot on top, or opens the container that begins here. */
static enum err read_value(struct parser *parser)
{
    struct jval *value = &parser->slots[parser->used - 1].value;

    skip_space(parser);
    switch (*parser->at) {
    case '{':
        return open_container(parser, true);
    case '[':
        return open_container(parser, false);
    case '"':
        value->type = JVAL_STRING;
        return read_string(parser, &value->text);
    case 't':
        return read_word(parser, SLICE("true"), JVAL_TRUE, value);
    case 'f':
        return read_word(parser, SLICE("false"), JVAL_FALSE, value);
    case 'n':
        return read_word(parser, SLICE("null"), JVAL_NULL, value);
    default:
        return read_number(parser, value);
    }
}

/* Whether the bytes at `at` are those of a name that was read before, and its closing quote.
 * That one lies in the same copy, so there are STOPS behind both; and it holds no NUL. */
#ifdef __SSE2__
static inline bool is_there(const char *at, struct slice name)
{
    const char *like = name.ptr;

    for (ptrdiff_t left = (ptrdiff_t)name.len + 1; left > 0;
         left -= (ptrdiff_t)sizeof(__m128i)) {
        __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const void *)at),
                                      _mm_loadu_si128((const void *)like));
        unsigned other = ~(unsigned)_mm_movemask_epi8(same) & 0xffffu;
        if (other != 0 && __builtin_ctz(other) < left) {
            return false;
        }
        at += sizeof(__m128i);
        like += sizeof(__m128i);
    }
    return true;
}
#else
static bool is_there(const char *at, struct slice name)
{
    size_t same = 0;

    while (same <= name.len && at[same] == name.ptr[same]) {
        same++;
    }
    return same > name.len;
}
#endif

/* A name: the one that is expected here, or any other. */
static enum err read_name(struct parser *parser, struct slice *name)
{
    struct frame *frame = &parser->frames[parser->depth - 1];
    size_t place = parser->used - frame->base;

    if (frame->is_alike && place < frame->like_count &&
        is_there(parser->at + 1, frame->like[place].name)) {
        *name = frame->like[place].name;
        parser->at += name->len + 2;
        return ERR_OK;
    }
    frame->is_alike = false;
    char *from = parser->at;
    enum err err = read_string(parser, name);
    if (err == ERR_OK) {
        parser->has_escaped_name |= parser->at != from + name->len + 2;
    }
    return err;
}

/* A member's name, its colon, and the slot for its value. */
static enum err read_key(struct parser *parser)
{
    struct slice name;

    skip_space(parser);
    if (*parser->at != '"') {
        return fail(parser, parser->at, ERR_PARSE);
    }
    enum err err = read_name(parser, &name);
    if (err == ERR_OK) {
        err = reserve_slot(parser);
    }
    if (err != ERR_OK) {
        return err;
    }
    parser->slots[parser->used - 1].name = name;
    skip_space(parser);
    if (*parser->at != ':') {
        return fail(parser, parser->at, ERR_PARSE);
    }
    parser->at++;
    return ERR_OK;
}

static const struct jmember *same_name(const struct jmember *members, size_t count,
                                       struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(members[i].name, name)) {
            return &members[i];
        }
    }
    return NULL;
}

/* Each with each, but a 64 bit sketch of the names seen so far spares nearly all
 * comparisons. */
static const struct jmember *few_duplicate(const struct jmember *members, size_t count)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < count; i++) {
        struct slice name = members[i].name;
        unsigned mix = (unsigned)name.len * 11;
        if (name.len > 0) {
            mix += (unsigned char)name.ptr[0] * 3u +
                   (unsigned char)name.ptr[name.len - 1] +
                   (unsigned char)name.ptr[name.len / 2] * 7u;
        }
        uint64_t bit = (uint64_t)1 << (mix & 63);
        if ((seen & bit) != 0 && same_name(members, i, name) != NULL) {
            return &members[i];
        }
        seen |= bit;
    }
    return NULL;
}

static const struct jmember *many_duplicate(const struct jmember *members, size_t count)
{
    const struct jmember **sorted = jval_sorted(members, count);
    const struct jmember *duplicate = NULL;

    for (size_t i = 1; duplicate == NULL && i < count; i++) {
        if (slice_eq(sorted[i - 1]->name, sorted[i]->name)) {
            duplicate = sorted[i - 1] > sorted[i] ? sorted[i - 1] : sorted[i];
        }
    }
    free(sorted);
    return duplicate;
}

static const struct jmember *find_duplicate(const struct frame *frame,
                                            const struct jmember *members, size_t count)
{
    if (frame->is_alike) {
        return NULL;
    }
    return count <= JVAL_FEW_MEMBERS ? few_duplicate(members, count)
                                     : many_duplicate(members, count);
}

static enum err close_object(struct parser *parser, const struct frame *frame,
                             const struct jmember *members, size_t count,
                             struct jval *object)
{
    const struct jmember *duplicate = find_duplicate(frame, members, count);

    if (duplicate != NULL) {
        return fail(parser, duplicate->name.ptr, ERR_PARSE);
    }
    object->type = JVAL_OBJECT;
    if (count == 0) {
        return ERR_OK;
    }
    object->members = arena_array(parser->arena, count, sizeof(struct jmember));
    memcpy(object->members, members, count * sizeof(struct jmember));
    if (parser->depth > 0 && !parser->frames[parser->depth - 1].is_object) {
        parser->frames[parser->depth - 1].like = object->members;
        parser->frames[parser->depth - 1].like_count = count;
    }
    return ERR_OK;
}

static void close_array(struct parser *parser, const struct jmember *members,
                        size_t count, struct jval *array)
{
    array->type = JVAL_ARRAY;
    if (count == 0) {
        return;
    }
    array->items = arena_array(parser->arena, count, sizeof(struct jval));
    for (size_t i = 0; i < count; i++) {
        array->items[i] = members[i].value;
    }
}

/* Moves the innermost container's children from the slots to the arena. */
static enum err close_container(struct parser *parser)
{
    const struct frame *frame = &parser->frames[--parser->depth];
    const struct jmember *members = parser->slots + frame->base;
    struct jval *value = &parser->slots[frame->base - 1].value;
    size_t count = parser->used - frame->base;

    parser->at++;
    parser->used = frame->base;
    value->count = count;
    value->capacity = (unsigned)count;
    if (frame->is_object) {
        return close_object(parser, frame, members, count, value);
    }
    close_array(parser, members, count, value);
    /* The analyser loses sight of the slots here; their owner frees them. */
    return ERR_OK; /* NOLINT(clang-analyzer-unix.Malloc) */
}

/* From the end of a value (or an opening bracket) to the beginning of the next; closes
 * what is closed on the way. Nothing is left when the depth is 0. */
static enum err go_on(struct parser *parser)
{
    while (parser->depth > 0) {
        const struct frame *frame = &parser->frames[parser->depth - 1];
        skip_space(parser);
        if (*parser->at == (frame->is_object ? '}' : ']')) {
            enum err err = close_container(parser);
            if (err != ERR_OK) {
                return err;
            }
            continue;
        }
        if (parser->used > frame->base) {
            if (*parser->at != ',') {
                return fail(parser, parser->at, ERR_PARSE);
            }
            parser->at++;
        }
        return frame->is_object ? read_key(parser) : reserve_slot(parser);
    }
    return ERR_OK;
}

static enum err read_document(struct parser *parser, const char *end)
{
    enum err err = reserve_slot(parser);

    do {
        if (err == ERR_OK) {
            err = read_value(parser);
        }
        if (err == ERR_OK) {
            err = go_on(parser);
        }
    } while (err == ERR_OK && parser->depth > 0);
    if (err != ERR_OK) {
        return err;
    }
    skip_space(parser);
    return parser->at == end ? ERR_OK : fail(parser, parser->at, ERR_PARSE);
}

enum err jval_parse(struct arena *arena, struct slice text, struct jval **out,
                    size_t *offset)
{
    size_t valid = text_utf8_prefix(text);
    char *copy = arena_alloc(arena, text.len + STOPS);
    /* Its tables stay as they are: no slot is read before it is made. */
    struct parser parser;

    parser.arena = arena;
    parser.start = copy;
    parser.at = copy;
    parser.used = 0;
    parser.nodes = 0;
    parser.depth = 0;
    parser.has_escaped_name = false;
    /* What lies behind the valid part stays NUL and is reported where it begins. */
    memcpy(copy, text.ptr, valid);
    parser.where = copy;
    parser.capacity = FIRST_SLOTS;
    parser.slots = parser.first_slots;

    enum err err = read_document(&parser, copy + text.len);
    if (err == ERR_OK) {
        *out = arena_alloc(arena, sizeof(struct jval));
        **out = parser.slots[0].value;
    } else if (offset != NULL) {
        *offset = (size_t)(parser.where - parser.start);
    }
    if (parser.slots != parser.first_slots) {
        free(parser.slots);
    }
    return err;
}
