/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token-Based Authentication (Oracle Help, "The Signature for Web Services and RESTlets").
 * Invariants:
 * 1. A nonce is remembered only after its signature was right, so nobody without a
 * secret can fill the memory or burn another's nonce.
 * 2. Failures are counted per token id, and only for token ids that exist; five in a
 * row lock it, and while it is locked the right signature fails, too.
 * 3. The caller never learns the reason; the audit does.
 */
#include "mocks/netsuite/oauth.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "mocks/netsuite/oauth_base.h"

#define LOCK_AFTER 5
#define TIMESTAMP_WINDOW_S 300
#define NONCE_MEMORY_S 600
#define MAX_NONCES 200000
#define MAX_CREDENTIALS 1000
#define MIN_NONCE 6
#define MAX_NONCE 64

enum oauth_interface { OAUTH_HEADER, OAUTH_SOAP };

struct credential {
    struct list node;
    char *account_id, *consumer_key, *consumer_secret, *token_id, *token_secret;
    int failures; /* in a row */
    int64_t locked_until_s;
};

struct nonce {
    struct list node;
    int64_t expires_s;
    size_t length;
    char key[]; /* token id, timestamp, nonce */
};

struct oauth {
    const struct clock *clock;
    int64_t skew_s;
    int lockout_seconds;
    struct list credentials;
    size_t credential_count;
    struct map *nonces;
    struct list nonce_age; /* oldest first */
    struct audit *audit;
};

struct oauth *oauth_new(const struct clock *clock, struct audit *audit,
                        int lockout_seconds)
{
    struct oauth *oauth = calloc(1, sizeof *oauth);
    REQUIRE(oauth != NULL);
    oauth->clock = clock;
    oauth->audit = audit;
    oauth->lockout_seconds = lockout_seconds;
    oauth->nonces = map_new();
    list_init(&oauth->credentials);
    list_init(&oauth->nonce_age);
    return oauth;
}

static void free_secret(char *text)
{
    if (text != NULL) {
        OPENSSL_cleanse(text, strlen(text));
    }
    free(text);
}

static void credential_free(struct credential *credential)
{
    free(credential->account_id);
    free(credential->consumer_key);
    free_secret(credential->consumer_secret);
    free(credential->token_id);
    free_secret(credential->token_secret);
    free(credential);
}

static void nonce_drop(struct oauth *oauth, struct nonce *nonce)
{
    list_remove(&nonce->node);
    (void)map_remove(oauth->nonces, slice_of(nonce->key, nonce->length));
    free(nonce);
}

void oauth_free(struct oauth *oauth)
{
    if (oauth == NULL) {
        return;
    }
    LIST_FOREACH_SAFE (node, after, &oauth->credentials) {
        list_remove(node);
        credential_free(LIST_ENTRY(node, struct credential, node));
    }
    LIST_FOREACH_SAFE (entry, later, &oauth->nonce_age) {
        nonce_drop(oauth, LIST_ENTRY(entry, struct nonce, node));
    }
    map_free(oauth->nonces);
    free(oauth);
}

static char *copy(struct slice text)
{
    char *bytes = malloc(text.len + 1);
    REQUIRE(bytes != NULL);
    memcpy(bytes, text.ptr, text.len);
    bytes[text.len] = '\0';
    return bytes;
}

static struct credential *find_token(const struct oauth *oauth, struct slice token_id)
{
    LIST_FOREACH (node, &oauth->credentials) {
        struct credential *credential = LIST_ENTRY(node, struct credential, node);
        if (slice_is(token_id, credential->token_id)) {
            return credential;
        }
    }
    return NULL;
}

bool oauth_add(struct oauth *oauth, const struct oauth_identity *identity)
{
    if (oauth->credential_count >= MAX_CREDENTIALS ||
        find_token(oauth, identity->token_id) != NULL) {
        return false;
    }
    struct credential *credential = calloc(1, sizeof *credential);
    REQUIRE(credential != NULL);
    credential->account_id = copy(identity->account_id);
    credential->consumer_key = copy(identity->consumer_key);
    credential->consumer_secret = copy(identity->consumer_secret);
    credential->token_id = copy(identity->token_id);
    credential->token_secret = copy(identity->token_secret);
    list_init(&credential->node);
    list_push(&oauth->credentials, &credential->node);
    oauth->credential_count++;
    return true;
}

int64_t oauth_now_ms(const struct oauth *oauth)
{
    return clock_wall_ms(oauth->clock) + oauth->skew_s * 1000;
}

void oauth_set_skew(struct oauth *oauth, int64_t seconds)
{
    oauth->skew_s = seconds;
}

void oauth_reset(struct oauth *oauth)
{
    LIST_FOREACH (node, &oauth->credentials) {
        struct credential *credential = LIST_ENTRY(node, struct credential, node);
        credential->failures = 0;
        credential->locked_until_s = 0;
    }
}

/* ---- the checks, in the order they are made ---- */

static bool is_alphanumeric(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool ok =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* HMAC_SHA256 is for the attribute in SOAP only. */
static enum audit_reason check_form(const struct oauth_header *header,
                                    enum oauth_interface interface)
{
    if (header->realm.len == 0 || header->consumer_key.len == 0 ||
        header->token.len == 0 || header->signature.len == 0 ||
        header->timestamp.len == 0 || header->nonce.len == 0 ||
        header->method.len == 0) {
        return AUDIT_MissingTokenPassportRequiredFields;
    }
    if (!slice_is(header->method, "HMAC-SHA256") &&
        !(interface == OAUTH_SOAP && slice_is(header->method, "HMAC_SHA256"))) {
        return AUDIT_UnknownAlgorithm;
    }
    if (header->has_version && !slice_is(header->version, "1.0")) {
        return AUDIT_VersionRejected;
    }
    return AUDIT_OK;
}

static enum audit_reason check_owner(const struct oauth *oauth,
                                     const struct oauth_header *header,
                                     const struct credential *credential)
{
    if (credential == NULL) {
        return AUDIT_token_rejected;
    }
    if (!slice_is(header->realm, credential->account_id)) {
        return AUDIT_AccountMismatch;
    }
    if (!slice_is(header->consumer_key, credential->consumer_key)) {
        return AUDIT_consumer_key_unknown;
    }
    bool locked = oauth_now_ms(oauth) / 1000 < credential->locked_until_s;
    return locked ? AUDIT_temporary_locked : AUDIT_OK;
}

static enum audit_reason check_time(const struct oauth *oauth,
                                    const struct oauth_header *header)
{
    unsigned long long timestamp = 0;
    if (!slice_to_u64(header->timestamp, &timestamp)) {
        return AUDIT_InvalidTimestamp;
    }
    int64_t away = oauth_now_ms(oauth) / 1000 - (int64_t)timestamp;
    if (away > TIMESTAMP_WINDOW_S || away < -TIMESTAMP_WINDOW_S) {
        return AUDIT_InvalidTimestamp;
    }
    bool nonce_ok = header->nonce.len >= MIN_NONCE && header->nonce.len <= MAX_NONCE &&
                    is_alphanumeric(header->nonce);
    return nonce_ok ? AUDIT_OK : AUDIT_nonce_rejected;
}

static void forget_old_nonces(struct oauth *oauth)
{
    int64_t now_s = oauth_now_ms(oauth) / 1000;
    LIST_FOREACH_SAFE (node, after, &oauth->nonce_age) {
        struct nonce *oldest = LIST_ENTRY(node, struct nonce, node);
        if (oldest->expires_s > now_s && map_count(oauth->nonces) < MAX_NONCES) {
            return;
        }
        nonce_drop(oauth, oldest);
    }
}

static enum audit_reason check_nonce(struct oauth *oauth, struct arena *arena,
                                     const struct oauth_header *header)
{
    struct slice key =
        arena_printf(arena, "%.*s\n%.*s\n%.*s", SLICE_ARG(header->token),
                     SLICE_ARG(header->timestamp), SLICE_ARG(header->nonce));
    forget_old_nonces(oauth);
    if (map_get(oauth->nonces, key) != NULL) {
        return AUDIT_NonceUsed;
    }
    struct nonce *nonce = malloc(sizeof *nonce + key.len);
    REQUIRE(nonce != NULL);
    nonce->expires_s = oauth_now_ms(oauth) / 1000 + NONCE_MEMORY_S;
    nonce->length = key.len;
    memcpy(nonce->key, key.ptr, key.len);
    list_init(&nonce->node);
    list_push(&oauth->nonce_age, &nonce->node);
    (void)map_put(oauth->nonces, key, nonce);
    return AUDIT_OK;
}

static enum audit_reason check_signature(struct http_exchange *x,
                                         const struct oauth_header *header,
                                         const struct credential *credential,
                                         enum oauth_interface interface)
{
    struct slice consumer_secret = slice_str(credential->consumer_secret);
    struct slice token_secret = slice_str(credential->token_secret);
    struct slice expected =
        interface == OAUTH_SOAP
            ? oauth_passport_signature(exchange_arena(x), header, consumer_secret,
                                       token_secret)
            : oauth_signature(x, header, consumer_secret, token_secret);
    bool same = expected.len == header->signature.len &&
                CRYPTO_memcmp(expected.ptr, header->signature.ptr, expected.len) == 0;
    return same ? AUDIT_OK : AUDIT_InvalidSignature;
}

static enum audit_reason check(struct oauth *oauth, struct http_exchange *x,
                               const struct oauth_header *header,
                               const struct credential *credential,
                               enum oauth_interface interface)
{
    enum audit_reason audit = check_form(header, interface);
    if (audit == AUDIT_OK) {
        audit = check_owner(oauth, header, credential);
    }
    if (audit == AUDIT_OK) {
        audit = check_time(oauth, header);
    }
    if (audit == AUDIT_OK) {
        audit = check_signature(x, header, credential, interface);
    }
    if (audit == AUDIT_OK) {
        audit = check_nonce(oauth, exchange_arena(x), header);
    }
    return audit;
}

static void count_failure(struct oauth *oauth, struct credential *credential,
                          enum audit_reason audit)
{
    oauth->audit->counts[audit]++;
    if (credential == NULL || audit == AUDIT_temporary_locked) {
        return;
    }
    credential->failures++;
    if (credential->failures >= LOCK_AFTER) {
        credential->locked_until_s =
            oauth_now_ms(oauth) / 1000 + oauth->lockout_seconds;
        credential->failures = 0;
    }
}

static const char *verify(struct oauth *oauth, struct http_exchange *x,
                          const struct oauth_header *header,
                          enum oauth_interface interface, enum audit_reason *reason)
{
    struct credential *credential = find_token(oauth, header->token);
    *reason = check(oauth, x, header, credential, interface);
    if (*reason != AUDIT_OK) {
        count_failure(oauth, credential, *reason);
        return NULL;
    }
    credential->failures = 0;
    return credential->account_id;
}

const char *oauth_verify(struct oauth *oauth, struct http_exchange *x,
                         enum audit_reason *reason)
{
    struct oauth_header header;
    if (!oauth_read_header(x, &header)) {
        *reason = AUDIT_parameter_rejected;
        oauth->audit->counts[*reason]++;
        return NULL;
    }
    return verify(oauth, x, &header, OAUTH_HEADER, reason);
}

const char *oauth_verify_passport(struct oauth *oauth, struct http_exchange *x,
                                  const struct oauth_header *passport,
                                  enum audit_reason *reason)
{
    return verify(oauth, x, passport, OAUTH_SOAP, reason);
}

json_t *oauth_logins_json(const struct oauth *oauth)
{
    int64_t now_s = oauth_now_ms(oauth) / 1000;
    json_t *array = json_array();
    LIST_FOREACH (node, &oauth->credentials) {
        const struct credential *one = LIST_ENTRY(node, struct credential, node);
        int64_t locked_s =
            one->locked_until_s > now_s ? one->locked_until_s - now_s : 0;
        json_t *login = json_pack("{s:s, s:s, s:i, s:I}", "account_id", one->account_id,
                                  "token_id", one->token_id, "failures", one->failures,
                                  "locked_seconds", (json_int_t)locked_s);
        REQUIRE(login != NULL);
        json_array_append_new(array, login);
    }
    return array;
}
