/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/login_key.h"

#include "auth/keys_private.h"
#include "auth/outbound_private.h"
#include "auth/token_hosts.h"
#include "base/buf.h"
#include "base/require.h"
#include "base/text.h"
#include "base/web_origin.h"

#define PURPOSE "sluice key: login 2 "
#define LOGIN_BYTES ((size_t)256 * 1024) /* all fields of a scheme, and more */

static void put_part(struct buf *text, struct slice part)
{
    buf_printf(text, "%zu:", part.len);
    buf_append(text, part);
}

static struct slice digest(const struct keys *keys, struct buf *text,
                           struct arena *arena)
{
    unsigned char code[KEY_BYTES];
    keys_mac(keys, buf_slice(text), code);
    struct slice hex = text_hex(arena, slice_of((const char *)code, sizeof code));
    wipe(code, sizeof code);
    buf_free(text);
    return hex;
}

/* Of a path the first segment: whoever may add more to it ("/s4/a", "/s4/b") would have a new user
 * each time. */
static struct slice first_segment(struct slice path)
{
    ptrdiff_t second = path.len > 0 ? slice_find(slice_from(path, 1), '/') : -1;
    return second < 0 ? path : slice_of(path.ptr, (size_t)second + 1);
}

/* The way there is no part of it, but where the host's name is good for some ways alone: virtual
 * hosts are those of one subaccount. */
static void put_place(struct buf *text, const struct login_place *place,
                      const struct credential *credential, struct arena *arena)
{
    const char *host_field = credential_scheme(credential)->lane_field;
    struct web_origin origin;
    REQUIRE(web_origin_parse(arena, place->origin, &origin));
    put_part(text, origin.host);
    buf_printf(text, "%d:", origin.port);
    put_part(text, place->realm);
    put_part(text, place->location);
    put_part(text, place->client);
    put_part(text, first_segment(place->path));
    put_part(text, host_field != NULL
                       ? token_host_name(credential_reveal(credential, host_field))
                       : SLICE_EMPTY);
}

/* In the scheme's order: how the fields came is no difference. */
struct slice login_key_whole(const struct keys *keys,
                             const struct credential *credential,
                             const struct login_place *place, struct arena *arena)
{
    const struct outbound_scheme *scheme = credential_scheme(credential);
    struct buf text;
    buf_init(&text, LOGIN_BYTES);
    buf_append(&text, SLICE(PURPOSE "whole "));
    put_part(&text, slice_str(scheme->name));
    put_place(&text, place, credential, arena);
    for (size_t i = 0; i < scheme->field_count; i++) {
        put_part(&text, credential_reveal(credential, scheme->fields[i].name));
    }
    return digest(keys, &text, arena);
}

/* SAP does not tell user names apart by their letters' case (transaction SU01 keeps capitals);
 * NetSuite's token ids are told apart by it. Blanks around a name are a slip of the hand. */
static struct slice folded(struct slice name, struct arena *arena)
{
    name = slice_trim(name);
    char *copy = arena_alloc(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++) {
        bool is_small = name.ptr[i] >= 'a' && name.ptr[i] <= 'z';
        copy[i] = (char)(is_small ? name.ptr[i] - 'a' + 'A' : name.ptr[i]);
    }
    return slice_of(copy, name.len);
}

struct slice login_key_user(const struct keys *keys,
                            const struct credential *credential,
                            const struct login_place *place, struct arena *arena)
{
    const struct outbound_scheme *scheme = credential_scheme(credential);
    struct slice user = scheme->user_field != NULL
                            ? credential_reveal(credential, scheme->user_field)
                            : SLICE_EMPTY;
    if (user.len == 0) {
        return login_key_whole(keys, credential, place, arena);
    }
    struct buf text;
    buf_init(&text, LOGIN_BYTES);
    buf_append(&text, SLICE(PURPOSE "user "));
    put_place(&text, place, credential, arena);
    put_part(&text, slice_is(slice_str(scheme->integration), "sap")
                        ? folded(user, arena)
                        : user);
    return digest(keys, &text, arena);
}
