/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the files of the HTTP server know of each other: http_server.c
 *          (listening, draining), http_connection.c (one socket), http_read.c and
 *          http_write.c (what comes and leaves on it), http_exchange.c (one answer).
 *          Only they include it.
 * Owns: the server owns its connections while their socket is open; a connection
 *       owns its exchange until the handler has ended it, and outlives its socket
 *       for that.
 * Threads: the loop's.
 * Errors: none of its own.
 * Start reading at: enum connection_state.
 */
#ifndef SLUICE_IO_HTTP_PRIVATE_H
#define SLUICE_IO_HTTP_PRIVATE_H

#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "io/http_parser.h"
#include "io/http_server.h"

#define HTTP_READ_BYTES ((size_t)64 * 1024)
#define HTTP_HELD_BYTES ((size_t)64 * 1024) /* of all answers that wait */

struct http_relay;

struct http_server {
    struct loop *loop;
    struct http_server_options options;
    const struct log *log; /* kept; may be NULL */
    http_handler_fn handler;
    void *ctx;
    uv_tcp_t listener;
    bool is_listener_closed;
    int port;
    struct http_budget bodies;
    struct http_budget answers; /* what peers have yet to take */
    struct list connections;    /* whose memory still lives */
    struct http_server_counts counts;
    size_t open;       /* of them with an open socket */
    size_t closing;    /* of those, being closed: they hold no place any more */
    unsigned accepted; /* since others had a turn */
    unsigned expired;  /* deadlines met in the millisecond expired_ms */
    uint64_t expired_ms;
    char *read_bytes;  /* one read buffer for all connections; wiped after each read */
    char *plain_bytes; /* with TLS: what a read held, opened; wiped likewise */
    struct buf sealed; /* with TLS: what is about to leave; empty between two sends */
    struct buf head;   /* of the answer being built; empty between two answers */
    struct buf held;   /* answers that leave at the end of the turn, which empties it */
    struct list holding; /* whose answers they are */
    bool is_turn_end_due;
    int64_t date_s; /* the second `date` was written for */
    char date[32];
    bool is_draining, has_drained, is_freed;
    loop_fn on_drained;
    void *drained_ctx;
    struct loop_timer *drain_timer;
};

enum connection_state {
    CONNECTION_READING,   /* waits for a request, or reads one */
    CONNECTION_RUNNING,   /* the handler has an exchange */
    CONNECTION_FLUSHING,  /* answered; the peer has yet to read the end of it */
    CONNECTION_LINGERING, /* answered for the last time; what still comes is thrown away
                           */
    CONNECTION_CLOSED     /* socket closed; the exchange may still be unfinished */
};

/* What the read timer waits for. */
enum read_phase { READ_NOTHING, READ_HANDSHAKE, READ_FIRST_BYTE, READ_HEAD, READ_BODY };

struct http_connection {
    struct list link;
    struct http_server *server; /* NULL once the server was freed */
    struct http_parser *parser;
    struct http_exchange *exchange; /* NULL or the one the handler has to end */
    struct tls_session *tls;        /* NULL: plain HTTP */
    uv_tcp_t tcp;
    uv_timer_t timer; /* deadlines, and turns that must not run inside a caller */
    uv_shutdown_t shutdown;
    enum connection_state state;
    enum read_phase phase;
    unsigned open_handles; /* of tcp and timer */
    bool peer_is_loopback;
    bool is_reading;
    bool has_eof;                     /* the peer has ended its side */
    bool has_shut;                    /* we have ended ours, all of it was taken */
    bool is_pumping;                  /* connection_pump is on the stack */
    bool wants_turn;                  /* the timer fires for connection_turn */
    bool had_its_read;                /* a whole buffer: the others come next */
    bool keeps_alive;                 /* after the exchange that is ending */
    bool may_hold;                    /* connection_send_later is on the stack */
    size_t input_share, answer_share; /* of the server's budgets */
    struct buf input;                 /* read ahead while a request runs */
    uint64_t waits_since_ms;          /* in this phase of reading */
    uint64_t read_due_ms;  /* when the peer has to have said it; 0: no deadline */
    uint64_t write_due_ms; /* when it has to have taken more; 0: nothing is queued */
    uint64_t timer_ms;     /* when the timer fires, if it is active */
    bool is_holding;       /* on the server's `holding`, by the link */
    struct list held_link;
    size_t held_at; /* in the server's `held` */
    size_t held_len;
    uint64_t sent_bytes;    /* ever handed to connection_send */
    uint64_t arrived_bytes; /* of them at the peer when the write timer looked last */
    size_t discarded_bytes; /* while lingering */
    size_t own_bytes;       /* said by TLS itself since the last request */
};

enum body_mode { BODY_NONE, BODY_CHUNKED, BODY_RAW };

struct http_exchange {
    struct http_connection *connection; /* NULL: */
    struct http_relay *relay;           /* the client is another loop's; or NULL */
    struct http_request request;
    struct arena *arena; /* NULL until somebody asks */
    loop_fn on_gone;     /* NULL: nobody asked, or already told */
    void *gone_ctx;
    bool is_gone;
    bool is_head, is_http10, wants_keep_alive;
    bool is_streaming;
    enum body_mode mode;
    struct http_field extra[HTTP_EXTRA_FIELDS]; /* of whatever answer comes */
    size_t extra_count;
};

/* libuv's buffers are not const; those that are written from are only read. */
static inline uv_buf_t http_buf(struct slice bytes)
{
    return (uv_buf_t){.base = (char *)(uintptr_t)bytes.ptr, .len = bytes.len};
}

/* http_connection.c */

struct http_connection *connection_new(struct http_server *server);
/* The socket is accepted: reads requests from it. */
void connection_begin(struct http_connection *connection);
/* Sends an answer of the server's own and closes. */
void connection_refuse(struct http_connection *connection, int status);
/* The peer speaks HTTP without TLS: tells it so, in clear text, and closes. */
void connection_refuse_plain(struct http_connection *connection);
/* Closes the socket now. A running exchange is told that its client has gone. */
void connection_cut(struct http_connection *connection);
/* The exchange's answer is complete: wipes the request and goes on, or closes. */
void connection_exchange_ended(struct http_connection *connection);
bool connection_is_idle(const struct http_connection *connection);
/* Nobody works for it: it waits for a handshake, a request, or the rest of one; or for its
 * peer to take an answer. */
bool connection_gives_way(const struct http_connection *connection, bool even_midway);
/* Runs connection_turn soon, outside whatever is on the stack. */
void connection_want_turn(struct http_connection *connection);
/* The server goes; an unfinished exchange stays valid. */
void connection_orphan(struct http_connection *connection);

/* The peer has taken some of what is queued, and has until then to take more. */
void connection_set_write_deadline(struct http_connection *connection,
                                   int64_t after_ms);
/* The socket has taken the last byte that was queued. */
void connection_all_written(struct http_connection *connection);
/* Plain bytes for the parser: the connection's own input or one of the server's buffers. */
void connection_pump(struct http_connection *connection, struct slice bytes);
/* Sets the deadline of what the peer owes now, unless it runs already. */
void connection_watch_reads(struct http_connection *connection);

/* http_read.c */

/* Reads on, if there is room and it does not read yet. */
void connection_keep_reading(struct http_connection *connection);

/* http_write.c */

/* Writes in order; copies what the socket does not take at once. Cuts on an error. */
void connection_send(struct http_connection *connection, const uv_buf_t *bufs,
                     unsigned count);
/* As connection_send, but what is short leaves at the end of the turn, with all others'. */
void connection_send_later(struct http_connection *connection, const uv_buf_t *bufs,
                           unsigned count);
/* What waits is not sent: the connection is cut, or the server goes. */
void connection_forget_held(struct http_connection *connection);
void server_forget_held(struct http_server *server);
/* Keeps bytes that came ahead; cuts when neither the budget nor the connection has room. */
void connection_keep_input(struct http_connection *connection, struct slice bytes);
void connection_forget_input(struct http_connection *connection);
/* Sends what the TLS session has written of its own accord. */
void connection_send_sealed(struct http_connection *connection);
/* Bytes that the socket has not taken yet. */
size_t connection_unsent(const struct http_connection *connection);
/* The write timer has fired: cuts a peer that took nothing since it was set. */
void connection_check_writes(struct http_connection *connection);
/* A peer that took something since has its time anew. */
void connection_note_progress(struct http_connection *connection);

/* http_exchange.c */

struct http_exchange *exchange_new(struct http_connection *connection);
void exchange_free(struct http_exchange *exchange); /* wipes its arena */
void exchange_tell_gone(struct http_exchange *exchange);
/* Sends an answer of the server's own, with Connection: close. */
void exchange_send_refusal(struct http_connection *connection, int status);
/* The same to a request in clear text on a port that speaks TLS. */
void exchange_send_wrong_port(struct http_connection *connection);

/* http_relay.c: what an exchange does whose client is another loop's. */

void relay_respond(struct http_relay *relay, const struct http_response *response);
void relay_stream_begin(struct http_relay *relay, const struct http_response *head);
void relay_stream_send(struct http_relay *relay, struct slice bytes);
void relay_stream_end(struct http_relay *relay);
size_t relay_stream_unsent(const struct http_relay *relay);
/* Tells at the next turn that the client has gone. */
void relay_want_turn(struct http_relay *relay);

/* http_server.c */

void server_socket_closed(struct http_server *server);
/* Room for so much more of an answer that has to wait: cuts those who have taken nothing for
 * longest. False: only `asking` is left. */
bool server_make_answer_room(struct http_server *server,
                             const struct http_connection *asking, size_t bytes);
/* Whether one more deadline may be acted on now; else a millisecond later. */
bool server_may_expire(struct http_server *server, uint64_t now_ms);

#endif
