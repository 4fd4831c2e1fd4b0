/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authorization endpoint and its consent page (Oracle help "Step One GET Request to the
 * Authorization Endpoint", "Authorization Errors in Step One"). Whoever comes is taken for a
 * user with a session. What would be sent back to an unknown client or to another address
 * than the record's stays on a page.
 */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "mocks/common/percent.h"
#include "mocks/netsuite/hosts.h"
#include "mocks/netsuite/oauth2_private.h"

#define MAX_WAITING 1000
#define WAIT_S 600
#define MAX_STATES 10000
#define STATE_MIN 22
#define STATE_MAX 1024
#define CHALLENGE_LENGTH 43
#define CODE_S 60
#define PAGE_CEILING ((size_t)64 * 1024)

/* One that waits for somebody to press a button. */
struct waiting {
    struct list node;
    char id[33];
    struct arena *arena; /* holds the texts of `terms` and `state` */
    struct code_terms terms;
    struct slice state;
    int64_t ends_s;
};

struct authorize_requests {
    struct list waiting; /* oldest first */
    size_t count;
    struct map *states; /* that came back with a code: each serves once */
};

struct authorize_requests *authorize_requests_new(void)
{
    struct authorize_requests *requests = calloc(1, sizeof *requests);
    REQUIRE(requests != NULL);
    list_init(&requests->waiting);
    requests->states = map_new();
    return requests;
}

static void waiting_drop(struct authorize_requests *requests, struct waiting *waiting)
{
    list_remove(&waiting->node);
    requests->count--;
    arena_free(waiting->arena);
    free(waiting);
}

void authorize_requests_free(struct authorize_requests *requests)
{
    LIST_FOREACH_SAFE (node, after, &requests->waiting) {
        waiting_drop(requests, LIST_ENTRY(node, struct waiting, node));
    }
    map_free(requests->states);
    free(requests);
}

/* ---- pages ---- */

static void html_text(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'') {
            buf_printf(out, "&#%d;", c);
        } else {
            buf_append_byte(out, c);
        }
    }
}

static void page_start(struct response *response, int status, const char *title)
{
    response_reset(response, status);
    response_field(response, "content-type", "text/html; charset=UTF-8");
    response_field(response, "cache-control", "no-store");
    response_field(response, "x-frame-options", "DENY");
    response_field(response, "content-security-policy",
                   "default-src 'none'; style-src 'unsafe-inline'");
    buf_printf(&response->body,
               "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<title>%s</title><style>body{font:16px sans-serif;max-width:40em;"
               "margin:4em auto}button{font:inherit;margin-right:1em}</style></head>\n"
               "<body><h1>%s</h1>\n",
               title, title);
}

static void error_page(struct oauth2 *oauth2, struct response *response,
                       enum audit_reason why, const char *error, const char *sentence)
{
    oauth2->audit->counts[why]++;
    page_start(response, 400, "Authorization failed");
    buf_printf(
        &response->body,
        "<p id=\"error\">%s</p><p id=\"error_description\">%s</p></body></html>\n",
        error, sentence);
}

static void consent_page(struct response *response, const struct waiting *waiting)
{
    const struct integration *integration = waiting->terms.integration;
    struct buf *out = &response->body;
    page_start(response, 200, "Allow access?");
    buf_append(out, SLICE("<p><b id=\"application\">"));
    html_text(out, slice_str(integration->name));
    buf_append(out, SLICE("</b> asks for access to account <b id=\"account\">"));
    html_text(out, slice_str(integration->account_id));
    buf_append(out, SLICE("</b> with role <b id=\"role\">"));
    html_text(out, slice_str(integration->role));
    buf_append(out, SLICE("</b>:</p>\n<ul id=\"scopes\">"));
    json_t *scopes = scope_json(waiting->terms.scopes);
    size_t i;
    const json_t *scope;
    json_array_foreach (scopes, i, scope) {
        buf_printf(out, "<li>%s</li>", json_string_value(scope));
    }
    json_decref(scopes);
    buf_printf(out,
               "</ul>\n<form id=\"consent\" method=\"post\" action=\"" OAUTH2_CONSENT
               "\">\n<input type=\"hidden\" name=\"request\" value=\"%s\">\n"
               "<button id=\"allow\" name=\"decision\" value=\"allow\">Allow</button>\n"
               "<button id=\"deny\" name=\"decision\" value=\"deny\">Deny</button>\n"
               "</form></body></html>\n",
               waiting->id);
}

/* ---- the way back ---- */

/* `end` is "code=…" or "error=…". */
static void redirect(struct oauth2 *oauth2, struct arena *arena,
                     const struct code_terms *terms, struct slice state,
                     struct slice end, struct response *response)
{
    const struct integration *integration = terms->integration;
    const char *company = oauth2->settings.company[0] != '\0' ? oauth2->settings.company
                                                              : integration->account_id;
    struct slice uri = terms->redirect_uri;
    struct buf target;
    buf_init(&target, PAGE_CEILING);
    buf_append(&target, uri);
    buf_append_byte(&target, slice_find(uri, '?') < 0 ? '?' : '&');
    if (state.len > 0) {
        buf_printf(&target, "state=%.*s&", SLICE_ARG(percent_encode(arena, state)));
    }
    buf_printf(&target, "role=%.*s&entity=%.*s&company=%.*s&%.*s",
               SLICE_ARG(percent_encode(arena, slice_str(integration->role))),
               SLICE_ARG(percent_encode(arena, slice_str(integration->entity))),
               SLICE_ARG(percent_encode(arena, slice_str(company))), SLICE_ARG(end));
    response_reset(response, 302);
    response_replace_field(response, SLICE("location"), buf_slice(&target));
    response_field(response, "cache-control", "no-store");
    buf_free(&target);
}

static void redirect_error(struct oauth2 *oauth2, struct arena *arena,
                           const struct code_terms *terms, struct slice state,
                           enum audit_reason why, const char *error,
                           struct response *response)
{
    oauth2->audit->counts[why]++;
    redirect(oauth2, arena, terms, state, arena_printf(arena, "error=%s", error),
             response);
}

static void redirect_code(struct oauth2 *oauth2, struct arena *arena,
                          const struct code_terms *terms, struct slice state,
                          int64_t now_s, struct response *response)
{
    struct map *states = oauth2->requests->states;
    struct slice key = arena_printf(arena, "%s\n%.*s", terms->integration->client_id,
                                    SLICE_ARG(state));
    char code[CODE_HEX + 1];
    if (map_get(states, key) != NULL) {
        redirect_error(oauth2, arena, terms, state, AUDIT_InvalidState,
                       "invalid_request", response);
        return;
    }
    if (map_count(states) == MAX_STATES) { /* begin anew: it is a mock's memory */
        map_free(states);
        states = oauth2->requests->states = map_new();
    }
    (void)map_put(states, key, oauth2);
    grants_add_code(oauth2->grants, terms,
                    now_s + oauth2_or(oauth2->settings.code_s, CODE_S), code);
    redirect(oauth2, arena, terms, state, arena_printf(arena, "code=%s", code),
             response);
}

/* ---- the request ---- */

static bool is_state(struct slice state)
{
    for (size_t i = 0; i < state.len; i++) {
        if (state.ptr[i] < ' ' || state.ptr[i] > '~') {
            return false;
        }
    }
    return state.len >= STATE_MIN && state.len <= STATE_MAX;
}

/* The method S256 alone; needed for public clients and the scope mcp. */
static bool read_challenge(const struct form *form, struct code_terms *terms)
{
    struct slice challenge = form_get(form, "code_challenge");
    bool needed =
        terms->integration->client_secret == NULL || terms->scopes == SCOPE_MCP;
    if (!form_has(form, "code_challenge")) {
        return !needed && !form_has(form, "code_challenge_method");
    }
    for (size_t i = 0; i < challenge.len; i++) {
        char c = challenge.ptr[i];
        bool ok = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                  (c >= 'a' && c <= 'z') || c == '-' || c == '_';
        if (!ok) {
            return false;
        }
    }
    terms->challenge = challenge;
    return challenge.len == CHALLENGE_LENGTH &&
           slice_is(form_get(form, "code_challenge_method"), "S256");
}

static bool is_prompt(struct slice prompt, unsigned scopes)
{
    return prompt.len == 0 || slice_is(prompt, "login") ||
           slice_is(prompt, "consent") || slice_is(prompt, "login consent") ||
           slice_is(prompt, "consent login") ||
           (slice_is(prompt, "none") && scopes != SCOPE_MCP);
}

/* NULL: the request is right. */
static const char *check(const struct form *form, struct code_terms *terms,
                         enum audit_reason *why)
{
    const struct integration *integration = terms->integration;
    struct slice type = form_get(form, "response_type");
    *why = AUDIT_InvalidRequest;
    if (type.len == 0) {
        return "invalid_request";
    }
    if (!slice_is(type, "code")) {
        *why = AUDIT_UnsupportedResponseType;
        return "unsupported_response_type";
    }
    if (!integration->code_grant) {
        *why = AUDIT_AuthorizationCodeGrantRequired;
        return "unauthorized_client";
    }
    if (!is_state(form_get(form, "state"))) {
        *why = AUDIT_InvalidState;
        return "invalid_request";
    }
    if (!form_has(form, "scope")) {
        return "invalid_request";
    }
    terms->scopes = scope_read(form_get(form, "scope"));
    if (terms->scopes == 0 || (terms->scopes & ~integration->scopes) != 0) {
        *why = AUDIT_ScopeMismatched;
        return "invalid_scope";
    }
    if (!read_challenge(form, terms) ||
        !is_prompt(form_get(form, "prompt"), terms->scopes)) {
        return "invalid_request";
    }
    return NULL;
}

static bool is_registered(const struct integration *integration, struct slice uri)
{
    for (size_t i = 0; i < integration->uri_count; i++) {
        if (slice_is(uri, integration->redirect_uris[i])) {
            return true;
        }
    }
    return false;
}

/* Oracle help "Integration Record and Prompt Parameter Combinations". */
static bool must_ask(const struct oauth2 *oauth2, const struct code_terms *terms,
                     struct slice prompt, int64_t now_s)
{
    enum consent_policy policy = terms->integration->consent;
    if (policy == CONSENT_ALWAYS_ASK ||
        slice_contains_nocase(prompt, SLICE("consent"))) {
        return true;
    }
    if (policy == CONSENT_NEVER_ASK) {
        return terms->scopes == SCOPE_MCP;
    }
    return !grants_consented(oauth2->grants, terms->integration, terms->scopes, now_s);
}

static void ask(struct oauth2 *oauth2, const struct code_terms *terms,
                struct slice state, int64_t now_s, struct response *response)
{
    struct authorize_requests *requests = oauth2->requests;
    unsigned char random[16];
    if (requests->count == MAX_WAITING) {
        waiting_drop(requests,
                     LIST_ENTRY(requests->waiting.next, struct waiting, node));
    }
    struct waiting *waiting = calloc(1, sizeof *waiting);
    REQUIRE(waiting != NULL && RAND_bytes(random, (int)sizeof random) == 1);
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(waiting->id + i * 2, 3, "%02x", random[i]);
    }
    waiting->arena = arena_new_sized(1024);
    waiting->terms = *terms;
    waiting->terms.redirect_uri = arena_slice(waiting->arena, terms->redirect_uri);
    waiting->terms.challenge = arena_slice(waiting->arena, terms->challenge);
    waiting->state = arena_slice(waiting->arena, state);
    waiting->ends_s = now_s + WAIT_S;
    list_init(&waiting->node);
    list_push(&requests->waiting, &waiting->node);
    requests->count++;
    consent_page(response, waiting);
}

static void decide(struct oauth2 *oauth2, struct arena *arena,
                   const struct code_terms *terms, struct slice state, bool allowed,
                   int64_t now_s, struct response *response)
{
    if (allowed) {
        redirect_code(oauth2, arena, terms, state, now_s, response);
        return;
    }
    redirect_error(oauth2, arena, terms, state, AUDIT_AuthorizationExplicitlyDenied,
                   "access_denied", response);
}

void authorize_answer(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                      struct response *response)
{
    struct arena *arena = exchange_arena(x);
    struct form form;
    if (!form_read(arena, exchange_request(x)->query, &form)) {
        error_page(oauth2, response, AUDIT_InvalidRequest, "invalid_request",
                   "A parameter stands twice, or there are too many.");
        return;
    }
    struct code_terms terms = {.integration = integrations_find(
                                   oauth2->integrations, form_get(&form, "client_id")),
                               .redirect_uri = form_get(&form, "redirect_uri"),
                               .challenge = SLICE_EMPTY};
    if (terms.integration == NULL || !host_is_for(x, terms.integration->account_id)) {
        error_page(oauth2, response, AUDIT_UnknownIntegration, "unauthorized_client",
                   "The client is not known to this account.");
        return;
    }
    if (!is_registered(terms.integration, terms.redirect_uri)) {
        error_page(oauth2, response, AUDIT_InvalidRedirectURI, "invalid_request",
                   "The redirect URI is not one of the integration record's.");
        return;
    }
    struct slice state = form_get(&form, "state");
    enum audit_reason why = AUDIT_OK;
    const char *error = check(&form, &terms, &why);
    if (error != NULL) {
        redirect_error(oauth2, arena, &terms,
                       state.len <= STATE_MAX ? state : SLICE_EMPTY, why, error,
                       response);
    } else if (oauth2->settings.consent != CONSENT_PAGE) {
        decide(oauth2, arena, &terms, state, oauth2->settings.consent == CONSENT_ALLOW,
               now_s, response);
    } else if (must_ask(oauth2, &terms, form_get(&form, "prompt"), now_s)) {
        ask(oauth2, &terms, state, now_s, response);
    } else {
        redirect_code(oauth2, arena, &terms, state, now_s, response);
    }
}

/* ---- a button was pressed ---- */

static struct waiting *find_waiting(const struct oauth2 *oauth2, struct slice id,
                                    int64_t now_s)
{
    LIST_FOREACH (node, &oauth2->requests->waiting) {
        struct waiting *waiting = LIST_ENTRY(node, struct waiting, node);
        if (slice_is(id, waiting->id)) {
            return waiting->ends_s > now_s ? waiting : NULL;
        }
    }
    return NULL;
}

void authorize_consent(struct oauth2 *oauth2, struct http_exchange *x, int64_t now_s,
                       struct response *response)
{
    struct form form;
    struct waiting *waiting = NULL;
    if (form_read(exchange_arena(x), exchange_request(x)->body, &form)) {
        waiting = find_waiting(oauth2, form_get(&form, "request"), now_s);
    }
    if (waiting == NULL) {
        error_page(oauth2, response, AUDIT_InvalidRequest, "invalid_request",
                   "This page was answered before, or is too old. Begin again.");
        return;
    }
    decide(oauth2, exchange_arena(x), &waiting->terms, waiting->state,
           slice_is(form_get(&form, "decision"), "allow"), now_s, response);
    waiting_drop(oauth2->requests, waiting);
}
