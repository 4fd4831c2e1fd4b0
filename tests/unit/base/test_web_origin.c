/* SPDX-License-Identifier: Apache-2.0 */
/* Origins: one spelling for each, and nothing that two readers understand differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/web_origin.h"

static void test_spellings_of_an_origin_become_one(void **state)
{
    static const struct {
        const char *given, *text, *host;
        int port;
    } cases[] = {
        {"https://a.example", "https://a.example", "a.example", 443},
        {"HTTPS://A.Example:443", "https://a.example", "a.example", 443},
        {"https://a.example:0443", "https://a.example", "a.example", 443},
        {"http://a.example:80", "http://a.example", "a.example", 80},
        {"http://a.example:443", "http://a.example:443", "a.example", 443},
        {"https://a-b.1c.example:44300", "https://a-b.1c.example:44300",
         "a-b.1c.example", 44300},
        {"http://localhost:1", "http://localhost:1", "localhost", 1},
        {"http://127.0.0.1:65535", "http://127.0.0.1:65535", "127.0.0.1", 65535},
        {"http://[::1]", "http://[::1]", "[::1]", 80},
        {"https://[FD00::A]:8443", "https://[fd00::a]:8443", "[fd00::a]", 8443},
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct web_origin origin;
        assert_true(web_origin_parse(arena, slice_str(cases[i].given), &origin));
        assert_true(slice_is(origin.text, cases[i].text));
        assert_true(slice_is(origin.host, cases[i].host));
        assert_int_equal(origin.port, cases[i].port);
        assert_int_equal(origin.is_tls, slice_starts(origin.text, SLICE("https:")));
    }
    arena_free(arena);
}

static void test_everything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "a.example",
        "//a.example",
        "https:/a.example",
        "https://",
        "ftp://a.example",
        "https://a.example/",
        "https://a.example?x",
        "https://a.example#x",
        "https://user@a.example",
        "https://user:pass@a.example",
        "https://a.example:",
        "https://a.example:0",
        "https://a.example:65536",
        "https://a.example:44a",
        "https://a.example:-1",
        "https://a.example.",
        "https://.example",
        "https://a..example",
        "https://-a.example",
        "https://a-.example",
        "https://a_b.example",
        "https://a b",
        "https://a%2e",
        "https://\xc3\xa6.example",
        /* Some resolvers take these for addresses. */
        "http://127.1",
        "http://2130706433",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "http://1.2.3.4.5",
        "http://256.1.1.1",
        "http://[::1",
        "http://::1",
        "http://[]",
        "http://[:::]",
        "http://[1.2.3.4]",
        "http://[::1]x",
        "http://[fe80::1%25eth0]",
        "http://a[::1]",
    };
    struct arena *arena = arena_new();
    struct web_origin origin;
    char text[400];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (web_origin_parse(arena, slice_str(wrong[i]), &origin)) {
            fail_msg("taken: %s", wrong[i]);
        }
    }
    memset(text, 'a', sizeof text);
    memcpy(text, "https://", 8);
    for (size_t i = 8 + 63; i < sizeof text; i += 64) {
        text[i] = '.';
    }
    assert_true(web_origin_parse(arena, slice_of(text, 8 + 253), &origin));
    assert_false(web_origin_parse(arena, slice_of(text, 8 + 254), &origin));
    assert_false(web_origin_parse(arena, slice_of(text, 301), &origin));
    memset(text + 8, 'a', 64);
    assert_true(web_origin_parse(arena, slice_of(text, 8 + 63), &origin));
    assert_false(web_origin_parse(arena, slice_of(text, 8 + 64), &origin));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings_of_an_origin_become_one),
        cmocka_unit_test(test_everything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
