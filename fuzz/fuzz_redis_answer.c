/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a Redis sends, in whatever pieces (byte 0: how long each is): replies are read within
 * limits, and the lender is told them, as answers to what it would send next and as messages.
 */
#include "fuzz/input.h"

#include "coordination/lender.h"
#include "io/redis_answer.h"

#define CEILING 3
#define KEY "0123456789abcdef0123456789abcdef"

struct world {
    struct lender *lender;
    int64_t now_us;
    int lent;
};

static void settle(struct world *w)
{
    struct lender_loan loan;
    for (int i = 0; i < 4; i++) {
        const struct lender_need need = {.lane = SLICE("lane"),
                                         .key = SLICE(KEY),
                                         .ceiling = CEILING,
                                         .lent = w->lent,
                                         .want = CEILING};
        lender_need(w->lender, &need, w->now_us);
        while (lender_next_loan(w->lender, &loan, w->now_us)) {
            REQUIRE(loan.slots >= 0 && loan.others >= 0);
            w->lent = loan.slots;
        }
    }
}

/* Any reply is the answer to the next request: which one that is the lender knows. */
static void answer(struct world *w, const redisReply *reply)
{
    struct lender_request request;
    struct redis_item items[REDIS_ITEMS];
    struct lender_item copies[REDIS_ITEMS];
    struct lender_words words;
    size_t count = redis_reply_items(reply, items);
    for (size_t i = 0; i < count; i++) {
        copies[i] = (struct lender_item){items[i].text, items[i].number};
    }
    if (!lender_next_request(w->lender, &request, w->now_us)) {
        lender_down(w->lender);
        lender_up(w->lender, SLICE("run"), w->now_us);
        return;
    }
    lender_words(w->lender, &request, &words);
    w->now_us += 1000;
    if (!lender_answer(w->lender, &request, copies, count, w->now_us)) {
        lender_down(w->lender);
        settle(w);
        lender_up(w->lender, SLICE("run"), w->now_us);
    }
}

static void take(struct world *w, const redisReply *reply)
{
    struct slice text;
    if (redis_reply_message(reply, &text)) {
        lender_granted(w->lender, text, w->now_us);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        REQUIRE(redis_cause_name(redis_error_cause(redis_reply_text(reply))) != NULL);
    } else {
        struct slice info = redis_info(redis_reply_text(reply), "run_id");
        REQUIRE(slice_find(info, '\n') < 0);
        answer(w, reply);
    }
    settle(w);
    if (lender_due_us(w->lender) <= w->now_us) {
        lender_tick(w->lender, w->now_us);
    }
    REQUIRE(lender_look(w->lender, w->now_us).left_ms >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    size_t piece = 1 + input_byte(&input);
    const struct lender_terms terms = {.ttl_ms = 400, .hold_ms = 500, .workers = 1};
    struct world w = {.now_us = 1000000};
    struct redis_reader reader;
    bool is_read = true;

    w.lender = lender_new(&terms, SLICE("a"), w.now_us);
    redis_reader_init(&reader);
    lender_up(w.lender, SLICE("run"), w.now_us);
    settle(&w);
    while (is_read && input.len > 0) {
        struct slice part = slice_of(input.ptr, piece < input.len ? piece : input.len);
        redisReply *reply = NULL;
        input = slice_from(input, part.len);
        is_read = redis_reader_feed(&reader, part.ptr, part.len);
        while (is_read && (is_read = redis_reader_next(&reader, &reply)) &&
               reply != NULL) {
            take(&w, reply);
            freeReplyObject(reply);
        }
    }
    redis_reader_free(&reader);
    lender_free(w.lender);
    return 0;
}
