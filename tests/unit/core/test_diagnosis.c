/* SPDX-License-Identifier: Apache-2.0 */
/* What the facts of a trial say of each step; which step a fault belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/diagnosis.h"

#define API "https://1.suitetalk.api.netsuite.com"
#define NOW_MS INT64_C(1795260000000)
#define DAY_MS INT64_C(86400000)

struct world {
    struct arena *arena;
    struct http_trace erp, token;
    struct fault fault;
    struct diagnosis_facts facts;
    struct diagnosis_step steps[STEP_COUNT];
};

/* An exchange over TLS that was answered. */
static struct http_trace answered(const char *origin)
{
    struct http_trace trace = {.reason = "answered",
                               .is_tls = true,
                               .is_connected = true,
                               .certificate_ends_ms = NOW_MS + 30 * DAY_MS + 1,
                               .date_ms = NOW_MS,
                               .resolve_us = 2000,
                               .connect_us = 10000,
                               .tls_us = 20000,
                               .total_us = 90000};
    (void)snprintf(trace.origin, sizeof trace.origin, "%s", origin);
    (void)snprintf(trace.addresses, sizeof trace.addresses, "192.0.2.7,192.0.2.8");
    (void)snprintf(trace.address, sizeof trace.address, "192.0.2.7");
    return trace;
}

static struct http_trace ended(const char *origin, enum err err, const char *reason)
{
    struct http_trace trace = {
        .err = err, .reason = reason, .is_tls = true, .total_us = 5000};
    (void)snprintf(trace.origin, sizeof trace.origin, "%s", origin);
    return trace;
}

static int set_up(void **state)
{
    static struct world w;
    w = (struct world){.arena = arena_new()};
    w.erp = answered(API);
    w.facts = (struct diagnosis_facts){
        .scheme = outbound_scheme_find(SLICE("netsuite_tba")),
        .origin = SLICE(API),
        .reauth_url = SLICE_EMPTY,
        .shows_addresses = true,
        .now_ms = NOW_MS,
        .token_code = SLICE_EMPTY,
        .erp = &w.erp,
        .status = 200,
        .fault = &w.fault,
    };
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    arena_free(w->arena);
    return 0;
}

/* "p-ppp-p---pppp": pass, fail (F), skipped (-), in the order of the steps. */
static const char *judge(struct world *w)
{
    static char line[STEP_COUNT + 1];
    diagnosis_make(&w->facts, w->arena, w->steps);
    for (int place = 0; place < STEP_COUNT; place++) {
        const struct diagnosis_step *step = &w->steps[place];
        line[place] = "-pF"[step->outcome];
        assert_true(step->detail.len > 0);
        assert_int_equal(step->remedy.len > 0, step->outcome == DIAGNOSIS_FAIL);
    }
    return line;
}

static bool says(struct slice text, const char *words)
{
    return slice_contains_nocase(text, slice_str(words));
}

static void test_everything_passes(void **state)
{
    struct world *w = *state;
    assert_string_equal(judge(w), "p-ppp-p----ppp");
    assert_true(says(w->steps[STEP_RESOLVE].detail, "192.0.2.7,192.0.2.8"));
    assert_true(says(w->steps[STEP_TLS].detail, "30 more days"));
    assert_int_equal(w->steps[STEP_RESOLVE].duration_us, 2000);
    assert_int_equal(w->steps[STEP_CONNECT].duration_us, 10000);
    assert_int_equal(w->steps[STEP_TLS].duration_us, 20000);
    assert_int_equal(w->steps[STEP_READ].duration_us, 90000);
}

static void test_addresses_are_for_the_operator(void **state)
{
    struct world *w = *state;
    w->facts.shows_addresses = false;
    assert_string_equal(judge(w), "p-ppp-p----ppp");
    for (int place = 0; place < STEP_COUNT; place++) {
        assert_false(says(w->steps[place].detail, "192.0.2."));
    }
}

static void test_a_transfer_fails_in_one_step(void **state)
{
    static const struct {
        enum err err;
        const char *reason, *line;
    } rows[] = {
        {ERR_POLICY_DENIED, "address", "F-------------"},
        {ERR_POLICY_DENIED, "plain_http", "F-------------"},
        {ERR_POLICY_DENIED, "url", "F-------------"},
        {ERR_UPSTREAM_UNAVAILABLE, "resolve", "p-F-----------"},
        {ERR_TIMEOUT, "resolve_timeout", "p-F-----------"},
        {ERR_UPSTREAM_UNAVAILABLE, "connect", "p-pF----------"},
        {ERR_UPSTREAM_UNAVAILABLE, "connect_timeout", "p-pF----------"},
        {ERR_UPSTREAM_UNAVAILABLE, "tls", "p-ppF---------"},
        {ERR_UPSTREAM_UNAVAILABLE, "tls_certificate", "p-ppF---------"},
        {ERR_UPSTREAM_UNAVAILABLE, "tls_trust_store", "p-ppF---------"},
        {ERR_UPSTREAM_UNAVAILABLE, "closed", "p-ppp--------F"},
        {ERR_UPSTREAM_MALFORMED, "truncated", "p-ppp--------F"},
        {ERR_TIMEOUT, "answer_timeout", "p-ppp--------F"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        w->erp = ended(API, rows[i].err, rows[i].reason);
        w->fault.err =
            rows[i].err == ERR_TIMEOUT ? ERR_UPSTREAM_UNAVAILABLE : rows[i].err;
        w->facts.status = 0;
        assert_string_equal(judge(w), rows[i].line);
    }
}

static void test_a_handshake_that_hangs_is_no_closed_port(void **state)
{
    struct world *w = *state;
    w->erp = ended(API, ERR_UPSTREAM_UNAVAILABLE, "connect_timeout");
    w->erp.connect_us = 7000;
    w->fault.err = ERR_UPSTREAM_UNAVAILABLE;
    w->facts.status = 0;
    assert_string_equal(judge(w), "p-ppF---------");
    assert_true(says(w->steps[STEP_TLS].detail, "no TLS handshake"));
}

static void test_why_a_certificate_was_refused(void **state)
{
    static const char *const rows[][2] = {{"expired", "has ended"},
                                          {"not_yet_valid", "not valid yet"},
                                          {"other_host", "another host"},
                                          {"untrusted", "authority"}};
    struct world *w = *state;
    w->fault.err = ERR_UPSTREAM_UNAVAILABLE;
    w->facts.status = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        w->erp = ended(API, ERR_UPSTREAM_UNAVAILABLE, "tls_certificate");
        w->erp.certificate = rows[i][0];
        assert_string_equal(judge(w), "p-ppF---------");
        assert_true(says(w->steps[STEP_TLS].detail, rows[i][1]));
    }
}

static void test_the_clock_has_a_tolerance(void **state)
{
    struct world *w = *state;
    w->facts.erp_skew_ms = -299000;
    assert_string_equal(judge(w), "p-ppp-p----ppp");
    assert_true(says(w->steps[STEP_CLOCK].detail, "299 seconds behind"));
    w->facts.erp_skew_ms = 300000;
    assert_string_equal(judge(w), "p-ppp-F----ppp");
    assert_true(says(w->steps[STEP_CLOCK].detail, "300 seconds ahead of"));
    w->erp.date_ms = 0;
    assert_string_equal(judge(w), "p-ppp------ppp");
    w->erp.date_ms = NOW_MS;
    w->facts.scheme = outbound_scheme_find(SLICE("basic"));
    assert_string_equal(judge(w), "p-ppp-p----ppp");
}

static void test_what_the_erp_answered(void **state)
{
    static const struct {
        enum err err;
        int status;
        const char *line;
    } rows[] = {
        {ERR_NEEDS_REAUTH, 401, "p-ppp-p----F--"},
        {ERR_NEEDS_REAUTH, 200, "p-ppp-p----F--"},
        {ERR_PERMISSION_DENIED, 403, "p-ppp-p----pF-"},
        {ERR_VALIDATION_FAILED, 400, "p-ppp-p----ppF"},
        {ERR_NOT_FOUND, 404, "p-ppp-p----ppF"},
        {ERR_RATE_LIMITED, 429, "p-ppp-p------F"},
        {ERR_UPSTREAM_UNAVAILABLE, 503, "p-ppp-p------F"},
        {ERR_UPSTREAM_MALFORMED, 200, "p-ppp-p------F"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        w->fault = (struct fault){.err = rows[i].err,
                                  .upstream = {.status = rows[i].status,
                                               .code = SLICE("CODE_7"),
                                               .message = SLICE("Said so.")}};
        w->facts.status = rows[i].status;
        assert_string_equal(judge(w), rows[i].line);
        int failed = STEP_LOGIN;
        while (w->steps[failed].outcome != DIAGNOSIS_FAIL) {
            failed++;
        }
        assert_true(says(w->steps[failed].detail, "CODE_7"));
        assert_true(says(w->steps[failed].detail, "Said so."));
    }
}

static void test_a_refused_login_says_what_the_scheme_says(void **state)
{
    struct world *w = *state;
    w->fault.err = ERR_NEEDS_REAUTH;
    w->facts.status = 401;
    w->facts.reauth_url = SLICE("https://app.example/connect");
    assert_string_equal(judge(w), "p-ppp-p----F--");
    struct slice remedy = w->steps[STEP_LOGIN].remedy;
    assert_true(says(remedy, "View Login Audit Trail"));
    assert_true(says(remedy, "five refused logins lock the user"));
    assert_true(says(remedy, "https://app.example/connect"));
    w->facts.erp_skew_ms = 400000;
    assert_string_equal(judge(w), "p-ppp-F----F--");
    assert_true(says(w->steps[STEP_LOGIN].remedy, "400 seconds ahead"));
}

static void test_nothing_was_sent_because_another_login_was_refused(void **state)
{
    struct world *w = *state;
    w->facts.erp = NULL;
    w->facts.status = 0;
    w->fault.err = ERR_NEEDS_REAUTH;
    assert_string_equal(judge(w), "-----------F--");
    w->fault.err = ERR_UPSTREAM_MALFORMED; /* of a plan that makes no request */
    assert_string_equal(judge(w), "-------------F");
}

/* ---- Token hosts ---- */

static void use_tokens(struct world *w, const char *scheme, const char *host)
{
    w->facts.scheme = outbound_scheme_find(slice_str(scheme));
    w->facts.asked_token = true;
    w->facts.token_us = 4000;
    w->token = answered(host);
    w->facts.token = &w->token;
}

static void test_a_token_is_held_or_fetched(void **state)
{
    struct world *w = *state;
    use_tokens(w, "sap_xsuaa", "https://tokens.example");
    assert_string_equal(judge(w), "p-ppp-pppppppp");
    assert_int_equal(w->steps[STEP_TOKEN].duration_us, 4000);
    for (int place = STEP_TOKEN_RESOLVE; place < STEP_TOKEN; place++) {
        assert_true(says(w->steps[place].detail, "https://tokens.example: "));
    }
    assert_true(says(w->steps[STEP_TOKEN_RESOLVE].detail, "192.0.2.7"));
    w->facts.asked_token = false;
    assert_string_equal(judge(w), "p-ppp-p---pppp");
    assert_true(says(w->steps[STEP_TOKEN].detail, "at hand"));
}

static void test_a_token_host_refuses(void **state)
{
    struct world *w = *state;
    use_tokens(w, "sap_xsuaa", "https://tokens.example");
    w->facts.erp = NULL;
    w->facts.status = 0;
    w->fault.err = w->facts.token_err = ERR_NEEDS_REAUTH;
    w->facts.token_status = 401;
    w->facts.token_code = SLICE("invalid_client");
    assert_string_equal(judge(w), "-------pppF---");
    assert_true(says(w->steps[STEP_TOKEN].detail, "https://tokens.example"));
    assert_true(says(w->steps[STEP_TOKEN].detail, "invalid_client"));
    assert_true(says(w->steps[STEP_TOKEN].remedy, "service key"));
    /* NetSuite's token host is the API's own: what it showed of the way holds. */
    use_tokens(w, "netsuite_m2m", API);
    w->facts.token_err = ERR_NEEDS_REAUTH;
    w->facts.token_skew_ms = 61000;
    assert_string_equal(judge(w), "p-ppp-F---F---");
    assert_true(says(w->steps[STEP_TOKEN].remedy, "61 seconds ahead"));
}

static void test_a_token_host_is_not_reached(void **state)
{
    struct world *w = *state;
    use_tokens(w, "sap_xsuaa", "https://tokens.example");
    w->facts.erp = NULL;
    w->facts.status = 0;
    w->fault.err = w->facts.token_err = ERR_UPSTREAM_UNAVAILABLE;
    w->token = ended("https://tokens.example", ERR_UPSTREAM_UNAVAILABLE, "resolve");
    assert_string_equal(judge(w), "-------F------");
    assert_true(says(w->steps[STEP_TOKEN_RESOLVE].remedy, "name service"));
    w->token = ended("https://tokens.example", ERR_UPSTREAM_UNAVAILABLE, "connect");
    assert_string_equal(judge(w), "-------pF-----");
    w->token =
        ended("https://tokens.example", ERR_UPSTREAM_UNAVAILABLE, "tls_certificate");
    w->token.connect_us = 3000;
    assert_string_equal(judge(w), "-------ppF----");
    assert_true(says(w->steps[STEP_TOKEN_TLS].remedy, "net.ca_file"));
    w->token = ended("https://tokens.example", ERR_POLICY_DENIED, "address");
    assert_string_equal(judge(w), "----------F---");
    assert_true(says(w->steps[STEP_TOKEN].remedy, "net.allow_cidrs"));
    w->facts.token = NULL;
    assert_string_equal(judge(w), "----------F---");
    assert_true(says(w->steps[STEP_TOKEN].detail, "left alone"));
    use_tokens(w, "netsuite_m2m", API);
    w->token = ended(API, ERR_UPSTREAM_UNAVAILABLE, "connect");
    assert_string_equal(judge(w), "p-pF----------");
}

static void test_a_token_host_in_trouble(void **state)
{
    struct world *w = *state;
    use_tokens(w, "sap_xsuaa", "https://tokens.example");
    w->facts.erp = NULL;
    w->facts.status = 0;
    w->fault.err = w->facts.token_err = ERR_UPSTREAM_UNAVAILABLE;
    w->facts.token_status = 503;
    assert_string_equal(judge(w), "-------pppF---");
    assert_true(says(w->steps[STEP_TOKEN].detail, "HTTP 503"));
    w->facts.token_status = 200;
    w->facts.token_err = ERR_UPSTREAM_MALFORMED;
    assert_string_equal(judge(w), "-------pppF---");
    assert_true(says(w->steps[STEP_TOKEN].remedy, "address"));
}

static void test_the_host_behind_a_proxy_has_a_line(void **state)
{
    struct world *w = *state;
    assert_string_equal(judge(w), "p-ppp-p----ppp"); /* there is none */
    w->facts.by_proxy = true;
    w->facts.origin = SLICE("http://s4.virtual:44300");
    w->erp = answered("http://proxy.example:20003");
    assert_string_equal(judge(w), "p-ppppp----ppp");
    assert_true(says(w->steps[STEP_BEHIND].detail, "s4.virtual"));
    assert_true(says(w->steps[STEP_CONFIGURATION].detail, "proxy.example"));
    w->fault.err = ERR_NEEDS_REAUTH;
    w->facts.status = 401;
    assert_string_equal(judge(w), "p-ppppp----F--");
    w->facts.status = 407; /* the proxy's own */
    assert_string_equal(judge(w), "p-ppp-p----F--");
    w->fault.err = ERR_PERMISSION_DENIED;
    w->facts.status = 403; /* the Cloud Connector's, or the system's */
    assert_string_equal(judge(w), "p-ppp-p----pF-");
    assert_true(says(w->steps[STEP_BEHIND].detail, "HTTP 403"));
    w->erp = ended("http://proxy.example:20003", ERR_UPSTREAM_UNAVAILABLE, "connect");
    w->fault.err = ERR_UPSTREAM_UNAVAILABLE;
    w->facts.status = 0;
    assert_string_equal(judge(w), "p-pF----------");
}

static void test_an_integration_without_an_erp(void **state)
{
    struct world *w = *state;
    w->facts.scheme = outbound_scheme_find(SLICE("none"));
    w->facts.erp = NULL;
    w->facts.status = 0;
    assert_string_equal(judge(w), "-------------p");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void test_the_logins_own_certificate(void **state)
{
    struct world *w = *state;
    w->facts.certificate_ends_ms = NOW_MS + INT64_C(29) * 86400000 + 1;
    diagnosis_make(&w->facts, w->arena, w->steps);
    assert_int_equal(w->steps[STEP_CERTIFICATE].outcome, DIAGNOSIS_PASS);
    assert_true(says(w->steps[STEP_CERTIFICATE].detail, "29 more days"));
    w->facts.certificate_ends_ms = NOW_MS;
    diagnosis_make(&w->facts, w->arena, w->steps);
    assert_int_equal(w->steps[STEP_CERTIFICATE].outcome, DIAGNOSIS_FAIL);
    assert_true(says(w->steps[STEP_CERTIFICATE].detail, "ended on"));
    assert_true(says(w->steps[STEP_CERTIFICATE].remedy, "sluice account update"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_everything_passes),
        TEST(test_the_logins_own_certificate),
        TEST(test_addresses_are_for_the_operator),
        TEST(test_a_transfer_fails_in_one_step),
        TEST(test_a_handshake_that_hangs_is_no_closed_port),
        TEST(test_why_a_certificate_was_refused),
        TEST(test_the_clock_has_a_tolerance),
        TEST(test_what_the_erp_answered),
        TEST(test_a_refused_login_says_what_the_scheme_says),
        TEST(test_nothing_was_sent_because_another_login_was_refused),
        TEST(test_a_token_is_held_or_fetched),
        TEST(test_a_token_host_refuses),
        TEST(test_a_token_host_is_not_reached),
        TEST(test_a_token_host_in_trouble),
        TEST(test_the_host_behind_a_proxy_has_a_line),
        TEST(test_an_integration_without_an_erp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
