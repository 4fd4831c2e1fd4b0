/* SPDX-License-Identifier: Apache-2.0 */
/* A login is tried in the name of an account that nobody knows yet, also where it is for
 * one that exists: until it has worked, that one keeps what it has. */
#include "core/creation.h"

#include "auth/consent.h"
#include "base/text.h"
#include "core/accounts.h"
#include "core/events.h"
#include "core/login_rows.h"
#include "core/logins.h"
#include "core/standing.h"

#define STORE_TRIES 4

struct creation {
    struct gateway *gateway;
    struct trial trial; /* in its arena all of this lies */
    struct creation_order order;
    struct store_account stored;
    struct slice trial_id;
    struct token_answer grant;
    struct sealed_auth sealed;
    bool stands_by; /* a consent to a credential beside the active one, which stays */
    int tries;
};

/* ---- The end ---- */

static bool is_new(const struct creation *creation)
{
    return creation->order.record.version == 0;
}

static void forget_trial(struct creation *creation)
{
    if (creation->trial_id.len > 0) {
        accounts_removed(creation->gateway->accounts, creation->trial_id);
    }
}

static void finish(struct creation *creation, const struct fault *fault, bool refused)
{
    const struct creation_end end = {fault, refused, &creation->trial.facts,
                                     &creation->stored};
    if (fault->err != ERR_OK && creation->order.grant != NULL &&
        creation->trial.account != NULL) {
        consent_give_back(creation->trial.account->credential, &creation->grant);
    }
    creation->order.on_done(creation->order.ctx, &end);
    trial_drop(&creation->trial);
}

static void refuse(struct creation *creation, const struct fault *fault)
{
    forget_trial(creation);
    finish(creation, fault, true);
}

static void fail(struct creation *creation, enum err err)
{
    const struct fault fault = {.err = err};
    forget_trial(creation);
    finish(creation, &fault, false);
}

/* ---- Storing ---- */

/* The token that the trial fetched is the account's, and that its login works: it is kept
 * ready while that one lives. */
static void keep_what_was_tried(const struct creation *creation)
{
    struct account *account = NULL;
    if (creation->trial.account != NULL &&
        accounts_get(creation->gateway->accounts, creation->stored.id, &account) ==
            ERR_OK) {
        standing_inherit(account, creation->trial.account, LOGIN_SAME);
        account_drop(account);
    }
}

static void store_it(struct creation *creation);

static void on_stored(void *ctx, enum err err)
{
    struct creation *creation = ctx;
    if (err == ERR_CONFLICT && !is_new(creation) && creation->tries < STORE_TRIES) {
        store_it(creation); /* over the record as it is by now */
        return;
    }
    if (err != ERR_OK) {
        fail(creation, err);
        return;
    }
    if (!is_new(creation)) {
        forget_trial(creation);
    }
    accounts_changed(creation->gateway->accounts, creation->stored.id,
                     creation->stands_by ? LOGIN_SAME : LOGIN_NEW);
    if (!creation->stands_by) {
        keep_what_was_tried(creation);
    }
    finish(creation, &(struct fault){.err = ERR_OK}, false);
}

/* The one of the wanted scheme that stands by; NULL: there is none. */
static const struct store_credential *standby_row(const struct creation *creation,
                                                  const struct store_account *now)
{
    const struct store_account *wanted = &creation->order.record;
    struct store_credential *list = NULL;
    size_t count = 0;
    if (slice_eq(now->scheme, wanted->scheme) ||
        store_list_credentials(creation->gateway->parts.store, wanted->id,
                               creation->trial.arena, &list, &count) != ERR_OK) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(list[i].scheme, wanted->scheme)) {
            return &list[i];
        }
    }
    return NULL;
}

/* Before anything is sealed. Where the active one is refused anyway, the new one takes its
 * place. */
static void find_standby(struct creation *creation)
{
    struct store_account now;
    if (is_new(creation) || creation->order.grant == NULL ||
        store_get_account(creation->gateway->parts.store, creation->order.record.id,
                          creation->trial.arena, &now) != ERR_OK ||
        slice_is(now.state, "needs_reauth")) {
        return;
    }
    const struct store_credential *row = standby_row(creation, &now);
    creation->stands_by = row != NULL;
    if (row != NULL) {
        creation->order.record.named = row->named;
    }
}

static enum err put_standby(struct creation *creation, struct store_batch *batch,
                            struct store_account *now)
{
    const struct store_credential *row = standby_row(creation, now);
    if (row == NULL || row->named != creation->order.record.named) {
        return ERR_CONFLICT; /* deleted or switched meanwhile */
    }
    struct store_credential verified = *row;
    verified.auth = creation->sealed.plain_json;
    verified.proven = !creation->order.untried;
    now->updated_ms = gateway_wall_ms(creation->gateway);
    creation->stored = *now;
    store_update_account(batch, now, now->version);
    store_delete_secrets(
        batch, now->id,
        login_prefix(verified.scheme, verified.named, creation->trial.arena));
    store_put_credential(batch, &verified);
    return ERR_OK;
}

/* The login of an account that exists, over its record as it is now. ERR_CONFLICT: its
 * active credential was switched meanwhile. */
static enum err put_login(struct creation *creation, struct store_batch *batch)
{
    struct store_account now;
    struct arena *arena = creation->trial.arena;
    struct store *store = creation->gateway->parts.store;
    const struct store_account *wanted = &creation->order.record;
    enum err err = store_get_account(store, wanted->id, arena, &now);
    if (err == ERR_OK && creation->stands_by) {
        return put_standby(creation, batch, &now);
    }
    if (err == ERR_OK && now.named != wanted->named) {
        err = ERR_CONFLICT;
    }
    if (err != ERR_OK) {
        return err;
    }
    struct slice old_scheme = now.scheme;
    now.scheme = wanted->scheme;
    now.auth = creation->sealed.plain_json;
    now.lane = wanted->lane;
    if (!slice_is(now.state, "disabled")) { /* somebody's decision, not the login's */
        now.state = SLICE("active");
        now.cause = SLICE_EMPTY;
    }
    now.proven = creation->stored.proven;
    now.updated_ms = gateway_wall_ms(creation->gateway);
    creation->stored = now;
    store_update_account(batch, &now, now.version);
    return login_replace(store, batch, &now, old_scheme, arena);
}

static enum err put_account(struct creation *creation, struct store_batch *batch)
{
    struct store_account *stored = &creation->stored;
    enum err err = ERR_OK;
    if (is_new(creation)) {
        stored->version = 1;
        store_insert_account(batch, stored);
    } else {
        err = put_login(creation, batch);
        if (err != ERR_OK) {
            return err;
        }
    }
    login_put(batch, &creation->sealed);
    if (creation->order.grant != NULL) {
        err = grants_put(creation->gateway->parts.grants, batch, stored->id,
                         &creation->grant, NULL);
    }
    if (err == ERR_OK && stored->proven && !creation->stands_by) {
        events_account(batch, EVENT_ACCOUNT_CONNECTED, stored,
                       gateway_wall_ms(creation->gateway));
    }
    if (err == ERR_OK && creation->order.put != NULL) {
        creation->order.put(creation->order.ctx, batch, stored);
    }
    return err;
}

static void store_it(struct creation *creation)
{
    const struct gateway_parts *parts = &creation->gateway->parts;
    struct store_batch *batch = store_batch_new();
    enum err err = ERR_INTERNAL;
    creation->tries++;
    if (login_renew(parts->vault, &creation->sealed, creation->trial.arena)) {
        err = put_account(creation, batch);
    }
    if (err != ERR_OK) {
        store_batch_free(batch);
        fail(creation, err);
        return;
    }
    store_commit(parts->store, batch, on_stored, creation);
}

/* ---- Trying ---- */

static void on_tried(void *ctx, const struct fault *fault)
{
    struct creation *creation = ctx;
    if (fault->err != ERR_OK) {
        refuse(creation, fault);
        return;
    }
    creation->stored.proven = true;
    store_it(creation);
}

static void try_it(struct creation *creation)
{
    struct trial *trial = &creation->trial;
    struct store_account record = creation->stored;
    creation->trial_id =
        is_new(creation) ? record.id : text_new_id(trial->arena, "acc_");
    record.id = creation->trial_id;
    record.version = 0;
    enum err err = accounts_build_new(creation->gateway->accounts, &record,
                                      creation->order.auth, &trial->account);
    if (err != ERR_OK) {
        refuse(creation, &(struct fault){.err = err});
        return;
    }
    if (creation->order.grant != NULL) {
        consent_try(trial->account->credential, &creation->grant);
    }
    trial->on_done = on_tried;
    trial->ctx = creation;
    trial->tries_now = creation->order.tries_now;
    trial_start(trial);
}

static void keep_grant(struct creation *creation, const struct token_answer *grant)
{
    struct arena *arena = creation->trial.arena;
    if (grant != NULL) {
        creation->grant = *grant;
        creation->grant.token = arena_slice(arena, grant->token);
        creation->grant.refresh = arena_slice(arena, grant->refresh);
    }
}

void creation_start(struct gateway *gateway, const struct creation_order *order)
{
    struct arena *arena = arena_new();
    struct creation *creation = arena_alloc(arena, sizeof *creation);
    creation->gateway = gateway;
    creation->order = *order;
    trial_init(&creation->trial, arena);
    /* Used after whoever ordered it is gone. */
    creation->order.record.id = arena_slice(arena, order->record.id);
    keep_grant(creation, order->grant);
    find_standby(creation);
    enum err err = login_seal(gateway->parts.vault, &creation->order.record,
                              order->auth, order->scheme, arena, &creation->sealed);
    creation->stored = creation->order.record;
    creation->stored.auth = creation->sealed.plain_json;
    creation->stored.state = SLICE("active");
    creation->stored.cause = SLICE_EMPTY;
    creation->stored.proven = false; /* one at a time until these have worked */
    if (err != ERR_OK) {
        fail(creation, err);
    } else if (order->untried) {
        store_it(creation);
    } else {
        try_it(creation);
    }
}
