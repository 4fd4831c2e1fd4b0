/* SPDX-License-Identifier: Apache-2.0 */
/* Reading scripts. What is misspelt is refused when the catalog loads. */
#include "connectors/conformance/script.h"

#include "connectors/conformance/template.h"

static enum err refuse(struct schema_problem *problem, struct slice pointer,
                       struct slice message)
{
    *problem = (struct schema_problem){pointer, message};
    return ERR_UNPROCESSABLE;
}

static enum err check_members(struct arena *arena, const struct jval *upstream,
                              struct schema_problem *problem)
{
    static const char *const known[] = {"content", "error"};
    for (size_t i = 0; i < upstream->count; i++) {
        struct slice name = upstream->members[i].name;
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
            found = found || slice_is(name, known[k]);
        }
        if (!found) {
            return refuse(problem, arena_printf(arena, "/%.*s", SLICE_ARG(name)),
                          SLICE("a script has no such member"));
        }
    }
    return ERR_OK;
}

/* One of the closed list of tool errors, by its wire name. */
static enum err tool_code(struct slice name)
{
    for (enum err err = ERR_OK + 1; err < ERR_COUNT; err++) {
        if (err_is_tool_code(err) && slice_is(name, err_code(err))) {
            return err;
        }
    }
    return ERR_OK;
}

static enum err read_content(struct arena *arena, const struct jval *upstream,
                             const struct tool *tool, struct script *script,
                             struct schema_problem *problem)
{
    const struct jval *error = jval_get(upstream, "error");
    script->content = jval_get(upstream, "content");
    if (!jval_is(script->content, JVAL_ARRAY)) {
        return refuse(problem, SLICE("/content"),
                      SLICE("an array of content blocks is needed"));
    }
    if (!tool->answers_content) {
        return refuse(problem, SLICE("/content"),
                      SLICE("the method has to say \"answer\": \"content\""));
    }
    if (error != NULL) {
        script->content_is = tool_code(jval_text(error));
        if (script->content_is == ERR_OK) {
            return refuse(problem, SLICE("/error"),
                          SLICE("the name of a tool error is needed"));
        }
    }
    return template_check(arena, script->content, SLICE("/content"), problem);
}

enum err script_compile(struct arena *arena, const struct jval *upstream,
                        const struct tool *tool, const struct script **out,
                        struct schema_problem *problem)
{
    struct script *script = arena_alloc(arena, sizeof *script);
    if (tool == NULL) {
        return refuse(problem, SLICE_EMPTY, SLICE("there is no login to verify"));
    }
    enum err err = check_members(arena, upstream, problem);
    if (err == ERR_OK) {
        err = read_content(arena, upstream, tool, script, problem);
    }
    *out = script;
    return err;
}
