/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite frees is wiped once the hook is in; and it works on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>

#include "store/store.h"
#include "tests/unit/base/freed_memory.h"

#define MARKER "hook-marker-71c4"

static void test_what_sqlite_frees_is_wiped(void **state)
{
    (void)state;
    char *text = sqlite3_mprintf("%s %s", "in front", MARKER);
    uintptr_t at = (uintptr_t)text;
    size_t bytes = strlen(text);
    assert_true(memory_holds(at, bytes, MARKER));
    assert_true(sqlite3_msize(text) >= bytes);

    text = sqlite3_realloc(text, 9000);
    assert_false(memory_holds(at, bytes, MARKER));
    at = (uintptr_t)text;
    sqlite3_free(text);

    assert_false(memory_holds(at, bytes, MARKER));
}

static void test_sqlite_works_on_the_allocator(void **state)
{
    sqlite3 *db = NULL;
    (void)state;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "CREATE TABLE t (a TEXT);"
                     "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1"
                     " FROM n WHERE i < 2000)"
                     " INSERT INTO t SELECT printf('%0300d', i) FROM n;"
                     "SELECT count(DISTINCT a) FROM t ORDER BY a;",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(sqlite3_memory_used(), 0);
}

int main(void)
{
    store_memory_begin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_sqlite_frees_is_wiped),
        cmocka_unit_test(test_sqlite_works_on_the_allocator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
