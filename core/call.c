/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a tool call:
 *
 *   lookup  the tool of that name, if this MCP server's filters show it
 *   check   the arguments against its input schema, split into path, query and body
 *   open    what was sealed and came back: cursor, state of a question, id of long work
 *   run     one operation at the upstream: core/op.c takes the slot, signs, sends, decodes
 *   shape   upstream records become unified ones; what has to come back is sealed
 *   reply   the envelope, the audit line, the answer
 *
 * A failed step goes straight to reply. A call is freed in one place, release_call(),
 * when its answer is given (or nobody wants it) and its operation is over. Until it is
 * answered or cancelled it stands among the open ones, core/calls.c.
 */
#include "core/call.h"

#include "base/hash.h"
#include "base/limits.h"
#include "core/ask.h"
#include "core/call_private.h"
#include "core/cursor.h"
#include "core/envelope.h"
#include "core/job.h"
#include "core/logins.h"
#include "core/metrics.h"
#include "core/standing.h"

enum step { STEP_NEXT, STEP_WAIT, STEP_FAIL };

#define KEPT_RESULT_BYTES ((size_t)64 * 1024) /* most envelopes are smaller */
#define QUOTED_RESULT_BYTES ((size_t)256 * 1024)

static void call_enter(struct call *call, enum call_state state)
{
    call->state = state;
}

static void release_call(struct call *call)
{
    call->pending--;
    if (call->pending > 0) {
        return;
    }
    catalog_free(call->catalog);
    account_drop(call->order.account);
    server_drop(call->order.server);
    arena_free(call->arena);
}

static enum step fail(struct call *call, enum err err)
{
    call->fault.err = err;
    return STEP_FAIL;
}

static void advance(struct call *call);

/* ---- lookup, check, open ---- */

const struct tool *call_tool(const struct account *account,
                             const struct integration *integration,
                             const struct server *server, struct slice name)
{
    const struct tool *tool = catalog_tool(integration, name);
    bool shown = tool != NULL && filter_allows(server->config.filter, tool) &&
                 logins_can(account, tool);
    return shown ? tool : NULL;
}

static enum step do_lookup(struct call *call)
{
    const struct call_order *order = &call->order;
    call->tool =
        call_tool(order->account, call->integration, order->server, order->tool);
    return call->tool != NULL ? STEP_NEXT : fail(call, ERR_RPC_METHOD);
}

static enum step do_check(struct call *call)
{
    enum err err = split_arguments(call->tool, call->order.arguments, call->arena,
                                   &call->split, &call->fault);
    return err == ERR_OK ? STEP_NEXT : fail(call, err);
}

static struct sealed_binding binding(const struct call *call, const char *purpose)
{
    return (struct sealed_binding){
        .purpose = purpose,
        .server = call->order.server->id,
        .tool = call->tool->name,
        .split = &call->split,
        .now_ms = gateway_wall_ms(call->order.gateway),
    };
}

static struct sealed_binding binding_of_job(const struct call *call)
{
    return job_binding(call->order.server->id, call->tool,
                       gateway_wall_ms(call->order.gateway));
}

static enum err open_cursor(struct call *call)
{
    struct sealed_binding bound = binding(call, CURSOR_PURPOSE);
    if (call->split.cursor.len == 0) {
        return ERR_OK;
    }
    return cursor_open(call->order.gateway->parts.vault, &bound, call->split.cursor,
                       call->arena, &call->run.op.page, &call->fault);
}

static enum err open_state(struct call *call)
{
    struct sealed_binding bound = binding(call, ASK_PURPOSE);
    if (call->order.state == NULL) {
        return ERR_OK;
    }
    return ask_open(call->order.gateway->parts.vault, &bound, call->order.state,
                    call->arena, &call->run.op.input.state, &call->fault);
}

static enum err open_job(struct call *call)
{
    if (!call->tool->polls) {
        return ERR_OK;
    }
    struct sealed_binding bound = binding_of_job(call);
    return job_open(call->order.gateway->parts.vault, &bound, call->split.poll_id,
                    call->arena, &call->run.op.job, &call->fault);
}

static enum step do_open(struct call *call)
{
    enum err err = open_cursor(call);
    if (err == ERR_OK) {
        err = open_state(call);
    }
    if (err == ERR_OK) {
        err = open_job(call);
    }
    return err == ERR_OK ? STEP_NEXT : fail(call, call->fault.err);
}

/* ---- run ---- */

static void on_op_done(void *ctx)
{
    struct call *call = ctx;
    if (call->run.op.fault.err != ERR_OK) {
        call->fault = call->run.op.fault;
        call_enter(call, CALL_REPLY);
    } else {
        call_enter(call, CALL_SHAPE);
    }
    advance(call);
}

static void on_op_over(void *ctx)
{
    release_call(ctx);
}

static void on_op_sent(void *ctx)
{
    struct call *call = ctx;
    if (call->order.on_stage != NULL) {
        call->order.on_stage(call->order.ctx, CALL_STAGE_SENT);
    }
}

static void on_op_progress(void *ctx)
{
    struct call *call = ctx;
    if (call->order.on_progress != NULL) {
        call->order.on_progress(call->order.ctx, &call->run.op.progress);
    }
}

static void fill_input(struct call *call)
{
    struct op_input *input = &call->run.op.input;
    const struct call_order *order = &call->order;
    input->may_ask = order->may_ask;
    input->responses = order->responses;
    input->capabilities = order->capabilities != NULL ? order->capabilities
                                                      : jval_new_object(call->arena, 0);
}

/*
 * The document that a write changes: its resource and record id, or external id where it has no
 * other. A hash is enough to keep two writes on one apart, and is no business data. A
 * record that one call names by the one and another by the other counts as two.
 */
static uint64_t document_of(const struct tool *tool, const struct split *split)
{
    const struct jval *id = jval_get(split->path, "id");
    const char *kind = "\0i";
    uint64_t hash = HASH_START;

    if (id == NULL) {
        id = jval_get(split->body, "external_id");
        kind = "\0e";
    }
    if (!tool->writes || !jval_is(id, JVAL_STRING)) {
        return 0;
    }
    const struct slice parts[] = {tool->resource, slice_of(kind, 2), jval_text(id)};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        hash = hash_more(hash, parts[i]);
    }
    return hash != 0 ? hash : 1;
}

static enum step do_run(struct call *call)
{
    struct op_run *run = &call->run;
    struct account *account = call->order.account;
    run->gateway = call->order.gateway;
    run->account = account;
    run->plan = call->tool->plan;
    run->server = call->order.server->id;
    run->priority =
        call->tool->critical ? GOVERNOR_CRITICAL : call->order.server->config.priority;
    run->weight = call->order.server->config.weight;
    run->is_write = call->tool->writes;
    run->document = document_of(call->tool, &call->split);
    run->on_done = on_op_done;
    run->on_over = on_op_over;
    run->on_sent = on_op_sent;
    run->on_progress = on_op_progress;
    run->ctx = call;
    run->op.arena = call->arena;
    run->op.integration = call->integration;
    run->op.tool = call->tool;
    run->op.target = &account->target;
    run->op.path = call->split.path;
    run->op.query = call->split.query;
    run->op.body = call->split.body;
    run->op.request_id = call->order.request_id;
    run->op.limit = call->split.limit;
    fill_input(call);
    call->pending++;
    if (op_start(run) == OP_WAITS) {
        return STEP_WAIT;
    }
    call->pending--;
    call->fault = run->op.fault;
    return call->fault.err == ERR_OK ? STEP_NEXT : STEP_FAIL;
}

/* ---- shape ---- */

/* Instead of a result: the client is asked first. */
static enum step shape_questions(struct call *call)
{
    const struct op_result *result = &call->run.op.result;
    if (!call->order.may_ask) {
        call->fault.message = SLICE(
            "This tool has a question for the client, and the MCP revision in use "
            "cannot carry one.");
        call->fault.hint = SLICE("Clients of MCP 2026-07-28 and later can be asked.");
        return fail(call, ERR_POLICY_DENIED);
    }
    enum err err = ask_check(result->questions, call->run.op.input.capabilities,
                             call->arena, &call->missing);
    if (err == ERR_OK && result->state.len > 0) {
        struct sealed_binding bound = binding(call, ASK_PURPOSE);
        err = ask_seal(call->order.gateway->parts.vault, &bound, result->state,
                       call->arena, &call->sealed_state);
    }
    return err == ERR_OK ? STEP_NEXT : fail(call, err);
}

static bool goes_on(const struct op_job *job)
{
    return job->status == OP_JOB_ACCEPTED || job->status == OP_JOB_RUNNING;
}

/* The work goes on: its id is all there is to say. */
static enum step shape_job(struct call *call)
{
    struct sealed_binding bound = binding_of_job(call);
    enum err err = job_seal(call->order.gateway->parts.vault, &bound,
                            call->run.op.result.job.words, call->arena, &call->poll_id);
    return err == ERR_OK ? STEP_NEXT : fail(call, err);
}

static enum step shape_records(struct call *call)
{
    const struct tool *tool = call->tool;
    const struct op_result *result = &call->run.op.result;
    call->data = tool->as_sent
                     ? result->records
                     : field_map(tool->fields, tool->field_count, result->records,
                                 call->arena, &call->fallbacks);
    if (result->next_page.len == 0) {
        return STEP_NEXT;
    }
    struct sealed_binding bound = binding(call, CURSOR_PURPOSE);
    enum err err = cursor_seal(call->order.gateway->parts.vault, &bound,
                               result->next_page, call->arena, &call->next_cursor);
    return err == ERR_OK ? STEP_NEXT : fail(call, err);
}

static enum step do_shape(struct call *call)
{
    const struct op_result *result = &call->run.op.result;
    if (result->questions != NULL) {
        return shape_questions(call);
    }
    if (goes_on(&result->job)) {
        return shape_job(call);
    }
    if (call->tool->answers_content) {
        return STEP_NEXT; /* it is what it is */
    }
    return shape_records(call);
}

/* ---- reply ---- */

/* What, when, for whom, how long: no argument, no result. */
static void write_audit(const struct call *call, enum err err, size_t bytes_out,
                        int64_t total_us)
{
    const struct call_order *order = &call->order;
    const struct log *log = order->gateway->parts.log;
    struct log_page *page = &order->gateway->audit;
    struct slice tool = call->tool != NULL ? call->tool->name : SLICE("unknown");
    log_keep(log, page, LOG_INFO, "tool_call", LOG_ID(request_id, order->request_id),
             LOG_ID(tenant, order->tenant), LOG_ID(account, order->account->record.id),
             LOG_ID(mcp_server, order->server->id), LOG_ID(tool, tool),
             LOG_NAME(outcome, err_code(err)), LOG_INT(duration_us, total_us),
             LOG_INT(wait_us, call->run.wait_us),
             LOG_INT(upstream_us, call->run.upstream_us),
             LOG_INT(upstream_status, call->run.upstream_status),
             LOG_INT(bytes_in, order->bytes_in), LOG_INT(bytes_out, bytes_out),
             LOG_INT(fallbacks, call->fallbacks));
    gateway_audit_soon(order->gateway);
}

static struct envelope_job envelope_job(const struct call *call)
{
    const struct op_job *job = &call->run.op.result.job;
    struct envelope_job shown = {.status = job->status, .poll_id = call->poll_id};
    if (goes_on(job)) {
        shown.retry_after_s = job->retry_after_s > 0 ? job->retry_after_s : 1;
        shown.instruction = job_instruction(call->tool, call->arena);
    } else {
        shown.poll_id = call->split.poll_id; /* the one that was asked by */
    }
    return shown;
}

static void write_envelope(struct call *call, const struct governor_view *view,
                           struct jtwice *out)
{
    const struct call_order *order = &call->order;
    if (call->fault.err == ERR_OK) {
        struct envelope envelope = {
            .resource = call->tool->resource,
            .method = call->tool->method,
            .integration = call->tool->integration->name,
            .request_id = order->request_id,
            .wall_ms = gateway_wall_ms(order->gateway),
            .pages = call->tool->pages,
            .limit = call->split.limit,
            .next_cursor = call->next_cursor,
            .data = call->data,
            .messages = call->run.op.result.messages,
            .message_count = call->run.op.result.message_count,
            .job = envelope_job(call),
        };
        envelope_write_data(out, &envelope);
        if (!buf_full(&out->plain)) {
            return;
        }
        jtwice_free(out); /* with the same ceilings */
        call->fault = (struct fault){
            .err = ERR_TOO_LARGE,
            .message =
                SLICE("The result is larger than this server sends in one answer."),
            .hint = SLICE("Ask for fewer rows with limit."),
        };
    }
    struct envelope_job job = envelope_job(call);
    envelope_write_error(&out->plain, &call->fault, order->request_id,
                         call->fault.err == ERR_ACCOUNT_BUSY ? view : NULL, &job);
}

static struct governor_view look(const struct call *call)
{
    const struct call_order *order = &call->order;
    return governor_look(order->gateway->parts.governor, order->account->record.id,
                         gateway_mono_us(order->gateway));
}

static bool has_content(const struct call *call)
{
    return call->fault.err == ERR_OK && call->tool->answers_content &&
           call->run.op.result.questions == NULL;
}

/* For the audit line: the texts, not the JSON around them. */
static size_t content_bytes(const struct jval *value)
{
    size_t bytes = value->text.len;
    for (size_t i = 0; i < value->count; i++) {
        bytes += content_bytes(value->type == JVAL_OBJECT ? &value->members[i].value
                                                          : &value->items[i]);
    }
    return bytes;
}

static bool has_questions(const struct call *call)
{
    return call->fault.err == ERR_OK && call->run.op.result.questions != NULL;
}

/* What is no answer of a tool, but of the protocol. */
static bool is_of_protocol(enum err err)
{
    return err == ERR_RPC_METHOD || err == ERR_UNAUTHORIZED || err == ERR_CAPABILITY ||
           err == ERR_UNPROCESSABLE;
}

/* Instead of the error, where the client can show a person the way. */
static void ask_for_login(struct call *call)
{
    const struct call_order *order = &call->order;
    if (call->fault.err != ERR_NEEDS_REAUTH || !order->may_ask ||
        !standing_needs_reauth(order->account)) {
        return;
    }
    const struct jval *questions = ask_reauth(
        order->account->reauth_url, order->capabilities, order->responses, call->arena);
    if (questions != NULL) {
        call->fault.err = ERR_OK;
        call->run.op.result.questions = questions;
        call->sealed_state = SLICE_EMPTY;
    }
}

/* What the last answer was written into: memory just used is in the processor's cache. */
static struct jtwice take_text(struct gateway *gateway)
{
    struct jtwice text = gateway->answer;
    gateway->answer = (struct jtwice){0};
    if (text.plain.ceiling == 0) {
        jtwice_init(&text, LIMIT_RESULT_BYTES, QUOTED_RESULT_BYTES);
    }
    return text;
}

static void give_text(struct gateway *gateway, struct jtwice *text)
{
    jtwice_free(&gateway->answer); /* of a call that was answered meanwhile */
    jtwice_clear(text, KEPT_RESULT_BYTES);
    gateway->answer = *text;
}

static enum step do_reply(struct call *call)
{
    struct call_answer answer = {.view = look(call)};
    struct gateway *gateway = call->order.gateway;
    struct jtwice text = take_text(gateway);
    size_t bytes_out = 0;
    ask_for_login(call);
    if (call->fault.err == ERR_RATE_LIMITED) {
        /* Whole seconds until the lane's pause is over, however short the ERP's own
         * wish. */
        call->fault.retry_after_s = answer.view.retry_after_s;
    }
    if (has_questions(call)) {
        answer.questions = call->run.op.result.questions;
        answer.state = call->sealed_state;
        bytes_out = content_bytes(answer.questions) + answer.state.len;
    } else if (has_content(call)) {
        answer.content = call->run.op.result.content;
        call->fault.err = call->run.op.result.content_is;
        bytes_out = content_bytes(answer.content);
    } else if (!is_of_protocol(call->fault.err)) {
        write_envelope(call, &answer.view, &text);
        bytes_out = text.plain.len;
    }
    answer.err = call->fault.err;
    answer.missing = call->missing;
    answer.message = call->fault.message;
    answer.retry_after_s = call->fault.retry_after_s;
    answer.envelope = buf_slice(&text.plain);
    answer.quoted = jtwice_quoted(&text);
    int64_t total_us = gateway_mono_us(gateway) - call->started_us;
    write_audit(call, answer.err, bytes_out, total_us);
    metrics_call(gateway->metrics, answer.err, total_us, call->run.wait_us,
                 call->run.upstream_us);
    calls_remove(call);
    call->order.on_answer(call->order.ctx, &answer);
    give_text(gateway, &text);
    return STEP_NEXT;
}

/* ---- The driver ---- */

static const struct {
    const char *name;
    enum step (*run)(struct call *call);
} steps[] = {
    [CALL_LOOKUP] = {"lookup", do_lookup}, [CALL_CHECK] = {"check", do_check},
    [CALL_OPEN] = {"open", do_open},       [CALL_RUN] = {"run", do_run},
    [CALL_SHAPE] = {"shape", do_shape},    [CALL_REPLY] = {"reply", do_reply},
};

static void advance(struct call *call)
{
    while (call->state < CALL_END) {
        enum step step = steps[call->state].run(call);
        if (step == STEP_WAIT) {
            return;
        }
        call_enter(call, step == STEP_FAIL ? CALL_REPLY : call->state + 1);
    }
    release_call(call);
}

/* The first turn of a call: its starter has its handle by now. */
static void on_begin(void *ctx)
{
    struct call *call = ctx;
    if (call->cancelled) {
        release_call(call);
        return;
    }
    if (call->revoked) {
        fail(call, ERR_UNAUTHORIZED);
        call_enter(call, CALL_REPLY);
    }
    advance(call);
}

struct call *call_start(const struct call_order *order)
{
    struct arena *arena = arena_new_in(order->gateway->arenas);
    struct call *call = arena_alloc(arena, sizeof *call);
    call->arena = arena;
    call->order = *order;
    call->order.request_id = arena_slice(arena, order->request_id);
    call->order.tenant = arena_slice(arena, order->tenant);
    call->order.token_hash = arena_slice(arena, order->token_hash);
    call->order.account = account_hold(order->account);
    call->order.server = server_hold(order->server);
    call->catalog = catalog_hold(order->account->catalog);
    call->integration = order->account->integration;
    call->started_us = gateway_mono_us(order->gateway);
    call->pending = 1;
    call->server_ends_ms = order->server->ends_ms;
    call->token_ends_ms = order->token_ends_ms;
    call->seen = store_generation(order->gateway->parts.store);
    calls_add(call);
    loop_soon(order->gateway->parts.loop, on_begin, call);
    return call;
}

void call_cancel(struct call *call)
{
    REQUIRE(!call->cancelled && call->state < CALL_END);
    call->cancelled = true;
    calls_remove(call);
    bool has_begun = call->state == CALL_RUN;
    if (has_begun) {
        op_cancel(&call->run);
    }
    int64_t total_us = gateway_mono_us(call->order.gateway) - call->started_us;
    write_audit(call, ERR_CANCELLED, 0, total_us);
    metrics_call(call->order.gateway->metrics, ERR_CANCELLED, total_us,
                 call->run.wait_us, call->run.upstream_us);
    if (has_begun) {
        release_call(call);
    }
    /* Before its first turn: on_begin releases it. */
}

void call_revoke(struct call *call)
{
    REQUIRE(!call->cancelled && !call->revoked && call->state < CALL_REPLY);
    call->revoked = true;
    if (call->state != CALL_RUN) {
        return; /* before its first turn: on_begin answers */
    }
    op_cancel(&call->run);
    fail(call, ERR_UNAUTHORIZED);
    call_enter(call, CALL_REPLY);
    advance(call);
}

void *call_ctx(const struct call *call)
{
    return call->order.ctx;
}
