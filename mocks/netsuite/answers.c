/* SPDX-License-Identifier: Apache-2.0 */
/* How NetSuite answers. */
#include "mocks/netsuite/answers.h"

#include <openssl/rand.h>
#include <stdio.h>

static void write_uuid(char *text, size_t room)
{
    unsigned char b[16];
    REQUIRE(RAND_bytes(b, (int)sizeof b) == 1);
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    snprintf(text, room,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
             b[12], b[13], b[14], b[15]);
}

static void common_fields(struct response *response)
{
    char uuid[40];
    write_uuid(uuid, sizeof uuid);
    response_field(response, "x-n-operationid", "%s", uuid);
    write_uuid(uuid, sizeof uuid);
    response_field(response, "x-netsuite-jobid", "%s", uuid);
    response_field(response, "cache-control", "No-Cache");
    response_field(response, "pragma", "No-Cache");
    response_field(response, "expires", "0");
    response_field(response, "strict-transport-security", "max-age=31536000");
    response_field(response, "x-content-type-options", "nosniff");
    response_field(response, "vary", "User-Agent, Accept-Encoding");
}

void answer_start(struct response *response, int status, const char *type)
{
    response_reset(response, status);
    response_field(response, "content-type",
                   "application/vnd.oracle.resource+json; type=%s; charset=UTF-8",
                   type);
    common_fields(response);
}

/* Titles and sections of RFC 9110 that the error bodies point to. */
static const struct {
    int status;
    const char *title;
    const char *section;
} kinds[] = {
    {400, "Bad Request", "15.5.1"},         {401, "Unauthorized", "15.5.2"},
    {403, "Forbidden", "15.5.4"},           {404, "Not Found", "15.5.5"},
    {405, "Method Not Allowed", "15.5.6"},  {415, "Unsupported Media Type", "15.5.16"},
    {429, "Too Many Requests", "15.5"},     {500, "Internal Server Error", "15.6.1"},
    {503, "Service Unavailable", "15.6.4"},
};

static size_t kind_of(int status)
{
    size_t i = 0;
    while (i + 1 < sizeof kinds / sizeof *kinds && kinds[i].status != status) {
        i++;
    }
    return i;
}

/* Members stand in NetSuite's own order here, not sorted. */
void answer_error(struct response *response, int status,
                  const struct answer_detail *detail)
{
    size_t kind = kind_of(status);
    answer_start(response, status, "error");
    response->close = true;
    struct buf *out = &response->body;
    buf_printf(out,
               "{\"type\":\"https://www.rfc-editor.org/rfc/rfc9110.html#section-%s\","
               "\"title\":\"%s\",\"status\":%d,\"o:errorDetails\":[{\"detail\":",
               kinds[kind].section, kinds[kind].title, status);
    json_out_string(out, detail->detail);
    if (detail->member != NULL) {
        buf_printf(out, ",\"%s\":", detail->member);
        json_out_string(out, detail->value);
    }
    buf_printf(out, ",\"o:errorCode\":\"%s\"}]}", detail->code);
}

void answer_restlet_error(struct response *response, int status, const char *code,
                          const char *message)
{
    response_reset(response, status);
    response_field(response, "content-type", "application/json; charset=utf-8");
    common_fields(response);
    response->close = true;
    buf_printf(&response->body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}",
               code, message);
}

struct slice answer_origin(struct http_exchange *x)
{
    struct slice host = exchange_header(x, "host");
    return arena_printf(exchange_arena(x), "http://%.*s", SLICE_ARG(host));
}

struct slice answer_link(struct arena *arena, const char *rel, struct slice href,
                         const char *method)
{
    struct buf out;
    buf_init(&out, 16384);
    buf_printf(&out, "{\"rel\":\"%s\",\"href\":", rel);
    json_out_string(&out, href);
    if (method != NULL) {
        buf_printf(&out, ",\"method\":\"%s\"", method);
    }
    buf_append_byte(&out, '}');
    struct slice text = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return text;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static struct slice decode(struct arena *arena, struct slice text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t used = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool escaped = text.ptr[i] == '%' && i + 2 < text.len &&
                       hex_value(text.ptr[i + 1]) >= 0 &&
                       hex_value(text.ptr[i + 2]) >= 0;
        out[used++] =
            escaped
                ? (char)(hex_value(text.ptr[i + 1]) * 16 + hex_value(text.ptr[i + 2]))
                : text.ptr[i];
        i += escaped ? 2 : 0;
    }
    return slice_of(out, used);
}

bool answer_param(struct http_exchange *x, const char *name, struct slice *value)
{
    struct slice rest = exchange_request(x)->query;
    while (rest.len > 0) {
        ptrdiff_t end = slice_find(rest, '&');
        struct slice part = end < 0 ? rest : slice_of(rest.ptr, (size_t)end);
        rest = end < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)end + 1);
        ptrdiff_t equals = slice_find(part, '=');
        struct slice found = equals < 0 ? part : slice_of(part.ptr, (size_t)equals);
        if (slice_is(found, name)) {
            *value = equals < 0 ? SLICE_EMPTY
                                : decode(exchange_arena(x),
                                         slice_from(part, (size_t)equals + 1));
            return true;
        }
    }
    return false;
}
