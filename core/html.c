/* SPDX-License-Identifier: Apache-2.0 */
#include "core/html.h"

#include "base/require.h"
#include "base/text.h"

#define REPLACEMENT "\xEF\xBF\xBD"

/* What stands for an ASCII character; NULL: itself. */
static const char *reference_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '`':
        return "&#96;"; /* a quote to browsers of the past */
    default:
        return ((unsigned char)c < 0x20 && c != '\n' && c != '\t') || c == 0x7f
                   ? REPLACEMENT
                   : NULL;
    }
}

static void put_valid(struct buf *out, struct slice text)
{
    size_t plain = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *reference = reference_of(text.ptr[i]);
        if (reference != NULL) {
            buf_append(out, slice_of(text.ptr + plain, i - plain));
            buf_append(out, slice_str(reference));
            plain = i + 1;
        }
    }
    buf_append(out, slice_from(text, plain));
}

void html_text(struct buf *out, struct slice text)
{
    while (text.len > 0) {
        size_t valid = text_utf8_prefix(text);
        put_valid(out, slice_of(text.ptr, valid));
        text = slice_from(text, valid);
        if (text.len > 0) {
            buf_append(out, SLICE(REPLACEMENT));
            text = slice_from(text, 1);
        }
    }
}

void html_fill(struct buf *out, const char *template, const struct slice *texts,
               size_t count)
{
    size_t used = 0;
    const char *from = template;
    for (const char *at = strstr(from, "{}"); at != NULL; at = strstr(from, "{}")) {
        REQUIRE(used < count);
        buf_append(out, slice_of(from, (size_t)(at - from)));
        html_text(out, texts[used++]);
        from = at + 2;
    }
    REQUIRE(used == count);
    buf_append(out, slice_str(from));
}
