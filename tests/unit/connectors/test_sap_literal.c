/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals. The property held here: whatever value is sent, a reader of OData that
 * decodes the URL and reads the literal by the standard's grammar gets exactly that
 * value, and nothing of it is left over. The reader below is the test's own.
 */
#include "tests/unit/connectors/sap_world.h"

#include "base/text.h"
#include "connectors/sap/literal.h"

static struct edm type_of(const char *text)
{
    struct edm type;

    if (!edm_parse(slice_str(text), &type)) {
        fail_msg("no type: %s", text);
    }
    return type;
}

static struct jval text_value(const char *text)
{
    return (struct jval){.type = JVAL_STRING, .text = slice_str(text)};
}

/* ---- The reader ---- */

/* The text between the quotes that begin at `text`, with doubled quotes made one; what
 * follows the closing quote stays in `text`. */
static struct slice read_quoted(struct arena *arena, struct slice *text)
{
    char *out = arena_alloc(arena, text->len + 1);
    size_t len = 0, i = 1;

    assert_true(text->len > 1 && text->ptr[0] == '\'');
    while (i < text->len) {
        if (text->ptr[i] == '\'') {
            if (i + 1 < text->len && text->ptr[i + 1] == '\'') {
                i++;
            } else {
                *text = slice_from(*text, i + 1);
                return slice_of(out, len);
            }
        }
        out[len++] = text->ptr[i++];
    }
    fail_msg("the literal is not closed");
    return SLICE_EMPTY;
}

static bool take(struct slice *text, const char *prefix)
{
    if (!slice_starts(*text, slice_str(prefix))) {
        return false;
    }
    *text = slice_from(*text, strlen(prefix));
    return true;
}

/* What the literal at the start of `text` says; the rest stays in `text`. */
static struct slice read_literal(struct arena *arena, const char *type,
                                 struct slice *text)
{
    static const char *const words[] = {"datetimeoffset", "datetime", "time", "guid",
                                        "X"};
    size_t len = 0;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (take(text, words[i])) {
            return read_quoted(arena, text);
        }
    }
    if (text->len > 0 && text->ptr[0] == '\'') {
        return read_quoted(arena, text);
    }
    while (len < text->len && strchr("0123456789.eE+-", text->ptr[len]) != NULL) {
        len++;
    }
    if (len == 0) { /* true, false */
        len = text->len;
    }
    struct slice value = slice_of(text->ptr, len);
    *text = slice_from(*text, len);
    if (strncmp(type, "Decimal", 7) == 0) {
        assert_true(take(text, "M"));
    } else if (strcmp(type, "Int64") == 0) {
        assert_true(take(text, "L"));
    } else if (strcmp(type, "Double") == 0) {
        assert_true(take(text, "d"));
    } else if (strcmp(type, "Single") == 0) {
        assert_true(take(text, "f"));
    }
    return value;
}

/* Bytes that a URL's path and query may both hold and that mean nothing to either. */
static void assert_harmless(struct slice url)
{
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || strchr("-._~%'", c) != NULL;
        if (!plain || c == '\0') {
            fail_msg("the literal %.*s holds \\x%02x", SLICE_ARG(url), c);
        }
    }
}

static void assert_survives(const char *type_text, struct jval value,
                            const char *wanted)
{
    struct arena *arena = arena_new();
    struct edm type = type_of(type_text);
    struct slice url = SLICE_EMPTY, decoded;
    const char *wrong = edm_url(arena, &type, &value, &url);

    if (wrong != NULL) {
        fail_msg("%s refuses %.*s: %s", type_text, SLICE_ARG(value.text), wrong);
    }
    assert_harmless(url);
    assert_true(text_unpercent(arena, url, &decoded));
    struct slice rest = decoded;
    assert_slice(read_literal(arena, type_text, &rest), wanted);
    assert_slice(rest, "");
    arena_free(arena);
}

/* ---- The property ---- */

static const char *const nasty[] = {
    "abc",
    "",
    "'",
    "''",
    "'''",
    "O'Hara",
    "O''Hara",
    "' or 1 eq 1 or '",
    "x') or (Supplier ne '",
    "a&b",
    "a&$format=xml",
    "?$top=9999",
    "a#b",
    "50%",
    "%27",
    "%2527",
    "%",
    "a b",
    "a+b",
    "a/b",
    "../A_Other",
    "a;b=c,d",
    "(a)",
    "\"quoted\"",
    "back\\slash",
    "null",
    "true",
    "datetime'2026-01-01T00:00:00'",
    "0000100001",
    "00010",
    "-0",
    "\xc3\xa6\xc3\xb8\xc3\xa5",
    "\xe6\x97\xa5\xe6\x9c\xac",
    "\xf0\x9f\x92\xb6",
    "\xc2\xa0",
    "\xe2\x80\x99",
    "\xef\xbb\xbf",
    "e\xcc\x81",
    "1234567890123456789012345678901234567890",
};

static void test_text_arrives_exactly_and_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        assert_survives("String", text_value(nasty[i]), nasty[i]);
    }
}

/* Every pair of nasty texts, glued: what one leaves open the other may not close. */
static void test_glued_text_arrives_exactly_and_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        for (size_t n = 0; n < sizeof nasty / sizeof nasty[0]; n++) {
            char text[256];

            snprintf(text, sizeof text, "%s%s", nasty[i], nasty[n]);
            assert_survives("String", text_value(text), text);
        }
    }
}

static void test_other_types_arrive_exactly_and_alone(void **state)
{
    static const struct {
        const char *type, *value, *wanted;
    } cases[] = {
        {"DateTime", "2026-11-20", "2026-11-20T00:00:00"},
        {"DateTime", "0001-01-01", "0001-01-01T00:00:00"},
        {"DateTime", "9999-12-31", "9999-12-31T00:00:00"},
        {"DateTime", "2024-02-29", "2024-02-29T00:00:00"},
        {"DateTime", "2026-11-20T23:59:59", "2026-11-20T23:59:59"},
        {"DateTimeOffset", "2026-11-20", "2026-11-20T00:00:00Z"},
        {"DateTimeOffset", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"},
        {"DateTimeOffset", "2026-11-20T10:00:00+05:30", "2026-11-20T10:00:00+05:30"},
        {"DateTimeOffset", "2026-11-20T10:00:00.123Z", "2026-11-20T10:00:00.123Z"},
        {"Time", "10:30:00", "PT10H30M00S"},
        {"Time", "00:00:00", "PT00H00M00S"},
        {"Time", "23:59:59", "PT23H59M59S"},
        {"Guid", "00505684-d6d2-1eeb-b2ae-5c0e9a1a4c2f",
         "00505684-d6d2-1eeb-b2ae-5c0e9a1a4c2f"},
        {"Decimal", "12.50", "12.50"},
        {"Decimal", "-0.001", "-0.001"},
        {"Decimal", "007.50", "007.50"},
        {"Decimal", "1234567890123456789012345678901234.5",
         "1234567890123456789012345678901234.5"},
        {"Decimal", "0.1234567890123456789012345678901234",
         "0.1234567890123456789012345678901234"},
        {"Decimal", "9999999999999999999999999999999999",
         "9999999999999999999999999999999999"},
        {"Decimal(13,3)", "9999999999.999", "9999999999.999"},
        {"Decimal(5,0)", "00099999", "00099999"},
        {"Int64", "9223372036854775807", "9223372036854775807"},
        {"Int64", "-9223372036854775808", "-9223372036854775808"},
        {"Int32", "-2147483648", "-2147483648"},
        {"Int16", "32767", "32767"},
        {"Byte", "255", "255"},
        {"SByte", "-128", "-128"},
        {"Double", "1.5", "1.5"},
        {"Double", "-2e-3", "-2e-3"},
        {"Double", "1E+10", "1E+10"},
        {"Single", "0.1", "0.1"},
        {"Boolean", "true", "true"},
        {"Boolean", "false", "false"},
        {"Binary", "Cg==", "0a"},
        {"Binary", "3q2+7w==", "deadbeef"},
        {"Binary", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_survives(cases[i].type, text_value(cases[i].value), cases[i].wanted);
    }
}

static void test_numbers_and_booleans_need_no_quotes_in_json(void **state)
{
    static const char *const types[] = {"Decimal", "Int64", "Int32",  "Int16",
                                        "Byte",    "SByte", "Double", "Single"};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_survives(types[i],
                        (struct jval){.type = JVAL_NUMBER, .text = SLICE("17")}, "17");
    }
    assert_survives("Boolean", (struct jval){.type = JVAL_TRUE}, "true");
    assert_survives("Boolean", (struct jval){.type = JVAL_FALSE}, "false");
}

/* ---- What cannot be that value is refused ---- */

static void test_a_value_of_another_kind_is_refused(void **state)
{
    static const struct {
        const char *type, *value;
    } cases[] = {
        {"String", "line\nbreak"},
        {"String", "tab\t"},
        {"String", "\x7f"},
        {"String(3)", "abcd"},
        {"DateTime", ""},
        {"DateTime", "2026-02-29"},
        {"DateTime", "2026-13-01"},
        {"DateTime", "20261120"},
        {"DateTime", "2026-11-20 10:00:00"},
        {"DateTime", "2026-11-20T10:00:00Z"},
        {"DateTime", "2026-11-20T24:00:00"},
        {"DateTime", "2026-11-20'"},
        {"DateTimeOffset", "2026-11-20T10:00:00"},
        {"DateTimeOffset", "now"},
        {"Time", "24:00:00"},
        {"Time", "10:60:00"},
        {"Time", "10:30"},
        {"Guid", "00505684d6d21eebb2ae5c0e9a1a4c2f"},
        {"Guid", "00505684-d6d2-1eeb-b2ae-5c0e9a1a4c2g"},
        {"Decimal", ""},
        {"Decimal", "-"},
        {"Decimal", "1e3"},
        {"Decimal", "1,5"},
        {"Decimal", "+1"},
        {"Decimal", ".5"},
        {"Decimal", "5."},
        {"Decimal", "1M or 1 eq 1"},
        {"Decimal", "12345678901234567890123456789012345678901"},
        {"Decimal(13,3)", "1.2345"},
        {"Decimal(13,3)", "12345678901"},
        {"Int64", "9223372036854775808"},
        {"Int64", "01"},
        {"Int32", "2147483648"},
        {"Int16", "-32769"},
        {"Byte", "-1"},
        {"Byte", "256"},
        {"SByte", "128"},
        {"Int32", "1.0"},
        {"Double", "1."},
        {"Double", "01.5"},
        {"Double", "NaN"},
        {"Double", "1e"},
        {"Boolean", "yes"},
        {"Boolean", "true or true"},
        {"Binary", "Cg"},
        {"Binary", "C g="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *arena = arena_new();
        struct edm type = type_of(cases[i].type);
        struct jval value = text_value(cases[i].value);
        struct slice url;
        struct jval json;

        if (edm_url(arena, &type, &value, &url) == NULL ||
            edm_json(arena, &type, &value, &json) == NULL) {
            fail_msg("%s takes %s", cases[i].type, cases[i].value);
        }
        arena_free(arena);
    }
}

static void test_text_wants_text(void **state)
{
    static const char *const types[] = {"String", "DateTime", "DateTimeOffset",
                                        "Time",   "Guid",     "Binary"};
    const struct jval number = {.type = JVAL_NUMBER, .text = SLICE("1")};
    const struct jval nothing = {.type = JVAL_NULL};
    struct arena *arena = arena_new();
    struct slice url;

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct edm type = type_of(types[i]);

        assert_non_null(edm_url(arena, &type, &number, &url));
        assert_non_null(edm_url(arena, &type, &nothing, &url));
    }
    arena_free(arena);
}

/* ---- In a body ---- */

static void test_bodies_have_the_forms_that_sap_reads(void **state)
{
    static const struct {
        const char *type, *value;
        enum jval_type kind;
        const char *wanted;
    } cases[] = {
        {"String", "O'Hara", JVAL_STRING, "O'Hara"},
        {"String(4) upper", "nb1a", JVAL_STRING, "NB1A"},
        {"String upper", "\xc3\xa6z", JVAL_STRING, "\xc3\xa6Z"},
        {"DateTime", "2026-11-20", JVAL_STRING, "/Date(1795132800000)/"},
        {"DateTime", "1970-01-01", JVAL_STRING, "/Date(0)/"},
        {"DateTime", "1969-12-31", JVAL_STRING, "/Date(-86400000)/"},
        {"DateTime", "9999-12-31", JVAL_STRING, "/Date(253402214400000)/"},
        {"DateTime", "0001-01-01", JVAL_STRING, "/Date(-62135596800000)/"},
        {"DateTimeOffset", "2020-03-01T13:58:39Z", JVAL_STRING,
         "/Date(1583071119000+0000)/"},
        {"Decimal(13,3)", "10", JVAL_STRING, "10"},
        {"Decimal(13,3)", "2.50", JVAL_STRING, "2.50"},
        {"Int64", "5", JVAL_STRING, "5"},
        {"Int32", "5", JVAL_NUMBER, "5"},
        {"Double", "1.5", JVAL_NUMBER, "1.5"},
        {"Time", "10:30:00", JVAL_STRING, "PT10H30M00S"},
        {"Binary", "3q2+7w==", JVAL_STRING, "3q2+7w=="},
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct edm type = type_of(cases[i].type);
        struct jval value = text_value(cases[i].value), json;

        assert_null(edm_json(arena, &type, &value, &json));
        assert_int_equal(json.type, cases[i].kind);
        assert_slice(json.text, cases[i].wanted);
    }
    arena_free(arena);
}

static void test_types_are_written_as_the_metadata_has_them(void **state)
{
    static const char *const wrong[] = {"",
                                        "string",
                                        "Edm.String",
                                        "String(",
                                        "String()",
                                        "String(0)",
                                        "String(x)",
                                        "String(10)x",
                                        "Decimal(13)",
                                        "Decimal(3,4)",
                                        "Decimal(,)",
                                        "DateTime(7)",
                                        "Decimal upper",
                                        "String(10)  upper"};
    struct edm type = type_of("String(10) upper");

    (void)state;
    assert_int_equal(type.size, 10);
    assert_true(type.upper);
    type = type_of("Decimal(13,3)");
    assert_int_equal(type.kind, EDM_DECIMAL);
    assert_int_equal(type.size, 13);
    assert_int_equal(type.scale, 3);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (edm_parse(slice_str(wrong[i]), &type)) {
            fail_msg("a type: %s", wrong[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_arrives_exactly_and_alone),
        cmocka_unit_test(test_glued_text_arrives_exactly_and_alone),
        cmocka_unit_test(test_other_types_arrive_exactly_and_alone),
        cmocka_unit_test(test_numbers_and_booleans_need_no_quotes_in_json),
        cmocka_unit_test(test_a_value_of_another_kind_is_refused),
        cmocka_unit_test(test_text_wants_text),
        cmocka_unit_test(test_bodies_have_the_forms_that_sap_reads),
        cmocka_unit_test(test_types_are_written_as_the_metadata_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
