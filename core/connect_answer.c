/* SPDX-License-Identifier: Apache-2.0 */
/* What every answer to a browser carries: no script, no frame, no referrer, no copy. */
#include "core/connect_private.h"
#include "core/metrics.h"

#define POLICY                                                                    \
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; " \
    "frame-ancestors 'none'"
#define COOKIE_S "1800" /* longer than a link and a consent at its end */

static bool is_tls(const struct gateway *gateway)
{
    return slice_starts(gateway->parts.config->public_url, SLICE("https://"));
}

/* RFC 6265bis section 4.1.3.2: the prefix asks for Secure, which plain http on loopback
 * cannot have. */
static const char *cookie_name(const struct gateway *gateway)
{
    return is_tls(gateway) ? "__Host-sluice-connect" : "sluice-connect";
}

struct slice connect_cookie_of(const struct connect *connect)
{
    const struct http_field *field = http_request_field(connect->request, "cookie");
    struct slice rest = field != NULL ? field->value : SLICE_EMPTY;
    while (rest.len > 0) {
        ptrdiff_t end = slice_find(rest, ';');
        struct slice pair = end < 0 ? rest : slice_of(rest.ptr, (size_t)end);
        rest = end < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)end + 1);
        pair = slice_trim(pair);
        ptrdiff_t equals = slice_find(pair, '=');
        if (equals > 0 && slice_is(slice_of(pair.ptr, (size_t)equals),
                                   cookie_name(connect->gateway))) {
            struct slice value = slice_from(pair, (size_t)equals + 1);
            return value.len == CONNECT_TOKEN_CHARACTERS ? value : SLICE_EMPTY;
        }
    }
    return SLICE_EMPTY;
}

static struct slice set_cookie(const struct connect *connect)
{
    return arena_printf(connect->arena,
                        "%s=%.*s; Path=/; Max-Age=" COOKIE_S "; HttpOnly; "
                        "SameSite=Lax%s",
                        cookie_name(connect->gateway), SLICE_ARG(connect->browser),
                        is_tls(connect->gateway) ? "; Secure" : "");
}

static void respond(struct connect *connect, int status, struct slice type,
                    struct slice body, const struct http_field *extra)
{
    struct http_field fields[12] = {
        {SLICE("Content-Security-Policy"), SLICE(POLICY)},
        {SLICE("X-Frame-Options"), SLICE("DENY")},
        {SLICE("Referrer-Policy"), SLICE("no-referrer")},
        {SLICE("X-Content-Type-Options"), SLICE("nosniff")},
        {SLICE("Cross-Origin-Opener-Policy"), SLICE("same-origin")},
        {SLICE("X-Robots-Tag"), SLICE("noindex")},
        {SLICE("Cache-Control"), SLICE("no-store")},
    };
    size_t count = 7;
    if (type.len > 0) {
        fields[count++] = (struct http_field){SLICE("Content-Type"), type};
    }
    if (extra != NULL) {
        fields[count++] = *extra;
    }
    if (status == 405) { /* RFC 9110 section 15.5.6 */
        fields[count++] =
            (struct http_field){SLICE("Allow"), slice_str(connect->allow)};
    }
    if (connect->gives_browser) {
        fields[count++] = (struct http_field){SLICE("Set-Cookie"), set_cookie(connect)};
    }
    const struct http_response response = {status, fields, count, body};
    metrics_http(connect->gateway->metrics, status);
    http_respond(connect->exchange, &response);
}

void connect_respond(struct connect *connect, int status, struct buf *html)
{
    bool is_whole = !buf_full(html);
    respond(connect, is_whole ? status : 500, SLICE("text/html; charset=utf-8"),
            is_whole ? buf_slice(html) : SLICE("This page became too large.\n"), NULL);
    buf_free(html);
}

void connect_respond_style(struct connect *connect, struct slice css)
{
    respond(connect, 200, SLICE("text/css; charset=utf-8"), css, NULL);
}

/* RFC 9110 section 15.4.4: whatever was sent, the next is a GET. */
void connect_redirect(struct connect *connect, struct slice path)
{
    const struct http_field location = {SLICE("Location"), path};
    respond(connect, 303, SLICE_EMPTY, SLICE_EMPTY, &location);
}

struct slice connect_path(const struct connect *connect, struct slice rest)
{
    struct slice url = connect->gateway->parts.config->public_url;
    size_t authority = is_tls(connect->gateway) ? 8 : 7; /* behind "https://" */
    struct slice behind = slice_from(url, authority);
    ptrdiff_t slash = slice_find(behind, '/');
    struct slice base = slash < 0 ? SLICE_EMPTY : slice_from(behind, (size_t)slash);
    return arena_printf(connect->arena, "%.*s/connect/%.*s", SLICE_ARG(base),
                        SLICE_ARG(rest));
}
