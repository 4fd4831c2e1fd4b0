/* SPDX-License-Identifier: Apache-2.0 */
#include "mocks/sap/credentials.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "mocks/common/percent.h"

#define BASIC_BYTES_MAX ((size_t)4096)

struct slice form_field(struct arena *arena, struct slice form, const char *name)
{
    while (form.len > 0) {
        ptrdiff_t end = slice_find(form, '&');
        struct slice pair = end < 0 ? form : slice_of(form.ptr, (size_t)end);
        form = end < 0 ? SLICE_EMPTY : slice_from(form, (size_t)end + 1);
        ptrdiff_t equals = slice_find(pair, '=');
        if (equals > 0 && slice_is(slice_of(pair.ptr, (size_t)equals), name)) {
            return percent_decode(arena, slice_from(pair, (size_t)equals + 1),
                                  PLUS_IS_SPACE);
        }
    }
    return SLICE_EMPTY;
}

bool basic_pair(struct arena *arena, struct slice field, struct slice *name,
                struct slice *secret)
{
    if (!slice_starts_nocase(field, SLICE("Basic "))) {
        return false;
    }
    struct slice encoded = slice_trim(slice_from(field, sizeof "Basic" - 1));
    if (encoded.len == 0 || encoded.len % 4 != 0 || encoded.len > BASIC_BYTES_MAX) {
        return false;
    }
    unsigned char *text = arena_alloc(arena, encoded.len);
    int used =
        EVP_DecodeBlock(text, (const unsigned char *)encoded.ptr, (int)encoded.len);
    size_t padding = encoded.ptr[encoded.len - 1] != '='   ? 0
                     : encoded.ptr[encoded.len - 2] != '=' ? 1
                                                           : 2;
    if (used < 0) {
        return false;
    }
    struct slice pair = slice_of((const char *)text, (size_t)used - padding);
    ptrdiff_t colon = slice_find(pair, ':');
    if (colon < 0) {
        return false;
    }
    *name = slice_of(pair.ptr, (size_t)colon);
    *secret = slice_from(pair, (size_t)colon + 1);
    return true;
}

struct slice bearer_token(struct slice field)
{
    return slice_starts_nocase(field, SLICE("Bearer "))
               ? slice_trim(slice_from(field, sizeof "Bearer" - 1))
               : SLICE_EMPTY;
}

struct slice cookie_value(struct slice cookies, const char *name)
{
    while (cookies.len > 0) {
        ptrdiff_t end = slice_find(cookies, ';');
        struct slice pair =
            slice_trim(end < 0 ? cookies : slice_of(cookies.ptr, (size_t)end));
        cookies = end < 0 ? SLICE_EMPTY : slice_from(cookies, (size_t)end + 1);
        ptrdiff_t equals = slice_find(pair, '=');
        if (equals > 0 && slice_is(slice_of(pair.ptr, (size_t)equals), name)) {
            return slice_from(pair, (size_t)equals + 1);
        }
    }
    return SLICE_EMPTY;
}

bool same_secret(struct slice given, const char *expected)
{
    struct slice right = slice_str(expected);
    return given.len == right.len && given.len > 0 &&
           CRYPTO_memcmp(given.ptr, right.ptr, right.len) == 0;
}
