/* SPDX-License-Identifier: Apache-2.0 */
/* Integration records. */
#include "mocks/netsuite/integrations.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/json_in.h"
#include "mocks/netsuite/integration_certificate.h"

#define MAX_INTEGRATIONS 1000
#define MAX_TEXT 200
#define MAX_URI 1000
#define HOUR_S INT64_C(3600)
#define MAX_HOURS 720 /* 30 days; the page's own limit */
#define RANDOM_BYTES 32

struct integrations {
    struct list all;
    size_t count;
};

static const struct {
    const char *word;
    unsigned scope;
} scope_words[] = {
    {"restlets", SCOPE_RESTLETS},
    {"rest_webservices", SCOPE_REST_WEBSERVICES},
    {"suite_analytics", SCOPE_SUITE_ANALYTICS},
    {"mcp", SCOPE_MCP},
};

#define SCOPE_WORDS (sizeof scope_words / sizeof *scope_words)

static unsigned scope_of(struct slice word)
{
    for (size_t i = 0; i < SCOPE_WORDS; i++) {
        if (slice_is(word, scope_words[i].word)) {
            return scope_words[i].scope;
        }
    }
    return 0;
}

unsigned scope_read(struct slice text)
{
    unsigned scopes = 0;
    while (text.len > 0) {
        size_t length = 0;
        while (length < text.len && text.ptr[length] != ' ' &&
               text.ptr[length] != ',') {
            length++;
        }
        unsigned scope = scope_of(slice_of(text.ptr, length));
        if (length > 0 && scope == 0) {
            return 0;
        }
        scopes |= scope;
        text = slice_from(text, length + 1);
    }
    bool alone = (scopes & SCOPE_MCP) == 0 || scopes == SCOPE_MCP;
    return alone ? scopes : 0;
}

json_t *scope_json(unsigned scopes)
{
    json_t *array = json_array();
    for (size_t i = 0; i < SCOPE_WORDS; i++) {
        if ((scopes & scope_words[i].scope) != 0) {
            json_array_append_new(array, json_string(scope_words[i].word));
        }
    }
    return array;
}

struct integrations *integrations_new(void)
{
    struct integrations *integrations = calloc(1, sizeof *integrations);
    REQUIRE(integrations != NULL);
    list_init(&integrations->all);
    return integrations;
}

static void integration_free(struct integration *integration)
{
    LIST_FOREACH_SAFE (node, after, &integration->certificates) {
        list_remove(node);
        certificate_free(LIST_ENTRY(node, struct certificate, node));
    }
    for (size_t i = 0; i < integration->uri_count; i++) {
        free(integration->redirect_uris[i]);
    }
    if (integration->client_secret != NULL) {
        OPENSSL_cleanse(integration->client_secret, strlen(integration->client_secret));
    }
    free(integration->client_secret);
    free(integration->account_id);
    free(integration->client_id);
    free(integration->name);
    free(integration->role);
    free(integration->entity);
    free(integration);
}

void integrations_free(struct integrations *integrations)
{
    if (integrations == NULL) {
        return;
    }
    LIST_FOREACH_SAFE (node, after, &integrations->all) {
        list_remove(node);
        integration_free(LIST_ENTRY(node, struct integration, node));
    }
    free(integrations);
}

struct integration *integrations_find(const struct integrations *integrations,
                                      struct slice client_id)
{
    LIST_FOREACH (node, &integrations->all) {
        struct integration *integration = LIST_ENTRY(node, struct integration, node);
        if (slice_is(client_id, integration->client_id)) {
            return integration;
        }
    }
    return NULL;
}

/* ---- the body of POST /integrations ---- */

static char *copy(struct slice text)
{
    char *bytes = malloc(text.len + 1);
    REQUIRE(bytes != NULL);
    memcpy(bytes, text.ptr, text.len);
    bytes[text.len] = '\0';
    return bytes;
}

static char *random_hex(void)
{
    unsigned char random[RANDOM_BYTES];
    char *text = malloc(RANDOM_BYTES * 2 + 1);
    REQUIRE(text != NULL);
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(text + i * 2, 3, "%02x", random[i]);
    }
    return text;
}

/* Printable, without what would end a quoted text or a Basic pair. */
static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < ' ' || c > '~' || c == '"' || c == '\\' || c == ':') {
            return false;
        }
    }
    return text.len <= MAX_TEXT;
}

static bool read_text(const json_t *body, const char *name, const char *otherwise,
                      char **out)
{
    const json_t *member = json_object_get(body, name);
    struct slice text =
        member == NULL ? slice_str(otherwise) : json_in_text(body, name);
    if (text.len == 0 || !is_plain(text)) {
        return false;
    }
    *out = copy(text);
    return true;
}

/* https or an application's own scheme; http only where the test says so, as the page of a
 * real account takes none. */
static bool uri_allowed(struct slice uri, bool allow_http)
{
    ptrdiff_t colon = slice_find(uri, ':');
    if (colon <= 0 || uri.len > MAX_URI || slice_find(uri, '#') >= 0) {
        return false;
    }
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.ptr[i] <= ' ' || uri.ptr[i] > '~') {
            return false;
        }
    }
    struct slice scheme = slice_of(uri.ptr, (size_t)colon);
    return allow_http || !slice_eq_nocase(scheme, SLICE("http"));
}

static const char *read_uris(struct integration *integration, const json_t *body)
{
    const json_t *uris = json_object_get(body, "redirect_uris");
    bool allow_http = json_is_true(json_object_get(body, "allow_http"));
    if (uris != NULL && !json_is_array(uris)) {
        return "redirect_uris must be an array";
    }
    size_t i;
    const json_t *uri;
    json_array_foreach (uris, i, uri) {
        struct slice text = slice_of(json_string_value(uri), json_string_length(uri));
        if (i == INTEGRATION_MAX_URIS || !uri_allowed(text, allow_http)) {
            return "redirect_uris: at most 8, with https or a scheme of the "
                   "application's own (http with \"allow_http\":true)";
        }
        integration->redirect_uris[integration->uri_count++] = copy(text);
    }
    return NULL;
}

static bool read_hours(const json_t *body, const char *name, int64_t *out)
{
    const json_t *member = json_object_get(body, name);
    json_int_t hours = json_integer_value(member);
    if (member == NULL) {
        return true;
    }
    if (!json_is_integer(member) || hours < 1 || hours > MAX_HOURS) {
        return false;
    }
    *out = hours * HOUR_S;
    return true;
}

static const char *read_consent(struct integration *integration, const json_t *body)
{
    static const char *const names[] = {"always_ask", "ask_first_time", "never_ask"};
    const json_t *member = json_object_get(body, "consent_policy");
    for (int i = 0; i < 3 && member != NULL; i++) {
        if (slice_is(json_in_text(body, "consent_policy"), names[i])) {
            integration->consent = (enum consent_policy)i;
            return NULL;
        }
    }
    return member == NULL ? NULL
                          : "consent_policy must be always_ask, ask_first_time or "
                            "never_ask";
}

static const char *read_scopes(struct integration *integration, const json_t *body)
{
    const json_t *member = json_object_get(body, "scope");
    integration->scopes = member == NULL ? SCOPE_RESTLETS | SCOPE_REST_WEBSERVICES
                                         : scope_read(json_in_text(body, "scope"));
    return integration->scopes != 0
               ? NULL
               : "scope must be words of restlets, rest_webservices and "
                 "suite_analytics, or mcp alone";
}

static bool read_bool(const json_t *body, const char *name, bool otherwise)
{
    const json_t *member = json_object_get(body, name);
    return member == NULL ? otherwise : json_is_true(member);
}

static const char *read_names(struct integration *integration, const json_t *body,
                              const char *account_id)
{
    char *id = random_hex();
    char *secret = random_hex();
    bool ok = read_text(body, "account_id", account_id, &integration->account_id) &&
              read_text(body, "client_id", id, &integration->client_id) &&
              read_text(body, "name", "Integration", &integration->name) &&
              read_text(body, "role", "1000", &integration->role) &&
              read_text(body, "entity", "12", &integration->entity);
    if (ok && !read_bool(body, "public", false)) {
        ok = read_text(body, "client_secret", secret, &integration->client_secret);
    }
    free(id);
    free(secret);
    return ok ? NULL
              : "account_id, client_id, client_secret, name, role and entity are "
                "printable texts of at most 200 bytes without quotes and colons";
}

static const char *read_record(struct integration *integration, const json_t *body,
                               const char *account_id)
{
    integration->code_grant = read_bool(body, "authorization_code", true);
    integration->client_credentials = read_bool(body, "client_credentials", false);
    integration->refresh_s = 48 * HOUR_S;
    integration->rotation_s = 168 * HOUR_S;
    const char *why = read_names(integration, body, account_id);
    why = why != NULL ? why : read_uris(integration, body);
    why = why != NULL ? why : read_scopes(integration, body);
    why = why != NULL ? why : read_consent(integration, body);
    if (why == NULL &&
        (!read_hours(body, "refresh_hours", &integration->refresh_s) ||
         !read_hours(body, "rotation_hours", &integration->rotation_s))) {
        why = "refresh_hours and rotation_hours must be whole numbers from 1 to 720";
    }
    if (why == NULL && integration->client_credentials &&
        integration->client_secret == NULL) {
        why = "client_credentials is not for public clients";
    }
    return why;
}

struct integration *integrations_add(struct integrations *integrations,
                                     const json_t *body, const char *account_id,
                                     const char **why)
{
    struct integration *integration = calloc(1, sizeof *integration);
    REQUIRE(integration != NULL);
    list_init(&integration->node);
    list_init(&integration->certificates);
    *why = integrations->count == MAX_INTEGRATIONS
               ? "there are 1000 integrations already"
               : read_record(integration, body, account_id);
    if (*why == NULL &&
        integrations_find(integrations, slice_str(integration->client_id)) != NULL) {
        *why = "the client_id is taken";
    }
    if (*why != NULL) {
        integration_free(integration);
        return NULL;
    }
    list_push(&integrations->all, &integration->node);
    integrations->count++;
    return integration;
}
