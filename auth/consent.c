/* SPDX-License-Identifier: Apache-2.0 */
/* The authorization code grant, from the address of the consent page to the tokens. */
#include "auth/consent.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "auth/outbound_private.h"
#include "base/buf.h"
#include "base/text.h"

#define VERIFIER_BYTES 32
#define URL_BYTES ((size_t)8 * 1024)
#define FORM_BYTES ((size_t)128 * 1024)

bool consent_is_way_of(const struct outbound_scheme *scheme)
{
    return scheme->consent != NULL;
}

/* ---- To the ERP ---- */

struct slice consent_new_verifier(struct arena *arena)
{
    char bytes[VERIFIER_BYTES];
    random_bytes(bytes, sizeof bytes);
    struct slice verifier = text_hex(arena, slice_of(bytes, sizeof bytes));
    wipe(bytes, sizeof bytes);
    return verifier;
}

/* RFC 7636 section 4.2, S256. */
static struct slice challenge_of(struct slice verifier, struct arena *arena)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    REQUIRE(EVP_Digest(verifier.ptr, verifier.len, digest, &len, EVP_sha256(), NULL) ==
            1);
    return text_base64url(arena, slice_of((const char *)digest, len));
}

static void put_parameter(struct buf *out, const char *name, struct slice value)
{
    buf_printf(out, "&%s=", name);
    text_percent(out, value);
}

struct slice consent_url(const struct credential *credential,
                         const struct consent_request *request, struct arena *arena)
{
    const struct outbound_consent *consent = credential_scheme(credential)->consent;
    struct buf url;
    REQUIRE(consent != NULL);
    buf_init(&url, URL_BYTES);
    buf_append(&url, request->origin);
    buf_printf(&url, "%s?response_type=code", consent->authorize_path);
    put_parameter(&url, "client_id", credential_reveal(credential, "client_id"));
    put_parameter(&url, "redirect_uri", request->redirect_uri);
    put_parameter(&url, "scope", slice_str(consent->scope));
    put_parameter(&url, "state", request->state);
    put_parameter(&url, "code_challenge", challenge_of(request->verifier, arena));
    put_parameter(&url, "code_challenge_method", SLICE("S256"));
    struct slice text = arena_slice(arena, buf_slice(&url));
    buf_free(&url);
    return text;
}

/* ---- Back ---- */

static enum err ask(const struct credential *credential, const char *path,
                    struct slice form, const struct grant_request_handlers *handlers,
                    struct grant_request **out)
{
    const struct token_means *means = credential_means(credential);
    struct arena *arena = arena_new();
    const struct grant_client client = {
        .url = arena_printf(arena, "%.*s%s", SLICE_ARG(means->origin), path),
        .client_id = credential_reveal(credential, "client_id"),
        .client_secret = credential_reveal(credential, "client_secret"),
    };
    enum err err =
        grant_request_send(tokens_hosts(means->tokens), &client, form, handlers, out);
    arena_free(arena);
    return err;
}

enum err consent_redeem(const struct credential *credential,
                        const struct consent_code *code,
                        const struct grant_request_handlers *handlers,
                        struct grant_request **out)
{
    const struct outbound_consent *consent = credential_scheme(credential)->consent;
    struct buf form;
    buf_init(&form, FORM_BYTES);
    buf_append(&form, SLICE("grant_type=authorization_code"));
    put_parameter(&form, "code", code->code);
    put_parameter(&form, "redirect_uri", code->redirect_uri);
    put_parameter(&form, "code_verifier", code->verifier);
    enum err err =
        ask(credential, consent->token_path, buf_slice(&form), handlers, out);
    buf_free(&form);
    return err;
}

static enum err fetch_nothing(void *state, struct token_source *source, bool urgent)
{
    (void)state;
    (void)source;
    (void)urgent;
    return ERR_NEEDS_REAUTH;
}

static void nothing_to_free(void *state)
{
    (void)state;
}

/* A token that was given, once: where it is refused there is no other. */
static const struct token_way by_trial = {
    .name = "trial",
    .fetch = fetch_nothing,
    .hurry = nothing_to_free,
    .free = nothing_to_free,
    .renews = true,
};

void consent_try(struct credential *credential, const struct token_answer *answer)
{
    const struct token_means *means = credential_means(credential);
    struct arena *arena = arena_new();
    struct slice id = text_new_id(arena, "trial ");
    struct token_source *source = tokens_add(means->tokens, id, &by_trial, NULL);
    token_source_set(source, answer->token,
                     clock_wall_ms(tokens_clock(means->tokens)) + answer->life_ms);
    credential_take_source(credential, source);
    arena_free(arena);
}

void consent_give_back(const struct credential *credential,
                       const struct token_answer *answer)
{
    const struct outbound_consent *consent = credential_scheme(credential)->consent;
    const struct grant_request_handlers nobody = {.on_done = NULL};
    struct grant_request *request = NULL;
    struct buf form;
    if (answer->refresh.len == 0) {
        return;
    }
    buf_init(&form, FORM_BYTES);
    buf_append(&form, SLICE("token="));
    text_percent(&form, answer->refresh);
    enum err err =
        ask(credential, consent->revoke_path, buf_slice(&form), &nobody, &request);
    (void)err; /* it ends by itself, at the latest when the refresh token does */
    buf_free(&form);
}

const struct jval *consent_auth_of(const struct credential *credential,
                                   struct arena *arena)
{
    const struct outbound_scheme *scheme = credential_scheme(credential);
    struct jval *auth = jval_new_object(arena, scheme->field_count + 1);
    jval_set(arena, auth, SLICE("scheme"),
             jval_new_string(arena, slice_str(scheme->name)));
    for (size_t i = 0; i < scheme->field_count; i++) {
        const char *name = scheme->fields[i].name;
        struct slice value = credential_reveal(credential, name);
        if (value.len > 0) {
            jval_set(arena, auth, slice_str(name),
                     jval_new_string(arena, arena_slice(arena, value)));
        }
    }
    return auth;
}

/* ---- The server's own client ---- */

struct consent_client {
    struct arena *arena;
    struct slice client_id;
    struct secret *secret;
};

struct consent_client *consent_client_new(struct slice client_id, struct secret *secret)
{
    struct arena *arena = arena_new_sized(512);
    struct consent_client *client = arena_alloc(arena, sizeof *client);
    *client = (struct consent_client){arena, arena_slice(arena, client_id), secret};
    return client;
}

void consent_client_free(struct consent_client *client)
{
    if (client != NULL) {
        secret_free(client->secret);
        arena_free(client->arena);
    }
}

const struct jval *consent_client_auth(const struct consent_client *client,
                                       const struct outbound_scheme *scheme,
                                       struct arena *arena)
{
    struct jval *auth = jval_new_object(arena, 3);
    jval_set(arena, auth, SLICE("scheme"),
             jval_new_string(arena, slice_str(scheme->name)));
    jval_set(arena, auth, SLICE("client_id"),
             jval_new_string(arena, arena_slice(arena, client->client_id)));
    if (client->secret != NULL) {
        jval_set(
            arena, auth, SLICE("client_secret"),
            jval_new_string(arena, arena_slice(arena, secret_reveal(client->secret))));
    }
    return auth;
}
