/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a text of a page: nothing of it is markup or ends a quoted attribute, all of
 * it is UTF-8, and the references in it are the five that we write. */
#include "fuzz/input.h"

#include "base/arena.h"
#include "base/text.h"
#include "core/html.h"

static size_t reference_bytes(struct slice rest)
{
    static const char *const ours[] = {"&amp;",  "&lt;",  "&gt;",
                                       "&quot;", "&#39;", "&#96;"};

    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (slice_starts(rest, slice_str(ours[i]))) {
            return strlen(ours[i]);
        }
    }
    return 0;
}

static void check(struct slice shown)
{
    REQUIRE(text_is_utf8(shown));
    for (size_t i = 0; i < shown.len; i++) {
        unsigned char c = (unsigned char)shown.ptr[i];
        REQUIRE(c != '<' && c != '>' && c != '"' && c != '\'' && c != '`');
        REQUIRE(c >= 0x20 || c == '\n' || c == '\t');
        REQUIRE(c != 0x7f);
        REQUIRE(c != '&' || reference_bytes(slice_from(shown, i)) > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    struct buf out, two;

    buf_init(&out, size * 6 + 16);
    buf_init(&two, size * 6 + 16);
    html_text(&out, input);
    REQUIRE(!buf_full(&out));
    check(buf_slice(&out));
    /* A template's braces come from us alone. */
    html_put(&two, "<b>{}</b>", input);
    struct slice whole = buf_slice(&two);
    REQUIRE(whole.len == out.len + 7 && slice_starts(whole, SLICE("<b>")));
    REQUIRE(slice_eq(slice_of(whole.ptr + 3, out.len), buf_slice(&out)));
    buf_free(&two);
    buf_free(&out);
    return 0;
}
