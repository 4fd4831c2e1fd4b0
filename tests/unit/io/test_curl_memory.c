/* SPDX-License-Identifier: Apache-2.0 */
/* What curl frees is wiped, whichever way it came to the block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "io/curl_memory.h"
#include "tests/unit/base/freed_memory.h"

#define MARKER "curl-copy-of-a-payload"

static void test_plain_memory_would_keep_the_bytes(void **state)
{
    (void)state;
    assert_true(plain_free_leaves_it(MARKER));
}

static void test_a_freed_string_is_wiped(void **state)
{
    (void)state;
    curl_memory_begin();
    struct curl_slist *list = curl_slist_append(NULL, "in front " MARKER " behind");
    assert_non_null(list);
    uintptr_t address = (uintptr_t)list->data;
    size_t bytes = strlen(list->data);
    assert_true(memory_holds(address, bytes, MARKER));

    curl_slist_free_all(list);

    assert_false(memory_holds(address, bytes, MARKER));
    curl_memory_end();
}

static void test_a_string_that_grew_is_wiped(void **state)
{
    (void)state;
    curl_memory_begin();
    CURL *curl = curl_easy_init();
    assert_non_null(curl);

    /* curl_easy_escape lets its result grow from a small block by realloc. */
    char *text = curl_easy_escape(curl, MARKER "/" MARKER "/" MARKER "/" MARKER, 0);
    assert_string_equal(text, MARKER "%2F" MARKER "%2F" MARKER "%2F" MARKER);
    uintptr_t address = (uintptr_t)text;
    size_t bytes = strlen(text);
    curl_free(text);

    assert_false(memory_holds(address, bytes, MARKER));
    curl_easy_cleanup(curl);
    curl_memory_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_memory_would_keep_the_bytes),
        cmocka_unit_test(test_a_freed_string_is_wiped),
        cmocka_unit_test(test_a_string_that_grew_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
