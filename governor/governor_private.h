/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the records that the files of governor/ share; nobody else includes this.
 * Owns: see each record.
 * Threads: one loop owns a governor.  Errors: none; a broken rule aborts.
 * Start reading at: struct gate.
 */
#ifndef SLUICE_GOVERNOR_GOVERNOR_PRIVATE_H
#define SLUICE_GOVERNOR_GOVERNOR_PRIVATE_H

#include <limits.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/number.h"
#include "base/require.h"
#include "base/slab.h"
#include "governor/bucket.h"
#include "governor/governor.h"
#include "governor/heap.h"
#include "governor/tree.h"

#define GATE_UNLIMITED INT_MAX
/* How long a call waits for a slot to be lent, whatever its account says of the line. */
#define LEND_WAIT_US INT64_C(1000000)
/* How soon to ask again where nobody knows when it opens: an operator has closed the lane, or who
 * lends is away. */
#define CLOSED_US INT64_C(30000000)
/* An upstream's Retry-After is honoured up to here: it may not close a lane for good.
 */
#define RETRY_AFTER_MAX_US INT64_C(3600000000)

struct seat_counts {
    uint64_t granted, refused_upstream, refused_full, refused_late, expired;
};

/* A class that waits gets at least this part of what its gate lets through, in percent, whoever
 * stands before it; nobody stands before the first. What they leave of 100 is the most that
 * critical calls have beside all others. */
static inline int class_share(int priority)
{
    static const int shares[GOVERNOR_PRIORITIES] = {
        [GOVERNOR_INTERACTIVE] = 25, [GOVERNOR_BATCH] = 10};

    return shares[priority];
}

/* How many calls wait in a place, and the weights of the flows they are in, by class. */
struct load {
    int queued[GOVERNOR_PRIORITIES];
    int64_t weights[GOVERNOR_PRIORITIES];
};

/* Who waits at a gate; there is none while nobody does. */
struct crowd {
    struct load load;
    /* Stands whose next call this gate keeps back, first one on top. */
    struct heap parked[GOVERNOR_PRIORITIES];
    int credit[GOVERNOR_PRIORITIES]; /* percent of a turn, gathered while passed over */
};

struct reservation {
    char server[GOVERNOR_SERVER_BYTES];
    size_t server_bytes; /* 0: it is the class's */
    int priority;
    int slots;      /* as it was set */
    int kept, used; /* now */
};

/* What is kept of a lane (reserve.c). */
struct reserve {
    struct lane *lane;
    int shares; /* processes that share the lane */
    size_t count;
    struct reservation all[GOVERNOR_RESERVATIONS_MAX];
};

/* One ceiling that several accounts meet: a lane's or a tenant's. */
struct gate {
    struct crowd *crowd;     /* NULL: nobody waits */
    struct reserve *reserve; /* of a lane; NULL: all is open to all */
    int ceiling;             /* what holds now */
    int lent;                /* GATE_UNLIMITED where nobody lends */
    int in_flight, queued;
    uint16_t probe_ceiling; /* for the one call that is due as a probe; 0: none is */
    bool paused;
    bool is_noted; /* a lane's: among those that have changed */
};

static inline bool gate_is_open(const struct gate *gate)
{
    return !gate->paused && gate->in_flight < gate->lent &&
           (gate->in_flight < gate->ceiling || gate->in_flight < gate->probe_ceiling);
}

static inline bool gate_is_unused(const struct gate *gate)
{
    return gate->in_flight == 0 && gate->queued == 0 && gate->crowd == NULL;
}

enum throttle_phase {
    THROTTLE_PAUSED,  /* silent until `until_us` */
    THROTTLE_PROBING, /* the next call is a probe */
    THROTTLE_PROBED,  /* it is out: nobody else, until it is answered or `until_us` */
    THROTTLE_OPEN     /* up to `limit`, which rises */
};

/* What a lane has learned from refusals of its upstream; there is none while its ceiling
 * holds. See throttle.c. */
struct throttle {
    enum throttle_phase phase;
    int limit;           /* instead of the ceiling */
    int refused;         /* calls at once that were refused lately; 0: none */
    int refusals;        /* steps of the back-off; 0: none running */
    uint64_t refused_at; /* sequence of the last refusal that counted as a step */
    uint64_t probe;      /* order of the call that is out as a probe */
    int64_t probe_us;    /* a probe that is out so long was not refused */
    int64_t until_us;    /* of the phase; INT64_MAX: until something happens */
    int64_t forget_us;   /* when `refused` may be tried again */
    int64_t since_us;    /* last time the limit was lowered */
    size_t index;        /* in governor->throttled */
    bool is_slow;        /* what lowered it last was no refusal but latency */
};

#define PACE_KINDS 8
#define PACE_CALLS 16

/* What answered calls of one kind took, in groups; see pace.c. */
struct pace_kind {
    uint32_t kind;
    int count;
    uint32_t us[PACE_CALLS];
    uint32_t floor_us[2]; /* least mean of this half window and the last; 0: none */
    uint64_t sum_us;      /* of the medians of so many groups, for the next mean */
    int groups;
    int64_t half_since_us, used_us;
};

/* How long a lane's answers take against the shortest they took. */
struct pace {
    struct pace_kind kinds[PACE_KINDS];
    int slow,
        fair;  /* groups in a row that were slow, or not, since the limit was changed */
    int ratio; /* the sum of the slow ones', in percent of the floor */
    int peak;  /* most calls under way at their ends */
    int last_ratio; /* at which the limit was lowered, while that is a trial; else 0 */
    /* When the limit was: what was asked before says nothing of it. */
    int64_t changed_us;
    int64_t rests_until_us; /* nothing is judged before */
    int64_t news_us;        /* when that was, or a group was whole */
};

#define WAITS_KEPT 256

/* How long the last granted calls had waited, a ring; and what else a lane keeps once it is used. */
struct waits {
    struct pace *pace; /* NULL: nobody looks, or no call was answered yet */
    uint32_t next, count;
    uint32_t us[WAITS_KEPT];
};

/* Of a lane whose slots are lent (lend.c). */
struct loan {
    struct list demand; /* in *demands */
    struct list *demands;
    struct lane *lane;
    int others; /* slots in use elsewhere, as far as is known */
};

struct lane {
    struct tree_node node; /* first, so that a node is its lane */
    struct gate gate;
    struct loan *loan; /* NULL: its slots are its own */
    struct list seats;
    struct throttle *throttle; /* NULL: nothing was refused lately */
    struct waits *waits;       /* NULL: no call has waited yet */
    struct seat_counts *gone;  /* of accounts that left the lane; NULL: none did */
    enum governor_lane_mode mode;
    int operator_ceiling; /* 0: none */
    int operator_share;   /* of that */
    int default_ceiling;  /* highest among the accounts that are not removed */
    int64_t hold_us;      /* moving average: how long an answered call keeps a slot */
    char id[];
};

struct tenant {
    struct tree_node node; /* first, so that a node is its tenant */
    struct gate gate;      /* ceiling GATE_UNLIMITED: the operator gave none */
    struct list seats;
    char id[];
};

/* The calls of one MCP server in one class that wait for a slot: a place in the round robin. */
struct governor_flow {
    struct list tickets; /* oldest first */
    struct server *server;
    enum governor_priority priority;
    int count;
    uint64_t turn; /* least goes first */
    int left;      /* calls it may send before it goes to the end of the round */
    size_t index;
};

/* An MCP server while calls of it wait. */
struct server {
    struct tree_node node; /* first, so that a node is its server */
    struct queue *queue;
    int weight, count; /* count: also of those that are kept back */
    size_t index;      /* in queue->longest */
    struct governor_flow flows[GOVERNOR_PRIORITIES];
    int kept[GOVERNOR_PRIORITIES][GOVERNOR_RULES];
    char id[];
};

/* The waiting calls of an account in one class; what a gate sees of them. */
struct stand {
    struct queue *queue;
    struct heap flows;
    bool is_parked;
    size_t index;
};

/* The waiting calls of an account; there is none while nobody waits. */
struct queue {
    struct governor_seat *seat;
    struct load load; /* without those that are kept back */
    struct tree servers;
    struct heap longest; /* the same servers, the one with most calls on top */
    struct stand stands[GOVERNOR_PRIORITIES];
    struct gate *parked_at; /* NULL: no call of it could go now anyway */
    /* Writes that are not in the line for a slot yet (rules.c), oldest first. */
    struct list kept;
    int kept_count;
    int ready[GOVERNOR_PRIORITIES];  /* of those: that wait for nothing but a token */
    int credit[GOVERNOR_PRIORITIES]; /* as a gate's, for those */
    int writes; /* in the line for a slot: each has a token to come */
    /* When a token lets somebody go; INT64_MAX: nobody waits for one. */
    int64_t wake_us;
    size_t index; /* in governor->paced */
};

/* A document that a write of the account has: from when it stands in line for nothing but tokens
 * and a slot until the ERP has answered it. */
struct claim {
    struct list link;
    uint64_t document;
};

/* An account in its lane. */
struct governor_seat {
    struct list in_lane, in_tenant;
    struct lane *lane;
    struct tenant *tenant;
    struct queue *queue; /* NULL: nobody waits */
    int64_t queue_wait_us;
    int ceiling; /* 1 until joined, and on trial */
    int usual;   /* the whole of it, of which `ceiling` is this governor's share */
    int in_flight, queued, queue_limit;
    int held; /* of in_flight: the connection was lost, the work may go on */
    bool removed;
    struct bucket calls, writes;
    struct list claims;
    struct list running;       /* tickets with a slot */
    uint8_t pace_factor;       /* 0: nobody looks how long its answers take */
    struct seat_counts counts; /* in this lane */
    size_t id_bytes;
    char id[];
};

/* A slot that nobody waits for any more but the upstream may still work on. */
struct hold {
    struct list link;
    struct governor_seat *seat;
    struct claim *claim; /* of the write that was lost, or NULL */
    int64_t until_us;
};

struct governor {
    struct governor_options options;
    int share, shares;
    struct slab *records; /* lanes, tenants, seats: as many as there are accounts */
    struct map *seats;    /* by account id */
    struct tree lanes, tenants;
    struct heap deadlines;   /* waiting tickets */
    struct heap throttled;   /* lanes with a throttle */
    struct heap paced;       /* queues in which somebody waits for a token */
    struct list holds;       /* ending soonest first: all last equally long */
    struct list decided;     /* tickets for governor_next */
    struct list demands;     /* lanes for governor_next_demand */
    char *told;              /* id of the last one it told of */
    int64_t unlent_until_us; /* until then nobody lends anything */
    uint64_t sequence;       /* of arrivals, grants and refusals, over all lanes */
    uint64_t random;
    int64_t now_us;
    bool is_watched, has_lost_changes;
    struct buf changed; /* names of lanes, each with its length before it */
    size_t changed_count;
    /* now_us, or while past events are gone through the time of the one that is: a token counts
     * from then on, as the event that brings it comes then. */
    int64_t at_us;
};

/* governor.c */
void *governor_alloc(size_t bytes); /* zeroed; aborts */
uint64_t governor_random(struct governor *governor);
/* What this governor may grant of the ceiling of an account or lane: its part, unless who lends
 * slots sees to it that all governors together keep it. */
int governor_share(const struct governor *governor, int ceiling);
int governor_part(const struct governor *governor, int ceiling);
void governor_decide(struct governor *governor, struct governor_ticket *ticket,
                     enum governor_decision decision);
void governor_send_off(struct governor *governor, struct governor_ticket *ticket,
                       enum governor_decision decision);

/* queue.c: the waiting calls of one account */
struct governor_ticket *queue_some(const struct governor_seat *seat,
                                   struct slice server);
uint64_t stand_turn(const struct stand *stand);
struct governor_flow *queue_flow(const struct governor_seat *seat, struct slice server,
                                 enum governor_priority priority);
/* The server's weight is that of its newest call, at once. */
void queue_weigh(struct governor_seat *seat, const struct governor_call *call);
void queue_join(struct governor *governor, struct governor_ticket *ticket, int weight);
void queue_line_up(struct governor *governor, struct governor_ticket *ticket);
void queue_leave(struct governor *governor, struct governor_ticket *ticket);
struct governor_ticket *queue_surplus(const struct governor_seat *seat,
                                      struct slice server);
void queue_took_turn(struct governor *governor, struct governor_flow *flow);
void gate_join(struct gate *gate, const struct load *load);
void gate_leave(struct gate *gate, const struct load *load);
struct governor_ticket *queue_next_deadline(const struct governor *governor);

/* gate.c: where seats are parked, who is let through */
void seat_take(struct governor *governor, struct governor_seat *seat,
               struct governor_ticket *ticket);
void seat_give(struct governor_seat *seat, struct governor_ticket *ticket);
void seat_unpark(struct governor_seat *seat);
bool seat_has_room(const struct governor *governor, const struct governor_seat *seat,
                   const struct governor_ticket *ticket);
void seat_park(struct governor *governor, struct governor_seat *seat);
void seat_offer(struct governor *governor, struct governor_seat *seat);
void seat_reorder(struct governor *governor, struct governor_seat *seat);
int class_first(const int credit[GOVERNOR_PRIORITIES],
                const bool waits[GOVERNOR_PRIORITIES]);
void class_charge(int credit[GOVERNOR_PRIORITIES],
                  const bool waits[GOVERNOR_PRIORITIES], int priority);
bool seat_stands_ready(struct governor *governor, struct governor_seat *seat);
void seat_grant(struct governor *governor, struct governor_flow *flow);
void gates_dispatch(struct governor *governor, struct gate *const gates[],
                    size_t count);

/* view.c */
int64_t seat_estimate_us(const struct governor *governor,
                         const struct governor_seat *seat,
                         const struct governor_call *call);

/* lane.c */
struct lane *lane_find(const struct governor *governor, struct slice id);
struct lane *lane_get(struct governor *governor, struct slice id);
void lane_reap(struct governor *governor, struct lane *lane);
int lane_ceiling(const struct lane *lane);
void lane_ceiling_add(struct lane *lane, int ceiling);
void lane_ceiling_drop(struct lane *lane, int ceiling);
void lane_settle(struct lane *lane);
void lane_measure(struct lane *lane, int64_t hold_us);
void lane_waited(struct lane *lane, int64_t wait_us);
struct waits *lane_past(struct lane *lane);
static inline struct pace *lane_pace(const struct lane *lane)
{
    return lane->waits != NULL ? lane->waits->pace : NULL;
}

/* pace.c: a lane whose upstream answers more slowly */
void pace_answered(struct governor *governor, const struct governor_seat *seat,
                   const struct governor_ticket *ticket);
bool pace_may_rise(struct governor *governor, struct lane *lane);

/* watch.c: the lane is shown otherwise than before; before it is freed, too */
void lane_note(struct governor *governor, struct lane *lane);
static inline void lane_changed(struct governor *governor, struct lane *lane)
{
    if (governor->is_watched && !lane->gate.is_noted) {
        lane_note(governor, lane);
    }
}

/* rules.c: what a write waits for beside a slot */
enum governor_rule rules_check(const struct governor *governor,
                               const struct governor_seat *seat,
                               const struct governor_ticket *ticket);
void rules_enter(struct governor_seat *seat, struct governor_ticket *ticket,
                 enum governor_rule rule);
void rules_keep(struct governor_ticket *ticket);
void rules_unkeep(struct governor_ticket *ticket);
void rules_pass(struct governor *governor, struct governor_seat *seat);
void seat_settle(struct governor *governor, struct governor_seat *seat);
void rules_pace(struct governor *governor, struct governor_seat *seat);
void rules_forget(struct governor *governor, struct queue *queue);
struct governor_seat *rules_next(const struct governor *governor, int64_t *at_us);
int64_t rules_estimate_us(const struct governor *governor,
                          const struct governor_seat *seat,
                          const struct governor_ticket *ticket,
                          enum governor_rule rule);
void rules_set(const struct governor *governor, struct governor_seat *seat,
               const struct governor_account *account);
void claim_drop(struct governor_seat *seat, struct claim *claim);

/* reserve.c: slots that a lane keeps for some */
bool gate_admits(const struct gate *gate, struct slice server, int priority);
bool reserve_admits(const struct gate *gate, struct slice server, int priority);
int gate_ceiling_for(const struct gate *gate, struct slice server, int priority);
int gate_open_slots(const struct gate *gate);
void reserve_count(struct lane *lane, const struct governor_ticket *ticket, int more);
void reserve_count_all(struct lane *lane, const struct governor_seat *seat, int more);
void reserve_settle(struct lane *lane);
void reserve_dispatch(struct governor *governor, struct lane *lane);
int reserve_wanted(const struct lane *lane);

/* throttle.c: a lane whose upstream has refused */
void throttle_free(struct governor *governor, struct lane *lane);
void throttle_refused(struct governor *governor, struct lane *lane,
                      const struct governor_ticket *ticket, int64_t retry_after_us);
void throttle_ended(struct governor *governor, struct lane *lane,
                    const struct governor_ticket *ticket,
                    enum governor_outcome outcome);
void throttle_took(struct governor *governor, struct lane *lane,
                   const struct governor_ticket *ticket);
void throttle_slowed(struct governor *governor, struct lane *lane, int level);
void throttle_due(struct governor *governor, struct lane *lane);
bool throttle_is_shut(const struct throttle *throttle);
struct lane *throttle_next(const struct governor *governor);

/* lend.c */
void lane_touch(struct lane *lane);
void loan_new(struct lane *lane, struct list *demands);
void loan_free(struct lane *lane);
bool loan_is_untold(const struct lane *lane);
int lane_others(const struct lane *lane);
int lane_under_way(const struct lane *lane);
int64_t loan_wait_us(const struct governor *governor, const struct governor_seat *seat,
                     const struct governor_ticket *ticket);
bool loan_line_is_full(const struct governor *governor,
                       const struct governor_seat *seat,
                       const struct governor_ticket *ticket);
int64_t lane_unlent_us(const struct governor *governor, const struct lane *lane);

/* account.c */
struct governor_seat *seat_find(const struct governor *governor, struct slice id);
void seat_reap(struct governor *governor, struct governor_seat *seat);
int seat_turn_away(struct governor *governor, struct governor_seat *seat,
                   struct slice server, enum governor_decision decision);
void seats_free(struct governor *governor);
struct tenant *tenant_find(const struct governor *governor, struct slice id);

#endif
