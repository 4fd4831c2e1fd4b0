/* SPDX-License-Identifier: Apache-2.0 */
/* What callers are told of a login that was refused. */
#include "core/standing_private.h"

static const char *what_happened(const struct account *account,
                                 const struct credential *login)
{
    if (login != account->credential) {
        return "The ERP refused the login by which alone this tool can be called; it "
               "is not used again before somebody has verified it.";
    }
    if (slice_is(account->record.cause, CLIENT_REFUSED)) {
        return "The token host refused this account's client, so there is no access "
               "token and nothing is sent to the ERP.";
    }
    if (slice_is(account->record.cause, TOKEN_REFUSED)) {
        return "The ERP refuses this account's access tokens, those just fetched too, "
               "so nothing is sent to it.";
    }
    if (!standing_needs_reauth(account) || account->record.version == 0) {
        return "The ERP refused this account's login.";
    }
    return "The ERP no longer takes this account's login, so nothing is sent to it "
           "until a person has connected it again.";
}

static void disabled_fault(struct fault *fault)
{
    fault->err = ERR_POLICY_DENIED;
    fault->message =
        SLICE("This ERP account is switched off, so nothing is sent to it.");
    fault->hint =
        SLICE("Whoever manages the connection can switch it on again; calling "
              "again does not help.");
}

void standing_fault(const struct account *account, const struct credential *login,
                    int64_t skew_ms, struct arena *arena, struct fault *fault)
{
    const struct outbound_scheme *scheme =
        outbound_scheme_find(standing_scheme_of(account, login));
    if (standing_is_disabled(account)) {
        disabled_fault(fault);
        return;
    }
    struct slice causes = fault->hint;
    if (causes.len == 0 && scheme != NULL) {
        causes = outbound_scheme_causes(scheme, skew_ms, arena);
    }
    fault->err = ERR_NEEDS_REAUTH;
    fault->message = arena_printf(arena, "%s %.*s", what_happened(account, login),
                                  SLICE_ARG(causes));
    fault->hint =
        account->reauth_url.len > 0
            ? arena_printf(
                  arena, "A person with access to the ERP connects it again here: %.*s",
                  SLICE_ARG(account->reauth_url))
            : SLICE("Tell the person who looks after this connection; calling again "
                    "does not help.");
}
