/* SPDX-License-Identifier: Apache-2.0 */
/* What is let through to OpenSSL, and what is told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/tls_hello.h"

static enum tls_hello_kind look(struct slice bytes)
{
    struct tls_hello hello = {.has_begun = false};
    return tls_hello_look(&hello, bytes);
}

static void test_first_bytes(void **state)
{
    (void)state;
    assert_int_equal(look(SLICE("\x16\x03\x01")), TLS_HELLO_GOOD);
    assert_int_equal(look(SLICE("GET / HTTP/1.1\r\n")), TLS_HELLO_HTTP);
    assert_int_equal(look(SLICE("\x80\x2e\x01")), TLS_HELLO_FOREIGN);
    assert_int_equal(look(SLICE("\x17\x03\x03")), TLS_HELLO_FOREIGN);
    assert_int_equal(look(SLICE("\0")), TLS_HELLO_FOREIGN);
    assert_int_equal(look(SLICE_EMPTY), TLS_HELLO_GOOD);
}

static void test_the_ceiling_is_of_what_is_announced(void **state)
{
    (void)state;
    assert_int_equal(look(SLICE("\x16\x03\x01\0\x04\x01\0\x40\0")), TLS_HELLO_GOOD);
    assert_int_equal(look(SLICE("\x16\x03\x01\0\x04\x01\0\x40\x01")), TLS_HELLO_LARGE);
    assert_int_equal(look(SLICE("\x16\x03\x01\0\x04\x01\x02\0\0")), TLS_HELLO_LARGE);
}

static void test_a_header_cut_by_records_is_one(void **state)
{
    (void)state;
    assert_int_equal(look(SLICE("\x16\x03\x01\0\x01\x01"
                                "\x16\x03\x01\0\0"
                                "\x16\x03\x01\0\x03\x01\0\0")),
                     TLS_HELLO_LARGE);
}

/* A second one, after a small first and a record of another type. */
static void test_each_message_is_looked_at(void **state)
{
    (void)state;
    assert_int_equal(look(SLICE("\x16\x03\x01\0\x06\x01\0\0\x02"
                                "ab"
                                "\x14\x03\x03\0\x01\x01"
                                "\x16\x03\x03\0\x04\x01\xff\0\0")),
                     TLS_HELLO_LARGE);
    assert_int_equal(look(SLICE("\x16\x03\x01\0\x06\x01\0\0\x02"
                                "ab"
                                "\x17\x03\x03\0\x04\x01\xff\0\0")),
                     TLS_HELLO_GOOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_bytes),
        cmocka_unit_test(test_the_ceiling_is_of_what_is_announced),
        cmocka_unit_test(test_a_header_cut_by_records_is_one),
        cmocka_unit_test(test_each_message_is_looked_at),
    };
    return cmocka_run_group_tests_name("io/tls_hello", tests, NULL, NULL);
}
