/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NetSuite Token-Based Authentication: an OAuth 1.0a header over the request as it will
 * be sent. Oracle help, "The Signature for Web Services and RESTlets"; nonce and
 * timestamp, "TBA parameters".
 */
#include "auth/netsuite_private.h"
#include "auth/oauth1.h"
#include "auth/soap_passport.h"

#define NONCE_CHARACTERS 20

static const struct outbound_field fields[] = {
    {"consumer_key", true, true, 256},
    {"consumer_secret", true, true, 256},
    {"token_id", true, true, 256},
    {"token_secret", true, true, 256},
};

/* Letters and digits, each as likely: bytes past the last whole multiple of 62 are
 * drawn again. */
static struct slice new_nonce(struct random_stock *random, struct arena *arena)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char *nonce = arena_alloc(arena, NONCE_CHARACTERS + 1);
    size_t len = 0;
    while (len < NONCE_CHARACTERS) {
        unsigned char bytes[24];
        random_take(random, bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes && len < NONCE_CHARACTERS; i++) {
            if (bytes[i] < 248) {
                nonce[len++] = alphabet[bytes[i] % 62];
            }
        }
    }
    return slice_of(nonce, len);
}

static enum err sign_body(struct credential *credential,
                          struct outbound_request *request,
                          const struct outbound_means *means, struct slice timestamp,
                          struct arena *arena)
{
    const struct oauth1_passport passport = {
        .account = request->realm,
        .consumer_key = credential_reveal(credential, "consumer_key"),
        .consumer_secret = credential_reveal(credential, "consumer_secret"),
        .token = credential_reveal(credential, "token_id"),
        .token_secret = credential_reveal(credential, "token_secret"),
        .nonce = new_nonce(means->random, arena),
        .timestamp = timestamp,
    };
    return soap_passport_put(&passport, means->mac, request, arena);
}

static enum err sign(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena)
{
    struct oauth1_signature signature;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (credential_reveal(credential, fields[i].name).len == 0) {
            return ERR_NEEDS_REAUTH; /* five refused logins would lock the user */
        }
    }
    struct slice timestamp =
        arena_printf(arena, "%lld", (long long)(clock_wall_ms(means->clock) / 1000));
    if (request->passport_at > 0) {
        return sign_body(credential, request, means, timestamp, arena);
    }
    struct oauth1_request oauth = {
        .method = request->method,
        .url = request->url,
        .consumer_key = credential_reveal(credential, "consumer_key"),
        .consumer_secret = credential_reveal(credential, "consumer_secret"),
        .token = credential_reveal(credential, "token_id"),
        .token_secret = credential_reveal(credential, "token_secret"),
        .nonce = new_nonce(means->random, arena),
        .timestamp = timestamp,
        .has_token = true,
        .has_version = true,
        .signature_method = OAUTH1_HMAC_SHA256,
        .realm = request->realm,
    };
    enum err err = oauth1_sign(means->mac, &oauth, arena, &signature);
    if (err == ERR_OK) {
        outbound_add_field(request, SLICE("Authorization"), signature.header);
    }
    return err;
}

const struct outbound_scheme outbound_tba = {
    .name = "netsuite_tba",
    .signs_body = true,
    .integration = "netsuite",
    .lock_minutes = 30,       /* 5 failures: Oracle Help, "TBA login audit trail" */
    .user_field = "token_id", /* a token is one user's, in one role */
    .causes =
        "Probable causes, the most likely first: the account id in the connection is "
        "not the one the token belongs to (123456 and 123456_SB1 are two); consumer "
        "secret or token secret is wrong, so the signature does not fit; the token, "
        "its integration record or its user was revoked or disabled, or dropped by a "
        "sandbox refresh; the role lacks Log in using Access Tokens or REST Web "
        "Services; five failures have locked the user for 30 minutes. NetSuite's Login "
        "Audit Trail says which (Setup > Users/Roles > User Management > View Login "
        "Audit Trail, with the Detail column).",
    .clock_ms = 300000, /* Oracle Help, "Troubleshoot TBA" */
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = sign,
};
