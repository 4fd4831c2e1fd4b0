/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what users have granted: authorization codes, grants ("OAuth 2.0 Authorized
 * Applications" in the UI), and the tokens that came of them. Owns: all of it; of codes and
 * tokens only the SHA-256. Threads: one owner at a time. Errors: NULL and the reason for the
 * Login Audit Trail. Start reading at: struct grant. Times are Unix seconds, handed in.
 */
#ifndef SLUICE_MOCKS_NETSUITE_GRANTS_H
#define SLUICE_MOCKS_NETSUITE_GRANTS_H

#include "base/list.h"
#include "mocks/netsuite/audit.h"
#include "mocks/netsuite/integrations.h"

enum grant_kind { GRANT_CODE, GRANT_CLIENT_CREDENTIALS };
enum token_kind { TOKEN_ACCESS, TOKEN_REFRESH };

struct grant {
    struct list node;
    char id[33];
    enum grant_kind kind;
    const struct integration *integration;
    const struct certificate *certificate; /* NULL: not the client credentials flow */
    unsigned scopes;
    int64_t made_s;
    int64_t ends_s; /* no token outlives its refreshing; client credentials: never */
    int64_t rotations, serial;
    bool revoked;
    struct list tokens; /* oldest first */
    size_t token_count;
};

struct grants;

struct grants *grants_new(void);
void grants_free(struct grants *grants);

/* What an authorization code stands for. */
struct code_terms {
    const struct integration *integration;
    unsigned scopes;
    struct slice redirect_uri;
    struct slice challenge; /* empty: no PKCE */
};

#define CODE_HEX 64

/* Writes a new code, NUL terminated. The oldest gives way to the thousandth. */
void grants_add_code(struct grants *grants, const struct code_terms *terms,
                     int64_t ends_s, char text[CODE_HEX + 1]);

/* Uses up the code, unless it belongs to another client, and makes its grant. NULL: `*why`.
 * Lends the grant. */
struct grant *grants_redeem(struct grants *grants, struct slice text,
                            const struct integration *integration,
                            struct slice redirect_uri, struct slice verifier,
                            int64_t now_s, enum audit_reason *why);

/* The one grant of that certificate, made when there is none that lives. Lends. */
struct grant *grants_of_certificate(struct grants *grants,
                                    const struct integration *integration,
                                    const struct certificate *certificate,
                                    unsigned scopes, int64_t now_s);

/* Whether somebody has consented to at least these scopes. */
bool grants_consented(const struct grants *grants,
                      const struct integration *integration, unsigned scopes,
                      int64_t now_s);

/* Remembers a token that was issued. A grant's oldest gives way to its thousandth. */
void grants_add_token(struct grants *grants, struct grant *grant, enum token_kind kind,
                      struct slice text, int64_t ends_s);

/* The refresh token's grant. A public client's token is used up by it. NULL: `*why`. */
struct grant *grants_refresh(struct grants *grants, struct slice text,
                             const struct integration *integration, int64_t now_s,
                             enum audit_reason *why);

/* The access token's grant. NULL: `*why`. */
const struct grant *grants_bearer(const struct grants *grants, struct slice text,
                                  int64_t now_s, enum audit_reason *why);

/* Revokes the refresh token's grant with all its tokens. False: not a token of that
 * client. */
bool grants_revoke_token(struct grants *grants, struct slice text,
                         const struct integration *integration);
/* By id; empty: every one. False: unknown. */
bool grants_revoke(struct grants *grants, struct slice id);

/* Ends every token of that kind now. Returns how many lived. */
size_t grants_expire_tokens(struct grants *grants, enum token_kind kind, int64_t now_s);

/* Those that live, oldest first, without secrets: a new array. */
json_t *grants_json(const struct grants *grants, int64_t now_s);

#endif
