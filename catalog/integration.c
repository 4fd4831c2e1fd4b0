/* SPDX-License-Identifier: Apache-2.0 */
/* integration.json to struct integration, and what its error rules say of an answer. */
#include "catalog/catalog_private.h"

/* ---- Reading ---- */

/* The file's schema has seen to the range; 5.0 and 5e0 are integers to it. */
static long long whole(struct arena *arena, const struct jval *value,
                       long long otherwise)
{
    struct decimal number;
    struct slice text;
    unsigned long long result;

    if (value == NULL || !decimal_parse(value->text, &number) ||
        !decimal_plain(arena, &number, &text) || !slice_to_u64(text, &result)) {
        return otherwise;
    }
    return (long long)result;
}

static enum err tool_code(struct slice code)
{
    for (enum err err = ERR_OK; err < ERR_COUNT; err++) {
        if (err != ERR_OK && err_is_tool_code(err) && slice_is(code, err_code(err))) {
            return err;
        }
    }
    return ERR_INTERNAL; /* not reached: the file's schema lists the codes */
}

/* One number or an array of them. */
static void read_statuses(struct arena *arena, const struct jval *json,
                          struct error_rule *rule)
{
    const struct jval *list = json;
    int *statuses;

    if (json == NULL) {
        return;
    }
    rule->status_count = 1;
    if (json->type == JVAL_ARRAY) {
        list = json->items;
        rule->status_count = json->count;
    }
    statuses = arena_array(arena, rule->status_count, sizeof *statuses);
    for (size_t i = 0; i < rule->status_count; i++) {
        statuses[i] = (int)whole(arena, &list[i], 0);
    }
    rule->statuses = statuses;
}

static void read_rules(struct loader *loader, const struct jval *json,
                       struct integration *out)
{
    struct error_rule *rules;

    if (json == NULL) {
        return;
    }
    rules = arena_array(loader->arena, json->count, sizeof *rules);
    for (size_t i = 0; i < json->count; i++) {
        const struct jval *rule = &json->items[i];

        read_statuses(loader->arena, jval_get(rule, "status"), &rules[i]);
        rules[i].code = jval_text(jval_get(rule, "code"));
        rules[i].message_contains = jval_text(jval_get(rule, "message_contains"));
        rules[i].is = tool_code(jval_text(jval_get(rule, "is")));
        rules[i].hint = jval_text(jval_get(rule, "hint"));
    }
    out->rules = rules;
    out->rule_count = json->count;
}

static enum err compile_verify(struct loader *loader, struct slice path,
                               struct integration *out)
{
    struct schema_problem problem = {SLICE_EMPTY, SLICE_EMPTY};
    const struct catalog_compiler *compiler = loader->compiler;
    enum err err;

    if (out->verify == NULL || compiler == NULL) {
        return ERR_OK;
    }
    err = compiler->compile(compiler->ctx, out->name, loader->arena, out->verify, NULL,
                            &out->verify_plan, &problem);
    if (err == ERR_NOT_FOUND) {
        return loader_fail(loader, ERR_UNPROCESSABLE, path, SLICE("/integration"),
                           SLICE("this program has no connector of that name"));
    }
    if (err != ERR_OK) {
        return loader_fail(
            loader, ERR_UNPROCESSABLE, path,
            arena_printf(loader->arena, "/verify%.*s", SLICE_ARG(problem.pointer)),
            problem.message);
    }
    return ERR_OK;
}

enum err integration_load(struct loader *loader, struct slice path, struct slice name,
                          struct integration *out)
{
    const struct jval *json = NULL, *limits, *acknowledgement;
    enum err err = loader_read(loader, FILE_INTEGRATION, path, &json);

    if (err != ERR_OK) {
        return err;
    }
    out->name = jval_text(jval_get(json, "integration"));
    if (!slice_eq(out->name, name)) {
        return loader_fail(loader, ERR_UNPROCESSABLE, path, SLICE("/integration"),
                           arena_printf(loader->arena,
                                        "must be the folder's name, \"%.*s\"",
                                        SLICE_ARG(name)));
    }
    limits = jval_get(json, "limits");
    acknowledgement = jval_get(json, "acknowledgement");
    out->title = jval_text(jval_get(json, "title"));
    out->instructions = jval_text(jval_get(json, "instructions"));
    out->closed_world = jval_is(jval_get(json, "open_world"), JVAL_FALSE);
    out->default_ceiling = (int)whole(loader->arena, jval_get(limits, "ceiling"), 1);
    out->calls_per_minute =
        (int)whole(loader->arena, jval_get(limits, "calls_per_minute"), 0);
    out->calls_burst = (int)whole(loader->arena, jval_get(limits, "calls_burst"), 0);
    out->writes_per_minute =
        (int)whole(loader->arena, jval_get(limits, "writes_per_minute"), 0);
    out->writes_burst = (int)whole(loader->arena, jval_get(limits, "writes_burst"), 0);
    out->upstream_max_ms =
        whole(loader->arena, jval_get(limits, "upstream_max_ms"), 600000);
    out->login_overload_ms =
        whole(loader->arena, jval_get(limits, "login_overload_ms"), 0);
    out->default_limit = (size_t)whole(
        loader->arena, jval_get(jval_get(json, "pagination"), "default_limit"), 25);
    out->acknowledgement_member = jval_text(jval_get(acknowledgement, "member"));
    out->acknowledgement_message = jval_text(jval_get(acknowledgement, "message"));
    out->acknowledgement_statement = jval_text(jval_get(acknowledgement, "statement"));
    out->acknowledgement_url = jval_text(jval_get(acknowledgement, "url"));
    out->verify = jval_get(json, "verify");
    out->document = json;
    read_rules(loader, jval_get(json, "errors"), out);
    return compile_verify(loader, path, out);
}

/* ---- Classifying ---- */

static bool fits_status(const struct error_rule *rule, int status)
{
    for (size_t i = 0; i < rule->status_count; i++) {
        if (rule->statuses[i] == status) {
            return true;
        }
    }
    return rule->status_count == 0;
}

static bool fits(const struct error_rule *rule, int status, struct slice code,
                 struct slice message)
{
    return fits_status(rule, status) &&
           (rule->code.len == 0 || slice_eq(rule->code, code)) &&
           (rule->message_contains.len == 0 ||
            slice_contains_nocase(message, rule->message_contains));
}

enum err catalog_classify(const struct integration *integration, int status,
                          struct slice code, struct slice message, struct slice *hint)
{
    for (size_t i = 0; i < integration->rule_count; i++) {
        const struct error_rule *rule = &integration->rules[i];

        if (fits(rule, status, code, message)) {
            if (rule->hint.len > 0) {
                *hint = rule->hint;
            }
            return rule->is;
        }
    }
    if (status == 0 || status >= 500) {
        return ERR_UPSTREAM_UNAVAILABLE;
    }
    /* 3xx is nothing an API says; a 2xx that brought an error refused the content. */
    return status >= 300 && status < 400 ? ERR_UPSTREAM_MALFORMED
                                         : ERR_VALIDATION_FAILED;
}
