/* SPDX-License-Identifier: Apache-2.0 */
/* What the control port says of OAuth 2.0: an administrator's work, and a test's. */
#include <stdio.h>

#include "mocks/common/control.h"
#include "mocks/common/json_in.h"
#include "mocks/netsuite/oauth2_private.h"

#define MAX_SECONDS INT64_C(315360000)

struct order {
    struct oauth2 *oauth2;
    int64_t now_s;
    struct slice rest; /* of the path, behind the table's */
    const json_t *body;
    struct response *response;
};

static void done(struct order *order)
{
    control_ok(order->response, json_pack("{s:b}", "ok", 1));
}

static void add_integration(struct order *order)
{
    const char *why = NULL;
    const struct integration *integration = integrations_add(
        order->oauth2->integrations, order->body, order->oauth2->account_id, &why);
    if (integration == NULL) {
        control_refuse(order->response, 400, why);
        return;
    }
    json_t *said =
        json_pack("{s:s, s:s, s:b}", "account_id", integration->account_id, "client_id",
                  integration->client_id, "public", integration->client_secret == NULL);
    REQUIRE(said != NULL);
    if (integration->client_secret != NULL) {
        json_object_set_new(said, "client_secret",
                            json_string(integration->client_secret));
    }
    control_ok(order->response, said);
}

static void add_certificate(struct order *order)
{
    const char *why = "no such client_id";
    struct integration *integration = integrations_find(
        order->oauth2->integrations, json_in_text(order->body, "client_id"));
    struct certificate *certificate =
        integration == NULL
            ? NULL
            : integration_add_certificate(
                  integration, json_in_text(order->body, "certificate_id"),
                  json_in_text(order->body, "certificate_pem"), order->now_s, &why);
    if (certificate == NULL) {
        control_refuse(order->response, 400, why);
        return;
    }
    control_ok(order->response,
               json_pack("{s:s, s:I}", "certificate_id", certificate->id, "ends_at",
                         (json_int_t)certificate->ends_s));
}

static void revoke_certificate(struct order *order)
{
    const struct integration *integration = integrations_find(
        order->oauth2->integrations, json_in_text(order->body, "client_id"));
    struct certificate *certificate =
        integration == NULL ? NULL : integration_certificate(integration, order->rest);
    if (certificate == NULL) {
        control_refuse(order->response, 404,
                       "no such certificate: DELETE /certificates/ID with client_id");
        return;
    }
    certificate->revoked = true;
    done(order);
}

static void list_grants(struct order *order)
{
    control_ok(
        order->response,
        json_pack("{s:o}", "grants", grants_json(order->oauth2->grants, order->now_s)));
}

static void revoke_grants(struct order *order)
{
    if (!grants_revoke(order->oauth2->grants, order->rest)) {
        control_refuse(order->response, 404, "no such grant");
        return;
    }
    done(order);
}

static void expire_tokens(struct order *order)
{
    struct slice kind = json_in_text(order->body, "kind");
    if (!slice_is(kind, "access") && !slice_is(kind, "refresh")) {
        control_refuse(order->response, 400, "kind must be access or refresh");
        return;
    }
    size_t ended = grants_expire_tokens(
        order->oauth2->grants, slice_is(kind, "access") ? TOKEN_ACCESS : TOKEN_REFRESH,
        order->now_s);
    control_ok(order->response, json_pack("{s:I}", "ended", (json_int_t)ended));
}

/* ---- settings ---- */

/* Absent: as it is; null: as NetSuite has it. */
static bool read_seconds(const json_t *body, const char *name, int64_t *out)
{
    const json_t *member = json_object_get(body, name);
    json_int_t seconds = json_integer_value(member);
    if (member == NULL) {
        return true;
    }
    if (!json_is_null(member) &&
        (!json_is_integer(member) || seconds < 1 || seconds > MAX_SECONDS)) {
        return false;
    }
    *out = seconds;
    return true;
}

static const char *read_consent(const json_t *body, struct oauth2_settings *settings)
{
    struct slice consent = json_in_text(body, "consent");
    if (json_object_get(body, "consent") == NULL) {
        return NULL;
    }
    if (slice_is(consent, "page")) {
        settings->consent = CONSENT_PAGE;
    } else if (slice_is(consent, "allow")) {
        settings->consent = CONSENT_ALLOW;
    } else if (slice_is(consent, "deny")) {
        settings->consent = CONSENT_DENY;
    } else {
        return "consent must be page, allow or deny";
    }
    return NULL;
}

static const char *read_company(const json_t *body, struct oauth2_settings *settings)
{
    const json_t *member = json_object_get(body, "company");
    struct slice company = json_in_text(body, "company");
    if (member == NULL) {
        return NULL;
    }
    if (company.len > OAUTH2_ACCOUNT_MAX || slice_find(company, '\0') >= 0 ||
        (company.len == 0 && !json_is_null(member))) {
        return "company must be a text of up to 40 bytes, or null";
    }
    memset(settings->company, 0, sizeof settings->company);
    slice_copy(settings->company, company);
    return NULL;
}

static const char *read_settings(const json_t *body, struct oauth2_settings *settings)
{
    const json_t *as_text = json_object_get(body, "expires_in_text");
    if (!read_seconds(body, "access_token_seconds", &settings->access_s) ||
        !read_seconds(body, "refresh_token_seconds", &settings->refresh_s) ||
        !read_seconds(body, "grant_seconds", &settings->grant_s) ||
        !read_seconds(body, "code_seconds", &settings->code_s)) {
        return "access_token_seconds, refresh_token_seconds, grant_seconds and "
               "code_seconds must be whole numbers from 1 up to ten years, or null";
    }
    if (as_text != NULL) {
        settings->expires_in_text = json_is_true(as_text);
    }
    const char *why = read_consent(body, settings);
    return why != NULL ? why : read_company(body, settings);
}

static void set(struct order *order)
{
    struct oauth2_settings settings = order->oauth2->settings;
    const char *why = read_settings(order->body, &settings);
    if (why != NULL) {
        control_refuse(order->response, 400, why);
        return;
    }
    order->oauth2->settings = settings;
    done(order);
}

static const struct {
    const char *method;
    const char *path;
    bool whole; /* the path, or the start of it */
    void (*run)(struct order *order);
} orders[] = {
    {"POST", "/integrations", true, add_integration},
    {"POST", "/certificates", true, add_certificate},
    {"DELETE", "/certificates/", false, revoke_certificate},
    {"GET", "/grants", true, list_grants},
    {"DELETE", "/grants", true, revoke_grants},
    {"DELETE", "/grants/", false, revoke_grants},
    {"POST", "/tokens/expire", true, expire_tokens},
    {"PUT", "/oauth2", true, set},
};

bool oauth2_control(struct oauth2 *oauth2, int64_t now_s, struct slice method,
                    struct slice path, const json_t *body, struct response *response)
{
    struct order order = {oauth2, now_s, SLICE_EMPTY, body, response};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct slice prefix = slice_str(orders[i].path);
        bool match = orders[i].whole
                         ? slice_eq(path, prefix)
                         : slice_starts(path, prefix) && path.len > prefix.len;
        if (match && slice_is(method, orders[i].method)) {
            order.rest = slice_from(path, prefix.len);
            orders[i].run(&order);
            return true;
        }
    }
    return false;
}
