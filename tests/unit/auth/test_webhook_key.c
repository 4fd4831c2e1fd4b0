/* SPDX-License-Identifier: Apache-2.0 */
/* The scheme's published example, and that secrets of endpoints and versions differ. */
#include "auth/webhook_key.h"

#include "base/text.h"
#include "tests/unit/auth/world.h"

static void test_the_published_example(void **state)
{
    struct arena *arena = arena_new();
    struct mac *mac = mac_new();
    struct slice key;
    (void)state;
    assert_true(text_unbase64(arena, SLICE("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), &key));
    struct secret *secret = secret_new(key);

    struct slice signature =
        webhook_signature(mac, secret, SLICE("msg_p5jXN8AQM9LWM0D4loKWxJek"),
                          1614265330, SLICE("{\"test\": 2432232314}"), arena);

    assert_true(slice_is(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    assert_true(slice_is(webhook_key_text(secret, arena),
                         "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    secret_free(secret);
    mac_free(mac);
    arena_free(arena);
}

static void test_each_endpoint_and_version_has_a_secret_of_its_own(void **state)
{
    const struct webhook_key keys[] = {{SLICE("whe_a"), 1},
                                       {SLICE("whe_a"), 2},
                                       {SLICE("whe_b"), 1},
                                       {SLICE("whe_a"), 1}};
    struct secret *secrets[4];
    struct arena *arena = arena_new();
    struct keys *own = NULL;
    struct slice problem;
    (void)state;
    assert_int_equal(
        keys_parse(SLICE("{\"signing_key\":\"0123456789abcdef0123456789abcdef"
                         "0123456789abcdef0123456789abcdef\",\"vault_keys\":[{\"id\":"
                         "\"k1\",\"key\":\"fedcba9876543210fedcba9876543210"
                         "fedcba9876543210fedcba9876543210\"}]}"),
                   arena, &own, &problem),
        ERR_OK);
    for (size_t i = 0; i < 4; i++) {
        secrets[i] = webhook_key_derive(own, &keys[i]);
        assert_int_equal(secret_bytes(secrets[i]), 32);
    }
    assert_false(secret_equal(secrets[0], secrets[1]));
    assert_false(secret_equal(secrets[0], secrets[2]));
    assert_false(secret_equal(secrets[1], secrets[2]));
    assert_true(secret_equal(secrets[0], secrets[3]));
    for (size_t i = 0; i < 4; i++) {
        secret_free(secrets[i]);
    }
    keys_free(own);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_published_example),
        cmocka_unit_test(test_each_endpoint_and_version_has_a_secret_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
