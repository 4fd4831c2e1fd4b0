/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: fuzzes the guard of free queries: what it lets through is one statement, read
 * a second time here by other code, and guarding it again changes nothing.
 * Start reading at: LLVMFuzzerTestOneInput. The input is the query.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/require.h"
#include "connectors/netsuite/suiteql_guard.h"

/* Outside quotes: what stands there, and how deep. */
static void check_text(struct slice text, const struct guarded *guarded)
{
    size_t marks = 0, open = 0, close = 0;
    char quote = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';

        REQUIRE(c >= 0x20 || c == '\t' || c == '\r' || c == '\n');
        if (quote != 0) {
            /* A doubled quote closes and opens again: the same in the end. */
            quote = (char)c == quote ? 0 : quote;
            continue;
        }
        REQUIRE(c < 0x7f && c != ';' && c != '`' && c != '[' && c != ']' && c != '\\');
        REQUIRE(!(c == '-' && next == '-') && !(c == '/' && next == '*'));
        quote = c == '\'' || c == '"' ? (char)c : 0;
        marks += c == '?' ? 1 : 0;
        open += c == '(' ? 1 : 0;
        close += c == ')' ? 1 : 0;
        REQUIRE(close <= open);
    }
    REQUIRE(quote == 0 && open == close);
    REQUIRE(marks == guarded->marks);
}

static bool begins_right(struct slice text)
{
    while (text.len > 0 &&
           !((text.ptr[0] | 0x20) >= 'a' && (text.ptr[0] | 0x20) <= 'z')) {
        text = slice_from(text, 1);
    }
    return (text.len >= 6 && slice_eq_nocase(slice_of(text.ptr, 6), SLICE("SELECT"))) ||
           (text.len >= 4 && slice_eq_nocase(slice_of(text.ptr, 4), SLICE("WITH")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct slice query = slice_of((const char *)data, size);
    struct guarded once, again;

    if (guard_query(arena, query, &once) == NULL) {
        REQUIRE(once.text.len <= size);
        check_text(once.text, &once);
        REQUIRE(begins_right(once.text));
        REQUIRE(guard_query(arena, once.text, &again) == NULL);
        REQUIRE(slice_eq(once.text, again.text));
        REQUIRE(once.marks == again.marks && once.ordered == again.ordered);
    }
    arena_free(arena);
    return 0;
}
