/* SPDX-License-Identifier: Apache-2.0 */
/* Scheme, host and port are compared exactly; nothing is guessed. */
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

/* Without ":port"; an IPv6 literal keeps its brackets. */
static struct slice host_of(struct slice authority)
{
    if (authority.len > 0 && authority.ptr[0] == '[') {
        ptrdiff_t end = slice_find(authority, ']');
        return end < 0 ? SLICE_EMPTY : slice_of(authority.ptr, (size_t)end + 1);
    }
    ptrdiff_t colon = slice_find(authority, ':');
    return colon < 0 ? authority : slice_of(authority.ptr, (size_t)colon);
}

static bool is_loopback_host(struct slice host)
{
    return slice_eq_nocase(host, SLICE("localhost")) || slice_is(host, "127.0.0.1") ||
           slice_is(host, "[::1]");
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
    if (slice_eq_nocase(host->value, authority_of(config->public_url))) {
        return true;
    }
    return public_is_loopback(config) && is_loopback_host(host_of(host->value));
}

bool origin_allowed(const struct gateway_config *config,
                    const struct http_request *request)
{
    const struct http_field *origin = http_request_field(request, "origin");
    if (origin == NULL || slice_eq_nocase(origin->value, config->public_url)) {
        return true;
    }
    for (size_t i = 0; i < config->allowed_origin_count; i++) {
        if (slice_eq_nocase(origin->value, config->allowed_origins[i])) {
            return true;
        }
    }
    return public_is_loopback(config) &&
           is_loopback_host(host_of(authority_of(origin->value)));
}
