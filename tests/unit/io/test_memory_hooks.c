/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL and libuv free is wiped once the hooks are in; and they work on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "io/loop.h"
#include "io/memory_hooks.h"
#include "tests/unit/base/freed_memory.h"

#define MARKER "hook-marker-0b5e"

static void test_what_openssl_frees_is_wiped(void **state)
{
    (void)state;
    char *text = OPENSSL_strdup("in front " MARKER " behind");
    uintptr_t at = (uintptr_t)text;
    size_t bytes = strlen(text);
    assert_true(memory_holds(at, bytes, MARKER));

    text = OPENSSL_realloc(text, 5000);
    assert_false(memory_holds(at, bytes, MARKER));
    at = (uintptr_t)text;
    OPENSSL_free(text);

    assert_false(memory_holds(at, bytes, MARKER));
    assert_null(OPENSSL_realloc(OPENSSL_malloc(1), 0));
}

static void test_openssl_works_on_the_allocator(void **state)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t bytes = sizeof digest;
    (void)state;

    assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, "abc", 3, digest, &bytes), 1);
    assert_int_equal(bytes, 32);
    assert_int_equal(digest[0], 0xba);
    assert_int_equal(digest[31], 0xad);
}

static void test_private_keys_have_pages_of_their_own(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    assert_non_null(key);
    assert_true(CRYPTO_secure_used() > 0);
    char *text = OPENSSL_secure_malloc(100);
    uintptr_t at = (uintptr_t)text;
    assert_int_equal(CRYPTO_secure_allocated(text), 1);
    memcpy(text, MARKER, sizeof MARKER);

    OPENSSL_secure_free(text);
    EVP_PKEY_free(key);

    assert_false(memory_holds(at, sizeof MARKER, MARKER));
}

static void test_what_libuv_frees_is_wiped(void **state)
{
    uv_env_item_t *items = NULL;
    uintptr_t at = 0;
    int count = 0;
    (void)state;
    assert_int_equal(setenv("SLUICE_TEST_HOOKS", MARKER, 1), 0);
    assert_int_equal(uv_os_environ(&items, &count), 0);
    for (int i = 0; i < count; i++) {
        if (strcmp(items[i].name, "SLUICE_TEST_HOOKS") == 0) {
            at = (uintptr_t)items[i].value;
        }
    }
    assert_true(at != 0 && memory_holds(at, strlen(MARKER), MARKER));

    uv_os_free_environ(items, count);

    assert_false(memory_holds(at, strlen(MARKER), MARKER));
    struct loop *loop = loop_new();
    loop_run(loop);
    loop_free(loop);
}

int main(void)
{
    io_memory_begin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_openssl_frees_is_wiped),
        cmocka_unit_test(test_openssl_works_on_the_allocator),
        cmocka_unit_test(test_private_keys_have_pages_of_their_own),
        cmocka_unit_test(test_what_libuv_frees_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
