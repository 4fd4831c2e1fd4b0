/* SPDX-License-Identifier: Apache-2.0 */
/* Switching an account off and on again. */
#include "core/admin_private.h"

bool admin_change_state(struct admin *admin, struct slice before,
                        struct store_account *record)
{
    struct slice pointer = SLICE("/state"), wanted;
    bool was_off = slice_is(before, "disabled");
    if (!admin_text(admin, "state", false, 16, &wanted)) {
        return false;
    }
    if (wanted.len == 0) { /* new credentials alone do not switch it on */
        record->state = was_off ? SLICE("disabled") : record->state;
        return true;
    }
    if (slice_is(wanted, "disabled")) {
        record->state = wanted;
        record->cause = SLICE_EMPTY;
        return true;
    }
    if (!slice_is(wanted, "active")) {
        return admin_unprocessable(admin, pointer, "active or disabled is needed");
    }
    if (slice_is(record->state, "needs_reauth")) {
        return admin_unprocessable(
            admin, pointer,
            "the ERP refused this account's login: auth with new "
            "credentials makes it active");
    }
    record->state = wanted;
    return true;
}
