/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP Basic authentication (RFC 7617) with UTF-8: communication users and on-premise
 * users. */
#include "auth/outbound_private.h"
#include "base/text.h"

static const struct outbound_field fields[] = {
    {"username", true, true, 256},
    {"password", true, true, 1024},
};

static enum err sign(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena)
{
    struct slice username = credential_reveal(credential, "username");
    struct slice password = credential_reveal(credential, "password");
    struct slice pair =
        arena_printf(arena, "%.*s:%.*s", SLICE_ARG(username), SLICE_ARG(password));
    (void)means;
    outbound_add_field(
        request, SLICE("Authorization"),
        arena_printf(arena, "Basic %.*s", SLICE_ARG(text_base64(arena, pair))));
    return ERR_OK;
}

const struct outbound_scheme outbound_basic = {
    .name = "basic",
    .integration = "sap",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = sign,
};
