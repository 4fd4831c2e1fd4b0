/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP answer under construction. */
#include "mocks/common/response.h"

#include <stdarg.h>
#include <stdio.h>

#define FIELDS_CEILING ((size_t)16 * 1024)
#define BODY_CEILING ((size_t)64 * 1024 * 1024)

struct reason {
    int status;
    const char *text;
};

static const struct reason reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "Status";
}

void response_init(struct response *response)
{
    *response = (struct response){.status = 200};
    buf_init(&response->fields, FIELDS_CEILING);
    buf_init(&response->body, BODY_CEILING);
}

void response_free(struct response *response)
{
    buf_free(&response->fields);
    buf_free(&response->body);
}

void response_reset(struct response *response, int status)
{
    response_free(response);
    response->status = status;
    response->close = false;
    response->fields.full = false;
    response->body.full = false;
}

void response_field(struct response *response, const char *name, const char *format,
                    ...)
{
    char value[1024];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(value, sizeof value, format, args);
    va_end(args);
    REQUIRE(length >= 0 && (size_t)length < sizeof value);
    buf_printf(&response->fields, "%s: %s\r\n", name, value);
}

void response_replace_field(struct response *response, struct slice name,
                            struct slice value)
{
    struct buf kept;
    buf_init(&kept, FIELDS_CEILING);
    struct slice rest = buf_slice(&response->fields);
    while (rest.len > 0) {
        size_t end = (size_t)slice_find(rest, '\n') + 1;
        struct slice line = slice_of(rest.ptr, end);
        struct slice found = slice_of(line.ptr, (size_t)slice_find(line, ':'));
        if (!slice_eq_nocase(found, name)) {
            buf_append(&kept, line);
        }
        rest = slice_from(rest, end);
    }
    buf_printf(&kept, "%.*s: %.*s\r\n", SLICE_ARG(name), SLICE_ARG(value));
    buf_free(&response->fields);
    response->fields = kept;
}

void response_plain(struct response *response, int status, const char *type,
                    struct slice body)
{
    response_reset(response, status);
    response_field(response, "content-type", "%s", type);
    buf_append(&response->body, body);
}

static bool has_body(int status)
{
    return status != 204 && status != 304 && status >= 200;
}

void response_render_head(const struct response *response, struct buf *out)
{
    if (buf_full(&response->fields) || buf_full(&response->body)) {
        buf_printf(out, "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n");
        buf_printf(out, "connection: close\r\n\r\n");
        return;
    }
    buf_printf(out, "HTTP/1.1 %d %s\r\n", response->status,
               reason_of(response->status));
    buf_append(out, buf_slice(&response->fields));
    if (has_body(response->status)) {
        buf_printf(out, "content-length: %zu\r\n", response->body.len);
    }
    buf_printf(out, "connection: %s\r\n\r\n", response->close ? "close" : "keep-alive");
}
