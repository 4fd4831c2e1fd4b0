/* SPDX-License-Identifier: Apache-2.0 */
/* An own reader instead of curl's: curl's would decode, lower and complete on the way.
 */
#include "io/http_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>

#define NAME_BYTES 253
#define LABEL_BYTES 63

static bool is_visible_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= 0x20 || c >= 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_label(struct slice label)
{
    if (label.len == 0 || label.len > LABEL_BYTES) {
        return false;
    }
    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
                  c == '-' || c == '_';
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* A last label that begins with a digit is no top-level domain; "0x7f" is one of them.
 */
static bool is_name(struct slice host)
{
    if (host.len > NAME_BYTES) {
        return false;
    }
    for (;;) {
        ptrdiff_t dot = slice_find(host, '.');
        struct slice label = slice_of(host.ptr, dot < 0 ? host.len : (size_t)dot);
        if (!is_label(label)) {
            return false;
        }
        if (dot < 0) {
            return !is_digit(label.ptr[0]);
        }
        host = slice_of(host.ptr + dot + 1, host.len - (size_t)dot - 1);
    }
}

static bool parse_literal(struct http_url *url, int family)
{
    char text[INET6_ADDRSTRLEN];
    if (url->host.len >= sizeof text) {
        return false;
    }
    memcpy(text, url->host.ptr, url->host.len);
    text[url->host.len] = '\0';
    if (family == AF_INET) {
        struct sockaddr_in in4 = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)url->port)};
        url->is_literal = inet_pton(AF_INET, text, &in4.sin_addr) == 1;
        memcpy(&url->address, &in4, sizeof in4);
    } else {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                                   .sin6_port = htons((uint16_t)url->port)};
        url->is_literal = inet_pton(AF_INET6, text, &in6.sin6_addr) == 1;
        memcpy(&url->address, &in6, sizeof in6);
    }
    return url->is_literal;
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

static bool parse_authority(struct slice authority, struct http_url *url)
{
    struct slice rest;
    int family = AF_INET;
    if (slice_starts(authority, SLICE("["))) {
        ptrdiff_t end = slice_find(authority, ']');
        if (end < 0) {
            return false;
        }
        family = AF_INET6;
        url->host = slice_of(authority.ptr + 1, (size_t)end - 1);
        rest = slice_from(authority, (size_t)end + 1);
    } else {
        ptrdiff_t colon = slice_find(authority, ':');
        url->host = slice_of(authority.ptr, colon < 0 ? authority.len : (size_t)colon);
        rest = slice_from(authority, url->host.len);
    }
    if (rest.len > 0 &&
        (rest.ptr[0] != ':' || !parse_port(slice_from(rest, 1), &url->port))) {
        return false;
    }
    return parse_literal(url, family) || (family == AF_INET && is_name(url->host));
}

static bool parse_scheme(struct slice *text, struct http_url *url)
{
    ptrdiff_t colon = slice_find(*text, ':');
    if (colon < 0) {
        return false;
    }
    url->scheme = slice_of(text->ptr, (size_t)colon);
    url->is_tls = slice_eq_nocase(url->scheme, SLICE("https"));
    if (!url->is_tls && !slice_eq_nocase(url->scheme, SLICE("http"))) {
        return false;
    }
    url->port = url->is_tls ? 443 : 80;
    *text = slice_from(*text, (size_t)colon + 1);
    if (!slice_starts(*text, SLICE("//"))) {
        return false;
    }
    *text = slice_from(*text, 2);
    return true;
}

bool http_url_parse(struct slice text, struct http_url *url)
{
    const char *whole = text.ptr;
    memset(url, 0, sizeof *url);
    if (text.len > HTTP_URL_MAX_BYTES || !is_visible_ascii(text) ||
        slice_find(text, '#') >= 0 || !parse_scheme(&text, url)) {
        return false;
    }
    ptrdiff_t slash = slice_find(text, '/');
    struct slice authority = slice_of(text.ptr, slash < 0 ? text.len : (size_t)slash);
    url->origin = slice_of(whole, (size_t)(authority.ptr + authority.len - whole));
    url->target = slash < 0 ? SLICE("/") : slice_from(text, (size_t)slash);
    return parse_authority(authority, url);
}
