/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: tests of io/http_parser and its guard: every ambiguous form is refused,
 * every good one is read, and neither depends on how the bytes were cut into pieces.
 * Start reading at: BAD and GOOD.
 */
#include "io/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

#define MAX_BODY 64

#define RAW(literal) literal, sizeof(literal) - 1
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct bad {
    const char *what;
    int status;
    const char *bytes;
    size_t len;
} BAD[] = {
    /* what two readers may understand differently: RFC 9112 sections 6 and 11.2 */
    {"CL and TE", 400,
     RAW(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"TE and CL", 400,
     RAW(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")},
    {"two lengths", 400,
     RAW(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")},
    {"two equal lengths", 400,
     RAW(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na")},
    {"space before colon", 400, RAW(GET "Host : a\r\n\r\n")},
    {"tab before colon", 400, RAW(GET "Host\t: a\r\n\r\n")},
    {"space before the colon of a length", 400,
     RAW(POST "Content-Length : 1\r\n\r\na")},
    {"leading space on first field", 400, RAW(GET " Host: a\r\n\r\n")},
    {"leading tab on first field", 400, RAW(GET "\tHost: a\r\n\r\n")},
    {"bare LF after request line", 400, RAW("GET / HTTP/1.1\nHost: a\r\n\r\n")},
    {"bare LF after a field", 400, RAW(GET "Host: a\n\r\n")},
    {"bare LF as end of head", 400, RAW(GET "Host: a\r\n\n")},
    {"only bare LF", 400, RAW("GET / HTTP/1.1\nHost: a\n\n")},
    {"bare LF inside a value", 400, RAW(GET "Host: a\r\nX: b\nY: c\r\n\r\n")},
    {"bare LF after the chunk size", 400, RAW(CHUNKED "1\na\r\n0\r\n\r\n")},
    {"bare LF after chunk data", 400, RAW(CHUNKED "1\r\na\n0\r\n\r\n")},
    {"bare LF after the last chunk", 400, RAW(CHUNKED "0\r\n\n")},
    {"bare LF after the last size", 400, RAW(CHUNKED "0\n\r\n")},
    {"bare CR in a value", 400, RAW(GET "Host: a\r\nX: b\rc\r\n\r\n")},
    {"bare CR in a name", 400, RAW(GET "Host: a\r\nX\rY: c\r\n\r\n")},
    {"NUL in a value", 400, RAW(GET "Host: a\r\nX: b\0c\r\n\r\n")},
    {"NUL in a name", 400, RAW(GET "Host: a\r\nX\0: c\r\n\r\n")},
    {"NUL in the target", 400, RAW("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"DEL in a value", 400, RAW(GET "Host: a\r\nX: b\177c\r\n\r\n")},
    {"ESC in a value", 400, RAW(GET "Host: a\r\nX: \033c\r\n\r\n")},
    {"bad method characters", 400, RAW("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"lower-case method", 400, RAW("get / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"NUL in the method", 400, RAW("G\0T / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"no method", 400, RAW(" / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"TLS on a plain port", 400, RAW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
    {"obs-fold", 400, RAW(GET "Host: a\r\nX: b\r\n c\r\n\r\n")},
    {"obs-fold with a tab", 400, RAW(GET "Host: a\r\nX: b\r\n\tc\r\n\r\n")},
    {"obs-fold of TE", 400,
     RAW(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n")},
    {"CR hides a TE", 400, RAW(POST "X:\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"CR X as end of head", 400, RAW(GET "Host: a\r\n\rX")},
    {"CR X as end of an empty head", 400, RAW(GET "\rX")},
    {"chunk data without CRLF", 400, RAW(CHUNKED "1\r\naX0\r\n\r\n")},
    {"chunk data with XX", 400, RAW(CHUNKED "1\r\naXX0\r\n\r\n")},
    {"chunk data with CR X", 400, RAW(CHUNKED "1\r\na\rX0\r\n\r\n")},
    {"longer chunk data", 400, RAW(CHUNKED "1\r\nab\r\n0\r\n\r\n")},
    {"TE identity plus chunked, two fields", 400,
     RAW(POST
         "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"TE identity, chunked", 400,
     RAW(POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n")},
    {"TE chunked, identity", 400,
     RAW(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")},
    {"TE chunked twice", 400,
     RAW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
              "0\r\n\r\n")},
    {"TE chunked, chunked", 400,
     RAW(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")},
    {"TE gzip, chunked", 400,
     RAW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
    {"TE xchunked", 400, RAW(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")},
    {"TE with a vertical tab", 400,
     RAW(POST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n")},
    {"TE chunked;q=1", 400,
     RAW(POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n")},
    {"TE quoted", 400, RAW(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n")},
    {"TE empty", 400, RAW(POST "Transfer-Encoding:\r\n\r\n")},
    {"TE identity", 400, RAW(POST "Transfer-Encoding: identity\r\n\r\n")},
    {"TE on HTTP/1.0", 400,
     RAW("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"no Host", 400, RAW(GET "X: a\r\n\r\n")},
    {"no field", 400, RAW(GET "\r\n")},
    {"two Hosts", 400, RAW(GET "Host: a\r\nHost: b\r\n\r\n")},
    {"two equal Hosts", 400, RAW(GET "Host: a\r\nhost: a\r\n\r\n")},
    {"two Hosts on HTTP/1.0", 400, RAW("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")},
    {"empty Host", 400, RAW(GET "Host: \r\n\r\n")},
    {"Host list", 400, RAW(GET "Host: a, b\r\n\r\n")},
    {"Host with a path", 400, RAW(GET "Host: a/b\r\n\r\n")},
    {"Host with a user", 400, RAW(GET "Host: u@a\r\n\r\n")},
    {"length list", 400, RAW(POST "Content-Length: 1, 1\r\n\r\na")},
    {"length +3", 400, RAW(POST "Content-Length: +3\r\n\r\nabc")},
    {"length -1", 400, RAW(POST "Content-Length: -1\r\n\r\n")},
    {"length 0x3", 400, RAW(POST "Content-Length: 0x3\r\n\r\nabc")},
    {"length 1 1", 400, RAW(POST "Content-Length: 1 1\r\n\r\na")},
    {"length 1.0", 400, RAW(POST "Content-Length: 1.0\r\n\r\na")},
    {"length overflow", 400, RAW(POST "Content-Length: 18446744073709551616\r\n\r\n")},
    {"length overflow to 1", 400,
     RAW(POST "Content-Length: 18446744073709551617\r\n\r\n")},
    {"length empty", 400, RAW(POST "Content-Length:\r\n\r\n")},
    {"length blank", 400, RAW(POST "Content-Length:   \r\n\r\n")},
    {"length abc", 400, RAW(POST "Content-Length: abc\r\n\r\n")},
    {"chunk size 0x3", 400, RAW(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n")},
    {"chunk size overflow", 400, RAW(CHUNKED "10000000000000001\r\na\r\n0\r\n\r\n")},
    {"chunk size max", 400, RAW(CHUNKED "ffffffffffffffff\r\na\r\n0\r\n\r\n")},
    {"chunk size -1", 400, RAW(CHUNKED "-1\r\na\r\n0\r\n\r\n")},
    {"chunk size +1", 400, RAW(CHUNKED "+1\r\na\r\n0\r\n\r\n")},
    {"chunk size empty", 400, RAW(CHUNKED "\r\na\r\n0\r\n\r\n")},
    {"chunk size ;", 400, RAW(CHUNKED ";a\r\n0\r\n\r\n")},
    {"chunk size g", 400, RAW(CHUNKED "g\r\na\r\n0\r\n\r\n")},
    {"space before the chunk size", 400, RAW(CHUNKED " 1\r\na\r\n0\r\n\r\n")},
    {"space after the chunk size", 400, RAW(CHUNKED "1 \r\na\r\n0\r\n\r\n")},
    {"CR X after the chunk size", 400, RAW(CHUNKED "1\rXa\r\n0\r\n\r\n")},
    {"LF in a chunk extension", 400, RAW(CHUNKED "1;a\nb\r\na\r\n0\r\n\r\n")},
    {"CR in a chunk extension", 400, RAW(CHUNKED "1;a\rb\r\na\r\n0\r\n\r\n")},
    {"NUL in a chunk extension", 400, RAW(CHUNKED "1;a\0b\r\na\r\n0\r\n\r\n")},
    {"trailer with a space before the colon", 400, RAW(CHUNKED "0\r\nX : a\r\n\r\n")},
    {"trailer folded", 400, RAW(CHUNKED "0\r\nX: a\r\n b\r\n\r\n")},
    {"trailer with bare LF", 400, RAW(CHUNKED "0\r\nX: a\n\r\n")},
    {"CR X as end of the trailers", 400, RAW(CHUNKED "0\r\n\rX")},
    /* targets */
    {"absolute form", 400, RAW("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"authority form", 400, RAW("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"asterisk with GET", 400, RAW("GET * HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"asterisk with OPTIONS", 400, RAW("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"control in the target", 400, RAW("GET /\001 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"tab in the target", 400, RAW("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"non-ASCII in the target", 400, RAW("GET /\xc3\xa6 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"fragment in the target", 400, RAW("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"space in the target", 400, RAW("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"two spaces after the method", 400, RAW("GET  / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"two spaces before the version", 400, RAW("GET /  HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"space after the version", 400, RAW("GET / HTTP/1.1 \r\nHost: a\r\n\r\n")},
    {"HTTP/0.9", 400, RAW("GET /\r\n")},
    {"lower-case version", 400, RAW("GET / http/1.1\r\nHost: a\r\n\r\n")},
    {"HTTP/1.10", 400, RAW("GET / HTTP/1.10\r\nHost: a\r\n\r\n")},
    {"HTTP/x.1", 400, RAW("GET / HTTP/x.1\r\nHost: a\r\n\r\n")},
    {"RTSP", 400, RAW("GET / RTSP/1.0\r\nHost: a\r\n\r\n")},
    {"empty name", 400, RAW(GET ": a\r\n\r\n")},
    {"no colon", 400, RAW(GET "Host\r\n\r\n")},
    {"quote in a name", 400, RAW(GET "Ho\"st: a\r\n\r\n")},
    {"non-ASCII name", 400, RAW(GET "H\xc3\xb6st: a\r\n\r\n")},
    {"two empty lines in front", 400, RAW("\r\n\r\n" GET "Host: a\r\n\r\n")},
    {"bare LF in front", 400, RAW("\n" GET "Host: a\r\n\r\n")},
    {"bare CR in front", 400, RAW("\r" GET "Host: a\r\n\r\n")},
    /* what has a status of its own */
    {"CONNECT", 405, RAW("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"unknown method", 501, RAW("BREW / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"CONNECTED", 501, RAW("CONNECTED / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"endless method", 501,
     RAW("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n\r\n")},
    {"HTTP/2.0", 505, RAW("GET / HTTP/2.0\r\nHost: a\r\n\r\n")},
    {"HTTP/1.2", 505, RAW("GET / HTTP/1.2\r\nHost: a\r\n\r\n")},
    {"HTTP/0.9 with a version", 505, RAW("GET / HTTP/0.9\r\n\r\n")},
    {"body over the ceiling", 413, RAW(POST "Content-Length: 65\r\n\r\n")},
    {"huge body", 413, RAW(POST "Content-Length: 999999999999999999\r\n\r\n")},
    {"chunk over the ceiling", 413, RAW(CHUNKED "41\r\n")},
    {"chunk of a gigabyte", 413, RAW(CHUNKED "40000000\r\n")},
    {"chunks over the ceiling", 413,
     RAW(CHUNKED "20\r\n0123456789abcdef0123456789abcdef\r\n21\r\n")},
    {"chunk with extension over the ceiling", 413, RAW(CHUNKED "41;a=b\r\n")},
    {"huge body that is expected", 413,
     RAW(POST "Expect: 100-continue\r\nContent-Length: 65\r\n\r\n")},
    {"another expectation", 417, RAW(POST "Expect: a miracle\r\n\r\n")},
    {"two expectations", 417,
     RAW(POST "Expect: 100-continue\r\nExpect: more\r\nContent-Length: 1\r\n\r\na")},
};

static const struct good {
    const char *what;
    const char *method, *target, *body;
    size_t fields;
    bool keep_alive, expects_continue;
    const char *rest; /* not consumed */
    const char *bytes;
    size_t len;
} GOOD[] = {
    {"GET", "GET", "/a?b=c", "", 1, true, false, "",
     RAW("GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"odd but legal target", "GET", "/%2F!:'()*$&,;=~-._@//?/?", "", 1, true, false, "",
     RAW("GET /%2F!:'()*$&,;=~-._@//?/? HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")},
    {"two requests", "GET", "/", "", 1, true, false, "GET /2 HTTP/1.1\r\n",
     RAW(GET "Host: a\r\n\r\nGET /2 HTTP/1.1\r\n")},
    {"empty line in front", "GET", "/", "", 1, true, false, "",
     RAW("\r\n" GET "Host: a\r\n\r\n")},
    {"a length", "POST", "/", "hello", 2, true, false, "",
     RAW(POST "Content-Length: 5\r\n\r\nhello")},
    {"a length and more", "POST", "/", "hello", 2, true, false, "POST",
     RAW(POST "Content-Length: 5\r\n\r\nhelloPOST")},
    {"length zero", "POST", "/", "", 2, true, false, "x",
     RAW(POST "Content-Length: 0\r\n\r\nx")},
    {"zeros in front of a length", "POST", "/", "a", 2, true, false, "",
     RAW(POST "Content-Length: 001\r\n\r\na")},
    {"blanks around values", "POST", "/", "a", 3, true, false, "",
     RAW(POST "Content-Length:   1  \r\nX:\r\n\r\na")},
    {"POST without body", "POST", "/", "", 1, true, false, "", RAW(POST "\r\n")},
    {"chunks", "POST", "/", "hello world", 2, true, false, "GET",
     RAW(CHUNKED "5\r\nhello\r\n6;a=\"b c\"\r\n world\r\n0\r\n\r\nGET")},
    {"chunk sizes in both cases", "POST", "/", "0123456789abcdefghijk", 2, true, false,
     "", RAW(CHUNKED "A\r\n0123456789\r\n00b\r\nabcdefghijk\r\n000\r\n\r\n")},
    {"trailers are dropped", "POST", "/", "a", 2, true, false, "GET",
     RAW(CHUNKED "1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\nGET")},
    {"CR LF inside chunk data", "POST", "/", "\r\n0\r\n\r\n", 2, true, false, "",
     RAW(CHUNKED "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n")},
    {"TE in capitals", "POST", "/", "a", 2, true, false, "",
     RAW(POST "TRANSFER-ENCODING: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")},
    {"close", "GET", "/", "", 2, false, false, "",
     RAW(GET "Host: a\r\nConnection: close\r\n\r\n")},
    {"close in a list", "GET", "/", "", 2, false, false, "",
     RAW(GET "Host: a\r\nConnection: x, Close\r\n\r\n")},
    {"HTTP/1.0", "GET", "/", "", 0, false, false, "", RAW("GET / HTTP/1.0\r\n\r\n")},
    {"HTTP/1.0 keep-alive", "GET", "/", "", 1, true, false, "",
     RAW("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")},
    {"expectation", "POST", "/", "hello", 3, true, true, "",
     RAW(POST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello")},
    {"expectation without body", "POST", "/", "", 2, true, false, "",
     RAW(POST "Expect: 100-continue\r\n\r\n")},
    {"expectation of HTTP/1.0", "POST", "/", "a", 2, false, false, "",
     RAW("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na")},
    {"upgrade is not taken", "GET", "/", "", 3, true, false, "",
     RAW(GET "Host: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")},
    {"upgrade with more behind", "GET", "/", "", 3, true, false, GET,
     RAW(GET "Host: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" GET)},
    {"obs-text in a value", "GET", "/", "", 2, true, false, "",
     RAW(GET "Host: a\r\nX: \xc3\xa6\r\n\r\n")},
    {"OPTIONS", "OPTIONS", "/mcp", "", 1, true, false, "",
     RAW("OPTIONS /mcp HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"M-SEARCH", "M-SEARCH", "/", "", 1, true, false, "",
     RAW("M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n")},
};

/* What one way of feeding came to. */
struct outcome {
    enum http_parse result;
    int status;
    size_t consumed;
    bool saw_continue;
};

static bool feed_piece(struct http_parser *parser, struct slice piece,
                       struct outcome *outcome)
{
    size_t at = 0;
    do {
        size_t used = 0;
        /* A copy of its own size, so that a read past the end is seen. */
        char *copy = malloc(piece.len - at + 1);
        memcpy(copy, piece.ptr + at, piece.len - at);
        outcome->result =
            http_parser_feed(parser, slice_of(copy, piece.len - at), &used);
        free(copy);
        at += used;
        outcome->consumed += used;
        outcome->saw_continue =
            outcome->saw_continue || outcome->result == HTTP_PARSE_CONTINUE;
    } while (outcome->result == HTTP_PARSE_CONTINUE && at < piece.len);
    outcome->status = http_parser_status(parser);
    return outcome->result == HTTP_PARSE_MORE || outcome->result == HTTP_PARSE_CONTINUE;
}

static void check_good(const struct good *good, struct http_parser *parser,
                       const struct outcome *outcome)
{
    if (outcome->result != HTTP_PARSE_DONE) {
        fail_msg("%s: result %d status %d", good->what, (int)outcome->result,
                 outcome->status);
    }
    const struct http_request *request = http_parser_request(parser);
    if (!slice_is(request->method, good->method) ||
        !slice_is(request->target, good->target) ||
        !slice_is(request->body, good->body) || request->field_count != good->fields ||
        http_parser_keep_alive(parser) != good->keep_alive ||
        outcome->saw_continue != good->expects_continue ||
        good->len - outcome->consumed != strlen(good->rest)) {
        fail_msg(
            "%s: method %.*s target %.*s body %.*s fields %zu keep %d consumed %zu",
            good->what, SLICE_ARG(request->method), SLICE_ARG(request->target),
            SLICE_ARG(request->body), request->field_count,
            (int)http_parser_keep_alive(parser), outcome->consumed);
    }
}

static void feed_split(struct http_parser *parser, struct slice bytes, size_t cut,
                       struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    if (feed_piece(parser, slice_of(bytes.ptr, cut), outcome)) {
        feed_piece(parser, slice_from(bytes, cut), outcome);
    }
}

static void feed_bytewise(struct http_parser *parser, struct slice bytes,
                          struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    for (size_t i = 0; i < bytes.len; i++) {
        if (!feed_piece(parser, slice_of(bytes.ptr + i, 1), outcome)) {
            return;
        }
    }
}

static void check_bad(const struct bad *bad, const struct outcome *outcome, long cut)
{
    if (outcome->result != HTTP_PARSE_FAILED || outcome->status != bad->status) {
        fail_msg("%s, cut at %ld: result %d status %d, want %d", bad->what, cut,
                 (int)outcome->result, outcome->status, bad->status);
    }
}

static void test_every_bad_input_is_refused_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct slice bytes = slice_of(BAD[i].bytes, BAD[i].len);
        struct outcome outcome;
        for (size_t cut = 0; cut <= bytes.len; cut++) {
            struct http_parser *parser = http_parser_new(MAX_BODY);
            feed_split(parser, bytes, cut, &outcome);
            check_bad(&BAD[i], &outcome, (long)cut);
            http_parser_free(parser);
        }
        struct http_parser *parser = http_parser_new(MAX_BODY);
        feed_bytewise(parser, bytes, &outcome);
        check_bad(&BAD[i], &outcome, -1);
        http_parser_free(parser);
    }
}

static void test_every_bad_input_is_refused_behind_a_good_request(void **state)
{
    (void)state;
    struct slice good = SLICE(POST "Content-Length: 2\r\n\r\nok");
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct http_parser *parser = http_parser_new(MAX_BODY);
        struct outcome outcome = {0};
        assert_false(feed_piece(parser, good, &outcome));
        assert_int_equal(outcome.result, HTTP_PARSE_DONE);
        http_parser_next(parser);
        outcome = (struct outcome){0};
        feed_piece(parser, slice_of(BAD[i].bytes, BAD[i].len), &outcome);
        check_bad(&BAD[i], &outcome, -2);
        http_parser_free(parser);
    }
}

static void test_every_good_input_is_read_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        struct slice bytes = slice_of(GOOD[i].bytes, GOOD[i].len);
        struct outcome outcome;
        /* One parser for all cuts: the requests of a kept connection. */
        struct http_parser *parser = http_parser_new(MAX_BODY);
        for (size_t cut = 0; cut <= bytes.len; cut++) {
            feed_split(parser, bytes, cut, &outcome);
            check_good(&GOOD[i], parser, &outcome);
            http_parser_next(parser);
        }
        feed_bytewise(parser, bytes, &outcome);
        check_good(&GOOD[i], parser, &outcome);
        http_parser_free(parser);
    }
}

static void test_a_cut_request_is_never_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        size_t whole = GOOD[i].len - strlen(GOOD[i].rest);
        for (size_t cut = 0; cut < whole; cut++) {
            struct http_parser *parser = http_parser_new(MAX_BODY);
            struct outcome outcome = {0};
            bool wants_more =
                feed_piece(parser, slice_of(GOOD[i].bytes, cut), &outcome);
            assert_true(wants_more);
            assert_int_equal(outcome.consumed, cut);
            http_parser_free(parser);
        }
    }
}

static void test_fields_are_folded_and_trimmed(void **state)
{
    (void)state;
    struct http_parser *parser = http_parser_new(MAX_BODY);
    struct outcome outcome = {0};

    feed_piece(
        parser,
        SLICE("GET /x?y HTTP/1.1\r\nHOST: a\r\nX-Some_Thing:  Aa b \t\r\nE:\r\n\r\n"),
        &outcome);

    const struct http_request *request = http_parser_request(parser);
    assert_int_equal(request->field_count, 3);
    assert_true(slice_is(request->fields[0].name, "host"));
    assert_true(slice_is(request->fields[1].name, "x-some_thing"));
    assert_true(slice_is(request->fields[1].value, "Aa b"));
    assert_true(slice_is(request->fields[2].value, ""));
    assert_true(slice_is(request->path, "/x"));
    assert_true(slice_is(request->query, "y"));
    http_parser_free(parser);
}

static void build_head(struct buf *out, size_t target_bytes, size_t fields,
                       size_t value_bytes)
{
    buf_append(out, SLICE("GET /"));
    for (size_t i = 0; i < target_bytes; i++) {
        buf_append_byte(out, 'a');
    }
    buf_append(out, SLICE(" HTTP/1.1\r\nHost: a\r\n"));
    for (size_t i = 0; i < fields; i++) {
        buf_printf(out, "X%zu: ", i);
        for (size_t j = 0; j < value_bytes; j++) {
            buf_append_byte(out, 'v');
        }
        buf_append(out, SLICE("\r\n"));
    }
    buf_append(out, SLICE("\r\n"));
}

static int status_of_head(size_t target_bytes, size_t fields, size_t value_bytes)
{
    struct buf head;
    struct outcome outcome = {0}, slow = {0};
    buf_init(&head, 1024 * 1024);
    build_head(&head, target_bytes, fields, value_bytes);

    struct http_parser *parser = http_parser_new(MAX_BODY);
    feed_piece(parser, buf_slice(&head), &outcome);
    http_parser_free(parser);
    parser = http_parser_new(MAX_BODY);
    feed_bytewise(parser, buf_slice(&head), &slow);
    http_parser_free(parser);
    buf_free(&head);

    assert_int_equal(outcome.result, slow.result);
    assert_int_equal(outcome.status, slow.status);
    return outcome.result == HTTP_PARSE_DONE ? 200 : outcome.status;
}

static void test_heads_have_ceilings(void **state)
{
    (void)state;
    static const char frame[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    size_t room = LIMIT_HEAD_BYTES - (sizeof frame - 1);

    assert_int_equal(status_of_head(room, 0, 0), 200);
    assert_int_equal(status_of_head(room + 1, 0, 0), 431);
    assert_int_equal(status_of_head(LIMIT_HEAD_BYTES, 0, 0), 414);
    assert_int_equal(status_of_head(0, LIMIT_HEAD_FIELDS - 1, 1), 200);
    assert_int_equal(status_of_head(0, LIMIT_HEAD_FIELDS, 1), 431);
    assert_int_equal(status_of_head(0, 1, LIMIT_HEAD_BYTES), 431);
}

static void feed_repeated(struct http_parser *parser, struct slice piece, size_t times,
                          struct outcome *outcome)
{
    for (size_t i = 0; i < times; i++) {
        if (!feed_piece(parser, piece, outcome)) {
            return;
        }
    }
}

static void test_trailers_and_extensions_have_ceilings(void **state)
{
    (void)state;
    struct http_parser *parser = http_parser_new(MAX_BODY);
    struct outcome outcome = {0};
    feed_piece(parser, SLICE(CHUNKED "0\r\n"), &outcome);
    feed_repeated(parser, SLICE("X: y\r\n"), LIMIT_HEAD_FIELDS, &outcome);
    assert_int_equal(outcome.status, 431);
    http_parser_free(parser);

    parser = http_parser_new(MAX_BODY);
    outcome = (struct outcome){0};
    feed_piece(parser, SLICE(CHUNKED "0\r\nX: "), &outcome);
    feed_repeated(parser, SLICE("0123456789abcdef"), LIMIT_HEAD_BYTES / 16, &outcome);
    assert_int_equal(outcome.status, 431);
    http_parser_free(parser);

    parser = http_parser_new(MAX_BODY);
    outcome = (struct outcome){0};
    feed_piece(parser, SLICE(CHUNKED "1;"), &outcome);
    feed_repeated(parser, SLICE("0123456789abcdef"), LIMIT_HEAD_BYTES / 16, &outcome);
    assert_int_equal(outcome.status, 400);
    http_parser_free(parser);
}

static void test_phases_tell_the_timers_what_is_awaited(void **state)
{
    (void)state;
    struct http_parser *parser = http_parser_new(MAX_BODY);
    struct outcome outcome = {0};

    assert_false(http_parser_has_begun(parser));
    feed_piece(parser, SLICE("\r\n"), &outcome);
    assert_false(http_parser_has_begun(parser));
    feed_piece(parser, SLICE("P"), &outcome);
    assert_true(http_parser_has_begun(parser));
    assert_false(http_parser_in_body(parser));
    feed_piece(parser, SLICE("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"),
               &outcome);
    assert_true(http_parser_in_body(parser));
    feed_piece(parser, SLICE("a"), &outcome);
    assert_int_equal(outcome.result, HTTP_PARSE_DONE);
    http_parser_next(parser);
    assert_false(http_parser_has_begun(parser));
    http_parser_free(parser);
}

static void test_a_dead_parser_stays_dead(void **state)
{
    (void)state;
    struct http_parser *parser = http_parser_new(MAX_BODY);
    struct outcome outcome = {0};

    feed_piece(parser, SLICE("GET /\n"), &outcome);
    assert_int_equal(outcome.status, 400);
    outcome = (struct outcome){0};
    feed_piece(parser, SLICE(GET "Host: a\r\n\r\n"), &outcome);
    assert_int_equal(outcome.result, HTTP_PARSE_FAILED);
    assert_int_equal(outcome.consumed, 0);
    http_parser_free(parser);
    http_parser_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bad_input_is_refused_however_it_is_cut),
        cmocka_unit_test(test_every_bad_input_is_refused_behind_a_good_request),
        cmocka_unit_test(test_every_good_input_is_read_however_it_is_cut),
        cmocka_unit_test(test_a_cut_request_is_never_whole),
        cmocka_unit_test(test_fields_are_folded_and_trimmed),
        cmocka_unit_test(test_heads_have_ceilings),
        cmocka_unit_test(test_trailers_and_extensions_have_ceilings),
        cmocka_unit_test(test_phases_tell_the_timers_what_is_awaited),
        cmocka_unit_test(test_a_dead_parser_stays_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
