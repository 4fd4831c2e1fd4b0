/* SPDX-License-Identifier: Apache-2.0 */
/* Lower case, and without the scheme's own port: then it is canonical. */
#include "base/web_origin.h"

#include <ctype.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#define HOST_BYTES_MAX 253
#define LABEL_BYTES_MAX 63
#define PORT_MAX 65535

static bool is_label(struct slice label)
{
    for (size_t i = 0; i < label.len; i++) {
        unsigned char c = (unsigned char)label.ptr[i];
        bool hyphen = c == '-' && i > 0 && i + 1 < label.len;
        if (!hyphen && !(c < 0x80 && isalnum(c))) {
            return false;
        }
    }
    return label.len > 0 && label.len <= LABEL_BYTES_MAX;
}

/* `host` is NUL terminated. */
static bool is_name(struct slice host)
{
    struct slice label = SLICE_EMPTY, rest = host;
    struct in_addr address;
    ptrdiff_t dot = 0;

    while (dot >= 0) {
        dot = slice_find(rest, '.');
        label = slice_of(rest.ptr, dot < 0 ? rest.len : (size_t)dot);
        if (!is_label(label)) {
            return false;
        }
        rest = slice_from(rest, label.len + 1);
    }
    return host.len <= HOST_BYTES_MAX && (!isdigit((unsigned char)label.ptr[0]) ||
                                          inet_pton(AF_INET, host.ptr, &address) == 1);
}

static bool is_ipv6(struct slice host)
{
    char inner[INET6_ADDRSTRLEN];
    struct in6_addr address;

    if (host.len < 4 || host.len - 2 >= sizeof inner || host.ptr[host.len - 1] != ']') {
        return false;
    }
    memcpy(inner, host.ptr + 1, host.len - 2);
    inner[host.len - 2] = '\0';
    return inet_pton(AF_INET6, inner, &address) == 1;
}

static struct slice lowered(struct arena *arena, struct slice text)
{
    char *out = arena_copy(arena, text);

    for (size_t i = 0; i < text.len; i++) {
        out[i] = (char)tolower((unsigned char)out[i]);
    }
    return slice_of(out, text.len);
}

/* The index of the ':' before the port, or the length when there is none. */
static size_t host_end(struct slice authority)
{
    ptrdiff_t close = slice_find(authority, ']');
    size_t from = close < 0 ? 0 : (size_t)close;
    ptrdiff_t colon = slice_find(slice_from(authority, from), ':');

    return colon < 0 ? authority.len : from + (size_t)colon;
}

bool web_origin_parse(struct arena *arena, struct slice text, struct web_origin *out)
{
    struct slice tls = SLICE("https://"), plain = SLICE("http://");
    bool is_tls = slice_starts_nocase(text, tls);
    unsigned long long own = is_tls ? 443 : 80, port = own;

    if (text.len > WEB_ORIGIN_BYTES_MAX ||
        (!is_tls && !slice_starts_nocase(text, plain))) {
        return false;
    }
    struct slice authority = slice_from(text, is_tls ? tls.len : plain.len);
    size_t end = host_end(authority);
    struct slice host = lowered(arena, slice_of(authority.ptr, end));
    bool has_port = end < authority.len;
    if (has_port && (!slice_to_u64(slice_from(authority, end + 1), &port) ||
                     port == 0 || port > PORT_MAX)) {
        return false;
    }
    if (slice_starts(host, SLICE("[")) ? !is_ipv6(host) : !is_name(host)) {
        return false;
    }
    *out = (struct web_origin){.text = arena_printf(arena, "%s://%.*s",
                                                    is_tls ? "https" : "http",
                                                    SLICE_ARG(host)),
                               .host = host,
                               .port = (int)port,
                               .is_tls = is_tls};
    if (port != own) {
        out->text = arena_printf(arena, "%.*s:%llu", SLICE_ARG(out->text), port);
    }
    return true;
}
