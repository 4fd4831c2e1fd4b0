/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens against a token host in this process, on the same loop: it answers what
 * the test tells it to, at once or when the test lets it. Time stands still until the
 * test moves it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/tokens.h"
#include "base/buf.h"
#include "io/http_server.h"

#define WAITS 8
#define NOW_MS INT64_C(1795000000000)
#define GOOD \
    "{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"expires_in\":3600}"

struct host {
    struct http_server *server;
    int status;
    const char *body;
    const char *location; /* of a redirect */
    bool holds;           /* answers only when it is let */
    struct http_exchange *held;
    int requests;
    char path[64], form[1024], type[64];
    bool had_authorization;
};

struct waiter {
    struct token_wait wait;
    struct world *world;
    int told;
    enum err err;
    int status;
    char code[80];
    void (*then)(struct waiter *waiter);
};

struct world {
    struct loop *loop;
    struct net_policy *policy;
    struct http_client *client;
    struct clock_fake time;
    struct clock clock;
    struct log log;
    struct tokens *tokens;
    struct token_source *source;
    struct host host;
    char url[80], room[128]; /* of a body that a test writes */
    struct waiter waiters[WAITS];
    int told, wanted;
};

/* ---- The token host ---- */

static void give_answer(struct host *host, struct http_exchange *exchange)
{
    struct http_field field = {SLICE("Location"), slice_str(host->location)};
    struct http_response response = {.status = host->status,
                                     .fields = &field,
                                     .field_count = host->location != NULL ? 1 : 0,
                                     .body = slice_str(host->body)};
    http_respond(exchange, &response);
}

static void copy_text(char *out, size_t bytes, struct slice text)
{
    snprintf(out, bytes, "%.*s", SLICE_ARG(text));
}

static void on_request(void *ctx, struct http_exchange *exchange)
{
    struct host *host = ctx;
    const struct http_request *request = http_exchange_request(exchange);
    const struct http_field *type = http_request_field(request, "content-type");

    host->requests++;
    copy_text(host->path, sizeof host->path, request->target);
    copy_text(host->form, sizeof host->form, request->body);
    copy_text(host->type, sizeof host->type, type != NULL ? type->value : SLICE_EMPTY);
    host->had_authorization = http_request_field(request, "authorization") != NULL;
    if (host->holds) {
        host->held = exchange;
        return;
    }
    give_answer(host, exchange);
}

static void let_go(struct host *host)
{
    assert_non_null(host->held);
    give_answer(host, host->held);
    host->held = NULL;
}

/* ---- The test's side ---- */

static struct token_source *source_of(struct world *w, const char *tenant,
                                      const char *client_id, const char *client_secret)
{
    struct token_client client = {slice_str(tenant), slice_str(w->url),
                                  slice_str(client_id), slice_str(client_secret)};

    return tokens_source(w->tokens, &client);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    const struct slice cidr = SLICE("127.0.0.1/32"), plain = SLICE("127.0.0.1");
    struct http_server_options options = http_server_defaults();

    w->loop = loop_new();
    w->time.wall_ms = NOW_MS;
    w->clock = clock_from_fake(&w->time);
    w->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &w->clock};
    assert_int_equal(net_policy_new(&cidr, 1, &plain, 1, &w->policy), ERR_OK);
    struct http_client_options out = http_client_defaults(w->policy);
    out.max_body_bytes = 1024 * 1024;
    w->client = http_client_new(w->loop, &out);
    w->tokens = tokens_new(w->client, &w->clock, &w->log);
    w->host = (struct host){.status = 200, .body = GOOD};
    assert_int_equal(http_server_listen(w->loop, &options, &w->log, on_request,
                                        &w->host, &w->host.server),
                     ERR_OK);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%d/oauth/token",
             http_server_port(w->host.server));
    w->source = source_of(w, "acme", "sb-app!t1", "s3cret");
    *state = w;
    return 0;
}

static void on_drained(void *ctx)
{
    loop_stop(ctx);
}

static int tear_down(void **state)
{
    struct world *w = *state;

    token_source_drop(w->source);
    http_client_free(w->client);
    tokens_free(w->tokens);
    http_server_drain(w->host.server, 1000, on_drained, w->loop);
    loop_run(w->loop);
    http_server_free(w->host.server);
    loop_free(w->loop);
    net_policy_free(w->policy);
    free(w);
    return 0;
}

static void on_ready(void *ctx, const struct token_outcome *outcome)
{
    struct waiter *waiter = ctx;
    struct world *w = waiter->world;

    waiter->told++;
    waiter->err = outcome->err;
    waiter->status = outcome->status;
    copy_text(waiter->code, sizeof waiter->code, outcome->code);
    w->told++;
    if (waiter->then != NULL) {
        waiter->then(waiter);
    }
    if (w->told >= w->wanted) {
        loop_stop(w->loop);
    }
}

static struct waiter *wait_on(struct world *w, int n, struct token_source *source)
{
    struct waiter *waiter = &w->waiters[n];

    waiter->world = w;
    waiter->wait.on_ready = on_ready;
    waiter->wait.ctx = waiter;
    int before = waiter->told;
    token_source_wait(source, &waiter->wait);
    assert_int_equal(waiter->told, before); /* never inside the start */
    return waiter;
}

static void run_until_told(struct world *w, int count)
{
    w->wanted = count;
    while (w->told < count) {
        loop_run(w->loop);
    }
}

static void run_until_requests(struct world *w, int count)
{
    while (w->host.requests < count) {
        (void)loop_run_once(w->loop);
    }
}

static void run_until_idle(struct world *w)
{
    while (http_client_open(w->client) > 0) {
        (void)loop_run_once(w->loop);
    }
}

/* One wait, to its end. */
static struct waiter *fetch(struct world *w, int n)
{
    struct waiter *waiter = wait_on(w, n, w->source);

    run_until_told(w, w->told + 1);
    return waiter;
}

#define assert_token(source, text) \
    assert_true(slice_eq(token_source_reveal(source), slice_str(text)))

/* ---- Tests ---- */

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

static void test_all_who_wait_share_one_flight(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    for (int i = 0; i < WAITS / 2; i++) {
        wait_on(w, i, w->source);
    }
    run_until_requests(w, 1);
    for (int i = WAITS / 2; i < WAITS; i++) {
        wait_on(w, i, w->source);
    }
    assert_false(token_source_is_fresh(w->source));
    assert_int_equal(token_source_reveal(w->source).len, 0);
    let_go(&w->host);
    run_until_told(w, WAITS);

    assert_int_equal(w->host.requests, 1);
    for (int i = 0; i < WAITS; i++) {
        assert_int_equal(w->waiters[i].told, 1);
        assert_int_equal(w->waiters[i].err, ERR_OK);
        assert_int_equal(w->waiters[i].status, 200);
    }
    assert_true(token_source_is_fresh(w->source));
    assert_token(w->source, "tok-1");
}

static void test_a_client_has_one_source_and_tenants_never_share(void **state)
{
    struct world *w = *state;
    struct token_source *same = source_of(w, "acme", "sb-app!t1", "s3cret");
    struct token_source *tenant = source_of(w, "acme2", "sb-app!t1", "s3cret");
    struct token_source *secret = source_of(w, "acme", "sb-app!t1", "s3cret2");
    /* The borders of the parts are part of what tells them apart. */
    struct token_source *moved = source_of(w, "acme", "sb-app!t1s", "3cret");

    assert_ptr_equal(same, w->source);
    assert_ptr_not_equal(tenant, w->source);
    assert_ptr_not_equal(secret, w->source);
    assert_ptr_not_equal(moved, w->source);
    fetch(w, 0);

    assert_true(token_source_is_fresh(same));
    assert_false(token_source_is_fresh(tenant));
    assert_int_equal(token_source_reveal(tenant).len, 0);
    token_source_drop(same);
    token_source_drop(tenant);
    token_source_drop(secret);
    token_source_drop(moved);
    assert_token(w->source, "tok-1");
}

static void test_a_token_is_used_until_30_s_before_its_end(void **state)
{
    struct world *w = *state;

    fetch(w, 0);
    w->time.wall_ms = NOW_MS + 3600000 - 30001;
    assert_true(token_source_is_fresh(w->source));
    w->time.wall_ms = NOW_MS + 3600000 - 30000;
    assert_false(token_source_is_fresh(w->source));

    w->host.body = "{\"access_token\":\"tok-2\",\"expires_in\":\"600\"}";
    fetch(w, 1);
    assert_token(w->source, "tok-2");
    assert_int_equal(token_source_version(w->source), 2);
    w->time.wall_ms += 600000 - 30001;
    assert_true(token_source_is_fresh(w->source));
    w->time.wall_ms += 1;
    assert_false(token_source_is_fresh(w->source));
}

static void test_a_failed_flight_leaves_the_token_that_works(void **state)
{
    struct world *w = *state;

    fetch(w, 0);
    w->host.status = 503;
    w->host.body = "<html>down</html>";
    struct waiter *waiter = fetch(w, 1);

    assert_int_equal(waiter->err, ERR_UPSTREAM_UNAVAILABLE);
    assert_int_equal(waiter->status, 503);
    assert_true(token_source_is_fresh(w->source));
    assert_token(w->source, "tok-1");
    assert_int_equal(token_source_version(w->source), 1);
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

static void test_a_refused_token_is_fetched_anew_but_not_its_successor(void **state)
{
    struct world *w = *state;

    fetch(w, 0);
    uint64_t first = token_source_version(w->source);
    token_source_refuse(w->source, first);
    assert_false(token_source_is_fresh(w->source));
    w->host.body = "{\"access_token\":\"tok-2\",\"expires_in\":600}";
    fetch(w, 0);
    assert_true(token_source_is_fresh(w->source));

    token_source_refuse(w->source, first); /* a late answer to the old one */
    assert_true(token_source_is_fresh(w->source));
    assert_token(w->source, "tok-2");
}

static void test_who_leaves_is_not_told_and_the_flight_goes_on(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    struct waiter *leaver = wait_on(w, 0, w->source);
    struct waiter *other = wait_on(w, 1, w->source);
    run_until_requests(w, 1);
    token_wait_cancel(&leaver->wait);
    let_go(&w->host);
    run_until_told(w, 1);

    assert_int_equal(leaver->told, 0);
    assert_int_equal(other->err, ERR_OK);
    assert_true(token_source_is_fresh(w->source));
}

static void test_a_flight_that_nobody_waits_for_still_brings_its_token(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    struct waiter *leaver = wait_on(w, 0, w->source);
    run_until_requests(w, 1);
    token_wait_cancel(&leaver->wait);
    let_go(&w->host);
    run_until_idle(w);

    assert_int_equal(leaver->told, 0);
    assert_token(w->source, "tok-1");
}

static void test_an_account_deleted_in_the_middle_of_a_flight_is_forgotten(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    struct waiter *leaver = wait_on(w, 0, w->source);
    run_until_requests(w, 1);
    token_wait_cancel(&leaver->wait);
    token_source_drop(w->source); /* the credential's hold; the flight has one too */
    w->source = NULL;
    let_go(&w->host);
    run_until_idle(w);

    assert_int_equal(leaver->told, 0);
    /* A new source of the same values knows nothing of that token. */
    w->source = source_of(w, "acme", "sb-app!t1", "s3cret");
    assert_false(token_source_is_fresh(w->source));
    assert_int_equal(token_source_reveal(w->source).len, 0);
}

static void wait_again(struct waiter *waiter)
{
    waiter->then = NULL;
    waiter->world->host.holds = true;
    wait_on(waiter->world, (int)(waiter - waiter->world->waiters),
            waiter->world->source);
}

static void test_who_joins_while_others_are_told_changes_nothing_for_them(void **state)
{
    struct world *w = *state;

    w->host.body = "{\"access_token\":\"short\",\"expires_in\":1}";
    struct waiter *first = wait_on(w, 0, w->source);
    first->then = wait_again;
    struct waiter *second = wait_on(w, 1, w->source);
    struct waiter *third = wait_on(w, 2, w->source);
    run_until_told(w, 3);

    assert_int_equal(first->told, 1);
    assert_int_equal(second->err, ERR_OK);
    assert_int_equal(second->status, 200);
    assert_int_equal(third->err, ERR_OK);
    run_until_requests(w, 2);
    w->host.body = GOOD;
    let_go(&w->host);
    run_until_told(w, 4);
    assert_int_equal(first->told, 2);
    assert_int_equal(second->told, 1);
    assert_token(w->source, "tok-1");
}

static void test_who_joins_after_a_refusal_hears_of_the_next_flight(void **state)
{
    struct world *w = *state;

    w->host.status = 401;
    w->host.body = "{\"error\":\"invalid_client\"}";
    struct waiter *first = wait_on(w, 0, w->source);
    first->then = wait_again;
    struct waiter *second = wait_on(w, 1, w->source);
    run_until_told(w, 2);

    assert_int_equal(second->err, ERR_NEEDS_REAUTH);
    assert_string_equal(second->code, "invalid_client");
    run_until_requests(w, 2);
    w->host.status = 200;
    w->host.body = GOOD;
    let_go(&w->host);
    run_until_told(w, 3);
    assert_int_equal(first->err, ERR_OK);
}

static void cancel_the_next(struct waiter *waiter)
{
    token_wait_cancel(&(waiter + 1)->wait);
}

static void test_who_is_told_may_take_another_out_of_the_line(void **state)
{
    struct world *w = *state;

    struct waiter *first = wait_on(w, 0, w->source);
    first->then = cancel_the_next;
    struct waiter *second = wait_on(w, 1, w->source);
    struct waiter *third = wait_on(w, 2, w->source);
    run_until_told(w, 2);
    run_until_idle(w);

    assert_int_equal(first->told, 1);
    assert_int_equal(second->told, 0);
    assert_int_equal(third->told, 1);
}

static void test_the_end_of_the_client_ends_a_flight_and_tells(void **state)
{
    struct world *w = *state;

    w->host.holds = true;
    struct waiter *waiter = wait_on(w, 0, w->source);
    run_until_requests(w, 1);
    http_client_free(w->client);
    w->client = NULL;

    assert_int_equal(waiter->told, 1);
    assert_int_equal(waiter->err, ERR_UPSTREAM_UNAVAILABLE);
    let_go(&w->host);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_client_stands_in_the_form_percent_encoded),
        TEST(test_all_who_wait_share_one_flight),
        TEST(test_a_client_has_one_source_and_tenants_never_share),
        TEST(test_a_token_is_used_until_30_s_before_its_end),
        TEST(test_a_failed_flight_leaves_the_token_that_works),
        TEST(test_each_answer_has_its_meaning),
        TEST(test_the_life_of_a_token_is_read_with_bounds),
        TEST(test_a_redirect_is_not_followed),
        TEST(test_an_answer_past_its_ceiling_is_no_token),
        TEST(test_a_token_of_the_largest_size_is_taken_and_no_larger),
        TEST(test_a_host_that_is_not_there_or_not_allowed_is_told_apart),
        TEST(test_a_refused_token_is_fetched_anew_but_not_its_successor),
        TEST(test_who_leaves_is_not_told_and_the_flight_goes_on),
        TEST(test_a_flight_that_nobody_waits_for_still_brings_its_token),
        TEST(test_an_account_deleted_in_the_middle_of_a_flight_is_forgotten),
        TEST(test_who_joins_while_others_are_told_changes_nothing_for_them),
        TEST(test_who_joins_after_a_refusal_hears_of_the_next_flight),
        TEST(test_who_is_told_may_take_another_out_of_the_line),
        TEST(test_the_end_of_the_client_ends_a_flight_and_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
