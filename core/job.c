/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of long work. Nothing is kept here: what comes back opens itself. */
#include "core/job.h"

#define POLL_LIFE_MS (24LL * 60 * 60 * 1000)

static struct slice asking_tool(const struct tool *tool)
{
    return tool->polls ? tool->name : tool->poll_tool;
}

struct sealed_binding job_binding(struct slice server, const struct tool *tool,
                                  int64_t now_ms)
{
    REQUIRE(asking_tool(tool).len > 0); /* work that nobody could ask for */
    return (struct sealed_binding){.purpose = "poll",
                                   .server = server,
                                   .tool = asking_tool(tool),
                                   .now_ms = now_ms};
}

enum err job_seal(struct vault *vault, const struct sealed_binding *binding,
                  struct slice words, struct arena *arena, struct slice *poll_id)
{
    return sealed_put(vault, binding, POLL_LIFE_MS, words, arena, poll_id);
}

enum err job_open(struct vault *vault, const struct sealed_binding *binding,
                  struct slice poll_id, struct arena *arena, struct slice *words,
                  struct fault *fault)
{
    enum err err = sealed_open(vault, binding, poll_id, arena, words);
    fault->err = err;
    if (err == ERR_INVALID_ARGUMENTS || err == ERR_TIMEOUT) {
        fault->err = ERR_INVALID_ARGUMENTS;
        fault->details = arena_alloc(arena, sizeof *fault->details);
        fault->details[0].pointer = SLICE("/poll_id");
        fault->details[0].message =
            err == ERR_TIMEOUT
                ? SLICE("is older than 24 hours")
                : SLICE("is not one that a tool of this MCP server gave");
        fault->detail_count = 1;
        fault->message =
            arena_printf(arena, "/poll_id: %.*s", SLICE_ARG(fault->details[0].message));
        fault->hint = SLICE("Give back exactly the poll_id of the last answer.");
    }
    return fault->err;
}

const char *job_status_name(enum op_job_status status)
{
    static const char *const names[] = {
        [OP_JOB_NONE] = "",           [OP_JOB_ACCEPTED] = "accepted",
        [OP_JOB_RUNNING] = "running", [OP_JOB_COMPLETE] = "complete",
        [OP_JOB_FAILED] = "failed",
    };
    return names[status];
}

struct slice job_instruction(const struct tool *tool, struct arena *arena)
{
    struct slice asks = asking_tool(tool);
    if (tool->polls) {
        return arena_printf(arena,
                            "The work still runs. Do not start it a second time. Wait "
                            "retry_after_seconds, then call %.*s with this poll_id.",
                            SLICE_ARG(asks));
    }
    return arena_printf(arena,
                        "The work has begun and goes on by itself. Do not call %.*s "
                        "again: that would start it a second time. Wait "
                        "retry_after_seconds, then call %.*s with this poll_id, until "
                        "status is complete or failed.",
                        SLICE_ARG(tool->name), SLICE_ARG(asks));
}
