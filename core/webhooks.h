/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: delivers what lies in the outbox (store/outbox.h) to webhook endpoints, signed, at
 * least once. Owns: the requests under way. Keeps its parts. Threads: the loop's.
 * Errors: none; what became of a delivery is in the store. Start reading at: webhooks_look.
 *
 * Headers and signature are those of standardwebhooks.com. An answer of 2xx takes the event;
 * 410 switches the endpoint off; everything else is tried again, nine times within a day. What
 * is answered is not looked at, redirects are not followed.
 */
#ifndef SLUICE_CORE_WEBHOOKS_H
#define SLUICE_CORE_WEBHOOKS_H

#include "auth/keys.h"
#include "auth/mac.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "store/outbox.h"

struct webhooks;

struct webhooks_parts {
    struct loop *loop;
    const struct clock *clock;
    const struct log *log;
    struct store *store;
    const struct keys *keys;
    struct mac *mac;
    struct http_client *client; /* with a small ceiling for answers */
};

/* Begins with what is due already, at the loop's next turn. */
struct webhooks *webhooks_new(const struct webhooks_parts *parts);
/* Another process delivers: before the loop's next turn after webhooks_new; and: it has ended. */
void webhooks_stand_by(struct webhooks *webhooks);
void webhooks_take_over(struct webhooks *webhooks);
/* Nothing more is sent. What is under way ends with the client; unless it was answered by
 * then, it is sent again after the next start. Accepts NULL. */
void webhooks_stop(struct webhooks *webhooks);
/* The client and the store are gone. Accepts NULL. */
void webhooks_free(struct webhooks *webhooks);

/* Sends what is due, as far as there is room; an alarm and each new event do this. */
void webhooks_look(struct webhooks *webhooks);

/* Attempts since the start, by what they came to. */
struct webhooks_counts {
    uint64_t delivered, again, given_up, dropped;
    uint64_t missed; /* events that found an outbox full */
};
struct webhooks_counts webhooks_count(const struct webhooks *webhooks);

/* How long after the n-th attempt (1, 2, …) the next one is; 0: there is none. `random`: any
 * number, for up to a tenth more or less. */
int64_t webhooks_retry_ms(int64_t attempts, uint32_t random);

/* How long an answer asks to be left alone: Retry-After of a 429 or 503 (RFC 9110 section
 * 10.2.3), seconds or a date, an hour at most; 0: it does not. */
int64_t webhooks_hold_ms(int status, struct slice retry_after, int64_t now_ms);

#endif
