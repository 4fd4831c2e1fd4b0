/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account's credentials: the active one and those that stand by for a switch. A standby
 * one is tried against the ERP before it is stored; a switch exchanges two rows in one
 * transaction, and every call is signed with what is in force when it is signed.
 */
#include "auth/outbound.h"
#include "base/limits.h"
#include "core/admin_private.h"
#include "core/events.h"
#include "core/login_rows.h"
#include "core/logins.h"
#include "core/trial.h"

static bool has_grant(struct slice scheme)
{
    return outbound_scheme_has_grant(outbound_scheme_find(scheme));
}

/* ---- What is there ---- */

struct credentials {
    struct store_credential *list;
    size_t count;
};

static enum err read_credentials(struct admin *admin, struct slice account,
                                 struct credentials *out)
{
    return store_list_credentials(admin->gateway->parts.store, account, admin->arena,
                                  &out->list, &out->count);
}

static const struct store_credential *find(const struct credentials *credentials,
                                           struct slice scheme)
{
    for (size_t i = 0; i < credentials->count; i++) {
        if (slice_eq(credentials->list[i].scheme, scheme)) {
            return &credentials->list[i];
        }
    }
    return NULL;
}

/* ---- Showing: never a secret ---- */

static void write_grant(struct jwriter *writer, struct admin *admin,
                        struct slice account)
{
    struct store_grant grant;
    bool consented = store_get_grant(admin->gateway->parts.store, account, admin->arena,
                                     &grant) == ERR_OK;
    jwriter_member_bool(writer, "consented", consented);
    admin_time(writer, "consent_ends_at", consented ? grant.grant_ends_ms : 0);
}

static void write_credential(struct jwriter *writer, struct admin *admin,
                             const struct store_credential *credential, bool active)
{
    struct jval *plain = NULL;
    jwriter_object(writer);
    jwriter_member_string(writer, "scheme", credential->scheme);
    jwriter_member_bool(writer, "active", active);
    jwriter_member_bool(writer, "verified", credential->proven);
    if (has_grant(credential->scheme)) {
        write_grant(writer, admin, credential->account);
    }
    jwriter_key(writer, SLICE("auth"));
    if (jval_parse(admin->arena, credential->auth, &plain, NULL) == ERR_OK) {
        jwriter_value(writer, plain);
    } else {
        jwriter_null(writer);
    }
    jwriter_object_end(writer);
}

static struct store_credential active_of(const struct store_account *record)
{
    return (struct store_credential){record->id, record->scheme, record->auth,
                                     record->named, record->proven};
}

void admin_list_auth(struct admin *admin)
{
    struct store_account record;
    struct credentials standby;
    if (!admin_load_account(admin, &record)) {
        return;
    }
    enum err err = read_credentials(admin, record.id, &standby);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    const struct store_credential active = active_of(&record);
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("data"));
    jwriter_array(&writer);
    write_credential(&writer, admin, &active, true);
    for (size_t i = 0; i < standby.count; i++) {
        write_credential(&writer, admin, &standby.list[i], false);
    }
    jwriter_array_end(&writer);
    jwriter_object_end(&writer);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}

static void respond_credential(struct admin *admin, int status,
                               const struct store_credential *credential)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    write_credential(&writer, admin, credential, false);
    admin_respond(admin, status, &json);
    buf_free(&json);
}

static void respond_meanwhile(struct admin *admin)
{
    admin_error(admin, ERR_CONFLICT,
                SLICE("The account was changed at the same time: read it again."));
}

/* ---- A standby credential that is tried, then stored ---- */

struct standby {
    struct admin *admin; /* until it was answered */
    struct trial trial;  /* in its arena this lies */
    struct store_account record;
    const struct outbound_scheme *scheme;
    struct store_credential credential; /* as it is to be stored */
    struct sealed_auth sealed;
    bool brings_values; /* of the body; else it is stored already */
    bool is_new;
};

static struct standby *new_standby(struct admin *admin)
{
    struct arena *arena = arena_new();
    struct standby *standby = arena_alloc(arena, sizeof *standby);
    standby->admin = admin;
    trial_init(&standby->trial, arena);
    return standby;
}

/* The account, and the scheme that the path names; false after an answer. */
static bool load(struct admin *admin, struct store_account *record,
                 const struct outbound_scheme **scheme)
{
    struct slice name = admin->scheme;
    if (!admin_load_account(admin, record)) {
        return false;
    }
    *scheme = outbound_scheme_find(name);
    if (*scheme == NULL || !outbound_scheme_serves(*scheme, record->integration)) {
        admin_error(admin, ERR_NOT_FOUND,
                    SLICE("The account's integration has no such scheme."));
        return false;
    }
    return true;
}

/* Whether the credential may be stored beside those that are there; false after an answer. */
static bool may_stand_by(struct standby *standby, struct credentials *others)
{
    struct admin *admin = standby->admin;
    enum err err = read_credentials(admin, standby->record.id, others);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return false;
    }
    if (slice_eq(standby->record.scheme, standby->credential.scheme)) {
        admin_error(admin, ERR_CONFLICT,
                    SLICE("This scheme's credential is the active one: change it with "
                          "PATCH /integrated-account/{id} and auth, or switch to "
                          "another first."));
        return false;
    }
    if (find(others, standby->credential.scheme) == NULL &&
        others->count + 2 > LIMIT_ACCOUNT_CREDENTIALS) {
        admin_error(admin, ERR_CONFLICT,
                    arena_printf(admin->arena,
                                 "An account has at most %d credentials: delete one "
                                 "that stands by.",
                                 LIMIT_ACCOUNT_CREDENTIALS));
        return false;
    }
    return true;
}

static void store_standby(struct standby *standby);

/* What the trial showed holds for the account that is kept ready. */
static void note_trial(const struct standby *standby)
{
    struct account *account = NULL;
    if (accounts_get(standby->admin->gateway->accounts, standby->record.id, &account) !=
        ERR_OK) {
        return;
    }
    struct account_standby *ready = logins_standby(account, standby->credential.scheme);
    if (ready != NULL) {
        ready->standing.worked_us =
            standby->credential.proven ? standby->trial.account->standing.worked_us : 0;
    }
    account_drop(account);
}

static void on_standby_stored(void *ctx, enum err err)
{
    struct standby *standby = ctx;
    struct admin *admin = standby->admin;
    if (err == ERR_CONFLICT && admin->tries < ADMIN_TRIES) {
        admin->tries++;
        store_standby(standby);
        return;
    }
    if (err == ERR_CONFLICT) {
        respond_meanwhile(admin);
    } else if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
    } else {
        accounts_changed(admin->gateway->accounts, standby->record.id, LOGIN_SAME);
        note_trial(standby);
        respond_credential(admin, standby->is_new ? 201 : 200, &standby->credential);
    }
    trial_drop(&standby->trial);
}

/* In the place of what was there. A grant was given to one client: it goes with that. */
static void put_values(struct standby *standby, struct store_batch *batch,
                       const struct store_credential *old)
{
    struct admin *admin = standby->admin;
    const struct store_credential *new = &standby->credential;
    if (old != NULL && !slice_eq(old->auth, new->auth)) {
        login_drop(batch, new->account, old->scheme, old->named, admin->arena);
    } else if (old != NULL) {
        store_delete_secrets(batch, new->account,
                             login_prefix(old->scheme, old->named, admin->arena));
    }
    store_put_credential(batch, new);
    login_put(batch, &standby->sealed);
}

/* Over the account as it is by now: a trial takes its time. */
static void store_standby(struct standby *standby)
{
    struct admin *admin = standby->admin;
    struct credentials others;
    int64_t version = standby->record.version;
    if (!admin_load_account(admin, &standby->record) ||
        !may_stand_by(standby, &others)) {
        trial_drop(&standby->trial);
        return;
    }
    const struct store_credential *old = find(&others, standby->credential.scheme);
    /* What was tried is what is stored: others may have replaced or switched it. */
    if ((!standby->brings_values && standby->record.version != version) ||
        (old != NULL && old->named != standby->credential.named) ||
        !login_renew(admin->gateway->parts.vault, &standby->sealed,
                     standby->trial.arena)) {
        respond_meanwhile(admin);
        trial_drop(&standby->trial);
        return;
    }
    struct store_batch *batch = store_batch_new();
    standby->is_new = old == NULL;
    standby->record.updated_ms = gateway_wall_ms(admin->gateway);
    store_update_account(batch, &standby->record, standby->record.version);
    if (standby->brings_values) {
        put_values(standby, batch, old);
    } else {
        store_prove_credential(batch, standby->record.id, standby->credential.scheme,
                               true);
    }
    store_commit(admin->gateway->parts.store, batch, on_standby_stored, standby);
}

static void refuse_standby(struct standby *standby, const struct fault *fault)
{
    struct admin *admin = standby->admin;
    struct fault shown = *fault;
    bool passing = trial_may_pass_later(fault->err);
    struct slice reason =
        fault->message.len > 0 ? fault->message : slice_str(err_sentence(fault->err));
    shown.message =
        arena_printf(admin->arena, "%s, so nothing was changed: %.*s",
                     passing ? "This credential could not be tried now"
                             : "The ERP could not be reached with this credential",
                     SLICE_ARG(reason));
    if (passing) {
        shown.hint = trial_later_hint(admin->arena, fault);
    } else if (shown.err != ERR_POLICY_DENIED && shown.err != ERR_INTERNAL) {
        shown.err = ERR_UNPROCESSABLE;
    }
    admin_fault(admin, &shown);
    trial_drop(&standby->trial);
}

static void on_tried(void *ctx, const struct fault *fault)
{
    struct standby *standby = ctx;
    if (fault->err != ERR_OK) {
        refuse_standby(standby, fault);
        return;
    }
    standby->credential.proven = true;
    store_standby(standby);
}

static void start_trial(struct standby *standby, const struct jval *auth)
{
    struct store_account record = standby->record;
    bool tries_now = false;
    if (!admin_tries_now(standby->admin, &tries_now)) {
        trial_drop(&standby->trial);
        return;
    }
    record.scheme = standby->credential.scheme;
    record.auth = standby->credential.auth;
    record.named = standby->credential.named;
    enum err err = accounts_build_apart(standby->admin->gateway->accounts, &record,
                                        auth, &standby->trial.account);
    if (err != ERR_OK) {
        refuse_standby(standby, &(struct fault){.err = err});
        return;
    }
    standby->trial.on_done = on_tried;
    standby->trial.ctx = standby;
    standby->trial.tries_now = tries_now;
    trial_start(&standby->trial);
}

static void store_untried(struct standby *standby)
{
    bool tries_now = false;
    if (admin_tries_now(standby->admin, &tries_now)) {
        store_standby(standby);
    } else {
        trial_drop(&standby->trial);
    }
}

/* ---- PUT …/auth/{scheme} ---- */

/* outbound_check speaks of an auth object, the caller sent its members. */
static void point_into_body(struct fault *fault)
{
    for (size_t i = 0; i < fault->detail_count; i++) {
        struct slice *pointer = &fault->details[i].pointer;
        *pointer = slice_from(*pointer, SLICE("/auth").len);
    }
}

/* The body with the path's scheme in it; NULL after a 422. */
static const struct jval *read_auth(struct standby *standby)
{
    struct admin *admin = standby->admin;
    const struct outbound_scheme *scheme = NULL;
    struct fault fault = {0};
    struct jval *auth = jval_new_object(admin->arena, 0);
    struct jval *name =
        jval_new_string(admin->arena, slice_str(outbound_scheme_name(standby->scheme)));
    for (size_t i = 0; i < admin->body->count; i++) {
        const struct jmember *member = &admin->body->members[i];
        jval_set(admin->arena, auth, member->name, &member->value);
    }
    if (jval_get(auth, "scheme") != NULL) {
        admin_unprocessable(admin, SLICE("/scheme"), "the path names it");
        return NULL;
    }
    jval_set(admin->arena, auth, SLICE("scheme"), name);
    if (outbound_check(auth, standby->record.integration, admin->arena, &scheme,
                       &fault) != ERR_OK) {
        point_into_body(&fault);
        fault.message = arena_printf(admin->arena, "%.*s: %.*s",
                                     SLICE_ARG(fault.details[0].pointer),
                                     SLICE_ARG(fault.details[0].message));
        admin_fault(admin, &fault);
        return NULL;
    }
    struct store_account copy =
        standby->record; /* one lane for all schemes of a route */
    return admin_fit_auth(admin, &copy, scheme, auth) ? auth : NULL;
}

void admin_put_auth(struct admin *admin)
{
    struct standby *standby = new_standby(admin);
    struct credentials others;
    const struct jval *auth = NULL;
    standby->brings_values = true;
    if (!load(admin, &standby->record, &standby->scheme)) {
        trial_drop(&standby->trial);
        return;
    }
    struct store_credential *credential = &standby->credential;
    credential->account = standby->record.id;
    credential->scheme = slice_str(outbound_scheme_name(standby->scheme));
    auth = may_stand_by(standby, &others) ? read_auth(standby) : NULL;
    if (auth == NULL) {
        trial_drop(&standby->trial);
        return;
    }
    const struct store_credential *old = find(&others, credential->scheme);
    credential->named = old == NULL || old->named;
    struct store_account as = standby->record;
    as.named = credential->named;
    enum err err = login_seal(admin->gateway->parts.vault, &as, auth, standby->scheme,
                              admin->arena, &standby->sealed);
    credential->auth = standby->sealed.plain_json;
    if (err != ERR_OK) {
        refuse_standby(standby, &(struct fault){.err = err});
    } else if (outbound_scheme_has_grant(standby->scheme) ||
               slice_is(admin_query(admin, "verify"), "false")) {
        store_untried(standby); /* with a grant: nobody has consented to it yet */
    } else {
        start_trial(standby, auth);
    }
}

/* ---- POST …/auth/{scheme}/verify ---- */

/* The standby credential that the path names; false after an answer. */
static bool load_standby(struct admin *admin, struct store_account *record,
                         struct store_credential *out)
{
    const struct outbound_scheme *scheme = NULL;
    struct credentials standby;
    if (!load(admin, record, &scheme)) {
        return false;
    }
    enum err err = read_credentials(admin, record->id, &standby);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return false;
    }
    const struct store_credential *found =
        find(&standby, slice_str(outbound_scheme_name(scheme)));
    if (found != NULL) {
        *out = *found;
        return true;
    }
    if (slice_is(record->scheme, outbound_scheme_name(scheme))) {
        admin_error(admin, ERR_CONFLICT,
                    SLICE("This scheme's credential is the active one."));
    } else {
        admin_error(admin, ERR_NOT_FOUND,
                    SLICE("The account has no credential of this scheme: PUT one."));
    }
    return false;
}

static bool lacks_consent(struct admin *admin,
                          const struct store_credential *credential)
{
    struct store_grant grant;
    return has_grant(credential->scheme) &&
           store_get_grant(admin->gateway->parts.store, credential->account,
                           admin->arena, &grant) == ERR_NOT_FOUND;
}

void admin_verify_auth(struct admin *admin)
{
    struct standby *standby = new_standby(admin);
    if (!load_standby(admin, &standby->record, &standby->credential)) {
        trial_drop(&standby->trial);
        return;
    }
    if (lacks_consent(admin, &standby->credential)) {
        admin_error(admin, ERR_CONFLICT,
                    SLICE("Nobody has consented to this credential yet: POST "
                          "/connect-session with the account's id makes the link for "
                          "the person who does."));
        trial_drop(&standby->trial);
        return;
    }
    start_trial(standby, NULL);
}

/* ---- POST …/auth/{scheme}/switch ---- */

struct exchange {
    struct admin *admin;
    struct store_account record;
};

static void on_switched(void *ctx, enum err err)
{
    struct exchange *exchange = ctx;
    struct admin *admin = exchange->admin;
    if (err == ERR_CONFLICT && admin->tries < ADMIN_TRIES) {
        admin->tries++;
        admin_switch_auth(admin);
    } else if (err == ERR_CONFLICT) {
        respond_meanwhile(admin);
    } else if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
    } else {
        accounts_changed(admin->gateway->accounts, exchange->record.id, LOGIN_SWITCHED);
        log_event(admin->gateway->parts.log, LOG_INFO, "auth_switched",
                  LOG_ID(account, exchange->record.id),
                  LOG_ID(way, exchange->record.scheme));
        admin_respond_account(admin, 200, &exchange->record);
    }
}

void admin_switch_auth(struct admin *admin)
{
    struct exchange *exchange = arena_alloc(admin->arena, sizeof *exchange);
    struct store_account *record = &exchange->record;
    struct store_credential to;
    exchange->admin = admin;
    if (!load_standby(admin, record, &to)) {
        return;
    }
    if (!to.proven && !slice_is(admin_query(admin, "force"), "true")) {
        struct fault fault = {
            .err = ERR_CONFLICT,
            .message = SLICE("This credential has not been verified, so calls may fail "
                             "with it; nothing was switched."),
            .hint =
                SLICE("POST …/verify tries it; ?force=true switches all the same.")};
        admin_fault(admin, &fault);
        return;
    }
    struct store_credential from = active_of(record);
    from.proven = record->proven && slice_is(record->state, "active");
    record->scheme = to.scheme;
    record->auth = to.auth;
    record->named = to.named;
    record->proven = to.proven;
    bool comes_back = slice_is(record->state, "needs_reauth") && to.proven;
    if (!slice_is(record->state, "disabled")) {
        record->state = SLICE("active");
        record->cause = SLICE_EMPTY;
    }
    record->updated_ms = gateway_wall_ms(admin->gateway);
    struct store_batch *batch = store_batch_new();
    store_update_account(batch, record, record->version);
    store_delete_credential(batch, record->id, to.scheme);
    store_put_credential(batch, &from);
    if (comes_back) {
        events_account(batch, EVENT_ACCOUNT_CONNECTED, record, record->updated_ms);
    }
    store_commit(admin->gateway->parts.store, batch, on_switched, exchange);
}

/* ---- DELETE …/auth/{scheme} ---- */

static void on_standby_deleted(void *ctx, enum err err)
{
    struct admin *admin = ctx;
    if (err == ERR_CONFLICT) {
        respond_meanwhile(admin);
    } else if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
    } else {
        accounts_changed(admin->gateway->accounts, admin->ids[0], LOGIN_SAME);
        admin_no_content(admin);
    }
}

void admin_delete_auth(struct admin *admin)
{
    struct store_account record;
    struct store_credential credential;
    if (!load_standby(admin, &record, &credential)) {
        return;
    }
    if (has_grant(credential.scheme)) {
        admin_revoke_grant(admin); /* while its tokens are there */
    }
    struct store_batch *batch = store_batch_new();
    record.updated_ms = gateway_wall_ms(admin->gateway);
    store_update_account(batch, &record, record.version);
    store_delete_credential(batch, record.id, credential.scheme);
    login_drop(batch, record.id, credential.scheme, credential.named, admin->arena);
    store_commit(admin->gateway->parts.store, batch, on_standby_deleted, admin);
}
