/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overrides of the catalog, checked: of an environment, and the part of an account's record that
 * holds its own. Both replace what was there: a null inside takes something out of the layer
 * below, so merging two of them would lose it.
 */
#include "base/limits.h"
#include "catalog/override.h"
#include "core/admin_private.h"

/* ---- Checking ---- */

static bool refuse(struct admin *admin, const char *prefix,
                   const struct schema_problem *problem)
{
    return admin_unprocessable(
        admin,
        arena_printf(admin->arena, "%s%.*s", prefix, SLICE_ARG(problem->pointer)),
        arena_copy(admin->arena, problem->message));
}

/* Fills `text`; false after an answer. `integration` NULL: of all. */
static bool check_form(struct admin *admin, const struct integration *integration,
                       const struct jval *overrides, const char *prefix,
                       struct slice *text)
{
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    if (override_check(catalogs_current(admin->gateway->catalogs), integration,
                       overrides, admin->arena, &problem) != ERR_OK) {
        return refuse(admin, prefix, &problem);
    }
    *text = admin_json(admin->arena, overrides);
    if (text->len > LIMIT_OVERRIDES_BYTES) {
        problem.message = SLICE("is larger than 64 KiB");
        return refuse(admin, prefix, &problem);
    }
    return true;
}

static bool check_merged(struct admin *admin, const struct integration *integration,
                         struct slice environment, const struct jval *overrides,
                         const char *prefix)
{
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    enum err err = catalogs_try(admin->gateway->catalogs, integration->name,
                                environment, overrides, admin->arena, &problem);
    if (err == ERR_UNPROCESSABLE) {
        return refuse(admin, prefix, &problem);
    }
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
    }
    return err == ERR_OK;
}

bool admin_read_overrides(struct admin *admin, const struct jval *overrides,
                          struct store_account *record)
{
    if (overrides == NULL || overrides->type == JVAL_NULL) {
        record->overrides = SLICE("{}");
        return true;
    }
    const struct integration *integration = catalog_integration(
        catalogs_current(admin->gateway->catalogs), record->integration);
    if (integration == NULL) {
        admin_error(admin, ERR_CONFLICT,
                    SLICE("The account's integration is not loaded in this server."));
        return false;
    }
    return check_form(admin, integration, overrides, "/overrides",
                      &record->overrides) &&
           check_merged(admin, integration, record->environment, overrides,
                        "/overrides");
}

/* Against every integration: the environment may hold accounts of each. */
bool admin_read_layer(struct admin *admin, struct slice *text)
{
    const struct catalog *catalog = catalogs_current(admin->gateway->catalogs);
    if (!check_form(admin, NULL, admin->body, "", text)) {
        return false;
    }
    const struct integration *integration = catalog_integration_at(catalog, 0);
    for (size_t n = 1; integration != NULL; n++) {
        if (!check_merged(admin, integration, SLICE_EMPTY, admin->body, "")) {
            return false;
        }
        integration = catalog_integration_at(catalog, n);
    }
    return true;
}
