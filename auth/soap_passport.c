/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokenPassport element of a SOAP header: Oracle help, "Token-Based Authentication
 * Details" (SOAP) and "The Signature for Web Services and RESTlets". It stands in the body
 * of the request, so the body is put together anew around it.
 */
#include "auth/soap_passport.h"

#include "base/buf.h"

#define BODY_BYTES ((size_t)1024 * 1024)

static void put_text(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '<' || c == '>' || c == '&' || c == '"') {
            buf_printf(out, "&#%d;", c);
        } else {
            buf_append_byte(out, c);
        }
    }
}

static void put_element(struct buf *out, const char *name, struct slice text)
{
    buf_printf(out, "<platformCore:%s>", name);
    put_text(out, text);
    buf_printf(out, "</platformCore:%s>", name);
}

enum err soap_passport_put(const struct oauth1_passport *passport, struct mac *mac,
                           struct outbound_request *request, struct arena *arena)
{
    struct slice base, signature;
    struct slice body = request->body;
    struct buf out;
    enum err err = oauth1_passport_sign(mac, passport, arena, &base, &signature);
    if (err != ERR_OK) {
        return err;
    }
    REQUIRE(request->passport_at <= body.len);
    buf_init(&out, BODY_BYTES);
    buf_append(&out, slice_of(body.ptr, request->passport_at));
    buf_append(&out, SLICE("<platformMsgs:tokenPassport>"));
    put_element(&out, "account", passport->account);
    put_element(&out, "consumerKey", passport->consumer_key);
    put_element(&out, "token", passport->token);
    put_element(&out, "nonce", passport->nonce);
    put_element(&out, "timestamp", passport->timestamp);
    buf_append(&out, SLICE("<platformCore:signature algorithm=\"HMAC-SHA256\">"));
    put_text(&out, signature);
    buf_append(&out, SLICE("</platformCore:signature></platformMsgs:tokenPassport>"));
    buf_append(&out, slice_from(body, request->passport_at));
    err = buf_full(&out) ? ERR_TOO_LARGE : ERR_OK;
    request->body = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return err;
}
