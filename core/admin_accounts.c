/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: connect, list, change, offboard. A new account is tried against its ERP
 * before it is stored, so that a wrong value is found by the person who typed it.
 */
#include "auth/outbound.h"
#include "base/limits.h"
#include "base/text.h"
#include "core/admin_private.h"
#include "core/calls.h"
#include "core/creation.h"
#include "core/events.h"
#include "core/lane_settings.h"
#include "core/login_rows.h"
#include "core/logins.h"
#include "core/standing.h"
#include "core/trial.h"

/* ---- Showing ---- */

static void write_raw_member(struct jwriter *writer, const char *name,
                             struct slice json)
{
    jwriter_key(writer, slice_str(name));
    jwriter_raw(writer, json.len > 0 ? json : SLICE("{}"));
}

/* Of a certificate it is told when it ends: its text would tell a reader nothing. */
static void write_auth_member(struct jwriter *writer, struct slice name,
                              const struct jval *value)
{
    struct certificate_life life;
    if (outbound_certificate_life(name, jval_text(value), &life)) {
        admin_time(writer,
                   slice_is(name, "certificate_pem")
                       ? "certificate_expires_at"
                       : "connectivity_certificate_expires_at",
                   life.ends_ms);
        return;
    }
    jwriter_key(writer, name);
    jwriter_value(writer, value);
}

/* The scheme and what of auth is no secret; never more. */
static void write_auth(struct jwriter *writer, const struct store_account *account,
                       struct arena *arena)
{
    struct jval *plain = NULL;
    jwriter_key(writer, SLICE("auth"));
    jwriter_object(writer);
    jwriter_member_string(writer, "scheme", account->scheme);
    if (jval_parse(arena, account->auth, &plain, NULL) == ERR_OK) {
        for (size_t i = 0; i < plain->count; i++) {
            write_auth_member(writer, plain->members[i].name, &plain->members[i].value);
        }
    }
    jwriter_object_end(writer);
}

static void write_account(struct jwriter *writer, const struct store_account *account,
                          struct arena *arena)
{
    jwriter_object(writer);
    jwriter_member_string(writer, "id", account->id);
    jwriter_member_string(writer, "tenant_id", account->tenant);
    jwriter_member_string(writer, "integration", account->integration);
    jwriter_member_string(writer, "name", account->name);
    admin_text_or_null(writer, "environment", account->environment);
    jwriter_member_string(writer, "state", account->state);
    admin_text_or_null(writer, "cause", account->cause);
    jwriter_member_bool(writer, "verified", account->proven);
    jwriter_member_string(writer, "lane", account->lane);
    write_raw_member(writer, "connection", account->connection);
    write_auth(writer, account, arena);
    write_raw_member(writer, "governor", account->governor);
    write_raw_member(writer, "overrides", account->overrides);
    admin_text_or_null(writer, "reauth_url", account->reauth_url);
    admin_time(writer, "created_at", account->created_ms);
    admin_time(writer, "updated_at", account->updated_ms);
    jwriter_object_end(writer);
}

void admin_respond_account(struct admin *admin, int status,
                           const struct store_account *account)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    write_account(&writer, account, admin->arena);
    admin_respond(admin, status, &json);
    buf_free(&json);
}

void admin_get_account(struct admin *admin)
{
    struct store_account account;
    if (admin_load_account(admin, &account)) {
        admin_respond_account(admin, 200, &account);
    }
}

void admin_list_accounts(struct admin *admin)
{
    struct store_account *accounts = NULL;
    struct admin_page page;
    size_t count = 0;
    if (!admin_page_ask(admin, &page)) {
        return;
    }
    struct slice tenant = admin->who.role == ROLE_ADMIN
                              ? admin_query(admin, "tenant_id")
                              : admin->who.tenant;
    enum err err = store_list_accounts(admin->gateway->parts.store, tenant, page.after,
                                       page.limit, admin->arena, &accounts, &count);
    if (!admin_page_begin(admin, &page, err)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        write_account(&page.writer, &accounts[i], admin->arena);
    }
    admin_page_end(admin, &page,
                   count == page.limit ? accounts[count - 1].id : SLICE_EMPTY);
}

/* ---- Creating ---- */

static void refuse_creation(struct admin *admin, const struct fault *fault)
{
    struct fault shown = *fault;
    struct slice reason =
        fault->message.len > 0 ? fault->message : slice_str(err_sentence(fault->err));
    bool passing = trial_may_pass_later(fault->err);
    shown.message =
        arena_printf(admin->arena, "%s, so nothing was stored: %.*s",
                     passing ? "These values could not be tried now"
                             : "The ERP could not be reached with these values",
                     SLICE_ARG(reason));
    if (passing) {
        shown.hint = trial_later_hint(admin->arena, fault);
    }
    if (!passing && shown.err != ERR_POLICY_DENIED && shown.err != ERR_INTERNAL) {
        shown.err = ERR_UNPROCESSABLE;
    }
    admin_fault(admin, &shown);
}

static void on_created(void *ctx, const struct creation_end *end)
{
    struct admin *admin = ctx;
    if (end->refused) {
        refuse_creation(admin, end->fault);
    } else if (end->fault->err != ERR_OK) {
        admin_error(admin, end->fault->err, SLICE_EMPTY);
    } else {
        admin->ids[0] = end->record->id;
        admin_respond_account(admin, 201, end->record);
    }
}

/* What the ERP's terms ask of the operator, by the catalog's words: true, or no account. */
bool admin_acknowledged(struct admin *admin, const struct integration *integration)
{
    struct slice member = integration->acknowledgement_member;
    if (member.len == 0 || jval_is(jval_member(admin->body, member), JVAL_TRUE)) {
        return true;
    }
    struct fault_detail detail = {
        arena_printf(admin->arena, "/%.*s", SLICE_ARG(member)),
        SLICE("true is needed")};
    struct fault fault = {.err = ERR_UNPROCESSABLE,
                          .message = integration->acknowledgement_message,
                          .details = &detail,
                          .detail_count = 1};
    admin_fault(admin, &fault);
    return false;
}

bool admin_integration(struct admin *admin, struct slice *name,
                       const struct integration **out)
{
    if (!admin_text(admin, "integration", true, 48, name)) {
        return false;
    }
    *out = catalog_integration(catalogs_current(admin->gateway->catalogs), *name);
    if (*out == NULL || connector_find(*name) == NULL) {
        admin_error(admin, ERR_UNPROCESSABLE,
                    SLICE("/integration: this server has no such integration."));
        return false;
    }
    return true;
}

/* The integration decides which members there may be; false after an answer. */
static bool read_integration(struct admin *admin, struct store_account *record)
{
    const struct integration *integration = NULL;
    if (!admin_integration(admin, &record->integration, &integration)) {
        return false;
    }
    struct slice member = integration->acknowledgement_member;
    const char *allowed[] = {
        "tenant_id",   "integration",
        "name",        "connection",
        "auth",        "governor",
        "environment", "overrides",
        "reauth_url",  member.len > 0 ? arena_copy(admin->arena, member) : NULL,
        NULL};
    return admin_only(admin, allowed) && admin_acknowledged(admin, integration);
}

static bool read_identity(struct admin *admin, struct store_account *record)
{
    if (!read_integration(admin, record) ||
        !admin_name(admin, "tenant_id", true, &record->tenant) ||
        !admin_text(admin, "name", true, LIMIT_NAME_BYTES, &record->name) ||
        !admin_name(admin, "environment", false, &record->environment)) {
        return false;
    }
    if (!admin_may_touch(admin, record->tenant)) {
        admin_error(admin, ERR_FORBIDDEN,
                    SLICE("This token may connect accounts of its own tenant only."));
        return false;
    }
    return true;
}

/* The connector speaks of its own object, the caller sent a larger one. */
static void point_into_connection(struct admin *admin, struct fault *fault)
{
    for (size_t i = 0; i < fault->detail_count; i++) {
        struct slice *pointer = &fault->details[i].pointer;
        *pointer = arena_printf(admin->arena, "/connection%.*s", SLICE_ARG(*pointer));
    }
}

/* The name of a destination is said with the connection or with the login that looks it up,
 * and kept with that. False after an answer. */
static bool join_destination(struct admin *admin, struct slice name,
                             const struct jval **auth)
{
    const struct outbound_scheme *scheme =
        outbound_scheme_find(jval_text(jval_get(*auth, "scheme")));
    const struct jval *said = jval_get(*auth, "destination");
    if (name.len == 0 || !outbound_scheme_takes(scheme, "destination")) {
        return true;
    }
    if (said != NULL && !slice_eq(jval_text(said), name)) {
        return admin_unprocessable(
            admin, SLICE("/connection/destination"),
            "auth names another destination: say it in one of the two places");
    }
    struct jval *whole = jval_new_object(admin->arena, (*auth)->count + 1);
    for (size_t i = 0; i < (*auth)->count; i++) {
        jval_set(admin->arena, whole, (*auth)->members[i].name,
                 &(*auth)->members[i].value);
    }
    jval_set(admin->arena, whole, SLICE("destination"),
             jval_new_string(admin->arena, name));
    *auth = whole;
    return true;
}

static bool read_connection(struct admin *admin, const struct connector *connector,
                            struct store_account *record, const struct jval **auth)
{
    const struct jval *connection = jval_get(admin->body, "connection");
    struct op_target target = {.lane = SLICE_EMPTY};
    struct fault fault = {0};
    if (!jval_is(connection, JVAL_OBJECT)) {
        admin_error(admin, ERR_UNPROCESSABLE,
                    SLICE("/connection: an object is needed."));
        return false;
    }
    if (connector->connect(admin->arena, admin->arena, connection, &target, &fault) !=
        ERR_OK) {
        point_into_connection(admin, &fault);
        admin_fault(admin, &fault);
        return false;
    }
    record->connection = admin_json(admin->arena, target.connection);
    return join_destination(admin, target.destination, auth);
}

/* A scheme may be for one route, and tell apart upstreams that have one address. */
bool admin_fit_auth(struct admin *admin, struct store_account *record,
                    const struct outbound_scheme *scheme, const struct jval *auth)
{
    struct jval *connection = NULL;
    struct op_target target = {.lane = SLICE_EMPTY};
    struct fault fault = {0};
    if (jval_parse(admin->arena, record->connection, &connection, NULL) != ERR_OK ||
        connector_find(record->integration)
                ->connect(admin->arena, admin->arena, connection, &target, &fault) !=
            ERR_OK) {
        admin_error(admin, ERR_INTERNAL, SLICE_EMPTY);
        return false;
    }
    if (!outbound_scheme_fits(scheme, target.route)) {
        struct fault_detail detail = {
            SLICE("/auth/scheme"),
            arena_printf(admin->arena, "the scheme %s is not for the route %.*s",
                         outbound_scheme_name(scheme), SLICE_ARG(target.route))};
        fault = (struct fault){.err = ERR_UNPROCESSABLE,
                               .message = detail.message,
                               .details = &detail,
                               .detail_count = 1};
        admin_fault(admin, &fault);
        return false;
    }
    if (target.origin_count > 0 &&
        !outbound_scheme_may_show(scheme, target.origins[0])) {
        return admin_unprocessable(admin, SLICE("/connection/base_url"),
                                   "a certificate is shown over https only");
    }
    record->lane = outbound_scheme_lane(scheme, target.lane, auth, admin->arena);
    return true;
}

static bool read_limits(struct admin *admin, struct store_account *record)
{
    const struct jval *json = admin_merge(admin, "governor", record->governor);
    struct account_limits limits;
    struct fault fault = {0};
    if (json == NULL) {
        return false;
    }
    if (account_limits_parse(json, admin->arena, &limits, &fault) != ERR_OK) {
        admin_fault(admin, &fault);
        return false;
    }
    record->governor = admin_json(admin->arena, json);
    return true;
}

static bool read_new_account(struct admin *admin, struct store_account *record,
                             const struct outbound_scheme **scheme,
                             const struct jval **auth)
{
    struct fault fault = {0};
    if (!read_identity(admin, record)) {
        return false;
    }
    const struct connector *connector = connector_find(record->integration);
    *auth = jval_get(admin->body, "auth");
    if (!read_connection(admin, connector, record, auth) ||
        !read_limits(admin, record)) {
        return false;
    }
    if (outbound_check(*auth, record->integration, admin->arena, scheme, &fault) !=
        ERR_OK) {
        admin_fault(admin, &fault);
        return false;
    }
    if (!admin_fit_auth(admin, record, *scheme, *auth)) {
        return false;
    }
    record->scheme = slice_str(outbound_scheme_name(*scheme));
    record->id = text_new_id(admin->arena, "acc_");
    record->state = SLICE("active");
    if (!admin_read_overrides(admin, jval_get(admin->body, "overrides"), record) ||
        !admin_reauth_url(admin, &record->reauth_url)) {
        return false;
    }
    record->created_ms = record->updated_ms = gateway_wall_ms(admin->gateway);
    return true;
}

void admin_create_account(struct admin *admin)
{
    struct store_account record = {.id = SLICE_EMPTY};
    const struct outbound_scheme *scheme = NULL;
    const struct jval *auth = NULL;
    bool tries_now = false;
    if (!read_new_account(admin, &record, &scheme, &auth) ||
        !admin_tries_now(admin, &tries_now)) {
        return;
    }
    const struct creation_order order = {
        .record = record,
        .auth = auth,
        .scheme = scheme,
        .untried = slice_is(admin_query(admin, "verify"), "false"),
        .tries_now = tries_now,
        .on_done = on_created,
        .ctx = admin,
    };
    creation_start(admin->gateway, &order);
}

/* ---- Changing ---- */

struct account_change {
    struct admin *admin;
    struct store_account record;
};

static void on_account_changed(void *ctx, enum err err)
{
    struct account_change *change = ctx;
    struct admin *admin = change->admin;
    if (err == ERR_CONFLICT && admin->tries < ADMIN_TRIES) {
        /* Most likely the server's own word on how the account stands came between: what
         * the body says is laid over the record as it is now. */
        admin->tries++;
        admin_patch_account(admin);
        return;
    }
    if (err != ERR_OK) {
        admin_error(
            admin, err,
            err == ERR_CONFLICT
                ? SLICE("The account was changed at the same time: read it again.")
                : SLICE_EMPTY);
        return;
    }
    if (slice_is(change->record.state, "disabled")) {
        standing_disable(admin->gateway->accounts, change->record.id);
    }
    accounts_changed(admin->gateway->accounts, change->record.id,
                     jval_get(admin->body, "auth") == NULL ? LOGIN_SAME : LOGIN_NEW);
    admin_respond_account(admin, 200, &change->record);
}

/* Fills `sealed` when the body brings new credentials; false after an answer. */
static bool change_auth(struct admin *admin, struct store_account *record,
                        struct sealed_auth *sealed)
{
    const struct jval *auth = jval_get(admin->body, "auth");
    const struct outbound_scheme *scheme = NULL;
    struct fault fault = {0};
    if (auth == NULL) {
        return true;
    }
    if (outbound_check(auth, record->integration, admin->arena, &scheme, &fault) !=
        ERR_OK) {
        admin_fault(admin, &fault);
        return false;
    }
    if (!admin_fit_auth(admin, record, scheme, auth)) {
        return false;
    }
    enum err err = login_seal(admin->gateway->parts.vault, record, auth, scheme,
                              admin->arena, sealed);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return false;
    }
    record->auth = sealed->plain_json;
    record->scheme = slice_str(outbound_scheme_name(scheme));
    record->state = SLICE("active");
    record->cause = SLICE_EMPTY;
    record->proven = false; /* one at a time until these have worked */
    return true;
}

void admin_patch_account(struct admin *admin)
{
    static const char *const allowed[] = {"name",       "governor", "overrides", "auth",
                                          "reauth_url", "state",    NULL};
    struct account_change *change = arena_alloc(admin->arena, sizeof *change);
    struct store_account *record = &change->record;
    struct sealed_auth sealed = {.count = 0};
    struct slice name, before;
    change->admin = admin;
    if (!admin_load_account(admin, record) || !admin_only(admin, allowed) ||
        !admin_text(admin, "name", false, LIMIT_NAME_BYTES, &name)) {
        return;
    }
    before = record->state;
    if (name.len > 0) {
        record->name = name;
    }
    if (jval_get(admin->body, "governor") != NULL && !read_limits(admin, record)) {
        return;
    }
    struct slice old_scheme = record->scheme;
    const struct jval *overrides = jval_get(admin->body, "overrides");
    if (overrides != NULL && !admin_read_overrides(admin, overrides, record)) {
        return;
    }
    if (!admin_reauth_url(admin, &record->reauth_url) ||
        !change_auth(admin, record, &sealed) ||
        !admin_change_state(admin, before, record)) {
        return;
    }
    record->updated_ms = gateway_wall_ms(admin->gateway);
    struct store_batch *batch = store_batch_new();
    store_update_account(batch, record, record->version);
    if (jval_get(admin->body, "auth") != NULL) {
        enum err err = login_replace(admin->gateway->parts.store, batch, record,
                                     old_scheme, admin->arena);
        if (err != ERR_OK) {
            store_batch_free(batch);
            admin_error(admin, err, SLICE_EMPTY);
            return;
        }
        login_put(batch, &sealed);
    }
    if (slice_is(record->state, "disabled") && !slice_is(before, "disabled")) {
        events_account(batch, EVENT_ACCOUNT_DISABLED, record, record->updated_ms);
    }
    store_commit(admin->gateway->parts.store, batch, on_account_changed, change);
}

/* ---- Offboarding ---- */

struct offboarding {
    struct admin *admin;
    struct store_account account;
};

static void on_account_deleted(void *ctx, enum err err)
{
    struct offboarding *offboarding = ctx;
    struct admin *admin = offboarding->admin;
    struct gateway *gateway = admin->gateway;
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    calls_revoke(gateway, admin->ids[0], SLICE_EMPTY);
    lane_settings_changed(gateway->lane_settings, offboarding->account.lane);
    accounts_removed(gateway->accounts, admin->ids[0]);
    admin_no_content(admin);
}

/* While its tokens are there: they go with the account. */
void admin_revoke_grant(struct admin *admin)
{
    struct account *account = NULL;
    if (accounts_get(admin->gateway->accounts, admin->ids[0], &account) == ERR_OK) {
        struct credential *credential = logins_with_grant(account);
        if (credential != NULL) {
            outbound_revoke(credential);
        }
        account_drop(account);
    }
}

void admin_delete_account(struct admin *admin)
{
    struct offboarding *offboarding = arena_alloc(admin->arena, sizeof *offboarding);
    offboarding->admin = admin;
    if (!admin_load_account(admin, &offboarding->account)) {
        return;
    }
    admin_revoke_grant(admin);
    struct store_batch *batch = store_batch_new();
    store_delete_account(batch, admin->ids[0]);
    store_commit(admin->gateway->parts.store, batch, on_account_deleted, offboarding);
}
