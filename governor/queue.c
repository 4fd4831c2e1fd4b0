/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting calls of one account: two lines, interactive before batch, FIFO within.
 * Every waiting ticket is also on the governor's heap of deadlines.
 */
#include "governor/governor_private.h"

static bool ticket_before(const void *a, const void *b)
{
    const struct governor_ticket *one = a, *other = b;

    if (one->deadline_us != other->deadline_us) {
        return one->deadline_us < other->deadline_us;
    }
    return one->order < other->order;
}

static size_t *ticket_at(void *item)
{
    struct governor_ticket *ticket = item;
    return &ticket->heap_at;
}

static const struct heap_kind by_deadline = {ticket_before, ticket_at};

struct governor_ticket *queue_head(const struct governor_seat *seat)
{
    const struct list *line = &seat->waiting[GOVERNOR_INTERACTIVE];

    if (list_empty(line)) {
        line = &seat->waiting[GOVERNOR_BATCH];
    }
    return list_empty(line) ? NULL
                            : LIST_ENTRY(line->next, struct governor_ticket, link);
}

void queue_join(struct governor *governor, struct governor_seat *seat,
                struct governor_ticket *ticket)
{
    int64_t left = INT64_MAX - governor->now_us;

    ticket->decision = GOVERNOR_WAITING;
    ticket->order = ++governor->sequence;
    ticket->deadline_us =
        governor->now_us + (seat->queue_wait_us < left ? seat->queue_wait_us : left);
    list_push(&seat->waiting[ticket->priority], &ticket->link);
    heap_push(&governor->deadlines, &by_deadline, ticket);
    seat->queued++;
    seat->lane->gate.queued++;
    seat->tenant->gate.queued++;
}

void queue_leave(struct governor *governor, struct governor_ticket *ticket)
{
    struct governor_seat *seat = ticket->seat;

    REQUIRE(ticket->decision == GOVERNOR_WAITING);
    list_remove(&ticket->link);
    heap_remove(&governor->deadlines, &by_deadline, ticket);
    seat->queued--;
    seat->lane->gate.queued--;
    seat->tenant->gate.queued--;
    seat_reorder(seat);
}

struct governor_ticket *queue_next_deadline(const struct governor *governor)
{
    return heap_top(&governor->deadlines);
}
