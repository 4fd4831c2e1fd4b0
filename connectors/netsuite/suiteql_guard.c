/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a query once, from left to right, into what is sent. What holds afterwards:
 *
 * 1. Outside quotes there are only letters, digits, blanks and the signs of `signs`: no
 *    ';', and no character that other dialects quote with (` [ ] $$ q'...').
 * 2. Comments are cut out. Where one ends is read differently from dialect to dialect;
 *    what is not sent cannot be read differently.
 * 3. Quotes are Oracle's: '' inside '...' and "" inside "..." stand for one, and no
 *    backslash means anything.
 * 4. The first word is SELECT or WITH, and no word begins a statement that writes.
 */
#include "connectors/netsuite/suiteql_guard.h"

#include "base/text.h"

static const char signs[] = "()+-*/,.=<>!?|^{}";

static const char not_reading[] = "A query begins with SELECT or WITH.";

enum token { NOTHING, WORD, NUMBER, TEXT, NAME, SIGN };

struct scan {
    struct slice in;
    size_t at;
    char *out;
    size_t len;
    size_t marks, depth, words;
    bool ordered;
    enum token last;   /* before this place, blanks and comments left out */
    bool adjacent;     /* with nothing between */
    bool after_member; /* last is the '.' behind a name */
    struct slice word; /* the last one */
    const char *fault; /* the first */
};

static char peek(const struct scan *scan, size_t ahead)
{
    size_t at = scan->at + ahead;

    return at < scan->in.len ? scan->in.ptr[at] : '\0';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void take(struct scan *scan)
{
    scan->out[scan->len++] = scan->in.ptr[scan->at++];
}

static void refuse(struct scan *scan, const char *why)
{
    if (scan->fault == NULL) {
        scan->fault = why;
    }
    scan->at = scan->in.len;
}

static void note(struct scan *scan, enum token token)
{
    bool opens = token == SIGN && scan->out[scan->len - 1] == '(';

    if (scan->words == 0 && token != WORD && !opens) {
        refuse(scan, not_reading);
    }
    scan->last = token;
    scan->adjacent = true;
    scan->after_member = false;
}

/* ---- What is left out ---- */

static void skip_line(struct scan *scan)
{
    while (scan->at < scan->in.len && peek(scan, 0) != '\n' && peek(scan, 0) != '\r') {
        scan->at++;
    }
}

static void skip_block(struct scan *scan)
{
    scan->at += 2;
    while (scan->at < scan->in.len && !(peek(scan, 0) == '*' && peek(scan, 1) == '/')) {
        scan->at++;
    }
    if (scan->at >= scan->in.len) {
        refuse(scan, "A comment is not closed.");
        return;
    }
    scan->at += 2;
}

/* True when a comment stood here. */
static bool skip_comment(struct scan *scan)
{
    bool line = peek(scan, 0) == '-' && peek(scan, 1) == '-';
    bool block = peek(scan, 0) == '/' && peek(scan, 1) == '*';

    if (!line && !block) {
        return false;
    }
    scan->out[scan->len++] = ' ';
    scan->adjacent = false;
    if (line) {
        skip_line(scan);
    } else {
        skip_block(scan);
    }
    return true;
}

/* ---- Quotes ---- */

/* q'[...]' ends elsewhere for who does not know it: nobody gets to see it. */
static bool is_alternative_quoting(const struct scan *scan)
{
    return scan->last == WORD && scan->adjacent &&
           (slice_eq_nocase(scan->word, SLICE("q")) ||
            slice_eq_nocase(scan->word, SLICE("nq")));
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && !is_blank(c)) || c == 0x7f;
}

static void take_quoted(struct scan *scan)
{
    char quote = peek(scan, 0);

    if (is_alternative_quoting(scan)) {
        refuse(scan, "q'...' quoting is not taken: double each quote inside '...', or "
                     "put the text into params.");
        return;
    }
    take(scan);
    while (scan->at < scan->in.len) {
        char c = peek(scan, 0);
        if (is_control(c)) {
            refuse(scan, "A text has control characters: put it into params.");
            return;
        }
        take(scan);
        if (c == quote && peek(scan, 0) != quote) {
            note(scan, quote == '"' ? NAME : TEXT);
            return;
        }
        if (c == quote) {
            take(scan);
        }
    }
    refuse(scan, "A quote is not closed.");
}

/* ---- Words ---- */

static bool is_one_of(struct slice word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq_nocase(word, slice_str(words[i]))) {
            return true;
        }
    }
    return false;
}

static void check_word(struct scan *scan, bool is_column)
{
    static const char *const readers[] = {"SELECT", "WITH"};
    static const char *const writers[] = {
        "INSERT", "UPDATE",  "DELETE",  "MERGE",  "UPSERT",  "INTO", "DROP",
        "ALTER",  "CREATE",  "GRANT",   "REVOKE", "COMMIT",  "LOCK", "CALL",
        "EXEC",   "EXECUTE", "DECLARE", "BEGIN",  "ROLLBACK"};

    if (scan->words++ == 0 &&
        !is_one_of(scan->word, readers, sizeof readers / sizeof readers[0])) {
        refuse(scan, not_reading);
    } else if (!is_column &&
               is_one_of(scan->word, writers, sizeof writers / sizeof writers[0])) {
        refuse(
            scan,
            "A query only reads: words such as INSERT, UPDATE, DELETE, INTO, CALL "
            "are not taken. A column of such a name goes behind its table's name and "
            "a dot, or into double quotes.");
    }
    scan->ordered = scan->ordered || (scan->depth == 0 && !is_column &&
                                      slice_eq_nocase(scan->word, SLICE("ORDER")));
}

/* 1e5 is a number; so is what a keyword would follow without a blank. */
static void take_word(struct scan *scan)
{
    bool is_column = scan->after_member;
    bool of_number = scan->last == NUMBER && scan->adjacent;
    size_t from = scan->at;

    while (is_letter(peek(scan, 0)) || is_digit(peek(scan, 0)) ||
           (scan->at > from && (peek(scan, 0) == '$' || peek(scan, 0) == '#'))) {
        take(scan);
    }
    scan->word = slice_of(scan->in.ptr + from, scan->at - from);
    note(scan, of_number ? NUMBER : WORD);
    check_word(scan, is_column);
}

static void take_number(struct scan *scan)
{
    while (is_digit(peek(scan, 0))) {
        take(scan);
    }
    note(scan, NUMBER);
}

/* ---- Signs ---- */

static void take_sign(struct scan *scan)
{
    char c = peek(scan, 0);
    bool member = c == '.' && (scan->last == WORD || scan->last == NAME);

    scan->marks += c == '?' ? 1 : 0;
    scan->depth += c == '(' ? 1 : 0;
    if (c == ')' && scan->depth-- == 0) {
        scan->depth = 0;
        refuse(scan, "A bracket is closed that was not opened.");
        return;
    }
    if (scan->depth > GUARD_DEPTH_MAX) {
        refuse(scan, "Brackets are nested deeper than 64.");
        return;
    }
    take(scan);
    note(scan, SIGN);
    scan->after_member = member;
}

static void refuse_character(struct scan *scan)
{
    refuse(scan,
           peek(scan, 0) == ';'
               ? "Send one statement, without ';' outside quotes, at its end too."
               : "Outside quotes a query has letters a to z, digits, blanks and ( ) "
                 "+ - * / , . = < > ! ? | ^ { }. Other characters go into '...', "
                 "into \"...\" or, best, into params.");
}

static void take_next(struct scan *scan)
{
    char c = peek(scan, 0);

    if (is_blank(c)) {
        take(scan);
        scan->adjacent = false;
    } else if (skip_comment(scan)) {
        return;
    } else if (c == '\'' || c == '"') {
        take_quoted(scan);
    } else if (is_letter(c)) {
        take_word(scan);
    } else if (is_digit(c)) {
        take_number(scan);
    } else if (c != '\0' && strchr(signs, c) != NULL) {
        take_sign(scan);
    } else {
        refuse_character(scan);
    }
}

const char *guard_query(struct arena *arena, struct slice query, struct guarded *out)
{
    struct scan scan = {.in = query, .out = arena_alloc(arena, query.len + 1)};

    if (query.len > GUARD_QUERY_BYTES_MAX) {
        return "A query has at most 16384 bytes.";
    }
    if (!text_is_utf8(query)) {
        return "The query is not UTF-8.";
    }
    while (scan.at < scan.in.len) {
        take_next(&scan);
    }
    if (scan.fault == NULL && scan.words == 0) {
        return not_reading;
    }
    if (scan.fault == NULL && scan.depth > 0) {
        return "A bracket is not closed.";
    }
    *out = (struct guarded){.text = slice_of(scan.out, scan.len),
                            .marks = scan.marks,
                            .ordered = scan.ordered};
    return scan.fault;
}
