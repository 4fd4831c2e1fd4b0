/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokenPassport element where a request's body wants it: Oracle's published values, and
 * what stands around it.
 */
#include "tests/unit/auth/world.h"

#include "auth/soap_passport.h"
#include "base/buf.h"

#define BEFORE "<soapenv:Header>"
#define AFTER "</soapenv:Header><soapenv:Body/>"

/* Oracle Help, "The Signature for Web Services and RESTlets"; the second "SuiteAnalytics
 * Connect token password", the same recipe; the third made for the form of a sandbox. */
static const struct {
    const char *account, *consumer_key, *consumer_secret, *token, *token_secret, *nonce,
        *timestamp, *signature;
} vectors[] = {
    {"123456", "ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4",
     "d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5",
     "2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc",
     "c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295",
     "fjaLirsIcCGVZWzBX0pg", "1508242306",
     "tIcC5zyKUmycB5Ml/cNxOHDusw03Y5KPQiXVNUHHp4U="},
    {"1234567", "71cc02b731f05895561ef0862d71553a3ac99498a947c3b7beaf4a1e4a29f7c4",
     "7278da58caf07f5c336301a601203d10a58e948efa280f0618e25fcee1ef2abd",
     "89e08d9767c5ac85b374415725567d05b54ecf0960ad2470894a52f741020d82",
     "060cd9ab3ffbbe1e3d3918e90165ffd37ab12acc76b4691046e2d29c7d7674c2",
     "6obMKq0tmY8ylVOdEkA1", "1439829974",
     "FCghIZqXNetuZY8ILWOFH0ucdfzQOmAuL+q+kF21zPs="},
    {"1234567_SB1", "5f0d3a1c9b7e2468ace013579bdf2468ace013579bdf2468ace013579bdf0001",
     "0011223344556677889900aabbccddeeff0011223344556677889900aabbccdd",
     "aa55aa55aa55aa55aa55aa55aa55aa55aa55aa55aa55aa55aa55aa55aa55aa55",
     "ffeeddccbbaa00998877665544332211ffeeddccbbaa00998877665544332211",
     "K3v9QmZt7XwYb2Lr8NcD", "1795000000",
     "OFXhozXFCcs0HXj0Qho5CgdB44ZrWc/+lUdXIMC/nJc="},
};

static struct oauth1_passport passport_of(size_t n)
{
    return (struct oauth1_passport){
        .account = slice_str(vectors[n].account),
        .consumer_key = slice_str(vectors[n].consumer_key),
        .consumer_secret = slice_str(vectors[n].consumer_secret),
        .token = slice_str(vectors[n].token),
        .token_secret = slice_str(vectors[n].token_secret),
        .nonce = slice_str(vectors[n].nonce),
        .timestamp = slice_str(vectors[n].timestamp),
    };
}

static enum err put_at(struct world *w, const struct oauth1_passport *passport,
                       struct slice body, size_t at, struct slice *out)
{
    struct outbound_request request = {.body = body, .passport_at = at};
    struct mac *mac = mac_new();
    enum err err = soap_passport_put(passport, mac, &request, w->arena);

    mac_free(mac);
    *out = request.body;
    return err;
}

static void test_published_values_stand_in_the_order_of_the_schema(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct oauth1_passport passport = passport_of(i);
        struct slice body;
        assert_int_equal(
            put_at(w, &passport, SLICE(BEFORE AFTER), sizeof BEFORE - 1, &body),
            ERR_OK);
        struct slice expected = arena_printf(
            w->arena,
            BEFORE "<platformMsgs:tokenPassport>"
                   "<platformCore:account>%s</platformCore:account>"
                   "<platformCore:consumerKey>%s</platformCore:consumerKey>"
                   "<platformCore:token>%s</platformCore:token>"
                   "<platformCore:nonce>%s</platformCore:nonce>"
                   "<platformCore:timestamp>%s</platformCore:timestamp>"
                   "<platformCore:signature algorithm=\"HMAC-SHA256\">%s"
                   "</platformCore:signature></platformMsgs:tokenPassport>" AFTER,
            vectors[i].account, vectors[i].consumer_key, vectors[i].token,
            vectors[i].nonce, vectors[i].timestamp, vectors[i].signature);
        assert_true(slice_eq(body, expected));
        assert_int_equal(slice_find(body, '%'), -1); /* base64 as it is */
        struct slice secret = slice_str(vectors[i].consumer_secret);
        assert_null(strstr(arena_copy(w->arena, body), secret.ptr));
    }
}

static void test_it_stands_first_or_last_and_the_rest_is_untouched(void **state)
{
    struct world *w = *state;
    const struct oauth1_passport passport = passport_of(0);
    struct slice body = SLICE("<a>&#8364; \xe2\x82\xac</a>"), first, last, alone;

    assert_int_equal(put_at(w, &passport, body, 0, &first), ERR_OK);
    assert_int_equal(put_at(w, &passport, body, body.len, &last), ERR_OK);
    assert_int_equal(put_at(w, &passport, SLICE_EMPTY, 0, &alone), ERR_OK);
    assert_int_equal(first.len, last.len);
    assert_int_equal(first.len, alone.len + body.len);
    assert_memory_equal(first.ptr + alone.len, body.ptr, body.len);
    assert_memory_equal(last.ptr, body.ptr, body.len);
    assert_memory_equal(last.ptr + body.len, alone.ptr, alone.len);
}

/* Whoever enters credentials cannot write elements of his own. */
static void test_values_stay_text(void **state)
{
    struct world *w = *state;
    struct oauth1_passport passport = passport_of(0);
    struct slice body;

    passport.account = SLICE("1</platformCore:account><x a=\"&amp;\"/>");
    passport.token = SLICE("]]>");
    assert_int_equal(put_at(w, &passport, SLICE_EMPTY, 0, &body), ERR_OK);
    const char *text = arena_copy(w->arena, body);
    assert_non_null(strstr(text,
                           "<platformCore:account>1&#60;/platformCore:account&#62;"
                           "&#60;x a=&#34;&#38;amp;&#34;/&#62;"
                           "</platformCore:account>"));
    assert_non_null(strstr(text, "<platformCore:token>]]&#62;</platformCore:token>"));
    assert_null(strstr(text, "<x"));
}

static void test_a_body_past_the_ceiling_is_not_cut(void **state)
{
    struct world *w = *state;
    const struct oauth1_passport passport = passport_of(0);
    size_t len = (size_t)1024 * 1024;
    char *bytes = arena_alloc(w->arena, len);
    struct slice body;

    memset(bytes, 'x', len);
    assert_int_equal(put_at(w, &passport, slice_of(bytes, len), 7, &body),
                     ERR_TOO_LARGE);
    assert_int_equal(put_at(w, &passport, slice_of(bytes, len - 2048), 7, &body),
                     ERR_OK);
    assert_true(body.len > len - 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_published_values_stand_in_the_order_of_the_schema),
        IN_WORLD(test_it_stands_first_or_last_and_the_rest_is_untouched),
        IN_WORLD(test_values_stay_text),
        IN_WORLD(test_a_body_past_the_ceiling_is_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
