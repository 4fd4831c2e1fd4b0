/* SPDX-License-Identifier: Apache-2.0 */
/* limit and offset, and the links of a page. */
#include "mocks/netsuite/paging.h"

#include "mocks/netsuite/answers.h"

#define MAX_LIMIT 1000
#define MAX_ROWS 100000

static bool refuse(struct response *response, const char *param, struct slice detail)
{
    struct answer_detail error = {"INVALID_PARAMETER", detail, "o:errorQueryParam",
                                  slice_str(param)};
    answer_error(response, 400, &error);
    return false;
}

static bool read_number(struct http_exchange *x, const char *name, long long *out)
{
    struct slice text = SLICE_EMPTY;
    unsigned long long number = 0;
    if (!answer_param(x, name, &text)) {
        return true;
    }
    if (!slice_to_u64(text, &number)) {
        return false;
    }
    *out = (long long)number;
    return true;
}

bool paging_read(struct http_exchange *x, struct response *response, struct paging *out)
{
    *out = (struct paging){MAX_LIMIT, 0};
    if (!read_number(x, "limit", &out->limit) || out->limit < 1 ||
        out->limit > MAX_LIMIT) {
        return refuse(
            response, "limit",
            SLICE("Provide a valid value for limit: a number from 1 to 1000."));
    }
    if (!read_number(x, "offset", &out->offset) || out->offset % out->limit != 0) {
        return refuse(response, "offset",
                      SLICE("Provide a valid value for offset. The offset must be "
                            "divisible by the limit."));
    }
    if (out->offset / out->limit >= MAX_LIMIT || out->offset >= MAX_ROWS) {
        return refuse(response, "offset",
                      SLICE("Provide a valid value for offset. At most 1000 pages and "
                            "100000 results can be read."));
    }
    return true;
}

static struct slice page_url(struct http_exchange *x, long long limit, long long offset)
{
    struct slice path = exchange_request(x)->path;
    return arena_printf(exchange_arena(x), "%.*s%.*s?limit=%lld&offset=%lld",
                        SLICE_ARG(answer_origin(x)), SLICE_ARG(path), limit, offset);
}

static void add(struct http_exchange *x, struct buf *out, const char *rel,
                struct slice href, const char *method)
{
    buf_append(out, out->len > 1 ? SLICE(",") : SLICE_EMPTY);
    buf_append(out, answer_link(exchange_arena(x), rel, href, method));
}

struct slice paging_links(struct http_exchange *x, const struct paging *paging,
                          long long total, const char *method)
{
    struct buf out;
    buf_init(&out, 65536);
    long long limit = paging->limit;
    long long offset = paging->offset;
    long long last = total > 0 ? (total - 1) / limit * limit : 0;
    buf_append_byte(&out, '[');
    if (offset > 0) {
        long long before = offset > last + limit ? last : offset - limit;
        add(x, &out, "previous", page_url(x, limit, before), method);
        add(x, &out, "first", page_url(x, limit, 0), method);
    }
    if (offset + limit < total) {
        add(x, &out, "next", page_url(x, limit, offset + limit), method);
        add(x, &out, "last", page_url(x, limit, last), method);
    }
    struct slice self =
        arena_printf(exchange_arena(x), "%.*s%.*s", SLICE_ARG(answer_origin(x)),
                     SLICE_ARG(exchange_request(x)->target));
    add(x, &out, "self", self, method);
    buf_append_byte(&out, ']');
    struct slice text = arena_slice(exchange_arena(x), buf_slice(&out));
    buf_free(&out);
    return text;
}
