/* SPDX-License-Identifier: Apache-2.0 */
/* The schemes, and the credentials that are bound to an account and its origins. */
#include "auth/outbound.h"

#include <stdlib.h>

#include "auth/outbound_private.h"
#include "auth/pem.h"
#include "base/ahead.h"
#include "base/limits.h"
#include "base/text.h"

static const struct outbound_scheme *const schemes[] = {&outbound_tba,
                                                        &outbound_netsuite_oauth2,
                                                        &outbound_netsuite_m2m,
                                                        &outbound_xsuaa,
                                                        &outbound_ias,
                                                        &outbound_basic,
                                                        &outbound_sap_certificate,
                                                        &outbound_destination,
                                                        &outbound_connectivity,
                                                        &outbound_api_key,
                                                        &outbound_none};
#define SCHEME_COUNT (sizeof schemes / sizeof schemes[0])

const struct outbound_scheme *outbound_scheme_find(struct slice name)
{
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        if (slice_is(name, schemes[i]->name)) {
            return schemes[i];
        }
    }
    return NULL;
}

const struct outbound_scheme *outbound_scheme_at(struct slice integration, size_t n)
{
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        if (!outbound_scheme_serves(schemes[i], integration)) {
            continue;
        }
        if (n == 0) {
            return schemes[i];
        }
        n--;
    }
    return NULL;
}

const char *outbound_scheme_name(const struct outbound_scheme *scheme)
{
    return scheme->name;
}

bool outbound_scheme_serves(const struct outbound_scheme *scheme,
                            struct slice integration)
{
    return slice_is(integration, scheme->integration);
}

/* A route that has a scheme of its own is served by that alone. */
bool outbound_scheme_fits(const struct outbound_scheme *scheme, struct slice route)
{
    bool is_bound = false;

    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        is_bound = is_bound ||
                   (schemes[i]->route != NULL && slice_is(route, schemes[i]->route) &&
                    strcmp(schemes[i]->integration, scheme->integration) == 0);
    }
    return scheme->route != NULL ? slice_is(route, scheme->route) : !is_bound;
}

bool outbound_scheme_may_show(const struct outbound_scheme *scheme, struct slice origin)
{
    return !scheme->wants_tls || slice_starts(origin, SLICE("https://"));
}

struct slice outbound_scheme_lane(const struct outbound_scheme *scheme,
                                  struct slice lane, const struct jval *auth,
                                  struct arena *arena)
{
    if (scheme->lane_field == NULL) {
        return lane;
    }
    struct slice url = jval_text(jval_get(auth, scheme->lane_field));
    return arena_printf(arena, "%.*s@%.*s", SLICE_ARG(lane),
                        SLICE_ARG(token_host_name(url)));
}

bool outbound_scheme_has_grant(const struct outbound_scheme *scheme)
{
    return scheme != NULL && scheme->revoke != NULL;
}

bool outbound_scheme_locks(const struct outbound_scheme *scheme)
{
    return scheme->lock_minutes > 0;
}

int64_t outbound_scheme_lock_us(const struct outbound_scheme *scheme)
{
    return (int64_t)scheme->lock_minutes * 60 * 1000000;
}

bool outbound_scheme_has_tokens(const struct outbound_scheme *scheme)
{
    return scheme->source != NULL;
}

int64_t outbound_scheme_clock_ms(const struct outbound_scheme *scheme)
{
    return scheme->clock_ms;
}

struct slice outbound_scheme_causes(const struct outbound_scheme *scheme,
                                    int64_t skew_ms, struct arena *arena)
{
    int64_t apart_ms = skew_ms < 0 ? -skew_ms : skew_ms;
    if (scheme->clock_ms == 0 || apart_ms < scheme->clock_ms) {
        return slice_str(scheme->causes);
    }
    return arena_printf(
        arena,
        "The cause is probably the time: the ERP's clock is %lld seconds %s this "
        "server's, and it refuses what is signed more than %lld seconds from its own. "
        "If not: %s",
        (long long)(apart_ms / 1000), skew_ms > 0 ? "ahead of" : "behind",
        (long long)(scheme->clock_ms / 1000), scheme->causes);
}

bool outbound_certificate_life(struct slice field, struct slice value,
                               struct certificate_life *out)
{
    bool is_certificate = slice_is(field, "certificate_pem") ||
                          slice_is(field, "connectivity_certificate_pem");
    return is_certificate &&
           pem_certificate_life(value, &out->begins_ms, &out->ends_ms);
}

const struct outbound_field *
outbound_scheme_fields(const struct outbound_scheme *scheme, size_t *count)
{
    *count = scheme->field_count;
    return scheme->fields;
}

bool outbound_scheme_takes(const struct outbound_scheme *scheme, const char *field)
{
    for (size_t i = 0; scheme != NULL && i < scheme->field_count; i++) {
        if (strcmp(scheme->fields[i].name, field) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- Checking what was sent ---- */

/* A member's name, cut between characters. */
static struct slice pointer_of(struct arena *arena, struct slice member)
{
    struct slice shown = slice_of(member.ptr, member.len < 40 ? member.len : 40);

    shown.len = text_utf8_prefix(shown);
    return shown.len > 0 ? text_pointer(arena, SLICE("/auth"), shown) : SLICE("/auth");
}

static void add_detail(struct fault *fault, struct arena *arena, struct slice member,
                       struct slice message)
{
    if (fault->detail_count == 0) {
        fault->details =
            arena_array(arena, LIMIT_FAULT_DETAILS, sizeof *fault->details);
        fault->err = ERR_UNPROCESSABLE;
    }
    if (fault->detail_count == LIMIT_FAULT_DETAILS) {
        return;
    }
    struct fault_detail *detail = &fault->details[fault->detail_count++];
    detail->pointer = pointer_of(arena, member);
    detail->message = message;
}

static struct slice list_schemes(struct slice integration, struct arena *arena)
{
    struct slice list = SLICE("one of:");
    for (size_t n = 0;; n++) {
        const struct outbound_scheme *scheme = outbound_scheme_at(integration, n);
        if (scheme == NULL) {
            return list;
        }
        list = arena_printf(arena, "%.*s %s", SLICE_ARG(list), scheme->name);
    }
}

static const struct outbound_field *find_field(const struct outbound_scheme *scheme,
                                               struct slice name)
{
    for (size_t i = 0; i < scheme->field_count; i++) {
        if (slice_is(name, scheme->fields[i].name)) {
            return &scheme->fields[i];
        }
    }
    return NULL;
}

static void check_members(const struct jval *auth, const struct outbound_scheme *scheme,
                          struct arena *arena, struct fault *fault)
{
    for (size_t i = 0; i < auth->count; i++) {
        struct slice name = auth->members[i].name;
        if (!slice_is(name, "scheme") && find_field(scheme, name) == NULL) {
            add_detail(fault, arena, name, SLICE("this scheme has no such field"));
        }
    }
    for (size_t i = 0; i < scheme->field_count; i++) {
        const struct outbound_field *field = &scheme->fields[i];
        const struct jval *value = jval_get(auth, field->name);
        struct slice name = slice_str(field->name);
        if (value == NULL) {
            if (field->required) {
                add_detail(fault, arena, name, SLICE("is needed"));
            }
        } else if (value->type != JVAL_STRING || value->text.len == 0 ||
                   value->text.len > field->max_bytes) {
            add_detail(fault, arena, name,
                       arena_printf(arena, "a text of 1 to %zu bytes is needed",
                                    field->max_bytes));
        }
    }
}

static void check_rule(const struct jval *auth, const struct outbound_scheme *scheme,
                       struct arena *arena, struct fault *fault)
{
    const char *field = "";
    const char *wrong = fault->detail_count == 0 && scheme->complain != NULL
                            ? scheme->complain(auth, arena, &field)
                            : NULL;

    if (wrong != NULL) {
        add_detail(fault, arena, slice_str(field), slice_str(wrong));
    }
}

enum err outbound_check(const struct jval *auth, struct slice integration,
                        struct arena *arena, const struct outbound_scheme **out,
                        struct fault *fault)
{
    const struct outbound_scheme *scheme = NULL;
    if (!jval_is(auth, JVAL_OBJECT)) {
        add_detail(fault, arena, SLICE_EMPTY,
                   SLICE("an object with a scheme and its fields is needed"));
    } else {
        scheme = outbound_scheme_find(jval_text(jval_get(auth, "scheme")));
        if (scheme == NULL || !outbound_scheme_serves(scheme, integration)) {
            add_detail(fault, arena, SLICE("scheme"), list_schemes(integration, arena));
        } else {
            check_members(auth, scheme, arena, fault);
            check_rule(auth, scheme, arena, fault);
        }
    }
    if (fault->detail_count > 0) {
        fault->message =
            arena_printf(arena, "%.*s: %.*s", SLICE_ARG(fault->details[0].pointer),
                         SLICE_ARG(fault->details[0].message));
        return ERR_UNPROCESSABLE;
    }
    *out = scheme;
    return ERR_OK;
}

/* ---- Credentials ---- */

/* What most credentials need, in one piece: there are as many as accounts. */
#define CREDENTIAL_BYTES 512

struct held_field {
    struct slice name;
    struct secret *value;
};

struct credential {
    const struct outbound_scheme *scheme;
    struct arena *arena; /* names and origins; the values are secrets */
    struct slice account_id;
    struct slice *origins;
    size_t origin_count;
    struct held_field *fields; /* as many as the scheme has */
    size_t field_count;
    struct token_means means;    /* empty until credential_use_tokens */
    struct token_source *source; /* held; made at the first need */
};

struct credential *credential_new(struct slab *slab,
                                  const struct outbound_scheme *scheme,
                                  struct slice account_id, const struct slice *origins,
                                  size_t origin_count)
{
    struct arena *arena = arena_new_in_slab(slab, CREDENTIAL_BYTES);
    struct credential *credential = arena_alloc(arena, sizeof *credential);
    credential->scheme = scheme;
    credential->arena = arena;
    credential->account_id = arena_slice(arena, account_id);
    credential->origins = arena_array(arena, origin_count, sizeof *credential->origins);
    credential->origin_count = origin_count;
    for (size_t i = 0; i < origin_count; i++) {
        credential->origins[i] = arena_slice(arena, origins[i]);
    }
    credential->fields =
        arena_array(arena, scheme->field_count, sizeof *credential->fields);
    return credential;
}

static struct held_field *held(const struct credential *credential, struct slice name)
{
    for (size_t i = 0; i < credential->field_count; i++) {
        if (slice_eq(credential->fields[i].name, name)) {
            return &credential->fields[i];
        }
    }
    return NULL;
}

void credential_put(struct credential *credential, struct slice field,
                    struct secret *value)
{
    struct held_field *place = held(credential, field);
    if (place != NULL) {
        secret_free(place->value);
        place->value = value;
        return;
    }
    const struct outbound_field *known = find_field(credential->scheme, field);
    if (known == NULL) {
        secret_free(value); /* left over from another scheme of the account */
        return;
    }
    credential->fields[credential->field_count++] =
        (struct held_field){slice_str(known->name), value};
}

void credential_free(struct credential *credential)
{
    if (credential == NULL) {
        return;
    }
    for (size_t i = 0; i < credential->field_count; i++) {
        secret_free(credential->fields[i].value);
    }
    token_source_drop(credential->source);
    arena_free(credential->arena);
}

void credential_ahead(const struct credential *credential)
{
    ahead_fetch(credential, CREDENTIAL_BYTES);
}

void credential_secrets_ahead(const struct credential *credential)
{
    if (credential->source != NULL) {
        token_source_ahead(credential->source);
        return;
    }
    for (size_t i = 0; i < credential->field_count; i++) {
        secret_ahead(credential->fields[i].value);
    }
}

bool credential_certificate(const struct credential *credential,
                            struct certificate_life *out)
{
    bool found = false;
    for (size_t i = 0; i < credential->field_count; i++) {
        const struct held_field *field = &credential->fields[i];
        struct certificate_life life;
        if (outbound_certificate_life(field->name, secret_reveal(field->value),
                                      &life) &&
            (!found || life.ends_ms < out->ends_ms)) {
            *out = life;
            found = true;
        }
    }
    return found;
}

struct slice credential_reveal(const struct credential *credential, const char *field)
{
    const struct held_field *place = held(credential, slice_str(field));
    return place != NULL ? secret_reveal(place->value) : SLICE_EMPTY;
}

const struct outbound_scheme *credential_scheme(const struct credential *credential)
{
    return credential->scheme;
}

const struct token_means *credential_means(const struct credential *credential)
{
    return &credential->means;
}

void credential_take_source(struct credential *credential, struct token_source *source)
{
    token_source_drop(credential->source);
    credential->source = source;
}

void outbound_add_field(struct outbound_request *request, struct slice name,
                        struct slice value)
{
    request->fields[request->field_count++] = (struct http_field){name, value};
}

/* ---- Tokens ---- */

void credential_use_tokens(struct credential *credential, struct tokens *tokens,
                           struct grants *grants, struct slice tenant)
{
    credential->means = (struct token_means){
        .tokens = tokens,
        .grants = grants,
        .tenant = arena_slice(credential->arena, tenant),
        .account = credential->account_id,
        .origin = credential->origin_count > 0 ? credential->origins[0] : SLICE_EMPTY,
    };
}

static struct token_source *source_of(struct credential *credential)
{
    if (credential->source == NULL && credential->scheme->source != NULL) {
        REQUIRE(credential->means.tokens != NULL);
        credential->source = credential->scheme->source(credential, &credential->means);
    }
    return credential->source;
}

void outbound_attach(struct credential *credential)
{
    (void)source_of(credential);
}

bool outbound_is_ready(const struct credential *credential)
{
    return credential->scheme->source == NULL ||
           (credential->source != NULL && token_source_is_fresh(credential->source));
}

enum err outbound_prepare(struct credential *credential, struct token_wait *wait)
{
    struct token_source *source = source_of(credential);
    REQUIRE(source != NULL);
    return token_source_wait(source, wait);
}

enum err outbound_renew_ahead(struct credential *credential)
{
    struct token_source *source = source_of(credential);
    return source != NULL ? token_source_renew(source) : ERR_NOT_FOUND;
}

void outbound_revoke(struct credential *credential)
{
    if (credential->scheme->revoke != NULL) {
        credential->scheme->revoke(credential, &credential->means);
    }
}

bool outbound_renew(struct credential *credential, uint64_t token_version, int status)
{
    if (credential->source == NULL) {
        return false;
    }
    if (credential->scheme->renew != NULL) {
        return credential->scheme->renew(credential->source, token_version, status);
    }
    if (status == 401) {
        token_source_refuse(credential->source, token_version);
    }
    return status == 401;
}

struct slice credential_token(const struct credential *credential)
{
    return credential->source != NULL ? token_source_reveal(credential->source)
                                      : SLICE_EMPTY;
}

enum err outbound_sign_bearer(struct credential *credential,
                              struct outbound_request *request,
                              const struct outbound_means *means, struct arena *arena)
{
    struct slice token = credential_token(credential);
    (void)means;
    if (token.len == 0) {
        return ERR_NEEDS_REAUTH;
    }
    outbound_add_field(request, SLICE("Authorization"),
                       arena_printf(arena, "Bearer %.*s", SLICE_ARG(token)));
    return ERR_OK;
}

/* The URL is the origin itself or goes on with a path: "https://a.b" is no prefix of
 * "https://a.b.evil". */
static bool is_at_home(const struct credential *credential, struct slice url)
{
    for (size_t i = 0; i < credential->origin_count; i++) {
        struct slice origin = credential->origins[i];
        if (slice_starts(url, origin) &&
            (url.len == origin.len || url.ptr[origin.len] == '/' ||
             url.ptr[origin.len] == '?')) {
            return true;
        }
    }
    return false;
}

enum err outbound_sign(struct credential *credential, struct outbound_request *request,
                       const struct outbound_means *means, struct arena *arena)
{
    REQUIRE(is_at_home(credential, request->url));
    if (request->passport_at > 0 && !credential->scheme->signs_body) {
        return ERR_INTERNAL; /* the catalog names a scheme that cannot */
    }
    if (credential->source != NULL) {
        request->token_version = token_source_version(credential->source);
    }
    enum err err = credential->scheme->sign(credential, request, means, arena);
    REQUIRE(is_at_home(credential, request->url)); /* whatever a scheme makes of it */
    return err;
}
