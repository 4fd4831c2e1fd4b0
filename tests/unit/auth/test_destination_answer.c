/* SPDX-License-Identifier: Apache-2.0 */
/* What the destination service may say, and what is made of it. */
#include "tests/unit/auth/world.h"

#include "auth/destination_answer.h"

#define HEAD "{\"owner\":{\"SubaccountId\":\"s\"},\"destinationConfiguration\":{"
#define CLOUD HEAD "\"URL\":\"https://My300000-api.s4hana.cloud.sap/x\","
#define TOKEN(more)                                                                    \
    CLOUD "\"Authentication\":\"OAuth2ClientCredentials\"},\"authTokens\":[{" more "}" \
          "]"                                                                          \
          "}"
#define GOOD_TOKEN                                                   \
    "\"type\":\"Bearer\",\"value\":\"t1\",\"http_header\":{\"key\":" \
    "\"Authorization\",\"value\":\"Bearer t1\"}"

static struct destination_answer answer_to(struct world *w, int status,
                                           const char *body)
{
    struct destination_answer answer;
    destination_answer_read(w->arena, status, slice_str(body), &answer);
    assert_true((answer.err == ERR_OK) == (answer.problem == NULL));
    return answer;
}

static void test_a_token_is_taken_as_it_stands(void **state)
{
    struct destination_answer answer =
        answer_to(*state, 200, TOKEN(GOOD_TOKEN ",\"expires_in\":\"3600\""));

    assert_int_equal(answer.err, ERR_OK);
    assert_text(answer.origin, "https://my300000-api.s4hana.cloud.sap");
    assert_int_equal(answer.field_count, 1);
    assert_text(answer.fields[0].name, "Authorization");
    assert_text(answer.fields[0].value, "Bearer t1");
    assert_int_equal(answer.life_ms, 3600 * 1000);
    assert_false(answer.on_premise);
    assert_false(answer.is_basic);
}

static void test_no_life_is_longer_than_a_day(void **state)
{
    static const struct {
        const char *body;
        int64_t seconds;
    } cases[] = {
        {TOKEN(GOOD_TOKEN), 300},
        {TOKEN(GOOD_TOKEN ",\"expires_in\":\"x\""), 300},
        {TOKEN(GOOD_TOKEN ",\"expires_in\":\"99999999\""), 86400},
        {TOKEN(GOOD_TOKEN ",\"expires_in\":\"0\""), 0},
        {CLOUD "\"Authentication\":\"NoAuthentication\"}}", 300},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct destination_answer answer = answer_to(*state, 200, cases[i].body);
        assert_int_equal(answer.err, ERR_OK);
        assert_int_equal(answer.life_ms, cases[i].seconds * 1000);
    }
}

static void test_a_user_on_premise_brings_all_that_is_needed(void **state)
{
    struct destination_answer answer = answer_to(
        *state, 200,
        HEAD "\"URL\":\"http://s4.virtual:44300\",\"ProxyType\":\"OnPremise\","
             "\"Authentication\":\"BasicAuthentication\",\"User\":\"u\","
             "\"Password\":\"p\",\"sap-client\":\"100\","
             "\"CloudConnectorLocationId\":\"berlin\","
             "\"URL.headers.X-A\":\"1\"}}");

    assert_int_equal(answer.err, ERR_OK);
    assert_true(answer.on_premise && answer.is_basic);
    assert_text(answer.location, "berlin");
    assert_text(answer.client, "100");
    assert_int_equal(answer.field_count, 2);
    assert_text(answer.fields[0].value, "Basic dTpw");
    assert_text(answer.fields[1].name, "X-A");
}

static void test_a_path_and_queries_are_read(void **state)
{
    struct destination_answer answer =
        answer_to(*state, 200,
                  HEAD "\"URL\":\"https://h.example/erp/v1/\","
                       "\"Authentication\":\"NoAuthentication\","
                       "\"URL.queries.sap-client\":\"100\","
                       "\"URL.queries.a b\":\"c&d=e\"}}");

    assert_int_equal(answer.err, ERR_OK);
    assert_text(answer.origin, "https://h.example");
    assert_text(answer.path, "/erp/v1");
    assert_text(answer.queries, "sap-client=100&a%20b=c%26d%3De");
    answer = answer_to(*state, 200,
                       HEAD "\"URL\":\"https://h.example/\","
                            "\"Authentication\":\"NoAuthentication\"}}");
    assert_int_equal(answer.path.len + answer.queries.len, 0);
}

static void test_what_cannot_be_used_is_named(void **state)
{
#define NONE CLOUD "\"Authentication\":\"NoAuthentication\""
#define BASIC CLOUD "\"Authentication\":\"BasicAuthentication\""
    static const struct {
        int status;
        const char *body;
        enum err err;
        const char *says, *text;
    } cases[] = {
        {200, "", ERR_UPSTREAM_MALFORMED, "cannot be read", ""},
        {200, "[]", ERR_UPSTREAM_MALFORMED, "service_url", ""},
        {200, "{\"destinationConfiguration\":7}", ERR_UPSTREAM_MALFORMED, "service_url",
         ""},
        {200, HEAD "\"Authentication\":\"NoAuthentication\"}}", ERR_NEEDS_REAUTH, "URL",
         ""},
        {200, HEAD "\"URL\":\"ldap://x\"}}", ERR_NEEDS_REAUTH, "URL", ""},
        {200, TOKEN("\"type\":\"\",\"value\":\"\",\"error\":\"bad eyJa.b.c, so\""),
         ERR_NEEDS_REAUTH, "could not get a token", "bad ***, so"},
        {200, TOKEN("\"type\":\"\",\"value\":\"\""), ERR_UPSTREAM_MALFORMED,
         "cannot be used", ""},
        {200,
         TOKEN("\"value\":\"t\",\"http_header\":{\"key\":\"Authorization\","
               "\"value\":\"Bearer t\\r\\nX: y\"}"),
         ERR_UPSTREAM_MALFORMED, "cannot be used", ""},
        {200,
         TOKEN("\"value\":\"t\",\"http_header\":{\"key\":\"Host\","
               "\"value\":\"t\"}"),
         ERR_UPSTREAM_MALFORMED, "cannot be used", ""},
        {200, BASIC "}}", ERR_NEEDS_REAUTH, "User and Password", ""},
        {200, BASIC ",\"User\":\"a:b\",\"Password\":\"p\"}}", ERR_NEEDS_REAUTH,
         "User and Password", ""},
        {200, CLOUD "\"Authentication\":\"PrincipalPropagation\"}}", ERR_NEEDS_REAUTH,
         "a person's own login", "PrincipalPropagation"},
        {200, NONE ",\"URL.queries.$top\":\"1\"}}", ERR_NEEDS_REAUTH, "URL.queries",
         ""},
        {200, NONE ",\"URL.queries.\":\"1\"}}", ERR_NEEDS_REAUTH, "URL.queries", ""},
        {200, NONE ",\"URL.queries.a\":\"b\\nc\"}}", ERR_NEEDS_REAUTH, "URL.queries",
         ""},
        {200, HEAD "\"URL\":\"https://h/a?b=c\"}}", ERR_NEEDS_REAUTH, "plain path", ""},
        {200, HEAD "\"URL\":\"https://h/a/../b\"}}", ERR_NEEDS_REAUTH, "plain path",
         ""},
        {200, HEAD "\"URL\":\"https://h//a\"}}", ERR_NEEDS_REAUTH, "plain path", ""},
        {200, HEAD "\"URL\":\"https://h/%2e%2e\"}}", ERR_NEEDS_REAUTH, "plain path",
         ""},
        {200, NONE ",\"URL.headers.Cookie\":\"b\"}}", ERR_NEEDS_REAUTH, "URL.headers",
         ""},
        {200, NONE ",\"URL.headers.A\":\"b\\n\"}}", ERR_NEEDS_REAUTH, "URL.headers",
         ""},
        {200, NONE ",\"sap-client\":\"1000\"}}", ERR_NEEDS_REAUTH, "sap-client", ""},
        {404, "{\"ErrorMessage\":\"not found\"}", ERR_NEEDS_REAUTH, "no destination",
         "not found"},
        {401, "<html>", ERR_NEEDS_REAUTH, "refused our token", ""},
        {503, "", ERR_UPSTREAM_UNAVAILABLE, "did not answer", ""},
        {302, "", ERR_UPSTREAM_MALFORMED, "did not answer", ""},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct destination_answer answer = answer_to(w, cases[i].status, cases[i].body);
        if (answer.err != cases[i].err ||
            strstr(answer.problem, cases[i].says) == NULL) {
            fail_msg("%s: %s: %s", cases[i].body, err_code(answer.err),
                     answer.problem != NULL ? answer.problem : "-");
        }
        assert_text(answer.text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_a_token_is_taken_as_it_stands),
        IN_WORLD(test_no_life_is_longer_than_a_day),
        IN_WORLD(test_a_user_on_premise_brings_all_that_is_needed),
        IN_WORLD(test_a_path_and_queries_are_read),
        IN_WORLD(test_what_cannot_be_used_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
