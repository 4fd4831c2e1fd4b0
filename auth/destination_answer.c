/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service answers 200 also when it could not get a token: then the token is empty and
 * `error` says why. All properties are text, numbers and booleans too. What would become a
 * field of our requests has to be one.
 */
#include "auth/destination_answer.h"

#include "base/jval.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/web_origin.h"

/* Without a token: as SAP's own SDKs keep it. */
#define LIFE_STILL_MS (INT64_C(300) * 1000)
#define LIFE_MOST_S 86400
#define LOCATION_BYTES 128
#define PATH_BYTES 512
#define QUERY_VALUE_BYTES 1024
#define HEADERS SLICE("URL.headers.")
#define QUERIES SLICE("URL.queries.")

static bool is_name(struct slice text)
{
    static const char *const ours[] = {
        "host",       "connection",   "content-length",     "content-type",
        "accept",     "cookie",       "transfer-encoding",  "upgrade",
        "sap-client", "x-csrf-token", "proxy-authorization"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (slice_eq_nocase(text, slice_str(ours[i]))) {
            return false;
        }
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '-' || c == '_')) {
            return false;
        }
    }
    return text.len > 0 && text.len <= LIMIT_NAME_BYTES;
}

static bool is_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return text.len > 0 && text.len <= LIMIT_ACCESS_TOKEN_BYTES &&
           slice_eq(text, slice_trim(text));
}

static bool fail(struct destination_answer *out, enum err err, const char *problem)
{
    out->err = err;
    out->problem = problem;
    return false;
}

/* ---- Words of others ---- */

/* A JSON Web Token begins with "eyJ" ("{" in base64url): none is to be seen, whatever
 * quotes it. */
static struct slice without_tokens(struct arena *arena, struct slice text)
{
    char *shown = arena_alloc(arena, text.len + 1);
    size_t len = 0, at = 0;

    while (at < text.len) {
        if (!slice_starts(slice_from(text, at), SLICE("eyJ"))) {
            shown[len++] = text.ptr[at++];
            continue;
        }
        memcpy(shown + len, "***", 3);
        len += 3;
        while (at < text.len && text.ptr[at] > ' ' && text.ptr[at] != '"' &&
               text.ptr[at] != ',') {
            at++;
        }
    }
    return slice_of(shown, len);
}

static struct slice shown(struct arena *arena, struct slice text)
{
    return text_clean(arena, without_tokens(arena, text), DESTINATION_TEXT_BYTES);
}

/* ---- The login ---- */

static void set_login(struct destination_answer *out, struct slice name,
                      struct slice value)
{
    out->fields[out->field_count++] = (struct http_field){name, value};
}

/* What the service fetched for us, to be used as it stands. */
static bool read_token(struct arena *arena, const struct jval *token,
                       struct destination_answer *out)
{
    const struct jval *header = jval_get(token, "http_header");
    struct slice error = jval_text(jval_get(token, "error"));
    struct slice name = jval_text(jval_get(header, "key"));
    struct slice value = jval_text(jval_get(header, "value"));
    unsigned long long seconds = 0;

    if (error.len > 0) {
        out->text = shown(arena, error);
        return fail(out, ERR_NEEDS_REAUTH,
                    "The destination service could not get a token for this "
                    "destination.");
    }
    if (!is_name(name) || !is_value(value) ||
        jval_text(jval_get(token, "value")).len == 0) {
        return fail(out, ERR_UPSTREAM_MALFORMED,
                    "The destination service answered with a token that cannot be "
                    "used.");
    }
    set_login(out, name, value);
    if (slice_to_u64(jval_text(jval_get(token, "expires_in")), &seconds)) {
        out->life_ms = (int64_t)(seconds < LIFE_MOST_S ? seconds : LIFE_MOST_S) * 1000;
    }
    return true;
}

static bool read_user(struct arena *arena, const struct jval *properties,
                      struct destination_answer *out)
{
    struct slice user = jval_text(jval_get(properties, "User"));
    struct slice password = jval_text(jval_get(properties, "Password"));

    if (user.len == 0 || slice_find(user, ':') >= 0 || password.len == 0 ||
        user.len + password.len > LIMIT_NAME_BYTES * 8) {
        return fail(out, ERR_NEEDS_REAUTH,
                    "The destination has BasicAuthentication, but no User and Password "
                    "that can be sent.");
    }
    struct slice pair =
        arena_printf(arena, "%.*s:%.*s", SLICE_ARG(user), SLICE_ARG(password));
    set_login(out, SLICE("Authorization"),
              arena_printf(arena, "Basic %.*s", SLICE_ARG(text_base64(arena, pair))));
    out->is_basic = true;
    return true;
}

static bool read_login(struct arena *arena, const struct jval *json,
                       struct destination_answer *out)
{
    const struct jval *properties = jval_get(json, "destinationConfiguration");
    const struct jval *tokens = jval_get(json, "authTokens");
    struct slice kind = jval_text(jval_get(properties, "Authentication"));

    if (jval_is(tokens, JVAL_ARRAY) && tokens->count > 0) {
        return read_token(arena, &tokens->items[0], out);
    }
    if (slice_is(kind, "BasicAuthentication")) {
        return read_user(arena, properties, out);
    }
    if (slice_is(kind, "NoAuthentication")) {
        return true;
    }
    out->text = shown(arena, kind);
    return fail(
        out, ERR_NEEDS_REAUTH,
        "The destination's Authentication is one that needs a person's own login, or a "
        "certificate at the system: BasicAuthentication, NoAuthentication and the "
        "OAuth2 kinds for technical users are served.");
}

/* ---- The address ---- */

/* What stands before the path of each request. */
static bool read_path(struct slice path, struct destination_answer *out)
{
    while (path.len > 0 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    bool is_good = path.len <= PATH_BYTES;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '~';
        bool is_mark = c == '/' || c == '.';
        bool is_empty = is_mark && i > 0 && path.ptr[i - 1] == '/';
        is_good = is_good && (is_plain || is_mark) && !is_empty;
    }
    out->path = path;
    return is_good ||
           fail(out, ERR_NEEDS_REAUTH,
                "The destination's URL has more behind its host than a plain "
                "path: queries belong into URL.queries.*.");
}

static bool read_origin(struct arena *arena, struct slice url,
                        struct destination_answer *out)
{
    struct web_origin origin;
    ptrdiff_t colon = slice_find(url, ':');
    size_t end = colon < 0 ? url.len : (size_t)colon + 3;

    while (end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?') {
        end++;
    }
    if (!web_origin_parse(arena, slice_of(url.ptr, end < url.len ? end : url.len),
                          &origin)) {
        return fail(out, ERR_NEEDS_REAUTH,
                    "The destination's URL is no http or https address.");
    }
    out->origin = origin.text;
    return read_path(slice_from(url, end < url.len ? end : url.len), out);
}

static bool read_way(const struct jval *properties, struct destination_answer *out)
{
    out->on_premise =
        slice_is(jval_text(jval_get(properties, "ProxyType")), "OnPremise");
    out->location = jval_text(jval_get(properties, "CloudConnectorLocationId"));
    out->client = jval_text(jval_get(properties, "sap-client"));
    if (out->location.len > LOCATION_BYTES ||
        (out->location.len > 0 && !is_value(out->location)) || out->client.len > 3 ||
        (out->client.len > 0 && !is_value(out->client))) {
        return fail(
            out, ERR_NEEDS_REAUTH,
            "The destination's CloudConnectorLocationId or sap-client cannot be "
            "sent.");
    }
    return true;
}

/* Names that begin with $ are OData's own, and the catalog's to set. */
static bool read_query(struct arena *arena, struct slice name, struct slice value,
                       struct destination_answer *out)
{
    if (name.len == 0 || name.ptr[0] == '$' || !is_value(name) ||
        name.len > LIMIT_NAME_BYTES || !is_value(value) ||
        value.len > QUERY_VALUE_BYTES || out->query_count == DESTINATION_QUERIES) {
        return fail(out, ERR_NEEDS_REAUTH,
                    "The destination has a property URL.queries.* that cannot be sent, "
                    "or more than eight of them.");
    }
    out->query_count++;
    out->queries = arena_printf(arena, "%.*s%s%.*s=%.*s", SLICE_ARG(out->queries),
                                out->queries.len > 0 ? "&" : "",
                                SLICE_ARG(text_percent_arena(arena, name)),
                                SLICE_ARG(text_percent_arena(arena, value)));
    return true;
}

static bool read_extras(struct arena *arena, const struct jval *properties,
                        struct destination_answer *out)
{
    for (size_t i = 0; i < properties->count; i++) {
        struct slice name = properties->members[i].name;
        struct slice value = jval_text(&properties->members[i].value);
        if (slice_starts(name, QUERIES)) {
            if (!read_query(arena, slice_from(name, QUERIES.len), value, out)) {
                return false;
            }
            continue;
        }
        if (!slice_starts(name, HEADERS)) {
            continue;
        }
        name = slice_from(name, HEADERS.len);
        if (!is_name(name) || slice_eq_nocase(name, SLICE("authorization")) ||
            !is_value(value) || out->field_count > DESTINATION_FIELDS) {
            return fail(out, ERR_NEEDS_REAUTH,
                        "The destination has a property URL.headers.* that cannot be "
                        "sent, or more than eight of them.");
        }
        out->fields[out->field_count++] = (struct http_field){name, value};
    }
    return true;
}

/* ---- The whole ---- */

static bool read_whole(struct arena *arena, const struct jval *json,
                       struct destination_answer *out)
{
    const struct jval *properties = jval_get(json, "destinationConfiguration");

    if (!jval_is(properties, JVAL_OBJECT)) {
        return fail(out, ERR_UPSTREAM_MALFORMED,
                    "The destination service's answer is not one: service_url may be "
                    "another service's.");
    }
    return read_origin(arena, jval_text(jval_get(properties, "URL")), out) &&
           read_way(properties, out) && read_login(arena, json, out) &&
           read_extras(arena, properties, out);
}

static void read_refusal(int status, struct destination_answer *out)
{
    if (status == 404) {
        (void)fail(out, ERR_NEEDS_REAUTH,
                   "The destination service knows no destination of this name: it is "
                   "told apart by letters' case, and has to be in the subaccount or "
                   "instance of the service key.");
    } else if (status == 401 || status == 403) {
        (void)fail(out, ERR_NEEDS_REAUTH,
                   "The destination service refused our token: service_url and client "
                   "are not of one service key.");
    } else {
        (void)fail(out,
                   status == 429 || status >= 500 ? ERR_UPSTREAM_UNAVAILABLE
                                                  : ERR_UPSTREAM_MALFORMED,
                   "The destination service did not answer with a destination.");
    }
}

void destination_answer_read(struct arena *arena, int status, struct slice body,
                             struct destination_answer *out)
{
    struct jval *json = NULL;
    bool readable = body.len <= LIMIT_TOKEN_ANSWER_BYTES &&
                    jval_parse(arena, body, &json, NULL) == ERR_OK;

    *out = (struct destination_answer){.life_ms = LIFE_STILL_MS};
    if (status != 200) {
        out->text = readable ? shown(arena, jval_text(jval_get(json, "ErrorMessage")))
                             : SLICE_EMPTY;
        read_refusal(status, out);
    } else if (!readable) {
        (void)fail(out, ERR_UPSTREAM_MALFORMED,
                   "The destination service's answer cannot be read.");
    } else {
        (void)read_whole(arena, json, out);
    }
}
