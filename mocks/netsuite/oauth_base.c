/* SPDX-License-Identifier: Apache-2.0 */
/* The OAuth 1.0a header and base string. */
#include "mocks/netsuite/oauth_base.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "mocks/common/percent.h"

#define MAX_BASE ((size_t)1024 * 1024)

/* ---- Authorization ---- */

static bool assign(struct oauth_header *out, struct slice name, struct slice value)
{
    const struct {
        const char *name;
        struct slice *slot;
    } slots[] = {
        {"realm", &out->realm},
        {"oauth_consumer_key", &out->consumer_key},
        {"oauth_token", &out->token},
        {"oauth_signature_method", &out->method},
        {"oauth_timestamp", &out->timestamp},
        {"oauth_nonce", &out->nonce},
        {"oauth_version", &out->version},
        {"oauth_signature", &out->signature},
    };
    for (size_t i = 0; i < out->param_count; i++) {
        if (slice_eq(out->params[i].name, name)) {
            return false;
        }
    }
    if (out->param_count == OAUTH_MAX_PARAMS) {
        return false;
    }
    out->params[out->param_count++] = (struct oauth_param){name, value};
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        if (slice_is(name, slots[i].name)) {
            *slots[i].slot = value;
        }
    }
    out->has_version = out->has_version || slice_is(name, "oauth_version");
    return true;
}

/* One name="value"; moves `rest` behind it. */
static bool read_param(struct arena *arena, struct slice *rest,
                       struct oauth_header *out)
{
    ptrdiff_t equals = slice_find(*rest, '=');
    if (equals <= 0) {
        return false;
    }
    struct slice name = slice_trim(slice_of(rest->ptr, (size_t)equals));
    struct slice after = slice_trim(slice_from(*rest, (size_t)equals + 1));
    if (after.len < 2 || after.ptr[0] != '"') {
        return false;
    }
    after = slice_from(after, 1);
    ptrdiff_t quote = slice_find(after, '"');
    if (quote < 0) {
        return false;
    }
    struct slice value = slice_of(after.ptr, (size_t)quote);
    *rest = slice_trim(slice_from(after, (size_t)quote + 1));
    return assign(out, percent_decode(arena, name, PLUS_IS_PLUS),
                  percent_decode(arena, value, PLUS_IS_PLUS));
}

bool oauth_read_header(struct http_exchange *x, struct oauth_header *out)
{
    *out = (struct oauth_header){.realm = SLICE_EMPTY,
                                 .consumer_key = SLICE_EMPTY,
                                 .token = SLICE_EMPTY,
                                 .method = SLICE_EMPTY,
                                 .timestamp = SLICE_EMPTY,
                                 .nonce = SLICE_EMPTY,
                                 .version = SLICE_EMPTY,
                                 .signature = SLICE_EMPTY};
    struct slice value = exchange_header(x, "authorization");
    if (exchange_header_count(x, "authorization") != 1 || value.len < 6 ||
        !slice_eq_nocase(slice_of(value.ptr, 6), SLICE("OAuth "))) {
        return false;
    }
    struct slice rest = slice_trim(slice_from(value, 6));
    while (rest.len > 0) {
        if (!read_param(exchange_arena(x), &rest, out)) {
            return false;
        }
        if (rest.len > 0 && rest.ptr[0] != ',') {
            return false;
        }
        rest = slice_trim(slice_from(rest, 1));
    }
    return out->param_count > 0;
}

/* ---- base string ---- */

struct pairs {
    struct arena *arena;
    struct oauth_param *items; /* encoded */
    size_t count, capacity;
};

static void pairs_add(struct pairs *pairs, struct slice name, struct slice value)
{
    if (pairs->count == pairs->capacity) {
        size_t capacity = pairs->capacity == 0 ? 32 : pairs->capacity * 2;
        struct oauth_param *items = arena_array(pairs->arena, capacity, sizeof *items);
        if (pairs->count > 0) {
            memcpy(items, pairs->items, pairs->count * sizeof *items);
        }
        pairs->items = items;
        pairs->capacity = capacity;
    }
    pairs->items[pairs->count++] = (struct oauth_param){
        percent_encode(pairs->arena, name), percent_encode(pairs->arena, value)};
}

static void pairs_add_form(struct pairs *pairs, struct slice form)
{
    while (form.len > 0) {
        ptrdiff_t end = slice_find(form, '&');
        struct slice part = end < 0 ? form : slice_of(form.ptr, (size_t)end);
        form = end < 0 ? SLICE_EMPTY : slice_from(form, (size_t)end + 1);
        if (part.len == 0) {
            continue;
        }
        ptrdiff_t equals = slice_find(part, '=');
        struct slice name = equals < 0 ? part : slice_of(part.ptr, (size_t)equals);
        struct slice value =
            equals < 0 ? SLICE_EMPTY : slice_from(part, (size_t)equals + 1);
        pairs_add(pairs, percent_decode(pairs->arena, name, PLUS_IS_SPACE),
                  percent_decode(pairs->arena, value, PLUS_IS_SPACE));
    }
}

static int by_name_then_value(const void *a, const void *b)
{
    const struct oauth_param *left = a;
    const struct oauth_param *right = b;
    int order = slice_cmp(left->name, right->name);
    return order != 0 ? order : slice_cmp(left->value, right->value);
}

static struct slice parameter_string(struct http_exchange *x,
                                     const struct oauth_header *header)
{
    const struct http_request *request = exchange_request(x);
    struct pairs pairs = {.arena = exchange_arena(x)};
    for (size_t i = 0; i < header->param_count; i++) {
        struct slice name = header->params[i].name;
        if (!slice_is(name, "realm") && !slice_is(name, "oauth_signature")) {
            pairs_add(&pairs, name, header->params[i].value);
        }
    }
    pairs_add_form(&pairs, request->query);
    if (slice_starts(exchange_header(x, "content-type"),
                     SLICE("application/x-www-form-urlencoded"))) {
        pairs_add_form(&pairs, request->body);
    }
    REQUIRE(pairs.items != NULL); /* a header that was read has a parameter */
    qsort(pairs.items, pairs.count, sizeof *pairs.items, by_name_then_value);
    struct buf out;
    buf_init(&out, MAX_BASE);
    for (size_t i = 0; i < pairs.count; i++) {
        buf_append(&out, i > 0 ? SLICE("&") : SLICE_EMPTY);
        buf_append(&out, pairs.items[i].name);
        buf_append_byte(&out, '=');
        buf_append(&out, pairs.items[i].value);
    }
    struct slice text = arena_slice(pairs.arena, buf_slice(&out));
    buf_free(&out);
    return text;
}

/* Plain http on loopback is this mock's scheme, so its default port is 80. */
static struct slice base_url(struct http_exchange *x)
{
    struct arena *arena = exchange_arena(x);
    struct slice host = exchange_header(x, "host");
    char *lower = arena_copy(arena, host);
    for (size_t i = 0; i < host.len; i++) {
        lower[i] =
            lower[i] >= 'A' && lower[i] <= 'Z' ? (char)(lower[i] | 0x20) : lower[i];
    }
    bool default_port = host.len > 3 && slice_is(slice_from(host, host.len - 3), ":80");
    size_t kept = default_port ? host.len - 3 : host.len;
    struct slice path = exchange_request(x)->path;
    return arena_printf(arena, "http://%.*s%.*s", (int)kept, lower, SLICE_ARG(path));
}

static struct slice hmac(struct arena *arena, struct slice base,
                         struct slice consumer_secret, struct slice token_secret)
{
    struct slice key = arena_printf(arena, "%.*s&%.*s",
                                    SLICE_ARG(percent_encode(arena, consumer_secret)),
                                    SLICE_ARG(percent_encode(arena, token_secret)));
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_len = 0;
    REQUIRE(HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)base.ptr,
                 base.len, mac, &mac_len) != NULL);
    unsigned char *text = arena_alloc(arena, EVP_MAX_MD_SIZE * 2);
    int length = EVP_EncodeBlock(text, mac, (int)mac_len);
    return slice_of((const char *)text, (size_t)length);
}

struct slice oauth_signature(struct http_exchange *x, const struct oauth_header *header,
                             struct slice consumer_secret, struct slice token_secret)
{
    struct arena *arena = exchange_arena(x);
    struct slice url = percent_encode(arena, base_url(x));
    struct slice params = percent_encode(arena, parameter_string(x, header));
    struct slice base =
        arena_printf(arena, "%.*s&%.*s&%.*s", SLICE_ARG(exchange_request(x)->method),
                     SLICE_ARG(url), SLICE_ARG(params));
    return hmac(arena, base, consumer_secret, token_secret);
}

struct slice oauth_passport_signature(struct arena *arena,
                                      const struct oauth_header *passport,
                                      struct slice consumer_secret,
                                      struct slice token_secret)
{
    const struct slice fields[] = {passport->realm, passport->consumer_key,
                                   passport->token, passport->nonce,
                                   passport->timestamp};
    struct buf base;
    buf_init(&base, MAX_BASE);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        buf_append(&base, i > 0 ? SLICE("&") : SLICE_EMPTY);
        buf_append(&base, percent_encode(arena, fields[i]));
    }
    struct slice signature =
        hmac(arena, buf_slice(&base), consumer_secret, token_secret);
    buf_free(&base);
    return signature;
}
