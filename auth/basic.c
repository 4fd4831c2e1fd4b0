/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP Basic authentication (RFC 7617) with UTF-8: communication users and on-premise
 * users. */
#include "auth/outbound_private.h"
#include "base/text.h"

static const struct outbound_field fields[] = {
    OUTBOUND_BASIC_FIELDS(true),
};

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

/* RFC 7617 section 2: the first colon ends the name, so it cannot be in it. */
const char *outbound_basic_complain(const struct jval *auth, const char **field)
{
    struct slice username = jval_text(jval_get(auth, "username"));

    *field = "username";
    if (slice_find(username, ':') >= 0) {
        return "a name with a colon in it cannot be sent by HTTP Basic authentication";
    }
    if (has_control(username)) {
        return "control characters cannot be sent";
    }
    *field = "password";
    return has_control(jval_text(jval_get(auth, "password")))
               ? "control characters cannot be sent"
               : NULL;
}

static const char *complain(const struct jval *auth, struct arena *arena,
                            const char **field)
{
    (void)arena;
    return outbound_basic_complain(auth, field);
}

void outbound_sign_basic(struct outbound_request *request, struct slice username,
                         struct slice password, struct arena *arena)
{
    struct slice pair =
        arena_printf(arena, "%.*s:%.*s", SLICE_ARG(username), SLICE_ARG(password));

    outbound_add_field(
        request, SLICE("Authorization"),
        arena_printf(arena, "Basic %.*s", SLICE_ARG(text_base64(arena, pair))));
}

static enum err sign(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena)
{
    (void)means;
    outbound_sign_basic(request, credential_reveal(credential, "username"),
                        credential_reveal(credential, "password"), arena);
    return ERR_OK;
}

const struct outbound_scheme outbound_basic = {
    .name = "basic",
    .integration = "sap",
    .lock_minutes = OUTBOUND_SAP_LOCK_MINUTES,
    .user_field = "username",
    .causes =
        "Probable causes, the most likely first: user or password is wrong or the "
        "password has to be changed; sap_client is another client's; the user is "
        "locked after failed logins or has ended; the communication arrangement was "
        "removed. Transaction SU01 shows whether the user is locked, SM20 why logons "
        "failed; in the cloud, the app Communication Arrangements shows the user that "
        "belongs to one.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = sign,
    .complain = complain,
};
