/* SPDX-License-Identifier: Apache-2.0 */
/* Where a Redis is: two forms of URL, and no secret in either. */
#include "io/redis.h"

#include <string.h>

#define DEFAULT_PORT 6379
#define MOST_DATABASES 1023

static bool number_up_to(struct slice text, unsigned long long most, int *out)
{
    unsigned long long number = 0;
    if (!slice_to_u64(text, &number) || number > most) {
        return false;
    }
    *out = (int)number;
    return true;
}

/* Cuts `text` at the first `byte`; what follows it, or nothing. */
static struct slice cut(struct slice *text, char byte, bool *found)
{
    ptrdiff_t at = slice_find(*text, byte);
    struct slice rest = at < 0 ? SLICE_EMPTY : slice_from(*text, (size_t)at + 1);
    *found = at >= 0;
    *text = at < 0 ? *text : slice_of(text->ptr, (size_t)at);
    return rest;
}

static struct slice keep(struct slice text, char room[256], size_t at)
{
    slice_copy(room + at, text);
    room[at + text.len] = '\0';
    return slice_of(room + at, text.len);
}

static bool parse_unix(struct slice rest, char room[256], struct redis_address *out)
{
    bool has_query = false;
    struct slice query = cut(&rest, '?', &has_query);
    if (rest.len < 2 || rest.len > 107 || rest.ptr[0] != '/') { /* sun_path */
        return false;
    }
    out->path = keep(rest, room, 0);
    if (!has_query) {
        return true;
    }
    return slice_starts(query, SLICE("db=")) &&
           number_up_to(slice_from(query, 3), MOST_DATABASES, &out->database);
}

bool redis_parse_url(struct slice url, char room[256], struct redis_address *out)
{
    bool has_user = false, has_base = false, has_port = false;
    *out = (struct redis_address){.port = DEFAULT_PORT};
    if (url.len > 200 || memchr(url.ptr, '\0', url.len) != NULL) {
        return false;
    }
    if (slice_starts(url, SLICE("unix://"))) {
        return parse_unix(slice_from(url, 7), room, out);
    }
    if (!slice_starts(url, SLICE("redis://"))) {
        return false;
    }
    struct slice user = slice_from(url, 8);
    struct slice host = cut(&user, '@', &has_user);
    if (!has_user) {
        host = user;
        user = SLICE_EMPTY;
    }
    struct slice base = cut(&host, '/', &has_base);
    struct slice port;
    if (host.len > 0 && host.ptr[0] == '[') { /* an IPv6 address */
        bool is_closed = false;
        host = slice_from(host, 1);
        port = cut(&host, ']', &is_closed);
        has_port = port.len > 0;
        if (!is_closed || (has_port && port.ptr[0] != ':')) {
            return false;
        }
        port = slice_from(port, 1);
    } else {
        port = cut(&host, ':', &has_port);
    }
    if (host.len == 0 || slice_find(user, ':') >= 0 || (has_user && user.len == 0) ||
        (has_port && (!number_up_to(port, 65535, &out->port) || out->port == 0)) ||
        (base.len > 0 && !number_up_to(base, MOST_DATABASES, &out->database))) {
        return false;
    }
    out->host = keep(host, room, 0);
    out->user = user.len > 0 ? keep(user, room, host.len + 1) : SLICE_EMPTY;
    return true;
}
