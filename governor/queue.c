/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting calls of one account: by class, and in a class by MCP server. A server's
 * calls of a class are a flow, first come first in it.
 *
 * Flows take turns (deficit round robin, each call costs one): a flow stands in the
 * round by the number it drew when its turn began, keeps it for as many calls as its
 * weight, then draws a new one, which puts it behind all others. Numbers are drawn from
 * one sequence, so that flows of different accounts and lanes compare. A flow that is
 * kept back by a ceiling keeps its number: it comes first when it may go again, for what
 * is left of one turn, and gathers no more. One that runs empty loses its place.
 *
 * A write that waits for something else than a slot is kept back (rules.c): it counts as one of
 * the server's calls, but is in no flow yet.
 *
 * Every waiting ticket is also on the governor's heap of deadlines.
 */
#include "governor/governor_private.h"

#include <stdlib.h>

static struct governor_ticket *ticket_of(struct list *link)
{
    return LIST_ENTRY(link, struct governor_ticket, link);
}

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

static bool flow_before(const void *a, const void *b)
{
    const struct governor_flow *one = a, *other = b;
    return one->turn < other->turn;
}

static size_t *flow_at(void *item)
{
    struct governor_flow *flow = item;
    return &flow->index;
}

static const struct heap_kind by_turn = {flow_before, flow_at};

static bool longer(const void *a, const void *b)
{
    const struct server *one = a, *other = b;
    return one->count > other->count;
}

static size_t *longest_at(void *item)
{
    struct server *server = item;
    return &server->index;
}

static const struct heap_kind by_length = {longer, longest_at};

uint64_t stand_turn(const struct stand *stand)
{
    const struct governor_flow *flow = heap_top(&stand->flows);

    REQUIRE(flow != NULL);
    return flow->turn;
}

/* Some waiting call of that MCP server, or of all (empty); NULL: none. */
struct governor_ticket *queue_some(const struct governor_seat *seat,
                                   struct slice server)
{
    for (int i = 0; seat->queue != NULL && i < GOVERNOR_PRIORITIES; i++) {
        const struct governor_flow *flow =
            server.len > 0 ? queue_flow(seat, server, (enum governor_priority)i)
                           : heap_top(&seat->queue->stands[i].flows);
        if (flow != NULL) {
            return ticket_of(flow->tickets.next);
        }
    }
    if (seat->queue == NULL) {
        return NULL;
    }
    LIST_FOREACH (node, &seat->queue->kept) {
        if (server.len == 0 || slice_eq(ticket_of(node)->server, server)) {
            return ticket_of(node);
        }
    }
    return NULL;
}

static struct queue *queue_get(struct governor_seat *seat)
{
    struct queue *queue = seat->queue;

    if (queue != NULL) {
        return queue;
    }
    queue = governor_alloc(sizeof(*queue));
    queue->seat = seat;
    queue->wake_us = INT64_MAX;
    list_init(&queue->kept);
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        queue->stands[i].queue = queue;
    }
    return seat->queue = queue;
}

static struct server *server_get(struct governor *governor, struct queue *queue,
                                 struct slice id, int weight)
{
    struct server *server = (struct server *)(void *)tree_find(&queue->servers, id);

    if (server != NULL) {
        return server;
    }
    REQUIRE(id.len <= UINT32_MAX);
    server = governor_alloc(sizeof(*server) + id.len);
    memcpy(server->id, id.ptr, id.len);
    server->node.id = server->id;
    server->node.id_bytes = (uint32_t)id.len;
    server->node.weight = (uint32_t)(governor_random(governor) >> 32);
    server->queue = queue;
    server->weight = weight;
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        list_init(&server->flows[i].tickets);
        server->flows[i].server = server;
        server->flows[i].priority = (enum governor_priority)i;
    }
    tree_insert(&queue->servers, &server->node);
    heap_push(&queue->longest, &by_length, server);
    return server;
}

/* Lends the server's flow of that class while calls wait for a slot in it, or NULL. */
struct governor_flow *queue_flow(const struct governor_seat *seat, struct slice server,
                                 enum governor_priority priority)
{
    struct server *found;

    if (seat->queue == NULL) {
        return NULL;
    }
    found = (struct server *)(void *)tree_find(&seat->queue->servers, server);
    return found != NULL && found->flows[priority].count > 0 ? &found->flows[priority]
                                                             : NULL;
}

static void load_add(struct load *load, const struct load *more, int sign)
{
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        load->queued[i] += sign * more->queued[i];
        load->weights[i] += sign * more->weights[i];
    }
}

static int load_queued(const struct load *load)
{
    int queued = 0;

    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        queued += load->queued[i];
    }
    return queued;
}

void gate_join(struct gate *gate, const struct load *load)
{
    if (gate->crowd == NULL) {
        gate->crowd = governor_alloc(sizeof(*gate->crowd));
    }
    load_add(&gate->crowd->load, load, 1);
    gate->queued += load_queued(load);
}

void queue_weigh(struct governor_seat *seat, const struct governor_call *call)
{
    struct load more = {0};
    struct server *server = NULL;
    bool in_line =
        false; /* some call of it; one that is kept back has no part of a load */

    if (seat->queue != NULL) {
        server =
            (struct server *)(void *)tree_find(&seat->queue->servers, call->server);
    }
    if (server == NULL || server->weight == call->weight) {
        return;
    }
    for (int i = 0; i < GOVERNOR_PRIORITIES; i++) {
        if (server->flows[i].count > 0) {
            more.weights[i] = call->weight - server->weight;
            in_line = true;
        }
    }
    if (in_line) {
        load_add(&seat->queue->load, &more, 1);
        load_add(&seat->lane->gate.crowd->load, &more, 1);
        load_add(&seat->tenant->gate.crowd->load, &more, 1);
    }
    server->weight = call->weight;
}

/* Whoever leaves is parked here no longer. */
void gate_leave(struct gate *gate, const struct load *load)
{
    load_add(&gate->crowd->load, load, -1);
    gate->queued -= load_queued(load);
    if (gate->queued == 0) {
        free(gate->crowd);
        gate->crowd = NULL;
    }
}

/* One call more or less in `flow`; `weight`: the flow's, where it came or went with it. */
static struct load one_call(const struct governor_flow *flow, int weight)
{
    struct load load = {0};

    load.queued[flow->priority] = 1;
    load.weights[flow->priority] = weight;
    return load;
}

static void begin_turn(struct governor *governor, struct governor_flow *flow)
{
    flow->turn = ++governor->sequence;
    flow->left = flow->server->weight;
}

/* In the order in which they came, though some were kept back meanwhile. */
static void insert_ticket(struct governor_flow *flow, struct governor_ticket *ticket)
{
    struct list *after = flow->tickets.prev;

    while (after != &flow->tickets && ticket_of(after)->order > ticket->order) {
        after = after->prev;
    }
    list_push(after->next, &ticket->link); /* before the next */
}

/* A call that waits gets into the line for a slot. */
void queue_line_up(struct governor *governor, struct governor_ticket *ticket)
{
    struct governor_seat *seat = ticket->seat;
    struct governor_flow *flow = ticket->flow;
    struct load load = one_call(flow, flow->count == 0 ? flow->server->weight : 0);

    if (flow->count == 0) {
        begin_turn(governor, flow);
        heap_push(&seat->queue->stands[flow->priority].flows, &by_turn, flow);
    }
    insert_ticket(flow, ticket);
    flow->count++;
    seat->queue->writes += ticket->is_write ? 1 : 0;
    load_add(&seat->queue->load, &load, 1);
    gate_join(&seat->lane->gate, &load);
    gate_join(&seat->tenant->gate, &load);
    lane_touch(seat->lane);
}

/* A call of the account begins to wait, by its rule in the line for a slot or kept back. */
void queue_join(struct governor *governor, struct governor_ticket *ticket, int weight)
{
    struct governor_seat *seat = ticket->seat;
    int64_t left = INT64_MAX - governor->now_us;
    struct queue *queue = queue_get(seat);
    struct server *server = server_get(governor, queue, ticket->server, weight);
    int64_t wait_us = loan_wait_us(governor, seat, ticket);

    ticket->decision = GOVERNOR_WAITING;
    ticket->order = ++governor->sequence;
    ticket->deadline_us = governor->now_us + (wait_us < left ? wait_us : left);
    ticket->flow = &server->flows[ticket->priority];
    heap_push(&governor->deadlines, &by_deadline, ticket);
    server->count++;
    heap_fix(&queue->longest, &by_length, server);
    seat->queued++;
    if (ticket->rule == GOVERNOR_SLOT) {
        queue_line_up(governor, ticket);
    } else {
        rules_keep(ticket);
    }
}

/* What nothing waits in any more is gone. */
static void queue_reap(struct governor *governor, struct governor_seat *seat,
                       struct server *server)
{
    struct queue *queue = seat->queue;

    if (server->count == 0) {
        tree_remove(&queue->servers, &server->node);
        heap_remove(&queue->longest, &by_length, server);
        free(server);
    }
    if (seat->queued == 0) {
        REQUIRE(queue->parked_at == NULL && queue->servers.root == NULL);
        rules_forget(governor, queue);
        free(queue);
        seat->queue = NULL;
    }
}

static void leave_line(struct governor *governor, struct governor_ticket *ticket)
{
    struct governor_seat *seat = ticket->seat;
    struct governor_flow *flow = ticket->flow;
    struct load load = one_call(flow, flow->count == 1 ? flow->server->weight : 0);

    list_remove(&ticket->link);
    flow->count--;
    if (flow->count == 0) {
        heap_remove(&seat->queue->stands[flow->priority].flows, &by_turn, flow);
    }
    seat->queue->writes -= ticket->is_write ? 1 : 0;
    seat_reorder(governor, seat);
    load_add(&seat->queue->load, &load, -1);
    gate_leave(&seat->lane->gate, &load);
    gate_leave(&seat->tenant->gate, &load);
    lane_touch(seat->lane);
}

/* It waits no longer, wherever it did. */
void queue_leave(struct governor *governor, struct governor_ticket *ticket)
{
    struct governor_seat *seat = ticket->seat;
    struct server *server = ticket->flow->server;

    REQUIRE(ticket->decision == GOVERNOR_WAITING);
    lane_changed(governor, seat->lane);
    heap_remove(&governor->deadlines, &by_deadline, ticket);
    seat->queued--;
    if (ticket->rule == GOVERNOR_SLOT) {
        leave_line(governor, ticket);
    } else {
        rules_unkeep(ticket);
    }
    ticket->flow = NULL;
    server->count--;
    heap_fix(&seat->queue->longest, &by_length, server);
    queue_reap(governor, seat, server);
    rules_pace(governor, seat);
}

/* Lends the server's last call of that class, or NULL. */
static struct governor_ticket *last_of(const struct server *server, int priority)
{
    const struct governor_flow *flow = &server->flows[priority];
    struct list *kept = &server->queue->kept;
    struct governor_ticket *last =
        flow->count > 0 ? ticket_of(flow->tickets.prev) : NULL;

    for (struct list *node = kept->prev; node != kept; node = node->prev) {
        if (ticket_of(node)->flow == flow) {
            return last != NULL && last->order > ticket_of(node)->order
                       ? last
                       : ticket_of(node);
        }
    }
    return last;
}

/*
 * Lends the call that has to make room when the account's queue is full and `server` asks:
 * the last of the server with most calls in it, of its last class, as long as that leaves
 * it no fewer than `server` will have. NULL: none.
 */
struct governor_ticket *queue_surplus(const struct governor_seat *seat,
                                      struct slice server)
{
    const struct server *most, *own;
    struct governor_ticket *last = NULL;

    if (seat->queue == NULL) {
        return NULL;
    }
    most = heap_top(&seat->queue->longest);
    own = (const struct server *)(const void *)tree_find(&seat->queue->servers, server);
    if (most == NULL || most->count - 1 < (own != NULL ? own->count : 0) + 1) {
        return NULL;
    }
    for (int i = GOVERNOR_PRIORITIES - 1; last == NULL; i--) {
        last = last_of(most, i);
    }
    return last;
}

/* One call of the flow is about to go. */
void queue_took_turn(struct governor *governor, struct governor_flow *flow)
{
    flow->left--;
    if (flow->left == 0) {
        begin_turn(governor, flow);
        heap_fix(&flow->server->queue->stands[flow->priority].flows, &by_turn, flow);
    }
}

struct governor_ticket *queue_next_deadline(const struct governor *governor)
{
    return heap_top(&governor->deadlines);
}
