/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: fuzzes requests, heads and chunks, in pieces that the input itself chooses,
 * and compares with the same bytes fed at once and one by one. Start reading at:
 * LLVMFuzzerTestOneInput. Byte 0 seeds the cuts, the rest is the connection.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "io/http_parser.h"

#define MAX_BODY 300
#define MAX_REQUESTS 8

/* What a connection came to: the same for every way of cutting it. */
struct outcome {
    size_t requests, fields;
    size_t consumed[MAX_REQUESTS]; /* up to the end of each request */
    uint64_t hash;                 /* of all that was understood */
    int status;                    /* 0: wants more */
};

static void hash_slice(struct outcome *outcome, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        outcome->hash = (outcome->hash ^ (unsigned char)bytes.ptr[i]) * 1099511628211u;
    }
    outcome->hash = (outcome->hash ^ 256) * 1099511628211u;
}

static void take_request(struct http_parser *parser, struct outcome *outcome, size_t at)
{
    const struct http_request *request = http_parser_request(parser);

    REQUIRE(request->path.len > 0 && request->path.ptr[0] == '/');
    REQUIRE(request->body.len <= MAX_BODY);
    hash_slice(outcome, request->method);
    hash_slice(outcome, request->path);
    hash_slice(outcome, request->query);
    hash_slice(outcome, request->body);
    for (size_t i = 0; i < request->field_count; i++) {
        hash_slice(outcome, request->fields[i].name);
        hash_slice(outcome, request->fields[i].value);
    }
    outcome->fields += request->field_count;
    outcome->consumed[outcome->requests] = at;
    outcome->requests++;
    http_parser_next(parser);
}

static size_t next_piece(uint32_t *cuts, size_t left)
{
    if (*cuts == 0) {
        return left;
    }
    *cuts = *cuts * 1664525u + 1013904223u;
    size_t piece = (*cuts >> 24) % 23 + 1;
    return piece < left ? piece : left;
}

static struct outcome feed_all(const char *bytes, size_t len, uint32_t cuts)
{
    struct http_parser *parser = http_parser_new(MAX_BODY);
    struct outcome outcome = {0};
    size_t at = 0;
    bool bytewise = cuts == UINT32_MAX;

    while (at < len && outcome.requests < MAX_REQUESTS && outcome.status == 0) {
        size_t piece = bytewise ? 1 : next_piece(&cuts, len - at);
        size_t end = at + piece;
        while (at < end && outcome.requests < MAX_REQUESTS && outcome.status == 0) {
            size_t used = 0;
            enum http_parse result =
                http_parser_feed(parser, slice_of(bytes + at, end - at), &used);
            at += used;
            REQUIRE(result != HTTP_PARSE_MORE || at == end);
            if (result == HTTP_PARSE_DONE) {
                take_request(parser, &outcome, at);
            }
            if (result == HTTP_PARSE_FAILED) {
                outcome.status = http_parser_status(parser);
                REQUIRE(outcome.status >= 400);
            }
        }
    }
    http_parser_free(parser);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    /* A copy of its own size: a read past the end is seen. */
    char *bytes = malloc(size);
    REQUIRE(bytes != NULL);
    memcpy(bytes, data + 1, size - 1);
    struct outcome whole = feed_all(bytes, size - 1, 0);
    struct outcome pieces = feed_all(bytes, size - 1, data[0] + 1u);
    struct outcome single = feed_all(bytes, size - 1, UINT32_MAX);
    REQUIRE(memcmp(&whole, &pieces, sizeof whole) == 0);
    REQUIRE(memcmp(&whole, &single, sizeof whole) == 0);
    free(bytes);
    return 0;
}
