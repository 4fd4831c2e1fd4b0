/* SPDX-License-Identifier: Apache-2.0 */
/* The guard against server-side request forgery, range by range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "io/net_policy.h"

static struct net_policy *policy_with(const char *const *cidrs, size_t cidr_count,
                                      const char *const *hosts, size_t host_count)
{
    struct slice rules[8], names[8];
    struct net_policy *policy = NULL;
    for (size_t i = 0; i < cidr_count; i++) {
        rules[i] = slice_str(cidrs[i]);
    }
    for (size_t i = 0; i < host_count; i++) {
        names[i] = slice_str(hosts[i]);
    }
    assert_int_equal(net_policy_new(rules, cidr_count, names, host_count, &policy),
                     ERR_OK);
    return policy;
}

static bool allows(const struct net_policy *policy, const char *address)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, address, &in4.sin_addr) == 1) {
        return net_policy_allows(policy, (const struct sockaddr *)&in4);
    }
    assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
    return net_policy_allows(policy, (const struct sockaddr *)&in6);
}

static void assert_all(const struct net_policy *policy, const char *const *addresses,
                       size_t count, bool expected)
{
    for (size_t i = 0; i < count; i++) {
        if (allows(policy, addresses[i]) != expected) {
            fail_msg("%s should be %s", addresses[i], expected ? "allowed" : "refused");
        }
    }
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_special_ipv4_ranges_are_refused_up_to_their_edges(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "0.0.0.0",         "0.255.255.255",   "10.0.0.0",       "10.255.255.255",
        "100.64.0.0",      "100.127.255.255", "127.0.0.1",      "127.255.255.255",
        "169.254.169.254", "172.16.0.0",      "172.31.255.255", "192.0.0.8",
        "192.0.2.1",       "192.88.99.1",     "192.168.0.0",    "192.168.255.255",
        "198.18.0.0",      "198.19.255.255",  "198.51.100.7",   "203.0.113.200",
        "224.0.0.1",       "239.255.255.255", "240.0.0.1",      "255.255.255.255",
    };
    static const char *const allowed[] = {
        "1.1.1.1",     "9.255.255.255",   "11.0.0.0",    "100.63.255.255",
        "100.128.0.0", "126.255.255.255", "128.0.0.1",   "169.253.255.255",
        "169.255.0.0", "172.15.255.255",  "172.32.0.0",  "192.0.1.0",
        "192.0.3.0",   "192.167.255.255", "192.169.0.0", "198.17.255.255",
        "198.20.0.0",  "203.0.112.255",   "203.0.114.0", "223.255.255.255",
    };
    struct net_policy *policy = policy_with(NULL, 0, NULL, 0);

    assert_all(policy, refused, COUNT(refused), false);
    assert_all(policy, allowed, COUNT(allowed), true);

    net_policy_free(policy);
}

static void test_ipv6_is_refused_unless_it_is_global_unicast(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "::",
        "::1",
        "::127.0.0.1",
        "100::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "2001:1ff::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "4000::1",
        "64:ff9b:1::808:808",
        "1fff::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    };
    static const char *const allowed[] = {
        "2606:4700::1111", "2001:200::1", "2001:4860:4860::8888",
        "2a00:1450::1",    "2003::1",     "3ffe::1",
    };
    struct net_policy *policy = policy_with(NULL, 0, NULL, 0);

    assert_all(policy, refused, COUNT(refused), false);
    assert_all(policy, allowed, COUNT(allowed), true);

    net_policy_free(policy);
}

static void test_ipv4_inside_ipv6_is_judged_as_the_ipv4_address(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "::ffff:127.0.0.1",   "::ffff:10.1.2.3",   "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::192.168.1.1",
    };
    static const char *const allowed[] = {"::ffff:1.1.1.1", "64:ff9b::8.8.8.8"};
    struct net_policy *policy = policy_with(NULL, 0, NULL, 0);

    assert_all(policy, refused, COUNT(refused), false);
    assert_all(policy, allowed, COUNT(allowed), true);

    net_policy_free(policy);
}

static void test_a_rule_opens_its_range_and_nothing_beside_it(void **state)
{
    (void)state;
    static const char *const rules[] = {"127.0.0.1/32", "10.1.0.0/16", "fd00:aa::/32",
                                        "172.16.0.0/13"};
    static const char *const allowed[] = {
        "127.0.0.1",        "10.1.0.0",          "10.1.255.255",   "fd00:aa::5",
        "::ffff:127.0.0.1", "64:ff9b::10.1.7.7", "172.23.255.255",
    };
    static const char *const refused[] = {
        "127.0.0.2", "10.0.255.255",     "10.2.0.0",   "fd00:ab::5",
        "::1",       "::ffff:127.0.0.2", "172.24.0.0",
    };
    struct net_policy *policy = policy_with(rules, COUNT(rules), NULL, 0);

    assert_all(policy, allowed, COUNT(allowed), true);
    assert_all(policy, refused, COUNT(refused), false);

    net_policy_free(policy);
}

static void test_a_rule_of_prefix_zero_opens_one_family_only(void **state)
{
    (void)state;
    static const char *const rules[] = {"0.0.0.0/0"};
    struct net_policy *policy = policy_with(rules, 1, NULL, 0);

    assert_true(allows(policy, "10.0.0.1"));
    assert_false(allows(policy, "fd00::1"));

    net_policy_free(policy);
}

static void test_other_address_families_are_refused(void **state)
{
    (void)state;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct net_policy *policy = policy_with(NULL, 0, NULL, 0);

    assert_false(net_policy_allows(policy, (const struct sockaddr *)&local));

    net_policy_free(policy);
}

static void test_what_is_no_cidr_is_refused_when_the_policy_is_made(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "/",
        "127.0.0.1",
        "127.0.0.1/",
        "127.0.0.1/33",
        "127.0.0.1/-1",
        "127.0.0.1/+8",
        "127.0.0.1/8",
        "10.0.0.0/ 8",
        " 10.0.0.0/8",
        "10.0.0.0/8 ",
        "10/8",
        "2130706433/32",
        "0x7f000001/32",
        "0177.0.0.1/32",
        "127.1/32",
        "10.0.0.0/0008",
        "::1/129",
        "fd00::1/8",
        "[::1]/128",
        "example.com/8",
        "10.0.0.0/8/8",
        "fe80::%eth0/10",
        "10.0.0.256/32",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct slice rule = slice_str(bad[i]);
        struct net_policy *policy = (struct net_policy *)&rule;

        enum err err = net_policy_new(&rule, 1, NULL, 0, &policy);

        if (err != ERR_UNPROCESSABLE || policy != NULL) {
            fail_msg("accepted as a CIDR: \"%s\"", bad[i]);
        }
    }
}

static void test_https_needs_no_rule_and_other_schemes_never_pass(void **state)
{
    (void)state;
    static const char *const hosts[] = {"erp.example.com"};
    struct net_policy *policy = policy_with(NULL, 0, hosts, 1);
    struct slice host = SLICE("erp.example.com");

    assert_true(net_policy_allows_scheme(policy, SLICE("https"), SLICE("x.test"), 443));
    assert_true(
        net_policy_allows_scheme(policy, SLICE("HTTPS"), SLICE("x.test"), 8443));
    assert_false(net_policy_allows_scheme(policy, SLICE("http"), SLICE("x.test"), 80));
    assert_true(net_policy_allows_scheme(policy, SLICE("http"), host, 80));
    assert_false(net_policy_allows_scheme(policy, SLICE("ftp"), host, 21));
    assert_false(net_policy_allows_scheme(policy, SLICE("file"), host, 0));
    assert_false(net_policy_allows_scheme(policy, SLICE(""), host, 80));

    net_policy_free(policy);
}

static bool plain(const struct net_policy *policy, const char *host, int port)
{
    return net_policy_allows_scheme(policy, SLICE("http"), slice_str(host), port);
}

static void test_a_plain_host_covers_its_port_or_all_of_them(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "ERP.example.com:8000", "[::1]:9",
                                        "fd00::7"};
    struct net_policy *policy = policy_with(NULL, 0, hosts, COUNT(hosts));

    assert_true(plain(policy, "127.0.0.1", 1));
    assert_true(plain(policy, "127.0.0.1", 65535));
    assert_false(plain(policy, "127.0.0.2", 80));
    assert_true(plain(policy, "erp.example.com", 8000));
    assert_false(plain(policy, "erp.example.com", 8001));
    assert_false(plain(policy, "x.erp.example.com", 8000));
    assert_false(plain(policy, "erp.example.co", 8000));
    assert_true(plain(policy, "0:0:0:0:0:0:0:1", 9));
    assert_false(plain(policy, "::1", 10));
    assert_true(plain(policy, "fd00:0::7", 80));

    net_policy_free(policy);
}

static void test_what_is_no_host_is_refused_when_the_policy_is_made(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       ":80",      "host:",  "host:0",    "host:65536",   "host:http",
        "a b",    "*",        "host/x", "[::1",      "[127.0.0.1]",  "[::1]80",
        "[::1]:", "http://h", "h:1:2",  "user@host", "host:8000000",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct slice host = slice_str(bad[i]);
        struct net_policy *policy = NULL;

        enum err err = net_policy_new(NULL, 0, &host, 1, &policy);

        if (err != ERR_UNPROCESSABLE || policy != NULL) {
            fail_msg("accepted as a host: \"%s\"", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_ipv4_ranges_are_refused_up_to_their_edges),
        cmocka_unit_test(test_ipv6_is_refused_unless_it_is_global_unicast),
        cmocka_unit_test(test_ipv4_inside_ipv6_is_judged_as_the_ipv4_address),
        cmocka_unit_test(test_a_rule_opens_its_range_and_nothing_beside_it),
        cmocka_unit_test(test_a_rule_of_prefix_zero_opens_one_family_only),
        cmocka_unit_test(test_other_address_families_are_refused),
        cmocka_unit_test(test_what_is_no_cidr_is_refused_when_the_policy_is_made),
        cmocka_unit_test(test_https_needs_no_rule_and_other_schemes_never_pass),
        cmocka_unit_test(test_a_plain_host_covers_its_port_or_all_of_them),
        cmocka_unit_test(test_what_is_no_host_is_refused_when_the_policy_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
