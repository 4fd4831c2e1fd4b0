/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what a Redis answers, read within limits: hiredis's reader, and what its replies mean.
 * Owns: nothing; texts lend from the reply.
 * Threads: any; each reader has one owner.
 * Errors: what is larger than an answer of ours can be is an error of the reader's.
 * Start reading at: redis_reader_init. For io/redis.c alone, and its fuzz target. Formats: RESP2,
 * redis.io/docs/reference/protocol-spec; INFO, redis.io/commands/info.
 */
#ifndef SLUICE_IO_REDIS_ANSWER_H
#define SLUICE_IO_REDIS_ANSWER_H

#include <hiredis/hiredis.h>

#include "io/redis.h"

#define REDIS_ANSWER_BYTES ((size_t)64 * 1024)
#define REDIS_ANSWER_ELEMENTS 16

struct redis_reader {
    redisReader *reader;
    redisReplyObjectFunctions functions;
    void *(*make_array)(const redisReadTask *task, int elements);
};

/* Stays where it is until redis_reader_free. */
void redis_reader_init(struct redis_reader *reader);
void redis_reader_free(struct redis_reader *reader);

/* False: no answer of a Redis, or too large; nothing more can be read. */
bool redis_reader_feed(struct redis_reader *reader, const char *bytes, size_t count);
/* False: as above. *out NULL: nothing is whole yet; else the caller's, for freeReplyObject. */
bool redis_reader_next(struct redis_reader *reader, redisReply **out);

/* Empty for what is no text. */
struct slice redis_reply_text(const redisReply *reply);
/* The items of a script's answer, as many as there is room for; none if it is no array. */
size_t redis_reply_items(const redisReply *reply, struct redis_item items[REDIS_ITEMS]);
/* Pushed to a channel: lends its text. */
bool redis_reply_message(const redisReply *reply, struct slice *text);

/* Why a server says no. */
enum redis_cause redis_error_cause(struct slice error);
/* The value of "name:value\r\n" in what INFO says; empty when it is not there. */
struct slice redis_info(struct slice text, const char *name);

#endif
