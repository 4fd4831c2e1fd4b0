/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overrides of the catalog: of an environment (all accounts that carry its name), and the part of
 * an account's record that holds its own. Both replace what was there: a null inside takes
 * something out of the layer below, so merging two of them would lose it.
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
static bool read_environment(struct admin *admin, struct store_environment *out)
{
    const struct catalog *catalog = catalogs_current(admin->gateway->catalogs);
    if (!check_form(admin, NULL, admin->body, "", &out->overrides)) {
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

/* ---- Environments ---- */

static bool read_name(struct admin *admin)
{
    if (admin_is_name(admin->ids[0])) {
        return true;
    }
    admin_error(admin, ERR_NOT_FOUND,
                SLICE("An environment's name is 1 to 48 letters, digits and _ . : -."));
    return false;
}

static void write_environment(struct jwriter *writer,
                              const struct store_environment *environment)
{
    jwriter_object(writer);
    jwriter_member_string(writer, "environment", environment->id);
    jwriter_key(writer, SLICE("overrides"));
    jwriter_raw(writer, environment->overrides);
    admin_time(writer, "updated_at", environment->updated_ms);
    jwriter_object_end(writer);
}

static void respond_environment(struct admin *admin,
                                const struct store_environment *environment)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    write_environment(&writer, environment);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}

/* One that nobody has described overrides nothing. */
void admin_get_overrides(struct admin *admin)
{
    struct store_environment environment = {.id = admin->ids[0],
                                            .overrides = SLICE("{}")};
    if (!read_name(admin)) {
        return;
    }
    enum err err = store_get_environment(admin->gateway->parts.store, admin->ids[0],
                                         admin->arena, &environment);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    respond_environment(admin, &environment);
}

void admin_list_environments(struct admin *admin)
{
    struct store_environment *environments = NULL;
    struct slice after;
    size_t limit = 0, count = 0;
    if (!admin_page(admin, &limit, &after)) {
        return;
    }
    enum err err = store_list_environments(admin->gateway->parts.store, after, limit,
                                           admin->arena, &environments, &count);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    struct buf json = admin_buf();
    struct jwriter writer;
    admin_page_begin(&writer, &json);
    for (size_t i = 0; i < count; i++) {
        write_environment(&writer, &environments[i]);
    }
    admin_page_end(admin, &writer,
                   count == limit ? environments[count - 1].id : SLICE_EMPTY);
}

struct environment_change {
    struct admin *admin;
    struct store_environment environment;
};

static void on_environment_stored(void *ctx, enum err err)
{
    struct environment_change *change = ctx;
    if (err != ERR_OK) {
        admin_error(change->admin, err, SLICE_EMPTY);
        return;
    }
    catalogs_changed(change->admin->gateway->catalogs);
    respond_environment(change->admin, &change->environment);
}

void admin_put_overrides(struct admin *admin)
{
    struct environment_change *change = arena_alloc(admin->arena, sizeof *change);
    struct store_environment *environment = &change->environment;
    change->admin = admin;
    if (!read_name(admin) || !read_environment(admin, environment)) {
        return;
    }
    environment->id = admin->ids[0];
    environment->updated_ms = gateway_wall_ms(admin->gateway);
    struct store_batch *batch = store_batch_new();
    if (admin->body->count > 0) {
        store_put_environment(batch, environment);
    } else {
        store_delete_environment(batch, environment->id);
    }
    store_commit(admin->gateway->parts.store, batch, on_environment_stored, change);
}
