/* SPDX-License-Identifier: Apache-2.0 */
/* The schemes of SAP BTP: which fields they take, what they ask of a token host, and as
 * whom. The token host is this test: it sees each request as it would leave. */
#include "tests/unit/auth/world.h"

#include <time.h>

#include "auth/outbound.h"
#include "auth/pem.h"
#include "tests/unit/io/identity.h"

#define TOKEN_URL "https://acme.authentication.eu10.hana.ondemand.com/oauth/token"
#define HOST "https://my300000-api.s4hana.cloud.sap"

static struct identity own, other, ended;

/* ---- What auth may hold ---- */

struct member {
    const char *name, *value;
};

static enum err check(struct world *w, const struct member *members,
                      const struct outbound_scheme **scheme, struct fault *fault)
{
    struct jval *auth = jval_new_object(w->arena, 0);

    for (size_t i = 0; members[i].name != NULL; i++) {
        jval_set(w->arena, auth, slice_str(members[i].name),
                 jval_new_string(w->arena, slice_str(members[i].value)));
    }
    *fault = (struct fault){0};
    *scheme = NULL;
    return outbound_check(auth, SLICE("sap"), w->arena, scheme, fault);
}

#define XSUAA                                          \
    {"scheme", "sap_xsuaa"}, {"token_url", TOKEN_URL}, \
    {                                                  \
        "client_id", "sb-a!t1"                         \
    }

static void test_a_client_has_a_secret_or_a_certificate_with_its_key(void **state)
{
    struct world *w = *state;
    const struct {
        struct member members[8];
        const char *pointer, *says; /* NULL: it passes */
    } cases[] = {
        {{XSUAA, {"client_secret", "s"}}, NULL, NULL},
        {{XSUAA, {"certificate_pem", own.certificate}, {"private_key_pem", own.key}},
         NULL,
         NULL},
        {{XSUAA}, "/auth/client_secret", "is needed"},
        {{XSUAA, {"client_secret", "s"}, {"certificate_pem", own.certificate}},
         "/auth/client_secret",
         "either this"},
        {{XSUAA, {"client_secret", "s"}, {"private_key_pem", own.key}},
         "/auth/client_secret",
         "either this"},
        {{XSUAA, {"certificate_pem", own.certificate}},
         "/auth/private_key_pem",
         "goes with its key"},
        {{XSUAA, {"private_key_pem", own.key}},
         "/auth/certificate_pem",
         "goes with its key"},
        {{XSUAA, {"certificate_pem", own.certificate}, {"private_key_pem", other.key}},
         "/auth/private_key_pem",
         "not the key of the first certificate"},
        {{XSUAA, {"certificate_pem", own.certificate}, {"private_key_pem", "x"}},
         "/auth/private_key_pem",
         "not encrypted"},
        {{XSUAA, {"certificate_pem", own.key}, {"private_key_pem", own.key}},
         "/auth/certificate_pem",
         "certificates in PEM"},
        {{XSUAA,
          {"certificate_pem", ended.certificate},
          {"private_key_pem", ended.key}},
         "/auth/certificate_pem",
         "has ended"},
        {{{"scheme", "sap_xsuaa"},
          {"token_url", "http://127.0.0.1:1/oauth/token"},
          {"client_id", "sb-a!t1"},
          {"certificate_pem", own.certificate},
          {"private_key_pem", own.key}},
         "/auth/token_url",
         "https only"},
        {{XSUAA, {"client_secret", "s"}, {"resource", "urn:x"}},
         "/auth/resource",
         "no such field"},
        {{{"scheme", "sap_ias"},
          {"token_url", "https://acme.accounts.ondemand.com/oauth2/token"},
          {"client_id", "c"},
          {"client_secret", "s"},
          {"resource", "urn:x"},
          {"app_tid", "t"}},
         NULL,
         NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct outbound_scheme *scheme;
        struct fault fault;
        enum err err = check(w, cases[i].members, &scheme, &fault);
        if (cases[i].pointer == NULL) {
            assert_int_equal(err, ERR_OK);
            continue;
        }
        assert_int_equal(err, ERR_UNPROCESSABLE);
        assert_int_equal(fault.detail_count, 1);
        assert_text(fault.details[0].pointer, cases[i].pointer);
        char *says = arena_copy(w->arena, fault.details[0].message);
        assert_non_null(strstr(says, cases[i].says));
        assert_null(strstr(says, "BEGIN"));
    }
}

static void test_a_chain_is_read_whole_or_not_at_all(void **state)
{
    struct world *w = *state;
    enum pem_part part;
    int64_t end_ms = 0;
    struct slice chain =
        arena_printf(w->arena, "%s%s", own.certificate, other.certificate);
    struct slice broken = arena_printf(
        w->arena, "%s-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        own.certificate);

    assert_null(pem_check_identity(chain, slice_str(own.key), 0, &part));
    assert_non_null(pem_check_identity(chain, slice_str(other.key), 0, &part));
    assert_non_null(pem_check_identity(broken, slice_str(own.key), 0, &part));
    assert_int_equal(part, PEM_CERTIFICATE);
    assert_true(pem_certificate_end(chain, &end_ms));
    int64_t left_s = end_ms / 1000 - (int64_t)time(NULL);
    assert_true(left_s > 3500 && left_s <= 3600);
    assert_false(pem_certificate_end(SLICE("none"), &end_ms));
}

/* ---- What a token host is asked ---- */

struct btp {
    struct clock_fake time;
    struct clock clock;
    struct log log;
    struct token_hosts *hosts;
    struct tokens *tokens;
    struct http_transfer_handlers handlers;
    struct token_wait wait;
    int requests;
    bool has_identity;
    char url[256], form[2048], certificate[2048], key[1024];
    enum err told;
};

static void copy_text(char *out, size_t bytes, struct slice text)
{
    assert_true(text.len < bytes);
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

static void take_request(void *ctx, const struct http_send *request,
                         const struct http_transfer_handlers *handlers)
{
    struct btp *btp = ctx;

    btp->requests++;
    btp->handlers = *handlers;
    copy_text(btp->url, sizeof btp->url, request->url);
    copy_text(btp->form, sizeof btp->form, request->body);
    btp->has_identity = request->identity != NULL;
    if (btp->has_identity) {
        copy_text(btp->certificate, sizeof btp->certificate,
                  request->identity->certificate_pem);
        copy_text(btp->key, sizeof btp->key, request->identity->private_key_pem);
    }
}

static void on_ready(void *ctx, const struct token_outcome *outcome)
{
    struct btp *btp = ctx;
    btp->told = outcome->err;
}

static void btp_begin(struct btp *btp)
{
    *btp = (struct btp){.time.wall_ms = INT64_C(1795000000000)};
    const struct token_transport transport = {take_request, btp};
    btp->clock = clock_from_fake(&btp->time);
    btp->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &btp->clock};
    btp->hosts = token_hosts_new(&transport, &btp->clock, &btp->log, 4);
    btp->tokens = tokens_new(NULL, btp->hosts, &btp->clock, &btp->log, 1);
    btp->wait.on_ready = on_ready;
    btp->wait.ctx = btp;
}

static void btp_end(struct btp *btp)
{
    tokens_free(btp->tokens);
    token_hosts_free(btp->hosts);
}

static struct credential *credential_of(struct btp *btp, const struct member *members)
{
    const struct slice origin = SLICE(HOST);
    struct credential *credential =
        credential_new(NULL, outbound_scheme_find(slice_str(members[0].value)),
                       SLICE("acc_a"), &origin, 1);

    credential_use_tokens(credential, btp->tokens, NULL, SLICE("acme"));
    for (size_t i = 1; members[i].name != NULL; i++) {
        credential_put(credential, slice_str(members[i].name),
                       secret_new(slice_str(members[i].value)));
    }
    outbound_attach(credential);
    return credential;
}

static void answer(struct btp *btp, int status, const char *body)
{
    const struct http_reply reply = {.status = status, .body = slice_str(body)};
    const struct http_outcome outcome = {
        .err = ERR_OK, .reason = "answered", .reply = &reply, .sent = true};
    struct http_transfer_handlers handlers = btp->handlers;

    handlers.on_answer(handlers.ctx, &outcome);
    handlers.on_end(handlers.ctx, HTTP_END_ANSWERED);
}

#define TOKEN "{\"access_token\":\"tok\",\"token_type\":\"bearer\",\"expires_in\":3600}"

static void test_a_certificate_takes_the_place_of_the_secret(void **state)
{
    struct btp btp;
    const struct member members[] = {XSUAA,
                                     {"certificate_pem", own.certificate},
                                     {"private_key_pem", own.key},
                                     {NULL, NULL}};
    (void)state;
    btp_begin(&btp);
    struct credential *credential = credential_of(&btp, members);

    assert_int_equal(outbound_prepare(credential, &btp.wait), ERR_OK);

    assert_string_equal(btp.url, TOKEN_URL);
    assert_string_equal(btp.form, "grant_type=client_credentials&client_id=sb-a%21t1");
    assert_true(btp.has_identity);
    assert_string_equal(btp.certificate, own.certificate);
    assert_string_equal(btp.key, own.key);
    answer(&btp, 200, TOKEN);
    assert_true(outbound_is_ready(credential));
    credential_free(credential);
    btp_end(&btp);
}

static void
test_a_new_certificate_is_a_new_source_while_the_old_one_goes_on(void **state)
{
    struct btp btp;
    const struct member old[] = {XSUAA,
                                 {"certificate_pem", own.certificate},
                                 {"private_key_pem", own.key},
                                 {NULL, NULL}};
    const struct member rotated[] = {XSUAA,
                                     {"certificate_pem", other.certificate},
                                     {"private_key_pem", other.key},
                                     {NULL, NULL}};
    (void)state;
    btp_begin(&btp);
    struct credential *before = credential_of(&btp, old);
    assert_int_equal(outbound_prepare(before, &btp.wait), ERR_OK);
    answer(&btp, 200, TOKEN);

    struct credential *after = credential_of(&btp, rotated);
    struct credential *same = credential_of(&btp, old);

    assert_true(outbound_is_ready(before));
    assert_true(outbound_is_ready(same)); /* one token for the same client */
    assert_false(outbound_is_ready(after));
    assert_int_equal(outbound_prepare(after, &btp.wait), ERR_OK);
    assert_string_equal(btp.key, other.key);
    answer(&btp, 200, TOKEN);
    assert_true(outbound_is_ready(after));
    assert_int_equal(btp.requests, 2);
    credential_free(before);
    credential_free(after);
    credential_free(same);
    btp_end(&btp);
}

static void test_ias_is_told_resource_and_tenant(void **state)
{
    struct btp btp;
    const struct member members[] = {
        {"scheme", "sap_ias"},
        {"token_url", "https://acme.accounts.ondemand.com/oauth2/token"},
        {"client_id", "c-1"},
        {"client_secret", "s=+"},
        {"resource", "urn:sap:identity:application:provider:name:erp"},
        {"app_tid", "t 1"},
        {NULL, NULL}};
    (void)state;
    btp_begin(&btp);
    struct credential *credential = credential_of(&btp, members);

    assert_int_equal(outbound_prepare(credential, &btp.wait), ERR_OK);

    assert_string_equal(btp.form,
                        "grant_type=client_credentials&client_id=c-1&client_secret="
                        "s%3D%2B&resource=urn%3Asap%3Aidentity%3Aapplication%3Aprovider"
                        "%3Aname%3Aerp&app_tid=t%201");
    assert_false(btp.has_identity);
    answer(&btp, 401, "{\"error\":\"invalid_client\"}");
    assert_int_equal(btp.told, ERR_NEEDS_REAUTH);
    credential_free(credential);
    btp_end(&btp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_a_client_has_a_secret_or_a_certificate_with_its_key),
        IN_WORLD(test_a_chain_is_read_whole_or_not_at_all),
        IN_WORLD(test_a_certificate_takes_the_place_of_the_secret),
        IN_WORLD(test_a_new_certificate_is_a_new_source_while_the_old_one_goes_on),
        IN_WORLD(test_ias_is_told_resource_and_tenant),
    };
    identity_make(&own, "own", -60, 3600);
    identity_make(&other, "other", -60, 3600);
    identity_make(&ended, "ended", -3600, -60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
