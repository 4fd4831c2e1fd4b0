/* SPDX-License-Identifier: Apache-2.0 */
/* SuiteQL bytes to tokens. Text in quotes is taken whole: nothing in it is ever looked
 * at again. */
#include "mocks/netsuite/sql_private.h"

struct lexer {
    struct sql *sql;
    struct slice text;
    size_t at;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(char c)
{
    return is_word_start(c) || is_digit(c) || c == '$' || c == '#';
}

static char peek(const struct lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->text.len ? lexer->text.ptr[at] : '\0';
}

static void skip_comment(struct lexer *lexer)
{
    if (peek(lexer, 0) == '-') {
        while (lexer->at < lexer->text.len && peek(lexer, 0) != '\n') {
            lexer->at++;
        }
        return;
    }
    lexer->at += 2;
    while (lexer->at < lexer->text.len &&
           !(peek(lexer, 0) == '*' && peek(lexer, 1) == '/')) {
        lexer->at++;
    }
    lexer->at += 2;
}

static void skip_blank(struct lexer *lexer)
{
    while (lexer->at < lexer->text.len) {
        if (is_space(peek(lexer, 0))) {
            lexer->at++;
        } else if ((peek(lexer, 0) == '-' && peek(lexer, 1) == '-') ||
                   (peek(lexer, 0) == '/' && peek(lexer, 1) == '*')) {
            skip_comment(lexer);
        } else {
            return;
        }
    }
}

/* Reads up to the closing quote; a doubled quote stands for one. */
static struct token read_quoted(struct lexer *lexer, enum token_kind kind)
{
    char quote = peek(lexer, 0);
    char *out = arena_alloc(lexer->sql->arena, lexer->text.len - lexer->at + 1);
    size_t used = 0;
    lexer->at++;
    while (lexer->at < lexer->text.len) {
        char c = lexer->text.ptr[lexer->at++];
        if (c == quote) {
            if (peek(lexer, 0) != quote) {
                return (struct token){kind, slice_of(out, used)};
            }
            lexer->at++;
        }
        out[used++] = c;
    }
    (void)sql_fail(lexer->sql, "Invalid or unsupported search: a quote is not closed");
    return (struct token){TOKEN_END, SLICE_EMPTY};
}

static struct token read_word(struct lexer *lexer)
{
    size_t from = lexer->at;
    while (is_word(peek(lexer, 0))) {
        lexer->at++;
    }
    struct slice word = slice_of(lexer->text.ptr + from, lexer->at - from);
    char *lower = arena_copy(lexer->sql->arena, word);
    for (size_t i = 0; i < word.len; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z') {
            lower[i] = (char)(lower[i] - 'A' + 'a');
        }
    }
    return (struct token){TOKEN_WORD, slice_of(lower, word.len)};
}

static struct token read_number(struct lexer *lexer)
{
    size_t from = lexer->at;
    while (is_digit(peek(lexer, 0))) {
        lexer->at++;
    }
    if (peek(lexer, 0) == '.') {
        lexer->at++;
        while (is_digit(peek(lexer, 0))) {
            lexer->at++;
        }
    }
    return (struct token){TOKEN_NUMBER,
                          slice_of(lexer->text.ptr + from, lexer->at - from)};
}

static struct token read_sign(struct lexer *lexer)
{
    static const char *const pairs[] = {"<>", "<=", ">=", "!=", "||"};
    struct slice rest = slice_from(lexer->text, lexer->at);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (slice_starts(rest, slice_str(pairs[i]))) {
            lexer->at += 2;
            return (struct token){TOKEN_SIGN, slice_of(rest.ptr, 2)};
        }
    }
    char c = rest.ptr[0];
    if (c == '\0' || strchr("()+-*/,.=<>?", c) == NULL) {
        (void)sql_fail(lexer->sql,
                       "Invalid or unsupported search: unexpected character at %zu",
                       lexer->at + 1);
    }
    lexer->at++;
    return (struct token){TOKEN_SIGN, slice_of(rest.ptr, 1)};
}

static struct token read_token(struct lexer *lexer)
{
    char c = peek(lexer, 0);
    if (lexer->at >= lexer->text.len) {
        return (struct token){TOKEN_END, SLICE_EMPTY};
    }
    if (c == '\'' || c == '"') {
        return read_quoted(lexer, c == '"' ? TOKEN_QUOTED : TOKEN_TEXT);
    }
    if (is_word_start(c)) {
        return read_word(lexer);
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        return read_number(lexer);
    }
    return read_sign(lexer);
}

struct token *sql_tokens(struct sql *sql, struct slice text)
{
    struct lexer lexer = {sql, text, 0};
    struct token *tokens = arena_array(sql->arena, text.len + 1, sizeof *tokens);
    size_t count = 0;
    do {
        skip_blank(&lexer);
        tokens[count] = read_token(&lexer);
    } while (tokens[count++].kind != TOKEN_END && !sql_failed(sql));
    tokens[count - 1].kind = TOKEN_END;
    return tokens;
}
