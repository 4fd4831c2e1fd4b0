/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token hosts. Invariants:
 *   1. `open` requests are at hosts, at most `most`; nobody waits while one more may go.
 *   2. A host that is left alone is sent nothing until its time is over, then one request
 *      until that has ended: its probe.
 *   3. A failing host is forgotten when nobody has asked it for longer than anybody waits
 *      before the next try.
 *   4. Of what a host answers, only the asker knows whether it is a refusal; here an answer
 *      below 500 is a host that works.
 */
#include "auth/token_hosts.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/map.h"

#define FAILURES_BEFORE_PAUSE 5
#define PAUSE_US INT64_C(30000000)
#define FORGET_US INT64_C(900000000) /* tries are five minutes apart at most */
#define PATIENT_US INT64_C(20000000) /* in line; then every other turn is theirs */

struct token_host {
    struct slice origin; /* key of the map; in `arena` */
    struct arena *arena;
    struct list idle; /* in hosts->idle: failing, and nobody asks it */
    int64_t idle_from_us;
    int asks;             /* in line or under way */
    int failures;         /* in a row */
    int64_t paused_to_us; /* 0: it is not */
    bool probing;
};

struct token_hosts {
    struct token_transport transport;
    const struct clock *clock;
    const struct log *log;
    struct map *by_origin;
    struct list idle;            /* struct token_host; the longest idle first */
    struct list urgent, patient; /* asks that wait */
    bool was_patient;            /* the last turn went to one that had waited long */
    size_t waiting;
    int open, most;
    bool stopped;
    bool starting; /* start_some() is under way: a callback does not begin it anew */
};

/* ---- The transport of the program ---- */

static void send_by_client(void *ctx, const struct http_send *request,
                           const struct http_transfer_handlers *handlers)
{
    (void)http_send(ctx, request, handlers);
}

struct token_transport token_transport_of(struct http_client *client)
{
    return (struct token_transport){send_by_client, client};
}

/* ---- Making and ending ---- */

struct token_hosts *token_hosts_new(const struct token_transport *transport,
                                    const struct clock *clock, const struct log *log,
                                    int most_at_once)
{
    struct token_hosts *hosts = calloc(1, sizeof *hosts);
    REQUIRE(hosts != NULL && most_at_once > 0);
    hosts->transport = *transport;
    hosts->clock = clock;
    hosts->log = log;
    hosts->by_origin = map_new();
    hosts->most = most_at_once;
    list_init(&hosts->idle);
    list_init(&hosts->urgent);
    list_init(&hosts->patient);
    return hosts;
}

static void free_host(void *ctx, struct slice key, void *value)
{
    struct token_host *host = value;
    (void)ctx;
    (void)key;
    arena_free(host->arena);
}

void token_hosts_free(struct token_hosts *hosts)
{
    if (hosts == NULL) {
        return;
    }
    REQUIRE(hosts->open == 0 && hosts->waiting == 0);
    map_each(hosts->by_origin, free_host, NULL);
    map_free(hosts->by_origin);
    free(hosts);
}

/* ---- Hosts ---- */

/* scheme://host[:port] */
static struct slice origin_of(struct slice url)
{
    size_t at = 0, slashes = 0;

    while (at < url.len && url.ptr[at] != '?' && slashes < 3) {
        slashes += url.ptr[at] == '/' ? 1 : 0;
        at += slashes < 3 ? 1 : 0;
    }
    return slice_of(url.ptr, at);
}

static struct token_host *host_at(struct token_hosts *hosts, struct slice url)
{
    struct slice origin = origin_of(url);
    struct token_host *host = map_get(hosts->by_origin, origin);
    if (host == NULL) {
        struct arena *arena = arena_new_sized(256);
        host = arena_alloc(arena, sizeof *host);
        host->arena = arena;
        host->origin = arena_slice(arena, origin);
        list_init(&host->idle);
        map_put(hosts->by_origin, host->origin, host);
    }
    return host;
}

static void forget_host(struct token_hosts *hosts, struct token_host *host)
{
    list_remove(&host->idle);
    map_remove(hosts->by_origin, host->origin);
    arena_free(host->arena);
}

/* Accounts go, and their hosts with them. */
static void forget_some(struct token_hosts *hosts)
{
    int64_t long_ago_us = clock_mono_us(hosts->clock) - FORGET_US;
    while (!list_empty(&hosts->idle)) {
        struct token_host *host = LIST_ENTRY(hosts->idle.next, struct token_host, idle);
        if (host->idle_from_us > long_ago_us) {
            return;
        }
        forget_host(hosts, host);
    }
}

static struct token_host *join_host(struct token_hosts *hosts, struct slice url)
{
    forget_some(hosts);
    struct token_host *host = host_at(hosts, url);
    list_remove(&host->idle);
    host->asks++;
    return host;
}

/* Kept while there is something to remember. */
static void leave_host(struct token_hosts *hosts, struct token_host *host)
{
    host->asks--;
    if (host->asks > 0) {
        return;
    }
    if (host->failures == 0) {
        forget_host(hosts, host);
        return;
    }
    host->idle_from_us = clock_mono_us(hosts->clock);
    list_push(&hosts->idle, &host->idle);
}

size_t token_hosts_known(const struct token_hosts *hosts)
{
    return map_count(hosts->by_origin);
}

static bool is_left_alone(const struct token_hosts *hosts,
                          const struct token_host *host)
{
    return host->paused_to_us > 0 &&
           (host->probing || clock_mono_us(hosts->clock) < host->paused_to_us);
}

struct slice token_host_name(struct slice url)
{
    struct slice origin = origin_of(url);
    long colon = slice_find(origin, ':');
    size_t from = colon >= 0 ? (size_t)colon + 3 : 0;
    return from < origin.len ? slice_of(origin.ptr + from, origin.len - from) : origin;
}

static void count_failure(struct token_hosts *hosts, struct token_host *host)
{
    host->failures++;
    if (host->failures >= FAILURES_BEFORE_PAUSE) {
        host->paused_to_us = clock_mono_us(hosts->clock) + PAUSE_US;
        log_event(hosts->log, LOG_WARN, "token_host_paused",
                  LOG_ID(host, token_host_name(host->origin)),
                  LOG_INT(attempt, host->failures), LOG_INT(duration_us, PAUSE_US));
    }
}

/* A refusal by our own policy says nothing of the host. */
static void judge(struct token_hosts *hosts, struct token_host *host,
                  const struct token_reply *reply)
{
    if (reply->err == ERR_POLICY_DENIED) {
        return;
    }
    if (reply->err != ERR_OK || reply->status >= 500 || reply->status == 429) {
        count_failure(hosts, host);
        return;
    }
    host->failures = 0;
    host->paused_to_us = 0;
}

/* ---- Requests ---- */

static void start_some(struct token_hosts *hosts);

/* The ask is its owner's again, who may free it. */
static void answer(struct token_ask *ask)
{
    struct token_reply reply = ask->reply;
    struct arena *arena = ask->answer;
    ask->answer = NULL;
    leave_host(ask->hosts, ask->host);
    ask->on_reply(ask->ctx, &reply);
    arena_free(arena);
}

/* No answer: what the network says, in the words that callers are told. */
static enum err err_of(enum err err)
{
    if (err == ERR_TOO_LARGE) {
        return ERR_UPSTREAM_MALFORMED; /* megabytes are no token */
    }
    return err == ERR_POLICY_DENIED || err == ERR_UPSTREAM_MALFORMED
               ? err
               : ERR_UPSTREAM_UNAVAILABLE;
}

static void on_answer(void *ctx, const struct http_outcome *outcome)
{
    struct token_ask *ask = ctx;
    const struct http_reply *reply = outcome->reply;

    if (reply == NULL) {
        ask->reply.err = err_of(outcome->err);
    } else if (reply->body.len > LIMIT_TOKEN_ANSWER_BYTES) {
        ask->reply.err = ERR_UPSTREAM_MALFORMED;
        ask->reply.status = reply->status;
    } else {
        ask->reply.err = ERR_OK;
        ask->reply.status = reply->status;
        ask->reply.body = arena_slice(ask->answer, reply->body);
    }
}

static void on_end(void *ctx, enum http_end end)
{
    struct token_ask *ask = ctx;
    struct token_hosts *hosts = ask->hosts;
    (void)end;

    hosts->open--;
    ask->host->probing = false;
    judge(hosts, ask->host, &ask->reply);
    answer(ask);
    start_some(hosts);
}

static void send(struct token_hosts *hosts, struct token_ask *ask)
{
    struct http_transfer_handlers handlers = {on_answer, on_end, ask};
    struct arena *arena = arena_new();
    struct http_send request = {.method = SLICE_EMPTY};

    enum err err = ask->compose(ask->ctx, arena, &request);
    if (err != ERR_OK) {
        REQUIRE(!ask->is_new);
        ask->reply.err = err;
        arena_free(arena);
        answer(ask);
        return;
    }
    ask->answer = arena_new();
    ask->reply.trace = request.trace = arena_alloc(ask->answer, sizeof *request.trace);
    ask->host->probing = ask->host->paused_to_us > 0;
    hosts->open++;
    hosts->transport.send(hosts->transport.ctx, &request, &handlers);
    arena_free(arena);
}

static bool has_waited_long(const struct token_hosts *hosts)
{
    const struct token_ask *first =
        LIST_ENTRY(hosts->patient.next, struct token_ask, link);
    return !list_empty(&hosts->patient) &&
           clock_mono_us(hosts->clock) - first->since_us >= PATIENT_US;
}

/* Those that calls wait for go first; but a renewal that never comes is a call that waits. */
static struct list *next_line(struct token_hosts *hosts)
{
    if (list_empty(&hosts->urgent)) {
        return &hosts->patient;
    }
    hosts->was_patient = !hosts->was_patient && has_waited_long(hosts);
    return hosts->was_patient ? &hosts->patient : &hosts->urgent;
}

static struct token_ask *take_next(struct token_hosts *hosts)
{
    struct list *line = next_line(hosts);
    if (list_empty(line)) {
        return NULL;
    }
    struct token_ask *ask = LIST_ENTRY(line->next, struct token_ask, link);
    list_remove(&ask->link);
    ask->waits = false;
    hosts->waiting--;
    return ask;
}

/* Those whose host was given up while they waited are told so. */
static void start_some(struct token_hosts *hosts)
{
    if (hosts->starting) {
        return;
    }
    hosts->starting = true;
    while (hosts->stopped || hosts->open < hosts->most) {
        struct token_ask *ask = take_next(hosts);
        if (ask == NULL) {
            break;
        }
        if (hosts->stopped || is_left_alone(hosts, ask->host)) {
            ask->reply.err =
                hosts->stopped ? ERR_UNAVAILABLE : ERR_UPSTREAM_UNAVAILABLE;
            answer(ask);
        } else {
            send(hosts, ask);
        }
    }
    hosts->starting = false;
}

enum err token_hosts_ask(struct token_hosts *hosts, struct slice url,
                         struct token_ask *ask)
{
    if (hosts->stopped) {
        return ERR_UNAVAILABLE;
    }
    struct token_host *host = join_host(hosts, url);
    if (is_left_alone(hosts, host)) {
        leave_host(hosts, host);
        return ERR_UPSTREAM_UNAVAILABLE;
    }
    ask->hosts = hosts;
    ask->host = host;
    ask->reply =
        (struct token_reply){.err = ERR_UPSTREAM_UNAVAILABLE, .body = SLICE_EMPTY};
    ask->answer = NULL;
    ask->since_us = clock_mono_us(hosts->clock);
    ask->waits = ask->is_new = true;
    list_push(ask->urgent ? &hosts->urgent : &hosts->patient, &ask->link);
    hosts->waiting++;
    start_some(hosts);
    ask->is_new = false;
    return ERR_OK;
}

void token_hosts_stop(struct token_hosts *hosts)
{
    hosts->stopped = true;
    start_some(hosts);
}

void token_hosts_hurry(struct token_ask *ask)
{
    if (ask->waits && !ask->urgent) {
        list_remove(&ask->link);
        list_push(&ask->hosts->urgent, &ask->link);
    }
    ask->urgent = true;
}
