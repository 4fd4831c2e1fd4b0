/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: equality, randomness, and what is left of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/secret.h"
#include "tests/unit/base/freed_memory.h"

#define MARKER "secret-marker-55b2"

static void test_a_secret_holds_a_copy(void **state)
{
    char text[] = MARKER;
    (void)state;
    struct secret *secret = secret_new(slice_str(text));

    wipe(text, sizeof(text));

    assert_int_equal(text[0], 0);
    assert_int_equal(text[sizeof(text) - 2], 0);
    assert_true(slice_is(secret_reveal(secret), MARKER));
    assert_int_equal(secret_bytes(secret), strlen(MARKER));
    secret_free(secret);
}

static void test_equality_looks_at_length_and_bytes(void **state)
{
    struct secret *a = secret_new(SLICE("abcdef"));
    struct secret *same = secret_new(SLICE("abcdef"));
    struct secret *other = secret_new(SLICE("abcdeg"));
    struct secret *shorter = secret_new(SLICE("abcde"));
    struct secret *empty = secret_new(SLICE_EMPTY);
    (void)state;

    assert_true(secret_equal(a, same));
    assert_false(secret_equal(a, other));
    assert_false(secret_equal(a, shorter));
    assert_false(secret_equal(a, empty));
    assert_true(secret_equal(empty, empty));
    assert_true(bytes_equal_constant_time(SLICE_EMPTY, SLICE_EMPTY));
    assert_true(bytes_equal_constant_time(slice_of("a\0b", 3), slice_of("a\0b", 3)));
    assert_false(bytes_equal_constant_time(slice_of("a\0b", 3), slice_of("a\0c", 3)));
    secret_free(a);
    secret_free(same);
    secret_free(other);
    secret_free(shorter);
    secret_free(empty);
}

static void test_random_secrets_differ_at_every_size(void **state)
{
    (void)state;

    for (size_t bytes = 16; bytes <= 65536; bytes *= 2) {
        struct secret *a = secret_random(bytes);
        struct secret *b = secret_random(bytes);
        assert_int_equal(secret_bytes(a), bytes);
        assert_false(secret_equal(a, b));
        secret_free(a);
        secret_free(b);
    }
}

static void test_nothing_is_left_after_free(void **state)
{
    (void)state;
    assert_true(plain_free_leaves_it(MARKER));
    struct secret *secret = secret_new(SLICE(MARKER));
    uintptr_t address = (uintptr_t)secret_reveal(secret).ptr;
    assert_true(memory_holds(address, strlen(MARKER), MARKER));

    secret_free(secret);

    assert_false(memory_holds(address, strlen(MARKER), MARKER));
    secret_free(NULL);
    wipe(NULL, 0);
}

/* The kernel lists the flags of every mapping: dd is "left out of dumps". */
static void test_the_pages_of_a_secret_are_left_out_of_core_dumps(void **state)
{
    struct secret *secret = secret_new(SLICE(MARKER));
    uintptr_t address = (uintptr_t)secret_reveal(secret).ptr;
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool ours = false, left_out = false;
    (void)state;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            ours = address >= from && address < to;
        }
        if (ours && strncmp(line, "VmFlags:", 8) == 0) {
            left_out = strstr(line, " dd") != NULL;
        }
    }
    (void)fclose(maps);

    assert_true(left_out);
    secret_free(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_holds_a_copy),
        cmocka_unit_test(test_equality_looks_at_length_and_bytes),
        cmocka_unit_test(test_random_secrets_differ_at_every_size),
        cmocka_unit_test(test_nothing_is_left_after_free),
        cmocka_unit_test(test_the_pages_of_a_secret_are_left_out_of_core_dumps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
