/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading scripts. Their form is a JSON Schema of its own; what no schema can say is
 * checked here. What is wrong is refused when the catalog loads.
 */
#include "connectors/conformance/script.h"

#include "connectors/conformance/template.h"

static const char form[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"content\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},"
    "\"error\":{\"type\":\"string\"},"
    "\"steps\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"progress\",\"wait_ms\"],"
    "\"properties\":{\"progress\":{\"$ref\":\"#/$defs/count\"},"
    "\"total\":{\"$ref\":\"#/$defs/count\"},\"message\":{\"type\":\"string\"},"
    "\"wait_ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000}}}},"
    "\"rounds\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"minProperties\":1,"
    "\"additionalProperties\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"request\"],\"properties\":{\"if\":{\"type\":\"string\"},"
    "\"request\":{\"type\":\"object\",\"required\":[\"method\",\"params\"],"
    "\"properties\":{\"method\":{\"enum\":[\"elicitation/create\","
    "\"sampling/createMessage\",\"roots/"
    "list\"]},\"params\":{\"type\":\"object\"}}}}}}},"
    "\"state\":{\"type\":\"boolean\"},"
    "\"job\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"running\",\"retry_after_s\",\"record\"],\"properties\":{"
    "\"running\":{\"$ref\":\"#/$defs/count\"},\"fails\":{\"type\":\"boolean\"},"
    "\"retry_after_s\":{\"$ref\":\"#/$defs/"
    "count\"},\"record\":{\"type\":\"object\"}}}},"
    "\"$defs\":{\"count\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000}}}";

struct reader {
    struct arena *arena;
    const struct jval *upstream;
    const struct tool *tool;
    struct script *script;
    struct schema_problem *problem;
};

static enum err refuse(struct reader *r, struct slice pointer, const char *message)
{
    *r->problem = (struct schema_problem){pointer, slice_str(message)};
    return ERR_UNPROCESSABLE;
}

static enum err check_form(struct reader *r)
{
    struct jval *json = NULL;
    struct schema *schema = NULL;
    struct fault_detail detail = {SLICE_EMPTY, SLICE_EMPTY};
    size_t count = 0;
    REQUIRE(jval_parse(r->arena, slice_str(form), &json, NULL) == ERR_OK);
    REQUIRE(schema_compile(r->arena, json, &schema, r->problem) == ERR_OK);
    if (schema_check(schema, r->upstream, r->arena, &detail, 1, &count)) {
        return ERR_OK;
    }
    *r->problem = (struct schema_problem){detail.pointer, detail.message};
    return ERR_UNPROCESSABLE;
}

/* The form has seen to it that what is there is a whole number. */
static long long number(const struct jval *object, const char *name)
{
    long long value = 0;
    (void)jval_int64(jval_get(object, name), &value);
    return value;
}

/* ---- Content ---- */

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

static enum err read_content(struct reader *r)
{
    const struct jval *error = jval_get(r->upstream, "error");
    r->script->content = jval_get(r->upstream, "content");
    if ((r->script->content != NULL) != r->tool->answers_content) {
        return refuse(r, SLICE("/content"),
                      "goes together with \"answer\": \"content\" of the method");
    }
    if (error != NULL) {
        r->script->content_is = tool_code(jval_text(error));
        if (r->script->content_is == ERR_OK) {
            return refuse(r, SLICE("/error"), "has to be the name of a tool error");
        }
    }
    return r->script->content == NULL ? ERR_OK
                                      : template_check(r->arena, r->script->content,
                                                       SLICE("/content"), r->problem);
}

/* ---- Steps ---- */

static void read_steps(struct reader *r)
{
    const struct jval *list = jval_get(r->upstream, "steps");
    if (list == NULL) {
        return;
    }
    struct script_step *steps = arena_array(r->arena, list->count, sizeof *steps);
    for (size_t i = 0; i < list->count; i++) {
        const struct jval *step = &list->items[i];
        steps[i].wait_ms = number(step, "wait_ms");
        steps[i].progress.done = (long)number(step, "progress");
        steps[i].progress.total = (long)number(step, "total");
        steps[i].progress.message = jval_text(jval_get(step, "message"));
    }
    r->script->steps = steps;
    r->script->step_count = list->count;
}

/* ---- Rounds ---- */

static enum question_kind kind_of(const struct jval *request)
{
    struct slice method = jval_text(jval_get(request, "method"));
    struct slice mode = jval_text(jval_get(jval_get(request, "params"), "mode"));
    if (slice_is(method, "sampling/createMessage")) {
        return QUESTION_SAMPLING;
    }
    if (slice_is(method, "roots/list")) {
        return QUESTION_ROOTS;
    }
    return slice_is(mode, "url") ? QUESTION_URL : QUESTION_FORM;
}

static enum err read_question(struct reader *r, const struct jmember *member,
                              size_t round, struct script_question *out)
{
    out->key = member->name;
    out->request = jval_get(&member->value, "request");
    out->capability = jval_text(jval_get(&member->value, "if"));
    out->kind = kind_of(out->request);
    if (out->kind != QUESTION_FORM) {
        return ERR_OK;
    }
    const struct jval *wanted =
        jval_get(jval_get(out->request, "params"), "requestedSchema");
    struct slice pointer =
        arena_printf(r->arena, "/rounds/%zu/%.*s/request/params/requestedSchema", round,
                     SLICE_ARG(member->name));
    struct schema *compiled = NULL;
    if (wanted == NULL) {
        return refuse(r, pointer, "a form needs one");
    }
    enum err err = schema_compile(r->arena, wanted, &compiled, r->problem);
    r->problem->pointer = arena_printf(r->arena, "%.*s%.*s", SLICE_ARG(pointer),
                                       SLICE_ARG(r->problem->pointer));
    out->form = compiled;
    return err;
}

static enum err read_rounds(struct reader *r)
{
    const struct jval *list = jval_get(r->upstream, "rounds");
    struct script *script = r->script;
    script->keeps_state = jval_is(jval_get(r->upstream, "state"), JVAL_TRUE);
    if (list == NULL) {
        return ERR_OK;
    }
    if (list->count > 1 && !script->keeps_state) {
        return refuse(r, SLICE("/state"), "more than one round needs a state");
    }
    struct script_round *rounds = arena_array(r->arena, list->count, sizeof *rounds);
    script->rounds = rounds;
    script->round_count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        const struct jval *asked = &list->items[i];
        struct script_question *questions =
            arena_array(r->arena, asked->count, sizeof *questions);
        rounds[i] = (struct script_round){questions, asked->count};
        for (size_t k = 0; k < asked->count; k++) {
            enum err err = read_question(r, &asked->members[k], i, &questions[k]);
            if (err != ERR_OK) {
                return err;
            }
        }
    }
    return ERR_OK;
}

/* ---- Jobs ---- */

static enum err read_job(struct reader *r)
{
    const struct jval *json = jval_get(r->upstream, "job");
    struct script_job *job = &r->script->job;
    bool starts = r->tool->poll_tool.len > 0;
    if ((json != NULL) != starts) {
        return refuse(r, SLICE("/job"), "goes together with poll_with of the method");
    }
    if (!starts) {
        return r->tool->polls || r->tool->answers_content
                   ? ERR_OK
                   : refuse(r, SLICE_EMPTY, "there is nothing that it answers");
    }
    *job = (struct script_job){
        .starts = true,
        .fails = jval_is(jval_get(json, "fails"), JVAL_TRUE),
        .running = number(json, "running"),
        .retry_after_s = (long)number(json, "retry_after_s"),
        .record = jval_get(json, "record"),
    };
    return template_check(r->arena, job->record, SLICE("/job/record"), r->problem);
}

enum err script_compile(struct arena *arena, const struct jval *upstream,
                        const struct tool *tool, const struct script **out,
                        struct schema_problem *problem)
{
    struct script *script = arena_alloc(arena, sizeof *script);
    struct reader reader = {arena, upstream, tool, script, problem};
    *out = script;
    if (tool == NULL) {
        return refuse(&reader, SLICE_EMPTY, "there is no login to verify");
    }
    enum err err = check_form(&reader);
    if (err == ERR_OK) {
        err = read_content(&reader);
    }
    if (err == ERR_OK) {
        read_steps(&reader);
        err = read_rounds(&reader);
    }
    return err == ERR_OK ? read_job(&reader) : err;
}
