/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what outbound.c and the files of the schemes share: the scheme's row and a
 * credential's fields. Owns: nothing. Threads: the loop's. Errors: none. Start reading
 * at: struct outbound_scheme.
 */
#ifndef SLUICE_AUTH_OUTBOUND_PRIVATE_H
#define SLUICE_AUTH_OUTBOUND_PRIVATE_H

#include "auth/outbound.h"

struct outbound_scheme {
    const char *name, *integration;
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
                                   struct tokens *tokens, struct slice tenant);
};

/* Lends the field's bytes until the credential is freed; empty when it was not given.
 */
struct slice credential_reveal(const struct credential *credential, const char *field);

/* Appends a field; there is room for OUTBOUND_FIELDS. */
void outbound_add_field(struct outbound_request *request, struct slice name,
                        struct slice value);

/* The access token of a scheme that has tokens. */
struct slice credential_token(const struct credential *credential);

extern const struct outbound_scheme outbound_tba;
extern const struct outbound_scheme outbound_xsuaa;
extern const struct outbound_scheme outbound_basic;
extern const struct outbound_scheme outbound_none;

#endif
