/* SPDX-License-Identifier: Apache-2.0 */
/* One request about a grant, from its form to what the answer means. */
#include "auth/grant_request.h"

#include "base/buf.h"
#include "base/text.h"

#define FORM_BYTES (128 * 1024)
#define REQUEST_BYTES 1024

struct grant_request {
    struct arena *arena;
    struct slice url;
    struct secret *form, *basic; /* the second NULL: a public client */
    struct grant_request_handlers handlers;
    struct token_ask ask;
};

static void free_request(struct grant_request *request)
{
    secret_free(request->form);
    secret_free(request->basic);
    arena_free(request->arena);
}

static enum err compose(void *ctx, struct arena *arena, struct http_send *send)
{
    struct grant_request *request = ctx;
    struct http_field *fields = arena_array(arena, 3, sizeof *fields);

    if (request->handlers.may_leave != NULL && !request->ask.is_new &&
        !request->handlers.may_leave(request->handlers.ctx)) {
        return ERR_TIMEOUT;
    }
    fields[0] = (struct http_field){SLICE("Content-Type"),
                                    SLICE("application/x-www-form-urlencoded")};
    fields[1] = (struct http_field){SLICE("Accept"), SLICE("application/json")};
    if (request->basic != NULL) {
        fields[2] =
            (struct http_field){SLICE("Authorization"), secret_reveal(request->basic)};
    }
    *send = (struct http_send){
        .method = SLICE("POST"),
        .url = request->url,
        .fields = fields,
        .field_count = request->basic != NULL ? 3 : 2,
        .body = secret_reveal(request->form),
        .has_body = true,
        .answer_ms = GRANT_REQUEST_MS,
        .max_ms = GRANT_REQUEST_MS,
    };
    return ERR_OK;
}

static void on_reply(void *ctx, const struct token_reply *reply)
{
    struct grant_request *request = ctx;
    struct grant_request_handlers handlers = request->handlers;
    struct arena *arena = arena_new();
    struct grant_request_done done = {.err = reply->err,
                                      .status = reply->status,
                                      .code = SLICE_EMPTY,
                                      .trace = reply->trace,
                                      .answer = {.err = reply->err}};

    if (reply->err == ERR_OK) {
        token_answer_read(arena, reply->status, reply->body, &done.answer);
        done.err = done.answer.err;
        done.code = done.answer.code;
    }
    free_request(request);
    if (handlers.on_done != NULL) {
        handlers.on_done(handlers.ctx, &done);
    }
    arena_free(arena);
}

/* RFC 6749 section 2.3.1: each half form-encoded before they are joined. */
static struct secret *make_basic(const struct grant_client *client, struct arena *arena)
{
    struct slice id = text_percent_arena(arena, client->client_id);
    struct slice secret = text_percent_arena(arena, client->client_secret);
    struct slice pair =
        arena_printf(arena, "%.*s:%.*s", SLICE_ARG(id), SLICE_ARG(secret));

    return secret_new(
        arena_printf(arena, "Basic %.*s", SLICE_ARG(text_base64(arena, pair))));
}

static struct secret *make_form(const struct grant_client *client, struct slice form)
{
    struct buf text;

    buf_init(&text, FORM_BYTES);
    buf_append(&text, form);
    if (client->client_secret.len == 0) {
        buf_append(&text, SLICE("&client_id="));
        text_percent(&text, client->client_id);
    }
    struct secret *secret = secret_new(buf_slice(&text));
    buf_free(&text);
    return secret;
}

enum err grant_request_send(struct token_hosts *hosts,
                            const struct grant_client *client, struct slice form,
                            const struct grant_request_handlers *handlers,
                            struct grant_request **out)
{
    struct arena *arena = arena_new_sized(REQUEST_BYTES);
    struct arena *passing = arena_new();
    struct grant_request *request = arena_alloc(arena, sizeof *request);

    request->arena = arena;
    request->url = arena_slice(arena, client->url);
    request->handlers = *handlers;
    request->form = make_form(client, form);
    if (client->client_secret.len > 0) {
        request->basic = make_basic(client, passing);
    }
    arena_free(passing);
    request->ask = (struct token_ask){.compose = compose,
                                      .on_reply = on_reply,
                                      .ctx = request,
                                      .urgent = handlers->urgent};
    enum err err = token_hosts_ask(hosts, request->url, &request->ask);
    if (err != ERR_OK) {
        free_request(request);
        return err;
    }
    *out = request;
    return ERR_OK;
}

const char *grant_request_words(const struct grant_request_done *done)
{
    if (done->err != ERR_NEEDS_REAUTH) {
        return NULL;
    }
    if (slice_is(done->code, "invalid_client")) {
        return "The token host does not take this client's id or secret: the secret "
               "was changed, or the integration record was disabled or deleted. The "
               "grant itself was not refused; it is renewed when the client is right "
               "again.";
    }
    if (slice_is(done->code, "unauthorized_client")) {
        return "The token host does not let this client use an authorization code "
               "grant any more. The grant itself was not refused.";
    }
    return "Something refused to renew the access token, but not because of the grant: "
           "a firewall or a proxy before the token host, or the token host itself, "
           "which found the request to be wrong.";
}

void grant_request_hurry(struct grant_request *request)
{
    token_hosts_hurry(&request->ask);
}

void grant_request_leave(struct grant_request *request)
{
    request->handlers.on_done = NULL;
    request->handlers.may_leave = NULL;
}
