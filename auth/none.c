/* SPDX-License-Identifier: Apache-2.0 */
/* For an integration without an upstream: there is nobody to log in to. */
#include "auth/outbound_private.h"

static enum err sign(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena)
{
    (void)credential;
    (void)request;
    (void)means;
    (void)arena;
    return ERR_OK;
}

const struct outbound_scheme outbound_none = {
    .name = "none",
    .integration = "conformance",
    .causes = "",
    .sign = sign,
};
