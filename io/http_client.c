/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transfer resolves, runs and ends; only `finish` ends it and only `deliver` tells.
 *
 * Invariants
 *  1. A transfer is on `open` (resolving or running) or on `ended`, never on both.
 *  2. Handlers run from `deliver`, `lose_patience` and `on_piece_turn` only: turns of the
 * loop's own, never inside http_send, http_transfer_abandon or a callback of curl.
 *  3. Whether bytes left is what curl counted, not what we suppose: no bytes, never
 * sent.
 *  4. No byte of a request leaves twice. curl repeats a request by itself when a reused
 *     connection dies before the answer; is_repetition() refuses that, for reads as
 * well: a signed request carries a nonce, and the upstream may have acted on the first
 * copy.
 */
#include "io/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/memory.h"
#include "io/curl_memory.h"
#include "io/curl_multi.h"
#include "io/http_answer.h"
#include "io/http_easy.h"
#include "io/http_trace.h"
#include "io/http_url.h"
#include "io/resolve.h"

/* Of one answer; then the others have a turn. curl itself would read 1.6 MB at a time. */
#define BODY_BYTES_PER_TURN ((size_t)128 * 1024)

enum transfer_state { TRANSFER_RESOLVING, TRANSFER_RUNNING, TRANSFER_ENDED };

struct http_client {
    struct loop *loop;
    struct http_client_options options;
    struct transfer_pump *pump;
    struct resolver *resolver;
    struct http_origin last_origin;
    struct list open, ended;
    size_t open_count;
    struct loop_timer *delivery; /* NULL when none is due */
    bool is_delivering, is_closing;
};

struct http_transfer {
    struct list link;
    struct http_client *client;
    struct http_transfer_handlers handlers;
    enum transfer_state state;
    struct http_easy easy;
    struct http_trace *trace; /* NULL: nobody looks */
    void (*on_piece)(void *ctx, struct slice bytes);
    struct http_answer answer;
    struct resolve_wait *wait; /* while resolving */
    char *host;                /* while resolving */
    int port;
    struct loop_timer *timer;
    int64_t answer_ms, max_ms;
    bool is_patience_over;
    bool is_answered; /* on_answer was called, or nobody wants it */
    bool is_address_denied, is_repetition;
    bool is_paused, is_piece_due;
    size_t turn_bytes; /* of the body, since the last pause */
    /* Once ended: */
    enum err err;
    const char *reason;
    bool was_sent;
    enum http_end end;
};

struct http_client_options http_client_defaults(const struct net_policy *policy)
{
    return (struct http_client_options){
        .policy = policy,
        .max_body_bytes = LIMIT_UPSTREAM_BODY_BYTES,
        .connect_ms = LIMIT_UPSTREAM_CONNECT_MS,
        .max_connections = LIMIT_UPSTREAM_CONNECTIONS,
    };
}

static void on_done(void *ctx, CURL *curl, CURLcode result);
static void on_drained(void *ctx);
static void on_next_turn(void *ctx);
static void on_piece_turn(void *ctx);

struct http_client *http_client_new(struct loop *loop,
                                    const struct http_client_options *options)
{
    struct http_client *client = calloc(1, sizeof *client);
    REQUIRE(client != NULL && options->max_connections > 0);
    curl_memory_begin();
    client->loop = loop;
    client->options = *options;
    const struct transfer_pump_events events = {on_done, on_drained, client};
    client->pump = transfer_pump_new(loop, options->max_connections, &events);
    client->resolver = resolver_new(loop, options->policy, clock_system());
    list_init(&client->open);
    list_init(&client->ended);
    return client;
}

/* The end of a transfer. */

static bool is_sent(const struct http_transfer *transfer)
{
    return transfer->state == TRANSFER_RUNNING &&
           http_easy_bytes_sent(&transfer->easy) > 0;
}

static void finish(struct http_transfer *transfer, enum err err, const char *reason)
{
    struct http_client *client = transfer->client;
    REQUIRE(transfer->state != TRANSFER_ENDED);
    transfer->was_sent = is_sent(transfer);
    transfer->err = err;
    transfer->reason = reason;
    transfer->end = transfer->was_sent ? HTTP_END_LOST : HTTP_END_NEVER_SENT;
    if (transfer->state == TRANSFER_RUNNING) {
        transfer_pump_remove(client->pump, transfer->easy.curl);
    }
    resolve_cancel(transfer->wait);
    transfer->wait = NULL;
    loop_timer_stop(transfer->timer);
    transfer->timer = NULL;
    if (transfer->is_paused) {
        loop_soon_cancel(client->loop, on_next_turn, transfer);
    }
    if (transfer->is_piece_due) {
        loop_soon_cancel(client->loop, on_piece_turn, transfer);
    }
    http_trace_end(transfer->trace, transfer->easy.curl, err, reason);
    http_easy_free(&transfer->easy);
    transfer->state = TRANSFER_ENDED;
    list_remove(&transfer->link);
    list_push(&client->ended, &transfer->link);
}

static void transfer_free(struct http_transfer *transfer)
{
    http_answer_free(&transfer->answer);
    free(transfer->host);
    memory_free(transfer);
}

static void deliver_one(struct http_transfer *transfer)
{
    if (!transfer->is_answered) {
        struct http_reply reply;
        struct http_outcome outcome = {
            .err = transfer->err,
            .reason = transfer->reason,
            .sent = transfer->was_sent,
        };
        if (outcome.err == ERR_OK) {
            reply = http_answer_reply(&transfer->answer);
            outcome.reply = &reply;
            http_trace_answered(transfer->trace, &reply);
        }
        transfer->is_answered = true;
        transfer->handlers.on_answer(transfer->handlers.ctx, &outcome);
    }
    transfer->client->open_count--;
    transfer->handlers.on_end(transfer->handlers.ctx, transfer->end);
    transfer_free(transfer);
}

static void deliver(struct http_client *client)
{
    struct list batch;
    list_init(&batch);
    while (!list_empty(&client->ended)) {
        struct list *node = client->ended.next;
        /* The analyzer does not see that a freed transfer has left the list. */
        list_remove(node); /* NOLINT(clang-analyzer-unix.Malloc) */
        list_push(&batch, node);
    }
    client->is_delivering = true;
    while (!list_empty(&batch)) {
        struct list *node = batch.next;
        list_remove(node);
        deliver_one(LIST_ENTRY(node, struct http_transfer, link));
    }
    client->is_delivering = false;
}

static void on_delivery(void *ctx)
{
    struct http_client *client = ctx;
    client->delivery = NULL;
    deliver(client);
}

static void deliver_soon(struct http_client *client)
{
    if (client->delivery == NULL) {
        client->delivery = loop_timer_start(client->loop, 0, on_delivery, client);
    }
}

/* What curl's result means. */

struct meaning {
    CURLcode result;
    enum err err;
    const char *reason;
};

static const struct meaning meanings[] = {
    {CURLE_OK, ERR_OK, "answered"},
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UPSTREAM_UNAVAILABLE, "resolve"},
    {CURLE_COULDNT_CONNECT, ERR_UPSTREAM_UNAVAILABLE, "connect"},
    {CURLE_OPERATION_TIMEDOUT, ERR_UPSTREAM_UNAVAILABLE, "connect_timeout"},
    {CURLE_SSL_CONNECT_ERROR, ERR_UPSTREAM_UNAVAILABLE, "tls"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_UPSTREAM_UNAVAILABLE, "tls_certificate"},
    {CURLE_SSL_CACERT_BADFILE, ERR_UPSTREAM_UNAVAILABLE, "tls_trust_store"},
    {CURLE_SSL_CERTPROBLEM, ERR_UPSTREAM_UNAVAILABLE, "identity"},
    {CURLE_SSL_CIPHER, ERR_UPSTREAM_UNAVAILABLE, "tls"},
    {CURLE_SSL_ISSUER_ERROR, ERR_UPSTREAM_UNAVAILABLE, "tls_certificate"},
    {CURLE_SEND_ERROR, ERR_UPSTREAM_UNAVAILABLE, "send"},
    {CURLE_GOT_NOTHING, ERR_UPSTREAM_UNAVAILABLE, "closed"},
    /* The allocator never fails: this is curl's own ceiling for one line of a head. */
    {CURLE_OUT_OF_MEMORY, ERR_TOO_LARGE, "answer_too_large"},
    {CURLE_PARTIAL_FILE, ERR_UPSTREAM_MALFORMED, "truncated"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_UPSTREAM_MALFORMED, "not_http"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_UPSTREAM_MALFORMED, "not_http"},
    {CURLE_BAD_CONTENT_ENCODING, ERR_UPSTREAM_MALFORMED, "encoding"},
};

static struct meaning meaning_of(const struct http_transfer *transfer, CURLcode result)
{
    const struct http_answer *answer = &transfer->answer;
    if (answer->verdict == HTTP_ANSWER_TOO_LARGE) {
        return (struct meaning){result, ERR_TOO_LARGE, "answer_too_large"};
    }
    if (answer->verdict == HTTP_ANSWER_MALFORMED) {
        return (struct meaning){result, ERR_UPSTREAM_MALFORMED, "head"};
    }
    if (transfer->is_repetition) {
        return (struct meaning){result, ERR_UPSTREAM_UNAVAILABLE, "closed"};
    }
    /* curl takes a head that ends with the connection for a whole answer. */
    if (result == CURLE_OK && !answer->is_final) {
        return (struct meaning){result, ERR_UPSTREAM_MALFORMED, "truncated"};
    }
    if (transfer->is_address_denied && result == CURLE_COULDNT_CONNECT) {
        return (struct meaning){result, ERR_POLICY_DENIED, "address"};
    }
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].result == result) {
            return meanings[i];
        }
    }
    /* Mostly CURLE_RECV_ERROR: a reset, or a chunk that is none. */
    return answer->status >= 200
               ? (struct meaning){result, ERR_UPSTREAM_MALFORMED, "truncated"}
               : (struct meaning){result, ERR_UPSTREAM_UNAVAILABLE, "receive"};
}

static void on_done(void *ctx, CURL *curl, CURLcode result)
{
    char *private = NULL;
    (void)ctx;
    REQUIRE(curl_easy_getinfo(curl, CURLINFO_PRIVATE, &private) == CURLE_OK);
    struct http_transfer *transfer = (struct http_transfer *)(void *)private;
    struct meaning meaning = meaning_of(transfer, result);
    finish(transfer, meaning.err, meaning.reason);
    if (meaning.err == ERR_OK || meaning.err == ERR_TOO_LARGE) {
        transfer->was_sent = true;
        transfer->end = HTTP_END_ANSWERED;
    }
}

static void on_drained(void *ctx)
{
    struct http_client *client = ctx;
    if (!list_empty(&client->ended)) {
        deliver(client);
    }
}

/* Callbacks of curl: they take note and decide about the one transfer, nothing else. */

static size_t on_head_line(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;
    bool goes_on = http_answer_line(&transfer->answer, slice_of(bytes, size * count));
    return goes_on ? size * count : 0;
}

static size_t on_body_bytes(char *bytes, size_t size, size_t count, void *ctx)
{
    struct http_transfer *transfer = ctx;
    if (transfer->turn_bytes >= BODY_BYTES_PER_TURN) {
        transfer->turn_bytes = 0;
        transfer->is_paused = true;
        loop_soon(transfer->client->loop, on_next_turn, transfer);
        return CURL_WRITEFUNC_PAUSE; /* curl keeps the bytes and brings them again */
    }
    transfer->turn_bytes += size * count;
    bool goes_on = http_answer_body(&transfer->answer, slice_of(bytes, size * count));
    if (goes_on && transfer->on_piece != NULL && transfer->answer.status < 300 &&
        !transfer->is_piece_due) {
        transfer->is_piece_due = true;
        loop_soon(transfer->client->loop, on_piece_turn, transfer);
    }
    return goes_on ? size * count : 0;
}

static void on_piece_turn(void *ctx)
{
    struct http_transfer *transfer = ctx;
    transfer->is_piece_due = false;
    if (!transfer->is_answered) {
        transfer->on_piece(transfer->handlers.ctx, buf_slice(&transfer->answer.body));
    }
    http_answer_taken(&transfer->answer);
}

static void on_next_turn(void *ctx)
{
    struct http_transfer *transfer = ctx;
    transfer->is_paused = false;
    CURLcode result = curl_easy_pause(transfer->easy.curl, CURLPAUSE_CONT);
    if (result != CURLE_OK) { /* the bytes that were kept are refused */
        on_done(transfer->client, transfer->easy.curl, result);
        deliver_soon(transfer->client);
    }
}

static bool is_repetition(struct http_transfer *transfer)
{
    if (http_easy_bytes_sent(&transfer->easy) > 0) {
        transfer->is_repetition = true;
    }
    return transfer->is_repetition;
}

/* The last word before a request is written, on a new connection or a reused one. */
static int on_before_request(void *ctx, char *peer, char *own, int peer_port,
                             int own_port)
{
    (void)peer;
    (void)own;
    (void)peer_port;
    (void)own_port;
    struct http_transfer *transfer = ctx;
    http_trace_connected(transfer->trace, transfer->easy.curl);
    return is_repetition(transfer) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    struct http_transfer *transfer = ctx;
    (void)purpose;
    if (is_repetition(transfer)) {
        return CURL_SOCKET_BAD;
    }
    if (!net_policy_allows(transfer->client->options.policy, &address->addr)) {
        transfer->is_address_denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  address->protocol);
}

#define SET(transfer, option, value) \
    REQUIRE(curl_easy_setopt((transfer)->easy.curl, (option), (value)) == CURLE_OK)

static void set_callbacks(struct http_transfer *transfer)
{
    SET(transfer, CURLOPT_PRIVATE, transfer);
    SET(transfer, CURLOPT_HEADERFUNCTION, on_head_line);
    SET(transfer, CURLOPT_HEADERDATA, transfer);
    SET(transfer, CURLOPT_WRITEFUNCTION, on_body_bytes);
    SET(transfer, CURLOPT_WRITEDATA, transfer);
    SET(transfer, CURLOPT_PREREQFUNCTION, on_before_request);
    SET(transfer, CURLOPT_PREREQDATA, transfer);
    SET(transfer, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    SET(transfer, CURLOPT_OPENSOCKETDATA, transfer);
    if (transfer->client->options.ca_file != NULL) {
        /* The system's own stay where they are: in curl's default folder. */
        SET(transfer, CURLOPT_CAINFO, transfer->client->options.ca_file);
    }
    SET(transfer, CURLOPT_CONNECTTIMEOUT_MS,
        (long)transfer->client->options.connect_ms);
}

/* Time. */

static void on_time(void *ctx);

static void lose_patience(struct http_transfer *transfer)
{
    const struct http_outcome outcome = {ERR_TIMEOUT, "answer_timeout", NULL, true};
    transfer->is_patience_over = true;
    transfer->timer =
        loop_timer_start(transfer->client->loop, transfer->max_ms - transfer->answer_ms,
                         on_time, transfer);
    if (transfer->is_answered) {
        return;
    }
    transfer->is_answered = true;
    http_answer_discard(&transfer->answer);
    http_trace_end(transfer->trace, transfer->easy.curl, outcome.err, outcome.reason);
    transfer->handlers.on_answer(transfer->handlers.ctx, &outcome);
}

/* A request that has not left when its caller's time is over must not leave any more.
 */
static void on_time(void *ctx)
{
    struct http_transfer *transfer = ctx;
    struct http_client *client = transfer->client;
    bool was_sent = is_sent(transfer);
    transfer->timer = NULL;
    if (was_sent && !transfer->is_patience_over &&
        transfer->answer_ms < transfer->max_ms) {
        lose_patience(transfer);
        return;
    }
    if (was_sent) {
        finish(transfer, ERR_TIMEOUT, "max_timeout");
    } else if (transfer->state == TRANSFER_RESOLVING) {
        finish(transfer, ERR_TIMEOUT, "resolve_timeout");
    } else {
        finish(transfer, ERR_TIMEOUT, "connect_timeout");
    }
    deliver(client);
}

/* The start of a transfer. */

static void run(struct http_transfer *transfer)
{
    transfer->state = TRANSFER_RUNNING;
    transfer_pump_add(transfer->client->pump, transfer->easy.curl);
}

static void on_resolved(void *ctx, enum err err, struct slice addresses)
{
    struct http_transfer *transfer = ctx;
    transfer->wait = NULL;
    if (err != ERR_OK) {
        finish(transfer, err, err == ERR_POLICY_DENIED ? "address" : "resolve");
        deliver_soon(transfer->client);
        return;
    }
    http_trace_resolved(transfer->trace, addresses);
    http_easy_pin(&transfer->easy, slice_str(transfer->host), transfer->port,
                  addresses);
    run(transfer);
}

static void resolve_or_run(struct http_transfer *transfer, const struct http_url *url)
{
    struct resolver *resolver = transfer->client->resolver;
    struct slice addresses;
    if (url->is_literal) {
        run(transfer);
        return;
    }
    if (resolver_cached(resolver, url->host, &addresses)) {
        http_trace_resolved(transfer->trace, addresses);
        http_easy_pin(&transfer->easy, url->host, url->port, addresses);
        run(transfer);
        return;
    }
    transfer->port = url->port;
    transfer->host = calloc(1, url->host.len + 1);
    REQUIRE(transfer->host != NULL);
    memcpy(transfer->host, url->host.ptr, url->host.len);
    transfer->wait = resolver_start(resolver, url->host, on_resolved, transfer);
}

static const char *refuse(const struct http_client *client,
                          const struct http_send *request, struct http_url *url,
                          struct http_url *proxy)
{
    const struct net_policy *policy = client->options.policy;
    const struct http_url *peer = request->proxy != NULL ? proxy : url;
    if (!http_url_parse(request->url, url)) {
        return "url";
    }
    if (request->proxy != NULL &&
        (!http_url_parse(request->proxy->url, proxy) || proxy->is_tls || url->is_tls)) {
        return "proxy_url";
    }
    if (request->identity != NULL && !url->is_tls) {
        return "identity"; /* nobody would ask for it */
    }
    if (!net_policy_allows_scheme(policy, peer->scheme, peer->host, peer->port)) {
        return "plain_http";
    }
    if (peer->is_literal &&
        !net_policy_allows(policy, (const struct sockaddr *)&peer->address)) {
        return "address";
    }
    return NULL;
}

static struct http_transfer *transfer_new(struct http_client *client,
                                          const struct http_send *request,
                                          const struct http_transfer_handlers *handlers)
{
    struct http_transfer *transfer = memory_zeroed(1, sizeof *transfer);
    transfer->client = client;
    transfer->handlers = *handlers;
    transfer->state = TRANSFER_RESOLVING;
    transfer->answer_ms = request->answer_ms;
    transfer->max_ms = request->max_ms;
    transfer->trace = request->trace;
    transfer->on_piece = request->on_piece;
    http_answer_init(&transfer->answer, client->options.max_body_bytes);
    list_push(&client->open, &transfer->link);
    client->open_count++;
    return transfer;
}

struct http_transfer *http_send(struct http_client *client,
                                const struct http_send *request,
                                const struct http_transfer_handlers *handlers)
{
    struct http_transfer *transfer = transfer_new(client, request, handlers);
    struct http_url url = {.port = 0}, proxy = {.port = 0};
    const char *refusal = refuse(client, request, &url, &proxy);
    http_trace_begin(transfer->trace, request->proxy != NULL ? &proxy : &url);
    if (refusal == NULL) {
        refusal =
            http_easy_set(&transfer->easy, &client->last_origin, request, &url, &proxy);
    }
    if (refusal != NULL) {
        bool is_long = strcmp(refusal, "proxy_line") == 0;
        finish(transfer, is_long ? ERR_TOO_LARGE : ERR_POLICY_DENIED, refusal);
        deliver_soon(client);
        return transfer;
    }
    if (client->is_closing) {
        finish(transfer, ERR_UPSTREAM_UNAVAILABLE, "closing");
        return transfer;
    }
    set_callbacks(transfer);
    int64_t first_ms =
        request->answer_ms < request->max_ms ? request->answer_ms : request->max_ms;
    transfer->timer = loop_timer_start(client->loop, first_ms, on_time, transfer);
    resolve_or_run(transfer, request->proxy != NULL ? &proxy : &url);
    return transfer;
}

void http_transfer_abandon(struct http_transfer *transfer)
{
    if (transfer->is_answered) {
        return;
    }
    transfer->is_answered = true;
    if (transfer->state == TRANSFER_ENDED) {
        return;
    }
    if (is_sent(transfer)) {
        http_answer_discard(&transfer->answer);
        return;
    }
    finish(transfer, ERR_CANCELLED, "abandoned");
    deliver_soon(transfer->client);
}

size_t http_client_open(const struct http_client *client)
{
    return client->open_count;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL) {
        return;
    }
    REQUIRE(!client->is_delivering);
    client->is_closing = true;
    /* A handler may send once more; that is refused, and told like all the others. */
    while (client->open_count > 0) {
        LIST_FOREACH_SAFE (node, after, &client->open) {
            finish(LIST_ENTRY(node, struct http_transfer, link),
                   ERR_UPSTREAM_UNAVAILABLE, "closing");
        }
        deliver(client);
    }
    loop_timer_stop(client->delivery);
    transfer_pump_free(client->pump);
    resolver_free(client->resolver);
    http_origin_free(&client->last_origin);
    free(client);
    curl_memory_end();
}
