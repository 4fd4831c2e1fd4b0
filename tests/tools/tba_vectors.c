/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tba-vectors FILE: recomputes every signature of a file of OAuth 1.0a vectors with the
 * product's own signing code. Prints a line per failure and "N passed, M failed".
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "auth/oauth1.h"
#include "base/text.h"

static struct slice text_of(const json_t *vector, const char *name)
{
    return slice_str(json_string_value(json_object_get(vector, name)));
}

static bool is_text(const json_t *vector, const char *name)
{
    return json_is_string(json_object_get(vector, name));
}

static struct oauth1_param *pairs_of(const json_t *vector, const char *name,
                                     struct arena *arena, size_t *count)
{
    const json_t *array = json_object_get(vector, name);
    *count = json_array_size(array);
    struct oauth1_param *pairs = arena_array(arena, *count + 1, sizeof *pairs);
    for (size_t i = 0; i < *count; i++) {
        const json_t *pair = json_array_get(array, i);
        pairs[i].name = slice_str(json_string_value(json_array_get(pair, 0)));
        pairs[i].value = slice_str(json_string_value(json_array_get(pair, 1)));
    }
    return pairs;
}

static enum err sign_passport(struct mac *mac, const json_t *vector,
                              struct arena *arena, struct slice *base_string,
                              struct slice *signature)
{
    struct oauth1_passport passport = {
        .account = text_of(vector, "account"),
        .consumer_key = text_of(vector, "consumerKey"),
        .consumer_secret = text_of(vector, "consumerSecret"),
        .token = text_of(vector, "token"),
        .token_secret = text_of(vector, "tokenSecret"),
        .nonce = text_of(vector, "nonce"),
        .timestamp = text_of(vector, "timestamp"),
    };
    return oauth1_passport_sign(mac, &passport, arena, base_string, signature);
}

static enum err sign_request(struct mac *mac, const json_t *vector, struct arena *arena,
                             struct slice *base_string, struct slice *signature)
{
    struct oauth1_request request = {
        .method = text_of(vector, "method"),
        .url = text_of(vector, "url"),
        .consumer_key = text_of(vector, "consumerKey"),
        .consumer_secret = text_of(vector, "consumerSecret"),
        .token = text_of(vector, "token"),
        .token_secret = text_of(vector, "tokenSecret"),
        .nonce = text_of(vector, "nonce"),
        .timestamp = text_of(vector, "timestamp"),
        .has_token = is_text(vector, "token"),
        .has_version = is_text(vector, "version"),
        .signature_method = slice_is(text_of(vector, "signatureMethod"), "HMAC-SHA1")
                                ? OAUTH1_HMAC_SHA1
                                : OAUTH1_HMAC_SHA256,
        .realm = text_of(vector, "realm"),
    };
    struct oauth1_signature out = {SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY};
    request.form = pairs_of(vector, "formParams", arena, &request.form_count);
    request.extra =
        pairs_of(vector, "extraAuthorizationParams", arena, &request.extra_count);
    enum err err = oauth1_sign(mac, &request, arena, &out);
    *base_string = out.base_string;
    *signature = out.signature;
    return err;
}

/* What differs, or NULL. */
static const char *check(struct mac *mac, const json_t *vector, struct arena *arena)
{
    struct slice base_string = SLICE_EMPTY, signature = SLICE_EMPTY;
    bool soap = slice_is(text_of(vector, "kind"), "soap");
    enum err err = soap ? sign_passport(mac, vector, arena, &base_string, &signature)
                        : sign_request(mac, vector, arena, &base_string, &signature);
    if (err != ERR_OK) {
        return "it could not be signed";
    }
    if (!slice_eq(base_string, text_of(vector, "baseString"))) {
        return "the base string differs";
    }
    if (!slice_eq(signature, text_of(vector, "signature"))) {
        return "the signature differs";
    }
    if (is_text(vector, "signaturePercentEncoded") &&
        !slice_eq(text_percent_arena(arena, signature),
                  text_of(vector, "signaturePercentEncoded"))) {
        return "the percent-encoded signature differs";
    }
    return NULL;
}

static int run(const json_t *vectors)
{
    size_t index = 0, failed = 0;
    const json_t *vector = NULL;
    struct mac *mac = mac_new();
    json_array_foreach (vectors, index, vector) {
        struct arena *arena = arena_new();
        const char *difference = check(mac, vector, arena);
        if (difference != NULL) {
            struct slice id = text_of(vector, "id");
            printf("%.*s: %s\n", SLICE_ARG(id), difference);
            failed++;
        }
        arena_free(arena);
    }
    mac_free(mac);
    printf("%zu passed, %zu failed\n", index - failed, failed);
    return failed == 0 && index > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    json_error_t error;
    if (argc != 2 || strcmp(argv[1], "--help") == 0) {
        puts("usage: tba-vectors FILE\n\n"
             "Recomputes the OAuth 1.0a signatures of FILE (an object with the array\n"
             "\"vectors\") and prints a line per failure and \"N passed, M failed\".");
        return argc == 2 ? 0 : 2;
    }
    json_t *root = json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fprintf(stderr, "tba-vectors: %s, line %d: %s\n", argv[1], error.line,
                error.text);
        return 2;
    }
    int code = run(json_object_get(root, "vectors"));
    fflush(stdout);
    json_decref(root);
    return code;
}
