/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens are fetched at the mock's own XSUAA, by the destination's own credentials, and kept
 * while they live, as the service keeps them. */
#include "mocks/sap/destinations.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/control.h"
#include "mocks/common/json_in.h"
#include "mocks/common/percent.h"
#include "mocks/sap/credentials.h"

#define PATH "/destination-configuration/v1/destinations/"
#define SUBACCOUNT "8c1f4b2e-6d5a-4e0b-b0b5-3f2f0f4d9c11"
#define MAX_DESTINATIONS 100
#define MAX_PROPERTIES 60
#define MAX_TEXT 4000

struct destinations {
    struct oauth *oauth;
    const struct clock *clock;
    json_t *all;  /* name -> properties */
    json_t *kept; /* name -> {"token", "ends_ms"} */
};

struct destinations *destinations_new(struct oauth *oauth, const struct clock *clock)
{
    struct destinations *destinations = calloc(1, sizeof *destinations);
    REQUIRE(destinations != NULL);
    destinations->oauth = oauth;
    destinations->clock = clock;
    destinations->all = json_object();
    destinations->kept = json_object();
    return destinations;
}

void destinations_free(struct destinations *destinations)
{
    json_decref(destinations->all);
    json_decref(destinations->kept);
    free(destinations);
}

static const char *text_of(const json_t *properties, const char *name)
{
    const char *text = json_string_value(json_object_get(properties, name));
    return text != NULL ? text : "";
}

static bool is(const json_t *properties, const char *name, const char *value)
{
    return strcmp(text_of(properties, name), value) == 0;
}

/* NULL, or what is wrong. */
static const char *complain(json_t *properties)
{
    static const char *const ways[] = {"NoAuthentication", "BasicAuthentication",
                                       "OAuth2ClientCredentials",
                                       "PrincipalPropagation"};
    const char *key;
    json_t *value;
    if (text_of(properties, "Name")[0] == '\0' ||
        json_object_size(properties) > MAX_PROPERTIES) {
        return "a destination is an object of at most 60 texts with a Name";
    }
    json_object_foreach (properties, key, value) {
        if (!json_is_string(value) || json_string_length(value) > MAX_TEXT ||
            strlen(key) > MAX_TEXT) {
            return "every property of a destination is a text of at most 4000 bytes, "
                   "true and false too";
        }
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (is(properties, "Authentication", ways[i])) {
            return NULL;
        }
    }
    return "Authentication must be NoAuthentication, BasicAuthentication, "
           "OAuth2ClientCredentials or PrincipalPropagation";
}

const char *destinations_put(struct destinations *destinations,
                             const json_t *properties)
{
    json_t *copy = json_deep_copy(properties);
    const char *why = complain(copy);
    const char *name = text_of(copy, "Name");
    if (why == NULL && json_object_get(destinations->all, name) == NULL &&
        json_object_size(destinations->all) == MAX_DESTINATIONS) {
        why = "there are 100 destinations already; DELETE /destinations first";
    }
    if (why == NULL) {
        (void)json_object_del(destinations->kept, name);
        json_object_set(destinations->all, name, copy);
    }
    json_decref(copy);
    return why;
}

/* ---- What a call to the destination needs ---- */

static json_t *failure(const char *text)
{
    return json_pack("{s:s, s:s, s:s}", "type", "", "value", "", "error", text);
}

/* Takes nothing; `type` is the scheme as the header has it. */
static json_t *success(struct arena *arena, const char *type, const char *scheme,
                       const char *value)
{
    struct slice header = arena_printf(arena, "%s %s", scheme, value);
    return json_pack("{s:s, s:s, s:{s:s, s:s}}", "type", type, "value", value,
                     "http_header", "key", "Authorization", "value", header.ptr);
}

static json_t *basic_entry(struct arena *arena, const json_t *properties)
{
    const char *user = text_of(properties, "User");
    if (user[0] == '\0' || json_object_get(properties, "Password") == NULL) {
        return failure("User or Password is missing in the destination configuration.");
    }
    struct slice pair =
        arena_printf(arena, "%s:%s", user, text_of(properties, "Password"));
    char *text = arena_alloc(arena, pair.len * 2 + 8);
    (void)EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)pair.ptr,
                          (int)pair.len);
    return success(arena, "Basic", "Basic", text);
}

/* A kept token that still opens something, and how long. */
static const char *kept_token(const struct destinations *destinations, const char *name,
                              enum oauth_for what, int64_t *left_s)
{
    const json_t *entry = json_object_get(destinations->kept, name);
    const char *token = text_of(entry, "token");
    *left_s = (json_integer_value(json_object_get(entry, "ends_ms")) -
               clock_wall_ms(destinations->clock)) /
              1000;
    return oauth_lives(destinations->oauth, slice_str(token), what) ? token : NULL;
}

static json_t *bearer_entry(struct destinations *destinations, struct arena *arena,
                            const json_t *properties)
{
    const char *name = text_of(properties, "Name");
    int64_t left_s = 0;
    if (!oauth_is_token_url(destinations->oauth,
                            text_of(properties, "tokenServiceURL"))) {
        return failure("Retrieval of OAuthToken failed due to: the token service URL "
                       "could not be reached");
    }
    int client =
        oauth_client(destinations->oauth, slice_str(text_of(properties, "clientId")),
                     slice_str(text_of(properties, "clientSecret")));
    if (client < 0) {
        return failure("Retrieval of OAuthToken failed due to: 401. Response was: "
                       "{\"error\":\"invalid_client\",\"error_description\":\"Bad "
                       "credentials\"}");
    }
    const char *token = kept_token(destinations, name, (enum oauth_for)client, &left_s);
    if (token == NULL) {
        left_s = oauth_token_seconds(destinations->oauth);
        token =
            oauth_issue(destinations->oauth, (size_t)client, (enum oauth_for)client);
        json_object_set_new(destinations->kept, name,
                            json_pack("{s:s, s:I}", "token", token, "ends_ms",
                                      (json_int_t)(clock_wall_ms(destinations->clock) +
                                                   left_s * 1000)));
    }
    json_t *entry = success(arena, "bearer", "Bearer", token);
    json_object_set_new(
        entry, "expires_in",
        json_string(arena_printf(arena, "%lld", (long long)left_s).ptr));
    json_object_set_new(entry, "scope", json_string("uaa.resource"));
    return entry;
}

/* NULL: none is needed. */
static json_t *auth_tokens(struct destinations *destinations, struct arena *arena,
                           const json_t *properties)
{
    if (is(properties, "Authentication", "BasicAuthentication")) {
        return json_pack("[o]", basic_entry(arena, properties));
    }
    if (is(properties, "Authentication", "OAuth2ClientCredentials")) {
        return json_pack("[o]", bearer_entry(destinations, arena, properties));
    }
    return NULL;
}

/* ---- The service ---- */

bool destinations_is_path(struct slice path)
{
    return slice_starts(path, SLICE(PATH));
}

static void refuse(struct response *response, int status, const char *message)
{
    control_ok(response, json_pack("{s:s}", "ErrorMessage", message));
    response->status = status;
}

void destinations_fail(struct response *response, int status)
{
    refuse(response, status, "The destination service failed.");
}

void destinations_find(struct destinations *destinations, struct http_exchange *x,
                       struct response *response)
{
    const struct http_request *request = exchange_request(x);
    struct arena *arena = exchange_arena(x);
    struct slice token = bearer_token(exchange_header(x, "authorization"));
    struct slice name =
        percent_decode(arena, slice_from(request->path, sizeof PATH - 1), PLUS_IS_PLUS);
    const json_t *properties =
        json_object_get(destinations->all, arena_copy(arena, name));
    if (!oauth_lives(destinations->oauth, token, FOR_DESTINATION)) {
        refuse(response, 401, "The token is missing, expired or another service's.");
        response_field(response, "www-authenticate", "Bearer");
        return;
    }
    if (!slice_is(request->method, "GET")) {
        refuse(response, 405, "Use GET.");
        return;
    }
    if (properties == NULL) {
        refuse(response, 404, "Configuration with the specified name was not found");
        return;
    }
    json_t *found =
        json_pack("{s:{s:s, s:n}, s:O}", "owner", "SubaccountId", SUBACCOUNT,
                  "InstanceId", "destinationConfiguration", properties);
    struct slice skip = form_field(arena, request->query, "$skipTokenRetrieval");
    json_t *entries =
        slice_is(skip, "true") ? NULL : auth_tokens(destinations, arena, properties);
    if (entries != NULL) {
        json_object_set_new(found, "authTokens", entries);
    }
    control_ok(response, found);
}

void destinations_control(struct destinations *destinations, struct slice method,
                          const json_t *body, struct response *response)
{
    const char *why = NULL;
    if (slice_is(method, "PUT")) {
        why = destinations_put(destinations, body);
    } else {
        const char *name = text_of(body, "Name");
        (void)json_object_del(destinations->kept, name);
        why = json_object_del(destinations->all, name) == 0
                  ? NULL
                  : "no destination has that Name";
    }
    if (why != NULL) {
        control_refuse(response, 400, why);
    } else {
        control_ok(response, json_pack("{s:b}", "ok", 1));
    }
}
