/* SPDX-License-Identifier: Apache-2.0 */
/* The tools that an account could have: each with whether it is shown, and why not. */
#include "core/admin_private.h"
#include "core/logins.h"

struct verdict {
    const char *reason; /* NULL: it is shown */
    struct slice message;
};

static struct verdict judge(struct arena *arena, const struct account *account,
                            const struct tool *tool)
{
    if (catalog_tool(account->integration, tool->name) == NULL) {
        return (struct verdict){
            "override", SLICE("An override does not fit the tool (any more), so it is "
                              "left out; the log names the place.")};
    }
    if (!logins_can(account, tool)) {
        return (struct verdict){
            "scheme",
            arena_printf(arena,
                         "It is signed by %.*s alone, and the account has no verified "
                         "credential of that: PUT /integrated-account/{id}/auth/%.*s.",
                         SLICE_ARG(tool->scheme), SLICE_ARG(tool->scheme))};
    }
    if (tool->opt_in) {
        return (struct verdict){
            "opt_in", SLICE("It is shown only where an MCP server's filter names it.")};
    }
    return (struct verdict){NULL, SLICE_EMPTY};
}

static void write_entry(struct jwriter *writer, struct slice name,
                        struct slice resource, struct slice method,
                        const struct verdict *verdict)
{
    jwriter_object(writer);
    admin_text_or_null(writer, "name", name);
    jwriter_member_string(writer, "resource", resource);
    jwriter_member_string(writer, "method", method);
    jwriter_member_bool(writer, "shown", verdict->reason == NULL);
    admin_text_or_null(writer, "reason",
                       verdict->reason != NULL ? slice_str(verdict->reason)
                                               : SLICE_EMPTY);
    admin_text_or_null(writer, "message", verdict->message);
    jwriter_object_end(writer);
}

void admin_get_catalog(struct admin *admin)
{
    static const struct verdict undocumented = {
        "no_documentation",
        {"It has no documentation record.",
         sizeof "It has no documentation record." - 1}};
    struct store_account record;
    struct account *account = NULL;
    if (!admin_load_account(admin, &record)) {
        return;
    }
    enum err err = accounts_get(admin->gateway->accounts, record.id, &account);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    const struct integration *own = account->integration;
    const struct integration *all = own->platform != NULL ? own->platform : own;
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("data"));
    jwriter_array(&writer);
    for (size_t i = 0; i < all->tool_count; i++) {
        const struct tool *tool = all->tools[i];
        const struct verdict verdict = judge(admin->arena, account, tool);
        write_entry(&writer, tool->name, tool->resource, tool->method, &verdict);
    }
    for (size_t i = 0; i < all->undocumented_count; i++) {
        write_entry(&writer, SLICE_EMPTY, all->undocumented[i].resource,
                    all->undocumented[i].method, &undocumented);
    }
    jwriter_array_end(&writer);
    jwriter_object_end(&writer);
    account_drop(account);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}
