/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OAuth 1.0a signatures (RFC 5849 section 3.4). The base string is built from the URL
 * exactly as it will be sent; nobody may re-encode it afterwards. Everything lives in
 * the caller's arena, which is wiped when the call ends.
 */
#include "auth/oauth1.h"

#include <stdlib.h>

#include "base/secret.h"
#include "base/text.h"

struct url_parts {
    struct slice scheme, authority, path, query;
};

/* What may stand in a request line: anything else would be signed as one thing and sent as
 * another. */
static bool is_sendable(struct slice url)
{
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c <= ' ' || c >= 0x7f) {
            return false;
        }
    }
    return true;
}

static bool split_url(struct slice url, struct url_parts *out)
{
    ptrdiff_t fragment = slice_find(url, '#');
    if (fragment >= 0) {
        url.len = (size_t)fragment;
    }
    ptrdiff_t colon = slice_find(url, ':');
    if (colon <= 0 || !slice_starts(slice_from(url, (size_t)colon), SLICE("://"))) {
        return false;
    }
    out->scheme = slice_of(url.ptr, (size_t)colon);
    struct slice rest = slice_from(url, (size_t)colon + 3);
    ptrdiff_t question = slice_find(rest, '?');
    out->query = question < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)question + 1);
    if (question >= 0) {
        rest.len = (size_t)question;
    }
    ptrdiff_t slash = slice_find(rest, '/');
    out->path = slash < 0 ? SLICE("/") : slice_from(rest, (size_t)slash);
    out->authority = slash < 0 ? rest : slice_of(rest.ptr, (size_t)slash);
    return out->authority.len > 0;
}

static struct slice lower(struct arena *arena, struct slice text)
{
    char *copy = arena_copy(arena, text);
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z') {
            copy[i] = (char)(copy[i] - 'A' + 'a');
        }
    }
    return slice_of(copy, text.len);
}

/* Scheme and host in lower case, a default port left out, the path as it is sent
 * (3.4.1.2). */
static struct slice base_uri(struct arena *arena, const struct url_parts *parts)
{
    struct slice scheme = lower(arena, parts->scheme);
    struct slice authority = lower(arena, parts->authority);
    struct slice port = slice_is(scheme, "https") ? SLICE(":443") : SLICE(":80");
    if (authority.len > port.len &&
        slice_eq(slice_from(authority, authority.len - port.len), port)) {
        authority.len -= port.len;
    }
    return arena_printf(arena, "%.*s://%.*s%.*s", SLICE_ARG(scheme),
                        SLICE_ARG(authority), SLICE_ARG(parts->path));
}

/* ---- Parameters (3.4.1.3) ---- */

struct param_list {
    struct oauth1_param *items; /* encoded */
    size_t count, room;
};

static void add_encoded(struct arena *arena, struct param_list *list, struct slice name,
                        struct slice value)
{
    REQUIRE(list->count < list->room);
    list->items[list->count].name = text_percent_arena(arena, name);
    list->items[list->count].value = text_percent_arena(arena, value);
    list->count++;
}

/* Query and form text: '+' is a space. */
static bool decode_part(struct arena *arena, struct slice text, struct slice *out)
{
    char *copy = arena_copy(arena, text);
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] == '+') {
            copy[i] = ' ';
        }
    }
    return text_unpercent(arena, slice_of(copy, text.len), out);
}

static size_t count_pairs(struct slice query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.len; i++) {
        count += query.ptr[i] == '&';
    }
    return count;
}

static bool add_query(struct arena *arena, struct param_list *list, struct slice query)
{
    while (query.len > 0) {
        ptrdiff_t end = slice_find(query, '&');
        struct slice pair = end < 0 ? query : slice_of(query.ptr, (size_t)end);
        query = end < 0 ? SLICE_EMPTY : slice_from(query, (size_t)end + 1);
        if (pair.len == 0) {
            continue;
        }
        ptrdiff_t equals = slice_find(pair, '=');
        size_t name_len = equals < 0 ? pair.len : (size_t)equals;
        struct slice name, value;
        if (!decode_part(arena, slice_of(pair.ptr, name_len), &name) ||
            !decode_part(arena, slice_from(pair, name_len + 1), &value)) {
            return false;
        }
        add_encoded(arena, list, name, value);
    }
    return true;
}

static int compare_params(const void *a, const void *b)
{
    const struct oauth1_param *left = a, *right = b;
    int order = slice_cmp(left->name, right->name);
    return order != 0 ? order : slice_cmp(left->value, right->value);
}

static void join_params(struct buf *out, const struct param_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) {
            buf_append_byte(out, '&');
        }
        buf_append(out, list->items[i].name);
        buf_append_byte(out, '=');
        buf_append(out, list->items[i].value);
    }
}

static struct slice method_name(enum oauth1_method method)
{
    return method == OAUTH1_HMAC_SHA256 ? SLICE("HMAC-SHA256") : SLICE("HMAC-SHA1");
}

static bool collect(const struct oauth1_request *request, struct slice query,
                    struct arena *arena, struct buf *out)
{
    struct param_list list = {.room = 6 + count_pairs(query) + request->form_count +
                                      request->extra_count};
    list.items = arena_array(arena, list.room, sizeof *list.items);
    add_encoded(arena, &list, SLICE("oauth_consumer_key"), request->consumer_key);
    add_encoded(arena, &list, SLICE("oauth_nonce"), request->nonce);
    add_encoded(arena, &list, SLICE("oauth_signature_method"),
                method_name(request->signature_method));
    add_encoded(arena, &list, SLICE("oauth_timestamp"), request->timestamp);
    if (request->has_token) {
        add_encoded(arena, &list, SLICE("oauth_token"), request->token);
    }
    if (request->has_version) {
        add_encoded(arena, &list, SLICE("oauth_version"), SLICE("1.0"));
    }
    for (size_t i = 0; i < request->form_count; i++) {
        add_encoded(arena, &list, request->form[i].name, request->form[i].value);
    }
    for (size_t i = 0; i < request->extra_count; i++) {
        add_encoded(arena, &list, request->extra[i].name, request->extra[i].value);
    }
    if (!add_query(arena, &list, query)) {
        return false;
    }
    qsort(list.items, list.count, sizeof *list.items, compare_params);
    join_params(out, &list);
    return true;
}

/* ---- The signature (3.4.2) ---- */

/* What is signed is as long as the URL, three times encoded, and the parameters. */
#define TEXT_CEILING ((size_t)1024 * 1024)
#define TEXT_USUAL 1000 /* most are shorter; up to 1 KB malloc has blocks at hand */

static void begin_text(struct buf *text)
{
    buf_init(text, TEXT_CEILING);
    (void)buf_reserve(text, TEXT_USUAL);
}

/* A copy for the arena; the buffer goes. False when it was too small. */
static bool end_text(struct buf *text, struct arena *arena, struct slice *out)
{
    bool whole = !buf_full(text);
    if (whole) {
        *out = arena_slice(arena, buf_slice(text));
    }
    buf_free(text);
    return whole;
}

struct key_parts {
    struct slice consumer_secret, token_secret;
};

/* The key is both secrets in plain (3.4.2): it is gone before the request leaves, which
 * the arena is not. False when it is too long. */
static bool sign_text(struct mac *mac, enum oauth1_method method,
                      const struct key_parts *parts, struct slice text,
                      struct arena *arena, struct slice *out)
{
    unsigned char bytes[MAC_BYTES];
    enum mac_digest digest = method == OAUTH1_HMAC_SHA256 ? MAC_SHA256 : MAC_SHA1;
    struct buf key;
    begin_text(&key);
    text_percent(&key, parts->consumer_secret);
    buf_append_byte(&key, '&');
    text_percent(&key, parts->token_secret);
    bool whole = !buf_full(&key);
    if (whole) {
        size_t count = mac_compute(mac, digest, buf_slice(&key), text, bytes);
        *out = text_base64(arena, slice_of((const char *)bytes, count));
    }
    buf_free(&key);
    return whole;
}

static void append_param(struct buf *header, struct slice name, struct slice value)
{
    buf_append(header, SLICE(", "));
    buf_append(header, name);
    buf_append(header, SLICE("=\""));
    text_percent(header, value);
    buf_append_byte(header, '"');
}

/* The order that recorded clients use; the order itself means nothing (3.5.1). */
static bool write_header(const struct oauth1_request *request, struct slice signature,
                         struct arena *arena, struct slice *out)
{
    struct buf header;
    begin_text(&header);
    buf_append(&header, SLICE("OAuth realm=\""));
    text_percent(&header, request->realm);
    buf_append_byte(&header, '"');
    append_param(&header, SLICE("oauth_consumer_key"), request->consumer_key);
    if (request->has_token) {
        append_param(&header, SLICE("oauth_token"), request->token);
    }
    append_param(&header, SLICE("oauth_signature_method"),
                 method_name(request->signature_method));
    append_param(&header, SLICE("oauth_timestamp"), request->timestamp);
    append_param(&header, SLICE("oauth_nonce"), request->nonce);
    if (request->has_version) {
        append_param(&header, SLICE("oauth_version"), SLICE("1.0"));
    }
    for (size_t i = 0; i < request->extra_count; i++) {
        append_param(&header, request->extra[i].name, request->extra[i].value);
    }
    append_param(&header, SLICE("oauth_signature"), signature);
    return end_text(&header, arena, out);
}

/* Method, URI and parameters, each encoded, joined by '&' (3.4.1.1). */
static bool write_base_string(const struct oauth1_request *request, struct arena *arena,
                              struct slice *out)
{
    struct url_parts parts;
    struct buf params, base;
    if (!is_sendable(request->url) || !split_url(request->url, &parts)) {
        return false;
    }
    begin_text(&params);
    begin_text(&base);
    bool ok = collect(request, parts.query, arena, &params) && !buf_full(&params);
    if (ok) {
        buf_append(&base, request->method);
        buf_append_byte(&base, '&');
        text_percent(&base, base_uri(arena, &parts));
        buf_append_byte(&base, '&');
        text_percent(&base, buf_slice(&params));
    }
    buf_free(&params);
    return end_text(&base, arena, out) && ok;
}

enum err oauth1_sign(struct mac *mac, const struct oauth1_request *request,
                     struct arena *arena, struct oauth1_signature *out)
{
    const struct key_parts key = {
        request->consumer_secret,
        request->has_token ? request->token_secret : SLICE_EMPTY,
    };
    if (!write_base_string(request, arena, &out->base_string) ||
        !sign_text(mac, request->signature_method, &key, out->base_string, arena,
                   &out->signature)) {
        return ERR_UNPROCESSABLE;
    }
    bool whole = write_header(request, out->signature, arena, &out->header);
    return whole ? ERR_OK : ERR_UNPROCESSABLE;
}

enum err oauth1_passport_sign(struct mac *mac, const struct oauth1_passport *passport,
                              struct arena *arena, struct slice *base_string,
                              struct slice *signature)
{
    const struct slice parts[] = {passport->account, passport->consumer_key,
                                  passport->token, passport->nonce,
                                  passport->timestamp};
    const struct key_parts key = {passport->consumer_secret, passport->token_secret};
    struct buf text;
    begin_text(&text);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (i > 0) {
            buf_append_byte(&text, '&');
        }
        text_percent(&text, parts[i]);
    }
    if (!end_text(&text, arena, base_string) ||
        !sign_text(mac, OAUTH1_HMAC_SHA256, &key, *base_string, arena, signature)) {
        return ERR_UNPROCESSABLE;
    }
    return ERR_OK;
}
