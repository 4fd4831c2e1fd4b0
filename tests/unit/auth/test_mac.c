/* SPDX-License-Identifier: Apache-2.0 */
/* Purpose: the published answers of RFC 4231 and RFC 2202. Start reading at: test_. */
#include "auth/mac.h"

#include "base/text.h"
#include "tests/unit/auth/world.h"

struct vector {
    const char *name;
    enum mac_digest digest;
    const char *key_hex, *text_hex, *mac_hex;
};

#define AA_20 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DD_25 "dddddddddddddddddddddddddddddddddddddddddddddddddd"
#define KEY_131 AA_20 AA_20 AA_20 AA_20 AA_20 AA_20 "aaaaaaaaaaaaaaaaaaaaaa"

static const struct vector vectors[] = {
    {"RFC 4231 case 1", MAC_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
     "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"RFC 4231 case 2", MAC_SHA256, "4a656665",
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231 case 3", MAC_SHA256, AA_20, DD_25 DD_25,
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"RFC 4231 case 6: a key longer than a block", MAC_SHA256, KEY_131,
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d"
     "2048617368204b6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"RFC 2202 case 2", MAC_SHA1, "4a656665",
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
};

static void test_the_published_answers(void **state)
{
    struct world *w = *state;
    struct mac *mac = mac_new();

    /* Twice: nothing of a text stays behind for the next. */
    for (size_t i = 0; i < 2 * (sizeof vectors / sizeof vectors[0]); i++) {
        const struct vector *vector = &vectors[i / 2];
        struct slice key, text;
        unsigned char out[MAC_BYTES];
        assert_true(text_unhex(w->arena, slice_str(vector->key_hex), &key));
        assert_true(text_unhex(w->arena, slice_str(vector->text_hex), &text));
        size_t bytes = mac_compute(mac, vector->digest, key, text, out);
        struct slice hex = text_hex(w->arena, slice_of((const char *)out, bytes));
        if (!slice_is(hex, vector->mac_hex)) {
            fail_msg("%s: %.*s", vector->name, SLICE_ARG(hex));
        }
    }
    mac_free(mac);
    mac_free(NULL);
}

static void test_an_empty_text_has_a_code_too(void **state)
{
    struct world *w = *state;
    struct mac *mac = mac_new();
    unsigned char out[MAC_BYTES];

    size_t bytes = mac_compute(mac, MAC_SHA256, SLICE_EMPTY, SLICE_EMPTY, out);

    assert_true(
        slice_is(text_hex(w->arena, slice_of((const char *)out, bytes)),
                 "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
    mac_free(mac);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_the_published_answers),
        IN_WORLD(test_an_empty_text_has_a_code_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
