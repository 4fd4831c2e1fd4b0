/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sides: the front, where the client is, and the home, where the handler runs.
 *
 * Invariants
 *  1. Each side touches its own part only; what both use (loops, handler) never changes.
 *  2. Pieces of an answer reach the front in the order they were made, the last one is the last.
 *  3. The relay lives until the front has had the last piece, and every message that says the
 *     client has left has arrived: `holders`.
 */
#include "io/http_relay.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "io/http_private.h"

struct http_relay {
    atomic_int holders;
    struct loop *front_loop, *home_loop;
    http_handler_fn handler;
    void *handler_ctx;
    atomic_size_t under_way;    /* bytes of the stream, from home to front */
    atomic_size_t front_unsent; /* and there */
    /* The front's. */
    struct http_exchange *front; /* or NULL, and then: */
    struct http_relay_reader reader;
    /* The home's, once it has begun. */
    struct http_exchange home;
    struct arena *arena; /* the request */
    bool has_ended;
};

enum piece_kind { PIECE_WHOLE, PIECE_BEGIN, PIECE_BYTES, PIECE_END };

struct piece {
    struct http_relay *relay;
    enum piece_kind kind;
    struct http_response response; /* in `arena` */
    struct arena *arena;
};

static void drop(struct http_relay *relay)
{
    if (atomic_fetch_sub(&relay->holders, 1) == 1) {
        free(relay);
    }
}

/* ---- At the front ---- */

static void give_reader(const struct http_relay_reader *reader,
                        const struct piece *piece)
{
    REQUIRE(piece->kind == PIECE_WHOLE || reader->on_begin != NULL);
    switch (piece->kind) {
    case PIECE_WHOLE:
        reader->on_answer(reader->ctx, &piece->response);
        break;
    case PIECE_BEGIN:
        reader->on_begin(reader->ctx, &piece->response);
        break;
    case PIECE_BYTES:
        reader->on_bytes(reader->ctx, piece->response.body);
        break;
    case PIECE_END:
        reader->on_end(reader->ctx);
        break;
    }
}

static void give(const struct piece *piece)
{
    struct http_relay *relay = piece->relay;
    if (piece->kind == PIECE_BYTES) {
        atomic_fetch_sub(&relay->under_way, piece->response.body.len);
    }
    if (relay->front == NULL) {
        give_reader(&relay->reader, piece);
        return;
    }
    switch (piece->kind) {
    case PIECE_WHOLE:
        http_respond(relay->front, &piece->response);
        break;
    case PIECE_BEGIN:
        http_stream_begin(relay->front, &piece->response);
        break;
    case PIECE_BYTES:
        http_stream_send(relay->front, piece->response.body);
        break;
    case PIECE_END:
        http_stream_end(relay->front);
        break;
    }
}

static void on_piece(void *ctx)
{
    struct piece *piece = ctx;
    struct http_relay *relay = piece->relay;
    bool is_last = piece->kind == PIECE_WHOLE || piece->kind == PIECE_END;
    give(piece);
    arena_free(piece->arena);
    if (is_last) {
        loop_release(relay->front_loop);
        drop(relay);
    }
}

static void on_home_gone(void *ctx)
{
    struct http_relay *relay = ctx;
    if (!relay->has_ended) {
        relay->home.is_gone = true;
        exchange_tell_gone(&relay->home);
    }
    drop(relay);
}

static void on_front_gone(void *ctx)
{
    struct http_relay *relay = ctx;
    atomic_fetch_add(&relay->holders, 1);
    loop_post(relay->home_loop, on_home_gone, relay);
}

/* ---- At home ---- */

static void on_begin(void *ctx)
{
    struct http_relay *relay = ctx;
    relay->handler(relay->handler_ctx, &relay->home);
}

static const struct http_field *copy_fields(struct arena *arena,
                                            const struct http_field *fields,
                                            size_t count, struct http_field *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i].name = arena_slice(arena, fields[i].name);
        out[i].value = arena_slice(arena, fields[i].value);
    }
    return out;
}

static void send_piece(struct http_relay *relay, enum piece_kind kind,
                       const struct http_response *response)
{
    struct arena *arena = arena_new();
    struct piece *piece = arena_alloc(arena, sizeof *piece);
    const struct http_exchange *home = &relay->home;
    *piece = (struct piece){.relay = relay, .kind = kind, .arena = arena};
    if (response != NULL) {
        size_t extra = kind == PIECE_BYTES ? 0 : home->extra_count;
        struct http_field *fields =
            arena_array(arena, response->field_count + extra + 1, sizeof *fields);
        copy_fields(arena, response->fields, response->field_count, fields);
        copy_fields(arena, home->extra, extra, fields + response->field_count);
        piece->response = (struct http_response){response->status, fields,
                                                 response->field_count + extra,
                                                 arena_slice(arena, response->body)};
    }
    if (kind == PIECE_WHOLE || kind == PIECE_END) {
        relay->has_ended = true;
        arena_free(relay->home.arena);
        arena_free(relay->arena);
    }
    loop_post(relay->front_loop, on_piece, piece);
}

void relay_respond(struct http_relay *relay, const struct http_response *response)
{
    send_piece(relay, PIECE_WHOLE, response);
}

void relay_stream_begin(struct http_relay *relay, const struct http_response *head)
{
    struct http_response without = *head;
    without.body = SLICE_EMPTY;
    send_piece(relay, PIECE_BEGIN, &without);
}

void relay_stream_send(struct http_relay *relay, struct slice bytes)
{
    const struct http_response only = {.status = 0, .body = bytes};
    if (!relay->home.is_gone && bytes.len > 0) {
        atomic_fetch_add(&relay->under_way, bytes.len);
        send_piece(relay, PIECE_BYTES, &only);
    }
}

void relay_stream_end(struct http_relay *relay)
{
    send_piece(relay, PIECE_END, NULL);
}

size_t relay_stream_unsent(const struct http_relay *relay)
{
    return atomic_load(&relay->under_way) + atomic_load(&relay->front_unsent);
}

void relay_want_turn(struct http_relay *relay)
{
    atomic_fetch_add(&relay->holders, 1);
    loop_soon(relay->home_loop, on_home_gone, relay);
}

/* ---- Handing over ---- */

static struct http_relay *relay_new(const struct http_request *request,
                                    struct loop *from, struct loop *to,
                                    http_handler_fn handler, void *ctx)
{
    struct http_relay *relay = calloc(1, sizeof *relay);
    REQUIRE(relay != NULL);
    struct arena *arena = arena_new();
    struct http_request *copy = &relay->home.request;
    struct http_field *fields =
        arena_array(arena, request->field_count + 1, sizeof *fields);
    atomic_init(&relay->holders, 1);
    atomic_init(&relay->under_way, 0);
    atomic_init(&relay->front_unsent, 0);
    relay->front_loop = from;
    relay->home_loop = to;
    relay->handler = handler;
    relay->handler_ctx = ctx;
    relay->arena = arena;
    *copy = *request;
    copy->method = arena_slice(arena, request->method);
    copy->target = arena_slice(arena, request->target);
    copy->path = arena_slice(arena, request->path);
    copy->query = arena_slice(arena, request->query);
    copy->body = arena_slice(arena, request->body);
    copy->fields = copy_fields(arena, request->fields, request->field_count, fields);
    relay->home.relay = relay;
    loop_hold(from);
    return relay;
}

void http_relay(struct http_exchange *exchange, struct loop *from, struct loop *to,
                http_handler_fn handler, void *ctx)
{
    struct http_relay *relay =
        relay_new(http_exchange_request(exchange), from, to, handler, ctx);
    relay->front = exchange;
    http_exchange_on_gone(exchange, on_front_gone, relay);
    loop_post(to, on_begin, relay);
}

void http_relay_copy(const struct http_request *request, struct loop *from,
                     struct loop *to, http_handler_fn handler, void *ctx,
                     http_answer_fn on_answer, void *answer_ctx)
{
    const struct http_relay_reader reader = {.on_answer = on_answer, .ctx = answer_ctx};
    http_relay_read(request, from, to, handler, ctx, &reader);
}

struct http_relay *http_relay_read(const struct http_request *request,
                                   struct loop *from, struct loop *to,
                                   http_handler_fn handler, void *ctx,
                                   const struct http_relay_reader *reader)
{
    struct http_relay *relay = relay_new(request, from, to, handler, ctx);
    relay->reader = *reader;
    loop_post(to, on_begin, relay);
    return relay;
}

void http_relay_leave(struct http_relay *relay)
{
    on_front_gone(relay);
}

void http_relay_set_unsent(struct http_relay *relay, size_t bytes)
{
    atomic_store(&relay->front_unsent, bytes);
}
