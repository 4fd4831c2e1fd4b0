/* SPDX-License-Identifier: Apache-2.0 */
/* Which Host and Origin are ours, and who counts as this machine itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/origin.h"

/* NULL leaves the field out. */
static bool judge(bool (*fn)(const struct gateway_config *,
                             const struct http_request *),
                  const char *public_url, const char *name, const char *value)
{
    const struct slice allowed[] = {SLICE("https://desk.example.net")};
    struct gateway_config config = {
        .public_url = slice_str(public_url),
        .allowed_origins = allowed,
        .allowed_origin_count = 1,
    };
    struct http_field field = {slice_str(name), slice_str(value)};
    struct http_request request = {.fields = &field, .field_count = value != NULL};
    return fn(&config, &request);
}

static bool host(const char *public_url, const char *value)
{
    return judge(origin_host_allowed, public_url, "host", value);
}

static bool origin(const char *public_url, const char *value)
{
    return judge(origin_allowed, public_url, "origin", value);
}

static void test_host_names_the_public_url(void **state)
{
    (void)state;
    const char *url = "https://erp.example.com";
    assert_true(host(url, "erp.example.com"));
    assert_true(host(url, "ERP.example.com"));
    assert_true(host(url, "erp.example.com:443"));
    assert_true(host("https://erp.example.com:443/mcp", "erp.example.com"));
    assert_true(host("http://erp.example.com:8080", "erp.example.com:8080"));
    assert_false(host(url, NULL));
    assert_false(host(url, ""));
    assert_false(host(url, ":443"));
    assert_false(host(url, "erp.example.com:80"));
    assert_false(host(url, "erp.example.com.evil.net"));
    assert_false(host(url, "127.0.0.1"));
    assert_false(host("http://erp.example.com:8080", "erp.example.com"));
    assert_false(host("http://erp.example.com:8080", "erp.example.com:8080:80"));
    assert_false(host("http://erp.example.com", "erp.example.com:80:80"));
}

static void test_any_loopback_host_names_a_loopback_server(void **state)
{
    (void)state;
    const char *url = "http://127.0.0.1:8080";
    assert_true(host(url, "localhost:9"));
    assert_true(host(url, "[::1]:9"));
    assert_false(host(url, "localhost:evil"));
    assert_false(host(url, "localhost:9@evil.net"));
    assert_false(host(url, "localhost:65536"));
    assert_false(host(url, "localhost:0"));
    assert_false(host(url, "localhost:"));
    assert_false(host(url, "[::1]evil.net"));
    assert_false(host(url, "evil.net]:[::1]"));
    assert_false(origin(url, "http://localhost:9@evil.net"));
    assert_false(origin(url, "http://localhost:9/path"));
    assert_true(origin(url, "app://localhost"));
    assert_true(host(url, "[::1]:8080"));
    assert_false(host(url, "evil.example:8080"));
    assert_false(host(url, "127.0.0.1.evil.example"));
}

static void test_origin_is_the_public_url_without_its_path(void **state)
{
    (void)state;
    const char *url = "https://erp.example.com/connect";
    assert_true(origin(url, NULL));
    assert_true(origin(url, "https://erp.example.com"));
    assert_true(origin(url, "https://erp.example.com:443"));
    assert_true(origin(url, "https://desk.example.net"));
    assert_false(origin(url, "http://erp.example.com"));
    assert_false(origin(url, "https://erp.example.com:444"));
    assert_false(origin(url, "https://erp.example.com/connect"));
    assert_false(origin(url, "https://evil.example"));
    assert_false(origin(url, "http://localhost"));
    assert_false(origin(url, "null"));
    assert_false(origin(url, ""));
    assert_true(origin("http://127.0.0.1:8080", "http://localhost:3000"));
    assert_false(origin("http://127.0.0.1:8080", "null"));
}

static bool local(bool peer_is_loopback, const char *host_value, const char *mark)
{
    struct http_field fields[] = {{SLICE("host"), slice_str(host_value)},
                                  {slice_str(mark), SLICE("198.51.100.7")}};
    struct http_request request = {.fields = fields,
                                   .field_count = mark != NULL ? 2 : 1,
                                   .peer_is_loopback = peer_is_loopback};
    return origin_is_local(&request);
}

static void test_a_proxy_on_this_machine_does_not_make_its_clients_local(void **state)
{
    (void)state;
    assert_true(local(true, "127.0.0.1:8080", NULL));
    assert_true(local(true, "localhost", "accept"));
    assert_false(local(false, "127.0.0.1:8080", NULL));
    assert_false(local(true, "erp.example.com", NULL));
    assert_false(local(true, "127.0.0.1:8080", "x-forwarded-for"));
    assert_false(local(true, "127.0.0.1:8080", "forwarded"));
    assert_false(local(true, "127.0.0.1:8080", "via"));
    assert_false(local(true, "127.0.0.1:8080", "x-real-ip"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_names_the_public_url),
        cmocka_unit_test(test_any_loopback_host_names_a_loopback_server),
        cmocka_unit_test(test_origin_is_the_public_url_without_its_path),
        cmocka_unit_test(test_a_proxy_on_this_machine_does_not_make_its_clients_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
