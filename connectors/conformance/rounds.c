/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that travels is {"round": n, "responses": {...}}: which round was asked, and
 * what was answered before it. Without one, a conversation stands at its beginning.
 */
#include "connectors/conformance/rounds.h"

#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"

/* Sealed and encoded, it has to stay below LIMIT_SEALED_BYTES. */
#define STATE_BYTES (LIMIT_SEALED_BYTES / 2)

enum judgement { ANSWER_GOOD, ANSWER_MISSING, ANSWER_DECLINED };

struct talk {
    struct op *op;
    const struct script *script;
    size_t round;
    bool asked;         /* `round` was asked: the answers are meant for it */
    struct jval *known; /* answers, by key */
};

/* ---- The state ---- */

static void read_state(struct talk *talk)
{
    struct op *op = talk->op;
    struct jval *state = NULL;
    long long round = 0;
    talk->known = jval_new_object(op->arena, 4);
    talk->asked = !talk->script->keeps_state;
    if (op->input.state.len == 0) {
        return;
    }
    /* It comes back as we sealed it. */
    REQUIRE(jval_parse(op->arena, op->input.state, &state, NULL) == ERR_OK);
    (void)jval_int64(jval_get(state, "round"), &round);
    const struct jval *before = jval_get(state, "responses");
    for (size_t i = 0; i < before->count; i++) {
        jval_set(op->arena, talk->known, before->members[i].name,
                 &before->members[i].value);
    }
    talk->round = (size_t)round;
    talk->asked = true;
}

static bool write_state(struct talk *talk)
{
    struct buf out;
    struct jwriter writer;
    if (!talk->script->keeps_state) {
        return true;
    }
    buf_init(&out, STATE_BYTES);
    jwriter_init(&writer, &out);
    jwriter_object(&writer);
    jwriter_member_int(&writer, "round", (int64_t)talk->round);
    jwriter_key(&writer, SLICE("responses"));
    jwriter_value(&writer, talk->known);
    jwriter_object_end(&writer);
    talk->op->result.state = arena_slice(talk->op->arena, buf_slice(&out));
    bool fits = !buf_full(&out);
    buf_free(&out);
    return fits;
}

/* ---- One answer ---- */

static enum judgement judge_elicitation(const struct talk *talk,
                                        const struct script_question *question,
                                        const struct jval *answer)
{
    struct slice action = jval_text(jval_get(answer, "action"));
    const struct jval *content = jval_get(answer, "content");
    struct fault_detail detail;
    size_t count = 0;
    if (slice_is(action, "decline") || slice_is(action, "cancel")) {
        return ANSWER_DECLINED;
    }
    if (!slice_is(action, "accept")) {
        return ANSWER_MISSING;
    }
    bool fits = question->form == NULL ||
                (content != NULL && schema_check(question->form, content,
                                                 talk->op->arena, &detail, 1, &count));
    return fits ? ANSWER_GOOD : ANSWER_MISSING;
}

static enum judgement judge(const struct talk *talk,
                            const struct script_question *question,
                            const struct jval *answer)
{
    const struct jval *content = jval_get(answer, "content");
    bool good = false;
    switch (question->kind) {
    case QUESTION_FORM:
    case QUESTION_URL:
        return judge_elicitation(talk, question, answer);
    case QUESTION_SAMPLING:
        good = jval_is(jval_get(answer, "role"), JVAL_STRING) &&
               (jval_is(content, JVAL_OBJECT) || jval_is(content, JVAL_ARRAY));
        break;
    case QUESTION_ROOTS:
        good = jval_is(jval_get(answer, "roots"), JVAL_ARRAY);
        break;
    }
    return good ? ANSWER_GOOD : ANSWER_MISSING;
}

/* ---- One round ---- */

static bool is_asked(const struct talk *talk, const struct script_question *question)
{
    return question->capability.len == 0 ||
           jval_is(jval_member(talk->op->input.capabilities, question->capability),
                   JVAL_OBJECT);
}

/* Takes the answers to the round's questions; the worst of them decides. */
static enum judgement take_answers(struct talk *talk, const struct script_round *round)
{
    enum judgement worst = ANSWER_GOOD;
    for (size_t i = 0; i < round->count; i++) {
        const struct script_question *question = &round->questions[i];
        if (!is_asked(talk, question)) {
            continue;
        }
        const struct jval *answer =
            talk->asked ? jval_member(talk->op->input.responses, question->key) : NULL;
        enum judgement judgement = judge(talk, question, answer);
        if (judgement == ANSWER_GOOD) {
            jval_set(talk->op->arena, talk->known, question->key, answer);
        }
        worst = judgement > worst ? judgement : worst;
    }
    return worst;
}

static enum rounds_end ask(struct talk *talk, const struct script_round *round,
                           const struct jval *known_before)
{
    struct arena *arena = talk->op->arena;
    struct jval *questions = jval_new_object(arena, round->count);
    for (size_t i = 0; i < round->count; i++) {
        if (is_asked(talk, &round->questions[i])) {
            jval_set(arena, questions, round->questions[i].key,
                     round->questions[i].request);
        }
    }
    *talk->known = *known_before; /* the whole round is asked again */
    talk->op->result.questions = questions;
    return write_state(talk) ? ROUNDS_ASK : ROUNDS_TOO_MUCH;
}

enum rounds_end rounds_go(struct op *op, const struct script *script,
                          const struct jval **responses)
{
    struct talk talk = {.op = op, .script = script};
    read_state(&talk);
    while (talk.round < script->round_count) {
        const struct script_round *round = &script->rounds[talk.round];
        struct jval before = *talk.known;
        enum judgement judgement = take_answers(&talk, round);
        if (judgement == ANSWER_DECLINED) {
            return ROUNDS_DECLINED;
        }
        if (judgement == ANSWER_MISSING) {
            return ask(&talk, round, &before);
        }
        talk.round++;
        talk.asked = !script->keeps_state; /* the next one was not asked yet */
    }
    *responses = talk.known;
    return ROUNDS_OVER;
}
