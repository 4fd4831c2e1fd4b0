/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address is judged in this order: a rule of the operator opens it; else an IPv4
 * address carried inside an IPv6 one is judged as that IPv4 address; else it has to be
 * public. For IPv6 only 2000::/3 counts as public, so a range nobody has thought of yet
 * is refused.
 */
#include "io/net_policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/require.h"

#define V4_BYTES 4
#define V6_BYTES 16
#define HOST_BYTES 253 /* RFC 1035: a name in text form */

/* Addresses of both families, in network order; V4 uses the first four bytes. */
struct address {
    uint8_t bytes[V6_BYTES];
    size_t len;
};

struct range {
    struct address base;
    unsigned prefix; /* bits */
};

struct plain_host {
    char *name; /* as the operator wrote it, without brackets */
    size_t len;
    int port; /* 0: any */
};

struct net_policy {
    struct range *rules;
    size_t rule_count;
    struct plain_host *hosts;
    size_t host_count;
};

#define V4(a, b, c, d, bits)           \
    {                                  \
        {{a, b, c, d}, V4_BYTES}, bits \
    }
#define V6(bits, ...)                   \
    {                                   \
        {{__VA_ARGS__}, V6_BYTES}, bits \
    }

/* IANA special-purpose registry, RFC 6890 and its updates: what is not globally
 * reachable. */
static const struct range refused_v4[] = {
    V4(0, 0, 0, 0, 8),      V4(10, 0, 0, 0, 8),     V4(100, 64, 0, 0, 10),
    V4(127, 0, 0, 0, 8),    V4(169, 254, 0, 0, 16), V4(172, 16, 0, 0, 12),
    V4(192, 0, 0, 0, 24),   V4(192, 0, 2, 0, 24),   V4(192, 88, 99, 0, 24),
    V4(192, 168, 0, 0, 16), V4(198, 18, 0, 0, 15),  V4(198, 51, 100, 0, 24),
    V4(203, 0, 113, 0, 24), V4(224, 0, 0, 0, 4),    V4(240, 0, 0, 0, 4),
};

static const struct range global_v6 = V6(3, 0x20);

static const struct range refused_v6[] = {
    V6(23, 0x20, 0x01),             /* protocol assignments, Teredo, ORCHID */
    V6(32, 0x20, 0x01, 0x0d, 0xb8), /* documentation */
    V6(16, 0x20, 0x02),             /* 6to4: ends at a router we do not know */
    V6(20, 0x3f, 0xff),             /* documentation, RFC 9637 */
};

/* Ranges whose last four bytes are an IPv4 address that the packet really goes to. */
static const struct range carriers_v6[] = {
    V6(96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff), /* mapped */
    V6(96, 0x00, 0x64, 0xff, 0x9b),                   /* NAT64, RFC 6052 */
};

static bool range_holds(const struct range *range, const struct address *address)
{
    if (range->base.len != address->len) {
        return false;
    }
    size_t whole = range->prefix / 8;
    unsigned rest = range->prefix % 8;
    if (memcmp(range->base.bytes, address->bytes, whole) != 0) {
        return false;
    }
    if (rest == 0) {
        return true;
    }
    unsigned mask = (0xffU << (8 - rest)) & 0xffU;
    return (range->base.bytes[whole] & mask) == (address->bytes[whole] & mask);
}

static bool any_holds(const struct range *ranges, size_t count,
                      const struct address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (range_holds(&ranges[i], address)) {
            return true;
        }
    }
    return false;
}

#define ANY_HOLDS(table, address) \
    any_holds((table), sizeof(table) / sizeof((table)[0]), (address))

static bool parse_address(struct slice text, struct address *out)
{
    char name[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof name || slice_find(text, '\0') >= 0) {
        return false;
    }
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    memset(out, 0, sizeof *out);
    out->len = V4_BYTES;
    if (inet_pton(AF_INET, name, out->bytes) == 1) {
        return true;
    }
    out->len = V6_BYTES;
    return inet_pton(AF_INET6, name, out->bytes) == 1;
}

/* A rule with bits behind the prefix is refused: who wrote it meant something else. */
static bool has_host_bits(const struct range *range)
{
    for (unsigned bit = range->prefix; bit < range->base.len * 8; bit++) {
        if ((range->base.bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) {
            return true;
        }
    }
    return false;
}

static bool parse_cidr(struct slice text, struct range *out)
{
    ptrdiff_t slash = slice_find(text, '/');
    if (slash < 0 || !parse_address(slice_of(text.ptr, (size_t)slash), &out->base)) {
        return false;
    }
    struct slice digits = slice_from(text, (size_t)slash + 1);
    unsigned long long bits = 0;
    if (digits.len == 0 || digits.len > 3 || !slice_to_u64(digits, &bits) ||
        bits > out->base.len * 8) {
        return false;
    }
    out->prefix = (unsigned)bits;
    return !has_host_bits(out);
}

static bool is_host_name(struct slice name)
{
    if (name.len == 0 || name.len > HOST_BYTES) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool parse_port(struct slice digits, int *port)
{
    unsigned long long value = 0;
    if (digits.len == 0 || digits.len > 5 || !slice_to_u64(digits, &value) ||
        value == 0 || value > 65535) {
        return false;
    }
    *port = (int)value;
    return true;
}

/* "name", "name:port", "1.2.3.4:port", "::1", "[::1]", "[::1]:port". */
static bool split_host(struct slice text, struct slice *host, int *port)
{
    struct address address;
    struct slice rest = SLICE_EMPTY;
    *port = 0;
    if (slice_starts(text, SLICE("["))) {
        ptrdiff_t end = slice_find(text, ']');
        if (end < 0) {
            return false;
        }
        *host = slice_of(text.ptr + 1, (size_t)end - 1);
        rest = slice_from(text, (size_t)end + 1);
        if (!parse_address(*host, &address) || address.len != V6_BYTES) {
            return false;
        }
    } else if (parse_address(text, &address) && address.len == V6_BYTES) {
        *host = text;
    } else {
        ptrdiff_t colon = slice_find(text, ':');
        *host = colon < 0 ? text : slice_of(text.ptr, (size_t)colon);
        rest = colon < 0 ? SLICE_EMPTY : slice_from(text, (size_t)colon);
        if (!is_host_name(*host)) {
            return false;
        }
    }
    if (rest.len == 0) {
        return true;
    }
    return rest.ptr[0] == ':' && parse_port(slice_from(rest, 1), port);
}

static void *allocate(size_t count, size_t bytes)
{
    void *ptr = calloc(count == 0 ? 1 : count, bytes);
    REQUIRE(ptr != NULL);
    return ptr;
}

static enum err add_host(struct net_policy *policy, struct slice text)
{
    struct slice name;
    struct plain_host *host = &policy->hosts[policy->host_count];
    if (!split_host(text, &name, &host->port)) {
        return ERR_UNPROCESSABLE;
    }
    host->name = allocate(name.len + 1, 1);
    memcpy(host->name, name.ptr, name.len);
    host->len = name.len;
    policy->host_count++;
    return ERR_OK;
}

enum err net_policy_new(const struct slice *allow_cidrs, size_t cidr_count,
                        const struct slice *plain_http_hosts, size_t host_count,
                        struct net_policy **out)
{
    struct net_policy *policy = allocate(1, sizeof *policy);
    enum err err = ERR_OK;

    *out = NULL;
    policy->rules = allocate(cidr_count, sizeof *policy->rules);
    policy->hosts = allocate(host_count, sizeof *policy->hosts);
    for (size_t i = 0; i < cidr_count && err == ERR_OK; i++) {
        err =
            parse_cidr(allow_cidrs[i], &policy->rules[i]) ? ERR_OK : ERR_UNPROCESSABLE;
    }
    policy->rule_count = cidr_count;
    for (size_t i = 0; i < host_count && err == ERR_OK; i++) {
        err = add_host(policy, plain_http_hosts[i]);
    }
    if (err != ERR_OK) {
        net_policy_free(policy);
        return err;
    }
    *out = policy;
    return ERR_OK;
}

void net_policy_free(struct net_policy *policy)
{
    if (policy == NULL) {
        return;
    }
    for (size_t i = 0; i < policy->host_count; i++) {
        free(policy->hosts[i].name);
    }
    free(policy->hosts);
    free(policy->rules);
    free(policy);
}

static bool address_of(const struct sockaddr *sockaddr, struct address *out)
{
    memset(out, 0, sizeof *out);
    /* Copied out: a sockaddr that came from outside may lie at any alignment. */
    if (sockaddr->sa_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, sockaddr, sizeof in4);
        memcpy(out->bytes, &in4.sin_addr, V4_BYTES);
        out->len = V4_BYTES;
        return true;
    }
    if (sockaddr->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sockaddr, sizeof in6);
        memcpy(out->bytes, &in6.sin6_addr, V6_BYTES);
        out->len = V6_BYTES;
        return true;
    }
    return false;
}

static bool is_opened(const struct net_policy *policy, const struct address *address)
{
    return any_holds(policy->rules, policy->rule_count, address);
}

bool net_policy_allows(const struct net_policy *policy, const struct sockaddr *sockaddr)
{
    struct address address;
    if (!address_of(sockaddr, &address)) {
        return false;
    }
    if (is_opened(policy, &address)) {
        return true;
    }
    if (ANY_HOLDS(carriers_v6, &address)) {
        struct address inner = {.len = V4_BYTES};
        memcpy(inner.bytes, address.bytes + V6_BYTES - V4_BYTES, V4_BYTES);
        address = inner;
    }
    if (address.len == V4_BYTES) {
        return is_opened(policy, &address) || !ANY_HOLDS(refused_v4, &address);
    }
    return range_holds(&global_v6, &address) && !ANY_HOLDS(refused_v6, &address);
}

/* Numeric hosts are compared as numbers: "::1" and "0:0::1" are one host. */
static bool is_same_host(struct slice a, struct slice b)
{
    struct address left, right;
    if (parse_address(a, &left) && parse_address(b, &right)) {
        return left.len == right.len && memcmp(left.bytes, right.bytes, left.len) == 0;
    }
    return slice_eq_nocase(a, b);
}

bool net_policy_allows_scheme(const struct net_policy *policy, struct slice scheme,
                              struct slice host, int port)
{
    if (slice_eq_nocase(scheme, SLICE("https"))) {
        return true;
    }
    if (!slice_eq_nocase(scheme, SLICE("http"))) {
        return false;
    }
    for (size_t i = 0; i < policy->host_count; i++) {
        const struct plain_host *plain = &policy->hosts[i];
        bool port_fits = plain->port == 0 || plain->port == port;
        if (port_fits && is_same_host(slice_of(plain->name, plain->len), host)) {
            return true;
        }
    }
    return false;
}
