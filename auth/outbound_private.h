/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what outbound.c and the files of the schemes share: the scheme's row and a
 * credential's fields. Owns: nothing. Threads: the loop's. Errors: none. Start reading
 * at: struct outbound_scheme.
 */
#ifndef SLUICE_AUTH_OUTBOUND_PRIVATE_H
#define SLUICE_AUTH_OUTBOUND_PRIVATE_H

#include "auth/outbound.h"

struct token_means;

struct outbound_scheme {
    const char *name, *integration;
    const char *route; /* the one it is for, and no other scheme; NULL: those without */
    /* Whose host tells apart upstreams of the same address; NULL: addresses do. */
    const char *lane_field;
    bool signs_body; /* it can put a passport into one: request->passport_at */
    bool wants_tls;  /* what it shows is shown in the handshake */
    /* A few refused logins in a row lock the user there, or count towards it, for so long; 0:
     * they do not. */
    int lock_minutes;
    const char
        *user_field; /* which names that user; NULL: only all fields together do */
    /* Why the ERP may have refused the login, the most likely cause first. */
    const char *causes;
    /* How far the ERP lets our clocks be apart; 0: it does not matter. */
    int64_t clock_ms;
    const struct outbound_field *fields;
    size_t field_count;
    enum err (*sign)(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena);
    /* A rule beyond the fields' sizes: what is wrong, and with which; NULL: nothing.
     * All fields are there. NULL: the scheme has no such rule. */
    const char *(*complain)(const struct jval *auth, struct arena *arena,
                            const char **field);
    /* The token source of a credential whose fields are complete; NULL: no tokens. */
    struct token_source *(*source)(const struct credential *credential,
                                   const struct token_means *means);
    /* An answer of that status refused a request of that token: drops it, and says whether
     * the request may go once more. NULL: a 401 does. */
    bool (*renew)(struct token_source *source, uint64_t version, int status);
    /* Of a scheme whose tokens come of a grant that can be given back; else NULL. */
    void (*revoke)(const struct credential *credential,
                   const struct token_means *means);
    const struct outbound_consent *consent; /* NULL: nobody consents to it */
};

/* Where a person consents, and what of: paths at the consent pages and at the API. */
struct outbound_consent {
    const char *authorize_path, *token_path, *revoke_path;
    const char *scope;
};

/* With what a scheme makes its source. */
struct token_means {
    struct tokens *tokens;
    struct grants *grants;
    struct slice tenant, account;
    struct slice origin; /* the first of the credential's: the API's own host */
};

/* Lends the field's bytes until the credential is freed; empty when it was not given.
 */
struct slice credential_reveal(const struct credential *credential, const char *field);

/* The account's access token; empty when there is none. */
struct slice credential_token(const struct credential *credential);
const struct outbound_scheme *credential_scheme(const struct credential *credential);
const struct token_means *credential_means(const struct credential *credential);
/* From now on it signs with that source's tokens; takes a hold of it. */
void credential_take_source(struct credential *credential, struct token_source *source);

/* Appends a field; there is room for OUTBOUND_FIELDS. */
void outbound_add_field(struct outbound_request *request, struct slice name,
                        struct slice value);

/* "Authorization: Bearer …" with the access token: how schemes that have tokens sign (RFC
 * 6750 section 2.1). ERR_NEEDS_REAUTH when there is none. */
enum err outbound_sign_bearer(struct credential *credential,
                              struct outbound_request *request,
                              const struct outbound_means *means, struct arena *arena);

/* SAP locks a user after 5 refused passwords by default (profile parameter
 * login/fails_to_user_lock), and counts until one is right: there is no time after which a fifth
 * would not lock. A day is as long as such a lock lasts where login/failed_user_auto_unlock is
 * set. */
#define OUTBOUND_SAP_LOCK_MINUTES (24 * 60)

/* Fields for `username` and `password` (RFC 7617), what is wrong with them, if anything,
 * and "Authorization: Basic ..." of two texts. */
#define OUTBOUND_BASIC_FIELDS(required)  \
    {"username", true, required, 256},   \
    {                                    \
        "password", true, required, 1024 \
    }
const char *outbound_basic_complain(const struct jval *auth, const char **field);
void outbound_sign_basic(struct outbound_request *request, struct slice username,
                         struct slice password, struct arena *arena);

extern const struct outbound_scheme outbound_tba;
extern const struct outbound_scheme outbound_netsuite_oauth2;
extern const struct outbound_scheme outbound_netsuite_m2m;
extern const struct outbound_scheme outbound_xsuaa;
extern const struct outbound_scheme outbound_ias;
extern const struct outbound_scheme outbound_sap_certificate;
extern const struct outbound_scheme outbound_destination;
extern const struct outbound_scheme outbound_connectivity;
extern const struct outbound_scheme outbound_api_key;
extern const struct outbound_scheme outbound_basic;
extern const struct outbound_scheme outbound_none;

#endif
