/* SPDX-License-Identifier: Apache-2.0 */
/* What a lane keeps for some, as JSON. */
#include "core/lane_reserve.h"

#include "base/limits.h"

static const char *const priorities[GOVERNOR_PRIORITIES] = {
    [GOVERNOR_CRITICAL] = "critical",
    [GOVERNOR_INTERACTIVE] = "interactive",
    [GOVERNOR_BATCH] = "batch"};

const char *lane_priority_name(enum governor_priority priority)
{
    return priorities[priority];
}

static bool read_priority(struct slice word, enum governor_priority *out)
{
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        if (slice_is(word, priorities[i])) {
            *out = (enum governor_priority)i;
            return true;
        }
    }
    return false;
}

/* What is wrong with the one; NULL: nothing. */
static const char *read_one(const struct jval *json, struct governor_reservation *out)
{
    const struct jval *priority = jval_get(json, "priority");
    const struct jval *server = jval_get(json, "mcp_server");
    long long slots = 0;
    *out = (struct governor_reservation){.priority = GOVERNOR_INTERACTIVE};
    if (!jval_is(json, JVAL_OBJECT) || json->count != 2 ||
        (priority == NULL) == (server == NULL)) {
        return "an object with slots and either priority or mcp_server is needed";
    }
    if (priority != NULL && (!jval_is(priority, JVAL_STRING) ||
                             !read_priority(jval_text(priority), &out->priority))) {
        return "priority: \"critical\", \"interactive\" or \"batch\" is needed";
    }
    if (server != NULL) {
        out->server = jval_is(server, JVAL_STRING) ? jval_text(server) : SLICE_EMPTY;
    }
    if (server != NULL &&
        (out->server.len == 0 || out->server.len > GOVERNOR_SERVER_BYTES)) {
        return "mcp_server: the id of an MCP server is needed";
    }
    if (!jval_int64(jval_get(json, "slots"), &slots) || slots < 1 ||
        slots > LIMIT_CEILING) {
        return "slots: a whole number from 1 to 1000 is needed";
    }
    out->slots = (int)slots;
    return NULL;
}

static bool is_twice(const struct lane_reserve *reserve,
                     const struct governor_reservation *one)
{
    for (size_t i = 0; i < reserve->count; i++) {
        const struct governor_reservation *other = &reserve->all[i];
        if (slice_eq(one->server, other->server) &&
            (one->server.len > 0 || one->priority == other->priority)) {
            return true;
        }
    }
    return false;
}

bool lane_reserve_parse(const struct jval *json, struct arena *arena,
                        struct lane_reserve *out, struct lane_reserve_problem *problem)
{
    *out = (struct lane_reserve){.count = 0};
    *problem = (struct lane_reserve_problem){SLICE_EMPTY, NULL};
    if (json == NULL || json->type == JVAL_NULL) {
        return true;
    }
    if (json->type != JVAL_ARRAY || json->count > GOVERNOR_RESERVATIONS_MAX) {
        problem->message = "an array of at most 16 reservations, or null, is needed";
        return false;
    }
    for (size_t i = 0; i < json->count; i++) {
        struct governor_reservation one;
        problem->message = read_one(&json->items[i], &one);
        if (problem->message == NULL && is_twice(out, &one)) {
            problem->message = "there is another one for the same";
        }
        if (problem->message != NULL) {
            problem->at = arena_printf(arena, "/%zu", i);
            return false;
        }
        out->all[i] = one;
        out->count++;
        out->slots += one.slots;
    }
    return true;
}

void lane_reserve_write(struct jwriter *writer,
                        const struct governor_reservation *reservation)
{
    if (reservation->server.len > 0) {
        jwriter_member_string(writer, "mcp_server", reservation->server);
    } else {
        jwriter_member_string(writer, "priority",
                              slice_str(priorities[reservation->priority]));
    }
    jwriter_member_int(writer, "slots", reservation->slots);
}
