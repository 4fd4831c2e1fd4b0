/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of a running server: webhook. */
#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"
#include "cli/remote.h"

static struct slice endpoint_body(struct errand *errand)
{
    struct slice tenant = command_value(errand->line, "tenant", NULL);
    bool has_events = false;
    struct buf body;
    struct jwriter writer;
    command_value(errand->line, "events", &has_events);
    buf_init(&body, LIMIT_ADMIN_BODY_BYTES);
    jwriter_init(&writer, &body);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "url", command_value(errand->line, "to", NULL));
    if (has_events) {
        remote_write_list(&writer, errand->line, "events");
    } else {
        jwriter_key(&writer, SLICE("events"));
        jwriter_raw(&writer, SLICE("[\"*\"]"));
    }
    if (tenant.len > 0) {
        jwriter_member_string(&writer, "tenant_id", tenant);
    }
    jwriter_object_end(&writer);
    struct slice text = arena_slice(errand->arena, buf_slice(&body));
    buf_free(&body);
    return text;
}

int command_webhook(struct arena *arena, const struct config *config,
                    const struct command_line *line)
{
    struct errand *errand = remote_begin(arena, config, line);
    if (errand == NULL) {
        return 1;
    }
    struct slice one = arena_printf(arena, "/webhook-endpoint/%.*s",
                                    SLICE_ARG(remote_word(errand, 1)));
    if (remote_verb_is(line, "list", 1)) {
        return remote_run(errand, SLICE("GET"), SLICE("/webhook-endpoint?limit=200"),
                          SLICE_EMPTY);
    }
    if (remote_verb_is(line, "create", 1)) {
        return remote_run(errand, SLICE("POST"), SLICE("/webhook-endpoint"),
                          endpoint_body(errand));
    }
    if (remote_verb_is(line, "test", 2)) {
        return remote_run(errand, SLICE("POST"),
                          arena_printf(arena, "%.*s/test", SLICE_ARG(one)),
                          SLICE_EMPTY);
    }
    if (remote_verb_is(line, "deliveries", 2)) {
        return remote_run(
            errand, SLICE("GET"),
            arena_printf(arena, "%.*s/deliveries?limit=200", SLICE_ARG(one)),
            SLICE_EMPTY);
    }
    if (remote_verb_is(line, "rotate", 2)) {
        return remote_rotate(errand,
                             arena_printf(arena, "%.*s/rotate-secret", SLICE_ARG(one)));
    }
    if (remote_verb_is(line, "enable", 2)) {
        return remote_run(errand, SLICE("PATCH"), one, SLICE("{\"state\":\"active\"}"));
    }
    if (remote_verb_is(line, "disable", 2)) {
        return remote_run(errand, SLICE("PATCH"), one,
                          SLICE("{\"state\":\"disabled\"}"));
    }
    if (remote_verb_is(line, "delete", 2)) {
        return remote_run(errand, SLICE("DELETE"), one, SLICE_EMPTY);
    }
    return remote_usage(
        "sluice webhook list | create --to URL [--events A,B] [--tenant T] | "
        "test ID | deliveries ID | rotate ID [--overlap-seconds N] | enable "
        "ID | disable ID | delete ID");
}
