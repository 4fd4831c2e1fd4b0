/* SPDX-License-Identifier: Apache-2.0 */
/* Where a browser is sent for a consent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/consent.h"

#define ORIGIN "https://1234567.suitetalk.api.netsuite.com"

static struct credential *client(const char *id)
{
    const struct slice origin = SLICE(ORIGIN);
    struct credential *credential =
        credential_new(NULL, outbound_scheme_find(SLICE("netsuite_oauth2")),
                       SLICE("acc_a"), &origin, 1);
    credential_put(credential, SLICE("client_id"), secret_new(slice_str(id)));
    return credential;
}

/* The verifier and its challenge: RFC 7636, appendix B. */
static void test_the_address_of_the_consent_page(void **state)
{
    struct arena *arena = arena_new();
    struct credential *credential = client("a b&c");
    const struct consent_request request = {
        .origin = SLICE("https://1234567.app.netsuite.com"),
        .redirect_uri = SLICE("https://erp.example.com/connect/callback"),
        .state = SLICE("state-of-at-least-22-characters"),
        .verifier = SLICE("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    };
    (void)state;
    struct slice url = consent_url(credential, &request, arena);
    assert_string_equal(
        url.ptr,
        "https://1234567.app.netsuite.com/app/login/oauth2/authorize.nl"
        "?response_type=code&client_id=a%20b%26c"
        "&redirect_uri=https%3A%2F%2Ferp.example.com%2Fconnect%2Fcallback"
        "&scope=rest_webservices%20restlets&state=state-of-at-least-22-characters"
        "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        "&code_challenge_method=S256");
    credential_free(credential);
    arena_free(arena);
}

static void test_verifiers_are_of_their_alphabet_and_unlike(void **state)
{
    struct arena *arena = arena_new();
    struct slice one = consent_new_verifier(arena), other = consent_new_verifier(arena);
    (void)state;
    assert_int_equal(one.len, 64);
    assert_int_equal(strspn(one.ptr, "0123456789abcdef"), 64);
    assert_false(slice_eq(one, other));
    arena_free(arena);
}

static void test_people_consent_to_one_scheme(void **state)
{
    (void)state;
    assert_true(consent_is_way_of(outbound_scheme_find(SLICE("netsuite_oauth2"))));
    assert_false(consent_is_way_of(outbound_scheme_find(SLICE("netsuite_tba"))));
    assert_false(consent_is_way_of(outbound_scheme_find(SLICE("basic"))));
}

static void test_the_operators_client_as_an_auth_object(void **state)
{
    const struct outbound_scheme *scheme =
        outbound_scheme_find(SLICE("netsuite_oauth2"));
    struct arena *arena = arena_new();
    struct consent_client *secret =
        consent_client_new(SLICE("one"), secret_new(SLICE("hush")));
    struct consent_client *open = consent_client_new(SLICE("two"), NULL);
    const struct outbound_scheme *found = NULL;
    struct fault fault = {0};
    (void)state;
    const struct jval *auth = consent_client_auth(secret, scheme, arena);
    assert_true(slice_is(jval_text(jval_get(auth, "client_secret")), "hush"));
    assert_int_equal(outbound_check(auth, SLICE("netsuite"), arena, &found, &fault),
                     ERR_OK);
    auth = consent_client_auth(open, scheme, arena);
    assert_true(slice_is(jval_text(jval_get(auth, "client_id")), "two"));
    assert_null(jval_get(auth, "client_secret"));
    consent_client_free(secret);
    consent_client_free(open);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_address_of_the_consent_page),
        cmocka_unit_test(test_verifiers_are_of_their_alphabet_and_unlike),
        cmocka_unit_test(test_people_consent_to_one_scheme),
        cmocka_unit_test(test_the_operators_client_as_an_auth_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
