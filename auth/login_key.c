/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/login_key.h"

#include "auth/keys_private.h"
#include "auth/outbound_private.h"
#include "base/buf.h"
#include "base/text.h"

#define PURPOSE "sluice key: login 1 "
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

/* In the scheme's order: how the fields came is no difference. */
struct slice login_key_whole(const struct keys *keys,
                             const struct credential *credential, struct slice lane,
                             struct arena *arena)
{
    const struct outbound_scheme *scheme = credential_scheme(credential);
    struct buf text;
    buf_init(&text, LOGIN_BYTES);
    buf_append(&text, SLICE(PURPOSE "whole "));
    put_part(&text, slice_str(scheme->name));
    put_part(&text, lane);
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
                            const struct credential *credential, struct slice lane,
                            struct arena *arena)
{
    const struct outbound_scheme *scheme = credential_scheme(credential);
    struct slice user = scheme->user_field != NULL
                            ? credential_reveal(credential, scheme->user_field)
                            : SLICE_EMPTY;
    if (user.len == 0) {
        return login_key_whole(keys, credential, lane, arena);
    }
    struct buf text;
    buf_init(&text, LOGIN_BYTES);
    buf_append(&text, SLICE(PURPOSE "user "));
    put_part(&text, lane);
    put_part(&text, slice_is(slice_str(scheme->integration), "sap")
                        ? folded(user, arena)
                        : user);
    return digest(keys, &text, arena);
}
