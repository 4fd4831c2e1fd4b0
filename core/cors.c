/* SPDX-License-Identifier: Apache-2.0 */
/* The lists are those of the MCP transport's fields; patterns do not exist in them, so the names of
 * Mcp-Param-* are taken from the question. */
#include "core/cors.h"

#include "base/buf.h"

#define EXPOSED                                                            \
    "ratelimit-limit, ratelimit-remaining, ratelimit-reset, Retry-After, " \
    "Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, WWW-Authenticate"
#define TAKEN                                                                 \
    "Content-Type, Accept, Authorization, MCP-Protocol-Version, Mcp-Method, " \
    "Mcp-Name, Mcp-Session-Id, Last-Event-ID, traceparent, tracestate, baggage"
#define MAX_AGE_S "7200"
#define TAKEN_BYTES 4096

void cors_allow(struct http_exchange *exchange)
{
    const struct http_field *origin =
        http_request_field(http_exchange_request(exchange), "origin");
    if (origin == NULL) {
        return;
    }
    http_exchange_add_field(exchange, SLICE("Access-Control-Allow-Origin"),
                            origin->value);
    http_exchange_add_field(exchange, SLICE("Vary"), SLICE("Origin"));
    http_exchange_add_field(exchange, SLICE("Access-Control-Expose-Headers"),
                            SLICE(EXPOSED));
}

static bool is_param_name(struct slice name)
{
    const struct slice prefix = SLICE("mcp-param-");
    if (name.len <= prefix.len ||
        !slice_eq_nocase(slice_of(name.ptr, prefix.len), prefix)) {
        return false;
    }
    for (size_t i = prefix.len; i < name.len; i++) {
        char c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!plain) {
            return false;
        }
    }
    return true;
}

/* TAKEN and the parameters that were asked for. */
static struct slice taken_fields(const struct http_request *request,
                                 struct arena *arena)
{
    const struct http_field *asked =
        http_request_field(request, "access-control-request-headers");
    struct slice rest = asked != NULL ? asked->value : SLICE_EMPTY;
    struct buf names;
    buf_init(&names, TAKEN_BYTES);
    buf_append(&names, SLICE(TAKEN));
    while (rest.len > 0) {
        ptrdiff_t comma = slice_find(rest, ',');
        size_t end = comma < 0 ? rest.len : (size_t)comma;
        struct slice name = slice_trim(slice_of(rest.ptr, end));
        rest = slice_from(rest, end + 1);
        if (is_param_name(name) && names.len + name.len + 2 <= TAKEN_BYTES) {
            buf_append(&names, SLICE(", "));
            buf_append(&names, name);
        }
    }
    struct slice text = arena_slice(arena, buf_slice(&names));
    buf_free(&names);
    return text;
}

void cors_answer_options(struct http_exchange *exchange, struct slice allow,
                         struct slice readable)
{
    const struct http_request *request = http_exchange_request(exchange);
    bool is_preflight =
        http_request_field(request, "origin") != NULL &&
        http_request_field(request, "access-control-request-method") != NULL;
    const struct http_field fields[] = {
        {SLICE("Allow"), allow},
        {SLICE("Cache-Control"), SLICE("no-store")},
        {SLICE("Access-Control-Allow-Methods"), readable},
        {SLICE("Access-Control-Allow-Headers"),
         taken_fields(request, http_exchange_arena(exchange))},
        {SLICE("Access-Control-Max-Age"), SLICE(MAX_AGE_S)},
    };
    const struct http_response response = {
        204, fields, is_preflight ? sizeof fields / sizeof fields[0] : 2, SLICE_EMPTY};
    http_respond(exchange, &response);
}
