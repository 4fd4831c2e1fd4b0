/* SPDX-License-Identifier: Apache-2.0 */
/* Scheme, host and port are compared exactly; a port that goes without saying may be
 * said. */
#include "core/origin.h"

/* "http://host:port/…" -> "host:port" */
static struct slice authority_of(struct slice url)
{
    for (size_t i = 0; i + 3 <= url.len; i++) {
        if (memcmp(url.ptr + i, "://", 3) == 0) {
            struct slice rest = slice_from(url, i + 3);
            ptrdiff_t end = slice_find(rest, '/');
            return end < 0 ? rest : slice_of(rest.ptr, (size_t)end);
        }
    }
    return SLICE_EMPTY;
}

/* "" or ":" and digits. */
static bool is_port(struct slice text)
{
    unsigned long long port;

    return text.len == 0 ||
           (text.ptr[0] == ':' && slice_to_u64(slice_from(text, 1), &port) &&
            port >= 1 && port <= 65535);
}

/* Without ":port"; an IPv6 literal keeps its brackets. Empty when more follows than a
 * port: then it is no authority. */
static struct slice host_of(struct slice authority)
{
    ptrdiff_t bracket = slice_find(authority, ']');
    size_t from = bracket < 0 ? 0 : (size_t)bracket + 1;
    ptrdiff_t colon = slice_find(slice_from(authority, from), ':');
    size_t end = bracket >= 0 ? from : colon < 0 ? authority.len : (size_t)colon;

    return is_port(slice_from(authority, end)) ? slice_of(authority.ptr, end)
                                               : SLICE_EMPTY;
}

static bool is_loopback_host(struct slice host)
{
    return slice_eq_nocase(host, SLICE("localhost")) || slice_is(host, "127.0.0.1") ||
           slice_is(host, "[::1]");
}

/* The port that a URL of that scheme need not name. */
static struct slice default_port(struct slice url)
{
    if (url.len >= 8 && slice_eq_nocase(slice_of(url.ptr, 8), SLICE("https://"))) {
        return SLICE(":443");
    }
    return SLICE(":80");
}

/* What has that port alone: of "host:8080:80", which is no authority, nothing is taken. */
static struct slice without_port(struct slice authority, struct slice port)
{
    struct slice host = host_of(authority);
    bool is_named = host.len > 0 && slice_eq(slice_from(authority, host.len), port);
    return is_named ? host : authority;
}

/* Equal but for a default port that one of them spells out. */
static bool same_authority(struct slice a, struct slice b, struct slice port)
{
    return slice_eq_nocase(without_port(a, port), without_port(b, port));
}

/* Scheme and authority, whatever path follows in either. */
static bool same_origin(struct slice origin, struct slice url)
{
    struct slice ours = authority_of(url), theirs = authority_of(origin);
    size_t scheme = ours.len > 0 ? (size_t)(ours.ptr - url.ptr) : 0;
    return scheme > 0 && theirs.len > 0 &&
           theirs.ptr + theirs.len == origin.ptr + origin.len &&
           slice_eq_nocase(slice_of(origin.ptr, (size_t)(theirs.ptr - origin.ptr)),
                           slice_of(url.ptr, scheme)) &&
           same_authority(theirs, ours, default_port(url));
}

static bool public_is_loopback(const struct gateway_config *config)
{
    return is_loopback_host(host_of(authority_of(config->public_url)));
}

bool origin_host_allowed(const struct gateway_config *config,
                         const struct http_request *request)
{
    const struct http_field *host = http_request_field(request, "host");
    if (host == NULL) {
        return false;
    }
    if (same_authority(host->value, authority_of(config->public_url),
                       default_port(config->public_url))) {
        return true;
    }
    return public_is_loopback(config) && is_loopback_host(host_of(host->value));
}

bool origin_allowed(const struct gateway_config *config,
                    const struct http_request *request)
{
    const struct http_field *origin = http_request_field(request, "origin");
    if (origin == NULL || same_origin(origin->value, config->public_url)) {
        return true;
    }
    for (size_t i = 0; i < config->allowed_origin_count; i++) {
        if (same_origin(origin->value, config->allowed_origins[i])) {
            return true;
        }
    }
    struct slice authority = authority_of(origin->value);
    bool is_bare =
        authority.ptr + authority.len == origin->value.ptr + origin->value.len;
    return public_is_loopback(config) && is_bare &&
           is_loopback_host(host_of(authority));
}

bool origin_is_local(const struct http_request *request)
{
    static const char *const marks[] = {"forwarded", "x-forwarded-for", "x-real-ip",
                                        "via"};
    const struct http_field *host = http_request_field(request, "host");
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (http_request_field(request, marks[i]) != NULL) {
            return false;
        }
    }
    return request->peer_is_loopback && host != NULL &&
           is_loopback_host(host_of(host->value));
}
