/* SPDX-License-Identifier: Apache-2.0 */
/* What an account may ask of the governor: the members of its "governor" object. */
#include "base/limits.h"
#include "core/accounts.h"

struct limit_rule {
    const char *name;
    long long least, most;
};

static bool add_detail(struct arena *arena, struct fault *fault, const char *name,
                       const char *message)
{
    fault->details = arena_alloc(arena, sizeof *fault->details);
    fault->details[0].pointer =
        arena_printf(arena, "/governor%s%s", *name ? "/" : "", name);
    fault->details[0].message = slice_str(message);
    fault->detail_count = 1;
    fault->err = ERR_UNPROCESSABLE;
    fault->message =
        arena_printf(arena, "governor%s%s: %s", *name ? "." : "", name, message);
    return false;
}

static bool read_limit(const struct jmember *member, const struct limit_rule *rule,
                       struct arena *arena, long long *out, struct fault *fault)
{
    if (jval_int64(&member->value, out) && *out >= rule->least && *out <= rule->most) {
        return true;
    }
    struct slice message = arena_printf(
        arena, "a whole number from %lld to %lld is needed", rule->least, rule->most);
    return add_detail(arena, fault, rule->name, message.ptr);
}

enum err account_limits_parse(const struct jval *json, struct arena *arena,
                              struct account_limits *out, struct fault *fault)
{
    static const struct limit_rule rules[] = {
        {"ceiling", 1, LIMIT_CEILING},
        {"queue_limit", 0, LIMIT_QUEUE},
        {"queue_wait_ms", 0, LIMIT_QUEUE_WAIT_MS},
    };
    *out = (struct account_limits){0, -1, -1};
    if (json == NULL) {
        return ERR_OK;
    }
    if (json->type != JVAL_OBJECT) {
        add_detail(arena, fault, "", "an object is needed");
        return ERR_UNPROCESSABLE;
    }
    for (size_t i = 0; i < json->count; i++) {
        const struct jmember *member = &json->members[i];
        long long value = 0;
        if (slice_is(member->name, "ceiling")) {
            if (!read_limit(member, &rules[0], arena, &value, fault)) {
                return ERR_UNPROCESSABLE;
            }
            out->ceiling = (int)value;
        } else if (slice_is(member->name, "queue_limit")) {
            if (!read_limit(member, &rules[1], arena, &value, fault)) {
                return ERR_UNPROCESSABLE;
            }
            out->queue_limit = (int)value;
        } else if (slice_is(member->name, "queue_wait_ms")) {
            if (!read_limit(member, &rules[2], arena, &value, fault)) {
                return ERR_UNPROCESSABLE;
            }
            out->queue_wait_ms = value;
        } else {
            add_detail(
                arena, fault, "",
                "ceiling, queue_limit and queue_wait_ms are the members it may have");
            return ERR_UNPROCESSABLE;
        }
    }
    return ERR_OK;
}
