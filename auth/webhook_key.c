/* SPDX-License-Identifier: Apache-2.0 */
/* Derives the secrets of webhook endpoints and signs with them. */
#include "auth/webhook_key.h"

#include "auth/keys_private.h"
#include "base/text.h"

#define PURPOSE "sluice key: webhook endpoint 1 "

struct secret *webhook_key_derive(const struct keys *keys,
                                  const struct webhook_key *key)
{
    unsigned char bytes[KEY_BYTES];
    struct arena *arena = arena_new();
    keys_mac(keys,
             arena_printf(arena, PURPOSE "%lld %.*s", (long long)key->version,
                          SLICE_ARG(key->endpoint)),
             bytes);
    arena_free(arena);
    struct secret *secret = secret_new(slice_of((const char *)bytes, sizeof bytes));
    wipe(bytes, sizeof bytes);
    return secret;
}

struct slice webhook_key_text(const struct secret *secret, struct arena *arena)
{
    return arena_printf(arena, "whsec_%.*s",
                        SLICE_ARG(text_base64(arena, secret_reveal(secret))));
}

struct slice webhook_signature(struct mac *mac, const struct secret *secret,
                               struct slice id, int64_t seconds, struct slice body,
                               struct arena *arena)
{
    unsigned char code[MAC_BYTES];
    struct slice text = arena_printf(arena, "%.*s.%lld.%.*s", SLICE_ARG(id),
                                     (long long)seconds, SLICE_ARG(body));
    size_t bytes = mac_compute(mac, MAC_SHA256, secret_reveal(secret), text, code);
    return arena_printf(
        arena, "v1,%.*s",
        SLICE_ARG(text_base64(arena, slice_of((const char *)code, bytes))));
}
