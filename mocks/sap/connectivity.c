/* SPDX-License-Identifier: Apache-2.0 */
#include "mocks/sap/connectivity.h"

#include <stdio.h>
#include <string.h>

#include "mocks/common/control.h"
#include "mocks/common/json_in.h"
#include "mocks/sap/credentials.h"

#define LINE_BYTES_MAX ((size_t)8192)

void connectivity_init(struct connectivity *connectivity, const struct oauth *oauth,
                       const char *virtual_host, const char *location_id)
{
    *connectivity = (struct connectivity){.oauth = oauth, .connected = true};
    snprintf(connectivity->virtual_host, sizeof connectivity->virtual_host, "%s",
             virtual_host);
    snprintf(connectivity->location_id, sizeof connectivity->location_id, "%s",
             location_id);
}

bool connectivity_is_proxied(const struct http_request *request)
{
    return request->scheme.len > 0 || slice_is(request->method, "CONNECT");
}

struct slice connectivity_user_token(struct http_exchange *x)
{
    return bearer_token(exchange_header(x, "sap-connectivity-authentication"));
}

static bool say(struct response *response, int status, struct slice text)
{
    if (response != NULL) {
        response_plain(response, status, "text/plain;charset=utf-8", text);
        response->close = status == 405;
        if (status == 407) {
            response_field(response, "proxy-authenticate", "Bearer");
        }
    }
    return false;
}

/* "host:port"; http's port is 80. */
static bool names_host(struct arena *arena, struct slice authority, const char *host)
{
    struct slice full = slice_find(authority, ':') >= 0
                            ? authority
                            : arena_printf(arena, "%.*s:80", SLICE_ARG(authority));
    return slice_eq_nocase(full, slice_str(host));
}

bool connectivity_lets_through(const struct connectivity *connectivity,
                               struct http_exchange *x, struct response *response)
{
    const struct http_request *request = exchange_request(x);
    struct arena *arena = exchange_arena(x);
    struct slice token = bearer_token(exchange_header(x, "proxy-authorization"));
    struct slice location = exchange_header(x, "sap-connectivity-scc-location_id");
    if (!slice_is(request->scheme, "http")) {
        return say(response, 405, SLICE("Only http targets: the tunnel is encrypted."));
    }
    if (request->target.len + request->method.len + sizeof " HTTP/1.1" >
            LINE_BYTES_MAX ||
        exchange_longest_field(x) > LINE_BYTES_MAX) {
        return say(response, 400, SLICE("An HTTP line is longer than 8192 bytes."));
    }
    if (!oauth_lives(connectivity->oauth, token, FOR_CONNECTIVITY)) {
        return say(response, 407,
                   SLICE("Proxy-Authorization has no valid token of the connectivity "
                         "service."));
    }
    if (exchange_header(x, "sap-connectivity-authentication").len > 0 &&
        exchange_header(x, "authorization").len > 0) {
        return say(response, 400,
                   SLICE("Authorization and SAP-Connectivity-Authentication exclude "
                         "each other."));
    }
    if (!connectivity->connected || !slice_is(location, connectivity->location_id)) {
        return say(response, 503,
                   SLICE("There is no SAP Cloud Connector connected to your subaccount "
                         "with the requested location ID."));
    }
    if (!names_host(arena, request->authority, connectivity->virtual_host)) {
        return say(
            response, 403,
            arena_printf(
                arena, "Access denied to system %.*s",
                (int)(request->authority.len < 200 ? request->authority.len : 200),
                request->authority.ptr));
    }
    return true;
}

/* False: refused. */
static bool read_text(const json_t *body, const char *name, char *out,
                      struct response *response)
{
    struct slice text = json_in_text(body, name);
    if (json_object_get(body, name) == NULL) {
        return true;
    }
    if (!json_is_string(json_object_get(body, name)) ||
        text.len >= CONNECTIVITY_TEXT_BYTES) {
        control_refuse(response, 400,
                       "virtual_host and location_id must be texts of at most 200 "
                       "bytes");
        return false;
    }
    snprintf(out, CONNECTIVITY_TEXT_BYTES, "%.*s", SLICE_ARG(text));
    return true;
}

void connectivity_control(struct connectivity *connectivity, const json_t *body,
                          struct response *response)
{
    struct connectivity changed = *connectivity;
    const json_t *connected = json_object_get(body, "connected");
    if (!read_text(body, "virtual_host", changed.virtual_host, response) ||
        !read_text(body, "location_id", changed.location_id, response)) {
        return;
    }
    if (connected != NULL && !json_is_boolean(connected)) {
        control_refuse(response, 400, "connected must be true or false");
        return;
    }
    changed.connected = connected == NULL ? changed.connected : json_is_true(connected);
    *connectivity = changed;
    control_ok(response, json_pack("{s:b}", "ok", 1));
}
