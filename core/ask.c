/* SPDX-License-Identifier: Apache-2.0 */
/* Which capability a question needs, and the sealed state. */
#include "core/ask.h"

#define STATE_LIFE_MS (60LL * 60 * 1000)

/* ---- Capabilities ---- */

/* {"elicitation":{"url":{}}} */
static struct jval *capability(struct arena *arena, const char *name, const char *part)
{
    struct jval *inner = jval_new_object(arena, 1);
    struct jval *outer = jval_new_object(arena, 1);
    if (part != NULL) {
        jval_set(arena, inner, slice_str(part), jval_new_object(arena, 0));
    }
    jval_set(arena, outer, slice_str(name), inner);
    return outer;
}

static const struct jval *need_of(const struct jval *question, struct arena *arena)
{
    struct slice method = jval_text(jval_get(question, "method"));
    struct slice mode = jval_text(jval_get(jval_get(question, "params"), "mode"));
    if (slice_is(method, "sampling/createMessage")) {
        return capability(arena, "sampling", NULL);
    }
    if (slice_is(method, "roots/list")) {
        return capability(arena, "roots", NULL);
    }
    REQUIRE(slice_is(method, "elicitation/create")); /* there is no fourth */
    return capability(arena, "elicitation", slice_is(mode, "url") ? "url" : "form");
}

static bool declares(const struct jval *declared, const struct jmember *need)
{
    const struct jval *value = jval_member(declared, need->name);
    if (!jval_is(value, JVAL_OBJECT)) {
        return false;
    }
    for (size_t i = 0; i < need->value.count; i++) {
        struct slice part = need->value.members[i].name;
        /* An elicitation without parts is the one by form. */
        bool plain = value->count == 0 && slice_is(part, "form");
        if (!plain && !declares(value, &need->value.members[i])) {
            return false;
        }
    }
    return true;
}

const struct jval *ask_missing(const struct jval *needs, const struct jval *declared,
                               struct arena *arena)
{
    struct jval *missing = jval_new_object(arena, needs->count);
    for (size_t i = 0; i < needs->count; i++) {
        if (!declares(declared, &needs->members[i])) {
            jval_set(arena, missing, needs->members[i].name, &needs->members[i].value);
        }
    }
    return missing->count > 0 ? missing : NULL;
}

enum err ask_check(const struct jval *questions, const struct jval *capabilities,
                   struct arena *arena, const struct jval **missing)
{
    for (size_t i = 0; i < questions->count; i++) {
        *missing = ask_missing(need_of(&questions->members[i].value, arena),
                               capabilities, arena);
        if (*missing != NULL) {
            return ERR_CAPABILITY;
        }
    }
    return ERR_OK;
}

/* ---- The question of a login that has ended ---- */

#define REAUTH_KEY "reauth"
#define REAUTH_WORDS                                                                \
    "The connection to the ERP has ended. Open this page, log in, and connect the " \
    "account again; then the call can be repeated."

static bool has_declined(const struct jval *responses)
{
    struct slice action =
        jval_text(jval_get(jval_get(responses, REAUTH_KEY), "action"));
    return slice_is(action, "decline") || slice_is(action, "cancel");
}

const struct jval *ask_reauth(struct slice url, const struct jval *capabilities,
                              const struct jval *responses, struct arena *arena)
{
    if (url.len == 0 || capabilities == NULL ||
        ask_missing(capability(arena, "elicitation", "url"), capabilities, arena) !=
            NULL ||
        (responses != NULL && has_declined(responses))) {
        return NULL;
    }
    struct jval *params = jval_new_object(arena, 3);
    struct jval *question = jval_new_object(arena, 2);
    struct jval *questions = jval_new_object(arena, 1);
    jval_set(arena, params, SLICE("mode"), jval_new_string(arena, SLICE("url")));
    jval_set(arena, params, SLICE("url"), jval_new_string(arena, url));
    jval_set(arena, params, SLICE("message"),
             jval_new_string(arena, SLICE(REAUTH_WORDS)));
    jval_set(arena, question, SLICE("method"),
             jval_new_string(arena, SLICE("elicitation/create")));
    jval_set(arena, question, SLICE("params"), params);
    jval_set(arena, questions, SLICE(REAUTH_KEY), question);
    return questions;
}

/* ---- State ---- */

enum err ask_seal(struct vault *vault, const struct sealed_binding *binding,
                  struct slice words, struct arena *arena, struct slice *text)
{
    return sealed_put(vault, binding, STATE_LIFE_MS, words, arena, text);
}

enum err ask_open(struct vault *vault, const struct sealed_binding *binding,
                  const struct jval *state, struct arena *arena, struct slice *words,
                  struct fault *fault)
{
    enum err err = state->type == JVAL_STRING
                       ? sealed_open(vault, binding, state->text, arena, words)
                       : ERR_INVALID_ARGUMENTS;
    fault->err = err;
    if (err == ERR_INVALID_ARGUMENTS || err == ERR_TIMEOUT) {
        fault->err = ERR_UNPROCESSABLE;
        fault->message =
            err == ERR_TIMEOUT
                ? SLICE("Invalid params: requestState is older than an hour; call "
                        "again without it")
                : SLICE("Invalid params: requestState is not what this server gave for "
                        "this call");
    }
    return fault->err;
}
