/* SPDX-License-Identifier: Apache-2.0 */
/* Account-specific hosts. */
#include "mocks/netsuite/hosts.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool ends_with(struct slice text, struct slice end)
{
    return text.len >= end.len &&
           slice_eq_nocase(slice_from(text, text.len - end.len), end);
}

struct slice host_form(struct arena *arena, const char *account_id)
{
    struct slice text = slice_str(account_id);
    char *form = arena_copy(arena, text);
    for (size_t i = 0; i < text.len; i++) {
        form[i] = form[i] == '_' ? '-' : lower(form[i]);
    }
    return slice_of(form, text.len);
}

bool host_is_for(struct http_exchange *x, const char *account_id)
{
    struct slice host = exchange_header(x, "host");
    ptrdiff_t colon = slice_find(host, ':');
    host = colon < 0 ? host : slice_of(host.ptr, (size_t)colon);
    ptrdiff_t dot = slice_find(host, '.');
    if (dot < 0 || (!ends_with(host, SLICE(".netsuite.com")) &&
                    !ends_with(host, SLICE(".localhost")))) {
        return true;
    }
    struct slice label = slice_of(host.ptr, (size_t)dot);
    bool neutral = slice_eq_nocase(label, SLICE("system")) ||
                   slice_eq_nocase(label, SLICE("rest")) ||
                   slice_eq_nocase(label, SLICE("webservices"));
    return neutral || slice_eq_nocase(label, host_form(exchange_arena(x), account_id));
}
