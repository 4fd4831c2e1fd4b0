/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of a running server: tenant and lane, the ceilings and the operator's hand. */
#include <string.h>

#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"
#include "cli/lane_watch.h"

int command_tenant(struct arena *arena, const struct config *config,
                   const struct command_line *line)
{
    struct errand *errand = remote_begin(arena, config, line);
    if (errand == NULL) {
        return 1;
    }
    struct slice path =
        arena_printf(arena, "/tenant/%.*s", SLICE_ARG(remote_word(errand, 1)));
    struct slice ceiling = SLICE_EMPTY;
    if (remote_verb_is(line, "get", 2)) {
        return remote_run(errand, SLICE("GET"), path, SLICE_EMPTY);
    }
    if (!remote_verb_is(line, "set", 2) || !remote_ceiling(errand, &ceiling)) {
        return remote_usage("sluice tenant get ID | set ID --ceiling N");
    }
    return remote_run(
        errand, SLICE("PATCH"), path,
        arena_printf(arena, "{\"governor\":{\"ceiling\":%.*s}}", SLICE_ARG(ceiling)));
}

/* One "critical=1" or "mcp_…=2" of --reserve. */
static bool write_reservation(struct jwriter *writer, struct slice text)
{
    unsigned long long slots = 0;
    const char *equals = text.len > 0 ? memchr(text.ptr, '=', text.len) : NULL;
    size_t name_len = equals != NULL ? (size_t)(equals - text.ptr) : 0;
    struct slice who = slice_of(text.ptr, name_len);
    if (name_len == 0 || !slice_to_u64(slice_from(text, name_len + 1), &slots) ||
        slots > INT64_MAX) {
        command_fail("--reserve needs WHO=SLOTS with commas between, as "
                     "critical=1,mcp_...=2, or none");
        return false;
    }
    jwriter_object(writer);
    jwriter_member_string(
        writer, slice_starts(who, SLICE("mcp_")) ? "mcp_server" : "priority", who);
    jwriter_member_int(writer, "slots", (int64_t)slots);
    jwriter_object_end(writer);
    return true;
}

static bool write_reserve(struct jwriter *writer, struct slice list)
{
    if (slice_is(list, "none")) {
        jwriter_null(writer);
        return true;
    }
    jwriter_array(writer);
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma != NULL ? (size_t)(comma - list.ptr) : list.len;
        if (!write_reservation(writer, slice_of(list.ptr, len))) {
            return false;
        }
        list = slice_from(list, comma != NULL ? len + 1 : len);
    }
    jwriter_array_end(writer);
    return true;
}

/* Of "lane set": what is named changes. */
static bool lane_body(struct errand *errand, struct slice *out)
{
    bool has_ceiling = false, has_reserve = false;
    struct slice ceiling = SLICE_EMPTY;
    struct slice list = command_value(errand->line, "reserve", &has_reserve);
    struct buf body;
    struct jwriter writer;
    command_value(errand->line, "ceiling", &has_ceiling);
    if ((has_ceiling || !has_reserve) && !remote_ceiling(errand, &ceiling)) {
        return false;
    }
    buf_init(&body, LIMIT_ADMIN_BODY_BYTES);
    jwriter_init(&writer, &body);
    jwriter_object(&writer);
    if (has_ceiling) {
        jwriter_key(&writer, SLICE("ceiling"));
        jwriter_raw(&writer, ceiling);
    }
    if (has_reserve) {
        jwriter_key(&writer, SLICE("reserve"));
        if (!write_reserve(&writer, list)) {
            buf_free(&body);
            return false;
        }
    }
    jwriter_object_end(&writer);
    *out = arena_slice(errand->arena, buf_slice(&body));
    buf_free(&body);
    return true;
}

int command_lane(struct arena *arena, const struct config *config,
                 const struct command_line *line)
{
    struct errand *errand = remote_begin(arena, config, line);
    if (errand == NULL) {
        return 1;
    }
    struct slice path =
        arena_printf(arena, "/lanes/%.*s", SLICE_ARG(remote_word(errand, 1)));
    struct slice body = SLICE_EMPTY;
    if (remote_verb_is(line, "list", 1)) {
        return remote_run(errand, SLICE("GET"), SLICE("/lanes"), SLICE_EMPTY);
    }
    if (remote_verb_is(line, "get", 2)) {
        return remote_run(errand, SLICE("GET"), path, SLICE_EMPTY);
    }
    if (remote_verb_is(line, "pause", 2) || remote_verb_is(line, "resume", 2) ||
        remote_verb_is(line, "drain", 2)) {
        return remote_run(errand, SLICE("POST"),
                          arena_printf(arena, "%.*s/%.*s", SLICE_ARG(path),
                                       SLICE_ARG(remote_word(errand, 0))),
                          SLICE_EMPTY);
    }
    if (remote_verb_is(line, "kick", 2) || remote_verb_is(line, "kick", 3)) {
        struct slice server = remote_word(errand, 2);
        return remote_run(errand, SLICE("POST"),
                          arena_printf(arena, "%.*s/kick%s%.*s", SLICE_ARG(path),
                                       server.len > 0 ? "?mcp_server=" : "",
                                       SLICE_ARG(server)),
                          SLICE_EMPTY);
    }
    if (remote_verb_is(line, "watch", 1) || remote_verb_is(line, "watch", 2)) {
        return lane_watch_run(errand, remote_word(errand, 1));
    }
    if (!remote_verb_is(line, "set", 2)) {
        return remote_usage("sluice lane list | get ID | watch [ID] [--json] | set ID "
                            "[--ceiling N] [--reserve LIST] | "
                            "pause ID | resume ID | drain ID | kick ID [MCP_ID]");
    }
    return lane_body(errand, &body) ? remote_run(errand, SLICE("PATCH"), path, body)
                                    : 2;
}
