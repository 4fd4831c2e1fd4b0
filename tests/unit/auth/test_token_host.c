/* SPDX-License-Identifier: Apache-2.0 */
/* What a token host is asked, and what each of its answers means. */
#include "tests/unit/auth/token_world.h"

static void test_the_client_stands_in_the_form_percent_encoded(void **state)
{
    struct world *w = *state;

    token_source_drop(w->source);
    w->source = source_of(w, "acme", "sb-na!a1|b", "a+b=c&d $%\xc3\xa9");
    fetch(w, 0);

    assert_string_equal(w->host.path, "/oauth/token");
    assert_string_equal(w->host.form,
                        "grant_type=client_credentials&client_id=sb-na%21a1%7Cb"
                        "&client_secret=a%2Bb%3Dc%26d%20%24%25%C3%A9");
    assert_string_equal(w->host.type, "application/x-www-form-urlencoded");
    assert_false(w->host.had_authorization);
}

static void test_each_answer_has_its_meaning(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum err err;
        const char *code;
    } cases[] = {
        {401,
         "{\"error\":\"invalid_client\",\"error_description\":\"Bad credentials\"}",
         ERR_NEEDS_REAUTH, "invalid_client"},
        {400, "{\"error\":\"invalid_grant\"}", ERR_NEEDS_REAUTH, "invalid_grant"},
        {403, "<html></html>", ERR_NEEDS_REAUTH, ""},
        {429, "{\"error\":\"slow_down\"}", ERR_UPSTREAM_UNAVAILABLE, "slow_down"},
        {500, "", ERR_UPSTREAM_UNAVAILABLE, ""},
        {201, GOOD, ERR_UPSTREAM_UNAVAILABLE, ""},
        /* A success that holds no token: as a destination's token lookup does it. */
        {200, "{\"error\":\"invalid_client\"}", ERR_UPSTREAM_MALFORMED,
         "invalid_client"},
        {200, "{\"access_token\":\"\",\"error\":\"no\"}", ERR_UPSTREAM_MALFORMED, "no"},
        {200, "<html>login</html>", ERR_UPSTREAM_MALFORMED, ""},
        {200, "", ERR_UPSTREAM_MALFORMED, ""},
        {200, "[\"access_token\"]", ERR_UPSTREAM_MALFORMED, ""},
        {200, "{\"access_token\":7}", ERR_UPSTREAM_MALFORMED, ""},
        /* It would end the header field, or not stand in it. */
        {200, "{\"access_token\":\"a\\r\\nX-Evil: 1\"}", ERR_UPSTREAM_MALFORMED, ""},
        {200, "{\"access_token\":\"a b\"}", ERR_UPSTREAM_MALFORMED, ""},
        {200, "{\"access_token\":\"\xc3\xa9\"}", ERR_UPSTREAM_MALFORMED, ""},
        {200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", ERR_UPSTREAM_MALFORMED,
         ""},
        {200, "{\"access_token\":\"a\",\"token_type\":null}", ERR_UPSTREAM_MALFORMED,
         ""},
        /* A code that is none is not passed on, nor is half of one. */
        {401, "{\"error\":\"a\\nb\"}", ERR_NEEDS_REAUTH, ""},
        {401, "{\"error\":\"\xc3\xa9\xc3\xa9\"}", ERR_NEEDS_REAUTH, ""},
        {401,
         "{\"error\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aa\"}",
         ERR_NEEDS_REAUTH, ""},
        {401, "{\"error\":{\"code\":\"x\"}}", ERR_NEEDS_REAUTH, ""},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        w->host.status = cases[i].status;
        w->host.body = cases[i].body;
        struct waiter *waiter = fetch(w, 0);
        assert_int_equal(waiter->err, cases[i].err);
        assert_int_equal(waiter->status, cases[i].status);
        assert_string_equal(waiter->code, cases[i].code);
        assert_int_equal(token_source_reveal(w->source).len, 0);
        assert_int_equal(token_source_version(w->source), 0);
    }
    assert_int_equal(w->host.requests, (int)(sizeof cases / sizeof cases[0]));
}

static void test_the_life_of_a_token_is_read_with_bounds(void **state)
{
    static const struct {
        const char *member;
        int64_t seconds;
    } cases[] = {{"", 300},
                 {",\"expires_in\":43199", 43199},
                 {",\"expires_in\":\"43199\"", 43199},
                 {",\"expires_in\":999999999", 86400},
                 {",\"expires_in\":0", 0},
                 {",\"expires_in\":-5", 300},
                 {",\"expires_in\":1e3", 300},
                 {",\"expires_in\":null", 300},
                 {",\"expires_in\":[60]", 300}};
    struct world *w = *state;
    char *body = w->room;

    w->host.body = body;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(body, sizeof w->room, "{\"access_token\":\"t\"%s}", cases[i].member);
        w->time.wall_ms = NOW_MS;
        fetch(w, 0);
        w->time.wall_ms = NOW_MS + cases[i].seconds * 1000 - 30001;
        assert_true(token_source_is_fresh(w->source));
        w->time.wall_ms += 1;
        assert_false(token_source_is_fresh(w->source));
    }
}

static void test_a_redirect_is_not_followed(void **state)
{
    struct world *w = *state;

    w->host.status = 307;
    w->host.location = "/other";
    struct waiter *waiter = fetch(w, 0);

    assert_int_equal(waiter->err, ERR_UPSTREAM_UNAVAILABLE);
    assert_int_equal(waiter->status, 307);
    assert_int_equal(w->host.requests, 1);
}

static void test_an_answer_past_its_ceiling_is_no_token(void **state)
{
    struct world *w = *state;
    static const size_t sizes[] = {300 * 1024, 2 * 1024 * 1024};

    for (size_t i = 0; i < 2; i++) { /* past ours, and past the client's */
        char *body = malloc(sizes[i] + 1);
        memset(body, ' ', sizes[i]);
        body[sizes[i]] = '\0';
        memcpy(body, GOOD, sizeof GOOD - 1);
        w->host.body = body;
        struct waiter *waiter = fetch(w, 0);
        assert_int_equal(waiter->err, ERR_UPSTREAM_MALFORMED);
        assert_int_equal(token_source_reveal(w->source).len, 0);
        free(body);
    }
}

static void test_a_token_of_the_largest_size_is_taken_and_no_larger(void **state)
{
    struct world *w = *state;
    static const size_t sizes[] = {32 * 1024, 32 * 1024 + 1};
    char *body = malloc(40 * 1024);

    w->host.body = body;
    for (size_t i = 0; i < 2; i++) {
        int head = snprintf(body, 40 * 1024, "{\"access_token\":\"");
        memset(body + head, 'a', sizes[i]);
        snprintf(body + head + sizes[i], 8, "\"}");
        struct waiter *waiter = fetch(w, 0);
        assert_int_equal(waiter->err, i == 0 ? ERR_OK : ERR_UPSTREAM_MALFORMED);
        assert_int_equal(token_source_reveal(w->source).len, 32 * 1024);
    }
    free(body);
}

static void test_a_host_that_is_not_there_or_not_allowed_is_told_apart(void **state)
{
    static const struct {
        const char *url;
        enum err err;
    } cases[] = {{"http://127.0.0.1:1/oauth/token", ERR_UPSTREAM_UNAVAILABLE},
                 {"http://10.0.0.1/oauth/token", ERR_POLICY_DENIED},
                 {"https://10.0.0.1/oauth/token", ERR_POLICY_DENIED},
                 {"file:///etc/passwd", ERR_POLICY_DENIED},
                 {"https://user@127.0.0.1/", ERR_POLICY_DENIED}};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        token_source_drop(w->source);
        snprintf(w->url, sizeof w->url, "%s", cases[i].url);
        w->source = source_of(w, "acme", "a", "b");
        struct waiter *waiter = fetch(w, 0);
        assert_int_equal(waiter->err, cases[i].err);
        assert_int_equal(waiter->status, 0);
    }
    assert_int_equal(w->host.requests, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_client_stands_in_the_form_percent_encoded),
        TEST(test_each_answer_has_its_meaning),
        TEST(test_the_life_of_a_token_is_read_with_bounds),
        TEST(test_a_redirect_is_not_followed),
        TEST(test_an_answer_past_its_ceiling_is_no_token),
        TEST(test_a_token_of_the_largest_size_is_taken_and_no_larger),
        TEST(test_a_host_that_is_not_there_or_not_allowed_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
