/* SPDX-License-Identifier: Apache-2.0 */
/* Schemes: what `auth` may hold, where a credential may go, what a signed request has.
 */
#include "tests/unit/auth/world.h"

#include "auth/oauth1.h"
#include "auth/outbound.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "tests/unit/base/aborts.h"

#define NOW_MS INT64_C(1795000000999)
#define HOST "https://123456-sb1.suitetalk.api.netsuite.com"

/* ---- Schemes ---- */

static void test_schemes_are_found_by_name_and_by_integration(void **state)
{
    const struct outbound_scheme *tba = outbound_scheme_find(SLICE("netsuite_tba"));
    (void)state;

    assert_non_null(tba);
    assert_string_equal(outbound_scheme_name(tba), "netsuite_tba");
    assert_true(outbound_scheme_serves(tba, SLICE("netsuite")));
    assert_false(outbound_scheme_serves(tba, SLICE("sap")));
    assert_ptr_equal(outbound_scheme_at(SLICE("netsuite"), 0), tba);
    assert_null(outbound_scheme_at(SLICE("netsuite"), 100));
    assert_null(outbound_scheme_at(SLICE("nowhere"), 0));
    assert_null(outbound_scheme_find(SLICE("netsuite_tb")));
    assert_null(outbound_scheme_find(SLICE("")));
}

static void test_every_field_of_the_token_scheme_is_secret_and_required(void **state)
{
    static const char *const names[] = {"consumer_key", "consumer_secret", "token_id",
                                        "token_secret"};
    size_t count = 0;
    const struct outbound_field *fields =
        outbound_scheme_fields(outbound_scheme_find(SLICE("netsuite_tba")), &count);
    (void)state;

    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(fields[i].name, names[i]);
        assert_true(fields[i].secret);
        assert_true(fields[i].required);
        assert_true(fields[i].max_bytes >= 64);
    }
}

static void assert_in_order(struct arena *arena, struct slice text,
                            const char *const *words)
{
    const char *at = arena_copy(arena, text);

    for (size_t i = 0; words[i] != NULL; i++) {
        const char *found = strstr(at, words[i]);
        if (found == NULL) {
            fail_msg("%s is missing or too early", words[i]);
        }
        at = found;
    }
}

static void test_the_probable_causes_come_in_order(void **state)
{
    static const struct {
        const char *scheme;
        const char *words[8];
    } cases[] = {
        {"netsuite_tba",
         {"clock", "account id", "signature", "revoked", "role", "locked"}},
        {"netsuite_m2m", {"clock", "certificate", "client id", "role"}},
        {"sap_xsuaa", {"secret was rotated", "service key", "subaccount"}},
        {"basic", {"password", "sap_client", "locked", "arrangement"}},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct outbound_scheme *scheme =
            outbound_scheme_find(slice_str(cases[i].scheme));
        assert_in_order(w->arena, outbound_scheme_causes(scheme, 400000, w->arena),
                        cases[i].words);
    }
    /* Within what is tolerated the clock is not named. */
    const struct outbound_scheme *tba = outbound_scheme_find(SLICE("netsuite_tba"));
    struct slice causes = outbound_scheme_causes(tba, -299999, w->arena);
    assert_null(strstr(arena_copy(w->arena, causes), "clock"));
}

/* ---- Checking ---- */

static enum err check(struct world *w, const char *json, struct fault *fault)
{
    struct jval *auth = NULL;
    const struct outbound_scheme *scheme = NULL;

    *fault = (struct fault){0};
    assert_int_equal(jval_parse(w->arena, slice_str(json), &auth, NULL), ERR_OK);
    enum err err = outbound_check(auth, SLICE("netsuite"), w->arena, &scheme, fault);
    assert_true((err == ERR_OK) == (scheme != NULL));
    return err;
}

static void test_a_whole_auth_object_passes(void **state)
{
    struct fault fault;

    assert_int_equal(check(*state,
                           "{\"scheme\":\"netsuite_tba\",\"consumer_key\":\"a\","
                           "\"consumer_secret\":\"b\",\"token_id\":\"c\","
                           "\"token_secret\":\"d\"}",
                           &fault),
                     ERR_OK);
    assert_int_equal(fault.detail_count, 0);
}

static void test_each_wrong_field_is_named_by_its_pointer(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *json, *pointer;
        size_t count;
    } cases[] = {
        {"[]", "/auth", 1},
        {"null", "/auth", 1},
        {"{}", "/auth/scheme", 1},
        {"{\"scheme\":7}", "/auth/scheme", 1},
        {"{\"scheme\":\"basic\"}", "/auth/scheme", 1},
        {"{\"scheme\":\"netsuite_tba\"}", "/auth/consumer_key", 4},
        {"{\"scheme\":\"netsuite_tba\",\"consumer_key\":\"a\",\"consumer_secret\":"
         "\"b\","
         "\"token_id\":\"c\"}",
         "/auth/token_secret", 1},
        {"{\"scheme\":\"netsuite_tba\",\"consumer_key\":\"a\",\"consumer_secret\":"
         "\"b\","
         "\"token_id\":\"c\",\"token_secret\":\"\"}",
         "/auth/token_secret", 1},
        {"{\"scheme\":\"netsuite_tba\",\"consumer_key\":\"a\",\"consumer_secret\":"
         "\"b\","
         "\"token_id\":7,\"token_secret\":\"d\"}",
         "/auth/token_id", 1},
        {"{\"scheme\":\"netsuite_tba\",\"consumer_key\":null,\"consumer_secret\":\"b\","
         "\"token_id\":\"c\",\"token_secret\":\"d\"}",
         "/auth/consumer_key", 1},
        {"{\"scheme\":\"netsuite_tba\",\"consumer_key\":\"a\",\"consumer_secret\":"
         "\"b\","
         "\"token_id\":\"c\",\"token_secret\":\"d\",\"realm\":\"x\"}",
         "/auth/realm", 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault fault;
        assert_int_equal(check(w, cases[i].json, &fault), ERR_UNPROCESSABLE);
        assert_int_equal(fault.err, ERR_UNPROCESSABLE);
        assert_int_equal(fault.detail_count, cases[i].count);
        assert_text(fault.details[0].pointer, cases[i].pointer);
        assert_true(fault.details[0].message.len > 0);
        assert_true(fault.message.len > 0);
    }
}

static void test_what_a_scheme_cannot_send_is_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *json, *pointer;
    } cases[] = {
        {"{\"scheme\":\"basic\",\"username\":\"a:b\",\"password\":\"c\"}",
         "/auth/username"},
        {"{\"scheme\":\"basic\",\"username\":\"a\\nb\",\"password\":\"c\"}",
         "/auth/username"},
        {"{\"scheme\":\"basic\",\"username\":\"a\",\"password\":\"b\\u007f\"}",
         "/auth/password"},
        {"{\"scheme\":\"basic\",\"username\":\"a\",\"password\":\"b:c \u00e9\"}", NULL},
#define XSUAA(url)                                                           \
    "{\"scheme\":\"sap_xsuaa\",\"client_id\":\"a\",\"client_secret\":\"b\"," \
    "\"token_url\":\"" url "\"}"
        {XSUAA("https://a.example/oauth/token"), NULL},
        {XSUAA("https://a.example"), NULL},
        {XSUAA("http://127.0.0.1:8080/oauth/token?x=1"), NULL},
        {XSUAA("a.example/oauth/token"), "/auth/token_url"},
        {XSUAA("ftp://a.example/"), "/auth/token_url"},
        {XSUAA("https://user@a.example/"), "/auth/token_url"},
        {XSUAA("https://a.example/#x"), "/auth/token_url"},
        {XSUAA("https://a.example/a b"), "/auth/token_url"},
        {XSUAA("https:"), "/auth/token_url"},
#undef XSUAA
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fault fault = {0};
        struct jval *auth = NULL;
        const struct outbound_scheme *scheme = NULL;
        assert_int_equal(jval_parse(w->arena, slice_str(cases[i].json), &auth, NULL),
                         ERR_OK);
        enum err err = outbound_check(auth, SLICE("sap"), w->arena, &scheme, &fault);
        assert_int_equal(err, cases[i].pointer == NULL ? ERR_OK : ERR_UNPROCESSABLE);
        if (err != ERR_OK) {
            assert_int_equal(fault.detail_count, 1);
            assert_text(fault.details[0].pointer, cases[i].pointer);
        }
    }
}

static void test_an_unknown_scheme_is_answered_with_the_known_ones(void **state)
{
    struct fault fault;

    assert_int_equal(check(*state, "{\"scheme\":\"netsuite_tab\"}", &fault),
                     ERR_UNPROCESSABLE);
    assert_text(fault.details[0].message,
                "one of: netsuite_tba netsuite_oauth2 netsuite_m2m");
}

static void test_a_value_past_its_ceiling_is_refused_and_never_repeated(void **state)
{
    struct world *w = *state;
    size_t count = 0,
           limit = outbound_scheme_fields(outbound_scheme_find(SLICE("netsuite_tba")),
                                          &count)[0]
                       .max_bytes;
    char *value = test_calloc(1, limit + 2);
    struct fault fault;
    memset(value, 'v', limit);

    for (int over = 0; over < 2; over++) {
        value[limit] = over == 1 ? 'v' : '\0';
        struct slice json =
            arena_printf(w->arena,
                         "{\"scheme\":\"netsuite_tba\",\"consumer_key\":\"%s\","
                         "\"consumer_secret\":\"b\",\"token_id\":\"c\","
                         "\"token_secret\":\"d\"}",
                         value);
        assert_int_equal(check(w, arena_copy(w->arena, json), &fault),
                         over == 1 ? ERR_UNPROCESSABLE : ERR_OK);
    }
    assert_text(fault.details[0].pointer, "/auth/consumer_key");
    for (size_t i = 0; i < fault.details[0].message.len; i++) {
        assert_false(
            slice_starts(slice_from(fault.details[0].message, i), SLICE("vvvv")));
    }
    test_free(value);
}

static void test_no_more_faults_are_named_than_the_ceiling(void **state)
{
    struct world *w = *state;
    struct buf json;
    struct fault fault;
    buf_init(&json, 65536);
    assert_true(buf_append(&json, SLICE("{\"scheme\":\"netsuite_tba\"")));
    for (int i = 0; i < 100; i++) {
        assert_true(buf_printf(&json, ",\"x%d\":1", i));
    }
    assert_true(buf_append(&json, SLICE("}")));

    assert_int_equal(check(w, json.ptr, &fault), ERR_UNPROCESSABLE);

    assert_int_equal(fault.detail_count, LIMIT_FAULT_DETAILS);
    buf_free(&json);
}

/* ---- Signing ---- */

static struct credential *credential_with(const struct slice *origins, size_t count)
{
    static const char *const fields[][2] = {{"consumer_key", "ck"},
                                            {"consumer_secret", "cs"},
                                            {"token_id", "ti"},
                                            {"token_secret", "ts"}};
    struct credential *credential =
        credential_new(NULL, outbound_scheme_find(SLICE("netsuite_tba")),
                       SLICE("acc_a"), origins, count);

    for (size_t i = 0; i < 4; i++) {
        credential_put(credential, slice_str(fields[i][0]),
                       secret_new(slice_str(fields[i][1])));
    }
    return credential;
}

struct sending {
    struct http_field fields[1 + OUTBOUND_FIELDS];
    struct outbound_request request;
};

static void sending_to(struct sending *sending, const char *url)
{
    *sending = (struct sending){.request = {.method = SLICE("POST"),
                                            .url = slice_str(url),
                                            .realm = SLICE("123456_SB1"),
                                            .fields = sending->fields,
                                            .field_count = 1}};
    sending->fields[0] = (struct http_field){SLICE("Prefer"), SLICE("transient")};
}

/* The value between `name="` and the next quote. */
static struct slice param(struct slice header, const char *name)
{
    char start[64];

    snprintf(start, sizeof start, " %s=\"", name);
    for (size_t i = 0; i < header.len; i++) {
        struct slice rest = slice_from(header, i);
        if (slice_starts(rest, slice_str(start))) {
            struct slice value = slice_from(rest, strlen(start));
            ptrdiff_t end = slice_find(value, '"');
            assert_true(end >= 0);
            return slice_of(value.ptr, (size_t)end);
        }
    }
    fail_msg("no %s in the header", name);
    return SLICE_EMPTY;
}

static enum err sign_with(struct credential *credential, struct sending *sending,
                          const struct clock *clock, struct arena *arena)
{
    struct mac *mac = mac_new();
    struct random_stock random = {.left = 0};
    const struct outbound_means means = {clock, mac, &random};
    enum err err = outbound_sign(credential, &sending->request, &means, arena);

    mac_free(mac);
    return err;
}

static struct slice sign(struct world *w, struct credential *credential,
                         const char *url, const struct clock *clock)
{
    struct sending sending;

    sending_to(&sending, url);
    assert_int_equal(sign_with(credential, &sending, clock, w->arena), ERR_OK);
    assert_int_equal(sending.request.field_count, 2);
    assert_text(sending.fields[0].name, "Prefer");
    assert_true(slice_eq_nocase(sending.fields[1].name, SLICE("authorization")));
    return sending.fields[1].value;
}

static void test_a_signed_request_has_the_header_that_its_parts_make(void **state)
{
    struct world *w = *state;
    const struct slice origin = SLICE(HOST);
    struct clock_fake time = {.wall_ms = NOW_MS};
    struct clock clock = clock_from_fake(&time);
    struct credential *credential = credential_with(&origin, 1);
    const char *url = HOST "/services/rest/query/v1/suiteql?limit=5&offset=0";

    struct slice header = sign(w, credential, url, &clock);

    /* The same parts, signed by hand. */
    struct oauth1_request request = {.method = SLICE("POST"),
                                     .url = slice_str(url),
                                     .consumer_key = SLICE("ck"),
                                     .consumer_secret = SLICE("cs"),
                                     .token = SLICE("ti"),
                                     .token_secret = SLICE("ts"),
                                     .nonce = param(header, "oauth_nonce"),
                                     .timestamp = SLICE("1795000000"),
                                     .has_token = true,
                                     .has_version = true,
                                     .signature_method = OAUTH1_HMAC_SHA256,
                                     .realm = SLICE("123456_SB1")};
    struct oauth1_signature expected;
    struct mac *mac = mac_new();
    assert_int_equal(oauth1_sign(mac, &request, w->arena, &expected), ERR_OK);
    mac_free(mac);
    assert_true(slice_eq(header, expected.header));
    credential_free(credential);
    credential_free(NULL);
}

static void test_each_signature_has_a_nonce_of_its_own_and_the_time_of_now(void **state)
{
    struct world *w = *state;
    const struct slice origin = SLICE(HOST);
    struct clock_fake time = {.wall_ms = NOW_MS};
    struct clock clock = clock_from_fake(&time);
    struct credential *credential = credential_with(&origin, 1);
    struct slice nonces[200];

    for (size_t i = 0; i < 200; i++) {
        struct slice header = sign(w, credential, HOST "/x", &clock);
        nonces[i] = param(header, "oauth_nonce");
        assert_int_equal(nonces[i].len, 20);
        for (size_t k = 0; k < 20; k++) {
            assert_non_null(
                strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                       "0123456789",
                       nonces[i].ptr[k]));
        }
        for (size_t k = 0; k < i; k++) {
            assert_false(slice_eq(nonces[i], nonces[k]));
        }
    }
    time.wall_ms += 60001;
    struct slice header = sign(w, credential, HOST "/x", &clock);
    assert_text(param(header, "oauth_timestamp"), "1795000061");
    credential_free(credential);
}

static void test_a_replaced_field_is_the_one_that_signs(void **state)
{
    struct world *w = *state;
    const struct slice origin = SLICE(HOST);
    struct clock clock = clock_system();
    struct credential *credential = credential_with(&origin, 1);

    credential_put(credential, SLICE("token_id"), secret_new(SLICE("renewed")));
    credential_put(credential, SLICE("unknown"), secret_new(SLICE("left over")));

    assert_text(param(sign(w, credential, HOST "/x", &clock), "oauth_token"),
                "renewed");
    credential_free(credential);
}

static void test_a_credential_keeps_copies_of_its_origins(void **state)
{
    struct world *w = *state;
    char text[] = HOST;
    const struct slice origin = slice_str(text);
    struct clock clock = clock_system();
    struct credential *credential = credential_with(&origin, 1);

    memset(text, 'x', sizeof text - 1);

    sign(w, credential, HOST "/x", &clock);
    credential_free(credential);
}

static void test_a_url_that_cannot_be_signed_adds_no_field(void **state)
{
    struct world *w = *state;
    const struct slice origin = SLICE(HOST);
    struct clock clock = clock_system();
    struct credential *credential = credential_with(&origin, 1);
    struct sending sending;
    sending_to(&sending, HOST "/x?q=%zz");

    assert_int_equal(sign_with(credential, &sending, &clock, w->arena),
                     ERR_UNPROCESSABLE);

    assert_int_equal(sending.request.field_count, 1);
    credential_free(credential);
}

/* ---- Origins: each in a process of its own, since a wrong one aborts ---- */

static void sign_at(const char *url)
{
    const struct slice origins[] = {SLICE(HOST), SLICE("http://127.0.0.1:8080")};
    struct clock clock = clock_system();
    struct arena *arena = arena_new();
    struct credential *credential = credential_with(origins, 2);
    struct sending sending;

    sending_to(&sending, url);
    REQUIRE(sign_with(credential, &sending, &clock, arena) == ERR_OK);
    credential_free(credential);
    arena_free(arena);
}

static void at_the_first_origin(void)
{
    sign_at(HOST "/services/rest/record/v1/invoice/1");
}

static void at_the_second_origin(void)
{
    sign_at("http://127.0.0.1:8080/services/rest/record/v1/invoice/1?x=1");
}

static void at_another_host(void)
{
    sign_at("https://evil.example/services/rest/record/v1/invoice/1");
}

static void at_a_host_that_begins_alike(void)
{
    sign_at(HOST ".evil.example/x");
}

static void at_a_host_behind_user_information(void)
{
    sign_at(HOST "@evil.example/x");
}

static void at_a_port_that_is_not_ours(void)
{
    sign_at(HOST ":8443/x");
}

static void at_a_port_that_begins_alike(void)
{
    sign_at("http://127.0.0.1:80801/x");
}

static void at_the_same_host_without_tls(void)
{
    sign_at("http://123456-sb1.suitetalk.api.netsuite.com/x");
}

static void at_another_account_of_the_same_erp(void)
{
    sign_at("https://654321.suitetalk.api.netsuite.com/x");
}

static void at_nothing(void)
{
    sign_at("");
}

static void test_a_credential_is_never_used_outside_its_origins(void **state)
{
    (void)state;
    assert_false(aborts(at_the_first_origin));
    assert_false(aborts(at_the_second_origin));

    assert_true(aborts(at_another_host));
    assert_true(aborts(at_a_host_that_begins_alike));
    assert_true(aborts(at_a_host_behind_user_information));
    assert_true(aborts(at_a_port_that_is_not_ours));
    assert_true(aborts(at_a_port_that_begins_alike));
    assert_true(aborts(at_the_same_host_without_tls));
    assert_true(aborts(at_another_account_of_the_same_erp));
    assert_true(aborts(at_nothing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schemes_are_found_by_name_and_by_integration),
        cmocka_unit_test(test_every_field_of_the_token_scheme_is_secret_and_required),
        IN_WORLD(test_the_probable_causes_come_in_order),
        IN_WORLD(test_a_whole_auth_object_passes),
        IN_WORLD(test_each_wrong_field_is_named_by_its_pointer),
        IN_WORLD(test_what_a_scheme_cannot_send_is_refused),
        IN_WORLD(test_an_unknown_scheme_is_answered_with_the_known_ones),
        IN_WORLD(test_a_value_past_its_ceiling_is_refused_and_never_repeated),
        IN_WORLD(test_no_more_faults_are_named_than_the_ceiling),
        IN_WORLD(test_a_signed_request_has_the_header_that_its_parts_make),
        IN_WORLD(test_each_signature_has_a_nonce_of_its_own_and_the_time_of_now),
        IN_WORLD(test_a_replaced_field_is_the_one_that_signs),
        IN_WORLD(test_a_credential_keeps_copies_of_its_origins),
        IN_WORLD(test_a_url_that_cannot_be_signed_adds_no_field),
        cmocka_unit_test(test_a_credential_is_never_used_outside_its_origins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
