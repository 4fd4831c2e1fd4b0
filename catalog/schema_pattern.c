/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns: the part of ECMA-262 (with the u flag) that every engine reads the same
 * way, translated for PCRE2, which matches it under limits. Look-around, back
 * references, named groups and unicode scripts are refused: no catalog needs them, and
 * they are where engines differ and where time goes.
 */
#include "catalog/schema_private.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/memory.h"

#define PATTERN_BYTES 1024
#define TRANSLATED_BYTES 65536
#define MATCH_STEPS 200000
#define MATCH_HEAP_KIB 1024
#define REPEAT_MAX 4096

/* What ECMA-262 means by \s; PCRE2 without UCP means ASCII only. */
#define SPACES                                                                         \
    "\\t\\n\\x0b\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}" \
    "\\x{205f}\\x{3000}\\x{feff}"

struct schema_pattern {
    pcre2_general_context *memory; /* the wiping allocator */
    pcre2_code *code;
    pcre2_match_context *limits;
};

struct translator {
    struct slice in;
    size_t at;
    struct buf *out;
    const char *refusal; /* NULL: none so far */
    unsigned groups;     /* open ones */
    bool repeatable;     /* something stands here that a quantifier may follow */
};

static bool refuse(struct translator *t, const char *why)
{
    t->refusal = why;
    return false;
}

static bool more(const struct translator *t)
{
    return t->at < t->in.len;
}

static char peek(const struct translator *t)
{
    return more(t) ? t->in.ptr[t->at] : '\0';
}

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    if (byte >= 'a' && byte <= 'f') {
        return byte - 'a' + 10;
    }
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* Exactly `digits` hex digits, the value of one character. */
static bool translate_hex(struct translator *t, unsigned digits)
{
    unsigned value = 0;

    for (unsigned i = 0; i < digits; i++, t->at++) {
        int digit = hex_value(peek(t));

        if (digit < 0) {
            return refuse(t, "\\x takes two and \\u four hex digits");
        }
        value = value * 16 + (unsigned)digit;
    }
    if (value >= 0xD800 && value <= 0xDFFF) {
        return refuse(t, "surrogates are not allowed; write the character itself");
    }
    return buf_printf(t->out, "\\x{%x}", value);
}

/* \p{L} and \P{L}: general categories, by short or long name. */
static bool translate_category(struct translator *t, char letter)
{
    static const struct {
        const char *name, *category;
    } categories[] = {
        {"L", "L"},   {"Letter", "L"},
        {"Lu", "Lu"}, {"Uppercase_Letter", "Lu"},
        {"Ll", "Ll"}, {"Lowercase_Letter", "Ll"},
        {"N", "N"},   {"Number", "N"},
        {"Nd", "Nd"}, {"Decimal_Number", "Nd"},
        {"P", "P"},   {"Punctuation", "P"},
        {"S", "S"},   {"Symbol", "S"},
        {"Z", "Z"},   {"Separator", "Z"},
    };
    struct slice rest = slice_from(t->in, t->at);
    ptrdiff_t end = slice_find(rest, '}');
    struct slice name;

    if (rest.len == 0 || rest.ptr[0] != '{' || end < 0) {
        return refuse(t, "\\p is written \\p{Letter}");
    }
    name = slice_of(rest.ptr + 1, (size_t)end - 1);
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++) {
        if (slice_is(name, categories[i].name)) {
            t->at += (size_t)end + 1;
            return buf_printf(t->out, "\\%c{%s}", letter, categories[i].category);
        }
    }
    return refuse(t, "this unicode property is not supported");
}

static bool translate_escape(struct translator *t, bool in_class)
{
    char letter;

    t->at++;
    letter = peek(t);
    if (!more(t)) {
        return refuse(t, "it ends with a backslash");
    }
    t->at++;
    if (letter != '\0' && strchr("^$\\.*+?()[]{}|/-", letter) != NULL) {
        return buf_append_byte(t->out, '\\') && buf_append_byte(t->out, letter);
    }
    switch (letter) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
    case 't':
    case 'n':
    case 'r':
    case 'f':
        return buf_printf(t->out, "\\%c", letter);
    case 'v':
        return buf_append(t->out, SLICE("\\x0b"));
    case 's':
        return buf_printf(t->out, in_class ? "%s" : "[%s]", SPACES);
    case 'S':
        if (in_class) {
            return refuse(t, "\\S inside [] is not supported");
        }
        return buf_printf(t->out, "[^%s]", SPACES);
    case 'x':
        return translate_hex(t, 2);
    case 'u':
        return translate_hex(t, 4);
    case 'p':
    case 'P':
        return translate_category(t, letter);
    default:
        return refuse(t, "this escape is not supported");
    }
}

static bool translate_class(struct translator *t)
{
    buf_append_byte(t->out, '[');
    t->at++;
    if (peek(t) == '^') {
        buf_append_byte(t->out, '^');
        t->at++;
    }
    if (peek(t) == ']') {
        return refuse(t, "an empty [] matches nothing or anything");
    }
    while (more(t) && peek(t) != ']') {
        if (peek(t) == '\\') {
            if (!translate_escape(t, true)) {
                return false;
            }
            continue;
        }
        if (peek(t) == '[') { /* PCRE2 would look for [:alpha:] */
            buf_append_byte(t->out, '\\');
        }
        buf_append_byte(t->out, peek(t));
        t->at++;
    }
    if (!more(t)) {
        return refuse(t, "a [ is not closed");
    }
    t->at++;
    t->repeatable = true;
    return buf_append_byte(t->out, ']');
}

/* Digits of {n,m}; false when there are none or too many. */
static bool translate_count(struct translator *t)
{
    unsigned value = 0;
    size_t start = t->at;

    for (; peek(t) >= '0' && peek(t) <= '9'; t->at++) {
        value = value * 10 + (unsigned)(peek(t) - '0');
        if (value > REPEAT_MAX) {
            return refuse(t, "a repetition is at most 4096");
        }
        buf_append_byte(t->out, peek(t));
    }
    return t->at > start ? true
                         : refuse(t, "a { is escaped or written {n}, {n,}, {n,m}");
}

static bool translate_braces(struct translator *t)
{
    buf_append_byte(t->out, '{');
    t->at++;
    if (!translate_count(t)) {
        return false;
    }
    if (peek(t) == ',') {
        buf_append_byte(t->out, ',');
        t->at++;
        if (peek(t) != '}' && !translate_count(t)) {
            return false;
        }
    }
    if (peek(t) != '}') {
        return refuse(t, "a { is escaped or written {n}, {n,}, {n,m}");
    }
    t->at++;
    return buf_append_byte(t->out, '}');
}

static bool translate_quantifier(struct translator *t)
{
    if (!t->repeatable) {
        return refuse(t, "a quantifier stands where there is nothing to repeat");
    }
    t->repeatable = false;
    if (peek(t) == '{') {
        if (!translate_braces(t)) {
            return false;
        }
    } else {
        buf_append_byte(t->out, peek(t));
        t->at++;
    }
    if (peek(t) == '?') {
        buf_append_byte(t->out, '?');
        t->at++;
    }
    return true; /* a further + would be possessive; it is refused as not repeatable */
}

static bool translate_open(struct translator *t)
{
    t->at++;
    t->groups++;
    t->repeatable = false;
    if (peek(t) != '?') {
        return buf_append(t->out, SLICE("(?:")); /* captures are of no use here */
    }
    if (t->at + 1 >= t->in.len || t->in.ptr[t->at + 1] != ':') {
        return refuse(t, "only (…) and (?:…) groups are supported");
    }
    t->at += 2;
    return buf_append(t->out, SLICE("(?:"));
}

static bool translate_close(struct translator *t)
{
    if (t->groups == 0) {
        return refuse(t, "a ) closes nothing");
    }
    t->groups--;
    t->at++;
    t->repeatable = true;
    return buf_append_byte(t->out, ')');
}

static bool translate_one(struct translator *t)
{
    char byte = peek(t);

    switch (byte) {
    case '\\':
        t->repeatable = true;
        return translate_escape(t, false);
    case '[':
        return translate_class(t);
    case '(':
        return translate_open(t);
    case ')':
        return translate_close(t);
    case '*':
    case '+':
    case '?':
    case '{':
        return translate_quantifier(t);
    case '}':
    case ']':
        return refuse(t, "a ] or } outside is to be escaped");
    case '|':
    case '^':
    case '$':
        t->repeatable = false;
        t->at++;
        return buf_append_byte(t->out, byte);
    case '.':
        t->repeatable = true;
        t->at++;
        return buf_append(t->out, SLICE("[^\\n\\r\\x{2028}\\x{2029}]"));
    default:
        t->repeatable = true;
        t->at++;
        return buf_append_byte(t->out, byte);
    }
}

static bool translate(struct translator *t)
{
    while (more(t)) {
        if (!translate_one(t)) {
            return t->refusal != NULL ? false : refuse(t, "it is too long");
        }
    }
    if (t->groups > 0) {
        return refuse(t, "a ( is not closed");
    }
    return !buf_full(t->out) ? true : refuse(t, "it is too long");
}

static void free_pattern(void *ptr)
{
    struct schema_pattern *pattern = ptr;

    pcre2_match_context_free(pattern->limits);
    pcre2_code_free(pattern->code);
    pcre2_general_context_free(pattern->memory);
}

/* What a pattern is tried on is an argument of a call. */
static void *match_alloc(PCRE2_SIZE bytes, void *ctx)
{
    (void)ctx;
    return memory_alloc(bytes);
}

static void match_free(void *ptr, void *ctx)
{
    (void)ctx;
    memory_free(ptr);
}

static bool build(struct arena *arena, struct slice text, struct schema_pattern **out)
{
    struct schema_pattern *pattern = arena_alloc(arena, sizeof *pattern);
    int error = 0;
    PCRE2_SIZE offset = 0;

    pattern->code = pcre2_compile((PCRE2_SPTR)text.ptr, text.len,
                                  PCRE2_UTF | PCRE2_DOLLAR_ENDONLY |
                                      PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C,
                                  &error, &offset, NULL);
    if (pattern->code == NULL) {
        return false;
    }
    pattern->memory = pcre2_general_context_create(match_alloc, match_free, NULL);
    REQUIRE(pattern->memory != NULL);
    pattern->limits = pcre2_match_context_create(pattern->memory);
    REQUIRE(pattern->limits != NULL);
    pcre2_set_match_limit(pattern->limits, MATCH_STEPS);
    pcre2_set_heap_limit(pattern->limits, MATCH_HEAP_KIB);
    arena_on_free(arena, free_pattern, pattern);
    *out = pattern;
    return true;
}

bool pattern_compile(struct arena *arena, struct slice text,
                     struct schema_pattern **out, struct slice *message)
{
    struct translator t = {.in = text};
    struct buf translated;
    bool ok;

    if (text.len > PATTERN_BYTES) {
        *message = SLICE("the pattern is longer than 1024 bytes");
        return false;
    }
    buf_init(&translated, TRANSLATED_BYTES);
    t.out = &translated;
    ok = translate(&t);
    if (ok && !build(arena, buf_slice(&translated), out)) {
        ok = refuse(&t, "it is not a regular expression (a range may be out of order)");
    }
    if (!ok) {
        *message = arena_printf(arena, "the pattern cannot be used: %s (byte %zu)",
                                t.refusal, t.at);
    }
    buf_free(&translated);
    return ok;
}

bool pattern_matches(const struct schema_pattern *pattern, struct slice text)
{
    /* One pair: nothing is captured. */
    pcre2_match_data *data = pcre2_match_data_create(1, pattern->memory);
    int found;

    REQUIRE(data != NULL);
    found = pcre2_match(pattern->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, data,
                        pattern->limits);
    pcre2_match_data_free(data);
    return found >= 0;
}
