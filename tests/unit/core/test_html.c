/* SPDX-License-Identifier: Apache-2.0 */
/* No text becomes markup, whatever its bytes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "core/html.h"

#define CEILING 65536

static void assert_text(struct slice text, const char *html)
{
    struct buf out;
    buf_init(&out, CEILING);
    html_text(&out, text);
    assert_string_equal(out.ptr, html);
    buf_free(&out);
}

static void test_what_is_markup_is_escaped(void **state)
{
    (void)state;
    assert_text(SLICE("<a href=\"x\" id='y'>&amp;`</a>"),
                "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;&#96;&lt;/a&gt;");
    assert_text(SLICE("J\xC3\xB8rgen \xE2\x82\xAC"), "J\xC3\xB8rgen \xE2\x82\xAC");
    assert_text(SLICE("a\nb\tc"), "a\nb\tc");
}

static void test_what_is_no_text_is_replaced(void **state)
{
    (void)state;
    assert_text(SLICE("a\0b"), "a\xEF\xBF\xBD"
                               "b");
    assert_text(SLICE("\x1b[2J\x7f"), "\xEF\xBF\xBD[2J\xEF\xBF\xBD");
    /* An overlong "<", a lone surrogate, a sequence that is cut short. */
    assert_text(SLICE("\xC0\xBC!"), "\xEF\xBF\xBD\xEF\xBF\xBD!");
    assert_text(SLICE("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_text(SLICE("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void test_texts_take_the_places_of_a_template(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, CEILING);
    html_put(&out, "<p id=\"{}\">{}</p>", SLICE("\"onload="), SLICE("{}<b>"));
    assert_string_equal(out.ptr, "<p id=\"&quot;onload=\">{}&lt;b&gt;</p>");
    buf_free(&out);
}

/* A generator of its own, so that a failure can be made again. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return *seed >> 8;
}

static void test_no_bytes_break_out(void **state)
{
    static const char likely[] = "<>&\"'`\0\r{}=/;#x\xC3\xE2\xF0\x80\xBC";
    uint32_t seed = 20261121;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char bytes[32];
        size_t len = next_random(&seed) % sizeof bytes;
        struct buf out;
        for (size_t i = 0; i < len; i++) {
            uint32_t pick = next_random(&seed);
            bytes[i] = pick % 2 == 0 ? (char)(pick >> 4)
                                     : likely[(pick >> 4) % (sizeof likely - 1)];
        }
        buf_init(&out, CEILING);
        html_text(&out, slice_of(bytes, len));
        struct slice html = buf_slice(&out);
        assert_true(text_is_utf8(html));
        for (size_t i = 0; i < html.len; i++) {
            assert_null(strchr("<>\"'`\r", html.ptr[i] != '\0' ? html.ptr[i] : '<'));
            if (html.ptr[i] == '&') {
                ptrdiff_t end = slice_find(slice_from(html, i), ';');
                assert_true(end >= 3 && end <= 5);
            }
        }
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_markup_is_escaped),
        cmocka_unit_test(test_what_is_no_text_is_replaced),
        cmocka_unit_test(test_texts_take_the_places_of_a_template),
        cmocka_unit_test(test_no_bytes_break_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
