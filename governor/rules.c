/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a write waits for beside a slot: its turn at the document, and a token.
 *
 * Two writes on one document of an account go one after the other, in the order in which they
 * came: ERPs lock what is being changed, and the last of two at once would win unseen. Who has
 * the document keeps it until the ERP has answered; after a lost connection until its slot is
 * free, because the work may still go on.
 *
 * Writes take tokens out of a bucket. A write takes its token when it gets its slot, not before,
 * so what the ERP sees is within the limit whatever else made it wait. But it stands in the line
 * for a slot only while there is a token for each write in that line: the others are kept back
 * here. They hold no slot, and reads pass them. Who is let into the line: the class first, as at
 * a gate (class_first), then whoever came first. There it has the place of its arrival.
 *
 * Calls of every kind have a bucket too; that one is like a ceiling of the account (gate.c).
 */
#include "governor/governor_private.h"

#include <stdlib.h>

static bool wake_before(const void *a, const void *b)
{
    return ((const struct queue *)a)->wake_us < ((const struct queue *)b)->wake_us;
}

static size_t *wake_at(void *item)
{
    struct queue *queue = item;
    return &queue->index;
}

static const struct heap_kind by_wake = {wake_before, wake_at};

/* ---- Documents ---- */

static bool is_claimed(const struct governor_seat *seat, uint64_t document)
{
    LIST_FOREACH (node, &seat->claims) {
        if (LIST_ENTRY(node, struct claim, link)->document == document) {
            return true;
        }
    }
    return false;
}

static void claim_take(struct governor_seat *seat, struct governor_ticket *ticket)
{
    struct claim *claim = governor_alloc(sizeof(*claim));

    claim->document = ticket->document;
    list_push(&seat->claims, &claim->link);
    ticket->claim = claim;
}

/* The document is free: whoever waits longest for it has it, and waits for a token now. */
void claim_drop(struct governor_seat *seat, struct claim *claim)
{
    uint64_t document;

    if (claim == NULL) {
        return;
    }
    document = claim->document;
    list_remove(&claim->link);
    free(claim);
    if (seat->queue == NULL) {
        return;
    }
    LIST_FOREACH (node, &seat->queue->kept) {
        struct governor_ticket *ticket = LIST_ENTRY(node, struct governor_ticket, link);
        if (ticket->rule == GOVERNOR_DOCUMENT && ticket->document == document) {
            struct server *server = ticket->flow->server;
            claim_take(seat, ticket);
            ticket->rule = GOVERNOR_WRITE_RATE;
            server->kept[ticket->priority][GOVERNOR_DOCUMENT]--;
            server->kept[ticket->priority][GOVERNOR_WRITE_RATE]++;
            seat->queue->ready[ticket->priority]++;
            return;
        }
    }
}

/* ---- Who is kept back ---- */

static int writes_in_line(const struct governor_seat *seat)
{
    return seat->queue != NULL ? seat->queue->writes : 0;
}

/* What a call that comes now waits for; GOVERNOR_SLOT: nothing but a slot. */
enum governor_rule rules_check(const struct governor *governor,
                               const struct governor_seat *seat,
                               const struct governor_ticket *ticket)
{
    if (!ticket->is_write) {
        return GOVERNOR_SLOT;
    }
    if (ticket->document != 0 && is_claimed(seat, ticket->document)) {
        return GOVERNOR_DOCUMENT;
    }
    return bucket_wait_us(&seat->writes, writes_in_line(seat), governor->at_us) > 0
               ? GOVERNOR_WRITE_RATE
               : GOVERNOR_SLOT;
}

/* The call goes, or waits, as rules_check has said: from now on the document is its own. */
void rules_enter(struct governor_seat *seat, struct governor_ticket *ticket,
                 enum governor_rule rule)
{
    ticket->rule = rule;
    if (ticket->document != 0 && rule != GOVERNOR_DOCUMENT) {
        claim_take(seat, ticket);
    }
}

/* At the end of queue_join, in the place of the line: it waits here. */
void rules_keep(struct governor_ticket *ticket)
{
    struct queue *queue = ticket->seat->queue;

    list_push(&queue->kept, &ticket->link);
    ticket->flow->server->kept[ticket->priority][ticket->rule]++;
    queue->ready[ticket->priority] += ticket->rule == GOVERNOR_WRITE_RATE ? 1 : 0;
    queue->kept_count++;
}

/* It leaves, into the line or for good. */
void rules_unkeep(struct governor_ticket *ticket)
{
    struct queue *queue = ticket->seat->queue;

    list_remove(&ticket->link);
    ticket->flow->server->kept[ticket->priority][ticket->rule]--;
    queue->ready[ticket->priority] -= ticket->rule == GOVERNOR_WRITE_RATE ? 1 : 0;
    queue->kept_count--;
    ticket->rule = GOVERNOR_SLOT;
}

static bool some_ready(const struct queue *queue, bool waits[GOVERNOR_PRIORITIES])
{
    bool some = false;

    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        waits[i] = queue->ready[i] > 0;
        some = some || waits[i];
    }
    return some;
}

/* The next of those that wait for nothing but a token; there is one. */
static struct governor_ticket *next_ready(struct queue *queue,
                                          const bool waits[GOVERNOR_PRIORITIES])
{
    int priority = class_first(queue->credit, waits);

    class_charge(queue->credit, waits, priority);
    LIST_FOREACH (node, &queue->kept) {
        struct governor_ticket *ticket = LIST_ENTRY(node, struct governor_ticket, link);
        if (ticket->rule == GOVERNOR_WRITE_RATE && (int)ticket->priority == priority) {
            return ticket;
        }
    }
    REQUIRE(false);
    return NULL;
}

/* Lets into the line whom the tokens allow. A dispatch that includes the lane's gate follows. */
void rules_pass(struct governor *governor, struct governor_seat *seat)
{
    bool waits[GOVERNOR_PRIORITIES];

    while (seat->queue != NULL && some_ready(seat->queue, waits) &&
           bucket_wait_us(&seat->writes, seat->queue->writes, governor->at_us) == 0) {
        struct governor_ticket *ticket = next_ready(seat->queue, waits);
        rules_unkeep(ticket);
        queue_line_up(governor, ticket);
        lane_changed(governor, seat->lane); /* it shows who waits for what */
        seat_reorder(governor, seat);
    }
    rules_pace(governor, seat);
}

/* After documents, tokens or room of the account may have come free. */
void seat_settle(struct governor *governor, struct governor_seat *seat)
{
    rules_pass(governor, seat);
    seat_offer(governor, seat);
    gates_dispatch(governor, (struct gate *const[]){&seat->lane->gate}, 1);
}

/* ---- Time ---- */

/* When the account's next token lets somebody go who waits for one; INT64_MAX: nobody does. */
static int64_t next_wake_us(const struct governor *governor,
                            const struct governor_seat *seat)
{
    const struct queue *queue = seat->queue;
    int64_t calls_us = bucket_wait_us(&seat->calls, 0, governor->at_us);
    int64_t writes_us = bucket_wait_us(&seat->writes, queue->writes, governor->at_us);
    bool waits[GOVERNOR_PRIORITIES];
    int64_t wait_us = INT64_MAX;

    if (seat->queued > queue->kept_count && calls_us > 0) {
        wait_us = calls_us;
    }
    /* Where every token is spoken for, none comes back until one of those in line has gone. */
    if (some_ready(queue, waits) && queue->writes < (int)seat->writes.burst &&
        writes_us < wait_us) {
        wait_us = writes_us;
    }
    return wait_us < INT64_MAX - governor->at_us ? governor->at_us + wait_us
                                                 : INT64_MAX;
}

/* After anything that rules_pass or the account's bucket of calls decide by has changed. */
void rules_pace(struct governor *governor, struct governor_seat *seat)
{
    struct queue *queue = seat->queue;
    int64_t wake_us;

    if (queue == NULL) {
        return;
    }
    wake_us = next_wake_us(governor, seat);
    if (wake_us == queue->wake_us) {
        return;
    }
    if (queue->wake_us != INT64_MAX) {
        heap_remove(&governor->paced, &by_wake, queue);
    }
    queue->wake_us = wake_us;
    if (wake_us != INT64_MAX) {
        heap_push(&governor->paced, &by_wake, queue);
    }
}

/* The queue is about to be gone. */
void rules_forget(struct governor *governor, struct queue *queue)
{
    if (queue->wake_us != INT64_MAX) {
        heap_remove(&governor->paced, &by_wake, queue);
    }
}

/* Lends the account that a token lets go on first, or NULL; *at_us says when. */
struct governor_seat *rules_next(const struct governor *governor, int64_t *at_us)
{
    const struct queue *queue = heap_top(&governor->paced);

    *at_us = queue != NULL ? queue->wake_us : INT64_MAX;
    return queue != NULL ? queue->seat : NULL;
}

/* How long a call that is kept back by `rule` would wait here if it joined now. */
int64_t rules_estimate_us(const struct governor *governor,
                          const struct governor_seat *seat,
                          const struct governor_ticket *ticket, enum governor_rule rule)
{
    int64_t ahead = 0, same;
    int share = class_share((int)ticket->priority);

    if (rule == GOVERNOR_SLOT) {
        return 0;
    }
    if (rule == GOVERNOR_CALL_RATE) {
        return bucket_wait_us(&seat->calls, 0, governor->at_us);
    }
    if (rule == GOVERNOR_DOCUMENT) {
        ahead = 1;
        if (seat->queue != NULL) {
            LIST_FOREACH (node, &seat->queue->kept) {
                const struct governor_ticket *other =
                    LIST_ENTRY(node, struct governor_ticket, link);
                ahead += other->rule == GOVERNOR_DOCUMENT &&
                         other->document == ticket->document;
            }
        }
        return ahead * seat->lane->hold_us;
    }
    same = seat->queue != NULL ? seat->queue->ready[ticket->priority] : 0;
    for (int i = 0; seat->queue != NULL && i < (int)ticket->priority; i++) {
        ahead += seat->queue->ready[i];
    }
    ahead += same;
    if (share > 0 && ahead > (same + 1) * 100 / share) {
        ahead = (same + 1) * 100 / share;
    }
    return bucket_wait_us(&seat->writes, writes_in_line(seat) + ahead, governor->at_us);
}

/* Sets what the account may send. A ceiling of calls a minute is divided like any other one. */
void rules_set(const struct governor *governor, struct governor_seat *seat,
               const struct governor_account *account)
{
    const struct governor_pace *paces[] = {&account->calls, &account->writes};
    struct bucket *buckets[] = {&seat->calls, &seat->writes};

    for (int i = 0; i < 2; i++) {
        int64_t minute_us = INT64_C(60000000) * governor->shares;
        int64_t per_minute = paces[i]->per_minute;
        int burst = governor_part(governor, paces[i]->burst);
        REQUIRE(per_minute >= 0 && per_minute <= GOVERNOR_PACE_MAX &&
                (per_minute == 0 || paces[i]->burst >= 1));
        bucket_set(buckets[i],
                   per_minute > 0 ? (minute_us + per_minute - 1) / per_minute : 0,
                   (uint32_t)(burst > 1 ? burst : 1), governor->at_us);
    }
}
