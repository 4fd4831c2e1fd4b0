/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings: the vectors of the RFCs, round trips, and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"
#include "base/text.h"

typedef struct slice (*encode_fn)(struct arena *arena, struct slice bytes);
typedef bool (*decode_fn)(struct arena *arena, struct slice text, struct slice *bytes);

static void round_trips(encode_fn encode, decode_fn decode)
{
    struct arena *arena = arena_new();
    char bytes[300];

    random_bytes(bytes, sizeof(bytes));
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct slice back;
        struct slice text = encode(arena, slice_of(bytes, len));
        assert_true(decode(arena, text, &back));
        assert_int_equal(back.len, len);
        assert_memory_equal(back.ptr, bytes, len);
    }
    arena_free(arena);
}

static void refuses(decode_fn decode, const char *const *texts)
{
    struct arena *arena = arena_new();
    struct slice bytes;

    for (; *texts != NULL; texts++) {
        if (decode(arena, slice_str(*texts), &bytes)) {
            fail_msg("accepted: %s", *texts);
        }
    }
    arena_free(arena);
}

static void test_hex_is_lower_case_and_reads_both(void **state)
{
    static const char *const bad[] = {"0", "0g", "abc", " 00", "0x00", NULL};
    struct arena *arena = arena_new();
    struct slice bytes;
    (void)state;

    assert_true(slice_is(text_hex(arena, SLICE("\x01\xab\xff")), "01abff"));
    assert_true(text_unhex(arena, SLICE("01aBFf"), &bytes));
    assert_true(slice_is(bytes, "\x01\xab\xff"));
    round_trips(text_hex, text_unhex);
    refuses(text_unhex, bad);
    arena_free(arena);
}

static void test_base64_gives_the_vectors_of_rfc_4648(void **state)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    struct arena *arena = arena_new();
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(slice_is(text_base64(arena, slice_str(rows[i][0])), rows[i][1]));
    }
    assert_true(slice_is(text_base64(arena, SLICE("\xfb\xff\xfe")), "+//+"));
    assert_true(slice_is(text_base64url(arena, SLICE("\xfb\xff\xfe")), "-__-"));
    assert_true(slice_is(text_base64url(arena, SLICE("f")), "Zg"));
    round_trips(text_base64, text_unbase64);
    round_trips(text_base64url, text_unbase64url);
    arena_free(arena);
}

static void test_base64_refuses_everything_but_the_one_right_text(void **state)
{
    static const char *const bad[] = {"Zg",   "Zg=",      "Zg===", "====",  "Z===",
                                      "Zh==", "Zm9=",     "Zm9v=", "Zm 9v", "Zm9v\n",
                                      "-__-", "Zg==Zg==", "Z=g=",  "=Zg=",  NULL};
    static const char *const bad_url[] = {"Zg==", "Z",     "Zh",  "Zm9",
                                          "+//+", "Zm9vY", " Zg", NULL};
    (void)state;

    refuses(text_unbase64, bad);
    refuses(text_unbase64url, bad_url);
}

static void test_percent_leaves_the_unreserved_and_nothing_else(void **state)
{
    static const char *const bad[] = {"%", "%2", "%2g", "a%", "%%20", "% 20", NULL};
    struct arena *arena = arena_new();
    struct slice bytes;
    (void)state;

    assert_true(slice_is(text_percent_arena(arena, SLICE("azAZ09-._~")), "azAZ09-._~"));
    assert_true(slice_is(text_percent_arena(arena, SLICE(" +/?&=!*'()")),
                         "%20%2B%2F%3F%26%3D%21%2A%27%28%29"));
    assert_true(
        slice_is(text_percent_arena(arena, SLICE("\xe2\x82\xac")), "%E2%82%AC"));
    assert_true(text_unpercent(arena, SLICE("a+b%2fc%2F%00"), &bytes));
    assert_int_equal(bytes.len, 7);
    assert_memory_equal(bytes.ptr, "a+b/c/\0", 7);
    round_trips(text_percent_arena, text_unpercent);
    refuses(text_unpercent, bad);
    arena_free(arena);
}

static void test_percent_into_a_full_buffer_writes_nothing(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 5);

    assert_false(text_percent(&buf, SLICE("//")));
    assert_int_equal(buf.len, 0);
    assert_true(text_percent(&buf, SLICE("/ab")));
    assert_string_equal(buf.ptr, "%2Fab");
    buf_free(&buf);
}

/* A second reader of UTF-8, written from the table of code points instead of byte
 * ranges. */
static bool is_utf8_slowly(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t extra = p[i] < 0x80         ? 0
                       : (p[i] >> 5) == 6  ? 1
                       : (p[i] >> 4) == 14 ? 2
                       : (p[i] >> 3) == 30 ? 3
                                           : 9;
        static const uint32_t first[] = {0, 0x80, 0x800, 0x10000};
        if (extra == 9 || extra >= len - i) {
            return false;
        }
        uint32_t point = extra == 0 ? p[i] : p[i] & (0x3fu >> extra);
        for (size_t k = 1; k <= extra; k++) {
            if (p[i + k] >> 6 != 2) {
                return false;
            }
            point = point << 6 | (p[i + k] & 0x3f);
        }
        if (point < first[extra] || point > 0x10ffff ||
            (point >= 0xd800 && point <= 0xdfff)) {
            return false;
        }
        i += extra + 1;
    }
    return true;
}

static void test_utf8_agrees_with_a_second_reader_on_three_byte_texts(void **state)
{
    unsigned char text[12] = "12345678";
    (void)state;

    for (uint32_t bits = 0; bits < 0x1000000; bits += bits < 0x800000 ? 97 : 3) {
        text[8] = (unsigned char)(bits >> 16);
        text[9] = (unsigned char)(bits >> 8);
        text[10] = (unsigned char)bits;
        bool expected = is_utf8_slowly(text, 11);
        if (text_is_utf8(slice_of((char *)text, 11)) != expected) {
            fail_msg("three bytes %06x", bits);
        }
    }
}

static void test_utf8_four_byte_forms_and_prefixes(void **state)
{
    (void)state;

    assert_true(text_is_utf8(SLICE("\xf0\x90\x80\x80")));
    assert_true(text_is_utf8(SLICE("\xf4\x8f\xbf\xbf")));
    assert_false(text_is_utf8(SLICE("\xf0\x8f\xbf\xbf")));
    assert_false(text_is_utf8(SLICE("\xf4\x90\x80\x80")));
    assert_false(text_is_utf8(SLICE("\xf5\x80\x80\x80")));
    assert_false(text_is_utf8(SLICE("\xed\xa0\x80")));
    assert_false(text_is_utf8(SLICE("\xf0\x9f\x98")));
    assert_true(text_is_utf8(SLICE_EMPTY));
    assert_int_equal(text_utf8_prefix(SLICE("gr\xc3\xbc\xc3")), 4);
    assert_int_equal(text_utf8_prefix(SLICE("0123456789\xff"
                                            "abc")),
                     10);
    assert_int_equal(text_utf8_prefix(SLICE("0123456789abcdef")), 16);
}

static void test_ids_are_prefix_and_26_letters_of_base32(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    struct slice id = text_new_id(arena, "acc_");

    assert_int_equal(id.len, 30);
    assert_true(slice_starts(id, SLICE("acc_")));
    assert_int_equal(strspn(id.ptr + 4, "abcdefghijklmnopqrstuvwxyz234567"), 26);
    assert_false(slice_eq(id, text_new_id(arena, "acc_")));
    arena_free(arena);
}

static void test_text_of_others_is_cut_between_characters_and_cleaned(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *clean;
    } cases[] = {{"plain", 9, "plain"},
                 {"plain", 3, "pla"},
                 {"a\nb\x7f"
                  "c",
                  9, "a b c"},
                 {"\xc2\x85x\xc2\xa0", 9, " x\xc2\xa0"},
                 {"a\xc3\xa9", 2, "a"},
                 {"a\xe2\x82\xac", 3, "a"},
                 {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
                 {"\xf0\x9f\x98\x80", 3, ""},
                 {"", 9, ""},
                 {"a", 0, ""}};
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice clean = text_clean(arena, slice_str(cases[i].text), cases[i].max);
        assert_true(slice_is(clean, cases[i].clean));
    }
    assert_true(slice_is(text_visible(arena, SLICE("ab c\x01\xc3\xa6-1"), 9), "abc-1"));
    assert_true(slice_is(text_visible(arena, SLICE("a b c"), 2), "ab"));
    arena_free(arena);
}

static void test_pointers_escape_what_pointers_are_made_of(void **state)
{
    struct arena *arena = arena_new();
    (void)state;

    assert_true(slice_is(text_pointer(arena, SLICE_EMPTY, SLICE("a")), "/a"));
    assert_true(
        slice_is(text_pointer(arena, SLICE("/x"), SLICE("~/~1")), "/x/~0~1~01"));
    assert_true(slice_is(text_pointer(arena, SLICE("/x"), SLICE("")), "/x/"));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_is_lower_case_and_reads_both),
        cmocka_unit_test(test_base64_gives_the_vectors_of_rfc_4648),
        cmocka_unit_test(test_base64_refuses_everything_but_the_one_right_text),
        cmocka_unit_test(test_percent_leaves_the_unreserved_and_nothing_else),
        cmocka_unit_test(test_percent_into_a_full_buffer_writes_nothing),
        cmocka_unit_test(test_utf8_agrees_with_a_second_reader_on_three_byte_texts),
        cmocka_unit_test(test_utf8_four_byte_forms_and_prefixes),
        cmocka_unit_test(test_ids_are_prefix_and_26_letters_of_base32),
        cmocka_unit_test(test_text_of_others_is_cut_between_characters_and_cleaned),
        cmocka_unit_test(test_pointers_escape_what_pointers_are_made_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
