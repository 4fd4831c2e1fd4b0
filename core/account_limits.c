/* SPDX-License-Identifier: Apache-2.0 */
/* What an account may ask of the governor: the members of its "governor" object. */
#include "base/limits.h"
#include "core/accounts.h"

enum {
    CEILING,
    QUEUE_LIMIT,
    QUEUE_WAIT_MS,
    CALLS_PER_MINUTE,
    CALLS_BURST,
    WRITES_PER_MINUTE,
    WRITES_BURST,
    LATENCY_FACTOR,
    RULES
};

struct limit_rule {
    const char *name;
    long long least, most;
};

static const struct limit_rule rules[RULES] = {
    [CEILING] = {"ceiling", 1, LIMIT_CEILING},
    [QUEUE_LIMIT] = {"queue_limit", 0, LIMIT_QUEUE},
    [QUEUE_WAIT_MS] = {"queue_wait_ms", 0, LIMIT_QUEUE_WAIT_MS},
    [CALLS_PER_MINUTE] = {"calls_per_minute", 0, LIMIT_PER_MINUTE},
    [CALLS_BURST] = {"calls_burst", 1, LIMIT_BURST},
    [WRITES_PER_MINUTE] = {"writes_per_minute", 0, LIMIT_PER_MINUTE},
    [WRITES_BURST] = {"writes_burst", 1, LIMIT_BURST},
    [LATENCY_FACTOR] = {"latency_factor", 2, LIMIT_LATENCY_FACTOR},
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

static size_t rule_of(struct slice name)
{
    size_t n = 0;
    while (n < RULES && !slice_is(name, rules[n].name)) {
        n++;
    }
    return n;
}

enum err account_limits_parse(const struct jval *json, struct arena *arena,
                              struct account_limits *out, struct fault *fault)
{
    /* Of an account that sets none. */
    long long values[RULES] = {[QUEUE_LIMIT] = -1,
                               [QUEUE_WAIT_MS] = -1,
                               [CALLS_PER_MINUTE] = -1,
                               [WRITES_PER_MINUTE] = -1};
    if (!jval_is(json, JVAL_OBJECT)) {
        add_detail(arena, fault, "", "an object is needed");
        return ERR_UNPROCESSABLE;
    }
    for (size_t i = 0; i < json->count; i++) {
        size_t n = rule_of(json->members[i].name);
        if (n == RULES) {
            add_detail(
                arena, fault, "",
                "ceiling, queue_limit, queue_wait_ms, calls_per_minute, calls_burst, "
                "writes_per_minute, writes_burst and latency_factor are the members it "
                "may have");
            return ERR_UNPROCESSABLE;
        }
        if (!read_limit(&json->members[i], &rules[n], arena, &values[n], fault)) {
            return ERR_UNPROCESSABLE;
        }
    }
    *out = (struct account_limits){.ceiling = (int)values[CEILING],
                                   .queue_limit = (int)values[QUEUE_LIMIT],
                                   .queue_wait_ms = values[QUEUE_WAIT_MS],
                                   .calls_per_minute = (int)values[CALLS_PER_MINUTE],
                                   .calls_burst = (int)values[CALLS_BURST],
                                   .writes_per_minute = (int)values[WRITES_PER_MINUTE],
                                   .writes_burst = (int)values[WRITES_BURST],
                                   .latency_factor = (int)values[LATENCY_FACTOR]};
    return ERR_OK;
}

/* What the account sets of one pace, else the integration; a burst nobody sets is what the rate
 * gives in a second. */
static void complete_pace(int *per_minute, int *burst, int usual_per_minute,
                          int usual_burst)
{
    if (*per_minute < 0) {
        *per_minute = usual_per_minute;
    }
    if (*burst == 0) {
        *burst = usual_burst > 0 ? usual_burst : (*per_minute + 59) / 60;
    }
    if (*burst == 0) {
        *burst = 1; /* there is no limit */
    }
}

void account_limits_complete(struct account_limits *limits, int ceiling,
                             const struct integration *integration,
                             const struct gateway_config *config)
{
    if (limits->ceiling == 0) {
        limits->ceiling = ceiling > 0 ? ceiling : integration->default_ceiling;
    }
    if (limits->queue_limit < 0) {
        limits->queue_limit = config->queue_limit;
    }
    if (limits->queue_wait_ms < 0) {
        limits->queue_wait_ms = config->queue_wait_ms;
    }
    complete_pace(&limits->calls_per_minute, &limits->calls_burst,
                  integration->calls_per_minute, integration->calls_burst);
    complete_pace(&limits->writes_per_minute, &limits->writes_burst,
                  integration->writes_per_minute, integration->writes_burst);
}
