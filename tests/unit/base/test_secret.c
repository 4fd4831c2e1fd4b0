/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: equality, randomness, and what is left of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Leaves the marker 10 KiB below its caller; returns where. */
static __attribute__((noinline)) uintptr_t leave_on_stack(void)
{
    volatile char deep[10 * 1024];

    for (size_t i = 0; i < sizeof MARKER; i++) {
        deep[i] = MARKER[i];
    }
    return (uintptr_t)deep;
}

static void test_what_calls_left_on_the_stack_is_wiped(void **state)
{
    (void)state;
    uintptr_t address = leave_on_stack();
    assert_true(memory_holds(address, strlen(MARKER), MARKER));

    wipe_stack();

    assert_false(memory_holds(address, strlen(MARKER), MARKER));
}

/* The kernel lists the flags of every mapping: dd is "left out of dumps", lo "locked", wf "empty
 * after a fork". */
static bool has_flag(const void *ptr, const char *flag)
{
    uintptr_t address = (uintptr_t)ptr;
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool ours = false, found = false;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            ours = address >= from && address < to;
        }
        if (ours && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line, flag) != NULL;
        }
    }
    (void)fclose(maps);
    return found;
}

static void check_pages(const struct secret *secret)
{
    const char *bytes = secret_reveal(secret).ptr;

    assert_true(has_flag(bytes, " dd"));
    assert_true(has_flag(bytes, " wf"));
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) /* they ignore mlock */
    assert_int_equal(has_flag(bytes, " lo"), secret_can_lock(1));
#endif
}

static void
test_the_pages_of_a_secret_are_locked_and_left_out_of_core_dumps(void **state)
{
    struct secret_pool *pool = secret_pool_new();
    struct secret *alone = secret_new(SLICE(MARKER));
    struct secret *shared = secret_in_pool(pool, SLICE(MARKER));
    (void)state;

    check_pages(alone);
    check_pages(shared);
    assert_int_equal(secret_pool_is_locked(pool), secret_can_lock(1));

    secret_free(alone);
    secret_free(shared);
    secret_pool_free(pool);
}

/* ---- Pools ---- */

static void test_secrets_of_a_pool_keep_their_bytes(void **state)
{
    struct secret_pool *pool = secret_pool_new();
    struct secret *secrets[300];
    char text[3000];
    (void)state;

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < 300; i++) {
        text[0] = (char)i;
        secrets[i] = secret_in_pool(pool, slice_of(text, i * 10));
    }
    for (size_t i = 0; i < 300; i += 2) {
        secret_free(secrets[i]);
        secrets[i] = secret_in_pool(pool, slice_of("again", 5));
    }
    for (size_t i = 1; i < 300; i += 2) {
        text[0] = (char)i;
        assert_true(slice_eq(secret_reveal(secrets[i]), slice_of(text, i * 10)));
        assert_true(slice_is(secret_reveal(secrets[i - 1]), "again"));
    }
    for (size_t i = 0; i < 300; i++) {
        secret_free(secrets[i]);
    }
    secret_pool_free(pool);
    secret_pool_free(NULL);
}

static void test_nothing_is_left_in_a_slot_of_a_pool(void **state)
{
    struct secret_pool *pool = secret_pool_new();
    struct secret *neighbour = secret_in_pool(pool, SLICE("neighbour"));
    struct secret *secret = secret_in_pool(pool, SLICE(MARKER));
    uintptr_t address = (uintptr_t)secret_reveal(secret).ptr;
    (void)state;
    assert_true(memory_holds(address, strlen(MARKER), MARKER));

    secret_free(secret);

    assert_false(memory_holds(address, strlen(MARKER), MARKER));
    assert_true(slice_is(secret_reveal(neighbour), "neighbour"));
    secret_free(neighbour);
    secret_pool_free(pool);
}

/* Of all pages that hold secrets: nothing else here asks to be emptied at a fork. */
static long pages_kib(void)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    long size = 0, sum = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (strncmp(line, "Size:", 5) == 0) {
            size = strtol(line + 5, NULL, 10);
        }
        if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " wf") != NULL) {
            sum += size;
        }
    }
    (void)fclose(maps);
    return sum;
}

/* 10,000 accounts with four secrets each stay within the 8 MiB that systems grant. */
static void test_many_small_secrets_share_their_pages(void **state)
{
    enum { COUNT = 40000 };
    struct secret_pool *pool = secret_pool_new();
    struct secret **secrets = calloc(COUNT, sizeof *secrets);
    char text[64] = "a secret of sixty-four bytes, as NetSuite makes them";
    (void)state;
    assert_non_null(secrets);
    long before = pages_kib();

    for (size_t i = 0; i < COUNT; i++) {
        secrets[i] = secret_in_pool(pool, slice_of(text, sizeof text));
    }
    long full = pages_kib();
    for (size_t i = 0; i < COUNT; i++) {
        secret_free(secrets[i]);
    }

    assert_true(full > before && full - before < 6 * 1024);
    assert_true(pages_kib() - before == 16); /* the spare slab */
    free(secrets);
    secret_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_holds_a_copy),
        cmocka_unit_test(test_equality_looks_at_length_and_bytes),
        cmocka_unit_test(test_random_secrets_differ_at_every_size),
        cmocka_unit_test(test_nothing_is_left_after_free),
        cmocka_unit_test(test_what_calls_left_on_the_stack_is_wiped),
        cmocka_unit_test(
            test_the_pages_of_a_secret_are_locked_and_left_out_of_core_dumps),
        cmocka_unit_test(test_secrets_of_a_pool_keep_their_bytes),
        cmocka_unit_test(test_nothing_is_left_in_a_slot_of_a_pool),
        cmocka_unit_test(test_many_small_secrets_share_their_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
