/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: bytes of one connection in, whole requests out: llhttp behind a strict guard that
 *          refuses every ambiguity request smuggling lives on.
 * Owns: the bytes of the request being read.
 * Threads: one owner at a time. No sockets: bytes in, decisions out.
 * Errors: http_parser_feed returns what to answer; the parser is dead after a failure.
 * Start reading at: http_parser_feed.
 */
#ifndef SLUICE_IO_HTTP_PARSER_H
#define SLUICE_IO_HTTP_PARSER_H

#include "io/http_server.h"

struct http_parser;

enum http_parse {
    HTTP_PARSE_MORE,     /* all input consumed, the request is not whole yet */
    HTTP_PARSE_CONTINUE, /* head is whole, the client waits for "100 Continue"; feed on */
    HTTP_PARSE_DONE,     /* a whole request; the rest of the input was not consumed */
    HTTP_PARSE_FAILED    /* answer http_parser_status() and close */
};

struct http_parser *http_parser_new(size_t max_body_bytes);

/* What connections may hold together of what is not small, in bytes of memory and not of content. */
struct http_budget {
    size_t held, ceiling;
};
/* Changes a holder's share from `*share` to `bytes`; false, and no change, when that is too much. */
bool http_budget_hold(struct http_budget *budget, size_t *share, size_t bytes);
/* Kept until http_parser_free or another one; NULL: no bound. */
void http_parser_use_budget(struct http_parser *parser, struct http_budget *budget);
void http_parser_free(struct http_parser *parser);

/* Consumes from `input`; `consumed` says how much. */
enum http_parse http_parser_feed(struct http_parser *parser, struct slice input,
                                 size_t *consumed);

/* 400, 405 (CONNECT), 413, 414, 417, 431, 501, 503 (the budget) or 505 after
 * HTTP_PARSE_FAILED. */
int http_parser_status(const struct http_parser *parser);

/* After DONE: lends the request, and all it points to, until http_parser_next. */
const struct http_request *http_parser_request(const struct http_parser *parser);
bool http_parser_keep_alive(const struct http_parser *parser);
/* HTTP/1.0: its client cannot read chunks. */
bool http_parser_is_http10(const struct http_parser *parser);

/* Something of a request has arrived / its head is whole: for the read timers. */
bool http_parser_has_begun(const struct http_parser *parser);
bool http_parser_in_body(const struct http_parser *parser);

/* Forgets (and wipes) the request, ready for the next on the connection. */
void http_parser_next(struct http_parser *parser);

#endif
