/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: signs one request to an upstream with an account's credential.
 * Owns: credentials: a scheme and its secrets, bound to one account and its origins.
 * Threads: the loop's.
 * Errors: ERR_UNPROCESSABLE for wrong auth fields, with a fault that names the pointer.
 * Start reading at: outbound_sign. One file per scheme; the list of them is in
 * outbound.c.
 */
#ifndef SLUICE_AUTH_OUTBOUND_H
#define SLUICE_AUTH_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/grants.h"
#include "auth/mac.h"
#include "auth/tokens.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/jval.h"
#include "base/random_stock.h"
#include "base/secret.h"
#include "base/slab.h"
#include "base/slice.h"
#include "io/http_client.h"
#include "io/http_field.h"

/* What a scheme asks for in `auth`, so that nobody else needs to know a scheme. */
struct outbound_field {
    const char *name;
    bool secret; /* sealed, never shown again */
    bool required;
    size_t max_bytes;
};
struct outbound_scheme;

/* NULL for an unknown scheme. */
const struct outbound_scheme *outbound_scheme_find(struct slice name);
/* The n-th scheme of an integration ("netsuite"), or NULL: for messages that list them.
 */
const struct outbound_scheme *outbound_scheme_at(struct slice integration, size_t n);
const char *outbound_scheme_name(const struct outbound_scheme *scheme);
/* Whether it is one of that integration's. */
bool outbound_scheme_serves(const struct outbound_scheme *scheme,
                            struct slice integration);
/* Whether it is for accounts that are reached by that route (op_target.route). */
bool outbound_scheme_fits(const struct outbound_scheme *scheme, struct slice route);
/* False: it shows a certificate, and there is no TLS at that origin. */
bool outbound_scheme_may_show(const struct outbound_scheme *scheme,
                              struct slice origin);
/* The lane of an account with that `auth`: `lane`, made narrower where an address is good
 * within one subaccount only. Lives in `arena`, or is `lane`. */
struct slice outbound_scheme_lane(const struct outbound_scheme *scheme,
                                  struct slice lane, const struct jval *auth,
                                  struct arena *arena);
/* Its tokens come of a grant that a person gave. */
bool outbound_scheme_has_grant(const struct outbound_scheme *scheme);
/* A few refused logins in a row lock the user at the ERP. */
bool outbound_scheme_locks(const struct outbound_scheme *scheme);
/* How long refused logins count there; 0: they lock nobody. */
int64_t outbound_scheme_lock_us(const struct outbound_scheme *scheme);
/* Its requests carry a token that is fetched; else each is signed by itself. */
bool outbound_scheme_has_tokens(const struct outbound_scheme *scheme);
/* How far the ERP lets our clocks be apart; 0: it does not matter. */
int64_t outbound_scheme_clock_ms(const struct outbound_scheme *scheme);
/* Why an ERP may have refused the login, in a sentence for a person; `skew_ms` is how far
 * its clock is ahead of ours, as measured. Lives in `arena` or is a literal. */
struct slice outbound_scheme_causes(const struct outbound_scheme *scheme,
                                    int64_t skew_ms, struct arena *arena);
/* When a client certificate is good, ms since 1970. */
struct certificate_life {
    int64_t begins_ms, ends_ms;
};
/* Whether that field of an `auth` holds a certificate. */
bool outbound_certificate_life(struct slice field, struct slice value,
                               struct certificate_life *out);
const struct outbound_field *
outbound_scheme_fields(const struct outbound_scheme *scheme, size_t *count);
/* Whether one of them is of that name; a scheme that is NULL has none. */
bool outbound_scheme_takes(const struct outbound_scheme *scheme, const char *field);

/*
 * Checks an `auth` object ({"scheme":…, fields…}) against its scheme: unknown, missing,
 * empty, too long or ill-typed fields are named in `fault`.
 */
MUST_USE enum err outbound_check(const struct jval *auth, struct slice integration,
                                 struct arena *arena,
                                 const struct outbound_scheme **out,
                                 struct fault *fault);

struct credential;

/* `account_id`: ours; `origins`: scheme://host[:port] this credential may be used at.
 * All are copied, into memory of `slab` (kept) or of malloc where that is NULL. Fields are given
 * with credential_put; it takes the secret. */
struct credential *credential_new(struct slab *slab,
                                  const struct outbound_scheme *scheme,
                                  struct slice account_id, const struct slice *origins,
                                  size_t origin_count);
void credential_put(struct credential *credential, struct slice field,
                    struct secret *value);
void credential_free(struct credential *credential); /* accepts NULL */
/* It may be used soon: its record is fetched from memory (base/ahead.h). */
void credential_ahead(const struct credential *credential);
/* It is used next: the same of the secrets it signs with. */
void credential_secrets_ahead(const struct credential *credential);
/* Of its certificates the one that ends first; false: it has none. */
bool credential_certificate(const struct credential *credential,
                            struct certificate_life *out);
/* Before the first use, for schemes that fetch tokens: keeps the first two, copies `tenant`.
 */
void credential_use_tokens(struct credential *credential, struct tokens *tokens,
                           struct grants *grants, struct slice tenant);

/* Once its fields are complete: takes part in the token its tenant already has for that client. */
void outbound_attach(struct credential *credential);

/* Whether it can sign now and for the next 30 s; always, for schemes without tokens. */
bool outbound_is_ready(const struct credential *credential);
/* Fetches what is missing (shared with all who wait). ERR_OK: on_ready comes exactly once,
 * never before this returned, unless cancelled with token_wait_cancel; else nothing could
 * be asked for now. Only when it is not ready. */
MUST_USE enum err outbound_prepare(struct credential *credential,
                                   struct token_wait *wait);
/* Fetches the next token though this one is good yet, for nobody who waits. ERR_NOT_FOUND
 * when the scheme has no tokens. */
MUST_USE enum err outbound_renew_ahead(struct credential *credential);
/* The account is being offboarded: tells the token host that its grant is over, where the
 * scheme has one. */
void outbound_revoke(struct credential *credential);
/* The upstream, or the proxy before it, answered that status to a request signed just now:
 * drops the token it carried if that is what was refused. True: the same request may go
 * once more, with a new one. */
bool outbound_renew(struct credential *credential, uint64_t token_version, int status);

struct outbound_request {
    struct slice method;
    /* Absolute, exactly as it will be sent; outbound_sign may put another into its place, at
     * the same host. */
    struct slice url;
    struct slice realm;      /* NetSuite: the canonical account id */
    struct slice key_header; /* SAP API Management: the field for its key */
    struct slice location; /* SAP Cloud Connector: which one; empty: that without id */
    struct http_field *fields; /* the connector's, with room for OUTBOUND_FIELDS more */
    size_t field_count;
    /* Set by outbound_sign: the way it has to go; NULL: straight. */
    const struct http_proxy *proxy;
    const struct http_identity
        *identity; /* likewise: who we are in TLS; NULL: nobody */
    struct slice body;
    /* Of a body in which the signature stands itself: where its element goes; 0: in a field
     * of the head. outbound_sign puts a new body into its place. */
    size_t passport_at;
    uint64_t token_version; /* set by outbound_sign: which token it carries; 0: none */
};
#define OUTBOUND_FIELDS 12

/* What signing needs of the process; borrowed. */
struct outbound_means {
    const struct clock *clock;
    struct mac *mac;
    struct random_stock *random;
};

/*
 * Adds the scheme's fields to the request; strings live in `arena`. Uses the time of
 * now, so it is called when the request really leaves. A URL outside the credential's
 * origins is a programmer error (REQUIRE): a credential is never used elsewhere.
 */
MUST_USE enum err outbound_sign(struct credential *credential,
                                struct outbound_request *request,
                                const struct outbound_means *means,
                                struct arena *arena);

#endif
