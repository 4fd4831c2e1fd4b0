/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of the management API ask of a request: its query, its members, its account. */
#include "base/jmerge.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "core/admin_private.h"

#define EXPIRY_AHEAD_MS 60000

bool admin_may_touch(const struct admin *admin, struct slice tenant)
{
    return admin->who.role == ROLE_ADMIN || slice_eq(admin->who.tenant, tenant);
}

struct slice admin_query(const struct admin *admin, const char *name)
{
    struct slice rest = http_exchange_request(admin->exchange)->query;
    while (rest.len > 0) {
        ptrdiff_t end = slice_find(rest, '&');
        struct slice pair = end < 0 ? rest : slice_of(rest.ptr, (size_t)end);
        rest = end < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)end + 1);
        ptrdiff_t equals = slice_find(pair, '=');
        size_t name_len = equals < 0 ? pair.len : (size_t)equals;
        struct slice value = SLICE_EMPTY;
        if (slice_is(slice_of(pair.ptr, name_len), name) &&
            text_unpercent(admin->arena, slice_from(pair, name_len + 1), &value)) {
            return value;
        }
    }
    return SLICE_EMPTY;
}

bool admin_page_ask(struct admin *admin, struct admin_page *page)
{
    struct slice text = admin_query(admin, "limit");
    unsigned long long value = 50;
    if (text.len > 0 &&
        (!slice_to_u64(text, &value) || value < 1 || value > LIMIT_PAGE)) {
        return admin_unprocessable(admin, SLICE("?limit"),
                                   "a whole number from 1 to 200 is needed");
    }
    page->limit = (size_t)value;
    page->after = admin_query(admin, "cursor");
    return true;
}

bool admin_tries_now(struct admin *admin, bool *tries_now)
{
    *tries_now = slice_is(admin_query(admin, "try_now"), "true");
    if (*tries_now && admin->who.role != ROLE_ADMIN) {
        admin_error(admin, ERR_FORBIDDEN,
                    SLICE("try_now needs an API token of the role admin: each trial of "
                          "a wrong login brings its user closer to being locked."));
        return false;
    }
    if (*tries_now && slice_is(admin_query(admin, "verify"), "false")) {
        return admin_unprocessable(admin, SLICE("?try_now"),
                                   "it says that the login is tried though its user "
                                   "was refused, and verify=false that it is not: "
                                   "leave out one of them");
    }
    return true;
}

bool admin_only(struct admin *admin, const char *const *allowed)
{
    for (size_t i = 0; i < admin->body->count; i++) {
        struct slice name = admin->body->members[i].name;
        size_t k = 0;
        while (allowed[k] != NULL && !slice_is(name, allowed[k])) {
            k++;
        }
        if (allowed[k] == NULL) {
            size_t shown = name.len < 40 ? name.len : 40;
            return admin_unprocessable(
                admin, arena_printf(admin->arena, "/%.*s", (int)shown, name.ptr),
                "there is no such member");
        }
    }
    return true;
}

bool admin_text(struct admin *admin, const char *name, bool required, size_t max,
                struct slice *out)
{
    const struct jval *value = jval_get(admin->body, name);
    struct slice pointer = arena_printf(admin->arena, "/%s", name);
    *out = SLICE_EMPTY;
    if (value == NULL) {
        return required ? admin_unprocessable(admin, pointer, "is needed") : true;
    }
    if (value->type != JVAL_STRING || value->text.len == 0 || value->text.len > max) {
        struct slice message =
            arena_printf(admin->arena, "a text of 1 to %zu bytes is needed", max);
        return admin_unprocessable(admin, pointer, message.ptr);
    }
    *out = value->text;
    return true;
}

bool admin_is_name(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':' ||
                     c == '-';
        if (!plain) {
            return false;
        }
    }
    return text.len > 0 && text.len <= ADMIN_NAME_BYTES;
}

bool admin_name(struct admin *admin, const char *name, bool required, struct slice *out)
{
    if (!admin_text(admin, name, required, ADMIN_NAME_BYTES, out)) {
        return false;
    }
    if (out->len > 0 && !admin_is_name(*out)) {
        return admin_unprocessable(admin, arena_printf(admin->arena, "/%s", name),
                                   "letters, digits and _ . : - are allowed");
    }
    return true;
}

bool admin_ceiling_value(struct admin *admin, const struct jval *value,
                         const char *pointer, int *out)
{
    long long number = 0;
    *out = 0;
    if (value->type == JVAL_NULL) {
        return true;
    }
    if (!jval_int64(value, &number) || number < 1 || number > LIMIT_CEILING) {
        return admin_unprocessable(
            admin, arena_printf(admin->arena, "%s/ceiling", pointer),
            "a whole number from 1 to 1000, or null for none, is needed");
    }
    *out = (int)number;
    return true;
}

bool admin_ceiling(struct admin *admin, const struct jval *object, const char *pointer,
                   int *out)
{
    const struct jval *value = jval_get(object, "ceiling");
    *out = 0;
    if (object == NULL || object->type != JVAL_OBJECT || object->count != 1 ||
        value == NULL) {
        return admin_unprocessable(admin, slice_str(pointer),
                                   "an object with ceiling is needed");
    }
    return admin_ceiling_value(admin, value, pointer, out);
}

bool admin_number(struct admin *admin, const char *name, long long least,
                  long long most, long long otherwise, long long *out)
{
    const struct jval *value = jval_get(admin->body, name);
    *out = otherwise;
    if (value == NULL || (jval_int64(value, out) && *out >= least && *out <= most)) {
        return true;
    }
    struct slice message = arena_printf(
        admin->arena, "a whole number from %lld to %lld is needed", least, most);
    return admin_unprocessable(admin, arena_printf(admin->arena, "/%s", name),
                               message.ptr);
}

const struct jval *admin_merge(struct admin *admin, const char *name,
                               struct slice stored)
{
    static const struct jval nothing = {.type = JVAL_OBJECT};
    const struct jval *patch = jval_get(admin->body, name);
    struct jval *before = NULL;
    if (stored.len > 0 && jval_parse(admin->arena, stored, &before, NULL) != ERR_OK) {
        admin_error(admin, ERR_INTERNAL, SLICE_EMPTY);
        return NULL;
    }
    if (patch == NULL) {
        return before != NULL ? before : &nothing;
    }
    if (patch->type == JVAL_NULL) {
        return &nothing;
    }
    if (patch->type != JVAL_OBJECT) {
        admin_unprocessable(admin, arena_printf(admin->arena, "/%s", name),
                            "an object, or null for an empty one, is needed");
        return NULL;
    }
    return jmerge(admin->arena, before, patch);
}

bool admin_expires_at(struct admin *admin, enum admin_expiry *kind, int64_t *at_ms)
{
    const struct jval *value = jval_get(admin->body, "expires_at");
    *kind = EXPIRY_ABSENT;
    *at_ms = 0;
    if (value == NULL) {
        return true;
    }
    if (value->type == JVAL_NULL) {
        *kind = EXPIRY_NEVER;
        return true;
    }
    if (value->type != JVAL_STRING || !timefmt_parse(value->text, at_ms)) {
        return admin_unprocessable(
            admin, SLICE("/expires_at"),
            "a time such as 2027-01-31T12:00:00Z, or null for never, is needed");
    }
    if (*at_ms < gateway_wall_ms(admin->gateway) + EXPIRY_AHEAD_MS) {
        return admin_unprocessable(admin, SLICE("/expires_at"),
                                   "lies less than 60 seconds ahead");
    }
    *kind = EXPIRY_AT;
    return true;
}

bool admin_load_account(struct admin *admin, struct store_account *out)
{
    enum err err = store_get_account(admin->gateway->parts.store, admin->ids[0],
                                     admin->arena, out);
    if (err == ERR_OK && admin_may_touch(admin, out->tenant)) {
        return true;
    }
    /* Another tenant's account looks exactly like none. */
    admin_error(admin, err == ERR_IO ? ERR_IO : ERR_NOT_FOUND,
                err == ERR_IO ? SLICE_EMPTY : SLICE("There is no such account."));
    return false;
}
