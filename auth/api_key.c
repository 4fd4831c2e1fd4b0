/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAP API Management: a key in a field of its own, which the connection names, and a user
 * of the system behind it where the API proxy does not bring one. SAP Integration Suite
 * documentation, "Verify API Key".
 */
#include "auth/outbound_private.h"

static const struct outbound_field fields[] = {
    {"api_key", true, true, 1024},
    OUTBOUND_BASIC_FIELDS(false),
};

static const char *complain(const struct jval *auth, struct arena *arena,
                            const char **field)
{
    struct slice key = jval_text(jval_get(auth, "api_key"));
    bool has_user = jval_get(auth, "username") != NULL;

    (void)arena;
    *field = "api_key";
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] <= 0x20 || key.ptr[i] >= 0x7f) {
            return "visible ASCII without blanks is needed";
        }
    }
    if (has_user != (jval_get(auth, "password") != NULL)) {
        *field = has_user ? "password" : "username";
        return "is needed: username and password go together";
    }
    return has_user ? outbound_basic_complain(auth, field) : NULL;
}

static enum err sign(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena)
{
    struct slice username = credential_reveal(credential, "username");

    (void)means;
    outbound_add_field(request, request->key_header,
                       credential_reveal(credential, "api_key"));
    if (username.len > 0) {
        outbound_sign_basic(request, username,
                            credential_reveal(credential, "password"), arena);
    }
    return ERR_OK;
}

const struct outbound_scheme outbound_api_key = {
    .name = "sap_api_key",
    .integration = "sap",
    .route = "api_management",
    .lock_minutes = OUTBOUND_SAP_LOCK_MINUTES, /* where there is a user */
    .user_field = "username",
    .causes = "Probable causes, the most likely first: the API key is wrong or its "
              "application was revoked; api_key_header is not the field that the API "
              "proxy reads; user or password of the system behind it is wrong, or the "
              "user is locked.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = sign,
    .complain = complain,
};
