/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of free queries: what it lets through, what it does not, what is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/netsuite/suiteql_guard.h"

static const char *guard(struct arena *arena, const char *query, struct guarded *out)
{
    return guard_query(arena, slice_str(query), out);
}

static void assert_sent_as_it_is(const char *query)
{
    struct arena *arena = arena_new();
    struct guarded out;
    const char *why = guard(arena, query, &out);

    if (why != NULL) {
        fail_msg("refused: %s\n%s", query, why);
    }
    assert_true(slice_is(out.text, query));
    arena_free(arena);
}

static void assert_refused(const char *query, const char *part)
{
    struct arena *arena = arena_new();
    struct guarded out;
    const char *why = guard(arena, query, &out);

    if (why == NULL) {
        fail_msg("let through: %s", query);
    }
    if (strstr(why, part) == NULL) {
        fail_msg("%s\nrefused for another reason: %s", query, why);
    }
    arena_free(arena);
}

static void test_queries_that_read_are_sent_as_they_are(void **state)
{
    static const char *const queries[] = {
        "SELECT 1 AS a FROM dual",
        "  \r\n\tselect id from customer",
        "(SELECT id FROM customer) UNION (SELECT id FROM vendor)",
        "WITH x AS (SELECT id FROM customer) SELECT COUNT(*) AS n FROM x",
        "SELECT 'a;b' AS a FROM dual",
        "SELECT 'it''s; DELETE FROM x --' AS a FROM dual",
        "SELECT '/* no comment */' AS a FROM dual",
        "SELECT '' AS a, '''' AS b FROM dual",
        "SELECT id AS \"a;b\" FROM customer",
        "SELECT id AS \"q\"\"; -- \" FROM customer",
        "SELECT id FROM customer WHERE entityid LIKE ? ESCAPE '\\'",
        "SELECT id FROM customer WHERE companyname = 'S\xc3\xb8rensen'",
        "SELECT id FROM customer WHERE companyname = 'O\xe2\x80\x99"
        "Brien'",
        "SELECT t.id, t.update, t.\"delete\" FROM transaction t",
        "SELECT \"delete\" FROM transaction",
        "SELECT createddate, lastmodifieddate FROM transaction",
        "SELECT REPLACE(tranid, 'a', 'b') AS r FROM transaction",
        "SELECT 1e5 AS a, 1.5 AS b, .5 AS c FROM dual",
        "SELECT a.id FROM account a WHERE a.id <> 1 AND a.id != 2 AND a.id >= -3",
        "SELECT {fn NOW()} AS a FROM dual",
        "SELECT id FROM customer WHERE q = 'x'",
        "SELECT q 'x' FROM dual",
        "SELECT n'x' AS a, DATE'2026-01-01' AS b FROM dual",
        "SELECT a||b^=c FROM dual",
        "SELECT a$b, a#c FROM dual",
    };

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_sent_as_it_is(queries[i]);
    }
}

static void test_what_is_no_reading_statement_is_refused(void **state)
{
    static const char *const queries[] = {
        "",
        "   ",
        "()",
        "-- SELECT 1",
        "/* SELECT */",
        "DELETE FROM customer",
        "EXPLAIN SELECT 1",
        "SELECTED id FROM customer",
        "xSELECT 1",
        "1 SELECT 2",
        "'SELECT' SELECT 1",
        "\"SELECT\" x",
        "_SELECT 1",
        "? SELECT 1",
        "BEGIN SELECT 1 END",
    };

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        struct arena *arena = arena_new();
        struct guarded out;
        const char *why = guard(arena, queries[i], &out);
        if (why == NULL || strstr(why, "begins with SELECT") == NULL) {
            fail_msg("%s: %s", queries[i], why != NULL ? why : "let through");
        }
        arena_free(arena);
    }
}

static void test_a_second_statement_is_refused_wherever_it_hides(void **state)
{
    static const char *const queries[] = {
        "SELECT 1; DELETE FROM customer",
        "SELECT 1;",
        "; SELECT 1",
        "SELECT 1 -- x\n; SELECT 2",
        "SELECT 1 -- x\r; SELECT 2",
        "SELECT 1 /* x */; SELECT 2",
        "SELECT 1 /* /* */ ; */",
        "SELECT 'a' ; 'b'",
        "SELECT 'a'';' ; 'b'",
        "SELECT '\\'; DELETE FROM x --'",
        "SELECT \"a\" ; \"b\"",
        "SELECT ''; SELECT ''",
        "SELECT '/*' ; '*/'",
        "SELECT \"--\" ; 1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_refused(queries[i], "one statement");
    }
}

static void test_other_ways_to_quote_are_refused(void **state)
{
    (void)state;
    assert_refused("SELECT q'[it's; ]' FROM dual", "q'...'");
    assert_refused("SELECT Q'!a!' FROM dual", "q'...'");
    assert_refused("SELECT nq'{a}' FROM dual", "q'...'");
    assert_refused("SELECT NQ'<;>' FROM dual", "q'...'");
    assert_refused("SELECT `a` FROM dual", "Outside quotes");
    assert_refused("SELECT `'` ; `'` FROM dual", "Outside quotes");
    assert_refused("SELECT ['] ; ['] FROM dual", "Outside quotes");
    assert_refused("SELECT $$ ' $$ FROM dual", "Outside quotes");
    assert_refused("SELECT \\' FROM dual", "Outside quotes");
}

static void test_signs_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const queries[] = {
        "SELECT a FROM b@c",
        "SELECT :a FROM dual",
        "SELECT &a FROM dual",
        "SELECT ~a FROM dual",
        "SELECT a FROM b\\g",
        "SELECT \x01 FROM dual",
        "SELECT 1\x0b FROM dual",
        "SELECT \xcd\xbe FROM dual",      /* Greek question mark */
        "SELECT 1\xef\xbc\x9b FROM dual", /* full-width semicolon */
        "SELECT\xc2\xa0"
        "1 FROM dual",                     /* no-break space */
        "SELECT \xef\xbc\x87; FROM dual",  /* full-width apostrophe */
        "\xef\xbb\xbfSELECT 1 FROM dual",  /* byte order mark */
        "SELECT 1 \xe2\x80\xa8 FROM dual", /* line separator */
        "SELECT gr\xc3\xb6\xc3\x9f"
        "e FROM dual",
    };

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_refused(queries[i], "Outside quotes");
    }
    assert_refused("SELECT '\x07' FROM dual", "control characters");
    assert_refused("SELECT '\x7f' FROM dual", "control characters");
    assert_refused("SELECT '\xc3' FROM dual", "UTF-8");
    assert_refused("SELECT '\xed\xa0\x80' FROM dual", "UTF-8");
}

static void test_bytes_of_zero_are_refused(void **state)
{
    static const char query[] = "SELECT 1 FROM dual\0; DELETE FROM x";
    struct arena *arena = arena_new();
    struct guarded out;

    (void)state;
    assert_non_null(guard_query(arena, slice_of(query, sizeof query - 1), &out));
    arena_free(arena);
}

static void test_words_that_write_are_refused_unless_they_are_names(void **state)
{
    static const char *const queries[] = {
        "WITH x AS (SELECT 1) DELETE FROM customer",
        "WITH x AS (DELETE FROM customer RETURNING id) SELECT id FROM x",
        "SELECT id INTO y FROM customer",
        "SELECT id FROM customer FOR UPDATE",
        "SELECT 1INTO y FROM customer",
        "SELECT 1.DELETE FROM customer",
        "SELECT 1. update FROM customer",
        "SELECT 1 FROM dual UNION MERGE INTO x",
        "SELECT 1 dElEtE FROM customer",
        "SELECT 'a'INSERT FROM x",
        "SELECT 1 FROM a/**/INSERT",
        "SELECT 'a'.update FROM x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_refused(queries[i], "only reads");
    }
}

static void test_comments_are_not_sent(void **state)
{
    static const struct {
        const char *query, *sent;
    } cases[] = {
        {"/* ; */ SELECT 1 FROM dual", "  SELECT 1 FROM dual"},
        {"-- ; drop\nSELECT 1 FROM dual", " \nSELECT 1 FROM dual"},
        {"SELECT 1 FROM dual --;", "SELECT 1 FROM dual  "},
        {"SELECT/*+ hint */1/**/FROM dual", "SELECT 1 FROM dual"},
        {"SELECT 1 -- it's\nFROM dual", "SELECT 1  \nFROM dual"},
        {"SELECT 1 /* it's \xe2\x80\xa8 ; */ FROM dual", "SELECT 1   FROM dual"},
        {"SELECT a /* ? */, ? FROM dual", "SELECT a  , ? FROM dual"},
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct guarded out;
        const char *why = guard(arena, cases[i].query, &out);
        if (why != NULL || !slice_is(out.text, cases[i].sent)) {
            fail_msg("%s: %s", cases[i].query, why != NULL ? why : out.text.ptr);
        }
        assert_true(out.marks <= 1);
    }
    assert_refused("SELECT 1 /* x", "comment is not closed");
    assert_refused("SELECT 1 /*/ FROM dual", "comment is not closed");
    arena_free(arena);
}

static void test_what_stays_open_is_refused(void **state)
{
    (void)state;
    assert_refused("SELECT 'a FROM dual", "quote is not closed");
    assert_refused("SELECT 'a'' FROM dual", "quote is not closed");
    assert_refused("SELECT \"a FROM dual", "quote is not closed");
    assert_refused("SELECT (1 FROM dual", "bracket is not closed");
    assert_refused("SELECT 1) FROM (dual", "not opened");
}

static void test_marks_and_order_are_found_where_they_count(void **state)
{
    static const struct {
        const char *query;
        size_t marks;
        bool ordered;
    } cases[] = {
        {"SELECT ? FROM dual", 1, false},
        {"SELECT '?' AS a, \"?\" FROM dual WHERE a = ? AND b IN (?,?)", 3, false},
        {"SELECT id FROM customer ORDER BY id", 0, true},
        {"SELECT id FROM (SELECT id FROM customer ORDER BY id)", 0, false},
        {"SELECT t.order FROM t", 0, false},
        {"SELECT 'ORDER BY' AS a FROM dual", 0, false},
    };
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct guarded out;
        assert_null(guard(arena, cases[i].query, &out));
        assert_int_equal(out.marks, cases[i].marks);
        assert_int_equal(out.ordered, cases[i].ordered);
    }
    arena_free(arena);
}

static void test_sizes_have_ceilings(void **state)
{
    struct arena *arena = arena_new();
    char *query = arena_alloc(arena, GUARD_QUERY_BYTES_MAX + 2);
    struct guarded out;

    (void)state;
    memset(query, ' ', GUARD_QUERY_BYTES_MAX + 1);
    memcpy(query, "SELECT 1", 8);
    assert_null(guard_query(arena, slice_of(query, GUARD_QUERY_BYTES_MAX), &out));
    assert_non_null(
        guard_query(arena, slice_of(query, GUARD_QUERY_BYTES_MAX + 1), &out));
    memset(query, '(', GUARD_QUERY_BYTES_MAX);
    memcpy(query, "SELECT ", 7);
    assert_non_null(guard_query(arena, slice_of(query, GUARD_QUERY_BYTES_MAX), &out));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries_that_read_are_sent_as_they_are),
        cmocka_unit_test(test_what_is_no_reading_statement_is_refused),
        cmocka_unit_test(test_a_second_statement_is_refused_wherever_it_hides),
        cmocka_unit_test(test_other_ways_to_quote_are_refused),
        cmocka_unit_test(test_signs_that_lead_elsewhere_are_refused),
        cmocka_unit_test(test_bytes_of_zero_are_refused),
        cmocka_unit_test(test_words_that_write_are_refused_unless_they_are_names),
        cmocka_unit_test(test_comments_are_not_sent),
        cmocka_unit_test(test_what_stays_open_is_refused),
        cmocka_unit_test(test_marks_and_order_are_found_where_they_count),
        cmocka_unit_test(test_sizes_have_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
