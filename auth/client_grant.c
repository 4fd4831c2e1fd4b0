/* SPDX-License-Identifier: Apache-2.0 */
/* One source per tenant and client, in memory only: a token that is lost with the process
 * is asked for again. */
#include "auth/client_grant.h"

#include <stdlib.h>

#include "auth/jwt.h"
#include "auth/pem.h"
#include "auth/token_answer.h"
#include "base/buf.h"
#include "base/jwriter.h"
#include "base/text.h"

#define FLIGHT_MS 20000 /* a token host that needs longer is down */
#define FORM_BYTES (64 * 1024)
#define STATE_BYTES 1024
#define ASSERTION_S 3300 /* NetSuite takes less than 60 minutes; it may wait in line */
#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define CERTIFICATE_WARN_MS (2 * DAY_MS) /* SAP BTP's live for 7 days by default */

struct client_state {
    struct tokens *tokens;
    struct token_source *source; /* of the fetch under way */
    struct arena *arena;
    struct slice url, client_id, alg, key_id, scopes_json, extra_form;
    struct secret *client_secret, *certificate, *private_key;
    int64_t certificate_ends_ms;
    struct secret *form; /* of the fetch under way */
    struct token_ask ask;
};

/* ---- The request's body ---- */

static void put_assertion(struct buf *form, struct slice assertion)
{
    buf_append(form, SLICE("grant_type=client_credentials&client_assertion_type="
                           "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A"
                           "jwt-bearer&client_assertion="));
    text_percent(form, assertion);
}

static void put_secret(struct buf *form, const struct client_state *state)
{
    buf_append(form, SLICE("grant_type=client_credentials&client_id="));
    text_percent(form, state->client_id);
    if (state->client_secret != NULL) {
        buf_append(form, SLICE("&client_secret="));
        text_percent(form, secret_reveal(state->client_secret));
    }
}

static struct slice header_of(const struct client_state *state, struct arena *arena)
{
    struct buf json;
    struct jwriter writer;

    buf_init(&json, FORM_BYTES);
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "typ", SLICE("JWT"));
    jwriter_member_string(&writer, "alg", state->alg);
    jwriter_member_string(&writer, "kid", state->key_id);
    jwriter_object_end(&writer);
    struct slice text = arena_slice(arena, buf_slice(&json));
    buf_free(&json);
    return text;
}

/* RFC 7523 section 3; the scopes are NetSuite's: Oracle Help, "OAuth 2.0 Client Credentials
 * Flow", step of the POST request. */
static struct slice claims_of(const struct client_state *state, struct arena *arena)
{
    int64_t now_s = clock_wall_ms(tokens_clock(state->tokens)) / 1000;
    struct buf json;
    struct jwriter writer;

    buf_init(&json, FORM_BYTES);
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "iss", state->client_id);
    jwriter_key(&writer, SLICE("scope"));
    jwriter_raw(&writer, state->scopes_json);
    jwriter_member_string(&writer, "aud", state->url);
    jwriter_member_int(&writer, "iat", now_s);
    jwriter_member_int(&writer, "exp", now_s + ASSERTION_S);
    jwriter_object_end(&writer);
    struct slice text = arena_slice(arena, buf_slice(&json));
    buf_free(&json);
    return text;
}

static enum err make_form(struct client_state *state)
{
    struct arena *arena = arena_new();
    struct slice assertion = SLICE_EMPTY;
    struct buf form;
    enum err err = ERR_OK;

    buf_init(&form, FORM_BYTES);
    if (state->private_key != NULL && state->certificate == NULL) {
        err = jwt_sign(state->alg, secret_reveal(state->private_key),
                       header_of(state, arena), claims_of(state, arena), arena,
                       &assertion);
        put_assertion(&form, assertion);
    } else {
        put_secret(&form, state);
    }
    buf_append(&form, state->extra_form);
    secret_free(state->form);
    state->form = secret_new(buf_slice(&form));
    buf_free(&form);
    arena_free(arena);
    return err == ERR_OK ? ERR_OK : ERR_INTERNAL; /* the key was checked when it came */
}

/* ---- The way ---- */

static enum err compose(void *ctx, struct arena *arena, struct http_send *request)
{
    struct client_state *state = ctx;
    struct http_field *fields = arena_array(arena, 2, sizeof *fields);
    struct http_identity *identity = NULL;

    if (state->certificate != NULL) {
        identity = arena_alloc(arena, sizeof *identity);
        identity->certificate_pem = secret_reveal(state->certificate);
        identity->private_key_pem = secret_reveal(state->private_key);
    }
    fields[0] = (struct http_field){SLICE("Content-Type"),
                                    SLICE("application/x-www-form-urlencoded")};
    fields[1] = (struct http_field){SLICE("Accept"), SLICE("application/json")};
    *request = (struct http_send){
        .method = SLICE("POST"),
        .url = state->url,
        .fields = fields,
        .field_count = 2,
        .body = secret_reveal(state->form),
        .has_body = true,
        .identity = identity,
        .answer_ms = FLIGHT_MS,
        .max_ms = FLIGHT_MS,
    };
    return ERR_OK;
}

static void on_reply(void *ctx, const struct token_reply *reply)
{
    struct client_state *state = ctx;
    struct arena *arena = arena_new();
    struct token_answer answer = {.err = reply->err};

    secret_free(state->form);
    state->form = NULL;
    if (reply->err == ERR_OK) {
        token_answer_read(arena, reply->status, reply->body, &answer);
    }
    struct token_outcome outcome = {.err = answer.err,
                                    .status = reply->status,
                                    .code = answer.code,
                                    .trace = reply->trace};
    token_source_end(state->source, &outcome, answer.token,
                     clock_wall_ms(tokens_clock(state->tokens)) + answer.life_ms);
    arena_free(arena);
}

static void warn_of_end(const struct client_state *state)
{
    int64_t left_ms =
        state->certificate_ends_ms - clock_wall_ms(tokens_clock(state->tokens));

    if (state->certificate != NULL && left_ms < CERTIFICATE_WARN_MS) {
        log_event(tokens_log(state->tokens), LOG_WARN, "client_certificate_ends",
                  LOG_ID(host, token_host_name(state->url)),
                  LOG_INT(days_left, left_ms > 0 ? left_ms / DAY_MS : 0));
    }
}

static enum err fetch(void *ctx, struct token_source *source, bool urgent)
{
    struct client_state *state = ctx;
    enum err err = make_form(state);

    warn_of_end(state);

    if (err != ERR_OK) {
        return err;
    }
    state->source = source;
    state->ask = (struct token_ask){
        .compose = compose, .on_reply = on_reply, .ctx = state, .urgent = urgent};
    err = token_hosts_ask(tokens_hosts(state->tokens), state->url, &state->ask);
    if (err != ERR_OK) {
        secret_free(state->form);
        state->form = NULL;
    }
    return err;
}

static void hurry(void *ctx)
{
    struct client_state *state = ctx;
    token_hosts_hurry(&state->ask);
}

static void free_state(void *ctx)
{
    struct client_state *state = ctx;
    secret_free(state->client_secret);
    secret_free(state->certificate);
    secret_free(state->private_key);
    secret_free(state->form);
    arena_free(state->arena);
}

static const struct token_way by_client_credentials = {
    .name = "client_credentials", .fetch = fetch, .hurry = hurry, .free = free_state};

/* ---- Sources ---- */

/* Each part carries its length; of the secrets stands a digest, under a key of this
 * process: a changed secret is a new source, and the map's copy tells nobody. */
static struct slice make_key(struct tokens *tokens, const struct client_grant *grant,
                             struct arena *arena)
{
    const struct slice parts[] = {grant->tenant,
                                  grant->url,
                                  grant->client_id,
                                  grant->client_secret,
                                  grant->certificate_pem,
                                  grant->private_key_pem,
                                  grant->alg,
                                  grant->key_id,
                                  grant->scopes_json,
                                  grant->extra_form};
    struct buf text;

    buf_init(&text, FORM_BYTES);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_printf(&text, "%zu:", parts[i].len);
        buf_append(&text, parts[i]);
    }
    struct slice key =
        arena_printf(arena, "client %.*s",
                     SLICE_ARG(tokens_digest(tokens, buf_slice(&text), arena)));
    buf_free(&text);
    return key;
}

static struct secret *hold(struct tokens *tokens, struct slice bytes)
{
    return bytes.len > 0 ? tokens_hold(tokens, bytes) : NULL;
}

struct token_source *client_grant_source(struct tokens *tokens,
                                         const struct client_grant *grant)
{
    struct arena *arena = arena_new_sized(STATE_BYTES);
    struct slice key = make_key(tokens, grant, arena);
    struct token_source *source = tokens_find(tokens, key);
    if (source != NULL) {
        arena_free(arena);
        return source;
    }
    struct client_state *state = arena_alloc(arena, sizeof *state);
    state->tokens = tokens;
    state->arena = arena;
    state->url = arena_slice(arena, grant->url);
    state->client_id = arena_slice(arena, grant->client_id);
    state->alg = arena_slice(arena, grant->alg);
    state->key_id = arena_slice(arena, grant->key_id);
    state->scopes_json = arena_slice(arena, grant->scopes_json);
    state->extra_form = arena_slice(arena, grant->extra_form);
    state->client_secret = hold(tokens, grant->client_secret);
    state->certificate = hold(tokens, grant->certificate_pem);
    state->private_key = hold(tokens, grant->private_key_pem);
    (void)pem_certificate_end(grant->certificate_pem, &state->certificate_ends_ms);
    return tokens_add(tokens, key, &by_client_credentials, state);
}
