/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of a running server: account, mcp, environment. */
#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/remote.h"

int command_account(struct arena *arena, const struct config *config,
                    const struct command_line *line)
{
    bool is_doctor = remote_verb_is(line, "doctor", 2);
    struct errand *errand = remote_begin(arena, config, line);
    if (errand == NULL) {
        return is_doctor ? 2 : 1;
    }
    struct slice body = SLICE_EMPTY;
    struct slice one = arena_printf(arena, "/integrated-account/%.*s",
                                    SLICE_ARG(remote_word(errand, 1)));
    bool no_verify = false, try_now = false;
    command_value(line, "no-verify", &no_verify);
    command_value(line, "try-now", &try_now);
    if (is_doctor) {
        return doctor_run(errand, arena, one, try_now);
    }
    if (remote_verb_is(line, "list", 1)) {
        struct slice tenant =
            text_percent_arena(arena, command_value(line, "tenant", NULL));
        return remote_run(errand, SLICE("GET"),
                          arena_printf(arena,
                                       "/integrated-account?limit=200&tenant_id=%.*s",
                                       SLICE_ARG(tenant)),
                          body);
    }
    if (remote_verb_is(line, "get", 2)) {
        return remote_run(errand, SLICE("GET"), one, body);
    }
    if (remote_verb_is(line, "delete", 2)) {
        return remote_run(errand, SLICE("DELETE"), one, body);
    }
    if (remote_verb_is(line, "create", 1)) {
        return remote_body(errand, &body)
                   ? remote_run(errand, SLICE("POST"),
                                no_verify ? SLICE("/integrated-account?verify=false")
                                : try_now ? SLICE("/integrated-account?try_now=true")
                                          : SLICE("/integrated-account"),
                                body)
                   : 1;
    }
    if (remote_verb_is(line, "update", 2)) {
        return remote_body(errand, &body)
                   ? remote_run(errand, SLICE("PATCH"), one, body)
                   : 1;
    }
    return remote_usage(
        "sluice account list | get ID | create --file F | update ID --file F | "
        "doctor ID | delete ID");
}

static struct slice server_body(struct errand *errand)
{
    bool has_expiry = false;
    struct slice expires = command_value(errand->line, "expires-at", &has_expiry);
    struct buf body;
    struct jwriter writer;
    buf_init(&body, LIMIT_ADMIN_BODY_BYTES);
    jwriter_init(&writer, &body);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "name", command_value(errand->line, "name", NULL));
    jwriter_key(&writer, SLICE("config"));
    jwriter_object(&writer);
    remote_write_list(&writer, errand->line, "methods");
    remote_write_list(&writer, errand->line, "tags");
    remote_write_list(&writer, errand->line, "tools");
    jwriter_object_end(&writer);
    if (has_expiry) {
        jwriter_key(&writer, SLICE("expires_at"));
        if (slice_is(expires, "never")) {
            jwriter_null(&writer);
        } else {
            jwriter_string(&writer, expires);
        }
    }
    jwriter_object_end(&writer);
    struct slice text = arena_slice(errand->arena, buf_slice(&body));
    buf_free(&body);
    return text;
}

int command_mcp(struct arena *arena, const struct config *config,
                const struct command_line *line)
{
    struct errand *errand = remote_begin(arena, config, line);
    if (errand == NULL) {
        return 1;
    }
    struct slice body = SLICE_EMPTY;
    struct slice all = arena_printf(arena, "/integrated-account/%.*s/mcp",
                                    SLICE_ARG(remote_word(errand, 1)));
    struct slice one = arena_printf(arena, "%.*s/%.*s", SLICE_ARG(all),
                                    SLICE_ARG(remote_word(errand, 2)));
    if (remote_verb_is(line, "list", 2)) {
        return remote_run(errand, SLICE("GET"), all, body);
    }
    if (remote_verb_is(line, "get", 3)) {
        return remote_run(errand, SLICE("GET"), one, body);
    }
    if (remote_verb_is(line, "delete", 3)) {
        return remote_run(errand, SLICE("DELETE"), one, body);
    }
    if (remote_verb_is(line, "create", 2)) {
        bool from_file = false;
        command_value(line, "file", &from_file);
        if (!from_file) {
            return remote_run(errand, SLICE("POST"), all, server_body(errand));
        }
        return remote_body(errand, &body) ? remote_run(errand, SLICE("POST"), all, body)
                                          : 1;
    }
    if (remote_verb_is(line, "update", 3)) {
        return remote_body(errand, &body)
                   ? remote_run(errand, SLICE("PATCH"), one, body)
                   : 1;
    }
    if (remote_verb_is(line, "rotate", 3)) {
        return remote_rotate(errand,
                             arena_printf(arena, "%.*s/rotate", SLICE_ARG(one)));
    }
    return remote_usage(
        "sluice mcp list ACCOUNT | get ACCOUNT ID | create ACCOUNT --name N | update "
        "ACCOUNT ID --file F | rotate ACCOUNT ID | delete ACCOUNT ID");
}

int command_environment(struct arena *arena, const struct config *config,
                        const struct command_line *line)
{
    struct errand *errand = remote_begin(arena, config, line);
    if (errand == NULL) {
        return 1;
    }
    struct slice path = arena_printf(arena, "/environment/%.*s/overrides",
                                     SLICE_ARG(remote_word(errand, 1)));
    struct slice body = SLICE_EMPTY;
    if (remote_verb_is(line, "list", 1)) {
        return remote_run(errand, SLICE("GET"), SLICE("/environment"), body);
    }
    if (remote_verb_is(line, "get", 2)) {
        return remote_run(errand, SLICE("GET"), path, body);
    }
    if (remote_verb_is(line, "set", 2)) {
        return remote_body(errand, &body) ? remote_run(errand, SLICE("PUT"), path, body)
                                          : 1;
    }
    return remote_usage("sluice environment list | get NAME | set NAME --file F");
}
