/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures against published values (RFC 5849, Oracle's help, Twitter's developer
 * pages), then the corners of a URL. The whole list of vectors: the program
 * tba-vectors.
 */
#include "tests/unit/auth/world.h"

#include "auth/oauth1.h"

/* RFC 5849 section 1.2. */
static struct oauth1_request photos(void)
{
    return (struct oauth1_request){
        .method = SLICE("GET"),
        .url =
            SLICE("http://photos.example.net/photos?file=vacation.jpg&size=original"),
        .consumer_key = SLICE("dpf43f3p2l4k3l03"),
        .consumer_secret = SLICE("kd94hf93k423kf44"),
        .token = SLICE("nnch734d00sl2jdk"),
        .token_secret = SLICE("pfkkdhi9sl3r4s00"),
        .nonce = SLICE("chapoH"),
        .timestamp = SLICE("137131202"),
        .has_token = true,
        .signature_method = OAUTH1_HMAC_SHA1,
    };
}

/* Oracle help, "The Signature for Web Services and RESTlets". */
static struct oauth1_request employee(void)
{
    return (struct oauth1_request){
        .method = SLICE("GET"),
        .url =
            SLICE("https://123456.suitetalk.api.netsuite.com/services/rest/record/v1/"
                  "employee/40"),
        .consumer_key =
            SLICE("ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4"),
        .consumer_secret =
            SLICE("d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5"),
        .token =
            SLICE("2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc"),
        .token_secret =
            SLICE("c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295"),
        .nonce = SLICE("fjaLirsIcCGVZWzBX0pg"),
        .timestamp = SLICE("1508242306"),
        .has_token = true,
        .has_version = true,
        .signature_method = OAUTH1_HMAC_SHA256,
        .realm = SLICE("123456"),
    };
}

static enum err try_sign(struct world *w, const struct oauth1_request *request,
                         struct oauth1_signature *out)
{
    struct mac *mac = mac_new();
    enum err err = oauth1_sign(mac, request, w->arena, out);

    mac_free(mac);
    return err;
}

static struct oauth1_signature sign(struct world *w,
                                    const struct oauth1_request *request)
{
    struct oauth1_signature out;

    assert_int_equal(try_sign(w, request, &out), ERR_OK);
    return out;
}

/* The middle part of the base string of a GET of that URL, and its last part. */
static void assert_base(struct world *w, const char *url, const char *uri,
                        const char *params)
{
    struct oauth1_request request = {.method = SLICE("GET"),
                                     .url = slice_str(url),
                                     .consumer_key = SLICE("k"),
                                     .nonce = SLICE("n"),
                                     .timestamp = SLICE("1"),
                                     .signature_method = OAUTH1_HMAC_SHA256};
    struct slice expected =
        arena_printf(w->arena, "GET&%s&%s", uri, params != NULL ? params : "");
    struct slice got = sign(w, &request).base_string;

    if (params == NULL) { /* only the URI is asked for */
        got.len = got.len < expected.len ? got.len : expected.len;
    }
    if (!slice_eq(got, expected)) {
        print_error("want %.*s\ngot  %.*s\n", SLICE_ARG(expected), SLICE_ARG(got));
    }
    assert_true(slice_eq(got, expected));
}

#define OAUTH                                                                          \
    "oauth_consumer_key%3Dk%26oauth_nonce%3Dn%26oauth_signature_method%3DHMAC-SHA256%" \
    "26"                                                                               \
    "oauth_timestamp%3D1"

/* ---- Published values ---- */

static void test_the_example_of_rfc_5849_section_1_2_is_met(void **state)
{
    struct oauth1_request request = photos();

    assert_text(sign(*state, &request).signature, "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
}

static void test_the_base_string_of_rfc_5849_section_3_4_1_is_met(void **state)
{
    const struct oauth1_param form[] = {{SLICE("c2"), SLICE("")},
                                        {SLICE("a3"), SLICE("2 q")}};
    struct oauth1_request request = {
        .method = SLICE("POST"),
        .url = SLICE("http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"),
        .consumer_key = SLICE("9djdj82h48djs9d2"),
        .token = SLICE("kkk9d7dh3k39sjv7"),
        .nonce = SLICE("7d8f3e4a"),
        .timestamp = SLICE("137131201"),
        .has_token = true,
        .signature_method = OAUTH1_HMAC_SHA1,
        .form = form,
        .form_count = 2,
    };

    assert_text(sign(*state, &request).base_string,
                "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%"
                "26a3%3Da%26"
                "b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%"
                "3D9djdj82h48djs9d2%26"
                "oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_"
                "timestamp%3D"
                "137131201%26oauth_token%3Dkkk9d7dh3k39sjv7");
}

static void test_the_examples_of_oracles_help_are_met(void **state)
{
    struct oauth1_request request = employee();
    assert_text(sign(*state, &request).signature,
                "B5OIWznZ2YP0OB7VrJrGkYsTh+8H+5T9Hag+o92q0zY=");

    request.method = SLICE("POST");
    request.url =
        SLICE("https://123456.restlets.api.netsuite.com/app/site/hosting/restlet.nl?"
              "script=6&deploy=1&customParam=someValue&testParam=someOtherValue");
    assert_text(sign(*state, &request).signature,
                "+KK4SKNgz4ZiILGLwOMtfYlgcXSy1eis8ldE9X90azQ=");
}

static void test_the_token_passport_of_oracles_help_is_met(void **state)
{
    struct world *w = *state;
    struct oauth1_request same = employee();
    struct oauth1_passport passport = {
        .account = SLICE("123456"),
        .consumer_key = same.consumer_key,
        .consumer_secret = same.consumer_secret,
        .token = same.token,
        .token_secret = same.token_secret,
        .nonce = same.nonce,
        .timestamp = same.timestamp,
    };
    struct slice base, signature;
    struct mac *mac = mac_new();

    assert_int_equal(oauth1_passport_sign(mac, &passport, w->arena, &base, &signature),
                     ERR_OK);
    mac_free(mac);

    assert_text(
        base, "123456&ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4&"
              "2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc&"
              "fjaLirsIcCGVZWzBX0pg&1508242306");
    assert_text(signature, "tIcC5zyKUmycB5Ml/cNxOHDusw03Y5KPQiXVNUHHp4U=");
}

/* ---- The URL ---- */

static void test_scheme_and_host_are_lowered_and_the_path_is_not(void **state)
{
    assert_base(*state, "HTTPS://Example.COM/Path/X",
                "https%3A%2F%2Fexample.com%2FPath%2FX", OAUTH);
}

static void test_only_the_schemes_own_port_is_dropped(void **state)
{
    struct world *w = *state;

    assert_base(w, "https://a.b:443/x", "https%3A%2F%2Fa.b%2Fx", OAUTH);
    assert_base(w, "http://a.b:80/x", "http%3A%2F%2Fa.b%2Fx", OAUTH);
    assert_base(w, "https://a.b:80/x", "https%3A%2F%2Fa.b%3A80%2Fx", OAUTH);
    assert_base(w, "http://a.b:443/x", "http%3A%2F%2Fa.b%3A443%2Fx", OAUTH);
    assert_base(w, "http://127.0.0.1:8080/x", "http%3A%2F%2F127.0.0.1%3A8080%2Fx",
                OAUTH);
    assert_base(w, "http://a.b:8080", "http%3A%2F%2Fa.b%3A8080%2F", OAUTH);
    assert_base(w, "http://[::1]:80/x", "http%3A%2F%2F%5B%3A%3A1%5D%2Fx", OAUTH);
}

static void test_the_path_is_signed_as_it_is_sent(void **state)
{
    struct world *w = *state;

    assert_base(w, "https://a.b/1234/!transform/invoice",
                "https%3A%2F%2Fa.b%2F1234%2F%21transform%2Finvoice", OAUTH);
    assert_base(w, "https://a.b/eid:AP-2026_0001",
                "https%3A%2F%2Fa.b%2Feid%3AAP-2026_0001", OAUTH);
    assert_base(w, "https://a.b/a%20b/%2f", "https%3A%2F%2Fa.b%2Fa%2520b%2F%252f",
                OAUTH);
    assert_base(w, "https://a.b/a+b", "https%3A%2F%2Fa.b%2Fa%2Bb", OAUTH);
}

static void test_an_empty_path_is_a_slash_and_a_fragment_is_not_sent(void **state)
{
    struct world *w = *state;

    assert_base(w, "https://a.b", "https%3A%2F%2Fa.b%2F", OAUTH);
    assert_base(w, "https://a.b?x=1", "https%3A%2F%2Fa.b%2F", OAUTH "%26x%3D1");
    assert_base(w, "https://a.b/p?x=1#y=2", "https%3A%2F%2Fa.b%2Fp", OAUTH "%26x%3D1");
    assert_base(w, "https://a.b/p#?x=1", "https%3A%2F%2Fa.b%2Fp", OAUTH);
}

static void test_the_query_is_decoded_and_encoded_again(void **state)
{
    struct world *w = *state;
    const char *uri = "https%3A%2F%2Fa.b%2Fp";

    /* One value, spelled three ways. */
    assert_base(w, "https://a.b/p?q=a%20b", uri, OAUTH "%26q%3Da%2520b");
    assert_base(w, "https://a.b/p?q=a+b", uri, OAUTH "%26q%3Da%2520b");
    assert_base(w, "https://a.b/p?%71=%61%20%62", uri, OAUTH "%26q%3Da%2520b");
    assert_base(w, "https://a.b/p?q=a%2Bb", uri, OAUTH "%26q%3Da%252Bb");
    assert_base(w, "https://a.b/p?q=%d0%94", uri, OAUTH "%26q%3D%25D0%2594");
    assert_base(w, "https://a.b/p?q=item,x*~'", uri,
                OAUTH "%26q%3Ditem%252Cx%252A~%2527");
    assert_base(w, "https://a.b/p?q=a=b", uri, OAUTH "%26q%3Da%253Db");
    assert_base(w, "https://a.b/p?q=a?b/c", uri, OAUTH "%26q%3Da%253Fb%252Fc");
}

static void test_names_without_values_and_empty_pairs(void **state)
{
    struct world *w = *state;
    const char *uri = "https%3A%2F%2Fa.b%2Fp";

    assert_base(w, "https://a.b/p?", uri, OAUTH);
    assert_base(w, "https://a.b/p?&&", uri, OAUTH);
    assert_base(w, "https://a.b/p?x", uri, OAUTH "%26x%3D");
    assert_base(w, "https://a.b/p?x=&&y", uri, OAUTH "%26x%3D%26y%3D");
    assert_base(w, "https://a.b/p?=v", uri, "%3Dv%26" OAUTH);
}

static void test_parameters_are_sorted_by_encoded_name_then_value(void **state)
{
    struct world *w = *state;
    const char *uri = "https%3A%2F%2Fa.b%2Fp";

    assert_base(w, "https://a.b/p?id=9&id=10&id=2", uri,
                "id%3D10%26id%3D2%26id%3D9%26" OAUTH);
    assert_base(w, "https://a.b/p?name=1&Name=2&a-b=3&a=4", uri,
                "Name%3D2%26a%3D4%26a-b%3D3%26name%3D1%26" OAUTH);
    /* '~' is sent as it is and sorts after '%C3': by the encoded form, not the bytes.
     */
    assert_base(w, "https://a.b/p?%c3=1&~=2", uri, "%25C3%3D1%26" OAUTH "%26~%3D2");
}

static void test_many_parameters_are_all_signed(void **state)
{
    struct world *w = *state;
    char url[8192] = "https://a.b/p?";
    size_t len = strlen(url);
    for (int i = 0; i < 500; i++) {
        len += (size_t)snprintf(url + len, sizeof url - len, "p%03d=%d&", 499 - i, i);
    }
    struct oauth1_request request = employee();
    request.url = slice_of(url, len);

    struct slice base = sign(w, &request).base_string;

    size_t count = 0;
    for (size_t i = 0; i < base.len; i++) {
        count += slice_starts(slice_from(base, i), SLICE("%26p"));
    }
    assert_int_equal(count, 500);
}

static void test_a_url_that_cannot_be_signed_is_refused(void **state)
{
    struct world *w = *state;
    static const char *const wrong[] = {
        "",
        "/path",
        "a.b/p",
        "https:/a.b",
        "https://",
        "https:///p",
        "https://?x",
        "https://a.b?x=%",
        "https://a.b?%2",
        "https://a.b?%zz=1",
        "://a.b/",
        "https:a.b/p",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct oauth1_request request = employee();
        struct oauth1_signature out;
        request.url = slice_str(wrong[i]);
        assert_int_equal(try_sign(w, &request, &out), ERR_UNPROCESSABLE);
    }
}

/* ---- Parts of the request ---- */

static void test_without_a_token_the_key_ends_in_an_ampersand(void **state)
{
    struct world *w = *state;
    struct oauth1_request without = employee(), empty = employee();
    without.has_token = false;
    without.token_secret = SLICE("not used");
    empty.has_token = false;
    empty.token = SLICE_EMPTY;
    empty.token_secret = SLICE_EMPTY;

    struct oauth1_signature got = sign(w, &without);

    assert_true(slice_eq(got.signature, sign(w, &empty).signature));
    for (size_t i = 0; i < got.base_string.len; i++) {
        assert_false(
            slice_starts(slice_from(got.base_string, i), SLICE("oauth_token")));
    }
    for (size_t i = 0; i < got.header.len; i++) {
        assert_false(slice_starts(slice_from(got.header, i), SLICE("oauth_token")));
    }
}

static void test_secrets_are_encoded_in_the_key(void **state)
{
    struct world *w = *state;
    struct oauth1_request one = employee(), two = employee();
    one.consumer_secret = SLICE("a&b");
    one.token_secret = SLICE("c");
    two.consumer_secret = SLICE("a");
    two.token_secret = SLICE("b&c");

    /* Without encoding both keys would read a&b&c. */
    assert_false(slice_eq(sign(w, &one).signature, sign(w, &two).signature));
}

static void test_realm_is_sent_and_never_signed(void **state)
{
    struct world *w = *state;
    struct oauth1_request one = employee(), two = employee();
    two.realm = SLICE("123456_SB1");

    struct oauth1_signature a = sign(w, &one), b = sign(w, &two);

    assert_true(slice_eq(a.base_string, b.base_string));
    assert_true(slice_eq(a.signature, b.signature));
    assert_true(slice_starts(b.header, SLICE("OAuth realm=\"123456_SB1\", ")));
}

static void test_further_parameters_are_signed_and_sent(void **state)
{
    struct world *w = *state;
    const struct oauth1_param extra[] = {
        {SLICE("oauth_callback"), SLICE("https://my.example.com/TBA/?callbackRequest")},
        {SLICE("role"), SLICE("45678")}};
    struct oauth1_request request = employee();
    request.extra = extra;
    request.extra_count = 2;

    struct oauth1_signature got = sign(w, &request);

    size_t in_base = 0, in_header = 0;
    for (size_t i = 0; i < got.base_string.len; i++) {
        struct slice rest = slice_from(got.base_string, i);
        in_base +=
            slice_starts(rest, SLICE("%26role%3D45678")) ||
            slice_starts(rest, SLICE("oauth_callback%3Dhttps%253A%252F%252Fmy."));
    }
    for (size_t i = 0; i < got.header.len; i++) {
        struct slice rest = slice_from(got.header, i);
        in_header +=
            slice_starts(rest, SLICE(", role=\"45678\"")) ||
            slice_starts(rest, SLICE("oauth_callback=\"https%3A%2F%2Fmy.example.com%2F"
                                     "TBA%2F%3FcallbackRequest\""));
    }
    assert_int_equal(in_base, 2);
    assert_int_equal(in_header, 2);
}

static void test_the_header_has_the_form_that_netsuite_documents(void **state)
{
    struct world *w = *state;
    struct oauth1_request request = employee();
    request.realm = SLICE("123456_SB1");

    assert_text(
        sign(w, &request).header,
        "OAuth realm=\"123456_SB1\", "
        "oauth_consumer_key="
        "\"ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4\", "
        "oauth_token="
        "\"2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc\", "
        "oauth_signature_method=\"HMAC-SHA256\", oauth_timestamp=\"1508242306\", "
        "oauth_nonce=\"fjaLirsIcCGVZWzBX0pg\", oauth_version=\"1.0\", "
        "oauth_signature=\"B5OIWznZ2YP0OB7VrJrGkYsTh%2B8H%2B5T9Hag%2Bo92q0zY%3D\"");
}

static void test_no_value_can_leave_its_quotes_in_the_header(void **state)
{
    struct world *w = *state;
    struct oauth1_request request = employee();
    request.consumer_key = SLICE("a\", realm=\"x\"\r\nCookie: y");

    struct slice header = sign(w, &request).header;

    size_t quotes = 0;
    for (size_t i = 0; i < header.len; i++) {
        assert_true(header.ptr[i] >= ' ' && header.ptr[i] <= '~');
        quotes += header.ptr[i] == '"';
    }
    assert_int_equal(quotes, 2 * 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_the_example_of_rfc_5849_section_1_2_is_met),
        IN_WORLD(test_the_base_string_of_rfc_5849_section_3_4_1_is_met),
        IN_WORLD(test_the_examples_of_oracles_help_are_met),
        IN_WORLD(test_the_token_passport_of_oracles_help_is_met),
        IN_WORLD(test_scheme_and_host_are_lowered_and_the_path_is_not),
        IN_WORLD(test_only_the_schemes_own_port_is_dropped),
        IN_WORLD(test_the_path_is_signed_as_it_is_sent),
        IN_WORLD(test_an_empty_path_is_a_slash_and_a_fragment_is_not_sent),
        IN_WORLD(test_the_query_is_decoded_and_encoded_again),
        IN_WORLD(test_names_without_values_and_empty_pairs),
        IN_WORLD(test_parameters_are_sorted_by_encoded_name_then_value),
        IN_WORLD(test_many_parameters_are_all_signed),
        IN_WORLD(test_a_url_that_cannot_be_signed_is_refused),
        IN_WORLD(test_without_a_token_the_key_ends_in_an_ampersand),
        IN_WORLD(test_secrets_are_encoded_in_the_key),
        IN_WORLD(test_realm_is_sent_and_never_signed),
        IN_WORLD(test_further_parameters_are_signed_and_sent),
        IN_WORLD(test_the_header_has_the_form_that_netsuite_documents),
        IN_WORLD(test_no_value_can_leave_its_quotes_in_the_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
