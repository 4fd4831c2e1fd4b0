/* SPDX-License-Identifier: Apache-2.0 */
#include "io/redis_answer.h"

#include "base/require.h"

/* NULL ends the reading: hiredis would make room for as many as it is told. */
static void *make_array(const redisReadTask *task, int elements)
{
    const struct redis_reader *reader = task->privdata;
    return elements <= REDIS_ANSWER_ELEMENTS ? reader->make_array(task, elements)
                                             : NULL;
}

void redis_reader_init(struct redis_reader *reader)
{
    reader->reader = redisReaderCreate();
    REQUIRE(reader->reader != NULL);
    reader->functions = *reader->reader->fn;
    reader->make_array = reader->functions.createArray;
    reader->functions.createArray = make_array;
    reader->reader->fn = &reader->functions;
    reader->reader->privdata = reader;
}

void redis_reader_free(struct redis_reader *reader)
{
    redisReaderFree(reader->reader);
    reader->reader = NULL;
}

bool redis_reader_feed(struct redis_reader *reader, const char *bytes, size_t count)
{
    return redisReaderFeed(reader->reader, bytes, count) == REDIS_OK &&
           reader->reader->len <= REDIS_ANSWER_BYTES;
}

bool redis_reader_next(struct redis_reader *reader, redisReply **out)
{
    void *reply = NULL;
    bool is_read = redisReaderGetReply(reader->reader, &reply) == REDIS_OK;
    *out = reply;
    return is_read;
}

struct slice redis_reply_text(const redisReply *reply)
{
    bool is_text = reply->type == REDIS_REPLY_STRING ||
                   reply->type == REDIS_REPLY_STATUS ||
                   reply->type == REDIS_REPLY_ERROR;
    return is_text ? slice_of(reply->str, (size_t)reply->len) : SLICE_EMPTY;
}

size_t redis_reply_items(const redisReply *reply, struct redis_item items[REDIS_ITEMS])
{
    size_t count = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
    count = count < REDIS_ITEMS ? count : REDIS_ITEMS;
    for (size_t i = 0; i < count; i++) {
        const redisReply *item = reply->element[i];
        items[i].text = redis_reply_text(item);
        items[i].number = item->type == REDIS_REPLY_INTEGER ? item->integer : 0;
    }
    return count;
}

bool redis_reply_message(const redisReply *reply, struct slice *text)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
        !slice_is(redis_reply_text(reply->element[0]), "message")) {
        return false;
    }
    *text = redis_reply_text(reply->element[2]);
    return true;
}

enum redis_cause redis_error_cause(struct slice error)
{
    static const struct {
        const char *word;
        enum redis_cause cause;
    } rows[] = {
        {"NOAUTH", REDIS_DENIED},    {"WRONGPASS", REDIS_DENIED},
        {"NOPERM", REDIS_DENIED},    {"LOADING", REDIS_UNREACHABLE},
        {"MASTERDOWN", REDIS_UNFIT}, {"READONLY", REDIS_UNFIT},
        {"OOM", REDIS_UNFIT},        {"MISCONF", REDIS_UNFIT},
        {"NOREPLICAS", REDIS_UNFIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (slice_starts(error, slice_str(rows[i].word))) {
            return rows[i].cause;
        }
    }
    return REDIS_STRANGE;
}

struct slice redis_info(struct slice text, const char *name)
{
    while (text.len > 0) {
        ptrdiff_t end = slice_find(text, '\n');
        struct slice line = end < 0 ? text : slice_of(text.ptr, (size_t)end);
        ptrdiff_t colon = slice_find(line, ':');
        text = end < 0 ? SLICE_EMPTY : slice_from(text, (size_t)end + 1);
        if (colon > 0 && slice_is(slice_of(line.ptr, (size_t)colon), name)) {
            line = slice_from(line, (size_t)colon + 1);
            line.len -= line.len > 0 && line.ptr[line.len - 1] == '\r' ? 1 : 0;
            return line;
        }
    }
    return SLICE_EMPTY;
}
